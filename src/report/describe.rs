//! What is in a table, as text for people.

use super::figures::{among, count, number, percent, plain, whole};
use super::profile::WIDTH;
use super::sheet::{Kind, Sheet, wrapped};
use crate::describe::{
    ColumnDescription, Correlations, Duplicates, Figures, NumericFigures, Pair, TableDescription,
};

/// A matrix of more columns than this does not fit a terminal.
const MATRIX: usize = 12;

/// Of a table with more keys than this, the others are only counted.
const MOST_KEYS: usize = 12;

/// A description as tables: numbers, then texts, duplicates, and correlations.
pub fn text(found: &TableDescription) -> String {
    let parts =
        [numbers(&found.columns), others(&found.columns), duplicates(&found.duplicates), correlations(found)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn missing(column: &ColumnDescription) -> String {
    if column.missing == 0 { "-".into() } else { percent(column.missing_share) }
}

/// A figure that may not be there.
fn or_dash(figure: Option<f64>, show: impl Fn(f64) -> String) -> String {
    figure.map_or_else(|| "-".into(), show)
}

/// Skewness and kurtosis: two digits behind the point are enough to judge by.
fn shape(value: f64) -> String {
    if value.abs() < 1000.0 { signless(format!("{value:.2}")) } else { number(value) }
}

/// Without the sign of a number that was rounded to zero.
fn signless(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_string(),
        _ => text,
    }
}

/// The table of the columns of numbers; the moments of a key mean nothing.
fn numbers(columns: &[ColumnDescription]) -> String {
    let columns: Vec<(&ColumnDescription, &NumericFigures)> = columns
        .iter()
        .filter(|c| !c.key)
        .filter_map(|c| match &c.figures {
            Figures::Numbers(figures) => Some((c, &**figures)),
            _ => None,
        })
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    const HEADER: [&str; 14] = [
        "missing", "mean", "sd", "min", "1 %", "5 %", "25 %", "median", "75 %", "95 %", "99 %", "max",
        "skewness", "kurtosis",
    ];
    let header: Vec<(&str, Kind)> = std::iter::once(("numbers", Kind::Name))
        .chain(HEADER.iter().map(|name| (*name, Kind::Number)))
        .chain([("zeros", Kind::Number)])
        .collect();
    let mut sheet = Sheet::new(&header);
    for (column, f) in columns {
        let spread = f.sd.unwrap_or(0.0);
        let value = |v: f64| match f.whole && v.fract() == 0.0 && v.abs() < 1e15 {
            true => format!("{}{}", if v < 0.0 { "-" } else { "" }, whole(v.abs() as u64)),
            false => among(v, spread),
        };
        let mut row = vec![column.column.clone(), missing(column)];
        row.push(or_dash(f.mean, |v| among(v, spread)));
        row.push(or_dash(f.sd, |v| among(v, spread)));
        row.extend(
            [f.min, f.p1, f.p5, f.p25, f.median, f.p75, f.p95, f.p99, f.max].map(|v| or_dash(v, value)),
        );
        row.extend([f.skewness, f.kurtosis].map(|v| or_dash(v, shape)));
        row.push(or_dash(f.zeros, |v| if v == 0.0 { "-".into() } else { percent(v) }));
        sheet.row(row);
    }
    sheet.to_text_within(WIDTH)
}

/// The table of all other columns.
fn others(columns: &[ColumnDescription]) -> String {
    let columns: Vec<&ColumnDescription> =
        columns.iter().filter(|c| !matches!(c.figures, Figures::Numbers(_))).collect();
    if columns.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&[
        ("texts", Kind::Name),
        ("missing", Kind::Number),
        ("distinct", Kind::Number),
        ("commonest values, in how many rows", Kind::Prose),
    ]);
    for column in columns {
        let values = match &column.figures {
            _ if column.count == 0 => "all missing".into(),
            Figures::Booleans { true_share } => {
                or_dash(*true_share, |share| format!("true {}", percent(share)))
            }
            _ if column.key => "not shown: it looks like a key".into(),
            Figures::Texts(texts) => {
                let one = |common: &crate::describe::Common| {
                    format!("{} ({})", common.value, whole(common.count as u64))
                };
                let shown: Vec<String> = texts.top.iter().map(one).collect();
                let more = column.distinct.saturating_sub(shown.len());
                let more = (more > 0).then(|| format!("{} more", whole(more as u64)));
                let listed = Some(shown.join(", ")).filter(|listed| !listed.is_empty());
                listed.into_iter().chain(more).collect::<Vec<_>>().join("; ")
            }
            _ => String::new(),
        };
        sheet.row([column.column.clone(), missing(column), whole(column.distinct as u64), values]);
    }
    sheet.to_text_within(WIDTH)
}

