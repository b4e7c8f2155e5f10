//! The host's side of `shaders/many_features.wgsl`: how many points are compared together.

use super::super::super::interface::EntryPoint;
use super::super::points::point_quads;
use super::{LABELS, NORMS, PARAMS, POINTS, RADII, ROW_QUADS, SETS, THREADS};
use crate::matrix::TILE;

/// Points that are compared together, and their vec4s in a workgroup's memory at a time.
const TOGETHER: usize = 16;
const DEPTH: usize = 16;

/// Labels rows of many features.
pub(in crate::backend::gpu) static ASSIGN_MANY_FEATURES: EntryPoint = EntryPoint {
    file: "many_features",
    name: "assign_many_features",
    threads: THREADS,
    params: PARAMS,
    bindings: &[SETS, ROW_QUADS, NORMS, POINTS, RADII, LABELS],
    overrides: &["wide"],
    constants: &[
        ("TILE", TILE),
        ("NONE", u32::MAX as usize),
        ("THREADS", THREADS),
        ("TOGETHER", TOGETHER),
        ("DEPTH", DEPTH),
    ],
};

/// How many iterations a thread needs at most for a set of `k` centroids.
pub(super) fn iterations(k: usize, features: usize) -> usize {
    let quads = point_quads(features);
    let loads = (TOGETHER * DEPTH / THREADS + 1) * quads.div_ceil(DEPTH);
    // A set may share its first and its last points with others.
    (k.div_ceil(TOGETHER) + 1) * (quads + loads + TOGETHER + 1) + 1
}
