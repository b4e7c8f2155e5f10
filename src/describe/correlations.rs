//! Pearson's correlation of each pair of columns, over the rows in which both have a value.

use super::Room;
use super::numbers::{BLOCK, flat, scale};
use crate::error::size;
use crate::table::{Column, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Tables with more columns of numbers than this get no matrix of correlations, because nobody could read it.
pub const MOST_CORRELATED: usize = 500;

/// Correlations of columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlations {
    /// The columns.
    pub columns: Vec<String>,
    /// For each pair of columns Pearson's r, over the rows in which both have a value, as pandas' `corr`. `None` where one
    /// of the two is constant in these rows.
    pub matrix: Vec<Vec<Option<f64>>>,
    /// The pairs with the largest absolute correlation, the largest first.
    pub top: Vec<Pair>,
}

/// The correlation of two different columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The column that comes first in the table.
    pub a: String,
    /// The other one.
    pub b: String,
    /// Pearson's r, from -1 to 1.
    pub r: f64,
    /// In how many rows both have a value.
    pub rows: usize,
}

/// Whether a column can be correlated.
pub(super) fn has_numbers(values: &Values) -> bool {
    matches!(values, Values::Number(_) | Values::Packed { .. } | Values::Bool(_))
}

/// Why there is no matrix for so many columns, if there is none.
pub(super) fn why_not(rows: usize, columns: usize, room: Room) -> Option<String> {
    if columns < 2 {
        return Some("correlations need two columns of numbers, keys aside".into());
    }
    if columns > MOST_CORRELATED {
        return Some(format!(
            "{columns} columns of numbers are more than the {MOST_CORRELATED} that are correlated; name some"
        ));
    }
    let needs = 8 * (rows as u64).saturating_mul(columns as u64);
    match room {
        Room::Bytes(left) if needs > left => {
            let (needs, left) = (size(needs), size(left));
            Some(format!("correlations need {needs} of memory besides the table, and {left} are left"))
        }
        _ => None,
    }
}

/// A column, prepared for correlations.
enum Prepared {
    /// No cell is missing: distances to the mean, with a sum of squares of 1; `None` for a constant column.
    Whole(Option<Vec<f64>>),
    /// The values, some of them NaN.
    Gaps(Vec<f64>),
}

impl Prepared {
    fn of(values: &Values) -> Self {
        let mut all: Vec<f64> = match values {
            Values::Bool(cells) => {
                cells.iter().map(|cell| cell.map_or(f64::NAN, |yes| f64::from(u8::from(yes)))).collect()
            }
            other => other.numbers().unwrap_or_default().into_owned(),
        };
        let scale = scale(all.iter().copied().filter(|v| !v.is_nan()));
        all.iter_mut().for_each(|v| *v *= scale);
        if all.iter().any(|v| v.is_nan()) {
            return Prepared::Gaps(all);
        }
        let (least, most) =
            all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
        // With no rows the smallest value is above the largest one.
        if least >= most || flat(least, most) {
            return Prepared::Whole(None);
        }
        let n = all.len() as f64;
        let mean = sum(&all, |v| v) / n;
        all.iter_mut().for_each(|v| *v -= mean);
        let lacks = sum(&all, |v| v) / n;
        all.iter_mut().for_each(|v| *v -= lacks);
        let norm = sum(&all, |v| v * v).sqrt();
        all.iter_mut().for_each(|v| *v /= norm);
        Prepared::Whole(Some(all))
    }
}

