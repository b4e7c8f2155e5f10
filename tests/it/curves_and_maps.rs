//! Curves, scatter plots, heat maps and dendrograms: their SVG is well-formed and inside its viewBox whatever they are made
//! of, marks lie where the numbers say, and the tables have the numbers.

mod drawn;

use drawn::{Element, elements, subpaths, within};
use proptest::prelude::*;
use segmenta::report::chart::palette::Palette;
use segmenta::report::chart::svg::stand_alone;
use segmenta::report::chart::{
    Axis, Caption, Chart, DataTable, Dendrogram, Heatmap, Key, Lines, Mark, Node, Paint, PointGroup, Scatter,
    Series, Shading, Unit,
};

const CAPTION: Caption<'static> =
    Caption { id: "c1", title: "a <title>", desc: "a \"description\"", narrow: false };

fn drawn(chart: &dyn Chart) -> Vec<Element> {
    elements(&chart.svg(&CAPTION))
}

fn texts(all: &[Element], class: &str) -> Vec<String> {
    all.iter().filter(|e| e.tag == "text" && e.has_class(class)).map(|e| e.text.clone()).collect()
}

/// What every chart must be, whatever it is made of.
fn holds(chart: &dyn Chart) {
    let all = drawn(chart);
    within(&all);
    assert_eq!((all[0].tag.as_str(), all[0].get("role")), ("svg", "img"));
    for (name, text) in [("title", CAPTION.title), ("desc", CAPTION.desc)] {
        let found = all.iter().find(|e| e.tag == name).unwrap();
        assert_eq!(found.text, text);
        assert!(all[0].get("aria-labelledby").split(' ').any(|id| id == found.get("id")));
    }
    for element in &all {
        assert!(!["style", "fill", "stroke", "onclick"].iter().any(|a| {
            let value = element.get(a);
            !value.is_empty() && !value.starts_with("url(#c1-")
        }));
        assert!(element.tag != "script" && element.tag != "style");
    }
    within(&elements(&chart.svg(&Caption { narrow: true, ..CAPTION })));
    within(&elements(stand_alone(&chart.svg(&CAPTION), &Palette::default().css()).trim_end()));
    let table = chart.table();
    assert!(table.columns.iter().all(|(title, _)| !title.is_empty()));
    assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    let numbers = table.rows.iter().flatten().filter_map(|datum| datum.value);
    assert!(numbers.into_iter().all(f64::is_finite));
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -100.0..100.0f64,
        2 => (0..12i32).prop_map(f64::from),
        1 => prop::sample::select(vec![
            0.0, -0.0, 1e15, -1e15, 1e300, f64::MAX, f64::MIN, 1e-300, f64::MIN_POSITIVE, 5e-324,
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY,
        ]),
        1 => any::<f64>(),
    ]
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z_]{0,12}",
        1 => Just("<script>alert('x')</script>\"&amp;".to_string()),
        1 => Just("مرحبا بالعالم".repeat(8)),
        1 => Just("👩‍👩‍👧 emoji 🎉".repeat(6)),
        1 => Just("x".repeat(300)),
        1 => any::<String>(),
    ]
}

