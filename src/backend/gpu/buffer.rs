//! LloydState on the device: uploads, outputs between guards, and what comes back.

use super::context::Context;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, TILE};
use bytemuck::Pod;
use wgpu::BufferUsages;

/// Bytes before and after an output; a multiple of every offset alignment.
const GUARD: u64 = 256;

/// What guards and fresh outputs hold where they are watched.
const POISON: u8 = 0xa5;

/// Some of a table's tiles on the device.
pub(super) struct Chunk {
    pub(super) buffer: wgpu::Buffer,
    /// The row number of its first row.
    pub(super) first: usize,
    pub(super) rows: usize,
    /// The rows' weights in digits of 16 bits, lowest first, a buffer for each digit that some row of the table needs;
    /// none where rows have no weights. As many entries as the tiles have places.
    pub(super) weights: Vec<wgpu::Buffer>,
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

/// Bits of a weight that the device takes at once.
pub(super) const WEIGHT_DIGIT: usize = 16;

/// How many digits the largest weight of a table has; 0 where rows have no weights.
fn weight_digits(matrix: &Matrix) -> usize {
    let largest = matrix.weights().and_then(|weights| weights.iter().copied().max());
    largest.map_or(0, |w| ((u64::BITS - w.leading_zeros()) as usize).div_ceil(WEIGHT_DIGIT).max(1))
}

/// A read-only copy of `values` on the device.
pub(super) fn upload<T: Pod>(context: &Context, values: &[T]) -> wgpu::Buffer {
    let bytes: &[u8] = bytemuck::cast_slice(values);
    let buffer = context.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: (bytes.len() as u64).next_multiple_of(4).max(16),
        usage: BufferUsages::STORAGE | BufferUsages::UNIFORM | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    context.queue.write_buffer(&buffer, 0, bytes);
    buffer
}

/// What a kernel writes, between two guards.
pub(super) struct Output {
    buffer: wgpu::Buffer,
    bytes: u64,
}

impl Output {
    /// Room for `words` u32 words.
    pub(super) fn new(context: &Context, words: usize) -> Self {
        let bytes = 4 * words.max(4) as u64;
        let size = bytes + 2 * GUARD;
        let buffer = context.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        if context.options.guards {
            context.queue.write_buffer(&buffer, 0, &vec![POISON; size as usize]);
        }
        Output { buffer, bytes }
    }

    /// As a kernel binds it, without the guards.
    pub(super) fn binding(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: GUARD,
            size: std::num::NonZeroU64::new(self.bytes),
        })
    }

    /// Sets its first `words` words to zero.
    pub(super) fn clear(&self, context: &Context, words: usize) {
        let mut work = context.work();
        self.clear_in(&mut work, words);
        context.queue.submit([work.finish()]);
    }

    /// As [`Output::clear`], as a part of work that is handed in later.
    pub(super) fn clear_in(&self, work: &mut wgpu::CommandEncoder, words: usize) {
        work.clear_buffer(&self.buffer, GUARD, Some(4 * words as u64));
    }

    /// Its first `count` values.
    pub(super) async fn read<T: Pod>(&self, context: &Context, count: usize) -> Result<Vec<T>> {
        let bytes = count * size_of::<T>();
        if !context.options.guards {
            return read(context, context.work(), &[(&self.buffer, GUARD, bytes as u64)]).await;
        }
        let read = read_outputs(context, context.work(), &[(self, bytes.div_ceil(4))]).await?;
        let bytes: &[u8] = bytemuck::cast_slice(&read[0]);
        Ok(bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect())
    }
}

/// Hands in recorded work and brings back the first so many words of several outputs, in one round trip.
pub(super) async fn read_outputs(
    context: &Context,
    work: wgpu::CommandEncoder,
    parts: &[(&Output, usize)],
) -> Result<Vec<Vec<u32>>> {
    let guards = context.options.guards;
    // With guards the whole output comes, to look at both of them.
    let range = |output: &Output, words: usize| match guards {
        true => (0, output.bytes + 2 * GUARD),
        false => (GUARD, 4 * words as u64),
    };
    let pieces: Vec<_> = parts
        .iter()
        .map(|&(output, words)| {
            let (offset, bytes) = range(output, words);
            (&output.buffer, offset, bytes)
        })
        .collect();
    let all: Vec<u32> = read(context, work, &pieces).await?;
    let mut rest = &all[..];
    let mut out = Vec::with_capacity(parts.len());
    for &(output, words) in parts {
        let (mut own, left) = rest.split_at(range(output, words).1 as usize / 4);
        rest = left;
        if guards {
            let (before, inner) = own.split_at(GUARD as usize / 4);
            let (values, after) = inner.split_at(output.bytes as usize / 4);
            if before.iter().chain(after).any(|&w| w != u32::from_ne_bytes([POISON; 4])) {
                return Err(context.failed("a kernel wrote past its output"));
            }
            own = values;
        }
        out.push(own[..words].to_vec());
    }
    Ok(out)
}

/// Hands in recorded work and brings back stretches of buffers (offset and bytes, whole words), one behind the other.
async fn read<T: Pod>(
    context: &Context,
    mut work: wgpu::CommandEncoder,
    pieces: &[(&wgpu::Buffer, u64, u64)],
) -> Result<Vec<T>> {
    let bytes: u64 = pieces.iter().map(|(_, _, bytes)| bytes).sum();
    if bytes == 0 {
        context.queue.submit([work.finish()]);
        return Ok(Vec::new());
    }
    let staging = context.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut to = 0;
    for &(buffer, offset, bytes) in pieces {
        work.copy_buffer_to_buffer(buffer, offset, &staging, to, bytes);
        to += bytes;
    }
    context.queue.submit([work.finish()]);
    let (send, receive) = std::sync::mpsc::channel();
    staging.map_async(wgpu::MapMode::Read, .., move |outcome| {
        // The receiver is gone only where the wait below failed, which is reported there.
        let _ = send.send(outcome);
    });
    context.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| context.failed(e))?;
    context.check()?;
    let lost = |e: &dyn std::fmt::Display| -> Error { context.failed(e) };
    // Another thread's poll may be the one that calls back: wait for it.
    receive.recv().map_err(|e| lost(&e))?.map_err(|e| lost(&e))?;
    let view = staging.get_mapped_range(..).map_err(|e| lost(&e))?;
    let values = view.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect();
    drop(view);
    staging.unmap();
    Ok(values)
}
