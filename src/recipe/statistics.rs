//! Statistics of a column: mean, median, quantiles, standard deviation, counts, correlation.
//!
//! All give the same bits on every machine and with any number of threads, because a fit has to be reproducible. They
//! are either exact, such as the median, or sums in f64 that are always added up in the same blocks.
//!
//! Every statistic takes weights, as the number of copies of each value: a value with two copies counts as if it stood
//! in two rows. Without weights each value counts once.

use crate::recipe::Scale;

/// Sums are taken in blocks of this many rows.
const BLOCK: usize = 4096;

/// Added to a number before rounding down, this rounds it to the nearest whole number. It is not exactly 0.5, because
/// means of few or of round numbers often lie exactly halfway, where the last bit of a sum would decide.
const NEARLY_HALF: f64 = 0.5 + 1.0 / (1u64 << 20) as f64;

/// A range below this counts as 0, as in scikit-learn, and is not divided by.
const LEAST_SCALE: f64 = 10.0 * f64::EPSILON;

/// Sums of copies that differ by less than this, relative to the sum of all, count as equal: ten weights of 0.1 do not
/// add up to exactly 1.
const SAME_COPIES: f64 = 1e-12;

/// The number of copies of each value, which is its weight; all are above 0. `None` means one copy of each.
pub(super) type Copies<'a> = Option<&'a [f64]>;

/// The values that are not missing (NaN), and their copies.
pub(super) fn there(values: &[f64], copies: Copies<'_>) -> (Vec<f64>, Option<Vec<f64>>) {
    let some = |v: &f64| !v.is_nan();
    let copies = copies.map(|copies| {
        values.iter().zip(copies).filter(|(v, _)| some(v)).map(|(_, copies)| *copies).collect()
    });
    (values.iter().copied().filter(some).collect(), copies)
}

/// The median of the values that are not missing: the middle one, or the mean of the two middle ones; 0 if there is
/// none.
pub(super) fn median(values: &[f64], copies: Copies<'_>) -> f64 {
    if copies.is_some() {
        return Ranked::new(values, copies).median().unwrap_or(0.0);
    }
    let mut there: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if there.is_empty() {
        return 0.0;
    }
    let (even, middle) = (there.len().is_multiple_of(2), there.len() / 2);
    let (below, upper, _) = there.select_nth_unstable_by(middle, f64::total_cmp);
    if even { below.iter().copied().fold(f64::MIN, f64::max).midpoint(*upper) } else { *upper }
}

/// The number of values, or the sum of their copies.
pub(super) fn count(values: &[f64], copies: Copies<'_>) -> f64 {
    copies.map_or(values.len() as f64, |copies| blocked_sum(copies, None, |c| c))
}

/// The sum of the values, which must not be missing.
pub(super) fn sum(values: &[f64], copies: Copies<'_>) -> f64 {
    blocked_sum(values, copies, |v| v)
}

/// The mean of the values, which must not be missing; NaN if there are none.
pub(super) fn mean(values: &[f64], copies: Copies<'_>) -> f64 {
    sum(values, copies) / count(values, copies)
}

/// The standard deviation about `mean`, which divides by the number of values minus `ddof`; NaN if there are not more
/// than `ddof` values.
pub(super) fn deviation(values: &[f64], mean: f64, ddof: u32, copies: Copies<'_>) -> f64 {
    let squares = blocked_sum(values, copies, |v| (v - mean) * (v - mean));
    let over = count(values, copies) - f64::from(ddof);
    if over > 0.0 { libm::sqrt(squares / over) } else { f64::NAN }
}

/// Values in ascending order, ready for quantiles.
pub(super) struct Ranked {
    values: Vec<f64>,
    /// For each value, the sum of its copies and those of all values before it.
    reach: Option<Vec<f64>>,
}

