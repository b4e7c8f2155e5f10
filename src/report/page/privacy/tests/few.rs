//! Nothing is said about a few rows, nor can it be computed from what is said.

use super::{asked, level, model, read, results, withhold};
use crate::analysis::{Outcome, Shape};
use crate::profile::OTHER;
use crate::questions::Cell;
use crate::report::page::Page;
use serde_json::{Value, json};

/// What is left of results that have one thing more.
fn left(key: &str, value: Value) -> Outcome {
    left_with(key, value, &json!({}))
}

fn left_with(key: &str, value: Value, report: &Value) -> Outcome {
    let mut results = results(report);
    results[key] = value;
    let segment =
        |number: u32, size: u64| json!({"segment": number, "size": size, "share": 0.3, "centroid": [1.0]});
    results["segments"] = json!([segment(0, 990), segment(1, 4), segment(2, 6)]);
    withhold(read(&results), &model()).0.outcome
}

#[test]
fn cohorts_do_not_tell_the_means_of_a_small_segment() {
    let segment = |number: u32, share: f64| {
        json!({"segment": number, "share": share, "moved": 1.04,
               "features": [{"feature": "pay", "whole": 987_654.0, "cohort": 60_301.0}]})
    };
    let cohort = |segments: Value| {
        json!({"samples": 0, "n_init": 1, "segments": [], "cohort": "team",
               "cohorts": [{"cohort": "Bigtown", "rows": 500, "agreement": 0.9, "ari": 0.9, "segments": segments}]})
    };
    let features = |segments: Value| -> Vec<usize> {
        let found = left("stability", cohort(segments)).stability.unwrap();
        found.cohorts[0].segments.iter().map(|segment| segment.features.len()).collect()
    };
    assert_eq!(features(json!([segment(0, 0.5), segment(1, 0.3), segment(2, 0.2)])), [1, 0, 1]);
    // 2 of 500 rows are in the last one, and with the next smallest they are enough.
    let found = left("stability", cohort(json!([segment(0, 0.7), segment(2, 0.296), segment(0, 0.004)])));
    let shares: Vec<bool> =
        found.stability.unwrap().cohorts[0].segments.iter().map(|segment| segment.share.is_nan()).collect();
    assert_eq!(shares, [false, true, true]);
}

/// The answer by town of 1,000 rows with a sum.
fn sums(rows: Value) -> Vec<Cell> {
    let found = asked(json!({
        "name": "Pay?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {"count": 1000, "sum": 5.0},
        "table": {"columns": ["town", "count", "sum"], "rows": rows},
    }));
    found.table.rows.iter().map(|line| line[0].clone()).collect()
}

#[test]
fn totals_do_not_tell_the_sum_of_a_group_that_is_left_out() {
    let towns = |names: &[&str]| names.iter().map(|name| Cell::Text((*name).into())).collect::<Vec<_>>();
    let rows = json!([["Bigtown", 700, 1.0], ["Midville", 296, 1.0], ["Tiny", 4, 9.0]]);
    assert_eq!(sums(rows), towns(&["Bigtown"]));
    // Two small groups are enough together.
    let rows = json!([["Bigtown", 700, 1.0], ["Midville", 293, 1.0], ["Tiny", 4, 9.0], ["Small", 3, 9.0]]);
    assert_eq!(sums(rows), towns(&["Bigtown", "Midville"]));
    // The recipe itself left out a group of 2 rows.
    let rows = json!([["Bigtown", 700, 1.0], ["Midville", 298, 1.0]]);
    assert_eq!(sums(rows), towns(&["Bigtown"]));
    let rows = json!([["Bigtown", 700, 1.0], ["Midville", 300, 1.0]]);
    assert_eq!(sums(rows), towns(&["Bigtown", "Midville"]));
}

