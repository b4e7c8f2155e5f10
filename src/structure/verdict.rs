//! The verdict and its sentences.

use super::Figures;
use serde::{Deserialize, Serialize};

/// Whether a table has structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Segments with sparse zones between them, which reappear on held-out rows.
    Strong,
    /// More structure than the columns' distributions and correlations explain, with blurred borders.
    Weak,
    /// Columns that vary together, without gaps.
    Continuum,
    /// No more structure than unrelated columns would give.
    None,
    /// A segment of a few far rows.
    Outliers,
}

impl Verdict {
    /// Every verdict with its name.
    pub const WORDS: &[(&str, Verdict)] = &[
        ("strong", Verdict::Strong),
        ("weak", Verdict::Weak),
        ("continuum", Verdict::Continuum),
        ("none", Verdict::None),
        ("outliers", Verdict::Outliers),
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, verdict)| *verdict == self).map_or("", |(word, _)| word)
    }

    /// What it means for the user of the segments.
    pub fn meaning(self) -> &'static str {
        match self {
            Verdict::Strong => "The segments are separated by sparse zones and reappear on held-out rows.",
            Verdict::Weak => {
                "There is more structure than correlations and column shapes explain, but borders are blurred; treat \
                 borderline rows with care."
            }
            Verdict::Continuum => {
                "Columns vary together without gaps. The segments are slices of a scale: useful for targeting, but the \
                 borders and k are your choice."
            }
            Verdict::None => {
                "No more structure than unrelated columns would give. Another sample may give other segments."
            }
            Verdict::Outliers => {
                "A segment holds under 1 % of the rows. Log or cap the heavy-tailed columns and run again."
            }
        }
    }
}

/// The limits of the rule. They were chosen on simulated tables and then tested on others.
mod gates {
    /// The columns depend on each other: explained variance against permuted tables.
    pub const DEPENDENCE_Z: f64 = 4.0;
    pub const DEPENDENCE: f64 = 0.02;
    /// The silhouette is above the twins'.
    pub const SILHOUETTE_Z: f64 = 3.0;
    pub const SILHOUETTE: f64 = 0.01;
    /// And so is the explained variance.
    pub const EXPLAINED_Z: f64 = 2.0;
    /// The share of held-out rows behind a gap.
    pub const SEPARATED: f64 = 0.25;
    pub const PREDICTION_STRENGTH: f64 = 0.8;
    /// The share of rows below which a segment is one of outliers.
    pub const SMALLEST: f64 = 0.01;
}

/// Whether the segments show more than the twins'.
pub(super) fn beats_twins(figures: &Figures) -> bool {
    let (silhouette, explained) = (figures.silhouette_excess, figures.explained_excess);
    silhouette.z >= gates::SILHOUETTE_Z
        && silhouette.difference >= gates::SILHOUETTE
        && explained.z >= gates::EXPLAINED_Z
}

/// The verdict on these figures.
pub(super) fn verdict(figures: &Figures) -> Verdict {
    let dependence = figures.dependence;
    let depends = dependence.z >= gates::DEPENDENCE_Z && dependence.difference >= gates::DEPENDENCE;
    let separated = figures.separated.is_some_and(|share| share >= gates::SEPARATED);
    let repeats = figures.prediction_strength.is_some_and(|ps| ps >= gates::PREDICTION_STRENGTH);
    let beats = beats_twins(figures);
    if figures.smallest < gates::SMALLEST && (figures.silhouette_excess.z >= gates::SILHOUETTE_Z || depends) {
        Verdict::Outliers
    } else if beats && separated && repeats {
        Verdict::Strong
    } else if beats && (depends || separated) {
        Verdict::Weak
    } else if depends {
        Verdict::Continuum
    } else {
        Verdict::None
    }
}

/// The reason for a verdict, with its figures.
pub(super) fn why(figures: &Figures, verdict: Verdict) -> String {
    let Figures { k, silhouette, silhouette_excess: twins, dependence, .. } = figures;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let scores = format!(
        "The best silhouette is {silhouette:.2}, at k = {k}; tables with the same columns and correlations but no gaps \
         reach {:.2} to {:.2}.",
        twins.lowest, twins.highest
    );
    let varies = format!(
        "The segments explain {} of the variance; with unrelated columns it would be {} to {}.",
        percent(figures.explained),
        percent(dependence.lowest),
        percent(dependence.highest)
    );
    let halves = match (figures.separated, figures.prediction_strength) {
        (Some(separated), Some(strength)) => format!(
            " On held-out rows, gaps set apart the segments of {} of the rows more than in such tables, and at least {} \
             of the pairs of rows in a segment stay together.",
            percent(separated.max(0.0)),
            percent(strength)
        ),
        _ => String::new(),
    };
    match verdict {
        Verdict::Strong | Verdict::Weak => format!("{scores}{halves}"),
        Verdict::Continuum => format!("{varies} {scores}"),
        Verdict::None => format!("{scores} {varies}"),
        Verdict::Outliers => {
            format!(
                "The smallest segment at k = {k} holds {:.1} % of the rows. {scores}",
                100.0 * figures.smallest
            )
        }
    }
}
