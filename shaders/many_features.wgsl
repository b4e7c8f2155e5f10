//#import products
// `assign` by dot products for more than 48 features: a thread takes its four rows past 16 points at a time, whichever sets they
// belong to. Workgroup memory has 64 values of each. A thread reads four features of its rows, and the same four of the 16
// points: 20 loads of 16 bytes for 256 multiply-adds. A point's terms are its first two values; the row has 1 and its norm
// there. Twin: src/backend/cpu/lloyd.rs.

// Points that are compared together, and the vec4s of each that are kept at a time.
const TOGETHER: u32 = 16u;
const DEPTH: u32 = 16u;
// The points' first vec4s, then the second ones, and so on: 4 KiB.
var<workgroup> stage: array<vec4<f32>, 256>;

// The sums of four rows and 16 points.
struct Sums {
    v0: vec4<f32>,
    v1: vec4<f32>,
    v2: vec4<f32>,
    v3: vec4<f32>,
    v4: vec4<f32>,
    v5: vec4<f32>,
    v6: vec4<f32>,
    v7: vec4<f32>,
    v8: vec4<f32>,
    v9: vec4<f32>,
    v10: vec4<f32>,
    v11: vec4<f32>,
    v12: vec4<f32>,
    v13: vec4<f32>,
    v14: vec4<f32>,
    v15: vec4<f32>,
}

// Four values of each of the four rows: the rows are the lanes.
struct Four {
    x: vec4<f32>,
    y: vec4<f32>,
    z: vec4<f32>,
    w: vec4<f32>,
}

// Values 4 q to 4 q + 3 of the four rows that begin at `start`.
fn row_values(start: u32, norm: vec4<f32>, q: u32) -> Four {
    // A point has zeros behind its last feature.
    let feature = min(max(vec4<u32>(q * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(2u)) - 2u, vec4<u32>(params.features - 1u));
    let at = vec4<u32>(start) + feature * 4u;
    return Four(
        select(row_quads[at.x], vec4<f32>(1.0), q == 0u),
        select(row_quads[at.y], norm, q == 0u),
        row_quads[at.z],
        row_quads[at.w],
    );
}

// Adds four values of each row and of a point to their sums.
fn add_four(sum: vec4<f32>, rows: Four, point: vec4<f32>) -> vec4<f32> {
    let two = fma(rows.y, vec4<f32>(point.y), fma(rows.x, vec4<f32>(point.x), sum));
    return fma(rows.w, vec4<f32>(point.w), fma(rows.z, vec4<f32>(point.z), two));
}

// The sums of point `i` of 16.
fn sum_of(sums: Sums, i: u32) -> vec4<f32> {
    switch (i) {
        case 0u: { return sums.v0; }
        case 1u: { return sums.v1; }
        case 2u: { return sums.v2; }
        case 3u: { return sums.v3; }
        case 4u: { return sums.v4; }
        case 5u: { return sums.v5; }
        case 6u: { return sums.v6; }
        case 7u: { return sums.v7; }
        case 8u: { return sums.v8; }
        case 9u: { return sums.v9; }
        case 10u: { return sums.v10; }
        case 11u: { return sums.v11; }
        case 12u: { return sums.v12; }
        case 13u: { return sums.v13; }
        case 14u: { return sums.v14; }
        default: { return sums.v15; }
    }
}

// Workgroups: 512 rows each, groups of sets.
@compute @workgroup_size(128)
fn assign_many_features(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first_set = group.y * params.sets_per_thread;
    let end_set = min(params.sets, first_set + params.sets_per_thread);
    let begin = first_walking(first_set, end_set);
    if (begin == end_set) {
        return;
    }
    // Threads past the last rows work on the last ones again, because every thread must reach the barriers.
    let own = group.x * THREADS + lane;
    let quad = params.first / 4u + min(own, (params.rows - 1u) / 4u);
    let start = quad / 4u * params.features * 4u + quad % 4u;
    let norm = norms[quad];
    let size = params.point_quads;
    let end = sets[end_set - 1u].first_sum + sets[end_set - 1u].centroids;
    var scan = scan_of(begin);
    var first = scan.first;
    while (first < end) {
        if (scan.stopped) {
            first = scan.end;
            scan = scan_of(scan.s + 1u);
            continue;
        }
        var sums: Sums;
        var rows = row_values(start, norm, 0u);
        for (var chunk = 0u; chunk < size; chunk += DEPTH) {
            workgroupBarrier();
            for (var i = lane; i < TOGETHER * DEPTH; i += THREADS) {
                // Where there are fewer than 16 points the last one stands in, and its sums are not used.
                let point = min(first + i % TOGETHER, end - 1u);
                stage[i] = points[point * size + min(chunk + i / TOGETHER, size - 1u)];
            }
            workgroupBarrier();
            let stop = min(DEPTH, size - chunk);
            for (var q = 0u; q < stop; q++) {
                // The next values are on their way while these are used.
                let next = row_values(start, norm, min(chunk + q + 1u, size - 1u));
                let at = q * TOGETHER;
                sums.v0 = add_four(sums.v0, rows, stage[at + 0u]);
                sums.v1 = add_four(sums.v1, rows, stage[at + 1u]);
                sums.v2 = add_four(sums.v2, rows, stage[at + 2u]);
                sums.v3 = add_four(sums.v3, rows, stage[at + 3u]);
                sums.v4 = add_four(sums.v4, rows, stage[at + 4u]);
                sums.v5 = add_four(sums.v5, rows, stage[at + 5u]);
                sums.v6 = add_four(sums.v6, rows, stage[at + 6u]);
                sums.v7 = add_four(sums.v7, rows, stage[at + 7u]);
                sums.v8 = add_four(sums.v8, rows, stage[at + 8u]);
                sums.v9 = add_four(sums.v9, rows, stage[at + 9u]);
                sums.v10 = add_four(sums.v10, rows, stage[at + 10u]);
                sums.v11 = add_four(sums.v11, rows, stage[at + 11u]);
                sums.v12 = add_four(sums.v12, rows, stage[at + 12u]);
                sums.v13 = add_four(sums.v13, rows, stage[at + 13u]);
                sums.v14 = add_four(sums.v14, rows, stage[at + 14u]);
                sums.v15 = add_four(sums.v15, rows, stage[at + 15u]);
                rows = next;
            }
        }
        let count = min(TOGETHER, end - first);
        for (var i = 0u; i < count; i++) {
            offer_point(&scan, sum_of(sums, i), first + i);
            if (first + i + 1u == scan.end) {
                write_labels(scan, norm, own);
                scan = scan_of(scan.s + 1u);
            }
        }
        first += count;
    }
}
