//! Sections are there when the run has something for them, and say what it found.

use super::all;
use crate::analysis::{
    ChartFound, ChartShows, Compute, Distribution, Fit, MapAxis, MapFound, OtherMethod, Outcome, Pictures,
    Points, Shape, Silent, Source, Spec, Stability, Sweep, Tendency, run,
};
use crate::cluster::Method;
use crate::report::json::Document;
use crate::report::page::content::{Block, Figure, Section};
use crate::report::page::facts::Facts;
use crate::report::page::privacy::Withheld;
use crate::table::{Column, Table, Values};

/// 600 rows in three groups along two columns, and a third column that tells nothing.
fn table() -> Table {
    let column = |name: &str, of: &dyn Fn(u32) -> u32| Column {
        name: name.into(),
        values: Values::Number((0..600).map(|row| f64::from(of(row))).collect()),
    };
    let columns = vec![
        column("visits", &|row| 100 * (row % 3) + row * 7 % 11),
        column("spent", &|row| 50 * (row % 3 / 2) + row * 5 % 13),
        column("noise", &|row| row * 37 % 101),
    ];
    Table { rows: 600, columns, ..Table::default() }
}

fn outcome(spec: Spec) -> Outcome {
    run(&spec, Source::from(table()), &Compute::default(), &Silent).unwrap()
}

/// The sections of the page, from results that were written and read again.
fn sections(outcome: &Outcome) -> Vec<Section> {
    let model = outcome.model.clone().unwrap();
    let text = Document::new("run", outcome, None).to_json();
    let document = Document::from_json(&text).unwrap();
    all(&Facts::new(&document, &model, Withheld::default()))
}

fn find<'a>(sections: &'a [Section], id: &str) -> Option<&'a Section> {
    sections.iter().find(|section| section.id == id)
}

fn figures(blocks: &[Block]) -> Vec<&Figure> {
    let mut all = Vec::new();
    for block in blocks {
        match block {
            Block::Chart(figure) => all.push(figure),
            Block::Charts(figures) => all.extend(figures),
            Block::Details(_, blocks) => all.extend(self::figures(blocks)),
            _ => {}
        }
    }
    all
}

fn ids(section: &Section) -> Vec<&str> {
    figures(&section.blocks).iter().map(|figure| figure.id.as_str()).collect()
}

/// A map of three groups with two thousand points each, and a fourth group of none.
fn pictures() -> Pictures {
    let points = |group: u32| -> Vec<Vec<f64>> {
        (0..2_000).map(|i| vec![f64::from(group), f64::from(i), f64::from(i % 7)]).collect()
    };
    let group = |segment: u32| Points {
        segment: Some(segment),
        label: None,
        rows: 9_000,
        points: points(segment),
        names: Vec::new(),
    };
    let none =
        Points { segment: None, label: Some("outliers".into()), rows: 3, points: vec![], names: vec![] };
    let groups = vec![group(0), group(1), group(2), none];
    let axes = ["a", "b", "c"].map(|c| MapAxis { column: c.into(), variance_ratio: Some(0.3) }).into();
    let map = MapFound {
        name: String::new(),
        method: "pca".into(),
        axes,
        rows: 27_003,
        groups: groups.clone(),
        boundary: None,
    };
    let shape = |shares: [f64; 2]| Shape {
        count: 10,
        mean: Some(1.0),
        quantiles: Some([0.0, 0.5, 1.0, 1.5, 2.0]),
        shares: shares.into(),
    };
    let spread = |i: usize| Distribution {
        column: format!("column {i}"),
        feature: i.is_multiple_of(2),
        log: false,
        edges: vec![0.0, 1.0, 2.0],
        beyond: (0.0, 0.0),
        all: shape([0.5, 0.5]),
        segments: vec![shape([0.9, 0.1]), shape([0.1, 0.9])],
    };
    let shows = ChartShows::Scatter {
        x: "a".into(),
        y: "b".into(),
        colour: None,
        layout: None,
        boundary: None,
        beyond: 2,
        groups,
    };
    Pictures {
        maps: vec![map],
        distributions: (0..12).map(spread).collect(),
        methods: Vec::new(),
        members: None,
        charts: vec![ChartFound { title: "A by b".into(), shows }],
    }
}

