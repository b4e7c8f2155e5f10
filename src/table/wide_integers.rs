//! Whole numbers that f64 cannot tell apart, such as account numbers of 19 digits.

/// From here on f64 does not hold every whole number.
pub(super) const WIDE: f64 = 9_007_199_254_740_992.0;

/// What is known of a column of whole numbers some of which are beyond 2^53, from all their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WideIntegers {
    /// How many different numbers there are.
    pub distinct: usize,
    /// Whether each is one more than the one before it.
    pub running: bool,
}

impl WideIntegers {
    /// Looks at the number of each row, `None` where it is missing; none where one is no whole number.
    pub(super) fn of<E>(rows: usize, number: impl Fn(usize) -> Result<Option<i128>, E>) -> Option<Self> {
        let numbers: Vec<Option<i128>> = (0..rows).map(number).collect::<Result<_, E>>().ok()?;
        Some(Self::new(&numbers))
    }

    /// The same for numbers that are there.
    pub(super) fn new(numbers: &[Option<i128>]) -> Self {
        let next = |w: &[Option<i128>]| matches!(w, [Some(a), Some(b)] if a.checked_add(1) == Some(*b));
        let running = numbers.len() > 2 && numbers.windows(2).all(next);
        let mut there: Vec<i128> = numbers.iter().flatten().copied().collect();
        there.sort_unstable();
        there.dedup();
        WideIntegers { distinct: there.len(), running }
    }
}
