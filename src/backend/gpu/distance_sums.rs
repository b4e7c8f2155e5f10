//! The host's side of `shaders/distance_sums.wgsl`: the columns are sorted and packed once, then the rows go past them in
//! passes.

use super::GpuRows;
use super::buffer::{Buffer, Output, upload};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{WORKGROUP, passes, pieces};
use super::source::{MAX_ITERATIONS, iterations};
use crate::backend::host::joint_labels::{runs, slots};
use crate::backend::{Labeling, SumsSink};
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use crate::progress::Progress;
use std::ops::Range;

/// The most work of one dispatch, in pairs of rows times features: a fraction of a second on a small GPU.
const DISPATCH_WORK: usize = 1 << 32;

shared_struct! {
    struct Params {
        first: u32,
        rows: u32,
        features: u32,
        labelings: u32,
        first_run: u32,
        runs: u32,
        scale: f32,
        unused: u32,
    }
}

shared_struct! {
    struct Run {
        first_pack: u32,
        columns: u32,
    }
}

const ROWS: Binding = Binding::read::<f32>(1, "rows");
const PACKS: Binding = Binding::read::<[f32; 4]>(2, "packs");
const RUNS: Binding = Binding::read::<Run>(3, "runs");
const SLOTS: Binding = Binding::read::<u32>(4, "slots");
const SUMS: Binding = Binding::read_write::<[u32; 2]>(5, "sums");

/// The entry point of `shaders/distance_sums.wgsl`.
pub(super) static DISTANCE_SUMS: EntryPoint = EntryPoint {
    file: "distance_sums",
    name: "distance_sums",
    threads: WORKGROUP,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[ROWS, PACKS, RUNS, SLOTS, SUMS],
    overrides: &[],
    constants: &[("TILE", TILE)],
};

/// Runs of columns on the device, as many as fit into one binding.
struct Columns {
    packs: Buffer,
    runs: Buffer,
    slots: Buffer,
    count: usize,
}

pub(super) async fn distance_sums(
    rows: &GpuRows<'_>,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
    sink: SumsSink<'_>,
) -> Result<()> {
    let (context, matrix) = (rows.context, rows.matrix);
    let width: usize = labelings.iter().map(|l| l.k).sum();
    let columns = upload_columns(rows, labelings);
    context.check()?;
    let unit = limb_unit(matrix);
    for pass in passes(context, &rows.resident.chunks, 2 * width) {
        let count = pass.rows.len();
        let sums = Output::new(context, 2 * width * count);
        sums.clear(context, 2 * width * count);
        for part in &columns {
            // A run has at most 64 columns, which are 16 packs.
            let per_run = iterations(16, matrix.features()) + labelings.len();
            let most = (DISPATCH_WORK / (64 * matrix.features() * count)).min(MAX_ITERATIONS / per_run);
            for piece in pieces(part.count, most) {
                let params = Params {
                    first: pass.rows.start as u32,
                    rows: count as u32,
                    features: matrix.features() as u32,
                    labelings: labelings.len() as u32,
                    first_run: piece.start as u32,
                    runs: piece.len() as u32,
                    scale: (1.0 / unit) as f32,
                    unused: 0,
                };
                let bindings = [
                    ROWS.to(&pass.chunk.buffer),
                    PACKS.to(&part.packs),
                    RUNS.to(&part.runs),
                    SLOTS.to(&part.slots),
                    SUMS.to(&sums),
                ];
                rows.kernels.distance_sums(context).dispatch(
                    context,
                    params,
                    &bindings,
                    [count.div_ceil(WORKGROUP), 1, 1],
                );
            }
        }
        let sums: Vec<[u32; 2]> = sums.read(context, width * count).await?;
        let mut by_row = vec![0f64; width * count];
        for (slot, sums) in sums.chunks_exact(count).enumerate() {
            for (r, &[low, high]) in sums.iter().enumerate() {
                let value = (f64::from(high) + f64::from(low) / 4294967296.0) * unit;
                by_row[r * width + slot] = matrix.to_user(value);
            }
        }
        sink(pass.numbers(), &by_row)?;
        progress.step("silhouette", pass.numbers().end as u64, matrix.rows() as u64)?;
    }
    Ok(())
}

/// The unit of a sum's high limb, in stored units: a power of two, so large that no sum over all rows exceeds 2^31 of
/// them.
fn limb_unit(matrix: &Matrix) -> f64 {
    let most = matrix.largest_distance() * matrix.total_copies().max(1.0);
    if most > 0.0 { libm::ldexp(1.0, libm::frexp(most).1 - 30) } else { 1.0 }
}

fn upload_columns(rows: &GpuRows<'_>, labelings: &[Labeling<'_>]) -> Vec<Columns> {
    let (context, matrix) = (rows.context, rows.matrix);
    let d = matrix.features();
    let (order, cuts) = runs(matrix.rows(), labelings);
    let most = context.max_binding() as usize / (16 * (d + 1).max(labelings.len()));
    let mut columns = Vec::new();
    let mut start = 0;
    while start < cuts.len() {
        let mut packs = 0;
        let end = start
            + cuts[start..]
                .iter()
                .take_while(|cut| {
                    packs += cut.len().div_ceil(4);
                    packs <= most
                })
                .count()
                .max(1);
        columns.push(upload_runs(rows, labelings, &order, &cuts[start..end]));
        start = end;
    }
    columns
}

fn upload_runs(
    rows: &GpuRows<'_>,
    labelings: &[Labeling<'_>],
    order: &[u32],
    cuts: &[Range<usize>],
) -> Columns {
    let (context, matrix) = (rows.context, rows.matrix);
    let (mut packs, mut runs, mut adds) = (Vec::<[f32; 4]>::new(), Vec::new(), Vec::new());
    for cut in cuts {
        runs.push(Run {
            first_pack: (packs.len() / (matrix.features() + 1)) as u32,
            columns: cut.len() as u32,
        });
        adds.extend(slots(labelings, order[cut.start] as usize));
        for pack in order[cut.clone()].chunks(4) {
            let mut points =
                [0, 1, 2, 3].map(|i| matrix.row(pack.get(i).copied().unwrap_or(pack[0]) as usize));
            // The columns that fill up the last pack stand for no copies.
            packs.push(
                [0, 1, 2, 3].map(|i| pack.get(i).map_or(0.0, |&row| matrix.copies(row as usize) as f32)),
            );
            for _ in 0..matrix.features() {
                packs.push([0, 1, 2, 3].map(|i| points[i].next().unwrap_or(0.0)));
            }
        }
    }
    Columns {
        count: runs.len(),
        packs: upload(context, &packs),
        runs: upload(context, &runs),
        slots: upload(context, &adds),
    }
}