fn paint() -> impl Strategy<Value = Paint> {
    prop_oneof![
        (0..25u32).prop_map(Paint::Segment),
        (0..25usize).prop_map(Paint::Group),
        Just(Paint::Plain),
        Just(Paint::Whole),
        Just(Paint::Segment(u32::MAX)),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(vec![Unit::Number, Unit::Count, Unit::Share, Unit::Points, Unit::Score])
}

fn axis() -> impl Strategy<Value = Axis> {
    let parts = (label(), unit(), any::<bool>(), any::<bool>());
    parts.prop_map(|(title, unit, log, zero)| Axis { title, unit, log, zero })
}

fn lines() -> impl Strategy<Value = Lines> {
    let point = (number(), prop::option::weighted(0.9, number()));
    let series = (
        label(),
        paint(),
        prop::collection::vec(point, 0..20),
        prop::collection::vec(prop::option::of(number()), 0..20),
        any::<bool>(),
    );
    let series = series.prop_map(|(label, paint, points, errors, smooth)| Series {
        label,
        paint,
        points,
        errors,
        smooth,
    });
    let mark = (number(), label(), any::<bool>()).prop_map(|(x, label, chosen)| Mark { x, label, chosen });
    let parts = (axis(), axis(), prop::collection::vec(series, 0..22), prop::collection::vec(mark, 0..5));
    parts.prop_map(|(x, y, series, marks)| Lines { x, y, series, marks })
}

fn scatter() -> impl Strategy<Value = Scatter> {
    let point = || [number(), number()];
    let group = (
        label(),
        paint(),
        any::<u64>(),
        prop::collection::vec(point(), 0..30),
        prop::collection::vec(label(), 0..3),
    );
    let group = group.prop_map(|(label, paint, rows, points, names)| PointGroup {
        label,
        paint,
        rows,
        points,
        names,
    });
    let parts = (
        (axis(), axis()),
        any::<(bool, bool)>(),
        prop::collection::vec(group, 0..22),
        prop::option::of((point(), point(), label())),
    );
    parts.prop_map(|((x, y), (equal, numbers), groups, boundary)| Scatter {
        x,
        y,
        equal,
        numbers,
        groups,
        boundary,
    })
}

fn heatmap() -> impl Strategy<Value = Heatmap> {
    let key = || (label(), paint()).prop_map(|(label, paint)| Key { label, paint });
    let keys = || prop_oneof![prop::collection::vec(key(), 0..8), prop::collection::vec(key(), 20..70)];
    let value = prop::option::of(number());
    let values = prop::collection::vec(prop::collection::vec(value, 0..9), 0..9);
    let shading = (any::<bool>(), number()).prop_map(|(one, limit)| match one {
        true => Shading::Sequential(limit),
        false => Shading::Diverging(limit),
    });
    let parts = ((label(), label()), keys(), keys(), values, unit(), shading);
    parts.prop_map(|((rows_are, columns_are), rows, columns, values, unit, shading)| Heatmap {
        rows_are,
        columns_are,
        rows,
        columns,
        values,
        unit,
        shading,
    })
}

fn dendrogram() -> impl Strategy<Value = Dendrogram> {
    let leaf = (number(), any::<u64>(), label(), paint()).prop_map(|(height, size, label, paint)| Node {
        height,
        size,
        label,
        paint,
        children: Vec::new(),
    });
    let tree = leaf.prop_recursive(6, 60, 4, |part| {
        let parts = (number(), any::<u64>(), prop::collection::vec(part, 0..4));
        parts.prop_map(|(height, size, children)| Node { height, size, children, ..Node::default() })
    });
    let cut = prop::option::of((number(), prop::option::of(number())));
    (axis(), tree, cut).prop_map(|(axis, root, cut)| Dendrogram { axis, root, cut })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_curves_are_drawn(chart in lines()) {
        holds(&chart);
    }

    #[test]
    fn any_points_are_drawn(chart in scatter()) {
        holds(&chart);
    }

    #[test]
    fn any_heat_map_is_drawn(chart in heatmap()) {
        holds(&chart);
    }

    #[test]
    fn any_dendrogram_is_drawn(chart in dendrogram()) {
        holds(&chart);
    }
}

fn titled(title: &str, unit: Unit) -> Axis {
    Axis { title: title.into(), unit, ..Axis::default() }
}

/// A table as its titles and texts.
fn cells(table: &DataTable) -> Vec<Vec<String>> {
    let titles = table.columns.iter().map(|(title, _)| title.clone()).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(|datum| datum.text.clone()).collect());
    [titles].into_iter().chain(rows).collect()
}

fn silhouettes() -> Lines {
    let series = Series {
        points: [(2.0, 0.5), (3.0, 0.25), (4.0, 0.75), (5.0, 0.125)].map(|(k, s)| (k, Some(s))).to_vec(),
        errors: vec![None, Some(0.01), None, None],
        ..Series::default()
    };
    let mark = |x, label: &str, chosen| Mark { x, label: label.into(), chosen };
    Lines {
        x: titled("k", Unit::Count),
        y: titled("silhouette", Unit::Score),
        series: vec![series],
        marks: vec![mark(4.0, "chosen", true), mark(3.0, "elbow", false)],
    }
}

