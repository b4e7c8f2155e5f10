// Many centroid sets past every row. `assign` labels rows in f32 and sets aside what it cannot prove; `accumulate`
// adds the labelled rows up in whole grid steps. Twin: src/backend/cpu/lloyd.rs.

struct Params {
    // Rows of this pass: first (in the bound rows) and how many.
    first: u32,
    rows: u32,
    features: u32,
    weighted: u32,
    // Entries of a centroid's sums: the features, the count, the weight.
    columns: u32,
    // All sets, and how many of them a thread takes its row past.
    sets: u32,
    share: u32,
}

struct Set {
    // In packs of four centroids.
    first_pack: u32,
    points: u32,
    // Among all sets' centroids.
    first_sum: u32,
    centroids: u32,
    // low, high, slack, unused.
    certificate: vec4<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> sets: array<Set>;
// Labels, set by set: entry s * params.rows + r.
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;

// Feature j of four centroids, pack after pack; the last pack of a set is padded.
@group(0) @binding(4) var<storage, read> packs: array<vec4<f32>>;
// For each point of a pack, which centroid of its set it is.
@group(0) @binding(5) var<storage, read> ids: array<vec4<u32>>;
// Entries of `labels` that are NONE; the first word counts them.
@group(0) @binding(6) var<storage, read_write> undecided: array<atomic<u32>>;

struct Best {
    best: f32,
    second: f32,
    label: u32,
}

fn offer(state: Best, distance: f32, label: u32) -> Best {
    return Best(
        min(state.best, distance),
        min(state.second, max(state.best, distance)),
        select(state.label, label, distance < state.best),
    );
}

@compute @workgroup_size(64)
fn assign(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    let start = row_start(params.first + row, params.features);
    //@each let x$ = rows[start + $u * TILE];
    let end = min(params.sets, (id.y + 1u) * params.share);
    for (var s = id.y * params.share; s < end; s++) {
        let task = sets[s];
        var state = Best(FAR, FAR, 0u);
        for (var p = 0u; p * 4u < task.points; p++) {
            let pack = task.first_pack + p;
            let first = pack * params.features;
            var squared = vec4<f32>(0.0);
            for (var j = 0u; j < params.features; j++) { //@loop
                let difference = vec4<f32>(rows[start + j * TILE]) - packs[first + j]; //@loop
                squared = fma(difference, difference, squared); //@loop
            } //@loop
            //@each let difference$ = vec4<f32>(x$) - packs[first + $u];
            //@each squared = fma(difference$, difference$, squared);
            // A pack that is not full repeats its first point: never nearer than itself, but a runner-up, so it is
            // put out of reach.
            let left = vec4<u32>(task.points - p * 4u);
            squared = select(vec4<f32>(FAR), squared, vec4<u32>(0u, 1u, 2u, 3u) < left);
            let label = ids[pack];
            state = offer(state, squared.x, label.x);
            state = offer(state, squared.y, label.y);
            state = offer(state, squared.z, label.z);
            state = offer(state, squared.w, label.w);
        }
        let at = s * params.rows + row;
        if (proved(state.best, state.second, task.certificate)) {
            labels[at] = state.label;
        } else {
            labels[at] = NONE;
            undecided[1u + atomicAdd(&undecided[0], 1u)] = at;
        }
    }
}

// What a stored value of each feature is multiplied by to give whole grid steps.
@group(0) @binding(7) var<storage, read> steps_per_unit: array<f32>;
// One weight a row.
@group(0) @binding(8) var<storage, read> weights: array<u32>;
// Three limbs for each centroid and column.
@group(0) @binding(9) var<storage, read_write> sums: array<atomic<u32>>;

// Rows that one workgroup adds up.
const BLOCK: u32 = 1024u;
// Centroids whose sums a workgroup holds at once.
const HELD: u32 = 16u;

var<workgroup> held: array<Limbs, 1024>; // 64 columns x HELD centroids

// A thread owns a column (a feature, the count or the weight), so nothing is shared within the workgroup.
// Workgroups: blocks of rows, chunks of columns x chunks of centroids, sets.
@compute @workgroup_size(64)
fn accumulate(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let task = sets[group.z];
    let column_chunks = (params.columns + 63u) / 64u;
    let column = (group.y % column_chunks) * 64u + lane;
    let first_centroid = group.y / column_chunks * HELD;
    if (column >= params.columns || first_centroid >= task.centroids) {
        return;
    }
    for (var c = 0u; c < HELD; c++) {
        held[c * 64u + lane] = Limbs(0u, 0u, 0u);
    }
    let end = min(params.rows, (group.x + 1u) * BLOCK);
    for (var row = group.x * BLOCK; row < end; row++) {
        let label = labels[group.z * params.rows + row];
        // NONE is past every centroid too.
        if (label < first_centroid || label - first_centroid >= HELD) {
            continue;
        }
        var weight = 1u;
        if (params.weighted == 1u) {
            weight = weights[params.first + row];
        }
        var value = Limbs(1u, 0u, 0u);
        if (column < params.features) {
            let stored = rows[row_start(params.first + row, params.features) + column * TILE];
            value = limbs_product(i32(stored * steps_per_unit[column]), weight);
        } else if (column == params.features + 1u) {
            value = Limbs(weight, 0u, 0u);
        }
        let at = (label - first_centroid) * 64u + lane;
        held[at] = limbs_add(held[at], value);
    }
    for (var c = 0u; c < min(HELD, task.centroids - first_centroid); c++) {
        let value = held[c * 64u + lane];
        let at = ((task.first_sum + first_centroid + c) * params.columns + column) * 3u;
        let low = atomicAdd(&sums[at], value.low);
        let carry = u32(low + value.low < low);
        let mid = atomicAdd(&sums[at + 1u], value.mid);
        let over = u32(mid + value.mid < mid);
        // The carry is a second addition, so that each of the two shows its own overflow.
        var carried = 0u;
        if (carry == 1u) {
            carried = u32(atomicAdd(&sums[at + 1u], 1u) == 0xffffffffu);
        }
        atomicAdd(&sums[at + 2u], value.high + over + carried);
    }
}