impl Ranked {
    /// Sorts the values that are not missing.
    pub(super) fn new(values: &[f64], copies: Copies<'_>) -> Self {
        let Some(copies) = copies else {
            let mut values = there(values, None).0;
            values.sort_unstable_by(f64::total_cmp);
            return Ranked { values, reach: None };
        };
        let there = |(v, copies): &(f64, f64)| !v.is_nan() && *copies > 0.0;
        let mut pairs: Vec<(f64, f64)> =
            values.iter().copied().zip(copies.iter().copied()).filter(there).collect();
        // Sort equal values by their copies, so that the sums do not depend on the order of the rows.
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // Neumaier's sum: what each addition rounds away is collected and added back.
        let (mut sum, mut lost) = (0f64, 0f64);
        let reach = pairs.iter().map(|(_, copies)| {
            let next = sum + copies;
            lost += if sum >= *copies { (sum - next) + copies } else { (copies - next) + sum };
            sum = next;
            sum + lost
        });
        let reach = Some(reach.collect());
        Ranked { values: pairs.into_iter().map(|(v, _)| v).collect(), reach }
    }

    /// The largest value; NaN if there is none.
    fn largest(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    /// Whether there is no value.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The quantile `q`, from 0 to 1, interpolated linearly between neighbouring values; NaN if there are none. It is
    /// what NumPy computes if each value is repeated as often as it has copies. For copies that are not whole numbers,
    /// the value at a position is the first for which the sum of copies reaches the position (as in Hmisc's
    /// `wtd.quantile`).
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let Some(reach) = &self.reach else {
            return if self.is_empty() { f64::NAN } else { quantile_of(&self.values, q) };
        };
        let at = (reach.last().copied().unwrap_or(0.0) - 1.0).max(0.0) * q;
        let below = libm::floor(at);
        match (self.at(below + 1.0), self.at(below + 2.0)) {
            (Some(low), Some(high)) => between(low, high, at - below),
            _ => f64::NAN,
        }
    }

    /// The weighted median: the value at which the sum of copies passes half of the total. If it reaches exactly half
    /// there, the mean of this value and the next. `None` if there are no copies or no values.
    fn median(&self) -> Option<f64> {
        let reach = self.reach.as_ref()?;
        let half = reach.last()? / 2.0;
        let place = self.place(half);
        let value = *self.values.get(place)?;
        if reach[place] > half + 2.0 * half * SAME_COPIES {
            return Some(value);
        }
        Some(self.values.get(place + 1).map_or(value, |next| value.midpoint(*next)))
    }

    /// The value at a position, counted in copies from 1.
    fn at(&self, place: f64) -> Option<f64> {
        self.values.get(self.place(place)).copied()
    }

    /// The index of the first value for which the sum of copies reaches a number, or of the last value if none does.
    fn place(&self, copies: f64) -> usize {
        let reach = self.reach.as_deref().unwrap_or(&[]);
        let slack = reach.last().copied().unwrap_or(0.0) * SAME_COPIES;
        reach.partition_point(|r| *r < copies - slack).min(self.values.len().saturating_sub(1))
    }
}

/// Interpolates between two values, with the same rounding as NumPy. `share` runs from 0 (`low`) to 1 (`high`).
fn between(low: f64, high: f64, share: f64) -> f64 {
    let step = high - low;
    if share >= 0.5 { high - step * (1.0 - share) } else { low + step * share }
}

/// The quantile `q` of sorted values, interpolated linearly between neighbours as in NumPy. There must be at least one
/// value.
fn quantile_of(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    let at = last as f64 * q;
    if at >= last as f64 {
        return sorted[last];
    }
    let below = libm::floor(at);
    between(sorted[below as usize], sorted[below as usize + 1], at - below)
}