#[test]
fn each_k_has_a_tick_and_the_chosen_one_a_ring_around_its_dot() {
    let all = drawn(&silhouettes());
    for k in ["2", "3", "4", "5"] {
        assert!(texts(&all, "tick").iter().any(|text| text == k), "{k}");
    }
    let dots: Vec<&Element> = all.iter().filter(|e| e.tag == "circle" && e.has_class("mark")).collect();
    assert_eq!(dots.len(), 4);
    assert_eq!(dots[1].get("data-tip"), "k: 3\nsilhouette: 0.250 \u{b1} 0.010");
    let rings: Vec<&Element> = all.iter().filter(|e| e.has_class("ring")).collect();
    assert_eq!(rings.len(), 1);
    assert_eq!([rings[0].get("cx"), rings[0].get("cy")], [dots[2].get("cx"), dots[2].get("cy")]);
    // Higher values lie higher, in proportion: from 0.25 to 0.75 is twice as far as from 0.25 to 0.5.
    let y = |i: usize| dots[i].number("cy");
    assert!(((y(1) - y(2)) - 2.0 * (y(1) - y(0))).abs() < 0.3);
    assert!(texts(&all, "label").contains(&"chosen: 0.750".to_string()));
    // The word of the elbow names its value as well.
    assert!(texts(&all, "tick").contains(&"elbow: 0.250".to_string()));
}

#[test]
fn the_table_of_curves_has_each_value_with_its_error_and_its_marks() {
    let table = silhouettes().table();
    let expected = [
        ["k", "silhouette", "\u{b1} silhouette", "note"],
        ["2", "0.500", "\u{2013}", ""],
        ["3", "0.250", "0.010", "elbow"],
        ["4", "0.750", "\u{2013}", "chosen"],
        ["5", "0.125", "\u{2013}", ""],
    ];
    assert_eq!(cells(&table), expected.map(|row| row.map(String::from).to_vec()));
    assert_eq!(table.rows[3][1].value, Some(0.125));
}

#[test]
fn curves_over_different_places_share_a_table() {
    let series = |label: &str, points: &[(f64, Option<f64>)]| Series {
        label: label.into(),
        points: points.to_vec(),
        ..Series::default()
    };
    let chart = Lines {
        x: titled("k", Unit::Count),
        y: titled("score", Unit::Score),
        series: vec![
            series("a", &[(2.0, Some(0.1)), (4.0, None)]),
            series("b", &[(3.0, Some(0.2)), (2.0, Some(0.3))]),
        ],
        marks: Vec::new(),
    };
    let expected =
        [["k", "a", "b"], ["2", "0.100", "0.300"], ["3", "\u{2013}", "0.200"], ["4", "\u{2013}", "\u{2013}"]];
    assert_eq!(cells(&chart.table()), expected.map(|row| row.map(String::from).to_vec()));
    // Both names stand at the ends of their curves, where nothing else is.
    let all = drawn(&chart);
    let names: Vec<&Element> = all.iter().filter(|e| e.text == "a" || e.text == "b").collect();
    let [a, b] = names[..] else { panic!("{names:?}") };
    assert!((a.number("y") - b.number("y")).abs() >= 13.0);
}

