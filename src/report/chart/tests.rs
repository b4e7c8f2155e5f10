//! Whatever the labels and numbers, a drawing is well-formed XML and nothing of it leaves the viewBox.

mod drawn;

use super::palette::{Hatch, Palette, Shape};
use super::*;
use drawn::{Drawn, Item, read};
use proptest::prelude::*;

const CAPTION: Caption<'static> =
    Caption { id: "shares-1", title: "Shares <of> \"all\" & others", desc: "What's in it", narrow: false };

/// Draws a chart, checks the drawing and the file made of it, and compares the table's lines with its columns.
fn sound(chart: &dyn Chart) -> Drawn {
    let svg = chart.svg(&CAPTION);
    let drawn = read(&svg);
    drawn.check();
    read(&svg::stand_alone(&svg, &Palette::default().css())).check();
    read(&chart.svg(&Caption { narrow: true, ..CAPTION })).check();
    let table = chart.table();
    assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    assert!(table.columns.iter().all(|(title, _)| !title.is_empty()));
    drawn
}

fn labels() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ]{0,12}",
        Just("<script>alert(1)</script>".to_string()),
        Just("]]> \"'& --> &amp; \u{0} \u{202e} \u{fffe} \n\t".to_string()),
        Just("\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}".repeat(4)),
        Just("\u{1f469}\u{200d}\u{1f467} \u{1f389}".repeat(9)),
        Just("W".repeat(300)),
        ".{0,40}",
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -100.0..100.0f64,
        2 => 0.0..1.0f64,
        1 => prop::sample::select(vec![
            0.0, -0.0, 1e15, -1e15, 1e-12, 5e-324, 1e300, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY,
            999_999.5, 1e9,
        ]),
    ]
}

fn paints() -> impl Strategy<Value = Paint> {
    prop_oneof![
        (0u32..45).prop_map(Paint::Segment),
        (0usize..25).prop_map(Paint::Group),
        Just(Paint::Plain),
        Just(Paint::Whole),
    ]
}

fn axes() -> impl Strategy<Value = Axis> {
    let units = prop::sample::select(vec![
        Unit::Number,
        Unit::Count,
        Unit::Share,
        Unit::Points,
        Unit::Score,
        Unit::Year,
    ]);
    (labels(), units, any::<bool>(), any::<bool>()).prop_map(|(title, unit, log, zero)| Axis {
        title,
        unit,
        log,
        zero,
    })
}

fn bars() -> impl Strategy<Value = Bar> {
    let numbers_of_a_bar = (
        prop::option::weighted(0.8, numbers()),
        prop::option::of((numbers(), numbers())),
        prop::option::of(numbers()),
    );
    (labels(), paints(), numbers_of_a_bar, prop::option::of(labels())).prop_map(
        |(label, paint, (value, interval, reference), note)| Bar {
            label,
            paint,
            value,
            interval,
            reference,
            note,
        },
    )
}

