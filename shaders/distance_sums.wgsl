//#import packs
// For each row the sums of its distances to every cluster of every labeling. Twin: src/backend/cpu/distance_sums.rs.
// `//@each` and `//@loop` are explained in README.md.
//
// The columns (the rows on the other side of each pair) come sorted by their joint label, the tuple of their labels in
// all labelings, and are cut into runs of one joint label and at most 64 columns. The distances to a run add up to one
// number, which then goes to one cluster of each labeling.

struct Params {
    // The rows of this dispatch, counted in the bound rows.
    first: u32,
    rows: u32,
    features: u32,
    labelings: u32,
    // The runs of this dispatch.
    first_run: u32,
    runs: u32,
    // Turns a sum of distances into units of the high limb of `sums`.
    scale: f32,
}

// Columns of one joint label.
struct Run {
    // The number of its first pack; the packs of the next run follow.
    first_pack: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
// For each pack of four columns one vec4 with the number of copies that each column stands for, then one vec4 a feature.
// The last pack of a run is filled up with columns of no copies.
@group(0) @binding(2) var<storage, read> packs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> runs: array<Run>;
// For each run and labeling the slot that the run adds to. The slots are the clusters of the first labeling, then those
// of the second, and so on.
@group(0) @binding(4) var<storage, read> slots: array<u32>;
// Low and high limb of each sum: entry slot * params.rows + row. Each row belongs to one thread.
@group(0) @binding(5) var<storage, read_write> sums: array<vec2<u32>>;

fn row_feature(start: u32, j: u32) -> f32 {
    return rows[start + j * TILE];
}

fn pack_feature(at: u32) -> vec4<f32> {
    return packs[at];
}

// How far a thread has come with its row.
struct Scan {
    run: u32,
    // How many columns of the run are still to come.
    columns: u32,
    // The sum of the distances to the run's columns so far.
    total: f32,
}

// Adds the distances to a pack. After the last pack of a run the total goes to the run's slots, and the next run begins.
fn add_pack(scan: ptr<function, Scan>, squared: vec4<f32>, pack: u32, row: u32) {
    let left = (*scan).columns;
    let distances = sqrt(squared) * packs[pack * (params.features + 1u)];
    let total = (*scan).total + ((distances.x + distances.y) + (distances.z + distances.w));
    if (left > 4u) {
        (*scan).columns = left - 4u;
        (*scan).total = total;
        return;
    }
    let run = (*scan).run;
    let scaled = total * params.scale;
    let high = floor(scaled);
    let value = vec2<u32>(u32((scaled - high) * 4294967296.0), u32(high));
    for (var l = 0u; l < params.labelings; l++) {
        let at = slots[run * params.labelings + l] * params.rows + row;
        let low = sums[at].x + value.x;
        sums[at] = vec2<u32>(low, sums[at].y + value.y + u32(low < value.x));
    }
    let next = min(run + 1u, params.first_run + params.runs - 1u);
    *scan = Scan(run + 1u, runs[next].columns, 0.0);
}

// A thread has one row. Workgroups: rows.
@compute @workgroup_size(64)
fn distance_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    let start = row_start(params.first + row, params.features);
    //@each let x$ = rows[start + $u * TILE];
    let last_run = runs[params.first_run + params.runs - 1u];
    let last = last_run.first_pack + (last_run.columns + 3u) / 4u - 1u;
    let pack_size = params.features + 1u;
    var scan = Scan(params.first_run, runs[params.first_run].columns, 0.0);
    for (var pack = runs[params.first_run].first_pack; pack <= last; pack++) {
        let first = pack * pack_size + 1u;
        var squared = vec4<f32>(0.0);
        //@each squared = add_feature(squared, x$, packs[first + $u]);
        // The last four packs may be fewer: the last one then stands in, and its sums are not used.
        let four_packs = min(vec4<u32>(pack) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last)); //@loop
        var four = FourPacks(squared, squared, squared, squared); //@loop
        four = add_row(four, start, four_packs * pack_size + vec4<u32>(1u), 1u); //@loop
        squared = four.a; //@loop
        add_pack(&scan, squared, pack, row);
        if (pack < last) { pack++; add_pack(&scan, four.b, pack, row); } //@loop
        if (pack < last) { pack++; add_pack(&scan, four.c, pack, row); } //@loop
        if (pack < last) { pack++; add_pack(&scan, four.d, pack, row); } //@loop
    }
}
