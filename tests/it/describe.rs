//! What is in a table: figures against pandas and exact fractions (tests/peers/describe.py), repeats and pairs against naive
//! counts, and the promises.

use crate::cli::Desk;
use crate::devices::skip;
use rayon::ThreadPoolBuilder;
use segmenta::describe::{
    ColumnDescription, Figures, NumericFigures, Options, Room, TableDescription, describe,
};
use segmenta::matrix::RowMajor;
use segmenta::random::{Draws, Purpose};
use segmenta::table::{Column, ReadOptions, Table, Values, read};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Deserialize)]
struct Goldens {
    tables: BTreeMap<String, GoldenTable>,
    edges: BTreeMap<String, Edge>,
    holes: Holes,
}

#[derive(Deserialize)]
struct GoldenTable {
    rows: usize,
    numbers: BTreeMap<String, Golden>,
    booleans: BTreeMap<String, f64>,
    texts: BTreeMap<String, GoldenTexts>,
    columns: Vec<String>,
    matrix: Vec<Vec<Option<f64>>>,
    duplicates: usize,
}

#[derive(Deserialize)]
struct Edge {
    values: Vec<Option<f64>>,
    figures: Golden,
}

#[derive(Deserialize)]
struct Holes {
    values: BTreeMap<String, Vec<Option<f64>>>,
    columns: Vec<String>,
    matrix: Vec<Vec<Option<f64>>>,
}

#[derive(Deserialize)]
struct GoldenTexts {
    distinct: usize,
    longest: usize,
    top: Vec<(String, usize)>,
}

#[derive(Deserialize)]
struct Golden {
    count: usize,
    missing: usize,
    distinct: usize,
    mean: Option<f64>,
    sd: Option<f64>,
    min: Option<f64>,
    p1: Option<f64>,
    p5: Option<f64>,
    p25: Option<f64>,
    median: Option<f64>,
    p75: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
    skewness: Option<f64>,
    kurtosis: Option<f64>,
    zeros: Option<f64>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../peers/describe.json")).unwrap()
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.into(), values }
}

fn numbers(name: &str, values: &[Option<f64>]) -> Column {
    column(name, Values::Number(values.iter().map(|v| v.unwrap_or(f64::NAN)).collect()))
}

fn table(columns: Vec<Column>) -> Table {
    Table { source: "t".into(), rows: columns[0].values.len(), columns, ..Table::default() }
}

fn all(table: &Table) -> TableDescription {
    describe(table, &Options::default(), Room::Enough).unwrap()
}

fn of<'a>(found: &'a TableDescription, name: &str) -> &'a ColumnDescription {
    found.columns.iter().find(|c| c.column == name).unwrap_or_else(|| panic!("{name} is not described"))
}

fn figures(column: &ColumnDescription) -> &NumericFigures {
    match &column.figures {
        Figures::Numbers(figures) => figures,
        other => panic!("{}: {other:?}", column.column),
    }
}

/// `least` is the absolute difference that is allowed whatever the size.
fn close(found: Option<f64>, expected: Option<f64>, least: f64, what: &str) {
    let right = match (found, expected) {
        (None, None) => true,
        (Some(a), Some(b)) => (a - b).abs() <= least.max(1e-9 * b.abs()),
        _ => false,
    };
    assert!(right, "{what}: {found:?}, expected {expected:?}");
}

fn same_figures(found: &ColumnDescription, expected: &Golden, what: &str) {
    let counts = (found.count, found.missing, found.distinct);
    assert_eq!(counts, (expected.count, expected.missing, expected.distinct), "{what}");
    let share = expected.missing as f64 / (expected.count + expected.missing) as f64;
    assert_eq!(found.missing_share, share, "{what}");
    if expected.count == 0 {
        assert!(matches!(found.figures, Figures::Numbers(_) | Figures::Empty {}), "{what}");
        return;
    }
    let f = figures(found);
    let size = [expected.min, expected.max].into_iter().flatten().fold(0.0, |a: f64, v| a.max(v.abs()));
    let pairs = [
        (f.mean, expected.mean, "mean"),
        (f.sd, expected.sd, "sd"),
        (f.min, expected.min, "min"),
        (f.p1, expected.p1, "p1"),
        (f.p5, expected.p5, "p5"),
        (f.p25, expected.p25, "p25"),
        (f.median, expected.median, "median"),
        (f.p75, expected.p75, "p75"),
        (f.p95, expected.p95, "p95"),
        (f.p99, expected.p99, "p99"),
        (f.max, expected.max, "max"),
    ];
    for (found, expected, name) in pairs {
        close(found, expected, 1e-15 * size, &format!("{what}, {name}"));
    }
    close(f.skewness, expected.skewness, 1e-8, &format!("{what}, skewness"));
    close(f.kurtosis, expected.kurtosis, 1e-8, &format!("{what}, kurtosis"));
    close(f.zeros, expected.zeros, 0.0, &format!("{what}, zeros"));
}

