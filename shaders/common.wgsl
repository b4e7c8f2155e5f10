// Shared by every kernel. Rows lie in tiles of 16: feature j of row i is at (i / 16 * d + j) * 16 + i % 16.

const TILE: u32 = 16u;
// No label, no row, nothing remembered.
const NONE: u32 = 0xffffffffu;
// Farther than any squared distance, which stay below 2^100.
const FAR: f32 = 3.0e38;

fn row_start(row: u32, features: u32) -> u32 {
    return (row / TILE) * features * TILE + row % TILE;
}

// The nearest point so far, and how near the runner-up is.
struct Best {
    best: f32,
    second: f32,
    index: u32,
}

fn offer(state: Best, distance: f32, index: u32) -> Best {
    return Best(
        min(state.best, distance),
        min(state.second, max(state.best, distance)),
        select(state.index, index, distance < state.best),
    );
}

// Whether the winner in f32 is the canonical one; see Certificate in src/canonical.rs.
fn proved(state: Best, certificate: vec4<f32>) -> bool {
    return state.second * certificate.x - certificate.z > state.best * certificate.y + certificate.z;
}
