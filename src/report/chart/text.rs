//! How wide a text is, and how it becomes shorter. The font is the reader's own, so a width is an estimate that is larger than
//! that of most fonts.

use crate::report::figures::plain;
use unicode_width::UnicodeWidthChar;

/// The size of all texts of a chart, in pixels.
pub const SIZE: f64 = 13.0;

/// About how wide a text is, in pixels.
pub fn width(text: &str) -> f64 {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> f64 {
    let ems = match c {
        ' ' | 'i' | 'j' | 'l' | '\'' | '.' | ',' | ':' | ';' | '|' | '!' => 0.33,
        'f' | 't' | 'r' | 'I' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '\u{2026}' => 0.98,
        'A'..='Z' | '&' | '<' | '>' | '+' | '=' | '~' | '#' => 0.75,
        ' '..='\u{7e}' => 0.62,
        _ => match c.width().unwrap_or(1) {
            // Marks above and below letters take no place, but so many of them that they hide the text are too many.
            0 => 0.1,
            1 => 0.78,
            _ => 1.4,
        },
    };
    SIZE * ems
}

/// The width of the widest of some texts, or `most` if that is less.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, most: f64) -> f64 {
    texts.into_iter().map(|text| width(&shorten(text, most))).fold(0.0, f64::max)
}

/// A text of one line that is at most `room` pixels wide: one that is wider loses its middle. Characters that would steer the
/// drawing, such as those that turn the direction of writing, are spelled out.
pub fn shorten(text: &str, room: f64) -> String {
    let text = plain(text);
    if width(&text) <= room {
        return text;
    }
    let ellipsis = '\u{2026}';
    let half = ((room - char_width(ellipsis)) / 2.0).max(0.0);
    let mut head = String::new();
    let mut used = 0.0;
    for c in text.chars() {
        used += char_width(c);
        if used > half {
            break;
        }
        head.push(c);
    }
    let mut tail = Vec::new();
    used = 0.0;
    for c in text.chars().rev() {
        used += char_width(c);
        if used > half {
            break;
        }
        tail.push(c);
    }
    // A mark without its letter would sit on the ellipsis.
    while tail.last().is_some_and(|&c| joins(c)) {
        tail.pop();
    }
    let head = head.trim_end_matches(['\u{200d}', ' ']);
    let tail: String = tail.into_iter().rev().collect();
    format!("{head}{ellipsis}{}", tail.trim_start())
}

fn joins(c: char) -> bool {
    !c.is_control() && c.width() == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stay_and_long_ones_lose_their_middle() {
        assert_eq!(shorten("salary", 100.0), "salary");
        let long = "the quick brown fox jumps over the lazy dog ".repeat(7);
        let short = shorten(&long, 150.0);
        assert!(width(&short) <= 150.0 && width(&short) > 120.0, "{short}");
        assert!(short.starts_with("the quick") && short.ends_with("dog") == long.ends_with("dog"), "{short}");
        assert_eq!(shorten("a\u{202e}b", 200.0), "a\\u{202e}b");
        assert_eq!(shorten("abcdef", 0.0), "\u{2026}");
    }

    #[test]
    fn a_text_of_marks_alone_is_cut_as_well() {
        let marks = "e\u{301}".repeat(300);
        let short = shorten(&marks, 100.0);
        assert!(short.chars().count() < 60, "{}", short.chars().count());
        let (_, tail) = short.split_once('\u{2026}').unwrap();
        assert!(!tail.starts_with('\u{301}'));
    }
}
