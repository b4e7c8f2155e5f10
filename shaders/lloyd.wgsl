//#import packs
//#import sets
// One pass of Lloyd's algorithm for many centroid sets. `assign` labels the rows by their distances in f32 (by dot products:
// products.wgsl); those whose label it cannot prove are left without one, for decide.wgsl. `accumulate` then adds up, in
// whole grid steps, the rows whose label has changed since the last pass. Twin: src/backend/cpu/lloyd.rs. `//@each` and
// `//@loop` are explained in README.md.

struct Params {
    // The rows of this dispatch: the first one (counted in the bound rows, the first of a tile) and how many.
    first: u32,
    rows: u32,
    features: u32,
    // Columns of a centroid's sums: the features, the number of rows, and the rows' weight if rows have weights.
    columns: u32,
    // How many sets there are, and how many of them one thread of `assign` compares its row with.
    sets: u32,
    sets_per_thread: u32,
    // Words that the labels of one set take.
    slot_words: u32,
    // What one workgroup of `accumulate` adds up: so many rows, columns and centroids.
    block_rows: u32,
    chunk_columns: u32,
    chunk_centroids: u32,
}

// Whether a label takes a whole word. Otherwise four rows share a word, 8 bits each.
override wide: bool = false;
// Whether rows have weights.
override weighted: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> sets: array<Set>;
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;
// For each pack of four centroids: the values that their sums start with, then one vec4 a feature. The points that fill up
// a set's last pack start with a sum so large that they are never the nearest.
@group(0) @binding(4) var<storage, read> packs: array<vec4<f32>>;

fn row_feature(start: u32, j: u32) -> f32 {
    return rows[start + j * TILE];
}

fn pack_feature(at: u32) -> vec4<f32> {
    return packs[at];
}

// How far a thread of `assign` has come with its row.
struct Scan {
    s: u32,
    // How many labels it has written.
    written: u32,
    centroid_set: Set,
    state: Best,
}

// The labels of a workgroup's rows, each shifted to its place in a word. There is room for two sets, which take turns:
// one is written while the other is read, so that one barrier a set is enough.
var<workgroup> shifted_labels: array<u32, 128>;

// Writes the row's label for the current set. All threads of the workgroup are at the same set.
fn write_label(scan: Scan, row: u32, lane: u32) {
    var label = NONE;
    if (row < params.rows && proved(scan.state, scan.centroid_set.certificate)) {
        label = scan.state.index - scan.centroid_set.first_pack * 4u;
    }
    // Labels are read four at a time, so the rows that fill up the last four get "no label".
    let end = (params.rows + 3u) / 4u * 4u;
    let slot = scan.centroid_set.new_slot * params.slot_words;
    if (wide) {
        if (row < end) {
            labels[slot + params.first + row] = label;
        }
        return;
    }
    let half = scan.written % 2u * 64u;
    shifted_labels[half + lane] = (label & 255u) << (lane % 4u * 8u);
    workgroupBarrier();
    let first = row - lane + lane * 4u;
    if (lane < 16u && first < end) {
        let at = half + lane * 4u;
        labels[slot + (params.first + first) / 4u] =
            shifted_labels[at] | shifted_labels[at + 1u] | shifted_labels[at + 2u] | shifted_labels[at + 3u];
    }
}

// Goes on to the next set, after `written` labels.
fn next_set(scan: ptr<function, Scan>, written: u32) {
    let s = (*scan).s + 1u;
    let centroid_set = sets[min(s, params.sets - 1u)];
    *scan = Scan(s, (*scan).written + written, centroid_set, Best(FAR, FAR, centroid_set.first_pack * 4u));
}

// Takes the sums for a pack into account. After the last pack of a set its label is written, and the next set begins.
fn offer_pack(scan: ptr<function, Scan>, pack: u32, sums: vec4<f32>, row: u32, lane: u32) {
    let index = pack * 4u;
    var state = (*scan).state;
    state = offer(state, sums.x, index);
    state = offer(state, sums.y, index + 1u);
    state = offer(state, sums.z, index + 2u);
    state = offer(state, sums.w, index + 3u);
    (*scan).state = state;
    if (pack + 1u == (*scan).centroid_set.first_pack + (*scan).centroid_set.packs) {
        write_label(*scan, row, lane);
        next_set(scan, 1u);
    }
}

