//! Which k a sweep tries by default, and whether any of them may be chosen.

use super::outcome::PassedOver;
use super::spec::DEFAULT_KS;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::sweep::{Choice, SweepRow};

/// Checks that a sweep, by default that of [`DEFAULT_KS`], has a k that may be chosen.
///
/// # Errors
/// It has none.
pub(super) fn check_ks(ks: Option<&[usize]>, min_k: usize) -> Result<()> {
    let least = min_k.max(2);
    match ks {
        None if min_k > *DEFAULT_KS.end() => {
            let (low, high) = (DEFAULT_KS.start(), DEFAULT_KS.end());
            Err(Error::Usage(format!(
                "--min-k {min_k} leaves no k to choose, because the sweep goes over {low}..{high} unless --k says otherwise"
            )))
        }
        Some(ks) if !ks.iter().any(|&k| k >= least) => Err(Error::Usage(format!(
            "the sweep has no k that may be chosen, as the smallest allowed is {least}; sweep larger k, or lower --min-k"
        ))),
        _ => Ok(()),
    }
}

/// The k that a sweep tries by default: [`DEFAULT_KS`], or fewer if the table has fewer distinct rows.
///
/// # Errors
/// None of them is at least `min_k`.
pub(super) fn default_ks(matrix: &Matrix, min_k: usize) -> Result<Vec<usize>> {
    let distinct = matrix.distinct_rows(*DEFAULT_KS.end()).err().unwrap_or(*DEFAULT_KS.end());
    let ks: Vec<usize> = DEFAULT_KS.filter(|&k| k <= distinct).collect();
    if ks.iter().any(|&k| k >= min_k) {
        return Ok(ks);
    }
    let rows = if distinct == 1 { "1 distinct row".into() } else { format!("{distinct} distinct rows") };
    let what = format!(
        "the table has {rows}, so no k of {min_k} or more can be chosen; allow a smaller k with --min-k, or set it \
         with --k"
    );
    Err(Error::data(what))
}

/// Whether a sweep of the default k ends early.
pub(super) fn is_cut_short(ks: &[usize]) -> bool {
    ks.last().is_some_and(|last| last < DEFAULT_KS.end())
}

/// The k that was too small to be chosen although it scores higher, if there is one.
pub(super) fn passed_over(choice: &Choice, rows: &[SweepRow]) -> Option<PassedOver> {
    let of = |k: usize| {
        let score = rows.iter().find(|r| r.partition.k == k).and_then(|r| r.scores.silhouette);
        (k, score.unwrap_or(0.0))
    };
    Some(PassedOver { better: of(choice.passed_over?), chosen: of(choice.k) })
}
