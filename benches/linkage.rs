//! Hierarchical methods: `cargo bench --bench linkage`.

#[allow(dead_code)]
#[path = "../tests/it/cases.rs"]
mod cases;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::{Method, Start};
use segmenta::progress::Progress;
use segmenta::{Dataset, Matrix};

/// Tables for each method: rows and features. Boxes rule out most pairs of few features, and hardly any of 64.
const TABLES: [(&str, usize, usize); 5] = [
    ("ward", 10_000, 4),
    ("ward", 10_000, 26),
    ("ward", 4_000, 64),
    ("complete", 2_000, 26),
    ("average", 2_000, 26),
];

fn linkages(criterion: &mut Criterion) {
    let cpu = Cpu::default();
    let mut group = criterion.benchmark_group("linkage");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (name, rows, features) in TABLES {
        let matrix = Matrix::from_array(cases::normal(rows, features, 3000).view()).expect("a sound table");
        let dataset = Dataset::load(&cpu, &matrix).expect("the CPU takes any table");
        let method = Method::named(name).expect("a method of the registry");
        let id = BenchmarkId::new(name, format!("{rows}x{features}"));
        let run = || method.partitions(&dataset, &[5], &Start::KMeansPlusPlus, Progress::none());
        group.bench_function(id, |b| b.iter(|| drop(run().expect("a fit"))));
    }
    group.finish();
}

criterion_group!(all, linkages);
criterion_main!(all);
