//! One row for each group: fitted on one list of transactions, applied to others.

use super::errors::{faults, fit_faults, wrong};
use super::{csv, parse};
use crate::cli::{Desk, assignments};
use segmenta::error::Fault;
use segmenta::recipe::{FitReport, FittedRecipe};
use segmenta::table::{ReadOptions, Table, read_bytes};
use std::collections::BTreeMap;

/// Recency, frequency and monetary value, with a share of the shop's sales that needs another aggregate before.
const RFM: &str = r#"
[parameters]
today = 20000

[group]
by = "customer"

[[column]]
name = "amount"
from = "quantity"
steps = [{ multiply = { by = "price" } }]

[[aggregate]]
name = "usual_price"
by = "product"
of = "price"
compute = "median"

[[column]]
name = "above_usual"
from = "price"
steps = [{ subtract = { column = "usual_price" } }]

[[aggregate]]
name = "last"
by = "customer"
of = "day"
compute = "max"

[[aggregate]]
name = "frequency"
by = "customer"
of = "invoice"
compute = "distinct"

[[aggregate]]
name = "monetary"
by = "customer"
of = "amount"
compute = "sum"

[[aggregate]]
name = "dearer"
by = "customer"
of = "above_usual"
compute = "mean"

[[aggregate]]
name = "country"
by = "customer"
of = "country"
compute = "first"

[[aggregate]]
name = "of_country"
by = "country"
of = "monetary"
compute = "mean"

[[column]]
name = "recency"
from = "last"
steps = [{ subtract_from = "$today" }]

[[column]]
name = "basket"
from = "monetary"
steps = [{ divide = { by = "frequency" } }, { impute = "median" }]

[features]
columns = ["recency", "frequency", "monetary", "basket", "dearer", "country", "of_country"]
"#;

/// A transaction.
struct Sale {
    customer: Option<u32>,
    invoice: u32,
    product: u32,
    quantity: f64,
    price: f64,
    day: f64,
    country: &'static str,
}

fn sales(range: std::ops::Range<u32>) -> Vec<Sale> {
    range
        .map(|i| Sale {
            customer: (i % 17 != 3).then_some(17_000 + i * i % 23),
            invoice: 500 + i / 3,
            product: i * 5 % 7,
            quantity: f64::from(1 + i * 3 % 5),
            price: 2.0 + 0.5 * f64::from(i * 11 % 9),
            day: f64::from(19_900 + i * 13 % 90),
            country: ["UK", "FR", "", "DE"][(i * i % 23) as usize % 4],
        })
        .collect()
}

fn text(sales: &[Sale]) -> String {
    let mut text = String::from("customer,invoice,product,quantity,price,day,country\n");
    for s in sales {
        let customer = s.customer.map_or_else(String::new, |c| format!("{c:06}"));
        text += &format!(
            "{customer},{},{},{},{},{},{}\n",
            s.invoice, s.product, s.quantity, s.price, s.day, s.country
        );
    }
    text
}

/// A table whose customers are kept as they are written.
fn read(sales: &[Sale], more: &[String]) -> Table {
    let text_columns = ["customer".to_string()].into_iter().chain(more.iter().cloned()).collect();
    let options = ReadOptions { text: text_columns, ..ReadOptions::default() };
    read_bytes("t.csv", text(sales).into_bytes(), &options).unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}

/// The customers in the order in which they first appear, each with its sales.
fn customers(sales: &[Sale]) -> Vec<(String, Vec<&Sale>)> {
    let mut customers: Vec<(String, Vec<&Sale>)> = Vec::new();
    for sale in sales {
        let Some(name) = sale.customer.map(|c| format!("{c:06}")) else { continue };
        match customers.iter_mut().find(|(n, _)| *n == name) {
            Some((_, own)) => own.push(sale),
            None => customers.push((name, vec![sale])),
        }
    }
    customers
}

