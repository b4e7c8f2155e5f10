//! How long the device itself is busy: timestamps at the beginning and the end of each compute pass.

use super::context::Context;
use crate::error::Result;
use std::sync::Mutex;
use std::time::Duration;
use wgpu::BufferUsages;

/// Timestamps of one query set: the most that wgpu allows.
const QUERIES: u32 = 4096;

/// The timestamps of compute passes, while they are taken.
#[derive(Default)]
pub(super) struct Timer(Mutex<Option<Taken>>);

/// Query sets, all of them full but the last one.
#[derive(Default)]
struct Taken {
    sets: Vec<wgpu::QuerySet>,
    /// How many timestamps the last set has.
    used: u32,
}

impl Timer {
    /// Begins to take timestamps, if the adapter has them.
    pub(super) fn start(&self, context: &Context) {
        if let Ok(mut taken) = self.0.lock() {
            let there = context.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
            *taken = there.then(Taken::default);
        }
    }

    /// A place for the two timestamps of a pass: a set, and the number of the first in it.
    pub(super) fn place(&self, context: &Context) -> Option<(wgpu::QuerySet, u32)> {
        let mut taken = self.0.lock().ok()?;
        let Taken { sets, used } = taken.as_mut()?;
        if sets.is_empty() || *used == QUERIES {
            sets.push(context.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: QUERIES,
            }));
            *used = 0;
        }
        let first = *used;
        *used += 2;
        Some((sets.last()?.clone(), first))
    }

    /// Ends the taking of timestamps: for how long the device worked on the passes since it began. `None` if the adapter
    /// has no timestamps. All work must have been submitted.
    pub(super) fn stop(&self, context: &Context) -> Result<Option<Duration>> {
        let taken = self.0.lock().ok().and_then(|mut taken| taken.take());
        let Some(Taken { sets, used }) = taken else { return Ok(None) };
        let mut passes = Vec::new();
        for (s, set) in sets.iter().enumerate() {
            let count = if s + 1 == sets.len() { used } else { QUERIES };
            passes.extend(resolve(context, set, count)?);
        }
        let ticks = covered(passes);
        Ok(Some(Duration::from_nanos(
            (ticks as f64 * f64::from(context.queue.get_timestamp_period())) as u64,
        )))
    }
}

/// The beginnings and the ends of passes, in ticks.
fn resolve(context: &Context, set: &wgpu::QuerySet, count: u32) -> Result<Vec<(u64, u64)>> {
    let bytes = u64::from(count) * 8;
    let buffer = |usage| {
        context.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage,
            mapped_at_creation: false,
        })
    };
    let resolved = buffer(BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC);
    let staging = buffer(BufferUsages::MAP_READ | BufferUsages::COPY_DST);
    let mut commands = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    commands.resolve_query_set(set, 0..count, &resolved, 0);
    commands.copy_buffer_to_buffer(&resolved, 0, &staging, 0, bytes);
    context.queue.submit([commands.finish()]);
    let (send, mapped) = std::sync::mpsc::channel();
    staging.map_async(wgpu::MapMode::Read, .., move |outcome| {
        // The receiver is only gone if waiting has failed.
        let _ = send.send(outcome);
    });
    let polled = context.device.poll(wgpu::PollType::wait_indefinitely());
    context.check()?;
    polled.map_err(|e| context.failed(e))?;
    mapped.recv().map_err(|e| context.failed(e))?.map_err(|e| context.failed(e))?;
    let view = staging.get_mapped_range(..).map_err(|e| context.failed(e))?;
    let times: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
    Ok(times.as_chunks::<2>().0.iter().map(|&[begin, end]| (begin, end)).collect())
}

/// How many ticks lie in at least one of these spans.
fn covered(mut spans: Vec<(u64, u64)>) -> u64 {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, 0);
    for (begin, end) in spans {
        sum += end.saturating_sub(begin.max(until));
        until = until.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_count_once() {
        assert_eq!(covered(vec![]), 0);
        assert_eq!(covered(vec![(5, 9), (1, 3), (8, 12), (9, 10)]), 2 + 7);
        // A driver that goes backwards counts as nothing.
        assert_eq!(covered(vec![(5, 4), (5, 6)]), 1);
    }
}
