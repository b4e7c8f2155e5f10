//! Changes the names of segments in the text of a `model.json` and leaves everything else in it unchanged.

use super::Model;
use crate::error::{Error, Result};
use crate::recipe::fit_for_a_name;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::Range;

/// The centroids' places in the text.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow, default)]
    centroids: Vec<&'a RawValue>,
    /// Of a model whose segments were merged or split.
    #[serde(borrow)]
    regrouped: Option<Segments<'a>>,
}

/// The segments' places in the text.
#[derive(Deserialize)]
struct Segments<'a> {
    #[serde(borrow)]
    segments: Vec<&'a RawValue>,
}

/// The places of the parts of a centroid that matter here.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    segment: &'a RawValue,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// The text of a model with new names: each segment in `names` gets its name, or loses it if that is `None`. All other
/// bytes stay the same, so that a version control system shows only the names as changed.
///
/// # Errors
/// Not a model; a segment that it does not have; a name that is empty or has control characters.
pub fn with_names(text: &str, names: &BTreeMap<u32, Option<String>>) -> Result<String> {
    let mut model = Model::from_json(text)?;
    check(names, model.k())?;
    let not_a_model = |e: serde_json::Error| Error::data(format!("not a model: {e}"));
    let outline: Outline<'_> = serde_json::from_str(text).map_err(not_a_model)?;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let segments = outline.regrouped.map_or(outline.centroids, |regrouped| regrouped.segments);
    for (raw, segment) in segments.into_iter().zip(model.assigner.segments_mut()) {
        let Some(name) = names.get(&segment.number) else { continue };
        segment.name.clone_from(name);
        let entry: Entry<'_> = serde_json::from_str(raw.get()).map_err(not_a_model)?;
        edits.extend(edit(text, place(text, raw), &entry, name.as_deref()));
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_string();
    for (range, new) in edits {
        text.replace_range(range, &new);
    }
    // However the file is laid out, the new text must read as the intended model.
    if Model::from_json(&text)? != model {
        return Err(Error::data(
            "this file has an unusual layout in which names cannot be changed; fit again to get a fresh model.json",
        ));
    }
    Ok(text)
}

/// Checks that these can be names of the segments of a model.
///
/// # Errors
/// A segment that it does not have; a name that is empty or has control characters.
pub fn check(names: &BTreeMap<u32, Option<String>>, segments: usize) -> Result<()> {
    for (segment, name) in names {
        if *segment as usize >= segments {
            let what = format!(
                "there is no segment {segment}: the model's segments are numbered 0 to {}",
                segments - 1
            );
            return Err(Error::Usage(what));
        }
        if let Some(name) = name {
            fit_for_a_name(name).map_err(|why| Error::Usage(format!("segment {segment}: {why}")))?;
        }
    }
    Ok(())
}

/// The place of a part of the text.
fn place(text: &str, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr() as usize - text.as_ptr() as usize;
    start..start + part.get().len()
}

/// The edit that gives the centroid at `whole` this name: a range of the text, and what replaces it.
fn edit(
    text: &str,
    whole: Range<usize>,
    entry: &Entry<'_>,
    name: Option<&str>,
) -> Option<(Range<usize>, String)> {
    let json = |name: &str| serde_json::Value::from(name).to_string();
    match (entry.name.map(|old| place(text, old)), name) {
        (Some(old), Some(name)) => Some((old, json(name))),
        (None, Some(name)) => {
            // On a line of its own if the other keys are on separate lines too.
            let inside = &text[whole.start + 1..whole.end];
            let blanks = &inside[..inside.len() - inside.trim_start().len()];
            let colon = if blanks.is_empty() { ":" } else { ": " };
            let after = place(text, entry.segment).end;
            Some((after..after, format!(",{blanks}\"name\"{colon}{}", json(name))))
        }
        (Some(old), None) => {
            let key = text[whole.start..old.start].rfind('"')?;
            let key = text[whole.start..whole.start + key].rfind('"')? + whole.start;
            let before = text[..key].trim_end();
            if before.ends_with(',') {
                return Some((before.len() - 1..old.end, String::new()));
            }
            let comma = old.end + text[old.end..].find(',')? + 1;
            Some((key..comma + (text[comma..].len() - text[comma..].trim_start().len()), String::new()))
        }
        (None, None) => None,
    }
}
