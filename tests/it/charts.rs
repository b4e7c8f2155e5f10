//! `[[chart]]`: the charts that a recipe asks for.

use segmenta::analysis::{ChartShows, Compute, Outcome, Points, Shape, Silent, Source, Spec, run};
use segmenta::table::{Column, Table, Values};
use std::collections::{BTreeMap, BTreeSet};

const ROWS: usize = 900;

fn a(row: usize) -> f64 {
    10.0 * (row % 2) as f64 + (row * 31 % 97) as f64 / 97.0
}

fn b(row: usize) -> f64 {
    (row * 57 % 89) as f64
}

/// One of twelve words, of which the first ones have more rows; every 50th row has none.
fn word(row: usize) -> Option<u32> {
    (!row.is_multiple_of(50))
        .then_some((row % 78) as u32)
        .map(|n| (0..12).find(|k| n < (k + 1) * (24 - k) / 2).unwrap_or(11))
}

fn copies(row: usize) -> usize {
    1 + row % 3
}

const WORDS: [&str; 12] =
    ["oak", "elm", "ash", "fir", "yew", "box", "bay", "fig", "pear", "plum", "lime", "pine"];

/// The table; `repeated` writes each row out as often as its weight says, and the weight is 1.
fn table(repeated: bool) -> Table {
    let rows: Vec<usize> = match repeated {
        true => (0..ROWS).flat_map(|row| vec![row; copies(row)]).collect(),
        false => (0..ROWS).collect(),
    };
    let numbers = |value: &dyn Fn(usize) -> f64| Values::Number(rows.iter().map(|&row| value(row)).collect());
    let words = Values::Text {
        levels: WORDS.map(String::from).to_vec(),
        codes: rows.iter().map(|&row| word(row)).collect(),
    };
    let flags = Values::Bool(rows.iter().map(|row| Some(row % 3 == 0)).collect());
    let column = |name: &str, values| Column { name: name.into(), values };
    let columns = vec![
        column("a", numbers(&a)),
        column("b", numbers(&b)),
        column("hour", numbers(&|row| (row % 7) as f64)),
        column("word", words),
        column("flag", flags),
        column("w", numbers(&|row| if repeated { 1.0 } else { copies(row) as f64 })),
    ];
    Table { rows: rows.len(), columns, ..Table::default() }
}

