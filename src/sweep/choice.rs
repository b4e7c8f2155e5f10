//! The choice of one k of a sweep, and why, in words.

use super::gap::Gap;
use super::{SAME_SCORE, SweepRow};
use crate::error::{Error, Result};
use crate::evidence::elbow::{difference, elbow};
use serde::{Deserialize, Serialize};

/// The rule by which k is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The highest silhouette; among scores within 2e-5 of it, the smallest k.
    Silhouette,
    /// The elbow of the inertia ([`elbow`]).
    Elbow,
    /// The smallest k whose gap is within one standard error of the first local maximum (`firstSEmax`).
    Gap,
    /// The largest k whose weakest segment reappears with a Jaccard index of at least 0.75; if there is none, the k whose
    /// weakest segment has the highest index.
    Stability,
    /// The lowest value of Schwarz' criterion, for Gaussian mixtures.
    Bic,
    /// The lowest value of Akaike's criterion, for Gaussian mixtures.
    Aic,
    /// What most of silhouette, elbow, gap, Calinski-Harabasz, Davies-Bouldin and stability choose.
    Consensus,
}

/// A Jaccard index from which a segment counts as stable (Hennig, 2007).
const STABLE: f64 = 0.75;

impl Rule {
    /// The name of each rule.
    pub const WORDS: &[(&str, Rule)] = &[
        ("silhouette", Rule::Silhouette),
        ("elbow", Rule::Elbow),
        ("gap", Rule::Gap),
        ("stability", Rule::Stability),
        ("bic", Rule::Bic),
        ("aic", Rule::Aic),
        ("consensus", Rule::Consensus),
    ];

    /// Whether the rule looks at the gap statistic.
    pub fn needs_gap(self) -> bool {
        matches!(self, Rule::Gap | Rule::Consensus)
    }

    /// Whether the rule looks at the stability of segments.
    pub fn needs_stability(self) -> bool {
        matches!(self, Rule::Stability | Rule::Consensus)
    }
}

/// The chosen k, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The chosen k.
    pub k: usize,
    /// The reason, as a sentence.
    pub why: String,
    /// The k that would be chosen if this one were not there.
    pub runner_up: Option<RunnerUp>,
    /// The best k below the smallest one allowed, if its silhouette is higher than that of the chosen k.
    pub passed_over: Option<usize>,
}

/// The second-best k.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    /// The k.
    pub k: usize,
    /// The score that speaks for it, in words.
    pub why: String,
}

/// Chooses a k of at least `min_k` whose smallest segment has at least `min_segment_pct` percent of the rows.
///
/// # Errors
/// [`Error::Usage`] if there is none, or if the rule's score was not computed or is undefined for all of them.
pub fn choose(rows: &[SweepRow], rule: Rule, min_k: usize, min_segment_pct: f64) -> Result<Choice> {
    let large_enough = |row: &SweepRow| row.partition.k >= min_k;
    let allowed: Vec<&SweepRow> = rows
        .iter()
        .filter(|row| large_enough(row) && row.partition.min_segment_pct() >= min_segment_pct)
        .filter(|row| row.scores.silhouette.is_some() || rule != Rule::Silhouette)
        .collect();
    if allowed.is_empty() {
        return Err(Error::Usage(match rows.iter().any(large_enough) && min_segment_pct > 0.0 {
            true => format!(
                "no k of the sweep that is at least {min_k} has a smallest segment of at least {min_segment_pct} % of the rows"
            ),
            false => format!("no k of the sweep is at least {min_k} and has a silhouette"),
        }));
    }
    let (k, why) = chosen(rows, &allowed, rule)?;
    let others: Vec<&SweepRow> = allowed.iter().copied().filter(|row| row.partition.k != k).collect();
    let runner_up = chosen(rows, &others, rule).ok().map(|(other, _)| RunnerUp {
        k: other,
        why: allowed
            .iter()
            .find(|row| row.partition.k == other)
            .map_or(String::new(), |row| brief(row, rule)),
    });
    let silhouette =
        |k: usize| rows.iter().find(|row| row.partition.k == k).and_then(|r| r.scores.silhouette);
    let small: Vec<&SweepRow> = rows.iter().filter(|row| row.partition.k < min_k).collect();
    let passed_over = highest(&small, |row| row.scores.silhouette)
        .filter(|(_, below)| silhouette(k).is_some_and(|own| below - own >= SAME_SCORE))
        .map(|(k, _)| k);
    Ok(Choice { k, why, runner_up, passed_over })
}

