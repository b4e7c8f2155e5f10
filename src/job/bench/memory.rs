//! Whether a table fits: better a sentence now than a killed process later.

use std::fs::read_to_string;

/// Checks that `bytes` can be had; else gives them and what is there.
pub fn check(bytes: f64) -> Result<(), (f64, f64)> {
    let there = [available(), left_to_the_group(), Some(usize::MAX as f64 / 2.0)];
    let there = there.into_iter().flatten().fold(f64::INFINITY, f64::min);
    if bytes <= there { Ok(()) } else { Err((bytes, there)) }
}

/// What Linux takes for available; other systems have no such file.
fn available() -> Option<f64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib * 1024.0)
}

/// What a container's limit leaves.
fn left_to_the_group() -> Option<f64> {
    let number =
        |name: &str| read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<f64>().ok();
    Some((number("memory.max")? - number("memory.current")?).max(0.0))
}

/// `3.2 GiB`.
pub fn in_words(bytes: f64) -> String {
    let gib = bytes / f64::from(1 << 30);
    if gib < 1e4 { format!("{gib:.1} GiB") } else { format!("{gib:.0} GiB") }
}
