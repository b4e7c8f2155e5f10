//! What the common cases do not reach: labels of a whole word, sums in chunks, and states of sets that come and go.

use super::points;
use crate::backend::cpu::Cpu;
use crate::backend::gpu::{Gpu, Options, adapters};
use crate::backend::{Advanced, Assigned, Backend, End, LloydState, Passes};
use crate::canonical::Centroids;
use crate::error::Error;
use crate::matrix::Matrix;
use crate::random::{Draws, Purpose, Stream};

fn table(rows: usize, features: usize, draws: &mut Stream) -> Matrix {
    let columns = (0..features).map(|_| (0..rows).map(|_| draws.normal() as f32).collect()).collect();
    Matrix::from_columns((0..features).map(|j| format!("f{j}")).collect(), columns).unwrap()
}

/// Rows as centroids, moved a little; the last of them is there twice.
fn centroids(matrix: &Matrix, k: usize, draws: &mut Stream) -> Centroids {
    let mut values = Vec::new();
    for _ in 0..k - 1 {
        let row: Vec<f32> = matrix.row(draws.below(matrix.rows() as u64) as usize).collect();
        values.extend(row.iter().map(|v| v * (1.0 + 0.01 * draws.normal() as f32)));
    }
    values.extend_from_within(values.len() - matrix.features()..);
    Centroids { values, features: matrix.features() }
}

fn moved(set: &Centroids, draws: &mut Stream) -> Centroids {
    let values = set.values.iter().map(|v| v * (1.0 + 0.05 * draws.normal() as f32)).collect();
    Centroids { values, features: set.features }
}

/// Passes over the same rows, the sets on the move: one leaves after the second pass, one comes then.
fn passes(backend: &dyn Backend, matrix: &Matrix, ks: &[usize]) -> Vec<Vec<Assigned>> {
    let mut draws = Draws::new(5, Purpose::SynthTable).at(1);
    let rows = backend.load(matrix).unwrap();
    let mut sets: Vec<Centroids> = ks.iter().map(|&k| centroids(matrix, k, &mut draws)).collect();
    let mut states: Vec<LloydState> = ks.iter().map(|_| LloydState::default()).collect();
    let mut out = Vec::new();
    for pass in 0..4 {
        out.push(rows.lloyd_incremental(&sets, pass % 2 == 1, &mut states).unwrap());
        if pass == 1 {
            sets.remove(0);
            states.remove(0);
            sets.push(centroids(matrix, 7, &mut draws));
            states.push(LloydState::default());
        }
        sets = sets.iter().map(|set| moved(set, &mut draws)).collect();
    }
    out.push(rows.lloyd(&sets, true).unwrap());
    out.iter_mut().flatten().for_each(|assigned| assigned.f64_fallbacks = 0);
    out
}

#[test]
fn many_centroids_and_memories_are_exact() {
    let shapes: [(usize, usize, &[usize]); 6] = [
        (700, 5, &[2, 3, 4, 6]),
        (700, 5, &[254, 255, 256]),
        (500, 3, &[1100, 2, 700]),
        (2100, 40, &[300, 60]),
        (603, 48, &[2, 79, 3, 157, 5]),
        (601, 49, &[2, 17, 3, 33, 16, 5]),
    ];
    for (rows, features, ks) in shapes {
        let mut draws = Draws::new(5, Purpose::SynthTable).at(0);
        let plain = table(rows, features, &mut draws);
        let weights = (0..rows).map(|_| draws.below(1 << 16) as u16).collect();
        let weighted = plain.clone().weighted(weights).unwrap();
        for matrix in [plain, weighted] {
            let expected = passes(&Cpu::default(), &matrix, ks);
            for index in 0..adapters().len() {
                let guarded = Options { guards: true, ..Options::default() };
                let (binding, pass) = (Some(8 << 10), Some(2 << 10));
                let split =
                    Options { max_binding: binding, pass_bytes: pass, checked: true, ..guarded.clone() };
                for options in [guarded, split] {
                    let gpu = Gpu::open(index, options.clone()).unwrap();
                    let got = passes(&gpu, &matrix, ks);
                    assert!(got == expected, "{rows} x {features}, k = {ks:?}, {options:?}");
                }
            }
        }
    }
}

