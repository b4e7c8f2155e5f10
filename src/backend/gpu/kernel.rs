//! WGSL to pipelines to dispatches, and the one place where work is tiled to the adapter's limits.

use super::buffer::{Chunk, Output, upload};
use super::context::Context;
use crate::matrix::TILE;
use bytemuck::Pod;
use std::ops::Range;

/// Threads of a workgroup in every kernel.
pub(super) const WORKGROUP: usize = 64;

/// Workgroups a dispatch may have along each dimension.
pub(super) const MAX_GROUPS: usize = 65_535;

/// A compute pipeline; its bindings are stated in WGSL alone.
pub(super) struct Kernel {
    pipeline: wgpu::ComputePipeline,
    entry: &'static str,
}

/// Tables of more features than this keep the loop over features: a row no longer fits a thread's registers.
const UNROLLED: usize = 96;

/// Turns of its loops, inner ones too, that a thread may take: a software driver (llvmpipe) leaves a thread's loops
/// after 65,535 without a word.
pub(super) const MOST_TURNS: usize = 1 << 15;

/// Turns of the loops in which a thread goes through `packs` packs of four points, four at a time in the wide form.
pub(super) fn turns(packs: usize, features: usize) -> usize {
    if features > UNROLLED { packs.div_ceil(4) * (features + 1) } else { packs }
}

/// The source for tables of `features`: a line behind `//@each` stands once for each feature `$`, so that a row stays
/// in registers, and takes the place of the lines that end with `//@loop`. As it is, the source has the loop, which
/// takes a row past four packs at once.
pub(super) fn unroll(source: &str, features: usize) -> String {
    if features > UNROLLED {
        return source.to_string();
    }
    let mut out = String::with_capacity(source.len() + 200 * features);
    let mut each: Vec<&str> = Vec::new();
    for line in source.lines().chain([""]) {
        if let Some(template) = line.trim_start().strip_prefix("//@each ") {
            each.push(template);
            continue;
        }
        for j in 0..features {
            for template in &each {
                out.push_str(&template.replace('$', &j.to_string()));
                out.push('\n');
            }
        }
        each.clear();
        if !line.ends_with("//@loop") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

impl Kernel {
    /// The kernel for tables of `features`.
    pub(super) fn new(context: &Context, source: &str, entry: &'static str, features: usize) -> Self {
        Kernel::with(context, source, entry, features, &[])
    }

    /// As [`Kernel::new`], with values for the shader's `override` constants.
    pub(super) fn with(
        context: &Context,
        source: &str,
        entry: &'static str,
        features: usize,
        constants: &[(&str, f64)],
    ) -> Self {
        let source = unroll(source, features);
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(entry),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        let checked = context.options.checked;
        let module = if checked {
            context.device.create_shader_module(descriptor)
        } else {
            trusted(&context.device, descriptor)
        };
        let pipeline = context.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: None,
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: checked,
            },
            cache: None,
        });
        Kernel { pipeline, entry }
    }

    /// Runs `groups` workgroups; `params` is binding 0, the others by number.
    pub(super) fn dispatch<P: Pod>(
        &self,
        context: &Context,
        params: P,
        bindings: &[(u32, wgpu::BindingResource<'_>)],
        groups: [usize; 3],
    ) {
        let mut work = context.work();
        self.record(context, &mut work, params, bindings, groups);
        context.queue.submit([work.finish()]);
    }

    /// As [`Kernel::dispatch`], as a part of work that is handed in later.
    pub(super) fn record<P: Pod>(
        &self,
        context: &Context,
        work: &mut wgpu::CommandEncoder,
        params: P,
        bindings: &[(u32, wgpu::BindingResource<'_>)],
        groups: [usize; 3],
    ) {
        let params = upload(context, &[params]);
        let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: params.as_entire_binding() }];
        entries.extend(bindings.iter().map(|(binding, resource)| wgpu::BindGroupEntry {
            binding: *binding,
            resource: resource.clone(),
        }));
        let group = context.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(self.entry),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut pass = work.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &group, &[]);
        let [x, y, z] = groups.map(|g| g as u32);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// A shader without run-time checks: they can cost a hot loop more than its own work.
#[allow(unsafe_code)]
fn trusted(device: &wgpu::Device, descriptor: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    // SAFETY: only this crate's own shaders come here. Their indices are bounded by the sizes that the host puts into
    // the parameters of each dispatch, and it makes the buffers to those sizes. Buffers that outlive a call (labels and
    // sums in a `Memory`) were made for the same resident table and the same k: `Memory::take` hands out no others.
    // Labels, which the device wrote, are compared with the number of centroids before they index anything. The loops
    // count up to such a size by a constant or by a divisor of the workgroup, and no divisor is 0. Workgroup memory is
    // written before it is read. The tests run the same sources with the checks too.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

/// A stretch of a chunk's rows that one pass takes.
pub(super) struct Pass<'a> {
    pub(super) chunk: &'a Chunk,
    /// Within the chunk; starts at a tile.
    pub(super) rows: Range<usize>,
}

impl Pass<'_> {
    /// The rows' numbers in the table.
    pub(super) fn numbers(&self) -> Range<usize> {
        self.chunk.first + self.rows.start..self.chunk.first + self.rows.end
    }
}

/// Cuts the chunks into passes whose results, `words` u32 words a row, fit the budget and one dispatch.
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

/// `count` in pieces of at most `most`.
pub(super) fn pieces(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(most.max(1)).map(move |s| s..count.min(s + most.max(1)))
}

/// An output's binding, by number.
pub(super) fn out(binding: u32, output: &Output) -> (u32, wgpu::BindingResource<'_>) {
    (binding, output.binding())
}

/// A buffer's binding, by number.
pub(super) fn whole(binding: u32, buffer: &wgpu::Buffer) -> (u32, wgpu::BindingResource<'_>) {
    (binding, buffer.as_entire_binding())
}
