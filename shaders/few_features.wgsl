//#import products
// `assign` by dot products for up to 48 features: a thread keeps the values of its four rows in registers, and a workgroup
// keeps points in its memory. Every 16 bytes that a thread loads from there are four features of one point, which it
// multiplies by those of four rows: 16 multiply-adds. Two of a point's values are its terms. Twin: src/backend/cpu/lloyd.rs.

// vec4s of workgroup memory: 16 KiB.
const STAGED: u32 = 1024u;
var<workgroup> stage: array<vec4<f32>, STAGED>;

// In a set of so many points it pays to compare only the smallest of four values, and to compute the winning four again at
// the end to see which one it was.
const LARGE: u32 = 256u;

// Entry `at` of row `i` of the four rows that begin at `start`: 1, the norm, then the features.
fn row_entry(start: u32, norm: f32, i: u32, at: u32) -> f32 {
    if (at < 2u) {
        return select(norm, 1.0, at == 0u);
    }
    // A point has zeros behind its last feature.
    return row_quads[start + min(at - 2u, params.features - 1u) * 4u][i];
}

// The values of row `i` for a point and the three behind it, none of them after `last`.
fn four_values(start: u32, norm: f32, i: u32, point: u32, last: u32) -> vec4<f32> {
    let at = min(vec4<u32>(point) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last)) * params.point_quads;
    var sum = vec4<f32>(0.0);
    for (var q = 0u; q < params.point_quads; q++) {
        let a = points[at.x + q];
        let b = points[at.y + q];
        let c = points[at.z + q];
        let d = points[at.w + q];
        sum = fma(vec4<f32>(row_entry(start, norm, i, q * 4u)), vec4<f32>(a.x, b.x, c.x, d.x), sum);
        sum = fma(vec4<f32>(row_entry(start, norm, i, q * 4u + 1u)), vec4<f32>(a.y, b.y, c.y, d.y), sum);
        sum = fma(vec4<f32>(row_entry(start, norm, i, q * 4u + 2u)), vec4<f32>(a.z, b.z, c.z, d.z), sum);
        sum = fma(vec4<f32>(row_entry(start, norm, i, q * 4u + 3u)), vec4<f32>(a.w, b.w, c.w, d.w), sum);
    }
    let exists = vec4<u32>(point) + vec4<u32>(0u, 1u, 2u, 3u) <= vec4<u32>(last);
    return select(vec4<f32>(FAR), sum, exists);
}

// Where fours were compared, the scan knows the first point of the best four. This finds which of them is the nearest, and
// the second smallest value. A point that belongs to two fours may count twice, which can only leave a row without label.
fn settle_fours(scan: ptr<function, Scan>, start: u32, norm: vec4<f32>) {
    for (var i = 0u; i < 4u; i++) {
        let point = (*scan).index[i];
        let four = four_values(start, norm[i], i, point, (*scan).end - 1u);
        let low = min(four.xy, four.zw);
        let high = max(four.xy, four.zw);
        let best = min(low.x, low.y);
        let second = min(max(low.x, low.y), min(high.x, high.y));
        let which = select(select(select(3u, 2u, four.z == best), 1u, four.y == best), 0u, four.x == best);
        (*scan).best[i] = best;
        (*scan).second[i] = min((*scan).second[i], second);
        (*scan).index[i] = point + which;
    }
}

// Workgroups: 512 rows each, groups of sets.
@compute @workgroup_size(128)
fn assign_few_features(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
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
    //@each let x$ = row_quads[start + $u * 4u];
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
        let staged = min(end, first + params.room);
        workgroupBarrier();
        for (var i = lane; i < (staged - first) * size; i += THREADS) {
            stage[i] = points[first * size + i];
        }
        workgroupBarrier();
        var point = first;
        while (point < staged) {
            let stop = min(scan.end, staged);
            if (scan.stopped) {
                point = stop;
            }
            let large = scan.end - scan.first >= LARGE;
            for (; point + 4u <= stop; point += 4u) {
                let a = (point - first) * size;
                let b = a + size;
                let c = b + size;
                let d = c + size;
                let a0 = stage[a]; let b0 = stage[b]; let c0 = stage[c]; let d0 = stage[d];
                var v = fma(norm, vec4<f32>(a0.y), vec4<f32>(a0.x));
                var w = fma(norm, vec4<f32>(b0.y), vec4<f32>(b0.x));
                var y = fma(norm, vec4<f32>(c0.y), vec4<f32>(c0.x));
                var z = fma(norm, vec4<f32>(d0.y), vec4<f32>(d0.x));
                //@quad let a$ = stage[a + $u]; let b$ = stage[b + $u]; let c$ = stage[c + $u]; let d$ = stage[d + $u];
                //@each v = fma(x$, vec4<f32>(a$q.$c), v); w = fma(x$, vec4<f32>(b$q.$c), w);
                //@each y = fma(x$, vec4<f32>(c$q.$c), y); z = fma(x$, vec4<f32>(d$q.$c), z);
                if (large) {
                    offer_point(&scan, min(min(v, w), min(y, z)), point);
                } else {
                    offer_point(&scan, v, point);
                    offer_point(&scan, w, point + 1u);
                    offer_point(&scan, y, point + 2u);
                    offer_point(&scan, z, point + 3u);
                }
            }
            for (; point < stop; point++) {
                let a = (point - first) * size;
                let a0 = stage[a];
                var v = fma(norm, vec4<f32>(a0.y), vec4<f32>(a0.x));
                //@quad let a$ = stage[a + $u];
                //@each v = fma(x$, vec4<f32>(a$q.$c), v);
                offer_point(&scan, v, point);
            }
            if (point == scan.end) {
                if (large && !scan.stopped) {
                    settle_fours(&scan, start, norm);
                }
                write_labels(scan, norm, own);
                scan = scan_of(scan.s + 1u);
            }
        }
        first = staged;
    }
}
