//! Any bytes as a text table: a table whose columns are as long as it says, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segmenta::table::{ReadOptions, read_bytes};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let options = ReadOptions {
        delimiter: [None, Some(b','), Some(b'\t'), Some(b'|')][usize::from(choice % 4)],
        null: if choice & 4 == 0 { Vec::new() } else { vec!["?".into()] },
        keep_null: if choice & 4 == 0 { vec!["NA".into()] } else { Vec::new() },
        no_header: choice & 8 != 0,
        decimal: [None, Some(','), None, Some('.')][usize::from(choice >> 4 & 3)],
        skip_lines: (choice & 32 != 0).then_some(1),
        skip_rows: usize::from(choice >> 6),
        ..ReadOptions::default()
    };
    if let Ok(table) = read_bytes("fuzz.csv", bytes.to_vec(), &options) {
        assert!(table.columns.iter().all(|c| c.values.len() == table.rows));
    }
});