/// Recency, frequency, monetary value, basket, and how much dearer than usual, by prices that are usual `then`.
fn expected(sales: &[Sale], then: &[Sale]) -> Vec<(String, [f64; 5])> {
    let usual =
        |product: u32| median(then.iter().filter(|s| s.product == product).map(|s| s.price).collect());
    let of = |own: &[&Sale]| {
        let last = own.iter().map(|s| s.day).fold(0.0, f64::max);
        let mut invoices: Vec<u32> = own.iter().map(|s| s.invoice).collect();
        invoices.dedup();
        let (frequency, monetary) =
            (invoices.len() as f64, own.iter().map(|s| s.quantity * s.price).sum::<f64>());
        let dearer = own.iter().map(|s| s.price - usual(s.product)).sum::<f64>() / own.len() as f64;
        [20_000.0 - last, frequency, monetary, monetary / frequency, dearer]
    };
    customers(sales).into_iter().map(|(name, own)| (name, of(&own))).collect()
}

/// The features of other transactions, by name, in the units of their columns, and their notes.
fn features(fitted: &FittedRecipe, table: &Table) -> (BTreeMap<String, Vec<f64>>, Vec<String>) {
    let (encoded, _) = fitted.apply(table).unwrap_or_else(|e| panic!("{e}"));
    let original = |(j, column): (usize, &Vec<f32>)| -> Vec<f64> {
        column.iter().map(|&v| fitted.encoder.to_original(j, f64::from(v))).collect()
    };
    let values = encoded.columns.iter().enumerate().map(original);
    (fitted.encoder.feature_names().into_iter().zip(values).collect(), encoded.warnings)
}

#[test]
fn transactions_become_customers_at_the_fit_and_ever_after() {
    let (first, second) = (sales(0..150), sales(150..260));
    let mut table = read(&first, &[]);
    let report = parse(RFM).fit(&mut table).unwrap_or_else(|e| panic!("{e}"));
    let left = first.iter().filter(|s| s.customer.is_none()).count();
    assert_eq!(report.notes, [format!("left out: {left} rows without a value of customer")]);
    let names: Vec<String> = customers(&first).into_iter().map(|(name, _)| name).collect();
    assert_eq!((table.rows, table.ids.as_ref()), (names.len(), Some(&("customer".to_string(), names))));
    let numbers = ["recency", "frequency", "monetary", "basket", "dearer"];
    let check = |found: &dyn Fn(&str, usize) -> f64, sales: &[Sale], margin: f64| {
        for (row, (name, expected)) in expected(sales, &first).iter().enumerate() {
            for (column, expected) in numbers.iter().zip(expected) {
                let found = found(column, row);
                let off = (found - expected).abs();
                assert!(off <= margin * expected.abs().max(1.0), "{name}, {column}: {found}, {expected}");
            }
        }
    };
    check(&|name, row| table.column(name).unwrap().values.number(row).unwrap(), &first, 1e-12);

    // In a model, and out of it, the same groups come of other rows.
    let json = serde_json::to_string(&report.fitted).unwrap();
    let fitted: FittedRecipe = serde_json::from_str(&json).unwrap();
    assert_eq!(fitted, report.fitted);
    let (own, notes) = features(&fitted, &read(&second, &[]));
    assert_eq!(own["recency"].len(), customers(&second).len());
    check(&|name, row| own[name][row], &second, 1e-5);
    let missing = second.iter().filter(|s| s.customer.is_none()).count();
    assert_eq!(notes[0], format!("left out: {missing} rows without a value of customer"));
    // The first country that a customer's sales name; a text is a feature a level.
    for (row, (name, sales)) in customers(&second).iter().enumerate() {
        let country = sales.iter().map(|s| s.country).find(|c| !c.is_empty()).unwrap_or("missing");
        assert_eq!(own[&format!("country={country}")][row], 1.0, "{name}");
    }
    // What is by another column than the group's was learned, and is not computed anew.
    assert!(own["of_country"].iter().all(|v| {
        table
            .column("of_country")
            .unwrap()
            .values
            .numbers()
            .unwrap()
            .iter()
            .any(|w| (v - w).abs() <= 1e-4 * v.abs())
    }));
}