/// Where sets came to.
#[derive(Debug, PartialEq)]
struct Walked {
    /// The bits of their centroids.
    bits: Vec<Vec<u32>>,
    n_iter: Vec<usize>,
    /// Whether they converged.
    converged: Vec<bool>,
    /// The last pass of sets that did not change in it.
    unchanged: Vec<Option<Assigned>>,
    /// One more pass, with what the device remembers of the last.
    after: Vec<Assigned>,
}

/// Takes passes until all sets have converged or have taken `most`. The host moves the centroids where the device waits for
/// it; a cluster without rows stays where it is. Also says how often the device waited, and how often for an empty cluster.
fn walk(
    backend: &dyn Backend,
    matrix: &Matrix,
    mut sets: Vec<Centroids>,
    limit: f64,
    most: usize,
) -> (Walked, [usize; 2]) {
    let rows = backend.load(matrix).unwrap();
    let (mut n_iter, mut converged) = (vec![0; sets.len()], vec![false; sets.len()]);
    let mut unchanged: Vec<Option<Assigned>> = sets.iter().map(|_| None).collect();
    let mut states: Vec<LloydState> = sets.iter().map(|_| LloydState::default()).collect();
    let mut waited = [0, 0];
    loop {
        let active: Vec<usize> = (0..sets.len()).filter(|&s| !converged[s] && n_iter[s] < most).collect();
        if active.is_empty() {
            let bits = sets.iter().map(|set| set.values.iter().map(|v| v.to_bits()).collect()).collect();
            let mut after = rows.lloyd_incremental(&sets, true, &mut states).unwrap();
            after.iter_mut().for_each(|pass| pass.f64_fallbacks = 0);
            return (Walked { bits, n_iter, converged, unchanged, after }, waited);
        }
        let mut own: Vec<Centroids> = active.iter().map(|&s| sets[s].clone()).collect();
        let mut own_states: Vec<LloydState> =
            active.iter().map(|&s| std::mem::take(&mut states[s])).collect();
        let left: Vec<usize> = active.iter().map(|&s| most - n_iter[s]).collect();
        let passes = Passes { most: &left, limit, report: &|_: &[Advanced]| Ok(()) };
        let advanced = rows.lloyd_passes(&mut own, &mut own_states, passes).unwrap();
        for (((s, advanced), set), state) in active.into_iter().zip(advanced).zip(own).zip(own_states) {
            sets[s] = set;
            states[s] = state;
            assert!(advanced.end.is_some() || !advanced.f64_fallbacks.is_empty());
            n_iter[s] += advanced.f64_fallbacks.len();
            let mut keep = |pass: Assigned| unchanged[s] = Some(Assigned { f64_fallbacks: 0, ..pass });
            match advanced.end {
                None => {}
                Some(End::Spent) => assert_eq!(n_iter[s], most),
                Some(End::Converged { changed, pass }) => {
                    converged[s] = true;
                    if !changed {
                        keep(pass);
                    }
                }
                Some(End::Waiting(pass)) => {
                    waited[0] += 1;
                    waited[1] += usize::from(pass.weights.contains(&0));
                    let renewed = pass.renew(matrix, &mut sets[s]);
                    n_iter[s] += 1;
                    converged[s] = !renewed.changed || renewed.shift <= limit;
                    if !renewed.changed {
                        keep(pass);
                    }
                }
            }
        }
    }
}

/// Compares every adapter with the CPU; gives how often each adapter waited for the host.
fn same_walk(matrix: &Matrix, sets: &[Centroids], limit: f64, most: usize) -> Vec<[usize; 2]> {
    let (expected, _) = walk(&Cpu::default(), matrix, sets.to_vec(), limit, most);
    let mut all = Vec::new();
    for index in 0..adapters().len() {
        let guarded = Options { guards: true, ..Options::default() };
        let (binding, pass) = (Some(8 << 10), Some(2 << 10));
        let split = Options { max_binding: binding, pass_bytes: pass, checked: true, ..guarded.clone() };
        for options in [guarded, split] {
            let gpu = Gpu::open(index, options.clone()).unwrap();
            let (got, waited) = walk(&gpu, matrix, sets.to_vec(), limit, most);
            let (n, d) = (matrix.rows(), matrix.features());
            assert!(got == expected, "{n} x {d}, limit {limit}, {options:?}: {got:?}, not {expected:?}");
            all.push(waited);
        }
    }
    all
}

