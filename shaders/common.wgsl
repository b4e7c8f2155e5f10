// Shared by every kernel: where a row's values lie, and the search for the nearest point. How the shaders are put
// together (`//#import`, `//@each`, `//@loop`) is explained in shaders/README.md.
//
// Rows lie in tiles of 16 rows, feature after feature: feature j of row i is at (i / 16 * d + j) * 16 + i % 16, where d
// is the number of features. The values of one row are therefore TILE entries apart.

// Rows of a tile.
const TILE: u32 = 16u;

// "No label", "no row".
const NONE: u32 = 0xffffffffu;

// Larger than any squared distance; the host keeps those below 2^100.
const FAR: f32 = 3.0e38;

// The index of feature 0 of a row.
fn row_start(row: u32, features: u32) -> u32 {
    return (row / TILE) * features * TILE + row % TILE;
}

// The nearest point so far, and the distance of the second nearest.
struct Best {
    best: f32,
    second: f32,
    index: u32,
}

// Takes a candidate into account. Candidates come in the order of their indices, so the lowest index wins a tie.
fn offer(state: Best, distance: f32, index: u32) -> Best {
    return Best(
        min(state.best, distance),
        min(state.second, max(state.best, distance)),
        select(state.index, index, distance < state.best),
    );
}

// Whether rounding cannot have changed which point is the nearest. `certificate` holds low, high and slack; the proof
// stands beside `Certificate` in src/canonical.rs.
fn proved(state: Best, certificate: vec4<f32>) -> bool {
    return state.second * certificate.x - certificate.z > state.best * certificate.y + certificate.z;
}