/// The quantiles `at`, ascending numbers from 0 to 1, of values that must not be missing; empty if there are none.
/// Reorders the values if there are no copies: a full sort is not needed, because only the values next to a quantile
/// have to be in their sorted positions.
pub(crate) fn quantiles(values: &mut [f64], at: &[f64], copies: Copies<'_>) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    if copies.is_some() {
        let ranked = Ranked::new(values, copies);
        // The quantile 1 is always the largest value, even if the copies do not add up to a whole number.
        return at.iter().map(|&q| if q == 1.0 { ranked.largest() } else { ranked.quantile(q) }).collect();
    }
    let last = values.len() - 1;
    let below = |q: &f64| libm::floor(last as f64 * q) as usize;
    let mut places: Vec<usize> = at.iter().flat_map(|q| [below(q), last.min(below(q) + 1)]).collect();
    places.sort_unstable();
    places.dedup();
    // Selecting among integers is faster than comparing with `total_cmp`. This maps the bits of a float to an integer
    // with the same order, and back.
    let turn = |keys: &mut [i64]| keys.iter_mut().for_each(|k| *k ^= (((*k >> 63) as u64) >> 1) as i64);
    turn(bytemuck::cast_slice_mut(values));
    select(bytemuck::cast_slice_mut(values), 0, &places);
    turn(bytemuck::cast_slice_mut(values));
    at.iter().map(|&q| quantile_of(values, q)).collect()
}

/// Reorders the keys so that each of the ascending `places` holds the key that sorting would put there. `first` is the
/// place of the first key.
fn select(keys: &mut [i64], first: usize, places: &[usize]) {
    let middle = places.len() / 2;
    let Some(&place) = places.get(middle).filter(|place| **place - first < keys.len()) else { return };
    let (below, _, above) = keys.select_nth_unstable(place - first);
    select(below, first, &places[..middle]);
    select(above, place + 1, &places[middle + 1..]);
}

/// The centre, which is subtracted from a value, and the scale, which the difference is divided by; see [`Scale`].
pub(super) fn centre_and_scale(values: &[f64], scale: Scale, copies: Copies<'_>) -> (f64, f64) {
    if let Some((centre, noise)) = constant(values, copies) {
        return (centre, if scale == Scale::None { 1.0 } else { noise });
    }
    if values.is_empty() {
        return (0.0, 1.0);
    }
    if matches!(scale, Scale::Robust | Scale::Minmax) {
        let ranked = Ranked::new(values, copies);
        let (first, last) = (ranked.values[0], ranked.largest());
        let (centre, width) = match scale {
            Scale::Robust => (median(values, copies), ranked.quantile(0.75) - ranked.quantile(0.25)),
            _ => (first, last - first),
        };
        return (centre, if width < LEAST_SCALE { 1.0 } else { width });
    }
    let mean = mean(values, copies);
    let deviation = deviation(values, mean, 0, copies);
    match scale {
        Scale::None => {
            let step = libm::ldexp(1.0, libm::ilogb(deviation));
            // Adding zero turns -0.0 into 0.0.
            (libm::floor(mean / step + NEARLY_HALF) * step + 0.0, 1.0)
        }
        _ => (mean, deviation),
    }
}

/// If a column is constant, its value, and a scale that keeps the remaining differences as small as rounding noise.
/// Missing values are ignored.
///
/// A column is constant if all its values are equal, or if their standard deviation is no larger than the rounding
/// error of their mean, as with 0.3 and 0.30000000000000004. To divide by such a deviation would turn rounding noise
/// into a feature.
///
/// The bound on the rounding error is that of scikit-learn's `StandardScaler`, with the number of additions that an
/// error passes through in place of the number of rows; summing in blocks takes fewer.
pub(super) fn constant(values: &[f64], copies: Copies<'_>) -> Option<(f64, f64)> {
    let mut some = values.iter().copied().filter(|v| !v.is_nan());
    let first = some.next()?;
    let (mut min, mut max, mut n) = (first, first, 1usize);
    for v in some {
        (min, max, n) = (v.min(min), v.max(max), n + 1);
    }
    if min == max {
        return Some((first, 1.0));
    }
    let additions = if n <= BLOCK { n as f64 } else { (BLOCK + n / BLOCK) as f64 };
    let (error, range) = (additions * f64::EPSILON, max - min);
    // A shortcut for the common case: if the smallest and the largest value are this far apart, they alone lift the
    // standard deviation above the bound. It does not hold for weighted rows.
    let apart = range > 4.0 * error * (n as f64).sqrt() * max.abs().max(min.abs());
    if copies.is_none() && apart && range * range / n as f64 > f64::MIN_POSITIVE {
        return None;
    }
    let (values, copies) = there(values, copies);
    let mean = mean(&values, copies.as_deref());
    let deviation = deviation(&values, mean, 0, copies.as_deref());
    let (variance, bound) = (deviation * deviation, mean * error);
    if !deviation.is_finite() || variance > error * variance + bound * bound {
        return None;
    }
    let centre = median(&values, copies.as_deref());
    Some((centre, centre.abs().max(1.0)))
}

