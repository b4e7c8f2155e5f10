//! How sure the number of segments is.

use crate::analysis::{Outcome, SweepLine};
use crate::report::chart::{Lines, Mark, Paint, Series, Unit};
use crate::report::page::content::{Block, Figure};
use crate::report::page::sections::parts::{axis, capital, datum, table};
use std::collections::BTreeMap;

/// Which value of a score is the best.
#[derive(Clone, Copy, PartialEq)]
enum Best {
    Highest,
    Lowest,
    /// It always rises or falls, or has no best value.
    Neither,
}

/// A score by the number of segments.
struct Curve {
    id: &'static str,
    title: &'static str,
    unit: Unit,
    note: &'static str,
    best: Best,
    of: fn(&SweepLine) -> Option<f64>,
}

const CURVES: [Curve; 9] = [
    Curve {
        id: "silhouette",
        title: "Silhouette: how well segments are apart",
        unit: Unit::Score,
        note: "Higher is better. Where there is a second curve, it is that of made-up tables without groups: only what lies \
               above it speaks for segments.",
        best: Best::Highest,
        of: |line| line.silhouette,
    },
    Curve {
        id: "inertia",
        title: "Inertia: how far rows are from the middle of their segment",
        unit: Unit::Number,
        note: "It always falls; the elbow is where more segments begin to help less.",
        best: Best::Neither,
        of: |line| Some(line.inertia),
    },
    Curve {
        id: "smallest",
        title: "Share of the smallest segment",
        unit: Unit::Share,
        note: "A very small segment is hard to act on, and often a handful of odd rows.",
        best: Best::Neither,
        of: |line| Some(line.min_segment_pct / 100.0),
    },
    Curve {
        id: "gap",
        title: "Gap: how much better than rows without groups",
        unit: Unit::Score,
        note: "Higher is better; differences within a bar (one standard error) are chance.",
        best: Best::Highest,
        of: |line| line.gap,
    },
    Curve {
        id: "stability",
        title: "Stability of the weakest segment",
        unit: Unit::Score,
        note: "Higher is better; from 0.75 on the weakest segment reappears when the rows are drawn again.",
        best: Best::Highest,
        of: |line| line.stability,
    },
    Curve {
        id: "calinski-harabasz",
        title: "Calinski-Harabasz: spread between against within segments",
        unit: Unit::Number,
        note: "Higher is better.",
        best: Best::Highest,
        of: |line| line.calinski_harabasz,
    },
    Curve {
        id: "davies-bouldin",
        title: "Davies-Bouldin: how alike the most similar segments are",
        unit: Unit::Score,
        note: "Lower is better.",
        best: Best::Lowest,
        of: |line| line.davies_bouldin,
    },
    Curve {
        id: "bic",
        title: "BIC: fit of the mixture, less a price for its size",
        unit: Unit::Number,
        note: "Lower is better.",
        best: Best::Lowest,
        of: |line| line.bic,
    },
    Curve {
        id: "aic",
        title: "AIC: the same with a lower price",
        unit: Unit::Number,
        note: "Lower is better; it tends to choose more segments than BIC.",
        best: Best::Lowest,
        of: |line| line.aic,
    },
];

/// The choice of k in words, a chart for each score that the sweep has, and the table.
pub(super) fn blocks(outcome: &Outcome) -> Vec<Block> {
    let sweep = outcome.sweep.as_deref().unwrap_or_default();
    let mut blocks = Vec::new();
    if let Some(chosen) = &outcome.chosen {
        blocks.push(Block::Text(format!("{} segments were chosen. {}", chosen.k, sentence(&chosen.why))));
        if let Some(second) = &chosen.runner_up {
            blocks.push(Block::Text(format!(
                "The next best number is {}: {}",
                second.k,
                full_stop(&second.why)
            )));
        }
    }
    if let Some(passed) = &outcome.passed_over {
        blocks.push(Block::Note(format!(
            "{} segments have a higher silhouette ({:.3} against {:.3}), but so few were not allowed.",
            passed.better.0, passed.better.1, passed.chosen.1
        )));
    }
    let chosen = outcome.chosen.as_ref().map(|chosen| chosen.k);
    if sweep.len() > 1 {
        let drawn: Vec<Figure> = CURVES.iter().filter_map(|curve| figure(curve, sweep, chosen)).collect();
        blocks.push(Block::Charts(drawn));
        blocks.push(Block::Note("The marked number is the chosen one.".into()));
        blocks.extend(best_by_each(sweep).map(|text| Block::Text(format!("{text} {AGREE}"))));
    }
    if !sweep.is_empty() {
        blocks.push(lines(sweep));
    }
    if !blocks.is_empty() {
        blocks.insert(0, Block::Heading("How sure is the number of segments?".into()));
    }
    blocks
}

