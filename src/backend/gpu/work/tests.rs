//! Buffers that go round, and work that is recorded now and submitted later, on every adapter.

use crate::backend::gpu::buffer::{Output, Reading, upload};
use crate::backend::gpu::ceiling::{MULTIPLY_ADD, Params, SUMS};
use crate::backend::gpu::context::Context;
use crate::backend::gpu::kernel::{Kernel, WORKGROUP};
use crate::backend::gpu::{Counts, Gpu, Options, adapters};
use crate::backend::{Backend as _, Expected};

fn on_every_adapter(options: Options, work: impl Fn(&Gpu)) {
    for index in 0..adapters().len() {
        work(&Gpu::open(index, options.clone()).unwrap());
    }
}

fn guarded() -> Options {
    Options { guards: true, ..Options::default() }
}

/// With `by` of 0, a thread writes 16 times the sum of `plus` and its number.
fn params(plus: f32) -> Params {
    Params { rounds: 1, count: 0, threads: WORKGROUP as u32, by: 0.0, plus, unused: [0; 3] }
}

/// What the last thread wrote, and what it writes for `plus`.
fn last(context: &Context, output: &Output) -> f32 {
    pollster::block_on(output.read::<f32>(context, WORKGROUP)).unwrap()[WORKGROUP - 1]
}

fn expected(plus: f32) -> f32 {
    16.0 * (plus + (WORKGROUP - 1) as f32)
}

#[test]
fn parameters_are_those_of_their_dispatch() {
    on_every_adapter(guarded(), |gpu| {
        let context = &gpu.context;
        let kernel = Kernel::new(context, &MULTIPLY_ADD, 1);
        // More than go into one buffer of parameters.
        let outputs: Vec<Output> = (0..40).map(|_| Output::new(context, WORKGROUP)).collect();
        let before = gpu.counts();
        let mut work = context.work();
        let mut pass = work.pass(context);
        for (i, output) in outputs.iter().enumerate() {
            kernel.record_in(context, &mut pass, params(i as f32), &[SUMS.to(output)], [1, 1, 1]);
        }
        drop(pass);
        context.submit(work);
        let after = gpu.counts();
        assert_eq!(
            (after.passes - before.passes, after.dispatches - before.dispatches, after.submissions),
            (1, 40, before.submissions + 1)
        );
        for (i, output) in outputs.iter().enumerate() {
            assert_eq!(last(context, output), expected(i as f32), "{}", gpu.adapter());
        }
    });
}

#[test]
fn what_recorded_work_uses_is_not_taken_up_before_it_is_submitted() {
    on_every_adapter(guarded(), |gpu| {
        let context = &gpu.context;
        let kernel = Kernel::new(context, &MULTIPLY_ADD, 1);
        let run = |plus| {
            let output = Output::new(context, WORKGROUP);
            let mut work = context.work();
            kernel.record(context, &mut work, params(plus), &[SUMS.to(&output)], [1, 1, 1]);
            (output, work)
        };
        let (output, work) = run(3.0);
        // Other work goes first, with buffers of the same sizes.
        for i in 0..20 {
            let (other, work) = run(7.0 + i as f32);
            context.submit(work);
            drop(upload(context, &[i; 1024]));
            assert_eq!(last(context, &other), expected(7.0 + i as f32));
        }
        context.submit(work);
        assert_eq!(last(context, &output), expected(3.0), "{}", gpu.adapter());
    });
}

#[test]
fn results_can_wait_while_more_work_is_submitted() {
    on_every_adapter(guarded(), |gpu| {
        let context = &gpu.context;
        let kernel = Kernel::new(context, &MULTIPLY_ADD, 1);
        let output = Output::new(context, WORKGROUP);
        let readings: Vec<Reading> = (0..4)
            .map(|i| {
                let mut work = context.work();
                kernel.record(context, &mut work, params(i as f32), &[SUMS.to(&output)], [1, 1, 1]);
                Reading::submit(context, work, &[(&output, WORKGROUP)])
            })
            .collect();
        let firsts: Vec<f32> = readings
            .into_iter()
            .map(|reading| reading.wait(context, |parts| f32::from_bits(parts[0][0])).unwrap())
            .collect();
        assert_eq!(firsts, [0.0, 16.0, 32.0, 48.0], "{}", gpu.adapter());
    });
}

#[test]
fn buffers_are_used_again() {
    on_every_adapter(Options::default(), |gpu| {
        let context = &gpu.context;
        let round = || {
            let output = Output::new(context, 5000);
            output.clear(context, 5000);
            assert_eq!(pollster::block_on(output.read::<u32>(context, 5000)).unwrap(), vec![0; 5000]);
            drop(upload(context, &[1u32; 3000]));
            gpu.counts()
        };
        let Counts { buffers, readbacks, .. } = round();
        let again = round();
        assert_eq!((again.buffers, again.readbacks), (buffers, readbacks + 1), "{}", gpu.adapter());
    });
}

#[test]
fn the_memory_limit_counts_what_is_in_use_and_frees_what_is_not() {
    let limit = Some(1 << 20);
    on_every_adapter(Options { max_memory: limit, ..Options::default() }, |gpu| {
        let context = &gpu.context;
        // Three quarters each, one after the other, in different sizes: none can be used again.
        for words in [150_000, 180_000, 200_000] {
            drop(Output::new(context, words));
            context.check().unwrap();
        }
        let one = Output::new(context, 150_000);
        let two = Output::new(context, 150_000);
        let error = context.check().unwrap_err().to_string();
        assert!(error.contains("device memory"), "{error}");
        drop((one, two));
    });
}

#[test]
fn kernels_that_are_expected_are_compiled_meanwhile() {
    on_every_adapter(Options::default(), |gpu| {
        let expected = Expected { features: 5, largest_k: 300, nearest: true, ..Expected::default() };
        gpu.expect(&expected);
        let compiling = std::mem::take(&mut *gpu.compiling.lock().unwrap());
        assert!(compiling.len() >= 3);
        compiling.into_iter().for_each(|thread| thread.join().unwrap());
        let kernels = gpu.kernels(5).unwrap();
        // Labels of a whole word, without weights, by distances and by dot products.
        assert!(kernels.assign[1].get().is_some() && kernels.assign_few_features[1].get().is_some());
        assert!(kernels.accumulate[1][0].get().is_some() && kernels.nearest.get().is_some());
        let pairs = kernels.distance_sums.as_flattened();
        assert!(kernels.assign[0].get().is_none() && pairs.iter().all(|kernel| kernel.get().is_none()));
        gpu.context.check().unwrap();
    });
}
