//! The host's side of `shaders/renew.wgsl`: its interface, and the error bounds of what it computes in f32.

use super::super::interface::{Binding, EntryPoint, shared_struct};
use super::super::kernel::WORKGROUP;
use super::Set;
use crate::canonical::{Certificate, DotProductBound, Rounding};

/// Threads of a workgroup of `renew`.
const WIDE: usize = 256;

/// So many passes a set can take before the host must have read how many rows f32 could not decide in them.
pub(super) const REMEMBERED_PASSES: usize = 4;

/// Why a set has stopped.
pub(super) const UNCHANGED: u32 = 1;
pub(super) const CONVERGED: u32 = 2;
pub(super) const SPENT: u32 = 3;
pub(super) const WAITING: u32 = 4;

/// The relative error of one operation in f32 on a device.
const ROUNDING: f64 = 1.0 / (1u32 << 23) as f64;

shared_struct! {
    pub(super) struct Params {
        pub(super) certificate: [f32; 4],
        pub(super) features: u32,
        pub(super) columns: u32,
        pub(super) start_share: f32,
        pub(super) slope_share: f32,
        pub(super) radius_share: f32,
        pub(super) least_radius: f32,
        pub(super) unused: [u32; 2],
    }
}

shared_struct! {
    pub(super) struct Walk {
        pub(super) undecided: [u32; 4],
        pub(super) near: f32,
        pub(super) far: f32,
        pub(super) taken: u32,
        pub(super) left: u32,
        pub(super) end: u32,
        pub(super) unused_a: u32,
        pub(super) unused_b: u32,
        pub(super) unused_c: u32,
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
// `means`.
pub(super) const SETS: Binding = Binding::read::<Set>(1, "sets");
pub(super) const OLD_BITS: Binding = Binding::read::<u32>(2, "old_bits");
pub(super) const SUMS: Binding = Binding::read::<u32>(3, "sums");
pub(super) const EXPONENTS: Binding = Binding::read::<u32>(4, "exponents");
pub(super) const NEW_BITS: Binding = Binding::read_write::<u32>(5, "new_bits");
pub(super) const POINTS: Binding = Binding::read_write::<f32>(6, "points");
pub(super) const RADII: Binding = Binding::read_write::<f32>(7, "radii");
pub(super) const SHIFTS: Binding = Binding::read_write::<f32>(8, "shifts");
pub(super) const FOUND: Binding = Binding::read_write::<u32>(9, "found");
// `renew`.
pub(super) const RENEWED_SETS: Binding = Binding::read_write::<Set>(10, "renewed_sets");
pub(super) const RENEWED_BITS: Binding = Binding::read_write::<u32>(11, "renewed_bits");
pub(super) const MOVED_BITS: Binding = Binding::read::<u32>(12, "moved_bits");
pub(super) const CENTROID_SHIFTS: Binding = Binding::read::<f32>(13, "centroid_shifts");
pub(super) const UNDECIDED: Binding = Binding::read_write::<u32>(14, "undecided");
pub(super) const WALKS: Binding = Binding::read_write::<Walk>(15, "walks");

/// Computes new centroids from sums.
pub(in crate::backend::gpu) static MEANS: EntryPoint = EntryPoint {
    file: "renew",
    name: "means",
    threads: WORKGROUP,
    params: PARAMS,
    bindings: &[SETS, OLD_BITS, SUMS, EXPONENTS, NEW_BITS, POINTS, RADII, SHIFTS, FOUND],
    overrides: &["dot_product"],
    constants: &[("THREADS", WORKGROUP)],
};

/// Ends a pass of each set.
pub(in crate::backend::gpu) static RENEW: EntryPoint = EntryPoint {
    file: "renew",
    name: "renew",
    threads: WIDE,
    params: PARAMS,
    bindings: &[FOUND, RENEWED_SETS, RENEWED_BITS, MOVED_BITS, CENTROID_SHIFTS, UNDECIDED, WALKS],
    overrides: &[],
    constants: &[
        ("WIDE", WIDE),
        ("UNCHANGED", UNCHANGED as usize),
        ("CONVERGED", CONVERGED as usize),
        ("SPENT", SPENT as usize),
        ("WAITING", WAITING as usize),
    ],
};

/// Roundings of a squared norm: a square, a thread's sum, and six sums of two threads.
fn norm_roundings(d: usize) -> f64 {
    (d.div_ceil(WORKGROUP) + 6) as f64
}

impl Params {
    /// What the next pass of sets of `d` features is proved with, if `assign` compares by dot products or by distances. A
    /// centroid has sums of `columns` columns.
    ///
    /// A squared norm is summed by 64 threads, in `r` roundings, so it is within a factor `1 ± r u` of the true one. The
    /// start is multiplied by 1 - gamma - (r + 4) u, so that it subtracts at least the share that `DotProductBound` asks for, and
    /// at most 2 r u more than that allows for, by which the bound gets wider. A root is within 5 u of the true one. Squares
    /// that underflow take less than 2^-126 away from a squared norm, which is 2^-63 sqrt(d) of a norm.
    pub(super) fn new(d: usize, dot_product: bool, columns: usize) -> Self {
        let r = norm_roundings(d);
        let DotProductBound { gamma, width, slack } = DotProductBound::new(d, Rounding::Either);
        let wider = (f64::from(width) + 2.0 * r * ROUNDING) as f32;
        let Certificate { low, high, slack: apart } = Certificate::new(d);
        Params {
            certificate: if dot_product {
                [wider.next_up(), 0.0, slack, 0.0]
            } else {
                [low, high, apart, 0.0]
            },
            features: d as u32,
            columns: columns as u32,
            start_share: (0.5 * (1.0 - gamma - (r + 4.0) * ROUNDING)) as f32,
            slope_share: -(gamma * (1.0 + 4.0 * ROUNDING)) as f32,
            radius_share: (1.0 + (r + 16.0) * ROUNDING) as f32,
            least_radius: ((d as f64).sqrt() * libm::ldexp(1.0, -62)) as f32,
            unused: [0; 2],
        }
    }
}

impl Walk {
    /// For a set of `k` centroids of `d` features that may take `left` passes and has converged when its squared shift is
    /// at most `limit`.
    ///
    /// The shift that the device computes in f32 is within a factor `1 ± e` of the true one: a difference counts twice, its
    /// square once, and 64 and then 256 threads add up. Squares that underflow take away less than `slack`.
    pub(super) fn new(k: usize, d: usize, limit: f64, left: usize) -> Self {
        let e = (d.div_ceil(WORKGROUP) + k.div_ceil(WIDE) + 24) as f64 * ROUNDING;
        let slack = (k * d) as f64 * libm::ldexp(1.0, -100);
        let (near, far) = if limit == 0.0 {
            // Whether a centroid has changed is known exactly.
            (-1.0, -1.0)
        } else {
            let near = (limit * (1.0 - 2.0 * e) - slack) as f32;
            (near.next_down(), ((limit * (1.0 + 2.0 * e) + slack) as f32).next_up())
        };
        let left = left.min(u32::MAX as usize) as u32;
        let (undecided, unused) = ([0; REMEMBERED_PASSES], 0);
        Walk {
            undecided,
            near,
            far,
            taken: 0,
            left,
            end: 0,
            unused_a: unused,
            unused_b: unused,
            unused_c: unused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draws, Purpose};

    #[test]
    fn terms_of_a_point_bound_what_the_host_bounds() {
        for d in [1, 2, 5, 26, 64, 65, 300, 3000] {
            let (params, r) = (Params::new(d, true, d + 1), norm_roundings(d));
            let bound = DotProductBound::new(d, Rounding::Either);
            let mut draws = Draws::new(8, Purpose::SynthTable).at(d as u64);
            for scale in [1.0, 1e12, 1e-12, 1e-21] {
                let point: Vec<f32> = (0..d).map(|_| (scale * draws.normal()) as f32).collect();
                let squared: f64 = point.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
                let (norm, tiny) = (squared.sqrt(), d as f64 * libm::ldexp(1.0, -126));
                // The sum and the root as far off as they may be, to either side; a sum that is lost is 0.
                for off in [-1.0, 1.0] {
                    let sum = (squared * (1.0 + off * r * ROUNDING)) as f32;
                    let sum = if squared < tiny { 0.0 } else { sum };
                    let root = (f64::from(sum).sqrt() * (1.0 + off * 4.5 * ROUNDING)) as f32;
                    let radius = root * params.radius_share + params.least_radius;
                    let (start, slope) = (sum * params.start_share, radius * params.slope_share);
                    assert!(f64::from(radius) >= norm, "d = {d}: {radius} for {norm}");
                    assert!(f64::from(slope) <= -bound.gamma * norm, "d = {d}: {slope}");
                    assert!(f64::from(start) <= squared / 2.0 * (1.0 - bound.gamma), "d = {d}: {start}");
                    // Of what `DotProductBound` allows for, and of what the wider bound adds.
                    let more = bound.gamma + (2.0 * r + 8.0) * ROUNDING;
                    assert!(f64::from(start) >= squared / 2.0 * (1.0 - more) - tiny, "d = {d}: {start}");
                }
            }
            let wider = f64::from(params.certificate[0]);
            // The true value is less than (2 d + 17) u above the host's bound, and (2 r + 4) u more above this one.
            assert!(wider >= (2 * d + 21) as f64 * ROUNDING + 2.0 * r * ROUNDING, "d = {d}");
        }
    }

    #[test]
    fn a_limit_has_two_sides() {
        for (k, d, limit) in [(5, 26, 1e20), (1000, 300, 3.0), (1, 1, 1e-20), (2, 2, 1e-40)] {
            let Walk { near, far, .. } = Walk::new(k, d, limit, 7);
            assert!(f64::from(near) < limit && limit < f64::from(far), "{near} {limit} {far}");
        }
        let Walk { near, far, left, .. } = Walk::new(5, 26, f64::INFINITY, usize::MAX);
        assert!(near == f32::MAX && far == f32::INFINITY && left == u32::MAX);
    }
}
