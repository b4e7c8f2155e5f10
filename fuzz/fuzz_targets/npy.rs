//! Any bytes as a NumPy array: a table whose columns are as long as it says, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segmenta::table::{ReadOptions, read_bytes};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let options = ReadOptions {
        id: (choice & 1 != 0).then(|| "f0".into()),
        skip_rows: usize::from(choice >> 6),
        max_memory: Some(1 << 28),
        ..ReadOptions::default()
    };
    if let Ok(table) = read_bytes("fuzz.npy", bytes.to_vec(), &options) {
        assert!(table.rows > 0 && table.columns.iter().all(|c| c.values.len() == table.rows));
    }
});
