//! The made tables of the other analyses: what is said of them, and that they read back as they are.

use std::collections::{HashMap, HashSet};

use segmenta::random::{Draws, Purpose};
use segmenta::synth::{Newcomer, QuestionType, Topic, enthusiasts, first_day, survey};
use segmenta::table::{ReadOptions, Table, Values, read_bytes};

use super::{assert_same, correlation, mean, moment, quantile, read_back};

fn numbers(table: &Table, name: &str) -> Vec<f64> {
    table.column(name).unwrap().values.numbers().unwrap().into_owned()
}

/// The texts of a column, empty where missing.
fn texts(table: &Table, name: &str) -> Vec<String> {
    match &table.column(name).unwrap().values {
        Values::Text { levels, codes } => {
            codes.iter().map(|c| c.map_or_else(String::new, |c| levels[c as usize].clone())).collect()
        }
        other => panic!("{name} is {}", other.kind()),
    }
}

/// A survey's CSV without the row of questions, and that row.
fn survey_rows(rows: usize, seed: u64) -> (Vec<u8>, csv::StringRecord) {
    let mut bytes = Vec::new();
    survey(rows, seed).write_csv(&mut bytes).unwrap();
    let questions = csv::Reader::from_reader(&bytes[..]).records().next().unwrap().unwrap();
    // No cell holds a line end.
    let ends: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i] == b'\n').take(2).collect();
    (bytes[..=ends[0]].iter().chain(&bytes[ends[1] + 1..]).copied().collect(), questions)
}

#[test]
fn the_tables_are_what_their_files_read_as() {
    for (rows, seed) in [(1, 0), (2, 1), (9, 2), (72, 3), (5_000, 4)] {
        let made = first_day(rows, seed);
        assert_same(&made.table(), &read_back("x.csv", |out| made.write_csv(out).unwrap()));
        let made = enthusiasts(rows, seed);
        assert_same(&made.table(), &read_back("x.tsv", |out| made.write_tsv(out).unwrap()));
        assert_same(&made.table(), &read_back("x.csv", |out| made.write_csv(out).unwrap()));
        let (bytes, _) = survey_rows(rows, seed);
        // "None" is an answer here.
        let options = ReadOptions { keep_null: vec!["None".into()], ..ReadOptions::default() };
        let read = read_bytes("x.csv", bytes, &options).unwrap();
        assert_same(&survey(rows, seed).table(), &read);
    }
    assert_eq!(first_day(0, 0).table().rows, 0);
    assert_eq!(survey(0, 0).table().rows, 0);
    assert_eq!(enthusiasts(0, 0).table().rows, 0);
}

#[test]
fn bytes_depend_on_the_seed_and_not_on_threads() {
    let all = |seed| {
        let mut out = Vec::new();
        first_day(9_000, seed).write_csv(&mut out).unwrap();
        survey(3_000, seed).write_csv(&mut out).unwrap();
        enthusiasts(500, seed).write_tsv(&mut out).unwrap();
        out
    };
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| all(5));
    assert!(with(1) == with(3));
    assert!(all(5) != all(6));
    let (short, long) = (first_day(100, 1), first_day(1_000, 1));
    assert_eq!(short.rows(), &long.rows()[..100]);
}

