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

#[cfg(test)]
mod tests {
    use super::super::dip::dip;
    use super::*;
    use crate::random::{Draws, Purpose};

    fn normals(n: usize) -> Vec<f64> {
        let mut stream = Draws::new(1, Purpose::SynthTable).at(0);
        (0..n).map(|_| stream.normal()).collect()
    }

    #[test]
    fn a_continuous_column_loses_its_gap_and_keeps_its_ends() {
        let two: Vec<f64> = normals(1000).iter().zip(0..).map(|(z, i)| z + f64::from(i % 2) * 8.0).collect();
        let (margin, scores) = Margin::new(&two);
        assert!(!margin.discrete && margin.values.is_sorted() && margin.values.len() == 1000);
        let mut sorted = two.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        assert!(dip(&sorted) > 0.1 && dip(&margin.values) < 0.003, "{}", dip(&margin.values));
        assert!(
            (margin.values[0] - sorted[0]).abs() < 1e-9 && (margin.values[999] - sorted[999]).abs() < 1e-9
        );
        // The smallest value has the smallest score.
        let smallest = (0..1000).min_by(|&a, &b| two[a].total_cmp(&two[b])).unwrap();
        assert!(scores[smallest] < -3.0 && (scores[smallest] - margin.scores[0]).abs() < 1e-12);
    }

    #[test]
    fn a_unimodal_column_stays_as_it_is() {
        let mut column = normals(2000);
        let (margin, _) = Margin::new(&column);
        column.sort_unstable_by(f64::total_cmp);
        // The distribution function moves by less than 3 %, and therefore no quantile of the middle by more than 0.1.
        let away = |i: usize| (column[i] - margin.values[i]).abs();
        assert!((100..1900).all(|i| away(i) < 0.1), "{:?}", (100..1900).map(away).fold(0.0, f64::max));
    }

    #[test]
    fn few_values_or_a_large_atom_make_a_column_discrete() {
        let few: Vec<f64> = (0..200).map(|i| f64::from(i % 20)).collect();
        let (margin, _) = Margin::new(&few);
        assert!(margin.discrete && margin.values.iter().step_by(10).copied().eq((0..20).map(f64::from)));
        let more: Vec<f64> = (0..210).map(|i| f64::from(i % 21)).collect();
        assert!(!Margin::new(&more).0.discrete);
        let atom: Vec<f64> = (0..200).map(|i| if i < 21 { 0.0 } else { f64::from(i) }).collect();
        assert!(Margin::new(&atom).0.discrete && !Margin::new(&atom[2..]).0.discrete);
    }

    #[test]
    fn normal_scores_are_the_quantiles_of_middle_ranks() {
        // Of 1, 2 and 1 equal rows: the quantiles of 1/8, 1/2 and 7/8, then scaled to mean square 1.
        let scores = normal_scores(&[1, 2, 1]);
        let expected = [-1.0, 0.0, 0.0, 1.0].map(|v: f64| v * 2f64.sqrt());
        assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{scores:?}");
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
        assert_eq!(normal_scores(&[5]), [0.0; 5]);
    }
}
