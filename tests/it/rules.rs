//! The rule in words of each segment, on tables whose true rules are known.

use proptest::prelude::*;
use segmenta::profile::rules::{NoRule, Quality, Rule, Segmented, Test, learn};
use segmenta::table::{Column, Values};
use segmenta::weights::Weights;

/// A small generator of numbers (Knuth's MMIX), of the tests' own.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn number(name: &str, cells: impl IntoIterator<Item = f64>) -> Column {
    Column { name: name.into(), values: Values::Number(cells.into_iter().collect()) }
}

fn text(name: &str, cells: &[Option<&str>]) -> Column {
    let mut levels: Vec<String> = Vec::new();
    let code = |cell: &Option<&str>| {
        let cell = (*cell)?;
        let place = levels.iter().position(|level| level == cell);
        Some(place.unwrap_or_else(|| {
            levels.push(cell.into());
            levels.len() - 1
        }) as u32)
    };
    let codes = cells.iter().map(code).collect();
    Column { name: name.into(), values: Values::Text { levels, codes } }
}

fn rules(columns: &[Column], segments: &[Option<u32>], k: usize) -> Vec<Result<Rule, NoRule>> {
    let columns: Vec<&Column> = columns.iter().collect();
    learn(&Segmented { columns: &columns, segments, k, weights: None }, 0)
}

fn rule(found: &Result<Rule, NoRule>) -> &Rule {
    found.as_ref().unwrap_or_else(|why| panic!("{why}"))
}

const ROLES: [&str; 4] = ["Data Scientist", "Analyst", "Intern", "C++"];

/// Learners by years of experience (a whole number), pay with two decimals (a tenth is missing), and role.
fn learners(rows: usize) -> Vec<Column> {
    let mut draw = Numbers(1);
    let years: Vec<f64> = (0..rows).map(|_| draw.below(41) as f64).collect();
    let pay: Vec<f64> = (0..rows)
        .map(|_| if draw.below(10) == 0 { f64::NAN } else { draw.below(10_000) as f64 / 100.0 })
        .collect();
    let roles: Vec<Option<&str>> = (0..rows).map(|_| Some(ROLES[draw.below(4) as usize])).collect();
    let noise: Vec<f64> = (0..rows).map(|_| draw.below(1 << 40) as f64).collect();
    vec![number("noise", noise), number("years", years), number("pay", pay), text("role", &roles)]
}

/// A row's cells as the tests read them.
fn cells(columns: &[Column], row: usize) -> (f64, f64, String) {
    let number = |i: usize| columns[i].values.number(row).unwrap();
    (number(1), number(2), columns[3].values.cell(row))
}

#[test]
fn planted_rules_are_found_exactly() {
    let columns = learners(20_000);
    let segment = |row: usize| {
        let (years, pay, role) = cells(&columns, row);
        match () {
            () if years >= 15.0 && pay < 40.0 => 2,
            () if role == "Data Scientist" => 0,
            () if (5.0..8.0).contains(&years) => 3,
            () => 1,
        }
    };
    let segments: Vec<Option<u32>> = (0..20_000).map(|row| Some(segment(row))).collect();
    let found = rules(&columns, &segments, 4);
    let second = rule(&found[2]);
    assert_eq!(second.text, "years >= 15 and pay < 40");
    assert_eq!((second.coverage, second.precision), (Some(1.0), Some(1.0)));
    assert_eq!(second.sentence("segment 2"), "years >= 15 and pay < 40: 100 % of segment 2, 100 % precise");
    let third = rule(&found[3]);
    assert_eq!(third.text, "5 <= years < 8 and role is not \"Data Scientist\"");
    assert_eq!((third.coverage, third.precision), (Some(1.0), Some(1.0)));
    // A third of the rows tests.
    let size = segments.iter().filter(|s| **s == Some(2)).count() as f64;
    assert!((second.tested.segment / size * 3.0 - 1.0).abs() < 0.1, "{:?} of {size}", second.tested);
    assert!(second.tested.both == second.tested.segment && second.tested.both == second.tested.met);
    // Segment 0 has no rule of three conditions without error, and the figures say so.
    let first = rule(&found[0]);
    assert!(
        first.text.starts_with("role = \"Data Scientist\"") && first.quality == Quality::Fair,
        "{first:?}"
    );
}

