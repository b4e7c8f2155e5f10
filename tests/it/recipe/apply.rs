//! What a recipe learns from one half of a table, and what it makes of the other half.

use super::{csv, parse};
use segmenta::recipe::{ColumnType, Encoded, FitReport, FittedColumn, FittedRecipe, FittedStep, Scalar};
use segmenta::table::{ReadOptions, Table, read_bytes};
use std::collections::BTreeMap;

fn learn(recipe: &str, table: &str) -> FitReport {
    parse(recipe).fit(&mut csv(table)).unwrap_or_else(|e| panic!("{e}"))
}

/// The features of other rows, by name, in the units of their columns.
fn features(fitted: &FittedRecipe, table: &str) -> (BTreeMap<String, Vec<f64>>, Encoded) {
    let (encoded, _) = fitted.apply(&read(fitted, table)).unwrap_or_else(|e| panic!("{e}"));
    let original = |(j, column): (usize, &Vec<f32>)| -> Vec<f64> {
        column.iter().map(|&v| fitted.encoder.to_original(j, f64::from(v))).collect()
    };
    let values = encoded.columns.iter().enumerate().map(original);
    (fitted.encoder.feature_names().into_iter().zip(values).collect(), encoded)
}

/// A table that is read as a model's user does it.
fn read(fitted: &FittedRecipe, table: &str) -> Table {
    let own = |c: &FittedColumn| (c.read == Some(ColumnType::Text)).then(|| c.from.clone());
    let text = fitted.preparation.columns.iter().filter_map(own).collect();
    read_bytes("t.csv", table.as_bytes().to_vec(), &ReadOptions { text, ..ReadOptions::default() }).unwrap()
}

/// The rows of a table, in a form that is easy to compute with.
struct Person {
    pay: Option<f64>,
    kids: Option<f64>,
    team: Option<&'static str>,
    title: &'static str,
    hour: u32,
}

fn person(i: u32) -> Person {
    Person {
        pay: (i % 7 != 3).then(|| 0.5 * f64::from(i * 37 % 53)),
        kids: (i % 5 != 1).then(|| f64::from(i * i % 4)),
        team: (i % 11 != 5).then(|| ["red", "blue", "green", "7"][(i * i + i / 3) as usize % 4]),
        title: ["analyst", "pilot", "nurse", "analyst", "cook"][(i * 3 + i / 4) as usize % 5],
        hour: 30 + i * 29 % 41,
    }
}

fn people(rows: std::ops::Range<u32>) -> (Vec<Person>, String) {
    let people: Vec<Person> = rows.map(person).collect();
    let mut text = String::from("pay,kids,team,title,when\n");
    let cell = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    for p in &people {
        let (day, hour) = (p.hour / 24 + 1, p.hour % 24);
        let team = p.team.unwrap_or("");
        text += &format!(
            "{},{},{team},{},{day:02}/03/2024 {hour:02}:59:59\n",
            cell(p.pay),
            cell(p.kids),
            p.title
        );
    }
    (people, text)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Linear between neighbours.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * (1.0 + b.abs())
}

const HALVES: &str = r#"
[[column]]
name = "filled"
from = "pay"
steps = [{ impute = "median" }]
[[column]]
name = "meaned"
from = "pay"
steps = [{ impute = "mean" }]
[[column]]
name = "moded"
from = "kids"
steps = [{ impute = "mode" }]
[[column]]
name = "band"
from = "pay"
steps = [{ quantile_cut = { at = [0.25, 0.6], labels = ["low", "middle", "high"] } }]
[[column]]
name = "tier"
from = "team_pay"
steps = [{ quantile_cut = { at = [0.4], labels = ["lower", "upper"], over = "team" } }]
one_hot = {}
[[column]]
name = "role"
from = "title"
steps = [{ top = { n = 2, other = "rest" } }]
[[column]]
name = "code"
from = "title"
steps = ["codes"]
[[column]]
name = "elapsed"
from = "when"
steps = [{ timestamp = "%d/%m/%Y %H:%M:%S" }, "hours_since_first"]
[[column]]
name = "z"
from = "filled"
steps = [{ zscore = { ddof = 1 } }]
[[column]]
name = "robust"
from = "filled"
steps = [{ scale = "robust" }]
[[column]]
name = "minmax"
from = "filled"
steps = [{ scale = "minmax" }]
[[column]]
name = "standard"
from = "filled"
steps = [{ scale = "standard" }]
[[aggregate]]
name = "team_pay"
by = "team"
of = "pay"
compute = "mean"
[[aggregate]]
name = "team_median"
by = "team"
of = "pay"
compute = "median"
[[aggregate]]
name = "team_rows"
by = "team"
compute = "count"
[[aggregate]]
name = "team_paid"
by = "team"
of = "pay"
compute = "count"
[[aggregate]]
name = "team_titles"
by = "team"
of = "title"
compute = "distinct"
[features]
scale = "none"
columns = ["filled", "meaned", "moded", "band", "tier", "role", "code", "elapsed", "z", "robust", "minmax",
    "standard", "team_pay", "team_median", "team_rows", "team_paid", "team_titles"]
