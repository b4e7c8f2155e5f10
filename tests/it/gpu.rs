//! What a GPU is asked to do: memory that is used again, and what happens when it fails.
#![cfg(feature = "gpu")]

use crate::cases;
use segmenta::analysis::{
    ChooseK, Compute, Fit, Notice, Observer, Outcome, Source, Spec, Sweep, Tendency, run,
};
use segmenta::backend::cpu::{Cpu, InstructionSet};
use segmenta::backend::gpu::{Gpu, Options, adapters};
use segmenta::backend::{Backend, Device, GpuUse, Labeling, LloydState};
use segmenta::canonical::Centroids;
use segmenta::cluster::{Params, Start, fit_many};
use segmenta::evidence::silhouette::silhouette_scores;
use segmenta::progress::Progress;
use segmenta::synth::Example;
use segmenta::{Dataset, Matrix};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Opens every adapter with these options.
fn on_every_adapter(options: Options, work: impl Fn(&Gpu)) {
    let found = adapters();
    if found.is_empty() {
        crate::devices::skip("no GPU adapter: its use of memory is not tested");
    }
    for index in 0..found.len() {
        work(&Gpu::open(index, options.clone()).unwrap());
    }
}

#[test]
fn a_second_pass_makes_no_buffer() {
    on_every_adapter(Options::default(), |gpu| {
        let case = cases::timed(cases::TIMED[1]);
        let dataset = Dataset::load(gpu, &case.matrix).unwrap();
        let mut states: Vec<LloydState> = case.sets.iter().map(|_| LloydState::default()).collect();
        let mut pass = |by: f32| {
            let moved = |set: &Centroids| {
                let values = set.values.iter().map(|v| v * by).collect();
                Centroids { values, features: set.features }
            };
            let sets: Vec<Centroids> = case.sets.iter().map(moved).collect();
            dataset.lloyd_incremental(&sets, false, &mut states).unwrap();
            gpu.counts()
        };
        let first = pass(1.0);
        let second = pass(1.001);
        let third = pass(1.002);
        assert!(second.readbacks > first.readbacks && second.submissions > first.submissions);
        assert_eq!((second.buffers, third.buffers), (first.buffers, first.buffers), "{}", gpu.adapter());
    });
}

#[test]
fn a_second_table_of_the_same_size_makes_no_buffer() {
    on_every_adapter(Options::default(), |gpu| {
        let case = cases::timed(cases::TIMED[1]);
        let load = || {
            drop(Dataset::load(gpu, &case.matrix).unwrap());
            gpu.counts().buffers
        };
        assert_eq!(load(), load(), "{}", gpu.adapter());
    });
}

/// Does a pass with compiled pipelines kept in `folder`, and gives the files in it.
fn compile(index: usize, folder: &Path) -> Vec<PathBuf> {
    let options = Options { pipeline_cache: Some(folder.to_path_buf()), ..Options::default() };
    let gpu = Gpu::open(index, options).unwrap();
    let case = cases::timed(cases::TIMED[0]);
    let passes = Dataset::load(&gpu, &case.matrix).unwrap().lloyd(&case.sets[..1], false).unwrap();
    assert_eq!(passes[0].counts.iter().sum::<u64>(), case.matrix.rows() as u64);
    drop(gpu);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).map_or(Vec::new(), |all| all.map(|e| e.unwrap().path()).collect());
    files.sort();
    files
}

