//! The inner loops of a pass: the densities of a group of rows, their responsibilities, and what these add to the sums.

use super::elementary::{exp, ln};
use super::{Factors, GROUP, Gaussians, LANES, Moments, Sums};
use crate::backend::simd::{PairProducts, Vectorized};
use pulp::Simd;

/// How many features of the deviations are multiplied with two others at once.
const COLUMNS: usize = 4;
const ROWS: usize = 2;

/// What a thread works in: a group of rows, and the sums so far.
#[derive(Default)]
pub(super) struct Scratch {
    /// For each feature the group's values; zeros follow up to a multiple of [`COLUMNS`] features.
    pub(super) x: Vec<f64>,
    /// For each row of the group how many copies it stands for.
    pub(super) copies: Vec<f64>,
    /// For each row of the group its component, if that is known.
    pub(super) labels: Vec<u32>,
    /// For each component and row of the group the logarithm of its density, and then its responsibility, which is times the
    /// row's copies where the pass learns.
    pub(super) logs: Vec<f64>,
    /// The deviations from a component's mean, and the same times the responsibilities.
    deviations: Vec<f64>,
    scaled: Vec<f64>,
    log_likelihood: [f64; LANES],
    /// For each component its sums, one after the other: responsibilities, deviations, and their squares or products.
    sums: Vec<[f64; LANES]>,
}

impl Scratch {
    /// Makes room for a mixture, and begins its sums.
    pub(super) fn fit(&mut self, mixture: &Gaussians) {
        let padded = mixture.features.next_multiple_of(COLUMNS);
        let values = padded * GROUP;
        self.copies.resize(GROUP, 0.0);
        self.labels.resize(GROUP, 0);
        for buffer in [&mut self.x, &mut self.deviations, &mut self.scaled] {
            buffer.clear();
            buffer.resize(values, 0.0);
        }
        self.logs.resize(mixture.k() * GROUP, 0.0);
        self.log_likelihood = [0.0; LANES];
        self.sums.clear();
        self.sums.resize(mixture.k() * sums_len(mixture), [0.0; LANES]);
    }

    /// The sums of the lanes.
    pub(super) fn sums(&self, mixture: &Gaussians) -> Sums {
        let d = mixture.features;
        let padded = d.next_multiple_of(COLUMNS);
        let mut out = Sums::none(mixture);
        out.log_likelihood = total(&self.log_likelihood);
        for (c, sums) in self.sums.chunks_exact(sums_len(mixture).max(1)).enumerate() {
            if mixture.moments == Moments::None {
                break;
            }
            out.weights[c] = total(&sums[0]);
            (0..d).for_each(|j| out.first[c * d + j] = total(&sums[1 + j]));
            let sums = &sums[1 + padded..];
            match mixture.moments {
                Moments::Squares => (0..d).for_each(|j| out.second[c * d + j] = total(&sums[j])),
                Moments::Products => {
                    let tiles = tiles(d).zip(sums.chunks_exact(ROWS * COLUMNS));
                    for ((i0, j0), sums) in tiles {
                        for (place, sum) in sums.iter().enumerate() {
                            let (i, j) = (i0 + place / COLUMNS, j0 + place % COLUMNS);
                            if i < d && j <= i {
                                out.second[(c * d + i) * d + j] = total(sum);
                            }
                        }
                    }
                }
                Moments::None | Moments::First => {}
            }
        }
        out
    }
}

/// The sum of all lanes.
fn total(lanes: &[f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = *lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// How many sums a component has.
fn sums_len(mixture: &Gaussians) -> usize {
    let d = mixture.features;
    let padded = d.next_multiple_of(COLUMNS);
    match mixture.moments {
        Moments::None => 0,
        Moments::First => 1 + padded,
        Moments::Squares => 1 + 2 * padded,
        Moments::Products => 1 + padded + tiles(d).count() * ROWS * COLUMNS,
    }
}

/// The tiles of the lower triangle of a `d * d` matrix, by the row and the column of their first entries.
#[inline(always)]
fn tiles(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).step_by(ROWS).flat_map(
        #[inline(always)]
        move |i| {
            (0..(i + ROWS).min(d)).step_by(COLUMNS).map(
                #[inline(always)]
                move |j| (i, j),
            )
        },
    )
}

/// A group of rows goes past every component of a mixture.
pub(super) struct Pass<'a> {
    pub(super) mixture: &'a Gaussians,
    pub(super) scratch: &'a mut Scratch,
    pub(super) task: Task,
}

/// What a pass does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// It computes responsibilities, which stay in `logs`.
    Respond,
    /// It adds them and the moments to the sums.
    Learn,
    /// The same, with responsibilities that are 1 for a row's label and 0 otherwise.
    LearnLabels,
}