proptest! {
    #[test]
    fn bars_stay_inside(
        axis in axes(),
        dots in any::<bool>(),
        (what, reference, interval) in ("[a-z]{1,9}", prop::option::of(labels()), prop::option::of(labels())),
        bars in prop::collection::vec(bars(), 0..20),
        limits in prop::collection::vec((numbers(), labels()), 0..4),
    ) {
        let form = if dots { Form::Dots } else { Form::Bars };
        let [reference, interval] = [reference, interval].map(|name| name.filter(|name| !name.is_empty()));
        sound(&Bars { axis, form, what, bars, reference, interval, limits });
    }

    #[test]
    fn boxes_stay_inside(
        axis in axes(),
        rows in prop::collection::vec((labels(), paints(), prop::array::uniform6(numbers()), any::<u64>()), 0..20),
    ) {
        let row = |(label, paint, numbers, count): (String, Paint, [f64; 6], u64)| {
            let [low, q1, median, q3, high, mean] = numbers;
            BoxRow { label, paint, count, low, q1, median, q3, high, mean: Some(mean) }
        };
        sound(&Boxes { axis, what: "segment".into(), rows: rows.into_iter().map(row).collect() });
    }

    #[test]
    fn histograms_stay_inside(
        axis in axes(),
        edges in prop::collection::vec(numbers(), 0..12),
        layers in prop::collection::vec((labels(), paints(), prop::collection::vec(numbers(), 0..12)), 0..6),
        beyond in (numbers(), numbers()),
    ) {
        let layer = |(label, paint, shares): (String, Paint, Vec<f64>)| {
            Layer { label: format!("{label}."), paint, count: 7, shares }
        };
        let layers = layers.into_iter().map(layer).collect();
        sound(&Histogram { axis, edges, layers, beyond });
    }

    #[test]
    fn paired_bars_stay_inside(
        (left, right) in (labels(), labels()),
        lines in prop::collection::vec((labels(), paints(), numbers(), numbers()), 0..20),
        groups in prop::collection::vec(labels(), 0..12),
    ) {
        let line = |(label, paint, overall, share)| PairedLine { label, paint, overall, share };
        let lines = lines.into_iter().map(line).collect();
        sound(&Paired { left: format!("{left}."), right, lines, groups });
    }

    #[test]
    fn stacked_bars_stay_inside(
        parts in prop::collection::vec(labels(), 0..12),
        ordered in any::<bool>(),
        paint in prop::option::of(paints()),
        rows in prop::collection::vec((labels(), paints(), prop::collection::vec(numbers(), 0..12), any::<u64>()), 0..8),
    ) {
        let paints = paint.map(|paint| vec![paint; parts.len()]).unwrap_or_default();
        let row = |(label, paint, shares, count)| StackedRow { label, paint, count, shares };
        let parts = parts.into_iter().map(|part| format!("{part}.")).collect();
        let rows = rows.into_iter().map(row).collect();
        sound(&Stacked { what: "segment".into(), parts, paints, ordered, rows });
    }

    #[test]
    fn ticks_are_few_round_and_in_order(axis in axes(), values in prop::collection::vec(numbers(), 0..9)) {
        for scale in [
            axis::Scale::across(&axis, values.iter().copied(), 100.0, 700.0),
            axis::Scale::upward(&axis, values.iter().copied(), 300.0, 10.0),
        ] {
            prop_assert!((1..=13).contains(&scale.ticks.len()), "{:?}", scale.ticks);
            prop_assert!(scale.ticks.windows(2).all(|pair| pair[0].0 < pair[1].0), "{:?}", scale.ticks);
            let labels: Vec<&str> = scale.ticks.iter().map(|(_, label)| label.as_str()).collect();
            prop_assert!(labels.iter().all(|label| !label.is_empty() && label.len() < 30), "{labels:?}");
            prop_assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{labels:?}");
            // Neighbours are 1, 2 or 5 times a power of ten apart; on a logarithmic axis, they are such numbers themselves.
            let steps: Vec<f64> = match axis.log && values.iter().any(|v| v.is_finite() && *v > 1e-290) {
                true => scale.ticks.iter().map(|tick| tick.0).collect(),
                false => scale.ticks.windows(2).map(|pair| pair[1].0 - pair[0].0).collect(),
            };
            for step in steps {
                let text = format!("{step:.2e}");
                prop_assert!(["1.00e", "2.00e", "5.00e"].iter().any(|round| text.starts_with(round)), "{step}");
            }
            let [low, high] = scale.span();
            for value in values.iter().filter(|v| **v == 0.0 || (1e-290..1e290).contains(&v.abs())) {
                if let Some(place) = scale.place(*value) {
                    prop_assert!((10.0..=700.0).contains(&place));
                    let slack = 1e-6 * (high - low);
                    prop_assert!(*value >= low - slack && *value <= high + slack, "{value} {low} {high}");
                }
            }
        }
    }
}

fn simple_bar(value: f64) -> Bar {
    Bar { label: format!("bar {value}"), value: Some(value), paint: Paint::Segment(3), ..Bar::default() }
}

#[test]
fn bars_are_as_long_as_their_values() {
    let bars = Bars {
        axis: Axis { title: "rows".into(), unit: Unit::Count, ..Axis::default() },
        what: "segment".into(),
        bars: [100.0, 50.0, -25.0].map(simple_bar).to_vec(),
        ..Bars::default()
    };
    let drawn = sound(&bars);
    let rects: Vec<[f64; 2]> =
        drawn.marks("rect").map(|m| ["x", "width"].map(|name| m.number(name))).collect();
    let [[x, long], [_, half], [left, quarter]] = rects[..] else { panic!("{rects:?}") };
    assert!((long / half - 2.0).abs() < 0.01 && (long / quarter - 4.0).abs() < 0.01, "{rects:?}");
    assert!((left + quarter - x).abs() < 0.2, "{rects:?}");
    let first = drawn.marks("rect").next().unwrap();
    assert_eq!(first.attribute("data-s"), Some("3"));
    assert_eq!(first.attribute("data-tip"), Some("bar 100&#10;rows: 100"));
    let values: Vec<&str> = drawn.with_class("value").map(Item::text).collect();
    assert_eq!(values, ["100", "50", "-25"]);
}

