//! The dip statistic (Hartigan and Hartigan, 1985): how far a sample is from the closest unimodal distribution.
//!
//! All distances between distribution functions are counted in rows here, and divided at the end.

/// A row's value, how many rows come before it, and how many up to it.
#[derive(Debug, Clone, Copy)]
struct Step {
    x: f64,
    below: f64,
    upto: f64,
}

/// The dip of a sample that is sorted in increasing order: the smallest possible largest distance between its distribution
/// function and a unimodal one. It is between `1 / 2n` and 1/4; 0 for an empty sample.
pub(super) fn dip(sorted: &[f64]) -> f64 {
    // Equal values stay apart. A hull that ends in a run of them is vertical there, which is how the mode may have an atom.
    let step = |(i, &x): (usize, &f64)| Step { x, below: i as f64, upto: i as f64 + 1.0 };
    let steps: Vec<Step> = sorted.iter().enumerate().map(step).collect();
    let n = steps.len() as f64;
    if steps.len() < 2 {
        return if steps.is_empty() { 0.0 } else { 0.5 };
    }
    let (mut low, mut high) = (0, steps.len() - 1);
    // Twice the dip so far, in rows.
    let mut twice: f64 = 1.0;
    loop {
        let minorant = hull(&steps, low, high, |s| s.below, 1.0);
        let majorant = hull(&steps, low, high, |s| s.upto, -1.0);
        let gap = widest_gap(&steps, &minorant, &majorant);
        if gap.size <= twice {
            break;
        }
        let left = minorant.iter().position(|&i| i == gap.low).unwrap_or(0);
        let right = majorant.iter().position(|&i| i == gap.high).unwrap_or(0);
        let before = distance(&steps, &minorant[..=left], |s| s.below, |s, line| s.upto - line);
        let after = distance(&steps, &majorant[right..], |s| s.upto, |s, line| line - s.below);
        twice = twice.max(before).max(after);
        if (gap.low, gap.high) == (low, high) {
            break;
        }
        (low, high) = (gap.low, gap.high);
    }
    twice / (2.0 * n)
}

/// The vertices, from `low` to `high`, of the greatest convex function below the points (`sign` 1), or of the least concave
/// function above them (`sign` -1).
fn hull(steps: &[Step], low: usize, high: usize, y: impl Fn(&Step) -> f64, sign: f64) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    for i in low..=high {
        while let [.., a, b] = out[..] {
            let (a, b, c) = (&steps[a], &steps[b], &steps[i]);
            // Keep b where the slope turns in the right direction there.
            let turn = (y(c) - y(b)) * (b.x - a.x) - (y(b) - y(a)) * (c.x - b.x);
            if turn * sign > 0.0 {
                break;
            }
            out.pop();
        }
        out.push(i);
    }
    out
}

/// Where the majorant is highest above the minorant.
struct Gap {
    size: f64,
    /// The new modal interval: a vertex of the minorant and one of the majorant.
    low: usize,
    high: usize,
}

/// The widest gap lies at a vertex of one of the two functions, since both are linear in between. The other end of the new
/// modal interval is the end of the other function's line there that faces the vertex. On a vertical line the gap is NaN,
/// which is wider than nothing.
fn widest_gap(steps: &[Step], minorant: &[usize], majorant: &[usize]) -> Gap {
    let mut widest = Gap { size: f64::NEG_INFINITY, low: minorant[0], high: majorant[majorant.len() - 1] };
    let line = |from: &Step, to: &Step, y: fn(&Step) -> f64, x: f64| {
        y(from) + (y(to) - y(from)) * ((x - from.x) / (to.x - from.x))
    };
    let mut segment = 1;
    for &g in minorant {
        while segment + 1 < majorant.len() && majorant[segment] < g {
            segment += 1;
        }
        let (from, to) = (&steps[majorant[segment - 1]], &steps[majorant[segment]]);
        let size = line(from, to, |s| s.upto, steps[g].x) - steps[g].below;
        if size > widest.size && majorant[segment] >= g {
            widest = Gap { size, low: g, high: majorant[segment] };
        }
    }
    let mut segment = 1;
    for &l in majorant {
        while segment + 1 < minorant.len() && minorant[segment] <= l {
            segment += 1;
        }
        let (from, to) = (&steps[minorant[segment - 1]], &steps[minorant[segment]]);
        let size = steps[l].upto - line(from, to, |s| s.below, steps[l].x);
        if size > widest.size {
            widest = Gap { size, low: minorant[segment - 1], high: l };
        }
    }
    widest
}

/// The largest distance between the distribution function and the lines through `vertices`.
fn distance(
    steps: &[Step],
    vertices: &[usize],
    y: impl Fn(&Step) -> f64,
    apart: impl Fn(&Step, f64) -> f64,
) -> f64 {
    let mut largest: f64 = 0.0;
    for pair in vertices.windows(2) {
        let (from, to) = (&steps[pair[0]], &steps[pair[1]]);
        if to.x == from.x {
            continue;
        }
        let slope = (y(to) - y(from)) / (to.x - from.x);
        for step in &steps[pair[0]..=pair[1]] {
            largest = largest.max(apart(step, y(from) + slope * (step.x - from.x)));
        }
    }
    largest
}

