//! What the segments are, as text for people, and as the JSON of `segmenta profile`.

use super::figures::{among, count, percent, plain, whole};
use super::sheet::{Kind, Sheet, shortened, stdout_width, wrapped};
use crate::analysis::{Described, DeviceUsed, Seconds};
use crate::model::Model;
use crate::profile::rules::Quality;
use crate::profile::{
    LevelShare, Measure, NAMED, NumericFigures, Profile, SegmentProfile, Separation, Trait, strongest,
};
use crate::table::short_label;
use serde::Serialize;

/// No line is wider, so that a table can be pasted into a message.
pub(super) const WIDTH: usize = 100;

/// How many columns the bar of the largest segment takes.
const BAR: usize = 12;

/// How many columns the line about the separation names.
const SEPARATORS: usize = 4;

/// Tables for people show so many segments at most; with more, nobody reads them.
pub const MOST_SEGMENTS: usize = 30;

/// How many traits of a segment the long form shows.
const MANY: usize = 8;

/// The results of `profile`.
#[derive(Debug, Serialize)]
pub struct ProfileFound {
    version: &'static str,
    command: &'static str,
    /// The name of the fit whose model was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    rows: usize,
    excluded: usize,
    k: usize,
    profile: Profile,
    warnings: Vec<String>,
    device: DeviceUsed,
    seconds: Seconds,
}

impl ProfileFound {
    /// From what was found, by the model that labelled the rows.
    pub fn new(model: &Model, found: Described, device: DeviceUsed, seconds: Seconds) -> Self {
        let Described { rows, excluded, profile, warnings } = found;
        ProfileFound {
            version: env!("CARGO_PKG_VERSION"),
            command: "profile",
            run: model.run.clone(),
            rows,
            excluded,
            k: model.k(),
            profile,
            warnings,
            device,
            seconds,
        }
    }

    /// The results as tables for people: the segments, their traits, and the figures of every column.
    pub fn to_text(&self) -> String {
        let profile = &self.profile;
        let mut text = overview(profile);
        text.push_str(&tests(profile));
        text.push_str(&rules(profile));
        text.push_str(&doubts(profile));
        text.push_str(&typical(profile));
        text.push_str(&flags(profile));
        for column in &profile.separation {
            if let Some(overall) = profile.overall.get(&column.column) {
                if column.measure == Measure::Mean {
                    text.push_str(&numbers(profile, column, overall));
                }
            } else {
                text.push_str(&categories(profile, column));
            }
        }
        let left_out = profile.left_out.iter().map(|l| format!("{}: {}", name(&l.column), l.why));
        let alike = profile
            .alike
            .iter()
            .map(|a| format!("{}: says the same as {}, so it is no trait", name(&a.column), name(&a.like)));
        let notes: Vec<String> = left_out.chain(alike).collect();
        if !notes.is_empty() {
            text.push_str(&format!("\n{}", wrapped(&(notes.join("\n") + "\n"), WIDTH)));
        }
        text
    }
}

/// A column's name, shortened if a terminal is narrower.
fn name(column: &str) -> String {
    let column = plain(column);
    stdout_width().map_or_else(|| column.clone(), |width| shortened(&column, width.saturating_sub(4).max(1)))
}

/// The segments that tables for people show.
pub(super) fn shown(profile: &Profile) -> &[SegmentProfile] {
    &profile.segments[..profile.segments.len().min(MOST_SEGMENTS)]
}

/// A line about the segments that a table leaves out, given the sizes of all; empty if there are none.
pub fn left_out(sizes: &[u64]) -> String {
    let rest = sizes.get(MOST_SEGMENTS..).unwrap_or_default();
    if rest.is_empty() {
        return String::new();
    }
    let rows = rest.iter().sum::<u64>() as usize;
    format!(
        "and {} with {}; the JSON output has all\n",
        count(rest.len(), "more segment"),
        count(rows, "row")
    )
}

