//! Columns to features: what is taken and why; recipes and what they learn.

mod aliases;
mod apply;
mod encode;
mod errors;
mod figures;
mod flags;
mod groups;
mod kinds;
mod learners;
mod listing;
mod reduce;
mod reference;
mod weights;

use segmenta::analysis::Spec;
use segmenta::error::Error;
use segmenta::recipe::{ColumnChoice, InferOptions, Recipe, infer};
use segmenta::table::{ReadOptions, Table, read_bytes};
use std::collections::BTreeMap;

fn read(text: &str, options: &ReadOptions) -> Table {
    read_bytes("t.csv", text.as_bytes().to_vec(), options).unwrap()
}

fn csv(text: &str) -> Table {
    read(text, &ReadOptions::default())
}

fn parameters(given: &[(&str, f64)]) -> BTreeMap<String, f64> {
    given.iter().map(|(name, value)| (name.to_string(), *value)).collect()
}

/// A recipe called `r.toml`.
fn parse(text: &str) -> Recipe {
    spec(text).recipe
}

/// The analysis of such a recipe.
fn spec(text: &str) -> Spec {
    Spec::parse("r.toml", text, &parameters(&[])).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

/// A table of one column, one line a value.
fn one<T: ToString>(name: &str, values: impl IntoIterator<Item = T>) -> Table {
    let lines: Vec<String> = values.into_iter().map(|v| format!("\"{}\"", v.to_string())).collect();
    csv(&format!("{name}\n{}\n", lines.join("\n")))
}

/// Two tables side by side.
fn beside(mut a: Table, b: Table) -> Table {
    assert_eq!(a.rows, b.rows);
    a.columns.extend(b.columns);
    a
}

/// `value` in a column that is always taken, so that a table is never left without a feature.
fn anchor(rows: usize) -> Table {
    one("anchor", (0..rows).map(|i| (i % 2) as f64 + 0.5))
}

/// What becomes of a table's first column.
fn choice(table: Table) -> ColumnChoice {
    let rows = table.rows;
    infer(&beside(table, anchor(rows)), &InferOptions::default()).unwrap().remove(0)
}

fn reason(table: Table) -> (usize, String) {
    let c = choice(table);
    (c.features, c.reason)
}

fn left_out(reason: &str) -> (usize, String) {
    (0, reason.into())
}

fn features(names: &[&str]) -> InferOptions {
    InferOptions { features: names.iter().map(|n| n.to_string()).collect(), ..InferOptions::default() }
}

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let e = result.unwrap_err();
    assert!(matches!(e, Error::Data { .. }), "{e:?}");
    e.to_string()
}

#[test]
fn every_column_gets_its_reason() {
    let options = ReadOptions { id: Some("who".into()), ..ReadOptions::default() };
    let table = read(
        "who,score,passed,region,void,note,week\n\
         a,1.5,true,N,,x,3\nb,2.5,false,S,,y,3\nc,,true,,,z,4\nd,4.5,,N,,w,4\n",
        &options,
    );
    let options = InferOptions { drop: vec!["n*".into()], ..InferOptions::default() };
    let choices = infer(&table, &options).unwrap();
    let seen: Vec<_> = (choices.iter())
        .map(|c| (c.column.as_str(), c.kind, c.missing, c.distinct, c.features, c.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("who", "text", 0, Some(4), 0, "the id column"),
            ("score", "number", 1, Some(3), 1, "number"),
            ("passed", "boolean", 1, Some(2), 1, "true/false"),
            ("region", "text", 1, Some(2), 1, "two values: S is 1, N is 0"),
            ("void", "empty", 4, None, 0, "all missing"),
            ("note", "text", 0, Some(4), 0, "dropped by name"),
            ("week", "number", 0, Some(2), 1, "number"),
        ]
    );
    let choices = infer(&table, &features(&["score"])).unwrap();
    let reasons: Vec<_> = choices.iter().map(|c| c.reason.as_str()).collect();
    let not = "not asked for";
    assert_eq!(reasons, ["the id column", "number", not, not, "all missing", not, not]);
}

#[test]
fn names_that_say_key() {
    let values = || [5.0, 3.0, 4.0, 4.0];
    for (name, word) in [
        ("id", "id"),
        ("id_student", "id"),
        ("userID", "id"),
        ("UserId", "id"),
        ("HTTPId", "id"),
        ("ID", "id"),
        ("EmailHash", "email"),
        ("Email address", "email"),
        ("row-uuid", "uuid"),
        ("session.hash", "hash"),
    ] {
        assert_eq!(reason(one(name, values())), left_out(&format!("{word} in its name")), "{name}");
    }
    for name in ["idle", "paid", "Hashtag", "emails", "grid", "identity", "IDEA", "été"] {
        assert_eq!(reason(one(name, values())), (1, "number".into()), "{name}");
    }
}

#[test]
fn running_numbers() {
    let running = || left_out("running number");
    assert_eq!(reason(one("n", 0..5)), running());
    assert_eq!(reason(one("n", -7..5)), running());
    assert_eq!(reason(csv(",b\n4,1\n5,2\n6,9\n")), running(), "the row numbers that pandas writes");
    let number = || (1, "number".into());
    assert_eq!(reason(one("n", [1, 2, 4])), number());
    assert_eq!(reason(one("n", [3, 2, 1])), number());
    assert_eq!(reason(one("n", [0.5, 1.5, 2.5])), number());
    assert_eq!(reason(one("n", ["1", "2", "", "4"])), number(), "one is missing");
}