"#;

#[test]
fn the_other_half_gets_what_the_first_half_taught() {
    let ((first, first_text), (second, second_text)) = (people(0..40), people(40..80));
    let fitted = learn(HALVES, &first_text).fitted;
    let (found, encoded) = features(&fitted, &second_text);
    assert_eq!((encoded.kept.as_ref(), encoded.warnings.as_slice()), (None, &[][..]));
    let steps = |name: &str| &fitted.preparation.columns.iter().find(|c| c.name == name).unwrap().steps;

    // The features that a function of a person gives; missing ones get the column's median.
    let check = |name: &str, value: &dyn Fn(&Person) -> f64| {
        let own = &found[name];
        for (p, &found) in second.iter().zip(own) {
            let expected = value(p);
            assert!((found - expected).abs() <= 1e-6 * (1.0 + expected.abs()), "{name}: {found} {expected}");
        }
    };
    let pays = sorted(first.iter().filter_map(|p| p.pay));
    let (median, mean) = (quantile(&pays, 0.5), pays.iter().sum::<f64>() / pays.len() as f64);
    assert_eq!(steps("filled"), &[FittedStep::Fill(Scalar::Number(median))]);
    check("filled", &|p| p.pay.unwrap_or(median));
    assert!(matches!(steps("meaned")[0], FittedStep::Fill(Scalar::Number(v)) if close(v, mean)));
    check("meaned", &|p| p.pay.unwrap_or(mean));

    let times = |k: f64| first.iter().filter(|p| p.kids == Some(k)).count();
    let mode = [0.0, 1.0, 2.0, 3.0].into_iter().rev().max_by_key(|&k| times(k)).unwrap();
    assert_eq!(steps("moded"), &[FittedStep::Fill(Scalar::Number(mode))]);
    check("moded", &|p| p.kids.unwrap_or(mode));

    let cuts = [quantile(&pays, 0.25), quantile(&pays, 0.6)];
    let band = |p: &Person| p.pay.map(|v| cuts.iter().filter(|c| v > **c).count());
    for (i, label) in ["low", "middle", "high"].into_iter().enumerate() {
        check(&format!("band={label}"), &|p| f64::from(band(p) == Some(i)));
    }
    check("band=missing", &|p| f64::from(p.pay.is_none()));

    // Figures of a team; rows without a team get the median of all rows that have one.
    let of_team = |figure: &dyn Fn(Vec<&Person>) -> f64| {
        let own = |team: Option<&str>| {
            team.map(|t| figure(first.iter().filter(|p| p.team == Some(t)).collect::<Vec<_>>()))
        };
        let middle = quantile(&sorted(first.iter().filter_map(|p| own(p.team))), 0.5);
        second.iter().map(|p| own(p.team).unwrap_or(middle)).collect::<Vec<f64>>()
    };
    let paid = |people: &[&Person]| sorted(people.iter().filter_map(|p| p.pay));
    let pay = |people: Vec<&Person>| paid(&people).iter().sum::<f64>() / paid(&people).len() as f64;
    let titles = |people: Vec<&Person>| {
        let mut titles: Vec<&str> = people.iter().map(|p| p.title).collect();
        titles.sort_unstable();
        titles.dedup();
        titles.len() as f64
    };
    let figures: [(&str, Vec<f64>); 5] = [
        ("team_pay", of_team(&pay)),
        ("team_median", of_team(&|people| quantile(&paid(&people), 0.5))),
        ("team_rows", of_team(&|people| people.len() as f64)),
        ("team_paid", of_team(&|people| paid(&people).len() as f64)),
        ("team_titles", of_team(&titles)),
    ];
    for (name, expected) in figures {
        for (found, expected) in found[name].iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-6 * (1.0 + expected), "{name}: {found} {expected}");
        }
    }

    // The quantile is over teams: four numbers.
    let own = |team: &str| pay(first.iter().filter(|p| p.team == Some(team)).collect());
    let cut = quantile(&sorted(["red", "blue", "green", "7"].into_iter().map(own)), 0.4);
    assert!(matches!(&steps("tier")[0], FittedStep::Cut { at, .. } if close(at[0], cut)));
    check("tier=lower", &|p| f64::from(p.team.is_some_and(|t| own(t) <= cut)));
    check("tier=upper", &|p| f64::from(p.team.is_some_and(|t| own(t) > cut)));

    let mut titles: Vec<(usize, &str)> = ["analyst", "cook", "nurse", "pilot"]
        .into_iter()
        .map(|title| (first.iter().filter(|p| p.title == title).count(), title))
        .collect();
    check("code", &|p| titles.iter().position(|(_, t)| *t == p.title).unwrap() as f64);
    titles.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let kept = [titles[0].1, titles[1].1];
    for title in kept {
        check(&format!("role={title}"), &|p| f64::from(p.title == title));
    }
    check("role=rest", &|p| f64::from(!kept.contains(&p.title)));

    let start = first.iter().map(|p| p.hour).min().unwrap();
    check("elapsed", &|p| f64::from(p.hour) - f64::from(start));

    let filled = sorted(first.iter().map(|p| p.pay.unwrap_or(median)));
    let mean = filled.iter().sum::<f64>() / 40.0;
    let squares = filled.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    let (quarter, three) = (quantile(&filled, 0.25), quantile(&filled, 0.75));
    for (name, centre, scale) in [
        ("z", mean, (squares / 39.0).sqrt()),
        ("standard", mean, (squares / 40.0).sqrt()),
        ("robust", median, three - quarter),
        ("minmax", filled[0], filled[39] - filled[0]),
    ] {
        let own = &steps(name)[0];
        assert!(
            matches!(own, FittedStep::Scale { centre: c, scale: s } if close(*c, centre) && close(*s, scale)),
            "{name}: {own:?}, expected {centre} {scale}"
        );
        check(name, &|p| (p.pay.unwrap_or(median) - centre) / scale);
    }
    // As JSON, and back, it is the same.
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<FittedRecipe>(&json).unwrap(), fitted);
}

