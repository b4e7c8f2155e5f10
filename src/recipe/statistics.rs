//! Figures of a column: exact or summed in f64 in blocks, so that they do not depend on who adds them up.

use crate::recipe::Scale;

/// Sums are taken in blocks of this many rows.
const BLOCK: usize = 4096;

/// Scales below this count as none, as scikit-learn has it.
const LEAST_SCALE: f64 = 10.0 * f64::EPSILON;

/// The middle of the values that are there, or the mean of the two middle ones; 0 where there is none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut there: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if there.is_empty() {
        return 0.0;
    }
    let (even, middle) = (there.len().is_multiple_of(2), there.len() / 2);
    let (below, upper, _) = there.select_nth_unstable_by(middle, f64::total_cmp);
    if even { below.iter().copied().fold(f64::MIN, f64::max).midpoint(*upper) } else { *upper }
}

/// The mean; NaN of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    blocked_sum(values, |v| v) / values.len() as f64
}

/// The standard deviation about `mean`, with `ddof` taken off the number of values.
pub(super) fn deviation(values: &[f64], mean: f64, ddof: u32) -> f64 {
    libm::sqrt(blocked_sum(values, |v| (v - mean) * (v - mean)) / (values.len() as f64 - f64::from(ddof)))
}

/// The quantile of sorted values, at least one, linear between neighbours, as NumPy computes it.
pub(super) fn quantile_of(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    let at = last as f64 * q;
    if at >= last as f64 {
        return sorted[last];
    }
    let below = libm::floor(at);
    let (low, high) = (sorted[below as usize], sorted[below as usize + 1]);
    let (share, step) = (at - below, high - low);
    if share >= 0.5 { high - step * (1.0 - share) } else { low + step * share }
}

/// The quantiles `at`, ascending, of values that are all there. Moves the values about, but does not sort them: those
/// beside a quantile are where sorting would put them. Nothing of nothing.
pub(crate) fn quantiles(values: &mut [f64], at: &[f64]) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let last = values.len() - 1;
    let below = |q: &f64| libm::floor(last as f64 * q) as usize;
    let mut places: Vec<usize> = at.iter().flat_map(|q| [below(q), last.min(below(q) + 1)]).collect();
    places.sort_unstable();
    places.dedup();
    // Whole numbers in the order of `total_cmp` are selected faster than by it.
    let turn = |keys: &mut [i64]| keys.iter_mut().for_each(|k| *k ^= (((*k >> 63) as u64) >> 1) as i64);
    turn(bytemuck::cast_slice_mut(values));
    select(bytemuck::cast_slice_mut(values), 0, &places);
    turn(bytemuck::cast_slice_mut(values));
    at.iter().map(|&q| quantile_of(values, q)).collect()
}

/// Puts in their place those keys that sorting would put at `places`, counted from `first` on.
fn select(keys: &mut [i64], first: usize, places: &[usize]) {
    let middle = places.len() / 2;
    let Some(&place) = places.get(middle).filter(|place| **place - first < keys.len()) else { return };
    let (below, _, above) = keys.select_nth_unstable(place - first);
    select(below, first, &places[..middle]);
    select(above, place + 1, &places[middle + 1..]);
}

/// What is taken from a value and what it is then divided by; see [`Scale`].
pub(super) fn centre_and_scale(values: &[f64], scale: Scale) -> (f64, f64) {
    let Some(&first) = values.first() else { return (0.0, 1.0) };
    // By comparison: the deviation of a constant can come out as rounding noise.
    if values.iter().all(|&v| v == first) {
        return (first, 1.0);
    }
    if matches!(scale, Scale::Robust | Scale::Minmax) {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (centre, width) = match scale {
            Scale::Robust => (median(values), quantile_of(&sorted, 0.75) - quantile_of(&sorted, 0.25)),
            _ => (sorted[0], sorted[sorted.len() - 1] - sorted[0]),
        };
        return (centre, if width < LEAST_SCALE { 1.0 } else { width });
    }
    let mean = mean(values);
    let deviation = deviation(values, mean, 0);
    match scale {
        // Values that differ by less than f64 can square.
        _ if deviation == 0.0 => (mean, 1.0),
        Scale::None => {
            let step = libm::ldexp(1.0, libm::ilogb(deviation));
            // Adding zero makes -0.0 plain.
            (libm::round(mean / step) * step + 0.0, 1.0)
        }
        _ => (mean, deviation),
    }
}

/// The sum of `term` over the values, block by block.
fn blocked_sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    values.chunks(BLOCK).map(|block| block.iter().map(|&v| term(v)).sum::<f64>()).sum()
}

/// The `most` commonest levels, ties by text, and the rest by text; levels in no row are left out.
pub(super) fn rank(levels: &[String], codes: &[Option<u32>], most: usize) -> (Vec<String>, Vec<String>) {
    let mut counts = vec![0usize; levels.len()];
    for code in codes.iter().flatten() {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let mut ranked: Vec<(usize, &String)> = counts.into_iter().zip(levels).filter(|(n, _)| *n > 0).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut top: Vec<String> = ranked.into_iter().map(|(_, level)| level.clone()).collect();
    let mut rest = top.split_off(top.len().min(most));
    rest.sort();
    (top, rest)
}

/// Pearson's correlation of two columns, over the rows that have both; 0 where one is constant.
pub(super) fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let both: (Vec<f64>, Vec<f64>) =
        a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(a, b)| (*a, *b)).unzip();
    let (a, b) = both;
    if a.is_empty() {
        return 0.0;
    }
    let (ma, mb) = (mean(&a), mean(&b));
    let products: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - ma) * (b - mb)).collect();
    let spread = deviation(&a, ma, 0) * deviation(&b, mb, 0);
    if spread > 0.0 { mean(&products) / spread } else { 0.0 }
}