fn outcome(table: Table, recipe: &str) -> Result<Outcome, String> {
    let text =
        format!("{recipe}\n[features]\ncolumns = [\"a\", \"b\"]\n[analysis]\nk = 3\nstructure = false\n");
    let spec = Spec::parse("r.toml", &text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    run(&spec, Source::Table(Box::new(table)), &Compute::default(), &Silent).map_err(|e| e.to_string())
}

fn shows(recipe: &str) -> ChartShows {
    let found = outcome(table(false), recipe).unwrap().pictures.unwrap().charts;
    assert_eq!(found.len(), 1);
    found[0].shows.clone()
}

/// The linearly interpolated quantile of values, from its definition.
fn quantile(values: &[f64], q: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = q * (values.len() - 1) as f64;
    let (below, above) = (values[place as usize], values[(place as usize + 1).min(values.len() - 1)]);
    below + (above - below) * place.fract()
}

#[test]
fn points_have_the_colour_of_their_category() {
    let found = shows("[[chart]]\nkind = \"scatter\"\nx = \"a\"\ny = \"b\"\ncolour = \"word\"\ncut = 0.9\n");
    let ChartShows::Scatter { groups, beyond, layout: None, boundary: None, .. } = found else {
        panic!("{found:?}")
    };
    let all: Vec<usize> = (0..ROWS).collect();
    let ends =
        [a as fn(usize) -> f64, b].map(|f| quantile(&all.iter().map(|&row| f(row)).collect::<Vec<_>>(), 0.9));
    let (shown, out): (Vec<usize>, Vec<usize>) =
        all.into_iter().partition(|&row| a(row) <= ends[0] && b(row) <= ends[1]);
    assert_eq!(beyond, out.len() as u64);
    assert!(beyond > 50);
    let mut sizes: Vec<(usize, &str)> = Vec::new();
    for (code, name) in WORDS.iter().enumerate() {
        sizes.push((shown.iter().filter(|&&row| word(row) == Some(code as u32)).count(), name));
    }
    sizes.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let named: BTreeSet<&str> = sizes[..8].iter().map(|(_, name)| *name).collect();
    let rest: usize = sizes[8..].iter().map(|(n, _)| n).sum();
    let labels: Vec<Option<&str>> = groups.iter().map(|group| group.label.as_deref()).collect();
    let mut expected: Vec<Option<&str>> = named.iter().map(|name| Some(*name)).collect();
    expected.extend([Some("(other)"), None]);
    assert_eq!(labels, expected, "in the order of the alphabet, the others and rows without a word last");
    assert_eq!(groups[8].rows, rest as u64);
    let size = |name: &str| sizes.iter().find(|(_, other)| *other == name).unwrap().0 as u64;
    for group in &groups[..8] {
        let name = group.label.as_deref().unwrap();
        assert_eq!((group.rows, group.points.len() as u64), (size(name), size(name)));
        let code = WORDS.iter().position(|other| *other == name).unwrap() as u32;
        for point in &group.points {
            let near = |row: &&usize| (a(**row) - point[0]).abs() < 0.01 && (b(**row) - point[1]).abs() < 0.1;
            assert!(shown.iter().filter(near).any(|&row| word(row) == Some(code)), "{name}: {point:?}");
        }
    }
}

#[test]
fn a_sample_of_many_rows_keeps_small_groups() {
    let rows = 40_000;
    let numbers = |f: &dyn Fn(usize) -> f64| Values::Number((0..rows).map(f).collect());
    let column = |name: &str, values| Column { name: name.into(), values };
    let columns = vec![
        column("a", numbers(&a)),
        column("b", numbers(&|row| (row % 1013) as f64)),
        column("kind", numbers(&|row| f64::from(u8::from(row < 40)))),
    ];
    let recipe = "[[chart]]\nkind = \"scatter\"\nx = \"a\"\ny = \"b\"\ncolour = \"kind\"\n";
    let found = outcome(Table { rows, columns, ..Table::default() }, recipe).unwrap();
    let charts = found.pictures.unwrap().charts;
    let ChartShows::Scatter { groups, .. } = &charts[0].shows else { panic!("{charts:?}") };
    let drawn: Vec<(Option<&str>, u64, usize)> =
        groups.iter().map(|group| (group.label.as_deref(), group.rows, group.points.len())).collect();
    assert_eq!((drawn[0].0, drawn[0].1), (Some("0"), 39_960));
    assert_eq!((drawn[1].0, drawn[1].1), (Some("1"), 40));
    assert!(drawn[1].2 >= 30 && drawn[0].2 > 4_900 && drawn[0].2 + drawn[1].2 <= 5_000, "{drawn:?}");
}

#[test]
fn without_a_column_the_segments_are_the_colours_and_names_are_numbers_of_rows() {
    let small = || {
        let mut table = table(false);
        table.rows = 100;
        for column in &mut table.columns {
            match &mut column.values {
                Values::Number(v) => v.truncate(100),
                Values::Bool(v) => v.truncate(100),
                Values::Text { codes, .. } => codes.truncate(100),
                other => panic!("{other:?}"),
            }
        }
        table
    };
    let chart = "[[chart]]\nkind = \"scatter\"\nx = \"b\"\ny = \"a\"\n[[drop]]\ncolumns = [\"b\"]\nabove_quantile = 0.9\n";
    let groups = |recipe: &str| -> Vec<Points> {
        let found = outcome(small(), recipe).unwrap();
        match &found.pictures.unwrap().charts[0].shows {
            ChartShows::Scatter { groups, .. } => groups.clone(),
            other => panic!("{other:?}"),
        }
    };
    let plain = groups(chart);
    assert!(plain.iter().all(|group| group.names.is_empty()));
    let segments: Vec<Option<u32>> = plain.iter().map(|group| group.segment).collect();
    assert_eq!(segments, [Some(0), Some(1), Some(2), None]);
    assert_eq!(plain[3].label.as_deref(), Some("outliers"));
    let named = groups(&format!("{chart}[report]\nids = true\n"));
    for (group, point, name) in
        named.iter().flat_map(|g| g.points.iter().zip(&g.names).map(move |(point, name)| (g, point, name)))
    {
        let row = name.parse::<usize>().unwrap() - 1;
        assert!((a(row) - point[1]).abs() < 0.01 && (b(row) - point[0]).abs() < 0.1, "{name}: {point:?}");
        assert_eq!(group.names.len() as u64, group.rows);
    }
}

#[test]
fn boxes_have_the_quantiles_of_their_category() {
    let recipe = "[[chart]]\nkind = \"boxes\"\nof = \"b\"\nby = \"word\"\ntop = 5\n";
    let ChartShows::Boxes { boxes, .. } = shows(recipe) else { panic!() };
    assert_eq!(boxes.len(), 5);
    let sizes: Vec<u64> =
        (0..12).map(|code| (0..ROWS).filter(|&row| word(row) == Some(code)).count() as u64).collect();
    let mut sorted = sizes.clone();
    sorted.sort_unstable();
    for (label, shape) in &boxes {
        let code = WORDS.iter().position(|name| name == label).unwrap();
        assert!(sizes[code] >= sorted[7], "one of the five largest");
        let values: Vec<f64> = (0..ROWS).filter(|&row| word(row) == Some(code as u32)).map(b).collect();
        let expected = [0.05, 0.25, 0.5, 0.75, 0.95].map(|q| quantile(&values, q));
        for (found, expected) in shape.quantiles.unwrap().into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{label}: {found} {expected}");
        }
        assert_eq!(shape.count, values.len() as u64);
    }
    let medians: Vec<f64> = boxes.iter().map(|(_, shape)| shape.quantiles.unwrap()[2]).collect();
    assert!(medians.is_sorted_by(|x, y| x >= y), "{medians:?}");
    let by_flag = shows("[[chart]]\nkind = \"boxes\"\nof = \"a\"\nby = \"flag\"\n");
    let ChartShows::Boxes { boxes, .. } = by_flag else { panic!() };
    assert_eq!(boxes.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["false", "true"]);
}

