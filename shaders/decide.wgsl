//#import sets
//#import exact
// Labels the rows whose label `assign` could not prove, by their canonical distances.
// Twin: src/backend/host/labels.rs.

struct Params {
    // The rows of this dispatch: the first one (counted in the bound rows, the first of a tile) and how many.
    first: u32,
    rows: u32,
    features: u32,
    // Words that the labels of one set take.
    slot_words: u32,
    // How many rows a workgroup looks at, a multiple of 4.
    block_rows: u32,
    // How many threads share a row: a power of two, at most 128.
    lanes: u32,
    // `Certificate` for distances.
    low: f32,
    high: f32,
    slack: f32,
}

// Whether a label takes a whole word. Otherwise four rows share a word, 8 bits each.
override wide: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sets: array<Set>;
// The bits of f32: a device may flush subnormal numbers that it loads as f32.
@group(0) @binding(2) var<storage, read> row_bits: array<u32>;
@group(0) @binding(3) var<storage, read> centroid_bits: array<u32>;
@group(0) @binding(4) var<storage, read_write> labels: array<atomic<u32>>;
// For each set how many rows were labelled here.
@group(0) @binding(5) var<storage, read_write> undecided: array<atomic<u32>>;

// Threads of a workgroup.
const THREADS: u32 = 256u;
// Rows that a workgroup looks at in one round.
const ROUND: u32 = 1024u;

// The rows of a round that have no label yet, and how many.
var<workgroup> listed: array<u32, ROUND>;
var<workgroup> found: atomic<u32>;
var<workgroup> count: u32;
// For each row that is worked on the bits of its smallest distance in f32. Positive f32 are in the order of their bits.
var<workgroup> smallest: array<atomic<u32>, THREADS>;
// For each thread the nearest of its centroids, by canonical distance.
var<workgroup> nearest: array<Candidate, THREADS>;

struct Candidate {
    distance: F64,
    label: u32,
}

// The squared distance in f32 of a row and a centroid, which begin at these values.
fn rough_distance(row: u32, centroid: u32) -> f32 {
    var sum = 0.0;
    for (var j = 0u; j < params.features; j++) {
        let x = bitcast<f32>(row_bits[row + j * TILE]);
        let difference = x - bitcast<f32>(centroid_bits[centroid + j]);
        sum = fma(difference, difference, sum);
    }
    return sum;
}

fn canonical_distance(row: u32, centroid: u32) -> F64 {
    var sum = zero();
    for (var j = 0u; j < params.features; j++) {
        sum = add_square(sum, row_bits[row + j * TILE], centroid_bits[centroid + j]);
    }
    return sum;
}

// The one with the smaller distance, or on a tie the one with the lower index.
fn nearer(a: Candidate, b: Candidate) -> Candidate {
    if (less(b.distance, a.distance) || (!less(a.distance, b.distance) && b.label < a.label)) {
        return b;
    }
    return a;
}

// Lists the rows of four that have no label. The rows that fill up the last four have none either.
fn list_unlabelled(slot: u32, row: u32) {
    let quad = (params.first + row) / 4u;
    var four = vec4<u32>(0u);
    if (wide) {
        let at = slot + quad * 4u;
        four = vec4<u32>(
            atomicLoad(&labels[at]), atomicLoad(&labels[at + 1u]),
            atomicLoad(&labels[at + 2u]), atomicLoad(&labels[at + 3u]));
    } else {
        let bytes = vec4<u32>(atomicLoad(&labels[slot + quad])) >> vec4<u32>(0u, 8u, 16u, 24u) & vec4<u32>(255u);
        four = select(bytes, vec4<u32>(NONE), bytes == vec4<u32>(255u));
    }
    for (var i = 0u; i < 4u; i++) {
        if (four[i] == NONE && row + i < params.rows) {
            listed[atomicAdd(&found, 1u)] = row + i;
        }
    }
}

fn write_label(slot: u32, row: u32, label: u32) {
    let at = params.first + row;
    if (wide) {
        atomicStore(&labels[slot + at], label);
    } else {
        // The row's byte has all bits set; other threads may write the other three.
        let by = at % 4u * 8u;
        atomicAnd(&labels[slot + at / 4u], (label << by) | ~(255u << by));
    }
}

// Workgroups: blocks of rows, sets.
@compute @workgroup_size(256)
fn decide(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let centroid_set = sets[group.y];
    if (centroid_set.stopped != 0u) {
        return;
    }
    let slot = centroid_set.new_slot * params.slot_words;
    let place = lane / params.lanes;
    let own = lane % params.lanes;
    let end = min(params.rows, (group.x + 1u) * params.block_rows);
    for (var start = group.x * params.block_rows; start < end; start += ROUND) {
        if (lane == 0u) {
            atomicStore(&found, 0u);
        }
        workgroupBarrier();
        if (start + lane * 4u < end) {
            list_unlabelled(slot, start + lane * 4u);
        }
        workgroupBarrier();
        if (lane == 0u) {
            count = atomicLoad(&found);
            if (count > 0u) {
                atomicAdd(&undecided[group.y], count);
            }
        }
        let rows = workgroupUniformLoad(&count);
        for (var first = 0u; first < rows; first += THREADS / params.lanes) {
            // Threads past the last row work on it as well, because every thread must reach the barriers.
            let row = listed[min(first + place, rows - 1u)];
            let values = row_start(params.first + row, params.features);
            if (own == 0u) {
                atomicStore(&smallest[place], 0x7f7fffffu);
            }
            workgroupBarrier();
            var least = FAR;
            for (var c = own; c < centroid_set.centroids; c += params.lanes) {
                least = min(least, rough_distance(values, (centroid_set.first_sum + c) * params.features));
            }
            atomicMin(&smallest[place], bitcast<u32>(least));
            workgroupBarrier();
            let reach = bitcast<f32>(atomicLoad(&smallest[place])) * params.high + params.slack;
            var best = Candidate(F64(0x80000000u, 0u, 65536), NONE);
            for (var c = own; c < centroid_set.centroids; c += params.lanes) {
                let centroid = (centroid_set.first_sum + c) * params.features;
                // The certificate proves of all others that they are farther.
                if (!(rough_distance(values, centroid) * params.low - params.slack > reach)) {
                    best = nearer(best, Candidate(canonical_distance(values, centroid), c));
                }
            }
            nearest[lane] = best;
            for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
                workgroupBarrier();
                if (own < half) {
                    nearest[lane] = nearer(nearest[lane], nearest[lane + half]);
                }
            }
            if (own == 0u && first + place < rows) {
                write_label(slot, row, nearest[lane].label);
            }
            workgroupBarrier();
        }
    }
}
