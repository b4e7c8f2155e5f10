//! How far the segments agree with rules that people made, and with other methods.

use crate::analysis::{Compared, MethodMap, MethodResult, MethodsCompared};
use crate::profile::SegmentProfile;
use crate::report::chart::{Datum, Heatmap, Key, Paint, Scatter, Shading, Unit};
use crate::report::figures::{percent, score, whole};
use crate::report::page::content::{Block, Fact, Figure};
use crate::report::page::facts::Facts;
use crate::report::page::sections::parts::{
    CELLS, axis, called, chart, datum, groups, plain, points_each, table,
};

/// So many sizes of a method's segments are written out.
const SIZES: usize = 12;

/// All comparisons.
pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (i, found) in facts.outcome.comparisons.iter().enumerate() {
        blocks.extend(rules(facts, found, i + 1));
    }
    blocks.extend(facts.outcome.compare_methods.iter().flat_map(|found| methods(facts, found)));
    blocks
}

/// An adjusted Rand index in words.
fn in_words(ari: f64) -> &'static str {
    match ari {
        ari if ari >= 0.9 => "nearly the same groups",
        ari if ari >= 0.8 => "largely the same groups",
        ari if ari >= 0.65 => "partly the same groups",
        _ => "mostly other groups",
    }
}

fn rules(facts: &Facts<'_>, found: &Compared, place: usize) -> Vec<Block> {
    let agreement = &found.agreement;
    let fact = |name: &str, value: f64, note: &str| Fact {
        name: name.into(),
        value: score(value),
        note: Some(note.into()),
    };
    let mut blocks = vec![
        Block::Heading(format!("Do the segments agree with {}?", found.name)),
        Block::Text(format!("They are {}, over {} rows.", in_words(agreement.ari), whole(found.rows))),
        Block::Facts(vec![
            fact(
                "Adjusted Rand index",
                agreement.ari,
                "Over pairs of rows: 1 the same groups, 0 as by chance.",
            ),
            fact("Adjusted mutual information", agreement.ami, "1 the same groups, 0 as by chance."),
            fact(
                "Mutual information (NMI)",
                agreement.nmi,
                "Not adjusted: it grows with the number of groups.",
            ),
            fact("Homogeneity", agreement.homogeneity, "1 if each rule's rows are of one segment."),
            fact("Completeness", agreement.completeness, "1 if each segment's rows are of one rule."),
        ]),
    ];
    let Some(shares) = found.table.row_shares.as_ref().filter(|shares| !shares.is_empty()) else {
        return blocks;
    };
    let name = |label: &String| -> Key {
        label.parse().map_or_else(|_| plain(label.as_str()), |segment| facts.segment(segment))
    };
    let heatmap = Heatmap {
        rows_are: "segment".into(),
        columns_are: found.name.clone(),
        rows: found.table.a.iter().take(CELLS).map(name).collect(),
        columns: (0..found.table.b.len().min(CELLS)).map(|j| plain(found.table.b_label(j))).collect(),
        values: shares
            .iter()
            .take(CELLS)
            .map(|line| line.iter().take(CELLS).map(|share| Some(*share)).collect())
            .collect(),
        unit: Unit::Share,
        shading: Shading::Sequential(1.0),
    };
    let desc = "A line for each segment: its shares of the rules' groups.";
    let title = format!("What each segment consists of by {}", found.name);
    let figure = Figure::new(format!("rules-{place}"), title, desc, &heatmap);
    let left = if found.table.a.len().max(found.table.b.len()) > CELLS {
        format!(" The first {CELLS} lines and columns are shown; metrics.json has all.")
    } else {
        String::new()
    };
    let note = format!(
        "Each line adds up to 100 %; one strong colour in a line means that the rules know this segment.{left}"
    );
    blocks.push(chart(figure, &note));
    blocks
}