#[test]
fn a_first_day_is_mostly_idle_and_has_five_groups() {
    for seed in [0, 77] {
        let table = first_day(20_000, seed).table();
        let [exercises, started, finished, plans] =
            ["exercises_submitted", "videos_started", "videos_finished", "studyplans_configured"]
                .map(|name| numbers(&table, name));
        let idle = (0..20_000).filter(|&r| exercises[r] + started[r] + plans[r] == 0.0).count();
        assert!(idle.abs_diff(12_000) < 400, "{idle} idle");
        assert!(correlation(&started, &finished) > 0.95);
        assert!(correlation(&exercises, &started) < 0.7);
        assert!(started.iter().zip(&finished).all(|(s, f)| f <= s));
        // A heavy tail: the most active do many times what the 99 % do.
        for column in [&exercises, &started] {
            assert!(quantile(column, 1.0) > 3.0 * quantile(column, 0.99), "no tail");
            assert!((15.0..45.0).contains(&quantile(column, 0.99)));
        }

        let mut weeks: HashMap<String, usize> = HashMap::new();
        texts(&table, "signup_week").into_iter().for_each(|week| *weeks.entry(week).or_default() += 1);
        assert_eq!(weeks.len(), 10);
        assert!(weeks.contains_key("2019-W07") && weeks.contains_key("2019-W14"));
        assert!(weeks.values().max().unwrap() > &(3 * weeks.values().min().unwrap()));
        let ids: HashSet<String> = texts(&table, "user_id").into_iter().collect();
        assert_eq!(ids.len(), 20_000);

        // Each of five kinds is there, by cuts far from every group's middle.
        let kind = |row: &Newcomer| {
            (row.exercises_submitted > 9, row.videos_started > 8, row.studyplans_configured > 2)
        };
        let rows = first_day(20_000, seed);
        let count = |of| rows.rows().iter().filter(|row| kind(row) == of).count();
        for (of, share) in [
            ((true, false, false), 0.13),
            ((false, true, false), 0.12),
            ((false, false, true), 0.08),
            ((true, true, true), 0.07),
        ] {
            let reached = count(of) as f64 / 20_000.0;
            assert!((reached - share).abs() < 0.025, "{of:?}: {reached}");
        }
    }
}

#[test]
fn a_survey_has_two_worlds_and_nine_callings() {
    let rows = 20_000;
    for seed in [0, 8] {
        let made = survey(rows, seed);
        let table = made.table();
        assert_eq!((table.rows, table.columns.len()), (rows, 355));
        let part = |r: usize| table.columns[1..].iter().filter(|c| !c.values.is_missing(r)).count();
        let answered: Vec<usize> = (0..rows).map(part).collect();
        let next_to_nothing = answered.iter().filter(|&&n| n <= 3).count();
        assert!((60..300).contains(&next_to_nothing), "{next_to_nothing} answer next to nothing");
        assert!(!answered.contains(&0));

        let idle: Vec<bool> = (0..rows).map(|r| made.calling(r) == Some("without a job")).collect();
        let share = idle.iter().filter(|&&idle| idle).count() as f64 / rows as f64;
        assert!((share - 0.35).abs() < 0.02, "{share}");
        // The ones leave tools, clouds and work empty, the others hardly do.
        let at_work: Vec<usize> = (0..table.columns.len())
            .filter(|&j| {
                let name = table.columns[j].name.split('_').next().unwrap();
                let question = name.strip_prefix('Q').map(|n| n.parse::<usize>().unwrap());
                let topic = question.map(|n| made.questions()[n - 1].topic);
                [Topic::Tools, Topic::Cloud, Topic::Work].map(Some).contains(&topic)
            })
            .collect();
        let work = |r: usize| at_work.iter().filter(|&&j| !table.columns[j].values.is_missing(r)).count();
        assert!(
            (0..rows).filter(|&r| idle[r]).all(|r| work(r) <= 12),
            "those without a job share and learn only"
        );
        let silent = (0..rows).filter(|&r| !idle[r] && work(r) < 15).count();
        assert!(silent < rows / 25, "{silent} of those who work say next to nothing of it");

        let roles = texts(&table, "Q5");
        for r in 0..rows {
            let none = ["Student", "Currently not employed"].contains(&roles[r].as_str());
            assert!(roles[r].is_empty() || none == idle[r], "{} for {:?}", roles[r], made.calling(r));
        }
        let coders: HashSet<String> = texts(&table, "Q6").into_iter().collect();
        for answer in ["< 1 years", "1-2 years", "3-5 years", "5-10 years", "10-20 years", "20+ years", ""] {
            assert!(coders.contains(answer), "{answer}");
        }
        assert!(coders.contains("I have never written code") && coders.len() == 8);
        assert_eq!(texts(&table, "Q7_Part_1").into_iter().collect::<HashSet<_>>().len(), 2);
        assert!(numbers(&table, "Q7_OTHER").iter().any(|v| *v > 100.0));
        assert!(numbers(&table, "Time from Start to Finish (seconds)").iter().all(|v| *v >= 20.0));

        // Whoever knows how often each calling gives each answer can tell nearly everyone's calling.
        let told =
            callings_told(&made.table(), &(0..rows).map(|r| made.calling(r).unwrap()).collect::<Vec<_>>());
        assert!(told > 0.9, "{told}");
    }
}

