//! Hopkins' statistic (Hopkins and Skellam, 1954): does the table cluster at all?
//!
//! `H = sum u^e / (sum u^e + sum w^e)`: `u` are the distances from `m` points drawn uniformly in the table's bounding
//! box to their nearest rows, `w` those from `m` rows, drawn without replacement, to their nearest other rows. Near
//! 1 the table clusters, near 0.5 it looks like uniform noise. The literature takes `e = d` (Lawson and Jurs, 1990), and
//! then `H` of a uniform table follows Beta(m, m); notebooks usually take `e = 1`.

use crate::backend::{Metric, Neighbour, SelfMatches};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};

/// Hopkins' statistic of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Hopkins {
    /// With exponent 1.
    pub exponent_1: f64,
    /// With exponent d, the number of features.
    pub exponent_d: f64,
    /// The probability that uniform noise has an `exponent_d` this high: the upper tail of Beta(m, m).
    pub p_value: f64,
    /// How many random rows were probed, and as many random points.
    pub probes: usize,
    /// The nearest rows of the uniform probes, then the nearest other rows of the probed rows.
    pub neighbours: Vec<u32>,
}

/// Probes between two reports of progress.
const STEP: usize = 2048;

/// The default number of probes of each kind for this many rows (see [`population`]): a tenth of them, at most 2,000.
pub fn default_probes(rows: usize) -> usize {
    (rows / 10).min(2000)
}

/// How many rows there are to draw probes from: all copies if weights are whole numbers, else the rows whose weight is
/// above 0.
pub fn population(matrix: &Matrix) -> usize {
    match matrix.sample_weights() {
        Some(weights) if weights.is_whole() => weights.as_copies(weights.total()) as usize,
        Some(weights) => weights.steps().iter().filter(|w| **w > 0).count(),
        None => matrix.rows(),
    }
}

/// Computes Hopkins' statistic with `probes` probes of each kind.
///
/// Whole weights are copies of rows: each copy may be drawn, and another copy is the nearest other row. With other
/// weights a row is drawn with a chance that grows with its weight, and at most once.
///
/// # Errors
/// No probes, or more than a tenth of [`population`]; rows of weight 0, which would count as neighbours; a table whose
/// rows are all equal; a device that failed.
pub fn hopkins(dataset: &Dataset<'_>, probes: usize, seed: u64, progress: Progress<'_>) -> Result<Hopkins> {
    let matrix = dataset.matrix();
    let n = population(matrix);
    if probes == 0 || probes > n / 10 {
        return Err(Error::data(format!(
            "{probes} probes for {n} rows: Hopkins' statistic needs at least 1 probe, and at most a tenth of the rows"
        )));
    }
    if matrix.weights().is_some_and(|weights| weights.contains(&0)) {
        return Err(Error::data("Hopkins' statistic needs a table without rows of weight 0"));
    }
    let chosen = draw(matrix, probes, seed);
    let uniform = uniform_probes(matrix, probes, seed);
    let (mut u, mut w) = (Vec::with_capacity(probes), Vec::with_capacity(probes));
    let all: Vec<usize> = (0..probes).collect();
    for (few, own) in all.chunks(STEP).zip(chosen.chunks(STEP)) {
        progress.step("tendency", u.len() as u64, probes as u64)?;
        u.extend(dataset.nearest(&uniform.select(few), SelfMatches::Include, Metric::Euclidean)?);
        let alone: Vec<usize> = own.iter().filter(|p| !p.has_copies).map(|p| p.row).collect();
        let mut others = Vec::new();
        if !alone.is_empty() {
            let numbers: Vec<u32> = alone.iter().map(|&i| i as u32).collect();
            others =
                dataset.nearest(&matrix.select(&alone), SelfMatches::Exclude(&numbers), Metric::Euclidean)?;
        }
        let mut others = others.into_iter();
        // Another copy of the row is at distance 0.
        let copy = |probe: &Probe| Neighbour { row: probe.row as u32, distance: 0.0 };
        w.extend(own.iter().filter_map(|p| if p.has_copies { Some(copy(p)) } else { others.next() }));
    }
    progress.step("tendency", probes as u64, probes as u64)?;

    let logs = |found: &[Neighbour]| -> Vec<f64> { found.iter().map(|f| libm::log(f.distance)).collect() };
    let (log_u, log_w) = (logs(&u), logs(&w));
    let share = |e: f64| -> Option<(f64, f64)> {
        let (u, w) = (log_sum(&log_u, e), log_sum(&log_w, e));
        let top = u.max(w);
        if top == f64::NEG_INFINITY {
            return None;
        }
        let (u, w) = (libm::exp(u - top), libm::exp(w - top));
        Some((u / (u + w), w / (u + w)))
    };
    let (Some((exponent_1, _)), Some((exponent_d, rest))) = (share(1.0), share(matrix.features() as f64))
    else {
        return Err(Error::data("all rows are equal, so Hopkins' statistic is undefined"));
    };
    let m = probes as f64;
    let p_value = statrs::function::beta::checked_beta_reg(m, m, rest.clamp(0.0, 1.0)).unwrap_or(f64::NAN);
    let neighbours = u.iter().chain(&w).map(|f| f.row).collect();
    Ok(Hopkins { exponent_1, exponent_d, p_value, probes, neighbours })
}

