//! `[population]`: a fit for some of the rows is the fit of a table that has only these rows.

use crate::cli::Desk;
use crate::model::schema;
use segmenta::Error;
use segmenta::analysis::{Compute, Notice, Observer, Outcome, Silent, Source, Spec, run};
use segmenta::backend::{Device, cpu::Cpu};
use segmenta::model::Model;
use segmenta::table::{ReadOptions, Table, read_bytes};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A line of the table: its orders are missing in every thirteenth row.
fn line(i: usize) -> String {
    let orders = if i % 13 == 4 { String::new() } else { (i * 31 % 41).to_string() };
    let (pay, age) = (10 + i * 17 % 90 + 400 * (i % 3), 20 + i * 7 % 45);
    let plan = ["free", "pro", "team", "free"][i % 4];
    format!("u{i},{orders},{pay},{age},{plan},{}", i % 5)
}

/// Rows of which `keep` is true.
fn text(keep: impl Fn(usize) -> bool) -> String {
    let mut text = String::from("who,orders,pay,age,plan,weight\n");
    (0..400).filter(|&i| keep(i)).for_each(|i| text.push_str(&format!("{}\n", line(i))));
    text
}

fn orders(i: usize) -> Option<usize> {
    (i % 13 != 4).then_some(i * 31 % 41)
}

fn table(text: &str) -> Table {
    let options = ReadOptions { id: Some("who".into()), ..ReadOptions::default() };
    read_bytes("t.csv", text.as_bytes().to_vec(), &options).unwrap()
}

/// A recipe, with a condition and more sections.
fn recipe(condition: Option<&str>, more: &str) -> String {
    let population = condition.map_or(String::new(), |c| format!("[population]\nwhere = \"{c}\"\n\n"));
    format!(
        "{population}[features]\ncolumns = [\"pay\", \"age\", \"plan\"]\n\n[analysis]\nk = 4\nstructure = false\n\
         n_init = 4\n\n{more}\n"
    )
}

fn spec(recipe: &str) -> Spec {
    Spec::parse("r.toml", recipe, &BTreeMap::new()).unwrap_or_else(|e| panic!("{recipe}\n{e}"))
}

fn on_cpu() -> Compute {
    Compute { device: Device::Cpu, ..Compute::default() }
}

fn outcome(recipe: &str, table: &Table) -> Outcome {
    run(&spec(recipe), Source::from(table.clone()), &on_cpu(), &Silent).unwrap_or_else(|e| panic!("{e}"))
}

/// `model.json` without its preparation and its name, which differ. It follows the schema.
fn model_of(outcome: &Outcome) -> Value {
    let text = outcome.model.as_ref().unwrap().to_json();
    schema::check(&text);
    assert_eq!(Some(&Model::from_json(&text).unwrap()), outcome.model.as_ref());
    let mut model: Value = serde_json::from_str(&text).unwrap();
    let map = model.as_object_mut().unwrap();
    drop((map.remove("preparation"), map.remove("run")));
    model
}

/// Holds the fit of all rows with a condition against that of the rows in `inside` alone.
fn same_as_filtered(condition: &str, more: &str, inside: impl Fn(usize) -> bool) -> Outcome {
    let found = outcome(&recipe(Some(condition), more), &table(&text(|_| true)));
    let filtered = outcome(&recipe(None, more), &table(&text(&inside)));
    assert_eq!(model_of(&found), model_of(&filtered), "{condition}");
    assert_eq!(
        serde_json::to_value(&found.profile).unwrap(),
        serde_json::to_value(&filtered.profile).unwrap(),
        "{condition}"
    );
    let all = (0..400).filter(|&i| inside(i)).count();
    assert_eq!(found.outside, Some(400 - all), "{condition}");
    let labelled = found.labelled.as_ref().unwrap();
    let outside: Vec<u32> = (0..400u32).filter(|&i| !inside(i as usize)).collect();
    assert_eq!(labelled.left_out.outside, outside, "{condition}");
    let own = labelled.rows.iter().zip(0..).filter(|(_, i)| inside(*i)).map(|(row, _)| *row);
    assert_eq!(own.collect::<Vec<_>>(), filtered.labelled.unwrap().rows, "{condition}");
    assert!(outside.iter().all(|&i| labelled.rows[i as usize].is_none()));
    // The model leaves out the same rows of the same table.
    let assigned = found.model.as_ref().unwrap().assign(&table(&text(|_| true)), &Cpu::default()).unwrap();
    assert_eq!(
        (&assigned.rows, &assigned.left_out.outside),
        (&labelled.rows, &labelled.left_out.outside),
        "{condition}"
    );
    found
}

