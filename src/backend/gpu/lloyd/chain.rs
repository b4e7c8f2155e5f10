//! Passes that follow each other on the device, without the host between them.
//!
//! A few passes are one submission, and the next submission is on its way before the outcome of the last one is read. A set
//! that has stopped costs next to nothing from then on. The host is asked for what is rare: an empty cluster, a shift too
//! close to the limit for f32, and packs of another form.

use super::super::GpuRows;
use super::super::buffer::{Buffer, Output, Reading, read_outputs, upload};
use super::super::kernel::MAX_GROUPS;
use super::super::work::ComputePass;
use super::labels::{LabelLayout, Labels, SetState, Sums};
use super::pass::OnDevice;
use super::points::{self, Points};
use super::renew::{self, REMEMBERED_PASSES, Walk};
use super::{LIMBS, Set, TOO_MANY, batches, take_up};
use crate::backend::{Advanced, End, LloydState, Passes};
use crate::canonical::Centroids;
use crate::error::Result;
use bytemuck::Zeroable;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A submission of more than one pass has at most about so many dispatches: a table in many pieces needs many for one pass,
/// and those for sets that have stopped are not free.
const MOST_DISPATCHES: usize = 256;

/// The passes of one submission take at most about so many multiply-adds, so that an interrupt is soon heard.
const MOST_WORK: f64 = 1e11;

/// As [`MOST_WORK`], for a software driver.
const MOST_WORK_OF_SOFTWARE: f64 = 2e9;

/// As [`Rows::lloyd_passes`](crate::backend::Rows::lloyd_passes). `None` if the host must take each pass by itself: if rows
/// have weights of more than one digit, or if two labels for each row and set do not fit into memory.
pub(in crate::backend::gpu) async fn lloyd_passes(
    rows: &GpuRows<'_>,
    sets: &mut [Centroids],
    states: &mut [LloydState],
    passes: Passes<'_>,
) -> Result<Option<Vec<Advanced>>> {
    let layout = LabelLayout::new(rows, sets.iter(), true);
    let fits = layout.slots == 2 && sets.iter().all(|set| set.k() <= MAX_GROUPS);
    // Sums of the rows times one digit of 16 bits take 31 + 16 + 32 bits at most, and fit three limbs.
    if rows.resident.chunks.iter().any(|chunk| chunk.weights.len() > 1) || !fits {
        return Ok(None);
    }
    let mut set_states: Vec<Option<SetState>> =
        sets.iter().zip(states.iter_mut()).map(|(set, state)| state.take(rows.id, set.k())).collect();
    let mut advanced: Vec<Advanced> = sets.iter().map(|_| Advanced::default()).collect();
    for range in batches(rows, sets, &set_states, layout) {
        let own = &mut sets[range.clone()];
        let (labels, set_states, seen) = take_up(rows, own, &mut set_states[range.clone()], layout);
        let mut batch = Batch { rows, sets: own, set_states, seen, labels, range: range.clone() };
        batch.walk(&passes, &mut advanced).await?;
        for (s, last) in range.zip(batch.set_states) {
            states[s].keep(rows.id, sets[s].k(), last);
        }
    }
    Ok(Some(advanced))
}

/// Sets that walk together.
struct Batch<'a> {
    rows: &'a GpuRows<'a>,
    sets: &'a mut [Centroids],
    set_states: Vec<SetState>,
    /// For each set whether it has been assigned before.
    seen: Vec<bool>,
    labels: Arc<Labels>,
    /// Where the sets stand among all sets.
    range: Range<usize>,
}

/// What the passes of a batch work with.
struct Chain {
    on_device: OnDevice,
    exponents: Buffer,
    new_bits: Output,
    shifts: Output,
    found: Output,
    walks: Output,
    /// Whether all passes but the first compare by dot products.
    dot_product: bool,
}