#[test]
fn a_constant_is_no_deviation() {
    let table = format!("a,b\n{}", "0.1,1\n0.1,2\n".repeat(5));
    for step in ["\"zscore\"", "{ zscore = { ddof = 1 } }", "{ scale = \"standard\" }"] {
        let fitted = learn(
            &format!("[[column]]\nname = \"a\"\nsteps = [{step}]\n[features]\ncolumns = [\"a\"]"),
            &table,
        );
        let steps = &fitted.fitted.preparation.columns[0].steps;
        assert_eq!(steps, &[FittedStep::Scale { centre: 0.1, scale: 1.0 }], "{step}");
    }
    let fitted = learn(
        "[[column]]\nname = \"a\"\nsteps = [{ zscore = { ddof = 1 } }]\n[features]\ncolumns = [\"a\"]",
        "a\n3\n",
    );
    assert_eq!(fitted.fitted.preparation.columns[0].steps, [FittedStep::Scale { centre: 3.0, scale: 1.0 }]);
}

#[test]
fn what_the_fit_did_not_see_is_named() {
    let recipe = "[[column]]\nname = \"code\"\nfrom = \"plan\"\nsteps = [\"codes\"]\n\
                  [[column]]\nname = \"listed\"\nfrom = \"plan\"\nsteps = [{ ordered = [\"free\", \"pro\"] }]\n\
                  [[column]]\nname = \"mapped\"\nfrom = \"plan\"\nsteps = [{ map = { to = { free = 0, pro = 1 } } }]\n\
                  [[column]]\nname = \"kept\"\nfrom = \"plan\"\nsteps = [{ top = { n = 1 } }]\none_hot = {}\n\
                  [[column]]\nname = \"named\"\nfrom = \"plan\"\nsteps = [{ fill = \"none\" }]\none_hot = {}\n\
                  [[aggregate]]\nname = \"size\"\nby = \"team\"\ncompute = \"count\"\n\
                  [features]\ncolumns = [\"code\", \"listed\", \"mapped\", \"kept\", \"named\", \"size\"]\n";
    let fitted = learn(recipe, "plan,team,pay\nfree,a,1\nfree,a,2\npro,b,3\n").fitted;
    let (found, encoded) = features(&fitted, "plan,team,pay\ngold,z,1\nfree,a,1\n");
    assert_eq!(
        encoded.warnings,
        [
            "code: \"gold\" in 1 row that the fit did not see, counted as missing",
            "listed: \"gold\" in 1 row that the fit did not see, counted as missing",
            "mapped: \"gold\" in 1 row that the fit did not see, counted as missing",
            "size: 1 row of groups that the fit did not see; the value is missing there",
            "named: categories that the fit did not see, in 1 row, 0 in all its features: \"gold\" in 1 row",
        ]
    );
    // A missing number is the median, a text that is not kept is another.
    assert!(found["code"].iter().all(|code| code.abs() < 1e-6), "{:?}", found["code"]);
    assert_eq!((&found["kept=other"], &found["kept=free"]), (&vec![1.0, 0.0], &vec![0.0, 1.0]));
    assert_eq!((&found["named=free"], &found["named=pro"]), (&vec![0.0, 1.0], &vec![0.0, 0.0]));
    assert!((found["size"][0] - 2.0).abs() < 1e-6);

    let error = |table: &str| fitted.apply(&read(&fitted, table)).unwrap_err().to_string();
    assert!(error("plam,team,pay\nfree,a,1\n").contains("no column is called \"plan\"; did you mean plam?"));
    assert!(error("plan,pay\nfree,1\n").contains("\"team\""));
    // Columns that nothing needs may go.
    features(&fitted, "plan,team\nfree,a\n");

    let recipe = "[[column]]\nname = \"log\"\nfrom = \"pay\"\nsteps = [\"log1p\"]\n\
                  [[drop]]\ncolumns = [\"age\"]\nabove_quantile = 1\n[features]\ncolumns = [\"log\"]\n";
    let fitted = learn(recipe, "pay,age\n1,30\n2,40\n").fitted;
    let error = |table: &str| fitted.apply(&read(&fitted, table)).unwrap_err().to_string();
    assert_eq!(
        error("pay,age\nlots,30\n"),
        "t.csv, column pay: expected numbers as at the fit, found text such as \"lots\""
    );
    assert!(error("pay\n3\n").contains("no column is called \"age\""));
    assert!(
        error("pay,age\n3,old\n")
            .contains("column age: a quantile needs numbers, found text such as \"old\"")
    );
    let dates = "[[column]]\nname = \"day\"\nfrom = \"when\"\nsteps = [{ timestamp = \"%Y-%m-%d\" }]\n\
                 [features]\ncolumns = [\"day\"]\n";
    let fitted = learn(dates, "when\n2024-01-02\n2024-01-05\n").fitted;
    let error = fitted.apply(&read(&fitted, "when\n2024-01-02\n5/1/24\n")).unwrap_err().to_string();
    assert!(
        error.starts_with("t.csv, column when: row 2: \"5/1/24\" is not a timestamp in the format"),
        "{error}"
    );
}

