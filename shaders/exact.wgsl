// IEEE f64 in u32 arithmetic: canonical distances and new centroids with the roundings of the host, which are to the
// nearest number, ties to the even one. There are no bindings here. Twins: src/canonical.rs, and `Assigned::renew` in
// src/backend/host/renew.rs.
//
// Only what distances and means need: no infinities, no NaN, no subnormal f64 (the square of the smallest f32 is 2^-298),
// and magnitudes, whose signs are kept apart. f32 values come and go as bits, because a device may flush subnormal ones
// when it computes with them. WGSL takes shift amounts modulo 32, so no shift here is by 32 or more.

// The number (high * 2^32 + low) * 2^exponent. The highest bit is set, and the lowest 11 are clear, since f64 has 53 bits.
// 0 is the exception.
struct F64 {
    high: u32,
    low: u32,
    exponent: i32,
}

// The exponent of 0, below all others.
const NOTHING: i32 = -65536;

fn zero() -> F64 {
    return F64(0u, 0u, NOTHING);
}

// A number whose bits may begin anywhere, rounded to 53 bits. Bit 0 may stand for any bits that were lost below it, if at
// most two of the highest bits are clear.
fn rounded(high: u32, low: u32, exponent: i32) -> F64 {
    if ((high | low) == 0u) {
        return zero();
    }
    let whole_word = high == 0u;
    var h = select(high, low, whole_word);
    var l = select(low, 0u, whole_word);
    let by = countLeadingZeros(h) & 31u;
    h = (h << by) | ((l >> 1u) >> (31u - by));
    l = l << by;
    let e = exponent - i32(by + select(0u, 32u, whole_word));
    // Half of the last bit, or one less where that bit is even, so that a tie goes to the even number.
    let up = l + 0x3ffu + ((l >> 11u) & 1u);
    let carried = h + u32(up < l);
    // After 2^64 - 1 comes 2^64: all other bits are clear then.
    let overflow = carried < h;
    return F64(select(carried, 0x80000000u, overflow), up & 0xfffff800u, select(e, e + 1, overflow));
}

// The bits of a number moved down by 0 to 63 places, high word first. Bit 0 is set if a bit was lost.
fn moved_down(high: u32, low: u32, by: u32) -> vec2<u32> {
    let far = by > 31u;
    let n = by & 31u;
    let h = select(high, 0u, far);
    let l = select(low, high, far);
    let lost = select(0u, low, far) | (l & ((1u << n) - 1u));
    return vec2<u32>(h >> n, (l >> n) | ((h << 1u) << (31u - n)) | u32(lost != 0u));
}

// The sum, or the difference, of two magnitudes, of which the first is at least as large and has at least the exponent.
// The lowest two bits of both are clear.
fn combined(a: F64, b: F64, subtract: bool) -> F64 {
    // One place down, so that the sum fits.
    let h = a.high >> 1u;
    let l = (a.low >> 1u) | (a.high << 31u);
    let other = moved_down(b.high, b.low, u32(min(a.exponent - b.exponent, 62)) + 1u);
    if (subtract) {
        return rounded(h - other.x - u32(l < other.y), l - other.y, a.exponent + 1);
    }
    let sum = l + other.y;
    return rounded(h + other.x + u32(sum < l), sum, a.exponent + 1);
}

// The magnitude of an f32. The highest bit of a subnormal one is clear, which `combined` allows.
fn magnitude(bits: u32) -> F64 {
    let field = (bits >> 23u) & 255u;
    let significand = (bits & 0x7fffffu) | select(0x800000u, 0u, field == 0u);
    return F64(significand << 8u, 0u, i32(max(field, 1u)) - 190);
}

// |x - c| of two f32.
fn difference(x: u32, c: u32) -> F64 {
    let a = x & 0x7fffffffu;
    let b = c & 0x7fffffffu;
    let same_sign = ((x ^ c) & 0x80000000u) == 0u;
    return combined(magnitude(max(a, b)), magnitude(min(a, b)), same_sign);
}

fn add(a: F64, b: F64) -> F64 {
    if (a.exponent < b.exponent) {
        return combined(b, a, false);
    }
    return combined(a, b, false);
}

