//! `[stability]`: whether the segments hold.

use crate::analysis::Stability;
use crate::recipe::decode::Section;

/// The largest number of samples or restarts that is not taken for a slip.
const MOST: u64 = 100_000;

pub(super) fn stability(section: Section<'_>) -> Stability {
    let default = Stability::default();
    let small = |key, from| section.take(key).and_then(|v| v.whole(from..=MOST)).map(|n| n as u32);
    let samples = small("samples", 0);
    let found = Stability {
        samples: samples.unwrap_or(default.samples),
        n_init: small("n_init", 1).unwrap_or(default.n_init),
        cohort: section.take("cohort").and_then(|v| v.text()),
    };
    if samples == Some(0) && !section.has("cohort") {
        section.fault("expected samples above 0, or a cohort");
    }
    section.finish();
    found
}