/// The k of `allowed` that the rule chooses, and the reason. The curves of inertia and gap are those of all rows.
fn chosen(rows: &[SweepRow], allowed: &[&SweepRow], rule: Rule) -> Result<(usize, String)> {
    let range = match allowed {
        [] => return Err(Error::Usage("the sweep has no other k".into())),
        [only] => format!("the only k that may be chosen, {}", only.partition.k),
        [first, .., last] => format!("the k from {} to {}", first.partition.k, last.partition.k),
    };
    let missing = |what: &str| Error::Usage(format!("{what} is undefined for {range}"));
    match rule {
        Rule::Silhouette => {
            let (k, score) =
                highest(allowed, |row| row.scores.silhouette).ok_or_else(|| missing("the silhouette"))?;
            Ok((k, format!("of {range}, it has the highest silhouette, {score:.3}")))
        }
        Rule::Elbow => {
            let found = elbow_of(rows).filter(|k| allowed.iter().any(|row| row.partition.k == *k));
            if let Some(k) = found {
                return Ok((k, "inertia falls clearly more slowly from here on: this is its elbow".into()));
            }
            // The elbow is not there to be chosen: what comes nearest to one.
            let depth = depths(rows);
            let depth =
                |row: &SweepRow| depth.iter().find(|(k, _)| *k == row.partition.k).map(|(_, depth)| *depth);
            let (k, _) = highest(allowed, depth).ok_or_else(|| missing("the elbow of the inertia"))?;
            Ok((
                k,
                format!("of {range}, the curve of inertia bends most here, although it has no clear elbow"),
            ))
        }
        Rule::Gap => {
            let gaps: Vec<(usize, f64, f64)> = allowed
                .iter()
                .filter_map(|row| row.scores.gap.map(|gap| (row.partition.k, gap.gap, gap.se)))
                .collect();
            if gaps.is_empty() {
                return Err(missing("the gap statistic"));
            }
            let top = (0..gaps.len() - 1).find(|&i| gaps[i + 1].1 <= gaps[i].1).unwrap_or(gaps.len() - 1);
            let (top_k, top_gap, top_se) = gaps[top];
            let first = gaps[..=top].iter().find(|(_, gap, _)| *gap >= top_gap - top_se);
            let (k, gap, _) = *first.unwrap_or(&gaps[top]);
            Ok((
                k,
                match k == top_k {
                    true => format!(
                        "the gap statistic has its first local maximum here, {gap:.3} (standard error {top_se:.3})"
                    ),
                    false => format!(
                        "its gap statistic, {gap:.3}, is the first within one standard error ({top_se:.3}) of the first local \
                     maximum, {top_gap:.3} at k = {top_k}"
                    ),
                },
            ))
        }
        Rule::Stability => {
            let stable = |row: &&&SweepRow| row.scores.stability.is_some_and(|stability| stability >= STABLE);
            if let Some(row) = allowed.iter().rev().find(stable) {
                let index = row.scores.stability.unwrap_or(0.0);
                return Ok((
                    row.partition.k,
                    format!(
                        "it is the largest k whose segments all reappear in samples of the rows (Jaccard index of the weakest {index:.2})"
                    ),
                ));
            }
            let (k, index) =
                highest(allowed, |row| row.scores.stability).ok_or_else(|| missing("stability"))?;
            Ok((
                k,
                format!(
                    "of {range}, its weakest segment reappears most often (Jaccard index {index:.2}), although a stable one has {STABLE}"
                ),
            ))
        }
        Rule::Bic | Rule::Aic => {
            let name = if rule == Rule::Bic { "BIC" } else { "AIC" };
            let score = |row: &SweepRow| if rule == Rule::Bic { row.scores.bic } else { row.scores.aic };
            let (k, lowest) =
                highest(allowed, |row| score(row).map(|score| -score)).ok_or_else(|| missing(name))?;
            Ok((k, format!("of {range}, it has the lowest {name}, {:.1}", -lowest)))
        }
        Rule::Consensus => consensus(rows, allowed),
    }
}

