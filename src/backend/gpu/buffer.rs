//! Memory on the device: uploads, outputs between guards, and what comes back.

use super::context::Context;
use super::pool::{Pooled, Use};
use super::work::Work;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, TILE};
use bytemuck::Pod;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;

/// Guard bytes before and after an output: a multiple of every alignment that a device can require of an offset.
const GUARD: u64 = 256;

/// With [`Options::guards`](super::Options::guards), guards and new outputs are filled with this byte.
const POISON: u8 = 0xa5;

/// A buffer on the device. A clone is the same buffer; when the last one is dropped, it returns to the pool.
#[derive(Clone)]
pub(super) struct Buffer {
    pooled: Arc<Pooled>,
    bytes: u64,
}

impl Buffer {
    /// A buffer of so many bytes, whatever they contain.
    pub(super) fn new(context: &Context, of: Use, bytes: u64) -> Self {
        Buffer { pooled: Arc::new(context.pool.take(context, of, bytes)), bytes }
    }

    pub(super) fn raw(&self) -> &wgpu::Buffer {
        &self.pooled.raw
    }

    /// How many bytes were asked for.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A part of a table on the device: some of its tiles.
pub(super) struct Chunk {
    pub(super) buffer: Buffer,
    /// The number of its first row in the table.
    pub(super) first: usize,
    pub(super) rows: usize,
    /// The rows' weights in digits of 16 bits, lowest first: a buffer for each digit that some row of the table needs, so none
    /// if rows have no weights. Padded like the tiles.
    pub(super) weights: Vec<Buffer>,
}

/// A table on the device.
pub(super) struct Resident {
    pub(super) chunks: Vec<Chunk>,
}

impl Resident {
    pub(super) fn upload(context: &Context, matrix: &Matrix) -> Result<Self> {
        let tile = matrix.features() * TILE;
        let tiles = (context.max_binding() / (4 * tile as u64)).max(1) as usize;
        let chunks = matrix
            .values()
            .chunks(tiles * tile)
            .enumerate()
            .map(|(c, values)| {
                let first = c * tiles * TILE;
                let rows = (values.len() / matrix.features()).min(matrix.rows() - first);
                let own = matrix.weights().map(|weights| &weights[first..first + rows]);
                let digit = |d: usize| {
                    let of = |w: &u64| (w >> (WEIGHT_DIGIT * d)) as u32 & ((1 << WEIGHT_DIGIT) - 1);
                    let mut digits: Vec<u32> = own.unwrap_or_default().iter().map(of).collect();
                    digits.resize(rows.next_multiple_of(TILE), 0);
                    upload(context, &digits)
                };
                let weights = (0..weight_digits(matrix)).map(digit).collect();
                Chunk { buffer: upload(context, values), first, rows, weights }
            })
            .collect();
        context.check()?;
        Ok(Resident { chunks })
    }
}

/// Bits of a digit: so much of a weight does the device multiply by at once.
pub(super) const WEIGHT_DIGIT: usize = 16;

/// How many digits the largest weight of a table has; 0 if rows have no weights.
fn weight_digits(matrix: &Matrix) -> usize {
    let largest = matrix.weights().and_then(|weights| weights.iter().copied().max());
    largest.map_or(0, |w| ((u64::BITS - w.leading_zeros()) as usize).div_ceil(WEIGHT_DIGIT).max(1))
}

/// A read-only copy of `values` on the device.
pub(super) fn upload<T: Pod>(context: &Context, values: &[T]) -> Buffer {
    let bytes: &[u8] = bytemuck::cast_slice(values);
    let buffer = Buffer::new(context, Use::Kernel, (bytes.len() as u64).next_multiple_of(4).max(16));
    context.queue.write_buffer(buffer.raw(), 0, bytes);
    buffer
}

/// A buffer that a kernel writes, between two guards.
pub(super) struct Output {
    buffer: Buffer,
    bytes: u64,
}

impl Output {
    /// Room for `words` u32 words. What they contain is unknown.
    pub(super) fn new(context: &Context, words: usize) -> Self {
        let bytes = 4 * words.max(4) as u64;
        let buffer = Buffer::new(context, Use::Kernel, bytes + 2 * GUARD);
        if context.options.guards {
            context.queue.write_buffer(buffer.raw(), 0, &vec![POISON; buffer.bytes() as usize]);
        }
        Output { buffer, bytes }
    }

    /// Room for these values, which are its contents to begin with.
    pub(super) fn of<T: Pod>(context: &Context, values: &[T]) -> Self {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let output = Output::new(context, bytes.len().div_ceil(4));
        context.queue.write_buffer(output.buffer.raw(), GUARD, bytes);
        output
    }

    /// The part between the guards.
    pub(super) fn inner(&self) -> (&Buffer, u64, u64) {
        (&self.buffer, GUARD, self.bytes)
    }

    /// Sets its first `words` words to zero.
    pub(super) fn clear(&self, context: &Context, words: usize) {
        let mut work = context.work();
        self.clear_in(&mut work, words);
        context.submit(work);
    }

    /// As [`Output::clear`], as a part of work that is submitted later.
    pub(super) fn clear_in(&self, work: &mut Work, words: usize) {
        work.clear(&self.buffer, GUARD, 4 * words as u64);
    }

