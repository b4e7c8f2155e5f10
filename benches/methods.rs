//! Whole fits of the clustering methods that compare all pairs of rows or iterate on the CPU.
//!
//! `cargo bench --bench methods`, `cargo bench --bench methods -- affinity`.

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use ndarray::Array2;
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::{Algorithm, Start, affinity};
use segmenta::progress::Progress;
use segmenta::random::{Draws, Purpose};
use segmenta::{Dataset, Matrix};
use std::time::Duration;

/// Ten groups of normal rows that overlap.
fn groups(rows: usize, features: usize) -> Matrix {
    let mut draws = Draws::new(3, Purpose::SynthTable).at(0);
    let centres = Array2::from_shape_simple_fn((10, features), || 2.0 * draws.normal());
    let values =
        Array2::from_shape_fn((rows, features), |(i, j)| (centres[[i % 10, j]] + draws.normal()) as f32);
    Matrix::from_array(values.view()).expect("a sound table")
}

/// Times a fit with these parameters.
fn time(
    criterion: &mut Criterion,
    name: &str,
    shapes: &[(usize, usize)],
    method: &dyn Algorithm,
    ks: &[usize],
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    let cpu = Cpu::default();
    for &(rows, features) in shapes {
        let matrix = groups(rows, features);
        let dataset = Dataset::load(&cpu, &matrix).expect("the CPU takes any table");
        group.bench_function(BenchmarkId::new("cpu", format!("{rows}x{features}")), |b| {
            b.iter(|| method.partitions(&dataset, ks, &Start::KMeansPlusPlus, Progress::none()).unwrap());
        });
    }
    group.finish();
}

fn methods(criterion: &mut Criterion) {
    // Exactly 20 iterations: no fit has settled for 200.
    let twenty = affinity::Params { max_iter: 20, convergence_iter: 200, ..affinity::Params::default() };
    time(criterion, "affinity", &[(500, 8), (2_000, 8), (2_000, 26), (5_000, 26)], &twenty, &[]);
}

criterion_group!(all, methods);
criterion_main!(all);
