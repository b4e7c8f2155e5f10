//! The program: flags, console, files, signals and exit codes. The library does all computing.

mod again;
mod cli;
mod console;
mod files;
mod hints;
mod interrupt;
mod verbs;

pub use cli::Cli;
use cli::{Run, Verb};
use segmenta::Error;
use segmenta::analysis::{Compute, default_limit};
use segmenta::backend::GpuUse;
use segmenta::backend::cpu::{Cpu, InstructionSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A gate of `--strict` that was not met. All files have been written by then.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Gate(String);

/// Runs one command line.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    interrupt::listen();
    quiet_caught_panics();
    MEMORY_LIMIT.store(cli.max_memory.unwrap_or_else(default_limit), Relaxed);
    GPU_MEMORY_LIMIT.store(cli.max_gpu_mem.unwrap_or(u64::MAX), Relaxed);
    match cli.verb {
        Verb::Demo(args) => verbs::run::demo(&args),
        Verb::Run(args) => verbs::run::run(&args),
        Verb::Inspect(args) => verbs::inspect::inspect(&args),
        Verb::Tendency(args) => verbs::analyse::tendency(&args),
        Verb::Sweep(args) => verbs::analyse::sweep(&args),
        Verb::Fit(args) => verbs::analyse::fit(&args),
        Verb::Assign(args) => verbs::assign::assign(&args),
        Verb::Profile(args) => verbs::profile::profile(&args),
        Verb::Stability(args) => verbs::stability::stability(&args),
        Verb::Compare(args) => verbs::compare::compare(&args),
        Verb::CompareMethods(args) => verbs::analyse::compare_methods(&args),
        Verb::Reduce(args) => verbs::reduce::reduce(&args),
        Verb::Report(args) => verbs::report::report(&args),
        Verb::Drift(args) => verbs::drift::drift(&args),
        Verb::Name(args) => verbs::name::name(&args),
        Verb::Synth(args) => verbs::synth::synth(&args),
        Verb::Bench(args) => verbs::bench::bench(&args),
        Verb::Doctor(args) => verbs::doctor::doctor(&args),
    }
}

/// Silences panics that a table's reader turns into errors.
fn quiet_caught_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !segmenta::table::panics_are_caught() {
            usual(panic);
        }
    }));
}

/// Prints the error, if there is one, and returns the exit code.
pub fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let code = exit_code(&error);
    if code == 130 {
        interrupt::announce();
    } else if code != 0 {
        console::complain(&format!("error: {}", in_words(&error)));
    }
    ExitCode::from(code)
}

/// The error as text. Of a long list of mistakes only the first are shown, and how many more there are.
fn in_words(error: &anyhow::Error) -> String {
    const SHOWN: usize = 20;
    match error.downcast_ref::<Error>() {
        Some(Error::Recipe(faults)) if faults.len() > SHOWN => {
            let shown: Vec<String> = faults[..SHOWN].iter().map(ToString::to_string).collect();
            let more = segmenta::report::figures::count(faults.len() - SHOWN, "more mistake");
            format!("{}\nand {more}", shown.join("\n"))
        }
        _ => error.to_string(),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Gate>() {
        return 4;
    }
    if let Some(e) = error.downcast_ref::<std::io::Error>() {
        // Only errors from writing results to stdout get here.
        return if e.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Usage(_)) => 2,
        Some(Error::Data { .. } | Error::Recipe(_) | Error::Read { .. }) => 3,
        Some(Error::Device(_)) => 5,
        Some(Error::Interrupted) => 130,
        _ => 1,
    }
}

/// The most bytes of memory that the job may use; set once, when it begins.
static MEMORY_LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// The most bytes of memory that the job may use.
fn memory_limit() -> u64 {
    MEMORY_LIMIT.load(Relaxed)
}

/// The most bytes that may be allocated on a GPU, if that is limited.
static GPU_MEMORY_LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// The most bytes that may be allocated on a GPU, if that is limited.
fn gpu_memory_limit() -> Option<u64> {
    Some(GPU_MEMORY_LIMIT.load(Relaxed)).filter(|&limit| limit != u64::MAX)
}

/// Where compiled GPU pipelines are kept for the next run: in the user's folder for things that can be made again.
fn pipeline_cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = match std::env::consts::OS {
        "windows" => folder("LOCALAPPDATA"),
        _ => folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache"))),
    };
    Some(caches?.join("segmenta"))
}

/// Sets the number of threads, and returns where to compute: the device that was asked for, and the CPU with the
/// instruction set that `SEGMENTA_SIMD` allows.
fn set_up(run: &Run) -> anyhow::Result<Compute> {
    set_threads(run.threads)?;
    let gpu =
        GpuUse { max_memory: gpu_memory_limit(), pipeline_cache: pipeline_cache(), ..GpuUse::default() };
    Ok(Compute { device: run.device, cpu: Cpu::with(instruction_set()?)?, gpu })
}

/// Sets the number of threads; `None` means all that the machine has.
fn set_threads(threads: Option<u16>) -> anyhow::Result<()> {
    let threads = threads.map_or(0, usize::from);
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?)
}

/// The instruction set that `SEGMENTA_SIMD` names, or the widest one available.
fn instruction_set() -> Result<InstructionSet, Error> {
    Ok(match std::env::var("SEGMENTA_SIMD").ok().as_deref() {
        None | Some("") => InstructionSet::detect(),
        Some("avx512") => InstructionSet::Avx512,
        Some("avx2") => InstructionSet::Avx2,
        Some("neon") => InstructionSet::Neon,
        Some("none") => InstructionSet::Portable,
        Some(other) => {
            let what = format!("SEGMENTA_SIMD={other}: expected avx512, avx2, neon or none");
            return Err(Error::Usage(what));
        }
    })
}