/// The probability that a uniform sample of `n` rows, the hardest unimodal case, has a dip of at least `dip`.
///
/// It is interpolated between simulated quantiles of `sqrt(n) * dip`, linearly in the quantile and in the logarithm of the
/// probability, and beyond the last quantiles continued in the same way. It is 1 for fewer than 4 rows.
pub(super) fn dip_p_value(dip: f64, n: usize) -> f64 {
    if n < 4 {
        return 1.0;
    }
    let size = n as f64;
    let at = |row: usize, column: usize| QUANTILES[row].1[column];
    let rows = QUANTILES.len();
    let upper = QUANTILES.iter().position(|(rows, _)| *rows >= size).unwrap_or(rows - 1).max(1);
    let (small, large) = (QUANTILES[upper - 1].0, QUANTILES[upper].0);
    let weight =
        ((libm::log(size) - libm::log(small)) / (libm::log(large) - libm::log(small))).clamp(0.0, 1.0);
    let quantile = |column: usize| at(upper - 1, column) * (1.0 - weight) + at(upper, column) * weight;
    let scaled = dip * size.sqrt();
    if scaled <= quantile(0) {
        return 1.0;
    }
    let last = PROBABILITIES.len() - 1;
    let column = (1..last).find(|&column| scaled <= quantile(column)).unwrap_or(last);
    let (low, high) = (quantile(column - 1), quantile(column));
    let (more, less) = (libm::log(PROBABILITIES[column - 1]), libm::log(PROBABILITIES[column]));
    libm::exp(more + (less - more) * (scaled - low) / (high - low)).min(1.0)
}

/// The probabilities of [`QUANTILES`].
const PROBABILITIES: [f64; 10] = [0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001];

/// Numbers of rows, and for each the values that `sqrt(n) * dip` exceeds with these probabilities, from 100,000 simulated
/// uniform samples (40,000 for the last one).
const QUANTILES: [(f64, [f64; 10]); 9] = [
    (10.0, [0.2466, 0.2783, 0.3090, 0.3604, 0.4127, 0.4414, 0.4766, 0.5045, 0.5255, 0.5690]),
    (20.0, [0.2540, 0.2869, 0.3278, 0.3808, 0.4351, 0.4700, 0.5108, 0.5384, 0.5645, 0.6151]),
    (30.0, [0.2595, 0.2922, 0.3365, 0.3898, 0.4466, 0.4837, 0.5269, 0.5570, 0.5857, 0.6426]),
    (50.0, [0.2671, 0.3006, 0.3458, 0.4009, 0.4587, 0.4966, 0.5407, 0.5713, 0.5997, 0.6608]),
    (100.0, [0.2742, 0.3087, 0.3554, 0.4122, 0.4724, 0.5118, 0.5588, 0.5932, 0.6224, 0.6881]),
    (200.0, [0.2799, 0.3148, 0.3615, 0.4198, 0.4811, 0.5221, 0.5704, 0.6036, 0.6367, 0.7045]),
    (500.0, [0.2847, 0.3202, 0.3679, 0.4269, 0.4897, 0.5308, 0.5809, 0.6160, 0.6487, 0.7210]),
    (1000.0, [0.2881, 0.3234, 0.3714, 0.4311, 0.4950, 0.5356, 0.5855, 0.6198, 0.6507, 0.7231]),
    (2000.0, [0.2893, 0.3250, 0.3740, 0.4333, 0.4957, 0.5388, 0.5876, 0.6224, 0.6565, 0.7273]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = f64>) -> f64 {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        dip(&sorted)
    }

    #[test]
    fn the_dip_is_that_of_the_published_code() {
        // The expected values are those of the Python package diptest 0.12.
        let close = |got: f64, there: f64| assert!((got - there).abs() < 1e-12, "{got}, not {there}");
        let i = || (1..=100).map(f64::from);
        close(of(i().map(|i| i * i * 7.0 % 101.0)), 0.0325);
        close(of(i().map(|i| (i * 37.0 % 101.0).sqrt())), 0.005);
        let two = |i: f64| if i % 2.0 == 0.0 { i / 10.0 } else { 100.0 + i / 7.0 };
        close(of(i().map(two)), 0.2163923182441701);
        close(of(i().map(|i| i % 3.0 * 10.0 + i * 31.0 % 101.0 / 50.0)), 0.1332565130260521);
        close(of([1.0, 2.0, 3.0, 4.0, 10.0, 11.0, 12.0, 13.0, 30.0, 31.0].into_iter()), 0.13333333333333336);
        // With ties.
        close(of(i().map(|i| i * i % 7.0)), 0.145);
        close(of(i().map(|i| i % 2.0)), 0.25);
        close(of((0..60).map(|i| f64::from(i / 20))), 1.0 / 6.0);
        let pyramid = [10, 40, 60, 40, 10].into_iter().zip(0..).flat_map(|(n, v)| vec![f64::from(v); n]);
        close(of(pyramid), 0.125);
        // An atom in the mode is unimodal, and one on a slope is not.
        let slope = || (0..60).map(|i| f64::from(i - 30).powi(3));
        close(of(slope().chain([0.0; 40])), 0.005);
        assert!(of(slope().chain([-27_000.0; 40])) > 0.05);
    }

    #[test]
    fn samples_of_one_or_no_value() {
        assert_eq!([dip(&[]), dip(&[3.0]), dip(&[3.0; 10])], [0.0, 0.5, 0.05]);
    }

    #[test]
    fn p_values_are_those_of_the_published_table() {
        // Quantiles from qDiptab of the R package diptest.
        let published = [
            (50, 0.070274, 0.05),
            (50, 0.0812, 0.01),
            (100, 0.059024, 0.01),
            (1000, 0.016934, 0.05),
            (5000, 0.0088636, 0.01),
        ];
        for (n, dip, p) in published {
            let got = dip_p_value(dip, n);
            assert!((got - p).abs() < 0.15 * p, "{got} for {dip} of {n}");
        }
        assert_eq!([dip_p_value(0.0, 100), dip_p_value(0.25, 3)], [1.0, 1.0]);
        assert!(dip_p_value(0.2, 100) < 1e-6 && dip_p_value(0.05, 5000) < 1e-4);
    }
}
