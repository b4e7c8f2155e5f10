//! Centroids in packs of four, for distances or for dot products.

use crate::backend::gpu::interface::shared_struct;
use crate::canonical::{
    Centroids, Certificate, DotProductBound, DotProductTerms, Rounding, squared_distance,
};
use crate::matrix::Matrix;
use rayon::prelude::*;
use std::ops::Range;

/// The starting value of a sum for the points that fill up a pack: larger than that of any real point, but finite.
const OUT_OF_REACH: f32 = (1u128 << 124) as f32;

shared_struct! {
    /// A centroid that rows are compared with: its number in the set, and a number that is at least its norm.
    pub(super) struct Point {
        centroid: u32,
        radius: f32,
    }
}

/// The centroids of a batch of sets.
#[derive(Default)]
pub(super) struct Points {
    /// For each pack of four points: the starting values of their sums, the slopes, then the features.
    pub(super) packs: Vec<[f32; 4]>,
    /// Four points for each pack.
    pub(super) points: Vec<Point>,
    pub(super) sets: Vec<SetPoints>,
}

/// The packs of one set, and how its labels are proved.
pub(super) struct SetPoints {
    pub(super) packs: Range<usize>,
    pub(super) certificate: [f32; 4],
}

/// Whether f32 computes the distances to these centroids without any error.
pub(super) fn exact(matrix: &Matrix, set: &Centroids) -> bool {
    Certificate::for_values(matrix, &set.values) == Certificate::exact()
}

impl Points {
    pub(super) fn new(matrix: &Matrix, sets: &[Centroids], dot_product: bool) -> Self {
        let own: Vec<(Points, [f32; 4])> =
            sets.par_iter().map(|set| Points::of_set(matrix, set, dot_product)).collect();
        let mut out = Points::default();
        for (points, certificate) in own {
            let start = out.points.len() / 4;
            out.packs.extend(points.packs);
            out.points.extend(points.points);
            out.sets.push(SetPoints { packs: start..out.points.len() / 4, certificate });
        }
        out
    }

    /// The packs and the certificate of one set.
    fn of_set(matrix: &Matrix, set: &Centroids, dot_product: bool) -> (Self, [f32; 4]) {
        let d = matrix.features();
        let bound = DotProductBound::new(d, Rounding::Either);
        let mut out = Points::default();
        let first = set.first_of_equals();
        for start in (0..set.k()).step_by(4) {
            let four = [0, 1, 2, 3].map(|i| start + i);
            // What fills up a pack, and a centroid that equals an earlier one, can be the nearest of no row.
            let alive = four.map(|c| first.get(c) == Some(&true));
            let point = |i: usize| (start + i < set.k()).then(|| set.get(start + i));
            let terms = [0, 1, 2, 3].map(|i| point(i).map(|values| bound.point(values.iter().copied())));
            let term = |of: fn(&DotProductTerms) -> f32| {
                terms.map(|term| term.filter(|_| dot_product).as_ref().map_or(0.0, of))
            };
            let starts = term(|t| t.start);
            out.packs.push([0, 1, 2, 3].map(|i| if alive[i] { starts[i] } else { OUT_OF_REACH }));
            out.packs.push(term(|t| t.slope));
            let sign = if dot_product { -1.0 } else { 1.0 };
            let value = |i: usize, j: usize| if alive[i] { sign * set.get(start + i)[j] } else { 0.0 };
            out.packs.extend((0..d).map(|j| [0, 1, 2, 3].map(|i| value(i, j))));
            let radius = |i: usize| terms[i].map_or(0.0, |t| t.radius);
            out.points.extend([0, 1, 2, 3].map(|i| Point { centroid: four[i] as u32, radius: radius(i) }));
        }
        let certificate = if dot_product {
            [bound.width, 0.0, bound.slack, 0.0]
        } else {
            let Certificate { low, high, slack } = Certificate::for_values(matrix, &set.values);
            [low, high, slack, 0.0]
        };
        (out, certificate)
    }
}

/// Whether dot products prove the labels of nearly all of a few rows. They do not if clusters are small compared with their
/// distance from the origin.
pub(super) fn dot_product_serves(matrix: &Matrix, set: &Centroids) -> bool {
    const FEW: usize = 64;
    let bound = DotProductBound::new(matrix.features(), Rounding::Either);
    let first = set.first_of_equals();
    let points: Vec<&[f32]> = set.iter().zip(first).filter_map(|(c, first)| first.then_some(c)).collect();
    let few = FEW.min(matrix.rows());
    let doubtful = (0..few).filter(|r| {
        let i = r * (matrix.rows() / few);
        let (mut best, mut second, mut nearest) = (f64::INFINITY, f64::INFINITY, points[0]);
        for &point in &points {
            let distance = squared_distance(matrix.row(i), point);
            second = second.min(distance.max(best));
            if distance < best {
                (best, nearest) = (distance, point);
            }
        }
        let norm = matrix.row(i).map(|v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        let radius = f64::from(bound.point(nearest.iter().copied()).radius);
        (second - best) / 2.0 < 2.0 * f64::from(bound.width) * (norm * radius + radius * radius / 2.0)
    });
    doubtful.count() <= 1
}
