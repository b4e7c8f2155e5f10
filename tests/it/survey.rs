//! What a survey's analysis shows: lifts, answers by segment, the rows left out, and the processed answers as files. The
//! expected figures are counted row by row from the table as it was made, before any column was computed.

use std::collections::{BTreeMap, HashMap};

use segmenta::analysis::{Compute, Outcome, Silent, Source, Spec, run};
use segmenta::profile::Lift;
use segmenta::questions::{AnswerShares, Cell};
use segmenta::synth::{Example, survey};
use segmenta::table::{ReadOptions, Table, Values, read_bytes, short_label};

use crate::cli::{Desk, assignments};

const ROWS: usize = 1_500;

/// Four segments by languages and dashboards, and what is shown of them.
const RECIPE: &str = r#"
[input]
synth = "survey"
rows = 1500
keep_null = ["None"]

[[drop]]
columns = ["Q*"]
missing_share = 0.99

[[column]]
columns = "Q7_Part_*"
name = "languages regular: {text}"
steps = ["answered"]
topic = "program"

[[column]]
columns = "Q31_Part_*"
name = "BI tools: {text}"
steps = ["answered"]
topic = "tools"

[[column]]
columns = "Q24_Part_*"
name = "work activities: {text}"
steps = ["answered"]
topic = "work"

[[column]]
name = "years of ML"
from = "Q15"

[features]
columns = ["languages regular: *", "BI tools: *"]
scale = "none"

[profile]
columns = ["languages regular: *", "BI tools: *", "years of ML"]
lifts = 6

[analysis]
k = 4
n_init = 2
structure = false

[[question]]
name = "How long have they used machine learning?"
answers = "years of ML"
order = ["I do not use machine learning", "Under 1 year", "1-2 years", "2-3 years", "3-4 years", "4-5 years", "5-10 years", "10-20 years", "20+ years", "since birth"]
sort_by = "I do not use machine learning"

[[question]]
name = "What do they do at work?"
answers = "work activities: *"
lift = true
where = "Q5 != 'Data Scientist'"
"#;

/// The years of machine learning in order.
const YEARS: [&str; 9] = [
    "I do not use machine learning",
    "Under 1 year",
    "1-2 years",
    "2-3 years",
    "3-4 years",
    "4-5 years",
    "5-10 years",
    "10-20 years",
    "20+ years",
];

