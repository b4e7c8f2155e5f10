//! The host's side of `shaders/few_features.wgsl`: how much of the points a workgroup keeps in its memory.

use super::super::super::interface::EntryPoint;
use super::super::points::point_quads;
use super::{LABELS, NORMS, PARAMS, POINTS, RADII, ROW_QUADS, SETS, THREADS};
use crate::matrix::TILE;

/// vec4s of points in a workgroup's memory.
const STAGED: usize = 1024;

/// From so many points on a set is compared in fours.
const LARGE: usize = 256;

/// Labels rows of few features.
pub(in crate::backend::gpu) static ASSIGN_FEW_FEATURES: EntryPoint = EntryPoint {
    file: "few_features",
    name: "assign_few_features",
    threads: THREADS,
    params: PARAMS,
    bindings: &[SETS, ROW_QUADS, NORMS, POINTS, RADII, LABELS],
    overrides: &["wide"],
    constants: &[
        ("TILE", TILE),
        ("NONE", u32::MAX as usize),
        ("THREADS", THREADS),
        ("STAGED", STAGED),
        ("LARGE", LARGE),
    ],
};

/// How many points fit a workgroup's memory.
pub(super) fn room(features: usize) -> usize {
    STAGED / point_quads(features)
}

/// How many iterations a thread needs at most for a set of `k` centroids.
pub(super) fn iterations(k: usize, features: usize) -> usize {
    // With each load to workgroup memory up to three points that make no four are compared one by one.
    let loads = k.div_ceil(room(features)) + 1;
    let again = if k >= LARGE { 4 * (point_quads(features) + 1) } else { 0 };
    k / 4 + loads * (STAGED / THREADS + 5) + again + 4
}
