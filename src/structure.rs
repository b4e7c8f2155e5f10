//! Is it structure, or noise?
//!
//! KMeans always returns k segments, and a silhouette alone does not tell structure from noise: 3,000 rows of noise have one
//! of 0.25. So the segments are compared with those of reference tables. A *twin* has the same distributions of its columns
//! and the same rank correlation, but no gaps; in a *permuted* table the columns are unrelated. Segments of a random half of
//! the rows are then looked at on the other half. [`structure`] puts these into a [`Verdict`].

mod chain;
mod dip;
mod halves;
mod judge;
mod margin;
mod root;
mod sample;
mod tail;
mod twins;
mod verdict;

use crate::backend::Backend;
use crate::backend::cpu::Cpu;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use judge::Judge;
use std::ops::Range;
use twins::Columns;
pub use verdict::Verdict;

/// At most so many rows are looked at, by default.
pub const ROWS: usize = 2000;

/// Tables of fewer rows are not judged.
pub const FEWEST_ROWS: usize = 20;

/// Tables of more features are not judged, because a twin takes time and memory in proportion to their square.
pub const MOST_FEATURES: usize = 500;

/// One-hot features that carry more than this share of the separation restate their categories.
const RESTATES: f64 = 0.8;

/// Features that are the categories of one column: in each row one of them is set, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneHotBlock {
    /// The column's name.
    pub name: String,
    /// Its features.
    pub features: Range<usize>,
}

/// How a verdict is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The k that are tried. A user who fixed k gives that one alone. Those below 2 are left out.
    pub ks: Vec<usize>,
    /// The seed of all draws.
    pub seed: u64,
    /// At most so many rows are looked at, drawn at random.
    pub rows: usize,
}

impl Structure {
    /// What the verdict means, and that the segments restate the categories of a column where they do.
    pub fn meaning(&self) -> String {
        let Some(figures) = &self.figures else {
            return "This table cannot be judged.".into();
        };
        let meaning = verdict::meaning(figures, self.verdict);
        if self.restates.is_empty() {
            return meaning.into();
        }
        let names = self.restates.join(", ");
        format!(
            "{meaning} The segments mainly restate the categories of {names}; filtering by them gives the same groups."
        )
    }
}

impl Default for Options {
    fn default() -> Self {
        Options { ks: (2..=5).collect(), seed: 0, rows: ROWS }
    }
}

/// One k in comparison with the twins.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The number of segments.
    pub k: usize,
    /// The silhouette of the rows that were looked at.
    pub silhouette: f64,
    /// The mean silhouette of the twins.
    pub twin_silhouette: f64,
}

/// How far a figure is above those of reference tables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// The mean of theirs.
    pub mean: f64,
    /// The figure minus the mean of theirs.
    pub difference: f64,
    /// The same in their standard deviations.
    pub z: f64,
    /// The smallest of theirs.
    pub lowest: f64,
    /// The largest of theirs.
    pub highest: f64,
}

/// How long two large groups stay apart while rows are linked, nearest first: the logarithm of the ratio of the distance at
/// which they are linked and of that at which both were there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Persistence {
    /// That of the table.
    pub figure: f64,
    /// The largest of the twins.
    pub highest_of_twins: f64,
}

/// Whether a table has structure, and the figures that say so.
#[derive(Debug, Clone, PartialEq)]
pub struct Structure {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason with its figures, in sentences.
    pub why: String,
    /// The one-hot columns whose categories the segments mainly restate, the foremost first; empty if they do not.
    pub restates: Vec<String>,
    /// How many rows were looked at. Where the verdict was close to a limit of the rule, as many were drawn a second time, and
    /// the figures are the means of both.
    pub rows: usize,
    /// Whether the verdict is close to a limit of the rule, so that another sample may be judged differently.
    pub borderline: bool,
    /// The figures; none for a table that cannot be judged.
    pub figures: Option<Figures>,
}

/// What the verdict rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The k with the highest silhouette on the rows that were looked at. All else is about this k.
    pub k: usize,
    /// Its silhouette.
    pub silhouette: f64,
    /// The best silhouette of any k, against the best of each twin.
    pub silhouette_excess: Excess,
    /// The share of the variance that the segments explain.
    pub explained: f64,
    /// That share against the twins'.
    pub explained_excess: Excess,
    /// That share against the permuted tables'.
    pub dependence: Excess,
    /// The smallest segment's share of the rows.
    pub smallest: f64,
    /// Prediction strength, between 0 and 1: the mean over random halves. None unless the silhouette beats the twins'.
    pub prediction_strength: Option<f64>,
    /// The share of held-out rows in segments that are separated from the nearest one by a gap, minus the same of twins.
    /// None unless the silhouette beats the twins'.
    pub separated: Option<f64>,
    /// The share of the separation that the one-hot features carry together.
    pub one_hot: f64,
    /// How long groups of any shape stay apart. None unless it can make a difference.
    pub persistence: Option<Persistence>,
    /// The share of the variance that the farthest 1 % of the rows carry by features of more than two values, over all rows of
    /// the table.
    pub tail: f64,
    /// Each k against the twins.
    pub compared: Vec<Compared>,
}

