//! Tables as people have them, from the command line: what is read, said and written.

use super::{Desk, assignments};

/// A hundred people in two groups; `number` writes an amount, `flag` a yes or a no.
fn people(number: impl Fn(f64) -> String, flag: impl Fn(bool) -> &'static str) -> String {
    let person = |i: usize| {
        let group = usize::from(i * 7 % 10 < 4);
        let income = 800.0 + 9000.0 * group as f64 + (i * 37 % 100) as f64 + 0.25;
        format!("u{i:03};{};{};{}\n", number(income), i * 13 % 29, flag(i.is_multiple_of(3)))
    };
    let rows: String = (0..100).map(person).collect();
    format!("user_id;income;visits;member\n{rows}")
}

/// `1234.25` with these separators.
fn written(value: f64, thousands: &str, decimal: &str) -> String {
    let (whole, cents) = (value.trunc() as u64, (value.fract() * 100.0) as u64);
    let whole = if whole < 1000 {
        whole.to_string()
    } else {
        format!("{}{thousands}{:03}", whole / 1000, whole % 1000)
    };
    format!("{whole}{decimal}{cents:02}")
}

fn yes(flag: bool) -> &'static str {
    if flag { "Yes" } else { "No" }
}

#[test]
fn the_same_facts_are_the_same_segments() {
    let desk = Desk::new();
    let plain = |v: f64| v.to_string();
    desk.put("plain.csv", people(plain, yes));
    desk.put("comma.csv", people(|v| written(v, ".", ","), yes));
    desk.put("money.csv", people(|v| format!("${}", written(v, ",", ".")), yes));
    desk.put("bits.csv", people(plain, |flag| if flag { "1" } else { "0" }));
    desk.put("bools.csv", people(plain, |flag| if flag { "true" } else { "false" }));
    desk.put("words.csv", people(plain, |flag| if flag { "in" } else { "out" }));
    let fit = |file: &str| {
        let id = "--id user_id --device cpu -q --k 4 --force --out";
        desk.run(&format!("fit {file} {id} out")).quietly();
        desk.read("out/assignments.csv")
    };
    let expected = fit("plain.csv");
    for file in ["comma.csv", "money.csv", "bits.csv", "bools.csv", "words.csv"] {
        assert_eq!(assignments(&fit(file)), assignments(&expected), "{file}");
    }
}

#[test]
fn a_reading_is_kept_for_new_rows() {
    let desk = Desk::new();
    desk.put("t.csv", people(|v| written(v, ".", ","), yes));
    let flags = "--device cpu --id user_id -q";
    desk.run(&format!("fit t.csv {flags} --k 2 --out out")).quietly();
    let model = desk.read("out/model.json");
    assert!(model.contains("\"readings\""), "{model}");
    crate::model::schema::check(&model);
    // Alone, these could be thousands.
    desk.put("new.csv", "user_id;income;visits;member\na;900,250;5;Yes\nb;9.850;5;No\n");
    let labels = |table: &str| {
        let said = desk.run(&format!("assign out/model.json {table} {flags} --labels -"));
        assert_eq!(said.code, Some(0), "{}", said.err);
        assignments(&said.out).into_iter().map(|row| row.1).collect::<Vec<_>>()
    };
    let (poor, rich) = (labels("new.csv")[0], labels("new.csv")[1]);
    assert_ne!(poor, rich);
    desk.put("plain.csv", "user_id;income;visits;member\na;900;5;Yes\nb;9850;5;No\n");
    assert_eq!(labels("plain.csv"), [poor, rich]);
    let said = desk.run("drift out/model.json new.csv --device cpu");
    assert!(said.code == Some(0) && !said.err.contains("largest"), "{}", said.err);
    // A refit from the model reads by it, too.
    desk.put(
        "again.csv",
        "user_id;income;visits;member\na;900,250;5;Yes\nb;9.850;5;No\nc;9.950;7;No\nd;901;4;Yes\n",
    );
    desk.run(&format!("fit again.csv {flags} --init out/model.json --out two")).quietly();
    let found: Vec<i64> =
        assignments(&desk.read("two/assignments.csv")).into_iter().map(|row| row.1).collect();
    assert_eq!(found, [poor, rich, rich, poor]);
    desk.put("odd.csv", "user_id;income;visits;member\na;900,25 kr;5;Yes\n");
    let line = "assign out/model.json odd.csv --device cpu -q --labels -";
    let said = desk.run(line);
    desk.one_clear_line(line, &said, 3, &["line 2, column income", "written like 1.234,5", "900,25 kr"]);
}

