//! What changed since last time, in a few lines for people.

use super::figures::{brief, count, percent, plain, whole};
use super::profile::{MOST_SEGMENTS, WIDTH};
use super::sheet::{Kind, Sheet, wrapped};
use crate::analysis::{ColumnChange, DriftSince, Joined, Migration, Move, SegmentChange, State};
use crate::evidence::psi::Change;
use crate::evidence::shift::LEVEL;
use crate::model::Middle;
use crate::profile::LEAST_EFFECT;

/// How many moves, segments and columns are named.
const NAMED: usize = 3;

/// All that there is to say about last time, in parts: the lines that answer what changed, the rows by old and new segment,
/// and the columns that changed most in each segment.
pub fn changed(
    migration: Option<&Migration>,
    changes: &[SegmentChange],
    names: &[Option<String>],
) -> Vec<String> {
    let table = migration.map_or_else(String::new, |migration| table(migration, names));
    let parts = [summary(migration, changes, names), table, columns(changes)];
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// How many columns of the table are distributed otherwise than at the fit, in one line.
pub(super) fn drifted(drift: &DriftSince) -> String {
    let changed = drift.columns.iter().filter(|column| column.change >= Change::Moderate);
    let line = match (changed.count(), drift.columns.first()) {
        (0, _) => "columns: none is distributed otherwise than at the last fit".into(),
        (n, Some(most)) => format!(
            "columns: {n} of {} are distributed otherwise than at the last fit, most {} (PSI {})",
            drift.columns.len(),
            plain(&most.column),
            brief(most.psi)
        ),
        (_, None) => String::new(),
    };
    wrapped(&format!("{line}\n"), WIDTH)
}

/// The lines that answer what changed, under a heading. Empty if there is nothing to compare with.
fn summary(migration: Option<&Migration>, changes: &[SegmentChange], names: &[Option<String>]) -> String {
    let lines = answers(migration, changes, names);
    if lines.is_empty() {
        return String::new();
    }
    let since =
        migration.map_or_else(|| "since the fit".into(), |m| format!("since last time ({})", plain(&m.from)));
    let lines: Vec<String> = lines.iter().map(|line| wrapped(&format!("  {line}\n"), WIDTH)).collect();
    format!("What changed {since}\n{}", lines.concat().replace(TIED, " "))
}

/// The lines that answer what changed: who stayed, moved, came and left; which segments grew and shrank; the biggest moves;
/// and what is different inside the segments. Blanks that belong to a figure are ones at which no line is broken.
pub(super) fn answers(
    migration: Option<&Migration>,
    changes: &[SegmentChange],
    names: &[Option<String>],
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(migration) = migration {
        lines.extend(who(migration));
    }
    if !changes.is_empty() {
        lines.push(sizes(changes));
    }
    if let Some(moves) = migration.and_then(|migration| moves(&migration.moves, names)) {
        lines.push(moves);
    }
    if !changes.is_empty() {
        lines.push(inside(changes));
    }
    lines
}

/// A blank at which a line is not broken.
const TIED: char = '\u{a0}';

/// A share whose sign stays beside its number.
fn share(of: f64) -> String {
    percent(of).replace(' ', &TIED.to_string())
}

/// Who stayed, moved, came and left.
fn who(migration: &Migration) -> Vec<String> {
    let (stayed, moved) = (migration.stayed, migration.moved);
    let known = stayed + moved;
    let parts = (share(stayed as f64 / known.max(1) as f64), share(migration.share));
    let (Some(came), Some(left), Some(then), Some(now)) =
        (migration.came, migration.left, migration.then, migration.now)
    else {
        let why = migration.not_followed.as_deref().filter(|why| !why.is_empty());
        let why =
            why.map_or_else(String::new, |why| format!(" Nobody is followed by id, as {}.", plain(why)));
        return vec![format!(
            "rows: the earlier model puts {} of the {} into the same segment ({}) and {} into another one ({}).{why}",
            whole(stayed),
            count(known as usize, "row"),
            parts.0,
            whole(moved),
            parts.1,
        )];
    };
    let before = count(then.rows as usize, "row");
    let (came, left) = (whole(came), whole(left));
    let mut lines = vec![match known {
        0 => format!("rows: none of last time's {before} is here now; {left} left, {came} came"),
        _ => format!(
            "rows: {} of last time's {before} are here now: {} stayed where they were ({}), {} moved ({}); {left} left, \
             {came} came",
            whole(known),
            whole(stayed),
            parts.0,
            whole(moved),
            parts.1,
        ),
    }];
    let unclear = |of: &Joined| of.without_id + of.repeated_id;
    if unclear(&then) + unclear(&now) > 0 {
        lines.push(format!(
            "not followed, because their id is missing or is used more than once: {} of {} last time, {} of {} now",
            whole(unclear(&then)),
            whole(then.rows),
            whole(unclear(&now)),
            count(now.rows as usize, "row"),
        ));
    }
    lines
}

/// `1 Regulars`, or `1` without a name; `the outliers` and `the rows left out`.
fn place(state: State, names: &[Option<String>]) -> String {
    match state {
        State::Segment(segment) => called(segment, names.get(segment as usize).and_then(Option::as_deref)),
        State::Outlier => "the outliers".into(),
        State::Outside => "the rows outside the population".into(),
        State::Noise => "the noise".into(),
        State::Excluded => "the rows left out".into(),
    }
}

fn called(segment: u32, name: Option<&str>) -> String {
    name.map_or_else(|| format!("segment {segment}"), |name| format!("{segment} {}", plain(name)))
}

/// A segment is said to have grown or shrunk from this many points on, if chance does not explain it.
const LEAST_POINTS: f64 = 1.0;

/// Which segments grew and which shrank.
fn sizes(changes: &[SegmentChange]) -> String {
    let mut moved: Vec<&SegmentChange> = changes.iter().collect();
    moved.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
    let one = |s: &&SegmentChange| {
        let word = if s.difference > 0.0 { "grew" } else { "shrank" };
        let name = called(s.segment, s.name.as_deref());
        let (then, now) = (share(s.previous_share), share(s.share));
        format!("{name} {word} by {:.1} points ({then} -> {now})", s.difference.abs())
    };
    let largest = moved.first().filter(|s| s.difference.abs() >= 0.05).map(one);
    moved.retain(|s| s.difference.abs() >= LEAST_POINTS && s.p_value < LEVEL);
    if moved.is_empty() {
        let most = largest.map_or_else(
            || "as before".into(),
            |most| format!("as before, but for what chance explains; the most is that {most}"),
        );
        return format!("sizes: {most}");
    }
    let named: Vec<String> = moved.iter().take(NAMED).map(one).collect();
    format!("sizes: {}{}", named.join(", "), and_more(moved.len(), NAMED))
}

/// The biggest moves.
fn moves(moves: &[Move], names: &[Option<String>]) -> Option<String> {
    let one = |m: &Move| {
        let all = whole((m.rows as f64 / m.share).round() as u64);
        format!("{} of {all} from {} to {}", whole(m.rows), place(m.from, names), place(m.to, names))
    };
    let named: Vec<String> = moves.iter().take(NAMED).map(one).collect();
    (!named.is_empty()).then(|| format!("biggest moves: {}", named.join(", ")))
}

/// What is different inside the segments.
fn inside(changes: &[SegmentChange]) -> String {
    let of = |s: &SegmentChange| -> Option<(f64, String)> {
        let mut different = s.columns.iter().filter(|c| matters(c)).peekable();
        let effect = different.peek()?.effect.map_or(f64::MAX, f64::abs);
        let words: Vec<String> = different.take(2).map(in_words).collect();
        Some((effect, format!("{}: {}", called(s.segment, s.name.as_deref()), words.join(", "))))
    };
    if changes.iter().all(|s| s.columns.is_empty()) {
        return "inside the segments: not known, because the earlier model.json has no medians to compare with".into();
    }
    let mut found: Vec<(f64, String)> = changes.iter().filter_map(of).collect();
    if found.is_empty() {
        return "inside the segments: medians and shares as before, but for what chance explains".into();
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let named: Vec<&str> = found.iter().take(NAMED).map(|(_, text)| text.as_str()).collect();
    format!("inside the segments: {}{}", named.join("; "), and_more(found.len(), NAMED))
}

/// Whether a change is large enough to be named and too large for chance.
pub(super) fn matters(c: &ColumnChange) -> bool {
    c.beyond_chance && c.effect.is_none_or(|effect| effect.abs() >= LEAST_EFFECT)
}

/// `pay 12.5 -> 14.0`.
fn in_words(c: &ColumnChange) -> String {
    let (then, now) = match c.middle {
        Middle::Share => (share(c.previous), share(c.now)),
        Middle::Median => (brief(c.previous), brief(c.now)),
    };
    format!("{} {then}{TIED}->{TIED}{now}", plain(&c.column))
}

fn and_more(all: usize, named: usize) -> String {
    if all > named { format!(", and {} more", all - named) } else { String::new() }
}

/// The rows by old and new segment.
fn table(migration: &Migration, names: &[Option<String>]) -> String {
    if migration.rows.iter().flatten().all(|&rows| rows == 0) {
        return String::new();
    }
    if migration.rows.len() > MOST_SEGMENTS {
        let n = whole(migration.rows.len() as u64);
        return format!("the JSON output has the table of the rows by old and new segment, {n} each\n");
    }
    let header: Vec<String> = (0..migration.rows.len()).map(|s| format!("new {s}")).collect();
    let columns = header.iter().map(|name| (name.as_str(), Kind::Number));
    let columns: Vec<(&str, Kind)> = std::iter::once(("", Kind::Name)).chain(columns).collect();
    let mut sheet = Sheet::new(&columns);
    for (old, row) in migration.rows.iter().enumerate() {
        let name = names.get(old).and_then(Option::as_ref).map_or(String::new(), |n| format!(" {n}"));
        sheet.row(std::iter::once(format!("old {old}{name}")).chain(row.iter().map(|&n| whole(n))));
    }
    format!("rows by old segment and new segment\n{}", sheet.to_text())
}

/// The columns that changed most in each segment, as a table; empty if none did.
fn columns(changes: &[SegmentChange]) -> String {
    let mut sheet = Sheet::new(&[
        ("segment", Kind::Name),
        ("column", Kind::Name),
        ("", Kind::Name),
        ("then", Kind::Number),
        ("now", Kind::Number),
        ("change", Kind::Number),
    ]);
    let mut any = false;
    for s in changes {
        for c in s.columns.iter().filter(|c| matters(c)).take(NAMED) {
            any = true;
            let (middle, then, now) = match c.middle {
                Middle::Share => ("share", percent(c.previous), percent(c.now)),
                Middle::Median => ("median", brief(c.previous), brief(c.now)),
            };
            let effect = c.effect.map_or_else(|| "-".into(), |effect| format!("{effect:+.2}"));
            let segment = called(s.segment, s.name.as_deref());
            sheet.row([segment, c.column.clone(), middle.to_string(), then, now, effect]);
        }
    }
    if !any {
        return String::new();
    }
    let what =
        "what changed most inside the segments (change: in spreads of the column; of shares Cohen's h)";
    format!("{what}\n{}", sheet.to_text())
}
