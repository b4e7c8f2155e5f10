//! Puts the notices of a running analysis into words.

use super::figures::{count, duration, plain, whole};
use super::sheet::{stderr_width, wrapped};
use crate::analysis::{Notice, Plan, Planned};
use crate::recipe::ColumnChoice;

/// How much detail a reader has to ask for to see a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Shown unless the user asks for quiet.
    Normal,
    /// Shown if the user asks for details.
    Detail,
}

/// Work that takes fewer seconds than this is not announced.
const WORTH_SAYING: f64 = 10.0;

/// A notice in words, and its level; `None` if it is not worth mentioning.
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
            "{}, but only {}; equal rows are computed once",
            count(*rows, "row"),
            count(*distinct, "distinct row")
        ),
        Notice::WeightZero(rows) => {
            let verb = if *rows == 1 {
                "has weight 0; it gets a segment but does"
            } else {
                "have weight 0; they get a segment but do"
            };
            format!("note: {} {verb} not influence the result", count(*rows, "row"))
        }
        Notice::LeftOut { missing, rows } => {
            format!(
                "left out because of missing values: {} of {}",
                whole(*missing as u64),
                count(*rows, "row")
            )
        }
        Notice::FeaturesGone(names) => {
            format!("note: the model has features that this fit does not use: {}", names.join(", "))
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
        Notice::DeviceMemory(note) => format!("note: {note}"),
        Notice::DeviceFailed { why, .. } => format!(
            "note: the GPU failed and the CPU takes over, with the same result: {}",
            why.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
        Notice::Plan(plan) => announcement(plan)?,
        Notice::F64Fallbacks(passes) => {
            let shown: Vec<String> = passes.iter().map(u64::to_string).collect();
            let text = format!("rows that needed 64-bit arithmetic, pass by pass: {}", shown.join(" "));
            return Some((Level::Detail, text));
        }
        Notice::SampleMisses { k, unseen } => {
            format!("note: k = {k}: the silhouette's sample contains no row of {}", count(*unseen, "segment"))
        }
        Notice::OtherSegments { before, k } => format!(
            "note: the model that the fit starts from has {}, and after merges and splits there are {k}; so they are \
             numbered by size, and their names are not kept",
            count(*before, "segment")
        ),
        Notice::NoSuchSegment { segment, name, k } => {
            let called = match name {
                Some(name) => format!("names segment {segment} {name:?}"),
                None => format!("has a persona for segment {segment}"),
            };
            format!("note: the recipe {called}, but the segments are numbered 0 to {}", k - 1)
        }
    };
    Some((Level::Normal, text))
}

/// What is about to be done and roughly how long it takes, if that is long.
fn announcement(plan: &Plan) -> Option<String> {
    let seconds = plan.seconds;
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

/// `k = 5 with 10 restarts`, `k = 2..10 with 10 restarts each`.
fn step(step: &Planned) -> String {
    let (method, ks, n_init, auto) = match step {
        Planned::Hopkins(probes) => {
            return format!("Hopkins' statistic with {} of each kind", count(*probes, "probe"));
        }
        Planned::Silhouettes => return "silhouettes".into(),
        Planned::Gap(tables) => return format!("the gap statistic ({tables} reference tables)"),
        Planned::Stability(samples) => return format!("stability ({samples} bootstrap samples)"),
        Planned::Bootstrap(samples) => return format!("{samples} bootstrap samples"),
        Planned::Cohorts(column) => return format!("a fit for each {}", plain(column)),
        Planned::Fit { method, ks, n_init, auto } => (method, ks, n_init, auto),
    };
    let more = if *auto { " or more" } else { "" };
    let restarts = |each: &str| match n_init {
        1 if *method != "KMeans" => String::new(),
        _ => format!(" with {}{more}{each}", count(*n_init, "restart")),
    };
    let of = if *method == "KMeans" { String::new() } else { format!("{method}, ") };
    match &ks[..] {
        [] => format!("{method}{}", restarts("")),
        [k] => format!("{of}k = {k}{}", restarts("")),
        [first, .., last] if last - first + 1 == ks.len() => {
            format!("{of}k = {first}..{last}{}", restarts(" each"))
        }
        _ => format!("{of}{} values of k{}", ks.len(), restarts(" each")),
    }
}

/// Long lists are broken into lines of this width, so that they can be read in a log.
const LOG_WIDTH: usize = 110;

/// Which columns became features and which did not, with the reasons: a paragraph for each of the two.
fn features(choices: &[ColumnChoice], rows: usize) -> String {
    // The one reason that is given once for all columns, not after each name.
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
            let tail = if more > 0 {
                format!(", and {more} more (segmenta inspect lists all)")
            } else {
                String::new()
            };
            let line = format!("  {what}: {}{tail}", all[..all.len().min(SHOWN)].join(", "));
            note.push('\n');
            note.push_str(&wrapped(&line, stderr_width().map_or(LOG_WIDTH, |width| width.min(LOG_WIDTH))));
        }
    };
    list("used", &taken);
    list("left out", &left);
    list(NOT_ASKED, &unasked);
    note
}
