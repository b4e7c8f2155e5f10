//#import sets
//#import exact
// The end of a Lloyd pass that stays on the device. `means` computes the centroids that a set moves to, and what `assign`
// wants of them. `renew` then says whether the set has converged, and prepares its next pass. What they cannot tell is
// left to the host: the set stops where it is. Twin: src/backend/host/renew.rs.

struct Params {
    // Of the next pass: `Certificate` or `DotProductBound`, see `Set`.
    certificate: vec4<f32>,
    features: u32,
    // Columns of a centroid's sums: the features, the number of rows, and the rows' weight if rows have weights.
    columns: u32,
    // What the terms of `DotProductBound` are of the centroid's squared norm and of its norm, with all errors of f32. A norm
    // so small that its square is lost is below `least_radius`.
    start_share: f32,
    slope_share: f32,
    radius_share: f32,
    least_radius: f32,
}

// How far a set has come.
struct Walk {
    // In how many rows f32 could not decide, for the last four passes: pass p is entry p % 4.
    undecided: vec4<u32>,
    // Centroids that move by at most `near` in a pass, as the sum of their squared shifts, have converged; if they move
    // by more than `far`, they have not. Between the two the host decides.
    near: f32,
    far: f32,
    // How many passes it has taken, and how many it may still take.
    taken: u32,
    left: u32,
    // Why it has stopped, or 0.
    end: u32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
}

// Whether the next pass compares by dot products.
override dot_product: bool = false;

// Reasons to stop. No centroid changed:
const UNCHANGED: u32 = 1u;
// The centroids moved, but no further than the limit:
const CONVERGED: u32 = 2u;
// No passes are left:
const SPENT: u32 = 3u;
// The host must finish this pass, and the centroids are still those it began with:
const WAITING: u32 = 4u;

// What `means` finds: a centroid has changed; a centroid has no rows of any weight.
const CHANGED: u32 = 1u;
const EMPTY: u32 = 2u;

@group(0) @binding(0) var<uniform> params: Params;
// `means`.
@group(0) @binding(1) var<storage, read> sets: array<Set>;
@group(0) @binding(2) var<storage, read> old_bits: array<u32>;
@group(0) @binding(3) var<storage, read> sums: array<u32>;
// For each feature the exponent of its grid step, as a signed number.
@group(0) @binding(4) var<storage, read> exponents: array<u32>;
@group(0) @binding(5) var<storage, read_write> new_bits: array<u32>;
// What `assign` compares rows with: packs for distances (lloyd.wgsl), or points for dot products (products.wgsl).
@group(0) @binding(6) var<storage, read_write> points: array<f32>;
@group(0) @binding(7) var<storage, read_write> radii: array<f32>;
// For each centroid its squared shift in f32.
@group(0) @binding(8) var<storage, read_write> shifts: array<f32>;
// For each set what `means` found.
@group(0) @binding(9) var<storage, read_write> found: array<atomic<u32>>;

// Threads of a workgroup of `means`.
const THREADS: u32 = 64u;
// Threads of a workgroup of `renew`.
const WIDE: u32 = 256u;

// A thread's share of the squared shift and of the squared norm.
var<workgroup> squares: array<vec2<f32>, THREADS>;

