//! The verdict and its sentences.

use super::Figures;
use serde::{Deserialize, Serialize};

/// Whether a table has structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Groups with sparse zones between them, and segments that reappear on held-out rows.
    Strong,
    /// More structure than the columns' distributions and correlations explain, with blurred borders.
    Weak,
    /// Columns that vary together, without gaps.
    Continuum,
    /// No more structure than unrelated columns would give.
    None,
    /// A few far rows that dominate all distances.
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
}

/// The limits of the rule. They were chosen on simulated tables and then tested on others.
#[derive(Debug, Clone, Copy)]
struct Gates {
    /// The columns depend on each other: explained variance against permuted tables.
    dependence_z: f64,
    dependence: f64,
    /// The silhouette is above the twins', also by this much and by this share of theirs.
    silhouette_z: f64,
    silhouette: f64,
    silhouette_share: f64,
    /// And so is the explained variance.
    explained_z: f64,
    /// The share of held-out rows behind a gap: some, and most of them.
    separated: f64,
    mostly: f64,
    prediction_strength: f64,
    /// The same where there are groups of any shape: segments that cut across groups vary more.
    cut_across: f64,
    /// How long groups of any shape stay apart, and how much longer than any twin's.
    persistence: f64,
    beyond_twins: f64,
    /// The share of rows below which a segment is one of outliers.
    smallest: f64,
    /// The share of the variance from which on 1 % of the rows are outliers.
    tail: f64,
}

const GATES: Gates = Gates {
    dependence_z: 4.0,
    dependence: 0.02,
    silhouette_z: 3.0,
    silhouette: 0.01,
    silhouette_share: 0.05,
    explained_z: 2.0,
    separated: 0.25,
    mostly: 0.5,
    prediction_strength: 0.8,
    cut_across: 0.5,
    persistence: 0.4,
    beyond_twins: 0.2,
    smallest: 0.01,
    tail: 0.25,
};

impl Gates {
    fn depends(&self, figures: &Figures) -> bool {
        let dependence = figures.dependence;
        dependence.z >= self.dependence_z && dependence.difference >= self.dependence
    }

    fn beats_twins(&self, figures: &Figures) -> bool {
        let (silhouette, explained) = (figures.silhouette_excess, figures.explained_excess);
        silhouette.z >= self.silhouette_z
            && silhouette.difference >= self.silhouette.max(self.silhouette_share * silhouette.mean)
            && explained.z >= self.explained_z
    }

    /// Whether a gap lies between the segments of at least this share of the rows.
    fn separated(&self, figures: &Figures, least: f64) -> bool {
        figures.separated.is_some_and(|share| share >= least)
    }

    /// Whether at least this share of the pairs of rows stays together on held-out rows.
    fn reappears(&self, figures: &Figures, least: f64) -> bool {
        figures.prediction_strength.is_some_and(|strength| strength >= least)
    }

    /// Whether most segments lie apart and reappear.
    fn apart(&self, figures: &Figures) -> bool {
        self.separated(figures, self.mostly) && self.reappears(figures, self.prediction_strength)
    }

    /// Whether there are groups of any shape with sparse zones between them.
    fn grouped(&self, figures: &Figures) -> bool {
        let groups = figures.persistence.is_some_and(|p| {
            p.figure >= self.persistence && p.figure >= p.highest_of_twins + self.beyond_twins
        });
        groups && self.reappears(figures, self.cut_across)
    }

    fn small(&self, figures: &Figures) -> bool {
        figures.smallest < self.smallest
            && (figures.silhouette_excess.z >= self.silhouette_z || self.depends(figures))
    }

    fn verdict(&self, figures: &Figures) -> Verdict {
        let (beats, depends) = (self.beats_twins(figures), self.depends(figures));
        let separated = self.separated(figures, self.separated);
        if self.small(figures) || figures.tail >= self.tail {
            Verdict::Outliers
        } else if beats && (self.apart(figures) || self.grouped(figures)) {
            Verdict::Strong
        } else if beats && (depends || separated) {
            Verdict::Weak
        } else if depends {
            Verdict::Continuum
        } else {
            Verdict::None
        }
    }
}

/// Whether the segments show more than the twins', or nearly so: what the halves show then matters.
pub(super) fn nearly_beats_twins(figures: &Figures) -> bool {
    let near =
        Gates { silhouette_z: GATES.silhouette_z - NEAR_Z, explained_z: GATES.explained_z - NEAR_Z, ..GATES };
    near.beats_twins(figures)
}

