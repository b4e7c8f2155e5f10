//! Numbers in the notation that people use: with a decimal comma, thousands separators, a currency symbol or a percent
//! sign.
//!
//! Spreadsheet exports contain amounts such as `1.234,50 €`. This module infers one format for a whole column, so that
//! `1,234` is never read as two different numbers in the same column, and applies the same format to later tables.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::table::Values;
use crate::table::missing::Nulls;

/// How the numbers of a column are written. For example, `1.234,50 €` has the decimal sign `,`, the thousands separator
/// `.` and the symbol `€` to strip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberFormat {
    /// The decimal sign, `.` or `,`.
    pub decimal: char,
    /// The character that may separate thousands. A space stands for every kind of whitespace, and `'` also for `’`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Texts to remove from a cell before parsing it, such as `€`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strip: Vec<String>,
}

/// A number format that was found in a table, with an example to show to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedFormat {
    /// How the numbers are written.
    pub format: NumberFormat,
    /// A cell of the column that shows the format; empty if the numbers look plain.
    pub example: String,
}

/// The result of inferring a number format from the texts of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InferredFormat {
    /// Some text is not a number.
    No,
    /// One format fits all texts.
    Number(DetectedFormat),
    /// All texts are numbers, but it is unclear whether their comma or point is a decimal sign or separates thousands,
    /// as in `1,234`. The value is one of these texts.
    Ambiguous(String),
}

/// Symbols and abbreviations that may stand next to a number. If one contains another, the longer one comes first.
const SYMBOLS: [&str; 29] = [
    "US$", "R$", "A$", "C$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₪", "₫", "₱", "₦", "฿", "%",
    "EUR", "USD", "GBP", "CHF", "JPY", "INR", "CNY", "zł", "Kč", "kr",
];

impl Default for NumberFormat {
    /// The notation of programs: `1234.5`.
    fn default() -> Self {
        NumberFormat { decimal: '.', thousands: None, strip: Vec::new() }
    }
}

impl NumberFormat {
    /// The most common format with this decimal sign: the other one of comma and point separates thousands.
    pub fn with_decimal(decimal: char) -> Self {
        let other = if decimal == ',' { '.' } else { ',' };
        NumberFormat { decimal, thousands: Some(other), strip: Vec::new() }
    }

    /// Whether this is the notation of programs, `1234.5`.
    pub fn is_plain(&self) -> bool {
        *self == NumberFormat::default()
    }

