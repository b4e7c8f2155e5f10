// Many centroid sets past every row. `assign` labels rows in f32 and sets aside what it cannot prove; `accumulate`
// adds the rows that moved up in whole grid steps. Twin: src/backend/cpu/lloyd.rs.

struct Params {
    // Rows of this pass: first (in the bound rows, a whole tile) and how many.
    first: u32,
    rows: u32,
    features: u32,
    // Entries of a centroid's sums: the features, the count, and the weight where rows have one.
    columns: u32,
    // All sets, and how many of them a thread takes its row past.
    sets: u32,
    share: u32,
    // Words of one set's labels.
    slot: u32,
    // What a workgroup of `accumulate` adds up: rows, columns, centroids.
    block: u32,
    width: u32,
    held: u32,
}

struct Set {
    // In packs of four centroids; those of the next set follow.
    first_pack: u32,
    packs: u32,
    // Among all sets' centroids.
    first_sum: u32,
    centroids: u32,
    // low, high, slack of the distances; width, unused, slack of the product form.
    certificate: vec4<f32>,
    // Where its labels of the last pass are and where those of this pass go, in slots.
    before: u32,
    after: u32,
    // All ones where there was no last pass.
    forget: u32,
}

// A centroid of a set, and at least its norm.
struct Point {
    centroid: u32,
    radius: f32,
}

// Whether rows are held to lower bounds of |c|^2 / 2 - x.c (ProductForm in src/canonical.rs) in place of distances.
override product: bool = false;
// Whether a label takes a whole word; else four rows share one.
override wide: bool = false;
// Whether rows have weights.
override weighted: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> sets: array<Set>;
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;
// Four centroids, pack after pack: what their sums start with (points that fill a set's last pack up start out of
// reach), what the product form adds for each unit of the row's norm, then feature j; negated for the product form.
@group(0) @binding(4) var<storage, read> packs: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> points: array<Point>;
// What could not be proved, set * params.rows + row; the first word counts them.
@group(0) @binding(6) var<storage, read_write> undecided: array<atomic<u32>>;

// At least the norm of each row.
@group(0) @binding(12) var<storage, read> norms: array<f32>;

// A row on its way past the sets.
struct Turn {
    s: u32,
    task: Set,
    state: Best,
    norm: f32,
}

// Labels of two sets in turn: with one barrier a set, one is written while the other is read.
var<workgroup> chosen: array<u32, 128>;

// A feature's share of the four sums.
fn add_feature(sum: vec4<f32>, x: f32, point: vec4<f32>) -> vec4<f32> {
    if (product) {
        return fma(vec4<f32>(x), point, sum);
    }
    let difference = vec4<f32>(x) - point;
    return fma(difference, difference, sum);
}

// Whether the winner is the canonical one.
fn certain(turn: Turn, radius: f32) -> bool {
    if (!product) {
        return proved(turn.state, turn.task.certificate);
    }
    // The true value is at most this much above its bound.
    let mixed = turn.norm * (radius + turn.norm / 1048576.0);
    let error = turn.task.certificate.x * (mixed + radius * radius * 0.5);
    return turn.state.second > turn.state.best + turn.task.certificate.z + error;
}

// Puts the label down; all threads of the workgroup are at the same set.
fn conclude(turn: Turn, row: u32, lane: u32) {
    var label = NONE;
    if (row < params.rows) {
        let point = points[turn.state.index];
        if (certain(turn, point.radius)) {
            label = point.centroid;
        } else {
            undecided[1u + atomicAdd(&undecided[0], 1u)] = turn.s * params.rows + row;
        }
    }
    // Rows past the end have no label, up to a whole four.
    let end = (params.rows + 3u) / 4u * 4u;
    let slot = turn.task.after * params.slot;
    if (wide) {
        if (row < end) {
            labels[slot + params.first + row] = label;
        }
        return;
    }
    let half = turn.s % 2u * 64u;
    chosen[half + lane] = (label & 255u) << (lane % 4u * 8u);
    workgroupBarrier();
    let first = row - lane + lane * 4u;
    if (lane < 16u && first < end) {
        let at = half + lane * 4u;
        labels[slot + (params.first + first) / 4u] = chosen[at] | chosen[at + 1u] | chosen[at + 2u] | chosen[at + 3u];
    }
}

