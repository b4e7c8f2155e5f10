//! The host's side of the pair loop (`shaders/pairs.wgsl`): tiles of 128 places, which rows are gathered into on the
//! device, the form that the distances take, and how much of the loop one dispatch does.

use super::GpuRows;
use super::buffer::{Buffer, Output, Reading, upload};
use super::context::Context;
use super::distance_sums::{GATHER, Params};
use super::interface::{Binding, shared_struct};
use super::kernel::MAX_GROUPS;
use super::source::chunk;
use crate::error::Result;
use crate::matrix::Matrix;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Places of a tile.
pub(super) const SPAN: usize = 128;

/// Threads of a workgroup of the pair loop.
pub(super) const THREADS: usize = 256;

/// A place that no row is put in.
const NONE: u32 = u32::MAX;

/// The most tiles that are gathered at once: so many workgroups of 64 places fit a dispatch.
pub(super) const MOST_TILES: usize = MAX_GROUPS * 64 / SPAN;

/// One thread of `gather` moves so many features, unless it needs all of them for a norm.
const GATHERED: usize = 256;

shared_struct! {
    /// A row that is put in a place, and the number of copies that it stands for.
    pub(super) struct Source {
        row: u32,
        copies: f32,
    }
}

impl Source {
    pub(super) const PADDING: Source = Source { row: NONE, copies: 0.0 };

    /// The row, if it is not padding.
    pub(super) fn row(&self) -> Option<u32> {
        (self.row != NONE).then_some(self.row)
    }

    pub(super) fn new(matrix: &Matrix, row: u32) -> Self {
        Source { row, copies: matrix.copies(row as usize) as f32 }
    }
}

const CENTRE: Binding = Binding::read::<f32>(3, "centre");
const TABLE: Binding = Binding::read::<f32>(8, "table");
const SOURCES: Binding = Binding::read::<Source>(9, "sources");
const GATHERED_TILES: Binding = Binding::read_write::<f32>(10, "gathered");

/// The bindings of `gather`.
pub(super) const GATHER_BINDINGS: &[Binding] = &[CENTRE, TABLE, SOURCES, GATHERED_TILES];

/// How the distances of a table's rows are computed.
pub(super) struct Form {
    /// By differences, not by products.
    pub(super) direct: bool,
    /// Chunks of features, and the features with their padding.
    pub(super) chunks: usize,
    pub(super) wide: usize,
    /// What the products refer to, for each feature.
    pub(super) centre: Buffer,
}

/// How many rows give the centre, and how many pairs show whether products will do.
const TRIED_ROWS: usize = 1024;
const TRIED_PAIRS: usize = 2048;

/// More near pairs than one in so many cost more than differences for all pairs.
const FEW: usize = 400;

/// A pair whose squared distance is a smaller share of the squared distances from the centre is measured again; the shader
/// has the same number.
const NEAR: f64 = 1.0 / 64.0;

impl Form {
    /// `products` says whether the products may be used at all.
    pub(super) fn new(context: &Context, matrix: &Matrix, products: bool) -> Self {
        let chunk = chunk(matrix.features(), context.adapter.workgroup_memory);
        let wide = matrix.features().next_multiple_of(chunk);
        let mut centre = vec![0f32; wide];
        let mut direct = true;
        if products && matrix.rows() > 1 {
            let mean = sampled_mean(matrix);
            direct = sampled_near_pairs(matrix, &mean) > TRIED_PAIRS / FEW;
            if !direct {
                centre[..mean.len()].copy_from_slice(&mean);
            }
        }
        Form { direct, chunks: wide / chunk, wide, centre: upload(context, &centre) }
    }

    /// The u32 words of a tile: the features, the norms and the copies.
    pub(super) fn tile_words(&self) -> usize {
        (self.wide + 2) * SPAN
    }
}

