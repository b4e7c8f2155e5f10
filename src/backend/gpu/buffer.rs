//! Memory on the device: uploads, outputs between guards, and what comes back.

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
                Chunk { buffer: upload(context, values), first, rows }
            })
            .collect();
        context.check()?;
        Ok(Resident { chunks })
    }
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
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.clear_buffer(&self.buffer, GUARD, Some(4 * words as u64));
        context.queue.submit([encoder.finish()]);
    }

    /// Its first `count` values.
    pub(super) async fn read<T: Pod>(&self, context: &Context, count: usize) -> Result<Vec<T>> {
        if context.options.guards {
            let all: Vec<u8> = read(context, &self.buffer, 0, self.bytes + 2 * GUARD).await?;
            let (before, rest) = all.split_at(GUARD as usize);
            let (values, after) = rest.split_at(self.bytes as usize);
            if before.iter().chain(after).any(|&b| b != POISON) {
                return Err(context.failed("a kernel wrote past its output"));
            }
            return Ok(values[..count * size_of::<T>()]
                .chunks_exact(size_of::<T>())
                .map(bytemuck::pod_read_unaligned)
                .collect());
        }
        read(context, &self.buffer, GUARD, (count * size_of::<T>()) as u64).await
    }
}

async fn read<T: Pod>(context: &Context, buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> Result<Vec<T>> {
    if bytes == 0 {
        return Ok(Vec::new());
    }
    let staging = context.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, bytes);
    context.queue.submit([encoder.finish()]);
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
