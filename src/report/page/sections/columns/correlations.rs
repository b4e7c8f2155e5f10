//! Which columns go together.

use crate::analysis::{Outcome, Reduction};
use crate::describe::Correlations;
use crate::report::chart::{Datum, Heatmap, Shading, Unit};
use crate::report::figures::{count, whole};
use crate::report::page::content::{Block, Figure};
use crate::report::page::sections::parts::{CELLS, chart, datum, plain, table};

/// How many pairs are listed.
const PAIRS: usize = 15;
/// From this correlation on, two columns say the same.
const SAME: f64 = 0.999_999_5;
/// Two columns that have fewer rows in common may agree by chance.
const FEWEST: usize = 10;
/// Weaker correlations are not listed as ones of columns that go together.
const WEAKEST: f64 = 0.1;
/// How many columns in other units are named.
const NAMED: usize = 5;

/// The heat map and the strongest pairs, if correlations were computed.
pub(super) fn blocks(outcome: &Outcome) -> Vec<Block> {
    let Some(found) = outcome.description.as_ref().and_then(|found| found.correlations.as_ref()) else {
        return Vec::new();
    };
    let (telling, repeats) = telling(found, &outcome.features, &made(outcome));
    let pairs = pairs(found, &telling);
    let chosen = choose(found, &telling, &outcome.features, &pairs);
    if chosen.len() < 2 {
        return Vec::new();
    }
    let name = |&i: &usize| plain(found.columns[i].as_str());
    let heatmap = Heatmap {
        rows_are: "column".into(),
        columns_are: String::new(),
        rows: chosen.iter().map(name).collect(),
        columns: chosen.iter().map(name).collect(),
        values: chosen.iter().map(|&i| chosen.iter().map(|&j| value(found, i, j)).collect()).collect(),
        unit: Unit::Score,
        shading: Shading::Diverging(1.0),
    };
    let mut note = "Near 1 two columns rise together, near -1 one falls as the other rises, and near 0 neither tells about the \
                    other (Pearson's correlation)."
        .to_string();
    if telling.len() > chosen.len() {
        note += &format!(
            " {} further columns are left out; those that the segments were made from and the most correlated ones are shown.",
            whole((telling.len() - chosen.len()) as u64)
        );
    }
    if !repeats.is_empty() {
        let named: Vec<String> = repeats
            .iter()
            .take(NAMED)
            .map(|&(again, first)| format!("{} for {}", found.columns[first], found.columns[again]))
            .collect();
        let more = if repeats.len() > NAMED { " and others" } else { "" };
        note += &format!(
            " {} the same as another in other units (correlation 1), which stands for it: {}{more}.",
            if repeats.len() == 1 {
                "One column is".into()
            } else {
                format!("{} are", count(repeats.len(), "column"))
            },
            named.join(", ")
        );
    }
    let figure = Figure::new(
        "correlations",
        "Which columns go together?",
        "The correlation of each pair of columns.",
        &heatmap,
    );
    let mut blocks = vec![chart(figure, &note)];
    if !pairs.is_empty() {
        let row = |&(i, j, r): &(usize, usize, f64)| {
            vec![
                Datum::text(found.columns[i].as_str()),
                Datum::text(found.columns[j].as_str()),
                datum(Some(r), &Unit::Score),
            ]
        };
        let columns = [("column", false), ("and", false), ("correlation", true)];
        let rows = pairs.iter().take(PAIRS).map(row).collect();
        blocks.push(table("pairs", "The columns that go together most", &columns, rows));
    }
    blocks
}

fn value(found: &Correlations, i: usize, j: usize) -> Option<f64> {
    found.matrix.get(i)?.get(j).copied().flatten()
}

/// The columns that reductions made. They go together with the columns that they were made from, which tells nothing.
fn made(outcome: &Outcome) -> Vec<&str> {
    let principal = outcome.pca.iter().chain(outcome.reductions.iter().filter_map(|one| match one {
        Reduction::Pca(found) => Some(found),
        Reduction::Umap(_) => None,
    }));
    let layouts = outcome.reductions.iter().filter_map(|one| match one {
        Reduction::Umap(found) => Some(&found.components),
        Reduction::Pca(_) => None,
    });
    let principal = principal.flat_map(|found| &found.components).map(|component| component.name.as_str());
    principal.chain(layouts.flatten().map(String::as_str)).collect()
}

