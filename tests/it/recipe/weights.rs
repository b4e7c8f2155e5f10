//! A weight is a number of copies in all that a recipe learns.

use super::{csv, message, parse};
use proptest::prelude::*;
use segmenta::recipe::{FitReport, Recipe};
use segmenta::table::Table;
use serde_json::Value;

/// A recipe that learns everything that can be learned.
const ALL: &str = r#"
[input]
weight = "w"

[[column]]
name = "filled"
from = "n"
steps = [{ impute = "median" }]

[[column]]
name = "meaned"
from = "n"
steps = [{ impute = "mean" }]

[[column]]
name = "moded"
from = "k"
steps = [{ impute = "mode" }]

[[column]]
name = "moded_text"
from = "t"
steps = [{ impute = "mode" }, { top = { n = 2 } }]

[[column]]
name = "code"
from = "t"
steps = ["codes", { impute = "median" }]

[[column]]
name = "band"
from = "n"
steps = [{ quantile_cut = { at = [0.1, 0.25, 0.5, 0.9], labels = ["a", "b", "c", "d", "e"] } }]

[[column]]
name = "tier"
from = "n"
steps = [{ quantile_cut = { at = [0.4], labels = ["low", "high"], over = "g" } }]

[[column]]
name = "since"
from = "seconds"
steps = ["hours_since_first"]

[[column]]
name = "z"
from = "n"
steps = [{ zscore = { ddof = 1 } }]

[[column]]
name = "z0"
from = "n"
steps = ["zscore"]

[[column]]
name = "robust"
from = "n"
steps = [{ scale = "robust" }]

[[column]]
name = "minmax"
from = "n"
steps = [{ scale = "minmax" }]

[[column]]
name = "pure"
from = "n"
scale = "none"

[[column]]
name = "wide"
from = "n"
scale = "robust"

AGGREGATES

[[drop]]
columns = ["n"]
above_quantile = 0.93

[[drop]]
columns = ["k"]
below_quantile = 0.02

[features]
columns = ["filled", "meaned", "moded", "moded_text", "code", "band", "tier", "since", "z", "z0", "robust", "minmax",
    "pure", "wide", "n", "t", "b", "of_*"]
"#;

fn recipe() -> Recipe {
    let figures = ["mean", "median", "count", "distinct", "sum", "min", "max", "std", "first", "last"];
    let one = |figure: &&str| {
        format!("[[aggregate]]\nname = \"of_{figure}\"\nby = \"g\"\nof = \"n\"\ncompute = \"{figure}\"\n")
    };
    let counted = "[[aggregate]]\nname = \"of_rows\"\nby = \"g\"\ncompute = \"count\"\n";
    let aggregates = figures.iter().map(one).collect::<String>() + counted;
    parse(&ALL.replace("AGGREGATES", &aggregates))
}

const HEADER: &str = "n,k,t,g,b,seconds";

/// A row of a table, and its weight.
type Row = (String, u32);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let cell = |values: &[&'static str]| prop::sample::select(values.to_vec());
    let number = prop_oneof![4 => (-40i32..40).prop_map(|v| (f64::from(v) / 8.0).to_string()), 1 => Just(String::new())];
    let row = (
        number,
        cell(&["1", "2", "3", ""]),
        cell(&["x", "y", "z", "u", ""]),
        cell(&["p", "q", "r", ""]),
        cell(&["true", "false", ""]),
        0u32..9_000,
        0u32..6,
    );
    let line = |(n, k, t, g, b, seconds, weight): (String, &str, &str, &str, &str, u32, u32)| {
        (format!("{n},{k},{t},{g},{b},{seconds}"), weight)
    };
    prop::collection::vec(row.prop_map(line), 8..60)
}

fn weighted(rows: &[Row], weight: impl Fn(u32) -> f64) -> Table {
    let lines: String = rows.iter().map(|(row, w)| format!("{row},{}\n", weight(*w))).collect();
    csv(&format!("{HEADER},w\n{lines}"))
}

fn written_out(rows: &[Row]) -> Table {
    let lines: String = rows.iter().map(|(row, w)| format!("{row},1\n").repeat(*w as usize)).collect();
    csv(&format!("{HEADER},w\n{lines}"))
}

/// Where two documents differ by more than rounding.
fn difference(a: &Value, b: &Value, at: &str) -> Option<String> {
    let other = || Some(format!("{at}: {a} and {b}"));
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64()?, y.as_f64()?);
            if (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1e-3) { None } else { other() }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (x, y))| difference(x, y, &format!("{at}/{i}")))
        }
        (Value::Object(x), Value::Object(y)) if x.keys().eq(y.keys()) => {
            // A column whose values are equal but for their last bits has a scale of 1 where these happen to be equal too,
            // and otherwise one of its own size.
            let constant = |of: &serde_json::Map<String, Value>| {
                let number = |key: &str| of.get(key).and_then(Value::as_f64);
                let size = number("centre").map(|centre| centre.abs().max(1.0));
                number("scale").is_some_and(|scale| scale == 1.0 || Some(scale) == size)
            };
            let same = |key: &String| key == "scale" && constant(x) && constant(y);
            let mut others = x.iter().filter(|(key, _)| !same(key));
            others.find_map(|(key, x)| difference(x, &y[key], &format!("{at}/{key}")))
        }
        _ if a == b => None,
        _ => other(),
    }
}