#[test]
fn the_same_bytes_with_any_number_of_threads() {
    let text = include_str!("../../../recipes/learners.toml");
    let mut bytes = Vec::new();
    segmenta::synth::learners(9_000, 3).write_csv(&mut bytes).unwrap();
    let halves = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut table = read_bytes("t.csv", bytes.clone(), &ReadOptions::default()).unwrap();
            let FitReport { fitted, choices, notes, .. } = parse(text).fit(&mut table).unwrap();
            let other = read_bytes("t.csv", bytes.clone(), &ReadOptions::default()).unwrap();
            let encoded = fitted.apply(&other).unwrap().0;
            assert_eq!(fitted.encoder.apply(&table).unwrap().columns, encoded.columns, "applied as fitted");
            (serde_json::to_string(&fitted).unwrap(), format!("{choices:?} {notes:?}"), encoded)
        })
    };
    let one = halves(1);
    assert!(one == halves(7));
    assert!(one == halves(2));
}

#[test]
fn of_two_that_tell_the_same_the_first_stays() {
    let rows: String =
        (0..30).map(|i| format!("{},{},{},{}\n", i, 2 * i + i % 2, -3 * i, i * i * 7 % 31)).collect();
    let taken = |columns: &str, most: f64| {
        let recipe = format!("[features]\ncolumns = {columns}\ndrop_correlated = {most}\n");
        let report = learn(&recipe, &format!("a,b,c,d\n{rows}"));
        let reasons = report.choices.iter().filter(|c| c.features == 0).map(|c| c.reason.clone());
        (report.fitted.encoder.feature_names(), reasons.collect::<Vec<_>>())
    };
    let (names, reasons) = taken("[\"a\", \"b\", \"c\", \"d\"]", 0.95);
    assert_eq!(names, ["a", "d"]);
    assert_eq!(reasons[1], "correlation -1.000 with a");
    assert_eq!(taken("[\"d\", \"c\", \"b\", \"a\"]", 0.95).0, ["d", "c"]);
    assert_eq!(taken("[\"b\", \"d\", \"a\"]", 0.95).0, ["b", "d"]);
    assert_eq!(taken("[\"a\", \"b\", \"d\"]", 0.99999).0, ["a", "b", "d"]);
    // What goes does not make others go: b and c are each like a, and a is there.
    assert_eq!(taken("[\"c\", \"a\", \"b\"]", 0.95).0, ["c"]);
}