#[test]
fn a_fit_for_some_rows_is_that_of_these_rows() {
    same_as_filtered("orders > 5", "", |i| orders(i).is_some_and(|n| n > 5));
    same_as_filtered("plan in ['pro', 'team'] and pay < 450", "", |i| {
        ["pro", "team"].contains(&["free", "pro", "team", "free"][i % 4])
            && 10 + i * 17 % 90 + 400 * (i % 3) < 450
    });
    // A comparison with a missing value does not hold, whichever way it is made.
    same_as_filtered("not orders > 5", "", |i| orders(i).is_none_or(|n| n <= 5));
    same_as_filtered("orders is missing or age > 60", "", |i| orders(i).is_none() || 20 + i * 7 % 45 > 60);
}

#[test]
fn computed_columns_decide_and_drops_learn_inside() {
    let made =
        "[[column]]\nname = \"older\"\nfrom = \"age\"\nsteps = [{ compare = { is = \">=\", to = 40 } }]\n";
    same_as_filtered("older = 1", made, |i| 20 + i * 7 % 45 >= 40);
    let drops = "[[drop]]\ncolumns = [\"pay\"]\nabove_quantile = 0.9\n";
    let found = same_as_filtered("orders <= 20", drops, |i| orders(i).is_some_and(|n| n <= 20));
    assert!(found.outliers.unwrap() > 0, "the drop drops something");
}

#[test]
fn quantiles_of_the_condition_are_kept_as_numbers() {
    let mut pays: Vec<usize> = (0..400).map(|i| 10 + i * 17 % 90 + 400 * (i % 3)).collect();
    pays.sort_unstable();
    let median = (pays[199] + pays[200]) as f64 / 2.0;
    let found =
        same_as_filtered("pay > quantile(0.5)", "", |i| (10 + i * 17 % 90 + 400 * (i % 3)) as f64 > median);
    // In another table the number is the one of the fit.
    let rich = text(|i| i % 3 == 2);
    let assigned = found.model.as_ref().unwrap().assign(&table(&rich), &Cpu::default()).unwrap();
    assert!(assigned.left_out.outside.is_empty(), "all of them are above the median of the fit");
}

#[test]
fn a_population_of_weighted_rows() {
    // The weight is 0 in every fifth row: such a row teaches nothing, but gets a segment if it is inside.
    let inside = |i: usize| orders(i).is_some_and(|n| n > 5);
    let input = "[input]\npath = \"t.csv\"\nid = \"who\"\nweight = \"weight\"\n\n";
    let all = outcome(&format!("{input}{}", recipe(Some("orders > 5"), "")), &table(&text(|_| true)));
    let some = outcome(&format!("{input}{}", recipe(None, "")), &table(&text(inside)));
    assert_eq!(model_of(&all), model_of(&some));
    let own = all.labelled.as_ref().unwrap().rows.iter().zip(0..).filter(|(_, i)| inside(*i));
    let own: Vec<_> = own.map(|(row, _)| *row).collect();
    assert_eq!(own, some.labelled.as_ref().unwrap().rows);
    assert!(all.weightless.is_some_and(|n| n > 0) && all.weightless == some.weightless);
    assert_eq!(all.outside, Some((0..400).filter(|&i| !inside(i)).count()));
}

