//! UMAP of a `.npy` table, with the flags of `segmenta reduce --method umap`. `benches/peers/umap.py` runs it beside umap-learn.

use ndarray::Array2;
use segmenta::backend::cpu::Cpu;
use segmenta::embed::umap::{Params, Umap, UmapInit, UmapMetric};
use segmenta::progress::Progress;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench" && a != "reduce").collect();
    let Some(input) = given.first().filter(|a| !a.starts_with("--")) else { return };
    let flags: HashMap<&str, &str> =
        given[1..].chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let number = |flag: &str, default: f64| flags.get(flag).map_or(default, |v| v.parse().expect(flag));
    let table: Array2<f32> = ndarray_npy::read_npy(input).expect("a table of f32");
    let columns: Vec<Vec<f32>> = table.columns().into_iter().map(|c| c.to_vec()).collect();
    let names: Vec<String> = (0..columns.len()).map(|j| format!("f{j}")).collect();
    let params = Params {
        n_components: number("--components", 2.0) as usize,
        n_neighbors: number("--n-neighbors", 15.0) as usize,
        min_dist: number("--min-dist", 0.1),
        metric: if flags.get("--metric") == Some(&"jaccard") {
            UmapMetric::Jaccard
        } else {
            UmapMetric::Euclidean
        },
        n_epochs: flags.get("--n-epochs").map(|v| v.parse().expect("--n-epochs")),
        init: if flags.get("--init") == Some(&"pca") { UmapInit::Pca } else { UmapInit::Spectral },
        seed: number("--seed", 0.0) as u64,
    };
    if let Some(threads) = flags.get("--threads") {
        let threads = threads.parse().expect("--threads");
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("threads");
    }
    let begun = Instant::now();
    let stages: Mutex<Vec<(String, u64, f64)>> = Mutex::new(Vec::new());
    let note = |update: segmenta::progress::ProgressUpdate<'_>| {
        let mut stages = stages.lock().expect("one thread reports");
        stages.push((update.stage.to_string(), update.done, begun.elapsed().as_secs_f64()));
        true
    };
    let fit = Umap::fit(&names, &columns, &params, &Cpu::default(), Progress::new(&note)).expect("a fit");
    let seconds = begun.elapsed().as_secs_f64();
    let stages = stages.into_inner().expect("one thread reports");
    let first = |done: u64| {
        let mut own = stages.iter().filter(|s| s.0 == "umap" && s.1 == done);
        own.next_back().map_or(0.0, |s| s.2)
    };
    let graph = stages.iter().find(|s| s.0 == "umap").map_or(0.0, |s| s.2);
    println!(
        "seconds {seconds:.3} neighbours {graph:.3} start {:.3} layout {:.3} parts {} rows {}",
        first(0) - graph,
        seconds - first(0),
        fit.parts,
        fit.rows
    );
    let asked = flags.get("--new-rows").map(|path| {
        let table: Array2<f32> = ndarray_npy::read_npy(path).expect("a table of f32");
        table.columns().into_iter().map(|c| c.to_vec()).collect::<Vec<Vec<f32>>>()
    });
    let begun = Instant::now();
    let placed =
        fit.project(asked.as_ref().unwrap_or(&columns), &Cpu::default(), Progress::none()).expect("places");
    println!("project {:.3}", begun.elapsed().as_secs_f64());
    let out = Array2::from_shape_fn((placed[0].len(), placed.len()), |(i, k)| placed[k][i]);
    if let Some(path) = flags.get("--embedding-out") {
        ndarray_npy::write_npy(path, &out).expect("a file");
    }
}
