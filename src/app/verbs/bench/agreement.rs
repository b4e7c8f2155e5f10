//! Checks whether a device gives the same results as the CPU.

use super::work::Answer;
use segmenta::backend::Assigned;
use segmenta::cluster::Partition;

/// How far results may differ that are not promised to be the same bits.
const CLOSE: f64 = 1e-5;

/// The largest difference, which is 0 for steps that must give the same bits, or a description of what is wrong.
pub fn compare(got: &Answer, expected: &Answer) -> Result<f64, String> {
    match (got, expected) {
        (Answer::Lloyd(got), Answer::Lloyd(expected)) => {
            same_length(got, expected)?;
            got.iter().zip(expected).enumerate().try_for_each(|(s, (got, expected))| {
                same_assigned(got, expected).map_err(|what| format!("set {s}: {what}"))
            })?;
            Ok(0.0)
        }
        (Answer::Nearest(got), Answer::Nearest(expected)) => {
            same_length(got, expected)?;
            for (q, (got, expected)) in got.iter().zip(expected).enumerate() {
                let same = got.row == expected.row && got.distance.to_bits() == expected.distance.to_bits();
                if !same {
                    let shown = |n: &segmenta::backend::Neighbour| format!("row {} at {}", n.row, n.distance);
                    return Err(format!("query {q}: {}, not {}", shown(got), shown(expected)));
                }
            }
            Ok(0.0)
        }
        (Answer::DistanceSums(_, got), Answer::DistanceSums(width, expected)) => {
            same_length(got, expected)?;
            // A sum far smaller than the row's largest carries that one's rounding error.
            let pairs = got.chunks(*width).zip(expected.chunks(*width)).flat_map(|(got, expected)| {
                let floor = 1e-9 * expected.iter().copied().fold(0.0, f64::max);
                got.iter().zip(expected).map(move |(&g, &e)| (g, e, floor))
            });
            close(pairs).map_err(|(at, what)| format!("row {}, cluster {}: {what}", at / width, at % width))
        }
        (Answer::Fit(got), Answer::Fit(expected)) => same_partition(got, expected).map(|()| 0.0),
        (Answer::Sweep(got), Answer::Sweep(expected)) => {
            same_length(got, expected)?;
            let mut largest = 0f64;
            for (got, expected) in got.iter().zip(expected) {
                let k = expected.partition.k;
                same_partition(&got.partition, &expected.partition)
                    .map_err(|what| format!("k = {k}: {what}"))?;
                let (Some(a), Some(b)) = (got.scores.silhouette, expected.scores.silhouette) else {
                    return Err(format!("k = {k}: no silhouette"));
                };
                let away = (a - b).abs();
                if away.is_nan() || away > CLOSE {
                    return Err(format!("k = {k}: silhouette {a}, not {b}"));
                }
                largest = largest.max(away);
            }
            Ok(largest)
        }
        (Answer::Hopkins(got), Answer::Hopkins(expected)) => {
            same(&got.neighbours, &expected.neighbours, "neighbour")?;
            if got != expected {
                return Err(format!(
                    "{} and {}, not {} and {}",
                    got.exponent_1, got.exponent_d, expected.exponent_1, expected.exponent_d
                ));
            }
            Ok(0.0)
        }
        _ => Err("an answer to another question".into()),
    }
}

fn same_length<T>(got: &[T], expected: &[T]) -> Result<(), String> {
    if got.len() == expected.len() {
        return Ok(());
    }
    Err(format!("{} results, not {}", got.len(), expected.len()))
}

fn same<T: PartialEq + std::fmt::Display>(got: &[T], expected: &[T], what: &str) -> Result<(), String> {
    same_length(got, expected)?;
    match got.iter().zip(expected).position(|(g, e)| g != e) {
        Some(i) => Err(format!("{what} {i}: {}, not {}", got[i], expected[i])),
        None => Ok(()),
    }
}

/// Compares everything except how many rows f32 could not decide, which depends on the device.
fn same_assigned(got: &Assigned, expected: &Assigned) -> Result<(), String> {
    let none: &[u32] = &[];
    same(got.labels.as_deref().unwrap_or(none), expected.labels.as_deref().unwrap_or(none), "label")?;
    same(&got.counts, &expected.counts, "count")?;
    same(&got.weights, &expected.weights, "weight")?;
    same(&got.sums, &expected.sums, "sum")
}