#[test]
fn shares_of_a_few_rows_of_a_segment_are_not_shown() {
    let mut results = results(&json!({}));
    let own = |name: &str, share: f64| {
        let mut own = level(name, 0.2);
        own["share"] = share.into();
        own
    };
    let segment = &mut results["profile"]["segments"][0];
    // 2, 3 and 4 of 990 rows.
    segment["levels"]["town"] = json!([
        own("Bigtown", 0.9),
        own("Midville", 0.091),
        own("Oldtown", 3.0 / 990.0),
        own("Newtown", 4.0 / 990.0)
    ]);
    segment["levels"]["team"] = json!([own("Sales", 988.0 / 990.0), own("Legal", 2.0 / 990.0)]);
    segment["levels"]["none"] = json!([own("Sales", 1.0), own("Legal", 0.0)]);
    segment["traits"] = json!([
        {"column": "town", "level": "Oldtown", "measure": "share", "value": 3.0 / 990.0, "overall": 0.2, "effect": -1.0,
         "q_value": 0.0},
        {"column": "leads", "measure": "share", "value": 3.0 / 990.0, "overall": 0.2, "effect": -1.0, "q_value": 0.0},
        {"column": "speaks", "measure": "share", "value": 0.0, "overall": 0.2, "effect": -1.0, "q_value": 0.0}]);
    segment["lifts"] = json!([{"column": "leads", "label": "leads", "overall": 0.2, "share": 3.0 / 990.0, "lift": -0.2,
                               "low": 0.0, "high": 0.1}]);
    segment["rule"]["conditions"] = json!([]);
    segment["rule"]["tested"] = json!({"segment": 100.0, "met": 4.0, "both": 4.0});
    segment["numeric"]["leads"] = json!({"mean": 3.0 / 990.0, "missing": 0});
    segment["in_doubt"] = 3.into();
    results["profile"]["separation"] =
        json!([{"column": "leads", "share": 0.1, "feature": true, "measure": "share"}]);
    let found = withhold(read(&results), &model()).0.outcome.profile.unwrap();
    let segment = &found.segments[0];
    let names = |column: &str| -> Vec<String> {
        segment.levels.get(column).unwrap().iter().map(|one| one.level.clone()).collect()
    };
    assert_eq!(names("town"), ["Bigtown", "Midville", OTHER]);
    assert_eq!(names("team"), ["Sales"], "2 rows are too few for a share of what is left");
    assert_eq!(names("none"), ["Sales", "Legal"], "that nobody is there may be said");
    assert_eq!(segment.traits.len(), 1, "{:?}", segment.traits);
    assert!(segment.lifts.is_empty() && segment.rule.is_none() && segment.in_doubt.is_none());
    assert_eq!(segment.numeric.get("leads").unwrap().mean, None);
}

#[test]
fn quantiles_of_a_few_rows_are_not_shown() {
    let pay = |rows: u64| {
        let mut results = results(&json!({}));
        let segment = &mut results["profile"]["segments"][0];
        segment["numeric"]["pay"]["missing"] = (990 - rows).into();
        let found = withhold(read(&results), &model()).0.outcome.profile.unwrap();
        let pay = found.segments[0].numeric.get("pay").unwrap();
        (pay.q1.is_some(), pay.median.is_some(), pay.mean.is_some())
    };
    assert_eq!(pay(20), (true, true, true));
    assert_eq!(pay(19), (false, true, true));
    assert_eq!(pay(9), (false, false, true));
    let described = |rows: u64, report: &Value| {
        let column = json!({"column": "pay", "type": "number", "count": rows, "missing": 0, "missing_share": 0.0,
                            "distinct": rows, "key": false, "mean": 1.0, "sd": 1.0, "min": 1.0, "p1": 1.0, "p5": 1.0,
                            "p25": 1.0, "median": 1.0, "p75": 1.0, "p95": 1.0, "p99": 1.0, "max": 1.0, "whole": true});
        let mut results = results(report);
        results["describe"] = json!([column]);
        results["duplicates"] = json!({"rows": 0, "keys": []});
        let found = withhold(read(&results), &model()).0.outcome.description.unwrap();
        let crate::describe::Figures::Numbers(of) = found.columns[0].figures.clone() else {
            panic!("no numbers")
        };
        [of.max, of.p99, of.p95, of.p75, of.median].map(|value| value.is_some())
    };
    let usual = json!({});
    assert_eq!(described(500, &usual), [false, true, true, true, true]);
    assert_eq!(described(499, &usual), [false, false, true, true, true]);
    assert_eq!(described(99, &usual), [false, false, false, true, true]);
    assert_eq!(described(9, &json!({"min_rows": 0})), [true; 5]);
}

