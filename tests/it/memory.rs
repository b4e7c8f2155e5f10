//! How much memory there is, and the budget that is asked before it is taken.

use segmenta::memory::{Budget, available, available_under, in_words};
use std::path::Path;

#[test]
fn a_budget_counts_what_is_taken() {
    let budget = Budget::new(Some(1_000));
    budget.take(600).unwrap();
    assert_eq!(budget.left(), 400);
    let e = budget.take(401).unwrap_err().to_string();
    assert!(e.contains("needs about 1 kB of memory, and the limit is 1 kB"), "{e}");
    budget.take(400).unwrap();
    budget.give_back(500);
    assert_eq!(budget.left(), 500);
    assert!(budget.take(u64::MAX).is_err());
    assert_eq!(budget.left(), 500);

    let free = Budget::new(None);
    free.take(1 << 60).unwrap();
    assert_eq!(free.left(), u64::MAX);
}

#[test]
fn sizes_in_words() {
    for (bytes, words) in [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (1_550, "1.6 kB"),
        (500_000_000, "500 MB"),
        (2_147_483_648, "2.1 GB"),
        (3_000_000_000_000, "3 TB"),
    ] {
        assert_eq!(in_words(bytes), words);
    }
}

/// Files such as Linux has below `/proc` and `/sys`.
fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn the_least_of_all_limits_counts() {
    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n");
    const STATUS: (&str, &str) = ("proc/self/status", "Name: x\nVmSize:\t 1000 kB\nVmData:\t 400 kB\n");
    let left = |files: &[(&str, &str)]| available_under(system(files).path());
    assert_eq!(left(&[]), None);
    assert_eq!(left(&[MACHINE, STATUS]), Some(8_000 << 10));

    let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                  Max data size        unlimited  unlimited  bytes\n\
                  Max address space    4096000    unlimited  bytes\n";
    assert_eq!(left(&[MACHINE, STATUS, ("proc/self/limits", limits)]), Some(3_000 << 10));

    // Version 2: a group above has the smaller limit, and cached files do not count.
    let v2 = [
        MACHINE,
        ("proc/self/cgroup", "0::/jobs/one\n"),
        ("sys/fs/cgroup/jobs/one/memory.max", "max\n"),
        ("sys/fs/cgroup/jobs/one/memory.current", "1000\n"),
        ("sys/fs/cgroup/jobs/memory.max", "500000\n"),
        ("sys/fs/cgroup/jobs/memory.current", "300000\n"),
        ("sys/fs/cgroup/jobs/memory.stat", "anon 100000\ninactive_file 200000\n"),
    ];
    assert_eq!(left(&v2), Some(400_000));

    let v1 = [
        MACHINE,
        ("proc/self/cgroup", "5:cpu:/x\n4:memory:/box\n"),
        ("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "700000\n"),
        ("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "100000\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n"),
    ];
    assert_eq!(left(&v1), Some(600_000));
}

#[test]
#[cfg(target_os = "linux")]
fn this_machine_says_what_it_has() {
    let left = available().unwrap();
    assert!(left > 1 << 20 && Path::new("/proc/meminfo").exists(), "{left}");
}
