//! Which answers each segment gives more often than everybody, as text for people.

use super::figures::{count, percent, plain, signed};
use super::profile::{WIDTH, shown};
use super::sheet::{Kind, Sheet, wrapped};
use crate::profile::Profile;

/// A table for each segment that has lifts: overall share, share in the segment, lift and topic. Empty if there are none.
pub fn text(profile: &Profile) -> String {
    let mut text = String::new();
    for segment in shown(profile).iter().filter(|segment| !segment.lifts.is_empty()) {
        let name = segment.name.as_ref().map_or(String::new(), |name| format!(" {}", plain(name)));
        let rows = count(segment.size as usize, "row");
        let title =
            format!("segment {}{name}, {rows}: the answers furthest above the average\n", segment.segment);
        let topics = segment.lifts.iter().any(|one| one.topic.is_some());
        let mut header = vec![
            ("answer", Kind::Name),
            ("overall", Kind::Number),
            ("segment", Kind::Number),
            ("lift", Kind::Number),
        ];
        header.extend(topics.then_some(("topic", Kind::Name)));
        let mut sheet = Sheet::new(&header);
        for one in &segment.lifts {
            let lift = format!("{} points", signed(100.0 * one.lift));
            let figures = [one.label.clone(), percent(one.overall), percent(one.share), lift];
            let topic = topics.then(|| one.topic.clone().unwrap_or_default());
            sheet.row(figures.into_iter().chain(topic));
        }
        text.push_str(&format!("\n{}{}", wrapped(&title, WIDTH), sheet.to_text_within(WIDTH)));
    }
    text
}
