//! Formats numbers and names for people. JSON has all digits and the unchanged texts instead.

/// `1,234,567`.
pub fn whole(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Four significant digits: `0.01235`, `70.38`, `1,234,568`; very large and very small numbers get an exponent.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    if size >= 999.95 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", whole(size.round() as u64));
    }
    format!("{value:.*}", (3 - first_digit(size)).clamp(0, 8) as usize)
}

/// A year such as `2017`, or a mean of years such as `2017.5`: no separator, and one decimal where there is a fraction.
pub fn year(value: f64) -> String {
    if value.abs() >= 1e6 || !value.is_finite() {
        return brief(value);
    }
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(String::from).unwrap_or(text)
}

/// As [`number`], without zeros at the end of a fraction: `60`, `0.75`.
pub fn brief(value: f64) -> String {
    let text = number(value);
    if !text.contains('.') || text.contains('e') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A number with the digits that matter among numbers that spread by `spread`: down to about a hundredth of it.
pub fn among(value: f64, spread: f64) -> String {
    let decimals = if spread > 0.0 && spread.is_finite() { 2 - first_digit(spread) } else { i32::MAX };
    if decimals > 8 || !value.is_finite() || value.abs() >= 1e15 {
        return number(value);
    }
    let text = format!("{:.*}", decimals.max(0) as usize, value.abs());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if value < 0.0 && text.contains(|c: char| ('1'..='9').contains(&c)) { "-" } else { "" };
    let integer = integer.parse().map_or_else(|_| integer.to_string(), whole);
    if fraction.is_empty() { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}

/// The decimal exponent of the number once it is rounded to four digits.
fn first_digit(size: f64) -> i32 {
    let shown = format!("{size:.3e}");
    shown.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// A share as `40.6 %`; a positive one that would round to zero is `< 0.1 %`.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 0.05 { "< 0.1 %".into() } else { format!("{percent:.1} %") }
}

/// A difference with its sign and one decimal: `+1.5`, `-0.3`, `+0.0`.
pub fn signed(value: f64) -> String {
    format!("{:+.1}", (10.0 * value).round() / 10.0 + 0.0)
}

/// A score such as a silhouette.
pub fn score(value: f64) -> String {
    let text = format!("{value:.3}");
    // Not the sign of what is rounded away.
    if text == "-0.000" { "0.000".into() } else { text }
}

/// `1 row`, `2 rows`, `205,843 rows`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{} {what}s", whole(n as u64)) }
}

/// `2.5 s`, `40 s`, `3 minutes`, `2 hours`.
pub fn duration(seconds: f64) -> String {
    let plural = |n: f64, what: &str| count(n.round().max(1.0) as usize, what);
    match seconds {
        s if s < 9.5 => format!("{s:.1} s"),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => plural(s / 60.0, "minute"),
        s if s < 172_800.0 => plural(s / 3600.0, "hour"),
        s => plural(s / 86_400.0, "day"),
    }
}

/// A name with its control characters escaped, so that it can neither control the terminal nor break a line.
pub fn plain(name: &str) -> String {
    if !name.chars().any(steers) {
        return name.to_string();
    }
    name.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// The same for a message of several lines.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Whether a character can control a terminal: control characters, line separators and direction marks.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
