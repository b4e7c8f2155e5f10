//! Which device does the work: what takes how long is estimated from measured rates, and a GPU is opened while the table is
//! still being read.

use super::{Backend, Description, cpu::Cpu, simd::InstructionSet};
use crate::error::{Error, Result};
use crate::matrix::TILE;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The device that the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// A real GPU if there is one that is faster at the work than the CPU, otherwise the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU adapter of this number; without a number the first real GPU, or else a software driver.
    Gpu(Option<usize>),
}

impl std::str::FromStr for Device {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "auto" => Ok(Device::Auto),
            "cpu" => Ok(Device::Cpu),
            "gpu" => Ok(Device::Gpu(None)),
            _ => s
                .strip_prefix("gpu:")
                .and_then(|n| n.parse().ok())
                .map(|n| Device::Gpu(Some(n)))
                .ok_or_else(|| "expected auto, cpu, gpu or gpu:N".into()),
        }
    }
}

/// How a GPU may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuUse {
    /// The most bytes that may be allocated on it; `None`: as many as it has.
    pub max_memory: Option<u64>,
    /// The folder in which compiled pipelines are kept for the next run; `None`: none are kept.
    pub pipeline_cache: Option<PathBuf>,
    /// For tests: the device is lost after this many submissions of work.
    #[doc(hidden)]
    pub lose_after: Option<u64>,
    /// For tests: software drivers count as real GPUs, and as fast ones.
    #[doc(hidden)]
    pub software_is_real: bool,
}

/// What is going to be computed. Multiply-adds of a pair that is computed once for both of its rows count twice.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds of all fits.
    pub fit: f64,
    /// How often a row is labelled in all fits: rows times restarts times passes.
    pub labels: f64,
    /// Multiply-adds of all pairs of rows.
    pub pairs: f64,
    /// Multiply-adds of a search for nearest neighbours.
    pub nearest: f64,
}

/// A table's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// How many rows.
    pub rows: usize,
    /// How many features.
    pub features: usize,
}

impl Shape {
    /// About how many bytes of device memory it takes to work on such a table: the values, and as much again for each of
    /// labels and results.
    pub fn device_memory(&self) -> u64 {
        let rows = self.rows.next_multiple_of(TILE) as u64;
        let table = rows.saturating_mul(4 * (self.features as u64 + 2));
        table.saturating_mul(3).saturating_add(1 << 20)
    }

    /// Whether a device may be given so much memory.
    ///
    /// # Errors
    /// How much it takes, and how much is allowed.
    pub fn check_memory(&self, limit: Option<u64>) -> Result<()> {
        let wanted = self.device_memory();
        match limit {
            Some(limit) if wanted > limit => Err(Error::DeviceMemory { wanted, limit }),
            _ => Ok(()),
        }
    }
}

/// How much work a device does in a second. An estimate from these is right within a factor of two or so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    fit: f64,
    labels: f64,
    pairs: f64,
}

/// Opening a GPU takes about this long: 0.25 to 0.4 s on an H100.
const START: Duration = Duration::from_millis(350);

/// Work that the CPU does in so few seconds is not worth opening a GPU for.
const LITTLE: f64 = 0.3;

impl Rates {
    /// Of a CPU. Measured: with AVX-512, k = 5 and 30 restarts on 205,843 x 26 took 0.11 s and all pairs 1.0 s on 16 cores;
    /// with AVX2 on two cores half as much each; the others are guesses.
    fn cpu(set: InstructionSet, threads: usize) -> Self {
        let (fit, pairs) = match set {
            InstructionSet::Avx512 => (1e10, 4.3e10),
            InstructionSet::Avx2 => (5e9, 2.2e10),
            InstructionSet::Neon => (3e9, 1.2e10),
            InstructionSet::Portable => (1e9, 4e9),
        };
        let threads = threads.max(1) as f64;
        Rates { fit: fit * threads, labels: f64::INFINITY, pairs: pairs * threads }
    }

