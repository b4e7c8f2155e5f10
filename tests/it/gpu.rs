//! What a GPU is asked to do: memory that is used again, and what happens when it fails.
#![cfg(feature = "gpu")]

use crate::cases;
use segmenta::Dataset;
use segmenta::backend::LloydState;
use segmenta::backend::gpu::{Gpu, Options, adapters};
use segmenta::canonical::Centroids;
use std::path::{Path, PathBuf};

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