// A thread has one row and `sets_per_thread` sets. Workgroups: rows, groups of sets.
@compute @workgroup_size(64)
fn assign(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = group.x * 64u + lane;
    // Threads past the last row work on the last row again, because every thread must reach the barrier.
    let own = params.first + min(row, params.rows - 1u);
    let start = row_start(own, params.features);
    //@each let x$ = rows[start + $u * TILE];
    let first_set = group.y * params.sets_per_thread;
    let last_set = min(params.sets, first_set + params.sets_per_thread) - 1u;
    let last = sets[last_set].first_pack + sets[last_set].packs - 1u;
    let pack_size = params.features + 1u;
    var scan = Scan(first_set, 0u, sets[first_set], Best(FAR, FAR, sets[first_set].first_pack * 4u));
    for (var pack = sets[first_set].first_pack; pack <= last; pack++) {
        if (scan.centroid_set.stopped != 0u && pack == scan.centroid_set.first_pack) {
            pack += scan.centroid_set.packs - 1u;
            next_set(&scan, 0u);
            continue;
        }
        let first = pack * pack_size;
        var sum = packs[first];
        //@each sum = add_feature(sum, x$, packs[first + 1u + $u]);
        // The last four packs may be fewer: the last one then stands in, and its sums are not used.
        let at = min(vec4<u32>(pack) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last)) * pack_size; //@loop
        var four = FourPacks(sum, packs[at.y], packs[at.z], packs[at.w]); //@loop
        four = add_row(four, start, at + vec4<u32>(1u), 1u); //@loop
        sum = four.a; //@loop
        offer_pack(&scan, pack, sum, row, lane);
        if (pack < last) { pack++; offer_pack(&scan, pack, four.b, row, lane); } //@loop
        if (pack < last) { pack++; offer_pack(&scan, pack, four.c, row, lane); } //@loop
        if (pack < last) { pack++; offer_pack(&scan, pack, four.d, row, lane); } //@loop
    }
}

// The rows once more, as four at a time: feature j of rows 4 q to 4 q + 3 of tile t is entry (t * features + j) * 4 + q.
@group(0) @binding(7) var<storage, read> row_quads: array<vec4<f32>>;
// One digit of the rows' weights, four rows at a time.
@group(0) @binding(8) var<storage, read> weights: array<vec4<u32>>;
// The labels that `assign` wrote.
@group(0) @binding(9) var<storage, read> assigned: array<u32>;
// For each feature the factor that turns a stored value into whole grid steps.
@group(0) @binding(10) var<storage, read> steps_per_unit: array<f32>;
// Three limbs for each centroid and column, lowest first.
@group(0) @binding(11) var<storage, read_write> sums: array<atomic<u32>>;

// Threads of a workgroup of `accumulate`.
const THREADS: u32 = 256u;
// Words of the table in which such a workgroup adds up.
const TABLE: u32 = 2048u;

// The sums of a workgroup, each in pieces: the lowest 16 bits of what is added go to the first piece, the next ones to
// the second, and with weights there is a third. Each piece has a plane of chunk_centroids * chunk_columns entries. A row
// adds less than 2^17 to a piece and a workgroup has at most 2^14 rows, so a piece cannot overflow and needs no carry into
// the next one while rows are added. Additions therefore return nothing and need not wait for each other.
var<workgroup> table: array<atomic<u32>, TABLE>;
// Groups of four rows in which a label has changed, and how many of them there have been so far.
var<workgroup> changed: array<u32, THREADS>;
var<workgroup> changes: atomic<u32>;

// The labels of four rows. "No label" is 255 where four labels share a word; no centroid has that number there.
fn labels_of(slot: u32, quad: u32, ignore: u32) -> vec4<u32> {
    let at = slot * params.slot_words;
    if (wide) {
        let first = at + quad * 4u;
        let four =
            vec4<u32>(assigned[first], assigned[first + 1u], assigned[first + 2u], assigned[first + 3u]);
        return four | vec4<u32>(ignore);
    }
    let four = vec4<u32>(assigned[at + quad] | ignore);
    return four >> vec4<u32>(0u, 8u, 16u, 24u) & vec4<u32>(255u);
}

// Adds the pieces of a number to an entry of the table.
fn add_pieces(at: u32, pieces: vec3<u32>) {
    let plane = params.chunk_centroids * params.chunk_columns;
    atomicAdd(&table[at], pieces.x);
    atomicAdd(&table[at + plane], pieces.y);
    if (weighted) {
        atomicAdd(&table[at + 2u * plane], pieces.z);
    }
}

// Moves a row's steps * weight from its old centroid to its new one, where they are among the `count` centroids of this
// workgroup.
fn move_row(old_label: u32, new_label: u32, steps: i32, weight: u32, column: u32, count: u32) {
    if (old_label == new_label) {
        return;
    }
    var pieces = vec3<u32>(u32(steps) & 0xffffu, u32(steps >> 16u), 0u);
    if (weighted) {
        let low = pieces.x * weight;
        let high = pieces.y * weight;
        pieces = vec3<u32>(low & 0xffffu, (low >> 16u) + (high & 0xffffu), u32(i32(high) >> 16u));
    }
    if (new_label < count) {
        add_pieces(new_label * params.chunk_columns + column, pieces);
    }
    if (old_label < count) {
        add_pieces(old_label * params.chunk_columns + column, vec3<u32>(0u) - pieces);
    }
}

