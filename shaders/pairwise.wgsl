// The explicit block of squared or Euclidean distances. Twin: src/backend/cpu/pairwise.rs.

struct Params {
    // Queries of this dispatch, a multiple of four before the last.
    first_query: u32,
    queries: u32,
    features: u32,
    // Bound reference rows.
    rows: u32,
    // 1 for the square root.
    root: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// As four rows: see nearest.wgsl.
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
// Entry query * params.rows + row.
@group(0) @binding(3) var<storage, read_write> distances: array<f32>;

@compute @workgroup_size(64)
fn pairwise(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    let first = id.y * 4u;
    if (row >= params.rows || first >= params.queries) {
        return;
    }
    let start = row_start(row, params.features);
    let query = params.first_query + first;
    let tile = query / TILE * params.features;
    var squared = vec4<f32>(0.0);
    for (var j = 0u; j < params.features; j++) {
        let points = queries[(tile + j) * 4u + query % TILE / 4u];
        let difference = vec4<f32>(rows[start + j * TILE]) - points;
        squared = fma(difference, difference, squared);
    }
    if (params.root == 1u) {
        squared = sqrt(squared);
    }
    for (var q = 0u; q < min(4u, params.queries - first); q++) {
        distances[(first + q) * params.rows + row] = squared[q];
    }
}
