//! The sections of the page, in the order in which they are read: the answer, what changed, how sure it is, each segment, what
//! the rows look like, what was asked, what to do, and the small print. A section for which the run has nothing is left out.

mod actions;
mod answer;
mod answers;
mod changes;
mod cohorts;
mod columns;
mod density;
mod map;
mod parts;
mod questions;
mod segment;
mod small_print;
#[cfg(test)]
mod tests;
mod tree;
mod trust;
mod wished;

use super::content::Section;
use super::facts::Facts;

/// All sections of a page.
pub fn all(facts: &Facts<'_>) -> Vec<Section> {
    let mut sections: Vec<Section> =
        [answer::section, changes::section, trust::section].iter().filter_map(|make| make(facts)).collect();
    sections.extend(segment::sections(facts));
    let rest = [
        map::section,
        tree::section,
        density::section,
        columns::section,
        cohorts::section,
        answers::section,
        questions::section,
        actions::section,
        small_print::section,
    ];
    sections.extend(rest.iter().filter_map(|make| make(facts)));
    sections
}
