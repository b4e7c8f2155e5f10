//#import pairs
//#import common
// For each row the sums of its distances to every cluster of every labeling. Twin: src/backend/cpu/distance_sums.rs.
//
// Both sides of a pair come sorted by their joint label, the tuple of their labels in all labelings, in tiles of 128
// (pairs.wgsl). A segment is the part of a run of one joint label that lies in one tile. The distances of a row to the
// columns of a run go to one cluster of each labeling.

struct Params {
    // Of `gather`: the rows that are bound, the number that the first of them has in the table, and how many features a
    // thread moves. Of `collect`: how many rows, and which is the first.
    rows: u32,
    first_row: u32,
    features_per_thread: u32,
    features: u32,
    // Chunks of features; the last one is padded.
    chunks: u32,
    labelings: u32,
    // The tiles of columns, and which of them this dispatch takes: each slice `tiles_per_slice` from `first` on, up to
    // `end`. If each pair is measured once for both sides, tile 0 is the tile of the rows itself, and the others follow
    // in a circle.
    tiles: u32,
    first: u32,
    end: u32,
    tiles_per_slice: u32,
    // If each pair is measured once and the number of tiles is even, the first half of them meets the tile opposite on the
    // circle, and this is that half; else it is 0.
    half: u32,
    // After this many tiles the sums in f32 go into the whole numbers.
    tiles_per_sum: u32,
    // How many places each sum has.
    places: u32,
    // Turns a sum of distances into units of its high limb.
    scale: f32,
    // The slots of all labelings.
    slots: u32,
}

// Columns `first` to `end` of a tile.
struct Segment {
    first: u32,
    end: u32,
    // Where the slots of its run begin.
    slots: u32,
    // Whether the run ends here.
    closes: u32,
}

// A row that is put in a place, or NONE, and the number of copies that it stands for.
struct Source {
    row: u32,
    copies: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Tiles of `tile_size()` quads: the features, then the squared norms about the centre, then the numbers of copies.
@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> columns: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> centre: array<f32>;
// For each tile of columns its first segment, and the number of all segments.
@group(0) @binding(4) var<storage, read> first_segments: array<u32>;
@group(0) @binding(5) var<storage, read> segments: array<Segment>;
// For each run and labeling the slot that the run adds to. The slots are the clusters of the first labeling, then those
// of the second, and so on.
@group(0) @binding(6) var<storage, read> slots: array<u32>;
// High and low limb of each sum: entry (slot * 2 + limb) * params.places + place.
@group(0) @binding(7) var<storage, read_write> sums: array<atomic<u32>>;

// Of `gather`: rows as they lie in the table, what is put in each place, and the tiles.
@group(0) @binding(8) var<storage, read> table: array<f32>;
@group(0) @binding(9) var<storage, read> sources: array<Source>;
@group(0) @binding(10) var<storage, read_write> gathered: array<f32>;

// Of `collect`: for each row its place, and the limbs of its sums, row by row.
@group(0) @binding(11) var<storage, read> row_places: array<u32>;
@group(0) @binding(12) var<storage, read_write> collected: array<vec2<u32>>;

// Whether each pair is measured once, for the sums of both sides, which are then the same tiles.
override once: bool = false;

// A tile's number is that of its first quad.
fn row_quad(tile: u32, feature: u32, quad: u32) -> vec4<f32> {
    return rows[tile + feature * QUADS + quad];
}

fn column_quad(tile: u32, feature: u32, quad: u32) -> vec4<f32> {
    return columns[tile + feature * QUADS + quad];
}

fn centre_of(feature: u32) -> f32 {
    return centre[feature];
}

// The quads of a tile.
fn tile_size() -> u32 {
    return (params.chunks * CHUNK + 2u) * QUADS;
}

// Puts rows in their places. A thread has one place. Workgroups: places, then parts of the features.
@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.places) {
        return;
    }
    let source = sources[id.x];
    let padding = source.row == NONE;
    // The dispatch that has the table's first rows fills the padding.
    if (select(source.row - params.first_row >= params.rows, params.first_row > 0u, padding)) {
        return;
    }
    let wide = params.chunks * CHUNK;
    let at = id.x / SPAN * tile_size() * 4u + id.x % SPAN;
    let start = row_start(source.row - params.first_row, params.features);
    var norm = 0.0;
    let end = min(wide, (id.y + 1u) * params.features_per_thread);
    for (var j = id.y * params.features_per_thread; j < end; j++) {
        var value = centre[j];
        if (!padding && j < params.features) {
            value = table[start + j * TILE];
        }
        let difference = value - centre[j];
        norm = fma(difference, difference, norm);
        gathered[at + j * SPAN] = value;
    }
    if (id.y == 0u) {
        gathered[at + wide * SPAN] = norm;
        gathered[at + (wide + 1u) * SPAN] = source.copies;
    }
}