/// The places of the columns that tell something of their own, in the table's order: no columns that a reduction made, no
/// constants, and one of several columns that are the same in other units, a feature if there is one. The second list has the
/// others of these with the column that stands for them.
fn telling(found: &Correlations, features: &[String], made: &[&str]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let is_feature = |i: usize| features.contains(&found.columns[i]);
    let varies = |i: usize| (0..found.columns.len()).any(|j| value(found, i, j).is_some());
    let own = |i: &usize| !made.contains(&found.columns[*i].as_str()) && varies(*i);
    let mut order: Vec<usize> = (0..found.columns.len()).filter(own).collect();
    order.sort_by_key(|&i| !is_feature(i));
    let (mut kept, mut repeats): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    for i in order {
        match kept.iter().find(|&&k| same(found, i, k)) {
            Some(&first) => repeats.push((i, first)),
            None => kept.push(i),
        }
    }
    kept.sort_unstable();
    (kept, repeats)
}

/// Whether two columns are the same in other units.
fn same(found: &Correlations, i: usize, j: usize) -> bool {
    let (a, b) = (&found.columns[i], &found.columns[j]);
    let listed = found.top.iter().find(|pair| (&pair.a, &pair.b) == (a, b) || (&pair.a, &pair.b) == (b, a));
    let many = listed.is_none_or(|pair| pair.rows >= FEWEST);
    many && value(found, i, j).is_some_and(|r| r.abs() >= SAME)
}

/// The pairs of these columns, the strongest first.
fn pairs(found: &Correlations, columns: &[usize]) -> Vec<(usize, usize, f64)> {
    let each = columns.iter().enumerate().flat_map(|(n, &i)| columns[n + 1..].iter().map(move |&j| (i, j)));
    let strong =
        |(i, j): (usize, usize)| value(found, i, j).filter(|r| r.abs() >= WEAKEST).map(|r| (i, j, r));
    let mut all: Vec<(usize, usize, f64)> = each.filter_map(strong).collect();
    all.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    all
}

/// The places of the columns that are drawn, in the table's order: the features, then the columns of the strongest pairs, then
/// others as far as there is room.
fn choose(
    found: &Correlations,
    telling: &[usize],
    features: &[String],
    pairs: &[(usize, usize, f64)],
) -> Vec<usize> {
    let of_features = telling.iter().copied().filter(|&i| features.contains(&found.columns[i]));
    let of_pairs = pairs.iter().take(PAIRS).flat_map(|&(i, j, _)| [i, j]);
    let mut chosen = Vec::new();
    for place in of_features.chain(of_pairs).chain(telling.iter().copied()) {
        if chosen.len() == CELLS {
            break;
        }
        if !chosen.contains(&place) {
            chosen.push(place);
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::{CELLS, choose, pairs, telling};
    use crate::describe::Correlations;

    /// Columns without any correlation but the one of each with itself.
    fn unrelated(columns: usize) -> Correlations {
        let line = |i: usize| (0..columns).map(|j| Some(if i == j { 1.0 } else { 0.0 })).collect();
        Correlations {
            matrix: (0..columns).map(line).collect(),
            top: Vec::new(),
            columns: (0..columns).map(|i| format!("c{i}")).collect(),
        }
    }

    fn set(found: &mut Correlations, i: usize, j: usize, r: Option<f64>) {
        found.matrix[i][j] = r;
        found.matrix[j][i] = r;
    }

    #[test]
    fn features_and_strong_pairs_come_before_other_columns() {
        let mut found = unrelated(60);
        set(&mut found, 55, 58, Some(-0.9));
        let all: Vec<usize> = (0..60).collect();
        let strongest = pairs(&found, &all);
        assert_eq!(strongest[0], (55, 58, -0.9));
        let chosen = choose(&found, &all, &["c59".into(), "unknown".into()], &strongest);
        assert_eq!(chosen.len(), CELLS);
        assert_eq!(chosen[CELLS - 3..], [55, 58, 59]);
        assert_eq!(chosen[0], 0);
    }

    #[test]
    fn columns_that_tell_nothing_of_their_own_are_left_out() {
        let mut found = unrelated(6);
        // c1 is c3 in other units, c4 is constant, and c5 was made by a reduction.
        set(&mut found, 1, 3, Some(-1.0));
        (0..6).for_each(|j| set(&mut found, 4, j, None));
        let (kept, repeats) = telling(&found, &["c3".into()], &["c5"]);
        assert_eq!(kept, [0, 2, 3], "the feature stands for its copy");
        assert_eq!(repeats, [(1, 3)]);
        set(&mut found, 1, 3, Some(0.99));
        assert_eq!(telling(&found, &["c3".into()], &["c5"]).0, [0, 1, 2, 3]);
    }
}
