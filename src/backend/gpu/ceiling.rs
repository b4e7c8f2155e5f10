//! What an adapter can do at most: the host's side of `ceiling.wgsl`, which is no primitive and has no twin.

use super::Gpu;
use super::buffer::{Output, upload};
use super::context::Context;
use super::kernel::{Kernel, WORKGROUP, out, whole};
use crate::ceiling::{Ceilings, LEAST, TIMES};
use crate::error::Result;
use bytemuck::{Pod, Zeroable};
use std::time::{Duration, Instant};

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rounds: u32,
    count: u32,
    threads: u32,
    by: f32,
    plus: f32,
    unused: [u32; 3],
}

/// Times that the source has the line of 16 multiply-adds.
const LINES: usize = 32;

/// What a device is asked to do at once; a software driver has a few threads and the CPU's memory.
struct Size {
    bytes: u64,
    groups: usize,
}

impl Size {
    fn of(context: &Context) -> Self {
        let (bytes, groups) = if context.adapter.software { (32 << 20, 256) } else { (256 << 20, 8192) };
        // A whole number of turns of all threads with four vectors each.
        let turn = (groups * WORKGROUP * 4 * 16) as u64;
        Size { bytes: (context.max_binding().min(bytes) / turn).max(1) * turn, groups }
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

    /// How long `bytes` take to come back from the device's memory.
    ///
    /// # Errors
    /// The device failed.
    pub fn readback(&self, bytes: u64) -> Result<Duration> {
        pollster::block_on(readback(&self.context, bytes))
    }

    /// Waits until the device has done all that it was given, uploads included.
    ///
    /// # Errors
    /// The device failed.
    pub fn wait(&self) -> Result<()> {
        wait(&self.context)
    }
}

fn wait(context: &Context) -> Result<()> {
    // An empty submission sends off the writes that wait for one.
    context.queue.submit([]);
    context.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| context.failed(e))?;
    context.check()
}

async fn ceilings(context: &Context) -> Result<Ceilings> {
    let source = include_str!("ceiling.wgsl");
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
    let read = Kernel::new(context, source, "read_all", LINES);
    let rounds = best_rate(context, &sums, |rounds| {
        let bindings = [whole(1, &values), out(2, &sums)];
        read.dispatch(context, Params { rounds, ..params }, &bindings, groups);
    });
    let read = rounds.await? * size.bytes as f64;
    drop(values);

    let multiply_add = Kernel::new(context, source, "multiply_add", LINES);
    let rounds = best_rate(context, &sums, |rounds| {
        multiply_add.dispatch(context, Params { rounds, ..params }, &[out(2, &sums)], groups);
    });
    let operations = threads * LINES * 16 * 2;
    Ok(Ceilings { read, multiply_add: rounds.await? * operations as f64 })
}

/// Rounds a second, at best.
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
    // In pieces no larger than a pass has.
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
