//! `exp` and `ln` without branches, which the compiler turns into vector code. They use additions, multiplications and
//! divisions alone, none of them fused, so every instruction set gives the same bits.

/// Adding this to a number rounds it to the nearest whole number, which then lies in the lowest bits.
const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;
/// `ln 2` in two parts. The first has 21 zero bits at its end, so its product with an exponent is exact.
const LN_2: [f64; 2] = [0.6931471803691238, 1.9082149292705877e-10];
/// Below this `exp` gives 0, where the exact value is less than 1e-307.
const LEAST: f64 = -708.0;

/// The polynomial of degree 11 whose first two coefficients are 1 and whose rest, `(exp(x) - 1 - x) / x^2`, is exact at Chebyshev's 10
/// points of `[-ln 2 / 2, ln 2 / 2]`. Its relative error there is below 2e-17.
const EXP: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624164,
    0.008333333333330065,
    0.0013888888917196719,
    0.00019841269863040545,
    2.4801521322368692e-05,
    2.7557268480310024e-06,
    2.7620075879983367e-07,
    2.5100375832561234e-08,
];

/// The coefficients of `ln` in fdlibm, for `|f| < 0.414`.
const LN: [f64; 7] = [
    0.6666666666666735,
    0.3999999999940942,
    0.2857142874366239,
    0.22222198432149784,
    0.1818357216161805,
    0.15313837699209373,
    0.14798198605116586,
];

/// `exp(x)` for `x` of 0 or less, to two units in the last place.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let shifted = x * std::f64::consts::LOG2_E + WHOLE;
    let n = shifted - WHOLE;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut sum = EXP[9];
    for &coefficient in EXP[..9].iter().rev() {
        sum = sum * r + coefficient;
    }
    let value = 1.0 + (r + r * r * sum);
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    if x < LEAST { 0.0 } else { value * power }
}

/// `ln(x)` for a normal `x` of at least 1, to one unit in the last place (fdlibm's algorithm).
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    /// The bits of the square root of a half; what lies between it and twice as much is not scaled.
    const ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    let bits = x.to_bits().wrapping_sub(ROOT);
    // The exponent is a small number of 0 or more, so the magic number makes it an f64.
    let exponent = f64::from_bits(0x4330_0000_0000_0000 | (bits >> 52)) - (1u64 << 52) as f64;
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(ROOT)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut r = LN[6];
    for &coefficient in LN[..6].iter().rev() {
        r = r * z + coefficient;
    }
    let half = 0.5 * f * f;
    exponent * LN_2[0] - ((half - (s * (half + r * z) + exponent * LN_2[1])) - f)
}

#[cfg(test)]
mod tests {
    use super::{exp, ln};

    /// The difference in units of the last place of the expected value.
    fn units(found: f64, expected: f64) -> f64 {
        let unit = expected.abs().next_up() - expected.abs();
        (found - expected).abs() / unit
    }

    #[test]
    fn they_are_those_of_libm_to_rounding() {
        for i in 0..200_000 {
            let x = -708.0 * f64::from(i) / 200_000.0;
            assert!(units(exp(x), libm::exp(x)) <= 2.0, "exp({x})");
            let x = 1.0 + libm::pow(1.0001, f64::from(i)) * 1e-6;
            assert!(units(ln(x), libm::log(x)) <= 2.0, "ln({x}): {} {}", ln(x), libm::log(x));
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(ln(1.0), 0.0);
        for x in [-708.1, -1e10, -1e300, f64::MIN, f64::NEG_INFINITY] {
            assert_eq!(exp(x), 0.0);
        }
    }
}