/// Rows of the table, each another one.
fn starts(matrix: &Matrix, k: usize, draws: &mut Stream) -> Centroids {
    let rows = draws.sample(k, matrix.rows());
    Centroids {
        values: rows.into_iter().flat_map(|i| matrix.row(i).collect::<Vec<_>>()).collect(),
        features: matrix.features(),
    }
}

#[test]
fn passes_on_the_device_are_those_of_the_host() {
    let shapes: [(usize, usize, &[usize]); 4] =
        [(900, 5, &[2, 3, 5, 8, 8, 1]), (1500, 26, &[5, 5, 5]), (400, 70, &[3, 4]), (300, 97, &[5, 2])];
    for (rows, features, ks) in shapes {
        let mut draws = Draws::new(6, Purpose::SynthTable).at(features as u64);
        let matrix = table(rows, features, &mut draws);
        let sets: Vec<Centroids> = ks.iter().map(|&k| starts(&matrix, k, &mut draws)).collect();
        let unasked = |matrix: &Matrix, limit: f64, most: usize| {
            let waited = same_walk(matrix, &sets, limit, most);
            assert!(waited.iter().all(|w| *w == [0, 0]), "the host was asked {waited:?} times");
        };
        for (limit, most) in [(0.0, 300), (0.0, 1), (1e-3 * matrix.largest_distance().powi(2), 5)] {
            unasked(&matrix, limit, most);
        }
        // Whole weights of one digit are no reason to ask the host, even the largest ones.
        let weights: Vec<u16> = (0..rows).map(|_| draws.bits() as u16 >> draws.below(16)).collect();
        unasked(&matrix.clone().weighted(weights).unwrap(), 0.0, 300);
        let heavy = (0..rows).map(|i| u16::MAX - (i % 2) as u16).collect();
        unasked(&matrix.weighted(heavy).unwrap(), 0.0, 40);
    }
}

/// Rows of weight 0 alone leave a centroid as empty as no rows, and weights of two digits are the host's.
#[test]
fn the_host_sees_to_weights_that_the_device_cannot() {
    let mut draws = Draws::new(6, Purpose::SynthTable).at(9);
    let matrix = table(600, 4, &mut draws);
    let sets = [starts(&matrix, 4, &mut draws), starts(&matrix, 3, &mut draws)];
    let mut weights: Vec<u16> = (0..600).map(|_| 1 + draws.below(9) as u16).collect();
    let labels = Cpu::default().load(&matrix).unwrap().lloyd(&sets, true).unwrap().remove(0).labels.unwrap();
    weights.iter_mut().zip(labels).filter(|(_, label)| *label == 2).for_each(|(weight, _)| *weight = 0);
    let weightless = matrix.clone().weighted(weights).unwrap();
    for waited in same_walk(&weightless, &sets, 0.0, 40) {
        assert!(waited[1] > 0, "{waited:?}");
    }
    let weights: Vec<u32> = (0..600).map(|i| 1 + i % 7 * 65_536).collect();
    let wide = matrix.weighted(weights).unwrap();
    for waited in same_walk(&wide, &sets, 0.0, 40) {
        assert!(waited[0] > 4, "{waited:?}");
    }
}

#[test]
fn tables_with_very_many_ties_are_decided_on_the_device() {
    let mut draws = Draws::new(6, Purpose::SynthTable).at(3);
    let whole = |draws: &mut Stream| (0..600).map(|_| draws.below(3) as f32 - 1.0).collect();
    let columns = (0..7).map(|_| whole(&mut draws)).collect();
    let matrix = Matrix::from_columns((0..7).map(|j| format!("f{j}")).collect(), columns).unwrap();
    let sets: Vec<Centroids> = [2, 4, 9, 4].iter().map(|&k| starts(&matrix, k, &mut draws)).collect();
    same_walk(&matrix, &sets, 0.0, 50);
    // Without the form for whole numbers every tie goes to `decide`: two centroids at the same distance of all rows.
    let values = [1.0 / 3.0, -1.0 / 3.0].iter().flat_map(|&v| [v; 7].map(|v| matrix.to_stored(v))).collect();
    let tied = Centroids { values, features: 7 };
    same_walk(&matrix, &[tied, sets[1].clone()], 0.0, 50);
}

