//#import u64
// Greedy k-means++ in whole numbers for many restarts. Each step of a restart is two dispatches: `measure` takes the newest
// centre into the potential and sums up, block by block, what each candidate for the next centre would leave of it; `draw`
// makes the best candidate the next centre and draws new candidates. What they do is defined beside `kmeans_plus_plus` in
// src/backend.rs. Twin: src/backend/cpu/seeding.rs.
//
// Rows are on a coarse grid, so that squared distances are whole numbers below 2^32, and |x|^2 + |c|^2 - 2 x.c gives them
// exactly, modulo 2^32.

struct Params {
    // The rows, and the groups of four rows with the padding.
    rows: u32,
    quads: u32,
    // Words that a row takes, two features each.
    pairs: u32,
    // Blocks of BLOCK_QUADS groups of four rows.
    blocks: u32,
    // How many candidates a restart has room for.
    candidates: u32,
    // A restart ends once its potential is below this.
    least_low: u32,
    least_high: u32,
}

// What one restart is to do.
struct Run {
    k: u32,
    trials: u32,
    // The numbers of its first draw and of its first centre among those of all restarts.
    first_draw: u32,
    first_centre: u32,
}

// Groups of four rows in a block.
const BLOCK_QUADS: u32 = 1024u;
const THREADS: u32 = 256u;
// Features are taken so many pairs at a time.
const CHUNK: u32 = 128u;
// Words of a restart's state before its candidates.
const STATE: u32 = 3u;

// Whether rows have weights.
override weighted: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
// Pair p of rows 4 q to 4 q + 3 of tile t is entry (t * (pairs + 2) + p) * 4 + q. After the pairs come the sum of the squared
// values, modulo 2^32, and the weight.
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> runs: array<Run>;
// For each restart: how many centres it has, how many candidates (none once it has ended), its newest centre, and its
// candidates. All are row numbers. `draw` writes the next state to another buffer.
@group(0) @binding(3) var<storage, read> state: array<u32>;
// For each restart and row the squared distance to the nearest centre but for the newest.
@group(0) @binding(4) var<storage, read_write> potentials: array<vec4<u32>>;
// For each restart, candidate and block the sum that would be left.
@group(0) @binding(5) var<storage, read_write> sums: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> next_state: array<u32>;
@group(0) @binding(7) var<storage, read> draws: array<vec2<u32>>;
@group(0) @binding(8) var<storage, read_write> centres: array<u32>;

// The values of four points, feature by feature: those of the lower and of the upper half of each pair.
var<workgroup> low: array<vec4<i32>, CHUNK>;
var<workgroup> high: array<vec4<i32>, CHUNK>;
// A sum of each thread, for four points.
var<workgroup> parts: array<vec2<u32>, 1024>;
// Sums of 16 threads.
var<workgroup> groups: array<vec2<u32>, 16>;
// What one thread of `draw` found out for all.
var<workgroup> found: u32;
var<workgroup> best: u32;
var<workgroup> remaining: vec2<u32>;

// Where part p of four rows is.
fn entry(quad: u32, part: u32) -> u32 {
    return (quad / 4u * (params.pairs + 2u) + part) * 4u + quad % 4u;
}

// Part p of one row.
fn word(row: u32, part: u32) -> u32 {
    return rows[entry(row / 4u, part)][row % 4u];
}

struct Squares {
    a: vec4<u32>,
    b: vec4<u32>,
    c: vec4<u32>,
    d: vec4<u32>,
}

// The squared distances of four rows to four points, which are rows too. All threads come here together. The points are in
// workgroup memory already if `loaded` says so and they fit there.
fn squared_distances(lane: u32, quad: u32, points: vec4<u32>, loaded: bool) -> Squares {
    var a = vec4<i32>();
    var b = vec4<i32>();
    var c = vec4<i32>();
    var d = vec4<i32>();
    for (var first = 0u; first < params.pairs; first += CHUNK) {
        let count = min(CHUNK, params.pairs - first);
        if (!loaded || params.pairs > CHUNK) {
            workgroupBarrier();
            if (lane < count) {
                let part = first + lane;
                let words = vec4<u32>(
                    word(points.x, part), word(points.y, part), word(points.z, part), word(points.w, part));
                low[lane] = bitcast<vec4<i32>>(words << vec4<u32>(16u)) >> vec4<u32>(16u);
                high[lane] = bitcast<vec4<i32>>(words) >> vec4<u32>(16u);
            }
            workgroupBarrier();
        }
        for (var i = 0u; i < count; i++) {
            let words = rows[entry(quad, first + i)];
            let x = bitcast<vec4<i32>>(words << vec4<u32>(16u)) >> vec4<u32>(16u);
            let y = bitcast<vec4<i32>>(words) >> vec4<u32>(16u);
            let l = low[i];
            let h = high[i];
            a += x * l.x + y * h.x;
            b += x * l.y + y * h.y;
            c += x * l.z + y * h.z;
            d += x * l.w + y * h.w;
        }
    }
    let norm = rows[entry(quad, params.pairs)];
    return Squares(
        norm + word(points.x, params.pairs) - 2u * bitcast<vec4<u32>>(a),
        norm + word(points.y, params.pairs) - 2u * bitcast<vec4<u32>>(b),
        norm + word(points.z, params.pairs) - 2u * bitcast<vec4<u32>>(c),
        norm + word(points.w, params.pairs) - 2u * bitcast<vec4<u32>>(d),
    );
}