/// What a fit learned, as a model would keep it, with its reference.
fn learned(report: &FitReport, table: &Table) -> Value {
    let encoder = &report.fitted.encoder;
    let reference = encoder.reference(table, report.kept.as_deref(), report.weights.as_ref());
    serde_json::json!({ "fitted": report.fitted, "reference": reference })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Whole weights teach what the rows written out teach, and the rows get the same features.
    #[test]
    fn whole_weights_are_rows_written_out(rows in rows()) {
        prop_assume!(rows.iter().any(|(_, weight)| *weight > 0));
        let (mut short, mut long) = (weighted(&rows, f64::from), written_out(&rows));
        let (a, b) = match (recipe().fit(&mut short), recipe().fit(&mut long)) {
            (Ok(a), Ok(b)) => (a, b),
            (a, b) => {
                prop_assert!(a.is_err() && b.is_err(), "{:?}\n{:?}", a.err(), b.err());
                return Ok(());
            }
        };
        prop_assert_eq!(difference(&learned(&a, &short), &learned(&b, &long), ""), None);

        // Which rows are kept, in the long table's numbers; those of weight 0 are told apart.
        let all: Vec<u32> = (0..short.rows as u32).collect();
        let kept = a.kept.clone().unwrap_or_else(|| all.clone());
        let weight = |row: &u32| rows[*row as usize].1;
        prop_assert!(kept.iter().all(|row| weight(row) > 0) && a.unweighted.iter().all(|row| weight(row) == 0));
        prop_assert_eq!(kept.len() + a.unweighted.len() + a.dropped, short.rows);
        let starts: Vec<u32> = rows.iter().scan(0, |at, (_, w)| { *at += w; Some(*at - w) }).collect();
        let long_kept: Vec<u32> =
            kept.iter().flat_map(|row| { let start = starts[*row as usize]; start..start + weight(row) }).collect();
        let found = b.kept.clone().unwrap_or_else(|| (0..long.rows as u32).collect());
        prop_assert_eq!(&found, &long_kept);
        let weights = a.weights.as_ref().unwrap();
        prop_assert!(kept.iter().enumerate().all(|(i, row)| weights.given(i) == f64::from(weight(row))));

        // A row of weight 0 has its columns too, as a new row would.
        let again = a.fitted.apply(&weighted(&rows, f64::from)).unwrap().0;
        let mut both = kept;
        both.extend(&a.unweighted);
        both.sort_unstable();
        prop_assert_eq!(again.kept.unwrap_or(all), both.clone());
        prop_assert_eq!(a.fitted.encoder.apply_to(&short, Some(&both)).unwrap().columns, again.columns);
    }

    /// Weights of 1 change nothing at all.
    #[test]
    fn weights_of_one_are_no_weights(rows in rows()) {
        let mut none = recipe();
        none.features.options.weight = None;
        let (mut a, mut b) = (weighted(&rows, |_| 1.0), weighted(&rows, |_| 1.0));
        match (recipe().fit(&mut a), none.fit(&mut b)) {
            (Ok(with), Ok(without)) => {
                prop_assert_eq!(learned(&with, &a).to_string(), learned(&without, &b).to_string());
                prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
            }
            (with, without) => prop_assert!(with.is_err() && without.is_err()),
        }
    }

    /// Weights that are no whole numbers say only how much a row counts beside another.
    #[test]
    fn a_constant_factor_changes_nothing(rows in rows(), factor in 0.01..10.0f64) {
        prop_assume!(rows.iter().any(|(_, weight)| *weight > 0));
        let by = |factor: f64| {
            let mut table = weighted(&rows, |w| f64::from(w) * factor);
            recipe().fit(&mut table).map(|report| learned(&report, &table))
        };
        match (by(1.0 / 7.0), by(factor / 7.0)) {
            (Ok(a), Ok(b)) => prop_assert_eq!(difference(&a, &b, ""), None),
            (a, b) => prop_assert!(a.is_err() && b.is_err()),
        }
    }
}

#[test]
fn real_weights_as_in_hmisc() {
    let mut table = csv("n,w\n1,0.5\n2,0.5\n10,1\n20,1.0\n30,0.25\n40,0.25\n");
    let recipe = parse(
        "[input]\nweight = \"w\"\n[[column]]\nname = \"q\"\nfrom = \"n\"\n\
         steps = [{ quantile_cut = { at = [0.25, 0.5], labels = [\"a\", \"b\", \"c\"] } }]\n\
         [features]\ncolumns = [\"q\", \"n\"]",
    );
    let report = recipe.fit(&mut table).unwrap();
    let json = serde_json::to_value(&report.fitted).unwrap();
    // 6 rows, so 6 copies: reached are 0.857, 1.714, 3.429, 5.143, 5.571 and 6. Places 2.25 and 3.5 are between the
    // values at 2 and 3, both 10, and at 3 and 4, which are 10 and 20.
    assert_eq!(json["preparation"]["columns"][0]["rules"][0]["cut"]["at"], serde_json::json!([10.0, 15.0]));
    assert_eq!(json["encoder"]["columns"][1]["median"], 10.0);
}