// A workgroup has one centroid. Workgroups: centroids of a set, sets.
@compute @workgroup_size(64)
fn means(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let centroid_set = sets[group.y];
    if (centroid_set.stopped != 0u || group.x >= centroid_set.centroids) {
        return;
    }
    let centroid = centroid_set.first_sum + group.x;
    let own_sums = centroid * params.columns * 3u;
    // The rows' weight is below 2^48, and without weights it is their number.
    let last = own_sums + (params.columns - 1u) * 3u;
    let weight = vec2<u32>(sums[last], sums[last + 1u]);
    if (all(weight == vec2<u32>(0u))) {
        if (lane == 0u) {
            atomicOr(&found[group.y], EMPTY);
        }
        return;
    }
    // Where the centroid's first feature is, and how far apart its features are.
    let pack = centroid_set.first_pack + group.x / 4u;
    let point = centroid * ((params.features + 5u) / 4u * 4u);
    let first = select((pack * (params.features + 1u) + 1u) * 4u + group.x % 4u, point + 2u, dot_product);
    let stride = select(4u, 1u, dot_product);
    var own = vec2<f32>(0.0);
    for (var j = lane; j < params.features; j += THREADS) {
        let at = own_sums + j * 3u;
        let moved = mean(vec3<u32>(sums[at], sums[at + 1u], sums[at + 2u]), weight, i32(exponents[j]));
        let old = old_bits[centroid * params.features + j];
        new_bits[centroid * params.features + j] = moved;
        // Both zeros are the same number.
        if (moved != old && ((moved | old) << 1u) != 0u) {
            atomicOr(&found[group.y], CHANGED);
        }
        let value = bitcast<f32>(moved);
        let shift = value - bitcast<f32>(old);
        own += vec2<f32>(shift * shift, value * value);
        points[first + j * stride] = select(value, -value, dot_product);
    }
    squares[lane] = own;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            squares[lane] += squares[lane + half];
        }
    }
    if (lane == 0u) {
        let squared = squares[0].y;
        let radius = sqrt(squared) * params.radius_share + params.least_radius;
        shifts[centroid] = squares[0].x;
        radii[centroid] = radius;
        if (dot_product) {
            points[point] = squared * params.start_share;
            points[point + 1u] = radius * params.slope_share;
            // The buffer may have held packs for the pass before.
            for (var at = params.features + 2u; at % 4u != 0u; at++) {
                points[point + at] = 0.0;
            }
        } else {
            points[first - 4u] = 0.0;
        }
    }
}

// `renew`.
@group(0) @binding(10) var<storage, read_write> renewed_sets: array<Set>;
@group(0) @binding(11) var<storage, read_write> renewed_bits: array<u32>;
@group(0) @binding(12) var<storage, read> moved_bits: array<u32>;
@group(0) @binding(13) var<storage, read> centroid_shifts: array<f32>;
// For each set how many rows were labelled by `decide`.
@group(0) @binding(14) var<storage, read_write> undecided: array<atomic<u32>>;
@group(0) @binding(15) var<storage, read_write> walks: array<Walk>;

var<workgroup> partial_shifts: array<f32, WIDE>;
var<workgroup> moves: u32;

// Takes in a pass of a set, and says whether its centroids move.
fn take_pass(s: u32, shift: f32) -> bool {
    if (renewed_sets[s].stopped != 0u) {
        return false;
    }
    let what = atomicExchange(&found[s], 0u);
    var walk = walks[s];
    walk.undecided[walk.taken % 4u] = atomicExchange(&undecided[s], 0u);
    walk.end = 0u;
    if ((what & EMPTY) != 0u) {
        walk.end = WAITING;
    } else if ((what & CHANGED) == 0u) {
        walk.end = UNCHANGED;
    } else if (shift <= walk.near) {
        walk.end = CONVERGED;
    } else if (!(shift > walk.far)) {
        walk.end = WAITING;
    } else if (walk.left == 1u) {
        walk.end = SPENT;
    }
    let taken = u32(walk.end != WAITING);
    walk.taken += taken;
    walk.left -= taken;
    walks[s] = walk;
    // The labels of this pass are the old ones of the next.
    let new_slot = renewed_sets[s].new_slot;
    renewed_sets[s].new_slot = renewed_sets[s].old_slot;
    renewed_sets[s].old_slot = new_slot;
    renewed_sets[s].ignore_old = 0u;
    renewed_sets[s].certificate = params.certificate;
    renewed_sets[s].stopped = walk.end;
    return taken == 1u;
}

// A workgroup has one set.
@compute @workgroup_size(256)
fn renew(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first = renewed_sets[group.x].first_sum;
    let centroids = renewed_sets[group.x].centroids;
    var shift = 0.0;
    for (var c = lane; c < centroids; c += WIDE) {
        shift += centroid_shifts[first + c];
    }
    partial_shifts[lane] = shift;
    for (var half = WIDE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial_shifts[lane] += partial_shifts[lane + half];
        }
    }
    if (lane == 0u) {
        moves = u32(take_pass(group.x, partial_shifts[0]));
    }
    if (workgroupUniformLoad(&moves) == 1u) {
        let end = (first + centroids) * params.features;
        for (var at = first * params.features + lane; at < end; at += WIDE) {
            renewed_bits[at] = moved_bits[at];
        }
    }
}
