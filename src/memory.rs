//! Memory limits: how much memory is available, and a budget to check before allocating.
//!
//! A file can claim any size, and a small compressed file can unpack to more than the machine has. Code that reads or
//! computes on behalf of a user asks a [`Budget`] first. If the memory is not there, the user then gets an error
//! message; otherwise the system might kill the process.

use std::fs::read_to_string;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::{Error, Result};

/// A memory limit in bytes, and how much of it is in use. Several threads can share one budget.
#[derive(Debug)]
pub struct Budget {
    limit: Option<u64>,
    taken: AtomicU64,
}

impl Budget {
    /// Creates a budget of `limit` bytes; `None` means no limit.
    pub fn new(limit: Option<u64>) -> Self {
        Budget { limit, taken: AtomicU64::new(0) }
    }

    /// Records that `bytes` are about to be allocated.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if this would exceed the limit; the bytes are then not recorded.
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

    /// Records that `bytes` from an earlier [`Budget::take`] have been freed.
    pub fn give_back(&self, bytes: u64) {
        self.taken.fetch_sub(bytes, Relaxed);
    }

    /// The limit in bytes; `u64::MAX` if there is none.
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(u64::MAX)
    }

    /// How many bytes may still be taken; `u64::MAX` if there is no limit.
    pub fn left(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.taken.load(Relaxed)))
    }

    /// The error for a table that would need `wanted` bytes in addition to those already taken.
    pub fn exceeded_by(&self, wanted: u64) -> Error {
        let wanted = self.taken.load(Relaxed).saturating_add(wanted);
        too_much(wanted, self.limit())
    }
}

/// The error for a table that needs `wanted` bytes when only `limit` are allowed.
pub fn too_much(wanted: u64, limit: u64) -> Error {
    Error::data(format!(
        "this table needs about {} of memory, and the limit is {}: raise the limit with --max-memory where the \
         machine has more, or take fewer rows or columns",
        in_words(wanted),
        in_words(limit)
    ))
}

/// The error for an allocation of `wanted` bytes that the operating system refuses although it is within the budget.
pub fn refused(wanted: u64) -> Error {
    Error::data(format!(
        "the system refuses {} of memory for this table: take fewer rows or columns, or a machine with more memory",
        in_words(wanted)
    ))
}

/// Formats a size for people, in units of 1000: `2.1 GB`, `500 MB`.
pub fn in_words(bytes: u64) -> String {
    crate::error::size(bytes)
}

/// How many more bytes this process can allocate. `None` if the system does not say, which is the case everywhere but
/// on Linux.
///
/// It is the smallest of three numbers: the free memory of the machine, what the process's control groups
/// (version 1 or 2) leave, and what its own limits (`ulimit -v`, `ulimit -d`) leave.
pub fn available() -> Option<u64> {
    available_under(Path::new("/"))
}

/// Like [`available`], but reads the system's files below `root`. Tests use this with made-up files.
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

/// Finds the line of `text` that starts with `name`, such as `MemAvailable:   123 kB`, and returns its value in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The bytes that each control group with a limit leaves. These are the groups listed in `/proc/self/cgroup` and all of
/// their parents; `groups` is the text of that file.
fn left_to_groups(root: &Path, groups: &str) -> Vec<u64> {
    let mut left = Vec::new();
    for line in groups.lines() {
        // A line reads `0::/path` in version 2 and `4:memory:/path` in version 1.
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
            // Cached files count as used memory, but the kernel drops them when a process needs the memory.
            let stat = read_to_string(group.join("memory.stat")).unwrap_or_default();
            let cached = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse::<u64>().ok());
            left.push(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))));
        }
    }
    left
}
