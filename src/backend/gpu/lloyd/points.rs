//! Centroids as `assign` compares rows with them: in packs of four for distances, one after the other for dot products.

use crate::canonical::{Centroids, Certificate, DotProductBound, Rounding, squared_distance};
use crate::matrix::Matrix;
use rayon::prelude::*;
use std::ops::Range;

/// The starting value of a sum for points that no row may be nearest to: larger than that of any real point, but finite.
const OUT_OF_REACH: f32 = (1u128 << 124) as f32;

/// The centroids of a batch of sets.
#[derive(Default)]
pub(super) struct Points {
    /// For distances four points each: the starting values of their sums, then the features; a set begins with a new pack.
    /// For dot products every point by itself: its start, its slope, and its features with their sign turned, padded with
    /// zeros to [`point_quads`].
    pub(super) values: Vec<[f32; 4]>,
    /// For each centroid a number that is at least its norm, for dot products.
    pub(super) radii: Vec<f32>,
    pub(super) sets: Vec<SetPoints>,
}

/// The packs of one set, and how its labels are proved.
pub(super) struct SetPoints {
    pub(super) packs: Range<usize>,
    pub(super) certificate: [f32; 4],
}

/// How many vec4s a point for dot products takes: its two terms and `d` features.
pub(super) fn point_quads(d: usize) -> usize {
    (d + 2).div_ceil(4)
}

/// Whether f32 computes the distances to these centroids without any error.
pub(super) fn exact(matrix: &Matrix, set: &Centroids) -> bool {
    Certificate::for_values(matrix, &set.values) == Certificate::exact()
}

impl Points {
    pub(super) fn new(matrix: &Matrix, sets: &[Centroids], dot_product: bool) -> Self {
        let of_set = if dot_product { Points::for_products } else { Points::for_distances };
        let own: Vec<(Points, [f32; 4])> = sets.par_iter().map(|set| of_set(matrix, set)).collect();
        let mut out = Points::default();
        let mut start = 0;
        for (set, (points, certificate)) in sets.iter().zip(own) {
            out.values.extend(points.values);
            out.radii.extend(points.radii);
            let packs = start..start + set.k().div_ceil(4);
            start = packs.end;
            out.sets.push(SetPoints { packs, certificate });
        }
        // Passes that follow on the device may take the other form.
        let (d, centroids) = (matrix.features(), out.radii.len());
        out.values.resize((start * (d + 1)).max(centroids * point_quads(d)), [0.0; 4]);
        out
    }

    /// The packs and the certificate of one set.
    fn for_distances(matrix: &Matrix, set: &Centroids) -> (Self, [f32; 4]) {
        let d = matrix.features();
        let mut out = Points { radii: vec![0.0; set.k()], ..Points::default() };
        let first = set.first_of_equals();
        for start in (0..set.k()).step_by(4) {
            let four = [0, 1, 2, 3].map(|i| start + i);
            // What fills up a pack, and a centroid that equals an earlier one, can be the nearest of no row.
            let alive = four.map(|c| first.get(c) == Some(&true));
            out.values.push(alive.map(|alive| if alive { 0.0 } else { OUT_OF_REACH }));
            let value = |i: usize, j: usize| if alive[i] { set.get(four[i])[j] } else { 0.0 };
            out.values.extend((0..d).map(|j| [0, 1, 2, 3].map(|i| value(i, j))));
        }
        let Certificate { low, high, slack } = Certificate::for_values(matrix, &set.values);
        (out, [low, high, slack, 0.0])
    }

    /// The points for dot products and the certificate of one set.
    fn for_products(matrix: &Matrix, set: &Centroids) -> (Self, [f32; 4]) {
        let d = matrix.features();
        let bound = DotProductBound::new(d, Rounding::Either);
        let mut out = Points::default();
        for (point, first) in set.iter().zip(set.first_of_equals()) {
            let terms = bound.point(point.iter().copied());
            let mut values = vec![if first { terms.start } else { OUT_OF_REACH }, terms.slope];
            // A centroid that equals an earlier one is the nearest of no row.
            values.extend(point.iter().map(|&v| if first { -v } else { 0.0 }));
            values.resize(4 * point_quads(d), 0.0);
            out.values.extend(values.as_chunks::<4>().0);
            out.radii.push(terms.radius);
        }
        (out, [bound.width, 0.0, bound.slack, 0.0])
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