// Adds two 96-bit whole numbers of three limbs, lowest limb first.
fn add_limbs(a: vec3<u32>, b: vec3<u32>) -> vec3<u32> {
    let low = a.x + b.x;
    let mid = a.y + b.y;
    let carried = mid + u32(low < a.x);
    return vec3<u32>(low, carried, a.z + b.z + u32(mid < a.y) + u32(carried < mid));
}

// Adds to a sum in global memory while other workgroups add to it too.
fn add_to_sum(at: u32, value: vec3<u32>) {
    let low = atomicAdd(&sums[at], value.x);
    let mid = atomicAdd(&sums[at + 1u], value.y);
    var high = value.z + u32(mid + value.y < mid);
    // The carry is an addition of its own, so that the overflow of each of the two additions is seen.
    if (low + value.x < low) {
        high += u32(atomicAdd(&sums[at + 1u], 1u) == NONE);
    }
    atomicAdd(&sums[at + 2u], high);
}

// A thread has one column (a feature, the number of rows, or their weight), so that the threads that work on one row add
// to different entries. Workgroups: blocks of rows, chunks of columns x chunks of centroids, sets.
@compute @workgroup_size(256)
fn accumulate(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let centroid_set = sets[group.z];
    let chunks = (params.columns + params.chunk_columns - 1u) / params.chunk_columns;
    let first_column = group.y % chunks * params.chunk_columns;
    let first_centroid = group.y / chunks * params.chunk_centroids;
    if (first_centroid >= centroid_set.centroids || centroid_set.stopped != 0u) {
        return;
    }
    let centroids = min(params.chunk_centroids, centroid_set.centroids - first_centroid);
    for (var at = lane; at < TABLE; at += THREADS) {
        atomicStore(&table[at], 0u);
    }
    if (lane == 0u) {
        atomicStore(&changes, 0u);
    }
    let parts = THREADS / params.chunk_columns;
    let part = lane / params.chunk_columns;
    let column = first_column + lane % params.chunk_columns;
    let busy = part < parts && column < params.columns;
    let feature = min(column, params.features - 1u);
    // The number of rows and their weight are sums of ones; the weight multiplies the latter alone.
    let counts = column >= params.features;
    let scale = steps_per_unit[feature];

    var seen = 0u;
    let end = min(params.rows, (group.x + 1u) * params.block_rows);
    for (var start = group.x * params.block_rows; start < end; start += THREADS * 4u) {
        // After this barrier the table is cleared, and every thread has read the list of the last round.
        workgroupBarrier();
        let row = start + lane * 4u;
        if (row < end) {
            let quad = (params.first + row) / 4u;
            let old_label = labels_of(centroid_set.old_slot, quad, centroid_set.ignore_old);
            if (any(old_label != labels_of(centroid_set.new_slot, quad, 0u))) {
                changed[atomicAdd(&changes, 1u) - seen] = quad;
            }
        }
        workgroupBarrier();
        let total = atomicLoad(&changes);
        if (busy) {
            for (var i = part; i < total - seen; i += parts) {
                let quad = changed[i];
                let old_label = labels_of(centroid_set.old_slot, quad, centroid_set.ignore_old) - first_centroid;
                let new_label = labels_of(centroid_set.new_slot, quad, 0u) - first_centroid;
                let values = row_quads[(quad / 4u * params.features + feature) * 4u + quad % 4u];
                let steps = select(vec4<i32>(values * scale), vec4<i32>(1), counts);
                var weight = vec4<u32>(1u);
                if (weighted && column != params.features) {
                    weight = weights[quad];
                }
                let at = lane % params.chunk_columns;
                move_row(old_label.x, new_label.x, steps.x, weight.x, at, centroids);
                move_row(old_label.y, new_label.y, steps.y, weight.y, at, centroids);
                move_row(old_label.z, new_label.z, steps.z, weight.z, at, centroids);
                move_row(old_label.w, new_label.w, steps.w, weight.w, at, centroids);
            }
        }
        seen = total;
    }
    workgroupBarrier();
    let plane = params.chunk_centroids * params.chunk_columns;
    for (var at = lane; at < centroids * params.chunk_columns; at += THREADS) {
        let summed = first_column + at % params.chunk_columns;
        let x = i32(atomicLoad(&table[at]));
        let y = i32(atomicLoad(&table[at + plane]));
        var z = 0;
        if (weighted) {
            z = i32(atomicLoad(&table[at + 2u * plane]));
        }
        if (summed < params.columns && (x != 0 || y != 0 || z != 0)) {
            let low = vec3<u32>(u32(x), u32(x >> 31u), u32(x >> 31u));
            let mid = vec3<u32>(u32(y) << 16u, u32(y >> 16u), u32(y >> 31u));
            let high = vec3<u32>(0u, u32(z), u32(z >> 31u));
            let centroid = centroid_set.first_sum + first_centroid + at / params.chunk_columns;
            add_to_sum((centroid * params.columns + summed) * 3u, add_limbs(add_limbs(low, mid), high));
        }
    }
}
