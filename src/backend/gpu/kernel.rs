//! Compiled kernels, their dispatch, and the one place where work is cut up to fit an adapter's limits.

use super::buffer::Chunk;
use super::context::Context;
use super::interface::{Bind, EntryPoint, Shared};
use super::source::source;
use super::work::{ComputePass, Work};
use crate::matrix::TILE;
use std::ops::Range;

/// Threads of a workgroup in every kernel that has one row or query a thread.
pub(super) const WORKGROUP: usize = 64;

/// The most workgroups that a dispatch may have along each dimension.
pub(super) const MAX_GROUPS: usize = 65_535;

/// A compute pipeline for one entry point of a shader.
pub(super) struct Kernel {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    entry: &'static EntryPoint,
}

impl Kernel {
    /// Compiles an entry point for tables of `features` features.
    pub(super) fn new(context: &Context, entry: &'static EntryPoint, features: usize) -> Self {
        Kernel::with(context, entry, features, &[])
    }

    /// As [`Kernel::new`], with values for the shader's `override` constants.
    pub(super) fn with(
        context: &Context,
        entry: &'static EntryPoint,
        features: usize,
        overrides: &[(&str, bool)],
    ) -> Self {
        debug_assert!(overrides.iter().all(|(name, _)| entry.overrides.contains(name)));
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(entry.name),
            source: wgpu::ShaderSource::Wgsl(
                source(entry.file, features, context.adapter.workgroup_memory).into(),
            ),
        };
        let checked = context.options.checked;
        let module = if checked {
            context.device.create_shader_module(descriptor)
        } else {
            trusted(&context.device, descriptor)
        };
        let constants: Vec<(&str, f64)> =
            overrides.iter().map(|&(name, on)| (name, f64::from(u8::from(on)))).collect();
        let pipeline = context.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry.name),
            layout: None,
            module: &module,
            entry_point: Some(entry.name),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                zero_initialize_workgroup_memory: checked,
            },
            cache: context.pipelines.as_ref().map(|cache| &cache.pipelines),
        });
        Kernel { layout: pipeline.get_bind_group_layout(0), pipeline, entry }
    }

    /// Runs `groups` workgroups with these parameters, and with a buffer for every other binding of the entry point.
    pub(super) fn dispatch<P: Shared>(
        &self,
        context: &Context,
        params: P,
        bindings: &[Bind<'_>],
        groups: [usize; 3],
    ) {
        let mut work = context.work();
        self.record(context, &mut work, params, bindings, groups);
        context.submit(work);
    }

    /// As [`Kernel::dispatch`], as a part of work that is submitted later.
    pub(super) fn record<P: Shared>(
        &self,
        context: &Context,
        work: &mut Work,
        params: P,
        bindings: &[Bind<'_>],
        groups: [usize; 3],
    ) {
        self.record_in(context, &mut work.pass(context), params, bindings, groups);
    }

    /// As [`Kernel::record`], in a compute pass that takes more dispatches. They run one after the other, and each sees
    /// what those before it wrote. A pass costs some 12 us, a dispatch in it 3 us.
    pub(super) fn record_in<P: Shared>(
        &self,
        context: &Context,
        pass: &mut ComputePass<'_>,
        params: P,
        bindings: &[Bind<'_>],
        groups: [usize; 3],
    ) {
        let (params, offset) = pass.params(context, bytemuck::bytes_of(&params));
        let params =
            Bind { number: self.entry.params.number, buffer: &params, offset, bytes: size_of::<P>() as u64 };
        let all = std::iter::once(&params).chain(bindings);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = all.clone().map(Bind::entry).collect();
        let group = context.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(self.entry.name),
            layout: &self.layout,
            entries: &entries,
        });
        all.for_each(|bind| pass.keep(bind.buffer));
        pass.dispatch(context, &self.pipeline, &group, groups.map(|g| g as u32));
    }
}

/// Compiles a shader without run-time checks, which can cost a hot loop more time than its own work.
#[allow(unsafe_code)]
fn trusted(device: &wgpu::Device, descriptor: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    // SAFETY: only this crate's own shaders come here. Their indices stay below the sizes that the host puts into the
    // parameters of each dispatch, and the host allocates the buffers to those sizes. Buffers that outlive a call (the
    // labels and sums in a `LloydState`) were made for the same resident table and the same k, because
    // `LloydState::take` returns nothing else. Labels, which the device wrote, are compared with the number of centroids
    // before they are used as an index. What `renew` changes of a set are its certificate, whether it has stopped, and its
    // two slots, which swap places. Every loop counts up to such a size in steps of at least 1, and no divisor is 0.
    // Workgroup memory is written before it is read. The tests run the same sources with the checks as well.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

/// The rows of a chunk that are worked on together.
pub(super) struct Pass<'a> {
    pub(super) chunk: &'a Chunk,
    /// Counted within the chunk. The first one is the first of a tile.
    pub(super) rows: Range<usize>,
}

impl Pass<'_> {
    /// The numbers that the rows have in the table.
    pub(super) fn numbers(&self) -> Range<usize> {
        self.chunk.first + self.rows.start..self.chunk.first + self.rows.end
    }
}

/// Cuts the chunks into passes. The results of a pass, `words` u32 words a row, fit into [`Context::pass_bytes`], and its
/// rows fit into one dispatch.
pub(super) fn passes<'a>(context: &Context, chunks: &'a [Chunk], words: usize) -> Vec<Pass<'a>> {
    let fit = (context.pass_bytes() / (4 * words.max(1) as u64)) as usize;
    let step = (fit.min(MAX_GROUPS * WORKGROUP) / TILE * TILE).max(TILE);
    chunks
        .iter()
        .flat_map(|chunk| {
            (0..chunk.rows).step_by(step).map(move |s| Pass { chunk, rows: s..chunk.rows.min(s + step) })
        })
        .collect()
}
