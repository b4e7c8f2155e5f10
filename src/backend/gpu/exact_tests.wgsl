//#import exact
// For the test of shaders/exact.wgsl alone: every operation on given numbers.

struct Params {
    cases: u32,
}

struct Case {
    // Two f32.
    x: u32,
    c: u32,
    // Two f64 that are not negative, low word first.
    a: vec2<u32>,
    b: vec2<u32>,
    // A sum, the weight of its rows and the exponent of a grid step.
    sum_low: u32,
    sum_mid: u32,
    sum_high: u32,
    weight_low: u32,
    weight_high: u32,
    exponent: u32,
}

struct Answer {
    difference: vec2<u32>,
    square: vec2<u32>,
    sum: vec2<u32>,
    // a + (x - c)^2.
    added: vec2<u32>,
    // Bit 0: a < b. Bit 1: b < a.
    order: u32,
    mean: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cases: array<Case>;
@group(0) @binding(2) var<storage, read_write> answers: array<Answer>;

fn from_bits(bits: vec2<u32>) -> F64 {
    let field = bits.y >> 20u;
    if (field == 0u) {
        return zero();
    }
    let high = 0x80000000u | ((bits.y & 0xfffffu) << 11u) | (bits.x >> 21u);
    return F64(high, bits.x << 11u, i32(field) - 1023 - 63);
}

fn to_bits(a: F64) -> vec2<u32> {
    if (a.high == 0u) {
        return vec2<u32>(0u);
    }
    let field = u32(a.exponent + 63 + 1023) << 20u;
    return vec2<u32>((a.low >> 11u) | (a.high << 21u), field | ((a.high >> 11u) & 0xfffffu));
}

@compute @workgroup_size(64)
fn exact_operations(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.cases) {
        return;
    }
    let case_ = cases[id.x];
    let a = from_bits(case_.a);
    let b = from_bits(case_.b);
    let moved = difference(case_.x, case_.c);
    let sum = vec3<u32>(case_.sum_low, case_.sum_mid, case_.sum_high);
    answers[id.x] = Answer(
        to_bits(moved),
        to_bits(square(moved)),
        to_bits(add(a, b)),
        to_bits(add_square(a, case_.x, case_.c)),
        u32(less(a, b)) | (u32(less(b, a)) << 1u),
        mean(sum, vec2<u32>(case_.weight_low, case_.weight_high), i32(case_.exponent)),
    );
}