fn same_matrix(
    found: &TableDescription,
    columns: &[String],
    matrix: &[Vec<Option<f64>>],
    what: &str,
) -> usize {
    let correlations = found.correlations.as_ref().unwrap();
    let place = |name: &String| columns.iter().position(|c| c == name).unwrap();
    let mut compared = 0;
    for (a, row) in correlations.columns.iter().zip(&correlations.matrix) {
        for (b, &r) in correlations.columns.iter().zip(row) {
            close(r, matrix[place(a)][place(b)], 1e-9, &format!("{what}: {a} and {b}"));
            compared += 1;
        }
    }
    compared
}

#[test]
fn figures_of_edge_cases_are_exact() {
    let goldens = goldens();
    assert!(goldens.edges.len() > 12);
    for (name, Edge { values, figures: expected }) in &goldens.edges {
        let found = all(&table(vec![numbers(name, values)]));
        same_figures(of(&found, name), expected, name);
    }
}

#[test]
fn correlations_with_holes_are_those_of_pandas() {
    let Holes { values, columns, matrix } = goldens().holes;
    let table = table(columns.iter().map(|name| numbers(name, &values[name])).collect());
    let found = all(&table);
    assert_eq!(same_matrix(&found, &columns, &matrix, "holes"), columns.len() * columns.len());
    let correlations = found.correlations.unwrap();
    // A constant has no correlation, and neither have columns that share no row.
    let at = |a: &str, b: &str| {
        let place = |name| correlations.columns.iter().position(|c| c == name).unwrap();
        correlations.matrix[place(a)][place(b)]
    };
    assert_eq!((at("constant", "a"), at("c", "constant where c is")), (None, None));
    assert_eq!((at("d", "never with d"), at("constant", "constant")), (None, None));
    assert!(at("a", "d").unwrap() < -1.0 + 1e-12);
    let top = &correlations.top;
    assert_eq!(top.len(), 12);
    assert!(top.windows(2).all(|w| w[0].r.abs() >= w[1].r.abs()) && top.iter().all(|pair| pair.a != pair.b));
    for pair in top {
        let rows = values[&pair.a].iter().zip(&values[&pair.b]).filter(|(a, b)| a.is_some() && b.is_some());
        assert_eq!(pair.rows, rows.count(), "{} and {}", pair.a, pair.b);
        assert_eq!(at(&pair.a, &pair.b), Some(pair.r));
    }
}

#[test]
fn real_tables_are_described_as_by_pandas() {
    let Some(data) = std::env::var_os("SEGMENTA_DATA").map(PathBuf::from) else {
        skip("SEGMENTA_DATA is not set: no real table is described");
        return;
    };
    for (name, golden) in goldens().tables {
        let table = read(&data.join(&name), &ReadOptions::default()).unwrap();
        let found = all(&table);
        assert_eq!((found.rows, found.duplicates.rows), (golden.rows, golden.duplicates), "{name}");
        let mut numbers = 0;
        for (column, expected) in &golden.numbers {
            let described = of(&found, column);
            // Here an id with leading zeros stays text.
            if described.kind == "number" {
                same_figures(described, expected, &format!("{name}, {column}"));
                numbers += 1;
            } else {
                assert_eq!((column.as_str(), described.key), ("customer_id", true));
            }
        }
        assert!(numbers > 3, "{name}");
        for (column, &share) in &golden.booleans {
            assert_eq!(of(&found, column).figures, Figures::Booleans { true_share: Some(share) }, "{name}");
        }
        for (column, expected) in &golden.texts {
            let described = of(&found, column);
            let Figures::Texts(texts) = &described.figures else { panic!("{name}, {column}: {described:?}") };
            assert_eq!(
                (described.distinct, texts.longest),
                (expected.distinct, expected.longest),
                "{column}"
            );
            let top: Vec<(String, usize)> = texts.top.iter().map(|c| (c.value.clone(), c.count)).collect();
            assert_eq!(top, expected.top, "{name}, {column}");
        }
        assert!(same_matrix(&found, &golden.columns, &golden.matrix, &name) > 8, "{name}");
    }
}