    /// Of a GPU. Measured on an H100, by its own clock: a pass of 30 sets of 5 centroids over 205,843 x 26 rows took 0.35 to
    /// 0.57 ms, one with 1,000 centroids over 1,000,000 x 32 rows 5 ms, and the sums of all pairs by 54 clusters 0.28 s.
    /// The kernels were older than these: in `assign` a thread had one row and read centroids from the device's memory (0.27 of
    /// the 0.35 ms, and 4.95 of the 5). Trials of kernels like today's took 0.06 and 1.6 ms there. Until those of today are
    /// timed on such a chip, the rates stay on the careful side. Other chips are guessed by the multiply-adds that they can do.
    #[cfg_attr(
        not(any(feature = "gpu", test)),
        expect(dead_code, reason = "no GPU is found without the feature")
    )]
    fn gpu(name: &str, integrated: bool) -> Self {
        let large = ["H100", "H200", "B200"].iter().any(|chip| name.contains(chip));
        let share = match (large, integrated) {
            (true, _) => 1.0,
            (_, false) => 0.25,
            (_, true) => 0.05,
        };
        Rates { fit: 3e12 * share, labels: 3e10 * share, pairs: 4e12 * share }
    }
}

impl Work {
    /// About how many seconds it takes on a CPU.
    pub fn seconds_on_cpu(&self, set: InstructionSet) -> f64 {
        self.seconds(Rates::cpu(set, rayon::current_num_threads()))
    }

    fn seconds(&self, rates: Rates) -> f64 {
        // Seeding takes up to a third of what the passes take.
        1.3 * self.fit / rates.fit + self.labels / rates.labels + (self.pairs + self.nearest) / rates.pairs
    }
}

/// A backend, and why it was chosen.
pub struct Chosen {
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// The reason in words.
    pub reason: String,
    /// About how many seconds the work takes on it.
    pub seconds: f64,
    /// Something that the user should hear, as a sentence.
    pub note: Option<String>,
    cpu: Cpu,
    /// A GPU that is still being opened, and not needed.
    _unneeded: Option<Opening>,
}

impl Chosen {
    /// Does work on the backend. If that is a GPU and it fails, `lost` hears why, and the work is done again on the CPU,
    /// with the same result.
    ///
    /// # Errors
    /// Those of `work` on the CPU.
    pub fn run<T>(&mut self, work: impl Fn(&dyn Backend) -> Result<T>, lost: impl FnOnce(&str)) -> Result<T> {
        match work(&*self.backend) {
            Err(Error::Device(why)) if self.backend.describe().is_gpu() => {
                lost(&why);
                self.reason = format!("{} failed", self.backend.describe().name);
                self.backend = Box::new(self.cpu);
                work(&*self.backend)
            }
            outcome => outcome,
        }
    }
}

/// A GPU that was opened, and how fast it is.
struct Opened {
    backend: Box<dyn Backend>,
    rates: Rates,
    software: bool,
}

/// A device that is being chosen. If a GPU may be used, a thread opens it meanwhile.
pub struct Opening {
    device: Device,
    cpu: Cpu,
    gpu: GpuUse,
    began: Instant,
    thread: Option<JoinHandle<Result<Option<Opened>>>>,
}

impl Drop for Opening {
    /// A driver must not be at work while the process ends.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Whatever came of it is not needed.
            let _ = thread.join();
        }
    }
}

impl Opening {
    /// Begins. `cpu` computes if it is to be the CPU, and its instruction set is used for the host's share of the work in
    /// any case. With [`Device::Auto`] a GPU is opened now only if it is `likely` that there is enough work for it;
    /// otherwise when it was chosen.
    pub fn begin(device: Device, cpu: Cpu, gpu: &GpuUse, likely: bool) -> Self {
        let mut opening = Opening { device, cpu, gpu: gpu.clone(), began: Instant::now(), thread: None };
        if device != Device::Cpu && (likely || device != Device::Auto) {
            let (gpu, set) = (gpu.clone(), cpu.instruction_set());
            let open = move || open(device, &gpu, set);
            // Without a thread it is opened later.
            opening.thread = std::thread::Builder::new().name("open GPU".into()).spawn(open).ok();
        }
        opening
    }