/// The shares of 100 and of 50 rows, with an answer that 2 of the 50 give.
fn survey(multiple: bool) -> crate::questions::Answer {
    let line = |answer: &str, counts: [u64; 2]| {
        let shares = [counts[0] as f64 / 100.0, counts[1] as f64 / 50.0];
        json!({"answer": answer, "label": answer, "count": counts[0] + counts[1], "overall": 0.3, "counts": counts,
               "shares": shares, "lifts": shares})
    };
    let segment = |number: u32, rows: u64| json!({"segment": number, "rows": rows, "unanswered": 0});
    asked(json!({
        "name": "How long?", "rows": 150, "among": 150, "share": 1.0, "figures": {"count": 150},
        "table": {"columns": ["count"], "rows": []},
        "answers": {"columns": ["years"], "multiple": multiple, "lift": false, "rows": 150,
                    "segments": [segment(0, 100), segment(2, 50)],
                    "lines": [line("1 year", [60, 40]), line("2 years", [30, 8]), line("20 years", [10, 2]),
                              line("50 years", [0, 0])]},
    }))
}

#[test]
fn few_answers_of_a_segment_are_not_shown() {
    let shown = |multiple: bool| -> Vec<Vec<bool>> {
        let lines = survey(multiple).answers.unwrap().lines;
        let cells = |of: &Vec<Cell>| of.iter().map(|cell| *cell != Cell::Missing).collect::<Vec<_>>();
        lines.iter().for_each(|line| assert_eq!(cells(&line.counts), cells(&line.lifts)));
        lines.iter().map(|line| cells(&line.shares)).collect()
    };
    // All answers of a row count, so only the line's total tells what is missing.
    assert_eq!(shown(true)[..2], [[true, true], [true, true]]);
    assert_eq!(shown(true)[2], [false, false]);
    // Here a segment adds up to its rows too.
    assert_eq!(shown(false)[2], [false, false]);
    assert_eq!(shown(false)[1], [true, false]);
    assert_eq!(shown(false)[0], [true, true]);
}

fn shape(count: u64, counts: &[u64]) -> Value {
    let shares: Vec<f64> = counts.iter().map(|&rows| rows as f64 / count as f64).collect();
    json!({"count": count, "mean": 1.0, "quantiles": [1.0, 2.0, 3.0, 4.0, 5.0], "shares": shares})
}

/// What is left of one distribution.
fn drawn(count: u64, counts: &[u64]) -> Shape {
    let edges: Vec<usize> = (0..=counts.len()).collect();
    let one = json!({"column": "pay", "feature": true, "edges": edges, "beyond": [0.001, 0.01],
                     "all": shape(count, counts), "segments": []});
    let mut found =
        left("pictures", json!({"distributions": [one]})).pictures.unwrap().distributions.remove(0);
    assert_eq!((found.beyond.0, found.beyond.1 > 0.0), (0.0, count >= 500));
    std::mem::take(&mut found.all)
}