// The product is added up in columns of 14 bits: a column has at most four products of 28 bits, so it does not overflow.
fn square(a: F64) -> F64 {
    let p0 = (a.low >> 8u) & 0x3fffu;
    let p1 = (a.low >> 22u) | ((a.high & 15u) << 10u);
    let p2 = (a.high >> 4u) & 0x3fffu;
    let p3 = a.high >> 18u;
    let c0 = p0 * p0;
    let c1 = 2u * p0 * p1 + (c0 >> 14u);
    let c2 = 2u * p0 * p2 + p1 * p1 + (c1 >> 14u);
    let c3 = 2u * (p0 * p3 + p1 * p2) + (c2 >> 14u);
    let c4 = 2u * p1 * p3 + p2 * p2 + (c3 >> 14u);
    let c5 = 2u * p2 * p3 + (c4 >> 14u);
    let c6 = p3 * p3 + (c5 >> 14u);
    // The product has 112 bits; the upper 64 begin at bit 6 of column 3.
    let high = (c6 << 4u) | ((c5 & 0x3fffu) >> 10u);
    let low = (c5 << 22u) | ((c4 & 0x3fffu) << 8u) | ((c3 & 0x3fffu) >> 6u);
    let lost = ((c0 | c1 | c2) & 0x3fffu) | (c3 & 63u);
    // Eight bits were left out of both factors, and 48 of the product.
    return rounded(high, low | u32(lost != 0u), 2 * a.exponent + 64);
}

fn less(a: F64, b: F64) -> bool {
    if (a.exponent != b.exponent) {
        return a.exponent < b.exponent;
    }
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

// A canonical distance, with the next feature of the row and of the point.
fn add_square(sum: F64, x: u32, c: u32) -> F64 {
    return add(sum, square(difference(x, c)));
}

// A whole number of three limbs that is not negative, lowest limb first.
fn whole_number(limbs: vec3<u32>) -> F64 {
    var v = limbs;
    var exponent = 32;
    if (v.z == 0u) {
        v = vec3<u32>(0u, v.x, v.y);
        exponent = 0;
    }
    // If the upper limb is still empty, the middle one has all the bits there are.
    let by = countLeadingZeros(v.z) & 31u;
    let high = (v.z << by) | ((v.y >> 1u) >> (31u - by));
    let low = (v.y << by) | ((v.x >> 1u) >> (31u - by));
    return rounded(high, low | u32((v.x << by) != 0u), exponent - i32(by));
}

// a / b, where b is not 0.
fn quotient(a: F64, b: F64) -> F64 {
    // One place down, so that the remainder can be doubled.
    var high = a.high >> 1u;
    var low = (a.low >> 1u) | (a.high << 31u);
    let by_high = b.high >> 1u;
    let by_low = (b.low >> 1u) | (b.high << 31u);
    var bits = vec2<u32>(0u);
    // 55 bits, of which the first may be clear, are enough to round to 53.
    for (var i = 0; i < 55; i++) {
        let fits = high > by_high || (high == by_high && low >= by_low);
        bits = vec2<u32>((bits.x << 1u) | (bits.y >> 31u), (bits.y << 1u) | u32(fits));
        let h = high - select(0u, by_high + u32(low < by_low), fits);
        let l = low - select(0u, by_low, fits);
        high = (h << 1u) | (l >> 31u);
        low = l << 1u;
    }
    let rest = u32((high | low) != 0u);
    // Nine places up, so that the lost bits lie far below.
    return rounded((bits.x << 9u) | (bits.y >> 23u), (bits.y << 9u) | rest, a.exponent - b.exponent - 63);
}

// The nearest f32, as bits: subnormal ones too, and +0 instead of -0. It must be below 2^128.
fn to_f32(a: F64, negative: bool) -> u32 {
    let exponent = a.exponent + 63;
    let down = moved_down(a.high, a.low, u32(clamp(-126 - exponent, 0, 63)));
    let kept = down.x >> 8u;
    let rest = ((down.x & 255u) << 1u) | u32(down.y != 0u);
    let up = u32(rest + (kept & 1u) > 256u);
    let bits = (u32(max(exponent + 126, 0)) << 23u) + kept + up;
    return bits | select(0u, 0x80000000u, negative && bits != 0u);
}

// The mean that a centroid moves to: a sum of grid steps, in three limbs of two's complement, divided by the weight of the
// rows, which is below 2^53 and not 0, times a grid step of 2^exponent.
fn mean(sum: vec3<u32>, weight: vec2<u32>, exponent: i32) -> u32 {
    let negative = (sum.z >> 31u) == 1u;
    var limbs = sum;
    if (negative) {
        limbs = ~sum;
        limbs.x += 1u;
        limbs.y += u32(limbs.x == 0u);
        limbs.z += u32(limbs.x == 0u && limbs.y == 0u);
    }
    var value = quotient(whole_number(limbs), whole_number(vec3<u32>(weight, 0u)));
    value.exponent += exponent;
    return to_f32(value, negative);
}
