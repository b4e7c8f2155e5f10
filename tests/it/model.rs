//! The saved model: it comes back as it was, refuses what does not fit, and labels the rows of the fit as the fit did.

mod drift;
pub mod schema;

use crate::{devices, oracle};
use proptest::prelude::*;
use segmenta::Dataset;
use segmenta::backend::Backend;
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::{Method, Params, Partition, Start, fit};
use segmenta::model::{Assigner, Assignments, Centroid, Model, Reference, VERSION, assignments, of_table};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::recipe::{Encoder, InferOptions, Missing, Scale};
use segmenta::table::{ReadOptions, Table, read_bytes};
use segmenta::{Matrix, Result};
use serde_json::Value;

fn csv(text: &str, encoder: Option<&Encoder>) -> Table {
    let options =
        ReadOptions { text: encoder.map_or(Vec::new(), Encoder::text_columns), ..ReadOptions::default() };
    read_bytes("learners.csv", text.as_bytes().to_vec(), &options).unwrap()
}

const HEADER: &str = "score,income,kids,passed,region\n";

/// Lines of numbers near and far from 0, whole numbers, booleans and texts, each sometimes missing.
fn lines(rows: usize) -> Vec<String> {
    let line = |i: usize| {
        let mut draws = Draws::new(12, Purpose::SynthTable).at(i as u64);
        let group = (i % 3) as f64;
        let cells = [
            format!("{}", group * 2.0 + draws.normal()),
            format!("{:.2}", 1e6 + 40_000.0 * group + 9_000.0 * draws.normal()),
            format!("{}", draws.below(4)),
            (if draws.uniform() < 0.5 { "true" } else { "false" }).into(),
            ["north", "south", "east", "7"][draws.below(4) as usize].into(),
        ];
        cells.map(|cell| if draws.uniform() < 0.04 { String::new() } else { cell }).join(",")
    };
    (0..rows).map(line).collect()
}

fn text(lines: &[String]) -> String {
    format!("{HEADER}{}\n", lines.join("\n"))
}

struct FittedRecipe {
    table: Table,
    kept: Option<Vec<u32>>,
    fit: Partition,
    matrix: Matrix,
    model: Model,
}

fn fitted(rows: usize, k: usize, options: &InferOptions) -> FittedRecipe {
    model_of(&csv(&text(&lines(rows)), None), k, options)
}

