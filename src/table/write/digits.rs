//! Formats numbers with six significant digits.
//!
//! Writing large results spends much of its time here, so most numbers avoid the standard library's slower formatting.

/// The powers of ten that f64 represents exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Six significant digits, read as an integer, lie from `LOW` up to but not including `HIGH`.
const LOW: u32 = 100_000;
const HIGH: u32 = 1_000_000;

/// Appends a number with at most six significant digits and without trailing zeros. Numbers from `1e-5` up to `1e15`
/// are written in full, others like `1.5e-7`.
///
/// The digits come from one multiplication by an exact power of ten and one rounding. IEEE 754 defines both, so the
/// text is the same on every machine.
pub(super) fn push_six(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size == 0.0 {
        out.push(b'0');
        return;
    }
    if !value.is_finite() {
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    let (mut digits, mut places) = if (1e-16..1e22).contains(&size) { scaled(size) } else { parsed(size) };
    while digits.is_multiple_of(10) {
        digits /= 10;
        places -= 1;
    }
    write(out, digits, places, size);
}

/// The six digits of a number from `1e-16` to `1e22`, and how many of them are behind the decimal point.
fn scaled(size: f64) -> (u32, i32) {
    // The binary exponent times log10(2), rounded down, is the decimal exponent or one less than it.
    let two = (size.to_bits() >> 52) as i32 - 1023;
    let mut places = 5 - ((two * 1233) >> 12);
    loop {
        let power = POWERS[places.unsigned_abs() as usize];
        let digits = if places < 0 { size / power } else { size * power }.round_ties_even() as u32;
        match digits {
            LOW..HIGH => return (digits, places),
            ..LOW => places += 1,
            HIGH.. => places -= 1,
        }
    }
}

/// The same for all other numbers, by way of the standard library's formatting.
fn parsed(size: f64) -> (u32, i32) {
    let text = format!("{size:.5e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = digits.bytes().filter(u8::is_ascii_digit).fold(0, |n, b| 10 * n + u32::from(b - b'0'));
    (digits, 5 - exponent.parse::<i32>().unwrap_or(0))
}

/// Writes `digits * 10^-places`.
fn write(out: &mut Vec<u8>, digits: u32, places: i32, size: f64) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(digits).as_bytes();
    // The number of digits before the decimal point; 0 or less if the number is below 1.
    let whole = text.len() as i32 - places;
    if !(1e-5..1e15).contains(&size) {
        out.push(text[0]);
        if text.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&text[1..]);
        }
        out.push(b'e');
        out.extend_from_slice(itoa::Buffer::new().format(whole - 1).as_bytes());
    } else if places <= 0 {
        out.extend_from_slice(text);
        out.extend(std::iter::repeat_n(b'0', places.unsigned_abs() as usize));
    } else if whole > 0 {
        let (before, behind) = text.split_at(whole as usize);
        out.extend_from_slice(before);
        out.push(b'.');
        out.extend_from_slice(behind);
    } else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', whole.unsigned_abs() as usize));
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::push_six;

    fn six(value: f64) -> String {
        let mut out = Vec::new();
        push_six(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (0.098_951_301_074, "0.0989513"),
            (1234567.0, "1234570"),
            (1234564.9, "1234560"),
            (999_999.4, "999999"),
            (999_999.6, "1000000"),
            (9.999_996, "10"),
            (0.999_999_6, "1"),
            (123456.0, "123456"),
            (100_000.0, "100000"),
            (1e14, "100000000000000"),
            (1e15, "1e15"),
            (1.234_567_8e21, "1.23457e21"),
            (1e22, "1e22"),
            (1e23, "1e23"),
            (1e-5, "0.00001"),
            (1.234_567e-5, "0.0000123457"),
            (9.999_994e-6, "9.99999e-6"),
            (1.5e-7, "1.5e-7"),
            (1e-17, "1e-17"),
            (f64::MAX, "1.79769e308"),
            (f64::MIN_POSITIVE, "2.22507e-308"),
            (5e-324, "4.94066e-324"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(six(value), text, "{value:e}");
        }
    }

    #[test]
    fn it_is_the_number_to_half_of_the_sixth_digit() {
        let mut bits = 0x3ff0_0000_0000_0000u64;
        for i in 0..200_000u64 {
            // Every exponent from 1e-20 to 1e25, with digits all over the place.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (1.0 + (bits >> 12) as f64 / (1u64 << 52) as f64) * 10f64.powi((i % 45) as i32 - 20);
            let text = six(value);
            let back: f64 = text.parse().unwrap();
            let exact: f64 = format!("{value:.5e}").parse().unwrap();
            let unit = exact.abs() * 1e-5;
            assert!((back - value).abs() <= 0.5 * unit * (1.0 + 1e-9), "{value:e}: {text}");
            let digits = text.split('e').next().unwrap().bytes().filter(u8::is_ascii_digit);
            let digits: Vec<u8> = digits.skip_while(|b| *b == b'0').collect();
            assert!(digits.len() <= 6 || digits[6..].iter().all(|b| *b == b'0'), "{value:e}: {text}");
        }
    }
}