/// The segments with their sizes, each described in one line.
pub fn overview(profile: &Profile) -> String {
    let named = profile.segments.iter().any(|s| s.name.is_some());
    let mut header = vec![
        ("segment", Kind::Number),
        ("rows", Kind::Number),
        ("share", Kind::Number),
        ("", Kind::Name),
        ("what sets it apart", Kind::Prose),
    ];
    if named {
        header.insert(4, ("name", Kind::Prose));
    }
    let mut sheet = Sheet::new(&header);
    let largest = profile.segments.iter().map(|s| s.share).fold(0.0, f64::max);
    for s in shown(profile) {
        let mut cells = vec![s.segment.to_string(), whole(s.size), percent(s.share), bar(s.share, largest)];
        if named {
            cells.push(s.name.clone().unwrap_or_default());
        }
        cells.push(s.description.clone());
        sheet.row(cells);
    }
    let sizes: Vec<u64> = profile.segments.iter().map(|s| s.size).collect();
    sheet.to_text_within(WIDTH) + &left_out(&sizes)
}

/// A bar in eighths of a column; the longest for the largest share.
fn bar(share: f64, largest: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if share.is_nan() || share <= 0.0 || largest <= 0.0 {
        return String::new();
    }
    let eighths = ((8 * BAR) as f64 * share / largest).round().max(1.0) as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// The strongest traits of each segment, and the columns that separate the segments most. Empty if there are none.
pub fn traits(profile: &Profile) -> String {
    let mut header = vec![
        ("segment", Kind::Number),
        ("trait", Kind::Name),
        ("here", Kind::Number),
        ("all", Kind::Number),
        ("difference", Kind::Number),
    ];
    let topics = profile.segments.iter().flat_map(|s| &s.traits).any(|one| one.topic.is_some());
    header.extend(topics.then_some(("topic", Kind::Name)));
    let mut sheet = Sheet::new(&header).keyed_by(2);
    let mut lines = 0;
    for s in shown(profile) {
        for (i, one) in strongest(&s.traits, NAMED).into_iter().enumerate() {
            let segment = if i == 0 { s.segment.to_string() } else { String::new() };
            let show = |v: f64| value(profile, one, v);
            let figures = [segment, subject(one), show(one.value), show(one.overall), difference(one)];
            let topic = topics.then(|| one.topic.clone().unwrap_or_default());
            sheet.row(figures.into_iter().chain(topic));
            lines += 1;
        }
    }
    if lines == 0 {
        return String::new();
    }
    format!("\n{}{}{}", sheet.to_text_within(WIDTH), separators(profile), rules(profile) + &doubts(profile))
}

/// How many rows are in doubt, and in which segments most.
fn doubts(profile: &Profile) -> String {
    let (mut doubts, mut rows) = (0, 0);
    let mut shares: Vec<(f64, u32)> = Vec::new();
    for s in &profile.segments {
        let Some(in_doubt) = s.in_doubt.filter(|_| s.size > 0) else { continue };
        (doubts, rows) = (doubts + in_doubt, rows + s.size);
        shares.push((in_doubt as f64 / s.size as f64, s.segment));
    }
    if rows == 0 || profile.segments.len() < 2 {
        return String::new();
    }
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let most: Vec<String> = shares
        .iter()
        .filter(|(share, _)| *share > 0.0)
        .take(3)
        .map(|(share, segment)| format!("{} of segment {segment}", percent(*share)))
        .collect();
    let most = if most.is_empty() { String::new() } else { format!("; {}", most.join(", ")) };
    let all = percent(doubts as f64 / rows as f64);
    wrapped(&format!("in doubt, because another segment is nearly as near: {all} of the rows{most}\n"), WIDTH)
}

/// The typical rows of each segment, if they were asked for.
fn typical(profile: &Profile) -> String {
    let mut text = String::new();
    for s in shown(profile).iter().filter(|s| !s.typical.is_empty()) {
        let ids: Vec<String> = s.typical.iter().map(|id| plain(id)).collect();
        text.push_str(&wrapped(&format!("typical of segment {}: {}\n", s.segment, ids.join(", ")), WIDTH));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// The rule of each segment, and how well it does.
fn rules(profile: &Profile) -> String {
    let mut sheet = Sheet::new(&[
        ("segment", Kind::Number),
        ("covers", Kind::Number),
        ("precise", Kind::Number),
        ("rule, tested on rows it was not learned from", Kind::Prose),
    ]);
    let percent =
        |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.0} %", 100.0 * share));
    let mut lines = 0;
    for s in shown(profile) {
        let row = match (&s.rule, &s.no_rule) {
            (Some(rule), _) => {
                let note = match rule.quality {
                    Quality::Good | Quality::Fair => "",
                    Quality::Poor => " (poor)",
                    Quality::Untested => " (too few rows to test)",
                };
                [percent(rule.coverage), percent(rule.precision), format!("{}{note}", rule.text)]
            }
            (None, Some(why)) => ["-".into(), "-".into(), why.clone()],
            (None, None) => continue,
        };
        lines += 1;
        let [coverage, precision, text] = row;
        sheet.row([s.segment.to_string(), coverage, precision, text]);
    }
    if lines == 0 { String::new() } else { format!("\n{}", sheet.to_text_within(WIDTH)) }
}

/// The columns that separate the segments most, in one line.
fn separators(profile: &Profile) -> String {
    let own = |column: &str| profile.alike.iter().all(|a| a.column != column);
    let most = profile.separation.iter().filter(|s| s.share >= 0.005 && own(&s.column)).take(SEPARATORS);
    let most: Vec<String> = most.map(|s| format!("{} {:.0} %", name(&s.column), 100.0 * s.share)).collect();
    if most.is_empty() {
        return String::new();
    }
    wrapped(&format!("variance between segments: {}\n", most.join(", ")), WIDTH)
}

/// More traits of each segment, with intervals and q-values.
fn tests(profile: &Profile) -> String {
    let mut sheet = Sheet::new(&[
        ("segment", Kind::Number),
        ("trait", Kind::Name),
        ("here", Kind::Number),
        ("95 % interval", Kind::Number),
        ("all", Kind::Number),
        ("difference", Kind::Number),
        ("q", Kind::Number),
    ])
    .keyed_by(2);
    let mut lines = 0;
    for s in shown(profile) {
        for (i, one) in s.traits.iter().take(MANY).enumerate() {
            let segment = if i == 0 { s.segment.to_string() } else { String::new() };
            let show = |v: f64| value(profile, one, v);
            let interval = one.low.zip(one.high).map_or_else(
                || "-".to_string(),
                |(low, high)| format!("{} to {}", show(low).trim_end_matches(" %"), show(high)),
            );
            sheet.row([
                segment,
                subject(one),
                show(one.value),
                interval,
                show(one.overall),
                difference(one),
                q_value(one.q_value),
            ]);
            lines += 1;
        }
    }
    if lines == 0 {
        return String::new();
    }
    let more = profile.segments.iter().any(|s| s.traits.len() > MANY);
    let more = if more {
        format!("the {MANY} strongest traits of each segment; --json has all\n")
    } else {
        String::new()
    };
    format!("\n{}{more}", sheet.to_text_within(WIDTH))
}

fn q_value(q: f64) -> String {
    if q < 1e-4 { "< 0.0001".into() } else { format!("{q:.4}") }
}

/// The head of a column's table: its name, and how much it differs between segments.
fn head(column: &Separation) -> String {
    let feature = if column.feature { ", a feature" } else { "" };
    format!(
        "\n{}: {} of its variance lies between segments{feature}\n",
        name(&column.column),
        percent(column.share)
    )
}

/// The figures of a column of numbers.
fn numbers(profile: &Profile, column: &Separation, overall: &NumericFigures) -> String {
    let mut header = vec![
        ("segment", Kind::Number),
        ("mean", Kind::Number),
        ("95 % interval", Kind::Number),
        ("sd", Kind::Number),
        ("quartile 1", Kind::Number),
        ("median", Kind::Number),
        ("quartile 3", Kind::Number),
    ];
    if overall.missing > 0 {
        header.push(("missing", Kind::Number));
    }
    let mut sheet = Sheet::new(&header);
    let spread = spread(profile, &column.column);
    let mut row = |label: String, f: &NumericFigures| {
        let show = |v: Option<f64>| v.map_or_else(|| "-".into(), |v| among(v, spread));
        let interval = match (f.low, f.high) {
            (Some(_), Some(_)) => format!("{} to {}", show(f.low), show(f.high)),
            _ => "-".into(),
        };
        let missing = whole(f.missing);
        sheet.row([
            label,
            show(f.mean),
            interval,
            show(f.sd),
            show(f.q1),
            show(f.median),
            show(f.q3),
            missing,
        ]);
    };
    for s in shown(profile) {
        if let Some(figures) = s.numeric.get(&column.column) {
            row(s.segment.to_string(), figures);
        }
    }
    row("all".into(), overall);
    head(column) + &sheet.to_text_within(WIDTH)
}

/// The shares of a column's categories.
fn categories(profile: &Profile, column: &Separation) -> String {
    let of =
        |s: &SegmentProfile| -> Vec<LevelShare> { s.levels.get(&column.column).cloned().unwrap_or_default() };
    let shares: Vec<Vec<LevelShare>> = shown(profile).iter().map(of).collect();
    let names = segment_heads(profile);
    let mut header = vec![(column.column.as_str(), Kind::Name), ("all", Kind::Number)];
    header.extend(names.iter().map(|name| (name.as_str(), Kind::Number)));
    let mut sheet = Sheet::new(&header);
    for (i, level) in shares.first().into_iter().flatten().enumerate() {
        let cells = shares.iter().map(|of| {
            of.get(i).map_or_else(|| "-".into(), |l| share_with_interval(l.share, Some(l.low), Some(l.high)))
        });
        sheet.row([short_label(&level.level), percent(level.overall)].into_iter().chain(cells));
    }
    head(column) + &sheet.to_text_within(WIDTH)
}

/// The columns of 0 and 1 in one table, each with its share of ones.
fn flags(profile: &Profile) -> String {
    let names = segment_heads(profile);
    let mut header = vec![("share of ones", Kind::Name), ("all", Kind::Number)];
    header.extend(names.iter().map(|name| (name.as_str(), Kind::Number)));
    let mut sheet = Sheet::new(&header);
    let mut lines = 0;
    for column in profile.separation.iter().filter(|c| c.measure == Measure::Share) {
        let Some(overall) = profile.overall.get(&column.column) else { continue };
        let cells = shown(profile).iter().map(|s| {
            let figures = s.numeric.get(&column.column).copied().unwrap_or_default();
            figures
                .mean
                .map_or_else(|| "-".into(), |share| share_with_interval(share, figures.low, figures.high))
        });
        let all = percent(overall.mean.unwrap_or(0.0));
        sheet.row([short_label(&column.column), all].into_iter().chain(cells));
        lines += 1;
    }
    if lines == 0 { String::new() } else { format!("\n{}", sheet.to_text_within(WIDTH)) }
}

fn segment_heads(profile: &Profile) -> Vec<String> {
    shown(profile).iter().map(|s| format!("segment {}", s.segment)).collect()
}

/// `40.6 (39.1-42.0)`, in percent.
fn share_with_interval(share: f64, low: Option<f64>, high: Option<f64>) -> String {
    let (low, high) = (100.0 * low.unwrap_or(0.0), 100.0 * high.unwrap_or(1.0));
    format!("{:.1} ({low:.1}-{high:.1})", 100.0 * share)
}

/// What a trait is about.
fn subject(one: &Trait) -> String {
    match &one.level {
        Some(level) if level != "true" => format!("{} = {}", short_label(&one.column), short_label(level)),
        _ => short_label(&one.column),
    }
}

/// A trait's mean in the column's units, or its share.
fn value(profile: &Profile, one: &Trait, value: f64) -> String {
    match one.measure {
        Measure::Mean => among(value, spread(profile, &one.column)),
        Measure::Share => percent(value),
    }
}

/// How far a column's numbers spread within segments: the median of their interquartile ranges, which a few outliers do
/// not stretch, or if these are 0 the standard deviation of all.
fn spread(profile: &Profile, column: &str) -> f64 {
    let range = |f: &NumericFigures| f.q3.zip(f.q1).map(|(q3, q1)| q3 - q1).filter(|range| *range > 0.0);
    let of = |s: &SegmentProfile| s.numeric.get(column).and_then(range);
    let mut ranges: Vec<f64> = profile.segments.iter().filter_map(of).collect();
    ranges.sort_by(f64::total_cmp);
    let sd = || profile.overall.get(column).and_then(|f| f.sd);
    ranges.get(ranges.len() / 2).copied().or_else(sd).unwrap_or(0.0)
}

/// How far a segment is from the others: standard deviations for means, percentage points for shares.
fn difference(one: &Trait) -> String {
    match one.measure {
        Measure::Mean if one.effect.abs() >= 99.95 => format!("{:+.0} sd", one.effect),
        Measure::Mean => format!("{:+.1} sd", one.effect),
        Measure::Share => format!("{:+.1} points", 100.0 * (one.value - one.overall)),
    }
}
