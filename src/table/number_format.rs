//! Numbers as people write them: with a decimal comma, separated thousands, a currency sign or a per cent sign.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::table::Values;
use crate::table::missing::Nulls;

/// How a column's numbers are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberFormat {
    /// What separates whole numbers from fractions: `.` or `,`.
    pub decimal: char,
    /// What may separate groups of thousands. A space stands for every kind of blank, `'` also for `’`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Texts that are taken out of a cell before it is read, such as `€`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strip: Vec<String>,
}

/// A reading that was found in a table, and a cell of the column for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedFormat {
    /// How the numbers are written.
    pub format: NumberFormat,
    /// A cell of the column that shows it, or nothing where the numbers look as usual.
    pub example: String,
}

/// What the texts of a column come to as numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InferredFormat {
    /// Some text is no number.
    No,
    /// All are numbers under one reading.
    Number(DetectedFormat),
    /// All are numbers, but whether their comma or point separates decimals or thousands cannot be told. The text is
    /// an example.
    Ambiguous(String),
}

/// Signs and abbreviations that may stand beside a number; longer ones first where one contains another.
const SYMBOLS: [&str; 29] = [
    "US$", "R$", "A$", "C$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₪", "₫", "₱", "₦", "฿", "%",
    "EUR", "USD", "GBP", "CHF", "JPY", "INR", "CNY", "zł", "Kč", "kr",
];

impl Default for NumberFormat {
    /// As programs write numbers: `1234.5`.
    fn default() -> Self {
        NumberFormat { decimal: '.', thousands: None, strip: Vec::new() }
    }
}

impl NumberFormat {
    /// The usual reading with this decimal sign: the other of comma and point separates thousands.
    pub fn with_decimal(decimal: char) -> Self {
        let other = if decimal == ',' { '.' } else { ',' };
        NumberFormat { decimal, thousands: Some(other), strip: Vec::new() }
    }

    /// Whether this is how programs write numbers.
    pub fn is_plain(&self) -> bool {
        *self == NumberFormat::default()
    }

    /// Whether it can be read by; a person may have written it.
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

    /// A number that is written so.
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

    /// The numbers of a column of texts, all of which are numbers; what `nulls` names is missing.
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

    /// The number that a text stands for; none where it is not one, or not a finite one.
    pub fn parse(&self, text: &str) -> Option<f64> {
        self.value(text, true)
    }

    /// The same; digits with a leading zero, such as `007`, are numbers only where `codes` says so.
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
        // Rust wants a digit on one side of the point only, as we do.
        plain.parse().ok().filter(|v: &f64| v.is_finite())
    }

    /// Adds a whole number's digits, without what separates its thousands.
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
        // India writes 12,34,567.
        let inside = |g: &&str| g.len() == 3 || g.len() == 2 && thousands == ',';
        let sizes = (1..=3).contains(&first.len()) && last.len() == 3 && middle.iter().all(inside);
        if !sizes || first.starts_with('0') || !groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        groups.iter().for_each(|g| to.push_str(g));
        Some(())
    }

    /// How a column with these texts writes its numbers. `decimal` is the decimal sign where somebody said it.
    ///
    /// One reading must fit all texts. Where both a decimal comma and a decimal point would do, and they give
    /// different numbers, nothing is decided.
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
        // Where no text has a separator of thousands all three are left; the usual one comes first.
        let Some(format) = candidates.into_iter().next() else { return InferredFormat::No };
        let signs = |text: &&String| text.chars().filter(|c| !c.is_ascii_digit()).count();
        let example = texts.iter().rev().max_by_key(signs).cloned().unwrap_or_default();
        InferredFormat::Number(DetectedFormat { format, example })
    }
}

/// The one symbol that stands in some of the texts, if there is one. `None` where the first text that is not plain
/// shows that these are no numbers.
fn symbol_of(texts: &[String]) -> Option<Option<&'static str>> {
    let digit = |text: &String| text.bytes().any(|b| b.is_ascii_digit());
    // Most texts are words, and are told from numbers here.
    if !texts.first().is_some_and(digit) {
        return None;
    }
    let usual = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-−.,'’()eE".contains(c);
    let Some(odd) = texts.iter().find(|text| !text.chars().all(usual)) else { return Some(None) };
    SYMBOLS.into_iter().find(|symbol| odd.contains(symbol)).map(Some)
}

/// A text without its sign, and the sign: `-` also for a number in parentheses.
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
