//! Writes the results of an analysis, as files and as text for people.
//!
//! [`json`] and [`assignments`] write what programs read; `text` and `notices` (with the feature `cli`) write what
//! people read on a terminal. All of them take an [`Outcome`](crate::analysis::Outcome), or the results of `assign` or
//! `drift`, and compute nothing themselves.

#[cfg(feature = "cli")]
mod affinity;
#[cfg(feature = "cli")]
mod answers;
pub mod assign;
pub mod assignments;
#[cfg(feature = "cli")]
pub mod changes;
#[cfg(feature = "cli")]
pub mod chart;
pub mod compare;
#[cfg(feature = "cli")]
mod compare_methods;
#[cfg(feature = "cli")]
mod dbscan;
#[cfg(feature = "cli")]
pub mod describe;
pub mod drift;
pub mod figures;
#[cfg(feature = "cli")]
mod gmm;
pub mod json;
#[cfg(feature = "cli")]
mod lifts;
pub mod linkage;
#[cfg(feature = "cli")]
mod method_found;
pub mod methods;
pub mod movers;
#[cfg(feature = "cli")]
pub mod notices;
#[cfg(feature = "cli")]
pub mod profile;
#[cfg(feature = "cli")]
mod questions;
#[cfg(feature = "cli")]
mod reductions;
#[cfg(feature = "cli")]
pub mod regrouped;
#[cfg(feature = "cli")]
pub mod sheet;
pub mod stability;
#[cfg(feature = "cli")]
pub mod text;
