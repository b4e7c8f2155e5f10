//! Sample weights: a row of weight 3 counts like three copies of the row.
//!
//! Sums over rows must be exact, so that they do not depend on the order of addition (see ARCHITECTURE.md, "Numbers").
//! Weights are therefore stored as integers: each is a number of *steps* of one common size. For example, the weights
//! 0.5, 1.0 and 2.5 become 1, 2 and 5 steps.
//!
//! Integer weights, and weights that are all integer multiples of one number, are represented exactly. Other weights
//! are rounded to at least 20 significant bits, about one part in a million. This works as long as the largest weight
//! is at most 2^43 (about 10^13) times the smallest positive one.

use crate::error::Error;

/// The largest number of steps that one weight may have.
pub(crate) const MOST_STEPS: u64 = 1 << 62;

/// The largest allowed ratio of the largest weight to the smallest positive one, for weights that have to be rounded.
const MOST_RATIO: f64 = (1u64 << 43) as f64;

/// The most significant bits that a rounded weight keeps. More bits would make the computation on a device slower.
const MOST_BITS: i32 = 32;

/// To find a common step, the smallest weight is divided by 1, 2, 3 and so on up to this number.
const PARTS: u32 = 64;

/// One weight per row, stored as an integer number of steps.
///
/// A weight can be expressed on three scales: in steps, as the number the user gave (`given`), and as the number of
/// copies of its row (`copies`). For integer weights the last two are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    steps: Vec<u64>,
    /// The size of one step on the scale of the given weights.
    unit: f64,
    /// The size of one step in copies of a row.
    copies: f64,
    /// Whether all given weights were integers.
    whole: bool,
    /// Whether these are counts of identical rows and not weights from the user.
    count: bool,
}

/// Why a list of weights cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidWeights {
    /// The row, counted from 0; `None` if the problem is the column as a whole.
    pub row: Option<usize>,
    /// What is wrong, as a sentence.
    pub what: String,
}

impl From<InvalidWeights> for Error {
    fn from(InvalidWeights { row, what }: InvalidWeights) -> Self {
        Error::data(row.map_or_else(|| what.clone(), |row| format!("row {}: {what}", row + 1)))
    }
}

impl Weights {
    /// Creates weights from the numbers that a user gives, one per row. They must be 0 or more, and not all 0.
    ///
    /// If all of them are integers, a weight is the number of copies of its row. Otherwise weights only say how much
    /// rows count relative to each other: they are scaled so that the rows with a positive weight have one copy on
    /// average, and multiplying all of them by a constant changes nothing.
    ///
    /// # Errors
    /// A weight is missing, negative or infinite; all weights are 0; or the weights are too far apart to be kept to one
    /// part in a million.
    pub fn new(given: &[f64]) -> std::result::Result<Self, InvalidWeights> {
        let at = |row: usize, what: String| InvalidWeights { row: Some(row), what };
        if let Some(row) = given.iter().position(|w| !w.is_finite() || *w < 0.0) {
            let found = if given[row].is_nan() { "nothing".into() } else { given[row].to_string() };
            return Err(at(row, format!("expected a weight of 0 or more, found {found}")));
        }
        let positive = || given.iter().copied().filter(|w| *w > 0.0);
        let (least, most) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        if most == 0.0 {
            return Err(InvalidWeights { row: None, what: "all weights are zero, so no row counts".into() });
        }
        let row_of = |value: f64| given.iter().position(|w| *w == value).unwrap_or(0);
        if given.iter().all(|w| w.fract() == 0.0) && most <= MOST_STEPS as f64 {
            let mut steps: Vec<u64> = given.iter().map(|&w| w as u64).collect();
            let unit = divide_by_common(&mut steps);
            return Ok(Weights { steps, unit, copies: unit, whole: true, count: false });
        }
        let too_far = || {
            let ratio = most / least;
            let what = format!(
                "the weight {most} is {ratio:.3e} times the smallest one, {least} in row {}; weights can be kept to \
                 one part in a million only up to a ratio of about 1e13: raise the smallest weights, or set them to 0",
                row_of(least) + 1
            );
            at(row_of(most), what)
        };
        let steps = match multiples(given, least) {
            Some(steps) => steps,
            None => rounded(given, least, most).ok_or_else(too_far)?,
        };
        let mut steps = steps;
        divide_by_common(&mut steps);
        let total = steps.iter().map(|&s| u128::from(s)).sum::<u128>() as f64;
        let rows = positive().count() as f64;
        let sum: f64 = positive().sum();
        // The sum of very large weights can overflow f64; the unit is then derived from the smallest weight.
        let smallest = steps.iter().copied().filter(|s| *s > 0).min().unwrap_or(1) as f64;
        let unit = if sum.is_finite() { sum / total } else { least / smallest };
        Ok(Weights { steps, unit, copies: rows / total, whole: false, count: false })
    }

