//! What an analysis says while it runs, as data: whoever watches it puts the words to it.

use super::work::Plan;
use crate::backend::Description;
use crate::progress::{Progress, ProgressUpdate};
use crate::recipe::ColumnChoice;
use std::path::PathBuf;

/// Watches an analysis. All methods do nothing where they are not implemented.
pub trait Observer: Sync {
    /// Hears how far a stage is. `false` asks the analysis to stop, which it does with [`crate::Error::Interrupted`].
    fn step(&self, _step: ProgressUpdate<'_>) -> bool {
        !self.stopped()
    }

    /// Whether the analysis should stop.
    fn stopped(&self) -> bool {
        false
    }

    /// Hears that a stage begins which cannot tell how far it is, or (`None`) that it has ended.
    fn stage(&self, _name: Option<&str>) {}

    /// Hears something that a person may want to know.
    fn notice(&self, _notice: &Notice) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Does work as a stage that cannot tell how far it is.
pub(super) fn during<T>(observer: &dyn Observer, name: &str, work: impl FnOnce() -> T) -> T {
    observer.stage(Some(name));
    let done = work();
    observer.stage(None);
    done
}

/// Calls `work` with the observer as the progress of primitives and algorithms.
pub(super) fn with_progress<T>(observer: &dyn Observer, work: impl FnOnce(Progress<'_>) -> T) -> T {
    let step = |step: ProgressUpdate<'_>| observer.step(step);
    work(Progress::new(&step))
}

/// Something that a person may want to know while an analysis runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice {
    /// A file of so many bytes is being read, which takes about so many seconds.
    Reading {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: f64,
        /// About how long it takes.
        seconds: f64,
    },
    /// Something about the data, as a sentence.
    Data(String),
    /// What a recipe's steps did, as a sentence.
    Recipe(String),
    /// Which columns became features and which did not, and why; and how many rows there are.
    Features {
        /// One for each column.
        choices: Vec<ColumnChoice>,
        /// The table's rows.
        rows: usize,
    },
    /// Equal rows were merged, so that each distinct row is computed once.
    Merged {
        /// The rows of the fit.
        rows: usize,
        /// How many of these are distinct.
        distinct: usize,
    },
    /// So many rows have the weight 0: they get a segment, but nothing is learned from them.
    WeightZero(usize),
    /// Rows were left out because of missing values.
    LeftOut {
        /// How many.
        missing: usize,
        /// Of how many.
        rows: usize,
    },
    /// Features of the model that the fit starts from which the fit does not have.
    FeaturesGone(Vec<String>),
    /// Nobody named a k, so these are swept first.
    DefaultSweep(Vec<usize>),
    /// The default sweep ends early because the table has so few distinct rows.
    SweepCutShort(Vec<usize>),
    /// The device that was chosen, and why.
    Device(Description, String),
    /// What is about to be computed.
    Plan(Plan),
    /// How many rows of each pass f32 could not prove, so that f64 decided.
    F64Fallbacks(Vec<u64>),
    /// A silhouette's sample has no row of so many of k segments.
    SampleMisses {
        /// The k.
        k: usize,
        /// How many segments.
        unseen: usize,
    },
    /// A name was given for a segment that does not exist.
    NoSuchSegment {
        /// The number that was named.
        segment: u32,
        /// The name.
        name: String,
        /// How many segments there are.
        k: usize,
    },
}
