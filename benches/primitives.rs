//! Every primitive on the shapes of the tests' case list: on the CPU, and on a real GPU where there is one.
//!
//! `cargo bench`, `cargo bench -- lloyd/cpu`; `cargo bench -- --test` runs everything once.

#[allow(dead_code)]
#[path = "../tests/it/cases.rs"]
mod cases;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use segmenta::Dataset;
use segmenta::backend::cpu::Cpu;
use segmenta::backend::{Backend, BinaryMetric, Labeling, Metric, Rows, SelfMatches};
use segmenta::cluster::dbscan::Params;
use segmenta::cluster::gmm;
use segmenta::cluster::{Algorithm as _, Start};
use segmenta::matrix::BinaryMatrix;
use segmenta::progress::Progress;
use std::time::Duration;

/// Queries of `nearest`.
const QUERIES: usize = 256;

type Devices = Vec<(&'static str, Box<dyn Backend>)>;

#[cfg(feature = "gpu")]
fn real_gpu() -> Option<Box<dyn Backend>> {
    use segmenta::backend::gpu::{Gpu, Options, adapters};
    let Some(index) = adapters().iter().position(|a| !a.software) else {
        eprintln!("SKIPPED: no real GPU was found: the CPU alone is timed");
        return None;
    };
    Some(Box::new(Gpu::open(index, Options::default()).expect("a GPU that is listed can be opened")))
}

#[cfg(not(feature = "gpu"))]
fn real_gpu() -> Option<Box<dyn Backend>> {
    None
}

/// Times `run` on every device and shape; `pairs` is how many distances it takes.
fn time(
    criterion: &mut Criterion,
    devices: &Devices,
    name: &str,
    pairs: impl Fn(&cases::Case) -> usize,
    run: impl Fn(&dyn Rows, &cases::Case),
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for (rows, features, k) in cases::TIMED {
        let case = cases::timed((rows, features, k));
        group.throughput(Throughput::Elements(pairs(&case) as u64));
        for (device, backend) in devices {
            let resident = backend.load(&case.matrix).expect("the shapes fit any device");
            let id = BenchmarkId::new(*device, format!("{rows}x{features},k={k}"));
            group.bench_function(id, |b| b.iter(|| run(&*resident, &case)));
        }
    }
    group.finish();
}

fn primitives(criterion: &mut Criterion) {
    let mut devices: Devices = vec![("cpu", Box::new(Cpu::default()))];
    devices.extend(real_gpu().map(|gpu| ("gpu", gpu)));

    let to_centroids =
        |case: &cases::Case| case.matrix.rows() * case.sets.iter().map(|s| s.k()).sum::<usize>();
    time(criterion, &devices, "lloyd", to_centroids, |rows, case| {
        drop(rows.lloyd(&case.sets, false).unwrap());
    });
    let own: Vec<u32> = (0..QUERIES as u32).collect();
    time(criterion, &devices, "nearest", pairs_of_queries, |rows, case| {
        drop(rows.nearest(&queries(case), SelfMatches::Exclude(&own), Metric::Euclidean).unwrap());
    });
    let among_rows = |case: &cases::Case| case.matrix.rows() * (case.matrix.rows() - 1) / 2;
    time(criterion, &devices, "distance_sums", among_rows, |rows, case| {
        let k = case.sets[0].k();
        let labels: Vec<u32> = (0..case.matrix.rows()).map(|i| (i % k) as u32).collect();
        let labeling = Labeling { k, labels: &labels };
        rows.distance_sums(&[labeling], Progress::none(), &mut |_, sums| {
            std::hint::black_box(sums);
            Ok(())
        })
        .unwrap();
    });
}

fn pairs_of_queries(case: &cases::Case) -> usize {
    QUERIES * case.matrix.rows()
}

/// The table's first rows; a small part of the time.
fn queries(case: &cases::Case) -> segmenta::Matrix {
    case.matrix.select(&(0..QUERIES).collect::<Vec<_>>())
}

/// Five passes of a Gaussian mixture over each case's rows.
fn mixtures(criterion: &mut Criterion) {
    let params = gmm::Params { max_iter: 5, tol: 0.0, ..gmm::Params::default() };
    let devices: Devices = vec![("cpu", Box::new(Cpu::default()))];
    let densities = |case: &cases::Case| params.max_iter * case.matrix.rows() * case.sets[0].k();
    let cpu = Cpu::default();
    time(criterion, &devices, "gmm", densities, |_, case| {
        let k = case.sets[0].k();
        let labels: Vec<u32> = (0..case.matrix.rows()).map(|i| (i % k) as u32).collect();
        let dataset = Dataset::load(&cpu, &case.matrix).unwrap();
        drop(gmm::fit_from_labels(&dataset, k, &labels, &params, Progress::none()).unwrap());
    });
}

/// DBSCAN of two radii, of which the larger one has nearly all rows in one cluster.
fn dbscan(criterion: &mut Criterion) {
    let cpu = Cpu::default();
    let params = Params { eps: vec![0.5, 1.0], min_samples: vec![5, 10] };
    let mut group = criterion.benchmark_group("dbscan");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (rows, features) in [(20_000, 3), (20_000, 10)] {
        let matrix =
            segmenta::Matrix::from_array(cases::normal(rows, features, 1).view()).expect("finite values");
        let dataset = Dataset::load(&cpu, &matrix).expect("the CPU has the matrix already");
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(format!("cpu/{rows}x{features}"), |b| {
            b.iter(|| params.partitions(&dataset, &[], &Start::KMeansPlusPlus, Progress::none()).map(drop));
        });
    }
    group.finish();
}

/// Answers of 0 and 1: the 15 nearest rows of every row, and the sums of distances to the rows of three clusters.
fn answers(criterion: &mut Criterion) {
    let (rows, features) = (5_000, 355);
    let table = cases::binary(rows, features);
    let names: Vec<String> = (0..features).map(|j| format!("{j}")).collect();
    let columns: Vec<Vec<f32>> = table.columns().into_iter().map(|column| column.to_vec()).collect();
    let table = BinaryMatrix::from_columns(&names, &columns).expect("only 0 and 1");
    let own: Vec<u32> = (0..rows as u32).collect();
    let labels: Vec<u32> = own.iter().map(|i| i % 3).collect();
    let mut devices: Devices = vec![("cpu", Box::new(Cpu::default()))];
    devices.extend(real_gpu().map(|gpu| ("gpu", gpu)));
    for metric in [BinaryMetric::Jaccard, BinaryMetric::Hamming] {
        let mut group = criterion.benchmark_group(format!("{metric:?}").to_lowercase());
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        group.throughput(Throughput::Elements((rows * rows) as u64));
        for (device, backend) in &devices {
            let resident = backend.load_binary(&table).expect("the table fits any device");
            group.bench_function(BenchmarkId::new(*device, "knn"), |b| {
                let own = SelfMatches::Exclude(&own);
                b.iter(|| resident.knn(&table, own, metric, 15, Progress::none()).unwrap());
            });
            group.bench_function(BenchmarkId::new(*device, "distance_sums"), |b| {
                let labelings = [Labeling { k: 3, labels: &labels }];
                b.iter(|| {
                    resident
                        .distance_sums(metric, &labelings, Progress::none(), &mut |_, sums| {
                            std::hint::black_box(sums);
                            Ok(())
                        })
                        .unwrap();
                });
            });
        }
        group.finish();
    }
}

criterion_group!(all, primitives, dbscan, mixtures, answers);
criterion_main!(all);
