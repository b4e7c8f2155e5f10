//! Small helpers that several sections share.

use crate::analysis::{ChartShows, MapFound, Points};
use crate::cluster::Method;
use crate::report::chart::{Axis, DataTable, Datum, Key, Paint, PointGroup, Unit};
use crate::report::page::content::{Block, Figure, Table};
use crate::report::page::facts::Facts;

/// How many points the first map has at most.
pub(super) const FIRST_MAP: usize = 5_000;
/// How many points all other charts of the page have at most, taken together.
const OTHER_POINTS: usize = 5_000;
/// How many other views of maps are drawn.
const MORE_VIEWS: usize = 9;
/// How many of the recipe's charts are drawn.
pub(super) const RECIPE_CHARTS: usize = 24;
/// The most lines and columns of a heat map.
pub(super) const CELLS: usize = 40;

/// An axis.
pub(super) fn axis(title: impl Into<String>, unit: Unit) -> Axis {
    Axis { title: title.into(), unit, log: false, zero: false }
}

/// A table of the page.
pub(super) fn table(id: &str, caption: &str, columns: &[(&str, bool)], rows: Vec<Vec<Datum>>) -> Block {
    let columns = columns.iter().map(|(name, number)| ((*name).to_string(), *number)).collect();
    let data = DataTable { columns, rows };
    Block::Table(Table { id: id.into(), caption: caption.into(), note: None, data })
}

/// A number as a cell, or a dash.
pub(super) fn datum(value: Option<f64>, unit: &Unit) -> Datum {
    value
        .filter(|value| value.is_finite())
        .map_or_else(Datum::missing, |value| Datum::number(value, unit.format(value)))
}

/// A chart with how to read it.
pub(super) fn chart(figure: Figure, note: &str) -> Block {
    Block::Chart(figure.with_note(note))
}

/// A name without a colour.
pub(super) fn plain(label: impl Into<String>) -> Key {
    Key { label: label.into(), paint: Paint::Plain }
}

/// What people call a method: its name in the recipe, or the usual one if it has none of its own.
pub(super) fn called(name: &str) -> String {
    Method::named(name).map_or_else(|| name.to_string(), |method| method.title().to_string())
}

/// A text that begins with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What is drawn of the maps: each map's pairs of components, the first of all first, and how many there are that are not drawn.
pub(super) fn views(maps: &[MapFound]) -> (Vec<(usize, [usize; 2])>, usize) {
    let pairs = |axes: usize| (0..axes).flat_map(move |a| (a + 1..axes).map(move |b| [a, b]));
    let all =
        maps.iter().enumerate().flat_map(|(map, found)| pairs(found.axes.len()).map(move |pair| (map, pair)));
    let mut all: Vec<(usize, [usize; 2])> = all.collect();
    let left = all.len().saturating_sub(MORE_VIEWS + 1);
    all.truncate(MORE_VIEWS + 1);
    (all, left)
}

/// How many points each chart after the first map may have.
pub(super) fn points_each(facts: &Facts<'_>) -> usize {
    let Some(pictures) = &facts.outcome.pictures else { return OTHER_POINTS };
    let views = views(&pictures.maps).0.len().saturating_sub(1);
    let charts = pictures.charts.iter().take(RECIPE_CHARTS);
    let scatters = charts.filter(|chart| matches!(chart.shows, ChartShows::Scatter { .. })).count();
    OTHER_POINTS / (views + pictures.methods.len() + scatters).max(1)
}

/// How many of `all` points are drawn of each group, no more than `room` together. A group with points keeps at least one
/// unless there are more groups than room.
fn shared(all: &[usize], room: usize) -> Vec<usize> {
    let total: usize = all.iter().sum();
    if total <= room {
        return all.to_vec();
    }
    let filled = all.iter().filter(|&&n| n > 0).count();
    let rest = room.saturating_sub(filled) as u128;
    let mut left = room;
    all.iter()
        .map(|&n| {
            let own = if n == 0 { 0 } else { 1 + ((n - 1) as u128 * rest / total as u128) as usize };
            let own = own.min(left);
            left -= own;
            own
        })
        .collect()
}

/// The groups of a scatter plot with at most `room` points, by two of their coordinates. `by_segment` says whether groups
/// without a segment are mere background. Lists of points are in random order, so the first ones are a sample.
pub(super) fn groups(
    facts: &Facts<'_>,
    all: &[Points],
    room: usize,
    axes: [usize; 2],
    by_segment: bool,
) -> Vec<PointGroup> {
    let counts: Vec<usize> = all.iter().map(|group| group.points.len()).collect();
    let mut others = 0;
    all.iter()
        .zip(shared(&counts, room))
        .map(|(group, n)| {
            let key = match (group.segment, &group.label) {
                (Some(segment), _) => facts.segment(segment),
                (None, label) => {
                    let paint = if by_segment { Paint::Whole } else { Paint::Group(others) };
                    others += 1;
                    Key { label: label.clone().unwrap_or_else(|| "no value".into()), paint }
                }
            };
            let at = |point: &Vec<f64>, axis: usize| point.get(axes[axis]).copied();
            let drawn = group.points.iter().enumerate().take(n);
            let kept: Vec<(usize, [f64; 2])> =
                drawn.filter_map(|(i, point)| Some((i, [at(point, 0)?, at(point, 1)?]))).collect();
            let name = |(i, _): &(usize, [f64; 2])| group.names.get(*i).cloned();
            let names: Option<Vec<String>> = kept.iter().map(name).collect();
            PointGroup {
                label: key.label,
                paint: key.paint,
                rows: group.rows,
                names: names.unwrap_or_default(),
                points: kept.into_iter().map(|(_, point)| point).collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{capital, shared};

    #[test]
    fn points_are_shared_out_within_the_room() {
        assert_eq!(shared(&[3, 4], 10), [3, 4]);
        let cut = shared(&[9_000, 900, 0, 1], 100);
        assert!(cut.iter().sum::<usize>() <= 100, "{cut:?}");
        assert!(cut[0] > cut[1] && cut[1] > 1, "{cut:?}");
        assert_eq!((cut[2], cut[3]), (0, 1), "a small group stays, an empty one stays empty");
        assert!(shared(&[5, 5, 5], 2).iter().sum::<usize>() <= 2);
    }

    #[test]
    fn sentences_begin_with_a_capital() {
        assert_eq!(capital("émigrés came"), "Émigrés came");
        assert_eq!(capital(""), "");
    }
}