#[test]
fn bins_of_a_few_rows_show_the_average_with_their_neighbours() {
    let rows = |count: u64, counts: &[u64]| -> Vec<f64> {
        let shares = drawn(count, counts).shares;
        shares.iter().map(|share| (share * count as f64 * 1e6).round() / 1e6).collect()
    };
    assert_eq!(rows(72, &[2, 4, 0, 8, 50, 5, 1, 0, 2]), [3.0, 3.0, 4.0, 4.0, 50.0, 2.0, 2.0, 2.0, 2.0]);
    // A value far from all others is not drawn.
    assert_eq!(rows(101, &[0, 50, 50, 0, 0, 0, 1]), [0.0, 50.0, 50.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(rows(1000, &[500, 495, 5]), [500.0, 495.0, 5.0]);
    assert_eq!(rows(4, &[2, 2, 0]), [0.0; 3]);
}

#[test]
fn boxes_of_a_few_rows_have_no_ends() {
    assert_eq!(drawn(100, &[100]).quantiles, Some([1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(drawn(99, &[99]).quantiles, Some([2.0, 2.0, 3.0, 4.0, 4.0]));
    assert_eq!(drawn(19, &[19]).quantiles, None);
}

#[test]
fn edges_of_bins_are_no_values_of_single_rows() {
    let edges = |count: u64| {
        let one = json!({"column": "pay", "feature": true, "edges": [25_107.3, 56_941.7, 88_776.1], "beyond": [0.0, 0.0],
                         "all": shape(count, &[count, 0]), "segments": []});
        left("pictures", json!({"distributions": [one]})).pictures.unwrap().distributions.remove(0).edges
    };
    assert_eq!(edges(499), [30_000.0, 60_000.0, 90_000.0]);
    assert_eq!(edges(500), [25_107.3, 56_941.7, 88_776.1]);
}

#[test]
fn points_of_a_small_group_are_not_drawn() {
    let group = |segment: u32, rows: u64| json!({"segment": segment, "rows": rows, "points": [[1.0, 2.0]]});
    let map = json!({"method": "pca", "axes": [{"column": "a"}, {"column": "b"}], "rows": 1000,
                     "groups": [group(0, 990), group(1, 4), group(2, 6)]});
    let category = |label: &str, rows: u64| json!({"label": label, "rows": rows, "points": [[1.0, 2.0]]});
    let chart = json!({"title": "t", "kind": "scatter", "x": "a", "y": "b", "colour": "town", "beyond": 0,
                       "groups": [category("Bigtown", 990), category("Tiny", 2)]});
    let pictures =
        json!({"maps": [map.clone()], "methods": [{"method": "other", "map": map}], "charts": [chart]});
    let mut results = results(&json!({}));
    results["pictures"] = pictures;
    let (document, withheld) = withhold(read(&results), &model());
    assert_eq!(withheld.points, 4);
    let pictures = document.outcome.pictures.unwrap();
    for map in [&pictures.maps[0], &pictures.methods[0].map] {
        let points: Vec<usize> = map.groups.iter().map(|group| group.points.len()).collect();
        assert_eq!(points, [1, 0, 1]);
    }
    let text = serde_json::to_string(&pictures.charts).unwrap();
    assert_eq!(text.matches("[1.0,2.0]").count(), 1, "{text}");
}

#[test]
fn hidden_columns_of_a_cross_table_are_one() {
    let crossed = |counts: [[u64; 4]; 2]| {
        let table = json!({"a": ["0", "2"], "b": ["Alphaville", "Bigtown", "Closeville", "Midville"], "counts": counts});
        let one = json!({"name": "towns", "columns": ["town"], "rows": 1000, "ari": 0.1, "ami": 0.1, "nmi": 0.1,
                         "homogeneity": 0.1, "completeness": 0.1, "v_measure": 0.1, "table": table});
        let found = left("comparisons", json!([one])).comparisons.remove(0).table;
        assert_eq!(found.b, ["Bigtown", "Midville", super::super::HIDDEN]);
        assert_eq!(found.counts, None);
        let shares = found.row_shares.unwrap();
        let hidden = |line: &Vec<f64>| line.iter().map(|share| share.is_nan()).collect::<Vec<_>>();
        (shares[0][0], shares.iter().map(hidden).collect::<Vec<_>>())
    };
    let all = crossed([[2, 600, 1, 300], [1, 50, 2, 44]]);
    assert_eq!(all, (600.0 / 903.0, vec![vec![false, false, true], vec![false, false, true]]));
    // 2 rows of Midville are in the second line, and what its line and its column lack must be more rows.
    let (_, hidden) = crossed([[2, 600, 1, 300], [1, 50, 2, 2]]);
    assert_eq!(hidden, [[false, true, true], [true, true, true]]);
}

#[test]
fn moves_of_a_few_rows_are_not_named() {
    let one = |to: u32, rows: u64| json!({"from": 0, "to": to, "rows": rows, "share": 0.1});
    let migration = json!({"from": "model.json", "rows": [[900, 2], [5, 93]], "stayed": 993, "moved": 7, "share": 0.007,
                           "moves": [one(1, 5), one(2, 2)]});
    let found = left("migration", migration).migration.unwrap();
    assert_eq!(found.moves.len(), 1);
    assert_eq!(found.rows, [[900, 0], [5, 93]]);
}

#[test]
fn sentences_do_not_count_a_few_rows() {
    let expected = |rows: u64, unknown: u64| {
        let found = asked(json!({
            "name": "Right?", "rows": rows, "among": 27, "share": rows as f64 / 27.0, "figures": {},
            "expect": {"if": "age > 60", "then": "pay > 1", "unknown": unknown}, "table": {"columns": [], "rows": []},
        }));
        crate::report::questions::sentence(&found)
    };
    assert_eq!(
        expected(2, 1),
        "fewer than 5 of 27 rows with age > 60 do not have pay > 1; fewer than 5 more cannot be judged, \
         because a value is missing"
    );
    assert_eq!(expected(5, 0), "5 of 27 rows with age > 60 (18.5 %) do not have pay > 1");
    assert_eq!(expected(0, 0), "0 of 27 rows with age > 60 (0.0 %) do not have pay > 1");
}

#[test]
fn smallest_and_largest_values_are_not_shown() {
    let question = json!({
        "name": "Pay?", "rows": 1000, "among": 1000, "share": 1.0,
        "figures": {"count": 1000, "max pay": 987_654.0, "median": 5.0, "min": 1.0},
        "table": {"columns": ["town", "count", "max pay", "median", "min"],
                  "rows": [["Bigtown", 991, 987_654.0, 5.0, 1.0], ["Midville", 9, 61_000.0, 77.25, 2.0]]},
    });
    let text = |report: &Value| {
        let found = left_with("questions", json!([question]), report).questions;
        serde_json::to_string(&found).unwrap()
    };
    let usual = text(&json!({}));
    assert!(!usual.contains("987654") && !usual.contains("61000") && !usual.contains("77.25"), "{usual}");
    assert!(usual.contains("991"), "{usual}");
    for report in [json!({"rows": true}), json!({"min_rows": 0})] {
        assert!(text(&report).contains("987654"), "{report}");
    }
}

#[test]
fn a_difference_does_not_tell_a_median_that_is_not_shown() {
    let left = |rows: u64| {
        let found = asked(json!({
            "name": "Pay?", "rows": 1000, "among": 1000, "share": 1.0, "figures": {"count": 1000, "median": 50.0},
            "table": {"columns": ["group", "count", "median"],
                      "rows": [["old", rows, 60.0], ["the others", 1000 - rows, 50.0]]},
            "difference": {"median": 10.0},
        }));
        (found.table.rows[0][2].clone(), found.difference.unwrap().len())
    };
    assert_eq!(left(10), (Cell::Number(60.0), 1));
    assert_eq!(left(9), (Cell::Text(super::super::HIDDEN.into()), 0));
}

#[test]
fn keys_are_not_drawn() {
    let column = |name: &str, key: bool| {
        json!({"column": name, "type": "number", "count": 1000, "missing": 0, "missing_share": 0.0, "distinct": 1000,
               "key": key, "mean": 1.0, "sd": 1.0, "min": 1.0, "p1": 1.0, "p5": 1.0, "p25": 1.0, "median": 1.0,
               "p75": 1.0, "p95": 1.0, "p99": 1.0, "max": 1.0, "whole": true})
    };
    let one = |name: &str| {
        json!({"column": name, "feature": false, "edges": [0.0, 1.0], "beyond": [0.0, 0.0], "all": shape(1000, &[1000]),
               "segments": []})
    };
    let drift = |name: &str| json!({"column": name, "psi": 0.1, "change": "moderate", "points": 1.0, "grew": null, "shrank": null});
    let mut results = results(&json!({}));
    results["describe"] = json!([column("phone", true), column("pay", false)]);
    results["duplicates"] = json!({"rows": 0, "keys": []});
    results["pictures"] = json!({"distributions": [one("phone"), one("pay")]});
    results["drift"] = json!({"change": "moderate", "columns": [drift("phone"), drift("pay")]});
    let outcome = withhold(read(&results), &model()).0.outcome;
    let drawn: Vec<String> =
        outcome.pictures.unwrap().distributions.into_iter().map(|one| one.column).collect();
    assert_eq!(drawn, ["pay"]);
    let drifted: Vec<String> = outcome.drift.unwrap().columns.into_iter().map(|one| one.column).collect();
    assert_eq!(drifted, ["pay"]);
}

#[test]
fn typical_rows_have_no_exact_numbers_and_no_rare_texts() {
    let row = |segment: u32| json!({"segment": segment, "cells": [61_234.5, "Rareville"]});
    let mut results = results(&json!({}));
    results["segments"] = json!([{"segment": 0, "size": 990, "share": 0.99, "centroid": []},
                                 {"segment": 1, "size": 4, "share": 0.01, "centroid": []}]);
    results["profile"]["overall"] = json!({"pay": {"q1": 40_000.0, "q3": 70_000.0, "missing": 0}});
    results["pictures"] = json!({"members": {"columns": ["pay", "town"], "rows": [row(0), row(1)]}});
    let typical = withhold(read(&results), &model()).0.outcome.pictures.unwrap().members.unwrap();
    assert_eq!(typical.rows.len(), 1);
    assert_eq!(typical.rows[0].cells, [Cell::Number(61_000.0), Cell::Text(super::super::HIDDEN.into())]);
}

#[test]
fn a_recipe_is_shown_without_its_comments() {
    let text = "# jane.doe@corp, password hunter2\nseed = 1 # hunter2\n\n\n# more\n\n[fit]\nk = 5\n";
    let source = json!({"table": "users.csv", "recipe_text": text});
    let shown =
        |report: &Value| left_with("source", source.clone(), report).source.unwrap().recipe_text.unwrap();
    assert_eq!(shown(&json!({})), "seed = 1\n\n[fit]\nk = 5\n");
    assert_eq!(shown(&json!({"min_rows": 0})), text);
}

#[test]
fn tables_have_the_digits_that_are_shown() {
    let values = |report: &Value| -> Vec<f64> {
        let mut results = results(report);
        results["profile"]["segments"][0]["levels"]["town"] =
            json!([level("Bigtown", 0.500_123), level("Midville", 0.499_877)]);
        results["segments"] = json!([{"segment": 0, "size": 990, "share": 0.99, "centroid": []}]);
        let page = Page::new(read(&results), &model());
        let files = page.charts().unwrap();
        let (_, csv) = files.into_iter().find(|(name, _)| name == "categories-0.csv").unwrap();
        let text = String::from_utf8(csv).unwrap();
        text.lines().skip(1).filter_map(|line| line.rsplit(',').next()?.parse().ok()).collect()
    };
    assert_eq!(values(&json!({})), [0.5, 0.5]);
    assert_eq!(values(&json!({"min_rows": 0})), [0.500_123, 0.499_877]);
}

#[test]
fn no_least_number_of_rows_hides_nothing() {
    let pictures = json!({"distributions": [{"column": "pay", "feature": true, "edges": [0.0, 1.0, 2.0],
                          "beyond": [0.25, 0.0], "all": shape(4, &[1, 2]), "segments": [shape(1, &[1, 0])]}]});
    let mut results = results(&json!({"min_rows": 0}));
    results["pictures"] = pictures;
    let before = serde_json::to_value(&read(&results).outcome.pictures).unwrap();
    let after = withhold(read(&results), &model()).0.outcome;
    assert_eq!(serde_json::to_value(&after.pictures).unwrap(), before);
    let town = after.profile.unwrap().segments[1].levels.get("town").unwrap().len();
    assert_eq!(town, 3, "two towns, and the others, whose name is an address");
}

#[test]
fn means_do_not_tell_that_of_the_segment_that_is_left_out() {
    let mean = |others: u64| {
        let mut results = results(&json!({}));
        let segment = |number: u32, size: u64| json!({"segment": number, "size": size, "share": 0.3, "centroid": [1.0]});
        results["segments"] = json!([segment(0, 990), segment(1, 4), segment(2, others)]);
        results["profile"]["overall"] =
            json!({"pay": {"q1": 70.0, "q3": 100.0, "mean": 81.75, "missing": 0}});
        let found = withhold(read(&results), &model()).0.outcome.profile.unwrap();
        (found.overall.get("pay").unwrap().mean, found.segments[0].numeric.get("pay").unwrap().mean)
    };
    assert_eq!(mean(6), (Some(82.0), Some(77.0)));
    // With another small segment, the two are enough rows together.
    assert_eq!(mean(4), (Some(81.75), Some(77.25)));
}
