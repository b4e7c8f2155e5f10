//! The results of an analysis as one JSON document: the contents of `metrics.json`, and what `--json` prints.

use crate::analysis::Outcome;
use serde::Serialize;

/// A file as it was written.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// Its name.
    pub file: &'static str,
    /// The SHA-256 of its bytes, as `sha256sum` prints it.
    pub sha256: String,
}

/// An outcome, and what tells where it comes from.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    version: &'static str,
    command: &'a str,
    /// The name that all files of the run carry; see [`crate::model::Model::run`].
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    /// The file of assignments that belongs to it, if one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignments: Option<&'a Written>,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

impl<'a> Document<'a> {
    /// The document for a command's outcome and the file of its assignments, if there is one.
    pub fn new(command: &'a str, outcome: &'a Outcome, assignments: Option<&'a Written>) -> Self {
        let run = outcome.model.as_ref().and_then(|model| model.run.as_deref());
        Document { version: env!("CARGO_PKG_VERSION"), command, run, assignments, outcome }
    }

    /// The document as text.
    pub fn to_json(&self) -> String {
        pretty(self)
    }
}

/// Results as indented JSON that ends with a line break.
pub fn pretty(document: &impl Serialize) -> String {
    // Serialising plain structs of numbers and strings to memory cannot fail.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
