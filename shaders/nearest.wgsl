// For each query the nearest reference row in f32, with the runner-up. Twin: src/backend/cpu/nearest.rs.

struct Params {
    // Queries of this dispatch, in the bound queries.
    first_query: u32,
    queries: u32,
    features: u32,
    // Bound reference rows, and the row number of the first of them.
    rows: u32,
    first_row: u32,
    // Tiles of reference rows that one thread goes through.
    slice: u32,
}

struct Found {
    best: f32,
    second: f32,
    row: u32,
    // Keeps the size a multiple of 16 bytes.
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
// Feature j of rows 4 q to 4 q + 3 of tile t is entry (t * features + j) * 4 + q.
@group(0) @binding(2) var<storage, read> rows: array<vec4<f32>>;
// For each query the row number that does not count, or NONE.
@group(0) @binding(3) var<storage, read> own: array<u32>;
// Slice by slice: entry slice * params.queries + query.
@group(0) @binding(4) var<storage, read_write> found: array<Found>;

fn offer(state: Found, distance: f32, row: u32, excluded: u32) -> Found {
    if (row - params.first_row >= params.rows || row == excluded) {
        return state;
    }
    let second = min(state.second, max(state.best, distance));
    if (distance < state.best) {
        return Found(distance, second, row, 0u);
    }
    return Found(state.best, second, state.row, 0u);
}

@compute @workgroup_size(64)
fn nearest(@builtin(global_invocation_id) id: vec3<u32>) {
    let query = id.x;
    if (query >= params.queries) {
        return;
    }
    let start = row_start(params.first_query + query, params.features);
    let excluded = own[params.first_query + query];
    //@each let x$ = queries[start + $u * TILE];
    let tiles = (params.rows + TILE - 1u) / TILE;
    let end = min(tiles, (id.y + 1u) * params.slice);
    var state = Found(FAR, FAR, NONE, 0u);
    for (var tile = id.y * params.slice; tile < end; tile++) {
        for (var quarter = 0u; quarter < 4u; quarter++) {
            var squared = vec4<f32>(0.0);
            let first = tile * params.features * 4u + quarter;
            for (var j = 0u; j < params.features; j++) { //@loop
                let difference = rows[first + j * 4u] - vec4<f32>(queries[start + j * TILE]); //@loop
                squared = fma(difference, difference, squared); //@loop
            } //@loop
            //@each let difference$ = rows[first + $u * 4u] - vec4<f32>(x$);
            //@each squared = fma(difference$, difference$, squared);
            let row = params.first_row + tile * TILE + quarter * 4u;
            state = offer(state, squared.x, row, excluded);
            state = offer(state, squared.y, row + 1u, excluded);
            state = offer(state, squared.z, row + 2u, excluded);
            state = offer(state, squared.w, row + 3u, excluded);
        }
    }
    found[id.y * params.queries + query] = state;
}
