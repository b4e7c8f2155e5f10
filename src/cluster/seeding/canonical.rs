//! k-means++ in canonical distances, which are exact but several times slower than whole numbers on a coarse grid.

use crate::backend::cpu::InstructionSet;
use crate::backend::{CanonicalPotential, SeedingRun};
use crate::error::Result;
use crate::matrix::{BLOCK, Matrix};
use crate::progress::Progress;
use crate::random::uniform;

/// Chooses the centres that a restart still lacks. `centres` has at least one.
///
/// # Errors
/// Whatever `progress` returns.
pub(super) fn finish(
    set: InstructionSet,
    matrix: &Matrix,
    run: &SeedingRun,
    centres: &mut Vec<usize>,
    progress: Progress<'_>,
) -> Result<()> {
    let mut potential = CanonicalPotential::new(set, matrix);
    let mut blocks = Vec::new();
    for pair in centres.windows(2) {
        potential.try_candidates(pair[0], &pair[..1]);
    }
    while let Some(&newest) = centres.last().filter(|_| centres.len() < run.k) {
        if blocks.is_empty() {
            blocks = potential.try_candidates(newest, &[newest]).concat();
        }
        let used = 1 + (centres.len() - 1) * run.trials;
        let draws = &run.draws[used..][..run.trials];
        let candidates: Vec<usize> =
            draws.iter().map(|&draw| candidate(matrix, &mut potential, newest, &blocks, draw)).collect();
        let sums = potential.try_candidates(newest, &candidates);
        let total = |c: usize| sums.iter().map(|block| block[c]).sum::<f64>();
        let totals: Vec<f64> = (0..candidates.len()).map(total).collect();
        let best = (1..totals.len()).fold(0, |best, c| if totals[c] < totals[best] { c } else { best });
        blocks = sums.iter().map(|block| block[best]).collect();
        centres.push(candidates[best]);
        progress.step("seeding", centres.len() as u64, run.k as u64)?;
    }
    Ok(())
}

/// Draws a row in proportion to its potential. `blocks` has the sum of each block with row `newest` as a centre.
fn candidate(
    matrix: &Matrix,
    potential: &mut CanonicalPotential<'_>,
    newest: usize,
    blocks: &[f64],
    draw: u64,
) -> usize {
    let part = uniform(draw);
    let total: f64 = blocks.iter().sum();
    if total > 0.0 {
        return row_at(blocks, part * total, |b| potential.block(newest, b).to_vec());
    }
    // Every row equals a centre, since there are fewer distinct rows than centres. Any row will do: its cluster stays empty
    // and gets another row later.
    (part * matrix.rows() as f64) as usize
}

/// Finds the row at `left` if the rows are laid end to end, each as long as its share of the potential. `blocks` has the
/// sums of the blocks, and `shares(b)` returns the shares of the rows of block `b`.
fn row_at(blocks: &[f64], mut left: f64, mut shares: impl FnMut(usize) -> Vec<f64>) -> usize {
    for (b, &block) in blocks.iter().enumerate() {
        if left >= block {
            left -= block;
            continue;
        }
        let mut at = b * BLOCK;
        for (i, share) in shares(b).into_iter().enumerate() {
            if share > 0.0 {
                at = b * BLOCK + i;
                if left < share {
                    break;
                }
            }
            left -= share;
        }
        return at;
    }
    // Rounding carried `left` past the end: take the last row that has a share.
    let last = blocks.iter().rposition(|&block| block > 0.0).unwrap_or(0);
    last * BLOCK + shares(last).iter().rposition(|&share| share > 0.0).unwrap_or(0)
}
