//! One condition of a rule: what it says about a column, whether a row meets it, and how it reads.

use crate::table::Values;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A condition on one column of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The column's name.
    pub column: String,
    /// What has to hold for a row's cell.
    #[serde(flatten)]
    pub test: Test,
}

/// What a condition asks of a cell. In JSON the variant's name is the key, as in `"is": "Tier 1"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// A number between two bounds, of which one may be absent. A missing cell does not meet it.
    Range(Range),
    /// The text is this one. Booleans are the texts `true` and `false`.
    Is(String),
    /// The text is another one, or the cell is missing.
    IsNot(String),
    /// The cell is missing (`true`), or it is not (`false`).
    Missing(bool),
}

/// The numbers from `at_least`, included, up to `below`, excluded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The lower bound, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The upper bound, excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// Whether the column holds whole numbers only, so that `4 <= x < 5` reads `x = 4`.
    #[serde(skip)]
    pub whole: bool,
}

impl Range {
    /// Whether a number is in the range; NaN is in none.
    pub fn contains(&self, value: f64) -> bool {
        !value.is_nan() && self.at_least.is_none_or(|t| value >= t) && self.below.is_none_or(|t| value < t)
    }
}

impl Test {
    /// Whether the cell in `row` of a column meets the condition. In a column of another type, every cell counts as
    /// missing.
    pub fn holds(&self, values: &Values, row: usize) -> bool {
        match self {
            Test::Range(range) => range.contains(values.number(row).unwrap_or(f64::NAN)),
            Test::Is(level) => is_level(values, row, level),
            Test::IsNot(level) => !is_level(values, row, level),
            Test::Missing(missing) => values.is_missing(row) == *missing,
        }
    }
}

fn is_level(values: &Values, row: usize, level: &str) -> bool {
    match values {
        Values::Bool(cells) => {
            cells.get(row).copied().flatten().is_some_and(|cell| level == if cell { "true" } else { "false" })
        }
        Values::Text { levels, codes } => {
            let code = codes.get(row).copied().flatten();
            code.and_then(|code| levels.get(code as usize)).is_some_and(|found| found == level)
        }
        _ => false,
    }
}

impl std::fmt::Display for Condition {
    /// The condition in words: `experience >= 15`, `15 <= age < 20`, `role = "Data Scientist"`, `pay is missing`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let column = quoted(&self.column);
        match &self.test {
            Test::Range(Range { at_least: Some(low), below: Some(high), whole: true })
                if high - low == 1.0 =>
            {
                write!(f, "{column} = {}", number(*low))
            }
            Test::Range(Range { at_least: Some(low), below: Some(high), .. }) => {
                write!(f, "{} <= {column} < {}", number(*low), number(*high))
            }
            Test::Range(Range { at_least: Some(low), .. }) => write!(f, "{column} >= {}", number(*low)),
            Test::Range(Range { below: Some(high), .. }) => write!(f, "{column} < {}", number(*high)),
            Test::Range(_) => write!(f, "{column} is not missing"),
            Test::Is(level) => write!(f, "{column} = {}", quoted(level)),
            Test::IsNot(level) => write!(f, "{column} is not {}", quoted(level)),
            Test::Missing(true) => write!(f, "{column} is missing"),
            Test::Missing(false) => write!(f, "{column} is not missing"),
        }
    }
}

