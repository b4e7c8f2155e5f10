//! Sample weights: a weight is a number of copies of its row.
//!
//! Sums over rows have to be whole numbers (see ARCHITECTURE.md, "Numbers"), so weights become whole numbers of *steps*.
//! Whole weights, and weights that are whole multiples of one number, are kept exactly. All others keep at least 20
//! significant bits, which is one part in a million, as long as the largest is at most 2^43 (about 10^13) times the
//! smallest that is not zero.

use crate::error::Error;

/// The most steps of one weight.
pub(crate) const MOST_STEPS: u64 = 1 << 62;

/// Weights that are no whole multiples of each other may be this many times the smallest one.
const MOST_RATIO: f64 = (1u64 << 43) as f64;

/// Weights that have to be rounded get at most so many significant bits: more digits cost a device more time.
const MOST_BITS: i32 = 32;

/// Weights that are not whole are tried as multiples of the smallest one divided by 1, 2, 3 and so on up to this.
const PARTS: u32 = 64;

/// One weight for each row, as whole numbers of steps and as numbers of copies.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    steps: Vec<u64>,
    /// The given weight that one step stands for.
    unit: f64,
    /// The copies that one step stands for.
    copies: f64,
    /// Whether all weights were given as whole numbers.
    whole: bool,
    /// Whether nobody gave weights, and these count equal rows.
    count: bool,
}

/// Why weights cannot be used: the row (counted from 0) and a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidWeights {
    /// The row, counted from 0; none where the whole column is at fault.
    pub row: Option<usize>,
    /// What is wrong with it.
    pub what: String,
}

impl From<InvalidWeights> for Error {
    fn from(InvalidWeights { row, what }: InvalidWeights) -> Self {
        Error::data(row.map_or_else(|| what.clone(), |row| format!("row {}: {what}", row + 1)))
    }
}

impl Weights {
    /// Weights as a user gives them: numbers from 0 up, not all 0.
    ///
    /// Where all of them are whole numbers, a weight is its number of copies. Other weights say only how much one row
    /// counts beside another; their copies are scaled so that the rows of a weight above 0 have one copy on average.
    /// Multiplying such weights by a constant therefore changes nothing.
    ///
    /// # Errors
    /// A weight that is missing, negative or infinite; all weights 0; weights too far apart to be kept.
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
        // A sum of very large weights may be beyond f64; the smallest weight then tells the unit.
        let smallest = steps.iter().copied().filter(|s| *s > 0).min().unwrap_or(1) as f64;
        let unit = if sum.is_finite() { sum / total } else { least / smallest };
        Ok(Weights { steps, unit, copies: rows / total, whole: false, count: false })
    }

    /// Weights that count rows: row `i` stands for `counts[i]` equal ones.
    pub fn counts(counts: Vec<u64>) -> Self {
        Weights { steps: counts, unit: 1.0, copies: 1.0, whole: true, count: true }
    }

    /// The same scale for other rows: each has its number of steps.
    pub(crate) fn with_steps(&self, steps: Vec<u64>) -> Self {
        Weights { steps, ..*self }
    }

    /// The weights of these rows, in this order.
    pub fn select(&self, rows: impl Iterator<Item = usize>) -> Self {
        self.with_steps(rows.map(|row| self.steps[row]).collect())
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Each row's weight as a whole number of steps, at most 2^62 of them.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// A row's weight as it was given (to one part in a million).
    pub fn given(&self, row: usize) -> f64 {
        self.steps[row] as f64 * self.unit
    }

    /// How many copies a row counts as.
    pub fn copies(&self, row: usize) -> f64 {
        self.steps[row] as f64 * self.copies
    }

    /// How many copies each row counts as.
    pub fn all_copies(&self) -> Vec<f64> {
        (0..self.len()).map(|row| self.copies(row)).collect()
    }

    /// A number of steps as a number of copies.
    pub fn as_copies(&self, steps: u128) -> f64 {
        steps as f64 * self.copies
    }

    /// A number of steps as a weight of the scale that was given.
    pub fn as_given(&self, steps: u128) -> f64 {
        steps as f64 * self.unit
    }

    /// Whether all weights were given as whole numbers, so that each is exactly a number of copies.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether these are counts of equal rows ([`Weights::counts`]), not weights that somebody gave.
    pub fn is_count(&self) -> bool {
        self.count
    }

    /// Whether a row counts at all.
    pub fn counts_row(&self, row: usize) -> bool {
        self.steps[row] > 0
    }

    /// All steps together.
    pub fn total(&self) -> u128 {
        self.steps.iter().map(|&s| u128::from(s)).sum()
    }
}

/// Divides by the greatest common divisor and returns it: weights that differ by a constant factor have the same steps.
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

/// The weights as whole multiples of `least / m` for a small `m`, if they are such.
fn multiples(given: &[f64], least: f64) -> Option<Vec<u64>> {
    // Each ratio is off by a rounding of its division; scaled weights were rounded once each before.
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

/// The weights rounded to 20 significant bits and more, as many as the largest leaves room for; none where the weights
/// are too far apart.
fn rounded(given: &[f64], least: f64, most: f64) -> Option<Vec<u64>> {
    let ratio = most / least;
    if ratio > MOST_RATIO {
        return None;
    }
    // Steps of 2^-bits times the smallest weight, each weight rounded to `bits + 1` significant bits, 20 at least.
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
