//! What the fit saw, and tables held against it.

use super::{csv, fitted, lines, small, text};
use crate::devices;
use segmenta::backend::cpu::Cpu;
use segmenta::evidence::psi::{Change, psi};
use segmenta::model::{Drift, Model};
use segmenta::recipe::{ColumnReference, Encoder, InferOptions, Missing};
use segmenta::table::Table;

/// What an encoder of all columns, kept as they are, sees of a table.
fn seen(table: &Table, missing: Missing) -> Vec<ColumnReference> {
    let options = InferOptions { features: vec!["*".into()], missing, ..InferOptions::default() };
    let encoder = Encoder::fit(table, &options).unwrap().0;
    let kept = encoder.apply(table).unwrap().kept;
    encoder.reference(table, kept.as_deref(), None)
}

/// The smallest, the largest, the edges and the shares of a column of numbers.
fn numbers(values: impl IntoIterator<Item = f64>) -> (f64, f64, Vec<f64>, Vec<f64>, f64) {
    let cell = |v: f64| if v.is_nan() { "NA".to_string() } else { v.to_string() };
    let lines: Vec<String> = values.into_iter().map(|v| format!("{},1", cell(v))).collect();
    let table = csv(&format!("x,y\n{}\n", lines.join("\n")), None);
    match seen(&table, Missing::Impute).remove(0) {
        ColumnReference::Number { min, max, edges, shares, missing, column, .. } => {
            assert_eq!(column, "x");
            (min.unwrap(), max.unwrap(), edges, shares, missing)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_are_cut_at_their_deciles() {
    // In no order.
    let (min, max, edges, shares, missing) = numbers((0..100).map(|i| f64::from(i * 37 % 100 + 1)));
    assert_eq!((min, max, missing), (1.0, 100.0, 0.0));
    let expected = [10.9, 20.8, 30.7, 40.6, 50.5, 60.4, 70.3, 80.2, 90.1];
    assert_eq!(edges.len(), 9);
    assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{edges:?}");
    assert_eq!(shares, [0.1; 10]);

    let with_missing = (0..200).map(|i| if i % 4 == 0 { f64::NAN } else { f64::from(i) });
    let (_, _, _, shares, missing) = numbers(with_missing);
    assert_eq!((missing, shares.len()), (0.25, 10));
    assert!((shares.iter().sum::<f64>() - 0.75).abs() < 1e-12);
}

#[test]
fn a_common_value_has_a_bin_of_its_own() {
    let of = |values: &[(f64, usize)]| {
        let (_, _, edges, shares, _) = numbers(values.iter().flat_map(|&(v, n)| vec![v; n]));
        (edges, shares)
    };
    assert_eq!(of(&[(0.0, 95), (1.0, 5)]), (vec![0.0], vec![0.95, 0.05]));
    assert_eq!(of(&[(0.0, 5), (1.0, 95)]), (vec![0.0, 1.0], vec![0.05, 0.95, 0.0]));
    assert_eq!(of(&[(-1.0, 5), (0.5, 90), (2.0, 5)]), (vec![-1.0, 0.5], vec![0.05, 0.9, 0.05]));
    assert_eq!(of(&[(7.0, 20)]), (vec![7.0], vec![1.0, 0.0]));
    assert_eq!(of(&[(-0.0, 10), (0.0, 10)]), (vec![0.0], vec![1.0, 0.0]));
}

/// Against sorting and filtering, for awkward numbers of rows.
#[test]
fn selected_quantiles_are_those_of_sorting() {
    for rows in [1, 2, 3, 5, 10, 11, 19, 20, 21, 64, 257, 1000] {
        let values: Vec<f64> = (0..rows).map(|i| f64::from(i * 7919 % 1009 / 3) - 90.25).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let decile = |k: i32| {
            let at = f64::from(k) / 10.0 * f64::from(rows - 1);
            let below = sorted[at as usize];
            below + (sorted[(at as usize + 1).min(rows as usize - 1)] - below) * at.fract()
        };
        let (min, max, edges, shares, _) = numbers(values.iter().copied());
        assert_eq!((min, max), (sorted[0], sorted[rows as usize - 1]), "{rows} rows");
        for k in 1..10 {
            let near = |e: &f64| (e - decile(k)).abs() < 1e-9;
            assert!(edges.iter().any(near), "{rows} rows: no decile {k}, {}, in {edges:?}", decile(k));
        }
        let mut low = f64::NEG_INFINITY;
        for (edge, share) in edges.iter().copied().chain([f64::INFINITY]).zip(&shares) {
            let inside = values.iter().filter(|v| **v > low && **v <= edge).count();
            assert_eq!(*share, inside as f64 / f64::from(rows), "{rows} rows, up to {edge}");
            low = edge;
        }
    }
}

#[test]
fn booleans_texts_and_kept_rows() {
    let table = csv("a,b,c\ntrue,x,1\nfalse,x,2\ntrue,,3\n,y,4\n", None);
    let plain = seen(&table, Missing::Impute);
    assert_eq!(
        plain[0],
        ColumnReference::Bool { column: "a".into(), missing: 0.25, no: 0.25, yes: 0.5 },
        "shares are of all rows"
    );
    assert_eq!(plain[1].shares(), [0.5, 0.25, 0.0, 0.25, 0.0], "x, y, other, missing, unseen");
    let kept = seen(&table, Missing::Drop);
    assert_eq!(kept[0], ColumnReference::Bool { column: "a".into(), missing: 0.0, no: 0.5, yes: 0.5 });
    assert!(matches!(&kept[2], ColumnReference::Number { max: Some(2.0), .. }), "{kept:?}");
}

#[test]
fn the_reference_does_not_depend_on_threads() {
    let table = csv(&text(&lines(5_000)), None);
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| seen(&table, Missing::Impute))
    };
    assert!(at(1) == at(2) && at(1) == at(7));
}

fn drift(model: &Model, table: &Table) -> Drift {
    model.drift(table, &Cpu::default()).unwrap()
}

#[test]
fn the_rows_of_the_fit_have_not_drifted() {
    for options in super::options() {
        let f = fitted(400, 5, &options);
        let model = Model::from_json(&f.model.to_json()).unwrap();
        let expected = drift(&model, &f.table);
        assert_eq!(expected.labelled, f.matrix.rows());
        assert_eq!(expected.columns.len(), 5);
        for column in &expected.columns {
            assert_eq!((column.psi, column.missing), (0.0, column.fitted_missing), "{}", column.column);
        }
        assert_eq!(expected.segments_psi, 0.0);
        assert!(expected.segments.iter().enumerate().all(|(i, s)| s.segment == i as u32));
        assert_eq!(expected.distances, model.reference.as_ref().unwrap().distances);
        // Fewer than 360 rows are left where rows with gaps are dropped.
        assert!(expected.warnings.iter().all(|w| w.contains("chance alone")), "{:?}", expected.warnings);
        for setup in devices::all() {
            let got = setup.run(|backend| model.drift(&f.table, backend)).unwrap();
            assert_eq!(got, expected, "{}", setup.name);
        }
    }
}

#[test]
fn a_column_that_moved_is_the_first() {
    let f = fitted(600, 3, &InferOptions::default());
    let moved: Vec<String> = lines(600)
        .iter()
        .map(|line| {
            let mut cells: Vec<String> = line.split(',').map(String::from).collect();
            cells[1] = cells[1].parse::<f64>().map_or(String::new(), |v| (v * 1.05).to_string());
            cells.join(",")
        })
        .collect();
    let got = drift(&f.model, &csv(&text(&moved), Some(&f.model.encoder)));
    assert_eq!(got.columns[0].column, "income");
    assert!(got.columns[0].psi > 0.25 && got.columns[1..].iter().all(|c| c.psi == 0.0), "{got:?}");
    assert!(got.segments_psi > 0.0);
    let outside = got.warnings.iter().find(|w| w.starts_with("income: ")).unwrap();
    assert!(outside.contains("above the fit's largest"), "{outside}");
}

#[test]
fn shares_by_hand() {
    let table = csv(&format!("g,n\n{}", "a,1\nb,2\n".repeat(50)), None);
    let options = InferOptions { features: vec!["*".into()], ..InferOptions::default() };
    let model = super::model_of(&table, 2, &options).model;
    let new = csv(&format!("g,n\n{}", "a,1\nb,2\nc,-3\n,2.5\n".repeat(30)), Some(&model.encoder));
    let got = drift(&model, &new);
    // a, b, other, missing, unseen.
    let expected = psi(&[0.5, 0.5, 0.0, 0.0, 0.0], &[0.25, 0.25, 0.0, 0.25, 0.25]);
    let g = got.columns.iter().find(|c| c.column == "g").unwrap();
    assert_eq!((g.psi, g.missing, g.fitted_missing), (expected, 0.25, 0.0));
    assert_eq!(Change::of(g.psi), Change::Major);
    let outside = "n: 30 rows below the fit's smallest 1 and 30 rows above the fit's largest 2";
    assert!(got.warnings.iter().any(|w| w == outside), "{:?}", got.warnings);
    // `assign` says the same.
    let assigned = model.assign(&new, &Cpu::default()).unwrap();
    assert_eq!(assigned.warnings, got.warnings[..2]);
    // So few rows that it may be chance.
    let few = csv("g,n\na,1\nb,2\n", Some(&model.encoder));
    assert!(drift(&model, &few).warnings.iter().any(|w| w.contains("chance alone")));
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let model = small();
    let old = Model { reference: None, ..model.clone() };
    let table = csv(&text(&lines(60)), None);
    let cpu = Cpu::default();
    let message = old.drift(&table, &cpu).unwrap_err().to_string();
    assert!(message.contains("fit again"), "{message}");
    assert!(!old.to_json().contains("reference"));
    assert_eq!(Model::from_json(&old.to_json()).unwrap().assign(&table, &cpu).unwrap().warnings.len(), 0);

    let dropping = fitted(60, 2, &InferOptions { missing: Missing::Drop, ..InferOptions::default() }).model;
    let none = csv("score,income,kids,passed,region\n,1,2,true,north\n", Some(&dropping.encoder));
    let message = dropping.drift(&none, &cpu).unwrap_err().to_string();
    assert!(message.contains("no row of this table") && message.contains("learners.csv"), "{message}");

    let lacking = csv("score,kids\n1,2\n", None);
    let message = model.assign(&lacking, &cpu).unwrap_err().to_string();
    let named = ["\"income\", \"passed\", \"region\"", "the columns are score, kids"];
    assert!(named.iter().all(|words| message.contains(words)), "{message}");
}

#[test]
fn references_that_do_not_fit_are_refused() {
    let good = small();
    let refused = |what: &str, change: &dyn Fn(&mut Vec<ColumnReference>, &mut Vec<f64>)| {
        let mut model = good.clone();
        let reference = model.reference.as_mut().unwrap();
        change(&mut reference.columns, &mut reference.distances);
        let message = Model::from_json(&model.to_json()).map(drop).unwrap_err().to_string();
        assert!(message.contains("reference"), "{what}: {message}");
    };
    refused("a column too few", &|columns, _| drop(columns.pop()));
    refused("another order", &|columns, _| columns.swap(0, 1));
    refused("a distance too few", &|_, distances| distances.truncate(20));
    refused("distances that fall", &|_, distances| distances.reverse());
    refused("a share above 1", &|columns, _| match &mut columns[0] {
        ColumnReference::Number { shares, .. } => shares[0] = 1.5,
        other => panic!("{other:?}"),
    });
    refused("edges that fall", &|columns, _| match &mut columns[0] {
        ColumnReference::Number { edges, .. } => edges.reverse(),
        other => panic!("{other:?}"),
    });
    refused("another level", &|columns, _| match &mut columns[4] {
        ColumnReference::OneHot { levels, .. } => levels.extend([("west".into(), 0.0)]),
        other => panic!("{other:?}"),
    });
}

#[test]
fn the_weighted_table_of_the_fit_has_not_drifted() {
    let desk = crate::cli::Desk::new();
    let line = |i: usize| {
        let far = i.is_multiple_of(3);
        let text = ["x", "y", "z", "y"][i % 4];
        format!("{},{},{text},{}\n", if far { 90 + i % 7 } else { i % 9 }, i * 13 % 31, [5, 1, 0, 2][i % 4])
    };
    let lines: String = (0..120).map(line).collect();
    desk.put("w.csv", format!("a,b,t,w\n{lines}"));
    desk.run("fit w.csv --weight w --k 2 --device cpu --out out -q").quietly();
    let found = desk.run("drift out/model.json w.csv --device cpu --json -q").json().0;
    let largest = |key: &str| {
        found[key].as_array().unwrap().iter().map(|c| c["psi"].as_f64().unwrap()).fold(0.0, f64::max)
    };
    assert!(largest("columns") < 1e-9 && found["segments_psi"].as_f64().unwrap() < 1e-9, "{found}");
    for (now, then) in [("median", "fitted_median"), ("p95", "fitted_p95")] {
        let of = |key: &str| found["distances"][key].as_f64().unwrap();
        assert!((of(now) - of(then)).abs() <= 1e-9, "{found}");
    }
    // Rows without their weights are other shares.
    desk.put("plain.csv", format!("a,b,t,v\n{lines}"));
    let plain = desk.run("drift out/model.json plain.csv --device cpu --json -q").json().0;
    assert!(plain["columns"][0]["psi"].as_f64().unwrap() > 0.01, "{plain}");
}
