//#import select
//#import u64
// Rows of 0 and 1, compared by counts of bits. Twin: src/backend/cpu/binary.rs.
//
// `binary_knn` finds the nearest rows of each query, and `binary_sums` adds up distances. A distance is the quotient of two whole
// numbers below 2^16, in 32 fractional bits. Two quotients that differ do so by more than 2^-32, so these bits, rounded down,
// have the order of the quotients, and the results are exact.

struct Params {
    // Words of a row's bits. The number of its ones follows them.
    width: u32,
    features: u32,
    // Whether the distance is Hamming's, not Jaccard's.
    hamming: u32,
    // How many neighbours.
    k: u32,
    // How many rows are bound, where their second words begin, and the number that the first of them has in the table.
    rows: u32,
    stride: u32,
    first_row: u32,
    // For `binary_knn` the rows of this dispatch, for `binary_sums` the quads of columns, and how many quads a workgroup takes.
    first: u32,
    end: u32,
    quads_per_slice: u32,
    // How many entries of each list are there from an earlier dispatch: `k` or none.
    kept: u32,
    // For `binary_sums` the first of the bound rows that has sums, how many rows have, and how many columns are bound.
    first_own: u32,
    own: u32,
    columns: u32,
    labelings: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Word w of row i is at w * stride + i.
@group(0) @binding(1) var<storage, read> rows: array<u32>;
// Query by query.
@group(0) @binding(2) var<storage, read> queries: array<u32>;
// For each query the number of the row that does not count for it (the query itself), or SELECT_NONE.
@group(0) @binding(3) var<storage, read> excluded: array<u32>;
// For each query its `k` nearest rows so far: keys and rows.
@group(0) @binding(4) var<storage, read_write> lists: array<vec2<u32>>;
// Rows in the order of their joint labels, four side by side: word w of the rows of quad q is at q * (width + 1) + w.
@group(0) @binding(5) var<storage, read> columns: array<vec4<u32>>;
// For each column its joint label, and for each joint label its slot in every labeling.
@group(0) @binding(6) var<storage, read> joint: array<u32>;
@group(0) @binding(7) var<storage, read> slots: array<u32>;
// For each slot the sums of the rows, in two words with the lower one first.
@group(0) @binding(8) var<storage, read_write> sums: array<atomic<u32>>;

// A fraction of whole numbers, at most 1.
struct Fraction {
    above: u32,
    below: u32,
}

fn fraction(both: u32, a: u32, b: u32) -> Fraction {
    let above = a + b - 2u * both;
    return Fraction(above, select(max(a + b - both, 1u), params.features, params.hamming != 0u));
}

// 32 fractional bits of a fraction below 1, rounded down, and what is left of its numerator.
fn divided(x: Fraction) -> vec2<u32> {
    let upper = x.above << 16u;
    let high = upper / x.below;
    let lower = (upper - high * x.below) << 16u;
    let low = lower / x.below;
    return vec2<u32>(high << 16u | low, lower - low * x.below);
}

fn key_of(x: Fraction) -> u32 {
    if (x.above == x.below) {
        return 0xffffffffu;
    }
    return divided(x).x;
}

// Whether the key is certainly larger than `limit`. The margin is a hundred times what f32 may be wrong by.
fn beyond(x: Fraction, limit: u32) -> bool {
    return f32(x.above) * 4294967296.0 > (f32(limit) + 1.0) * 1.0001 * f32(x.below);
}

// A parameter that bounds a loop. It is never larger than the array, but llvmpipe would compile a kernel anew for each value of
// a bound that it knows beforehand, and keep them all.
fn bound(parameter: u32) -> u32 {
    return min(parameter, arrayLength(&rows));
}

// A workgroup has one query.
@compute @workgroup_size(256)
fn binary_knn(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let query = group.x;
    let start = query * (params.width + 1u);
    let a = queries[start + params.width];
    let own = excluded[query];
    let list = query * params.k;
    select_start(lane);
    if (lane < params.kept) {
        let kept = lists[list + lane];
        if (kept.y != SELECT_NONE) {
            select_offer(kept.x, kept.y);
        }
    }
    let width = bound(params.width);
    let end = bound(params.end);
    for (var next = params.first; next < end; next += SELECT_THREADS * SELECT_OFFERS) {
        for (var part = 0u; part < SELECT_OFFERS; part++) {
            let row = next + part * SELECT_THREADS + lane;
            if (row < end) {
                var both = 0u;
                for (var w = 0u; w < width; w++) {
                    both += countOneBits(queries[start + w] & rows[w * params.stride + row]);
                }
                let x = fraction(both, a, rows[params.width * params.stride + row]);
                let number = params.first_row + row;
                if (number != own && !beyond(x, select_limit())) {
                    select_offer(key_of(x), number);
                }
            }
        }
        select_settle(lane, params.k);
    }
    select_finish(lane, params.k);
    if (lane < params.k) {
        lists[list + lane] = vec2<u32>(select_keys[lane], select_rows[lane]);
    }
}

// A distance in units of 2^-32, rounded to the nearest. No quotient of numbers this small lies half way between two units.
fn units(x: Fraction) -> vec2<u32> {
    if (x.above == x.below) {
        return vec2<u32>(0u, 1u);
    }
    let quotient = divided(x);
    return vec2<u32>(quotient.x + u32(quotient.y + x.below / 2u >= x.below), 0u);
}

fn add_to(slot: u32, row: u32, sum: vec2<u32>) {
    let at = (slot * params.own + row) * 2u;
    let before = atomicAdd(&sums[at], sum.x);
    atomicAdd(&sums[at + 1u], sum.y + u32(before + sum.x < before));
}

// Workgroups: 64 rows, slices of the columns. A thread has a row, and all threads look at the same columns.
@compute @workgroup_size(64)
fn binary_sums(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let own = group.x * 64u + lane;
    if (own >= params.own) {
        return;
    }
    let row = params.first_own + own;
    let a = rows[params.width * params.stride + row];
    let first = params.first + group.y * params.quads_per_slice;
    let end = min(params.end, first + params.quads_per_slice);
    let width = bound(params.width);
    let labelings = min(params.labelings, arrayLength(&slots));
    var sum = vec2<u32>();
    for (var quad = first; quad < end; quad++) {
        let start = quad * (params.width + 1u);
        var both = vec4<u32>();
        for (var w = 0u; w < width; w++) {
            both += countOneBits(columns[start + w] & vec4<u32>(rows[w * params.stride + row]));
        }
        let b = columns[start + params.width];
        let last = min(params.columns, quad * 4u + 4u) - quad * 4u;
        for (var i = 0u; i < last; i++) {
            sum = add_u64(sum, units(fraction(both[i], a, b[i])));
            // The sum goes to its clusters where the joint label changes, and where the slice ends.
            let column = quad * 4u + i;
            let label = joint[column];
            let goes_on = i + 1u < last || (quad + 1u < end && column + 1u < params.columns);
            if (!goes_on || joint[min(column + 1u, params.columns - 1u)] != label) {
                for (var l = 0u; l < labelings; l++) {
                    add_to(slots[label * params.labelings + l], own, sum);
                }
                sum = vec2<u32>();
            }
        }
    }
}
