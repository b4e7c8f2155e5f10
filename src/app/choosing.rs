//! Which k are swept, and what is said of the choice.

use super::console::count;
use segmenta::cluster::sweep::{Choice, SweepRow};
use segmenta::{Error, Matrix};
use std::ops::RangeInclusive;

/// The k of a sweep that nobody named.
const DEFAULT_KS: RangeInclusive<usize> = 2..=10;

/// Whether the k of a sweep, by default those that nobody asked for, leave one to choose.
///
/// # Errors
/// They do not.
pub fn check_ks(ks: Option<&[usize]>, min_k: usize) -> Result<(), Error> {
    let least = min_k.max(2);
    match ks {
        None if min_k > *DEFAULT_KS.end() => {
            let (low, high) = (DEFAULT_KS.start(), DEFAULT_KS.end());
            Err(Error::Usage(format!("--min-k {min_k}: without --k the sweep is {low}..{high}")))
        }
        Some(ks) if !ks.iter().any(|&k| k >= least) => {
            Err(Error::Usage(format!("no k of the sweep is at least {least}; see --min-k")))
        }
        _ => Ok(()),
    }
}

/// The k of a sweep that nobody asked for: 2..10, less where the table has fewer distinct rows.
///
/// # Errors
/// None of them is at least `min_k`.
pub fn default_ks(matrix: &Matrix, min_k: usize) -> Result<Vec<usize>, Error> {
    let distinct = matrix.distinct_rows(*DEFAULT_KS.end()).err().unwrap_or(*DEFAULT_KS.end());
    let ks: Vec<usize> = DEFAULT_KS.filter(|&k| k <= distinct).collect();
    if ks.iter().any(|&k| k >= min_k) {
        return Ok(ks);
    }
    let rows = count(distinct, "distinct row");
    let what = format!(
        "the table has {rows}, so no k of {min_k} or more can be chosen; --min-k allows a smaller one, and --k asks \
         for one"
    );
    Err(Error::data(what))
}

/// Says that a sweep of the default k ends early, where it does.
pub fn cut_short(ks: &[usize]) -> Option<String> {
    let (first, last) = (ks.first()?, ks.last()?);
    let rows = count(*last, "distinct row");
    (last < DEFAULT_KS.end()).then(|| format!("no --k: sweeping {first}..{last}, as the table has {rows}"))
}

/// Says that a k which was too small to be chosen scores higher, and how to take it.
pub fn passed_over(chosen: &Choice, rows: &[SweepRow], command: &str) -> Option<String> {
    let better = chosen.passed_over?;
    let score = |k: usize| rows.iter().find(|r| r.fit.k == k).and_then(|r| r.silhouette).unwrap_or(0.0);
    let how = match command {
        "run" => format!("min_k = {better} under [analysis] in the recipe, or --k {better}, takes it"),
        _ => format!("--min-k {better} takes it"),
    };
    Some(format!(
        "note: k = {better} has a higher silhouette ({:.3}) than the chosen k = {} ({:.3}); {how}",
        score(better),
        chosen.k,
        score(chosen.k),
    ))
}