    /// Weights for a matrix of distinct rows: row `i` stands for `counts[i]` identical rows.
    pub fn counts(counts: Vec<u64>) -> Self {
        Weights { steps: counts, unit: 1.0, copies: 1.0, whole: true, count: true }
    }

    /// Weights on the same scale for other rows, given their steps.
    pub(crate) fn with_steps(&self, steps: Vec<u64>) -> Self {
        Weights { steps, ..*self }
    }

    /// The weights of the given rows, in the given order.
    pub fn select(&self, rows: impl Iterator<Item = usize>) -> Self {
        self.with_steps(rows.map(|row| self.steps[row]).collect())
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The weight of each row in steps, at most 2^62.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// The weight of `row` as the user gave it, to one part in a million.
    pub fn given(&self, row: usize) -> f64 {
        self.steps[row] as f64 * self.unit
    }

    /// The number of copies that `row` counts as.
    pub fn copies(&self, row: usize) -> f64 {
        self.steps[row] as f64 * self.copies
    }

    /// The number of copies that each row counts as.
    pub fn all_copies(&self) -> Vec<f64> {
        (0..self.len()).map(|row| self.copies(row)).collect()
    }

    /// Converts a number of steps to a number of copies.
    pub fn as_copies(&self, steps: u128) -> f64 {
        steps as f64 * self.copies
    }

    /// Converts a number of steps to the scale of the given weights.
    pub fn as_given(&self, steps: u128) -> f64 {
        steps as f64 * self.unit
    }

    /// Whether all given weights were integers, so that each is exactly a number of copies.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether these are counts of identical rows ([`Weights::counts`]) and not weights from the user.
    pub fn is_count(&self) -> bool {
        self.count
    }

    /// Whether `row` has a weight above 0.
    pub fn counts_row(&self, row: usize) -> bool {
        self.steps[row] > 0
    }

    /// The sum of all weights, in steps.
    pub fn total(&self) -> u128 {
        self.steps.iter().map(|&s| u128::from(s)).sum()
    }
}

/// Divides all steps by their greatest common divisor and returns it. As a result, weights that differ only by a
/// constant factor have the same steps.
fn divide_by_common(steps: &mut [u64]) -> f64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let mut common = 0;
    for &step in &*steps {
        common = gcd(common, step);
        if common == 1 {
            return 1.0;
        }
    }
    let common = common.max(1);
    steps.iter_mut().for_each(|step| *step /= common);
    common as f64
}

/// Expresses the weights as integer multiples of `least / m` for a small integer `m`; `None` if that is not possible.
fn multiples(given: &[f64], least: f64) -> Option<Vec<u64>> {
    // A ratio carries the rounding error of its division, and weights that were scaled by the user another one each.
    const TOLERANCE: f64 = 4.0 * f64::EPSILON;
    (1..=PARTS).find_map(|m| {
        let one = |&w: &f64| {
            let ratio = w / least * f64::from(m);
            let whole = ratio.round();
            let fits = whole <= MOST_STEPS as f64 && (ratio - whole).abs() <= TOLERANCE * ratio;
            fits.then_some(whole as u64)
        };
        given.iter().map(one).collect()
    })
}

