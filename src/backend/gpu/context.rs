//! Adapters, and an opened device.

use super::cache::PipelineCache;
use super::pool::Pool;
use super::timer::Timer;
use super::work::Work;
use crate::backend::simd::InstructionSet;
use crate::error::{Error, Result, size};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

/// A GPU adapter, as the driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The name that the driver gives.
    pub name: String,
    /// The driver and its version.
    pub driver: String,
    /// The interface: `Vulkan`, `Metal`, `Dx12`.
    pub api: String,
    /// Whether it is a software driver, which computes on the CPU.
    pub software: bool,
    /// Whether it shares its memory with the CPU.
    pub integrated: bool,
    /// Whether NVIDIA made it.
    pub nvidia: bool,
    /// The largest piece of memory that a kernel can see at once, in bytes.
    pub max_binding: u64,
    /// The largest buffer, in bytes.
    pub max_buffer: u64,
    /// The memory that a workgroup's threads share, in bytes.
    pub workgroup_memory: u32,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.name, self.api)?;
        if !self.driver.is_empty() {
            write!(f, ", {}", self.driver)?;
        }
        f.write_str(")")
    }
}

/// How to use an adapter. The defaults are the adapter's own limits, and the widest instruction set of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The instruction set for the host's share of the work.
    pub instruction_set: InstructionSet,
    /// Bind at most this many bytes at once.
    pub max_binding: Option<u64>,
    /// The most bytes of results per row that a pass may need on the device. More rows are done in several passes.
    pub pass_bytes: Option<u64>,
    /// The most bytes that may be allocated on the device; `None`: as many as it has.
    pub max_memory: Option<u64>,
    /// For tests: the device is lost after this many submissions of work.
    #[doc(hidden)]
    pub lose_after: Option<u64>,
    /// Keep compiled pipelines in this folder, for the next run; `None`: keep none.
    pub pipeline_cache: Option<PathBuf>,
    /// Put guard words around every output, fill it with a pattern before use, and check the guards after each read.
    pub guards: bool,
    /// Compile kernels with wgpu's run-time checks of indices and loops, and clear workgroup memory before it is used.
    pub checked: bool,
}

/// The default of [`Options::pass_bytes`].
const PASS_BYTES: u64 = 64 << 20;

/// An opened device.
pub(super) struct Context {
    pub(super) adapter: Adapter,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) options: Options,
    pub(super) counters: Counters,
    pub(super) pool: Arc<Pool>,
    pub(super) pipelines: Option<PipelineCache>,
    pub(super) timer: Timer,
    failure: Arc<Mutex<Option<String>>>,
}

/// What a device has been asked to do so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Buffers that were made; one that is used again does not count.
    pub buffers: u64,
    /// Submissions of work.
    pub submissions: u64,
    /// Compute passes in them.
    pub passes: u64,
    /// Dispatches in these passes.
    pub dispatches: u64,
    /// Times that results were read back.
    pub readbacks: u64,
    /// The most bytes that all buffers took at once.
    pub peak_bytes: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) buffers: AtomicU64,
    pub(super) submissions: AtomicU64,
    pub(super) passes: AtomicU64,
    pub(super) dispatches: AtomicU64,
    pub(super) readbacks: AtomicU64,
}

/// With less memory than this, the driver is asked to waste little of it rather than to be quick.
const LITTLE: u64 = 1 << 30;

/// The adapters, found once for the whole process: asking the drivers takes a tenth of a second and more, and some print a
/// complaint each time.
fn found() -> &'static [wgpu::Adapter] {
    static FOUND: OnceLock<Vec<wgpu::Adapter>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
    })
}

pub(super) fn adapters() -> Vec<Adapter> {
    found().iter().map(describe).collect()
}

/// The number by which PCI devices of NVIDIA are known.
const NVIDIA: u32 = 0x10de;

fn describe(adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    Adapter {
        driver: [info.driver, info.driver_info].join(" ").trim().to_string(),
        name: info.name,
        api: format!("{:?}", info.backend),
        software: info.device_type == wgpu::DeviceType::Cpu,
        integrated: info.device_type == wgpu::DeviceType::IntegratedGpu,
        nvidia: info.vendor == NVIDIA,
        max_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(pipelines) = &self.pipelines {
            pipelines.save();
        }
    }
}

