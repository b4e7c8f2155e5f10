//! Buffers that are kept for the next use: taking one up again costs a microsecond, and making one up to a millisecond.

use super::context::Context;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use wgpu::BufferUsages;

/// The most bytes that are kept while nobody uses them.
const KEPT: u64 = 256 << 20;

/// Buffers up to this size have a power of two as their size. Larger ones are rounded up by an eighth at most.
const SMALL: u64 = 64 << 10;

/// What a buffer can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// To be bound to kernels, and copied from and to.
    Kernel,
    /// To be copied to, and then read by the host.
    Staging,
}

impl Use {
    fn usages(self) -> BufferUsages {
        match self {
            Use::Kernel => {
                BufferUsages::STORAGE
                    | BufferUsages::UNIFORM
                    | BufferUsages::COPY_SRC
                    | BufferUsages::COPY_DST
            }
            Use::Staging => BufferUsages::MAP_READ | BufferUsages::COPY_DST,
        }
    }
}

/// The buffers that nobody uses at the moment, and how much memory all buffers take.
#[derive(Default)]
pub(super) struct Pool {
    /// The one that was returned last comes last.
    free: Mutex<Vec<Free>>,
    /// Bytes of all buffers, those in use and those that are kept.
    bytes: AtomicU64,
    /// The largest value that `bytes` has had.
    peak: AtomicU64,
}

struct Free {
    raw: wgpu::Buffer,
    size: u64,
    of: Use,
}

/// A buffer that goes back to its pool when it is dropped.
pub(super) struct Pooled {
    pub(super) raw: wgpu::Buffer,
    size: u64,
    of: Use,
    pool: Arc<Pool>,
    /// Whether it may be used again. Staging memory may not while it is mapped.
    pub(super) reusable: bool,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let (raw, size, of) = (self.raw.clone(), self.size, self.of);
        match self.reusable {
            true => self.pool.put(Free { raw, size, of }),
            false => self.pool.forget(size),
        }
    }
}

impl Pool {
    /// A buffer of at least `bytes` bytes. What it contains is unknown.
    pub(super) fn take(self: &Arc<Self>, context: &Context, of: Use, bytes: u64) -> Pooled {
        let size = size_for(bytes, context.adapter.max_buffer);
        let reusable = of == Use::Kernel;
        if let Some(raw) = self.kept(of, size) {
            return Pooled { raw, size, of, pool: Arc::clone(self), reusable };
        }
        let others = self.bytes.fetch_add(size, Relaxed);
        let limit = context.memory_limit();
        if others.saturating_add(size) > limit {
            self.free_up(others.saturating_add(size) - limit);
        }
        let wanted = self.bytes.load(Relaxed);
        if wanted > limit {
            context.report_short(wanted);
        }
        self.peak.fetch_max(wanted.min(limit), Relaxed);
        context.counters.buffers.fetch_add(1, Relaxed);
        let raw = context.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            // What does not fit is not allocated: the first failure has been noted, and ends the work.
            size: if wanted > limit { 256 } else { size },
            usage: of.usages(),
            mapped_at_creation: false,
        });
        Pooled { raw, size, of, pool: Arc::clone(self), reusable: reusable && wanted <= limit }
    }

    /// The most bytes that all buffers took at once.
    pub(super) fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }

    /// A kept buffer of exactly this size.
    fn kept(&self, of: Use, size: u64) -> Option<wgpu::Buffer> {
        let mut free = self.free.lock().ok()?;
        let at = free.iter().rposition(|kept| kept.size == size && kept.of == of)?;
        Some(free.remove(at).raw)
    }

    /// Keeps a buffer. If too much is kept now, those that have waited longest are freed.
    fn put(&self, buffer: Free) {
        let Ok(mut free) = self.free.lock() else { return self.forget(buffer.size) };
        free.push(buffer);
        let kept: u64 = free.iter().map(|kept| kept.size).sum();
        let freed = self.oldest(&mut free, kept.saturating_sub(KEPT));
        drop(free);
        drop(freed);
    }

    /// Frees kept buffers of at least so many bytes together, or all of them.
    fn free_up(&self, bytes: u64) {
        let freed = self.free.lock().map(|mut free| self.oldest(&mut free, bytes));
        drop(freed);
    }

    /// Takes out those that have waited longest, of at least so many bytes together.
    fn oldest(&self, free: &mut Vec<Free>, bytes: u64) -> Vec<Free> {
        let mut sum = 0;
        let before = |kept: &&Free| {
            let more = sum < bytes;
            sum += kept.size;
            more
        };
        let count = free.iter().take_while(before).count();
        let freed: Vec<Free> = free.drain(..count).collect();
        freed.iter().for_each(|kept| self.forget(kept.size));
        freed
    }

    fn forget(&self, size: u64) {
        self.bytes.fetch_sub(size, Relaxed);
    }
}

/// The size of a buffer that holds `bytes`: one of a few, so that buffers fit again.
fn size_for(bytes: u64, most: u64) -> u64 {
    let power = bytes.max(256).next_power_of_two();
    let size = if power <= SMALL { power } else { bytes.next_multiple_of(power / 16) };
    size.min(most.max(bytes)).next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_few_and_near() {
        let mut sizes = std::collections::BTreeSet::new();
        for bytes in (1..10_000_000).step_by(997) {
            let size = size_for(bytes, u64::MAX);
            assert!(size >= bytes && size.is_multiple_of(4));
            assert!(size <= SMALL || size - bytes <= bytes / 8, "{bytes}: {size}");
            sizes.insert(size);
        }
        assert!(sizes.len() < 80, "{}", sizes.len());
        assert_eq!((size_for(0, 1 << 20), size_for(257, 1 << 20)), (256, 512));
        // No larger than the largest buffer that the adapter makes.
        assert_eq!(size_for(999_996, 1_000_000), 1_000_000);
    }
}