fn spec(text: &str) -> Spec {
    Spec::parse("r.toml", text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

fn found(text: &str) -> Outcome {
    run(&spec(text), Source::Spec, &Compute::default(), &Silent).unwrap_or_else(|e| panic!("{e}"))
}

fn faults(text: &str) -> String {
    match Spec::parse("r.toml", text, &BTreeMap::new()) {
        Err(e) => e.to_string(),
        Ok(spec) => run(&spec, Source::Spec, &Compute::default(), &Silent).unwrap_err().to_string(),
    }
}

fn csv(text: &str) -> Table {
    read_bytes("t.csv", text.as_bytes().to_vec(), &ReadOptions::default()).unwrap()
}

fn segments(outcome: &Outcome) -> Vec<Option<usize>> {
    let rows = &outcome.labelled.as_ref().unwrap().rows;
    rows.iter().map(|row| row.map(|row| row.segment as usize)).collect()
}

/// The text in a cell of the table as it was made; empty where there is none.
fn cell(table: &Table, column: &str, row: usize) -> String {
    let values = &table.column(column).unwrap_or_else(|| panic!("{column}")).values;
    if values.is_missing(row) { String::new() } else { values.cell(row) }
}

/// For each answer of a multiple-choice question what it is called, and who gives it.
fn ticks(table: &Table, question: &str) -> Vec<(String, Vec<bool>)> {
    let parts = table.columns.iter().filter(|c| c.name.starts_with(&format!("{question}_Part_")));
    let one = |c: &segmenta::table::Column| {
        let given: Vec<bool> = (0..table.rows).map(|r| !c.values.is_missing(r)).collect();
        let Values::Text { levels, .. } = &c.values else { panic!("{}: nobody gives it", c.name) };
        (levels[0].clone(), given)
    };
    parts.map(one).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12
}

#[test]
fn labels_have_five_words() {
    assert_eq!(short_label("BI tools: Tableau"), "BI tools: Tableau");
    assert_eq!(short_label("one two three four five"), "one two three four five");
    assert_eq!(short_label("one two  three four\nfive six"), "one two three four five…");
    assert_eq!(short_label(" \t "), "");
}

#[test]
fn lifts_are_those_of_plain_counting() {
    let outcome = found(RECIPE);
    let table = survey(ROWS, 0).table();
    let segments = segments(&outcome);
    let profile = outcome.profile.as_ref().unwrap();
    let mut answers: Vec<(String, &str, Vec<bool>)> = Vec::new();
    for (question, label, topic) in [("Q7", "languages regular", "program"), ("Q31", "BI tools", "tools")] {
        let all = ticks(&table, question).into_iter();
        answers.extend(all.map(|(answer, given)| (format!("{label}: {answer}"), topic, given)));
    }
    let share = |given: &[bool], counts: &dyn Fn(usize) -> bool| {
        let rows = (0..ROWS).filter(|&r| counts(r));
        let (mut yes, mut all) = (0u32, 0u32);
        rows.for_each(|r| (yes, all) = (yes + u32::from(given[r]), all + 1));
        f64::from(yes) / f64::from(all)
    };
    for s in 0..4 {
        let mut expected: Vec<(f64, usize)> = (0..answers.len())
            .map(|i| {
                let given = &answers[i].2;
                let (own, all) =
                    (share(given, &|r| segments[r] == Some(s)), share(given, &|r| segments[r].is_some()));
                (own - all, i)
            })
            .collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let lifts = &profile.segments[s].lifts;
        assert!(!lifts.is_empty() && lifts.len() <= 6);
        assert!(lifts.len() == 6 || expected[lifts.len()].0 <= 0.0);
        for (lift, (gain, i)) in lifts.iter().zip(&expected) {
            let (name, topic, given) = &answers[*i];
            assert_eq!((&lift.column, lift.topic.as_deref()), (name, Some(*topic)), "segment {s}");
            assert!(lift.lift > 0.0 && close(lift.lift, *gain), "{lift:?}");
            assert!(close(lift.overall, share(given, &|r| segments[r].is_some())), "{lift:?}");
            assert!(lift.low <= lift.share && lift.share <= lift.high, "{lift:?}");
            assert_eq!(lift.label, short_label(name));
        }
        // Traits know the topics too, and a column without one has none.
        for one in &profile.segments[s].traits {
            let expected = answers.iter().find(|(name, ..)| *name == one.column).map(|(_, topic, _)| *topic);
            assert_eq!(one.topic.as_deref(), expected, "{one:?}");
        }
    }
}

/// Segments by `x` alone, two far apart, of rows with a weight, and of each row as often as its weight says.
#[test]
fn a_weight_is_a_number_of_copies_in_lifts_and_answers() {
    let (mut weighted, mut copied) = (String::from("x,w,a,b,c\n"), String::from("x,a,b,c\n"));
    for i in 0..40u32 {
        let (x, weight) = (if i % 3 == 0 { 100 } else { 0 }, i % 4);
        let answers =
            format!("{},{},{}", i % 2, u32::from(i % 5 < 2), ["low", "mid", "high"][(i % 7 % 3) as usize]);
        weighted.push_str(&format!("{x},{weight},{answers}\n"));
        (0..weight).for_each(|_| copied.push_str(&format!("{x},{answers}\n")));
    }
    let text = "[features]\ncolumns = [\"x\"]\n[profile]\ncolumns = [\"a\", \"b\"]\nlifts = 2\n[analysis]\nk = 2\n\
                structure = false\n[[question]]\nname = \"c?\"\nanswers = \"c\"\norder = [\"low\", \"mid\", \"high\"]\n\
                [[question]]\nname = \"a, b?\"\nanswers = [\"a\", \"b\"]\nlift = true\n";
    let with_weights = format!("[input]\nweight = \"w\"\n{text}");
    let of = |text: &str, rows: &str| {
        let found = run(&spec(text), Source::from(csv(rows)), &Compute::default(), &Silent).unwrap();
        let lifts: Vec<Vec<Lift>> =
            found.profile.as_ref().unwrap().segments.iter().map(|s| s.lifts.clone()).collect();
        let answers: Vec<AnswerShares> = found.questions.iter().map(|a| a.answers.clone().unwrap()).collect();
        (lifts, answers)
    };
    let (weighted, copied) = (of(&with_weights, &weighted), of(text, &copied));
    assert!(weighted.0.iter().any(|lifts| !lifts.is_empty()));
    assert_eq!(weighted, copied);
}

#[test]
fn ordered_answers_are_those_of_plain_counting() {
    let outcome = found(RECIPE);
    let table = survey(ROWS, 0).table();
    let segments = segments(&outcome);
    let answer = &outcome.questions[0];
    let shown = answer.answers.as_ref().unwrap();
    assert!(!shown.multiple && !shown.lift && shown.topic.is_none());
    // What is listed and nobody answers is a line of zeros.
    let lines: Vec<&str> = shown.lines.iter().map(|line| line.answer.as_str()).collect();
    assert_eq!(lines, [&YEARS[..], &["since birth"]].concat());
    let mut counts: HashMap<(usize, String), u64> = HashMap::new();
    let (mut answered, mut all) = ([0u64; 4], [0u64; 4]);
    for (r, segment) in segments.iter().enumerate() {
        let Some(segment) = *segment else { continue };
        all[segment] += 1;
        let years = cell(&table, "Q15", r);
        if !years.is_empty() {
            answered[segment] += 1;
            *counts.entry((segment, years)).or_default() += 1;
        }
    }
    let sum: u64 = answered.iter().sum();
    assert_eq!((&answer.rows, &answer.among), (&Cell::Count(sum), &Cell::Count(all.iter().sum())));
    assert_eq!(shown.rows, Cell::Count(sum));
    let of = |s: usize, answer: &str| counts.get(&(s, answer.to_string())).copied().unwrap_or(0);
    let share = |n: u64, of: u64| n as f64 / of as f64;
    let mut before = f64::INFINITY;
    for (place, segment) in shown.segments.iter().enumerate() {
        let s = segment.segment as usize;
        assert_eq!(segment.rows, Cell::Count(answered[s]));
        assert_eq!(segment.unanswered, Cell::Count(all[s] - answered[s]));
        let mut total = 0.0;
        for line in &shown.lines {
            let count = of(s, &line.answer);
            let overall = share((0..4).map(|s| of(s, &line.answer)).sum(), sum);
            assert_eq!(line.counts[place], Cell::Count(count));
            let (Cell::Number(own), Cell::Number(lift)) = (&line.shares[place], &line.lifts[place]) else {
                panic!("{line:?}")
            };
            assert!(close(*own, share(count, answered[s])) && close(*lift, own - overall), "{line:?}");
            total += own;
        }
        assert!(close(total, 1.0));
        let new = share(of(s, YEARS[0]), answered[s]);
        assert!(new <= before, "segments are sorted by the share of those new to it");
        before = new;
    }
    let mut numbers: Vec<u32> = shown.segments.iter().map(|s| s.segment).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn a_question_with_several_answers_is_a_table_of_lifts() {
    let outcome = found(RECIPE);
    let table = survey(ROWS, 0).table();
    let segments = segments(&outcome);
    let shown = outcome.questions[1].answers.as_ref().unwrap();
    assert!(shown.multiple && shown.lift);
    assert_eq!(shown.topic.as_deref(), Some("work"));
    // A comparison with a missing role does not hold.
    let asked = |r: usize| {
        let role = cell(&table, "Q5", r);
        segments[r].is_some() && !role.is_empty() && role != "Data Scientist"
    };
    let rows = (0..ROWS).filter(|&r| asked(r)).count() as u64;
    assert_eq!(shown.rows, Cell::Count(rows));
    assert_eq!(outcome.questions[1].among, Cell::Count(rows), "those who are asked");
    let expected = ticks(&table, "Q24");
    assert_eq!(shown.lines.len(), expected.len());
    assert!(shown.lines.iter().any(|line| line.label == "Build or run a machine…"));
    for (line, (answer, given)) in shown.lines.iter().zip(&expected) {
        assert_eq!(line.answer, *answer, "without the question that all answers begin with");
        let all = (0..ROWS).filter(|&r| asked(r) && given[r]).count() as f64 / rows as f64;
        for (place, segment) in shown.segments.iter().enumerate() {
            assert_eq!(segment.segment as usize, place);
            let own: Vec<usize> = (0..ROWS).filter(|&r| asked(r) && segments[r] == Some(place)).collect();
            let yes = own.iter().filter(|&&r| given[r]).count();
            assert_eq!(line.counts[place], Cell::Count(yes as u64));
            let lift = yes as f64 / own.len() as f64 - all;
            assert!(matches!(line.lifts[place], Cell::Number(found) if close(found, lift)), "{line:?}");
        }
    }
}

#[test]
fn lifts_and_answers_are_the_same_on_any_number_of_threads() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let outcome = pool.install(|| found(RECIPE));
        let profile = serde_json::to_string(outcome.profile.as_ref().unwrap()).unwrap();
        (profile, serde_json::to_string(&outcome.questions).unwrap())
    };
    let expected = on(1);
    assert!([2, 7].into_iter().all(|threads| on(threads) == expected));
}

#[test]
fn people_read_lifts_with_topics_and_answers_in_their_order() {
    let desk = Desk::new();
    desk.put("r.toml", RECIPE);
    let text = desk.run("run r.toml --device cpu -q --out out").quietly();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is not in\n{text}"));
    assert!(at("segment 0, ") < at("segment 3, "));
    let lift_lines: Vec<&str> =
        text.lines().filter(|line| line.contains(" points") && line.contains(": ")).collect();
    assert!(lift_lines.iter().any(|line| line.trim_end().ends_with("program")), "{text}");
    assert!(at("question 1: How long have they used machine learning?") < at("question 2: "));
    let table = &text[at("question 1: ")..at("question 2: ")];
    let order: Vec<usize> =
        YEARS.iter().map(|answer| table.find(&format!("\n {} ", short_label(answer))).unwrap()).collect();
    assert!(order.windows(2).all(|w| w[0] < w[1]), "{table}");
    assert!(table.contains("each column adds up to 100"), "{table}");
    let metrics: serde_json::Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    let lift = &metrics["profile"]["segments"][0]["lifts"][0];
    for key in ["column", "label", "topic", "overall", "share", "lift", "low", "high"] {
        assert!(!lift[key].is_null(), "{key}: {lift}");
    }
    assert_eq!(metrics["questions"][1]["answers"]["lines"].as_array().unwrap().len(), 7);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn who_answers_one_percent_or_less_is_left_out_and_counted() {
    let desk = Desk::new();
    let rows = 4_000;
    desk.put("r.toml", RECIPE.replace("rows = 1500", &format!("rows = {rows}")));
    let said = desk.run("run r.toml --device cpu --out out");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let made = survey(rows, 0).table();
    let answers: Vec<usize> = (0..rows)
        .map(|r| made.columns.iter().filter(|c| c.name.starts_with('Q') && !c.values.is_missing(r)).count())
        .collect();
    // 1 % of 354 answers is 3.54.
    let few: Vec<bool> = answers.iter().map(|&n| n <= 3).collect();
    let left_out = few.iter().filter(|few| **few).count();
    assert!((10..100).contains(&left_out), "{left_out}");
    let note = format!("left out: {left_out} rows, missing 99 % or more of 354 columns");
    assert!(said.err.contains(&note), "{}", said.err);
    let metrics: serde_json::Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    assert_eq!((&metrics["excluded"], &metrics["dropped"]), (&left_out.into(), &left_out.into()));
    let assigned = assignments(&desk.read("out/assignments.csv"));
    for (r, row) in assigned.iter().enumerate() {
        assert_eq!(row.2 == "excluded", few[r], "row {r} has {} answers: {row:?}", answers[r]);
        assert_eq!(row.1 == -1, few[r], "row {r}");
    }
}

/// The processed answers in several formats of one run.
#[cfg(feature = "parquet")]
#[test]
fn processed_answers_are_written_as_parquet_and_feather() {
    let desk = Desk::new();
    let files = "[output]\nfeatures = [\"a.csv\", \"a.parquet\", \"a.arrow\", \"a.feather\"]\n";
    desk.put("r.toml", format!("{RECIPE}{files}"));
    desk.run("run r.toml --device cpu -q --out out").quietly();
    let read = |name: &str| segmenta::table::read(&desk.path(name), &ReadOptions::default()).unwrap();
    let expected = read("a.csv");
    assert_eq!(expected.columns.len(), 12 + 13);
    assert_eq!(expected.columns[0].name, "languages regular: Python");
    for name in ["a.parquet", "a.arrow", "a.feather"] {
        let found = read(name);
        assert_eq!(found.rows, expected.rows, "{name}");
        for (own, other) in expected.columns.iter().zip(&found.columns) {
            assert_eq!(own.name, other.name, "{name}");
            assert_eq!(own.values.numbers(), other.values.numbers(), "{name}: {}", own.name);
        }
    }
    // The same from the command line, which overrules the recipe.
    desk.run("run r.toml --no-fit --features-out b.feather --features-out b.csv -q").quietly();
    assert_eq!(
        std::fs::read(desk.path("b.feather")).unwrap(),
        std::fs::read(desk.path("a.feather")).unwrap()
    );
    assert_eq!(desk.read("b.csv"), desk.read("a.csv"));
    desk.fails("run r.toml --features-out c.txt", 2, &[".csv, .npy, .parquet, .arrow or .feather"]);
    desk.fails("run r.toml --no-fit --features-out c.csv --features-out c.csv", 2, &["c.csv", "twice"]);
    assert!(!desk.path("c.csv").exists());
    let twice = faults(&format!("{RECIPE}[output]\nfeatures = [\"a.csv\", \"a.csv\"]\n"));
    assert!(twice.contains("a.csv is listed twice"), "{twice}");
}

#[test]
fn the_truth_is_there_for_checking() {
    let text =
        RECIPE.replace("rows = 1500", "rows = 300\ntruth = true").replace("\"Q*\"", "\"Q*_*\", \"Q1*\"");
    let text = text.replace("\"years of ML\"]\nlifts", "\"truth_*\"]\nlifts");
    let outcome = found(&text);
    let levels = &outcome.profile.as_ref().unwrap().segments[0].levels;
    assert!(levels.get("truth_segment").is_some() && levels.get("truth_population").is_some());
    assert_eq!(Example::Survey.table_with_truth(30, 0).unwrap().columns.len(), 357);
    assert!(Example::Learners.table_with_truth(30, 0).is_none());
    let wrong = faults(&RECIPE.replace("\"survey\"\nrows = 1500", "\"learners\"\ntruth = true"));
    assert!(wrong.contains("truth is for synth = \"survey\""), "{wrong}");
}

#[test]
fn mistakes_in_answers_are_told() {
    let with = |from: &str, to: &str| {
        assert!(RECIPE.contains(from), "{from}");
        faults(&RECIPE.replace(from, to))
    };
    for (from, to, what) in [
        ("\"since birth\"]", "\"1-2 years\"]", "\"1-2 years\" is listed twice"),
        ("\"Under 1 year\", ", "", "\"Under 1 year\" is an answer too"),
        ("sort_by = \"I do", "sort_by = \"We do", "nobody answers \"We do"),
        ("answers = \"years of ML\"", "answers = \"years of XL\"", "years of XL"),
        ("answers = \"years of ML\"", "", "sort_by is for answers"),
        (
            "answers = \"work activities: *\"",
            "answers = \"work activities: *\"\nby = \"Q5\"",
            "by is for another one",
        ),
        (
            "answers = \"work activities: *\"",
            "answers = [\"work activities: *\", \"Q5\"]",
            "Q5 does not hold 0 and 1",
        ),
        ("answers = \"work activities: *\"", "answers = \"Time*\"", "at most 100 answers"),
        ("topic = \"work\"", "topic = \" \"", "expected a name"),
        (
            "columns = [\"languages regular: *\", \"BI tools: *\", \"years of ML\"]",
            "columns = [\"years of ML\"]",
            "none of the columns",
        ),
    ] {
        let found = with(from, to);
        assert!(found.contains(what), "{to}: {found}");
    }
}

/// Few rows have no figures, and what is missing is null in JSON.
#[test]
fn small_segments_keep_their_answers_to_themselves() {
    let rows: String =
        (0..30).map(|i| format!("{},{}\n", if i < 3 { 50 } else { 0 }, ["yes", "no"][i % 2])).collect();
    let text = "[features]\ncolumns = [\"x\"]\n[analysis]\nk = 2\nstructure = false\n[[question]]\nname = \"c?\"\n\
                answers = \"c\"\nleast = 5\n";
    let found =
        run(&spec(text), Source::from(csv(&format!("x,c\n{rows}"))), &Compute::default(), &Silent).unwrap();
    let shown = found.questions[0].answers.as_ref().unwrap();
    // The commonest first: 15 of each, so by the alphabet.
    assert_eq!(shown.lines.iter().map(|l| l.answer.as_str()).collect::<Vec<_>>(), ["no", "yes"]);
    assert_eq!(shown.segments[1].rows, Cell::Count(3));
    for line in &shown.lines {
        assert_eq!(
            (&line.counts[1], &line.shares[1], &line.lifts[1]),
            (&Cell::Missing, &Cell::Missing, &Cell::Missing)
        );
        assert!(matches!(line.shares[0], Cell::Number(_)));
    }
    let json = serde_json::to_value(&found.questions[0]).unwrap();
    assert!(json["answers"]["lines"][0]["shares"][1].is_null());
}
