//! Progress reports of long computations, through which the caller can also stop them.

use crate::error::{Error, Result};

/// A progress report.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressUpdate<'a> {
    /// The stage of the work, such as `fit`.
    pub stage: &'a str,
    /// The number of units of work done so far, out of `total`. The unit depends on the stage.
    pub done: u64,
    /// The total number of units; an upper estimate if the work may end early.
    pub total: u64,
}

type Callback<'a> = &'a (dyn Fn(ProgressUpdate<'_>) -> bool + Sync);

/// The caller's callback, or none. If the callback returns false, the work stops with [`Error::Interrupted`].
#[derive(Clone, Copy, Default)]
pub struct Progress<'a>(Option<Callback<'a>>);

impl<'a> Progress<'a> {
    /// Progress that is not reported.
    pub fn none() -> Self {
        Progress(None)
    }

    /// Progress that is reported to `callback`.
    pub fn new(callback: Callback<'a>) -> Self {
        Progress(Some(callback))
    }

    /// Reports that `done` of `total` units of `stage` are complete.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the callback returns false.
    pub fn step(&self, stage: &str, done: u64, total: u64) -> Result<()> {
        match self.0 {
            Some(callback) if !callback(ProgressUpdate { stage, done, total }) => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }
}
