//! `[describe]`: a description of the table that the recipe has prepared.

use crate::describe::Options;
use crate::recipe::SIZE;
use crate::recipe::decode::Section;

pub(super) fn describe(section: Section<'_>) -> Options {
    let default = Options::default();
    let options = Options {
        columns: section.take("columns").and_then(|v| v.texts()).unwrap_or_default(),
        top: section.take("top").and_then(|v| v.whole(SIZE)).map_or(default.top, |n| n as usize),
        correlations: section.take("correlations").and_then(|v| v.boolean()).unwrap_or(default.correlations),
    };
    section.finish();
    options
}