impl Vectorized for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: PairProducts, const V: usize>(self, simd: S) {
        let Pass { mixture, scratch, task } = self;
        if task == Task::LearnLabels {
            let Scratch { logs, copies, labels, .. } = &mut *scratch;
            for (c, logs) in (0u32..).zip(logs.chunks_exact_mut(GROUP)) {
                for ((log, &label), &copies) in logs.iter_mut().zip(&*labels).zip(&*copies) {
                    *log = if label == c { copies } else { 0.0 };
                }
            }
        } else {
            for c in 0..mixture.k() {
                deviate(mixture, c, scratch);
                densities(simd, mixture, c, scratch);
            }
            respond(scratch, task == Task::Learn);
        }
        if task != Task::Respond && mixture.moments != Moments::None {
            for c in 0..mixture.k() {
                deviate(mixture, c, scratch);
                collect(simd, mixture, c, scratch);
            }
        }
    }
}

/// The logarithms of a component's density at the group's rows.
#[inline(always)]
fn densities<S: Simd>(simd: S, mixture: &Gaussians, c: usize, scratch: &mut Scratch) {
    let d = mixture.features;
    let Scratch { logs, deviations, .. } = scratch;
    let logs = &mut logs[c * GROUP..(c + 1) * GROUP];
    match &mixture.factors {
        Factors::Triangular { values, shared } => {
            let len = mixture.factor_len();
            let of = if *shared { 0 } else { c * len };
            whiten(simd, d, deviations, &values[of..of + len], logs);
        }
        Factors::Diagonal(values) => {
            logs.fill(0.0);
            for (deviations, &factor) in deviations.chunks_exact(GROUP).zip(&values[c * d..(c + 1) * d]) {
                for (log, deviation) in logs.iter_mut().zip(deviations) {
                    let standard = deviation * factor;
                    *log += standard * standard;
                }
            }
        }
    }
    let constant = mixture.constants[c];
    for log in logs {
        *log = constant - 0.5 * *log;
    }
}

/// The deviations of the group's rows from a component's mean.
#[inline(always)]
fn deviate(mixture: &Gaussians, c: usize, scratch: &mut Scratch) {
    let d = mixture.features;
    let means = &mixture.means[c * d..(c + 1) * d];
    let columns = scratch.deviations.chunks_exact_mut(GROUP).zip(scratch.x.chunks_exact(GROUP));
    for ((to, from), &mean) in columns.zip(means) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from - mean;
        }
    }
}

/// The squared lengths of the group's deviations times the factor of a component. Four vectors of rows stay in registers while
/// they are multiplied with two columns.
#[inline(always)]
fn whiten<S: Simd>(simd: S, d: usize, deviations: &[f64], factor: &[[f64; 2]], squares: &mut [f64]) {
    const AT_ONCE: usize = 4;
    let deviations = S::as_simd_f64s(deviations).0;
    let squares = S::as_mut_simd_f64s(squares).0;
    let vectors = GROUP / S::F64_LANES;
    let zero = simd.splat_f64s(0.0);
    for (g, squares) in squares.as_chunks_mut::<AT_ONCE>().0.iter_mut().enumerate() {
        let mut sum = [zero; AT_ONCE];
        let mut rest = factor;
        for j in (0..d).step_by(2) {
            let mut products = [[zero; 2]; AT_ONCE];
            let (own, others) = rest.split_at(d.min(j + 2));
            rest = others;
            for (i, columns) in own.iter().enumerate() {
                let rows = &deviations[i * vectors + g * AT_ONCE..][..AT_ONCE];
                let columns = [simd.splat_f64s(columns[0]), simd.splat_f64s(columns[1])];
                for v in 0..AT_ONCE {
                    for c in 0..2 {
                        products[v][c] = simd.add_f64s(products[v][c], simd.mul_f64s(rows[v], columns[c]));
                    }
                }
            }
            for v in 0..AT_ONCE {
                for c in 0..2 {
                    sum[v] = simd.add_f64s(sum[v], simd.mul_f64s(products[v][c], products[v][c]));
                }
            }
        }
        *squares = sum;
    }
}

/// Turns the logarithms of densities into responsibilities, and adds up the log-likelihood.
#[inline(always)]
fn respond(scratch: &mut Scratch, learn: bool) {
    let Scratch { logs, copies, log_likelihood, .. } = scratch;
    let mut largest = [f64::NEG_INFINITY; GROUP];
    for logs in logs.chunks_exact(GROUP) {
        for (largest, &log) in largest.iter_mut().zip(logs) {
            *largest = if log > *largest { log } else { *largest };
        }
    }
    let mut sums = [0f64; GROUP];
    for logs in logs.chunks_exact_mut(GROUP) {
        for ((log, sum), &largest) in logs.iter_mut().zip(&mut sums).zip(&largest) {
            *log = exp(*log - largest);
            *sum += *log;
        }
    }
    let mut factors = [0f64; GROUP];
    for (((factor, &sum), largest), &copies) in factors.iter_mut().zip(&sums).zip(&mut largest).zip(&*copies)
    {
        *factor = if learn { copies / sum } else { 1.0 / sum };
        *largest = (*largest + ln(sum)) * copies;
    }
    for logs in logs.chunks_exact_mut(GROUP) {
        for (log, factor) in logs.iter_mut().zip(&factors) {
            *log *= factor;
        }
    }
    for row in largest.as_chunks::<LANES>().0 {
        for (sum, log) in log_likelihood.iter_mut().zip(row) {
            *sum += log;
        }
    }
}

