//! Takes out of what is drawn what would tell about a few rows.

use super::HIDDEN;
use super::blunt::{to_unit, unit, unit_of};
use super::judge::Judge;
use crate::analysis::{ChartShows, Distribution, MapFound, Members, Pictures, Points, Shape};
use crate::profile::Profile;
use crate::questions::Cell;

/// So many empty bins in a row separate values from the others.
const GAP: usize = 3;

pub(super) fn of_pictures(pictures: &mut Pictures, profile: Option<&Profile>, ids: bool, judge: &mut Judge) {
    pictures.maps.iter_mut().for_each(|map| of_map(map, ids, judge));
    pictures.methods.iter_mut().for_each(|one| of_map(&mut one.map, ids, judge));
    // Those of keys are ids.
    pictures.distributions.retain(|one| !judge.is_key(&one.column));
    for one in &mut pictures.distributions {
        of_distribution(one, judge);
        if judge.tells_the_rest() {
            let unit = unit_of(profile, &one.column);
            let shapes = std::iter::once(&mut one.all).chain(&mut one.segments);
            shapes.for_each(|shape| shape.mean = shape.mean.map(|mean| to_unit(mean, unit)));
        }
    }
    if let Some(members) = &mut pictures.members {
        of_members(members, profile, judge);
    }
    for chart in &mut pictures.charts {
        match &mut chart.shows {
            ChartShows::Scatter { colour, groups, .. } => {
                of_points(groups, ids, judge);
                for group in groups {
                    if let (Some(column), Some(label)) = (&colour, &mut group.label)
                        && judge.hides(column, label, group.rows as f64)
                    {
                        *label = HIDDEN.into();
                    }
                }
            }
            ChartShows::Boxes { of, by, boxes } => {
                let key = judge.is_key(of);
                boxes.retain(|(label, shape)| !key && !judge.hides(by, label, shape.count as f64));
                boxes.iter_mut().for_each(|(_, shape)| of_quantiles(shape, judge));
            }
            ChartShows::Curve { .. } => {}
        }
    }
}

fn of_map(map: &mut MapFound, ids: bool, judge: &mut Judge) {
    of_points(&mut map.groups, ids, judge);
}

/// Takes out the points of groups of few rows. Whoever sees one of them on a map and knows the others finds the person.
fn of_points(groups: &mut [Points], ids: bool, judge: &mut Judge) {
    let mut undrawn = 0;
    for group in groups {
        if judge.is_few(group.rows) && !group.points.is_empty() {
            undrawn += group.rows;
            group.points.clear();
        }
        if !ids || group.points.is_empty() {
            group.names.clear();
        }
    }
    judge.undrawn(undrawn);
}

fn of_distribution(found: &mut Distribution, judge: &Judge) {
    let rows = found.all.count;
    for share in [&mut found.beyond.0, &mut found.beyond.1] {
        if judge.is_cell(*share * rows as f64) {
            *share = 0.0;
        }
    }
    if !judge.shows_quantile(0.01, rows) {
        found.edges = rounded(&found.edges, found.log);
    }
    of_shape(&mut found.all, judge);
    found.segments.iter_mut().for_each(|shape| of_shape(shape, judge));
}

/// The edges of bins with fewer digits, because the first and the last one are values of a few rows.
fn rounded(edges: &[f64], log: bool) -> Vec<f64> {
    let width = edges.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    // Between whole numbers the edges are halves.
    let halves = edges.iter().all(|edge| (edge + 0.5).fract() == 0.0);
    let new: Vec<f64> = edges
        .iter()
        .map(|&edge| {
            let unit = unit(if log { edge.abs() / 20.0 } else { width / 2.0 });
            if unit > 0.0 && (!halves || unit >= 10.0) { to_unit(edge, unit) } else { edge }
        })
        .collect();
    if new.is_sorted_by(|a, b| a < b) { new } else { edges.to_vec() }
}

/// Empties the distribution of a few rows, which would be that of single people, and blurs the bins of a few rows.
fn of_shape(shape: &mut Shape, judge: &Judge) {
    if judge.is_few(shape.count) {
        *shape = Shape { shares: vec![0.0; shape.shares.len()], count: shape.count, ..Shape::default() };
        return;
    }
    of_quantiles(shape, judge);
    let rows = shape.count as f64;
    blur(&mut shape.shares, rows, judge);
}

/// Gives bins of a few rows and their neighbours the average of both. Empty bins within such a run are filled too; where three or
/// more are empty, a run ends. What is left between two such gaps and has few rows is not drawn.
///
/// To leave out every bin of a few rows would leave nothing of a small table's histogram, where most bins have few.
fn blur(shares: &mut [f64], rows: f64, judge: &Judge) {
    if !shares.iter().any(|share| judge.is_cell(share * rows)) {
        return;
    }
    let mut place = 0;
    while place < shares.len() {
        if shares[place] <= 0.0 {
            place += 1;
            continue;
        }
        // The end of the bins that no gap separates.
        let (mut end, mut next) = (place + 1, place + 1);
        while next < shares.len() && next - end < GAP {
            if shares[next] > 0.0 {
                end = next + 1;
            }
            next += 1;
        }
        blur_part(&mut shares[place..end], rows, judge);
        place = end;
    }
}

/// The same for bins without a gap.
fn blur_part(shares: &mut [f64], rows: f64, judge: &Judge) {
    let mut runs: Vec<(usize, f64)> = Vec::new();
    let mut sum = 0.0;
    for (place, share) in shares.iter().enumerate() {
        sum += share;
        if sum > 0.0 && !judge.is_cell(sum * rows) {
            runs.push((place + 1, sum));
            sum = 0.0;
        }
    }
    match runs.last_mut() {
        // The rest belongs to the run before it.
        Some(last) if sum > 0.0 => *last = (shares.len(), last.1 + sum),
        Some(_) => {}
        None => shares.fill(0.0),
    }
    let mut begin = 0;
    for (end, sum) in runs {
        shares[begin..end].fill(sum / (end - begin) as f64);
        begin = end;
    }
}

/// Takes out quantiles that few rows lie beyond: the ends of a box plot become those of the box, or there is none.
fn of_quantiles(shape: &mut Shape, judge: &Judge) {
    let Some([low, q1, median, q3, high]) = shape.quantiles else { return };
    shape.quantiles = match (judge.shows_quantile(0.25, shape.count), judge.shows_quantile(0.05, shape.count))
    {
        (false, _) => None,
        (true, false) => Some([q1, q1, median, q3, q3]),
        (true, true) => Some([low, q1, median, q3, high]),
    };
}

/// Leaves of typical rows what many others have too: common texts, and numbers with few digits.
fn of_members(members: &mut Members, profile: Option<&Profile>, judge: &mut Judge) {
    members.rows.retain(|row| !judge.is_few(judge.size(u64::from(row.segment)) as u64));
    for (place, column) in members.columns.iter().enumerate() {
        let key = judge.is_key(column);
        let unit = unit_of(profile, column);
        for cell in members.rows.iter_mut().filter_map(|row| row.cells.get_mut(place)) {
            match cell {
                Cell::Missing | Cell::Flag(_) => {}
                Cell::Text(text) if judge.hides_unknown(column, text) => *cell = Cell::Text(HIDDEN.into()),
                Cell::Text(_) => {}
                Cell::Number(_) | Cell::Count(_) if key => *cell = Cell::Text(HIDDEN.into()),
                Cell::Number(value) if unit > 0.0 && judge.guards() => *value = to_unit(*value, unit),
                Cell::Number(_) | Cell::Count(_) => {}
            }
        }
    }
}
