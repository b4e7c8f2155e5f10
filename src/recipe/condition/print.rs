//! Conditions as text, in the form that parses to the same condition.

use std::fmt::{self, Write as _};

use super::parse::{is_inside_word, is_keyword, is_word_start};
use super::{Node, Operand, Test};

pub(super) fn node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::All(nodes) => joined(nodes, " and ", f),
        Node::Any(nodes) => joined(nodes, " or ", f),
        Node::Not(inner) => {
            f.write_str("not ")?;
            part(inner, f)
        }
        Node::Test { column, test } => {
            write!(f, "{} ", column_name(column))?;
            self::test(test, f)
        }
    }
}

fn joined(nodes: &[Node], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        part(node, f)?;
    }
    Ok(())
}

/// A condition within another one: joined ones in parentheses.
fn part(inner: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !matches!(inner, Node::All(_) | Node::Any(_)) {
        return node(inner, f);
    }
    f.write_char('(')?;
    node(inner, f)?;
    f.write_char(')')
}

fn test(test: &Test, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match test {
        Test::Compare(operator, value) => write!(f, "{} {}", operator.word(), operand(value)),
        Test::In(is, values) => {
            let values: Vec<String> = values.iter().map(operand).collect();
            write!(f, "{}in [{}]", if *is { "" } else { "not " }, values.join(", "))
        }
        Test::Contains(parts) => match &parts[..] {
            [one] => write!(f, "contains {}", quoted(one, '\'')),
            several => {
                let parts: Vec<String> = several.iter().map(|part| quoted(part, '\'')).collect();
                write!(f, "contains any of [{}]", parts.join(", "))
            }
        },
        Test::Missing(true) => f.write_str("is missing"),
        Test::Missing(false) => f.write_str("is not missing"),
    }
}

pub(super) fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Number(value) => number(*value),
        Operand::Text(text) => quoted(text, '\''),
        Operand::Bool(value) => value.to_string(),
        Operand::Quantile(q) => format!("quantile({})", number(*q)),
        Operand::Median => "median".into(),
    }
}

/// A number with all its digits.
fn number(value: f64) -> String {
    let plain = value == 0.0 || (1e-6..1e15).contains(&value.abs());
    if plain { format!("{value}") } else { format!("{value:e}") }
}

/// A column's name, in backticks unless it is one word that means nothing else.
fn column_name(name: &str) -> String {
    let mut chars = name.chars();
    let word = chars.next().is_some_and(is_word_start) && chars.all(is_inside_word);
    if word && !is_keyword(name) { name.into() } else { quoted(name, '`') }
}

fn quoted(text: &str, quote: char) -> String {
    let mut out = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
            out.push(c);
        } else if steers(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push(quote);
    out
}

/// Whether a character can break a line or control a terminal.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