#[test]
fn names_stand_above_the_marks_of_a_narrow_drawing() {
    let mut bar = simple_bar(100.0);
    bar.label = "a long name that would leave a narrow bar no room".into();
    bar.note = Some("so few".into());
    let bars = Bars { what: "segment".into(), bars: vec![bar, simple_bar(50.0)], ..Bars::default() };
    let drawn = read(&bars.svg(&Caption { narrow: true, ..CAPTION }));
    let widths: Vec<f64> = drawn.marks("rect").map(|m| m.number("width")).collect();
    assert!(widths[0] > 250.0 && (widths[0] / widths[1] - 2.0).abs() < 0.01, "{widths:?}");
    assert_eq!(drawn.texts().filter(|text| *text == "so few").count(), 1);
    let label = drawn.with_class("label").next().unwrap();
    let top = drawn.marks("rect").next().unwrap().number("y");
    assert!(label.number("y") < top, "the name is above the bar");
}

#[test]
fn an_axis_of_counts_has_nothing_below_0_and_scores_show_their_whole_range() {
    let layer = Layer { label: "all".into(), count: 9, shares: vec![0.5, 0.3, 0.2], ..Layer::default() };
    let axis = Axis { title: "visits".into(), ..Axis::default() };
    let edges = vec![-0.5, 9.5, 19.5, 29.5];
    let counts = Histogram { axis, edges, layers: vec![layer], ..Histogram::default() };
    let ticks = |chart: &dyn Chart| {
        sound(chart).with_class("tick").map(|tick| tick.text().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ticks(&counts).first().unwrap(), "0");
    let axis = Axis { title: "adjusted Rand index".into(), unit: Unit::Score, ..Axis::default() };
    let dots = [0.992, 0.998].map(simple_bar).to_vec();
    let scores = Bars { axis, form: Form::Dots, what: "cohort".into(), bars: dots, ..Bars::default() };
    let shown = ticks(&scores);
    assert_eq!((shown.first().unwrap().as_str(), shown.last().unwrap().as_str()), ("0", "1.0"));
}

#[test]
fn years_have_no_separator() {
    assert_eq!(Unit::of(&[1998.0, 2015.0, 2020.0]), Unit::Year);
    for others in [&[1998.5, 2015.0][..], &[12.0, 2015.0], &[]] {
        assert_eq!(Unit::of(others), Unit::Number);
    }
    assert_eq!([2017.46, 2001.0].map(|year| Unit::Year.format(year)), ["2017.5", "2001"]);
    let scale =
        axis::Scale::across(&Axis { unit: Unit::Year, ..Axis::default() }, [1995.0, 2020.0], 0.0, 700.0);
    assert!(scale.ticks.iter().all(|(year, label)| *label == format!("{year}")), "{:?}", scale.ticks);
}

#[test]
fn columns_that_tell_nothing_are_dropped() {
    let columns = ["method", "median", "remark", "rows"].map(|title| (title.to_string(), false)).to_vec();
    let row =
        |remark: &str| vec![Datum::text(""), Datum::missing(), Datum::text(remark), Datum::number(0.0, "0")];
    let mut table = DataTable { columns: columns.clone(), rows: vec![row(""), row("")] };
    table.drop_empty_columns();
    let left: Vec<&str> = table.columns.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(left, ["method", "rows"]);
    assert!(table.rows.iter().all(|row| row.len() == 2 && row[1].value == Some(0.0)));
    let mut table = DataTable { columns, rows: vec![row(""), row("did not converge")] };
    table.drop_empty_columns();
    assert_eq!(table.columns.len(), 3, "one remark keeps the column");
    let mut empty = DataTable { columns: table.columns.clone(), rows: Vec::new() };
    empty.drop_empty_columns();
    assert_eq!(empty.columns.len(), 3);
}

#[test]
fn a_chart_without_marks_says_so() {
    let charts: [&dyn Chart; 5] = [
        &Bars { what: "x".into(), ..Bars::default() },
        &Boxes { what: "x".into(), ..Boxes::default() },
        &Histogram::default(),
        &Paired { left: "x".into(), right: "x".into(), ..Paired::default() },
        &Stacked { what: "x".into(), ..Stacked::default() },
    ];
    for chart in charts {
        assert_eq!(sound(chart).texts().collect::<Vec<_>>(), ["nothing to draw"]);
    }
}

#[test]
fn a_missing_number_is_said() {
    let nothing = Bar { value: None, ..simple_bar(1.0) };
    let infinite = Bar { value: Some(f64::INFINITY), note: Some("too few".into()), ..simple_bar(1.0) };
    let bars = Bars { what: "x".into(), bars: vec![simple_bar(1.0), nothing, infinite], ..Bars::default() };
    let notes = |chart: &dyn Chart| {
        let drawn = sound(chart);
        drawn.with_class("note").map(|note| note.text().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(notes(&bars), ["no value", "no value, too few"]);
    let line = PairedLine { overall: 0.5, share: f64::NAN, ..PairedLine::default() };
    let pair = Paired { left: "all".into(), lines: vec![line], ..Paired::default() };
    assert_eq!(notes(&pair), ["no value"]);
}

#[test]
fn segments_beyond_the_tenth_have_a_pattern_of_this_drawing() {
    let bar = |segment| Bar { paint: Paint::Segment(segment), ..simple_bar(1.0) };
    let bars = Bars { what: "segment".into(), bars: vec![bar(9), bar(10), bar(21)], ..Bars::default() };
    let svg = bars.svg(&CAPTION);
    for (part, times) in [("url(#shares-1-diagonals)", 1), ("url(#shares-1-dots)", 1), ("<pattern", 2)] {
        assert_eq!(svg.matches(part).count(), times, "{part} in {svg}");
    }
}

#[test]
fn twenty_segments_look_different() {
    let css = Palette::default();
    let looks: Vec<_> =
        (0..20).map(|s| (css.ink(s), Hatch::of(Paint::Segment(s)), Shape::of(Paint::Segment(s)))).collect();
    for (i, (colours, hatch, shape)) in looks.iter().enumerate() {
        for (other_colours, other_hatch, other_shape) in &looks[..i] {
            let same_light = colours.0 == other_colours.0 || colours.1 == other_colours.1;
            assert!(!same_light || (hatch != other_hatch && shape != other_shape), "segment {i}");
        }
    }
}

#[test]
fn parts_of_a_stack_fill_it() {
    let row =
        StackedRow { label: "all".into(), shares: vec![0.5, 0.25, 0.25], count: 8, ..StackedRow::default() };
    let parts = ["often", "rarely", "never"].map(String::from).to_vec();
    let stack = Stacked { what: "group".into(), parts, ordered: true, rows: vec![row], ..Stacked::default() };
    let drawn = sound(&stack);
    let cells: Vec<[f64; 2]> =
        drawn.with_class("cell").map(|m| ["x", "width"].map(|name| m.number(name))).collect();
    let [[x, half], [y, quarter], [z, last]] = cells[..] else { panic!("{cells:?}") };
    assert!((half / quarter - 2.0).abs() < 0.01 && (x + half - y).abs() < 0.11, "{cells:?}");
    assert!((quarter - last).abs() < 0.11 && (y + quarter - z).abs() < 0.11, "{cells:?}");
    assert_eq!(drawn.texts().filter(|t| ["50 %", "25 %"].contains(t)).count(), 3);
}

#[test]
fn a_file_of_its_own_has_colours_without_the_style_sheet() {
    let bars = Bars { what: "segment".into(), bars: vec![simple_bar(1.0)], ..Bars::default() };
    let palette = Palette { segments: vec![None, None, None, Some("#2a6d8f".into())] };
    let file = svg::stand_alone(&bars.svg(&CAPTION), &palette.css());
    let drawn = read(&file);
    assert_eq!(drawn.marks("rect").next().unwrap().attribute("fill"), Some("#2a6d8f"));
    let grid = drawn.with_class("grid").next().unwrap();
    assert_eq!(grid.attribute("fill"), Some("none"));
    assert_eq!(grid.attribute("stroke-width"), None, "a line of the grid is no mark that is a line");
    assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\""), "{file}");
    assert!(file.contains("prefers-color-scheme:dark"));
}
