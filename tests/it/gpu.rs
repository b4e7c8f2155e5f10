//! What a GPU is asked to do: memory that is used again, and what happens when it fails.
#![cfg(feature = "gpu")]

use crate::cases;
use segmenta::Dataset;
use segmenta::backend::LloydState;
use segmenta::backend::gpu::{Gpu, Options, adapters};
use segmenta::canonical::Centroids;

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
