//! What an adapter can do at most, as `segmenta bench` shows it: the host's side of `ceiling.wgsl`. It is not a primitive
//! and has no CPU twin.

use super::Gpu;
use super::buffer::{Output, upload};
use super::context::Context;
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{Kernel, WORKGROUP};
use crate::backend::ceiling::{Ceilings, LEAST, TIMES};
use crate::error::Result;
use std::time::{Duration, Instant};

shared_struct! {
    pub(super) struct Params {
        pub(super) rounds: u32,
        pub(super) count: u32,
        pub(super) threads: u32,
        pub(super) by: f32,
        pub(super) plus: f32,
        pub(super) unused: [u32; 3],
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
const VALUES: Binding = Binding::read::<[f32; 4]>(1, "values");
pub(super) const SUMS: Binding = Binding::read_write::<f32>(2, "sums");

const READ_ALL_ENTRY: EntryPoint = EntryPoint {
    file: "ceiling",
    name: "read_all",
    threads: WORKGROUP,
    params: PARAMS,
    bindings: &[VALUES, SUMS],
    overrides: &[],
    constants: &[],
};

/// Reads memory.
pub(super) static READ_ALL: EntryPoint = READ_ALL_ENTRY;

/// Multiplies and adds.
pub(super) static MULTIPLY_ADD: EntryPoint =
    EntryPoint { name: "multiply_add", bindings: &[SUMS], ..READ_ALL_ENTRY };

/// How often the shader repeats its line of 16 multiply-adds: it is compiled as if for so many features.
const LINES: usize = 32;

/// How much a device is asked to do at once. A software driver gets less, because it has only the CPU's threads.
struct Size {
    bytes: u64,
    groups: usize,
}

impl Size {
    fn of(context: &Context) -> Self {
        let (bytes, groups) = if context.adapter.software { (32 << 20, 256) } else { (256 << 20, 8192) };
        // A whole number of rounds in which every thread reads four vectors.
        let round = (groups * WORKGROUP * 4 * 16) as u64;
        Size { bytes: (context.max_binding().min(bytes) / round).max(1) * round, groups }
    }
}

impl Gpu {
    /// How fast the adapter reads its memory, and how many multiply-adds it does. Takes about half a second and at
    /// most 256 MiB of its memory.
    ///
    /// # Errors
    /// The device failed.
    pub fn ceilings(&self) -> Result<Ceilings> {
        pollster::block_on(ceilings(&self.context))
    }

    /// How long it takes to copy `bytes` from the device's memory to the host.
    ///
    /// # Errors
    /// The device failed.
    pub fn readback(&self, bytes: u64) -> Result<Duration> {
        pollster::block_on(readback(&self.context, bytes))
    }

    /// Waits until the device has finished all work that was submitted, uploads included.
    ///
    /// # Errors
    /// The device failed.
    pub fn wait(&self) -> Result<()> {
        wait(&self.context)
    }
}

fn wait(context: &Context) -> Result<()> {
    // Writes to buffers are sent with the next submission, so there must be one.
    context.submit(context.work());
    context.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| context.failed(e))?;
    context.check()
}

async fn ceilings(context: &Context) -> Result<Ceilings> {
    let size = Size::of(context);
    let threads = size.groups * WORKGROUP;
    let sums = Output::new(context, threads);
    let params = Params {
        rounds: 0,
        count: (size.bytes / 16) as u32,
        threads: threads as u32,
        by: 0.5,
        plus: 1.0,
        unused: [0; 3],
    };
    let groups = [size.groups, 1, 1];

    let values = upload(context, &vec![1f32; (size.bytes / 4) as usize]);
    let read = Kernel::new(context, &READ_ALL, LINES);
    let rounds = best_rate(context, &sums, |rounds| {
        let bindings = [VALUES.to(&values), SUMS.to(&sums)];
        read.dispatch(context, Params { rounds, ..params }, &bindings, groups);
    });
    let read = rounds.await? * size.bytes as f64;
    drop(values);

    let multiply_add = Kernel::new(context, &MULTIPLY_ADD, LINES);
    let rounds = best_rate(context, &sums, |rounds| {
        multiply_add.dispatch(context, Params { rounds, ..params }, &[SUMS.to(&sums)], groups);
    });
    let operations = threads * LINES * 16 * 2;
    Ok(Ceilings { read, multiply_add: rounds.await? * operations as f64 })
}

/// The best rate that was measured, in rounds a second.
async fn best_rate(context: &Context, sums: &Output, dispatch: impl Fn(u32)) -> Result<f64> {
    let measure = async |rounds| -> Result<Duration> {
        wait(context)?;
        let start = Instant::now();
        dispatch(rounds);
        sums.read::<u32>(context, 1).await?;
        Ok(start.elapsed())
    };
    // The driver may compile at the first use.
    measure(1).await?;
    let mut rounds = 1;
    while measure(rounds).await? < LEAST && rounds < 1 << 30 {
        rounds *= 2;
    }
    let mut best = Duration::MAX;
    for _ in 0..TIMES {
        best = best.min(measure(rounds).await?);
    }
    Ok(f64::from(rounds) / best.as_secs_f64().max(1e-9))
}

async fn readback(context: &Context, bytes: u64) -> Result<Duration> {
    // In pieces that are no larger than those of a pass.
    let mut left = bytes.div_ceil(4);
    let most = (context.pass_bytes() / 4).max(4);
    let output = Output::new(context, left.min(most) as usize);
    output.clear(context, left.clamp(1, most) as usize);
    wait(context)?;
    let start = Instant::now();
    while left > 0 {
        let words = left.min(most);
        output.read::<u32>(context, words as usize).await?;
        left -= words;
    }
    Ok(start.elapsed())
}