fn methods(facts: &Facts<'_>, found: &MethodsCompared) -> Vec<Block> {
    let row = |one: &MethodResult| {
        let rows: u64 = one.sizes.iter().sum::<u64>() + one.noise;
        let share = |n: u64| (rows > 0).then(|| n as f64 / rows as f64);
        vec![
            Datum::text(called(&one.name)),
            datum(Some(one.segments as f64), &Unit::Count),
            Datum::text(sizes(one)),
            datum(one.sizes.first().and_then(|&largest| share(largest)), &Unit::Share),
            datum(share(one.noise), &Unit::Share),
            datum(one.silhouette, &Unit::Score),
            Datum::text(one.note.clone().unwrap_or_default()),
        ]
    };
    let columns = [
        ("method", false),
        ("segments", true),
        ("sizes", false),
        ("largest segment", true),
        ("in no segment", true),
        ("silhouette", true),
        ("remark", false),
    ];
    let mut blocks = vec![
        Block::Heading("Would another method find the same?".into()),
        table("methods", "What each method finds", &columns, found.methods.iter().map(row).collect()),
        Block::Note(
            "The first line is the method of this report. A higher silhouette means segments that are further apart; it favours round ones.".into(),
        ),
    ];
    let known = found.ari.iter().flatten().flatten().count();
    if known == 0 || found.ari.len() < 2 || found.ari.len() != found.methods.len() {
        return blocks;
    }
    let keys: Vec<Key> = found.methods.iter().map(|one| plain(called(&one.name))).collect();
    let heatmap = Heatmap {
        rows_are: "method".into(),
        columns_are: String::new(),
        rows: keys.clone(),
        columns: keys,
        values: found.ari.clone(),
        unit: Unit::Score,
        shading: Shading::Sequential(1.0),
    };
    let own = found.ari.first().into_iter().flatten().zip(&found.methods).skip(1);
    let said = own.filter_map(|(ari, other)| {
        let ari = (*ari)?;
        Some(format!("{}: {} (adjusted Rand index {}).", called(&other.name), in_words(ari), score(ari)))
    });
    blocks.push(Block::List(said.collect()));
    let desc = "The adjusted Rand index of each pair of methods.";
    let figure = Figure::new("methods-ari", "How far the methods agree", desc, &heatmap);
    let note = "1: the same groups; 0: no more alike than by chance (adjusted Rand index). Segments that several methods find \
                are no product of one method.";
    blocks.push(chart(figure, note));
    let maps = maps(facts);
    if !maps.is_empty() {
        blocks.push(Block::Text(
            "The same rows as on the map of the segments, by the clusters of each method:".into(),
        ));
        blocks.push(Block::Charts(maps));
    }
    blocks.extend(found.methods.iter().enumerate().filter_map(profile));
    let largest = found.methods.iter().filter(|one| one.noise > 0).map(|one| {
        let rows: u64 = one.sizes.iter().sum::<u64>() + one.noise;
        format!(
            "{} leaves {} of the rows in no segment.",
            called(&one.name),
            percent(one.noise as f64 / rows as f64)
        )
    });
    let left: Vec<String> = largest.collect();
    if !left.is_empty() {
        blocks.push(Block::List(left));
    }
    blocks
}

/// The rows by the clusters of each other method.
fn maps(facts: &Facts<'_>) -> Vec<Figure> {
    let maps = facts.outcome.pictures.iter().flat_map(|pictures| &pictures.methods).enumerate();
    let figure = |(i, of): (usize, &MethodMap)| {
        let title =
            |place: usize| of.map.axes.get(place).map_or_else(String::new, |axis| axis.column.clone());
        let mut groups = groups(facts, &of.map.groups, points_each(facts), [0, 1], false);
        if let Some(none) = groups.iter_mut().find(|group| group.label == "in no cluster") {
            none.paint = Paint::Whole;
        }
        let scatter = Scatter {
            x: axis(title(0), Unit::Number),
            y: axis(title(1), Unit::Number),
            equal: true,
            numbers: of.map.method != "umap",
            groups,
            boundary: None,
        };
        let desc = format!("A cloud of points, coloured by the clusters of {}.", called(&of.method));
        Figure::new(
            format!("method-map-{}", i + 1),
            format!("The clusters of {}", called(&of.method)),
            &desc,
            &scatter,
        )
    };
    maps.map(figure).collect()
}

/// A method's segments by size, as far as there is room.
fn sizes(of: &MethodResult) -> String {
    let mut text: Vec<String> = of.sizes.iter().take(SIZES).map(|&size| whole(size)).collect();
    if of.sizes.len() > SIZES {
        text.push(format!("{} more", of.sizes.len() - SIZES));
    }
    text.join(", ")
}

/// What the segments of another method are like, folded.
fn profile((place, of): (usize, &MethodResult)) -> Option<Block> {
    let found = of.profile.as_ref()?;
    let row = |one: &SegmentProfile| {
        vec![
            Datum::text(format!("cluster {}", one.segment)),
            datum(Some(one.size as f64), &Unit::Count),
            datum(Some(one.share), &Unit::Share),
            Datum::text(one.description.as_str()),
        ]
    };
    let columns = [("cluster", false), ("rows", true), ("share", true), ("what sets it apart", false)];
    let rows = found.segments.iter().take(CELLS).map(row).collect();
    let caption = format!("What the clusters of {} are like", called(&of.name));
    let table = table(&format!("method-profile-{place}"), &caption, &columns, rows);
    Some(Block::Details(caption, vec![table]))
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn agreement_is_said_in_words() {
        assert_eq!(in_words(1.0), "nearly the same groups");
        assert_eq!(in_words(0.7), "partly the same groups");
        assert_eq!(in_words(-0.01), "mostly other groups");
        assert_eq!(in_words(f64::NAN), "mostly other groups");
    }
}
