//! Any text as a model: one that writes itself as it was read and labels every row it keeps, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segmenta::backend::cpu::Cpu;
use segmenta::model::Model;
use segmenta::table::{ReadOptions, read_bytes};

const TABLE: &str = "id,age,pay,plan,when,active\n\
    1,20,1000,free,29/10/2018 16:05:09,true\n\
    2,30,2000,pro,30/10/2018 17:01:00,false\n\
    3,,3000,,31/10/2018 00:00:00,\n\
    4,50,,team,01/11/2018 12:00:00,true\n";

fuzz_target!(|text: &str| {
    let Ok(model) = Model::from_json(text) else { return };
    assert!(Model::from_json(&model.to_json()).is_ok_and(|again| again == model));
    let options = ReadOptions { text: model.text_columns(), ..ReadOptions::default() };
    let Ok(table) = read_bytes("fuzz.csv", TABLE.into(), &options) else { return };
    if let Ok(assigned) = model.assign(&table, &Cpu::default()) {
        assert_eq!(assigned.rows.len(), table.rows);
        let k = model.centroids.len();
        assert!(assigned.rows.iter().flatten().all(|row| (row.segment as usize) < k));
    }
    let _ = model.drift(&table, &Cpu::default());
});