#[test]
fn a_curve_is_the_mean_at_each_value() {
    let ChartShows::Curve { points, .. } = shows("[[chart]]\nkind = \"curve\"\nx = \"hour\"\ny = \"b\"\n")
    else {
        panic!()
    };
    assert_eq!(points.len(), 7);
    for (hour, [x, y]) in points.into_iter().enumerate() {
        let values: Vec<f64> = (0..ROWS).filter(|row| row % 7 == hour).map(b).collect();
        assert_eq!(x, hour as f64);
        assert!((y - values.iter().sum::<f64>() / values.len() as f64).abs() < 1e-9);
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let charts = "[input]\nweight = \"w\"\n[[chart]]\nkind = \"boxes\"\nof = \"b\"\nby = \"word\"\n\
                  [[chart]]\nkind = \"curve\"\nx = \"hour\"\ny = \"b\"\n\
                  [[chart]]\nkind = \"scatter\"\nx = \"a\"\ny = \"b\"\ncut = 0.8\n";
    let of = |repeated: bool| outcome(table(repeated), charts).unwrap().pictures.unwrap().charts;
    let (weighted, written_out) = (of(false), of(true));
    let quantiles = |boxes: &[(String, Shape)]| -> Vec<(String, [f64; 5])> {
        boxes.iter().map(|(label, shape)| (label.clone(), shape.quantiles.unwrap())).collect()
    };
    match (&weighted[0].shows, &written_out[0].shows) {
        (ChartShows::Boxes { boxes: one, .. }, ChartShows::Boxes { boxes: other, .. }) => {
            assert_eq!(quantiles(one), quantiles(other));
        }
        other => panic!("{other:?}"),
    }
    match (&weighted[1].shows, &written_out[1].shows) {
        (ChartShows::Curve { points: one, .. }, ChartShows::Curve { points: other, .. }) => {
            assert_eq!(one.len(), other.len());
            assert!(one.iter().zip(other).all(|(p, q)| p[0] == q[0] && (p[1] - q[1]).abs() < 1e-9));
        }
        other => panic!("{other:?}"),
    }
    // The ends of the axes are the same, and points are rows, not copies.
    let furthest = |shows: &ChartShows| match shows {
        ChartShows::Scatter { groups, .. } => {
            let points = groups.iter().flat_map(|group| &group.points);
            points.fold([f64::MIN; 2], |most, point| [most[0].max(point[0]), most[1].max(point[1])])
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(furthest(&weighted[2].shows), furthest(&written_out[2].shows));
}

#[test]
fn charts_of_a_layout_know_it_and_the_border_of_the_population() {
    let recipe = "[population]\nwhere = \"pc_1 > 0\"\n[[reduce]]\nname = \"pc\"\nmethod = \"pca\"\ncolumns = [\"a\", \"b\"]\n\
                  components = 2\nfeatures_out = false\n\
                  [[chart]]\nkind = \"scatter\"\nx = \"pc_2\"\ny = \"pc_1\"\n";
    let found = outcome(table(false), recipe).unwrap().pictures.unwrap();
    let ChartShows::Scatter { layout, boundary: Some(line), groups, .. } = &found.charts[0].shows else {
        panic!("{:?}", found.charts)
    };
    assert_eq!(layout.as_deref(), Some("pca"));
    assert_eq!((line.from[1], line.to[1]), (0.0, 0.0), "a level line");
    assert!(line.from[0] != line.to[0]);
    let outside =
        groups.iter().find(|group| group.label.as_deref() == Some("outside the population")).unwrap();
    assert!(outside.points.iter().all(|point| point[1] <= 0.0));
    let of_map = found.maps[0].boundary.as_ref().unwrap();
    assert_eq!((of_map.from[0], of_map.to[0]), (0.0, 0.0), "an upright line in the map");
}

#[test]
fn mistakes_name_the_line_and_the_key() {
    let cases = [
        ("kind = \"scatter\"\nx = \"aa\"\ny = \"b\"", "chart[0].x", "a"),
        ("kind = \"scatter\"\nx = \"word\"\ny = \"b\"", "chart[0].x", "texts"),
        ("kind = \"curve\"\nx = \"a\"\ny = \"flag\"", "chart[0].y", "true and false"),
        ("kind = \"boxes\"\nof = \"a\"\nby = \"b\"", "chart[0].by", "cut"),
        ("kind = \"boxes\"\nof = \"a\"\nby = \"segment\"", "chart[0].by", "by segment"),
    ];
    for (lines, key, what) in cases {
        let said = outcome(table(false), &format!("[[chart]]\n{lines}\n")).unwrap_err();
        assert!(said.contains(key) && said.contains(what) && said.contains("line 1"), "{lines}: {said}");
    }
}
