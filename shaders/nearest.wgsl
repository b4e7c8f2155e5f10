//#import pairs
//#import common
// Which reference rows may be the nearest of each query. Twin: src/backend/cpu/nearest.rs.
//
// `nearest` takes the smallest squared distance of each query to each block of neighbouring reference rows, in f32.
// `choose` lists the blocks that rounding leaves in question, usually one; the host searches them by canonical distances.

struct Params {
    // The first query of this dispatch and how many there are, counted in the bound queries; tiles of 16 queries are bound.
    first_query: u32,
    queries: u32,
    query_tiles: u32,
    features: u32,
    // Chunks of features; the last one is padded.
    chunks: u32,
    // How many reference rows are bound, and the number that the first of them has in the table.
    rows: u32,
    first_row: u32,
    // A block has 8 rows of each of so many tiles. A group is the 16 blocks of the same tiles.
    tiles_per_block: u32,
    // The groups of this dispatch, and how many a workgroup takes.
    first_group: u32,
    end_group: u32,
    groups_per_slice: u32,
    // The block that the bound rows begin with, and the one that they end before. For `choose`, which takes all blocks, that
    // is their number.
    first_block: u32,
    end_block: u32,
    // What a `Certificate` says (src/canonical.rs).
    low: f32,
    high: f32,
    slack: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Tiles of 16 are four quads side by side: feature j of rows 4 q to 4 q + 3 of tile t is entry (t * features + j) * 4 + q.
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec4<f32>>;
// For each query the number of the row that does not count for it (the query itself), or NONE.
@group(0) @binding(3) var<storage, read> excluded: array<u32>;
// The smallest squared distances: for each block the quads of queries.
@group(0) @binding(4) var<storage, read_write> least: array<vec4<f32>>;

// Of `choose`: the same, query by query, and for each query how many blocks are in question, then the first 15 of them.
@group(0) @binding(5) var<storage, read> least_of_query: array<f32>;
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

const LISTED: u32 = 16u;

// Queries that are worked on together, in whole tiles of 128.
fn padded_queries() -> u32 {
    return (params.queries + SPAN - 1u) / SPAN * SPAN;
}

// A tile's number is that of its first 16 queries.
fn row_quad(tile: u32, feature: u32, quad: u32) -> vec4<f32> {
    let own = min(tile + quad / 4u, params.query_tiles - 1u);
    let value = queries[(own * params.features + min(feature, params.features - 1u)) * 4u + quad % 4u];
    return select(vec4<f32>(0.0), value, feature < params.features);
}

// A tile's number is that of its first row. Of a thread's rows, which are those of quads q and q + 16, the tiles of a
// block have 8 after 8, so that a block's rows are neighbours.
fn column_quad(tile: u32, feature: u32, quad: u32) -> vec4<f32> {
    let row = tile + quad % 16u * 8u * params.tiles_per_block + quad / 16u * 4u;
    let own = min(row / TILE, (params.rows - 1u) / TILE);
    let value = rows[(own * params.features + min(feature, params.features - 1u)) * 4u + row % TILE / 4u];
    return select(vec4<f32>(0.0), value, feature < params.features);
}

fn centre_of(feature: u32) -> f32 {
    return 0.0;
}

// Squared distances, FAR for rows that do not count.
fn counted(squared: vec4<f32>, numbers: vec4<u32>, excluded_row: u32) -> vec4<f32> {
    let past = numbers - vec4<u32>(params.first_row) >= vec4<u32>(params.rows);
    return select(squared, vec4<f32>(FAR), (numbers == vec4<u32>(excluded_row)) | past);
}

fn smallest(a: vec4<f32>, b: vec4<f32>) -> f32 {
    let least = min(a, b);
    return min(min(least.x, least.y), min(least.z, least.w));
}

fn excluded_of(quad: u32) -> vec4<u32> {
    let query = vec4<u32>(quad * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let at = vec4<u32>(params.first_query) + min(query, vec4<u32>(params.queries - 1u));
    return vec4<u32>(excluded[at.x], excluded[at.y], excluded[at.z], excluded[at.w]);
}

// Workgroups: tiles of queries, slices of the groups.
@compute @workgroup_size(256)
fn nearest(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let place = thread_place(lane);
    let first = params.first_group + group.y * params.groups_per_slice;
    let end = min(params.end_group, first + params.groups_per_slice);
    if (first >= end) {
        return;
    }
    let query_tile = params.first_query / TILE + group.x * (SPAN / TILE);
    let first_quad = group.x * QUADS + place.row;
    let out = excluded_of(first_quad);
    let more_out = excluded_of(first_quad + 16u);
    let group_rows = SPAN * params.tiles_per_block;
    keep(lane, 0u, read_ahead(lane, query_tile, first * group_rows, 0u));
    var step = 0u;
    for (var g = first; g < end; g++) {
        var a = vec4<f32>(FAR);
        var b = vec4<f32>(FAR);
        for (var t = 0u; t < params.tiles_per_block; t++) {
            let tile = g * group_rows + t * 8u;
            let next = select(tile + 8u, (g + 1u) * group_rows, t + 1u == params.tiles_per_block);
            var d: Block;
            d = add_features(d, lane, place, step, query_tile, tile, next);
            step += params.chunks;
            // The thread's eight rows.
            let row = params.first_row + tile + place.column * 8u * params.tiles_per_block;
            let meets = (out - vec4<u32>(row) < vec4<u32>(8u)) | (more_out - vec4<u32>(row) < vec4<u32>(8u));
            if (any(meets) || row + 8u > params.first_row + params.rows) {
                let r = vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u);
                let s = r + vec4<u32>(4u);
                d = Block(
                    counted(d.a0, r, out.x), counted(d.b0, s, out.x), counted(d.a1, r, out.y), counted(d.b1, s, out.y),
                    counted(d.a2, r, out.z), counted(d.b2, s, out.z), counted(d.a3, r, out.w), counted(d.b3, s, out.w),
                    counted(d.a4, r, more_out.x), counted(d.b4, s, more_out.x),
                    counted(d.a5, r, more_out.y), counted(d.b5, s, more_out.y),
                    counted(d.a6, r, more_out.z), counted(d.b6, s, more_out.z),
                    counted(d.a7, r, more_out.w), counted(d.b7, s, more_out.w));
            }
            a = min(a, vec4<f32>(smallest(d.a0, d.b0), smallest(d.a1, d.b1), smallest(d.a2, d.b2), smallest(d.a3, d.b3)));
            b = min(b, vec4<f32>(smallest(d.a4, d.b4), smallest(d.a5, d.b5), smallest(d.a6, d.b6), smallest(d.a7, d.b7)));
        }
        let block = params.first_block + g * 16u + place.column;
        if (block < params.end_block) {
            let at = block * (padded_queries() / 4u) + first_quad;
            least[at] = a;
            least[at + 16u] = b;
        }
    }
}

var<workgroup> least_of_thread: array<f32, 64>;
var<workgroup> count_of_thread: array<u32, 64>;

// Whether a block may have the canonical nearest row, if the smallest squared distance of all is `best`.
fn in_question(distance: f32, best: f32) -> bool {
    return !(distance * params.low - params.slack > best * params.high + params.slack);
}

// A workgroup has one query, and each thread some neighbouring blocks.
@compute @workgroup_size(64)
fn choose(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let query = group.x;
    let stride = padded_queries();
    let own = (params.end_block + 63u) / 64u;
    let end = min(params.end_block, (lane + 1u) * own);
    var best = FAR;
    for (var block = lane * own; block < end; block++) {
        best = min(best, least_of_query[block * stride + query]);
    }
    least_of_thread[lane] = best;
    workgroupBarrier();
    for (var t = 0u; t < 64u; t++) {
        best = min(best, least_of_thread[t]);
    }
    var count = 0u;
    for (var block = lane * own; block < end; block++) {
        count += u32(in_question(least_of_query[block * stride + query], best));
    }
    count_of_thread[lane] = count;
    workgroupBarrier();
    var place = 1u;
    for (var t = 0u; t < lane; t++) {
        place += count_of_thread[t];
    }
    if (lane == 63u) {
        chosen[query * LISTED] = place - 1u + count;
    }
    for (var block = lane * own; block < end && count > 0u && place < LISTED; block++) {
        if (in_question(least_of_query[block * stride + query], best)) {
            chosen[query * LISTED + place] = block;
            place++;
        }
    }
}