    /// Chooses the device for this work on a table of this shape.
    ///
    /// # Errors
    /// The device asked for is unavailable, or it may not have as much memory as the table takes.
    pub fn choose(mut self, work: &Work, shape: Shape) -> Result<Chosen> {
        let (cpu, set) = (self.cpu, self.cpu.instruction_set());
        let on_cpu = work.seconds_on_cpu(set);
        let by_cpu = move |reason: String, note, unneeded| {
            let backend = Box::new(cpu);
            Ok(Chosen { backend, reason, seconds: on_cpu, note, cpu, _unneeded: unneeded })
        };
        let by_gpu = |opened: Opened, reason: String, seconds| {
            let Opened { backend, .. } = opened;
            Ok(Chosen { backend, reason, seconds, note: None, cpu, _unneeded: None })
        };
        let enough = shape.check_memory(self.gpu.max_memory);
        match self.device {
            Device::Cpu => by_cpu("as asked".into(), None, None),
            Device::Gpu(_) => {
                let opened = self.opened()?.ok_or_else(|| Error::Device(NO_REAL_GPU.into()))?;
                enough?;
                let reason = if opened.software { "as asked; a software driver, slow" } else { "as asked" };
                let seconds = work.seconds(opened.rates);
                by_gpu(opened, reason.into(), seconds)
            }
            Device::Auto if on_cpu < LITTLE => {
                let reason = format!("{} of work, too little for a GPU", about(on_cpu));
                by_cpu(reason, None, Some(self))
            }
            Device::Auto => {
                let Some((name, rates)) = fastest(&self.gpu) else {
                    let why = if cfg!(feature = "gpu") { NO_REAL_GPU } else { NO_GPU_SUPPORT };
                    return by_cpu(format!("{}; {why}", about(on_cpu)), None, None);
                };
                let left = match self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                    true => Duration::ZERO,
                    false if self.thread.is_some() => START.saturating_sub(self.began.elapsed()),
                    false => START,
                };
                let on_gpu = work.seconds(rates) + left.as_secs_f64();
                if let Err(short) = enough {
                    let note = format!("{short}; the CPU does it");
                    return by_cpu(format!("{}; {short}", about(on_cpu)), Some(note), Some(self));
                }
                if on_gpu >= on_cpu {
                    let reason = format!("{}, against {} on {name}", about(on_cpu), about(on_gpu));
                    return by_cpu(reason, None, Some(self));
                }
                match self.opened() {
                    Ok(Some(opened)) => {
                        let reason = format!("{}, against {} on the CPU", about(on_gpu), about(on_cpu));
                        by_gpu(opened, reason, on_gpu)
                    }
                    Ok(None) => by_cpu(format!("{}; {NO_REAL_GPU}", about(on_cpu)), None, None),
                    Err(why) => {
                        let reason = format!("{}; the GPU could not be used: {why}", about(on_cpu));
                        by_cpu(reason, None, None)
                    }
                }
            }
        }
    }

    /// The GPU, once it is open.
    fn opened(&mut self) -> Result<Option<Opened>> {
        match self.thread.take() {
            Some(thread) => {
                thread.join().map_err(|_| Error::Device("opening the GPU failed".into())).flatten()
            }
            None => open(self.device, &self.gpu, self.cpu.instruction_set()),
        }
    }
}

/// Chooses the device for this work on a table of this shape, and opens it.
///
/// # Errors
/// As [`Opening::choose`].
pub fn choose(device: Device, cpu: Cpu, gpu: &GpuUse, work: &Work, shape: Shape) -> Result<Chosen> {
    Opening::begin(device, cpu, gpu, false).choose(work, shape)
}

