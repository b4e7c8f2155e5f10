//! How long work tells its caller where it is, and how the caller stops it.

use crate::error::{Error, Result};

/// A step of long work.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressUpdate<'a> {
    /// What is being done, such as `fit`.
    pub stage: &'a str,
    /// How much of it is done, of `total`.
    pub done: u64,
    /// All of it; an estimate where the work may end early.
    pub total: u64,
}

type Callback<'a> = &'a (dyn Fn(ProgressUpdate<'_>) -> bool + Sync);

/// The caller's callback, or none. A callback that returns false stops the work with [`Error::Interrupted`].
#[derive(Clone, Copy, Default)]
pub struct Progress<'a>(Option<Callback<'a>>);

impl<'a> Progress<'a> {
    /// Reports to nobody.
    pub fn none() -> Self {
        Progress(None)
    }

    /// Reports to `callback`.
    pub fn new(callback: Callback<'a>) -> Self {
        Progress(Some(callback))
    }

    /// Reports a step.
    ///
    /// # Errors
    /// [`Error::Interrupted`] where the callback says to stop.
    pub fn step(&self, stage: &str, done: u64, total: u64) -> Result<()> {
        match self.0 {
            Some(callback) if !callback(ProgressUpdate { stage, done, total }) => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }
}
