//! The results of an analysis as one JSON document: the contents of `metrics.json`, and what `--json` prints.

use crate::analysis::Outcome;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A file as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Written {
    /// Its name.
    pub file: Cow<'static, str>,
    /// The SHA-256 of its bytes, as `sha256sum` prints it.
    pub sha256: String,
}

/// An outcome, and what tells where it comes from. To be written, it borrows the outcome; once read, it has one of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document<O = Outcome> {
    /// The version of the program.
    pub version: Cow<'static, str>,
    /// The verb that made it.
    pub command: String,
    /// The name that all files of the run carry; see [`crate::model::Model::run`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The file of assignments that belongs to it, if one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignments: Option<Written>,
    /// The results.
    #[serde(flatten)]
    pub outcome: O,
}

impl<'a> Document<&'a Outcome> {
    /// The document for a command's outcome and the file of its assignments, if there is one.
    pub fn new(command: &str, outcome: &'a Outcome, assignments: Option<&Written>) -> Self {
        let run = outcome.model.as_ref().and_then(|model| model.run.clone());
        let (version, assignments) = (env!("CARGO_PKG_VERSION").into(), assignments.cloned());
        Document { version, command: command.into(), run, assignments, outcome }
    }

    /// The document as text.
    pub fn to_json(&self) -> String {
        pretty(self)
    }
}

impl Document {
    /// Reads a document that was written.
    ///
    /// # Errors
    /// Text that is no such document; the message has the line and the column.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::data(format!("this is not the result of a run: {e}")))
    }
}

/// Results as indented JSON that ends with a line break.
pub fn pretty(document: &impl Serialize) -> String {
    // Serialising plain structs of numbers and strings to memory cannot fail.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