/// Whether groups of any shape matter: no gap lies between the segments, or they do not reappear well.
pub(super) fn groups_matter(figures: &Figures) -> bool {
    !GATES.apart(figures) && GATES.reappears(figures, GATES.cut_across)
}

/// The verdict on these figures.
pub(super) fn verdict(figures: &Figures) -> Verdict {
    GATES.verdict(figures)
}

/// A z this close to its limit may be on the other side of it on another sample.
const NEAR_Z: f64 = 1.0;

/// Whether the verdict would be another one if one of the limits were moved a little.
pub(super) fn is_borderline(figures: &Figures) -> bool {
    let own = GATES.verdict(figures);
    let moved = |change: &dyn Fn(&mut Gates)| {
        let mut gates = GATES;
        change(&mut gates);
        gates.verdict(figures) != own
    };
    [-1.0, 1.0].into_iter().any(|side| {
        moved(&|g| g.silhouette_z += side * NEAR_Z)
            || moved(&|g| g.explained_z += side * NEAR_Z)
            || moved(&|g| g.dependence_z += side * NEAR_Z)
            || moved(&|g| g.silhouette_share += side * 0.02)
            || moved(&|g| g.separated += side * 0.1)
            || moved(&|g| g.mostly += side * 0.1)
            || moved(&|g| g.tail += side * 0.02)
            || moved(&|g| g.prediction_strength += side * 0.05)
    })
}

/// What a verdict means for the user of the segments.
pub(super) fn meaning(figures: &Figures, verdict: Verdict) -> &'static str {
    // Where segments hardly ever fall apart on held-out rows, they are the groups.
    let grouped_only = !GATES.apart(figures) && figures.prediction_strength.is_none_or(|ps| ps < 0.9);
    let tail_only = figures.smallest >= GATES.smallest;
    match verdict {
        Verdict::Strong if grouped_only => {
            "The rows form groups that are separated by sparse zones, but not round ones, so segments may cut across them."
        }
        Verdict::Strong if !GATES.apart(figures) => {
            "The rows form groups that are separated by sparse zones, and the segments reappear on held-out rows; some segments touch."
        }
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
        Verdict::Outliers if tail_only => {
            "A few far rows dominate all distances. Log or cap the heavy-tailed columns and run again."
        }
        Verdict::Outliers => {
            "A segment holds under 1 % of the rows. Log or cap the heavy-tailed columns and run again."
        }
    }
}

/// The reason for a verdict, with its figures.
pub(super) fn why(figures: &Figures, verdict: Verdict, borderline: bool) -> String {
    let Figures { k, silhouette, silhouette_excess: twins, dependence, .. } = figures;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let range = |low: String, high: String| if low == high { low } else { format!("{low} to {high}") };
    let scores = format!(
        "The best silhouette is {silhouette:.2}, at k = {k}; tables with the same columns and correlations but no gaps \
         reach {}.",
        range(format!("{:.2}", twins.lowest), format!("{:.2}", twins.highest))
    );
    let varies = format!(
        "The segments explain {} of the variance; with unrelated columns it would be {}.",
        percent(figures.explained),
        range(percent(dependence.lowest), percent(dependence.highest))
    );
    let mut halves = String::new();
    if let (Some(separated), Some(strength)) = (figures.separated, figures.prediction_strength) {
        halves = match percent(separated.max(0.0)) {
            none if none == "0 %" => " On held-out rows no gap lies between the segments".into(),
            share => format!(" A gap lies between the segments of {share} of held-out rows"),
        };
        halves +=
            &format!(", and {} of the pairs of rows in a segment stay together there.", percent(strength));
    }
    if let (Verdict::Strong, true, Some(p)) = (verdict, GATES.grouped(figures), figures.persistence) {
        let ratio = libm::exp(p.figure);
        halves += &format!(" Groups of any shape are {ratio:.1} times as far apart as the rows within them.");
    }
    let mut why = match verdict {
        Verdict::Strong | Verdict::Weak => format!("{scores}{halves}"),
        Verdict::Continuum => format!("{varies} {scores}"),
        Verdict::None => format!("{scores} {varies}"),
        Verdict::Outliers => {
            let mut few = String::new();
            if figures.smallest < GATES.smallest {
                few = format!(
                    "The smallest segment at k = {k} holds {:.1} % of the rows. ",
                    100.0 * figures.smallest
                );
            }
            format!("{few}The farthest 1 % of the rows carry {} of the variance.", percent(figures.tail))
        }
    };
    if borderline {
        why += " The figures are close to a limit of the rule: another sample may be judged differently.";
    }
    why
}