/// Some columns of all types with few values, so that rows repeat.
fn mixed(rows: usize) -> Table {
    let mut draws = Draws::new(8, Purpose::SynthTable).at(0);
    let mut below = |n: u64| draws.below(n);
    let number = |n: u64| [0.0, -0.0, 2.5, f64::NAN][n as usize];
    let numbers: Vec<f64> = (0..rows).map(|_| number(below(4))).collect();
    let flags = (0..rows).map(|_| [None, Some(true), Some(false)][below(3) as usize]).collect();
    let codes = (0..rows).map(|_| [None, Some(0), Some(1), Some(3)][below(4) as usize]).collect();
    let levels = ["Oslo", "Lima", "nobody is from here", "Bogotá"].map(String::from).to_vec();
    table(vec![
        column("number", Values::Number(numbers)),
        column("flag", Values::Bool(flags)),
        column("city", Values::Text { levels, codes }),
        column("nothing", Values::Empty(rows)),
    ])
}

#[test]
fn repeats_are_those_of_a_naive_count() {
    for rows in [0, 1, 2, 30, 500] {
        let mut table = mixed(rows);
        let cell = |c: &Column, row: usize| match c.values.number(row) {
            // The two zeros are equal.
            Some(0.0) => "0".to_string(),
            _ if c.values.is_missing(row) => "missing".into(),
            _ => c.values.cell(row),
        };
        let text = |row: usize| table.columns.iter().map(|c| cell(c, row)).collect::<Vec<_>>();
        let repeats = (0..rows).filter(|&row| (0..row).any(|before| text(before) == text(row))).count();
        assert_eq!(all(&table).duplicates.rows, repeats, "{rows}");
        assert!(rows < 500 || repeats > 400);
        if rows < 30 {
            continue;
        }
        // A running number hides that rows repeat.
        let running = (0..rows).map(|row| row as f64).collect();
        table.columns.insert(0, column("row", Values::Number(running)));
        let found = all(&table).duplicates;
        let apart = found.apart_from.unwrap();
        assert_eq!((found.rows, apart.rows, apart.columns), (0, repeats, vec!["row".to_string()]));
        assert_eq!((found.keys[0].distinct, found.keys[0].repeated), (rows, 0));
    }
}

#[test]
fn texts_are_counted_and_keys_are_not_shown() {
    let mut table = mixed(500);
    let people: Vec<Option<u32>> =
        (0..500).map(|row| if row % 10 == 9 { None } else { Some(row % 300) }).collect();
    let levels: Vec<String> = (0..300).map(|n| format!("secret{n}@example.org")).collect();
    let used = people.iter().flatten().collect::<std::collections::HashSet<_>>().len();
    table.columns.push(column("email", Values::Text { levels, codes: people }));
    let found = all(&table);
    let Figures::Texts(city) = &of(&found, "city").figures else { panic!("{found:?}") };
    let count = |name: &str| (0..500).filter(|&row| table.columns[2].values.cell(row) == name).count();
    assert_eq!((of(&found, "city").distinct, city.longest, city.top.len()), (3, 6, 3));
    for common in &city.top {
        assert_eq!(common.count, count(&common.value));
        assert_eq!(common.share, common.count as f64 / of(&found, "city").count as f64);
    }
    assert!(city.top.windows(2).all(|w| w[0].count >= w[1].count));
    let email = of(&found, "email");
    assert!(email.key && email.missing == 50 && email.distinct == used, "{email:?}");
    assert_eq!(found.duplicates.keys[0].repeated, 450 - used);
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("secret") && json.contains("Bogotá"), "{json}");
    let one = Options { top: 1, ..Options::default() };
    let fewer = describe(&table, &one, Room::Enough).unwrap();
    let Figures::Texts(commonest) = &of(&fewer, "city").figures else { panic!("{fewer:?}") };
    assert_eq!(commonest.top, city.top[..1]);
}

