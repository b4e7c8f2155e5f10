//! How far the rows of each cluster lie from its mean, and the two scores that follow from it: Calinski and Harabasz (1974),
//! and Davies and Bouldin (1979), both as scikit-learn defines them.

use crate::backend::Labeling;
use crate::matrix::{Matrix, block_sums};

/// The dispersion of a labeling, in the units of the matrix. A row of weight w counts as w rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispersion {
    /// How many features.
    features: usize,
    /// For each cluster the number of its rows. Clusters without rows are left out.
    sizes: Vec<f64>,
    /// The means, one cluster after the other.
    means: Vec<f64>,
    /// For each cluster the sum of the squared distances of its rows to its mean.
    squares: Vec<f64>,
    /// For each cluster the mean distance of its rows to its mean.
    distances: Vec<f64>,
}

impl Dispersion {
    /// The dispersion of a labeling: two passes over the rows, the same bits for any number of threads.
    pub fn of(matrix: &Matrix, labeling: Labeling<'_>) -> Self {
        let Labeling { k, labels } = labeling;
        let d = matrix.features();
        let user = |v: f32| matrix.to_user(f64::from(v));
        let sums = block_sums(matrix.rows(), k * (d + 1), |i, sums| {
            let copies = matrix.copies(i);
            let sums = &mut sums[labels[i] as usize * (d + 1)..][..d + 1];
            sums[d] += copies;
            matrix.row(i).zip(sums).for_each(|(v, sum)| *sum += copies * user(v));
        });
        let means: Vec<f64> =
            sums.chunks_exact(d + 1).flat_map(|c| c[..d].iter().map(|sum| sum / c[d])).collect();
        let spread = block_sums(matrix.rows(), 2 * k, |i, sums| {
            let (copies, label) = (matrix.copies(i), labels[i] as usize);
            let mean = &means[label * d..][..d];
            let squared: f64 = matrix.row(i).zip(mean).map(|(v, m)| (user(v) - m) * (user(v) - m)).sum();
            sums[2 * label] += copies * squared;
            sums[2 * label + 1] += copies * squared.sqrt();
        });
        let mut out = Dispersion {
            features: d,
            sizes: Vec::new(),
            means: Vec::new(),
            squares: Vec::new(),
            distances: Vec::new(),
        };
        for c in (0..k).filter(|c| sums[c * (d + 1) + d] > 0.0) {
            let size = sums[c * (d + 1) + d];
            out.sizes.push(size);
            out.means.extend(&means[c * d..][..d]);
            out.squares.push(spread[2 * c]);
            out.distances.push(spread[2 * c + 1] / size);
        }
        out
    }

    /// The sum of the squared distances of all rows to their clusters' means.
    pub fn within(&self) -> f64 {
        self.squares.iter().sum()
    }

    /// The score of Calinski and Harabasz: the dispersion of the clusters' means beside that of the rows within, each for
    /// one degree of freedom. Higher is better. None for fewer than two clusters, or for no more rows than clusters.
    pub fn calinski_harabasz(&self) -> Option<f64> {
        let (k, n) = (self.sizes.len() as f64, self.sizes.iter().sum::<f64>());
        if k < 2.0 || n <= k {
            return None;
        }
        let mean = |j: usize| {
            let sum: f64 = self.sizes.iter().zip(self.each_mean()).map(|(n, mean)| n * mean[j]).sum();
            sum / n
        };
        let overall: Vec<f64> = (0..self.features).map(mean).collect();
        let between: f64 =
            self.sizes.iter().zip(self.each_mean()).map(|(n, mean)| n * squared(mean, &overall)).sum();
        let within = self.within();
        // scikit-learn's value for clusters that have no extent.
        Some(if within == 0.0 { 1.0 } else { between * (n - k) / (within * (k - 1.0)) })
    }

    /// The score of Davies and Bouldin: for each cluster the neighbour that it is least separated from, by their extents
    /// beside the distance of their means; the mean over the clusters. Lower is better. None for fewer than two clusters.
    pub fn davies_bouldin(&self) -> Option<f64> {
        let k = self.sizes.len();
        if k < 2 {
            return None;
        }
        let means: Vec<&[f64]> = self.each_mean().collect();
        let likeness = |a: usize, b: usize| {
            let apart = squared(means[a], means[b]).sqrt();
            if apart > 0.0 { (self.distances[a] + self.distances[b]) / apart } else { 0.0 }
        };
        let worst = |a: usize| (0..k).filter(|&b| b != a).map(|b| likeness(a, b)).fold(0.0, f64::max);
        Some((0..k).map(worst).sum::<f64>() / k as f64)
    }

    fn each_mean(&self) -> impl Iterator<Item = &[f64]> {
        self.means.chunks_exact(self.features.max(1))
    }
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
