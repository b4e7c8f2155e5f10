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
    // In packs of four columns.
    first_pack: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
// Feature j of four columns, pack after pack; the last pack of a run is padded.
@group(0) @binding(2) var<storage, read> packs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> runs: array<Run>;
// For each run and labeling the slot that the run adds to.
@group(0) @binding(4) var<storage, read> slots: array<u32>;
// Low and high limb; entry slot * params.rows + row. Each row belongs to one thread.
@group(0) @binding(5) var<storage, read_write> sums: array<vec2<u32>>;

@compute @workgroup_size(64)
fn distance_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    let start = row_start(params.first + row, params.features);
    //@each let x$ = rows[start + $u * TILE];
    for (var r = params.first_run; r < params.first_run + params.runs; r++) {
        let run = runs[r];
        var total = 0.0;
        for (var p = 0u; p * 4u < run.columns; p++) {
            var squared = vec4<f32>(0.0);
            let first = (run.first_pack + p) * params.features;
            for (var j = 0u; j < params.features; j++) { //@loop
                let difference = vec4<f32>(rows[start + j * TILE]) - packs[first + j]; //@loop
                squared = fma(difference, difference, squared); //@loop
            } //@loop
            //@each let difference$ = vec4<f32>(x$) - packs[first + $u];
            //@each squared = fma(difference$, difference$, squared);
            let alive = vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(p * 4u) < vec4<u32>(run.columns);
            total += dot(select(vec4<f32>(0.0), sqrt(squared), alive), vec4<f32>(1.0));
        }
        let scaled = total * params.scale;
        let high = floor(scaled);
        let value = vec2<u32>(u32((scaled - high) * 4294967296.0), u32(high));
        for (var l = 0u; l < params.labelings; l++) {
            let at = slots[r * params.labelings + l] * params.rows + row;
            let low = sums[at].x + value.x;
            sums[at] = vec2<u32>(low, sums[at].y + value.y + u32(low < value.x));
        }
    }
}
