// The pair loop: 128 rows against 128 columns at a time. A workgroup of 256 threads keeps a chunk of the features of both
// in workgroup memory, and a thread measures 8 rows against 8 columns, so that 16-byte loads of four values feed 16
// multiply-adds each. `//@chunk` is explained in README.md.
//
// Both sides come in tiles of 128 places, which are 32 quads (vec4s of four places) a feature, and their features in
// `params.chunks` chunks of CHUNK. The importing file defines functions that read them, and the centre that products
// refer to:
//     fn row_quad(tile: u32, feature: u32, quad: u32) -> vec4<f32>
//     fn column_quad(tile: u32, feature: u32, quad: u32) -> vec4<f32>
//     fn centre_of(feature: u32) -> f32
// What a tile's number means is up to that file. It must also have `params.chunks`.

// Features of a chunk.
const CHUNK: u32 = 8u; //@chunk

// Places of a tile, and quads of a feature.
const SPAN: u32 = 128u;
const QUADS: u32 = 32u;

// Workgroup memory has two sides: one is read while the other is filled. A side also has room for the partial results of
// 16 threads for each place.
const SIDE: u32 = max(2u * CHUNK * QUADS, 16u * QUADS);
var<workgroup> stage: array<vec4<f32>, 2u * SIDE>;

// Squared distances are sums of squared differences if this is set. Otherwise they are |x|^2 + |y|^2 - 2 x.y about the
// centre, which is half the arithmetic, and pairs that are too near for that are measured again.
override direct: bool = true;

// Below this share of |x|^2 + |y|^2 a squared distance has lost too many bits.
const NEAR: f32 = 0.015625;

// Smaller than any squared distance that matters; the inverse square root of 0 is none.
const TINY: f32 = 1.0e-30;

// The thread's two quads of rows (and 16 quads further), and its two quads of columns. Neighbouring threads form blocks of 8 x
// 4, so that they read few different addresses.
struct Place {
    row: u32,
    column: u32,
}

fn thread_place(lane: u32) -> Place {
    return Place(lane / 64u * 4u + lane / 8u % 4u, lane / 32u % 2u * 8u + lane % 8u);
}

// The squared distances of 8 rows to two quads of columns: a0 and b0 belong to the first row.
struct Block {
    a0: vec4<f32>, b0: vec4<f32>,
    a1: vec4<f32>, b1: vec4<f32>,
    a2: vec4<f32>, b2: vec4<f32>,
    a3: vec4<f32>, b3: vec4<f32>,
    a4: vec4<f32>, b4: vec4<f32>,
    a5: vec4<f32>, b5: vec4<f32>,
    a6: vec4<f32>, b6: vec4<f32>,
    a7: vec4<f32>, b7: vec4<f32>,
}

// The values that a thread has read for the next chunk, and their features' centres.
struct Ahead {
    rows: vec4<f32>,
    more_rows: vec4<f32>,
    columns: vec4<f32>,
    more_columns: vec4<f32>,
    centre: f32,
    more_centre: f32,
}

// Reads a thread's part of a chunk.
fn read_ahead(lane: u32, row_tile: u32, column_tile: u32, chunk: u32) -> Ahead {
    let first = chunk * CHUNK + min(lane / QUADS, CHUNK - 1u);
    let second = chunk * CHUNK + min(lane / QUADS + 8u, CHUNK - 1u);
    let quad = lane % QUADS;
    var out: Ahead;
    out.rows = row_quad(row_tile, first, quad);
    out.columns = column_quad(column_tile, first, quad);
    if (CHUNK > 8u) {
        out.more_rows = row_quad(row_tile, second, quad);
        out.more_columns = column_quad(column_tile, second, quad);
    }
    if (!direct) {
        out.centre = centre_of(first);
        out.more_centre = centre_of(second);
    }
    return out;
}

// Puts it into one side of the workgroup memory.
fn keep(lane: u32, side: u32, ahead: Ahead) {
    let factor = select(-2.0, 1.0, direct);
    if (lane < CHUNK * QUADS) {
        stage[side + lane] = factor * (ahead.rows - ahead.centre);
        stage[side + CHUNK * QUADS + lane] = ahead.columns - ahead.centre;
    }
    if (lane + 256u < CHUNK * QUADS) {
        stage[side + lane + 256u] = factor * (ahead.more_rows - ahead.more_centre);
        stage[side + CHUNK * QUADS + lane + 256u] = ahead.more_columns - ahead.more_centre;
    }
}