fn model_of(table: &Table, k: usize, options: &InferOptions) -> FittedRecipe {
    let table = table.clone();
    let encoder = Encoder::fit(&table, options).unwrap().0;
    let encoded = encoder.apply(&table).unwrap();
    let matrix = Matrix::from_columns(encoder.feature_names(), encoded.columns).unwrap();
    let params = Params { n_init: 2, ..Params::default() };
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let fit = fit(&dataset, k, &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let fit = Partition::from(fit);
    let kept = encoded.kept.as_deref().map(|kept| (kept, table.rows));
    let rows = assignments(&dataset, &fit.prototypes, &fit.labels, &fit.segments()).unwrap();
    let rows = of_table(rows, kept);
    drop(dataset);
    let reference = encoder.reference(&table, encoded.kept.as_deref(), None);
    let mut model = Model::new(&fit, &matrix, encoder, &Method::KMeans(params));
    model.reference = Some(Reference::new(reference, &rows, None));
    FittedRecipe { table, kept: encoded.kept, fit, matrix, model }
}

fn centroids(model: &Model) -> &[Centroid] {
    model.assigner.centroids()
}

fn centroids_mut(model: &mut Model) -> &mut Vec<Centroid> {
    match &mut model.assigner {
        Assigner::Centroids(centroids) | Assigner::Exemplars(centroids) => centroids,
        Assigner::CorePoints(core) => &mut core.segments,
        Assigner::Mixture(mixture) => &mut mixture.segments,
        Assigner::Regrouped(regrouped) => &mut regrouped.segments,
    }
}

fn options() -> Vec<InferOptions> {
    let modes = [Missing::Impute, Missing::Drop].into_iter();
    modes
        .flat_map(|missing| [Scale::Standard, Scale::None].map(|scale| (missing, scale)))
        .map(|(missing, scale)| InferOptions { missing, scale, ..InferOptions::default() })
        .collect()
}

fn small() -> Model {
    fitted(60, 3, &InferOptions::default()).model
}

#[test]
fn a_model_comes_back_bit_for_bit() {
    for options in options() {
        let mut model = fitted(200, 4, &options).model;
        let odd = [f64::from(0.1f32), 1e-30, -1e-38, f64::from(f32::MAX), 1.0 / 3.0, f64::from_bits(1)];
        for (value, odd) in centroids_mut(&mut model)[1].values.iter_mut().zip(odd) {
            *value = odd;
        }
        model.method.set_seed(u64::MAX);
        model.diagnostics.inertia = 1_234.567_890_123_4e-7;
        let json = model.to_json();
        let back = Model::from_json(&json).unwrap();
        assert_eq!(back, model);
        let bits =
            |m: &Model| centroids(m).iter().flat_map(|c| &c.values).map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(
            (bits(&back), back.diagnostics.inertia.to_bits()),
            (bits(&model), model.diagnostics.inertia.to_bits())
        );
        assert_eq!(back.to_json(), json);
        assert!(json.ends_with("}\n") && json.is_ascii(), "{json}");
    }
}

#[test]
fn centroids_are_those_of_the_fit() {
    for options in options() {
        let f = fitted(200, 4, &options);
        assert_eq!((f.model.rows, &f.model.diagnostics), (f.matrix.rows(), &f.fit.diagnostics));
        let fitted = f.fit.prototypes.centroids();
        for (c, centroid) in centroids(&f.model).iter().enumerate() {
            let segment = &centroid.segment;
            assert_eq!((segment.number, segment.size), (f.fit.segments()[c], f.fit.sizes[c]));
            for (value, stored) in centroid.values.iter().zip(fitted.get(c)) {
                assert_eq!(*value, f.matrix.to_user(f64::from(*stored)));
                assert_eq!(*value, f64::from(*value as f32), "a centroid is an f32");
            }
        }
    }
}

/// Everything that the fit may have been asked for has to be readable again.
#[test]
fn any_tolerance_that_a_fit_takes_comes_back() {
    let matrix = Matrix::from_array(crate::cases::normal(50, 1, 95).view()).unwrap();
    let cpu = Cpu::default();
    for tol in [0.0, 1e-300, f64::MAX, f64::INFINITY] {
        let params = Params { n_init: 1, tol, ..Params::default() };
        let rows = Dataset::load(&cpu, &matrix).unwrap();
        let Ok(_) = fit(&rows, 2, &params, &Start::KMeansPlusPlus, Progress::none()) else {
            continue;
        };
        let model = Model { method: Method::KMeans(params), ..small() };
        assert_eq!(Model::from_json(&model.to_json()).map_err(|e| e.to_string()), Ok(model), "tol {tol}");
    }
}

#[test]
fn only_a_newer_version_is_refused() {
    let model = small();
    let of = |version: &str| {
        let json = model.to_json();
        assert!(json.contains(&format!("\"version\": {VERSION},")));
        Model::from_json(&json.replace(&format!("\"version\": {VERSION},"), version))
    };
    assert_eq!(of("\"version\": 0,").unwrap().version, 0);
    for newer in [VERSION + 1, u32::MAX] {
        let message = of(&format!("\"version\": {newer},")).unwrap_err().to_string();
        assert!(message.contains(&newer.to_string()) && message.contains("newer"), "{message}");
    }
    // The version is looked at first: a newer file may have any shape.
    let message = Model::from_json(r#"{"version": 9, "trees": []}"#).unwrap_err().to_string();
    assert!(message.contains("newer"), "{message}");
    for odd in ["", "\"version\": -1,", "\"version\": \"1\",", "\"version\": null,"] {
        assert!(of(odd).is_err(), "{odd}");
    }
    for text in ["", "{", "[]", "null", "{}", "{\"version\": 1}", "\u{0}"] {
        assert!(Model::from_json(text).unwrap_err().to_string().contains("not a model"), "{text}");
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let good = small();
    let refused = |what: &str, change: &dyn Fn(&mut Model)| {
        let mut model = good.clone();
        change(&mut model);
        assert!(Model::from_json(&model.to_json()).is_err(), "{what}");
    };
    refused("a feature too few", &|m| drop(m.features.pop()));
    refused("a feature too many", &|m| m.features.push("more".into()));
    refused("another name", &|m| m.features[0] = "other".into());
    refused("no features", &|m| m.features.clear());
    refused("no centroids", &|m| centroids_mut(m).clear());
    refused("a short centroid", &|m| centroids_mut(m)[2].values.truncate(1));
    refused("a segment twice", &|m| centroids_mut(m)[0].segment = centroids(m)[1].segment.clone());
    refused("a segment of none", &|m| centroids_mut(m)[0].segment.number = 3);
    refused("an encoder of fewer columns", &|m| drop(m.encoder.columns.pop()));
    refused("a grid of another width", &|m| {
        m.grid = Matrix::from_columns(vec!["f".into()], vec![vec![1.0]]).unwrap().grid().clone();
    });
    refused("a centroid that is not a number", &|m| centroids_mut(m)[1].values[0] = f64::NAN);
}

fn assign(model: &Model, table: &Table, backend: &dyn Backend) -> Result<Assignments> {
    model.assign(table, backend)
}

#[test]
fn the_rows_of_the_fit_get_the_labels_of_the_fit() {
    for options in options() {
        let f = fitted(400, 5, &options);
        let model = Model::from_json(&f.model.to_json()).unwrap();
        let segments = f.fit.segments();
        let mut expected = vec![None; f.table.rows];
        for (r, label) in f.fit.labels.iter().enumerate() {
            let label = label.unwrap();
            expected[f.kept.as_ref().map_or(r, |k| k[r] as usize)] = Some(segments[label as usize]);
        }
        assert_eq!(expected.contains(&None), options.missing == Missing::Drop);
        for setup in devices::all() {
            let got = setup.run(|backend| assign(&model, &f.table, backend)).unwrap();
            let labels: Vec<Option<u32>> = got.rows.iter().map(|a| a.map(|a| a.segment)).collect();
            assert_eq!(labels, expected, "{options:?} on {}", setup.name);
            assert_eq!(got.warnings, [] as [String; 0]);
            let inertia: f64 = got.rows.iter().flatten().map(|a| a.distance * a.distance).sum();
            oracle::close(f.fit.diagnostics.inertia, inertia, 1e-12, 0.0).unwrap();
            assert!(got.rows.iter().flatten().all(|a| a.margin >= 0.0 && a.margin.is_finite()));
        }
    }
}

#[test]
fn labels_do_not_depend_on_the_rows_beside() {
    for options in options() {
        let f = fitted(90, 4, &options);
        let all = lines(90);
        let far = ["1e30,1e30,-1e30,true,north", "-3e38,0,0,false,south", "0,3e38,0,true,west"];
        for setup in devices::all() {
            setup.run(|backend| {
                let whole = assign(&f.model, &f.table, backend).unwrap().rows;
                // Few rows at a time, then all of them beside rows far outside.
                for (part, expected) in all.chunks(7).zip(whole.chunks(7)) {
                    if expected.iter().all(Option::is_none) {
                        continue;
                    }
                    let table = csv(&text(part), Some(&f.model.encoder));
                    assert_eq!(assign(&f.model, &table, backend).unwrap().rows, expected, "{}", setup.name);
                }
                let mut with: Vec<String> = far.map(String::from).into();
                with.extend(all.iter().cloned());
                let got = assign(&f.model, &csv(&text(&with), Some(&f.model.encoder)), backend).unwrap();
                assert!(got.rows[..3].iter().flatten().all(|a| a.distance > 1e20 && a.distance.is_finite()));
                assert_eq!(got.rows[..3].iter().flatten().count(), 3);
                assert_eq!(got.rows[3..], whole, "{} with far rows", setup.name);
                assert!(got.warnings.iter().any(|w| w.contains("\"west\"")), "{:?}", got.warnings);
            });
        }
    }
}

#[test]
fn tables_that_do_not_fit_the_model_are_errors() {
    let model = small();
    let cpu = Cpu::default();
    let message = |table: &str| assign(&model, &csv(table, None), &cpu).unwrap_err().to_string();
    let lacking = message("score,income,kids,passed\n1,2,3,true\n");
    assert!(lacking.contains("region") && lacking.contains("learners.csv"), "{lacking}");
    let other = message(&format!("{HEADER}high,1,2,true,north\n"));
    assert!(other.contains("score") && other.contains("numbers"), "{other}");
    let large = message(&format!("{HEADER}1,1,2,true,north\n1e300,1,2,true,north\n"));
    assert!(large.contains("score") && large.contains("row 2"), "{large}");
    // More columns, in another order, change nothing.
    let plain = assign(&model, &csv(&format!("{HEADER}1,2,3,true,north\n"), None), &cpu).unwrap();
    let more = csv("region,more,kids,passed,score,income\nnorth,x,3,true,1,2\n", None);
    assert_eq!(assign(&model, &more, &cpu).unwrap(), plain);
}

#[test]
fn one_segment_has_an_infinite_margin() {
    let f = fitted(40, 1, &InferOptions::default());
    let got = assign(&f.model, &f.table, &Cpu::default()).unwrap();
    assert!(got.rows.iter().all(|a| a.is_some_and(|a| a.segment == 0 && a.margin == f64::INFINITY)));
}

/// Every place in a document, as the steps to it.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.into());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| places(v, &format!("{at}/{key}"), out)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), out))
        }
        _ => {}
    }
}

