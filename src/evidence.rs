//! Statistics that help to judge a table and its segments.

pub mod agreement;
pub mod dispersion;
pub mod elbow;
pub mod embedding;
pub mod hopkins;
pub mod matching;
pub mod medoid;
pub mod psi;
pub mod shift;
pub mod silhouette;