/// The sum of `term(value)`, times the copies, over all values. Each block is summed on its own before the blocks are
/// added up.
fn blocked_sum(values: &[f64], copies: Copies<'_>, term: impl Fn(f64) -> f64) -> f64 {
    match copies {
        None => values.chunks(BLOCK).map(|block| block.iter().map(|&v| term(v)).sum::<f64>()).sum(),
        Some(copies) => values
            .chunks(BLOCK)
            .zip(copies.chunks(BLOCK))
            .map(|(values, copies)| values.iter().zip(copies).map(|(&v, c)| c * term(v)).sum::<f64>())
            .sum(),
    }
}

/// How often each of the codes from 0 to `levels - 1` occurs, as numbers to compare with each other; 0 only if a code
/// does not occur. With copies, the unit is 1/2^40 of their sum, so that equal totals stay equal whatever the order in
/// which they were added up.
pub(super) fn tally(levels: usize, codes: &[Option<u32>], copies: Copies<'_>) -> Vec<u64> {
    let Some(copies) = copies else {
        let mut counts = vec![0u64; levels];
        for code in codes.iter().flatten() {
            if let Some(count) = counts.get_mut(*code as usize) {
                *count += 1;
            }
        }
        return counts;
    };
    let mut sums = vec![0f64; levels];
    for (code, copies) in codes.iter().zip(copies) {
        if let Some(sum) = code.and_then(|code| sums.get_mut(code as usize)) {
            *sum += copies;
        }
    }
    let unit = sums.iter().sum::<f64>() / libm::ldexp(1.0, 40);
    let share = |sum: &f64| if *sum > 0.0 { libm::round(sum / unit).max(1.0) as u64 } else { 0 };
    sums.iter().map(share).collect()
}

/// The `most` commonest levels, commonest first and equally common ones in alphabetical order, and the other levels in
/// alphabetical order. Levels that no row has are left out.
pub(super) fn rank(
    levels: &[String],
    codes: &[Option<u32>],
    most: usize,
    copies: Copies<'_>,
) -> (Vec<String>, Vec<String>) {
    let counts = tally(levels.len(), codes, copies);
    let mut ranked: Vec<(u64, &String)> = counts.into_iter().zip(levels).filter(|(n, _)| *n > 0).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut top: Vec<String> = ranked.into_iter().map(|(_, level)| level.clone()).collect();
    let mut rest = top.split_off(top.len().min(most));
    rest.sort();
    (top, rest)
}

/// Pearson's correlation of two columns over the rows in which neither is missing; 0 if one of them is constant there.
pub(super) fn correlation(a: &[f64], b: &[f64], copies: Copies<'_>) -> f64 {
    let both = |i: &usize| !a[*i].is_nan() && !b[*i].is_nan();
    let rows: Vec<usize> = (0..a.len().min(b.len())).filter(both).collect();
    if rows.is_empty() {
        return 0.0;
    }
    let pick = |of: &[f64]| rows.iter().map(|&i| of[i]).collect::<Vec<f64>>();
    let (a, b, copies) = (pick(a), pick(b), copies.map(pick));
    let copies = copies.as_deref();
    if constant(&a, copies).is_some() || constant(&b, copies).is_some() {
        return 0.0;
    }
    let (ma, mb) = (mean(&a, copies), mean(&b, copies));
    let products: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - ma) * (b - mb)).collect();
    let spread = deviation(&a, ma, 0, copies) * deviation(&b, mb, 0, copies);
    if spread > 0.0 { mean(&products, copies) / spread } else { 0.0 }
}
