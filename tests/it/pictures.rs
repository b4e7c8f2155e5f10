//! What a report draws: maps of the rows and distributions of columns.

use segmenta::analysis::{Compute, MOST_POINTS, Outcome, Silent, Source, Spec, run};
use segmenta::questions::Cell;
use segmenta::table::{Column, Table, Values};
use std::collections::BTreeMap;

/// A table of `rows` rows in three groups, one of them small; `weights` adds a column of weights.
fn table(rows: usize, weights: bool) -> Table {
    let group = |row: usize| if row.is_multiple_of(400) { 2 } else { row % 2 };
    let noise = |row: usize, by: usize| (row * by % 97) as f64 / 97.0;
    let numbers = |value: &dyn Fn(usize) -> f64| Values::Number((0..rows).map(value).collect());
    let mut columns = vec![
        Column { name: "a".into(), values: numbers(&|row| 10.0 * group(row) as f64 + noise(row, 31)) },
        Column { name: "b".into(), values: numbers(&|row| noise(row, 57) - 20.0 * (group(row) / 2) as f64) },
        Column { name: "visits".into(), values: numbers(&|row| (row % 13) as f64) },
        Column { name: "flag".into(), values: numbers(&|row| (row % 2) as f64) },
    ];
    if weights {
        columns.push(Column { name: "w".into(), values: numbers(&|row| 1.0 + (row % 3) as f64) });
    }
    Table { rows, columns, ..Table::default() }
}

