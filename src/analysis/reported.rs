//! What a report says of a fit besides its figures: the conditions that it had to meet, and where its rows come from.

use super::outcome::{GateFound, SourceFound};
use super::{Gates, Outcome, Spec};
use crate::synth::Example;
use std::path::Path;

impl Outcome {
    /// Adds the gates, the source and the wishes for the report. `table` is the name or the path of the table.
    pub(super) fn add_reported(&mut self, spec: &Spec, table: &str) {
        self.gates = self.gates_found(&spec.gates);
        self.source = Some(source(spec, table));
        self.report = spec.report.clone();
    }

    /// What was found for each gate that applies.
    fn gates_found(&self, gates: &Gates) -> Vec<GateFound> {
        let converged = self.converged.map(|met| {
            let passes = self.n_iter.unwrap_or(0);
            let word = if passes == 1 { "pass" } else { "passes" };
            let did = if met { "converged" } else { "did not converge" };
            GateFound {
                condition: "the fit converges".into(),
                found: format!("the fit {did} within {passes} {word}"),
                met,
            }
        });
        let shares = self.segments.iter().flatten().map(|segment| segment.share);
        let smallest = shares.min_by(f64::total_cmp).filter(|_| gates.min_segment_pct > 0.0);
        let large_enough = smallest.map(|share| {
            let (pct, least) = (100.0 * share, gates.min_segment_pct);
            let met = pct >= least;
            let less =
                if met { String::new() } else { format!(", less than the {least} % that are required") };
            GateFound {
                condition: format!("the smallest segment has at least {least} % of the rows"),
                found: format!("the smallest segment has {pct:.3} % of the rows{less}"),
                met,
            }
        });
        converged.into_iter().chain(large_enough).collect()
    }

    /// What was found for the gates that were not met, each as a sentence.
    pub fn missed(&self) -> Vec<String> {
        self.gates.iter().filter(|gate| !gate.met).map(|gate| gate.found.clone()).collect()
    }
}

fn source(spec: &Spec, table: &str) -> SourceFound {
    let synth = spec.input.synth.filter(|_| spec.input.path.is_none());
    let word = |example| Example::WORDS.iter().find(|(_, other)| *other == example).map(|(word, _)| *word);
    let recipe = Some(&spec.recipe.source).filter(|name| !name.is_empty());
    SourceFound {
        table: synth.and_then(word).map_or_else(|| file_name(table), |word| format!("synth {word}")),
        recipe: recipe.map(|name| file_name(name)),
        recipe_text: spec.recipe_text.clone(),
        again: None,
    }
}

/// The name of a file without its folder.
fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Segment;

    fn outcome(shares: &[f64], converged: Option<bool>) -> Outcome {
        let segment = |(segment, &share): (usize, &f64)| Segment {
            segment: segment as u32,
            name: None,
            persona: None,
            size: 1,
            weight: None,
            share,
            centroid: Vec::new(),
        };
        let segments = Some(shares.iter().enumerate().map(segment).collect());
        Outcome { segments, converged, n_iter: Some(1), ..Outcome::default() }
    }

    fn spec(min_segment_pct: f64) -> Spec {
        Spec { gates: Gates { min_segment_pct }, ..Spec::default() }
    }

    #[test]
    fn gates_say_what_was_found_and_only_those_that_apply_are_there() {
        let mut found = outcome(&[0.75, 0.25], Some(false));
        found.add_reported(&spec(30.0), "t.csv");
        let missed = [
            "the fit did not converge within 1 pass",
            "the smallest segment has 25.000 % of the rows, less than the 30 % that are required",
        ];
        assert_eq!(found.missed(), missed);
        found.add_reported(&spec(25.0), "t.csv");
        assert_eq!(found.missed(), missed[..1]);
        assert!(found.gates[1].met, "exactly as large as required");
        found.add_reported(&spec(0.0), "t.csv");
        assert_eq!(found.gates.len(), 1);
        let mut empty = outcome(&[], None);
        empty.add_reported(&spec(30.0), "t.csv");
        assert_eq!(empty.gates, []);
    }

    #[test]
    fn the_source_is_named_without_its_folders() {
        let mut spec = spec(0.0);
        spec.recipe.source = "plans/r.toml".into();
        spec.recipe_text = Some("# mine\n".into());
        let found = source(&spec, "/home/ann/t.csv");
        let expected = SourceFound {
            table: "t.csv".into(),
            recipe: Some("r.toml".into()),
            recipe_text: Some("# mine\n".into()),
            again: None,
        };
        assert_eq!(found, expected);
        spec.input.synth = Some(Example::Learners);
        assert_eq!(source(&spec, "anything").table, "synth learners");
        spec.input.path = Some("other.csv".into());
        assert_eq!(source(&spec, "other.csv").table, "other.csv");
    }
}