/// The mean of some of the rows, evenly spaced.
fn sampled_mean(matrix: &Matrix) -> Vec<f32> {
    let step = matrix.rows().div_ceil(TRIED_ROWS);
    let mut sums = vec![0f64; matrix.features()];
    for i in (0..matrix.rows()).step_by(step) {
        sums.iter_mut().zip(matrix.row(i)).for_each(|(sum, value)| *sum += f64::from(value));
    }
    let count = matrix.rows().div_ceil(step) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// How many of some pairs of rows are too near for products about `centre`.
fn sampled_near_pairs(matrix: &Matrix, centre: &[f32]) -> usize {
    let n = matrix.rows();
    let near = |pair: usize| {
        let a = pair.wrapping_mul(0x9e37_79b9) % n;
        let b = (a + 1 + pair.wrapping_mul(0x85eb_ca6b) % (n - 1)) % n;
        let (mut apart, mut from_centre) = (0f64, 0f64);
        for ((x, y), &m) in matrix.row(a).zip(matrix.row(b)).zip(centre) {
            let (x, y, m) = (f64::from(x), f64::from(y), f64::from(m));
            apart += (x - y) * (x - y);
            from_centre += (x - m) * (x - m) + (y - m) * (y - m);
        }
        apart < NEAR * from_centre
    };
    (0..TRIED_PAIRS).into_par_iter().filter(|&pair| near(pair)).count()
}

/// Puts rows of the table into tiles on the device. There are whole tiles of sources, at most [`MOST_TILES`].
pub(super) fn gather(rows: &GpuRows<'_>, form: &Form, sources: &[Source]) -> Result<Output> {
    let context = rows.context;
    let tiles = Output::new(context, sources.len() / SPAN * form.tile_words());
    let places = upload(context, sources);
    // A norm is the sum over all features.
    let features_per_thread = if form.direct { GATHERED } else { form.wide };
    for chunk in &rows.resident.chunks {
        let params = Params {
            rows: chunk.rows as u32,
            first_row: chunk.first as u32,
            features_per_thread: features_per_thread as u32,
            features: rows.matrix.features() as u32,
            chunks: form.chunks as u32,
            places: sources.len() as u32,
            ..bytemuck::Zeroable::zeroed()
        };
        let bindings = [
            CENTRE.to(&form.centre),
            TABLE.to(&chunk.buffer),
            SOURCES.to(&places),
            GATHERED_TILES.to(&tiles),
        ];
        let groups = [sources.len().div_ceil(GATHER.threads), form.wide.div_ceil(features_per_thread), 1];
        rows.kernels.gather(context).dispatch(context, params, &bindings, groups);
    }
    if context.options.guards {
        Reading::submit(context, context.work(), &[(&tiles, 0)]).wait(context, |_| ())?;
    }
    Ok(tiles)
}

/// The work of the first dispatch, in pairs of rows times features: a fraction of a second on a small GPU.
const FIRST_WORK: f64 = 4.0e9;

/// How long a dispatch should take. Windows resets a GPU that does not answer for 2 seconds.
const DISPATCH_TIME: f64 = 0.15;

/// How much work a dispatch does: from the first one on, what the last one's time suggests.
pub(super) struct Pace {
    work: f64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Pace { work: FIRST_WORK }
    }

    /// How many steps of `work` pairs times features the next dispatch should do.
    pub(super) fn steps(&self, work: usize) -> usize {
        ((self.work / work as f64) as usize).max(1)
    }

    /// Waits for a dispatch of `work`, which was submitted at `start`.
    pub(super) fn wait(&mut self, context: &Context, work: f64, start: Instant) -> Result<()> {
        context.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| context.failed(e))?;
        context.check()?;
        self.learn(work, start.elapsed());
        Ok(())
    }

    fn learn(&mut self, work: f64, took: Duration) {
        let wanted = work * DISPATCH_TIME / took.as_secs_f64().max(1e-6);
        self.work = wanted.clamp(self.work / 8.0, self.work * 8.0).max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shader_and_host_call_the_same_pairs_near() {
        let shader = crate::backend::gpu::source::source("pairs", 5, 32 << 10);
        assert!(shader.contains(&format!("const NEAR: f32 = {NEAR};")));
    }

    #[test]
    fn the_pace_follows_the_device() {
        for rate in [1e9, 6e10, 1e13] {
            let mut pace = Pace::new();
            let mut longest = 0f64;
            for _ in 0..10 {
                let took = pace.work / rate;
                longest = longest.max(took);
                pace.learn(pace.work, Duration::from_secs_f64(took));
            }
            assert!((pace.work / rate - DISPATCH_TIME).abs() < 0.01, "{rate}");
            assert!(longest <= DISPATCH_TIME.max(FIRST_WORK / rate) + 0.01, "{rate}: {longest}");
        }
    }
}
