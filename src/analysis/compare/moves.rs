//! Who stayed, moved, came and left between two labellings whose rows are matched by their ids.

use super::{Correspondence, Same};
use crate::evidence::agreement::Contingency;
use crate::labels::{Joined, Labels};
use serde::{Deserialize, Serialize};

/// What became of the rows of `a`, and where those of `b` come from. The rows of `a` with a segment are those that stayed,
/// moved and left; the rows of `b` with a segment are those that stayed, moved and came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flows {
    /// When two segments are taken for the same one.
    pub counted_by: CountedBy,
    /// Rows in the same segment in both.
    pub stayed: Part,
    /// Rows in another segment in `b` than in `a`.
    pub moved: Moved,
    /// Rows with a segment in `b` that have none in `a`.
    pub came: Came,
    /// Rows with a segment in `a` that have none in `b`.
    pub left: Left,
}

/// When two segments are taken for the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CountedBy {
    /// They have the same label.
    Label,
    /// They correspond to each other.
    Overlap,
}

/// Some of the rows that have a segment in both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// How many.
    pub rows: u64,
    /// Their share of the rows that have a segment in both.
    pub share: f64,
}

/// The rows that moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// How many.
    pub rows: u64,
    /// Their share of the rows that have a segment in both.
    pub share: f64,
    /// From where to where, the most rows first.
    pub moves: Vec<LabelMove>,
}

/// Rows that moved from one segment to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelMove {
    /// The label in `a`.
    pub from: String,
    /// The label in `b`.
    pub to: String,
    /// How many.
    pub rows: u64,
    /// Their share of the rows that have a segment in both.
    pub share: f64,
}

/// The rows that came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Came {
    /// How many.
    pub rows: u64,
    /// Their share of the rows of `b` that have a segment.
    pub share: f64,
    /// How many of them are in `a` too, but without a segment.
    pub without_segment_before: u64,
}

/// The rows that left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// How many.
    pub rows: u64,
    /// Their share of the rows of `a` that have a segment.
    pub share: f64,
    /// How many of them are in `b` too, but without a segment.
    pub without_segment_now: u64,
}

fn share(rows: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { rows as f64 / of as f64 }
}

impl Flows {
    /// Counts them. `a_of` tells which label of `a` corresponds to each of `b`. `None` if that is needed and not known.
    pub(super) fn new(
        counted: &Contingency,
        a_of: Option<&[Option<u32>]>,
        (a, b): (&Labels, &Labels),
        joined: &Joined,
        same: Same,
    ) -> Option<Self> {
        let texts = |of: &Labels| of.labels.iter().map(|l| l.label.clone()).collect::<Vec<_>>();
        let (texts_a, texts_b) = (texts(a), texts(b));
        let by_label = match same {
            Same::Label => true,
            Same::Overlap => false,
            Same::Auto => texts_a == texts_b,
        };
        let a_of = if by_label { None } else { Some(a_of?) };
        let is_same = |label_a: u32, label_b: u32| match a_of {
            None => texts_a[label_a as usize] == texts_b[label_b as usize],
            Some(a_of) => a_of[label_b as usize] == Some(label_a),
        };
        let total = counted.total();
        let mut stayed = 0;
        let mut moves: Vec<(u64, u32, u32)> = Vec::new();
        for cell in counted.cells() {
            match is_same(cell.a, cell.b) {
                true => stayed += cell.count,
                false => moves.push((cell.count, cell.a, cell.b)),
            }
        }
        moves.sort_unstable_by_key(|&(rows, from, to)| (std::cmp::Reverse(rows), from, to));
        let moves = moves.into_iter().map(|(rows, from, to)| LabelMove {
            from: texts_a[from as usize].clone(),
            to: texts_b[to as usize].clone(),
            rows,
            share: share(rows, total),
        });
        let has = |of: &Labels, row: u32| of.rows[row as usize].is_some();
        let new = joined.only_b.iter().filter(|&&row| has(b, row)).count() as u64;
        let gone = joined.only_a.iter().filter(|&&row| has(a, row)).count() as u64;
        let (mut gained, mut lost) = (0, 0);
        for &(row_a, row_b) in &joined.pairs {
            match (has(a, row_a), has(b, row_b)) {
                (false, true) => gained += 1,
                (true, false) => lost += 1,
                _ => {}
            }
        }
        let (came, left) = (new + gained, gone + lost);
        Some(Flows {
            counted_by: if by_label { CountedBy::Label } else { CountedBy::Overlap },
            stayed: Part { rows: stayed, share: share(stayed, total) },
            moved: Moved {
                rows: total - stayed,
                share: share(total - stayed, total),
                moves: moves.collect(),
            },
            came: Came { rows: came, share: share(came, total + came), without_segment_before: gained },
            left: Left { rows: left, share: share(left, total + left), without_segment_now: lost },
        })
    }

    /// A sentence for labellings that use the same labels for other segments, so that counting by labels misleads.
    pub(super) fn renumbered(&self, correspondence: Option<&[Correspondence]>) -> Option<String> {
        let other: Vec<String> = (correspondence?.iter())
            .filter(|pair| pair.a != pair.b)
            .map(|pair| format!("{} of the first file corresponds to {} of the second", pair.a, pair.b))
            .collect();
        if self.counted_by == CountedBy::Overlap || other.is_empty() {
            return None;
        }
        let more = if other.len() > 2 { ", …" } else { "" };
        Some(format!(
            "the files seem to number their segments differently ({}{more}); --same overlap counts rows whose segment \
             corresponds as stayed",
            other[..other.len().min(2)].join(", ")
        ))
    }
}
