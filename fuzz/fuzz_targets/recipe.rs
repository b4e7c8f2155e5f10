//! Any text as a recipe, and what is one fitted to a small table: features of every kept row, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segmenta::analysis::Spec;
use segmenta::table::{ReadOptions, read_bytes};
use std::collections::BTreeMap;

const TABLE: &str = "id,age,pay,plan,when,active\n\
    1,20,1000,free,29/10/2018 16:05:09,true\n\
    2,30,2000,pro,30/10/2018 17:01:00,false\n\
    3,,3000,,31/10/2018 00:00:00,\n\
    4,50,,team,01/11/2018 12:00:00,true\n";

fuzz_target!(|text: &str| {
    let Ok(spec) = Spec::parse("fuzz.toml", text, &BTreeMap::new()) else { return };
    let Ok(mut table) = read_bytes("fuzz.csv", TABLE.into(), &ReadOptions::default()) else { return };
    if let Ok(fitting) = spec.recipe.fit(&mut table) {
        let rows = fitting.kept.as_ref().map_or(table.rows, Vec::len);
        if let Ok(encoded) = fitting.fitted.encoder.apply_to(&table, fitting.kept.as_deref()) {
            assert!(encoded.columns.iter().all(|c| c.len() == rows));
        }
    }
});