/// The figures of a test are those of all rows, but for the luck of a draw.
#[test]
fn figures_hold_for_all_rows() {
    let columns = learners(30_000);
    let mut draw = Numbers(5);
    let segment = |row: usize| {
        let (years, pay, role) = cells(&columns, row);
        let planted = years < 3.0 || role == "Intern" && pay >= 62.5;
        // One row in five is in some other segment.
        Some(if draw.below(5) == 0 { draw.below(3) as u32 } else { u32::from(planted) })
    };
    let segments: Vec<Option<u32>> = (0..30_000).map(segment).collect();
    for (found, segment) in rules(&columns, &segments, 3).iter().zip(0..) {
        let Ok(rule) = found else {
            // The third segment is noise alone.
            assert_eq!((segment, found.as_ref().unwrap_err()), (2, &NoRule::NothingSeparates));
            continue;
        };
        let column = |name: &str| columns.iter().find(|c| c.name == name).map(|c| &c.values);
        let (mut met, mut own, mut both) = (0.0, 0.0, 0.0);
        for (row, label) in segments.iter().enumerate() {
            let (holds, is) = (rule.holds(column, row), *label == Some(segment));
            met += f64::from(u8::from(holds));
            own += f64::from(u8::from(is));
            both += f64::from(u8::from(holds && is));
        }
        // Four standard deviations of a share of some thousand rows.
        assert!((rule.coverage.unwrap() - both / own).abs() < 0.04, "{rule:?}");
        assert!((rule.precision.unwrap() - both / met).abs() < 0.04, "{rule:?}");
    }
}

#[test]
fn missing_cells_and_texts_can_be_a_rule() {
    let mut draw = Numbers(9);
    let columns = learners(6_000);
    let city: Vec<Option<&str>> =
        (0..6_000).map(|_| [None, Some("Oslo"), Some("Rome")][draw.below(3) as usize]).collect();
    let columns: Vec<Column> = columns.into_iter().chain([text("city", &city)]).collect();
    let segment = |row: usize| match () {
        () if city[row].is_none() => 0,
        () if cells(&columns, row).1.is_nan() => 1,
        () => 2,
    };
    let segments: Vec<Option<u32>> = (0..6_000).map(|row| Some(segment(row))).collect();
    let found = rules(&columns, &segments, 3);
    assert_eq!(rule(&found[0]).text, "city is missing");
    assert_eq!(rule(&found[1]).text, "pay is missing and city is not missing");
    let third = &rule(&found[2]).conditions;
    assert!(third.len() == 2 && third.iter().all(|c| c.test == Test::Missing(false)), "{third:?}");
}

/// Beside the condition on the one column, only rows of 0 are near a bound of the other: it must not move below them.
#[test]
fn a_bound_stays_above_the_zeros() {
    let row = |i: usize| match i % 5 {
        0..=2 => (0, 0, 0),
        3 => (i / 5 % 3, 5 + i / 5 % 7, 1),
        _ => (6 + i / 5 % 7, i / 5 % 3, 2),
    };
    let logs = |of: fn((usize, usize, u32)) -> usize| (0..3000).map(move |i| libm::log1p(of(row(i)) as f64));
    let columns = [number("a", logs(|row| row.0)), number("b", logs(|row| row.1))];
    let segments: Vec<Option<u32>> = (0..3000).map(|i| Some(row(i).2)).collect();
    for found in rules(&columns, &segments, 3) {
        let found = rule(&found);
        assert!(found.coverage.unwrap() > 0.99 && found.precision.unwrap() > 0.99, "{}", found.text);
        assert!(!found.text.contains("< 0 ") && !found.text.ends_with("< 0"), "{}", found.text);
    }
}

