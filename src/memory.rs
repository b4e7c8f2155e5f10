//! How much memory there is, and a budget that is asked before memory is taken.
//!
//! A file can claim any size, and a small compressed one can unpack to more than a machine has. Whoever reads or
//! computes on behalf of a user asks a [`Budget`] first, so that the answer is a sentence and not a killed process.

use std::fs::read_to_string;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::{Error, Result};

/// A limit in bytes, and how much of it is taken. Threads may share one.
#[derive(Debug)]
pub struct Budget {
    limit: Option<u64>,
    taken: AtomicU64,
}

impl Budget {
    /// A budget of `limit` bytes; `None` is a budget without a limit.
    pub fn new(limit: Option<u64>) -> Self {
        Budget { limit, taken: AtomicU64::new(0) }
    }

    /// Counts `bytes` that are about to be taken.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] where they go over the limit; they are not counted then.
    pub fn take(&self, bytes: u64) -> Result<()> {
        let before = self.taken.fetch_add(bytes, Relaxed);
        let wanted = before.saturating_add(bytes);
        match self.limit {
            Some(limit) if wanted > limit => {
                self.taken.fetch_sub(bytes, Relaxed);
                Err(too_much(wanted, limit))
            }
            _ => Ok(()),
        }
    }

    /// Gives back `bytes` that were taken.
    pub fn give_back(&self, bytes: u64) {
        self.taken.fetch_sub(bytes, Relaxed);
    }

    /// The limit; the largest number where there is none.
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(u64::MAX)
    }

    /// How many bytes are left.
    pub fn left(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.taken.load(Relaxed)))
    }

    /// The error for a table that would take `wanted` bytes on top of what is taken already.
    pub fn exceeded_by(&self, wanted: u64) -> Error {
        let wanted = self.taken.load(Relaxed).saturating_add(wanted);
        too_much(wanted, self.limit())
    }
}

/// The error for what needs `wanted` bytes where there may be `limit`.
pub fn too_much(wanted: u64, limit: u64) -> Error {
    Error::data(format!(
        "this table needs about {} of memory, and the limit is {}: raise the limit with --max-memory where the \
         machine has more, or take fewer rows or columns",
        in_words(wanted),
        in_words(limit)
    ))
}

/// The error where the system refuses memory although the budget has some left.
pub fn refused(wanted: u64) -> Error {
    Error::data(format!(
        "the system refuses {} of memory for this table: take fewer rows or columns, or a machine with more memory",
        in_words(wanted)
    ))
}

/// A size for people, in units of 1000: `2.1 GB`, `500 MB`.
pub fn in_words(bytes: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let bytes = bytes as f64;
    for (unit, size) in UNITS {
        if bytes >= size {
            let number = format!("{:.1}", bytes / size);
            return format!("{} {unit}", number.strip_suffix(".0").unwrap_or(&number));
        }
    }
    format!("{bytes} bytes")
}

/// How many more bytes this process can take: the least of what the machine has free, what its control groups (version
/// 1 or 2) leave it, and what its own limits (`ulimit -v`, `ulimit -d`) leave it. `None` where the system does not
/// say, which is everywhere but on Linux.
pub fn available() -> Option<u64> {
    available_under(Path::new("/"))
}

/// As [`available`], with the system's files read below `root` instead of `/`.
pub fn available_under(root: &Path) -> Option<u64> {
    let own = |name: &str| read_to_string(root.join("proc/self").join(name)).unwrap_or_default();
    let machine = read_to_string(root.join("proc/meminfo")).ok();
    let machine = machine.and_then(|text| kilobytes(&text, "MemAvailable:"));
    let (limits, status) = (own("limits"), own("status"));
    let by_limit = [("Max address space", "VmSize:"), ("Max data size", "VmData:")].into_iter().filter_map(
        |(limit, used)| {
            let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
            let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(limit.saturating_sub(kilobytes(&status, used).unwrap_or(0)))
        },
    );
    machine.into_iter().chain(by_limit).chain(left_to_groups(root, &own("cgroup"))).min()
}

/// The bytes in a line such as `MemAvailable:   123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What each control group with a limit leaves: those that `/proc/self/cgroup` names, and all above them.
fn left_to_groups(root: &Path, groups: &str) -> Vec<u64> {
    let mut left = Vec::new();
    for line in groups.lines() {
        // `0::/path` in version 2, `4:memory:/path` in version 1.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (base, limit, used, cache) = if controllers.is_empty() {
            ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
        } else if controllers.split(',').any(|c| c == "memory") {
            let v1 = "sys/fs/cgroup/memory";
            (v1, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        } else {
            continue;
        };
        let base = root.join(base);
        let own = base.join(path.trim_start_matches('/'));
        for group in own.ancestors().take_while(|group| group.starts_with(&base)) {
            let number = |name: &str| read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
            let (Some(limit), Some(used)) = (number(limit), number(used)) else { continue };
            // Cached files count as used, but the kernel drops them when memory is wanted.
            let stat = read_to_string(group.join("memory.stat")).unwrap_or_default();
            let cached = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse::<u64>().ok());
            left.push(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))));
        }
    }
    left
}
