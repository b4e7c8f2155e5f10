//! What the common cases do not reach: labels of a whole word, sums in chunks, and states of sets that come and go.

use crate::backend::cpu::Cpu;
use crate::backend::gpu::{Gpu, Options, adapters};
use crate::backend::{Assigned, Backend, LloydState};
use crate::canonical::Centroids;
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
    let shapes: [(usize, usize, &[usize]); 4] = [
        (700, 5, &[2, 3, 4, 6]),
        (700, 5, &[254, 255, 256]),
        (500, 3, &[1100, 2, 700]),
        (2100, 40, &[300, 60]),
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