fn same_partition(got: &Partition, expected: &Partition) -> Result<(), String> {
    let labels = |of: &Partition| of.labels.iter().collect::<Vec<_>>();
    if let Some(row) = labels(got).iter().zip(labels(expected)).position(|(a, b)| *a != b) {
        return Err(format!("another label for row {row}"));
    }
    let bits = |of: &Partition| -> Vec<u32> {
        of.prototypes.centroids().values.iter().map(|v| v.to_bits()).collect()
    };
    if bits(got) != bits(expected) {
        return Err("other centroids".into());
    }
    let (got, expected) = (&got.diagnostics, &expected.diagnostics);
    if got.inertia.to_bits() != expected.inertia.to_bits() {
        return Err(format!("inertia {}, not {}", got.inertia, expected.inertia));
    }
    if got.n_iter != expected.n_iter {
        return Err(format!("{:?} passes, not {:?}", got.n_iter, expected.n_iter));
    }
    Ok(())
}

/// The largest relative difference of (got, expected, difference to ignore), or the first one that is too large.
fn close(pairs: impl Iterator<Item = (f64, f64, f64)>) -> Result<f64, (usize, String)> {
    let mut largest = 0f64;
    for (at, (got, expected, floor)) in pairs.enumerate() {
        let away = (got - expected).abs();
        if away <= floor {
            continue;
        }
        let relative = away / got.abs().max(expected.abs());
        if relative.is_nan() || relative > CLOSE {
            return Err((at, format!("{got}, not {expected}")));
        }
        largest = largest.max(relative);
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::super::work::{Size, Trial, Work};
    use super::*;
    use segmenta::Dataset;
    use segmenta::backend::cpu::Cpu;
    use segmenta::cluster::Prototypes;

    /// What the CPU finds for each step on a small table.
    fn answers() -> Vec<Answer> {
        let trial = Trial::new(Size { rows: 120, features: 3, k: 3, n_init: 2, seed: 0 }).unwrap();
        let cpu = Cpu::default();
        let rows = Dataset::load(&cpu, &trial.matrix).unwrap();
        Work::ALL.iter().map(|work| work.run(&rows, &trial, true).unwrap()).collect()
    }

    #[test]
    fn the_same_agrees() {
        for (got, expected) in answers().iter().zip(&answers()) {
            assert_eq!(compare(got, expected), Ok(0.0));
        }
    }

    #[test]
    fn one_wrong_value_is_found_and_named() {
        let expected = answers();
        for (i, (mut got, expected)) in answers().into_iter().zip(&expected).enumerate() {
            let word = match &mut got {
                Answer::Lloyd(sets) => {
                    sets[1].sums[4] += 1;
                    "set 1: sum 4"
                }
                Answer::Nearest(found) => {
                    found[7].distance = found[7].distance.next_up();
                    "query 7: row"
                }
                Answer::DistanceSums(_, sums) => {
                    sums[3 * 5 + 1] = f64::NAN;
                    "row 5, cluster 1: NaN"
                }
                Answer::Fit(fit) => {
                    let mut centroids = fit.prototypes.centroids().clone();
                    centroids.values[0] = centroids.values[0].next_up();
                    fit.prototypes = Prototypes::Centroids(centroids);
                    "centroids"
                }
                Answer::Sweep(rows) => {
                    rows[1].scores.silhouette = rows[1].scores.silhouette.map(|s| s + 2e-5);
                    "k = 3: silhouette"
                }
                Answer::Hopkins(found) => {
                    found.neighbours[3] += 1;
                    "neighbour 3"
                }
            };
            let why = compare(&got, expected).unwrap_err();
            assert!(why.contains(word), "{why}");
            assert!(compare(&got, &answers()[(i + 1) % 6]).is_err());
        }
    }

    #[test]
    fn what_is_close_enough_says_how_close() {
        let expected = answers();
        let mut got = answers();
        let Answer::DistanceSums(_, sums) = &mut got[2] else { panic!("the third is distance_sums") };
        sums[7] *= 1.0 + 2e-6;
        let largest = compare(&got[2], &expected[2]).unwrap();
        assert!((1e-6..4e-6).contains(&largest), "{largest}");
    }
}
