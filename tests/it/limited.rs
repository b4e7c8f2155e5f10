//! Tests in a process of their own that may take only so much memory.

/// Runs `body` where this process may not have more than so many megabytes of addresses. A larger allocation aborts,
/// and so fails the test. `test` is the caller's path, by which the new process runs nothing else. Only Linux has such
/// limits; elsewhere the body just runs.
pub fn to_megabytes(megabytes: u64, test: &str, body: impl FnOnce()) {
    const INSIDE: &str = "SEGMENTA_TEST_INSIDE_LIMITS";
    if !cfg!(target_os = "linux") || std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let out = std::process::Command::new("sh")
        .args(["-c", "ulimit -v $0 && exec \"$@\"", &(megabytes * 1024).to_string()])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1"])
        .env(INSIDE, "1")
        .env("RAYON_NUM_THREADS", "2")
        // Each thread's own heap would take 64 MiB of addresses.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let ran = out.status.success() && said.contains("1 passed");
    assert!(ran, "{}\n{said}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
}
