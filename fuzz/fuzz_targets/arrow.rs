//! Any bytes as an Arrow file or stream: a table whose columns are as long as it says, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segmenta::table::{ReadOptions, panics_are_caught, read_bytes};
use std::sync::Once;

/// The decoders panic on some damaged files, which becomes an error: only other panics are findings.
static CAUGHT: Once = Once::new();

fuzz_target!(|data: &[u8]| {
    CAUGHT.call_once(|| {
        let finding = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panics_are_caught() {
                finding(panic);
            }
        }));
    });
    let Some((choice, bytes)) = data.split_first() else { return };
    let options = ReadOptions {
        id: (choice & 1 != 0).then(|| "t".into()),
        text: if choice & 2 == 0 { Vec::new() } else { vec!["i".into()] },
        null: if choice & 4 == 0 { Vec::new() } else { vec!["a".into()] },
        skip_rows: usize::from(choice >> 6),
        max_memory: Some(1 << 28),
        ..ReadOptions::default()
    };
    if let Ok(table) = read_bytes("fuzz.arrow", bytes.to_vec(), &options) {
        assert!(table.rows > 0 && table.columns.iter().all(|c| c.values.len() == table.rows));
    }
});
