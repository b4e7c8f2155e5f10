//! The median squared distance of all pairs of points, found by counting instead of sorting.

use crate::backend::Points;
use crate::error::Result;
use crate::matrix::TILE;
use crate::progress::Progress;
use rayon::prelude::*;

/// How many bits of a distance are settled in a pass over all pairs.
const BITS: u32 = 16;

/// How many points a task has.
const BLOCK: usize = 64;

/// The median over all ordered pairs of points, each point with itself included, in squared stored units. Point `i` stands for
/// `copies[i]` points, and a pair for the product of both. Of two middle values it is the mean, as NumPy's is.
///
/// # Errors
/// Whatever `progress` returns.
pub(super) fn squared_distance(
    points: &Points,
    copies: Option<&[f64]>,
    progress: Progress<'_>,
) -> Result<f64> {
    let counter = Counter { points, copies: copies.map(whole) };
    let total: u128 = (0..points.len()).map(|i| counter.copies(i)).sum::<u128>();
    let pairs = total * total;
    let Middle { value, up_to } = counter.at((pairs - 1) / 2, progress)?;
    // The second middle value is the next one only where the first one ends.
    if pairs / 2 < up_to { Ok(value) } else { Ok((value + counter.above(value)) / 2.0) }
}

/// Copies as whole numbers, so that sums over pairs are exact. Those that are no whole numbers, or too large, become parts of
/// 2^50 together.
fn whole(copies: &[f64]) -> Vec<u64> {
    let (total, most) = (copies.iter().sum::<f64>(), (1u64 << 50) as f64);
    let exact = total <= most && copies.iter().all(|c| c.fract() == 0.0);
    let factor = if exact { 1.0 } else { most / total };
    copies.iter().map(|c| (c * factor).round() as u64).collect()
}

struct Counter<'a> {
    points: &'a Points,
    copies: Option<Vec<u64>>,
}

/// A value of the ordered list of all distances.
struct Middle {
    value: f64,
    /// How many distances are not above it.
    up_to: u128,
}

impl Counter<'_> {
    fn copies(&self, i: usize) -> u128 {
        self.copies.as_ref().map_or(1, |copies| u128::from(copies[i]))
    }

    /// The value at this place of the ordered list. A squared distance is not negative, so its bits are ordered as it is.
    fn at(&self, place: u128, progress: Progress<'_>) -> Result<Middle> {
        let (mut prefix, mut below) = (0u64, 0u128);
        for pass in 1..=u64::BITS / BITS {
            let shift = u64::BITS - BITS * pass;
            let counts = self.counts(shift, prefix);
            let mut bucket = 0;
            while bucket + 1 < counts.len() && below + counts[bucket] <= place {
                below += counts[bucket];
                bucket += 1;
            }
            prefix = prefix << BITS | bucket as u64;
            if shift == 0 {
                return Ok(Middle { value: f64::from_bits(prefix), up_to: below + counts[bucket] });
            }
            progress.step("preference", u64::from(pass), u64::from(u64::BITS / BITS))?;
        }
        unreachable!("the last pass shifts by nothing")
    }

    /// How many distances have these leading bits, for each value of the 16 bits that follow them, down to bit `shift`.
    fn counts(&self, shift: u32, prefix: u64) -> Vec<u128> {
        let none = || vec![0u128; 1 << BITS];
        let count = |mut counts: Vec<u128>, (i, copies): (usize, u128), squared: &[f64]| {
            let mut one = |k: usize, copies: u128| {
                let bits = squared[k].to_bits() >> shift;
                // A shift by all 64 bits is not defined, and the first pass has no leading bits.
                if bits.checked_shr(BITS).unwrap_or(0) == prefix {
                    counts[(bits & ((1 << BITS) - 1)) as usize] += copies;
                }
            };
            one(i, copies * copies);
            // Each pair has two orders.
            (0..i).for_each(|k| one(k, 2 * copies * self.copies(k)));
            counts
        };
        self.over_rows(none, count, |a, b| a.into_iter().zip(b).map(|(a, b)| a + b).collect())
    }

    /// The least distance above a value.
    fn above(&self, value: f64) -> f64 {
        let least = |least: f64, (i, _): (usize, u128), squared: &[f64]| {
            squared[..i].iter().copied().filter(|&s| s > value).fold(least, f64::min)
        };
        self.over_rows(|| f64::INFINITY, least, f64::min)
    }

    /// Folds the distances of each point to those up to itself. The folds must not depend on their order.
    fn over_rows<T: Send>(
        &self,
        none: impl Fn() -> T + Sync + Send,
        fold: impl Fn(T, (usize, u128), &[f64]) -> T + Sync + Send,
        join: impl Fn(T, T) -> T + Sync + Send,
    ) -> T {
        let n = self.points.len();
        let blocks = (0..n.div_ceil(BLOCK)).into_par_iter();
        let folded = blocks.fold(&none, |mut folded, block| {
            let mut squared = vec![0.0; self.points.stride()];
            for i in block * BLOCK..n.min((block + 1) * BLOCK) {
                // The pairs with later points come up with those.
                let earlier = &mut squared[..(i + 1).next_multiple_of(TILE)];
                self.points.squared_distances(i, earlier);
                folded = fold(folded, (i, self.copies(i)), earlier);
            }
            folded
        });
        folded.reduce(&none, join)
    }
}
