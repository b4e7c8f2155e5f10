//! The values of one column, as a reference table repeats them: the column's own distribution, but without gaps.

/// A column with at most so many distinct values is discrete.
const FEW_VALUES: usize = 20;

/// So is a column in which more than this share of the rows have one and the same value.
const ATOM: f64 = 0.1;

/// The distribution of a column of n rows.
#[derive(Debug, Clone)]
pub(super) struct Margin {
    /// For each rank from 0 to n - 1 the value that a reference table has there.
    pub(super) values: Vec<f64>,
    /// For each rank the normal score of the value, with mean 0 and mean square 1; all 0 for a constant column.
    pub(super) scores: Vec<f64>,
    /// Whether it takes its own values; otherwise those of the closest unimodal distribution.
    pub(super) discrete: bool,
}

impl Margin {
    /// The distribution of `column`, and for each row its normal score.
    pub(super) fn new(column: &[f64]) -> (Self, Vec<f64>) {
        let mut order: Vec<usize> = (0..column.len()).collect();
        order.sort_unstable_by(|&a, &b| column[a].total_cmp(&column[b]).then(a.cmp(&b)));
        let sorted: Vec<f64> = order.iter().map(|&i| column[i]).collect();
        let runs: Vec<usize> = sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).collect();
        let largest = runs.iter().copied().max().unwrap_or(0);
        let discrete = runs.len() <= FEW_VALUES || largest as f64 > ATOM * column.len() as f64;
        let scores = normal_scores(&runs);
        let mut of_rows = vec![0.0; column.len()];
        order.iter().zip(&scores).for_each(|(&i, &score)| of_rows[i] = score);
        let values = if discrete { sorted } else { unimodal(&sorted) };
        // A reference table has no ties where the column is continuous.
        let scores = if discrete { scores } else { normal_scores(&vec![1; column.len()]) };
        (Margin { values, scores, discrete }, of_rows)
    }
}

/// The standard normal quantile.
fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p)
}

/// The normal scores of sorted values, of which `runs` are equal: the quantile of a run's middle rank.
fn normal_scores(runs: &[usize]) -> Vec<f64> {
    let n: usize = runs.iter().sum();
    let mut scores = Vec::with_capacity(n);
    for &run in runs {
        let middle = (scores.len() as f64 + run as f64 / 2.0) / n as f64;
        scores.resize(scores.len() + run, normal_quantile(middle));
    }
    let mean = scores.iter().sum::<f64>() / n.max(1) as f64;
    let square = scores.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / n.max(1) as f64;
    let scale = if runs.len() > 1 && square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
    scores.iter_mut().for_each(|s| *s = (*s - mean) * scale);
    scores
}

/// How many modes are tried.
const MODES: usize = 128;

/// For each rank the quantile of the unimodal distribution that is closest to the sorted values: convex up to its mode and
/// concave from there on.
fn unimodal(sorted: &[f64]) -> Vec<f64> {
    let n = sorted.len() as f64;
    // The points of the distribution function: of equal values, the middle one.
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(sorted.len());
    let mut before = 0;
    for run in sorted.chunk_by(|a, b| a == b) {
        points.push((run[0], (before as f64 + run.len() as f64 / 2.0) / n));
        before += run.len();
    }
    let last = points.len() - 1;
    let tried = MODES.min(points.len());
    let (_, vertices) = (0..tried)
        .map(|t| t * last / (tried - 1).max(1))
        .map(|mode| {
            let mut vertices = hull(&points, 0..=mode, 1.0);
            vertices.pop();
            vertices.extend(hull(&points, mode..=last, -1.0));
            (distance(&points, &vertices), vertices)
        })
        .reduce(|best, other| if other.0 < best.0 { other } else { best })
        .unwrap_or_default();
    let mut segment = 1;
    (0..sorted.len())
        .map(|rank| {
            let p = (rank as f64 + 0.5) / n;
            while segment + 1 < vertices.len() && points[vertices[segment]].1 < p {
                segment += 1;
            }
            let (from, to) = (points[vertices[segment - 1]], points[vertices[segment]]);
            let at = ((p - from.1) / (to.1 - from.1)).clamp(0.0, 1.0);
            from.0 + at * (to.0 - from.0)
        })
        .collect()
}

/// The vertices of the convex minorant (`sign` 1) or the concave majorant (`sign` -1) of some of the points.
fn hull(points: &[(f64, f64)], which: std::ops::RangeInclusive<usize>, sign: f64) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    for i in which {
        while let [.., a, b] = out[..] {
            let (a, b, c) = (points[a], points[b], points[i]);
            if sign * ((c.1 - b.1) * (b.0 - a.0) - (b.1 - a.1) * (c.0 - b.0)) > 0.0 {
                break;
            }
            out.pop();
        }
        out.push(i);
    }
    out
}

/// The largest distance between the points and the lines through the vertices.
fn distance(points: &[(f64, f64)], vertices: &[usize]) -> f64 {
    let mut largest: f64 = 0.0;
    for pair in vertices.windows(2) {
        let (from, to) = (points[pair[0]], points[pair[1]]);
        let slope = (to.1 - from.1) / (to.0 - from.0);
        for point in &points[pair[0]..pair[1]] {
            largest = largest.max((point.1 - from.1 - slope * (point.0 - from.0)).abs());
        }
    }
    largest
}
