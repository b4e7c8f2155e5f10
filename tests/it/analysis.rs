//! A whole analysis through the library: the same result as the program's, from a specification that survives JSON.

use crate::cases;
use segmenta::analysis::{
    Compute, Fit, Ks, Notice, Observer, Silent, Source, Spec, Sweep, Tendency, load, run,
};
use segmenta::cluster::{Method, Start};
use segmenta::progress::{Progress, ProgressUpdate};
use segmenta::synth::Example;
use segmenta::{Dataset, Error, Matrix};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Every specification that a recipe can make is plain data: JSON brings it back.
#[test]
fn a_specification_survives_json() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let mut specs = vec![Spec::default()];
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            specs.push(Spec::read(&path, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}")));
        }
    }
    assert!(specs.len() > 4);
    for spec in specs {
        let json = serde_json::to_string_pretty(&spec).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec, "{json}");
    }
}

#[test]
fn what_a_specification_leaves_out_is_the_default() {
    let spec: Spec = serde_json::from_str(r#"{"seed": 7, "sweep": {"k": [4, 2, 4]}}"#).unwrap();
    let sweep = Some(Sweep { k: Some("2,4".parse().unwrap()), n_init: None });
    assert_eq!(spec, Spec { seed: 7, sweep, ..Spec::default() });
    let recipe = Spec::parse("r.toml", "[input]\npath = \"t.csv\"\n", &BTreeMap::new()).unwrap();
    let mut expected = Spec::default();
    expected.input.path = Some("t.csv".into());
    expected.recipe.source = "r.toml".into();
    assert_eq!(recipe, expected, "a recipe without [analysis] is the default analysis");
    let unknown = serde_json::from_str::<Spec>(r#"{"sede": 7}"#).unwrap_err().to_string();
    assert!(unknown.contains("sede"), "{unknown}");
}

#[test]
fn lists_of_k_are_read_once_for_all() {
    let ks = |text: &str| text.parse::<Ks>().map(Vec::from);
    assert_eq!(ks("2..5"), Ok(vec![2, 3, 4, 5]));
    assert_eq!(ks(" 3 ..= 4"), Ok(vec![3, 4]));
    assert_eq!(ks("8,2,2"), Ok(vec![2, 8]));
    for wrong in ["", "0", "0..3", "5..2", "2..", "a", "1..20000", "2;3"] {
        assert!(ks(wrong).is_err(), "{wrong}");
    }
}

fn learners(k: usize) -> (Spec, Source) {
    let fit = Some(Fit { k: Some(k), silhouette: true, ..Fit::default() });
    let tendency = Some(Tendency { probes: Some(40) });
    (Spec { fit, tendency, seed: 3, ..Spec::default() }, Example::Learners.table(1_500, 1).into())
}

#[test]
fn an_outcome_has_all_that_a_writer_needs() {
    let (spec, table) = learners(4);
    let outcome = run(&spec, table, &Compute::default(), &Silent).unwrap();
    let segments = outcome.segments.as_ref().unwrap();
    assert_eq!((segments.len(), outcome.k), (4, Some(4)));
    assert!(segments.is_sorted_by(|a, b| a.size >= b.size), "numbered by size");
    let labelled = outcome.labelled.as_ref().unwrap();
    assert_eq!(labelled.rows.len(), 1_500);
    let mut sizes = vec![0u64; 4];
    labelled.rows.iter().flatten().for_each(|row| sizes[row.segment as usize] += 1);
    assert_eq!(Some(&sizes), outcome.sizes.as_ref());
    let model = outcome.model.as_ref().unwrap();
    assert_eq!((model.k(), model.method.name()), (4, "kmeans"));
    assert!(outcome.hopkins.is_some() && outcome.silhouette.is_some() && outcome.sweep.is_none());
    assert!(outcome.device.is_some() && outcome.seconds.total > 0.0);
    // The same again gives the same model, to the last byte.
    let (spec, table) = learners(4);
    let again = run(&spec, table, &Compute::default(), &Silent).unwrap();
    assert_eq!(again.model.unwrap().to_json(), model.to_json());
}

/// Counts what it hears, and stops after so many steps.
#[derive(Default)]
struct Watch {
    stop_after: Option<usize>,
    steps: AtomicUsize,
    heard: Mutex<Vec<String>>,
}

impl Observer for Watch {
    fn step(&self, _step: ProgressUpdate<'_>) -> bool {
        self.steps.fetch_add(1, Relaxed);
        !self.stopped()
    }

    fn stopped(&self) -> bool {
        self.stop_after.is_some_and(|most| self.steps.load(Relaxed) > most)
    }

    fn notice(&self, notice: &Notice) {
        self.heard.lock().unwrap().push(format!("{notice:?}"));
    }
}

#[test]
fn an_observer_hears_what_happens_and_can_stop_it() {
    let watch = Watch::default();
    let (spec, table) = learners(3);
    run(&spec, table, &Compute::default(), &watch).unwrap();
    assert!(watch.steps.load(Relaxed) > 3);
    let heard = watch.heard.lock().unwrap().join("\n");
    for word in ["Features", "Device", "Plan", "F64Fallbacks"] {
        assert!(heard.contains(word), "{heard}");
    }
    let watch = Watch { stop_after: Some(1), ..Watch::default() };
    let (spec, table) = learners(3);
    let stopped = run(&spec, table, &Compute::default(), &watch);
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

#[test]
fn stages_can_be_left_out_and_looked_between() {
    let (mut spec, table) = learners(3);
    spec.fit = None;
    let compute = Compute::default();
    let loaded = load(&spec, table, &compute, &Silent).unwrap();
    assert_eq!(loaded.table.rows, 1_500);
    let prepared = loaded.prepare(&spec, &compute, &Silent).unwrap();
    assert_eq!(prepared.matrix.names(), prepared.outcome(&spec).features);
    let outcome = prepared.begin(&spec, &compute, &Silent).unwrap().run().unwrap();
    assert!(outcome.hopkins.is_some() && outcome.model.is_none() && outcome.segments.is_none());
    // A sweep alone chooses a k, and makes no model.
    spec.tendency = None;
    spec.sweep = Some(Sweep { k: Some("2..4".parse().unwrap()), n_init: Some(2) });
    let table = Example::Learners.table(1_500, 1);
    let outcome = run(&spec, table.into(), &compute, &Silent).unwrap();
    assert_eq!(outcome.sweep.map(|s| s.len()), Some(3));
    assert!(outcome.chosen.is_some_and(|c| c.k >= 3) && outcome.model.is_none());
}

#[test]
fn what_excludes_each_other_is_told_before_any_work() {
    let refused = |spec: &Spec| spec.check(None).unwrap_err().to_string();
    let fit = Fit { k: Some(1), silhouette: true, ..Fit::default() };
    assert!(refused(&Spec { fit: Some(fit), ..Spec::default() }).contains("two segments"));
    let mut spec = Spec::default();
    spec.choose_k.min_k = 12;
    assert!(refused(&spec).contains("12"));
    spec.sweep = Some(Sweep { k: Some("2..12".parse().unwrap()), n_init: None });
    assert!(spec.check(None).is_ok());
    let none = run(&Spec::default(), Source::Spec, &Compute::default(), &Silent);
    assert!(matches!(none, Err(Error::Usage(_))), "an analysis without a table");
}

/// What every method of the registry must do; a new one is tested here without another line.
#[test]
fn every_method_splits_the_rows() {
    let matrix = Matrix::from_array(cases::normal(300, 3, 17).view()).unwrap();
    let cpu = segmenta::backend::cpu::Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    assert_eq!(Method::all().len(), Method::NAMES.len());
    for mut method in Method::all() {
        let name = method.name();
        method.set_seed(5);
        let found =
            || method.partitions(&dataset, &[2, 4], &Start::KMeansPlusPlus, Progress::none()).unwrap();
        let partitions = found();
        assert!(!partitions.is_empty(), "{name}");
        assert_eq!(partitions, found(), "{name}: the same seed gives the same partitions");
        for partition in partitions {
            let k = partition.k;
            assert_eq!(
                (partition.labels.len(), partition.sizes.len(), partition.weights.len()),
                (300, k, k),
                "{name}"
            );
            let mut sizes = vec![0u64; k];
            partition.labels.iter().flatten().for_each(|label| sizes[label as usize] += 1);
            assert_eq!(sizes, partition.sizes, "{name}: sizes are counts of labels");
            let mut segments = partition.segments();
            segments.sort_unstable();
            assert!(segments.into_iter().eq(0..k as u32), "{name}: segments are numbered 0 to k - 1");
            assert_eq!(partition.prototypes.centroids().k(), k, "{name}");
        }
        assert!(method.multiply_adds(&matrix, &[4]) > 0.0, "{name}");
        let json = serde_json::to_string(&method).unwrap();
        assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method, "{name} survives JSON: {json}");
        assert!(json.contains(&format!("\"method\":\"{name}\"")), "{json}");
    }
}