/// Adds the group's responsibilities of a component, and the moments of its deviations, to the sums.
#[inline(always)]
fn collect<S: Simd>(simd: S, mixture: &Gaussians, c: usize, scratch: &mut Scratch) {
    let d = mixture.features;
    let padded = d.next_multiple_of(COLUMNS);
    let len = sums_len(mixture);
    let Scratch { logs, deviations, scaled, sums, .. } = scratch;
    let responsibilities = &logs[c * GROUP..(c + 1) * GROUP];
    let sums = &mut sums[c * len..(c + 1) * len];
    for (scaled, deviations) in scaled.chunks_exact_mut(GROUP).zip(deviations.chunks_exact(GROUP)).take(d) {
        for ((scaled, deviation), responsibility) in scaled.iter_mut().zip(deviations).zip(responsibilities) {
            *scaled = deviation * responsibility;
        }
    }
    // A vector may have fewer lanes than the sums: then each part of the lanes goes past the rows by itself.
    let parts = LANES / S::F64_LANES;
    let vectors = GROUP / S::F64_LANES;
    let responsibilities = S::as_simd_f64s(responsibilities).0;
    let (deviations, scaled) = (S::as_simd_f64s(deviations).0, S::as_simd_f64s(scaled).0);
    for part in 0..parts {
        let mut sum = S::as_simd_f64s(&sums[0]).0[part];
        for v in (part..vectors).step_by(parts) {
            sum = simd.add_f64s(sum, responsibilities[v]);
        }
        S::as_mut_simd_f64s(&mut sums[0]).0[part] = sum;
        for j in (0..padded).step_by(COLUMNS) {
            let own = &scaled[j * vectors..(j + COLUMNS) * vectors];
            let others = &deviations[j * vectors..(j + COLUMNS) * vectors];
            let mut first = [sum; COLUMNS];
            for c in 0..COLUMNS {
                first[c] = S::as_simd_f64s(&sums[1 + j + c]).0[part];
            }
            for v in (part..vectors).step_by(parts) {
                for c in 0..COLUMNS {
                    first[c] = simd.add_f64s(first[c], own[c * vectors + v]);
                }
            }
            for c in 0..COLUMNS {
                S::as_mut_simd_f64s(&mut sums[1 + j + c]).0[part] = first[c];
            }
            if mixture.moments == Moments::Squares {
                let mut second = [sum; COLUMNS];
                for c in 0..COLUMNS {
                    second[c] = S::as_simd_f64s(&sums[1 + padded + j + c]).0[part];
                }
                for v in (part..vectors).step_by(parts) {
                    for c in 0..COLUMNS {
                        let product = simd.mul_f64s(own[c * vectors + v], others[c * vectors + v]);
                        second[c] = simd.add_f64s(second[c], product);
                    }
                }
                for c in 0..COLUMNS {
                    S::as_mut_simd_f64s(&mut sums[1 + padded + j + c]).0[part] = second[c];
                }
            }
        }
        if mixture.moments == Moments::Products {
            let products = sums[1 + padded..].as_chunks_mut::<{ ROWS * COLUMNS }>().0;
            for ((i, j), sums) in tiles(d).zip(products) {
                let rows = &scaled[i * vectors..(i + ROWS) * vectors];
                let columns = &deviations[j * vectors..(j + COLUMNS) * vectors];
                let mut tile = [[sum; COLUMNS]; ROWS];
                for r in 0..ROWS {
                    for c in 0..COLUMNS {
                        tile[r][c] = S::as_simd_f64s(&sums[r * COLUMNS + c]).0[part];
                    }
                }
                for v in (part..vectors).step_by(parts) {
                    for r in 0..ROWS {
                        let row = rows[r * vectors + v];
                        for c in 0..COLUMNS {
                            let product = simd.mul_f64s(row, columns[c * vectors + v]);
                            tile[r][c] = simd.add_f64s(tile[r][c], product);
                        }
                    }
                }
                for r in 0..ROWS {
                    for c in 0..COLUMNS {
                        S::as_mut_simd_f64s(&mut sums[r * COLUMNS + c]).0[part] = tile[r][c];
                    }
                }
            }
        }
    }
}