/// `about 0.3 s`.
fn about(seconds: f64) -> String {
    match seconds {
        s if s < 0.095 => format!("about {:.2} s", s.max(0.01)),
        s if s < 9.5 => format!("about {s:.1} s"),
        s => format!("about {s:.0} s"),
    }
}

const NO_GPU_SUPPORT: &str = "this program was built without GPU support";
const NO_REAL_GPU: &str = "no real GPU was found";

/// The GPU that `auto` would use: its name and its rates.
#[cfg(feature = "gpu")]
fn fastest(gpu: &GpuUse) -> Option<(String, Rates)> {
    let found = super::gpu::adapters();
    let adapter = found.into_iter().nth(first_real(gpu)?)?;
    let rates = rates(gpu, &adapter);
    Some((adapter.name, rates))
}

#[cfg(feature = "gpu")]
fn rates(gpu: &GpuUse, adapter: &super::gpu::Adapter) -> Rates {
    match (gpu.software_is_real, adapter.software) {
        (true, _) => Rates::gpu("H100", false),
        // It computes on the CPU, and not as well.
        (_, true) => Rates::cpu(InstructionSet::Portable, rayon::current_num_threads()),
        _ => Rates::gpu(&adapter.name, adapter.integrated),
    }
}

#[cfg(feature = "gpu")]
fn first_real(gpu: &GpuUse) -> Option<usize> {
    super::gpu::adapters().iter().position(|a| gpu.software_is_real || !a.software)
}

/// Opens the GPU that is asked for; `None` if `auto` has none to open.
#[cfg(feature = "gpu")]
fn open(device: Device, gpu: &GpuUse, instruction_set: InstructionSet) -> Result<Option<Opened>> {
    use super::gpu::{Gpu, Options};
    let index = match (device, first_real(gpu)) {
        (Device::Cpu, _) | (Device::Auto, None) => return Ok(None),
        (Device::Gpu(Some(index)), _) | (Device::Auto | Device::Gpu(None), Some(index)) => index,
        (Device::Gpu(None), None) => 0,
    };
    let options = Options {
        instruction_set,
        max_memory: gpu.max_memory,
        pipeline_cache: gpu.pipeline_cache.clone(),
        lose_after: gpu.lose_after,
        ..Options::default()
    };
    let opened = Gpu::open(index, options)?;
    let (rates, software) = (rates(gpu, opened.adapter()), opened.adapter().software);
    Ok(Some(Opened { backend: Box::new(opened), rates, software }))
}

#[cfg(not(feature = "gpu"))]
fn fastest(_gpu: &GpuUse) -> Option<(String, Rates)> {
    None
}

#[cfg(not(feature = "gpu"))]
fn open(device: Device, _gpu: &GpuUse, _instruction_set: InstructionSet) -> Result<Option<Opened>> {
    match device {
        Device::Gpu(_) => Err(Error::Device(NO_GPU_SUPPORT.into())),
        Device::Auto | Device::Cpu => Ok(None),
    }
}

/// What `segmenta doctor` shows a choice for: the sweep of the demo, k = 2 to 10 with 20 restarts each and the silhouettes
/// of 205,843 rows of 26 features.
pub fn example() -> (Work, Shape) {
    let shape = Shape { rows: 205_843, features: 26 };
    let (rows, features) = (shape.rows as f64, shape.features as f64);
    let (passes, restarts, ks) = (25.0, 20.0, 9.0);
    let labels = passes * restarts * ks * rows;
    let work = Work { fit: labels * 6.0 * features, labels, pairs: rows * rows * features, nearest: 0.0 };
    (work, shape)
}

impl Description {
    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        self.backend != "cpu"
    }
}

#[cfg(test)]
mod tests;
