//! Work that is recorded, and submitted later.

use super::buffer::Buffer;
use super::context::Context;
use super::pool::Use;
use std::sync::atomic::Ordering::Relaxed;

#[cfg(test)]
mod tests;

/// A multiple of every alignment that a device can require of an offset.
const ALIGNMENT: usize = 256;

/// The parameters of so many bytes go into one buffer.
const PARAMS: usize = 4096;

/// A list of work for the device.
pub(super) struct Work {
    encoder: wgpu::CommandEncoder,
    kept: Kept,
}

/// What recorded work uses. It must not return to the pool before the work is submitted: whoever took it up again would
/// write to it first.
#[derive(Default)]
pub(super) struct Kept {
    buffers: Vec<Buffer>,
    /// The parameters of the dispatches, uploaded when the work is submitted. All but the last are full.
    params: Vec<(Buffer, Vec<u8>)>,
}

impl Work {
    pub(super) fn new(encoder: wgpu::CommandEncoder) -> Self {
        Work { encoder, kept: Kept::default() }
    }

    /// Begins a compute pass, which takes any number of dispatches.
    pub(super) fn pass(&mut self, context: &Context) -> ComputePass<'_> {
        context.counters.passes.fetch_add(1, Relaxed);
        let place = context.timer.place(context);
        let timestamp_writes = place.as_ref().map(|(query_set, first)| wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(*first),
            end_of_pass_write_index: Some(first + 1),
        });
        let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
        let pass = self.encoder.begin_compute_pass(&descriptor);
        ComputePass { pass, kept: &mut self.kept }
    }

    /// Sets a part of a buffer to zero. Offset and size are of whole words.
    pub(super) fn clear(&mut self, buffer: &Buffer, offset: u64, bytes: u64) {
        self.kept.buffers.push(buffer.clone());
        self.encoder.clear_buffer(buffer.raw(), offset, Some(bytes));
    }

    /// Copies a part of a buffer. Offsets and size are of whole words.
    pub(super) fn copy(&mut self, (from, offset): (&Buffer, u64), to: (&wgpu::Buffer, u64), bytes: u64) {
        self.kept.buffers.push(from.clone());
        self.encoder.copy_buffer_to_buffer(from.raw(), offset, to.0, to.1, bytes);
    }

    /// The commands, and what must be dropped only after they were submitted.
    pub(super) fn finish(self, context: &Context) -> (wgpu::CommandBuffer, Kept) {
        for (buffer, bytes) in &self.kept.params {
            context.queue.write_buffer(buffer.raw(), 0, bytes);
        }
        (self.encoder.finish(), self.kept)
    }
}

/// A compute pass that is being recorded. It ends when it is dropped.
pub(super) struct ComputePass<'a> {
    pass: wgpu::ComputePass<'a>,
    kept: &'a mut Kept,
}

impl ComputePass<'_> {
    /// A place for the parameters of a dispatch: a buffer and the offset in it.
    pub(super) fn params(&mut self, context: &Context, values: &[u8]) -> (Buffer, u64) {
        let size = values.len().next_multiple_of(ALIGNMENT);
        let all = &mut self.kept.params;
        let at = all.len().checked_sub(1).filter(|&last| all[last].1.len() + size <= PARAMS).unwrap_or_else(
            || {
                all.push((Buffer::new(context, Use::Kernel, PARAMS.max(size) as u64), Vec::new()));
                all.len() - 1
            },
        );
        let (buffer, bytes) = &mut all[at];
        let offset = bytes.len();
        bytes.extend_from_slice(values);
        bytes.resize(offset + size, 0);
        (buffer.clone(), offset as u64)
    }

    /// Keeps a buffer until the work is submitted.
    pub(super) fn keep(&mut self, buffer: &Buffer) {
        self.kept.buffers.push(buffer.clone());
    }

    pub(super) fn dispatch(
        &mut self,
        context: &Context,
        pipeline: &wgpu::ComputePipeline,
        group: &wgpu::BindGroup,
        [x, y, z]: [u32; 3],
    ) {
        context.counters.dispatches.fetch_add(1, Relaxed);
        self.pass.set_pipeline(pipeline);
        self.pass.set_bind_group(0, group, &[]);
        self.pass.dispatch_workgroups(x, y, z);
    }
}