    /// Checks that the format is usable; it may come from a hand-written file.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if !matches!(self.decimal, '.' | ',') {
            return Err(format!("expected \".\" or \",\" as the decimal sign, found {:?}", self.decimal));
        }
        match self.thousands {
            Some(t) if t == self.decimal => {
                Err(format!("decimals and thousands are both separated by {t:?}"))
            }
            Some(t) if t.is_alphanumeric() || matches!(t, '+' | '-' | '(' | ')') => {
                Err(format!("thousands cannot be separated by {t:?}"))
            }
            _ if self.strip.iter().any(String::is_empty) => Err("there is nothing to strip in \"\"".into()),
            _ => Ok(()),
        }
    }

    /// An example of a number in this format, such as `1.234,5 €`.
    pub fn example(&self) -> String {
        let thousands = self.thousands.map_or(String::new(), String::from);
        let number = format!("1{thousands}234{}5", self.decimal);
        match self.strip.first() {
            Some(sign) if sign.contains('$') || sign == "£" => format!("{sign}{number}"),
            Some(sign) if sign == "%" => format!("{number}%"),
            Some(sign) => format!("{number} {sign}"),
            None => number,
        }
    }

    /// Converts a column of text into numbers. Every text must be a number in this format; the numbers that `nulls`
    /// lists become missing.
    pub(super) fn numbers(&self, levels: &[String], codes: &[Option<u32>], nulls: &Nulls) -> Values {
        let number = |level: &String| {
            self.parse(level).filter(|v| !nulls.is_number(*v) && v.is_finite()).unwrap_or(f64::NAN)
        };
        let of: Vec<f64> = levels.iter().map(number).collect();
        if of.iter().all(|v| v.is_nan()) {
            return Values::Empty(codes.len());
        }
        let value = |code: &Option<u32>| code.and_then(|c| of.get(c as usize).copied()).unwrap_or(f64::NAN);
        Values::Number(codes.iter().map(value).collect())
    }

    /// Parses a text. `None` if it is not a finite number in this format.
    pub fn parse(&self, text: &str) -> Option<f64> {
        self.value(text, true)
    }

    /// Parses a text as [`NumberFormat::parse`] does. Digits with a leading zero, such as `007`, are accepted only if
    /// `codes` is true.
    fn value(&self, text: &str, codes: bool) -> Option<f64> {
        let mut rest = Cow::Borrowed(text);
        for strip in &self.strip {
            if rest.contains(strip.as_str()) {
                rest = Cow::Owned(rest.replace(strip.as_str(), ""));
            }
        }
        let (body, sign) = signed(rest.trim());
        if sign == Some('+') && self.thousands == Some(' ') && !codes && body.contains(char::is_whitespace) {
            return None; // a telephone number
        }
        let mut plain = String::with_capacity(body.len() + 1);
        if sign == Some('-') {
            plain.push('-');
        }
        let (mantissa, exponent) = match body.find(['e', 'E']) {
            Some(at) => (&body[..at], Some(&body[at + 1..])),
            None => (body, None),
        };
        let (whole, fraction) = match mantissa.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let before = plain.len();
        self.push_whole(whole, codes, &mut plain)?;
        let whole_digits = plain.len() - before;
        if exponent.is_some() && whole_digits != whole.len() {
            return None;
        }
        let fraction = fraction.unwrap_or("");
        if !fraction.bytes().all(|b| b.is_ascii_digit()) || whole_digits + fraction.len() == 0 {
            return None;
        }
        plain.push('.');
        plain.push_str(fraction);
        if let Some(exponent) = exponent {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            plain.push('e');
            plain.push_str(exponent);
        }
        // Rust's parser needs a digit on only one side of the point (`.5`, `5.`), which is what we want as well.
        plain.parse().ok().filter(|v: &f64| v.is_finite())
    }

    /// Appends the digits before the decimal sign to `to`, without thousands separators. `None` if they are not validly
    /// grouped, or if they are a code such as `007` and `codes` is false.
    fn push_whole(&self, whole: &str, codes: bool, to: &mut String) -> Option<()> {
        if whole.bytes().all(|b| b.is_ascii_digit()) {
            to.push_str(whole);
            return (codes || whole.len() < 2 || !whole.starts_with('0')).then_some(());
        }
        let thousands = self.thousands?;
        let separates = |c: char| match thousands {
            ' ' => c.is_whitespace(),
            '\'' | '’' => matches!(c, '\'' | '’'),
            t => c == t,
        };
        let groups: Vec<&str> = whole.split(separates).collect();
        let (first, rest) = groups.split_first()?;
        let (last, middle) = rest.split_last()?;
        // In India, numbers are grouped as in 12,34,567.
        let inside = |g: &&str| g.len() == 3 || g.len() == 2 && thousands == ',';
        let sizes = (1..=3).contains(&first.len()) && last.len() == 3 && middle.iter().all(inside);
        if !sizes || first.starts_with('0') || !groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        groups.iter().for_each(|g| to.push_str(g));
        Some(())
    }

    /// Infers how the numbers of a column with these texts are written. `decimal` is the decimal sign, if the caller
    /// specified it.
    ///
    /// One format must fit all texts. If both a decimal comma and a decimal point are possible and would give different
    /// numbers, the result is [`InferredFormat::Ambiguous`].
    pub fn infer(texts: &[String], decimal: Option<char>) -> InferredFormat {
        let Some(symbol) = symbol_of(texts) else { return InferredFormat::No };
        let strip: Vec<String> = symbol.into_iter().map(String::from).collect();
        let mut candidates: Vec<NumberFormat> = ['.', ',']
            .into_iter()
            .filter(|d| decimal.is_none_or(|wanted| wanted == *d))
            .flat_map(|decimal| {
                let usual = NumberFormat::with_decimal(decimal).thousands;
                let thousands = [usual, Some(' '), Some('\'')];
                let strip = &strip;
                thousands.map(|thousands| NumberFormat { decimal, thousands, strip: strip.clone() })
            })
            .collect();
        for text in texts {
            candidates.retain(|format| match format.value(text, false) {
                Some(value) => symbol != Some("%") || value == 0.0 || text.contains('%'),
                None => false,
            });
            if candidates.is_empty() {
                return InferredFormat::No;
            }
        }
        let undecided = |text: &&String| text.contains(['.', ',']);
        let both = candidates.iter().any(|r| r.decimal == '.') && candidates.iter().any(|r| r.decimal == ',');
        if both && let Some(example) = texts.iter().find(undecided) {
            return InferredFormat::Ambiguous(example.clone());
        }
        // If no text has a thousands separator, all three separators remain; the most common one comes first.
        let Some(format) = candidates.into_iter().next() else { return InferredFormat::No };
        let signs = |text: &&String| text.chars().filter(|c| !c.is_ascii_digit()).count();
        let example = texts.iter().rev().max_by_key(signs).cloned().unwrap_or_default();
        InferredFormat::Number(DetectedFormat { format, example })
    }
}

/// Finds the symbol, such as `€`, that some of the texts contain: `Some(None)` if there is none. Returns `None` if the
/// texts cannot all be numbers.
fn symbol_of(texts: &[String]) -> Option<Option<&'static str>> {
    let digit = |text: &String| text.bytes().any(|b| b.is_ascii_digit());
    // A fast exit: most columns of text consist of words without digits.
    if !texts.first().is_some_and(digit) {
        return None;
    }
    let usual = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-−.,'’()eE".contains(c);
    let Some(odd) = texts.iter().find(|text| !text.chars().all(usual)) else { return Some(None) };
    SYMBOLS.into_iter().find(|symbol| odd.contains(symbol)).map(Some)
}

/// Splits off the sign. A number in parentheses is negative, as in accounting.
fn signed(text: &str) -> (&str, Option<char>) {
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        return (inner.trim(), Some('-'));
    }
    if let Some(rest) = text.strip_prefix(['-', '−']) {
        return (rest.trim_start(), Some('-'));
    }
    match text.strip_prefix('+') {
        Some(rest) => (rest.trim_start(), Some('+')),
        None => (text, None),
    }
}