/// What it means where scores differ.
const AGREE: &str = "Where most of them agree, the number is a property of the table; where they do not, several numbers are \
                     defensible, and what can be done with the segments should decide.";

/// Which number of segments each score would choose.
fn best_by_each(sweep: &[SweepLine]) -> Option<String> {
    let mut by_k: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let name = |curve: &Curve| curve.title.split(':').next().unwrap_or_default();
    for curve in CURVES.iter().filter(|curve| curve.best != Best::Neither) {
        let values =
            sweep.iter().filter_map(|line| Some((line.k, (curve.of)(line).filter(|v| v.is_finite())?)));
        let values: Vec<(usize, f64)> = values.collect();
        let better = |a: f64, b: f64| if curve.best == Best::Highest { a > b } else { a < b };
        let best = values.iter().copied().reduce(|best, own| if better(own.1, best.1) { own } else { best });
        if let Some((k, _)) = best.filter(|_| values.len() > 1) {
            by_k.entry(k).or_default().push(name(curve));
        }
    }
    if let Some(elbow) = sweep.iter().find(|line| line.elbow) {
        by_k.entry(elbow.k).or_default().push("the elbow of the inertia");
    }
    let one = |(k, names): (usize, Vec<&str>)| {
        let joined = match &names[..] {
            [one] => (*one).to_string(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
            [] => String::new(),
        };
        format!("{k}: {joined}")
    };
    let all: Vec<String> = by_k.into_iter().map(one).collect();
    (!all.is_empty()).then(|| format!("The best number by each score: {}.", all.join("; ")))
}

fn full_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.into() } else { format!("{text}.") }
}

fn sentence(text: &str) -> String {
    full_stop(&capital(text))
}

/// The chart of a score, if it is known for two numbers at least.
fn figure(curve: &Curve, sweep: &[SweepLine], chosen: Option<usize>) -> Option<Figure> {
    let points = |of: &dyn Fn(&SweepLine) -> Option<f64>| -> Vec<(f64, Option<f64>)> {
        sweep.iter().map(|line| (line.k as f64, of(line).filter(|value| value.is_finite()))).collect()
    };
    let own = points(&curve.of);
    if own.iter().filter(|(_, value)| value.is_some()).count() < 2 {
        return None;
    }
    let errors = match curve.id {
        "gap" => sweep.iter().map(|line| line.gap_se).collect(),
        _ => Vec::new(),
    };
    let series = |label: &str, paint, points, errors| Series {
        label: label.into(),
        paint,
        points,
        errors,
        smooth: false,
    };
    let mut all = vec![series("this table", Paint::Plain, own, errors)];
    if curve.id == "silhouette" && sweep.iter().any(|line| line.twin_silhouette.is_some()) {
        let twins = points(&|line: &SweepLine| line.twin_silhouette);
        all.push(series("tables without groups", Paint::Whole, twins, Vec::new()));
    }
    let elbow = sweep.iter().find(|line| line.elbow && curve.id == "inertia").map(|line| line.k);
    let mut marks = Vec::new();
    if let Some(k) = chosen {
        let label = if elbow == Some(k) { "chosen, elbow" } else { "chosen" };
        marks.push(Mark { x: k as f64, label: label.into(), chosen: true });
    }
    if let Some(k) = elbow.filter(|&k| chosen != Some(k)) {
        marks.push(Mark { x: k as f64, label: "elbow".into(), chosen: false });
    }
    let lines = Lines {
        x: axis("number of segments", Unit::Count),
        y: axis(curve.title.split(':').next().unwrap_or_default(), curve.unit.clone()),
        series: all,
        marks,
    };
    let desc = "A curve by the number of segments.";
    Some(Figure::new(format!("sweep-{}", curve.id), curve.title, desc, &lines).with_note(curve.note))
}

fn lines(sweep: &[SweepLine]) -> Block {
    let used: Vec<&Curve> =
        CURVES.iter().filter(|curve| sweep.iter().any(|line| (curve.of)(line).is_some())).collect();
    let name = |curve: &&Curve| (curve.title.split(':').next().unwrap_or_default(), true);
    let columns: Vec<(&str, bool)> =
        std::iter::once(("segments", true)).chain(used.iter().map(name)).collect();
    let row = |line: &SweepLine| {
        let k = datum(Some(line.k as f64), &Unit::Count);
        std::iter::once(k).chain(used.iter().map(|curve| datum((curve.of)(line), &curve.unit))).collect()
    };
    let rows = sweep.iter().map(row).collect();
    let table = table("sweep", "All scores by the number of segments", &columns, rows);
    Block::Details("All scores as a table".into(), vec![table])
}
