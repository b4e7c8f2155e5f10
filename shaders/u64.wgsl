// Whole numbers of 64 bits as two words, the lower one first.

fn add_u64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + u32(low < a.x));
}

fn subtract_u64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn less_u64(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

// The product of two words.
fn multiply_u32(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let mixed = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let other = (a & 0xffffu) * (b >> 16u) + (mixed & 0xffffu);
    return vec2<u32>(other << 16u | (low & 0xffffu), (a >> 16u) * (b >> 16u) + (mixed >> 16u) + (other >> 16u));
}

// The upper 64 bits of a product.
fn multiply_high_u64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = multiply_u32(a.x, b.x);
    let mixed = add_u64(multiply_u32(a.y, b.x), vec2<u32>(low.y, 0u));
    let other = add_u64(multiply_u32(a.x, b.y), vec2<u32>(mixed.x, 0u));
    return add_u64(add_u64(multiply_u32(a.y, b.y), vec2<u32>(mixed.y, 0u)), vec2<u32>(other.y, 0u));
}
