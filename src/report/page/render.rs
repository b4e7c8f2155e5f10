//! Turns a page into HTML.

use super::Page;

impl Page {
    /// The page as one file that needs no other.
    pub fn html(&self) -> String {
        String::new()
    }
}