// Adds a sum of distances to a slot.
fn add_sum(slot: u32, place: u32, high: u32, low: u32) {
    let at = slot * 2u * params.places + place;
    let before = atomicAdd(&sums[at + params.places], low);
    atomicAdd(&sums[at], high + u32(before + low < low));
}

// Adds up what 16 threads have for each place of a tile, and adds that to the slots. `side` is the workgroup memory that
// is free, `turn` turns a thread's quads so that they do not meet in one bank. All threads must come here together.
fn add_sums(
    lane: u32, side: u32, thread: u32, quad: u32, turn: u32, a: vec4<f32>, b: vec4<f32>, first_slot: u32, first_place: u32,
) {
    workgroupBarrier();
    stage[side + thread * QUADS + (quad + thread * turn) % QUADS] = a;
    stage[side + thread * QUADS + (quad + 16u + thread * turn) % QUADS] = b;
    workgroupBarrier();
    if (lane < SPAN) {
        var total = 0.0;
        for (var t = 0u; t < 16u; t++) {
            total += stage[side + t * QUADS + (lane / 4u + t * turn) % QUADS][lane % 4u];
        }
        let scaled = total * params.scale;
        let high = floor(scaled);
        let low = u32((scaled - high) * 4294967296.0);
        for (var l = 0u; l < params.labelings; l++) {
            add_sum(slots[first_slot + l], first_place + lane, u32(high), low);
        }
    }
}

// The numbers of copies of a quad's places, 0 for places that are not in the segment.
fn copies_within(copies: vec4<f32>, quad: u32, segment: Segment) -> vec4<f32> {
    let place = vec4<u32>(quad * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<f32>(0.0), copies,
        (place >= vec4<u32>(segment.first)) & (place < vec4<u32>(segment.end)));
}

fn root(squared: vec4<f32>) -> vec4<f32> {
    if (direct) {
        return squared * inverseSqrt(max(squared, vec4<f32>(TINY)));
    }
    // None is below TINY.
    return squared * inverseSqrt(squared);
}

