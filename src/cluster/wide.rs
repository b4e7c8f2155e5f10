//! Integer arithmetic with 256 bits.
//!
//! Exact sums and weights can have more than 64 bits each, so that their products do not fit 128 bits. Here they are
//! multiplied and subtracted without loss.

/// `a * b - c * d`, computed exactly and only then rounded to f64.
pub(super) fn difference_of_products((a, b): (i128, u128), (c, d): (i128, u128)) -> f64 {
    let narrow = |x: i128, y: u128| x.checked_mul(i128::try_from(y).ok()?);
    if let (Some(ab), Some(cd)) = (narrow(a, b), narrow(c, d))
        && let Some(difference) = ab.checked_sub(cd)
    {
        return difference as f64;
    }
    let (ab, cd) = (product(a.unsigned_abs(), b), product(c.unsigned_abs(), d));
    match (a < 0, c < 0) {
        (false, true) => to_f64(sum(ab, cd)),
        (true, false) => -to_f64(sum(ab, cd)),
        (negative, _) => {
            let sign = if negative { -1.0 } else { 1.0 };
            if ab >= cd { sign * to_f64(difference(ab, cd)) } else { -sign * to_f64(difference(cd, ab)) }
        }
    }
}

/// A 256-bit integer as its high and low half.
type Wide = (u128, u128);

fn product(a: u128, b: u128) -> Wide {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (low, high) = (a0 * b0, a1 * b1);
    let (left, right) = (a0 * b1, a1 * b0);
    let middle = (low >> 64) + (left & LOW) + (right & LOW);
    (high + (left >> 64) + (right >> 64) + (middle >> 64), (middle << 64) | (low & LOW))
}

/// The sum of two products. It cannot overflow, because sums stay below 2^126 and weights below 2^95.
fn sum(a: Wide, b: Wide) -> Wide {
    let (low, carry) = a.1.overflowing_add(b.1);
    (a.0 + b.0 + u128::from(carry), low)
}

/// The difference `a - b`, where `a` must not be smaller than `b`.
fn difference(a: Wide, b: Wide) -> Wide {
    let (low, borrow) = a.1.overflowing_sub(b.1);
    (a.0 - b.0 - u128::from(borrow), low)
}

fn to_f64((high, low): Wide) -> f64 {
    high as f64 * libm::ldexp(1.0, 128) + low as f64
}

#[cfg(test)]
mod tests {
    use super::difference_of_products;

    #[test]
    fn small_numbers_are_exact_and_large_ones_keep_their_difference() {
        assert_eq!(difference_of_products((-7, 3), (5, 4)), -41.0);
        // (x + 1)(y + 1) - x y = x + y + 1, where each product needs 190 bits.
        for sign in [1i32, -1] {
            let (x, y) = (1i128 << 110, 1u128 << 81);
            let expected = (x as f64 + y as f64 + 1.0) * f64::from(sign);
            let sign = i128::from(sign);
            assert_eq!(difference_of_products((sign * (x + 1), y + 1), (sign * x, y)), expected);
            assert_eq!(difference_of_products((sign * x, y), (sign * (x + 1), y + 1)), -expected);
        }
        let (x, y) = (3i128 << 108, 5u128 << 79);
        let expected = 2.0 * 15.0 * libm::ldexp(1.0, 187);
        assert_eq!(difference_of_products((x, y), (-x, y)), expected);
        assert_eq!(difference_of_products((-x, y), (x, y)), -expected);
    }

    #[test]
    fn halves_of_a_product_add_up() {
        let (a, b) = (u128::MAX / 3, u128::MAX / 7);
        let (high, low) = super::product(a, b);
        assert_eq!(low, a.wrapping_mul(b));
        let expected = a as f64 * (b as f64 / libm::ldexp(1.0, 128));
        assert!((high as f64 / expected - 1.0).abs() < 1e-14);
    }
}