impl Context {
    pub(super) async fn open(index: usize, options: Options) -> Result<Self> {
        let adapter = found().get(index).ok_or_else(|| {
            Error::Device(match found().len() {
                0 => "no GPU adapter was found".into(),
                count => format!("there is no GPU adapter {index}: the last one is {}", count - 1),
            })
        })?;
        let description = describe(adapter);
        let wanted = wgpu::Features::PIPELINE_CACHE | wgpu::Features::TIMESTAMP_QUERY;
        let frugal = options.max_memory.is_some_and(|limit| limit < LITTLE);
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("segmenta"),
                required_features: adapter.features() & wanted,
                required_limits: adapter.limits(),
                memory_hints: match frugal {
                    true => wgpu::MemoryHints::MemoryUsage,
                    false => wgpu::MemoryHints::Performance,
                },
                ..Default::default()
            })
            .await
            .map_err(|e| Error::Device(format!("{description} cannot be opened: {e}")))?;
        let failure = Arc::new(Mutex::new(None));
        let sink = Arc::clone(&failure);
        // The default handler panics. The first failure is kept, because later ones are often its consequences.
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            if let Ok(mut failure) = sink.lock() {
                failure.get_or_insert_with(|| e.to_string());
            }
        }));
        let sink = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, message| {
            // A device that is dropped is lost too, and then nobody listens.
            if let Ok(mut failure) = sink.lock() {
                failure.get_or_insert_with(|| format!("the device was lost: {reason:?} {message}"));
            }
        });
        let folder = options.pipeline_cache.as_deref();
        let pipelines = folder.and_then(|folder| PipelineCache::open(folder, &adapter.get_info(), &device));
        let (counters, pool, timer) = (Counters::default(), Arc::default(), Timer::default());
        Ok(Context {
            adapter: description,
            device,
            queue,
            options,
            counters,
            pool,
            pipelines,
            timer,
            failure,
        })
    }

    /// What the device was asked to do so far.
    pub(super) fn counts(&self) -> Counts {
        let Counters { buffers, submissions, passes, dispatches, readbacks } = &self.counters;
        Counts {
            buffers: buffers.load(Relaxed),
            submissions: submissions.load(Relaxed),
            passes: passes.load(Relaxed),
            dispatches: dispatches.load(Relaxed),
            readbacks: readbacks.load(Relaxed),
            peak_bytes: self.pool.peak(),
        }
    }

    /// An error if the device has reported a failure since it was opened.
    pub(super) fn check(&self) -> Result<()> {
        match self.failure.lock() {
            Ok(failure) => match failure.as_ref() {
                Some(why) => Err(self.failed(why)),
                None => Ok(()),
            },
            Err(_) => Err(self.failed("an error handler failed")),
        }
    }

    pub(super) fn failed(&self, why: impl fmt::Display) -> Error {
        Error::Device(format!("{}: {why}", self.adapter))
    }

    /// Notes that the memory limit would be exceeded; the work that needs so much ends with an error.
    pub(super) fn report_short(&self, wanted: u64) {
        let limit = self.memory_limit();
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert_with(|| {
                format!(
                    "the work needs about {} of device memory, but the limit is {}",
                    size(wanted),
                    size(limit)
                )
            });
        }
    }

    /// An empty list of work, to be recorded and then submitted to the queue.
    pub(super) fn work(&self) -> Work {
        Work::new(self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()))
    }

    /// Hands recorded work to the device.
    pub(super) fn submit(&self, work: Work) -> wgpu::SubmissionIndex {
        let (commands, kept) = work.finish(self);
        let before = self.counters.submissions.fetch_add(1, Relaxed);
        if self.options.lose_after.is_some_and(|most| before >= most) {
            self.device.destroy();
        }
        let index = self.queue.submit([commands]);
        // From here on, whatever is written to these buffers comes after the work.
        drop(kept);
        index
    }

    /// The most bytes that may be allocated.
    pub(super) fn memory_limit(&self) -> u64 {
        self.options.max_memory.unwrap_or(u64::MAX)
    }

    /// The most bytes that may be bound at once. If memory is limited, one table must not take all of it; see
    /// [`Shape::device_memory`](crate::backend::Shape::device_memory).
    pub(super) fn max_binding(&self) -> u64 {
        let own = self.adapter.max_binding.min(self.adapter.max_buffer);
        let own = own.min((self.memory_limit() / 8).max(1 << 16));
        self.options.max_binding.map_or(own, |m| m.min(own))
    }

    /// The most bytes of results per row in a pass.
    pub(super) fn pass_bytes(&self) -> u64 {
        self.options.pass_bytes.unwrap_or(PASS_BYTES).min(self.max_binding()).min(self.memory_limit() / 16)
    }
}
