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

// Takes in the distances to four rows from `row` on.
fn take(state: Best, squared: vec4<f32>, row: u32, excluded: u32) -> Best {
    let numbers = vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u);
    // The last tile is filled up with rows that are none.
    let none = numbers - vec4<u32>(params.first_row) >= vec4<u32>(params.rows);
    let far = select(squared, vec4<f32>(FAR), (numbers == vec4<u32>(excluded)) | none);
    var out = offer(state, far.x, numbers.x);
    out = offer(out, far.y, numbers.y);
    out = offer(out, far.z, numbers.z);
    return offer(out, far.w, numbers.w);
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
    var state = Best(FAR, FAR, NONE);
    for (var tile = id.y * params.slice; tile < end; tile++) {
        for (var quarter = 0u; quarter < 4u; quarter++) {
            let first = tile * params.features * 4u + quarter;
            let row = params.first_row + tile * TILE + quarter * 4u;
            var squared = vec4<f32>(0.0);
            // The whole tile at once: a feature is loaded once for 16 rows.
            var squared1 = vec4<f32>(0.0); //@loop
            var squared2 = vec4<f32>(0.0); //@loop
            var squared3 = vec4<f32>(0.0); //@loop
            for (var j = 0u; j < params.features; j++) { //@loop
                let x = vec4<f32>(queries[start + j * TILE]); //@loop
                let difference = rows[first + j * 4u] - x; //@loop
                let difference1 = rows[first + j * 4u + 1u] - x; //@loop
                let difference2 = rows[first + j * 4u + 2u] - x; //@loop
                let difference3 = rows[first + j * 4u + 3u] - x; //@loop
                squared = fma(difference, difference, squared); //@loop
                squared1 = fma(difference1, difference1, squared1); //@loop
                squared2 = fma(difference2, difference2, squared2); //@loop
                squared3 = fma(difference3, difference3, squared3); //@loop
            } //@loop
            //@each let difference$ = rows[first + $u * 4u] - vec4<f32>(x$);
            //@each squared = fma(difference$, difference$, squared);
            state = take(state, squared, row, excluded);
            state = take(state, squared1, row + 4u, excluded); //@loop
            state = take(state, squared2, row + 8u, excluded); //@loop
            state = take(state, squared3, row + 12u, excluded); //@loop
            quarter += 3u; //@loop
        }
    }
    found[id.y * params.queries + query] = Found(state.best, state.second, state.index, 0u);
}