#[test]
fn pipelines_are_kept_and_damage_is_harmless() {
    for (index, adapter) in adapters().iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made/when/needed");
        let files = compile(index, &folder);
        let [file] = &files[..] else {
            // Only Vulkan drivers have a cache, and not all of them.
            crate::devices::skip(&format!("{adapter} keeps no pipelines"));
            assert!(files.is_empty(), "{files:?}");
            continue;
        };
        let whole = std::fs::read(file).unwrap();
        assert!(whole.len() > 60, "{adapter}");
        let mut other = whole.clone();
        *other.last_mut().unwrap() ^= 1;
        for damage in [&other[..], &whole[..whole.len() / 2], b"no pipelines", b""] {
            std::fs::write(file, damage).unwrap();
            assert_eq!(compile(index, &folder), files, "{adapter}");
            assert_ne!(std::fs::read(file).unwrap(), damage, "{adapter}: it is written anew");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    for index in 0..adapters().len() {
        assert!(compile(index, &file.join("cache")).is_empty());
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "in the way");
}

#[test]
fn several_devices_of_one_adapter_work_side_by_side() {
    for index in 0..adapters().len() {
        let case = cases::timed(cases::TIMED[0]);
        let all: Vec<Gpu> = (0..3).map(|_| Gpu::open(index, Options::default()).unwrap()).collect();
        let passes = all.iter().map(|gpu| {
            let passes = Dataset::load(gpu, &case.matrix).unwrap().lloyd(&case.sets, true).unwrap();
            passes.into_iter().map(|pass| (pass.labels, pass.sums)).collect::<Vec<_>>()
        });
        let passes: Vec<_> = passes.collect();
        assert!(passes.windows(2).all(|two| two[0] == two[1]));
    }
}

/// Keeps the sentences about a failed device.
#[derive(Default)]
struct Watch(Mutex<Vec<String>>);

impl Observer for Watch {
    fn notice(&self, notice: &Notice) {
        if let Notice::DeviceFailed { .. } = notice {
            let (_, text) = segmenta::report::notices::in_words(notice).unwrap();
            self.0.lock().unwrap().push(text);
        }
    }
}

/// Hopkins' statistic, a sweep with silhouettes, and a fit with other restarts than the sweep.
fn analysis() -> Spec {
    let mut spec = Spec {
        tendency: Some(Tendency { probes: Some(20) }),
        sweep: Some(Sweep { k: Some("2..4".parse().unwrap()), n_init: Some(2) }),
        fit: Some(Fit { k: Some(3), silhouette: true, ..Fit::default() }),
        choose_k: ChooseK::default(),
        ..Spec::default()
    };
    spec.method.set_n_init(3);
    spec
}

fn analyse(spec: &Spec, device: Device, gpu: GpuUse) -> (Outcome, Vec<String>) {
    let cpu = Cpu::with(InstructionSet::Portable).unwrap();
    let compute = Compute { device, cpu, gpu };
    let watch = Watch::default();
    let table = Source::from(Example::Learners.table(700, 0));
    let outcome = run(spec, table, &compute, &watch).unwrap();
    (outcome, watch.0.into_inner().unwrap())
}

/// Everything that must be the same bits.
fn bits(outcome: &Outcome) -> (String, String, String) {
    let model = outcome.model.as_ref().unwrap().to_json();
    (model, format!("{:?}", outcome.labelled.as_ref().unwrap().rows), format!("{:?}", outcome.hopkins))
}

#[test]
fn where_a_device_is_lost_the_cpu_goes_on_with_the_same_bits() {
    let spec = analysis();
    let (expected, none) = analyse(&spec, Device::Cpu, GpuUse::default());
    assert!(none.is_empty());
    for (index, adapter) in adapters().iter().enumerate() {
        let device = Device::Gpu(Some(index));
        let mut failures = 0;
        // Pipelines of a lost device are not asked for.
        let folder = tempfile::tempdir().unwrap();
        // At the table's first use, in the search for neighbours, in fits, in silhouettes, and never.
        for lose_after in [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 100_000] {
            let pipeline_cache = Some(folder.path().to_path_buf());
            let gpu = GpuUse { lose_after: Some(lose_after), pipeline_cache, ..GpuUse::default() };
            let (outcome, said) = analyse(&spec, device, gpu);
            assert!(bits(&outcome) == bits(&expected), "{adapter}, lost after {lose_after}");
            let used = outcome.device.unwrap();
            if said.is_empty() {
                assert_eq!(used.backend, "gpu", "{adapter}, lost after {lose_after}");
                continue;
            }
            failures += 1;
            assert_eq!((used.backend.as_ref(), said.len()), ("cpu", 1), "{said:?}");
            assert!(used.reason.contains(&adapter.name), "{}", used.reason);
            for word in [adapter.name.as_str(), "the GPU failed and the CPU takes over"] {
                assert!(said[0].contains(word) && !said[0].contains('\n'), "{}", said[0]);
            }
        }
        assert!((4..11).contains(&failures), "{adapter}: {failures} of 11");
    }
}

#[test]
fn a_lost_device_that_auto_took_is_no_error_either() {
    if adapters().is_empty() {
        return;
    }
    let mut spec = analysis();
    // So many restarts that it takes the CPU long enough by the estimate.
    spec.method.set_n_init(2_000);
    spec.tendency = None;
    spec.sweep = None;
    let (expected, _) = analyse(&spec, Device::Cpu, GpuUse::default());
    let gpu = GpuUse { software_is_real: true, lose_after: Some(1), ..GpuUse::default() };
    let (outcome, said) = analyse(&spec, Device::Auto, gpu);
    assert_eq!(said.len(), 1);
    assert!(bits(&outcome) == bits(&expected));
}

#[test]
fn memory_stays_below_its_limit() {
    let case = cases::timed(cases::TIMED[1]);
    let params = Params { n_init: 4, seed: 1, ..Params::default() };
    let work = |backend: &dyn Backend| {
        let dataset = Dataset::load(backend, &case.matrix).unwrap();
        let start = Start::KMeansPlusPlus;
        let fits = fit_many(&dataset, &[4, 9], &params, &start, Progress::none()).unwrap();
        let few: Vec<usize> = (0..700).collect();
        let part = case.matrix.select(&few);
        let dataset = Dataset::load(backend, &part).unwrap();
        let labels = &fits[0].labels[..700];
        silhouette_scores(&dataset, &[Labeling { k: 4, labels }], Progress::none()).unwrap();
        fits.into_iter().map(|fit| (fit.labels, fit.centroids)).collect::<Vec<_>>()
    };
    let expected = work(&Cpu::default());
    let shape = segmenta::backend::Shape { rows: case.matrix.rows(), features: case.matrix.features() };
    let limit = shape.device_memory();
    on_every_adapter(Options { max_memory: Some(limit), ..Options::default() }, |gpu| {
        assert!(work(gpu) == expected, "{}", gpu.adapter());
        let peak = gpu.counts().peak_bytes;
        assert!(peak > limit / 4 && peak <= limit, "{}: {peak} of {limit}", gpu.adapter());
    });
    on_every_adapter(Options { max_memory: Some(limit - 1), ..Options::default() }, |gpu| {
        let error = Dataset::load(gpu, &case.matrix).err().unwrap().to_string();
        assert!(error.contains("of the GPU's memory") && error.contains("--max-gpu-mem"), "{error}");
    });
}

#[test]
fn passes_follow_each_other_without_the_host() {
    on_every_adapter(Options::default(), |gpu| {
        let matrix = Matrix::from_array(cases::normal(3000, 6, 77).view()).unwrap();
        let start = Start::Given(Centroids {
            values: (0..5).flat_map(|i| matrix.row(i).collect::<Vec<_>>()).collect(),
            features: 6,
        });
        let params = Params { tol: 0.0, ..Params::default() };
        let dataset = Dataset::load(gpu, &matrix).unwrap();
        let before = gpu.counts();
        let fits = fit_many(&dataset, &[5], &params, &start, Progress::none()).unwrap();
        let after = gpu.counts();
        let passes = fits[0].n_iter as u64;
        assert!(passes >= 20, "{passes} passes");
        // Four passes are read together, one submission more is on its way, and centroids, the final pass and its labels are
        // each read once.
        let most = passes.div_ceil(4) + 4;
        let submissions = after.submissions - before.submissions;
        assert!(submissions <= most, "{}: {passes} passes in {submissions} submissions", gpu.adapter());
        let readbacks = after.readbacks - before.readbacks;
        assert!(readbacks <= most, "{}: {passes} passes with {readbacks} round trips", gpu.adapter());
    });
}
