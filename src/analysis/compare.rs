//! Compares two labellings of the same rows: whether they agree, which segment corresponds to which, and who moved.

mod cross;
mod moves;

pub use cross::{Compared, Cross};
pub(super) use cross::{check, decode};
pub use moves::{Came, CountedBy, Flows, LabelMove, Left, Moved, Part};

use crate::error::{Error, Result};
use crate::evidence::agreement::{Agreement, Contingency};
use crate::labels::{By, Joined, Label, Labels, join};
use serde::{Deserialize, Serialize};

/// Two labellings compared. Serialised, it is what `segmenta compare --json` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// The first labelling, by default the earlier one.
    pub a: Side,
    /// The second labelling.
    pub b: Side,
    /// What rows were matched by.
    pub matched_by: MatchedBy,
    /// How many rows are in both files.
    pub rows_in_both: u64,
    /// How many of these have a segment in both. The scores and the table are about them.
    pub rows: u64,
    /// The scores.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// The number of rows of each pair of segments.
    pub table: CrossTable,
    /// Which segment of `a` corresponds to which of `b`, in the order of `b`. `None` if there are thousands on both sides.
    pub correspondence: Option<Vec<Correspondence>>,
    /// Who stayed, moved, came and left, if rows were matched by their ids.
    #[serde(flatten)]
    pub flows: Option<Flows>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// One of two labellings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Side {
    /// The file.
    pub file: String,
    /// The column of labels.
    pub column: String,
    /// How many rows the file has.
    pub rows: u64,
    /// How many of them have a segment.
    pub labelled: u64,
    /// How many segments there are.
    pub k: usize,
}

/// What rows were matched by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchedBy {
    /// The id columns of `a` and `b`.
    Id(String, String),
    /// The position of the row in its file.
    Position,
}

/// The rows of each pair of labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossTable {
    /// The labels of the lines.
    pub a: Vec<String>,
    /// The labels of the columns.
    pub b: Vec<String>,
    /// The names of the lines' labels, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a_names: Option<Vec<Option<String>>>,
    /// The names of the columns' labels, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b_names: Option<Vec<Option<String>>>,
    /// The number of rows, by line and column. `None` if there are more than 4 million pairs of labels.
    pub counts: Option<Vec<Vec<u64>>>,
    /// Each count as a share of its line's rows; all 0 in a line without rows.
    pub row_shares: Option<Vec<Vec<f64>>>,
    /// Each count as a share of its column's rows; all 0 in a column without rows.
    pub column_shares: Option<Vec<Vec<f64>>>,
}

/// Tables of more cells are not written out.
const MOST_CELLS: usize = 4_000_000;

impl CrossTable {
    /// The counts of a contingency with the labels of its sides.
    pub fn new(counted: &Contingency, a: &[Label], b: &[Label]) -> Self {
        let texts = |of: &[Label]| of.iter().map(|l| l.label.clone()).collect();
        let names = |of: &[Label]| {
            of.iter().any(|l| l.name.is_some()).then(|| of.iter().map(|l| l.name.clone()).collect())
        };
        let fits = a.len().saturating_mul(b.len()) <= MOST_CELLS;
        let counts = fits.then(|| counted.to_rows());
        let share = |n: u64, of: u64| if of == 0 { 0.0 } else { n as f64 / of as f64 };
        let shares = |of: &dyn Fn(usize, usize) -> u64| {
            let line = |(i, line): (usize, &Vec<u64>)| {
                line.iter().enumerate().map(|(j, &n)| share(n, of(i, j))).collect()
            };
            counts.as_ref().map(|counts| counts.iter().enumerate().map(line).collect())
        };
        CrossTable {
            a: texts(a),
            b: texts(b),
            a_names: names(a),
            b_names: names(b),
            row_shares: shares(&|i, _| counted.a_sums()[i]),
            column_shares: shares(&|_, j| counted.b_sums()[j]),
            counts,
        }
    }

    /// A label of a line with its name, such as `0 Beginners`.
    pub fn a_label(&self, i: usize) -> String {
        with_name(&self.a, self.a_names.as_deref(), i)
    }

    /// A label of a column with its name.
    pub fn b_label(&self, j: usize) -> String {
        with_name(&self.b, self.b_names.as_deref(), j)
    }
}

fn with_name(labels: &[String], names: Option<&[Option<String>]>, i: usize) -> String {
    let name = names.and_then(|names| names.get(i)?.as_deref());
    let label = labels.get(i).map_or("", String::as_str);
    name.filter(|name| *name != label).map_or_else(|| label.to_string(), |name| format!("{label} {name}"))
}

/// A segment of `a` and the one of `b` that corresponds to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correspondence {
    /// The label in `a`.
    pub a: String,
    /// The label in `b`.
    pub b: String,
    /// How many rows have both.
    pub rows: u64,
    /// Their share of the rows that have at least one of the two (Jaccard's index).
    pub jaccard: f64,
}

/// How segments of the two labellings are taken for the same one when stayed and moved rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Same {
    /// Segments of the same label, if both labellings have the same labels, and otherwise as with `Overlap`.
    #[default]
    Auto,
    /// Segments of the same label.
    Label,
    /// Segments that correspond to each other because they share the most rows.
    Overlap,
}

impl Same {
    /// The words for them.
    pub const WORDS: &[(&str, Same)] =
        &[("auto", Same::Auto), ("label", Same::Label), ("overlap", Same::Overlap)];
}

