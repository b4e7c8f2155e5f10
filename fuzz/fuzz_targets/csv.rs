//! Any bytes as a text table: a table whose columns are as long as it says, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segmenta::table::{ReadOptions, read_bytes};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let options = ReadOptions {
        delimiter: [None, Some(b','), Some(b'\t'), Some(b'|')][usize::from(choice % 4)],
        null: if choice & 4 == 0 { Vec::new() } else { vec!["?".into()] },
        skip_rows: usize::from(choice >> 6),
        ..ReadOptions::default()
    };
    if let Ok(table) = read_bytes("fuzz.csv", bytes.to_vec(), &options) {
        assert!(table.columns.iter().all(|c| c.values.len() == table.rows));
    }
});