#[test]
fn the_host_finishes_a_pass_with_an_empty_cluster() {
    let mut draws = Draws::new(6, Purpose::SynthTable).at(4);
    let matrix = table(800, 4, &mut draws);
    let mut sets: Vec<Centroids> = [3, 5, 6].iter().map(|&k| starts(&matrix, k, &mut draws)).collect();
    // Two equal centroids, of which the second gets no row, and one that is out of the way.
    sets[0].values.copy_within(0..4, 8);
    sets[1].values[4..8].fill(matrix.max_abs_centroid());
    for waited in same_walk(&matrix, &sets, 0.0, 40) {
        assert!(waited[0] > 2 && waited[0] == waited[1], "{waited:?}");
    }
}

#[test]
fn the_host_compares_a_shift_that_is_too_close_to_the_limit() {
    let mut draws = Draws::new(6, Purpose::SynthTable).at(5);
    let matrix = table(700, 6, &mut draws);
    let set = starts(&matrix, 4, &mut draws);
    // The shift of the third pass itself is the limit, then a number just below and just above it.
    let rows = Cpu::default();
    let rows = rows.load(&matrix).unwrap();
    let (mut moved, mut shift) = (set.clone(), 0f64);
    for _ in 0..3 {
        let pass = rows.lloyd(std::slice::from_ref(&moved), false).unwrap().remove(0);
        shift = pass.renew(&matrix, &mut moved).shift;
    }
    for limit in [shift, shift.next_down(), shift.next_up()] {
        for waited in same_walk(&matrix, std::slice::from_ref(&set), limit, 100) {
            assert_eq!(waited, [1, 0]);
        }
    }
}

#[test]
fn a_report_ends_the_passes() {
    let mut draws = Draws::new(6, Purpose::SynthTable).at(6);
    let matrix = table(500, 3, &mut draws);
    for index in 0..adapters().len() {
        let gpu = Gpu::open(index, Options::default()).unwrap();
        let rows = gpu.load(&matrix).unwrap();
        let mut sets = vec![starts(&matrix, 5, &mut draws)];
        let report = |advanced: &[Advanced]| match advanced[0].f64_fallbacks.len() {
            0 => Ok(()),
            _ => Err(Error::Interrupted),
        };
        let passes = Passes { most: &[100], limit: 0.0, report: &report };
        let got = rows.lloyd_passes(&mut sets, &mut [LloydState::default()], passes);
        assert!(matches!(got, Err(Error::Interrupted)), "{got:?}");
    }
}

/// Rows close to `k` points that lie far apart, and for each point one of its rows.
fn blobs(rows: usize, features: usize, k: usize, draws: &mut Stream) -> (Matrix, Centroids) {
    let centres: Vec<Vec<f32>> =
        (0..k).map(|_| (0..features).map(|_| draws.normal() as f32).collect()).collect();
    let columns = (0..features).map(|j| {
        (0..rows).map(|i| centres[i * 11 % k][j] + 1e-3 * draws.normal() as f32).collect::<Vec<f32>>()
    });
    let columns: Vec<Vec<f32>> = columns.collect();
    let matrix = Matrix::from_columns((0..features).map(|j| format!("f{j}")).collect(), columns).unwrap();
    let values =
        (0..k).flat_map(|c| matrix.row((0..).find(|i| i * 11 % k == c).unwrap()).collect::<Vec<_>>());
    let set = Centroids { values: values.collect(), features };
    (matrix, set)
}

