//! Facts about integers that f64 cannot represent exactly, such as account numbers of 19 digits.
//!
//! Columns store numbers as f64, in which two such integers can become equal. Whether a column is an id must be decided
//! from all digits, so this is computed before they are lost.

/// 2^53: from here on, f64 does not represent every integer.
pub(super) const WIDE: f64 = 9_007_199_254_740_992.0;

/// Facts about a column that contains integers beyond 2^53, computed from all of their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WideIntegers {
    /// The number of different integers.
    pub distinct: usize,
    /// Whether the integers are consecutive: each is one more than the one in the row before.
    pub running: bool,
}

impl WideIntegers {
    /// Computes the facts for the integers `number(row)`, where `Ok(None)` is missing. `None` if one of them is not an
    /// integer.
    pub(super) fn of<E>(rows: usize, number: impl Fn(usize) -> Result<Option<i128>, E>) -> Option<Self> {
        let numbers: Vec<Option<i128>> = (0..rows).map(number).collect::<Result<_, E>>().ok()?;
        Some(Self::new(&numbers))
    }

    /// Computes the facts for a list of integers, where `None` is missing.
    pub(super) fn new(numbers: &[Option<i128>]) -> Self {
        let next = |w: &[Option<i128>]| matches!(w, [Some(a), Some(b)] if a.checked_add(1) == Some(*b));
        let running = numbers.len() > 2 && numbers.windows(2).all(next);
        let mut there: Vec<i128> = numbers.iter().flatten().copied().collect();
        there.sort_unstable();
        there.dedup();
        WideIntegers { distinct: there.len(), running }
    }
}
