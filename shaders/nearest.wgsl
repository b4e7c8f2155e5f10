//#import packs
// For each query the nearest reference row, in f32, and the distance of the second nearest. Twin:
// src/backend/cpu/nearest.rs. `//@each` and `//@loop` are explained in README.md.

struct Params {
    // The queries of this dispatch, counted in the bound queries.
    first_query: u32,
    queries: u32,
    features: u32,
    // How many reference rows are bound, and the number that the first of them has in the table.
    rows: u32,
    first_row: u32,
    // How many tiles of reference rows one thread goes through.
    tiles_per_slice: u32,
}

struct Found {
    best: f32,
    second: f32,
    row: u32,
    // Makes the size a multiple of 16 bytes.
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
// A tile of reference rows is four packs side by side: feature j of rows 4 q to 4 q + 3 of tile t is entry
// (t * features + j) * 4 + q.
@group(0) @binding(2) var<storage, read> rows: array<vec4<f32>>;
// For each query the number of the row that does not count for it (the query itself), or NONE.
@group(0) @binding(3) var<storage, read> excluded: array<u32>;
// For each slice of the reference rows and each query what was found: entry slice * params.queries + query.
@group(0) @binding(4) var<storage, read_write> found: array<Found>;

fn row_feature(start: u32, j: u32) -> f32 {
    return queries[start + j * TILE];
}

fn pack_feature(at: u32) -> vec4<f32> {
    return rows[at];
}

// Takes the squared distances to four reference rows into account, of which `row` is the first.
fn offer_pack(state: Best, squared: vec4<f32>, row: u32, excluded_row: u32) -> Best {
    let numbers = vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u);
    // The last tile is padded; the padding is not a row.
    let padding = numbers - vec4<u32>(params.first_row) >= vec4<u32>(params.rows);
    let distances = select(squared, vec4<f32>(FAR), (numbers == vec4<u32>(excluded_row)) | padding);
    var out = offer(state, distances.x, numbers.x);
    out = offer(out, distances.y, numbers.y);
    out = offer(out, distances.z, numbers.z);
    return offer(out, distances.w, numbers.w);
}

// A thread has one query and one slice of the reference rows. Workgroups: queries, slices.
@compute @workgroup_size(64)
fn nearest(@builtin(global_invocation_id) id: vec3<u32>) {
    let query = id.x;
    if (query >= params.queries) {
        return;
    }
    let start = row_start(params.first_query + query, params.features);
    let excluded_row = excluded[params.first_query + query];
    //@each let x$ = queries[start + $u * TILE];
    let tiles = (params.rows + TILE - 1u) / TILE;
    let end = min(tiles, (id.y + 1u) * params.tiles_per_slice);
    var state = Best(FAR, FAR, NONE);
    for (var tile = id.y * params.tiles_per_slice; tile < end; tile++) {
        for (var quarter = 0u; quarter < 4u; quarter++) {
            let first = tile * params.features * 4u + quarter;
            let row = params.first_row + tile * TILE + quarter * 4u;
            var squared = vec4<f32>(0.0);
            //@each squared = add_feature(squared, x$, rows[first + $u * 4u]);
            var four = FourPacks(squared, squared, squared, squared); //@loop
            four = add_row(four, start, vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), 4u); //@loop
            squared = four.a; //@loop
            state = offer_pack(state, squared, row, excluded_row);
            state = offer_pack(state, four.b, row + 4u, excluded_row); //@loop
            state = offer_pack(state, four.c, row + 8u, excluded_row); //@loop
            state = offer_pack(state, four.d, row + 12u, excluded_row); //@loop
            quarter += 3u; //@loop
        }
    }
    found[id.y * params.queries + query] = Found(state.best, state.second, state.index, 0u);
}
