//! Exact neighbours of every row of a table: `cargo bench --bench neighbours -- TABLE.npy METRIC K [DISTANCES.npy]`.
//!
//! METRIC is `jaccard`, `hamming` or `euclidean`. Prints a line of JSON, and writes the distances where a file is named.
//! `benches/peers/neighbours.py` runs it beside scikit-learn. Without a table it does nothing.

use ndarray::Array2;
use segmenta::backend::cpu::Cpu;
use segmenta::backend::{Backend, BinaryMetric, NeighbourLists, SelfMatches};
use segmenta::matrix::BinaryMatrix;
use segmenta::progress::Progress;
use segmenta::{Dataset, Matrix, Result};
use std::time::Instant;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [table, metric, k, rest @ ..] = &words[..] else { return Ok(()) };
    let values: Array2<f32> = ndarray_npy::read_npy(table)?;
    let k = k.parse()?;
    let (seconds, lists) = match metric.as_str() {
        "jaccard" => binary(&values, BinaryMetric::Jaccard, k)?,
        "hamming" => binary(&values, BinaryMetric::Hamming, k)?,
        "euclidean" => euclidean(&values, k)?,
        other => return Err(format!("there is no metric {other}").into()),
    };
    println!(
        r#"{{"seconds": {seconds}, "rows": {}, "threads": {}}}"#,
        values.nrows(),
        rayon::current_num_threads()
    );
    if let Some(file) = rest.first() {
        ndarray_npy::write_npy(file, &Array2::from_shape_vec((values.nrows(), k), lists.distances)?)?;
    }
    Ok(())
}

/// The rows' own numbers, none of which is a neighbour of itself.
fn own(rows: usize) -> Vec<u32> {
    (0..rows as u32).collect()
}

/// The time includes loading the packed table onto the device.
fn binary(values: &Array2<f32>, metric: BinaryMetric, k: usize) -> Result<(f64, NeighbourLists)> {
    let names: Vec<String> = (0..values.ncols()).map(|j| format!("{j}")).collect();
    let columns: Vec<Vec<f32>> = values.columns().into_iter().map(|column| column.to_vec()).collect();
    let table = BinaryMatrix::from_columns(&names, &columns)?;
    let (cpu, own) = (Cpu::default(), own(table.rows()));
    let start = Instant::now();
    let rows = cpu.load_binary(&table)?;
    let lists = rows.knn(&table, SelfMatches::Exclude(&own), metric, k, Progress::none())?;
    Ok((start.elapsed().as_secs_f64(), lists))
}

fn euclidean(values: &Array2<f32>, k: usize) -> Result<(f64, NeighbourLists)> {
    let matrix = Matrix::from_array(values.view())?;
    let (cpu, own) = (Cpu::default(), own(matrix.rows()));
    let start = Instant::now();
    let dataset = Dataset::load(&cpu, &matrix)?;
    let lists = dataset.knn(&matrix, SelfMatches::Exclude(&own), k, Progress::none())?;
    Ok((start.elapsed().as_secs_f64(), lists))
}
