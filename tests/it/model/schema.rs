//! schema/model.schema.json says what `model.json` holds: all of it, and nothing else.

use super::{csv, fitted, places};
use jsonschema::Validator;
use segmenta::Matrix;
use segmenta::analysis::Spec;
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::{Diagnostics, Method, Params, Partition, Start, fit};
use segmenta::model::{Colour, ColumnFigures, Middle, Model, Persona, Reference, assignments, of_table};
use segmenta::progress::Progress;
use segmenta::recipe::{Aliases, FittedAlias, InferOptions, Missing, Scale};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

fn validator() -> &'static Validator {
    static ONCE: OnceLock<Validator> = OnceLock::new();
    ONCE.get_or_init(|| {
        let schema: Value = serde_json::from_str(include_str!("../../../schema/model.schema.json")).unwrap();
        jsonschema::meta::validate(&schema).expect("a sound schema");
        jsonschema::validator_for(&schema).unwrap()
    })
}

/// Whether a `model.json` follows the schema.
pub fn check(json: &str) {
    let model: Value = serde_json::from_str(json).unwrap();
    let wrong: Vec<String> =
        validator().iter_errors(&model).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fit_follows_it() {
    for scale in [Scale::Standard, Scale::Robust, Scale::Minmax, Scale::None] {
        for missing in [Missing::Impute, Missing::Drop] {
            let options = InferOptions { scale, missing, ..InferOptions::default() };
            let model = fitted(80, 3, &options).model;
            check(&model.to_json());
            let diagnostics = Diagnostics { seeding_rows: Some(1 << 18), ..model.diagnostics };
            check(&Model { reference: None, diagnostics, ..model }.to_json());
        }
    }
}

/// A recipe with every operation, and what each becomes in a model.
const ALL: &str = r#"
[input]
path = "t.csv"

[[column]]
name = "m_fill"
from = "t"
steps = [{ fill = "none" }, { top = { n = 2, other = "rest" } }]

[[column]]
name = "m_chain"
from = "n"
steps = [
    { range = [0, 90] }, { impute = "median" }, { clip = { min = 1 } }, "log1p", { multiply = 2 }, { divide = 3 },
    { subtract = 1 }, { add = 0.5 }, { subtract_from = 10 },
]

[[column]]
name = "m_flag"
from = "n"
steps = [{ compare = { is = ">=", to = 30 } }]

[[column]]
name = "m_band"
from = "n"
steps = [{ cut = { at = [30, 60], labels = ["a", "b", "c"] } }]
one_hot = { order = "name" }
weight = 2

[[column]]
name = "m_tier"
from = "n"
steps = [{ quantile_cut = { at = [0.5], labels = ["low", "high"], over = "g" } }]

[[column]]
name = "m_code"
from = "t"
steps = ["codes", { impute = "mean" }]

[[column]]
name = "m_ordered"
from = "a"
steps = [{ ordered = ["no", "maybe", "yes"] }, { impute = "mode" }]

[[column]]
name = "m_map"
from = "a"
steps = [{ map = { to = { yes = 1, no = 0 }, other = 2 } }]

[[column]]
name = "m_word"
from = "a"
steps = [{ map = { to = { yes = "Y", no = "N", maybe = "M" } } }]

[[column]]
name = "m_has"
from = "t"
steps = [{ contains = ["EA", "x"] }]

[[column]]
name = "m_given"
from = "a"
steps = ["answered"]

[[column]]
name = "m_text"
from = "k"
steps = ["text"]

[[column]]
name = "m_when"
from = "w"
steps = [{ timestamp = "%Y-%m-%d %H:%M" }, "hours_since_first"]

[[column]]
name = "m_hour"
from = "w"
steps = [{ timestamp = "%Y-%m-%d %H:%M" }, "hours"]

[[column]]
name = "m_bell"
from = "n"
steps = [{ gaussian = { deviation = 20 } }]

[[column]]
name = "m_z"
from = "n"
steps = [{ zscore = { ddof = 1 } }]

[[column]]
name = "m_scaled"
from = "n"
steps = [{ scale = "robust" }]

[[column]]
name = "m_raw"
from = "n"
scale = "none"

[[column]]
name = "m_bool"
from = "b"
weight = 3

[[aggregate]]
name = "m_mean"
by = "g"
of = "n"
compute = "mean"

[[aggregate]]
name = "m_rows"
by = "g"
compute = "count"

[[aggregate]]
name = "m_first"
by = "g"
of = "t"
compute = "first"

[[column]]
name = "m_ratio"
from = "n"
steps = [{ divide = { by = "k" } }]

[[drop]]
columns = ["n", "t"]
missing_share = 1

[[drop]]
columns = ["n"]
above_quantile = 0.99

[[drop]]
columns = ["n"]
below_quantile = 0.01

[[reduce]]
name = "m_pc"
method = "pca"
columns = ["n", "a", "b", "k"]

[features]
columns = ["m_*"]
"#;

/// A recipe with groups, whose columns are made before and after.
const GROUPED: &str = r#"
[group]
by = "k"

[[column]]
name = "paid"
from = "n"
steps = [{ impute = "median" }, { multiply = { by = "n" } }]

[[column]]
name = "share"
from = "total"
steps = [{ divide = { by = "rows" } }]

[[aggregate]]
name = "total"
by = "k"
of = "paid"
compute = "sum"

[[aggregate]]
name = "rows"
by = "k"
compute = "count"

[[aggregate]]
name = "where"
by = "k"
of = "t"
compute = "last"

[features]
columns = ["share", "where", "rows"]
"#;

/// The model of a recipe with everything.
fn with_everything() -> Model {
    of_recipe(ALL)
}

fn of_recipe(recipe: &str) -> Model {
    let lines: Vec<String> = (0..120)
        .map(|i| {
            let n = if i % 11 == 5 { String::new() } else { (i * 37 % 97 + i % 7).to_string() };
            let cells = [
                n,
                ["east", "west", "", "north", "east"][i % 5].into(),
                ["yes", "no", "", "maybe"][i * 3 % 4].into(),
                ["true", "false", "false"][i % 3].into(),
                format!("2024-0{}-1{} 1{}:30", 1 + i % 9, i % 10, i % 9),
                ["p", "q", "r"][i * i % 3].into(),
                (i % 14).to_string(),
            ];
            cells.join(",")
        })
        .collect();
    let mut table = csv(&format!("n,t,a,b,w,g,k\n{}\n", lines.join("\n")), None);
    let spec = Spec::parse("all.toml", recipe, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let fitting = spec.recipe.fit(&mut table).unwrap_or_else(|e| panic!("{e}"));
    let (fitted, kept) = (fitting.fitted, fitting.kept);
    let encoded = fitted.encoder.apply_to(&table, kept.as_deref()).unwrap();
    let matrix = Matrix::from_columns(fitted.encoder.feature_names(), encoded.columns).unwrap();
    let params = Params { n_init: 1, ..Params::default() };
    let cpu = Cpu::default();
    let dataset = segmenta::Dataset::load(&cpu, &matrix).unwrap();
    let fit = fit(&dataset, 3, &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let fit = Partition::from(fit);
    let reference = fitted.encoder.reference(&table, kept.as_deref(), None);
    let kept = kept.as_deref().map(|kept| (kept, table.rows));
    let rows = assignments(&dataset, &fit.prototypes, &fit.labels, &fit.segments()).unwrap();
    let rows = of_table(rows, kept);
    let mut model = Model::new(&fit, &matrix, fitted, &Method::KMeans(params));
    model.reference = Some(Reference::new(reference, &rows, None));
    model.id = Some("the id".into());
    model.weight_column = Some("w".into());
    model.assigner.segments_mut().for_each(|s| s.weight = Some(s.size as f64 * 0.5));
    let named = model.assigner.segments_mut().nth(1).unwrap();
    named.name = Some("Senior specialists".into());
    named.persona = Some(Persona {
        colour: Some(Colour::try_from("#2A9D8F".to_string()).unwrap()),
        summary: Some("Long experience, high pay.".into()),
        actions: vec!["Offer a mentor.".into()],
    });
    let figures = |column: &str, middle, spread| ColumnFigures {
        column: column.into(),
        middle,
        spread,
        within: if spread.is_some() { vec![Some(0.5), None, Some(2.0)] } else { Vec::new() },
        segments: vec![Some(0.5), None, Some(1.0)],
    };
    model.figures = vec![figures("n", Middle::Median, Some(2.5)), figures("b", Middle::Share, None)];
    model.aliases = Aliases(vec![FittedAlias {
        column: "g".into(),
        names: [("p", "Group A"), ("q", "Group B")].map(|(text, name)| (text.into(), name.into())).into(),
        other: "Group C+".into(),
        keep: vec!["r".into()],
    }]);
    model
}

#[test]
fn a_recipe_with_every_operation_follows_it() {
    let model = with_everything();
    let json = model.to_json();
    let words = [
        "fill",
        "range",
        "clip",
        "log1p",
        "multiply",
        "divide",
        "subtract",
        "subtract_from",
        "arithmetic",
        "compare",
        "cut",
        "keep",
        "codes",
        "map",
        "contains",
        "answered",
        "text",
        "timestamp",
        "hours",
        "gaussian",
        "scale",
        "groups",
        "missing_share",
        "outside",
        "unscaled",
        "weight",
        "reductions",
        "explained_variance",
    ];
    for word in words {
        assert!(json.contains(&format!("\"{word}\"")), "no {word} in the model");
    }
    check(&json);
    assert_eq!(Model::from_json(&json).unwrap(), model);
}

#[test]
fn a_recipe_with_groups_follows_it() {
    let model = of_recipe(GROUPED);
    let json = model.to_json();
    for word in ["group", "by", "read", "columns", "figures", "compute", "of"] {
        assert!(json.contains(&format!("\"{word}\"")), "no {word} in the model");
    }
    check(&json);
    assert_eq!(Model::from_json(&json).unwrap(), model);
}

#[test]
fn a_damaged_model_does_not() {
    for recipe in [ALL, GROUPED] {
        damage(&of_recipe(recipe));
    }
}

fn damage(model: &Model) {
    damage_value(&serde_json::from_str(&model.to_json()).unwrap());
}

/// That the schema refuses a model of which some part is missing or is something else.
pub fn damage_value(good: &Value) {
    let mut all = Vec::new();
    places(good, "", &mut all);
    let refused = |damaged: &Value, what: &str| assert!(!validator().is_valid(damaged), "{what} passes");
    // Tables whose keys are the data's.
    let free = |place: &str| {
        ["/groups", "/levels", "/to", "/aliases/0/names"].iter().any(|end| place.ends_with(end))
    };
    for place in &all {
        let mut damaged = good.clone();
        *damaged.pointer_mut(place).unwrap() = serde_json::json!([[null]]);
        refused(&damaged, &format!("{place} = [[null]]"));
        let mut damaged = good.clone();
        if let Value::Object(map) = damaged.pointer_mut(place).unwrap()
            && !free(place)
        {
            map.insert("more".into(), 1.into());
            refused(&damaged, &format!("{place}/more"));
        }
    }
    let centroids = if good.get("regrouped").is_some() { "regrouped" } else { "centroids" };
    for key in ["version", "grid", "encoder", centroids] {
        let mut damaged = good.clone();
        drop(damaged.as_object_mut().unwrap().remove(key));
        refused(&damaged, &format!("a model without {key}"));
    }
}
