//! The charts that the recipe asks for.

use crate::analysis::{ChartFound, ChartShows, Shape};
use crate::report::chart::{BoxRow, Boxes, Chart, Lines, Paint, Scatter, Series, Unit};
use crate::report::figures::{count, whole};
use crate::report::page::content::{Block, Figure};
use crate::report::page::facts::Facts;
use crate::report::page::sections::parts::{RECIPE_CHARTS, axis, groups, points_each};

/// How many boxes a chart has at most.
const BOXES: usize = 40;

/// The charts in the recipe's order.
pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let charts = facts.outcome.pictures.as_ref().map_or(&[][..], |pictures| &pictures.charts);
    let drawn = charts.iter().take(RECIPE_CHARTS).enumerate();
    let mut blocks: Vec<Block> = drawn.map(|(i, one)| Block::Chart(figure(facts, one, i + 1))).collect();
    let left = charts.len().saturating_sub(RECIPE_CHARTS);
    if left > 0 {
        let text = format!("{} of the recipe are in metrics.json only.", count(left, "further chart"));
        blocks.push(Block::Note(text));
    }
    blocks
}

fn figure(facts: &Facts<'_>, found: &ChartFound, place: usize) -> Figure {
    let (drawing, desc, note): (Box<dyn Chart>, String, String) = match &found.shows {
        ChartShows::Scatter { x, y, colour, beyond, groups: all } => {
            let scatter = Scatter {
                x: axis(x.as_str(), Unit::Number),
                y: axis(y.as_str(), Unit::Number),
                equal: false,
                numbers: true,
                groups: groups(facts, all, points_each(facts), [0, 1], colour.is_none()),
                boundary: None,
            };
            let points: usize = scatter.groups.iter().map(|group| group.points.len()).sum();
            let rows: u64 = all.iter().map(|group| group.rows).sum();
            let beyond = match beyond {
                0 => String::new(),
                n => format!(" {} more lie beyond the axes.", count(*n as usize, "row")),
            };
            let note = format!("{} of {} rows are drawn.{beyond}", whole(points as u64), whole(rows));
            (Box::new(scatter), format!("Rows by {x} and {y}, as points."), note)
        }
        ChartShows::Boxes { of, by, boxes } => {
            let drawn = boxes.iter().filter_map(|(label, shape)| row(label, shape));
            let chart = Boxes {
                axis: axis(of.as_str(), Unit::Number),
                what: by.clone(),
                rows: drawn.take(BOXES).collect(),
            };
            let note = "A box holds the middle half of the values, the line in it is the median, and the whiskers end at the \
                        5 % and 95 % quantiles.";
            (Box::new(chart), format!("The values of {of} for each {by}."), note.into())
        }
        ChartShows::Curve { x, y, points } => {
            let series = Series {
                label: y.clone(),
                paint: Paint::Plain,
                points: points.iter().map(|[x, y]| (*x, Some(*y).filter(|y| y.is_finite()))).collect(),
                errors: Vec::new(),
                smooth: true,
            };
            let lines = Lines {
                x: axis(x.as_str(), Unit::Number),
                y: axis(y.as_str(), Unit::Number),
                series: vec![series],
                marks: Vec::new(),
            };
            (Box::new(lines), format!("{y} as a function of {x}."), String::new())
        }
    };
    let figure = Figure::new(format!("chart-{place}"), found.title.as_str(), &desc, drawing.as_ref());
    if note.is_empty() { figure } else { figure.with_note(note) }
}

fn row(label: &str, shape: &Shape) -> Option<BoxRow> {
    let [low, q1, median, q3, high] = shape.quantiles?;
    Some(BoxRow {
        label: label.into(),
        paint: Paint::Plain,
        count: shape.count,
        low,
        q1,
        median,
        q3,
        high,
        mean: shape.mean,
    })
}
