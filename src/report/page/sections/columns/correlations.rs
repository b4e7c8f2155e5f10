//! Which columns go together.

use crate::analysis::Outcome;
use crate::describe::Correlations;
use crate::report::chart::{Datum, Heatmap, Shading, Unit};
use crate::report::figures::whole;
use crate::report::page::content::{Block, Figure};
use crate::report::page::sections::parts::{CELLS, chart, datum, plain, table};

/// How many pairs are listed.
const PAIRS: usize = 15;

/// The heat map and the strongest pairs, if correlations were computed.
pub(super) fn blocks(outcome: &Outcome) -> Vec<Block> {
    let Some(found) = outcome.description.as_ref().and_then(|found| found.correlations.as_ref()) else {
        return Vec::new();
    };
    let chosen = choose(found, &outcome.features);
    if chosen.len() < 2 {
        return Vec::new();
    }
    let name = |&i: &usize| plain(found.columns[i].as_str());
    let value = |i: usize, j: usize| found.matrix.get(i)?.get(j).copied().flatten();
    let heatmap = Heatmap {
        rows_are: "column".into(),
        columns_are: String::new(),
        rows: chosen.iter().map(name).collect(),
        columns: chosen.iter().map(name).collect(),
        values: chosen.iter().map(|&i| chosen.iter().map(|&j| value(i, j)).collect()).collect(),
        unit: Unit::Score,
        shading: Shading::Diverging(1.0),
    };
    let left = match found.columns.len() - chosen.len() {
        0 => String::new(),
        n => format!(
            " {} further columns are left out; those that the segments were made from and the most correlated ones are shown.",
            whole(n as u64)
        ),
    };
    let figure = Figure::new(
        "correlations",
        "Which columns go together?",
        "The correlation of each pair of columns.",
        &heatmap,
    );
    let note = format!(
        "Near 1 two columns rise together, near -1 one falls as the other rises, and near 0 neither tells about the other \
         (Pearson's correlation).{left}"
    );
    let mut blocks = vec![chart(figure, &note)];
    if !found.top.is_empty() {
        let row = |pair: &crate::describe::Pair| {
            vec![
                Datum::text(pair.a.as_str()),
                Datum::text(pair.b.as_str()),
                datum(Some(pair.r), &Unit::Score),
                datum(Some(pair.rows as f64), &Unit::Count),
            ]
        };
        let columns = [("column", false), ("and", false), ("correlation", true), ("rows", true)];
        let rows = found.top.iter().take(PAIRS).map(row).collect();
        blocks.push(table("pairs", "The columns that go together most", &columns, rows));
    }
    blocks
}

/// The places of the columns that are drawn, in the table's order: the features, then the columns of the strongest pairs, then
/// others as far as there is room.
fn choose(found: &Correlations, features: &[String]) -> Vec<usize> {
    let pairs = found.top.iter().flat_map(|pair| [&pair.a, &pair.b]);
    let mut chosen = Vec::new();
    for name in features.iter().chain(pairs).chain(&found.columns) {
        if chosen.len() == CELLS {
            break;
        }
        let place = found.columns.iter().position(|column| column == name);
        if let Some(place) = place.filter(|place| !chosen.contains(place)) {
            chosen.push(place);
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::{CELLS, choose};
    use crate::describe::{Correlations, Pair};

    #[test]
    fn features_and_strong_pairs_come_before_other_columns() {
        let columns: Vec<String> = (0..60).map(|i| format!("c{i}")).collect();
        let pair = Pair { a: "c55".into(), b: "c58".into(), r: 0.9, rows: 10 };
        let found = Correlations { matrix: vec![vec![None; 60]; 60], top: vec![pair], columns };
        let chosen = choose(&found, &["c59".into(), "unknown".into()]);
        assert_eq!(chosen.len(), CELLS);
        assert_eq!(chosen[CELLS - 3..], [55, 58, 59]);
        assert_eq!(chosen[0], 0);
    }
}
