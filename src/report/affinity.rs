//! What affinity propagation found, as text for people.

use super::figures::{count, number, whole};
use super::profile::WIDTH;
use super::sheet::{Kind, Sheet, wrapped};
use crate::analysis::{AffinityFound, Exemplar};

/// How many exemplars are listed; `metrics.json` has all of them.
const MOST: usize = 20;

/// The exemplar of each segment, if rows have ids, and how far the result can be trusted.
pub fn text(found: &AffinityFound) -> String {
    let mut text = String::new();
    if let Some(Exemplar::Id(_)) = found.exemplars.first() {
        let mut sheet = Sheet::new(&[("segment", Kind::Number), ("exemplar", Kind::Name)]);
        for (segment, exemplar) in found.exemplars.iter().take(MOST).enumerate() {
            let name = match exemplar {
                Exemplar::Id(id) => id.clone(),
                Exemplar::Row(row) => format!("row {row}"),
            };
            sheet.row([segment.to_string(), name]);
        }
        let more = found.exemplars.len().saturating_sub(MOST);
        let more = if more > 0 {
            format!("and {} more in metrics.json\n", whole(more as u64))
        } else {
            String::new()
        };
        text.push_str(&format!("the row that stands for each segment\n{}{more}", sheet.to_text()));
    }
    let mut sentences = vec![format!("The preference of each row was {}.", number(found.preference))];
    if let Some(micro) = found.micro_clusters {
        sentences.push(format!(
            "Approximate: there are too many rows for messages between all of them, so {} stood for them.",
            count(micro, "micro-cluster")
        ));
    }
    if !found.converged {
        sentences.push(format!(
            "The exemplars still changed after {}, so the segments are not reliable. A higher damping than {} settles \
             exemplars that keep changing; more iterations (max_iter) let slow ones settle.",
            count(found.n_iter, "iteration"),
            found.damping
        ));
    }
    text.push_str(&wrapped(&format!("{}\n", sentences.join(" ")), WIDTH));
    text
}