#[test]
fn the_order_of_the_rows_within_a_group_and_columns_that_nothing_needs_do_not_matter() {
    let first = sales(0..150);
    let fitted = parse(RFM).fit(&mut read(&first, &[])).unwrap().fitted;
    let group = fitted.preparation.group.as_ref().unwrap();
    assert_eq!((group.by.as_str(), group.aggregates.len()), ("customer", 5));
    let fewer = RFM.replace("columns = [\"recency\", \"frequency\", \"monetary\", \"basket\", \"dearer\", \"country\", \"of_country\"]", "columns = [\"recency\"]");
    let fitted = parse(&fewer).fit(&mut read(&first, &[])).unwrap().fitted;
    let group = fitted.preparation.group.as_ref().unwrap();
    let names: Vec<&str> = group.aggregates.iter().map(|f| f.name.as_str()).collect();
    assert_eq!((names, group.columns.len()), (vec!["last"], 0));
    let (found, _) = features(&fitted, &csv("day,customer\n19950,1\n19960,2\n19970,1\n"));
    let recency: Vec<f64> = found["recency"].iter().map(|v| v.round()).collect();
    assert_eq!(recency, [30.0, 40.0]);
    let error = fitted.apply(&csv("day,custom\n19950,1\n")).unwrap_err().to_string();
    assert!(error.contains("no column is called \"customer\"; did you mean custom?"), "{error}");
    let error = fitted.apply(&csv("day,customer\nlate,1\n")).unwrap_err().to_string();
    assert_eq!(error, "t.csv, column day: expected numbers as at the fit, found text such as \"late\"");
    let error = fitted.apply(&csv("day,customer\n19950,\n19951,\n")).unwrap_err().to_string();
    assert!(error.contains("column customer: every value is missing"), "{error}");
}

#[test]
fn rows_are_left_out_by_what_their_group_is() {
    let recipe = "[group]\nby = \"who\"\n[[aggregate]]\nname = \"n\"\nby = \"who\"\ncompute = \"count\"\n\
                  [[aggregate]]\nname = \"most\"\nby = \"who\"\nof = \"x\"\ncompute = \"max\"\n\
                  [[drop]]\ncolumns = [\"most\"]\nabove_quantile = 0.8\n[features]\ncolumns = [\"n\", \"most\"]";
    let mut table = csv("who,x\na,1\nb,2\na,3\nc,900\nd,4\ne,5\nb,1\n");
    let FitReport { outliers, dropped, kept, .. } = parse(recipe).fit(&mut table).unwrap();
    assert_eq!((outliers, dropped, kept), (vec![2], 1, Some(vec![0, 1, 3, 4])));
}

#[test]
fn a_made_column_can_make_the_groups() {
    let recipe = "[group]\nby = \"who\"\n[[column]]\nname = \"who\"\nsteps = [{ fill = \"nobody\" }]\n\
                  [[aggregate]]\nname = \"n\"\nby = \"who\"\ncompute = \"count\"\n[features]\ncolumns = [\"n\"]";
    let mut table = csv("who,x\na,1\n,2\na,3\n,4\n,5\n");
    let report = parse(recipe).fit(&mut table).unwrap();
    assert_eq!(report.notes, [] as [String; 0]);
    assert_eq!(table.ids, Some(("who".into(), vec!["a".into(), "nobody".into()])));
    assert_eq!(table.column("n").unwrap().values.numbers().unwrap().as_ref(), [2.0, 3.0]);
    let (found, _) = features(&report.fitted, &csv("who,x\n,1\nb,2\n,3\n"));
    assert_eq!(found["n"].iter().map(|v| v.round()).collect::<Vec<_>>(), [2.0, 1.0]);
}

