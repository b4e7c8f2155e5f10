//! The flags of `segmenta bench`.

use super::Talk;
use clap::Args;
use segmenta::backend::Device;

const AFTER_BENCH: &str = "\
First what each device can do at most: how fast it reads memory, how many f32
multiply-adds it does. Then whether each adapter finds what the CPU finds: the
same bits in lloyd, nearest, fit and hopkins, the same within 1e-5 in
distance_sums and silhouettes; one that does not is named, and the exit code
is 1. Then the time of each step on a table of blobs made from --seed: the
median of --repeats, after a run to warm up.

The steps:
  lloyd          a first pass of KMeans: rows to the nearest of k centroids,
                 for --n-init sets of centroids
  nearest        the nearest other row of up to 2,000 rows
  distance_sums  all pairs of rows, each counted once: what silhouettes are
                 made of
  fit            KMeans with --k and --n-init, from the table to the labels
  sweep          the same for k = 2..10, and the silhouettes on all rows
  hopkins        Hopkins' statistic, up to 2,000 probes of each kind

Reading the tables:
  ceiling        GB/s: bytes read from memory; GFLOP/s: f32 multiply-adds,
                 each of which counts 2
  load           how long the table takes to the device; fit, sweep and
                 hopkins have it in their time
  readback       how long a result of this size alone takes to come back; it
                 is part of the time
  GFLOP/s        3 for each feature of each pair, a subtraction and a
                 multiply-add, over the whole time; pairs that a device
                 need not look at count too
  of ceiling     the share of the ceiling's GFLOP/s: at most 75 % where each
                 pair takes that subtraction and a multiply-add is one
                 instruction; more is a shorter way, not a faster device
  x CPU          how many times as fast as the CPU on the same rows

Examples:
  segmenta bench                                 every device, in less than a minute
  segmenta bench --device gpu --rows 205843 --features 26 --k 5 --n-init 30
  segmenta bench --device cpu --threads 1 --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_BENCH)]
pub struct Bench {
    /// Rows of the table, 100 or more [default: 30,000; 1,000 on a software device]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=i64::from(u32::MAX / 2)),
          help_heading = "Size")]
    pub rows: Option<u32>,
    /// Features of the table
    #[arg(long, default_value_t = 26, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=65_536),
          help_heading = "Size")]
    pub features: u32,
    /// Segments to look for
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Size")]
    pub k: u32,
    /// k-means++ starts of a fit, and centroid sets of a pass
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000),
          help_heading = "Size")]
    pub n_init: u32,
    /// Times that each step is measured; the median counts
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000),
          help_heading = "Running")]
    pub repeats: u32,
    /// What to measure: all (the CPU and every adapter), cpu, gpu (every adapter), or gpu:N for adapter N of
    /// `segmenta doctor`
    #[arg(long, default_value = "all", value_parser = measured, help_heading = "Running")]
    pub device: Measured,
    /// CPU threads [default: all]
    #[arg(long, env = "SEGMENTA_THREADS", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Running")]
    pub threads: Option<u16>,
    /// Seed of the table and of all random draws
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