#[test]
fn bounds_of_fine_numbers_are_round() {
    let mut draw = Numbers(3);
    let pay: Vec<f64> = (0..40_000).map(|_| draw.below(100_000_000) as f64).collect();
    // One part in a million away from the round number, and some rows on the wrong side.
    let segments: Vec<Option<u32>> =
        pay.iter().map(|pay| Some(u32::from((*pay >= 39_999_961.0) != (draw.below(20) == 0)))).collect();
    let found = rules(&[number("yearly pay", pay)], &segments, 2);
    assert_eq!(rule(&found[1]).text, "\"yearly pay\" >= 40,000,000");
    assert_eq!(rule(&found[0]).text, "\"yearly pay\" < 40,000,000");
}

/// Whole numbers from 0 to 2^18, each once: no bound but the true one is without error.
#[test]
fn a_bound_among_many_whole_numbers_is_found_but_for_a_rounder_one() {
    let rows = 1 << 18;
    let cells: Vec<f64> = (0..rows).map(f64::from).collect();
    let segments: Vec<Option<u32>> = (0..rows).map(|i| Some(u32::from(i >= 123_456))).collect();
    let found = rules(&[number("n", cells)], &segments, 2);
    let Test::Range(range) = rule(&found[1]).conditions[0].test else { panic!() };
    let bound = range.at_least.unwrap();
    assert!((bound - 123_456.0).abs() <= 0.002 * f64::from(rows) && bound % 100.0 == 0.0, "{bound}");
}

#[test]
fn tables_that_give_no_rule_say_why() {
    let columns = learners(300);
    let none = |columns: &[Column], segments: &[Option<u32>], k| -> Vec<NoRule> {
        rules(columns, segments, k).into_iter().map(|r| r.unwrap_err()).collect()
    };
    assert_eq!(none(&columns, &vec![Some(0); 300], 1), [NoRule::OneSegment]);
    assert_eq!(none(&columns, &vec![Some(1); 300], 2), [NoRule::NoRows, NoRule::OneSegment]);
    assert_eq!(none(&columns, &vec![None; 300], 2), [NoRule::NoRows; 2]);
    assert_eq!(none(&columns, &[], 2), [NoRule::NoRows; 2]);
    assert_eq!(none(&columns, &vec![Some(9); 300], 2), [NoRule::NoRows; 2], "no such segment");
    assert!(none(&columns, &vec![Some(0); 300], 0).is_empty());
    let halves: Vec<Option<u32>> = (0..300).map(|row| Some(row % 2)).collect();
    let constant = [number("c", vec![7.0; 300]), number("m", vec![f64::NAN; 300])];
    let empty = Column { name: "e".into(), values: Values::Empty(300) };
    assert_eq!(none(&constant, &halves, 2), [NoRule::NothingSeparates; 2]);
    assert_eq!(none(&[empty], &halves, 2), [NoRule::NothingSeparates; 2]);
    assert_eq!(none(&[], &halves, 2), [NoRule::NothingSeparates; 2]);
    assert!(none(&constant, &halves, 2).iter().all(|why| why.to_string().contains("no simple rule")));
    // A column shorter than the table: what is not there is missing.
    let short = [number("s", vec![1.0; 100])];
    let there: Vec<Option<u32>> = (0..300).map(|row| Some(u32::from(row >= 100))).collect();
    let found = rules(&short, &there, 2);
    assert_eq!(
        (rule(&found[0]).text.as_str(), rule(&found[1]).text.as_str()),
        ("s is not missing", "s is missing")
    );
}

#[test]
fn a_segment_of_one_row_has_no_tested_rule() {
    let columns = learners(500);
    let segments: Vec<Option<u32>> = (0..500).map(|row| Some(u32::from(row == 77))).collect();
    let found = rules(&columns, &segments, 2);
    match &found[1] {
        Ok(rule) => assert_eq!((rule.quality, rule.coverage), (Quality::Untested, None)),
        Err(why) => assert_ne!(*why, NoRule::OneSegment),
    }
    for rule in found.iter().flatten() {
        assert!(!serde_json::to_string(rule).unwrap().contains("NaN"));
    }
}