fn outcome(table: Table, recipe: &str) -> Outcome {
    let text = format!("[features]\ncolumns = [\"a\", \"b\"]\n{recipe}[analysis]\nk = 3\n");
    let spec = Spec::parse("r.toml", &text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    run(&spec, Source::Table(Box::new(table)), &Compute::default(), &Silent).unwrap()
}

#[test]
fn a_map_shows_all_rows_or_a_sample_in_which_small_segments_are_seen() {
    for rows in [2000, 30_000] {
        let found = outcome(table(rows, false), "");
        let map = &found.pictures.as_ref().unwrap().maps[0];
        assert_eq!((map.method.as_str(), map.axes.len(), map.rows), ("pca", 2, rows as u64));
        let drawn: usize = map.groups.iter().map(|group| group.points.len()).sum();
        assert!(
            drawn <= MOST_POINTS.min(rows) && drawn * 10 > MOST_POINTS.min(rows) * 9,
            "{drawn} of {rows}"
        );
        for (group, segment) in map.groups.iter().zip(found.segments.as_ref().unwrap()) {
            assert_eq!((group.segment, group.rows), (Some(segment.segment), segment.size));
            assert!(group.points.len() as u64 >= segment.size.min(30), "{}", segment.size);
            assert!(group.points.iter().all(|point| point.len() == 2 && point.iter().all(|v| v.is_finite())));
        }
        let shares: f64 = map.axes.iter().map(|axis| axis.variance_ratio.unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-9, "two features have two components");
    }
}

#[test]
fn the_recipes_components_are_the_map_even_if_they_are_no_features() {
    let recipe = "[[reduce]]\nname = \"pc\"\nmethod = \"pca\"\ncolumns = [\"a\", \"b\", \"visits\"]\ncomponents = 3\n\
                  features_out = false\n";
    let found = outcome(table(2000, false), recipe);
    let map = &found.pictures.as_ref().unwrap().maps[0];
    let axes: Vec<&str> = map.axes.iter().map(|axis| axis.column.as_str()).collect();
    assert_eq!((map.name.as_str(), axes), ("pc", vec!["pc_1", "pc_2", "pc_3"]));
}

/// The share of the values that lie in a bin, counted one by one.
fn counted(values: &[f64], low: f64, high: f64, last: bool) -> f64 {
    let inside = values.iter().filter(|&&v| v >= low && (v < high || (last && v == high))).count();
    inside as f64 / values.len() as f64
}

#[test]
fn distributions_are_those_of_the_column() {
    let (rows, found) = (2000, outcome(table(2000, false), ""));
    let drawn = &found.pictures.as_ref().unwrap().distributions;
    let names: Vec<&str> = drawn.iter().map(|one| one.column.as_str()).collect();
    assert!(!names.contains(&"flag"), "a column of 0 and 1 has no distribution to see: {names:?}");
    assert!(names[..2].contains(&"a") && names[..2].contains(&"b") && names[2] == "visits", "{names:?}");
    let table = table(rows, false);
    for one in drawn {
        let column = table.columns.iter().find(|column| column.name == one.column).unwrap();
        let mut values: Vec<f64> = (0..rows).map(|row| column.values.number(row).unwrap()).collect();
        let bins = one.edges.len() - 1;
        for bin in 0..bins {
            let share = counted(&values, one.edges[bin], one.edges[bin + 1], bin + 1 == bins);
            assert!((one.all.shares[bin] - share).abs() < 1e-6, "{} {bin}", one.column);
        }
        let inside: f64 = one.all.shares.iter().sum();
        assert!((inside + one.beyond.0 + one.beyond.1 - 1.0).abs() < 1e-4, "{}", one.column);
        let counts: u64 = one.segments.iter().map(|shape| shape.count).sum();
        assert_eq!((one.all.count, counts), (rows as u64, rows as u64));
        values.sort_by(f64::total_cmp);
        let middle = (values[rows / 2 - 1] + values[rows / 2]) / 2.0;
        assert!((one.all.quantiles.unwrap()[2] - middle).abs() < 1e-12, "{}", one.column);
        // The profile computes its quartiles by other code.
        let profile = found.profile.as_ref().unwrap();
        for (shape, segment) in one.segments.iter().zip(&profile.segments) {
            let (box_plot, figures) = (shape.quantiles.unwrap(), segment.numeric.get(&one.column).unwrap());
            let of_profile = [figures.q1, figures.median, figures.q3].map(Option::unwrap);
            for (a, b) in box_plot[1..4].iter().zip(of_profile) {
                assert!((a - b).abs() < 1e-9, "{}: {a} {b}", one.column);
            }
        }
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let recipe = "[input]\nweight = \"w\"\n";
    let weighted = outcome(table(600, true), recipe);
    let base = table(600, true);
    let rows: Vec<usize> = (0..600).flat_map(|row| vec![row; 1 + row % 3]).collect();
    let copy = |column: &Column| Column {
        name: column.name.clone(),
        values: Values::Number(rows.iter().map(|&row| column.values.number(row).unwrap()).collect()),
    };
    let columns = base.columns.iter().filter(|column| column.name != "w").map(copy).collect();
    let copies = outcome(Table { rows: rows.len(), columns, ..Table::default() }, "");
    let of = |found: &Outcome| found.pictures.as_ref().unwrap().distributions.clone();
    let column = |found: &[segmenta::analysis::Distribution], name: &str| {
        found.iter().find(|one| one.column == name).unwrap().clone()
    };
    let (weighted, copies) = (of(&weighted), of(&copies));
    for name in ["a", "b", "visits"] {
        let (one, other) = (column(&weighted, name), column(&copies, name));
        assert_eq!((&one.edges, one.beyond), (&other.edges, other.beyond), "{name}");
        let sides =
            [&one.all].into_iter().chain(&one.segments).zip([&other.all].into_iter().chain(&other.segments));
        for (a, b) in sides {
            assert_eq!((a.quantiles, &a.shares), (b.quantiles, &b.shares), "{name}");
        }
    }
}

#[test]
fn typical_rows_are_the_nearest_to_the_middle() {
    let found = outcome(table(2000, false), "");
    let typical = found.pictures.as_ref().unwrap().members.clone().unwrap();
    assert!(typical.columns[..2].contains(&"a".to_string()), "{:?}", typical.columns);
    let rows = &found.labelled.as_ref().unwrap().rows;
    let table = table(2000, false);
    let cells = |row: usize| -> Vec<Cell> {
        let column = |name: &String| table.columns.iter().find(|column| column.name == *name).unwrap();
        typical.columns.iter().map(|name| Cell::Number(column(name).values.number(row).unwrap())).collect()
    };
    for segment in 0..3 {
        let mut own: Vec<(f64, usize)> = (0..2000)
            .filter_map(|row| {
                rows[row].filter(|found| found.segment == segment).map(|found| (found.distance, row))
            })
            .collect();
        own.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        let expected: Vec<Vec<Cell>> = own.iter().take(3).map(|(_, row)| cells(*row)).collect();
        let shown = typical.rows.iter().filter(|row| row.segment == segment);
        assert_eq!(shown.map(|row| row.cells.clone()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn other_methods_have_the_same_map_by_their_clusters() {
    let recipe = "[[compare_method]]\nmethod = \"ward\"\n[[compare_method]]\nmethod = \"dbscan\"\neps = 0.1\nmin_samples = 30\n";
    let found = outcome(table(2000, false), recipe);
    let maps = &found.pictures.as_ref().unwrap().methods;
    let methods = &found.compare_methods.as_ref().unwrap().methods;
    assert_eq!(maps.iter().map(|map| map.method.as_str()).collect::<Vec<_>>(), ["ward", "dbscan"]);
    for (map, method) in maps.iter().zip(&methods[1..]) {
        let none = map.map.groups.iter().find(|group| group.label.as_deref() == Some("in no cluster"));
        assert_eq!(none.map_or(0, |group| group.rows), method.noise);
        for (group, size) in map.map.groups.iter().zip(&method.sizes).take(12) {
            assert_eq!(group.rows, *size);
        }
        let drawn: usize = map.map.groups.iter().map(|group| group.points.len()).sum();
        assert!(map.map.rows == 2000 && drawn <= 2000);
    }
    assert!(methods[2].noise > 0 && methods[2].segments > 0, "{:?}", methods[2].sizes);
}
