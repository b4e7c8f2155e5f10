//! `[[reduce]]`: components are columns, learned from the rows that count, and kept in the model.

use super::errors::{faults, fit_faults, wrong};
use super::{csv, parse};
use segmenta::backend::cpu::Cpu;
use segmenta::progress::Progress;
use segmenta::recipe::{Computing, FitOptions, FitReport, FittedMethod, FittedReduction, Scale};
use segmenta::table::Table;

const ROWS: usize = 60;

/// Pay and age go together; height is on its own; one row is far away; two cells are missing.
fn text() -> String {
    let line = |i: usize| {
        let (x, y) = ((i * 17 % 31) as f64, (i * 7 % 13) as f64);
        let pay = if i == 9 { "9000".into() } else { (20.0 + x + 0.1 * y).to_string() };
        let age = if i == 4 { String::new() } else { (30.0 + 2.0 * x - y).to_string() };
        let height = if i == 5 { String::new() } else { (150.0 + y * 3.0).to_string() };
        format!("u{i},{pay},{age},{height},{},{}", ["east", "west", "north"][i % 3], i % 4)
    };
    let lines: Vec<String> = (0..ROWS).map(line).collect();
    format!("who,pay,age,height,town,visits\n{}\n", lines.join("\n"))
}

const REDUCE: &str =
    "[[reduce]]\nname = \"pc\"\nmethod = \"pca\"\ncolumns = [\"pay\", \"age\", \"height\"]\n";
const DROP: &str = "[[drop]]\ncolumns = [\"pay\"]\nabove_quantile = 0.99\n";

fn fit(recipe: &str) -> (FitReport, Table) {
    let mut table = csv(&text());
    let report = parse(recipe).fit(&mut table).unwrap_or_else(|e| panic!("{recipe}\n{e}"));
    (report, table)
}

fn numbers(table: &Table, name: &str) -> Vec<f64> {
    let column = table.column(name).unwrap_or_else(|| panic!("no {name}"));
    column.values.numbers().unwrap().into_owned()
}