#[test]
fn rows_left_out_come_back_in_their_place() {
    let recipe = "[[drop]]\ncolumns = [\"a\", \"b\"]\nmissing_share = 0.5\n\
                  [[drop]]\ncolumns = [\"?\"]\nabove_quantile = 0.9\n\
                  [[drop]]\ncolumns = [\"c\"]\nbelow_quantile = 0.05\n\
                  [features]\ncolumns = [\"a\", \"b\", \"c\"]\n";
    let mut table = String::from("a,b,c\n");
    for i in 0..21 {
        let b = if i % 10 == 4 { String::new() } else { (i * 5 % 21).to_string() };
        table += &format!("{i},{b},{}\n", 100 + i * 8 % 21);
    }
    let report = learn(recipe, &table);
    let (a, b, c): (Vec<i32>, Vec<i32>, Vec<i32>) = (
        (0..21).collect(),
        (0..21).map(|i| if i % 10 == 4 { -1 } else { i * 5 % 21 }).collect(),
        (0..21).map(|i| 100 + i * 8 % 21).collect(),
    );
    let bound = |values: &[i32], q: f64| {
        quantile(&sorted(values.iter().filter(|v| **v >= 0).map(|v| f64::from(*v))), q)
    };
    let (above, below) = ([bound(&a, 0.9), bound(&b, 0.9), bound(&c, 0.9)], bound(&c, 0.05));
    let excluded = |i: usize| b[i] < 0;
    let outlier = |i: usize| {
        let own = [a[i], b[i], c[i]].map(f64::from);
        !excluded(i) && (own.iter().zip(above).any(|(v, most)| *v > most) || own[2] < below)
    };
    let outliers: Vec<u32> = (0..21).filter(|&i| outlier(i)).map(|i| i as u32).collect();
    let kept: Vec<u32> = (0..21).filter(|&i| !outlier(i) && !excluded(i)).map(|i| i as u32).collect();
    assert!(outliers.len() >= 4 && kept.len() >= 10, "{outliers:?} {kept:?}");
    assert_eq!((&report.outliers, report.kept.as_ref()), (&outliers, Some(&kept)));
    assert_eq!(report.notes.len(), 3);
    assert_eq!(report.notes[0], "left out: 2 rows, missing 50 % or more of 2 columns");
    assert_eq!(report.notes[2], format!("left out: 1 row, c below {below}"));

    // New rows are judged by the bounds of the fit, in any order.
    let lines: Vec<&str> = table.lines().skip(1).collect();
    let turned: String = lines.iter().rev().map(|line| format!("{line}\n")).collect();
    let (encoded, found) = report.fitted.apply(&csv(&format!("a,b,c\n{turned}"))).unwrap();
    let turn = |rows: &[u32]| rows.iter().rev().map(|row| 20 - row).collect::<Vec<u32>>();
    assert_eq!((found, encoded.kept), (turn(&outliers), Some(turn(&kept))));
    let one = report.fitted.apply(&csv("a,b,c\n5,5,105\n")).unwrap();
    assert_eq!((one.0.kept, one.1), (None, vec![]));
}