/// A number with all its digits; from 10,000 on the whole part has separators, so that years have none.
fn number(value: f64) -> String {
    let value = value + 0.0;
    let size = value.abs();
    if value != 0.0 && !(1e-6..1e15).contains(&size) {
        return format!("{value:e}");
    }
    let text = size.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::from(if value < 0.0 { "-" } else { "" });
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A column's name or a text, in quotes unless it is one plain word that nobody could take for something else.
fn quoted(text: &str) -> String {
    const WORDS: [&str; 4] = ["and", "is", "not", "missing"];
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '#' | '%');
    let word = !text.is_empty() && text.chars().all(plain) && !WORDS.contains(&text);
    if word && (text.parse::<f64>().is_err() || text.chars().any(|c| c.is_alphabetic())) {
        return text.to_string();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if steers(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{}", c.escape_default());
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a character can break a line or control a terminal.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Condition, Range, Test};
    use crate::table::Values;

    fn text(column: &str, test: Test) -> String {
        Condition { column: column.into(), test }.to_string()
    }

    fn range(at_least: Option<f64>, below: Option<f64>, whole: bool) -> Test {
        Test::Range(Range { at_least, below, whole })
    }

    #[test]
    fn conditions_read_as_a_person_writes_them() {
        assert_eq!(text("ctc_lpa", range(None, Some(40.0), false)), "ctc_lpa < 40");
        assert_eq!(text("orgyear", range(Some(2016.0), None, true)), "orgyear >= 2016");
        assert_eq!(
            text("ctc", range(Some(-1_250_000.5), Some(12_345.0), false)),
            "-1,250,000.5 <= ctc < 12,345"
        );
        assert_eq!(text("n", range(Some(4.0), Some(5.0), true)), "n = 4");
        assert_eq!(text("x", range(Some(4.0), Some(5.0), false)), "4 <= x < 5");
        assert_eq!(text("x", range(Some(0.000_000_01), None, false)), "x >= 1e-8");
        assert_eq!(text("x", range(Some(-0.0), None, false)), "x >= 0");
        assert_eq!(text("role", Test::Is("Data Scientist".into())), "role = \"Data Scientist\"");
        assert_eq!(text("role", Test::IsNot("C++".into())), "role is not C++");
        assert_eq!(text("years of work", Test::Missing(true)), "\"years of work\" is missing");
        assert_eq!(text("pay", Test::Missing(false)), "pay is not missing");
        // What could be read as a number, a word of the language, or a line break.
        assert_eq!(text("code", Test::Is("007".into())), "code = \"007\"");
        assert_eq!(text("x", Test::Is("missing".into())), "x = \"missing\"");
        assert_eq!(text("x", Test::Is(String::new())), "x = \"\"");
        assert_eq!(text("x", Test::Is("a\"b\nc\u{202e}".into())), r#"x = "a\"b\nc\u{202e}""#);
    }

    #[test]
    fn a_missing_cell_meets_only_what_can_be_said_of_it() {
        let numbers = Values::Number(vec![1.0, f64::NAN]);
        for test in [range(Some(0.0), None, false), range(None, Some(9.0), false)] {
            assert!(test.holds(&numbers, 0) && !test.holds(&numbers, 1) && !test.holds(&numbers, 2));
        }
        let texts = Values::Text { levels: vec!["a".into()], codes: vec![Some(0), None] };
        assert!(Test::Is("a".into()).holds(&texts, 0) && !Test::Is("a".into()).holds(&texts, 1));
        assert!(!Test::IsNot("a".into()).holds(&texts, 0) && Test::IsNot("a".into()).holds(&texts, 1));
        assert!(Test::Missing(true).holds(&texts, 1) && Test::Missing(false).holds(&texts, 0));
        let flags = Values::Bool(vec![Some(true), Some(false), None]);
        let held = |level: &str| [0, 1, 2].map(|row| Test::Is(level.into()).holds(&flags, row));
        assert_eq!((held("true"), held("false")), ([true, false, false], [false, true, false]));
    }

    #[test]
    fn json_names_what_is_asked() {
        let json = |test| serde_json::to_string(&Condition { column: "x".into(), test }).unwrap_or_default();
        assert_eq!(json(range(Some(15.0), None, true)), r#"{"column":"x","range":{"at_least":15.0}}"#);
        assert_eq!(json(Test::Is("a".into())), r#"{"column":"x","is":"a"}"#);
        assert_eq!(json(Test::Missing(false)), r#"{"column":"x","missing":false}"#);
    }
}