/// Compares two labellings of the same rows.
///
/// # Errors
/// As [`join`]; no row has a segment in both.
pub fn compare(a: &Labels, b: &Labels, same: Same) -> Result<Comparison> {
    let joined = join(a.by_id(), b.by_id())?;
    let pairs = &joined.pairs;
    let counted = Contingency::count((a.k(), b.k()), pairs.len(), |i| {
        let (row_a, row_b) = *pairs.get(i)?;
        Some((a.rows[row_a as usize]?, b.rows[row_b as usize]?))
    });
    if counted.total() == 0 {
        return Err(nothing_in_common(a, b, &joined));
    }
    let mut notes: Vec<String> = Vec::new();
    for side in [a, b] {
        notes.extend(side.notes.iter().map(|note| format!("{}: {note}", side.source)));
    }
    notes.extend(notes_on(a, b, &joined));
    let matched = counted.matched();
    let correspondence = matched.as_ref().map(|a_of| correspondence(&counted, a_of, a, b));
    if matched.is_none() {
        notes.push(
            "both files have more than 2,000 labels, so it is not told which corresponds to which".into(),
        );
    }
    let flows = (joined.by == By::Id)
        .then(|| Flows::new(&counted, matched.as_deref(), (a, b), &joined, same))
        .flatten();
    notes.extend(flows.iter().filter_map(|flows| flows.renumbered(correspondence.as_deref())));
    let single = |sums: &[u64]| sums.iter().filter(|&&n| n > 0).count() == 1;
    match (single(counted.a_sums()), single(counted.b_sums())) {
        (true, true) => notes.push(
            "all rows are in a single segment in both files, so the scores are 1 by definition and say nothing".into(),
        ),
        (false, false) => {}
        (in_a, _) => {
            let file = if in_a { &a.source } else { &b.source };
            notes.push(format!(
                "all rows are in a single segment in {file}, so there is nothing that the other could agree with"
            ));
        }
    }
    let table = CrossTable::new(&counted, &a.labels, &b.labels);
    if table.counts.is_none() {
        notes.push("there are more than 4 million pairs of labels, so their table is left out".into());
    }
    let matched_by = match (joined.by, &a.ids, &b.ids) {
        (By::Id, Some((id_a, _)), Some((id_b, _))) => MatchedBy::Id(id_a.clone(), id_b.clone()),
        _ => MatchedBy::Position,
    };
    Ok(Comparison {
        a: side(a),
        b: side(b),
        matched_by,
        rows_in_both: pairs.len() as u64,
        rows: counted.total(),
        agreement: Agreement::of(&counted),
        table,
        correspondence,
        flows,
        notes,
    })
}

fn side(labels: &Labels) -> Side {
    Side {
        file: labels.source.clone(),
        column: labels.column.clone(),
        rows: labels.rows.len() as u64,
        labelled: labels.labelled() as u64,
        k: labels.k(),
    }
}

/// Pairs of segments that share rows.
fn correspondence(
    counted: &Contingency,
    a_of: &[Option<u32>],
    a: &Labels,
    b: &Labels,
) -> Vec<Correspondence> {
    let pair = |(label_b, label_a): (u32, &Option<u32>)| {
        let label_a = (*label_a)?;
        let rows = counted.get(label_a, label_b);
        (rows > 0).then(|| Correspondence {
            a: a.labels[label_a as usize].label.clone(),
            b: b.labels[label_b as usize].label.clone(),
            rows,
            jaccard: counted.jaccard(label_a, label_b),
        })
    };
    (0..).zip(a_of).filter_map(pair).collect()
}

/// Why no row has a segment in both files.
fn nothing_in_common(a: &Labels, b: &Labels, joined: &Joined) -> Error {
    for side in [a, b] {
        if side.labelled() == 0 {
            let what = format!("no row has a segment: each cell of {:?} is missing or -1", side.column);
            return Error::data(what).in_file(&side.source);
        }
    }
    if let (true, Some((id_a, ids_a)), Some((id_b, ids_b))) = (joined.pairs.is_empty(), &a.ids, &b.ids) {
        let first = |ids: &[String]| ids.iter().find(|id| !id.trim().is_empty()).cloned().unwrap_or_default();
        let what = format!(
            "none of the ids in column {id_b} (such as {:?}) is in {}, column {id_a} (such as {:?}); name other id columns \
             with --id-a and --id-b, or match rows by their position with --by-position",
            first(ids_b),
            a.source,
            first(ids_a),
        );
        return Error::data(what).in_file(&b.source);
    }
    let what = format!("no row has a segment both here and in {}, so there is nothing to compare", a.source);
    Error::data(what).in_file(&b.source)
}

/// What a person should know about how rows were matched.
fn notes_on(a: &Labels, b: &Labels, joined: &Joined) -> Vec<String> {
    let mut notes = Vec::new();
    if joined.by == By::Position {
        match (&a.ids, &b.ids) {
            (Some(_), None) => notes.push(by_position(&b.source)),
            (None, Some(_)) => notes.push(by_position(&a.source)),
            _ => {}
        }
    }
    for (side, without) in [(a, joined.without_id.0), (b, joined.without_id.1)] {
        if without > 0 {
            let rows = if without == 1 { "1 row has".into() } else { format!("{without} rows have") };
            notes.push(format!("{}: {rows} no id and {} left out", side.source, is_or_are(without)));
        }
    }
    notes
}

fn is_or_are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

fn by_position(source: &str) -> String {
    format!("{source} has no id column, so rows are matched by their position")
}
