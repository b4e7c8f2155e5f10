//! Figures of a column: exact or summed in f64 in blocks, so that they do not depend on who adds them up.
//!
//! Every figure takes the number of copies of each value: a value with two copies counts as if it stood in two rows.
//! Without copies each value counts once, and the sums are the plain ones, bit for bit.

use crate::recipe::Scale;

/// Sums are taken in blocks of this many rows.
const BLOCK: usize = 4096;

/// Rounds to the nearest whole number when added before rounding down. Not exactly 0.5, because means of few or of round
/// numbers lie half way between two steps so often that the last bit of a sum would decide.
const NEARLY_HALF: f64 = 0.5 + 1.0 / (1u64 << 20) as f64;

/// Scales below this count as none, as scikit-learn has it.
const LEAST_SCALE: f64 = 10.0 * f64::EPSILON;

/// Sums of copies that differ by less than this, relative to the sum of all, are taken for equal: weights of 0.1 do not
/// add up to whole numbers exactly.
const SAME_COPIES: f64 = 1e-12;

/// How many copies there are of each value, all above 0; `None` is one of each.
pub(super) type Copies<'a> = Option<&'a [f64]>;

/// The values that are there, and their copies.
pub(super) fn there(values: &[f64], copies: Copies<'_>) -> (Vec<f64>, Option<Vec<f64>>) {
    let some = |v: &f64| !v.is_nan();
    let copies = copies.map(|copies| {
        values.iter().zip(copies).filter(|(v, _)| some(v)).map(|(_, copies)| *copies).collect()
    });
    (values.iter().copied().filter(some).collect(), copies)
}

/// The middle of the values that are there, or the mean of the two middle ones; 0 where there is none.
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

/// The number of values, or of their copies.
pub(super) fn count(values: &[f64], copies: Copies<'_>) -> f64 {
    copies.map_or(values.len() as f64, |copies| blocked_sum(copies, None, |c| c))
}

/// The sum.
pub(super) fn sum(values: &[f64], copies: Copies<'_>) -> f64 {
    blocked_sum(values, copies, |v| v)
}

/// The mean; NaN of nothing.
pub(super) fn mean(values: &[f64], copies: Copies<'_>) -> f64 {
    sum(values, copies) / count(values, copies)
}

/// The standard deviation about `mean`, with `ddof` taken off the number of values. NaN where no more than `ddof`
/// values are there.
pub(super) fn deviation(values: &[f64], mean: f64, ddof: u32, copies: Copies<'_>) -> f64 {
    let squares = blocked_sum(values, copies, |v| (v - mean) * (v - mean));
    let over = count(values, copies) - f64::from(ddof);
    if over > 0.0 { libm::sqrt(squares / over) } else { f64::NAN }
}

/// Values in ascending order, ready for quantiles.
pub(super) struct Ranked {
    values: Vec<f64>,
    /// For each value the copies of it and of all before it.
    reach: Option<Vec<f64>>,
}

impl Ranked {
    /// Of the values that are there.
    pub(super) fn new(values: &[f64], copies: Copies<'_>) -> Self {
        let Some(copies) = copies else {
            let mut values = there(values, None).0;
            values.sort_unstable_by(f64::total_cmp);
            return Ranked { values, reach: None };
        };
        let there = |(v, copies): &(f64, f64)| !v.is_nan() && *copies > 0.0;
        let mut pairs: Vec<(f64, f64)> =
            values.iter().copied().zip(copies.iter().copied()).filter(there).collect();
        // By the copies as well, so that the sums do not depend on the order of the rows.
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // What an addition rounds away is kept and added to the next (Neumaier's sum).
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

    /// The largest value; NaN of nothing.
    fn largest(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    /// Whether there is no value.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The quantile, linear between neighbours, as NumPy computes it on the copies written out; NaN of nothing. For
    /// copies that are no whole numbers, the value at a place is the first whose copies, added up, reach it (as in
    /// Hmisc's `wtd.quantile`).
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

    /// The middle, or the mean of the two middle ones where the halves are equal.
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

    /// The value at a place counted in copies, from 1.
    fn at(&self, place: f64) -> Option<f64> {
        self.values.get(self.place(place)).copied()
    }

    /// The first value whose copies, added up, reach a number; the last where none does.
    fn place(&self, copies: f64) -> usize {
        let reach = self.reach.as_deref().unwrap_or(&[]);
        let slack = reach.last().copied().unwrap_or(0.0) * SAME_COPIES;
        reach.partition_point(|r| *r < copies - slack).min(self.values.len().saturating_sub(1))
    }
}

/// So far on the way from a value to the next, as NumPy computes it.
fn between(low: f64, high: f64, share: f64) -> f64 {
    let step = high - low;
    if share >= 0.5 { high - step * (1.0 - share) } else { low + step * share }
}

/// The quantile of sorted values, at least one, linear between neighbours, as NumPy computes it.
fn quantile_of(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    let at = last as f64 * q;
    if at >= last as f64 {
        return sorted[last];
    }
    let below = libm::floor(at);
    between(sorted[below as usize], sorted[below as usize + 1], at - below)
}

/// The quantiles `at`, ascending, of values that are all there. Without copies it moves the values about, but does not
/// sort them: those beside a quantile are where sorting would put them. Nothing of nothing.
pub(crate) fn quantiles(values: &mut [f64], at: &[f64], copies: Copies<'_>) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    if copies.is_some() {
        let ranked = Ranked::new(values, copies);
        // The ends are the smallest and the largest value, also where copies do not add up to a whole number.
        return at.iter().map(|&q| if q == 1.0 { ranked.largest() } else { ranked.quantile(q) }).collect();
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
            // Adding zero makes -0.0 plain.
            (libm::floor(mean / step + NEARLY_HALF) * step + 0.0, 1.0)
        }
        _ => (mean, deviation),
    }
}

/// The value of a column that is constant, and what makes noise of what is left of it: all its values are equal, or their
/// deviation is no more than the rounding error of their mean, so that scaling by it would blow up noise. Missing values
/// are left out.
///
/// The bound is that of scikit-learn's `StandardScaler`, whose `n` is the number of additions that an error has gone
/// through; sums in blocks take fewer of them than there are rows.
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
    // Two values so far apart alone make the deviation of plain rows larger than the bound.
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

/// The sum of `term` over the values, block by block.
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

/// How often each of `levels` codes occurs: a number to compare by, which is above 0 where the code occurs at all.
/// Counts of copies are rounded to one part in 2^40 of all, so that equal ones are equal however they were added up.
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

/// The `most` commonest levels, ties by text, and the rest by text; levels in no row are left out.
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

/// Pearson's correlation of two columns, over the rows that have both; 0 where one is constant.
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