#[test]
fn the_truth_of_a_survey_is_two_more_columns() {
    let (plain, made) = (survey(2_000, 3), survey(2_000, 3).with_truth());
    let (before, table) = (plain.table(), made.table());
    assert_eq!(table.columns.len(), before.columns.len() + 2);
    let names: Vec<&str> = table.columns[355..].iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["truth_population", "truth_segment"]);
    for (one, other) in before.columns.iter().zip(&table.columns) {
        assert_eq!((&one.name, one.values.len()), (&other.name, other.values.len()));
        assert!((0..2_000).all(|r| one.values.cell(r) == other.values.cell(r)), "{}", one.name);
    }
    let tools: Vec<&Values> = table.columns[..355]
        .iter()
        .filter(|c| {
            let number = c.name.strip_prefix('Q').and_then(|n| n.split('_').next()?.parse::<usize>().ok());
            number.is_some_and(|n| (26..=37).contains(&n))
        })
        .map(|c| &c.values)
        .collect();
    let (populations, segments) = (texts(&table, "truth_population"), texts(&table, "truth_segment"));
    let mut silent = 0;
    for r in 0..2_000 {
        assert_eq!(made.calling(r), Some(segments[r].as_str()));
        let asked = populations[r] == "asked about tools";
        assert!(asked || populations[r] == "not asked");
        assert_eq!(made.asked_about_tools(r), Some(asked));
        assert!(!asked || segments[r] != "without a job");
        let answers = tools.iter().filter(|v| !v.is_missing(r)).count();
        assert!(asked || answers == 0, "row {r} was not asked and gives {answers} answers");
        silent += usize::from(asked && answers == 0);
    }
    assert!(silent <= 5, "{silent} were asked and say nothing");
    // The same from the file.
    let mut bytes = Vec::new();
    made.write_csv(&mut bytes).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let width = reader.headers().unwrap().len();
    assert_eq!(width, 357);
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
    assert_eq!(&rows[0][355], "Whether the respondent was asked about clouds and tools");
    assert!((0..2_000).all(|r| rows[r + 1][355] == *populations[r] && rows[r + 1][356] == *segments[r]));
}

/// The share of the odd rows whose calling is the likeliest by the answers' frequencies in the even rows.
fn callings_told(table: &Table, callings: &[&str]) -> f64 {
    let names: Vec<&str> = callings.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    let class = |r: usize| names.iter().position(|n| *n == callings[r]).unwrap();
    let parts: Vec<&Values> =
        table.columns.iter().filter(|c| c.name.contains("_Part_")).map(|c| &c.values).collect();
    let ticked = |r: usize| parts.iter().map(move |v| usize::from(!v.is_missing(r)));
    let mut counts = vec![vec![[1.0; 2]; parts.len()]; names.len()];
    for r in (0..callings.len()).step_by(2) {
        ticked(r).enumerate().for_each(|(j, t)| counts[class(r)][j][t] += 1.0);
    }
    let odd: Vec<usize> = (1..callings.len()).step_by(2).collect();
    let right = odd.iter().filter(|&&r| {
        let score = |c: usize| -> f64 {
            ticked(r)
                .enumerate()
                .map(|(j, t)| libm::log(counts[c][j][t] / (counts[c][j][0] + counts[c][j][1])))
                .sum()
        };
        let best = (0..names.len()).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap();
        best == class(r)
    });
    right.count() as f64 / odd.len() as f64
}

#[test]
fn the_first_row_of_a_survey_asks_the_questions() {
    let (bytes, asked) = survey_rows(3, 0);
    let header = csv::Reader::from_reader(&bytes[..]).headers().unwrap().clone();
    assert_eq!((header.len(), asked.len()), (355, 355));
    assert!(asked.iter().all(|text| text.len() > 10));
    let made = survey(3, 0);
    for (i, question) in made.questions().iter().enumerate() {
        let of = |name: String| header.iter().position(|h| h == name).map(|j| &asked[j]);
        match question.kind {
            QuestionType::Single | QuestionType::Ordered => {
                assert_eq!(of(format!("Q{}", i + 1)), Some(question.text))
            }
            _ => {
                for (part, answer) in question.answers().enumerate() {
                    let text = of(format!("Q{}_Part_{}", i + 1, part + 1)).unwrap();
                    assert!(text.starts_with(question.text) && text.ends_with(answer), "{text}");
                }
                let other = of(format!("Q{}_OTHER", i + 1)).is_some();
                assert_eq!(other, question.kind == QuestionType::MultipleOther);
            }
        }
    }
    assert!(made.questions()[23].text.contains("activities"));
}