/// Standardised over the rows but one, the missing filled by the median of these rows.
fn z(values: &[f64], without: usize) -> Vec<f64> {
    let all: Vec<f64> = (0..ROWS).filter(|i| *i != without).map(|i| values[i]).collect();
    let mut there: Vec<f64> = all.iter().copied().filter(|v| !v.is_nan()).collect();
    there.sort_by(f64::total_cmp);
    let middle = there.len() / 2;
    let median = if there.len() % 2 == 1 { there[middle] } else { (there[middle - 1] + there[middle]) / 2.0 };
    let filled = |v: f64| if v.is_nan() { median } else { v };
    let n = all.len() as f64;
    let mean = all.iter().map(|v| filled(*v)).sum::<f64>() / n;
    let deviation = (all.iter().map(|v| (filled(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
    values.iter().map(|v| (filled(*v) - mean) / deviation).collect()
}

#[test]
fn rows_left_out_do_not_count_but_have_components() {
    let recipe = format!("{DROP}{REDUCE}components = 3\n[features]\ncolumns = [\"pc_*\"]");
    let (report, table) = fit(&recipe);
    assert_eq!(report.outliers, [9]);
    let own = csv(&text());
    let z: Vec<Vec<f64>> = ["pay", "age", "height"].iter().map(|name| z(&numbers(&own, name), 9)).collect();
    let pc: Vec<Vec<f64>> = (1..=3).map(|i| numbers(&table, &format!("pc_{i}"))).collect();
    let kept: Vec<usize> = (0..ROWS).filter(|i| *i != 9).collect();
    let mean = |v: &[f64]| kept.iter().map(|&i| v[i]).sum::<f64>() / 59.0;
    // Over the rows that count, components are centred and uncorrelated, in descending order of their variance.
    let mut last = f64::INFINITY;
    for (i, a) in pc.iter().enumerate() {
        assert!(mean(a).abs() < 1e-6, "{i}");
        for b in &pc[..i] {
            let product: f64 = kept.iter().map(|&row| a[row] * b[row]).sum();
            assert!(product.abs() < 1e-4, "{product}");
        }
        let variance: f64 = kept.iter().map(|&row| a[row] * a[row]).sum::<f64>();
        assert!(variance <= last);
        last = variance;
    }
    // All of them together keep every distance, that of the row left out too.
    for (a, b) in [(0, 1), (3, 40), (9, 2), (4, 5), (9, 58)] {
        let squared = |of: &[Vec<f64>]| of.iter().map(|c| (c[a] - c[b]).powi(2)).sum::<f64>();
        assert!((squared(&pc) - squared(&z)).abs() < 1e-4 * squared(&z), "{a} {b}");
    }
    assert!(pc[0][9].abs() > 100.0, "the outlier is far away: {}", pc[0][9]);
}

#[test]
fn components_are_features_only_where_they_are_asked_for() {
    let names = |recipe: &str| fit(recipe).0.fitted.encoder.feature_names();
    assert_eq!(names(&format!("{REDUCE}[features]\ncolumns = [\"pc_1\", \"age\"]")), ["pc_1", "age"]);
    assert_eq!(names(&format!("{REDUCE}[features]\ncolumns = [\"age\"]")), ["age"]);
    // Where rules choose, components are left out, and the reason says what they are.
    let (report, table) = fit(REDUCE);
    assert!(!report.fitted.encoder.feature_names().iter().any(|name| name.starts_with("pc")));
    let choice = report.choices.iter().find(|c| c.column == "pc_2").unwrap();
    assert_eq!((choice.features, choice.reason.as_str()), (0, "a component of pc"));
    assert!(table.column("pc_2").is_some() && table.column("pc_3").is_none());
    // They are not scaled again: the first one spreads more than the second.
    let (report, table) = fit(&format!("{REDUCE}[features]\ncolumns = [\"pc_*\"]"));
    let columns = report.fitted.encoder.apply(&table).unwrap().columns;
    for (j, column) in columns.iter().enumerate() {
        let own = numbers(&table, &format!("pc_{}", j + 1));
        let shift = own[0] - f64::from(column[0]);
        assert!(own.iter().zip(column).all(|(a, b)| (a - f64::from(*b) - shift).abs() < 1e-5), "{j}");
    }
}

#[test]
fn without_columns_those_of_the_features_are_reduced() {
    let recipe = "[[reduce]]\nname = \"all\"\nmethod = \"pca\"\n[features]\ncolumns = [\"age\", \"town\"]\nscale = \"minmax\"";
    let (report, _) = fit(recipe);
    let [reduction] = &report.fitted.preparation.reductions[..] else { panic!() };
    assert_eq!(reduction.encoder.feature_names(), report.fitted.encoder.feature_names());
    assert_eq!(reduction.encoder.scale, Scale::Minmax);
    let own = recipe.replace("[features]", "scale = \"robust\"\n[features]");
    let (report, _) = fit(&own);
    assert_eq!(report.fitted.preparation.reductions[0].encoder.scale, Scale::Robust);
    assert_eq!(report.fitted.encoder.scale, Scale::Minmax);
}

#[test]
fn a_share_takes_as_many_components_as_it_needs() {
    let kept = |components: &str| {
        let (report, _) = fit(&format!("{DROP}{REDUCE}components = {components}"));
        let FittedMethod::Pca(pca) = report.fitted.preparation.reductions[0].method.clone() else { panic!() };
        (pca.components.len(), pca.explained_variance_ratio())
    };
    for share in [0.3, 0.6, 0.7, 0.9, 0.999] {
        let (n, ratios) = kept(&share.to_string());
        let sum = |n: usize| ratios[..n].iter().sum::<f64>();
        assert!(sum(n) >= share && (n == 1 || sum(n - 1) < share), "{share}: {n} of {ratios:?}");
    }
    assert_eq!(kept("1").0, 1);
}

#[test]
fn later_reductions_use_the_components_of_earlier_ones() {
    let recipe = format!(
        "{REDUCE}\n[[reduce]]\nname = \"again\"\nmethod = \"pca\"\ncolumns = [\"pc_*\"]\nscale = \"none\"\n\
         [features]\ncolumns = [\"again_*\"]"
    );
    let (report, table) = fit(&recipe);
    // The components of components are themselves, up to their sign.
    for i in 1..=2 {
        let (a, b) = (numbers(&table, &format!("pc_{i}")), numbers(&table, &format!("again_{i}")));
        assert!(a.iter().zip(&b).all(|(a, b)| (a.abs() - b.abs()).abs() < 1e-4), "{i}");
    }
    // New rows go the same way, with no column but the table's own.
    let mut fresh = csv(&text());
    fresh.columns.retain(|c| ["pay", "age", "height"].contains(&c.name.as_str()));
    let (encoded, _) = report.fitted.apply(&fresh).unwrap();
    assert_eq!(encoded.columns, report.fitted.encoder.apply(&table).unwrap().columns);
}

#[test]
fn weights_count_and_weight_zero_teaches_nothing() {
    let weighted = "[input]\nweight = \"visits\"\n".to_string() + REDUCE + "[features]\ncolumns = [\"pc_*\"]";
    let (report, table) = fit(&weighted);
    let copies: Vec<String> = text().lines().map(String::from).collect();
    let visits = |line: &str| line.rsplit(',').next().unwrap().parse::<usize>().unwrap();
    let lines: Vec<&str> = copies[1..].iter().flat_map(|line| vec![line.as_str(); visits(line)]).collect();
    let mut repeated = csv(&format!("{}\n{}\n", copies[0], lines.join("\n")));
    let plain = REDUCE.to_string() + "[features]\ncolumns = [\"pc_*\"]";
    let twice = parse(&plain).fit(&mut repeated).unwrap();
    let pca = |report: &FitReport| {
        let FittedMethod::Pca(pca) = report.fitted.preparation.reductions[0].method.clone() else { panic!() };
        pca
    };
    let (a, b) = (pca(&report), pca(&twice));
    for (a, b) in a.components.concat().iter().zip(b.components.concat()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    // Rows of weight 0 have components too.
    assert!(numbers(&table, "pc_1").iter().all(|v| v.is_finite()));
    assert!(!report.unweighted.is_empty());
}

#[test]
fn a_row_that_misses_a_value_has_none_where_it_is_left_out() {
    let recipe = format!("{REDUCE}[features]\ncolumns = [\"pc_*\"]\nmissing = \"drop\"");
    let (report, table) = fit(&recipe);
    let missing: Vec<usize> =
        numbers(&table, "pc_1").iter().enumerate().filter(|(_, v)| v.is_nan()).map(|(i, _)| i).collect();
    assert_eq!(missing, [4, 5]);
    assert_eq!(report.kept.unwrap().len(), ROWS - 2);
    let stops = format!("{REDUCE}[features]\ncolumns = [\"visits\"]\nmissing = \"error\"");
    let fault = parse(&stops).fit(&mut csv(&text())).unwrap_err().to_string();
    assert!(fault.contains("reduce[0].columns") && fault.contains("missing"), "{fault}");
}

/// A fit that knows the reductions of an earlier model.
fn refit(recipe: &str, table: &mut Table, before: &[FittedReduction]) -> segmenta::Result<FitReport> {
    let computing = Computing { backend: &Cpu::default(), progress: Progress::none() };
    parse(recipe).fit_with(table, FitOptions { before, seed: 0, max_memory: None, computing })
}

#[test]
fn a_refit_keeps_the_components_of_an_earlier_model() {
    let recipe = format!("{REDUCE}[features]\ncolumns = [\"pc_*\"]");
    let (first, _) = fit(&recipe);
    let before = &first.fitted.preparation.reductions;
    let other = || csv(&text().replace("u9,9000", "u9,44"));
    let again = refit(&recipe, &mut other(), before).unwrap();
    assert_eq!(&again.fitted.preparation.reductions, before);
    assert!(again.notes.iter().any(|note| note.contains("earlier model")), "{:?}", again.notes);
    let anew = parse(&recipe).fit(&mut other()).unwrap();
    assert_ne!(&anew.fitted.preparation.reductions, before);
    // Another number of components, or other columns: another reduction.
    for changed in [
        recipe.replace("method", "components = 1\nmethod"),
        recipe.replace("\"pay\", ", ""),
        recipe.replace("method", "scale = \"robust\"\nmethod"),
    ] {
        let again = refit(&changed, &mut other(), before).unwrap();
        assert_ne!(&again.fitted.preparation.reductions, before, "{changed}");
    }
}

#[test]
fn faults_of_the_recipe() {
    let head = "[[reduce]]\nname = \"pc\"\nmethod = \"pca\"\n";
    for (recipe, line, key, words) in [
        ("[[reduce]]\nmethod = \"pca\"".to_string(), 1, "reduce[0].name", &["missing"][..]),
        ("[[reduce]]\nname = \"pc\"".to_string(), 1, "reduce[0].method", &["missing", "\"pca\""]),
        ("[reduce]\nname = \"pc\"".to_string(), 1, "reduce", &["[[reduce]]"]),
        (format!("{head}component = 3"), 4, "reduce[0].component", &["did you mean components?"]),
        (format!("{head}components = 0"), 4, "reduce[0].components", &["0.8", "found 0"]),
        (format!("{head}components = 1.5"), 4, "reduce[0].components", &["found 1.5"]),
        (format!("{head}columns = []"), 4, "reduce[0].columns", &["at least one"]),
        (format!("{head}scale = \"unit\""), 4, "reduce[0].scale", &["\"standard\""]),
        (format!("{head}{head}"), 5, "reduce[1].name", &["two reductions", "line 2"]),
        (head.replace("pca", "tsne"), 3, "reduce[0].method", &["expected \"pca\""]),
        (format!("{head}[features]\ncolumns = [\"pc_*\"]"), 1, "reduce[0]", &["no columns", "\"pc_*\""]),
    ] {
        let told = wrong(&recipe, &faults(&recipe), line, key, words);
        assert!(told.is_none(), "{}", told.unwrap());
    }
}

#[test]
fn faults_of_the_table() {
    let head = "[[reduce]]\nname = \"pc\"\nmethod = \"pca\"\n";
    for (recipe, line, key, words) in [
        (format!("{head}columns = [\"pai\"]"), 1, "reduce[0].columns", &["\"pai\"", "pay"][..]),
        (
            format!("{head}columns = [\"pay\", \"age\"]\ncomponents = 3"),
            1,
            "reduce[0].columns",
            &["3 components", "2"],
        ),
        (
            format!("{head}columns = [\"pay\"]\ncomponents = 1\n[features]\nmax_categories = 2\n")
                .replace("pay", "who"),
            1,
            "reduce[0].columns",
            &["column who", "4 distinct texts"],
        ),
        (
            format!("{head}columns = [\"pay\", \"age\"]\n[[column]]\nname = \"pc_2\"\nfrom = \"age\""),
            1,
            "reduce[0].name",
            &["\"pc_2\"", "another name"],
        ),
        (
            format!("{head}columns = [\"pay\", \"age\"]\n[features]\ncolumns = [\"pcs_1\"]"),
            5,
            "features.columns",
            &["\"pcs_1\""],
        ),
    ] {
        let told = wrong(&recipe, &fit_faults(&recipe), line, key, words);
        assert!(told.is_none(), "{}", told.unwrap());
    }
    // A component that there is not.
    let recipe = format!("{head}columns = [\"pay\", \"age\"]\n[features]\ncolumns = [\"pc_9\"]");
    let fault = parse(&recipe).fit(&mut csv(&text())).unwrap_err().to_string();
    assert!(fault.contains("pc_9"), "{fault}");
}