#[test]
fn inspect_says_what_it_took() {
    let desk = Desk::new();
    desk.put("t.csv", people(|v| written(v, ".", ","), yes));
    let said = desk.run("inspect t.csv --id user_id -q").quietly();
    assert!(said.contains("number, written like 9.8") || said.contains("number, written like 9.9"), "{said}");
    assert!(said.contains("two values: Yes is 1, No is 0"), "{said}");
    desk.put("u.csv", "v;w\n1,234;5\n2,345;6\n1,234;8\n2,345;1\n3,999;2\n3,999;2\n");
    let said = desk.run("inspect u.csv").out;
    assert!(said.contains("numbers such as \"1,234\"") && said.contains("--decimal"), "{said}");
    assert!(desk.run("inspect u.csv --decimal ,").out.contains("number, written like 1,234"));
    assert_eq!(desk.run("inspect u.csv --decimal x").code, Some(2));
    let recipe =
        desk.run("inspect u.csv --decimal , --print-recipe --null -999 --keep-null NA --skip-lines 0").out;
    for line in ["decimal = \",\"", "keep_null = [\"NA\"]", "skip_lines = 0", "null = [\"-999\"]"] {
        assert!(recipe.contains(line), "{recipe}");
    }
    desk.put("r.toml", recipe);
    assert_eq!(desk.run("run r.toml --dry-run -q").code, Some(0));
}

#[test]
fn nulls_from_the_command_line() {
    let desk = Desk::new();
    desk.put("t.csv", "a,b\n1,NA\n-999,DE\n-999.0,FR\n4,NA\n5,DE\n6,FR\n");
    let missing = |flags: &str| {
        let found = desk.run(&format!("inspect t.csv --json -q {flags}")).json().0;
        [0, 1].map(|i| found["columns"][i]["missing"].as_u64().unwrap())
    };
    assert_eq!(missing(""), [0, 2]);
    assert_eq!(missing("--null -999"), [2, 2]);
    assert_eq!(missing("--null=-999.0 --keep-null NA"), [2, 0]);
    desk.put("r.toml", "[input]\npath = \"t.csv\"\nnull = [-999]\nkeep_null = [\"NA\"]\n[analysis]\nk = 2\n");
    let said = desk.run("run r.toml --no-fit --features-out x.csv");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("b (3 categories)"), "{}", said.err);
}

#[test]
fn the_top_of_a_file_from_the_command_line() {
    let desk = Desk::new();
    desk.put("t.csv", "Report\n\na;b\n1;2\n3;5\n4;4\n");
    let columns = |line: &str| {
        let found = desk.run(&format!("inspect {line} --json -q")).json().0;
        let columns = found["columns"].as_array().unwrap().iter();
        columns.map(|c| c["column"].as_str().unwrap().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(columns("t.csv --skip-lines 2"), "a b");
    desk.put("n.csv", "5.5,1\n6.5,2\n7,4\n");
    assert_eq!(columns("n.csv --no-header"), "f0 f1");
    let said = desk.run("inspect n.csv");
    assert!(
        said.err.contains("note: the header is all numbers (5.5, 1); if the table has no header"),
        "{}",
        said.err
    );
    desk.put("r.toml", "[input]\npath = \"t.csv\"\nskip_lines = 3\nheader = false\n");
    let said = desk.run("run r.toml --no-fit --features-out x.csv -q");
    assert_eq!((said.code, desk.read("x.csv").lines().next()), (Some(0), Some("f0,f1")), "{}", said.err);
}

#[test]
fn columns_are_named_whatever_their_names() {
    let desk = Desk::new();
    desk.put("t.csv", "Age,\"Spend, total\",Income (k$),Q?\n1,20,3,4\n5,60,70,8\n9,10,11,13\n");
    let taken = |features: &str| {
        let mut command = desk.command("inspect t.csv --json -q");
        let output = command.args(["--features", features]).output().unwrap();
        let found = super::Said::from(output).json().0;
        let columns = found["columns"].as_array().unwrap().iter().filter(|c| c["features"] == 1);
        columns.map(|c| c["column"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(taken("Spend, total"), ["Spend, total"]);
    assert_eq!(taken("Income (k$)"), ["Income (k$)"]);
    assert_eq!(taken("Q?"), ["Q?"]);
    assert_eq!(taken("\"Spend, total\",Age"), ["Age", "Spend, total"]);
    assert_eq!(taken("Age,Income*"), ["Age", "Income (k$)"]);
}

#[test]
fn ids_that_are_odd() {
    let desk = Desk::new();
    desk.put("t.csv", "Segment,x\nA,1\nA,2\n,9\nD,8\n");
    let line = "fit t.csv --id Segment --features x --k 2 --device cpu --out out";
    let said = desk.run(line);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for note in [
        "note: id column Segment: 1 id is used twice or more (\"A\" on lines 2, 3), and 1 row is without an id (line 4)",
        "note: the id column Segment is called id_Segment in the assignments, because they already have a column segment",
    ] {
        assert!(said.err.contains(note), "{}", said.err);
    }
    let header = desk.read("out/assignments.csv").lines().next().unwrap().to_string();
    assert!(header.starts_with("id_Segment,segment,status,distance,margin"), "{header}");
    let said = desk.run("assign out/model.json t.csv --id Segment --device cpu --json --out two");
    let warnings = said.json().0["warnings"].to_string();
    assert!(warnings.contains("used twice or more"), "{warnings}");
    assert!(desk.read("two/assignments.csv").starts_with("id_Segment,segment,"));
}
