// Shared by every kernel. Rows lie in tiles of 16: feature j of row i is at (i / 16 * d + j) * 16 + i % 16.

const TILE: u32 = 16u;
// A label that the f32 filter could not prove.
const NONE: u32 = 0xffffffffu;
// Farther than any squared distance, which stay below 2^100.
const FAR: f32 = 3.0e38;

fn row_start(row: u32, features: u32) -> u32 {
    return (row / TILE) * features * TILE + row % TILE;
}

// Whether the winner in f32 is the canonical one; see Certificate in src/canonical.rs.
fn proved(best: f32, second: f32, certificate: vec4<f32>) -> bool {
    return second * certificate.x - certificate.z > best * certificate.y + certificate.z;
}

// 96-bit whole numbers, lowest limb first.
struct Limbs {
    low: u32,
    mid: u32,
    high: u32,
}

fn limbs_add(a: Limbs, b: Limbs) -> Limbs {
    let low = a.low + b.low;
    let carry = u32(low < a.low);
    let mid = a.mid + b.mid;
    let over = u32(mid < a.mid);
    let mid_carry = mid + carry;
    return Limbs(low, mid_carry, a.high + b.high + over + u32(mid_carry < mid));
}

// steps * weight, for a weight below 2^16.
fn limbs_product(steps: i32, weight: u32) -> Limbs {
    let magnitude = select(u32(steps), 0u - u32(steps), steps < 0);
    let lower = (magnitude & 0xffffu) * weight;
    let upper = (magnitude >> 16u) * weight;
    let low = lower + (upper << 16u);
    let mid = (upper >> 16u) + u32(low < lower);
    if (steps >= 0) {
        return Limbs(low, mid, 0u);
    }
    // two's complement
    let negated = ~low + 1u;
    let borrow = u32(negated == 0u);
    let negated_mid = ~mid + borrow;
    return Limbs(negated, negated_mid, select(0xffffffffu, 0u, borrow == 1u && negated_mid == 0u));
}