/// A row that was drawn.
struct Probe {
    /// The first of its copies in the table.
    row: usize,
    /// Whether there are others.
    has_copies: bool,
}

/// Draws rows without replacement; each copy of a row has the same chance. Distinct rows are visited in the order of
/// their first copies, so that the draw is the same whether copies are separate rows or one weighted row.
fn draw(matrix: &Matrix, probes: usize, seed: u64) -> Vec<Probe> {
    let repeats = matrix.repeats();
    let draws = Draws::new(seed, Purpose::HopkinsRows);
    let copies = |distinct: usize| {
        let steps = u128::from(repeats.steps(matrix, distinct));
        matrix.sample_weights().map_or(steps as f64, |w| w.as_copies(steps))
    };
    if matrix.sample_weights().is_some_and(|w| !w.is_whole()) {
        // Weighted sampling (Efraimidis and Spirakis, 2006): take the smallest -ln(u) / weight.
        let mut race: Vec<(f64, usize)> = (0..repeats.len())
            .map(|distinct| (-libm::log1p(-draws.at(distinct as u64).uniform()) / copies(distinct), distinct))
            .collect();
        race.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let first = race.into_iter().take(probes).map(|(_, distinct)| repeats.first(distinct));
        return first.map(|row| Probe { row, has_copies: false }).collect();
    }
    let ends: Vec<usize> = (0..repeats.len())
        .scan(0, |end, distinct| {
            *end += copies(distinct) as usize;
            Some(*end)
        })
        .collect();
    let chosen = draws.at(0).sample(probes, population(matrix));
    let probe = |copy: usize| {
        let distinct = ends.partition_point(|&end| end <= copy);
        Probe { row: repeats.first(distinct), has_copies: copies(distinct) > 1.5 }
    };
    chosen.into_iter().map(probe).collect()
}

/// `ln sum exp(e * l)`, in logarithms because d-th powers soon leave the range of f64.
fn log_sum(logs: &[f64], e: f64) -> f64 {
    let top = logs.iter().fold(f64::NEG_INFINITY, |t, l| t.max(l * e));
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + libm::log(logs.iter().map(|l| libm::exp(l * e - top)).sum::<f64>())
}

/// Points drawn uniformly in the rows' bounding box, on the table's grid.
fn uniform_probes(matrix: &Matrix, probes: usize, seed: u64) -> Matrix {
    let d = matrix.features();
    let bounds = matrix.bounds();
    let draws = Draws::new(seed, Purpose::HopkinsUniform);
    let points: Vec<f64> = (0..probes)
        .flat_map(|p| {
            let mut stream = draws.at(p as u64);
            let draw = move |(low, high): (f32, f32)| {
                let (low, high) = (f64::from(low), f64::from(high));
                low + (high - low) * stream.uniform()
            };
            bounds.clone().into_iter().map(draw).collect::<Vec<_>>()
        })
        .collect();
    matrix.beside(probes, |i, j| matrix.to_user(points[i * d + j]))
}
