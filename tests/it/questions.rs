//! `[[question]]`: answers against pandas, and against plain counting over the rows.

use crate::cli::Desk;
use segmenta::analysis::{Compute, Outcome, Silent, Source, Spec, run};
use segmenta::error::Error;
use segmenta::questions::{Answer, Cell};
use segmenta::synth::{self, Example};
use segmenta::table::{ReadOptions, Table, read_bytes};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn spec(text: &str) -> Spec {
    Spec::parse("r.toml", text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

/// The recipe of the learners with these questions, and a quick fit.
fn learners_spec(questions: &str) -> Spec {
    let mut spec = spec(&file("recipes/learners.toml"));
    spec.questions = self::spec(questions).questions;
    (spec.sweep, spec.tendency, spec.structure, spec.profile) = (None, None, false, None);
    spec.method.set_n_init(1);
    spec.fit.as_mut().unwrap().k = Some(4);
    spec
}

fn asked(spec: &Spec, table: Table) -> Outcome {
    run(spec, Source::from(table), &Compute::default(), &Silent).unwrap_or_else(|e| panic!("{e}"))
}

fn csv(text: &str) -> Table {
    read_bytes("t.csv", text.as_bytes().to_vec(), &ReadOptions::default()).unwrap()
}

/// The answers to questions about a small table that is segmented by its column `x`.
fn small(questions: &str, text: &str, k: usize) -> Vec<Answer> {
    let recipe =
        format!("{questions}\n[features]\ncolumns = [\"x\"]\n[analysis]\nk = {k}\nstructure = false\n");
    asked(&spec(&recipe), csv(text)).questions
}

/// Whether a cell is the one that is expected, numbers to twelve digits.
fn same(expected: &Value, cell: &Cell) -> bool {
    let number = match cell {
        Cell::Count(n) => *n as f64,
        Cell::Number(v) => *v,
        Cell::Flag(flag) => return *expected == Value::Bool(*flag),
        Cell::Text(text) => return expected.as_str() == Some(text),
        Cell::Missing => return expected.is_null(),
    };
    expected.as_f64().is_some_and(|e| (e - number).abs() <= 1e-12 * e.abs())
}

fn same_lines(what: &str, expected: &Value, lines: &[Vec<Cell>]) {
    let expected = expected.as_array().unwrap();
    assert_eq!(expected.len(), lines.len(), "{what}: {lines:?}");
    for (expected, line) in expected.iter().zip(lines) {
        same_line(what, expected, line);
    }
}

fn same_line(what: &str, expected: &Value, line: &[Cell]) {
    let cells = expected.as_array().unwrap();
    let all = cells.len() == line.len() && cells.iter().zip(line).all(|(e, cell)| same(e, cell));
    assert!(all, "{what}: expected {expected}, found {line:?}");
}

/// What tests/peers/questions.py writes.
#[derive(Deserialize)]
struct Golden {
    rows: usize,
    seed: u64,
    answers: BTreeMap<String, Value>,
}

#[test]
fn answers_are_those_of_pandas() {
    let golden: Golden = serde_json::from_str(&file("tests/peers/questions.json")).unwrap();
    let spec = learners_spec(&file("tests/peers/questions.toml"));
    let outcome = asked(&spec, synth::learners(golden.rows, golden.seed).table());
    let answers = outcome.questions;
    let expected = |name: &str| &golden.answers[name];
    let figures = |answer: &Answer, names: &[&str]| -> Vec<Cell> {
        names.iter().map(|name| answer.figures[*name].clone()).collect()
    };
    assert_eq!(answers.len(), 11);
    same_line("little pay", expected("little pay"), &figures(&answers[0], &["count", "mean", "median"]));
    let old = [answers[1].among.clone(), answers[1].rows.clone()];
    same_line("old", expected("old"), &old);
    let mut young = vec![answers[2].among.clone()];
    young.extend(figures(&answers[2], &["count", "mean", "max"]));
    same_line("young", expected("young"), &young);
    same_line("entry", expected("entry"), &figures(&answers[3], &["count", "mean", "max"]));
    same_lines("entry list", expected("entry list"), &answers[3].list.as_ref().unwrap().rows);
    same_lines("roles", expected("roles"), &answers[4].table.rows);
    assert_eq!(answers[4].table.more, 4, "15 roles and the rest, of which 12 are shown");
    same_lines("tiers", expected("tiers"), &answers[5].table.rows);
    same_lines("pay by role", expected("pay by role"), &answers[6].table.rows);
    let within = answers[7].within.as_ref().unwrap();
    assert_eq!(within.group, Cell::Text("Company A".into()));
    let largest = expected("largest").as_array().unwrap();
    assert!(same(&largest[0], &within.rows) && same(&largest[0], &answers[7].rows), "{within:?}");
    for (expected, line) in largest[1..].iter().zip(&answers[7].table.rows) {
        same_line("largest", expected, &line[1..]);
    }
    for (place, name) in [(1, "mean"), (2, "median")] {
        let side = |of: usize| largest[of][place].as_f64().unwrap();
        let Cell::Number(differs) = answers[7].difference.as_ref().unwrap()[name] else { panic!() };
        assert!((differs - (side(1) - side(2))).abs() < 1e-10, "{name}: {differs}");
    }
    same_lines("largest by role", expected("largest by role"), &answers[8].table.rows);
    assert_eq!(Some(answers[8].table.small as u64), expected("largest small").as_u64());
    assert!(answers[8].table.small > 0, "some roles are too rare there to be shown");
    same_lines("role and tier", expected("role and tier"), &answers[9].table.rows);
    same_lines("companies", expected("companies"), &answers[10].table.rows);
}

/// The segment of each row, and the answers, of learners.
fn learners(questions: &str, rows: usize) -> (synth::Learners, Vec<u32>, Vec<Answer>) {
    let people = synth::learners(rows, 11);
    let outcome = asked(&learners_spec(questions), people.table());
    let segments = outcome.labelled.unwrap().rows.iter().map(|row| row.unwrap().segment).collect();
    (people, segments, outcome.questions)
}

#[test]
fn lines_are_the_segments_unless_said_otherwise() {
    let questions = "[[question]]\nname = \"q\"\nwhere = \"ctc >= 2_000_000\"\nof = \"ctc\"\ncompute = [\"count\", \"max\"]\n\
                     [[question]]\nname = \"r\"\nexpect = { if = \"ctc_updated_year = 2019\", then = \"ctc < 2_000_000\" }\n\
                     where = \"segment != 0\"\n";
    let (people, segments, answers) = learners(questions, 3000);
    let k = *segments.iter().max().unwrap() as usize + 1;
    let mut count = vec![[0u64; 4]; k];
    let mut most = vec![0u32; k];
    for (row, &segment) in people.rows().iter().zip(&segments) {
        let s = segment as usize;
        let rich = row.ctc >= 2_000_000;
        count[s][0] += 1;
        count[s][1] += u64::from(rich);
        if rich {
            most[s] = most[s].max(row.ctc);
        }
        if s != 0 && row.ctc_updated_year == 2019 {
            count[s][2] += 1;
            count[s][3] += u64::from(rich);
        }
    }
    let sum = |i: usize| count.iter().map(|c| c[i]).sum::<u64>();
    let [rich, contradict] = &answers[..] else { panic!() };
    assert_eq!((&rich.rows, &rich.among), (&Cell::Count(sum(1)), &Cell::Count(3000)));
    assert_eq!(rich.share, sum(1) as f64 / 3000.0);
    assert_eq!(rich.table.columns, ["segment", "count", "share", "rate", "max"]);
    assert_eq!(rich.figures["max"], Cell::Number(f64::from(*most.iter().max().unwrap())));
    for (s, line) in rich.table.rows.iter().enumerate() {
        let [all, some, ..] = count[s];
        let max = if some == 0 { Cell::Missing } else { Cell::Number(f64::from(most[s])) };
        let expected = vec![
            Cell::Count(s as u64),
            Cell::Count(some),
            Cell::Number(some as f64 / sum(1) as f64),
            Cell::Number(some as f64 / all as f64),
            max,
        ];
        assert_eq!(*line, expected, "segment {s}");
    }
    assert_eq!((&contradict.rows, &contradict.among), (&Cell::Count(sum(3)), &Cell::Count(sum(2))));
    for (s, line) in contradict.table.rows.iter().enumerate() {
        let rate = if count[s][2] == 0 { 0.0 } else { count[s][3] as f64 / count[s][2] as f64 };
        assert_eq!((&line[1], &line[3]), (&Cell::Count(count[s][3]), &Cell::Number(rate)), "segment {s}");
    }
    assert!(sum(3) > 0 && sum(1) > 0);
}

#[test]
fn texts_behind_aliases_are_counted_and_never_shown() {
    let questions = "[[question]]\nname = \"q\"\nby = \"ctc_updated_year\"\nof = \"company\"\ncompute = \"distinct\"\n\
                     [[question]]\nname = \"r\"\nwithin = { largest = \"company\" }\nby = [\"company\", \"segment\"]\n\
                     [[question]]\nname = \"s\"\nlist = 7\ncolumns = [\"company\", \"ctc\", \"segment\"]\norder = \"ctc\"\nascending = true\n";
    let (people, segments, answers) = learners(questions, 2500);
    let mut companies: BTreeMap<u16, BTreeSet<Option<u32>>> = BTreeMap::new();
    let mut sizes: BTreeMap<Option<u32>, u64> = BTreeMap::new();
    for row in people.rows() {
        companies.entry(row.ctc_updated_year).or_default().insert(row.company);
        *sizes.entry(row.company).or_default() += 1;
    }
    let mut expected: Vec<(u64, u16)> =
        companies.iter().map(|(year, set)| (set.len() as u64, *year)).collect();
    // The default order is by the number of rows, so that both are compared as sets.
    expected.sort_unstable();
    let mut found: Vec<(u64, u16)> = answers[0]
        .table
        .rows
        .iter()
        .map(|line| match line[..] {
            [Cell::Number(year), Cell::Count(n)] => (n, year as u16),
            _ => panic!("{line:?}"),
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(expected.iter().any(|(n, _)| *n > 27), "more than there are aliases");

    let largest = *sizes.values().max().unwrap();
    let within = answers[1].within.as_ref().unwrap();
    assert_eq!(within.rows, Cell::Count(largest));
    let company = sizes.iter().find(|(_, n)| **n == largest).unwrap().0;
    let mut by_segment: BTreeMap<u32, u64> = BTreeMap::new();
    for (row, segment) in people.rows().iter().zip(&segments).filter(|(row, _)| row.company == *company) {
        assert!(row.company.is_some());
        *by_segment.entry(*segment).or_default() += 1;
    }
    for line in &answers[1].table.rows {
        let [Cell::Text(name), Cell::Count(segment), Cell::Count(n), Cell::Number(share)] = &line[..] else {
            panic!("{line:?}")
        };
        assert!(name.starts_with("Company "));
        assert_eq!(*n, by_segment[&(*segment as u32)]);
        assert_eq!(*share, *n as f64 / largest as f64);
    }

    let mut pay: Vec<u32> = people.rows().iter().map(|row| row.ctc).collect();
    pay.sort_unstable();
    let list = answers[2].list.as_ref().unwrap();
    let shown: Vec<&Cell> = list.rows.iter().map(|line| &line[1]).collect();
    let expected: Vec<Cell> = pay[..7].iter().map(|&v| Cell::Number(f64::from(v))).collect();
    assert_eq!(shown, expected.iter().collect::<Vec<_>>());
    assert_eq!(list.more, 2500 - 7);
    let json = serde_json::to_string(&answers).unwrap();
    let hash = people.rows().iter().find_map(|row| row.company).unwrap();
    assert!(json.contains("Company A") && !json.contains(&people.company_hash(hash)));
}

/// A table of two clear segments: 5 rows about 0 and 3 about 100.
const TWO: &str = "x,w,plan,pay,team\n0,1,a,10,red\n1,2,b,,red\n2,0,a,30,red\n1,1,,20,\n0,3,b,50,blue\n\
                   100,1,a,70,blue\n101,2,a,80,blue\n102,1,b,,red\n";

#[test]
fn a_weight_is_a_number_of_copies() {
    let questions = "[[question]]\nname = \"q\"\nwhere = \"pay >= quantile(0.4)\"\nof = [\"pay\", \"x\"]\ncompute = [\"mean\", \"median\", \"sum\", \"count\"]\n\
                     [[question]]\nname = \"r\"\nby = [\"plan\", \"team\"]\nof = \"pay\"\ncompute = [\"count\", \"share\", \"min\", \"max\"]\nleast = 2\n\
                     [[question]]\nname = \"s\"\nagainst = \"plan = 'a'\"\nof = \"pay\"\n\
                     [[question]]\nname = \"t\"\nexpect = { if = \"x < 50\", then = \"pay < 40\" }\n\
                     [[question]]\nname = \"u\"\nwithin = { largest = \"team\" }\nwhere = \"plan is not missing\"\n";
    let mut copies = String::from("x,w,plan,pay,team\n");
    for line in TWO.lines().skip(1) {
        let copy = line.split(',').nth(1).unwrap().parse().unwrap();
        copies.push_str(&format!("{line}\n").repeat(copy));
    }
    let weighted = small(&format!("[input]\nweight = \"w\"\n{questions}"), TWO, 2);
    let repeated = small(&format!("{questions}[profile]\ncolumns = [\"pay\"]\n"), &copies, 2);
    assert_eq!(weighted, repeated);
    assert_eq!(weighted[4].rows, Cell::Count(6), "{:?}", weighted[4]);
}

#[test]
fn missing_values_neither_meet_nor_contradict() {
    let answers = small(
        "[[question]]\nname = \"q\"\nexpect = { if = \"x < 50\", then = \"pay < 40\" }\n\
         [[question]]\nname = \"r\"\nexpect = { if = \"x < 50\", then = \"pay is missing or pay < 40\" }\n\
         [[question]]\nname = \"s\"\nby = \"plan\"\ncompute = \"count\"\n\
         [[question]]\nname = \"t\"\nwhere = \"pay > 1000\"\nof = \"pay\"\nlist = 3\ncolumns = \"pay\"\n\
         [[question]]\nname = \"u\"\nwithin = { largest = \"plan\", where = \"pay > 1000\" }\n\
         [[question]]\nname = \"v\"\nagainst = \"pay > 1000\"\nof = \"pay\"\n",
        TWO,
        2,
    );
    let expect =
        |i: usize| (&answers[i].rows, &answers[i].among, &answers[i].expect.as_ref().unwrap().unknown);
    assert_eq!(expect(0), (&Cell::Count(1), &Cell::Count(4), &Cell::Count(1)));
    assert_eq!(expect(1), (&Cell::Count(1), &Cell::Count(5), &Cell::Count(0)));
    let text = |t: &str| Cell::Text(t.into());
    let lines = [(text("a"), 4), (text("b"), 3), (Cell::Missing, 1)];
    assert_eq!(answers[2].table.rows, lines.map(|(key, n)| vec![key, Cell::Count(n)]));
    // Nobody earns so much: there is an answer, and it has no figures.
    assert_eq!(
        (&answers[3].rows, answers[3].share, &answers[3].figures["mean"]),
        (&Cell::Count(0), 0.0, &Cell::Missing)
    );
    assert!(answers[3].list.as_ref().unwrap().rows.is_empty());
    assert_eq!(
        (&answers[4].rows, &answers[4].within.as_ref().unwrap().group),
        (&Cell::Count(0), &Cell::Missing)
    );
    assert!(answers[5].difference.as_ref().unwrap().is_empty());
    let json = serde_json::to_value(&answers).unwrap().to_string();
    assert!(!json.contains("NaN") && !json.contains("inf"));
}

#[test]
fn segments_have_names_and_rows_may_have_none() {
    let answers = small(
        "[names]\n\"1\" = \"Rich\"\n\
         [[drop]]\ncolumns = [\"pay\"]\nabove_quantile = 0.9\n\
         [[question]]\nname = \"q\"\nwhere = \"segment = 'Rich'\"\n\
         [[question]]\nname = \"r\"\nwhere = \"segment = 1 or segment is missing\"\n\
         [[question]]\nname = \"s\"\nwhere = \"segment in ['Poor', 'Rich']\"\nby = \"segment\"\n",
        TWO,
        2,
    );
    let rows: Vec<&Cell> = answers.iter().map(|answer| &answer.rows).collect();
    assert_eq!(rows, [&Cell::Count(2), &Cell::Count(3), &Cell::Count(2)]);
    assert_eq!(answers[0].condition.as_deref(), Some("segment = 'Rich'"));
    let keys: Vec<&Cell> = answers[1].table.rows.iter().map(|line| &line[0]).collect();
    assert_eq!(keys, [&Cell::Count(0), &Cell::Count(1), &Cell::Missing]);
    assert_eq!(answers[2].table.rows, [vec![Cell::Count(1), Cell::Count(2), Cell::Number(1.0)]]);
}

/// The faults of a recipe, or of its table.
fn faults(text: &str) -> Vec<(u64, u64, String, String)> {
    let recipe = format!("{text}\n[features]\ncolumns = [\"x\"]\n[analysis]\nk = 2\n");
    let table = |spec: &Spec| read_bytes("t.csv", TWO.as_bytes().to_vec(), &spec.input.read).unwrap();
    let outcome = Spec::parse("r.toml", &recipe, &BTreeMap::new())
        .and_then(|spec| run(&spec, Source::from(table(&spec)), &Compute::default(), &Silent));
    match outcome {
        Err(Error::Recipe(faults)) => faults.into_iter().map(|f| (f.line, f.column, f.key, f.what)).collect(),
        Err(other) => panic!("{text}: {other}"),
        Ok(_) => panic!("{text}: no fault"),
    }
}

#[test]
fn faults_are_said_with_their_place() {
    let with = |keys: &str| format!("[[question]]\nname = \"q\"\n{keys}");
    let all = [
        ("where = \"pay >> 3\"", 3, 15, "question[0].where", "expected a number"),
        ("where = '''\npay >\n'''", 5, 1, "question[0].where", "found the end"),
        ("where = \"plan = \\\"a\\\" 3\"", 3, 9, "question[0].where", "at character 12"),
        ("where = 3", 3, 9, "question[0].where", "a text in quotes"),
        ("wher = \"pay > 3\"", 3, 1, "question[0].wher", "did you mean where"),
        ("compute = \"mean\"", 3, 11, "question[0].compute", "of is missing"),
        ("compute = \"avg\"\nof = \"pay\"", 3, 11, "question[0].compute", "\"mean\""),
        ("by = \"plan\"\norder = \"mean\"", 4, 9, "question[0].order", "expected one of count, share, plan"),
        ("order = \"count\"", 3, 9, "question[0].order", "order is for by or list"),
        ("by = \"plan\"\nascending = true", 1, 1, "question[0]", "ascending is for order"),
        ("top = 3", 3, 7, "question[0].top", "top is for by"),
        ("list = 3", 3, 8, "question[0].list", "expected columns"),
        ("columns = \"pay\"", 3, 11, "question[0].columns", "expected list"),
        ("by = \"plan\"\nagainst = \"pay > 3\"", 4, 11, "question[0].against", "two questions"),
        ("by = []", 3, 6, "question[0].by", "at least one column"),
        ("by = [\"plan\", \"plan\"]", 3, 6, "question[0].by", "named twice"),
        ("within = { distinct = \"plan\" }", 3, 10, "question[0].within.largest", "missing"),
        ("expect = { if = \"pay > 3\" }", 3, 10, "question[0].expect.then", "missing"),
        // What only the table shows.
        ("where = \"pai > 3\"", 1, 1, "question[0].where", "did you mean pay"),
        ("where = \"pay = 'a'\"", 1, 1, "question[0].where", "holds numbers"),
        ("by = \"pan\"", 1, 1, "question[0].by", "did you mean pay or plan"),
        ("of = \"plan\"", 1, 1, "question[0].compute", "column plan holds texts"),
        ("within = { largest = \"tem\" }", 1, 1, "question[0].within.largest", "did you mean team"),
        (
            "expect = { if = \"pay > 3\", then = \"plan > median\" }",
            1,
            1,
            "question[0].expect.then",
            "needs numbers",
        ),
        ("list = 2\ncolumns = [\"w\", \"q\"]", 1, 1, "question[0].columns", "no column is called \"q\""),
    ];
    let mut wrong = Vec::new();
    for (keys, line, column, key, words) in all {
        let found = faults(&with(keys));
        if !found.iter().any(|f| (f.0, f.1, f.2.as_str()) == (line, column, key) && f.3.contains(words)) {
            wrong.push(format!("{keys}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(faults("[[question]]\nby = \"plan\"")[0].3.contains("the question in words"));
    let id = faults(&format!("[input]\nid = \"w\"\n{}", with("list = 2\ncolumns = [\"w\", \"pay\"]")));
    assert!(id[0].3.contains("w names the rows"), "{id:?}");
}

#[test]
fn answers_are_in_metrics_and_on_the_terminal() {
    let desk = Desk::new();
    desk.put("t.csv", TWO.replace("blue", "b\u{1b}[2Jue"));
    desk.put(
        "r.toml",
        "[input]\npath = \"t.csv\"\n[features]\ncolumns = [\"x\"]\n[analysis]\nk = 2\n[names]\n\"0\" = \"Poor\"\n\
         [[question]]\nname = \"Who earns much?\"\nwhere = \"pay >= median\"\nof = \"pay\"\n\
         [[question]]\nname = \"Teams\"\nby = \"team\"\n",
    );
    let said = desk.run("run r.toml --device cpu --out out -q");
    assert_eq!(said.code, Some(0), "{}", said.err);
    for words in [
        "question 1: Who earns much?",
        "3 of 8 rows (37.5 %): pay >= 40",
        "mean 66.67",
        "0 Poor",
        "question 2: Teams",
        "(missing)",
    ] {
        assert!(said.out.contains(words), "{words}\n{}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let question = &metrics["questions"][0];
    assert_eq!(question["name"], "Who earns much?");
    assert_eq!(question["where"], "pay >= 40");
    assert_eq!((&question["rows"], &question["share"]), (&Value::from(3), &Value::from(0.375)));
    assert_eq!(question["table"]["columns"][0], "segment");
    assert_eq!(question["table"]["rows"].as_array().unwrap().len(), 2);
    assert!(desk.read("out/metrics.json").contains("questions"));
    // A model does not depend on the questions.
    assert!(!desk.read("out/model.json").contains("Who earns"));
}

#[test]
fn the_example_tables_can_be_asked() {
    let spec = spec(
        "[features]\ncolumns = [\"videos_started\", \"exercises_submitted\"]\n[analysis]\nk = 3\nstructure = false\n\
         [[question]]\nname = \"q\"\nby = \"signup_week\"\nof = [\"videos_started\", \"videos_finished\"]\ncompute = [\"mean\", \"max\"]\norder = \"mean videos_finished\"\ntop = 2\n",
    );
    let answers = asked(&spec, Example::FirstDay.table(1000, 0)).questions;
    let table = &answers[0].table;
    assert_eq!(
        table.columns,
        [
            "signup_week",
            "mean videos_started",
            "mean videos_finished",
            "max videos_started",
            "max videos_finished"
        ]
    );
    let Cell::Number(a) = table.rows[0][2] else { panic!() };
    let Cell::Number(b) = table.rows[1][2] else { panic!() };
    assert!(a >= b && table.rows.len() == 2 && table.more > 0);
}
