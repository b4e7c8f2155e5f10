//! One pass as the device sees it: what its kernels are bound to, and their dispatches.

use super::super::GpuRows;
use super::super::buffer::{Buffer, Output, upload};
use super::super::kernel::{self, MAX_GROUPS, WORKGROUP};
use super::super::source::{MAX_ITERATIONS, iterations};
use super::super::work::ComputePass;
use super::labels::{LabelLayout, Labels};
use super::points::Points;
use super::{
    ASSIGNED, BUSY_GROUPS, BUSY_THREADS, LABELS, LIMBS, MOST_ROWS, PACKS, Params, ROUND, ROW_QUADS, ROWS,
    SETS, STEPS_PER_UNIT, SUMS, Set, TABLE, WEIGHTS, decide, products,
};
use crate::canonical::{Centroids, Certificate};
use crate::error::Result;

/// A batch of sets on the device.
pub(super) struct OnDevice {
    pub(super) sets: Output,
    pub(super) points: Output,
    pub(super) radii: Output,
    pub(super) centroids: Output,
    /// Three limbs for each centroid and column, for each digit of the weights, or once if rows have no weights.
    pub(super) sums: Vec<Output>,
    /// For each set how many rows f32 could not decide.
    pub(super) undecided: Output,
    steps: Buffer,
    pub(super) columns: usize,
    /// Words of each of the sums.
    pub(super) words: usize,
    set_count: usize,
    /// Centroids of the largest set.
    largest: usize,
    division: Division,
    shape: decide::Shape,
}

/// How the work of `accumulate` is divided among workgroups.
struct Division {
    /// The features, the number of rows, and their weight if rows have weights.
    columns: usize,
    chunk_columns: usize,
    chunk_centroids: usize,
    /// Chunks of columns x chunks of centroids.
    chunks: usize,
}

impl Division {
    fn new(features: usize, largest: usize, weighted: bool) -> Self {
        let (columns, pieces) = if weighted { (features + 2, 3) } else { (features + 1, 2) };
        let entries = TABLE / pieces;
        let widest = (entries / largest).clamp(1, columns.min(256));
        let chunk_columns = columns.div_ceil(columns.div_ceil(widest));
        let chunk_centroids = (entries / chunk_columns).min(largest);
        let chunks = columns.div_ceil(chunk_columns) * largest.div_ceil(chunk_centroids);
        Division { columns, chunk_columns, chunk_centroids, chunks }
    }

    /// Rows of a workgroup: few enough to give all of a GPU something to do, otherwise as many as are allowed.
    fn block_rows(&self, rows: usize, sets: usize) -> usize {
        let blocks = (BUSY_GROUPS / (self.chunks * sets)).max(1);
        rows.div_ceil(blocks).next_multiple_of(ROUND).min(MOST_ROWS)
    }
}

impl OnDevice {
    /// Puts a batch onto the device, with the sums that its rows are added to, if there are any yet.
    ///
    /// # Errors
    /// A software driver could not go through so many centroids.
    pub(super) fn new(
        rows: &GpuRows<'_>,
        sets: &[Centroids],
        on_device: &[Set],
        points: &Points,
        sums: Option<&[u32]>,
    ) -> Result<Self> {
        let (context, matrix) = (rows.context, rows.matrix);
        let d = matrix.features();
        let largest = sets.iter().map(Centroids::k).max().unwrap_or(1);
        products::check_iterations(context, largest, d)?;
        if context.adapter.software && iterations(largest.div_ceil(4), d) > 2 * MAX_ITERATIONS - 16 {
            let what = format!(
                "a software driver cannot go through {largest} centroids of {d} features; use the CPU"
            );
            return Err(context.failed(what));
        }
        let division = Division::new(d, largest, matrix.weights().is_some());
        let centroids: usize = sets.iter().map(Centroids::k).sum();
        let words = centroids * division.columns * LIMBS;
        let digits = rows.resident.chunks.first().map_or(1, |chunk| chunk.weights.len().max(1));
        let values: Vec<f32> = sets.iter().flat_map(|set| set.values.iter().copied()).collect();
        let steps: Vec<f32> = (0..d).map(|j| matrix.steps_per_unit(j)).collect();
        Ok(OnDevice {
            sets: Output::of(context, on_device),
            points: Output::of(context, &points.values),
            radii: Output::of(context, &points.radii),
            centroids: Output::of(context, &values),
            sums: match sums {
                Some(sums) => vec![Output::of(context, sums)],
                None => (0..digits).map(|_| Output::new(context, words)).collect(),
            },
            undecided: Output::of(context, &vec![0u32; sets.len()]),
            steps: upload(context, &steps),
            columns: division.columns,
            words,
            set_count: sets.len(),
            largest,
            division,
            shape: decide::Shape::new(context, largest, d)?,
        })
    }

    /// Records the dispatches of a pass: rows are labelled, by dot products or by distances, and those whose label has
    /// changed are added up.
    pub(super) fn record(
        &self,
        rows: &GpuRows<'_>,
        labels: &Labels,
        work: &mut ComputePass<'_>,
        dot_product: bool,
    ) {
        for (c, pass) in self.passes(rows) {
            if dot_product {
                self.assign_by_products(rows, labels, work, (c, &pass));
            } else {
                self.assign(rows, labels, work, (c, &pass));
            }
            self.decide(rows, labels, work, (c, &pass));
            self.accumulate(rows, labels, work, (c, &pass));
        }
    }