/// Judges a table of scaled features.
///
/// The work is done on the CPU with the instruction set of `backend`, in parallel over the reference tables. The result is the
/// same for any number of threads.
///
/// A verdict that is close to a limit of the rule is reached from two samples of the rows.
///
/// # Errors
/// No k of 2 or more; a block that is not within the features; [`Error::Interrupted`].
pub fn structure(
    matrix: &Matrix,
    blocks: &[OneHotBlock],
    options: &Options,
    backend: &dyn Backend,
    progress: Progress<'_>,
) -> Result<Structure> {
    let mut ks: Vec<usize> = options.ks.iter().copied().filter(|&k| k >= 2).collect();
    ks.sort_unstable();
    ks.dedup();
    if ks.is_empty() {
        return Err(Error::Usage("a verdict on structure needs a k of at least 2".into()));
    }
    if blocks.iter().any(|b| b.features.end > matrix.features() || b.features.start > b.features.end) {
        return Err(Error::Usage("a one-hot block lies outside the features".into()));
    }
    if matrix.features() > MOST_FEATURES {
        return Ok(unjudged(0, format!("Tables of more than {MOST_FEATURES} features are not judged.")));
    }
    let passes =
        Passes { matrix, blocks, ks: &ks, options, cpu: Cpu::with(backend.instruction_set())?, progress };
    let (rows, first) = passes.pass(0, options.seed)?;
    let (mut figures, shares) = match first {
        Pass::Unjudged(why) => return Ok(unjudged(rows, why)),
        Pass::Judged(figures, shares) => (*figures, shares),
    };
    let mut borderline = verdict::is_borderline(&figures);
    if borderline {
        let seed = Draws::new(options.seed, Purpose::StructureSample).at(u64::MAX).bits();
        if let (_, Pass::Judged(second, _)) = passes.pass(1, seed)? {
            figures.average(&second);
            borderline = verdict::is_borderline(&figures);
        }
    }
    let verdict = verdict::verdict(&figures);
    Ok(Structure {
        verdict,
        why: verdict::why(&figures, verdict, borderline),
        restates: restated(blocks, &shares),
        rows,
        borderline,
        figures: Some(figures),
    })
}

/// What a pass over a sample of the rows finds.
enum Pass {
    /// Why the rows cannot be judged.
    Unjudged(String),
    /// The figures, and for each block its share of the separation.
    Judged(Box<Figures>, Vec<f64>),
}

/// What passes have in common.
struct Passes<'a> {
    matrix: &'a Matrix,
    blocks: &'a [OneHotBlock],
    ks: &'a [usize],
    options: &'a Options,
    cpu: Cpu,
    progress: Progress<'a>,
}

impl Passes<'_> {
    /// Draws rows and judges them. Returns how many there are, too.
    fn pass(&self, number: usize, seed: u64) -> Result<(usize, Pass)> {
        let rows = sample::sample(self.matrix, self.options.rows, seed);
        if rows.len() < FEWEST_ROWS {
            let why = format!("{} rows are too few to tell structure from noise.", rows.len());
            return Ok((rows.len(), Pass::Unjudged(why)));
        }
        let value = |i: usize, j: usize| self.matrix.to_user(f64::from(self.matrix.value(i, j)));
        let columns: Columns =
            (0..self.matrix.features()).map(|j| rows.iter().map(|&i| value(i, j)).collect()).collect();
        let own = judge::table(&columns)?;
        let ks: Vec<usize> = self.ks.iter().copied().filter(|&k| own.distinct_rows(k).is_ok()).collect();
        if ks.is_empty() {
            let why = "The rows have too few different values to form segments.".into();
            return Ok((rows.len(), Pass::Unjudged(why)));
        }
        let (cpu, progress) = (self.cpu, self.progress);
        let judge = Judge { cpu, all: self.matrix, columns: &columns, own, ks, seed, number, progress };
        let (figures, shares) = judge.figures(self.blocks)?;
        Ok((rows.len(), Pass::Judged(Box::new(figures), shares)))
    }
}

/// The answer for a table that cannot be judged.
fn unjudged(rows: usize, why: String) -> Structure {
    Structure { verdict: Verdict::None, why, restates: Vec::new(), rows, borderline: false, figures: None }
}

/// The columns whose one-hot features carry most of the separation, or none.
fn restated(blocks: &[OneHotBlock], shares: &[f64]) -> Vec<String> {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(a.cmp(&b)));
    let mut sum = 0.0;
    let enough = order.iter().position(|&b| {
        sum += shares[b];
        sum > RESTATES
    });
    enough.map_or_else(Vec::new, |last| order[..=last].iter().map(|&b| blocks[b].name.clone()).collect())
}
