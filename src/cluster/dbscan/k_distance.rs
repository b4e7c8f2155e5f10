//! The curve of k-distances, whose knee suggests an `eps`.

use super::neighbourhoods::Neighbourhoods;
use crate::backend::blocks::{NO_ROW, distances_to_copies};
use crate::error::Result;
use crate::evidence::elbow::{difference, elbow};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};

/// The distances are those of so many rows if there are more, spread evenly over the table.
const SAMPLE: u128 = 2_000;

/// Rows between two reports of progress.
const TOGETHER: usize = 500;

/// How many points the curve has at most.
const POINTS: usize = 201;

/// How far away the rows' k-th nearest rows are, the row itself being the first: the smallest `eps` at which a row is a core
/// point if `min_samples` is k.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KDistances {
    /// The k: the first `min_samples`.
    pub k: u32,
    /// How many rows the curve was computed from, if not from all of them. Each was compared with all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_rows: Option<u64>,
    /// The distances, descending: evenly spaced quantiles from the largest to the smallest. Empty if the table weighs less
    /// than k rows.
    pub distances: Vec<f64>,
}

impl KDistances {
    /// The curve for this k.
    pub(super) fn new(rows: &Neighbourhoods<'_>, k: u32, progress: Progress<'_>) -> Result<Self> {
        let least = rows.steps_for(k);
        if least > rows.total {
            return Ok(KDistances { k, ..KDistances::default() });
        }
        // Copies stand side by side, in the order of the distinct rows, and every so many of them one is looked at.
        let order = rows.blocks.order();
        let mut places = vec![0u32; rows.blocks.rows()];
        let standing = order.iter().zip(0u32..).filter(|(row, _)| **row != NO_ROW);
        standing.for_each(|(&row, place)| places[row as usize] = place);
        let sampled = rows.blocks.rows() as u128 > SAMPLE;
        // Each row that is looked at, with the number of copies that it stands for.
        let mut looks: Vec<(usize, u128)> = Vec::new();
        if sampled {
            let (mut before, mut next) = (0u128, 0u128);
            for place in places {
                before += u128::from(rows.weight(place as usize));
                let mut count = 0;
                while next < SAMPLE && position(next, rows.total) < before {
                    (next, count) = (next + 1, count + 1);
                }
                if count > 0 {
                    looks.push((place as usize, count));
                }
            }
        } else {
            looks.extend(places.iter().map(|&p| (p as usize, u128::from(rows.weight(p as usize)))));
        }
        let mut found: Vec<(f64, u128)> = Vec::with_capacity(looks.len());
        for some in looks.chunks(TOGETHER) {
            let at: Vec<usize> = some.iter().map(|look| look.0).collect();
            let squared = distances_to_copies(&rows.blocks, &at, least, rows.weights.as_deref());
            found.extend(squared.into_iter().zip(some).map(|(s, &(_, count))| (s, count)));
            progress.step("k-distances", found.len() as u64, looks.len() as u64)?;
        }
        found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let total: u128 = found.iter().map(|f| f.1).sum();
        let points = POINTS.min(usize::try_from(total).unwrap_or(POINTS));
        let mut distances = Vec::with_capacity(points);
        let mut at = 0;
        let mut before = found[0].1;
        for point in 0..points as u128 {
            // Of `total` copies in a row: the first, the last, and evenly spaced ones between them.
            let rank = if points == 1 { 0 } else { scaled(total - 1, point, points as u128 - 1) };
            while before <= rank {
                at += 1;
                before += found[at].1;
            }
            distances.push(rows.matrix.to_user(found[at].0.sqrt()));
        }
        let sampled_rows = sampled.then_some(found.iter().map(|f| f.1).sum::<u128>() as u64);
        Ok(KDistances { k, sampled_rows, distances })
    }

    /// The distance at the knee of the curve (Satopaa et al., 2011): farther out, distances grow quickly. If no knee stands
    /// out, the distance that lies furthest below the straight line from the largest to the smallest; if all distances are equal, that one. `None` if
    /// that is 0 or the curve is empty.
    pub fn knee(&self) -> Option<f64> {
        let x: Vec<f64> = (0..self.distances.len()).map(|i| i as f64).collect();
        let furthest = || {
            let difference = difference(&x, &self.distances)?;
            let best = difference.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
            best.map(|(i, _)| i)
        };
        let at = elbow(&x, &self.distances).or_else(furthest).unwrap_or(0);
        let positive = |d: &f64| *d > 0.0 && d.is_finite();
        // At a knee of 0, the smallest distance above it.
        let above = || self.distances.iter().rev().copied().find(positive);
        self.distances.get(at).copied().filter(positive).or_else(above)
    }
}

/// `total * part / parts`, rounded down, without an overflow.
fn scaled(total: u128, part: u128, parts: u128) -> u128 {
    total / parts * part + total % parts * part / parts
}

/// The middle of the `i`-th of the equal parts that so many copies are divided into.
fn position(i: u128, total: u128) -> u128 {
    scaled(total, 2 * i + 1, 2 * SAMPLE)
}
