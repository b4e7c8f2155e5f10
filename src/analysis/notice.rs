//! What an analysis reports while it runs, as data; the observer decides how to put it into words.

use super::work::Plan;
use crate::backend::Description;
use crate::progress::{Progress, ProgressUpdate};
use crate::recipe::ColumnChoice;
use std::path::PathBuf;

/// Watches an analysis. By default its methods do nothing.
pub trait Observer: Sync {
    /// Called as a stage progresses. Return `false` to stop the analysis, which then fails with
    /// [`crate::Error::Interrupted`].
    fn step(&self, _step: ProgressUpdate<'_>) -> bool {
        !self.stopped()
    }

    /// Whether the analysis should stop.
    fn stopped(&self) -> bool {
        false
    }

    /// Called when a stage begins that cannot report its progress, and with `None` when it ends.
    fn stage(&self, _name: Option<&str>) {}

    /// Called with something that a person may want to know.
    fn notice(&self, _notice: &Notice) {}
}

/// An observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Runs `work` as a stage that cannot report its progress.
pub(super) fn during<T>(observer: &dyn Observer, name: &str, work: impl FnOnce() -> T) -> T {
    observer.stage(Some(name));
    let done = work();
    observer.stage(None);
    done
}

/// Runs `work`, whose progress goes to the observer.
pub(super) fn with_progress<T>(observer: &dyn Observer, work: impl FnOnce(Progress<'_>) -> T) -> T {
    let step = |step: ProgressUpdate<'_>| observer.step(step);
    work(Progress::new(&step))
}

/// Something that a person may want to know while an analysis runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice {
    /// A file is being read.
    Reading {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: f64,
        /// About how many seconds it takes to read.
        seconds: f64,
    },
    /// Something about the data, as a sentence.
    Data(String),
    /// What a recipe's steps did, as a sentence.
    Recipe(String),
    /// Which columns became features and which did not, and why.
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
    /// This many rows have weight 0: they get a segment, but do not influence the fit.
    WeightZero(usize),
    /// Rows were left out because of missing values.
    LeftOut {
        /// How many.
        missing: usize,
        /// How many rows the table has.
        rows: usize,
    },
    /// The model that the fit starts from has these features, which the fit does not use.
    FeaturesGone(Vec<String>),
    /// No k was given, so these are swept first.
    DefaultSweep(Vec<usize>),
    /// No k was given, and the table has so few distinct rows that only these k are swept.
    SweepCutShort(Vec<usize>),
    /// The device that was chosen, and why.
    Device(Description, String),
    /// The table takes more of a GPU's memory than may be used, so the CPU computes; as a sentence.
    DeviceMemory(String),
    /// A GPU failed, and the stage is computed again on the CPU, with the same result.
    DeviceFailed {
        /// The GPU.
        device: Description,
        /// What its driver says.
        why: String,
    },
    /// What is about to be computed.
    Plan(Plan),
    /// How many labels of each pass f32 could not prove, so that f64 decided.
    F64Fallbacks(Vec<u64>),
    /// The sample that a silhouette is computed on has no row of some segments.
    SampleMisses {
        /// The k.
        k: usize,
        /// How many segments have no row in the sample.
        unseen: usize,
    },
    /// The model that the fit starts from has another number of segments than the fit after its merges and splits, so numbers
    /// and names are not kept.
    OtherSegments {
        /// How many the model has.
        before: usize,
        /// How many there are now.
        k: usize,
    },
    /// The recipe names or describes a segment that does not exist.
    NoSuchSegment {
        /// The segment's number in the recipe.
        segment: u32,
        /// Its name there, if it has one.
        name: Option<String>,
        /// How many segments there are.
        k: usize,
    },
}