    /// Its first `count` values.
    pub(super) async fn read<T: Pod>(&self, context: &Context, count: usize) -> Result<Vec<T>> {
        self.read_with(context, count, <[T]>::to_vec).await
    }

    /// What `take` makes of its first `count` values, which it sees where the device has put them: without a copy, and
    /// without fresh memory, which takes longer to get than to fill.
    pub(super) async fn read_with<T: Pod, R>(
        &self,
        context: &Context,
        count: usize,
        take: impl FnOnce(&[T]) -> R,
    ) -> Result<R> {
        let bytes = count * size_of::<T>();
        let reading = Reading::submit(context, context.work(), &[(self, bytes.div_ceil(4))]);
        let take = |parts: &[&[u32]]| {
            let own = &bytemuck::cast_slice::<u32, u8>(parts[0])[..bytes];
            match bytemuck::try_cast_slice(own) {
                Ok(values) => take(values),
                Err(_) => take(&bytemuck::pod_collect_to_vec(own)),
            }
        };
        reading.wait(context, take)
    }
}

/// Submits recorded work, and reads back the first words of several outputs, as many as asked for, in one round trip.
pub(super) async fn read_outputs(
    context: &Context,
    work: Work,
    parts: &[(&Output, usize)],
) -> Result<Vec<Vec<u32>>> {
    let copies = |parts: &[&[u32]]| parts.iter().map(|part| part.to_vec()).collect();
    Reading::submit(context, work, parts).wait(context, copies)
}

/// Results that are on their way to the host.
pub(super) struct Reading {
    /// None if there is nothing to read.
    staging: Option<Pooled>,
    mapped: Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
    submission: wgpu::SubmissionIndex,
    bytes: u64,
    parts: Vec<Part>,
}

/// An output's first words in the staging memory.
struct Part {
    words: usize,
    /// Words of the whole output, if they lie between guards.
    guarded: Option<usize>,
}

impl Reading {
    /// Submits recorded work, and lets the first words of several outputs, as many as asked for, follow it to the host.
    /// More work can be submitted before they are waited for.
    pub(super) fn submit(context: &Context, mut work: Work, outputs: &[(&Output, usize)]) -> Self {
        // With guards the whole buffer is read, to check them.
        let guards = context.options.guards;
        let range = |output: &Output, words: usize| match guards {
            true => (0, output.buffer.bytes()),
            false => (GUARD, 4 * words as u64),
        };
        let bytes = outputs.iter().map(|&(output, words)| range(output, words).1).sum();
        let staging = (bytes > 0).then(|| context.pool.take(context, Use::Staging, bytes));
        let mut to = 0;
        for &(output, words) in outputs {
            let (offset, bytes) = range(output, words);
            if let Some(staging) = staging.as_ref().filter(|_| bytes > 0) {
                work.copy((&output.buffer, offset), (&staging.raw, to), bytes);
            }
            to += bytes;
        }
        let submission = context.submit(work);
        let (send, mapped) = std::sync::mpsc::channel();
        if let Some(staging) = &staging {
            context.counters.readbacks.fetch_add(1, Relaxed);
            staging.raw.map_async(wgpu::MapMode::Read, ..bytes, move |outcome| {
                // The receiver is only gone if waiting has failed, and that is reported there.
                let _ = send.send(outcome);
            });
        }
        let part = |&(output, words): &(&Output, usize)| Part {
            words,
            guarded: guards.then_some(output.bytes as usize / 4),
        };
        Reading { staging, mapped, submission, bytes, parts: outputs.iter().map(part).collect() }
    }

    /// Waits for the results, and gives what `take` makes of them.
    pub(super) fn wait<R>(self, context: &Context, take: impl FnOnce(&[&[u32]]) -> R) -> Result<R> {
        let Some(mut staging) = self.staging else {
            context.check()?;
            return Ok(take(&vec![&[][..]; self.parts.len()]));
        };
        let lost = |e: &dyn std::fmt::Display| -> Error { context.failed(e) };
        let until = wgpu::PollType::Wait { submission_index: Some(self.submission), timeout: None };
        let polled = context.device.poll(until);
        context.check()?;
        polled.map_err(|e| lost(&e))?;
        // The callback may run in another thread's poll, so it must be waited for.
        self.mapped.recv().map_err(|e| lost(&e))?.map_err(|e| lost(&e))?;
        let view = staging.raw.get_mapped_range(..self.bytes).map_err(|e| lost(&e))?;
        let mut rest: &[u32] = bytemuck::try_cast_slice(&view).map_err(|e| lost(&e))?;
        let mut parts = Vec::with_capacity(self.parts.len());
        for &Part { words, guarded } in &self.parts {
            let guard = guarded.map_or(0, |_| GUARD as usize / 4);
            let (own, left) = rest.split_at(guarded.unwrap_or(words) + 2 * guard);
            rest = left;
            let (before, inner) = own.split_at(guard);
            let (values, after) = inner.split_at(inner.len() - guard);
            if before.iter().chain(after).any(|&w| w != u32::from_ne_bytes([POISON; 4])) {
                return Err(context.failed("a kernel wrote past its output"));
            }
            parts.push(&values[..words]);
        }
        let taken = take(&parts);
        drop(view);
        staging.raw.unmap();
        staging.reusable = true;
        Ok(taken)
    }
}