/// The correlations of columns that [`has_numbers`] allows, with the `top` pairs.
pub(super) fn correlations(rows: usize, columns: &[&Column], top: usize) -> Correlations {
    let prepared: Vec<Prepared> = columns.par_iter().map(|column| Prepared::of(&column.values)).collect();
    let pairs: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|a| (a..columns.len()).map(move |b| (a, b))).collect();
    let found: Vec<(Option<f64>, usize)> = pairs
        .par_iter()
        .map(|&(a, b)| match (&prepared[a], &prepared[b]) {
            (Prepared::Whole(None), _) | (_, Prepared::Whole(None)) => (None, rows),
            (Prepared::Whole(Some(x)), Prepared::Whole(Some(y))) => {
                (Some(if a == b { 1.0 } else { dot(x, y) }), rows)
            }
            (Prepared::Whole(Some(x)) | Prepared::Gaps(x), Prepared::Whole(Some(y)) | Prepared::Gaps(y)) => {
                let (r, both) = where_both(x, y);
                (r.map(|r| if a == b { 1.0 } else { r }), both)
            }
        })
        .map(|(r, both)| (r.map(|r| r.clamp(-1.0, 1.0)), both))
        .collect();
    let mut matrix = vec![vec![None; columns.len()]; columns.len()];
    let mut ranked: Vec<Pair> = Vec::new();
    for (&(a, b), &(r, rows)) in pairs.iter().zip(&found) {
        matrix[a][b] = r;
        matrix[b][a] = r;
        if let Some(r) = r.filter(|_| a != b) {
            ranked.push(Pair { a: columns[a].name.clone(), b: columns[b].name.clone(), r, rows });
        }
    }
    ranked.sort_by(|a, b| b.r.abs().total_cmp(&a.r.abs()));
    ranked.truncate(top);
    Correlations { columns: columns.iter().map(|c| c.name.clone()).collect(), matrix, top: ranked }
}

/// The sum of a function of the values: in order within each block, the blocks' sums then in order.
fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    values.chunks(BLOCK).map(|block| block.iter().map(|&v| of(v)).sum::<f64>()).sum()
}

/// The sum of products, in eight sums side by side so that the CPU can add them at once.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    const LANES: usize = 8;
    let of_block = |(x, y): (&[f64], &[f64])| {
        let (x, rest_x) = x.as_chunks::<LANES>();
        let (y, rest_y) = y.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for (x, y) in x.iter().zip(y) {
            (0..LANES).for_each(|lane| sums[lane] += x[lane] * y[lane]);
        }
        let rest: f64 = rest_x.iter().zip(rest_y).map(|(x, y)| x * y).sum();
        sums.iter().sum::<f64>() + rest
    };
    x.chunks(BLOCK).zip(y.chunks(BLOCK)).map(of_block).sum()
}

/// Pearson's r over the rows in which neither is NaN, and how many these are. `None` if one of the two is constant there.
fn where_both(x: &[f64], y: &[f64]) -> (Option<f64>, usize) {
    let blocks = || x.chunks(BLOCK).zip(y.chunks(BLOCK));
    let both = |(x, y): &(&f64, &f64)| !x.is_nan() && !y.is_nan();
    let (mut n, mut total_x, mut total_y) = (0usize, 0.0, 0.0);
    let unseen = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut range_x, mut range_y) = (unseen, unseen);
    for (x, y) in blocks() {
        let (mut sum_x, mut sum_y) = (0.0, 0.0);
        for (&x, &y) in x.iter().zip(y).filter(both) {
            n += 1;
            sum_x += x;
            sum_y += y;
            range_x = (range_x.0.min(x), range_x.1.max(x));
            range_y = (range_y.0.min(y), range_y.1.max(y));
        }
        total_x += sum_x;
        total_y += sum_y;
    }
    let constant = |(least, most): (f64, f64)| least >= most || flat(least, most);
    if constant(range_x) || constant(range_y) {
        return (None, n);
    }
    let (mean_x, mean_y) = (total_x / n as f64, total_y / n as f64);
    // What the rounded means lack is taken back out of the sums at the end.
    let mut total = [0.0; 5];
    for (x, y) in blocks() {
        let mut sums = [0.0; 5];
        for (&x, &y) in x.iter().zip(y).filter(both) {
            let (dx, dy) = (x - mean_x, y - mean_y);
            let terms = [dx, dy, dx * dx, dy * dy, dx * dy];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    let [sx, sy, sxx, syy, sxy] = total;
    let n_f = n as f64;
    let (vx, vy) = (sxx - sx * sx / n_f, syy - sy * sy / n_f);
    let r = (sxy - sx * sy / n_f) / (vx.sqrt() * vy.sqrt());
    (r.is_finite().then_some(r), n)
}