#[test]
fn a_gap_interrupts_a_curve() {
    let points = [(1.0, Some(1.0)), (2.0, Some(2.0)), (3.0, None), (4.0, Some(1.0)), (5.0, Some(2.0))];
    let chart =
        Lines { series: vec![Series { points: points.to_vec(), ..Series::default() }], ..Lines::default() };
    let all = drawn(&chart);
    let curve = all.iter().find(|e| e.tag == "path" && e.has_class("line")).unwrap();
    assert_eq!(subpaths(curve.get("d")).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
}

fn group(segment: u32, points: Vec<[f64; 2]>) -> PointGroup {
    let rows = 10 * points.len() as u64;
    PointGroup {
        label: format!("segment {segment}"),
        paint: Paint::Segment(segment),
        rows,
        points,
        names: vec![],
    }
}

fn map(groups: Vec<PointGroup>) -> Scatter {
    let axis = |title| titled(title, Unit::Number);
    Scatter { x: axis("PC 1"), y: axis("PC 2"), equal: true, numbers: true, groups, boundary: None }
}

/// The middles of a path's points.
fn middles(path: &Element) -> Vec<[f64; 2]> {
    let middle = |corners: &Vec<[f64; 2]>| {
        [0, 1].map(|axis| {
            let all = || corners.iter().map(|corner| corner[axis]);
            (all().fold(f64::INFINITY, f64::min) + all().fold(f64::NEG_INFINITY, f64::max)) / 2.0
        })
    };
    subpaths(path.get("d")).iter().map(middle).collect()
}

#[test]
fn points_lie_where_their_numbers_say_and_one_unit_is_as_long_on_both_axes() {
    let corners = vec![[0.0, 0.0], [10.0, 0.0], [0.0, 4.0]];
    for segment in 0..7 {
        let all = drawn(&map(vec![group(segment, corners.clone())]));
        let path = all.iter().find(|e| e.has_class("dots")).unwrap();
        assert_eq!(path.get("data-s"), segment.to_string());
        assert_eq!(path.get("data-tip"), format!("segment {segment}\n3 of 30 rows drawn"));
        let found = middles(path);
        let extreme = |axis: usize, sign: f64| {
            let by = |a: &&[f64; 2], b: &&[f64; 2]| (sign * a[axis]).total_cmp(&(sign * b[axis]));
            **found.iter().max_by(by).as_ref().unwrap()
        };
        let [right, top, left] = [extreme(0, 1.0), extreme(1, -1.0), extreme(0, -1.0)];
        let (wide, high) = (right[0] - left[0], right[1] - top[1]);
        assert!((wide / high - 2.5).abs() < 0.02, "segment {segment}: {wide} {high}");
    }
}

#[test]
fn ten_thousand_points_take_less_than_200_kb_whatever_their_shapes() {
    // A lattice in a scrambled order, so that no two points are equal.
    let lattice = |n: usize| -> Vec<[f64; 2]> {
        (0..n).map(|i| i * 7919 % n).map(|i| [(i % 100) as f64, (i / 100) as f64]).collect()
    };
    for segment in 0..7 {
        let svg = map(vec![group(segment, lattice(10_000))]).svg(&CAPTION);
        assert!(svg.len() < 200_000, "segment {segment}: {}", svg.len());
        let all = elements(&svg);
        let paths = all.iter().filter(|e| e.has_class("dots"));
        let mut found: Vec<[i64; 2]> =
            paths.flat_map(middles).map(|m| m.map(|v| (10.0 * v).round() as i64)).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 10_000, "segment {segment}");
    }
    let twenty: Vec<PointGroup> = (0..20).map(|s| group(s, lattice(500))).collect();
    assert!(map(twenty).svg(&CAPTION).len() < 200_000);
}

#[test]
fn small_groups_are_drawn_above_large_ones() {
    let spread = |n: usize| (0..n).map(|i| [(i % 71) as f64, (i % 67) as f64]).collect();
    let all = drawn(&map(vec![group(0, spread(20)), group(1, spread(3000)), group(2, spread(700))]));
    let order: Vec<&str> = all.iter().filter(|e| e.has_class("dots")).map(|e| e.get("data-s")).collect();
    assert_eq!(order.last(), Some(&"0"));
    assert_eq!(order.first(), Some(&"1"));
    let last = |segment: &str| order.iter().rposition(|s| *s == segment);
    assert!(last("1") < last("2") && last("2") < last("0"), "{order:?}");
}

#[test]
fn points_that_are_not_numbers_are_left_out() {
    let points = vec![[1.0, 2.0], [f64::NAN, 1.0], [3.0, f64::INFINITY], [2.0, 1.0]];
    let all = drawn(&map(vec![group(0, points)]));
    assert_eq!(middles(all.iter().find(|e| e.has_class("dots")).unwrap()).len(), 2);
}

#[test]
fn a_boundary_goes_through_its_points() {
    // Named points are marks of their own, so their places can be read.
    let named = PointGroup {
        label: "answers".into(),
        paint: Paint::Group(0),
        rows: 4,
        points: vec![[1.0, 1.0], [3.0, 2.0], [0.0, 0.0], [6.0, 6.0]],
        names: ["first", "<second>", "third", "fourth"].map(String::from).to_vec(),
    };
    let chart = Scatter { boundary: Some(([1.0, 1.0], [3.0, 2.0], "worth it".into())), ..map(vec![named]) };
    let all = drawn(&chart);
    let dots: Vec<&Element> = all.iter().filter(|e| e.has_class("pin")).collect();
    assert_eq!(dots.len(), 4);
    assert_eq!(dots[1].get("data-tip"), "<second>\nanswers\nPC 1: 3\nPC 2: 2");
    let line = all.iter().find(|e| e.has_class("boundary")).unwrap();
    let [[x1, y1], [x2, y2]] = line.points[..] else { panic!() };
    for dot in &dots[..2] {
        let (x, y) = (dot.number("cx"), dot.number("cy"));
        assert!((y1 + (x - x1) / (x2 - x1) * (y2 - y1) - y).abs() < 0.3);
    }
    for word in ["worth it", "first", "<second>"] {
        assert!(texts(&all, "label").iter().any(|text| text == word), "{word}");
    }
}

