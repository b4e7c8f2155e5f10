//! Answers to the questions of a survey, by segment.

use super::parts::{CELLS, chart, plain};
use crate::questions::{Answer, AnswerShares, Cell};
use crate::report::chart::{Heatmap, Key, Paint, Shading, Stacked, StackedRow, Unit};
use crate::report::figures::whole;
use crate::report::page::content::{Block, Figure, Section};
use crate::report::page::facts::Facts;
use crate::report::questions::sentence;

/// The most parts of a bar.
const PARTS: usize = 12;

/// The section, if the recipe asks for such answers.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let asked = facts.outcome.questions.iter().enumerate();
    let blocks: Vec<Block> = asked
        .filter_map(|(i, answer)| Some(question(facts, i + 1, answer, answer.answers.as_ref()?)))
        .flatten()
        .collect();
    if blocks.is_empty() {
        return None;
    }
    Some(Section {
        id: "answers".into(),
        title: "What the segments answered".into(),
        lead: Some("The answers to each question of the survey, segment by segment.".into()),
        paint: None,
        blocks,
    })
}

fn question(facts: &Facts<'_>, place: usize, answer: &Answer, found: &AnswerShares) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(answer.name.clone()), Block::Text(format!("{}.", sentence(answer)))];
    if answer.rows == Cell::Count(0) || found.lines.is_empty() || found.segments.is_empty() {
        return blocks;
    }
    let id = format!("answers-{place}");
    let title = "The answers of each segment";
    blocks.push(if found.lift || found.multiple || found.lines.len() > PARTS {
        cells(facts, found, &id, title)
    } else {
        let figure =
            Figure::new(id, title, "A bar for each segment, divided by answers.", &bars(facts, found));
        chart(
            figure,
            &format!(
                "Each bar adds up to 100 %; where the parts of two bars differ, so do the segments.{}",
                empty(found)
            ),
        )
    });
    if let Some(answer) = &found.sorted_by {
        let text = format!("Segments with the largest share of \u{201c}{answer}\u{201d} come first.");
        blocks.push(Block::Note(text));
    }
    blocks
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(value) => Some(*value).filter(|value| value.is_finite()),
        Cell::Count(n) => Some(*n as f64),
        Cell::Missing | Cell::Flag(_) | Cell::Text(_) => None,
    }
}

/// Whether the answers have an order of their own: the recipe gives one, or they are numbers. Otherwise the most frequent one
/// comes first.
fn ordered(found: &AnswerShares) -> bool {
    let numbers = found.lines.iter().all(|line| line.answer.parse::<f64>().is_ok());
    let overall: Vec<f64> = found.lines.iter().filter_map(|line| number(&line.overall)).collect();
    numbers || overall.windows(2).any(|pair| pair[0] < pair[1])
}

fn bars(facts: &Facts<'_>, found: &AnswerShares) -> Stacked {
    let row = |(i, one): (usize, &crate::questions::Answering)| {
        let key = facts.segment(one.segment);
        let share =
            |line: &crate::questions::AnswerLine| line.shares.get(i).and_then(number).unwrap_or(f64::NAN);
        StackedRow {
            label: key.label,
            paint: key.paint,
            count: number(&one.rows).map_or(0, |rows| rows.round().max(0.0) as u64),
            shares: found.lines.iter().map(share).collect(),
        }
    };
    let all = StackedRow {
        label: "all".into(),
        paint: Paint::Whole,
        count: number(&found.rows).map_or(0, |rows| rows.round().max(0.0) as u64),
        shares: found.lines.iter().map(|line| number(&line.overall).unwrap_or(0.0)).collect(),
    };
    Stacked {
        what: "segment".into(),
        parts: found.lines.iter().map(|line| line.label.clone()).collect(),
        paints: Vec::new(),
        ordered: ordered(found),
        rows: std::iter::once(all).chain(found.segments.iter().enumerate().map(row)).collect(),
    }
}

/// A heat map of the shares or of the lifts, with a line for each answer and a column for each segment.
fn cells(facts: &Facts<'_>, found: &AnswerShares, id: &str, title: &str) -> Block {
    let lines = || found.lines.iter().take(CELLS);
    let shown = found.segments.len().min(CELLS);
    let mut columns: Vec<Key> =
        found.segments[..shown].iter().map(|one| facts.segment(one.segment)).collect();
    let mut values: Vec<Vec<Option<f64>>> = lines()
        .map(|line| {
            let cells = if found.lift { &line.lifts } else { &line.shares };
            (0..shown).map(|i| cells.get(i).and_then(number)).collect()
        })
        .collect();
    let largest = values.iter().flatten().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    let largest = if largest > 0.0 { largest } else { 1.0 };
    if !found.lift {
        columns.insert(0, Key { paint: Paint::Whole, ..plain("all") });
        for (line, values) in lines().zip(&mut values) {
            values.insert(0, number(&line.overall));
        }
    }
    let heatmap = Heatmap {
        rows_are: "answer".into(),
        columns_are: "segment".into(),
        rows: lines().map(|line| plain(line.label.as_str())).collect(),
        columns,
        values,
        unit: if found.lift { Unit::Points } else { Unit::Share },
        shading: if found.lift { Shading::Diverging(largest) } else { Shading::Sequential(largest) },
    };
    let note = match (found.lift, found.multiple) {
        (true, _) => {
            "How many percentage points more or less often the segment gives the answer than everybody does (lift)."
        }
        (false, true) => {
            "The share of the segment's rows that give the answer; as several can be given, a column may exceed 100 %."
        }
        (false, false) => {
            "The share of the segment's rows that give the answer; each column adds up to 100 %."
        }
    };
    let left = match found.lines.len().saturating_sub(CELLS) {
        0 => String::new(),
        n => format!(" {} further answers are in metrics.json only.", whole(n as u64)),
    };
    let figure = Figure::new(id, title, "A line for each answer and a column for each segment.", &heatmap);
    chart(figure, &format!("{note}{left}{}", empty(found)))
}

/// What it means that a cell has no figure.
fn empty(found: &AnswerShares) -> &'static str {
    let missing = found.lines.iter().any(|line| line.shares.contains(&Cell::Missing));
    if missing { " A dash stands for so few rows that their number is not shown." } else { "" }
}