/// Where clusters are far apart, f32 proves every label itself, so that nothing is left for `decide`, which would hide it if
/// `assign` looked at the wrong points.
#[test]
fn labels_of_distant_clusters_are_proved() {
    // Below and above the sizes at which fours are compared, a workgroup's memory is full, and the other kernel takes over.
    let shapes: [(usize, usize, &[usize]); 8] = [
        (600, 4, &[13, 1, 2, 3, 4, 5]),
        (515, 5, &[300, 6]),
        (2001, 26, &[259, 1, 7, 13]),
        (1300, 48, &[256, 80, 3, 2, 1]),
        (1300, 49, &[258, 80, 3, 2, 1]),
        (700, 64, &[37, 5, 5, 5, 16]),
        (300, 130, &[20, 12, 4]),
        (130, 300, &[9, 40]),
    ];
    for (rows, features, ks) in shapes {
        let mut draws = Draws::new(7, Purpose::SynthTable).at(features as u64);
        let (matrix, all) = blobs(rows, features, ks.iter().copied().max().unwrap(), &mut draws);
        // The first k of the points: the rows near the others are far from all of them, but still nearer to one.
        let set = |&k: &usize| Centroids { values: all.values[..k * features].to_vec(), features };
        let sets: Vec<Centroids> = ks.iter().map(set).collect();
        // So that dot products are what is tested.
        assert!(
            sets.iter().all(|set| points::dot_product_serves(&matrix, set) && !points::exact(&matrix, set))
        );
        let expected = Cpu::default().load(&matrix).unwrap().lloyd(&sets, true).unwrap();
        for index in 0..adapters().len() {
            let guarded = Options { guards: true, ..Options::default() };
            let (binding, pass) = (Some(8 << 10), Some(2 << 10));
            let split = Options { max_binding: binding, pass_bytes: pass, checked: true, ..guarded.clone() };
            for options in [guarded, split] {
                let gpu = Gpu::open(index, options.clone()).unwrap();
                let mut got = gpu.load(&matrix).unwrap().lloyd(&sets, true).unwrap();
                let open: Vec<u64> = got.iter().map(|pass| pass.f64_fallbacks).collect();
                // In the largest set every row is close to a point; in the others a few may be as near to two.
                assert!(open.iter().all(|&open| open <= rows as u64 / 200), "{rows} x {features}: {open:?}");
                let largest = ks.iter().position(|k| k * features == all.values.len()).unwrap();
                assert_eq!(open[largest], 0, "{rows} x {features}, {options:?}");
                got.iter_mut().zip(&expected).for_each(|(got, all)| got.f64_fallbacks = all.f64_fallbacks);
                assert!(got == expected, "{rows} x {features}, {options:?}");
            }
        }
    }
}

/// Rows halfway between two points are left to `decide`, also where `assign` has compared both only as two of four.
#[test]
fn rows_between_two_points_are_not_proved() {
    const ROWS: usize = 640;
    // Not among the rows that the host tries dot products on.
    let between = |i: usize| !i.is_multiple_of(10) && i % 7 == 3;
    let all_between = (0..ROWS).filter(|&i| between(i)).count() as u64;
    for (features, k) in [(5, 300), (26, 10), (48, 258), (49, 34), (130, 6)] {
        let mut draws = Draws::new(8, Purpose::SynthTable).at(features as u64);
        let centres: Vec<Vec<f32>> =
            (0..k / 2).map(|_| (0..features).map(|_| draws.normal() as f32).collect()).collect();
        let column = |j: usize| {
            let shift = |i: usize| if j == 0 && !between(i) { 0.25 } else { 0.0 };
            (0..ROWS).map(|i| centres[i * 11 % (k / 2)][j] + shift(i)).collect::<Vec<f32>>()
        };
        let columns = (0..features).map(column).collect();
        let matrix = Matrix::from_columns((0..features).map(|j| format!("f{j}")).collect(), columns).unwrap();
        let mut values = Vec::new();
        for c in 0..k / 2 {
            let row = (0..ROWS).find(|&i| i * 11 % (k / 2) == c && !between(i)).unwrap();
            let mut point: Vec<f32> = matrix.row(row).collect();
            values.extend(&point);
            point[0] -= 2.0 * matrix.to_stored(0.25);
            values.extend(point);
        }
        let set = Centroids { values, features };
        assert!(points::dot_product_serves(&matrix, &set) && !points::exact(&matrix, &set));
        let sets = [set];
        let expected = Cpu::default().load(&matrix).unwrap().lloyd(&sets, true).unwrap().remove(0);
        for index in 0..adapters().len() {
            let gpu = Gpu::open(index, Options { guards: true, ..Options::default() }).unwrap();
            let mut got = gpu.load(&matrix).unwrap().lloyd(&sets, true).unwrap().remove(0);
            assert_eq!(got.f64_fallbacks, all_between, "{features} features, k = {k}");
            got.f64_fallbacks = expected.f64_fallbacks;
            assert!(got == expected, "{features} features, k = {k}");
        }
    }
}
