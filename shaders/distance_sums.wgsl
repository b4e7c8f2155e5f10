// For each row the sums of its distances to every cluster of every labeling. Columns come sorted by their joint
// label, in runs of at most 64. Twin: src/backend/cpu/distance_sums.rs.

struct Params {
    // Rows of this pass, in the bound rows.
    first: u32,
    rows: u32,
    features: u32,
    labelings: u32,
    // Runs of this dispatch.
    first_run: u32,
    runs: u32,
    // Turns a sum into units of 2^-32 of the limbs' unit: the high limb is floor(sum * scale).
    scale: f32,
}

struct Run {
    // In packs of four columns; those of the next run follow.
    first_pack: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
// Four columns, pack after pack: how many copies each has, then feature j. The last pack of a run is filled up with
// columns of no copies.
@group(0) @binding(2) var<storage, read> packs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> runs: array<Run>;
// For each run and labeling the slot that the run adds to.
@group(0) @binding(4) var<storage, read> slots: array<u32>;
// Low and high limb; entry slot * params.rows + row. Each row belongs to one thread.
@group(0) @binding(5) var<storage, read_write> sums: array<vec2<u32>>;

// A row on its way past the runs.
struct Turn {
    r: u32,
    // What is left of the run's columns.
    columns: u32,
    total: f32,
}

// Takes in the distances to a pack; after a run's last, adds them to the run's slots and goes on to the next run.
fn take(turn: ptr<function, Turn>, squared: vec4<f32>, pack: u32, row: u32) {
    let left = (*turn).columns;
    let distances = sqrt(squared) * packs[pack * (params.features + 1u)];
    let total = (*turn).total + ((distances.x + distances.y) + (distances.z + distances.w));
    if (left > 4u) {
        (*turn).columns = left - 4u;
        (*turn).total = total;
        return;
    }
    let r = (*turn).r;
    let scaled = total * params.scale;
    let high = floor(scaled);
    let value = vec2<u32>(u32((scaled - high) * 4294967296.0), u32(high));
    for (var l = 0u; l < params.labelings; l++) {
        let at = slots[r * params.labelings + l] * params.rows + row;
        let low = sums[at].x + value.x;
        sums[at] = vec2<u32>(low, sums[at].y + value.y + u32(low < value.x));
    }
    let next = min(r + 1u, params.first_run + params.runs - 1u);
    *turn = Turn(r + 1u, runs[next].columns, 0.0);
}

@compute @workgroup_size(64)
fn distance_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    let start = row_start(params.first + row, params.features);
    //@each let x$ = rows[start + $u * TILE];
    let final_run = runs[params.first_run + params.runs - 1u];
    let last = final_run.first_pack + (final_run.columns + 3u) / 4u - 1u;
    var turn = Turn(params.first_run, runs[params.first_run].columns, 0.0);
    for (var pack = runs[params.first_run].first_pack; pack <= last; pack++) {
        let first = pack * (params.features + 1u) + 1u;
        var squared = vec4<f32>(0.0);
        // Four packs at once: a feature is loaded once for 16 columns.
        let first1 = min(pack + 1u, last) * (params.features + 1u) + 1u; //@loop
        let first2 = min(pack + 2u, last) * (params.features + 1u) + 1u; //@loop
        let first3 = min(pack + 3u, last) * (params.features + 1u) + 1u; //@loop
        var squared1 = vec4<f32>(0.0); //@loop
        var squared2 = vec4<f32>(0.0); //@loop
        var squared3 = vec4<f32>(0.0); //@loop
        for (var j = 0u; j < params.features; j++) { //@loop
            let x = vec4<f32>(rows[start + j * TILE]); //@loop
            let difference = x - packs[first + j]; //@loop
            let difference1 = x - packs[first1 + j]; //@loop
            let difference2 = x - packs[first2 + j]; //@loop
            let difference3 = x - packs[first3 + j]; //@loop
            squared = fma(difference, difference, squared); //@loop
            squared1 = fma(difference1, difference1, squared1); //@loop
            squared2 = fma(difference2, difference2, squared2); //@loop
            squared3 = fma(difference3, difference3, squared3); //@loop
        } //@loop
        //@each let difference$ = vec4<f32>(x$) - packs[first + $u];
        //@each squared = fma(difference$, difference$, squared);
        take(&turn, squared, pack, row);
        if (pack < last) { pack++; take(&turn, squared1, pack, row); } //@loop
        if (pack < last) { pack++; take(&turn, squared2, pack, row); } //@loop
        if (pack < last) { pack++; take(&turn, squared3, pack, row); } //@loop
    }
}