#[test]
fn a_bare_fit_has_no_section_that_it_has_nothing_for() {
    let fit = Fit { k: Some(1), silhouette: false, ..Fit::default() };
    let spec = Spec { fit: Some(fit), structure: false, profile: None, ..Spec::default() };
    let mut outcome = outcome(spec);
    outcome.pictures = None;
    let sections = sections(&outcome);
    for id in ["changes", "map", "tree", "density", "columns", "cohorts", "answers", "questions"] {
        assert_eq!(find(&sections, id), None, "{id}");
    }
    let charts = find(&sections, "trust").map_or(0, |section| figures(&section.blocks).len());
    assert_eq!(charts, 0, "without a sweep there is no curve");
}

#[test]
fn a_whole_run_says_how_sure_it_is() {
    let other = |name: &str| OtherMethod {
        name: name.into(),
        method: Method::named(name).unwrap(),
        k: None,
        unscaled: false,
        profile: false,
    };
    let spec = Spec {
        tendency: Some(Tendency { probes: Some(20) }),
        sweep: Some(Sweep { k: Some("2..4".parse().unwrap()), n_init: Some(2) }),
        stability: Some(Stability { samples: 3, n_init: 1, cohort: None }),
        describe: Some(crate::describe::Options { correlations: true, ..Default::default() }),
        compare_methods: vec![other("ward"), other("dbscan")],
        ..Spec::default()
    };
    let mut outcome = outcome(spec);
    outcome.pictures = Some(pictures());
    let sections = sections(&outcome);
    let trust = find(&sections, "trust").unwrap();
    let ids_of_trust = ids(trust);
    for id in ["sweep-silhouette", "sweep-inertia", "sweep-smallest", "stability", "methods-ari"] {
        assert!(ids_of_trust.contains(&id), "{id} is not in {ids_of_trust:?}");
    }
    assert!(!ids_of_trust.contains(&"sweep-bic"), "KMeans has no such criterion");
    let chosen = format!("{} segments were chosen.", outcome.chosen.as_ref().unwrap().k);
    let says = |block: &Block| matches!(block, Block::Text(text) if text.starts_with(&chosen));
    assert!(trust.blocks.iter().any(says));
    assert_eq!(ids(find(&sections, "tree").unwrap()), ["tree-of-segments"]);
    let lead = find(&sections, "tree").unwrap().lead.as_deref().unwrap();
    assert!(
        lead.contains("Ward's method"),
        "the tree is that of another method, which {lead:?} does not say"
    );
    assert!(find(&sections, "density").is_some());

    let mut seen: Vec<&str> = sections.iter().flat_map(|section| ids(section)).collect();
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all, "two charts have the same id");

    let columns = find(&sections, "columns").unwrap();
    let open = columns.blocks.iter().filter(|b| matches!(b, Block::Chart(f) if f.id.starts_with("values-")));
    assert_eq!(open.count(), 8, "the others are folded");
    assert!(ids(columns).contains(&"values-12"));
}

#[test]
fn all_charts_together_have_ten_thousand_points_at_most() {
    let fit = Fit { k: Some(3), ..Fit::default() };
    let mut outcome = outcome(Spec { fit: Some(fit), structure: false, profile: None, ..Spec::default() });
    let mut drawn = pictures();
    let scatter = drawn.charts.iter_mut().filter_map(|chart| match &mut chart.shows {
        ChartShows::Scatter { groups, .. } => Some(groups),
        _ => None,
    });
    // The table behind a chart lists the points that have names.
    for group in scatter.chain(drawn.maps.iter_mut().map(|map| &mut map.groups)).flatten() {
        group.names = vec!["a row".into(); group.points.len()];
    }
    outcome.pictures = Some(drawn);
    let sections = sections(&outcome);
    let of = |id: &str| -> Vec<usize> {
        let found = find(&sections, id).unwrap();
        let clouds = |figure: &&Figure| figure.id.starts_with("map") || figure.id.starts_with("chart-");
        let all = figures(&found.blocks);
        all.into_iter().filter(clouds).map(|figure| figure.table.rows.len()).collect()
    };
    let drawn: usize = of("map").iter().chain(&of("columns")).sum();
    assert!((9_900..=10_000).contains(&drawn), "{drawn}");
    let notes = &find(&sections, "map").unwrap().blocks;
    let says =
        |b: &Block| matches!(b, Block::Note(text) if text.starts_with("4,995 of 27,003 rows are drawn"));
    assert!(notes.iter().any(says), "{notes:?}");
}
