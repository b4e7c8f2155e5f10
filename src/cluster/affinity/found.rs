//! What affinity propagation finds beside the clusters.

/// The exemplars, and how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// For each cluster its exemplar, as a row number of the matrix, in ascending order.
    pub exemplars: Vec<usize>,
    /// Whether the exemplars stayed the same for long enough before the iterations were used up.
    pub converged: bool,
    /// How many iterations there were with that damping.
    pub n_iter: usize,
    /// The damping with which these were found.
    pub damping: f64,
    /// The preference, in squared units of the scaled features.
    pub preference: f64,
    /// How many micro-clusters stood for the rows, if there were too many rows for an exact fit.
    pub micro_clusters: Option<usize>,
}