// Takes in the sums for a pack, and goes on to the next set after a set's last.
fn take(turn: ptr<function, Turn>, pack: u32, sum: vec4<f32>, row: u32, lane: u32) {
    var sums = sum;
    if (product) {
        sums = fma(vec4<f32>((*turn).norm), packs[pack * (params.features + 2u) + 1u], sums);
    }
    let index = pack * 4u;
    var state = (*turn).state;
    state = offer(state, sums.x, index);
    state = offer(state, sums.y, index + 1u);
    state = offer(state, sums.z, index + 2u);
    state = offer(state, sums.w, index + 3u);
    (*turn).state = state;
    if (pack + 1u == (*turn).task.first_pack + (*turn).task.packs) {
        conclude(*turn, row, lane);
        let s = (*turn).s + 1u;
        *turn = Turn(s, sets[min(s, params.sets - 1u)], Best(FAR, FAR, 0u), (*turn).norm);
    }
}

// Workgroups: rows, shares of the sets.
@compute @workgroup_size(64)
fn assign(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = group.x * 64u + lane;
    // Threads past the last row go along with it: a barrier wants all of them.
    let own = params.first + min(row, params.rows - 1u);
    let start = row_start(own, params.features);
    //@each let x$ = rows[start + $u * TILE];
    let first_set = group.y * params.share;
    let last_set = min(params.sets, first_set + params.share) - 1u;
    let last = sets[last_set].first_pack + sets[last_set].packs - 1u;
    let stride = params.features + 2u;
    var turn = Turn(first_set, sets[first_set], Best(FAR, FAR, 0u), norms[own]);
    for (var pack = sets[first_set].first_pack; pack <= last; pack++) {
        let first = pack * stride;
        var sum = packs[first];
        // Four packs at once: a feature is loaded once for 16 points.
        let first1 = min(pack + 1u, last) * stride; //@loop
        let first2 = min(pack + 2u, last) * stride; //@loop
        let first3 = min(pack + 3u, last) * stride; //@loop
        var sum1 = packs[first1]; //@loop
        var sum2 = packs[first2]; //@loop
        var sum3 = packs[first3]; //@loop
        for (var j = 0u; j < params.features; j++) { //@loop
            let x = rows[start + j * TILE]; //@loop
            sum = add_feature(sum, x, packs[first + 2u + j]); //@loop
            sum1 = add_feature(sum1, x, packs[first1 + 2u + j]); //@loop
            sum2 = add_feature(sum2, x, packs[first2 + 2u + j]); //@loop
            sum3 = add_feature(sum3, x, packs[first3 + 2u + j]); //@loop
        } //@loop
        //@each sum = add_feature(sum, x$, packs[first + 2u + $u]);
        take(&turn, pack, sum, row, lane);
        if (pack < last) { pack++; take(&turn, pack, sum1, row, lane); } //@loop
        if (pack < last) { pack++; take(&turn, pack, sum2, row, lane); } //@loop
        if (pack < last) { pack++; take(&turn, pack, sum3, row, lane); } //@loop
    }
}

// The rows and their weights again, four at a time: see nearest.wgsl.
@group(0) @binding(7) var<storage, read> row_quads: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(9) var<storage, read> labelled: array<u32>;
// What a stored value of each feature is multiplied by to give whole grid steps.
@group(0) @binding(10) var<storage, read> steps_per_unit: array<f32>;
// Three limbs for each centroid and column.
@group(0) @binding(11) var<storage, read_write> sums: array<atomic<u32>>;

const THREADS: u32 = 256u;
const TABLE: u32 = 2048u;

// Sums of a workgroup in signed pieces of 16 bits and more, a plane of params.held * params.width each; without
// weights the second piece is the last. A row adds less than 2^17 to each, so that no piece overflows in 2^14 rows and
// none carries into the next: additions need not wait for each other.
var<workgroup> table: array<atomic<u32>, TABLE>;
// Fours of rows of which one moved, and how many there have been so far.
var<workgroup> moved: array<u32, THREADS>;
var<workgroup> moves: atomic<u32>;

// The labels of four rows. No centroid has the label 255 where four share a word, nor NONE.
fn labels_of(slot: u32, quad: u32, forget: u32) -> vec4<u32> {
    let at = slot * params.slot;
    if (wide) {
        let first = at + quad * 4u;
        let four =
            vec4<u32>(labelled[first], labelled[first + 1u], labelled[first + 2u], labelled[first + 3u]);
        return four | vec4<u32>(forget);
    }
    let four = vec4<u32>(labelled[at + quad] | forget);
    return four >> vec4<u32>(0u, 8u, 16u, 24u) & vec4<u32>(255u);
}

// Adds three pieces to an entry of the table.
fn put(at: u32, pieces: vec3<u32>) {
    let plane = params.held * params.width;
    atomicAdd(&table[at], pieces.x);
    atomicAdd(&table[at + plane], pieces.y);
    if (weighted) {
        atomicAdd(&table[at + 2u * plane], pieces.z);
    }
}

