//! Figures by group and constant columns, against pandas and scikit-learn.

use super::{anchor, beside, csv, features, one, parse, reason};
use proptest::prelude::*;
use segmenta::recipe::{Encoder, InferOptions, Scale};
use segmenta::table::Table;
use serde::Deserialize;
use std::collections::BTreeMap;

type Figures = BTreeMap<String, BTreeMap<String, Option<serde_json::Value>>>;

/// What tests/peers/groups.py writes.
#[derive(Deserialize)]
struct Golden {
    table: String,
    groups: Vec<String>,
    figures: Figures,
    texts: Figures,
    columns: Vec<Scalar>,
}

#[derive(Deserialize)]
struct Scalar {
    values: Vec<f64>,
    constant: bool,
}

fn golden() -> Golden {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/groups.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// An aggregate of each of pandas' figures.
fn aggregates(figures: &Figures, of: &str) -> String {
    let one = |name: &String| {
        let compute = if name == "nunique" { "distinct" } else { name };
        format!(
            "[[aggregate]]\nname = \"{of}_{name}\"\nby = \"team\"\nof = \"{of}\"\ncompute = \"{compute}\"\n"
        )
    };
    figures.keys().map(one).collect()
}

/// What is wrong with a cell that should be as pandas has it.
fn wrong(table: &Table, name: &str, row: usize, expected: Option<&serde_json::Value>) -> Option<String> {
    let values = &table.column(name).unwrap_or_else(|| panic!("no {name}")).values;
    let right = match expected {
        None => values.is_missing(row),
        Some(serde_json::Value::String(text)) => values.cell(row) == *text,
        Some(number) => {
            let (found, expected) = (values.number(row).unwrap_or(f64::NAN), number.as_f64().unwrap());
            (found - expected).abs() <= 1e-12 * expected.abs().max(1.0)
        }
    };
    (!right).then(|| format!("{name}, row {row}: {:?}, expected {expected:?}", values.cell(row)))
}

#[test]
fn figures_are_those_of_pandas_for_rows_and_for_groups() {
    let golden = golden();
    let all = [(&golden.figures, "pay"), (&golden.texts, "title")];
    let recipe: String = all.iter().map(|(figures, of)| aggregates(figures, of)).collect();
    assert_eq!((golden.figures.len(), golden.texts.len()), (10, 3));
    let mut rows = csv(&golden.table);
    parse(&format!("{recipe}[features]\ncolumns = [\"pay_sum\"]")).fit(&mut rows).unwrap();
    let mut groups = csv(&golden.table);
    parse(&format!("{recipe}[group]\nby = \"team\"\n[features]\ncolumns = [\"pay_sum\"]"))
        .fit(&mut groups)
        .unwrap();
    assert_eq!(groups.ids.as_ref().unwrap(), &("team".into(), golden.groups.clone()));
    let team = &rows.column("team").unwrap().values;
    let mut found = Vec::new();
    for (figures, of) in all {
        for (name, by_group) in figures {
            let name = format!("{of}_{name}");
            for (place, group) in golden.groups.iter().enumerate() {
                found.extend(wrong(&groups, &name, place, by_group[group].as_ref()));
            }
            for row in 0..rows.rows {
                let expected = by_group.get(&team.cell(row)).and_then(Option::as_ref);
                found.extend(wrong(&rows, &name, row, expected));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_text_that_is_a_figure_is_joined_to_new_rows() {
    let recipe = parse(
        "[[aggregate]]\nname = \"plan_now\"\nby = \"team\"\nof = \"plan\"\ncompute = \"last\"\n\
         [features]\ncolumns = [\"plan_now\"]",
    );
    let report = recipe.fit(&mut csv("team,plan\na,free\nb,pro\na,pro\nb,team\nc,free\n")).unwrap();
    assert_eq!(report.fitted.encoder.feature_names(), ["plan_now=pro", "plan_now=team", "plan_now=free"]);
    let (encoded, _) = report.fitted.apply(&csv("team\nb\nz\na\n")).unwrap();
    assert_eq!(encoded.columns, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
    assert!(
        encoded.warnings[0].contains("1 row of groups that the fit did not see"),
        "{:?}",
        encoded.warnings
    );
    let json = serde_json::to_string(&report.fitted).unwrap();
    assert_eq!(serde_json::from_str::<segmenta::recipe::FittedRecipe>(&json).unwrap(), report.fitted);
}

#[test]
fn figures_of_what_holds_no_numbers_or_too_large_ones_are_faults() {
    for (figure, cells, words) in [
        ("sum", "x,y", "the sum needs numbers, found text such as \"x\""),
        ("max", "x,y", "the max needs numbers"),
        ("sum", "1e308,1.5e308", "the numbers are too large for a sum"),
        ("std", "1e300,-1e300", "the numbers are too large for a std"),
    ] {
        let rows: String = cells.split(',').map(|cell| format!("a,{cell}\n")).collect();
        let recipe = format!(
            "[[aggregate]]\nname = \"f\"\nby = \"g\"\nof = \"v\"\ncompute = \"{figure}\"\n\
             [features]\ncolumns = [\"f\"]\n"
        );
        for grouped in ["", "[group]\nby = \"g\"\n"] {
            let error =
                parse(&(recipe.clone() + grouped)).fit(&mut csv(&format!("g,v\n{rows}"))).unwrap_err();
            let expected = format!("r.toml, line 1:1, f: {words}");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }
}

/// How far two rows of a column are apart at most, once it is scaled.
fn spread(values: &[f64], scale: Scale) -> f32 {
    let table = one("n", values);
    let encoder = Encoder::fit(&table, &InferOptions { scale, ..features(&["n"]) }).unwrap().0;
    let column = encoder.apply(&table).unwrap().columns.remove(0);
    let ends = column.iter().fold((f32::MAX, f32::MIN), |(min, max), v| (v.min(min), v.max(max)));
    ends.1 - ends.0
}

#[test]
fn a_spread_below_the_rounding_error_of_the_mean_is_none() {
    let columns = golden().columns;
    assert!(columns.iter().any(|c| c.constant) && columns.iter().any(|c| !c.constant));
    for Scalar { values, constant } in &columns {
        let shown = format!("{} values from {}", values.len(), values[0]);
        // Quartiles and ends that are closer than 10 units of rounding at 1 are not scaled either.
        let check = |spread: f64, how: &str| {
            let own = how.contains("obust") || how.contains("Minmax");
            let right = if *constant { spread < 1e-9 } else { own || spread >= 0.9 };
            assert!(right, "{shown}, {how}: {spread}");
        };
        for scale in [Scale::Standard, Scale::Robust, Scale::Minmax] {
            check(spread(values, scale).into(), &format!("{scale:?}"));
        }
        let chosen = reason(beside(one("n", values), anchor(values.len()))).1;
        assert_eq!(chosen == "constant", *constant, "{shown}: {chosen}");
        for step in
            ["\"zscore\"", "{ zscore = { ddof = 1 } }", "{ scale = \"standard\" }", "{ scale = \"robust\" }"]
        {
            let text = format!("[[column]]\nname = \"n\"\nsteps = [{step}]\n[features]\ncolumns = [\"n\"]");
            let mut table = one("n", values);
            parse(&text).fit(&mut table).unwrap();
            let made = table.column("n").unwrap().values.numbers().unwrap().into_owned();
            let ends = made.iter().fold((f64::MAX, f64::MIN), |(min, max), v| (v.min(min), v.max(max)));
            check(ends.1 - ends.0, step);
        }
    }
}

#[test]
fn noise_is_correlated_with_nothing() {
    let rows: String =
        (0..20).map(|i| format!("{},{}\n", i % 2, if i % 2 == 0 { 0.3 } else { 0.1 + 0.2 })).collect();
    let recipe = "[features]\ncolumns = [\"a\", \"noise\"]\ndrop_correlated = 0.5\n";
    let report = parse(recipe).fit(&mut csv(&format!("a,noise\n{rows}"))).unwrap();
    assert_eq!(report.fitted.encoder.feature_names(), ["a", "noise"]);
}

#[test]
fn a_constant_feature_gets_a_note() {
    let notes = |recipe: &str, table: &str| parse(recipe).fit(&mut csv(table)).unwrap().notes;
    let table = "flag,n,t,b,most\n0,1,x,true,3\n0,2,x,true,\n0,4,x,true,3\n";
    let said = "a feature that is the same everywhere cannot tell rows apart";
    assert_eq!(
        notes("[features]\ncolumns = [\"n\", \"flag\", \"t\", \"b\", \"most\"]", table),
        [
            format!("note: flag is 0 in every row: {said}"),
            format!("note: t is \"x\" in every row: {said}"),
            format!("note: b is true in every row: {said}"),
            format!("note: most is 3 in every row: {said}"),
        ]
    );
    assert_eq!(notes("[features]\ncolumns = [\"n\"]", table), [] as [String; 0]);
}

proptest! {
    /// Values that differ by so much more than rounding are never taken for a constant, near 0 and far from it.
    #[test]
    fn structure_is_not_taken_for_noise(centre in -1e9..1e9f64, bits in 0i32..20, n in 2usize..60) {
        let step = centre.abs().max(1.0) * f64::from(n as u32) * 1e-14 * f64::from(1u32 << bits);
        let values: Vec<f64> = (0..n).map(|i| centre + step * (i % 2) as f64).collect();
        let spread = spread(&values, Scale::Standard);
        prop_assert!(spread > 1.0, "{centre} {step}: {spread}");
    }
}