    /// The rows that are worked on together, with the number of their chunk.
    pub(super) fn passes<'a>(
        &self,
        rows: &'a GpuRows<'_>,
    ) -> impl Iterator<Item = (usize, kernel::Pass<'a>)> + use<'a> {
        let context = rows.context;
        // So many words of results a row would cut the rows as the dispatches need it.
        let words = (context.pass_bytes() as usize / 4).div_ceil(self.shape.rows_of_a_dispatch()).max(1);
        let chunks = rows.resident.chunks.iter().enumerate();
        chunks.flat_map(move |(c, chunk)| {
            kernel::passes(context, std::slice::from_ref(chunk), words).into_iter().map(move |pass| (c, pass))
        })
    }

    fn params(&self, rows: &GpuRows<'_>, layout: LabelLayout, pass: &kernel::Pass<'_>) -> Params {
        let (count, sets, d) = (pass.rows.len(), self.set_count, rows.matrix.features());
        // A thread loads its row once for all its sets. If there are few rows, their sets are spread over more threads.
        let sets_per_thread = sets.div_ceil((BUSY_THREADS / count).clamp(1, sets));
        let most = MAX_ITERATIONS / iterations(self.largest.div_ceil(4), d);
        Params {
            first: pass.rows.start as u32,
            rows: count as u32,
            features: d as u32,
            columns: self.columns as u32,
            sets: sets as u32,
            sets_per_thread: sets_per_thread.min(most).max(1) as u32,
            slot_words: layout.words(pass.chunk) as u32,
            block_rows: self.division.block_rows(count, sets) as u32,
            chunk_columns: self.division.chunk_columns as u32,
            chunk_centroids: self.division.chunk_centroids as u32,
            unused: [0; 2],
        }
    }

    fn assign(
        &self,
        rows: &GpuRows<'_>,
        labels: &Labels,
        work: &mut ComputePass<'_>,
        (c, pass): (usize, &kernel::Pass<'_>),
    ) {
        let params = self.params(rows, labels.layout, pass);
        let bindings = [
            ROWS.to(&pass.chunk.buffer),
            SETS.to(&self.sets),
            LABELS.to(&labels.chunks[c]),
            PACKS.to(&self.points),
        ];
        let groups = [
            pass.rows.len().div_ceil(WORKGROUP),
            self.set_count.div_ceil(params.sets_per_thread as usize),
            1,
        ];
        let kernel = rows.kernels.assign(rows.context, labels.layout.wide, false);
        kernel.record_in(rows.context, work, params, &bindings, groups);
    }

    fn assign_by_products(
        &self,
        rows: &GpuRows<'_>,
        labels: &Labels,
        work: &mut ComputePass<'_>,
        (c, pass): (usize, &kernel::Pass<'_>),
    ) {
        let own = (pass.rows.start, pass.rows.len(), rows.matrix.features());
        let sets = (self.set_count, self.largest);
        let words = labels.layout.words(pass.chunk);
        let params = products::Params::new(&rows.context.adapter, own, sets, words);
        let bindings = [
            products::SETS.to(&self.sets),
            products::ROW_QUADS.to(&pass.chunk.buffer),
            products::NORMS.to(&rows.norms[c]),
            products::POINTS.to(&self.points),
            products::RADII.to(&self.radii),
            products::LABELS.to(&labels.chunks[c]),
        ];
        let kernel = rows.kernels.assign(rows.context, labels.layout.wide, true);
        kernel.record_in(rows.context, work, params, &bindings, params.groups());
    }

    fn decide(
        &self,
        rows: &GpuRows<'_>,
        labels: &Labels,
        work: &mut ComputePass<'_>,
        (c, pass): (usize, &kernel::Pass<'_>),
    ) {
        let count = pass.rows.len();
        let block_rows = self.shape.block_rows(count, self.set_count);
        debug_assert!(count.div_ceil(block_rows) <= MAX_GROUPS);
        let Certificate { low, high, slack } = Certificate::new(rows.matrix.features());
        let params = decide::Params {
            first: pass.rows.start as u32,
            rows: count as u32,
            features: rows.matrix.features() as u32,
            slot_words: labels.layout.words(pass.chunk) as u32,
            block_rows: block_rows as u32,
            lanes: self.shape.lanes as u32,
            low,
            high,
            slack,
            unused: [0; 3],
        };
        let bindings = [
            decide::SETS.to(&self.sets),
            decide::ROW_BITS.to(&pass.chunk.buffer),
            decide::CENTROID_BITS.to(&self.centroids),
            decide::LABELS.to(&labels.chunks[c]),
            decide::UNDECIDED.to(&self.undecided),
        ];
        let groups = [count.div_ceil(block_rows), self.set_count, 1];
        let kernel = rows.kernels.decide(rows.context, labels.layout.wide);
        kernel.record_in(rows.context, work, params, &bindings, groups);
    }

    fn accumulate(
        &self,
        rows: &GpuRows<'_>,
        labels: &Labels,
        work: &mut ComputePass<'_>,
        (c, pass): (usize, &kernel::Pass<'_>),
    ) {
        let params = self.params(rows, labels.layout, pass);
        let groups =
            [pass.rows.len().div_ceil(params.block_rows as usize), self.division.chunks, self.set_count];
        let weighted = rows.matrix.weights().is_some();
        let kernel = rows.kernels.accumulate(rows.context, labels.layout.wide, weighted);
        // Rows are added up once for each digit of the weights.
        for (digit, sums) in self.sums.iter().enumerate() {
            let bindings = [
                SETS.to(&self.sets),
                ROW_QUADS.to(&pass.chunk.buffer),
                // Something must be bound even if there are no weights.
                pass.chunk.weights.get(digit).map_or_else(|| WEIGHTS.to(&self.steps), |w| WEIGHTS.to(w)),
                ASSIGNED.to(&labels.chunks[c]),
                STEPS_PER_UNIT.to(&self.steps),
                SUMS.to(sums),
            ];
            kernel.record_in(rows.context, work, params, &bindings, groups);
        }
    }
}
