//! The charts that the recipe asks for.

use super::map::BORDER;
use super::parts::{RECIPE_CHARTS, axis, groups, points_each};
use crate::analysis::{ChartFound, ChartShows, Shape};
use crate::report::chart::{BoxRow, Boxes, Chart, Lines, Paint, Scatter, Series};
use crate::report::figures::{count, whole};
use crate::report::page::content::{Block, Figure};
use crate::report::page::facts::Facts;

/// How many boxes a chart has at most.
const BOXES: usize = 40;

/// The charts in the recipe's order: those of the rows in a layout, which belong to the map, or all others.
pub(super) fn figures(facts: &Facts<'_>, of_layout: bool) -> Vec<Figure> {
    let Some(pictures) = &facts.outcome.pictures else { return Vec::new() };
    let mapped = pictures.maps.first().is_some_and(|map| map.axes.len() >= 2);
    let belongs = |found: &ChartFound| {
        let in_layout = matches!(found.shows, ChartShows::Scatter { layout: Some(_), .. });
        (mapped && in_layout) == of_layout
    };
    let drawn = pictures.charts.iter().take(RECIPE_CHARTS).enumerate().filter(|(_, one)| belongs(one));
    drawn.map(|(i, one)| figure(facts, one, i + 1)).collect()
}

/// How many charts of the recipe are not drawn.
pub(super) fn left(facts: &Facts<'_>) -> Option<Block> {
    let charts = facts.outcome.pictures.as_ref().map_or(0, |pictures| pictures.charts.len());
    let left = charts.checked_sub(RECIPE_CHARTS).filter(|left| *left > 0)?;
    let text = format!("{} of the recipe are in metrics.json only.", count(left, "further chart"));
    Some(Block::Note(text))
}

fn figure(facts: &Facts<'_>, found: &ChartFound, place: usize) -> Figure {
    let (drawing, desc, note): (Box<dyn Chart>, String, String) = match &found.shows {
        ChartShows::Scatter { x, y, colour, layout, boundary, beyond, groups: all } => {
            let scatter = Scatter {
                x: axis(x.as_str(), facts.unit(x)),
                y: axis(y.as_str(), facts.unit(y)),
                equal: layout.is_some(),
                numbers: layout.as_deref() != Some("umap"),
                groups: groups(facts, all, points_each(facts), [0, 1], colour.is_none()),
                boundary: boundary.as_ref().map(|line| (line.from, line.to, BORDER.into())),
            };
            let note = match beyond {
                0 => String::new(),
                1 => "1 more row lies beyond the end of an axis.".into(),
                n => format!("{} more rows lie beyond the end of an axis.", whole(*n)),
            };
            (Box::new(scatter), format!("Rows by {x} and {y}, as points."), note)
        }
        ChartShows::Boxes { of, by, boxes } => {
            let drawn = boxes.iter().filter_map(|(label, shape)| row(label, shape));
            let chart = Boxes {
                axis: axis(of.as_str(), facts.unit(of)),
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
                x: axis(x.as_str(), facts.unit(x)),
                y: axis(y.as_str(), facts.unit(y)),
                series: vec![series],
                marks: Vec::new(),
            };
            (Box::new(lines), format!("The mean of {y} at each value of {x}."), String::new())
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
