//! Reductions: few columns that say nearly what many features say.

pub mod pca;
pub mod umap;