#[test]
fn every_number_of_threads_gives_the_same_bits() {
    let table = segmenta::synth::Example::Learners.table(20_000, 3);
    let with = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        serde_json::to_string(&pool.install(|| all(&table))).unwrap()
    };
    let one = with(1);
    assert!(one.contains("skewness") && one.contains("\"r\":"));
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn packed_columns_are_described_like_their_numbers() {
    let mut block = RowMajor::zeros(900, 2);
    let mut draws = Draws::new(4, Purpose::SynthTable).at(1);
    block
        .values_mut()
        .iter_mut()
        .for_each(|v| *v = if draws.uniform() < 0.1 { f32::NAN } else { draws.normal() as f32 });
    let block = Arc::new(block);
    let packed = |j| Values::Packed { block: block.clone(), column: j };
    let plain = |j| Values::Number((0..900).map(|row| f64::from(block.get(row, j))).collect());
    let one = all(&table(vec![column("a", packed(0)), column("b", packed(1))]));
    let other = all(&table(vec![column("a", plain(0)), column("b", plain(1))]));
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
}

#[test]
fn what_cannot_be_correlated_says_why() {
    let single = all(&table(vec![numbers("a", &[Some(1.0), Some(2.5)])]));
    assert!(single.correlations.is_none() && single.not_correlated.unwrap().contains("two columns"));
    let two = table(vec![numbers("a", &[Some(1.0), Some(2.5)]), numbers("b", &[Some(3.0), Some(2.5)])]);
    let short = describe(&two, &Options::default(), Room::Bytes(31)).unwrap();
    assert!(short.correlations.is_none() && short.not_correlated.unwrap().contains("31 bytes are left"));
    let enough = describe(&two, &Options::default(), Room::Bytes(32)).unwrap();
    assert_eq!(enough.correlations.unwrap().matrix[0][1], Some(-1.0));
    let without =
        describe(&two, &Options { correlations: false, ..Options::default() }, Room::Enough).unwrap();
    assert!(without.correlations.is_none() && without.not_correlated.is_none());
    let unknown = Options { columns: vec!["c*".into()], ..Options::default() };
    assert!(describe(&two, &unknown, Room::Enough).unwrap_err().to_string().contains("c*"));
    let named = Options { columns: vec!["b".into(), "*".into()], ..Options::default() };
    let names: Vec<String> =
        describe(&two, &named, Room::Enough).unwrap().columns.into_iter().map(|c| c.column).collect();
    assert_eq!(names, ["b", "a"]);
}

const TABLE: &str = "user_id,email,company,pay,level,city\n";

/// 80 users of a few companies, whose names are hashes.
fn users() -> String {
    let line = |i: usize| {
        let (company, pay) = (["h-9f3c", "h-77ab", "h-c0de"][i % 7 % 3], 1000 * (i % 9));
        let level = if i.is_multiple_of(5) { String::new() } else { (i % 4).to_string() };
        format!("u{i},a{}@x.org,{company},{pay},{level},{}\n", i % 60, ["Pune", "Lima"][i % 2])
    };
    TABLE.to_string() + &(0..80).map(line).collect::<String>()
}

#[test]
fn inspect_full_shows_what_is_in_a_table() {
    let desk = Desk::new();
    desk.put("t.csv", users());
    let plain = desk.run("inspect t.csv -q").quietly();
    let full = desk.run("inspect t.csv -q --full").quietly();
    assert!(full.starts_with(&plain) && !plain.contains("skewness"), "{full}");
    for words in ["skewness", "median", "99 %", "not shown: it looks like a key", "Lima (40), Pune (40)"] {
        assert!(full.contains(words), "{words}: {full}");
    }
    let keys = "duplicates, leaving user_id aside: no row repeats an earlier row\n\
                key user_id: 80 different values, none repeats\n\
                key email: 60 different values, 20 rows repeat a value of an earlier row\n";
    assert!(full.contains(keys), "{full}");
    assert!(full.contains("rows with both") && full.contains("pay  level"), "{full}");
    assert!(!full.contains("NaN") && !full.contains("@x.org"), "{full}");
    let (found, top) = desk.run("inspect t.csv -q --full --json").json();
    for key in ["columns", "describe", "duplicates", "correlations"] {
        assert!(top.contains(key), "{key}: {top:?}");
    }
    assert_eq!(found["describe"].as_array().unwrap().len(), 6);
    assert_eq!(
        (&found["describe"][3]["column"], &found["describe"][3]["missing"]),
        (&"pay".into(), &0.into())
    );
    assert_eq!(found["duplicates"]["keys"][1]["repeated"], 20);
    assert_eq!(found["correlations"]["columns"], serde_json::json!(["pay", "level"]));
    assert_eq!(found["correlations"]["matrix"][0][1], found["correlations"]["top"][0]["r"]);
    let (found, _) = desk.run("inspect t.csv -q --json").json();
    assert!(found.get("describe").is_none());
    assert_eq!(desk.run("inspect t.csv --full --print-recipe").code, Some(2));
}