fn odd_value() -> impl Strategy<Value = Option<Value>> {
    let numbers = [0.0, -1.0, 0.5, 1e-320, 1e-45, 3e38, 1e39, 1e308, -1e308, 5e9];
    let whole =
        [0, 1, 2, 31, 127, 200, 2000, -200, -2000, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX];
    prop_oneof![
        1 => Just(None),
        4 => prop::sample::select(numbers.to_vec()).prop_map(|v| Some(v.into())),
        4 => prop::sample::select(whole.to_vec()).prop_map(|v| Some(v.into())),
        1 => prop::sample::select(vec![Value::Null, "".into(), true.into(), Value::Array(vec![])]).prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    /// A model that was edited by hand is refused or does its work: no panic, no label out of nothing.
    #[test]
    fn an_edited_model_never_panics(at in any::<prop::sample::Index>(), odd in odd_value()) {
        static SMALL: std::sync::OnceLock<(Value, Table)> = std::sync::OnceLock::new();
        let (json, table) = SMALL.get_or_init(|| {
            let f = fitted(60, 3, &InferOptions::default());
            (serde_json::from_str(&f.model.to_json()).unwrap(), f.table)
        });
        let mut all = Vec::new();
        places(json, "", &mut all);
        let place = &all[at.index(all.len())];
        let mut edited = json.clone();
        match &odd {
            Some(value) => *edited.pointer_mut(place).unwrap() = value.clone(),
            None => {
                let (parent, key) = place.rsplit_once('/').unwrap_or(("", ""));
                match edited.pointer_mut(parent).unwrap() {
                    Value::Object(map) => drop(map.remove(key)),
                    Value::Array(items) => drop(key.parse().map(|i: usize| items.remove(i))),
                    _ => {}
                }
            }
        }
        let Ok(model) = Model::from_json(&edited.to_string()) else { return Ok(()) };
        let Ok(got) = model.assign(table, &Cpu::default()) else { return Ok(()) };
        for row in got.rows.iter().flatten() {
            prop_assert!(row.segment < 3 && !row.distance.is_nan() && row.margin >= 0.0, "{} = {:?}: {:?}", place, odd, row);
        }
    }
}
