//! Comparisons of labellings, for people and for programs.

use crate::analysis::Comparison;
use serde::Serialize;

/// The results of `compare`.
#[derive(Debug, Serialize)]
pub struct CompareFound<'a> {
    version: &'static str,
    command: &'static str,
    #[serde(flatten)]
    found: &'a Comparison,
}

impl<'a> CompareFound<'a> {
    /// A comparison with what tells where it comes from.
    pub fn new(found: &'a Comparison) -> Self {
        CompareFound { version: env!("CARGO_PKG_VERSION"), command: "compare", found }
    }
}

#[cfg(feature = "cli")]
pub use text::{comparisons, to_text};

#[cfg(feature = "cli")]
mod text {
    use crate::analysis::{Compared, Comparison, CountedBy, CrossTable, Flows, MatchedBy};
    use crate::evidence::agreement::Agreement;
    use crate::report::figures::{count, percent, plain, whole};
    use crate::report::profile::WIDTH;
    use crate::report::sheet::{Kind, Sheet, wrapped};

    /// The scores by name, each with a line on how to read it. `a` and `b` are what people call the labels of the two sides.
    fn scores(agreement: &Agreement, a: &str, b: &str) -> [(&'static str, f64, String); 6] {
        [
            (
                "ARI",
                agreement.ari,
                "adjusted Rand index, over pairs of rows: 1 the same groups, 0 as by chance".into(),
            ),
            ("AMI", agreement.ami, "adjusted mutual information: 1 the same groups, 0 as by chance".into()),
            (
                "NMI",
                agreement.nmi,
                "mutual information, not adjusted: grows with the number of groups".into(),
            ),
            ("homogeneity", agreement.homogeneity, format!("1 if the rows of each {b} are of one {a}")),
            ("completeness", agreement.completeness, format!("1 if the rows of each {a} are of one {b}")),
            ("V-measure", agreement.v_measure, "harmonic mean of the two, equal to NMI".into()),
        ]
    }

    /// The most lines and columns of a table of counts; of a larger one, the largest cells are listed.
    const MOST_LABELS: usize = 30;

    /// The most lines of a list.
    const MOST_LINES: usize = 12;

    /// A comparison of two files as tables.
    pub fn to_text(found: &Comparison) -> String {
        let mut files = Sheet::new(&[
            ("", Kind::Name),
            ("file", Kind::Prose),
            ("rows", Kind::Number),
            ("with a segment", Kind::Number),
            ("segments", Kind::Number),
        ]);
        for (name, side) in [("A", &found.a), ("B", &found.b)] {
            files.row([
                name.into(),
                side.file.clone(),
                whole(side.rows),
                whole(side.labelled),
                whole(side.k as u64),
            ]);
        }
        let by = match &found.matched_by {
            MatchedBy::Id(a, b) if a == b => format!("by the id column {}", plain(a)),
            MatchedBy::Id(a, b) => format!("by id, {} in A and {} in B", plain(a), plain(b)),
            MatchedBy::Position => "by their position".into(),
        };
        let mut text = files.to_text_within(WIDTH);
        let rows = format!(
            "{} in both, matched {by}; {} with a segment in both\n\n",
            count(found.rows_in_both as usize, "row"),
            whole(found.rows)
        );
        text.push_str(&wrapped(&rows, WIDTH));
        text.push_str(&score_sheet(&found.agreement, "segment of A", "segment of B"));
        text.push('\n');
        text.push_str("rows by segment of A (lines) and of B (columns), and their share of the line\n");
        text.push_str(&cells(&found.table, ("A", "B"), "segments of A and of B"));
        text.push_str(&correspondence(found));
        if let Some(flows) = &found.flows {
            text.push_str(&moves(found, flows));
        }
        text
    }

    /// The comparisons of segments with rules, as tables.
    pub fn comparisons(all: &[Compared]) -> String {
        let mut text = String::new();
        for found in all {
            let name = plain(&found.name);
            text.push_str(&format!("\n{name}: rows by segment, and their share of the segment\n"));
            text.push_str(&cells(&found.table, ("segment", ""), "segments and combinations"));
            let a = &found.agreement;
            let scores = format!(
                "agreement of segments and {name} over {}: ARI {:.3}, AMI {:.3}, homogeneity {:.3}, completeness {:.3} \
                 (1 is perfect; ARI and AMI are 0 by chance)\n",
                count(found.rows as usize, "row"),
                a.ari,
                a.ami,
                a.homogeneity,
                a.completeness
            );
            text.push_str(&wrapped(&scores, WIDTH));
        }
        text
    }

    fn score_sheet(agreement: &Agreement, a: &str, b: &str) -> String {
        let mut sheet =
            Sheet::new(&[("score", Kind::Name), ("", Kind::Number), ("how to read it", Kind::Prose)]);
        for (name, value, meaning) in scores(agreement, a, b) {
            // An adjusted score may be just below 0.
            let value = (1000.0 * value).round() / 1000.0 + 0.0;
            sheet.row([name.into(), format!("{value:.3}"), meaning]);
        }
        sheet.to_text_within(WIDTH)
    }

    /// A label with what it is a label of, such as `A 0`.
    fn of(what: &str, label: &str) -> String {
        if what.is_empty() { label.to_string() } else { format!("{what} {label}") }
    }

    /// The counts with their shares of the line, or the largest ones.
    fn cells(table: &CrossTable, (a, b): (&str, &str), sides: &str) -> String {
        let (Some(counts), Some(shares)) = (&table.counts, &table.row_shares) else { return String::new() };
        let (lines, columns) = (table.a.len(), table.b.len());
        if lines <= MOST_LABELS && columns <= MOST_LABELS {
            let header: Vec<String> = (0..columns).map(|j| of(b, &table.b_label(j))).collect();
            let header = header.iter().map(|name| (name.as_str(), Kind::Number));
            let header: Vec<(&str, Kind)> = std::iter::once(("", Kind::Name)).chain(header).collect();
            let mut sheet = Sheet::new(&header);
            for (i, (counts, shares)) in counts.iter().zip(shares).enumerate() {
                let cell = |(&n, &share): (&u64, &f64)| match n {
                    0 => "-".to_string(),
                    n => format!("{} ({})", whole(n), percent(share)),
                };
                let name = of(a, &table.a_label(i));
                sheet.row(std::iter::once(name).chain(counts.iter().zip(shares).map(cell)));
            }
            return sheet.to_text_within(WIDTH);
        }
        let mut all: Vec<(u64, usize, usize)> = Vec::new();
        for (i, line) in counts.iter().enumerate() {
            all.extend(line.iter().enumerate().filter(|(_, n)| **n > 0).map(|(j, &n)| (n, i, j)));
        }
        all.sort_unstable_by_key(|&(n, i, j)| (std::cmp::Reverse(n), i, j));
        let mut sheet = Sheet::new(&[
            (if a.is_empty() { "line" } else { a }, Kind::Name),
            (if b.is_empty() { "column" } else { b }, Kind::Name),
            ("rows", Kind::Number),
            ("of the line", Kind::Number),
        ]);
        for &(n, i, j) in all.iter().take(MOST_LINES) {
            sheet.row([table.a_label(i), table.b_label(j), whole(n), percent(shares[i][j])]);
        }
        let shown = all.len().min(MOST_LINES);
        let note = format!(
            "the largest {shown} of the {} pairs of {sides} that have rows; JSON has all\n",
            whole(all.len() as u64)
        );
        sheet.to_text_within(WIDTH) + &wrapped(&note, WIDTH)
    }

    fn correspondence(found: &Comparison) -> String {
        let Some(pairs) = found.correspondence.as_ref().filter(|pairs| !pairs.is_empty()) else {
            return String::new();
        };
        let mut sheet = Sheet::new(&[
            ("B", Kind::Name),
            ("corresponds to A", Kind::Name),
            ("rows in both", Kind::Number),
            ("overlap", Kind::Number),
        ]);
        let name = |labels: &[String], label: &str, named: &dyn Fn(usize) -> String| {
            labels.iter().position(|l| l == label).map_or_else(|| label.to_string(), named)
        };
        let table = &found.table;
        for pair in pairs.iter().take(MOST_LABELS) {
            sheet.row([
                name(&table.b, &pair.b, &|j| table.b_label(j)),
                name(&table.a, &pair.a, &|i| table.a_label(i)),
                whole(pair.rows),
                percent(pair.jaccard),
            ]);
        }
        let more = match pairs.len().saturating_sub(MOST_LABELS) {
            0 => String::new(),
            more => format!("and {} more pairs; --json has all\n", whole(more as u64)),
        };
        format!(
            "\n{}{more}overlap: rows in both segments, of the rows in either (Jaccard)\n",
            sheet.to_text_within(WIDTH)
        )
    }

    fn moves(found: &Comparison, flows: &Flows) -> String {
        let mut sheet = Sheet::new(&[
            ("", Kind::Name),
            ("rows", Kind::Number),
            ("share", Kind::Number),
            ("", Kind::Prose),
        ]);
        let both = "of the rows with a segment in both";
        let came = match flows.came.without_segment_before {
            0 => "of the rows of B with a segment".into(),
            n => format!("of the rows of B with a segment; {} of them had none in A", whole(n)),
        };
        let left = match flows.left.without_segment_now {
            0 => "of the rows of A with a segment".into(),
            n => format!("of the rows of A with a segment; {} of them have none in B", whole(n)),
        };
        for (name, rows, share, meaning) in [
            ("stayed", flows.stayed.rows, flows.stayed.share, both.to_string()),
            ("moved", flows.moved.rows, flows.moved.share, both.to_string()),
            ("came", flows.came.rows, flows.came.share, came),
            ("left", flows.left.rows, flows.left.share, left),
        ] {
            sheet.row([name.into(), whole(rows), percent(share), meaning]);
        }
        let how = match flows.counted_by {
            CountedBy::Label => "stayed: the segment has the same label in A and B",
            CountedBy::Overlap => "stayed: the segment in B corresponds to that in A",
        };
        let mut text = format!("\n{}{how}\n", sheet.to_text_within(WIDTH));
        if flows.moved.moves.is_empty() {
            return text;
        }
        let mut sheet = Sheet::new(&[
            ("moved from A", Kind::Name),
            ("to B", Kind::Name),
            ("rows", Kind::Number),
            ("share", Kind::Number),
        ]);
        let table = &found.table;
        let place = |labels: &[String], label: &str| labels.iter().position(|l| l == label).unwrap_or(0);
        for one in flows.moved.moves.iter().take(MOST_LINES) {
            sheet.row([
                table.a_label(place(&table.a, &one.from)),
                table.b_label(place(&table.b, &one.to)),
                whole(one.rows),
                percent(one.share),
            ]);
        }
        text.push('\n');
        text.push_str(&sheet.to_text_within(WIDTH));
        let more = flows.moved.moves.len().saturating_sub(MOST_LINES);
        if more > 0 {
            text.push_str(&format!("and {more} smaller moves; --json has all\n"));
        }
        text
    }
}