/// A desk with a recipe of transactions and two lists of them; customers have leading zeros, and one is beyond f64.
fn shop() -> Desk {
    let desk = Desk::new();
    let lines = |range: std::ops::Range<u32>| {
        let line = |i: u32| {
            let who = match i * 7 % 12 {
                0 => "9007199254740993".into(),
                1 => "9007199254740992".into(),
                n => format!("{n:03}"),
            };
            let group = f64::from(i * 7 % 12 % 3);
            let who = if i % 19 == 5 { String::new() } else { who };
            format!("{who},{},{}\n", 10.0 * group + f64::from(i % 5), 3.0 + group)
        };
        format!("who,amount,pieces\n{}", range.map(line).collect::<String>())
    };
    desk.put("first.csv", lines(0..120));
    desk.put("second.csv", lines(120..240));
    desk.put(
        "r.toml",
        "[input]\npath = \"first.csv\"\n[group]\nby = \"who\"\n\
         [[aggregate]]\nname = \"spent\"\nby = \"who\"\nof = \"amount\"\ncompute = \"mean\"\n\
         [[aggregate]]\nname = \"pieces\"\nby = \"who\"\nof = \"pieces\"\ncompute = \"mean\"\n\
         [analysis]\nk = 3\n",
    );
    desk
}

#[test]
fn the_files_have_a_row_for_each_group() {
    let desk = shop();
    let said = desk.run("run r.toml --device cpu --out out");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("left out: 7 rows without a value of who"), "{}", said.err);
    assert!(said.err.contains("12 rows, 2 features"), "{}", said.err);
    let text = desk.read("out/assignments.csv");
    assert!(text.starts_with("who,segment,"), "{text}");
    let rows = assignments(&text);
    let names: Vec<&str> = rows.iter().map(|(who, _, _)| who.as_str()).collect();
    assert_eq!(names.len(), 12);
    assert_eq!(names[..2], ["9007199254740993", "007"], "as they are written, in the order of the table");
    assert!(names.contains(&"9007199254740992"), "{names:?}");

    // The same rows get the same labels, others are grouped in the same way.
    desk.run("assign out/model.json first.csv --device cpu --out again -q").quietly();
    assert_eq!(desk.read("again/assignments.csv"), text);
    let said = desk.run("assign out/model.json second.csv --device cpu --out other");
    assert!(said.err.contains("left out: 6 rows without a value of who"), "{}", said.err);
    let segment: BTreeMap<String, i64> = rows.into_iter().map(|(who, segment, _)| (who, segment)).collect();
    let other = assignments(&desk.read("other/assignments.csv"));
    assert_eq!(other.len(), 12);
    for (who, found, status) in other {
        assert_eq!((segment[&who], status.as_str()), (found, "assigned"), "{who}");
    }

    let drift = desk.run("drift out/model.json second.csv --device cpu --json -q").json().0;
    assert_eq!((&drift["rows"], &drift["excluded"]), (&12.into(), &0.into()));
    // A refit on the next list starts from the customers of the last one, and compares them group by group.
    let text =
        desk.read("r.toml").replace("first.csv", "second.csv").replace("k = 3", "init = \"out/model.json\"");
    desk.put("next.toml", text);
    let found = desk.run("run next.toml --device cpu --json --out next -q").json().0;
    assert_eq!((&found["migration"]["moved"], &found["rows"]), (&0.into(), &12.into()));
}