#[test]
fn a_row_of_weight_0_is_none() {
    // An outlier, a category, a date that is none: nothing is learned of them.
    let text = |far: &str| format!("n,t,w\n1,x,1\n2,y,2\n4,x,1\n{far}");
    let recipe =
        |keys: &str| parse(&format!("[input]\nweight = \"w\"\n[features]\ncolumns = [\"n\", \"t\"]\n{keys}"));
    for keys in
        ["", "scale = \"robust\"", "scale = \"minmax\"", "missing = \"drop\"", "drop_correlated = 0.9"]
    {
        let (mut with, mut without) = (csv(&text("1e6,odd,0\n")), csv(&text("")));
        let a = recipe(keys).fit(&mut with).unwrap();
        let b = recipe(keys).fit(&mut without).unwrap();
        assert_eq!(learned(&a, &with).to_string(), learned(&b, &without).to_string(), "{keys}");
        assert_eq!((a.kept, a.unweighted), (Some(vec![0, 1, 2]), vec![3]), "{keys}");
    }
    let report = recipe("missing = \"drop\"").fit(&mut csv(&text("5,x,0\n,x,0\n"))).unwrap();
    assert_eq!(report.unweighted, [3], "a row that misses a value gets no segment");
    // Rows of errors are those of the table.
    let error = message(recipe("missing = \"error\"").fit(&mut csv("n,t,w\n1,x,0\n2,y,2\n,x,1\n4,x,1\n")));
    assert_eq!(error, "t.csv, column n: row 3: the value is missing");
    let dates = "[input]\nweight = \"w\"\n[[column]]\nname = \"d\"\nfrom = \"t\"\nsteps = [{ timestamp = \"%Y-%m-%d\" }]\n\
                 [features]\ncolumns = [\"d\", \"n\"]";
    let error = parse(dates).fit(&mut csv("n,t,w\n1,2024-01-01,0\n2,2024-01-02,2\n3,x,1\n")).unwrap_err();
    assert!(error.to_string().contains("d: row 3: \"x\" is not a timestamp in the format"), "{error}");
}

#[test]
fn weights_that_cannot_be_used() {
    let fit = |weights: [&str; 3], more: &str| {
        let rows: String = weights.iter().enumerate().map(|(i, w)| format!("{i},g{},{w}\n", i % 2)).collect();
        let recipe = format!("[input]\nweight = \"w\"\n[features]\ncolumns = [\"n\"]\n{more}");
        parse(&recipe).fit(&mut csv(&format!("n,g,w\n{rows}")))
    };
    for (weights, expected) in [
        (["1", "-1", "2"], "t.csv, column w: row 2: expected a weight of 0 or more, found -1"),
        (["1", "2", ""], "t.csv, column w: row 3: expected a weight of 0 or more, found nothing"),
        (["1", "x", "2"], "t.csv, column w: expected weights that are numbers, found text such as \"x\""),
        (["0", "0", "0"], "t.csv, column w: all weights are zero, so no row counts"),
    ] {
        assert_eq!(message(fit(weights, "")), expected);
    }
    let far = message(fit(["1e-16", "1.7319e-16", "3.14159"], ""));
    assert!(
        far.starts_with("t.csv, column w: row 3: the weight 3.14159 is 3.142e16 times the smallest"),
        "{far}"
    );
    // Of groups, the weight is a column of theirs.
    let group =
        "[group]\nby = \"g\"\n[[aggregate]]\nname = \"n\"\nby = \"g\"\nof = \"n\"\ncompute = \"mean\"\n";
    assert_eq!(
        message(fit(["1", "2", "3"], group)),
        "t.csv, column w: the weight has to be a column of the groups: make it with an [[aggregate]] by \"g\""
    );
    let own = format!("{group}[[aggregate]]\nname = \"w\"\nby = \"g\"\nof = \"w\"\ncompute = \"sum\"\n");
    let weights = fit(["1", "2", "3"], &own).unwrap().weights.unwrap();
    assert_eq!((weights.copies(0), weights.copies(1)), (4.0, 2.0));
}

#[test]
fn a_weight_that_is_made() {
    let recipe = parse(
        "[input]\nweight = \"w\"\n[[column]]\nname = \"w\"\nfrom = \"visits\"\nsteps = [{ impute = 1 }, { clip = { max = 3 } }]\n\
         [features]\ncolumns = [\"n\"]",
    );
    let report = recipe.fit(&mut csv("n,visits\n1,9\n2,\n7,2\n")).unwrap();
    let weights = report.weights.unwrap();
    assert_eq!([0, 1, 2].map(|row| weights.copies(row)), [3.0, 1.0, 2.0]);
    let json = serde_json::to_value(&report.fitted).unwrap();
    assert_eq!(json["encoder"]["columns"][0]["median"], 1.5);
    assert_eq!(json["encoder"]["columns"][0]["centre"], 19.0 / 6.0);
}