/// With enough columns some range fits any five rows, and that is no rule.
#[test]
fn a_few_rows_of_noise_have_no_rule() {
    let mut draw = Numbers(11);
    let mut noise = || (0..5_000).map(|_| draw.below(1 << 30) as f64).collect::<Vec<f64>>();
    let columns: Vec<Column> = (0..20).map(|i| number(&format!("c{i}"), noise())).collect();
    let segments: Vec<Option<u32>> = (0..5_000).map(|row| Some(u32::from(row % 1000 == 7))).collect();
    assert_eq!(rules(&columns, &segments, 2)[1], Err(NoRule::NothingSeparates));
    // Unless they stand apart from all others.
    let apart =
        number("apart", (0..5_000).map(|row| if row % 1000 == 7 { 50.0 } else { f64::from(row % 10) }));
    let columns: Vec<Column> = columns.into_iter().chain([apart]).collect();
    let found = rules(&columns, &segments, 2);
    assert!(
        ["apart >= 10", "apart >= 20", "apart >= 30"].contains(&rule(&found[1]).text.as_str()),
        "{found:?}"
    );
    assert_eq!(rule(&found[1]).quality, Quality::Untested);
}

/// A row that is most of its segment is in all parts, so that its rule can be tested.
#[test]
fn a_common_row_is_tested() {
    let cells = (0..3_000).map(|row| if row % 3 == 0 { 0.0 } else { f64::from(row) });
    let segments: Vec<Option<u32>> = (0..3_000).map(|row| Some(u32::from(row % 3 == 0))).collect();
    let found = rules(&[number("n", cells)], &segments, 2);
    let rule = rule(&found[1]);
    assert_eq!((rule.text.as_str(), rule.quality), ("n = 0", Quality::Good));
    assert!((rule.tested.segment - 333.0).abs() <= 1.0, "{:?}", rule.tested);
}

#[test]
fn threads_change_nothing() {
    let columns = learners(12_000);
    let segment = |row: usize| {
        let (years, pay, role) = cells(&columns, row);
        Some((years as u32 / 12 + u32::from(pay >= 33.0) + u32::from(role == "C++")) % 4)
    };
    let segments: Vec<Option<u32>> = (0..12_000).map(segment).collect();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| rules(&columns, &segments, 4))
    };
    let one = with(1);
    assert!(one.iter().flatten().count() >= 3);
    assert!(one == with(2) && one == with(7));
}

/// A small table of few different rows: a number, a text, a segment and a weight for each row.
fn small() -> impl Strategy<Value = Vec<(i8, Option<usize>, u32, u8)>> {
    let row = (-3..4i8, prop::option::of(0..3usize), 0..3u32, 0..6u8);
    prop::collection::vec(row, 1..200)
}

fn learned(rows: &[(i8, Option<usize>, u32, u8)], weights: Option<&Weights>) -> Vec<Result<Rule, NoRule>> {
    let texts: Vec<Option<&str>> = rows.iter().map(|row| row.1.map(|i| ROLES[i])).collect();
    let columns = [number("x", rows.iter().map(|row| f64::from(row.0) / 4.0)), text("t", &texts)];
    let segments: Vec<Option<u32>> = rows.iter().map(|row| Some(row.2)).collect();
    let columns: Vec<&Column> = columns.iter().collect();
    learn(&Segmented { columns: &columns, segments: &segments, k: 3, weights }, 4)
}

proptest! {
    #[test]
    fn a_weight_is_a_number_of_copies(rows in small(), turn in 0..200usize) {
        prop_assume!(rows.iter().any(|row| row.3 > 0));
        let given: Vec<f64> = rows.iter().map(|row| f64::from(row.3)).collect();
        let weighted = learned(&rows, Some(&Weights::new(&given).unwrap()));
        let mut copies: Vec<_> = rows.iter().flat_map(|row| vec![*row; usize::from(row.3)]).collect();
        prop_assert_eq!(&weighted, &learned(&copies, None));
        // The order of the rows does not matter.
        let turn = turn % copies.len();
        copies.rotate_left(turn);
        prop_assert_eq!(&weighted, &learned(&copies, None));
        for rule in weighted.iter().flatten() {
            for share in [rule.coverage, rule.precision].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&share));
            }
            prop_assert!(!rule.conditions.is_empty() && rule.conditions.len() <= 3);
            prop_assert!(rule.tested.both <= rule.tested.met && rule.tested.both <= rule.tested.segment);
        }
    }
}
