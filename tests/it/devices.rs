//! Everything that tests run on: the CPU with several thread counts and instruction sets, and every GPU adapter.

use segmenta::backend::Backend;
use segmenta::backend::cpu::{Cpu, InstructionSet};
use std::io::Write;
use std::sync::OnceLock;

/// A backend on a pool of its own.
pub struct Setup {
    pub name: String,
    pub backend: Box<dyn Backend>,
    pool: rayon::ThreadPool,
}

impl Setup {
    fn new(name: impl Into<String>, threads: usize, backend: Box<dyn Backend>) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        Setup { name: name.into(), backend, pool }
    }

    pub fn run<T: Send>(&self, work: impl FnOnce(&dyn Backend) -> T + Send) -> T {
        self.pool.install(|| work(self.backend.as_ref()))
    }
}

/// All of them. The others are compared with the first one.
pub fn all() -> &'static [Setup] {
    assert_that_ci_finds_this_test();
    static ALL: OnceLock<Vec<Setup>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Setup> =
            [1, 2, 7].map(|t| Setup::new(format!("cpu, {t} threads"), t, Box::new(Cpu::default()))).into();
        for set in InstructionSet::ALL.into_iter().filter(|s| s.available()) {
            all.push(Setup::new(format!("cpu, {set}"), 2, Box::new(Cpu::with(set).unwrap())));
        }
        all.extend(gpus());
        all
    })
}

/// `.ci/run` runs the tests that compute on a GPU once more, on another driver. It finds them by the name of [`all`] in their
/// file, or in that of a module around them, so a test must not come here through a helper of another file.
fn assert_that_ci_finds_this_test() {
    let thread = std::thread::current();
    // Threads of a pool have no such name; the test's own has that of the test.
    let Some((module, _)) = thread.name().and_then(|name| name.rsplit_once("::")) else { return };
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let parts: Vec<&str> = module.split("::").collect();
    let named = (1..=parts.len()).any(|n| {
        let file = tests.join(parts[..n].join("/")).with_extension("rs");
        std::fs::read_to_string(file).is_ok_and(|text| text.contains("devices::all"))
    });
    assert!(named, "the file of {module} does not say devices::all, by which .ci/run finds it");
}

/// Prints that something is skipped, in a way that the test harness does not capture.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

#[cfg(feature = "gpu")]
fn gpus() -> Vec<Setup> {
    use segmenta::backend::gpu::{Gpu, Options, adapters};
    let found = adapters();
    if found.is_empty() {
        assert!(
            std::env::var_os("SEGMENTA_REQUIRE_GPU").is_none(),
            "a GPU adapter is required, none is there"
        );
        skip("no GPU adapter: the GPU backend is not tested");
    }
    let mut all = Vec::new();
    for (i, adapter) in found.iter().enumerate() {
        let _ = writeln!(std::io::stderr(), "testing on {adapter}");
        let open = |options| Box::new(Gpu::open(i, options).unwrap());
        let guarded = Options { guards: true, ..Options::default() };
        all.push(Setup::new(adapter.to_string(), 2, open(guarded.clone())));
        // Several buffers of rows, several passes over each; and the kernels' other build, with run-time checks.
        let split =
            Options { max_binding: Some(8 << 10), pass_bytes: Some(2 << 10), checked: true, ..guarded };
        all.push(Setup::new(format!("{adapter}, in pieces"), 2, open(split)));
    }
    all
}

#[cfg(not(feature = "gpu"))]
fn gpus() -> Vec<Setup> {
    assert!(std::env::var_os("SEGMENTA_REQUIRE_GPU").is_none(), "built without the gpu feature");
    Vec::new()
}