#[test]
fn a_start_of_other_rows_is_an_error() {
    let desk = shop();
    desk.run("run r.toml --device cpu --out out -q").quietly();
    desk.put(
        "plain.toml",
        "[input]\npath = \"first.csv\"\n[features]\ncolumns = [\"amount\", \"pieces\"]\n[analysis]\nk = 3\n",
    );
    desk.run("run plain.toml --device cpu --out plain -q").quietly();
    let start = |recipe: &str, from: &str| {
        let text = desk.read(recipe).replace("k = 3", &format!("init = \"{from}/model.json\""));
        desk.put("start.toml", text);
        desk.run("run start.toml --device cpu --out no -q")
    };
    let said = start("r.toml", "plain");
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(
        said.err.contains("plain/model.json") && said.err.contains("the groups by \"who\""),
        "{}",
        said.err
    );
    let said = start("plain.toml", "out");
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("out/model.json") && said.err.contains("[group]"), "{}", said.err);
}

#[test]
fn what_is_wrong_with_a_group_is_said() {
    let counted = "[[aggregate]]\nname = \"n\"\nby = \"plan\"\ncompute = \"count\"\n";
    let text = |more: &str| format!("[group]\nby = \"plan\"\n{counted}{more}");
    let cases = [
        ("[group]\n".to_string(), 1, "group.by", vec!["missing", "groups"]),
        ("[group]\nby = 3\n".into(), 2, "group.by", vec!["a text in quotes, found 3"]),
        (format!("[group]\nof = \"x\"\nby = \"plan\"\n{counted}"), 2, "group.of", vec!["unknown key"]),
        ("[group]\nby = \"plan\"\n".into(), 2, "group.by", vec!["no [[aggregate]] has by = \"plan\""]),
        (text("[input]\nid = \"who\"\n"), 2, "group.by", vec!["id = \"who\"", "leave id out"]),
        (format!("[[group]]\nby = \"plan\"\n{counted}"), 1, "group", vec!["expected a table, found a list"]),
    ];
    for (text, line, key, words) in cases {
        assert_eq!(wrong(&text, &faults(&text), line, key, &words), None);
    }
    let cases = [
        (
            text("").replace("\"plan\"", "\"plam\""),
            vec![(1, "group.by", "did you mean plan?"), (3, "n", "plan?")],
        ),
        (
            text("[[column]]\nname = \"x\"\nfrom = \"n\"\nsteps = [{ multiply = { by = \"pay\" } }]"),
            vec![(7, "x", "\"pay\" is a column of the single rows")],
        ),
        (
            text(
                "[[aggregate]]\nname = \"x\"\nby = \"plan\"\nof = \"y\"\ncompute = \"sum\"\n\
                  [[column]]\nname = \"y\"\nfrom = \"n\"\nsteps = [\"log1p\"]",
            ),
            vec![(7, "x", "\"y\" is a column of the groups")],
        ),
        (
            "[group]\nby = \"n\"\n[[aggregate]]\nname = \"n\"\nby = \"n\"\ncompute = \"count\"".into(),
            vec![
                (1, "group.by", "\"n\" cannot define the groups, because it is made from them"),
                (3, "n", "\"n\""),
            ],
        ),
        (
            text("[features]\ncolumns = [\"pay\"]"),
            vec![(7, "features.columns", "an [[aggregate]] by \"plan\"")],
        ),
        (
            text(
                "[[aggregate]]\nname = \"x\"\nby = \"plan\"\nof = \"pay\"\ncompute = \"sum\"\nscale = \"none\"\n\
                  [[aggregate]]\nname = \"y\"\nby = \"plan\"\nof = \"who\"\ncompute = \"first\"\nscale = \"none\"",
            ),
            vec![(13, "y", "scale is for numbers")],
        ),
    ];
    for (text, expected) in cases {
        let found = fit_faults(&text);
        let said: Vec<String> = found.iter().map(Fault::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{text}\n{}", said.join("\n"));
        for (fault, (line, key, words)) in found.iter().zip(expected) {
            let right = (fault.line, fault.key.as_str()) == (line, key) && fault.what.contains(words);
            assert!(right, "{text}\n{}\nexpected {words}", said.join("\n"));
        }
    }
}