/// Rounds the weights to as many significant bits as the largest one leaves room for, at least 20. `None` if the
/// weights are too far apart.
fn rounded(given: &[f64], least: f64, most: f64) -> Option<Vec<u64>> {
    let ratio = most / least;
    if ratio > MOST_RATIO {
        return None;
    }
    // A step is 2^-bits times the smallest weight; each weight keeps `bits + 1` significant bits, which is at least 20.
    let bits = (62 - libm::frexp(ratio).1).clamp(19, MOST_BITS - 1);
    let one = |&w: &f64| {
        if w == 0.0 {
            return 0;
        }
        let ratio = w / least;
        let last = libm::ilogb(ratio) - bits;
        let significant = libm::rint(libm::ldexp(ratio, -last));
        libm::ldexp(significant, last + bits) as u64
    };
    Some(given.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::Weights;

    #[test]
    fn whole_weights_are_copies_and_exact() {
        let w = Weights::new(&[2.0, 0.0, 6.0, 4.0]).unwrap();
        assert_eq!(w.steps(), [1, 0, 3, 2]);
        let copies: Vec<f64> = (0..4).map(|i| w.copies(i)).collect();
        assert_eq!(copies, [2.0, 0.0, 6.0, 4.0]);
        assert_eq!((w.given(2), w.as_given(w.total())), (6.0, 12.0));
    }

    #[test]
    fn a_constant_factor_changes_no_step() {
        let base = [1.0, 2.0, 3.0, 0.0, 5.0, 4.0];
        let steps = Weights::new(&base).unwrap().steps().to_vec();
        for factor in [0.1, 0.3, 0.001, 7.0, 1e-300, 1e300] {
            let scaled: Vec<f64> = base.iter().map(|w| w * factor).collect();
            let w = Weights::new(&scaled).unwrap();
            assert_eq!(w.steps(), steps, "{factor}");
            for (i, s) in scaled.iter().enumerate() {
                assert!((w.given(i) - s).abs() <= 1e-12 * s, "{factor}");
            }
        }
    }

    #[test]
    fn every_weight_keeps_one_part_in_a_million() {
        let given: Vec<f64> =
            (0..1000).map(|i| 0.123_456_789 * libm::pow(10.0, 12.9 * f64::from(i) / 999.0)).collect();
        let w = Weights::new(&given).unwrap();
        for (i, g) in given.iter().enumerate() {
            let ratio = w.steps()[i] as f64 / w.steps()[0] as f64;
            let expected = g / given[0];
            assert!((ratio / expected - 1.0).abs() <= 1e-6, "{ratio} {expected}");
            assert!((w.given(i) / g - 1.0).abs() <= 2e-6);
        }
        assert!(w.steps().iter().all(|s| *s <= super::MOST_STEPS));
    }

    #[test]
    fn weights_too_far_apart_name_the_row_and_the_ratio() {
        let e = Weights::new(&[1.0, 0.0, 3.3e15, std::f64::consts::PI]).unwrap_err();
        assert_eq!(e.row, Some(2));
        assert!(e.what.contains("3.300e15") && e.what.contains("row 1"), "{}", e.what);
        // Whole multiples are exact as far as they go.
        assert!(Weights::new(&[1.0, 0.0, 3.3e15]).is_ok());
        let far = Weights::new(&[1e8, 1e-8, 3e-8]).unwrap();
        assert_eq!(far.steps(), [10_000_000_000_000_000, 1, 3]);
        for bad in [[1.0, -1.0], [1.0, f64::NAN], [f64::INFINITY, 1.0]] {
            assert!(Weights::new(&bad).unwrap_err().row.is_some());
        }
        assert_eq!(Weights::new(&[0.0, 0.0]).unwrap_err().row, None);
    }

    #[test]
    fn fractional_weights_have_one_copy_on_average() {
        let w = Weights::new(&[0.37, 0.0, 1.111, 2.7]).unwrap();
        assert!((w.as_copies(w.total()) - 3.0).abs() < 1e-12);
        assert!((w.as_given(w.total()) - 4.181).abs() < 1e-5);
    }
}
