//! Whether segments reappear when the rows are drawn again.

use crate::report::chart::{Bar, Bars, Form, Unit};
use crate::report::figures::{count, percent};
use crate::report::page::content::{Block, Figure};
use crate::report::page::facts::Facts;
use crate::report::page::sections::parts::{axis, chart, plain};

/// The chart of the segments' stability, if samples were fitted.
pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let Some(found) = facts.outcome.stability.as_ref().filter(|found| !found.segments.is_empty()) else {
        return Vec::new();
    };
    let bar = |one: &crate::analysis::SegmentStability| {
        let key = match found.before_regrouping {
            false => facts.segment(one.segment),
            true => plain(format!("segment {} of the fit", one.segment)),
        };
        let shares = match (one.recovered, one.dissolved) {
            (Some(back), Some(gone)) => {
                format!("found again in {}, lost in {} of the samples", percent(back), percent(gone))
            }
            _ => "in no sample".into(),
        };
        // What there is not room for beside the dot stands in the table behind the chart.
        let note = one.reading.as_ref().map_or_else(|| shares.clone(), |reading| reading.to_string());
        Bar {
            label: key.label,
            paint: key.paint,
            value: one.jaccard,
            interval: None,
            reference: None,
            note: Some(note),
        }
    };
    let bars = Bars {
        axis: axis("mean Jaccard index", Unit::Score),
        form: Form::Dots,
        what: "segment".into(),
        bars: found.segments.iter().map(bar).collect(),
        limits: vec![(0.6, "doubtful".into()), (0.75, "stable".into()), (0.85, "highly stable".into())],
        ..Bars::default()
    };
    let desc = "A dot for each segment; the further to the right, the more reliably it is found again.";
    let figure = Figure::new("stability", "How reliably each segment is found again", desc, &bars);
    let mut blocks = vec![
        Block::Heading("Would the same segments be found again?".into()),
        Block::Text(format!(
            "The rows were drawn again {} and segmented anew; each segment was compared with the most similar new one by \
             the share of rows that both have (Jaccard's index).",
            count(found.samples, "time")
        )),
    ];
    if found.before_regrouping {
        blocks
            .push(Block::Text("These are the segments of the fit, before any were merged or split.".into()));
    }
    blocks.push(chart(
        figure,
        "From 0.75 on a segment is stable, and from 0.85 on highly so; do not trust one below 0.6.",
    ));
    blocks
}