#[test]
fn groups_have_a_population_too() {
    let mut lines = String::from("who,customer,amount\n");
    (0..600).for_each(|i| lines.push_str(&format!("o{i},c{},{}\n", i * i % 97, i * 13 % 50)));
    let recipe = "[group]\nby = \"customer\"\n\n[[aggregate]]\nname = \"orders\"\nby = \"customer\"\ncompute = \"count\"\n\n\
                  [[aggregate]]\nname = \"spent\"\nby = \"customer\"\nof = \"amount\"\ncompute = \"sum\"\n\n\
                  [population]\nwhere = \"orders >= 12\"\n\n[features]\ncolumns = [\"spent\"]\n\n\
                  [analysis]\nk = 2\nstructure = false\n";
    let options = ReadOptions::default();
    let table = read_bytes("t.csv", lines.into_bytes(), &options).unwrap();
    let found = run(&spec(recipe), Source::from(table.clone()), &on_cpu(), &Silent).unwrap();
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for customer in (0..600).map(|i| i * i % 97) {
        match counts.iter_mut().find(|(own, _)| *own == customer) {
            Some((_, count)) => *count += 1,
            None => counts.push((customer, 1)),
        }
    }
    let outside: Vec<u32> = (0..).zip(&counts).filter(|(_, (_, n))| *n < 12).map(|(i, _)| i).collect();
    assert!(!outside.is_empty() && outside.len() < counts.len());
    assert_eq!(found.labelled.as_ref().unwrap().left_out.outside, outside);
    let assigned = found.model.as_ref().unwrap().assign(&table, &Cpu::default()).unwrap();
    assert_eq!((assigned.rows, assigned.left_out.outside), (found.labelled.unwrap().rows, outside));
}

#[test]
fn the_program_says_who_is_outside() {
    let desk = Desk::new();
    desk.put("t.csv", text(|_| true));
    let input = "[input]\npath = \"t.csv\"\nid = \"who\"\n\n";
    desk.put("r.toml", format!("{input}{}", recipe(Some("orders > 5"), "")));
    let said = desk.run("run r.toml --device cpu --out out");
    let outside = (0..400).filter(|&i| orders(i).is_none_or(|n| n <= 5)).count();
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains(&format!("outside the population: {outside} of 400 rows")), "{}", said.out);
    assert!(
        said.err.contains(&format!("population: {} rows with orders > 5", 400 - outside)),
        "{}",
        said.err
    );
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    assert_eq!((&metrics["outside"], &metrics["excluded"]), (&outside.into(), &outside.into()));

    let said = desk.run("assign out/model.json t.csv --device cpu --out labels");
    assert!(said.out.contains(&format!("outside the population: {outside} of 400 rows")), "{}", said.out);
    for folder in ["out", "labels"] {
        let assignments = desk.read(&format!("{folder}/assignments.csv"));
        for (i, line) in assignments.lines().skip(1).enumerate() {
            let inside = orders(i).is_some_and(|n| n > 5);
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells[0], format!("u{i}"));
            assert_eq!((cells[1] == "-1", cells[2]), (!inside, if inside { "assigned" } else { "outside" }));
            assert!(inside || cells[3..].iter().all(|cell| cell.is_empty()), "{line}");
        }
    }
    let said = desk.run("assign out/model.json t.csv --device cpu --json -q --out more").json().0;
    assert_eq!((&said["outside"], &said["excluded"]), (&outside.into(), &outside.into()));
    // A fit by flags cannot make a population, so it cannot go on from such a model.
    desk.fails("fit t.csv --init out/model.json --device cpu --out flags", 2, &["run that recipe again"]);
    // A table in which nobody belongs to it is labelled as such.
    desk.put("none.csv", text(|i| orders(i) == Some(3)));
    let none = desk.run("assign out/model.json none.csv --device cpu --json -q --out none").json().0;
    assert_eq!(none["outside"], none["rows"]);
}

/// Notices, as they come.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn notice(&self, notice: &Notice) {
        if let Notice::Recipe(note) = notice {
            self.0.lock().unwrap().push(note.clone());
        }
    }
}