// Takes a row's steps * weight from its old centroid to its new one, where the workgroup holds them.
fn move_row(before: u32, after: u32, steps: i32, weight: u32, column: u32, held: u32) {
    if (before == after) {
        return;
    }
    var pieces = vec3<u32>(u32(steps) & 0xffffu, u32(steps >> 16u), 0u);
    if (weighted) {
        let low = pieces.x * weight;
        let high = pieces.y * weight;
        pieces = vec3<u32>(low & 0xffffu, (low >> 16u) + (high & 0xffffu), u32(i32(high) >> 16u));
    }
    if (after < held) {
        put(after * params.width + column, pieces);
    }
    if (before < held) {
        put(before * params.width + column, vec3<u32>(0u) - pieces);
    }
}

// 96-bit whole numbers, lowest limb first.
fn limbs_add(a: vec3<u32>, b: vec3<u32>) -> vec3<u32> {
    let low = a.x + b.x;
    let mid = a.y + b.y;
    let carried = mid + u32(low < a.x);
    return vec3<u32>(low, carried, a.z + b.z + u32(mid < a.y) + u32(carried < mid));
}

// Adds to a sum that other workgroups add to.
fn add_limbs(at: u32, value: vec3<u32>) {
    let low = atomicAdd(&sums[at], value.x);
    let mid = atomicAdd(&sums[at + 1u], value.y);
    var high = value.z + u32(mid + value.y < mid);
    // The carry is a second addition, so that each of the two shows its own overflow.
    if (low + value.x < low) {
        high += u32(atomicAdd(&sums[at + 1u], 1u) == NONE);
    }
    atomicAdd(&sums[at + 2u], high);
}

// A thread owns a column (a feature, the count or the weight), so that the threads of a row add to different entries.
// Workgroups: blocks of rows, chunks of columns x chunks of centroids, sets.
@compute @workgroup_size(256)
fn accumulate(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let task = sets[group.z];
    let chunks = (params.columns + params.width - 1u) / params.width;
    let first_column = group.y % chunks * params.width;
    let first_centroid = group.y / chunks * params.held;
    if (first_centroid >= task.centroids) {
        return;
    }
    let held = min(params.held, task.centroids - first_centroid);
    for (var at = lane; at < TABLE; at += THREADS) {
        atomicStore(&table[at], 0u);
    }
    if (lane == 0u) {
        atomicStore(&moves, 0u);
    }
    let parts = THREADS / params.width;
    let part = lane / params.width;
    let column = first_column + lane % params.width;
    let busy = part < parts && column < params.columns;
    let feature = min(column, params.features - 1u);
    // The count and the weight are sums of ones; the count is not weighted.
    let counts = column >= params.features;
    let scale = steps_per_unit[feature];

    var seen = 0u;
    let end = min(params.rows, (group.x + 1u) * params.block);
    for (var start = group.x * params.block; start < end; start += THREADS * 4u) {
        // The table is cleared; every thread has read the list of the last round.
        workgroupBarrier();
        let row = start + lane * 4u;
        if (row < end) {
            let quad = (params.first + row) / 4u;
            let before = labels_of(task.before, quad, task.forget);
            if (any(before != labels_of(task.after, quad, 0u))) {
                moved[atomicAdd(&moves, 1u) - seen] = quad;
            }
        }
        workgroupBarrier();
        let total = atomicLoad(&moves);
        if (busy) {
            for (var i = part; i < total - seen; i += parts) {
                let quad = moved[i];
                let before = labels_of(task.before, quad, task.forget) - first_centroid;
                let after = labels_of(task.after, quad, 0u) - first_centroid;
                let values = row_quads[(quad / 4u * params.features + feature) * 4u + quad % 4u];
                let steps = select(vec4<i32>(values * scale), vec4<i32>(1), counts);
                var weight = vec4<u32>(1u);
                if (weighted && column != params.features) {
                    weight = weights[quad];
                }
                let at = lane % params.width;
                move_row(before.x, after.x, steps.x, weight.x, at, held);
                move_row(before.y, after.y, steps.y, weight.y, at, held);
                move_row(before.z, after.z, steps.z, weight.z, at, held);
                move_row(before.w, after.w, steps.w, weight.w, at, held);
            }
        }
        seen = total;
    }
    workgroupBarrier();
    let plane = params.held * params.width;
    for (var at = lane; at < held * params.width; at += THREADS) {
        let summed = first_column + at % params.width;
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
            let centroid = task.first_sum + first_centroid + at / params.width;
            add_limbs((centroid * params.columns + summed) * 3u, limbs_add(limbs_add(low, mid), high));
        }
    }
}