// Adds one feature of a row and four columns. In the product form the row comes times -2.
fn add_pair(sum: vec4<f32>, x: f32, columns: vec4<f32>) -> vec4<f32> {
    if (direct) {
        let difference = vec4<f32>(x) - columns;
        return fma(difference, difference, sum);
    }
    return fma(vec4<f32>(x), columns, sum);
}

// Where the side begins that chunk `step` of a workgroup's work is read from.
fn side_of(step: u32) -> u32 {
    return (step & 1u) * SIDE;
}

// Adds all features to `block`. `step` counts the chunks of this workgroup; the first one is kept already, and the chunk
// behind the last one is that of the column tile `next_column_tile`. All threads of the workgroup must come here together.
fn add_features(
    block: Block,
    lane: u32,
    place: Place,
    step: u32,
    row_tile: u32,
    column_tile: u32,
    next_column_tile: u32,
) -> Block {
    var out = block;
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
        workgroupBarrier();
        let last = chunk + 1u == params.chunks;
        let ahead = read_ahead(
            lane, row_tile, select(column_tile, next_column_tile, last), select(chunk + 1u, 0u, last));
        let rows = side_of(step + chunk) + place.row;
        let columns = side_of(step + chunk) + CHUNK * QUADS + place.column;
        //@chunk let x$ = stage[rows + $u * QUADS]; let u$ = stage[rows + $u * QUADS + 16u];
        //@chunk let y$ = stage[columns + $u * QUADS]; let v$ = stage[columns + $u * QUADS + 16u];
        //@chunk out.a0 = add_pair(out.a0, x$.x, y$); out.b0 = add_pair(out.b0, x$.x, v$);
        //@chunk out.a1 = add_pair(out.a1, x$.y, y$); out.b1 = add_pair(out.b1, x$.y, v$);
        //@chunk out.a2 = add_pair(out.a2, x$.z, y$); out.b2 = add_pair(out.b2, x$.z, v$);
        //@chunk out.a3 = add_pair(out.a3, x$.w, y$); out.b3 = add_pair(out.b3, x$.w, v$);
        //@chunk out.a4 = add_pair(out.a4, u$.x, y$); out.b4 = add_pair(out.b4, u$.x, v$);
        //@chunk out.a5 = add_pair(out.a5, u$.y, y$); out.b5 = add_pair(out.b5, u$.y, v$);
        //@chunk out.a6 = add_pair(out.a6, u$.z, y$); out.b6 = add_pair(out.b6, u$.z, v$);
        //@chunk out.a7 = add_pair(out.a7, u$.w, y$); out.b7 = add_pair(out.b7, u$.w, v$);
        keep(lane, side_of(step + chunk + 1u), ahead);
    }
    return out;
}

// The smallest of a block's values.
fn least_of(block: Block) -> f32 {
    let a = min(min(min(block.a0, block.a1), min(block.a2, block.a3)), min(min(block.a4, block.a5), min(block.a6, block.a7)));
    let b = min(min(min(block.b0, block.b1), min(block.b2, block.b3)), min(min(block.b4, block.b5), min(block.b6, block.b7)));
    let least = min(a, b);
    return min(min(least.x, least.y), min(least.z, least.w));
}

// Where four pairs are: a row of a quad of rows, and a quad of columns.
struct Four {
    row_tile: u32,
    row_quad: u32,
    row: u32,
    column_tile: u32,
    column_quad: u32,
}

// The squared distances of one row to four columns, by differences if one of `squared` is below its limit.
fn measured_again(squared: vec4<f32>, limits: vec4<f32>, at: Four) -> vec4<f32> {
    if (all(squared >= limits)) {
        return squared;
    }
    var sum = vec4<f32>(0.0);
    for (var j = 0u; j < params.chunks * CHUNK; j++) {
        let difference = row_quad(at.row_tile, j, at.row_quad)[at.row]
            - column_quad(at.column_tile, j, at.column_quad);
        sum = fma(difference, difference, sum);
    }
    return max(sum, vec4<f32>(TINY));
}