// Workgroups: tiles of rows, slices of the tiles of columns.
@compute @workgroup_size(256)
fn distance_sums(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let place = thread_place(lane);
    let size = tile_size();
    let facts = params.chunks * CHUNK * QUADS;
    let own = group.x;
    let first = params.first + group.y * params.tiles_per_slice;
    // The tile opposite on the circle is met by one half of the tiles only.
    let reach = select(params.end, min(params.end, params.half), once && params.half > 0u && own >= params.half);
    let end = min(reach, first + params.tiles_per_slice);
    if (first >= end) {
        return;
    }
    let row_tile = own * size;
    let row = row_tile + place.row;
    var tile = first;
    if (once) {
        tile = (own + first) % params.tiles;
    }
    keep(lane, 0u, read_ahead(lane, row_tile, tile * size, 0u));
    var step = 0u;
    var r = vec4<f32>(0.0);
    var s = vec4<f32>(0.0);
    for (var t = first; t < end; t++) {
        let next = select(tile + 1u, 0u, tile + 1u == params.tiles);
        let column_tile = tile * size;
        let column = column_tile + place.column;
        var d: Block;
        var limit = TINY;
        if (!direct) {
            let x = rows[row + facts];
            let u = rows[row + facts + 16u];
            let y = columns[column + facts];
            let v = columns[column + facts + 16u];
            d = Block(x.x + y, x.x + v, x.y + y, x.y + v, x.z + y, x.z + v, x.w + y, x.w + v,
                u.x + y, u.x + v, u.y + y, u.y + v, u.z + y, u.z + v, u.w + y, u.w + v);
            let most = max(x, u);
            let far = max(y, v);
            limit = max(TINY, NEAR * (max(max(most.x, most.y), max(most.z, most.w))
                + max(max(far.x, far.y), max(far.z, far.w))));
        }
        d = add_features(d, lane, place, step, row_tile, column_tile, next * size);
        step += params.chunks;
        if (!direct && least_of(d) < limit) {
            let x = NEAR * rows[row + facts];
            let u = NEAR * rows[row + facts + 16u];
            let y = max(NEAR * columns[column + facts], vec4<f32>(TINY));
            let v = max(NEAR * columns[column + facts + 16u], vec4<f32>(TINY));
            d.a0 = measured_again(d.a0, x.x + y, Four(row_tile, place.row, 0u, column_tile, place.column));
            d.b0 = measured_again(d.b0, x.x + v, Four(row_tile, place.row, 0u, column_tile, place.column + 16u));
            d.a1 = measured_again(d.a1, x.y + y, Four(row_tile, place.row, 1u, column_tile, place.column));
            d.b1 = measured_again(d.b1, x.y + v, Four(row_tile, place.row, 1u, column_tile, place.column + 16u));
            d.a2 = measured_again(d.a2, x.z + y, Four(row_tile, place.row, 2u, column_tile, place.column));
            d.b2 = measured_again(d.b2, x.z + v, Four(row_tile, place.row, 2u, column_tile, place.column + 16u));
            d.a3 = measured_again(d.a3, x.w + y, Four(row_tile, place.row, 3u, column_tile, place.column));
            d.b3 = measured_again(d.b3, x.w + v, Four(row_tile, place.row, 3u, column_tile, place.column + 16u));
            d.a4 = measured_again(d.a4, u.x + y, Four(row_tile, place.row + 16u, 0u, column_tile, place.column));
            d.b4 = measured_again(d.b4, u.x + v, Four(row_tile, place.row + 16u, 0u, column_tile, place.column + 16u));
            d.a5 = measured_again(d.a5, u.y + y, Four(row_tile, place.row + 16u, 1u, column_tile, place.column));
            d.b5 = measured_again(d.b5, u.y + v, Four(row_tile, place.row + 16u, 1u, column_tile, place.column + 16u));
            d.a6 = measured_again(d.a6, u.z + y, Four(row_tile, place.row + 16u, 2u, column_tile, place.column));
            d.b6 = measured_again(d.b6, u.z + v, Four(row_tile, place.row + 16u, 2u, column_tile, place.column + 16u));
            d.a7 = measured_again(d.a7, u.w + y, Four(row_tile, place.row + 16u, 3u, column_tile, place.column));
            d.b7 = measured_again(d.b7, u.w + v, Four(row_tile, place.row + 16u, 3u, column_tile, place.column + 16u));
        }
        d = Block(root(d.a0), root(d.b0), root(d.a1), root(d.b1), root(d.a2), root(d.b2), root(d.a3), root(d.b3),
            root(d.a4), root(d.b4), root(d.a5), root(d.b5), root(d.a6), root(d.b6), root(d.a7), root(d.b7));
        let side = side_of(step - 1u);
        let copies = columns[column + facts + QUADS];
        let more_copies = columns[column + facts + QUADS + 16u];
        let sum_ends = t + 1u == end || t % params.tiles_per_sum == params.tiles_per_sum - 1u;
        for (var g = first_segments[tile]; g < first_segments[tile + 1u]; g++) {
            let segment = segments[g];
            let w = copies_within(copies, place.column, segment);
            let z = copies_within(more_copies, place.column + 16u, segment);
            r += vec4<f32>(dot(d.a0, w) + dot(d.b0, z), dot(d.a1, w) + dot(d.b1, z),
                dot(d.a2, w) + dot(d.b2, z), dot(d.a3, w) + dot(d.b3, z));
            s += vec4<f32>(dot(d.a4, w) + dot(d.b4, z), dot(d.a5, w) + dot(d.b5, z),
                dot(d.a6, w) + dot(d.b6, z), dot(d.a7, w) + dot(d.b7, z));
            if (segment.closes > 0u || (sum_ends && g + 1u == first_segments[tile + 1u])) {
                add_sums(lane, side, place.column, place.row, 1u, r, s, segment.slots, own * SPAN);
                r = vec4<f32>(0.0);
                s = vec4<f32>(0.0);
            }
        }
        if (once && t > 0u) {
            let own_copies = rows[row + facts + QUADS];
            let own_more = rows[row + facts + QUADS + 16u];
            for (var g = first_segments[own]; g < first_segments[own + 1u]; g++) {
                let segment = segments[g];
                let w = copies_within(own_copies, place.row, segment);
                let z = copies_within(own_more, place.row + 16u, segment);
                let a = d.a0 * w.x + d.a1 * w.y + d.a2 * w.z + d.a3 * w.w
                    + d.a4 * z.x + d.a5 * z.y + d.a6 * z.z + d.a7 * z.w;
                let b = d.b0 * w.x + d.b1 * w.y + d.b2 * w.z + d.b3 * w.w
                    + d.b4 * z.x + d.b5 * z.y + d.b6 * z.z + d.b7 * z.w;
                add_sums(lane, side, place.row, place.column, 8u, a, b, segment.slots, tile * SPAN);
            }
        }
        tile = next;
    }
}

// Brings the sums into the order of the table. A thread has one row. Workgroups: rows, then slots.
@compute @workgroup_size(64)
fn collect(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    if (id.x >= params.rows) {
        return;
    }
    let place = row_places[params.first_row + id.x];
    for (var slot = id.y; slot < params.slots; slot += groups.y) {
        let at = slot * 2u * params.places + place;
        collected[id.x * params.slots + slot] =
            vec2<u32>(atomicLoad(&sums[at]), atomicLoad(&sums[at + params.places]));
    }
}
