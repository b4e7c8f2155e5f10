//! The host's side of `shaders/seeding.wgsl`: the steps of all restarts are queued, many to a submission; the host looks in
//! between only to tell how far they are.

use super::Gpu;
use super::buffer::{Buffer, Output, read_outputs, upload};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::MAX_GROUPS;
use super::source::MAX_ITERATIONS;
use crate::backend::SeedingRun;
use crate::error::Result;
use crate::matrix::coarse::{CoarseRows, Pairs};
use crate::matrix::{BLOCK, TILE};
use crate::progress::Progress;
use rayon::prelude::*;
use std::ops::Range;

/// Threads of a workgroup.
const THREADS: usize = 256;

/// Pairs of features that are in workgroup memory at a time.
const CHUNK: usize = 128;

/// Words of a restart's state before its candidates.
const STATE: usize = 3;

/// The most candidates for a centre: 16 threads of `draw` add up each.
const MOST_CANDIDATES: usize = 16;

/// The most work of one submission, in pairs of rows and points times features: a fraction of a second on a small GPU.
const SUBMISSION_WORK: usize = 1 << 33;

/// The most steps of one submission.
const MOST_STEPS: usize = 64;

/// The most bytes of the potentials of restarts that are done together.
const POTENTIAL_BYTES: u64 = 1 << 29;

shared_struct! {
    struct Params {
        rows: u32,
        quads: u32,
        pairs: u32,
        blocks: u32,
        candidates: u32,
        least_low: u32,
        least_high: u32,
        unused: u32,
    }
}

