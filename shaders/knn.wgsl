//#import select
// Which blocks of rows may have one of the `k` nearest rows of each query. Twin: src/backend/host/neighbour_lists.rs.
//
// `nearest` (nearest.wgsl) has found the smallest squared distance of each query to each block, in f32. The `k` smallest of
// these are distances of `k` different rows, so the `k`-th smallest row is not beyond the last of them, and a block whose
// smallest distance is certainly beyond it has none of the nearest rows. The host searches the other blocks, about `k`.

struct Params {
    // How many queries lie side by side for each block, and how many blocks there are: at least `k`.
    stride: u32,
    blocks: u32,
    k: u32,
    // Words that a query has in `listed`.
    words: u32,
    // What a `Certificate` says (src/canonical.rs).
    low: f32,
    high: f32,
    slack: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// The smallest squared distances: for each block those of the queries.
@group(0) @binding(1) var<storage, read> least: array<f32>;
// For each query how many blocks are in question, the bits of the `k`-th smallest of the distances, and the blocks in any
// order, as many as there is room for.
@group(0) @binding(2) var<storage, read_write> listed: array<u32>;

var<workgroup> listed_count: atomic<u32>;

// A workgroup has one query.
@compute @workgroup_size(256)
fn list_blocks(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let query = group.x;
    select_start(lane);
    for (var first = 0u; first < params.blocks; first += SELECT_THREADS * SELECT_OFFERS) {
        for (var i = 0u; i < SELECT_OFFERS; i++) {
            let block = first + i * SELECT_THREADS + lane;
            if (block < params.blocks) {
                select_offer(bitcast<u32>(least[block * params.stride + query]), block);
            }
        }
        select_settle(lane, params.k);
    }
    select_finish(lane, params.k);
    let bits = select_keys[params.k - 1u];
    let limit = bitcast<f32>(bits) * params.high + params.slack;
    if (lane == 0u) {
        atomicStore(&listed_count, 0u);
    }
    workgroupBarrier();
    for (var block = lane; block < params.blocks; block += SELECT_THREADS) {
        if (!(least[block * params.stride + query] * params.low - params.slack > limit)) {
            let place = atomicAdd(&listed_count, 1u) + 2u;
            if (place < params.words) {
                listed[query * params.words + place] = block;
            }
        }
    }
    workgroupBarrier();
    if (lane == 0u) {
        listed[query * params.words] = atomicLoad(&listed_count);
        listed[query * params.words + 1u] = bits;
    }
}
