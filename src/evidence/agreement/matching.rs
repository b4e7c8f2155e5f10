//! Which label of one labelling corresponds to which of another.

use super::Contingency;
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Above this many labels on both sides the method would take minutes, as its time grows with the third power.
const MOST_LABELS: usize = 2000;

impl Contingency {
    /// For each label of `b` the label of `a` that corresponds to it, by the Hungarian method (Kuhn 1955): corresponding
    /// labels share as many rows as possible. If one side has more labels than the other, some of its labels have no
    /// counterpart; in a square table each has one, even if the two share no row.
    ///
    /// `None` if both sides have more than 2,000 labels, which would take minutes.
    pub fn matched(&self) -> Option<Vec<Option<u32>>> {
        let (k_a, k_b) = self.shape();
        let fewer = k_a.min(k_b);
        if fewer > MOST_LABELS {
            return None;
        }
        if fewer == 0 {
            return Some(vec![None; k_b]);
        }
        // The method wants at least as many columns as rows.
        let (rows, columns) = if k_b <= k_a { (k_b, k_a) } else { (k_a, k_b) };
        let mut common = Matrix::new(rows, columns, 0i64);
        for cell in self.cells() {
            let (a, b) = (cell.a as usize, cell.b as usize);
            let place = if k_b <= k_a { (b, a) } else { (a, b) };
            common[place] = i64::try_from(cell.count).unwrap_or(i64::MAX >> 16);
        }
        let (_, column_of) = kuhn_munkres(&common);
        if k_b <= k_a {
            return Some(column_of.into_iter().map(|a| Some(a as u32)).collect());
        }
        let mut a_of = vec![None; k_b];
        (0..).zip(column_of).for_each(|(a, b)| a_of[b] = Some(a));
        Some(a_of)
    }
}
