//! The charts and the tables of a page as files of their own.

use super::Page;

impl Page {
    /// Every chart as a stand-alone SVG and every table as CSV: the names and the contents of the files.
    pub fn charts(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }
}