#[test]
fn whole_numbers_that_are_nearly_all_distinct() {
    // 1,001 rows, of which the first `same` are equal.
    let column = |rows: i64, same: i64, step: f64| {
        one("n", (0..rows).map(|i| step * ((if i < same { 0 } else { i }) * 7919 % 10_007) as f64))
    };
    assert_eq!(reason(column(1001, 20, 1.0)), left_out("98 % distinct whole numbers"));
    assert_eq!(reason(column(1001, 51, 1.0)), left_out("95 % distinct whole numbers"));
    let number = || (1, "number".into());
    assert_eq!(reason(column(1001, 52, 1.0)), number(), "950 of 1,001 are less than 95 %");
    assert_eq!(reason(column(1000, 0, 1.0)), number(), "1,000 rows are not over 1,000");
    assert_eq!(reason(column(1001, 0, 0.5)), number(), "halves are measurements");
}

#[test]
fn mostly_missing_and_constant() {
    assert_eq!(reason(one("n", ["1", "", "", "2", ""])), left_out("60 % missing"));
    assert_eq!(reason(one("n", ["1", "", "", "2"])), (1, "number".into()), "half is not more than half");
    let constant = || left_out("constant");
    assert_eq!(reason(one("n", [3, 3, 3])), constant());
    assert_eq!(reason(one("n", ["3", "", "3"])), constant(), "the median is the same again");
    assert_eq!(reason(one("n", ["true", "True"])), constant());
    assert_eq!(reason(one("n", ["x", "x"])), constant());
    assert_eq!(reason(one("n", ["x", "", "x"])), (2, "1 category and missing".into()), "there or not");
}

#[test]
fn texts_by_the_number_of_their_categories() {
    let texts = |n: usize| one("t", (0..200).map(|i| format!("t{}", i % n)));
    assert_eq!(reason(texts(6)), (6, "6 categories".into()));
    assert_eq!(reason(texts(15)), (15, "15 categories".into()));
    assert_eq!(reason(texts(16)), (16, "15 commonest of 16 categories, and other".into()));
    assert_eq!(reason(texts(50)), (16, "15 commonest of 50 categories, and other".into()));
    assert_eq!(reason(texts(51)), left_out("51 distinct texts, more than 50"));
    assert_eq!(reason(texts(2)), (1, "two values: t1 is 1, t0 is 0".into()));
    let table = beside(texts(51), anchor(200));
    let options = InferOptions { max_categories: 51, ..InferOptions::default() };
    assert_eq!(infer(&table, &options).unwrap()[0].features, 16);
    let hashes = one("EmailHash", (0..60).map(|i| format!("x{i}")));
    assert_eq!(reason(hashes), left_out("email in its name"), "the name says more than the number");
    // A column of numbers with a mark that means missing.
    let odd = one("t", (0..200).map(|i| if i == 7 { "n.a.".into() } else { (i * i).to_string() }));
    assert_eq!(reason(odd), left_out("numbers, but also texts such as \"n.a.\""));
}

#[test]
fn naming_a_column_overrides_the_rules() {
    let table = csv("user_id,n,same,few\n7,1,5,\n9,2,5,\n8,3,5,1\n8,4,5,\n");
    let taken = |names: &[&str]| -> Vec<String> {
        let choices = infer(&table, &features(names)).unwrap();
        choices.into_iter().filter(|c| c.features > 0).map(|c| c.column).collect()
    };
    assert_eq!(taken(&["user_id", "n", "same", "few"]), ["user_id", "n", "same", "few"]);
    assert_eq!(taken(&["*e*"]), ["user_id", "same", "few"]);
    assert_eq!(taken(&["?"]), ["n"]);
    let options = InferOptions { drop: vec!["few".into(), "s*".into()], ..features(&["*e*"]) };
    assert_eq!(infer(&table, &options).unwrap().iter().filter(|c| c.features > 0).count(), 1);
    assert_eq!(
        message(infer(&table, &features(&["sane"]))),
        "t.csv: no column is called \"sane\"; did you mean same?"
    );
    assert!(message(infer(&table, &features(&["zz*"]))).contains("\"zz*\""));
    let options = InferOptions { drop: vec!["fev".into()], ..InferOptions::default() };
    assert!(message(infer(&table, &options)).contains("did you mean few?"));
    // A name may hold what globs are made of.
    let table = csv("ok?,okay\n1,5\n0,3\n0,4\n");
    let choices = infer(&table, &features(&["ok?"])).unwrap();
    assert_eq!((choices[0].features, choices[1].features), (1, 0));
}

#[test]
fn what_cannot_be_a_feature_is_an_error_where_it_is_named() {
    let rows: String = (0..60).map(|i| format!("{i}x,{},,t{i}\n", i % 7)).collect();
    let options = ReadOptions { id: Some("who".into()), ..ReadOptions::default() };
    let table = read(&format!("who,n,void,t\n{rows}"), &options);
    let error = |name: &str| message(infer(&table, &features(&["n", name])));
    assert_eq!(
        error("who"),
        "t.csv, column who: cannot be a feature: the id column; leave it out of the features"
    );
    assert_eq!(
        error("void"),
        "t.csv, column void: cannot be a feature: all missing; leave it out of the features"
    );
    assert_eq!(
        error("t"),
        "t.csv, column t: cannot be a feature: 60 distinct texts, more than 50; raise max-categories or leave it \
         out of the features"
    );
    let choices = infer(&table, &features(&["*"])).unwrap();
    let widths: Vec<_> = choices.iter().map(|c| c.features).collect();
    assert_eq!(widths, [0, 1, 0, 0], "a glob takes what it can");
}

#[test]
fn no_feature_at_all() {
    let e = message(infer(&csv("id,same\n7,1\n5,1\n"), &InferOptions::default()));
    assert_eq!(e, "t.csv: no column is left to be a feature (id: id in its name; same: constant)");
}