#[test]
fn statuses_in_the_assignments() {
    let desk = crate::cli::Desk::new();
    let mut text = String::from("who,a,b\n");
    for i in 0..40 {
        let b = if i % 13 == 5 { String::new() } else { (i % 2 * 50 + i % 5).to_string() };
        let a = if i % 17 == 3 { String::new() } else { (i % 2 * 90 + i * 7 % 9).to_string() };
        text += &format!("p{i},{a},{b}\n");
    }
    desk.put("t.csv", text + "far,5000,3\n");
    desk.put(
        "r.toml",
        "[input]\npath = \"t.csv\"\nid = \"who\"\n[[drop]]\ncolumns = [\"a\", \"b\"]\nmissing_share = 0.5\n\
         [[drop]]\ncolumns = [\"a\"]\nabove_quantile = 0.97\n[features]\ncolumns = [\"a\", \"b\"]\n[analysis]\nk = 2\n",
    );
    desk.run("run r.toml --device cpu --out out -q").quietly();
    let rows = crate::cli::assignments(&desk.read("out/assignments.csv"));
    assert_eq!(rows.len(), 41);
    for (i, (who, segment, status)) in rows.iter().enumerate() {
        let expected = match i {
            40 => "outlier",
            _ if i % 13 == 5 || i % 17 == 3 => "excluded",
            _ => "assigned",
        };
        let name = if i == 40 { "far".into() } else { format!("p{i}") };
        let highest = status == "outlier" && i < 40;
        assert!((who, status.as_str()) == (&name, expected) || highest, "{i}: {who} {status}");
        assert_eq!(*segment == -1, status != "assigned", "{who}");
    }
    desk.run("assign out/model.json t.csv --id who --device cpu --out again -q").quietly();
    assert_eq!(crate::cli::assignments(&desk.read("again/assignments.csv")), rows);
}

/// The published z-scores of the analysis, which the other rows of its table have shifted and scaled.
const ENTHUSIASM: [(f64, f64); 6] = [
    (0.0, 0.558944),
    (1.0, 0.558029),
    (72.0, -1.789470),
    (89.0, -2.122546),
    (102.0, -2.255501),
    (198.0, -2.368870),
];

#[test]
fn enthusiasm_as_published() {
    let recipe = "[[column]]\nname = \"HoursElapsed\"\nfrom = \"Timestamp\"\n\
                  steps = [{ timestamp = \"%d/%m/%Y %H:%M:%S\" }, \"hours_since_first\"]\n\
                  [[column]]\nname = \"Enthusiasm\"\nfrom = \"HoursElapsed\"\n\
                  steps = [{ gaussian = { deviation = 40 } }, { zscore = { ddof = 1 } }]\n\
                  [features]\ncolumns = [\"Enthusiasm\"]\n";
    // Read in another order of day and month these would be other days. 16:59 and 17:01 are an hour apart.
    let times = [
        "01/11/2018 16:00:00",
        "29/10/2018 17:01:00",
        "02/11/2018 09:30:00",
        "29/10/2018 16:59:00",
        "02/11/2018 22:15:01",
        "06/11/2018 22:59:59",
    ];
    let mut table = csv(&format!("Timestamp\n{}\n", times.join("\n")));
    parse(recipe).fit(&mut table).unwrap();
    let column = |name: &str| table.column(name).unwrap().values.numbers().unwrap().into_owned();
    let (hours, own) = (column("HoursElapsed"), column("Enthusiasm"));
    assert_eq!(hours, [72.0, 1.0, 89.0, 0.0, 102.0, 198.0]);
    let of = |hour: &f64| ENTHUSIASM.iter().find(|(h, _)| h == hour).map(|(_, z)| *z);
    let published: Vec<f64> = hours.iter().filter_map(of).collect();
    assert_eq!(published.len(), 6);
    // Ours have mean 0 and deviation 1 with ddof 1 over these rows.
    assert!(own.iter().sum::<f64>().abs() < 1e-12);
    assert!((own.iter().map(|v| v * v).sum::<f64>() - 5.0).abs() < 1e-12);
    // The line of least squares from ours to the published ones.
    let mean = published.iter().sum::<f64>() / 6.0;
    let slope = own.iter().zip(&published).map(|(x, y)| x * y).sum::<f64>() / 5.0;
    assert!(slope > 0.5 && slope < 2.0, "{slope}");
    for (x, y) in own.iter().zip(&published) {
        let line = mean + slope * x;
        assert!((line - y).abs() <= 1e-6, "{line} {y}");
    }
}