impl Batch<'_> {
    /// Takes passes until every set has stopped, or one waits for the host.
    async fn walk(&mut self, passes: &Passes<'_>, advanced: &mut [Advanced]) -> Result<()> {
        let own = self.range.clone();
        loop {
            let dot_product = self.set_states.iter().all(|last| last.dot_product);
            // Where f32 is exact, a pass decides everything by distances, ties included. Means are seldom so even.
            let exact = self.sets.par_iter().any(|set| points::exact(self.rows.matrix, set));
            let first = dot_product && !exact;
            let chain = self.upload(passes, &advanced[own.clone()], (first, dot_product))?;
            let mut forms = std::iter::once(first).chain(std::iter::repeat(dot_product));
            let together = self.passes_of_a_submission(&chain);
            let mut begin = || self.submit(&chain, forms.by_ref().take(together));
            let mut walks: Vec<Walk> = vec![Walk::zeroed(); self.sets.len()];
            let mut on_its_way = begin();
            let given_up = loop {
                let next = begin();
                self.hear(on_its_way, &mut walks, &mut advanced[own.clone()])?;
                on_its_way = next;
                (passes.report)(advanced)?;
                let waiting = walks.iter().any(|walk| walk.end == renew::WAITING);
                // The device says nothing of sets that had stopped before this chain.
                let stopped = |(walk, advanced): (&Walk, &Advanced)| walk.end != 0 || !advanced.goes_on();
                let all_stopped = walks.iter().zip(&advanced[own.clone()]).all(stopped);
                let given_up = dot_product && walks.iter().any(|walk| walk.end == 0 && self.doubtful(walk));
                if waiting || given_up || all_stopped {
                    break given_up;
                }
            };
            self.hear(on_its_way, &mut walks, &mut advanced[own.clone()])?;
            self.download(&chain, &walks, &mut advanced[own.clone()]).await?;
            self.set_states.iter_mut().for_each(|last| last.dot_product &= !given_up);
            (passes.report)(advanced)?;
            let waiting = walks.iter().any(|walk| walk.end == renew::WAITING);
            if waiting || !advanced[own.clone()].iter().any(Advanced::goes_on) {
                return Ok(());
            }
        }
    }

    /// Whether the last pass of a set left so many rows undecided that dot products should be given up.
    fn doubtful(&self, walk: &Walk) -> bool {
        let undecided = walk.undecided[(walk.taken as usize + REMEMBERED_PASSES - 1) % REMEMBERED_PASSES];
        undecided as usize > self.rows.matrix.rows() / TOO_MANY
    }

    /// How many passes are submitted together.
    fn passes_of_a_submission(&self, chain: &Chain) -> usize {
        let (n, d) = (self.rows.matrix.rows(), self.rows.matrix.features());
        let work = self.sets.iter().map(Centroids::k).sum::<usize>() as f64 * n as f64 * d as f64;
        let most = if self.rows.context.adapter.software { MOST_WORK_OF_SOFTWARE } else { MOST_WORK };
        let dispatches = 3 * chain.on_device.passes(self.rows).count() + 2;
        ((most / work) as usize).min(MOST_DISPATCHES / dispatches).clamp(1, REMEMBERED_PASSES)
    }

    /// Puts the sets onto the device; `advanced` says which of them go on. `forms` says whether the first pass, and all
    /// others, compare by dot products.
    fn upload(&self, passes: &Passes<'_>, advanced: &[Advanced], forms: (bool, bool)) -> Result<Chain> {
        let (context, matrix) = (self.rows.context, self.rows.matrix);
        let d = matrix.features();
        let points = Points::new(matrix, self.sets, forms.0);
        let weighted = matrix.weights().is_some();
        let mut first_sum = 0;
        let mut device_sets = Vec::with_capacity(self.sets.len());
        for (s, set) in self.sets.iter().enumerate() {
            let last = &self.set_states[s];
            // Of a new set both slots are free.
            let (old, new) = if self.seen[s] { (last.slot, 1 - last.slot) } else { (1, 0) };
            device_sets.push(Set {
                first_pack: points.sets[s].packs.start as u32,
                packs: points.sets[s].packs.len() as u32,
                first_sum,
                centroids: set.k() as u32,
                certificate: points.sets[s].certificate,
                old_slot: (2 * last.place + old) as u32,
                new_slot: (2 * last.place + new) as u32,
                ignore_old: if self.seen[s] { 0 } else { u32::MAX },
                stopped: u32::from(!advanced[s].goes_on()),
            });
            first_sum += set.k() as u32;
        }
        let sums: Vec<u32> = self.set_states.iter().flat_map(|last| last.sums.limbs(weighted)).collect();
        let own = self.sets.iter().zip(advanced).zip(&passes.most[self.range.clone()]);
        let walks = own.map(|((set, advanced), &most)| {
            let left = most.saturating_sub(advanced.f64_fallbacks.len());
            Walk::new(set.k(), d, passes.limit, left)
        });
        let walks: Vec<Walk> = walks.collect();
        let exponents: Vec<u32> = (0..d).map(|j| matrix.stored_step_exponent(j) as u32).collect();
        Ok(Chain {
            on_device: OnDevice::new(self.rows, self.sets, &device_sets, &points, Some(&sums))?,
            exponents: upload(context, &exponents),
            new_bits: Output::new(context, first_sum as usize * d),
            shifts: Output::new(context, first_sum as usize),
            found: Output::of(context, &vec![0u32; self.sets.len()]),
            walks: Output::of(context, &walks),
            dot_product: forms.1,
        })
    }

    /// Submits passes; each item says whether a pass compares by dot products. How far the sets have come follows.
    fn submit(&self, chain: &Chain, dot_products: impl Iterator<Item = bool>) -> Reading {
        let context = self.rows.context;
        let mut work = context.work();
        let mut pass = work.pass(context);
        for dot_product in dot_products {
            chain.on_device.record(self.rows, &self.labels, &mut pass, dot_product);
            self.renew(chain, &mut pass);
        }
        drop(pass);
        Reading::submit(context, work, &[(&chain.walks, self.sets.len() * size_of::<Walk>() / 4)])
    }

    /// Records the end of a pass: new centroids, and what the next pass wants.
    fn renew(&self, chain: &Chain, work: &mut ComputePass<'_>) {
        let (rows, on_device) = (self.rows, &chain.on_device);
        let params = renew::Params::new(rows.matrix.features(), chain.dot_product, on_device.columns);
        let bindings = [
            renew::SETS.to(&on_device.sets),
            renew::OLD_BITS.to(&on_device.centroids),
            renew::SUMS.to(&on_device.sums[0]),
            renew::EXPONENTS.to(&chain.exponents),
            renew::NEW_BITS.to(&chain.new_bits),
            renew::POINTS.to(&on_device.points),
            renew::RADII.to(&on_device.radii),
            renew::SHIFTS.to(&chain.shifts),
            renew::FOUND.to(&chain.found),
        ];
        let largest = self.sets.iter().map(Centroids::k).max().unwrap_or(1);
        let kernel = rows.kernels.means(rows.context, chain.dot_product);
        kernel.record_in(rows.context, work, params, &bindings, [largest, self.sets.len(), 1]);
        let bindings = [
            renew::FOUND.to(&chain.found),
            renew::RENEWED_SETS.to(&on_device.sets),
            renew::RENEWED_BITS.to(&on_device.centroids),
            renew::MOVED_BITS.to(&chain.new_bits),
            renew::CENTROID_SHIFTS.to(&chain.shifts),
            renew::UNDECIDED.to(&on_device.undecided),
            renew::WALKS.to(&chain.walks),
        ];
        let kernel = rows.kernels.renew(rows.context);
        kernel.record_in(rows.context, work, params, &bindings, [self.sets.len(), 1, 1]);
    }

    /// Waits for how far the sets have come, and notes the passes that they have taken since `walks`.
    fn hear(&self, reading: Reading, walks: &mut Vec<Walk>, advanced: &mut [Advanced]) -> Result<()> {
        let now: Vec<Walk> =
            reading.wait(self.rows.context, |parts| bytemuck::pod_collect_to_vec(parts[0]))?;
        for ((before, now), advanced) in walks.iter().zip(&now).zip(advanced) {
            let undecided = |pass: u32| u64::from(now.undecided[pass as usize % REMEMBERED_PASSES]);
            advanced.f64_fallbacks.extend((before.taken..now.taken).map(undecided));
        }
        *walks = now;
        Ok(())
    }

    /// Brings the centroids and sums of the sets that went on back, and says how each of them has ended.
    async fn download(&mut self, chain: &Chain, walks: &[Walk], advanced: &mut [Advanced]) -> Result<()> {
        let (context, d) = (self.rows.context, self.rows.matrix.features());
        let on_device = &chain.on_device;
        let centroids: usize = self.sets.iter().map(Centroids::k).sum();
        let mut parts = vec![(&on_device.centroids, centroids * d), (&on_device.sums[0], on_device.words)];
        if context.options.guards {
            // So that the words around them are looked at.
            let others = [&on_device.sets, &on_device.points, &on_device.radii, &on_device.undecided];
            let own = [&chain.new_bits, &chain.shifts, &chain.found];
            parts.extend(others.into_iter().chain(own).map(|output| (output, 0)));
        }
        let read = read_outputs(context, context.work(), &parts).await?;
        let words = on_device.columns * LIMBS;
        let mut first = 0;
        for (s, walk) in walks.iter().enumerate() {
            let own = first..first + self.sets[s].k();
            first = own.end;
            if !advanced[s].goes_on() {
                continue;
            }
            let values = &mut self.sets[s].values;
            let bits = &read[0][own.start * d..own.end * d];
            values.iter_mut().zip(bits).for_each(|(value, &bits)| *value = f32::from_bits(bits));
            let last = &mut self.set_states[s];
            last.sums = Sums::zero(&self.sets[s]);
            last.sums.add(&read[1][own.start * words..own.end * words], on_device.columns, d, 0);
            // A set that waits has been assigned once more than it has moved. Each time its slots have swapped places, but
            // a new set's first labels are in slot 0, where `slot` already points.
            let passes = walk.taken as usize + usize::from(walk.end == renew::WAITING);
            last.slot = (last.slot + passes - usize::from(!self.seen[s])) % 2;
            self.seen[s] = true;
            let undecided = walk.undecided[(passes - 1) % REMEMBERED_PASSES];
            let pass = last.sums.assigned(undecided.into());
            advanced[s].end = match walk.end {
                renew::UNCHANGED => Some(End::Converged { changed: false, pass }),
                renew::CONVERGED => Some(End::Converged { changed: true, pass }),
                renew::SPENT => Some(End::Spent),
                renew::WAITING => Some(End::Waiting(pass)),
                _ => None,
            };
        }
        Ok(())
    }
}