// One row's potential.
fn weighed(squared: u32, weight: u32) -> vec2<u32> {
    if (weighted) {
        return multiply_u32(squared, weight);
    }
    return vec2<u32>(squared, 0u);
}

// The potential of four rows together.
fn potential_of(squared: vec4<u32>, weight: vec4<u32>) -> vec2<u32> {
    let first = add_u64(weighed(squared.x, weight.x), weighed(squared.y, weight.y));
    return add_u64(first, add_u64(weighed(squared.z, weight.z), weighed(squared.w, weight.w)));
}

// The row number of a restart's point: the newest centre is point 0, and the candidates follow. The last one stands in for
// points that do not exist.
fn point(at: u32, number: u32, candidates: u32) -> u32 {
    return state[at + STATE - 1u + min(number, candidates)];
}

// A thread takes four rows at a time, and four points. Workgroups: blocks of rows, restarts.
@compute @workgroup_size(256)
fn measure(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let block = group.x;
    let run = group.y;
    let at = run * (STATE + params.candidates);
    let candidates = state[at + 1u];
    if (candidates == 0u) {
        return;
    }
    let first_step = state[at] == 0u;
    let begin = block * BLOCK_QUADS;
    let end = min(params.quads, begin + BLOCK_QUADS);
    for (var first = 0u; first <= candidates; first += 4u) {
        let points = vec4<u32>(
            point(at, first, candidates),
            point(at, first + 1u, candidates),
            point(at, first + 2u, candidates),
            point(at, first + 3u, candidates),
        );
        var a = vec2<u32>();
        var b = vec2<u32>();
        var c = vec2<u32>();
        var d = vec2<u32>();
        for (var start = begin; start < end; start += THREADS) {
            let quad = min(start + lane, params.quads - 1u);
            let squared = squared_distances(lane, quad, points, start > begin);
            if (start + lane < end) {
                let own = run * params.quads + quad;
                var left = potentials[own];
                if (first == 0u) {
                    if (first_step) {
                        // The padding has no potential.
                        let row = vec4<u32>(quad * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
                        left = select(vec4<u32>(), vec4<u32>(0xffffffffu), row < vec4<u32>(params.rows));
                    }
                    left = min(left, squared.a);
                    potentials[own] = left;
                }
                var weight = vec4<u32>();
                if (weighted) {
                    weight = rows[entry(quad, params.pairs + 1u)];
                }
                a = add_u64(a, potential_of(min(left, squared.a), weight));
                b = add_u64(b, potential_of(min(left, squared.b), weight));
                c = add_u64(c, potential_of(min(left, squared.c), weight));
                d = add_u64(d, potential_of(min(left, squared.d), weight));
            }
        }
        parts[lane] = a;
        parts[THREADS + lane] = b;
        parts[2u * THREADS + lane] = c;
        parts[3u * THREADS + lane] = d;
        for (var half = THREADS / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (lane < half) {
                for (var i = lane; i < 4u * THREADS; i += THREADS) {
                    parts[i] = add_u64(parts[i], parts[i + half]);
                }
            }
        }
        let candidate = first + lane;
        if (lane < 4u && candidate > 0u && candidate <= candidates) {
            sums[(run * params.candidates + candidate - 1u) * params.blocks + block] = parts[lane * THREADS];
        }
    }
}

// Lays the parts of all threads end to end, and sets `found` to the one that `remaining` lies in, and `remaining` to how far.
fn find(lane: u32) {
    workgroupBarrier();
    if (lane < 16u) {
        var sum = vec2<u32>();
        for (var i = 0u; i < 16u; i++) {
            sum = add_u64(sum, parts[lane * 16u + i]);
        }
        groups[lane] = sum;
    }
    workgroupBarrier();
    if (lane == 0u) {
        var left = remaining;
        var i = 0u;
        while (i < 15u && !less_u64(left, groups[i])) {
            left = subtract_u64(left, groups[i]);
            i++;
        }
        i *= 16u;
        let last = i + 15u;
        while (i < last && !less_u64(left, parts[i])) {
            left = subtract_u64(left, parts[i]);
            i++;
        }
        found = i;
        remaining = left;
    }
    workgroupBarrier();
}

// Looks for `left` in four rows laid end to end: returns the row's place, or 4 and takes them off `left`.
fn place(left: ptr<function, vec2<u32>>, squared: vec4<u32>, weight: vec4<u32>) -> u32 {
    for (var i = 0u; i < 4u; i++) {
        let length = weighed(squared[i], weight[i]);
        if (less_u64(*left, length)) {
            return i;
        }
        *left = subtract_u64(*left, length);
    }
    return 4u;
}

// A workgroup draws one candidate. Workgroups: candidates, restarts.
@compute @workgroup_size(256)
fn draw(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let trial = group.x;
    let run = runs[group.y];
    let at = group.y * (STATE + params.candidates);
    let done = state[at];
    let candidates = state[at + 1u];
    if (candidates == 0u) {
        if (trial == 0u && lane < STATE) {
            next_state[at + lane] = state[at + lane];
        }
        return;
    }
    if (trial >= run.trials) {
        return;
    }

    // The candidate that leaves the smallest sum: 16 threads add up the blocks of each.
    let first_sum = group.y * params.candidates * params.blocks;
    var sum = vec2<u32>();
    if (lane / 16u < candidates) {
        for (var block = lane % 16u; block < params.blocks; block += 16u) {
            sum = add_u64(sum, sums[first_sum + lane / 16u * params.blocks + block]);
        }
    }
    parts[lane] = sum;
    workgroupBarrier();
    if (lane < candidates) {
        sum = vec2<u32>();
        for (var i = 0u; i < 16u; i++) {
            sum = add_u64(sum, parts[lane * 16u + i]);
        }
        groups[lane] = sum;
    }
    workgroupBarrier();
    if (lane == 0u) {
        var chosen = 0u;
        for (var c = 1u; c < candidates; c++) {
            if (less_u64(groups[c], groups[chosen])) {
                chosen = c;
            }
        }
        best = chosen;
        let total = groups[chosen];
        let ended = done + 1u == run.k || less_u64(total, vec2<u32>(params.least_low, params.least_high));
        found = u32(ended);
        remaining = multiply_high_u64(draws[run.first_draw + 1u + done * run.trials + trial], total);
        if (trial == 0u) {
            let row = state[at + STATE + chosen];
            centres[run.first_centre + done] = row;
            next_state[at] = done + 1u;
            next_state[at + 1u] = select(run.trials, 0u, ended);
            next_state[at + 2u] = row;
        }
    }
    if (workgroupUniformLoad(&found) == 1u) {
        return;
    }
    let chosen = workgroupUniformLoad(&best);
    let newest = state[at + STATE + chosen];

    // The block that the draw lies in, then the thread that has its row, then the row.
    parts[lane] = vec2<u32>();
    if (lane < params.blocks) {
        parts[lane] = sums[first_sum + chosen * params.blocks + lane];
    }
    find(lane);
    let first = workgroupUniformLoad(&found) * BLOCK_QUADS + lane * 4u;
    var squared = Squares();
    var weights = Squares();
    sum = vec2<u32>();
    for (var i = 0u; i < 4u; i++) {
        let quad = min(first + i, params.quads - 1u);
        var left = squared_distances(lane, quad, vec4<u32>(newest), i > 0u).a;
        left = select(vec4<u32>(), min(left, potentials[group.y * params.quads + quad]), first + i < params.quads);
        var weight = vec4<u32>();
        if (weighted) {
            weight = rows[entry(quad, params.pairs + 1u)];
        }
        sum = add_u64(sum, potential_of(left, weight));
        switch i {
            case 0u: { squared.a = left; weights.a = weight; }
            case 1u: { squared.b = left; weights.b = weight; }
            case 2u: { squared.c = left; weights.c = weight; }
            default: { squared.d = left; weights.d = weight; }
        }
    }
    parts[lane] = sum;
    find(lane);
    if (lane == found) {
        var left = remaining;
        var row = place(&left, squared.a, weights.a);
        if (row == 4u) { row += place(&left, squared.b, weights.b); }
        if (row == 8u) { row += place(&left, squared.c, weights.c); }
        if (row == 12u) { row += place(&left, squared.d, weights.d); }
        next_state[at + STATE + trial] = min(first * 4u + row, params.rows - 1u);
    }
}
