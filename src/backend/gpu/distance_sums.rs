//! The host's side of `shaders/distance_sums.wgsl`.
//!
//! The rows are sorted by their joint label and gathered into tiles. If the sums of all rows fit the device, each pair is
//! measured once, for both rows. Otherwise some rows at a time are compared with all others.

mod tiles;

use super::GpuRows;
use super::buffer::{Buffer, Output, Reading, upload};
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{MAX_GROUPS, WORKGROUP};
use super::pairs::{Form, GATHER_BINDINGS, MOST_TILES, Pace, SPAN, Source, THREADS, gather};
use super::source::MAX_ITERATIONS;
use crate::backend::host::joint_labels::groups;
use crate::backend::{Labeling, SumsSink};
use crate::error::Result;
use crate::matrix::{Matrix, TILE};
use crate::progress::Progress;
use rayon::prelude::*;
use std::ops::Range;
use std::time::Instant;
use tiles::{Room, Segment, Tiles, arrange};

/// The sums of all rows may take so many times the memory of the rows, or [`SMALL`] bytes if that is more.
const ROOM: usize = 8;
const SMALL: usize = 256 << 20;

/// Sums come back in pieces of so many bytes: one is on its way while the one before it is handed over.
const PIECE: usize = 8 << 20;

/// The sums of so many rows go to the sink at once.
const HANDED: usize = 512;

/// After so many tiles, in which a thread adds up 64 distances in f32, sums become whole numbers; after each one where a tile
/// is much work.
const TILES_PER_SUM: usize = 8;

/// A dispatch is cut into about so many workgroups, at least.
const GROUPS: usize = 4096;

shared_struct! {
    pub(super) struct Params {
        pub(super) rows: u32,
        pub(super) first_row: u32,
        pub(super) features_per_thread: u32,
        pub(super) features: u32,
        pub(super) chunks: u32,
        pub(super) labelings: u32,
        pub(super) tiles: u32,
        pub(super) first: u32,
        pub(super) end: u32,
        pub(super) tiles_per_slice: u32,
        pub(super) half: u32,
        pub(super) tiles_per_sum: u32,
        pub(super) places: u32,
        pub(super) scale: f32,
        pub(super) slots: u32,
        pub(super) unused: u32,
    }
}

const ROWS: Binding = Binding::read::<[f32; 4]>(1, "rows");
const COLUMNS: Binding = Binding::read::<[f32; 4]>(2, "columns");
const CENTRE: Binding = Binding::read::<f32>(3, "centre");
const FIRST_SEGMENTS: Binding = Binding::read::<u32>(4, "first_segments");
const SEGMENTS: Binding = Binding::read::<Segment>(5, "segments");
const SLOTS: Binding = Binding::read::<u32>(6, "slots");
const SUMS: Binding = Binding::read_write::<u32>(7, "sums");
const ROW_PLACES: Binding = Binding::read::<u32>(11, "row_places");
const COLLECTED: Binding = Binding::read_write::<[u32; 2]>(12, "collected");

/// The entry points of `shaders/distance_sums.wgsl`.
pub(super) static DISTANCE_SUMS: EntryPoint = EntryPoint {
    file: "distance_sums",
    name: "distance_sums",
    threads: THREADS,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[ROWS, COLUMNS, CENTRE, FIRST_SEGMENTS, SEGMENTS, SLOTS, SUMS],
    overrides: &["direct", "once"],
    constants: &[("SPAN", SPAN), ("TILE", TILE)],
};

pub(super) static GATHER: EntryPoint = EntryPoint {
    file: "distance_sums",
    name: "gather",
    threads: WORKGROUP,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: GATHER_BINDINGS,
    overrides: &[],
    constants: &[("SPAN", SPAN), ("TILE", TILE), ("NONE", u32::MAX as usize)],
};

pub(super) static COLLECT: EntryPoint = EntryPoint {
    file: "distance_sums",
    name: "collect",
    threads: WORKGROUP,
    params: Binding::uniform::<Params>(0, "params"),
    bindings: &[SUMS, ROW_PLACES, COLLECTED],
    overrides: &[],
    constants: &[],
};