/// Sentences about what repeats.
fn duplicates(found: &Duplicates) -> String {
    let rows = |n: usize| match n {
        0 => "no row repeats an earlier row".to_string(),
        1 => "1 row repeats an earlier row".to_string(),
        n => format!("{} repeat an earlier row", count(n, "row")),
    };
    let mut text = match &found.apart_from {
        None => format!("duplicates: {} in all of these columns\n", rows(found.rows)),
        Some(apart) => {
            let aside: Vec<String> = apart.columns.iter().map(|name| plain(name)).collect();
            format!("duplicates, leaving {} aside: {}\n", aside.join(", "), rows(apart.rows))
        }
    };
    for key in found.keys.iter().take(MOST_KEYS) {
        let repeated = match key.repeated {
            0 => "none repeats".to_string(),
            1 => "1 row repeats a value of an earlier row".to_string(),
            n => format!("{} repeat a value of an earlier row", count(n, "row")),
        };
        let values = count(key.distinct, "different value");
        text.push_str(&format!("key {}: {values}, {repeated}\n", plain(&key.column)));
    }
    if let Some(more) = found.keys.len().checked_sub(MOST_KEYS).filter(|&more| more > 0) {
        text.push_str(&format!("and {}\n", count(more, "more key")));
    }
    wrapped(&text, WIDTH)
}

/// A correlation.
fn r(value: f64) -> String {
    signless(format!("{value:.3}"))
}

/// The strongest correlations, and the matrix where it fits.
fn correlations(found: &TableDescription) -> String {
    let Some(correlations) = &found.correlations else {
        return match &found.not_correlated {
            Some(why) => wrapped(&format!("no correlations: {why}\n"), WIDTH),
            None => String::new(),
        };
    };
    let Correlations { columns, matrix, top } = correlations;
    let vary = |(i, row): (usize, &Vec<Option<f64>>)| row[..i].iter().any(Option::is_some);
    if !matrix.iter().enumerate().any(vary) {
        return "no correlations: no two columns of numbers vary together in any rows\n".into();
    }
    let some_missing = top.iter().any(|pair| pair.rows < found.rows);
    let mut header = vec![("correlation", Kind::Number), ("of", Kind::Name), ("and", Kind::Name)];
    if some_missing {
        header.push(("rows with both", Kind::Number));
    }
    let mut sheet = Sheet::new(&header).keyed_by(3);
    for Pair { a, b, r: value, rows } in top {
        let cells = [r(*value), a.clone(), b.clone()];
        sheet.row(cells.into_iter().chain(some_missing.then(|| whole(*rows as u64))));
    }
    let all = columns.len() * (columns.len() - 1) / 2;
    let cut = if top.len() < all {
        format!(", the strongest {} of {} pairs", top.len(), whole(all as u64))
    } else {
        String::new()
    };
    let mut text =
        format!("{}Pearson's r over all rows with both values{cut}\n", sheet.to_text_within(WIDTH));
    // Three columns have no more pairs than the list shows.
    if (4..=MATRIX).contains(&columns.len()) {
        let names: Vec<String> = (1..=columns.len()).map(|n| n.to_string()).collect();
        let header = names.iter().map(|name| (name.as_str(), Kind::Number));
        let header: Vec<(&str, Kind)> = std::iter::once(("", Kind::Name)).chain(header).collect();
        let mut sheet = Sheet::new(&header);
        for (i, (column, row)) in columns.iter().zip(matrix).enumerate() {
            let below = row.iter().take(i + 1).map(|&value| or_dash(value, r));
            sheet.row(std::iter::once(format!("{} {column}", i + 1)).chain(below));
        }
        text.push_str(&format!("\n{}", sheet.to_text_within(WIDTH)));
    }
    text
}
