//! More threads than cores: nothing waits for itself. Every check has a time limit, so that a hang fails the test instead of
//! the whole run. The limits are generous: they tell a run that hangs from one that is slow, and nothing more.

use crate::cases;
use crate::cli::Desk;
use segmenta::Dataset;
use segmenta::Matrix;
use segmenta::backend::{Backend, Labeling, cpu::Cpu};
use segmenta::cluster::{Fit, Params, Start, fit_many};
use segmenta::evidence::hopkins::hopkins;
use segmenta::evidence::silhouette::silhouette_scores;
use segmenta::progress::Progress;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

const THREADS: [usize; 3] = [16, 64, 200];
const LIMIT: Duration = Duration::from_secs(240);

/// Runs `work` in a pool of so many threads; a hang becomes a failure.
fn within_the_limit(threads: usize, what: &str, work: impl FnOnce() + Send + 'static) {
    let (done, outcome) = channel();
    std::thread::spawn(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(work);
        let _ = done.send(());
    });
    match outcome.recv_timeout(LIMIT) {
        Ok(()) => {}
        Err(RecvTimeoutError::Timeout) => panic!("{what} hangs with {threads} threads"),
        Err(RecvTimeoutError::Disconnected) => panic!("{what} failed with {threads} threads"),
    }
}

/// Everything that goes over the rows, on a table loaded afresh.
fn whole_analysis(matrix: &Matrix, ks: &[usize]) {
    let cpu = Cpu::default();
    let rows = Dataset::load(&cpu, matrix).unwrap();
    let params = Params { n_init: 4, max_iter: 4, ..Params::default() };
    let fits = fit_many(&rows, ks, &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let labelings: Vec<Labeling<'_>> = fits.iter().map(|f| Labeling { k: f.k, labels: &f.labels }).collect();
    silhouette_scores(&rows, &labelings, Progress::none()).unwrap();
    hopkins(&rows, matrix.rows() / 10, 3, Progress::none()).unwrap();
}

#[test]
fn analyses_end_with_any_number_of_threads() {
    for threads in THREADS {
        within_the_limit(threads, "an analysis", || {
            // Several parts of rows for each thread; ties; a table of distances that f32 computes exactly.
            let tables = [cases::normal(20_000, 6, 4001), cases::binary(20_000, 12)];
            for table in tables {
                let matrix = Matrix::from_array(table.view()).unwrap();
                for _ in 0..5 {
                    whole_analysis(&matrix, &[2, 7]);
                }
            }
        });
    }
}

#[test]
fn the_contract_holds_with_any_number_of_threads() {
    let fits = || -> Vec<Fit> {
        let mut fits = Vec::new();
        for case in cases::all() {
            let cpu = Cpu::default();
            let rows = Dataset::load(&cpu, &case.matrix).unwrap();
            let ks: Vec<usize> =
                [1, 3, 8].into_iter().filter(|&k| case.matrix.distinct_rows(k).is_ok()).collect();
            let params = Params { n_init: 3, seed: 11, ..Params::default() };
            let start = Start::KMeansPlusPlus;
            fits.extend(fit_many(&rows, &ks, &params, &start, Progress::none()).unwrap());
        }
        fits
    };
    let expected = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(fits);
    for threads in THREADS {
        let (send, receive) = channel();
        within_the_limit(threads, "the list of cases", move || send.send(fits()).unwrap());
        assert!(expected == receive.recv().unwrap(), "{threads} threads give other fits than one");
    }
}

/// The first pass over a table that was just loaded is where threads once waited for each other.
#[test]
fn first_passes_end_with_any_number_of_threads() {
    for threads in THREADS {
        within_the_limit(threads, "a first pass", move || {
            let matrix = Matrix::from_array(cases::binary(60_000, 40).view()).unwrap();
            let values = (0..16).flat_map(|i| matrix.row(i * 37).collect::<Vec<_>>()).collect();
            let sets = [segmenta::canonical::Centroids { values, features: 40 }];
            for _ in 0..40 {
                Cpu::default().load(&matrix).unwrap().lloyd(&sets, false).unwrap();
            }
        });
    }
}

#[test]
fn the_program_ends_with_any_number_of_threads() {
    let desk = Desk::new();
    desk.run("synth learners --rows 20000 --out t.csv").quietly();
    for threads in THREADS {
        for line in [
            format!("fit t.csv --k 5 --n-init 3 --silhouette --out out-{threads}"),
            "sweep t.csv --k 2..4 --n-init 2".into(),
            "tendency t.csv".into(),
            format!("assign out-{threads}/model.json t.csv --out again-{threads}"),
        ] {
            // Past the limit the program is killed and has no exit code.
            let line = format!("{line} --device cpu --threads {threads} -q");
            let ended = desk.command(&line).timeout(LIMIT).output().unwrap();
            assert_eq!(ended.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&ended.stderr));
        }
    }
}
