//#import sets
// `assign` by dot products: what few_features.wgsl and many_features.wgsl share. A thread has four neighbouring rows, which
// are the lanes of every vec4<f32> here, and compares them with one point after the other. All points of all sets lie side
// by side, so a thread goes through many small sets as through one large one.
//
// A point's value for a row is its start, plus the row's norm times its slope, plus the products of the features, in this
// order. `DotProductBound` (src/canonical.rs) bounds its error for any order, since it counts the roundings that a term can go
// through and compares them with the sum of the terms' magnitudes.

struct Params {
    // The rows of this dispatch: the first one (counted in the bound rows, the first of a tile) and how many.
    first: u32,
    rows: u32,
    features: u32,
    // How many sets there are, and how many of them a thread compares its rows with.
    sets: u32,
    sets_per_thread: u32,
    // Words that the labels of one set take.
    slot_words: u32,
    // vec4s of a point: start, slope and features, padded with zeros.
    point_quads: u32,
    // few_features.wgsl: how many points workgroup memory has room for.
    room: u32,
}

// Whether a label takes a whole word. Otherwise four rows share a word, 8 bits each.
override wide: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sets: array<Set>;
// Four rows at a time: feature j of rows 4 q to 4 q + 3 of tile t is entry (t * features + j) * 4 + q.
@group(0) @binding(2) var<storage, read> row_quads: array<vec4<f32>>;
// For each row a number that is at least its norm, four at a time.
@group(0) @binding(3) var<storage, read> norms: array<vec4<f32>>;
// The points of all sets, one after the other, with the sign of their features turned.
@group(0) @binding(4) var<storage, read> points: array<vec4<f32>>;
// For each point a number that is at least its norm.
@group(0) @binding(5) var<storage, read> radii: array<f32>;
@group(0) @binding(6) var<storage, read_write> labels: array<u32>;

// Threads of a workgroup.
const THREADS: u32 = 128u;

// How far a thread has come with its four rows.
struct Scan {
    // The set, the number of its first point and of the one behind its last, and whether it takes no more passes.
    s: u32,
    first: u32,
    end: u32,
    stopped: bool,
    // The smallest value so far, the second smallest, and the number of the point that has the smallest.
    best: vec4<f32>,
    second: vec4<f32>,
    index: vec4<u32>,
}

// The beginning of set `s`.
fn scan_of(s: u32) -> Scan {
    let own = min(s, params.sets - 1u);
    let first = sets[own].first_sum;
    let end = first + sets[own].centroids;
    return Scan(s, first, end, sets[own].stopped != 0u, vec4<f32>(FAR), vec4<f32>(FAR), vec4<u32>(first));
}

// Takes a point into account. Points come in the order of their numbers.
fn offer_point(scan: ptr<function, Scan>, values: vec4<f32>, point: u32) {
    let best = (*scan).best;
    (*scan).second = min((*scan).second, max(best, values));
    (*scan).index = select((*scan).index, vec4<u32>(point), values < best);
    (*scan).best = min(best, values);
}

// Writes the labels of the four rows `own` for the set that the scan has gone through, where rounding cannot have changed
// which point is the nearest. The true value of a point is at most `slack + error` above the one that was computed, which
// is a lower bound; see DotProductBound in src/canonical.rs.
fn write_labels(scan: Scan, norm: vec4<f32>, own: u32) {
    if (scan.stopped || own * 4u >= params.rows) {
        return;
    }
    let certificate = sets[scan.s].certificate;
    let radius =
        vec4<f32>(radii[scan.index.x], radii[scan.index.y], radii[scan.index.z], radii[scan.index.w]);
    let mixed = norm * (radius + norm / 1048576.0);
    let error = certificate.x * (mixed + radius * radius * 0.5);
    let proved = scan.second > scan.best + certificate.z + error;
    // The rows that fill up the last four get "no label".
    let exists = vec4<u32>(own * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.rows);
    let label = select(vec4<u32>(NONE), scan.index - scan.first, proved & exists);
    let slot = sets[scan.s].new_slot * params.slot_words;
    let quad = params.first / 4u + own;
    if (wide) {
        let at = slot + quad * 4u;
        labels[at] = label.x;
        labels[at + 1u] = label.y;
        labels[at + 2u] = label.z;
        labels[at + 3u] = label.w;
    } else {
        let bytes = (label & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
        labels[slot + quad] = bytes.x | bytes.y | bytes.z | bytes.w;
    }
}

// The first set from `s` on, but before `end`, that goes on.
fn first_walking(s: u32, end: u32) -> u32 {
    var own = s;
    while (own < end && sets[min(own, end - 1u)].stopped != 0u) {
        own++;
    }
    return own;
}