#[test]
fn names_of_points_never_overlap() {
    let points: Vec<[f64; 2]> = (0..60).map(|i| [(i * 37 % 61) as f64, (i * i % 61) as f64]).collect();
    let names: Vec<String> = (0..60).map(|i| format!("answer {i}")).collect();
    let all = drawn(&map(vec![PointGroup { names, ..group(0, points) }]));
    let written: Vec<[f64; 2]> = all
        .iter()
        .filter(|e| e.tag == "text" && e.text.starts_with("answer"))
        .map(|e| [e.number("x"), e.number("y")])
        .collect();
    assert!(written.len() > 20, "{}", written.len());
    // No name is narrower than 40 pixels, nor lower than 12.
    for (i, a) in written.iter().enumerate() {
        for b in &written[..i] {
            assert!((a[0] - b[0]).abs() >= 40.0 || (a[1] - b[1]).abs() >= 12.0, "{a:?} {b:?}");
        }
    }
    assert_eq!(all.iter().filter(|e| e.has_class("pin")).count(), 60);
}

#[test]
fn the_table_of_points_has_named_points_and_the_middle_of_the_others() {
    let named = PointGroup {
        label: "centres".into(),
        rows: 1,
        points: vec![[1.5, 2.0]],
        names: vec!["A".into()],
        ..PointGroup::default()
    };
    let points = vec![[1.0, 10.0], [2.0, 30.0], [7.0, 20.0], [f64::NAN, 20.0]];
    let expected = [
        ["group", "rows", "points drawn", "PC 1 (median of the points)", "PC 2 (median of the points)"],
        ["segment 3", "40", "4", "2", "20"],
    ];
    let table = map(vec![group(3, points.clone())]).table();
    assert_eq!(cells(&table), expected.map(|row| row.map(String::from).to_vec()));
    let expected = [
        ["group", "point", "PC 1", "PC 2"],
        ["segment 3", "median of 4 points", "2", "20"],
        ["centres", "A", "1.5", "2"],
    ];
    let table = map(vec![group(3, points), named]).table();
    assert_eq!(cells(&table), expected.map(|row| row.map(String::from).to_vec()));
    assert_eq!(table.rows[0][0].paint, Some(Paint::Segment(3)));
}

fn crossed() -> Heatmap {
    let key = |label: &str, paint| Key { label: label.into(), paint };
    Heatmap {
        rows_are: "segment".into(),
        columns_are: "rule".into(),
        rows: vec![key("a <b>", Paint::Segment(0)), key("c", Paint::Segment(1))],
        columns: ["x", "y", "z"].map(|name| key(name, Paint::Plain)).to_vec(),
        values: vec![vec![Some(-2.0), Some(0.0), None], vec![Some(f64::NAN), Some(1.0), Some(2.0)]],
        unit: Unit::Number,
        shading: Shading::Diverging(2.0),
    }
}

#[test]
fn cells_are_shaded_by_their_values_and_have_them_as_text() {
    let all = drawn(&crossed());
    let tip =
        |text: &str| all.iter().filter(|e| e.tag == "path" && e.get("data-tip") == text).collect::<Vec<_>>();
    for (text, class) in [
        ("a <b> \u{d7} x\n-2", "v0"),
        ("a <b> \u{d7} y\n0", "v4"),
        ("c \u{d7} y\n1", "v6"),
        ("c \u{d7} z\n2", "v8"),
    ] {
        let found = tip(text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].has_class(class), "{text}: {}", found[0].get("class"));
    }
    assert_eq!(texts(&all, "cell-text"), ["-2", "0", "1", "2"]);
    // Cells of a line are side by side, and those of the next line below.
    let place = |text: &str| tip(text)[0].points[0];
    let [a, b, c] = ["a <b> \u{d7} x\n-2", "a <b> \u{d7} y\n0", "c \u{d7} y\n1"].map(place);
    assert!(a[1] == b[1] && a[0] < b[0] && b[0] == c[0] && b[1] < c[1]);
}

#[test]
fn the_table_of_a_heat_map_has_its_values_and_shades() {
    let table = crossed().table();
    let expected =
        [["segment", "x", "y", "z"], ["a <b>", "-2", "0", "\u{2013}"], ["c", "\u{2013}", "1", "2"]];
    assert_eq!(cells(&table), expected.map(|row| row.map(String::from).to_vec()));
    let shades = |row: usize| table.rows[row].iter().map(|datum| datum.shade).collect::<Vec<_>>();
    assert_eq!(shades(0), [None, Some(-1.0), Some(0.0), None]);
    assert_eq!(shades(1), [None, None, Some(0.5), Some(1.0)]);
    assert_eq!(table.rows[1][0].paint, Some(Paint::Segment(1)));
}

