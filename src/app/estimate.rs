//! How long work is going to take, before it begins: from the multiply-adds that it comes to and what a device is taken
//! to do. Right within a factor of two or so, which is why people read `about`.

use super::console::Console;
use super::figures::{count, duration};
use segmenta::backend::Description;
use segmenta::table::Format;
use std::path::Path;

/// What takes less is not announced.
const WORTH_SAYING: f64 = 10.0;

/// Multiply-adds of a fit, of all pairs and of a search for neighbours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    pub fit: f64,
    pub pairs: f64,
    pub nearest: f64,
}

impl Work {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.fit + self.pairs + self.nearest
    }

    /// Seconds on a device; a pair that is measured once for both its rows counts twice in the rates.
    fn seconds(&self, device: &Description) -> f64 {
        let threads = rayon::current_num_threads() as f64;
        let (fit, pairs) = match (device.backend, device.name.as_str()) {
            ("cpu", name) if name.contains("AVX-512") => (1e10 * threads, 4.3e10 * threads),
            ("cpu", name) if name.contains("AVX2") => (5e9 * threads, 2.2e10 * threads),
            ("cpu", name) if name.contains("NEON") => (3e9 * threads, 1.2e10 * threads),
            ("cpu", _) => (1e9 * threads, 4e9 * threads),
            _ => (3e11, 1e12),
        };
        // Seeding takes about a third of what the passes take.
        1.3 * self.fit / fit + (self.pairs + self.nearest) / pairs
    }

    /// Says what is going to be done with a table and about how long it takes, where that is long.
    pub fn announce(&self, console: &Console, table: &str, what: &str, device: &Description) {
        let seconds = self.seconds(device);
        if seconds < WORTH_SAYING {
            return;
        }
        let place = match device.backend {
            "cpu" => count(rayon::current_num_threads(), "thread"),
            _ => "the GPU".into(),
        };
        console.note(&format!("{table}: {what}; this takes about {} on {place}", duration(seconds)));
    }
}

/// `k = 5 with 10 starts`, `k = 2..10 with 10 starts each`.
pub fn starts(ks: &[usize], n_init: u32) -> String {
    let starts = count(n_init as usize, "start");
    match ks {
        [k] => format!("k = {k} with {starts}"),
        [first, .., last] if last - first + 1 == ks.len() => {
            format!("k = {first}..{last} with {starts} each")
        }
        _ => format!("{} values of k with {starts} each", ks.len()),
    }
}

/// Says that a large file is read, and about how long that takes.
pub fn announce_reading(console: &Console, path: &Path, format: Option<Format>) {
    let Ok(bytes) = std::fs::metadata(path).map(|m| m.len() as f64) else { return };
    let name = path.to_string_lossy().to_lowercase();
    let threads = rayon::current_num_threads().min(8) as f64;
    let binary = matches!(format, Some(Format::Npy | Format::Parquet | Format::Arrow))
        || [".npy", ".parquet", ".arrow", ".feather", ".ipc"].iter().any(|ending| name.ends_with(ending));
    // Unpacking has one thread, and typed files need little but the disk.
    let rate = match () {
        () if name.ends_with(".gz") => 5e7,
        () if binary => 5e8,
        () => 1e8 * threads,
    };
    if bytes / rate >= WORTH_SAYING {
        let size =
            if bytes < 1e9 { format!("{:.0} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) };
        let shown = path.display();
        console.note(&format!("reading {shown}, {size}: this takes about {}", duration(bytes / rate)));
    }
}
