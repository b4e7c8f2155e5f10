//! What each column has: its type, what is missing, its quantiles.

use crate::describe::{ColumnDescription, Figures};
use crate::report::chart::{Datum, Unit};
use crate::report::figures::{count, percent, whole};
use crate::report::page::content::Block;
use crate::report::page::facts::Facts;
use crate::report::page::sections::parts::{datum, table};

/// How many columns are listed.
const MOST: usize = 400;

/// The table, folded, if the columns were described.
pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let Some(found) = facts.outcome.description.as_ref().filter(|found| !found.columns.is_empty()) else {
        return Vec::new();
    };
    let columns = [
        ("column", false),
        ("type", false),
        ("missing", true),
        ("different", true),
        ("1 %", true),
        ("5 %", true),
        ("median", true),
        ("95 %", true),
        ("99 %", true),
        ("mean", true),
        ("remark", false),
    ];
    let rows = found.columns.iter().take(MOST).map(|one| row(facts, one)).collect();
    let mut inside = vec![table("described", "The columns of the prepared table", &columns, rows)];
    inside.push(Block::Note(
        "Columns with much missing or with a single value tell little. Between the 5 % and the 95 % quantile lie nine tenths \
         of the values. The smallest and the largest value are those of single rows and are not shown."
            .into(),
    ));
    if found.columns.len() > MOST {
        let left = whole((found.columns.len() - MOST) as u64);
        inside.push(Block::Note(format!("{left} more columns are in metrics.json only.")));
    }
    if let Some(why) = &found.not_correlated {
        inside.push(Block::Note(format!("There are no correlations: {why}.")));
    }
    vec![Block::Details(format!("All {}, described", count(found.columns.len(), "column")), inside)]
}

fn row(facts: &Facts<'_>, found: &ColumnDescription) -> Vec<Datum> {
    let (numbers, remark) = match &found.figures {
        Figures::Numbers(of) => ([of.p1, of.p5, of.median, of.p95, of.p99, of.mean], String::new()),
        Figures::Booleans { true_share } => {
            ([None; 6], true_share.map_or_else(String::new, |share| format!("true: {}", percent(share))))
        }
        Figures::Texts(of) => {
            let most = of.top.first().map(|one| format!("{} ({})", one.value, percent(one.share)));
            ([None; 6], most.map_or_else(String::new, |most| format!("most often {most}")))
        }
        Figures::Empty {} => ([None; 6], "empty".into()),
    };
    let remark = if found.key { "looks like a key".into() } else { remark };
    let mut cells = vec![
        Datum::text(found.column.as_str()),
        Datum::text(found.kind.as_ref()),
        datum(Some(found.missing_share), &Unit::Share),
        datum(Some(found.distinct as f64), &Unit::Count),
    ];
    let (hidden, unit) = (found.key, facts.unit(&found.column));
    cells.extend(numbers.map(|value| datum(value.filter(|_| !hidden), &unit)));
    cells.push(Datum::text(remark));
    cells
}