/// Tiles of columns on the device.
struct Columns {
    tiles: Output,
    first_segments: Buffer,
    segments: Buffer,
    slots: Buffer,
    count: usize,
}

impl Columns {
    fn upload(rows: &GpuRows<'_>, form: &Form, tiles: &Tiles) -> Result<Self> {
        Ok(Columns {
            tiles: gather(rows, form, &tiles.sources)?,
            first_segments: upload(rows.context, &tiles.first_segments),
            segments: upload(rows.context, &tiles.segments),
            slots: upload(rows.context, &tiles.slots),
            count: tiles.count(),
        })
    }
}

/// A call, on its way.
struct Job<'a> {
    rows: &'a GpuRows<'a>,
    form: Form,
    labelings: usize,
    width: usize,
    /// The loop iterations of a thread for one tile, at most.
    iterations: usize,
    /// The unit of a sum's high limb.
    unit: f64,
    progress: Progress<'a>,
    pace: Pace,
    /// Pairs of tiles: done, and all of them.
    done: u64,
    total: u64,
}

pub(super) async fn distance_sums(
    rows: &GpuRows<'_>,
    labelings: &[Labeling<'_>],
    progress: Progress<'_>,
    sink: SumsSink<'_>,
) -> Result<()> {
    let (context, matrix) = (rows.context, rows.matrix);
    let width: usize = labelings.iter().map(|l| l.k).sum();
    // Each segment is gone through for the rows and for the columns, with a loop over 16 threads' results and one over the
    // labelings.
    let per_segment = 2 * (18 + labelings.len());
    let segments = (MAX_ITERATIONS / 4 / per_segment).clamp(1, SPAN);
    let wide = matrix.features().next_multiple_of(SPAN);
    let again = 16 * wide;
    let products = again + segments * per_segment + wide <= MAX_ITERATIONS;
    let form = Form::new(context, matrix, products);
    let again = if form.direct { 0 } else { 16 * form.wide };
    let most = context.max_binding() as usize;
    let room = Room {
        tiles: (most / (4 * form.tile_words())).clamp(1, MOST_TILES),
        segments: most / 16,
        slots: most / 4,
        segments_of_a_tile: segments,
    };
    let (order, groups) = groups(matrix.rows(), labelings);
    let parts = arrange(matrix, labelings, &order, &groups, &room);
    let busiest = parts.iter().map(Tiles::most_segments).max().unwrap_or(1);
    let mut job = Job {
        rows,
        labelings: labelings.len(),
        width,
        iterations: 1 + form.chunks + again + busiest * per_segment,
        unit: limb_unit(matrix),
        progress,
        pace: Pace::new(),
        done: 0,
        total: 0,
        form,
    };
    match &parts[..] {
        [all] if job.fits(all) => job.each_pair_once(all, sink),
        _ => job.each_row(&order, &parts, sink),
    }
}

impl Job<'_> {
    /// Whether the sums of all rows may be on the device together.
    fn fits(&self, all: &Tiles) -> bool {
        let (context, matrix) = (self.rows.context, self.rows.matrix);
        let bytes = 8 * self.width * all.sources.len();
        let own = 4 * matrix.rows() * matrix.features();
        bytes <= (ROOM * own).max(SMALL)
            && bytes as u64 <= context.max_binding()
            && context.options.pass_bytes.is_none_or(|most| bytes as u64 <= most)
    }

    fn each_pair_once(&mut self, all: &Tiles, sink: SumsSink<'_>) -> Result<()> {
        let columns = Columns::upload(self.rows, &self.form, all)?;
        let mut place_of = vec![0u32; self.rows.matrix.rows()];
        for (place, source) in all.sources.iter().enumerate() {
            if let Some(to) = source.row().and_then(|row| place_of.get_mut(row as usize)) {
                *to = place as u32;
            }
        }
        // The tiles form a circle. Each meets itself and the half of the others that follow it.
        let tiles = all.count();
        self.total = (tiles / 2 + 1) as u64 * tiles as u64;
        let half = if tiles.is_multiple_of(2) { tiles / 2 } else { 0 };
        let sums = self.meet(&columns.tiles, tiles, &columns, 0..tiles / 2 + 1, Some(half), None)?;
        self.hand_over(&sums, all.sources.len(), &place_of, 0, sink)
    }

    fn each_row(&mut self, order: &[u32], parts: &[Tiles], sink: SumsSink<'_>) -> Result<()> {
        let (context, matrix) = (self.rows.context, self.rows.matrix);
        let columns = parts.iter().map(|tiles| Columns::upload(self.rows, &self.form, tiles));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut rank = vec![0u32; order.len()];
        order.iter().enumerate().for_each(|(at, &row)| rank[row as usize] = at as u32);
        let most = (context.max_binding() as usize / (4 * self.form.tile_words())).clamp(1, MOST_TILES);
        let tiles = (context.pass_bytes() as usize / (8 * self.width.max(1) * SPAN)).clamp(1, most);
        let passes: Vec<Range<usize>> = (0..matrix.rows())
            .step_by(tiles * SPAN)
            .map(|start| start..matrix.rows().min(start + tiles * SPAN))
            .collect();
        let all: usize = columns.iter().map(|part| part.count).sum();
        self.total = passes.iter().map(|pass| (pass.len().div_ceil(SPAN) * all) as u64).sum();
        for pass in passes {
            // Rows of one joint label lie near each other, so that their products lose fewer bits.
            let mut own: Vec<u32> = (pass.start as u32..pass.end as u32).collect();
            own.par_sort_unstable_by_key(|&row| rank[row as usize]);
            let mut place_of = vec![0u32; own.len()];
            own.iter()
                .enumerate()
                .for_each(|(place, &row)| place_of[row as usize - pass.start] = place as u32);
            let mut sources: Vec<Source> = own.iter().map(|&row| Source::new(matrix, row)).collect();
            sources.resize(sources.len().next_multiple_of(SPAN), Source::PADDING);
            let own = gather(self.rows, &self.form, &sources)?;
            let mut sums = None;
            for part in &columns {
                let count = sources.len() / SPAN;
                sums = Some(self.meet(&own, count, part, 0..part.count, None, sums)?);
            }
            if let Some(sums) = sums {
                self.hand_over(&sums, sources.len(), &place_of, pass.start, sink)?;
            }
        }
        Ok(())
    }

    /// Compares tiles of rows with tiles of columns, and adds to the sums. `half` is given if each pair is measured once.
    fn meet(
        &mut self,
        own: &Output,
        row_tiles: usize,
        columns: &Columns,
        range: Range<usize>,
        half: Option<usize>,
        sums: Option<Output>,
    ) -> Result<Output> {
        let context = self.rows.context;
        let sums = sums.unwrap_or_else(|| {
            let words = 2 * self.width * row_tiles * SPAN;
            let sums = Output::new(context, words);
            sums.clear(context, words);
            sums
        });
        let kernel = self.rows.kernels.distance_sums(context, self.form.direct, half.is_some());
        // A step is one tile of columns for every tile of rows.
        let work = row_tiles * SPAN * SPAN * self.form.wide;
        let together = if self.iterations * TILES_PER_SUM <= MAX_ITERATIONS && work < 1 << 31 {
            TILES_PER_SUM
        } else {
            1
        };
        let most = (MAX_ITERATIONS / self.iterations / together).max(1) * together;
        let mut first = range.start;
        while first < range.end {
            let steps = self.pace.steps(work).next_multiple_of(together).min(range.end - first);
            let slices = GROUPS.div_ceil(row_tiles).clamp(1, steps.div_ceil(together));
            let per_slice = steps.div_ceil(slices).next_multiple_of(together).min(most);
            let params = Params {
                chunks: self.form.chunks as u32,
                labelings: self.labelings as u32,
                tiles: columns.count as u32,
                first: first as u32,
                end: (first + steps) as u32,
                tiles_per_slice: per_slice as u32,
                half: half.unwrap_or(0) as u32,
                tiles_per_sum: together as u32,
                places: (row_tiles * SPAN) as u32,
                scale: (1.0 / self.unit) as f32,
                ..bytemuck::Zeroable::zeroed()
            };
            let bindings = [
                ROWS.to(own),
                COLUMNS.to(&columns.tiles),
                CENTRE.to(&self.form.centre),
                FIRST_SEGMENTS.to(&columns.first_segments),
                SEGMENTS.to(&columns.segments),
                SLOTS.to(&columns.slots),
                SUMS.to(&sums),
            ];
            let start = Instant::now();
            kernel.dispatch(context, params, &bindings, [row_tiles, steps.div_ceil(per_slice), 1]);
            self.pace.wait(context, work as f64 * steps as f64, start)?;
            first += steps;
            self.done += (row_tiles * steps) as u64;
            self.progress.step("silhouette", self.done, self.total)?;
        }
        Ok(sums)
    }

    /// Gives the sums of the rows from `first` on to the sink. `place_of` has the place of each.
    fn hand_over(
        &self,
        sums: &Output,
        places: usize,
        place_of: &[u32],
        first: usize,
        sink: SumsSink<'_>,
    ) -> Result<()> {
        let context = self.rows.context;
        let device_places = upload(context, place_of);
        let most = PIECE.min(context.pass_bytes() as usize) / (8 * self.width.max(1));
        let submit = |rows: Range<usize>| {
            let collected = Output::new(context, 2 * self.width * rows.len());
            let params = Params {
                rows: rows.len() as u32,
                first_row: rows.start as u32,
                places: places as u32,
                slots: self.width as u32,
                ..bytemuck::Zeroable::zeroed()
            };
            let bindings = [SUMS.to(sums), ROW_PLACES.to(&device_places), COLLECTED.to(&collected)];
            let groups = [rows.len().div_ceil(WORKGROUP), self.width.min(MAX_GROUPS), 1];
            let mut work = context.work();
            self.rows.kernels.collect(context).record(context, &mut work, params, &bindings, groups);
            // The guards of the sums are checked as well.
            let parts = [(&collected, 2 * self.width * rows.len()), (sums, 0)];
            (rows, Reading::submit(context, work, &parts))
        };
        let most = most.clamp(1, MAX_GROUPS * WORKGROUP);
        let mut pieces = (0..place_of.len()).step_by(most).map(|s| s..place_of.len().min(s + most));
        let mut now = pieces.next().map(submit);
        while let Some((rows, reading)) = now {
            now = pieces.next().map(submit);
            reading.wait(context, |parts| self.hand_over_piece(parts[0], first + rows.start, sink))??;
        }
        Ok(())
    }

    /// Gives the sums of the rows from `first` on to the sink. `limbs` has them row by row.
    fn hand_over_piece(&self, limbs: &[u32], first: usize, sink: SumsSink<'_>) -> Result<()> {
        let matrix = self.rows.matrix;
        let value = |limbs: &[u32; 2]| {
            matrix.to_user((f64::from(limbs[0]) + f64::from(limbs[1]) / 4294967296.0) * self.unit)
        };
        let handed = (2 * self.width * HANDED).max(2);
        let mut next = first;
        for wave in limbs.chunks(4 * handed * rayon::current_num_threads()) {
            let convert = |limbs: &[u32]| limbs.as_chunks().0.iter().map(value).collect();
            let outs: Vec<Vec<f64>> = wave.par_chunks(handed).map(convert).collect();
            for out in outs {
                let count = out.len() / self.width;
                sink(next..next + count, &out)?;
                next += count;
            }
        }
        Ok(())
    }
}

/// The unit of a sum's high limb, in stored units: a power of two, so large that no sum over all rows exceeds 2^31 of
/// them.
fn limb_unit(matrix: &Matrix) -> f64 {
    let most = matrix.largest_distance() * matrix.total_copies().max(1.0);
    if most > 0.0 { libm::ldexp(1.0, libm::frexp(most).1 - 30) } else { 1.0 }
}