#[test]
fn enthusiasm_is_the_published_one() {
    for seed in 0..4 {
        let made = enthusiasts(72, seed);
        let table = made.table();
        assert_eq!((table.rows, table.columns.len()), (72, 12));
        let stamps = texts(&table, "Timestamp");
        assert_eq!(stamps[0], "29/10/2018 16:05:09");
        assert!(stamps.iter().all(|s| s.len() == 19) && stamps[71].contains("/11/2018 "));
        assert!(made.rows().is_sorted_by_key(|row| row.seconds));
        let hours: Vec<f64> = made.rows().iter().map(|row| f64::from(row.seconds / 3_600 - 16)).collect();
        let density: Vec<f64> = hours.iter().map(|h| libm::exp(-h * h / 3_200.0)).collect();
        let deviation = (moment(&density, 2) * 72.0 / 71.0).sqrt();
        for (hour, published) in [
            (0.0, 0.558944),
            (1.0, 0.558029),
            (72.0, -1.789470),
            (89.0, -2.122546),
            (102.0, -2.255501),
            (198.0, -2.368870),
        ] {
            let row = hours.iter().position(|h| *h == hour).unwrap();
            let reached = (density[row] - mean(&density)) / deviation;
            assert!((reached - published).abs() < 2e-6, "{hour} h: {reached}, published {published}");
        }
        for (name, least, most) in [("Knowledge", 1.0, 18.0), ("Effort", 4.0, 32.0), ("Degree", 1.0, 4.0)] {
            assert!(numbers(&table, name).iter().all(|v| (least..=most).contains(v)), "{name}");
        }
        let missing = table.column("WorkAt").unwrap().values.missing();
        assert!((3..30).contains(&missing), "{missing}");
        assert!(texts(&table, "Email address").iter().all(|mail| mail.ends_with("@example.org")));
        let names: HashSet<String> = texts(&table, "Name").into_iter().collect();
        assert_eq!(names.len(), 72);
        let early = &made.rows()[..60];
        assert_eq!(early.iter().filter(|row| row.is_developer).count(), 26);
        assert_eq!(early.iter().filter(|row| row.is_student).count(), 26);
    }
}

#[test]
fn what_the_analysis_drops_follows_from_the_rest() {
    let table = enthusiasts(7_200, 1).table();
    let of = |a: &str, b: &str| correlation(&numbers(&table, a), &numbers(&table, b));
    assert!(of("Degree", "IsResearcher") > 0.6, "{}", of("Degree", "IsResearcher"));
    assert!(of("IsML", "Knowledge") > 0.6, "{}", of("IsML", "Knowledge"));
    assert!(of("IsResearcher", "IsTeaching") > 0.3, "{}", of("IsResearcher", "IsTeaching"));
    assert!(of("Knowledge", "Effort").abs() < 0.05);
}

#[test]
fn seeds_keep_the_tables_of_the_analyses() {
    let hash = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |h: u64, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    };
    let mut out = [Vec::new(), Vec::new(), Vec::new()];
    first_day(2_000, 1).write_csv(&mut out[0]).unwrap();
    survey(500, 1).write_csv(&mut out[1]).unwrap();
    enthusiasts(72, 1).write_tsv(&mut out[2]).unwrap();
    assert_eq!(
        out.map(|bytes| hash(&bytes)),
        [7240581250826784113, 17703348688775607682, 18101756696316659558]
    );
    // A purpose of its own: the tables of one seed share no draws.
    let first = |purpose| Draws::new(1, purpose).at(0).bits();
    assert_ne!(first(Purpose::SynthFirstDay), first(Purpose::SynthSurvey));
}