#[test]
fn a_heat_map_of_60_columns_has_all_cells_and_no_text_in_them() {
    let keys = |n: usize| (0..n).map(|i| Key { label: format!("column {i}"), ..Key::default() }).collect();
    let square = |n: usize| Heatmap {
        rows: keys(n),
        columns: keys(n),
        values: vec![vec![Some(0.5); n]; n],
        unit: Unit::Score,
        ..crossed()
    };
    let all = drawn(&square(60));
    within(&all);
    let cells = |all: &[Element]| all.iter().filter(|e| e.get("data-tip").contains('\u{d7}')).count();
    assert_eq!(cells(&all), 3600);
    assert!(texts(&all, "cell-text").is_empty());
    // Of a larger one, the first lines and columns are drawn, and this is said.
    let all = drawn(&square(150));
    assert_eq!(cells(&all), 120 * 120);
    assert_eq!(texts(&all, "note"), ["the first 120 of 150 lines", "the first 120 of 150 columns"]);
}

fn leaf(label: &str, segment: u32, size: u64) -> Node {
    Node { size, label: label.into(), paint: Paint::Segment(segment), ..Node::default() }
}

fn merge(height: f64, children: Vec<Node>) -> Node {
    let size = children.iter().map(|child| child.size).sum();
    Node { height, size, children, ..Node::default() }
}

fn tree() -> Dendrogram {
    let pair = merge(10.0, vec![leaf("b", 1, 200), leaf("c", 2, 1)]);
    Dendrogram {
        axis: titled("distance", Unit::Number),
        root: merge(40.0, vec![leaf("a", 0, 1000), pair]),
        cut: Some((10.0, Some(40.0))),
    }
}

#[test]
fn merges_lie_at_their_heights_and_say_them() {
    let all = drawn(&tree());
    let uprights: Vec<&Element> = all.iter().filter(|e| e.has_class("branch")).collect();
    let [root, pair] = uprights[..] else { panic!("{uprights:?}") };
    assert_eq!(root.get("data-tip"), "distance: 40\n1,201 rows in 3 leaves");
    assert_eq!(pair.get("data-tip"), "distance: 10\n201 rows in 2 leaves");
    let x = |e: &Element| e.points.iter().map(|p| p[0]).fold(f64::INFINITY, f64::min);
    // The leaves' lines end at height 0, on the right.
    let ends = all.iter().filter(|e| e.has_class("s2") && e.tag == "path");
    let zero = ends.flat_map(|e| e.points.iter().map(|p| p[0])).fold(0.0, f64::max);
    assert!(((zero - x(root)) / (zero - x(pair)) - 4.0).abs() < 0.02);
    let band = all.iter().find(|e| e.has_class("band")).unwrap();
    assert!((band.number("x") - x(root)).abs() < 0.1);
    assert!((band.number("x") + band.number("width") - x(pair)).abs() < 0.15);
    assert!(texts(&all, "label").contains(&"the cut".to_string()));
    // The lower merge hangs at the root's lower end, in the middle of its own leaves.
    let ys = |e: &Element| e.points.iter().map(|p| p[1]).fold(f64::NEG_INFINITY, f64::max);
    assert!(ys(pair) > ys(root));
}

#[test]
fn the_table_of_a_dendrogram_has_leaves_and_merges() {
    let expected = [
        ["cluster", "parts", "distance", "rows"],
        ["merge 2", "a + merge 1", "40", "1,201"],
        ["a", "", "0", "1,000"],
        ["merge 1", "b + c", "10", "201"],
        ["b", "", "0", "200"],
        ["c", "", "0", "1"],
    ];
    assert_eq!(cells(&tree().table()), expected.map(|row| row.map(String::from).to_vec()));
}

#[test]
fn a_chain_of_thousands_of_merges_is_drawn() {
    let chain = (1..3000u32)
        .fold(leaf("first", 0, 1), |tree, i| merge(f64::from(i), vec![tree, leaf("next", i % 20, 1)]));
    let chart = Dendrogram { root: chain, ..tree() };
    within(&drawn(&chart));
    assert_eq!(chart.table().rows.len(), 2 * 2999 + 1);
}
