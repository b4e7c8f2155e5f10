//! Decides which cells of a table of counts stay empty.

use super::judge::Judge;

/// Which cells are not shown: those of a few rows, and as many of the next smallest ones as it takes that what a line (or, with
/// `columns`, a column) lacks is not that of a few rows either, because whoever knows the total can subtract what is shown.
pub(super) fn hidden(counts: &[Vec<f64>], columns: bool, judge: &Judge) -> Vec<Vec<bool>> {
    let mut hide: Vec<Vec<bool>> =
        counts.iter().map(|line| line.iter().map(|&rows| judge.is_cell(rows)).collect()).collect();
    let width = counts.iter().map(Vec::len).max().unwrap_or(0);
    let lines = || (0..counts.len()).map(|i| (0..counts[i].len()).map(|j| (i, j)).collect());
    let down = |j: usize| (0..counts.len()).filter(|&i| j < counts[i].len()).map(|i| (i, j)).collect();
    let mut groups: Vec<Vec<(usize, usize)>> = lines().collect();
    if columns {
        groups.extend((0..width).map(down));
    }
    loop {
        let mut changed = false;
        for group in &groups {
            changed |= covered(group, counts, &mut hide, judge);
        }
        if !changed {
            return hide;
        }
    }
}

/// Hides the smallest cells of a group until those that are hidden have enough rows together. Says whether it did.
fn covered(group: &[(usize, usize)], counts: &[Vec<f64>], hide: &mut [Vec<bool>], judge: &Judge) -> bool {
    let mut changed = false;
    loop {
        let sum: f64 = group.iter().filter(|(i, j)| hide[*i][*j]).map(|(i, j)| counts[*i][*j]).sum();
        let shown = group.iter().filter(|(i, j)| !hide[*i][*j] && counts[*i][*j] > 0.0);
        let smallest = shown.min_by(|a, b| counts[a.0][a.1].total_cmp(&counts[b.0][b.1]));
        let (true, Some(&(i, j))) = (judge.is_cell(sum), smallest) else { return changed };
        hide[i][j] = true;
        changed = true;
    }
}
