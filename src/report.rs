//! Writers of results: what an analysis found out, as files and as text for people.
//!
//! [`json`] and [`assignments`] write what programs read; `text` and `notices` (with the feature `cli`) write what
//! people read on a terminal. All of them take an [`Outcome`](crate::analysis::Outcome), or what `assign` and `drift`
//! found, and compute nothing themselves.

pub mod assign;
pub mod assignments;
pub mod drift;
pub mod figures;
pub mod json;
#[cfg(feature = "cli")]
pub mod notices;
#[cfg(feature = "cli")]
pub mod sheet;
#[cfg(feature = "cli")]
pub mod text;
