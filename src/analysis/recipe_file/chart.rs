//! `[[chart]]`: charts that the report shows besides its own.

use super::checked;
use crate::analysis::charts::{BOXES, ChartKind, ChartSpec};
use crate::model::check_line;
use crate::recipe::decode::Section;

/// A recipe has so many charts at most.
const MOST: usize = 100;
/// A chart has so many boxes at most.
const MOST_BOXES: u64 = 40;

/// Reads all of these sections.
pub(super) fn decode(root: &Section<'_>) -> Vec<ChartSpec> {
    let sections = root.sections("chart");
    if let Some(section) = sections.get(MOST) {
        section.fault(format!("a recipe has {MOST} charts at most; leave the others out"));
    }
    sections.into_iter().filter_map(chart).collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Scatter,
    Boxes,
    Curve,
}

impl Kind {
    const WORDS: &[(&str, Kind)] =
        &[("scatter", Kind::Scatter), ("boxes", Kind::Boxes), ("curve", Kind::Curve)];
}

fn chart(section: Section<'_>) -> Option<ChartSpec> {
    let kind = section.need("kind", "the kind of the chart: \"scatter\", \"boxes\" or \"curve\"");
    let kind = kind.and_then(|v| v.word(Kind::WORDS));
    let title = section.take("title").and_then(|v| checked(&v, check_line));
    let name = |key, what| section.need(key, what).and_then(|v| v.text());
    let axes = || {
        let x = name("x", "the column of numbers from left to right");
        x.zip(name("y", "the column of numbers upwards"))
    };
    let kind = match kind {
        None => {
            // Which keys belong to it is not known.
            for key in ["x", "y", "colour", "cut", "of", "by", "top"] {
                section.take(key);
            }
            None
        }
        Some(Kind::Scatter) => {
            let colour = section.take("colour").and_then(|v| v.text());
            let cut = section.take("cut").and_then(|v| {
                v.number_where("a quantile above 0.5 and at most 1, such as 0.99", |q| q > 0.5 && q <= 1.0)
            });
            axes().map(|(x, y)| ChartKind::Scatter { x, y, colour, cut })
        }
        Some(Kind::Boxes) => {
            let top = section.take("top").and_then(|v| v.whole(1..=MOST_BOXES)).map_or(BOXES, |n| n as usize);
            let of = name("of", "the column of numbers whose values are shown");
            let columns = of.zip(name("by", "the column of categories, each of which gets a box"));
            columns.map(|(of, by)| ChartKind::Boxes { of, by, top })
        }
        Some(Kind::Curve) => axes().map(|(x, y)| ChartKind::Curve { x, y }),
    };
    let line = section.line();
    section.finish();
    Some(ChartSpec { line, title, kind: kind? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Spec;
    use std::collections::BTreeMap;

    fn parsed(text: &str) -> Result<Vec<ChartSpec>, String> {
        Spec::parse("r.toml", text, &BTreeMap::new()).map(|spec| spec.charts).map_err(|e| e.to_string())
    }

    #[test]
    fn every_kind_is_read() {
        let text = "[[chart]]\nkind = \"scatter\"\nx = \"a\"\ny = \"b\"\ncolour = \"c\"\ncut = 0.99\n\
                    [[chart]]\nkind = \"boxes\"\nof = \"a\"\nby = \"c\"\ntitle = \"Mine\"\n\
                    [[chart]]\nkind = \"curve\"\nx = \"a\"\ny = \"b\"\n";
        let found = parsed(text).unwrap();
        let (x, y, colour) = ("a".to_string(), "b".to_string(), Some("c".to_string()));
        let scatter = ChartKind::Scatter { x: x.clone(), y: y.clone(), colour, cut: Some(0.99) };
        let boxes = ChartKind::Boxes { of: x.clone(), by: "c".into(), top: BOXES };
        let kinds: Vec<&ChartKind> = found.iter().map(|chart| &chart.kind).collect();
        assert_eq!(kinds, [&scatter, &boxes, &ChartKind::Curve { x, y }]);
        let titles: Vec<String> = found.iter().map(ChartSpec::title).collect();
        assert_eq!(titles, ["b against a, by c", "Mine", "Mean of b by a"]);
        assert_eq!(found[1].line, 7);
    }

    #[test]
    fn mistakes_have_their_line_and_key() {
        let cases = [
            ("kind = \"pie\"", "chart[0].kind"),
            ("kind = \"scatter\"\nx = \"a\"", "chart[0].y"),
            ("kind = \"boxes\"\nof = \"a\"\nby = \"b\"\ntop = 0", "chart[0].top"),
            ("kind = \"curve\"\nx = \"a\"\ny = \"b\"\ncut = 0.9", "chart[0].cut"),
            ("kind = \"scatter\"\nx = \"a\"\ny = \"b\"\ncut = 0.1", "chart[0].cut"),
            ("x = \"a\"", "chart[0].kind"),
        ];
        for (lines, key) in cases {
            let said = parsed(&format!("[[chart]]\n{lines}\n")).unwrap_err();
            assert!(said.contains(key) && said.contains("line "), "{lines}: {said}");
        }
    }
}