#[test]
fn conditions_that_do_not_fit_are_said() {
    let all = table(&text(|_| true));
    let fails = |condition: &str| {
        let spec = spec(&recipe(Some(condition), ""));
        run(&spec, Source::from(all.clone()), &on_cpu(), &Silent).map(|_| ()).unwrap_err().to_string()
    };
    for (condition, words) in [
        ("oders > 5", "did you mean orders"),
        ("orders > 500", "no row meets the condition orders > 500"),
        ("plan > 5", "plan"),
        ("pay > 480 and age > 60 and orders > 35", "[population] leaves"),
    ] {
        let error = fails(condition);
        assert!(error.contains(words), "{condition}: {error}");
    }
    assert!(fails("oders > 5").contains("r.toml, line 1:1, population.where"), "{}", fails("oders > 5"));
    let heard = Heard::default();
    let spec = spec(&recipe(Some("pay > 0"), ""));
    let found = run(&spec, Source::from(all.clone()), &on_cpu(), &heard).unwrap();
    assert_eq!(found.outside, None);
    let notes = heard.0.lock().unwrap();
    assert!(notes.iter().any(|note| note.contains("every row meets the condition")), "{notes:?}");

    for (text, key) in [
        ("[population]\n", "population"),
        ("[population]\nwhere = \"orders >\"\n", "population.where"),
        ("[population]\nwhere = \"orders > 1\"\nwho = 1\n", "population.who"),
    ] {
        match Spec::parse("r.toml", text, &BTreeMap::new()) {
            Err(Error::Recipe(faults)) => assert_eq!(faults[0].key, key, "{text}: {faults:?}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// A condition on the components of a reduction: that reduction is fitted to all rows but those that were dropped, and the
/// next one to the population alone.
#[test]
fn the_components_of_a_reduction_may_decide() {
    let desk = Desk::new();
    let reduce = |name: &str| {
        format!(
            "[[reduce]]\nname = \"{name}\"\nmethod = \"pca\"\ncolumns = [\"pay\", \"age\", \"weight\"]\n\n"
        )
    };
    let drop = "[[drop]]\ncolumns = [\"age\"]\nabove_quantile = 0.95\n\n";
    let end = "[analysis]\nk = 3\nn_init = 3\nstructure = false\n";
    desk.put("t.csv", text(|_| true));
    let first = format!("{drop}{}[features]\ncolumns = [\"map_1\"]\n", reduce("map"));
    desk.put("first.toml", first);
    let input = "--input t.csv --device cpu -q";
    desk.run(&format!("run first.toml {input} --no-fit --features-out map.csv")).quietly();
    let both = format!(
        "[input]\nid = \"who\"\n\n{drop}{}[population]\nwhere = \"map_1 > 0.25\"\n\n{}[features]\n\
         columns = [\"own_*\"]\n\n{end}",
        reduce("map"),
        reduce("own")
    );
    desk.put("both.toml", both);
    desk.run(&format!("run both.toml {input} --out both")).quietly();
    let map: Vec<f64> =
        desk.read("map.csv").lines().skip(1).map(|l| l.split(',').next().unwrap().parse().unwrap()).collect();
    let mut map = map.into_iter();
    let rows = desk.read("both/assignments.csv");
    let mut inside = Vec::new();
    for (i, line) in rows.lines().skip(1).enumerate() {
        let status = line.split(',').nth(2).unwrap();
        if status == "outlier" {
            continue;
        }
        let expected = if map.next().unwrap() > 0.25 { "assigned" } else { "outside" };
        assert_eq!(status, expected, "{line}");
        if status == "assigned" {
            inside.push(i);
        }
    }
    assert!(map.next().is_none() && (50..350).contains(&inside.len()), "{}", inside.len());
    // New rows are decided alike.
    desk.run("assign both/model.json t.csv --device cpu -q --out again").quietly();
    assert_eq!(desk.read("again/assignments.csv"), rows);
    schema::check(&desk.read("both/model.json"));
    // The second reduction is that of a table of these rows alone.
    desk.put("inside.csv", text(|i| inside.contains(&i)));
    desk.put("own.toml", format!("{}[features]\ncolumns = [\"own_*\"]\n\n{end}", reduce("own")));
    let alone = desk.run("run own.toml --input inside.csv --device cpu -q --json --out alone").json().0;
    let both: Value = serde_json::from_str(&desk.read("both/metrics.json")).unwrap();
    assert_eq!(both["reductions"][1], alone["pca"]);
    assert_ne!(both["reductions"][0]["components"], alone["pca"]["components"]);
    assert_eq!(both["inertia"], alone["inertia"]);
}
