//! Figures behind a table with no more digits than the table shows: a share with all its digits, times the number of rows, would
//! be a count that nobody is to know.

use crate::report::chart::{DataTable, Datum};
use crate::report::page::content::Section;

/// Rounds the values behind all tables of some sections to what a person reads.
pub(in crate::report::page) fn round(sections: &mut [Section]) {
    sections.iter_mut().for_each(|section| section.each_table(&mut of_table));
}

fn of_table(table: &mut DataTable) {
    for cell in table.rows.iter_mut().flatten() {
        cell.value = cell.value.map(|value| as_shown(value, cell));
    }
}

/// The number that a cell shows, in the units of its value.
fn as_shown(value: f64, cell: &Datum) -> f64 {
    let text: String = cell.text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let (below, text) = text.strip_prefix('<').map_or((false, text.as_str()), |rest| (true, rest));
    let number = text.trim_end_matches('%');
    let as_number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    // Shares and points are written in hundredths.
    let (Some(whole), Some(hundredths)) = (as_number(number), as_number(&format!("{number}e-2"))) else {
        return as_number(&format!("{value:.3e}")).unwrap_or(value);
    };
    let near = |one: f64| (one - value).abs();
    let shown = if text.ends_with('%') || near(hundredths) < near(whole) { hundredths } else { whole };
    // What is less than the smallest number that is written stands halfway to it.
    if below { shown / 2.0 } else { shown }
}

#[cfg(test)]
mod tests {
    use super::as_shown;
    use crate::report::chart::{Datum, Unit};
    use crate::report::figures::among;

    #[test]
    fn values_have_the_digits_of_their_texts() {
        let cases = [
            (0.0000178404, "< 0.1 %", 0.0005),
            (0.4061234, "40.6 %", 0.406),
            (0.0153, "+1.5", 0.015),
            (-0.0004, "-0.0", 0.0),
            (1234.0, "1,234", 1234.0),
            (0.12345, "0.123", 0.123),
            (7.0, "7 Beginners", 7.0),
            (1_234_567_890.0, "1.235 bn", 1_235_000_000.0),
        ];
        for (value, text, expected) in cases {
            assert_eq!(as_shown(value, &Datum::number(value, text)), expected, "{text}");
        }
    }

    #[test]
    fn rounding_moves_no_value_beyond_its_text() {
        for unit in [Unit::Number, Unit::Count, Unit::Share, Unit::Points, Unit::Score] {
            for value in [0.0_f64, 1.0, 0.5, 0.123_456, 0.999_9, 12.345_67, 98_765.4, 1.5e7] {
                let value = if unit == Unit::Count { value.round() } else { value };
                let text = unit.format(value);
                let shown = as_shown(value, &Datum::number(value, text.clone()));
                assert_eq!(unit.format(shown), text, "{value} {shown}");
            }
        }
        let (value, text) = (60_301.4, among(60_301.4, 900_000.0));
        assert_eq!(as_shown(value, &Datum::number(value, text)), 60_301.0);
    }
}
