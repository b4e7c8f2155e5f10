//! How sure the result is.

mod agreement;
mod choice;
mod stability;

use super::parts::capital;
use crate::analysis::{Outcome, TendencyFound};
use crate::report::figures::{score, whole};
use crate::report::page::content::{Block, Fact, Section};
use crate::report::page::facts::Facts;

/// The title of the section.
pub(super) const SURE: &str = "How sure is this?";

/// The section, if the run has anything that speaks for or against the result.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let outcome = facts.outcome;
    let mut blocks = Vec::new();
    if let Some(found) = &outcome.structure {
        blocks.push(Block::Text(capital(&found.why)));
        if found.borderline {
            let text =
                "This verdict is close to a limit: another sample of the rows may be judged differently.";
            blocks.push(Block::Warning(text.into()));
        }
    }
    let figures = figures(outcome);
    if !figures.is_empty() {
        blocks.push(Block::Facts(figures));
    }
    blocks.extend(choice::blocks(outcome));
    blocks.extend(stability::blocks(facts));
    blocks.extend(agreement::blocks(facts));
    blocks.extend(gates(outcome));
    if blocks.is_empty() {
        return None;
    }
    let lead = outcome.structure.as_ref().map(|found| capital(&found.meaning));
    Some(Section { id: "trust".into(), title: SURE.into(), lead, paint: None, blocks })
}

fn fact(name: &str, value: String, note: impl Into<String>) -> Fact {
    Fact { name: name.into(), value, note: Some(note.into()) }
}

fn figures(outcome: &Outcome) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(found) = outcome.silhouette {
        let sample = outcome.silhouette_sample.map_or_else(String::new, |rows| {
            format!(" It was computed on a sample of {} rows.", whole(rows as u64))
        });
        let note = format!(
            "How much nearer rows are to their own segment than to the next one: 1 is perfectly apart, 0 means that segments \
             touch.{sample}"
        );
        facts.push(fact("Silhouette", score(found), note));
    }
    if let Some(found) = outcome.silhouette_jaccard {
        let note = "The same among the answers themselves, in Jaccard's distance. A layout pulls groups apart, so this is the figure \
                    that tells how far the segments overlap.";
        facts.push(fact("Silhouette among the answers", score(found), note));
    }
    if let Some(found) = &outcome.hopkins {
        facts.extend(hopkins(found));
    }
    if let Some(found) = outcome.restarts.filter(|found| found.n > 1) {
        let value = format!("{} of {}", found.reached_best, found.n);
        let note = if found.reached_best == 1 {
            "Only one start reached the best solution, so another seed may find other segments."
        } else {
            "So many random starts reached the best solution; the more, the less it depends on luck."
        };
        facts.push(fact("Starts that agree", value, note));
    }
    if outcome.converged == Some(false) {
        let note = "The fit was stopped before it came to rest; allow it more passes.";
        facts.push(fact("Converged", "no".into(), note));
    }
    facts
}

fn hopkins(found: &TendencyFound) -> [Fact; 2] {
    let p = match found.p_value {
        p if p < 0.001 => "below 0.001".into(),
        p => score(p),
    };
    let verdict = if found.p_value < 0.05 {
        "rows without any structure would rarely reach this"
    } else {
        "rows without any structure reach this easily"
    };
    [
        fact(
            "Hopkins' statistic",
            score(found.exponent_d),
            format!(
                "Whether rows gather at all: 0.5 is what evenly strewn rows have, and values near 1 mean that they gather. \
                 The probability of chance is {p}: {verdict}."
            ),
        ),
        fact(
            "The same as notebooks compute it",
            score(found.exponent_1),
            "With plain distances (exponent 1) instead of their power by the number of columns; compare it only with values of this kind.",
        ),
    ]
}

fn gates(outcome: &Outcome) -> Vec<Block> {
    if outcome.gates.is_empty() {
        return Vec::new();
    }
    let line = |gate: &crate::analysis::GateFound| {
        let word = if gate.met { "Met" } else { "Not met" };
        format!("{word}: {}.", gate.found)
    };
    let missed = outcome.gates.iter().filter(|gate| !gate.met).count();
    let mut blocks = vec![Block::Heading("Is it good enough for what was required?".into())];
    if missed > 0 {
        let text = format!("{missed} of {} conditions are not met.", outcome.gates.len());
        blocks.push(Block::Warning(text));
    }
    blocks.push(Block::List(outcome.gates.iter().map(line).collect()));
    blocks.push(Block::Note(
        "These are the conditions that were set for this result before it was computed.".into(),
    ));
    blocks
}