/// A row's score by a rule, in words.
fn brief(row: &SweepRow, rule: Rule) -> String {
    let scores = &row.scores;
    match (rule, scores.silhouette, scores.gap, scores.stability) {
        (Rule::Gap, _, Some(Gap { gap, se }), _) => format!("gap {gap:.3}, standard error {se:.3}"),
        (Rule::Stability, _, _, Some(index)) => format!("Jaccard index of its weakest segment {index:.2}"),
        (Rule::Bic, ..) if scores.bic.is_some() => format!("BIC {:.1}", scores.bic.unwrap_or(0.0)),
        (Rule::Aic, ..) if scores.aic.is_some() => format!("AIC {:.1}", scores.aic.unwrap_or(0.0)),
        (_, Some(silhouette), _, _) => format!("silhouette {silhouette:.3}"),
        _ => format!("inertia {:.0}", row.partition.diagnostics.inertia),
    }
}

/// The k that most criteria choose, on a tie that with the higher silhouette.
fn consensus(rows: &[SweepRow], allowed: &[&SweepRow]) -> Result<(usize, String)> {
    let of = |rule: Rule| chosen(rows, allowed, rule).ok().map(|(k, _)| k);
    let votes = [
        ("silhouette", of(Rule::Silhouette)),
        ("elbow", of(Rule::Elbow)),
        ("gap", of(Rule::Gap)),
        ("Calinski-Harabasz", highest(allowed, |row| row.scores.calinski_harabasz).map(|(k, _)| k)),
        (
            "Davies-Bouldin",
            highest(allowed, |row| row.scores.davies_bouldin.map(|score| -score)).map(|(k, _)| k),
        ),
        ("stability", of(Rule::Stability)),
    ];
    let voters = |k: usize| -> Vec<&str> {
        votes.iter().filter(|(_, vote)| *vote == Some(k)).map(|(name, _)| *name).collect()
    };
    let score = |row: &SweepRow| {
        let count = voters(row.partition.k).len();
        Some(count as f64 + 0.25 * row.scores.silhouette.unwrap_or(-1.0)).filter(|_| count > 0)
    };
    let (k, _) =
        highest(allowed, score).ok_or_else(|| Error::Usage("no criterion is defined for any k".into()))?;
    let (own, all) = (voters(k), votes.iter().filter(|(_, vote)| vote.is_some()).count());
    Ok((k, format!("{} of {all} criteria choose it: {}", own.len(), own.join(", "))))
}

/// The k with the highest score, and the score; of equal ones the smallest k.
fn highest(rows: &[&SweepRow], score: impl Fn(&SweepRow) -> Option<f64>) -> Option<(usize, f64)> {
    let scored: Vec<(usize, f64)> =
        rows.iter().filter_map(|row| score(row).map(|score| (row.partition.k, score))).collect();
    let best = scored.iter().map(|(_, s)| *s).fold(f64::NEG_INFINITY, f64::max);
    scored.into_iter().filter(|(_, s)| best - s < SAME_SCORE).min_by_key(|(k, _)| *k)
}

fn curve(rows: &[SweepRow]) -> (Vec<f64>, Vec<f64>) {
    rows.iter().map(|row| (row.partition.k as f64, row.partition.diagnostics.inertia)).unzip()
}

/// The k at the elbow of the inertia.
pub fn elbow_of(rows: &[SweepRow]) -> Option<usize> {
    let (ks, inertias) = curve(rows);
    elbow(&ks, &inertias).map(|i| rows[i].partition.k)
}

/// How far below the straight line from end to end the inertia of each k lies.
fn depths(rows: &[SweepRow]) -> Vec<(usize, f64)> {
    let (ks, inertias) = curve(rows);
    let depths = difference(&ks, &inertias).unwrap_or_default();
    rows.iter().map(|row| row.partition.k).zip(depths).collect()
}
