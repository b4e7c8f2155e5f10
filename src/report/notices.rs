//! What an analysis says while it runs, in words.

use super::figures::{count, duration, plain, whole};
use crate::analysis::{Notice, Plan, Planned};
use crate::recipe::ColumnChoice;

/// How much a reader has to want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Said unless a user wants silence.
    Normal,
    /// Said where a user asks for details.
    Detail,
}

/// What takes less time, in seconds, is not announced.
const WORTH_SAYING: f64 = 10.0;

/// A notice in words, and how much a reader has to want to know; `None` where it is not worth saying.
pub fn in_words(notice: &Notice) -> Option<(Level, String)> {
    let text = match notice {
        Notice::Reading { path, bytes, seconds } => {
            if *seconds < WORTH_SAYING {
                return None;
            }
            let size = match bytes {
                b if *b < 1e9 => format!("{:.0} MB", b / 1e6),
                b => format!("{:.1} GB", b / 1e9),
            };
            format!("reading {}, {size}: this takes about {}", path.display(), duration(*seconds))
        }
        Notice::Data(note) => format!("note: {note}"),
        Notice::Recipe(note) => note.clone(),
        Notice::Features { choices, rows } => features(choices, *rows),
        Notice::Merged { rows, distinct } => format!(
            "{}, {}: rows that repeat are computed once",
            count(*rows, "row"),
            count(*distinct, "distinct row")
        ),
        Notice::WeightZero(rows) => {
            format!("note: {} of weight 0: labelled, but nothing is learned from them", count(*rows, "row"))
        }
        Notice::LeftOut { missing, rows } => {
            format!("left out for missing values: {} of {}", whole(*missing as u64), count(*rows, "row"))
        }
        Notice::FeaturesGone(names) => {
            format!("note: features of the model that this fit does not have: {}", names.join(", "))
        }
        Notice::DefaultSweep(ks) => format!("no --k: sweeping {}..{} first", ks[0], ks[ks.len() - 1]),
        Notice::SweepCutShort(ks) => {
            let (first, last) = (ks[0], ks[ks.len() - 1]);
            format!("no --k: sweeping {first}..{last}, as the table has {}", count(last, "distinct row"))
        }
        Notice::Device(device, reason) => {
            let text = format!("on {}: {} ({reason})", device.backend, device.name);
            return Some((Level::Detail, text));
        }
        Notice::Plan(plan) => announcement(plan)?,
        Notice::F64Fallbacks(passes) => {
            let shown: Vec<String> = passes.iter().map(u64::to_string).collect();
            let text = format!("pairs decided in f64, pass by pass: {}", shown.join(" "));
            return Some((Level::Detail, text));
        }
        Notice::SampleMisses { k, unseen } => {
            format!("note: k = {k}: the sample has no row of {}", count(*unseen, "segment"))
        }
        Notice::NoSuchSegment { segment, name, k } => {
            format!("note: the recipe names segment {segment} {name:?}, but the segments are 0 to {}", k - 1)
        }
    };
    Some((Level::Normal, text))
}

/// What is going to be done and about how long it takes, where that is long.
fn announcement(plan: &Plan) -> Option<String> {
    let seconds = plan.work.seconds(&plan.device);
    if seconds < WORTH_SAYING {
        return None;
    }
    let rows = count(plan.rows, if plan.distinct { "distinct row" } else { "row" });
    let steps: Vec<String> = plan.steps.iter().map(step).collect();
    let place = match plan.device.backend {
        "cpu" => count(rayon::current_num_threads(), "thread"),
        _ => "the GPU".into(),
    };
    Some(format!(
        "{rows} x {}: {}; this takes about {} on {place}",
        count(plan.features, "feature"),
        steps.join(", "),
        duration(seconds)
    ))
}

/// `k = 5 with 10 starts`, `k = 2..10 with 10 starts each`.
fn step(step: &Planned) -> String {
    let (ks, n_init) = match step {
        Planned::Hopkins(probes) => {
            return format!("Hopkins' statistic with {} of each kind", count(*probes, "probe"));
        }
        Planned::Silhouettes => return "silhouettes".into(),
        Planned::Fit(ks, n_init) => (ks, n_init),
    };
    let starts = count(*n_init, "start");
    match &ks[..] {
        [k] => format!("k = {k} with {starts}"),
        [first, .., last] if last - first + 1 == ks.len() => {
            format!("k = {first}..{last} with {starts} each")
        }
        _ => format!("{} values of k with {starts} each", ks.len()),
    }
}

/// What was taken and what was left, in a few lines.
fn features(choices: &[ColumnChoice], rows: usize) -> String {
    // Said once for all of them, not behind each name.
    const NOT_ASKED: &str = "not asked for";
    let reasoned = |c: &ColumnChoice| format!("{} ({})", plain(&c.column), plain(&c.reason));
    let taken: Vec<String> = choices.iter().filter(|c| c.features > 0).map(reasoned).collect();
    let others = || choices.iter().filter(|c| c.features == 0);
    let left: Vec<String> = others().filter(|c| c.reason != NOT_ASKED).map(reasoned).collect();
    let unasked = others().filter(|c| c.reason == NOT_ASKED).map(|c| plain(&c.column));
    let unasked: Vec<String> = unasked.collect();
    let features: usize = choices.iter().map(|c| c.features).sum();
    let mut note = format!(
        "{}, {} from {}",
        count(rows, "row"),
        count(features, "feature"),
        count(taken.len(), "column")
    );
    let mut list = |what: &str, all: &[String]| {
        const SHOWN: usize = 30;
        if !all.is_empty() {
            let more = all.len().saturating_sub(SHOWN);
            let tail = if more > 0 { format!(", and {more} more (see inspect)") } else { String::new() };
            note.push_str(&format!("\n  {what}: {}{tail}", all[..all.len().min(SHOWN)].join(", ")));
        }
    };
    list("taken", &taken);
    list("left", &left);
    list(NOT_ASKED, &unasked);
    note
}