#[test]
fn a_recipe_describes_its_prepared_table() {
    let desk = Desk::new();
    desk.put("t.csv", users());
    let recipe = "[input]\npath = \"t.csv\"\nid = \"user_id\"\n\
                  [[column]]\nname = \"thousands\"\nfrom = \"pay\"\nsteps = [{ divide = 1000 }]\n\
                  [features]\ncolumns = [\"pay\", \"level\"]\n\
                  [[alias]]\ncolumn = \"company\"\nnames = [\"Company A\", \"Company B\"]\nother = \"others\"\n\
                  [analysis]\nk = 2\n";
    let with = |name: &str, section: &str| desk.put(name, format!("{recipe}{section}"));
    with("plain.toml", "");
    with("d.toml", "[describe]\ncolumns = [\"company\", \"thousands\", \"pay\"]\ntop = 2\n");
    let plain = desk.run("run plain.toml -q --device cpu --out plain").quietly();
    let said = desk.run("run d.toml -q --device cpu --out d").quietly();
    assert!(
        !plain.contains("skewness") && said.contains("skewness") && said.contains("Company A ("),
        "{said}"
    );
    assert!(said.ends_with(&plain), "{said}");
    let found: serde_json::Value = serde_json::from_str(&desk.read("d/metrics.json")).unwrap();
    let columns: Vec<&str> =
        found["describe"].as_array().unwrap().iter().map(|c| c["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["company", "thousands", "pay"]);
    assert_eq!(found["describe"][0]["top"].as_array().unwrap().len(), 2);
    // One is the other in other units.
    let r = found["correlations"]["matrix"][0][1].as_f64().unwrap();
    assert!((r - 1.0).abs() < 1e-12, "{r}");
    assert!(!desk.read("d/metrics.json").contains("h-9f3c"));
    let before: serde_json::Value = serde_json::from_str(&desk.read("plain/metrics.json")).unwrap();
    assert!(before.get("describe").is_none() && before.get("duplicates").is_none());
    assert_eq!(before["inertia"], found["inertia"]);

    with("unknown.toml", "[describe]\ncolums = []\n");
    desk.fails("run unknown.toml --out x", 3, &["unknown.toml, line 17", "describe.colums"]);
    with("none.toml", "[describe]\ncolumns = [\"payy\"]\n");
    desk.fails("run none.toml -q --out x", 3, &["payy", "pay"]);
}

#[test]
fn telephone_numbers_are_keys_and_pay_is_not() {
    let is_key = |rows: u64, number: &dyn Fn(u64) -> f64| {
        let values = Values::Number((0..rows).map(number).collect());
        let table =
            Table { rows: rows as usize, columns: vec![column("contact", values)], ..Table::default() };
        of(&all(&table), "contact").key
    };
    let spread = |i: u64| (i * 7_919 % 10_007) as f64;
    assert!(is_key(600, &|i| 491_701_000_000.0 + 997.0 * spread(i)), "telephone numbers");
    assert!(is_key(600, &|i| 1_000_003.0 + 899.0 * spread(i)), "seven digits each");
    assert!(!is_key(600, &|i| 20_000.0 + 9.0 * spread(i)), "pay, all different");
    assert!(!is_key(600, &|i| 900_000.0 + 999.0 * spread(i)), "revenue of six or seven digits");
    assert!(!is_key(600, &|i| 1_000_003.5 + 899.0 * spread(i)), "not whole");
    assert!(!is_key(90, &|i| 1_000_003.0 + 899.0 * spread(i)), "too few rows to tell");
    assert!(!is_key(600, &|i| 1_000_003.0 + 899.0 * spread(i / 2)), "some are the same");
}
