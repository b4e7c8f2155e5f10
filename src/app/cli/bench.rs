//! The flags of `segmenta bench`.

use super::Talk;
use clap::Args;
use clap::builder::PossibleValuesParser;
use segmenta::backend::Device;

const AFTER_BENCH: &str = "\
For each device, bench measures three things:
  1. Its peak speed: how fast it reads memory, and how many f32 multiply-adds
     it does per second.
  2. Whether it agrees with the CPU: lloyd, nearest, fit and hopkins must give
     the same bits, distance_sums and silhouettes must agree within 1e-5. A
     device that does not is reported, and the exit code is 1.
  3. The time of each step on a table of blobs made from --seed: the median of
     --repeats runs, after one run to warm up.

The steps:
  lloyd          the first pass of KMeans, which finds the nearest of k
                 centroids for every row, for --n-init sets of centroids
  nearest        the nearest other row, for up to 2,000 rows
  distance_sums  the distances of all pairs of rows, which silhouettes are
                 computed from; each pair counts once
  fit            KMeans with --k and --n-init, from the table to the labels
  sweep          the same for k = 2..10, and the silhouettes on all rows
  hopkins        Hopkins' statistic, with up to 2,000 random rows and as many
                 random points

distance_sums and sweep compare all pairs of rows. At a size where one run of
them would take more than about 15 seconds, they are measured on fewer rows,
and the tables say on how many.

Reading the tables:
  ceiling        the peak speed. GB/s: bytes read from memory; GFLOP/s: f32
                 multiply-adds, each counted as 2 operations
  load           the time to copy the table to the device; the times of fit,
                 sweep and hopkins include it
  readback       the time to copy a result of this size back from the device;
                 the time of the step includes it
  GFLOP/s        3 operations (a subtraction and a multiply-add) for each
                 feature of each pair, divided by the time; pairs that a
                 device finds a way to skip count too
  of ceiling     GFLOP/s as a share of the ceiling's GFLOP/s. A device that
                 does the subtraction for each pair reaches 75 % at most; a
                 higher share means that it computes distances by a formula
                 with fewer operations, not that it is faster than its peak
  GPU busy       the share of the time for which the GPU itself worked, by its
                 own clock, in one more run; the rest is the host's
  x CPU          how many times as fast as the CPU on the same rows

Examples:
  segmenta bench                                 measure every device, in less than a minute
  segmenta bench --device gpu --rows 205843 --features 26 --k 5 --n-init 30
  segmenta bench --steps lloyd,fit --repeats 9   only these steps
  segmenta bench --device cpu --threads 1 --json";

/// The steps, in the order in which they are measured.
pub const STEPS: [&str; 6] = ["lloyd", "nearest", "distance_sums", "fit", "sweep", "hopkins"];

#[derive(Debug, Args)]
#[command(after_help = AFTER_BENCH)]
pub struct Bench {
    /// Rows of the table, at least 100 [default: 30,000; 1,000 on a software device]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=i64::from(u32::MAX / 2)),
          help_heading = "Size")]
    pub rows: Option<u32>,
    /// Features of the table
    #[arg(long, default_value_t = 26, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=65_536),
          help_heading = "Size")]
    pub features: u32,
    /// How many segments to look for
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Size")]
    pub k: u32,
    /// Number of k-means++ restarts of a fit, and of sets of centroids in lloyd
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000),
          help_heading = "Size")]
    pub n_init: u32,
    /// Which steps to measure, separated by commas [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = PossibleValuesParser::new(STEPS),
          help_heading = "Running")]
    pub steps: Vec<String>,
    /// How often to measure each step; the median is shown
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000),
          help_heading = "Running")]
    pub repeats: u32,
    /// What to measure: all (the CPU and every adapter), cpu, gpu (every adapter), or gpu:N for adapter N as listed by
    /// `segmenta doctor`
    #[arg(long, default_value = "all", value_parser = measured, help_heading = "Running")]
    pub device: Measured,
    /// How many CPU threads to use [default: all]
    #[arg(long, env = "SEGMENTA_THREADS", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Running")]
    pub threads: Option<u16>,
    /// Seed of the table and of everything else that is random
    #[arg(long, env = "SEGMENTA_SEED", default_value_t = 0, help_heading = "Running")]
    pub seed: u64,
    #[command(flatten)]
    pub talk: Talk,
}

/// The devices that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    All,
    Cpu,
    Gpus,
    Gpu(usize),
}

fn measured(text: &str) -> Result<Measured, String> {
    match text.parse() {
        _ if text == "all" => Ok(Measured::All),
        Ok(Device::Cpu) => Ok(Measured::Cpu),
        Ok(Device::Gpu(None)) => Ok(Measured::Gpus),
        Ok(Device::Gpu(Some(index))) => Ok(Measured::Gpu(index)),
        Ok(Device::Auto) | Err(_) => Err("expected all, cpu, gpu or gpu:N".into()),
    }
}