shared_struct! {
    struct Run {
        k: u32,
        trials: u32,
        first_draw: u32,
        first_centre: u32,
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
const ROWS: Binding = Binding::read::<[u32; 4]>(1, "rows");
const RUNS: Binding = Binding::read::<Run>(2, "runs");
const STATES: Binding = Binding::read::<u32>(3, "state");
const POTENTIALS: Binding = Binding::read_write::<[u32; 4]>(4, "potentials");
const SUMS: Binding = Binding::read_write::<[u32; 2]>(5, "sums");
const NEXT_STATES: Binding = Binding::read_write::<u32>(6, "next_state");
const DRAWS: Binding = Binding::read::<[u32; 2]>(7, "draws");
const CENTRES: Binding = Binding::read_write::<u32>(8, "centres");

/// Takes the newest centre into the potential, and measures the candidates for the next.
pub(super) static MEASURE: EntryPoint = EntryPoint {
    file: "seeding",
    name: "measure",
    threads: THREADS,
    params: PARAMS,
    bindings: &[ROWS, STATES, POTENTIALS, SUMS],
    overrides: &["weighted"],
    constants: &[("THREADS", THREADS), ("CHUNK", CHUNK), ("STATE", STATE), ("BLOCK_QUADS", BLOCK / 4)],
};

/// Chooses the next centre, and draws the candidates for the one after it.
pub(super) static DRAW: EntryPoint = EntryPoint {
    file: "seeding",
    name: "draw",
    threads: THREADS,
    params: PARAMS,
    bindings: &[ROWS, RUNS, STATES, POTENTIALS, SUMS, NEXT_STATES, DRAWS, CENTRES],
    overrides: &["weighted"],
    constants: &[],
};

/// Chooses the centres of every run, as [`crate::backend::Backend::kmeans_plus_plus`] says. None if the rows or the runs are
/// beyond what the kernels can take; then it is for the host.
pub(super) async fn kmeans_plus_plus(
    gpu: &Gpu,
    rows: &CoarseRows,
    runs: &[SeedingRun],
    progress: Progress<'_>,
) -> Result<Option<Vec<Vec<usize>>>> {
    let context = &gpu.context;
    let limit = context.max_binding();
    let quads = rows.norms().len() * TILE / 4;
    let bytes = 4 * (rows.norms().len() * TILE * (rows.pairs() + 2)) as u64;
    let blocks = rows.rows().div_ceil(BLOCK);
    let most = runs.iter().map(|run| run.trials).max().unwrap_or(1);
    let own = 16 * quads as u64;
    let together = (limit.min(POTENTIAL_BYTES.max(own)) / own) as usize;
    // A thread goes through its rows once for each four points.
    let iterations = (1 + most).div_ceil(4) * (BLOCK / 4 / THREADS) * (rows.pairs() + 2 * CHUNK);
    if bytes > limit
        || together == 0
        || blocks > THREADS
        || most > MOST_CANDIDATES
        || iterations > MAX_ITERATIONS
    {
        return Ok(None);
    }
    let buffer = upload(context, &interleaved(rows));
    let mut out = Vec::with_capacity(runs.len());
    let total: usize = runs.iter().map(|run| run.k).sum();
    for part in parts(runs, together.min(MAX_GROUPS), limit) {
        let before: usize = runs[..part.start].iter().map(|run| run.k).sum();
        let told = |done: usize| progress.step("seeding", (before + done) as u64, total as u64);
        let batch = Batch { gpu, rows, buffer: &buffer, runs: &runs[part], most };
        out.extend(batch.run(&told).await?);
    }
    Ok(Some(out))
}

/// Cuts the runs into parts of at most `together` whose draws fit into a binding.
fn parts(runs: &[SeedingRun], together: usize, limit: u64) -> Vec<Range<usize>> {
    let (mut out, mut start, mut draws) = (Vec::new(), 0, 0);
    for (r, run) in runs.iter().enumerate() {
        if r > start && (r - start == together || draws + 8 * run.draws.len() as u64 > limit) {
            out.push(start..r);
            (start, draws) = (r, 0);
        }
        draws += 8 * run.draws.len() as u64;
    }
    out.push(start..runs.len());
    out
}

/// The rows as the shader wants them: each tile's pairs, its sums of squares and its weights.
fn interleaved(rows: &CoarseRows) -> Vec<Pairs> {
    let pairs = rows.pairs();
    let mut out = vec![Pairs([1; TILE]); rows.norms().len() * (pairs + 2)];
    out.par_chunks_mut(pairs + 2).enumerate().with_min_len(64).for_each(|(t, tile)| {
        tile[..pairs].copy_from_slice(&rows.values()[t * pairs..][..pairs]);
        tile[pairs] = rows.norms()[t];
        if let Some(weights) = rows.weights() {
            tile[pairs + 1] = weights[t];
        }
    });
    out
}

/// Restarts that advance together.
struct Batch<'a> {
    gpu: &'a Gpu,
    rows: &'a CoarseRows,
    buffer: &'a Buffer,
    runs: &'a [SeedingRun],
    /// The most candidates of any of them.
    most: usize,
}

impl Batch<'_> {
    async fn run(&self, told: &dyn Fn(usize) -> Result<()>) -> Result<Vec<Vec<usize>>> {
        let (context, rows, runs) = (&self.gpu.context, self.rows, self.runs);
        let weighted = rows.weights().is_some();
        let kernels = self.gpu.kernels(rows.features())?;
        let (measure, draw) = (kernels.measure(context, weighted), kernels.draw(context, weighted));
        let quads = rows.norms().len() * TILE / 4;
        let blocks = rows.rows().div_ceil(BLOCK);
        let least = rows.least_potential();
        let params = Params {
            rows: rows.rows() as u32,
            quads: quads as u32,
            pairs: rows.pairs() as u32,
            blocks: blocks as u32,
            candidates: self.most as u32,
            least_low: least as u32,
            least_high: (least >> 32) as u32,
            unused: 0,
        };
        let (device_runs, centre_count) = device_runs(runs);
        let run_buffer = upload(context, &device_runs);
        let all_draws: Vec<u64> = runs.iter().flat_map(|run| run.draws.iter().copied()).collect();
        let draws = upload(context, &all_draws);
        let stride = STATE + self.most;
        let states = [Output::of(context, &self.first_state()), Output::new(context, stride * runs.len())];
        let potentials = Output::new(context, 4 * quads * runs.len());
        let sums = Output::new(context, 2 * self.most * blocks * runs.len());
        let centres = Output::new(context, centre_count);

        let longest = runs.iter().map(|run| run.k).max().unwrap_or(0);
        let step_work = rows.rows() * rows.pairs() * 2 * (1 + self.most) * runs.len();
        let steps = (SUBMISSION_WORK / step_work.max(1)).clamp(1, MOST_STEPS);
        let mut state = self.first_state();
        for start in (0..longest).step_by(steps) {
            let mut work = context.work();
            let end = longest.min(start + steps);
            {
                let mut pass = work.pass(context);
                for step in start..end {
                    let (now, next) = (&states[step % 2], &states[1 - step % 2]);
                    let bindings =
                        [ROWS.to(self.buffer), STATES.to(now), POTENTIALS.to(&potentials), SUMS.to(&sums)];
                    measure.record_in(context, &mut pass, params, &bindings, [blocks, runs.len(), 1]);
                    let bindings = [
                        ROWS.to(self.buffer),
                        RUNS.to(&run_buffer),
                        STATES.to(now),
                        POTENTIALS.to(&potentials),
                        SUMS.to(&sums),
                        NEXT_STATES.to(next),
                        DRAWS.to(&draws),
                        CENTRES.to(&centres),
                    ];
                    draw.record_in(context, &mut pass, params, &bindings, [self.most, runs.len(), 1]);
                }
            }
            let words = stride * runs.len();
            state = read_outputs(context, work, &[(&states[end % 2], words)]).await?.remove(0);
            let running = |r: usize| state[r * stride + 1] > 0;
            let done = |r: usize| if running(r) { state[r * stride] as usize } else { runs[r].k };
            told((0..runs.len()).map(done).sum())?;
            if !(0..runs.len()).any(running) {
                break;
            }
        }
        let rows: Vec<u32> = centres.read(context, centre_count).await?;
        let chosen = |(r, run): (usize, &Run)| {
            let first = run.first_centre as usize;
            rows[first..first + state[r * stride] as usize].iter().map(|&row| row as usize).collect()
        };
        Ok(device_runs.iter().enumerate().map(chosen).collect())
    }

    /// The state of each restart before its first centre: that one is its only candidate.
    fn first_state(&self) -> Vec<u32> {
        let mut out = Vec::with_capacity((STATE + self.most) * self.runs.len());
        for run in self.runs {
            let first = self.rows.row_at_weight(run.draws[0]) as u32;
            out.extend([0, 1, first, first]);
            out.resize(out.len() + self.most - 1, first);
        }
        out
    }
}

/// The runs as the shader wants them, and how many centres they have together.
fn device_runs(runs: &[SeedingRun]) -> (Vec<Run>, usize) {
    let (mut first_draw, mut first_centre) = (0, 0);
    let runs = runs.iter().map(|run| {
        let own = Run {
            k: run.k as u32,
            trials: run.trials as u32,
            first_draw: first_draw as u32,
            first_centre: first_centre as u32,
        };
        first_draw += run.draws.len();
        first_centre += run.k;
        own
    });
    let runs = runs.collect();
    (runs, first_centre)
}
