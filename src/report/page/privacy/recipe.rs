//! A recipe without what its author did not write for everybody: comments, addresses, folders.

use super::HIDDEN;
use super::judge::Judge;
use super::look::{is_address, is_id};
use super::names::file_name;

/// A recipe as a report shows it: without comments, with [`HIDDEN`] in the place of words that look like an id, an address or a
/// hash, and with the names of files alone.
pub(super) fn shown(text: &str, judge: &Judge) -> String {
    if !judge.guards() {
        return text.to_string();
    }
    let mut lines: Vec<String> =
        without_comments(text).lines().map(|line| line.trim_end().to_string()).collect();
    // A comment on lines of its own leaves none behind.
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    lines[first..].iter().map(|line| format!("{}\n", with_plain_words(line))).collect()
}

/// Takes out the comments of a file in TOML. A `#` within a text begins none.
fn without_comments(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote: Option<&str> = None;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match quote {
            Some(mark) => {
                if c == '\\' && mark.starts_with('"') {
                    taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
                } else if rest.starts_with(mark) || (c == '\n' && mark.len() == 1) {
                    taken = if c == '\n' { 1 } else { mark.len() };
                    quote = None;
                }
            }
            None if c == '#' => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            None => {
                quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|mark| rest.starts_with(mark));
                taken = quote.map_or(taken, str::len);
            }
        }
        shown.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    shown
}

/// A line with what looks like an id or a folder taken out of its words.
fn with_plain_words(line: &str) -> String {
    let ends = |c: char| c.is_whitespace() || ",;<>()[]{}\"'`=".contains(c);
    let mut shown = String::with_capacity(line.len());
    let mut word = String::new();
    let mut add = |word: &mut String, end: Option<char>| {
        shown.push_str(&plain(word));
        word.clear();
        shown.extend(end);
    };
    for c in line.chars() {
        if ends(c) { add(&mut word, Some(c)) } else { word.push(c) }
    }
    add(&mut word, None);
    shown
}

fn plain(word: &str) -> String {
    let drive = word.get(1..3).is_some_and(|two| two == ":\\" || two == ":/");
    let share = word.starts_with("\\\\") && word.matches('\\').count() > 2;
    let path = drive || share || word.starts_with(['/', '~']) || word.starts_with("..");
    let name = file_name(word.trim_end_matches(['/', '\\']));
    if is_address(word) {
        HIDDEN.into()
    } else if path && !name.is_empty() {
        name
    } else if is_id(word) {
        HIDDEN.into()
    } else {
        word.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{with_plain_words, without_comments};

    #[test]
    fn comments_end_with_their_line_and_do_not_begin_within_texts() {
        let cases = [
            ("a = 1 # ask ada\nb = 2\n", "a = 1 \nb = 2\n"),
            ("a = \"x # y\" # z", "a = \"x # y\" "),
            ("a = \"x \\\" # y\" # z", "a = \"x \\\" # y\" "),
            ("a = 'x \\' # z\nb = 1", "a = 'x \\' \nb = 1"),
            ("a = \"\"\"\n# kept \" here\n\"\"\" # z", "a = \"\"\"\n# kept \" here\n\"\"\" "),
            ("a = '''#\\''' # z", "a = '''#\\''' "),
            ("a = \"open # kept\nb = 1 # z", "a = \"open # kept\nb = 1 "),
            ("# \u{e4}\n\u{e4} = \"\\\u{e4}\"", "\n\u{e4} = \"\\\u{e4}\""),
            ("a = \"\\", "a = \"\\"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_comments(text), expected, "{text}");
        }
    }

    #[test]
    fn words_that_name_somebody_are_taken_out() {
        let cases = [
            ("where = \"mail = 'ada@example.org'\"", "where = \"mail = '(not shown)'\""),
            ("owner = \"jane.doe@corp\"", "owner = \"(not shown)\""),
            ("out = \"/home/ada/out\"", "out = \"out\""),
            ("labels = [\"C:\\\\ada\\\\last.csv\"]", "labels = [\"last.csv\"]"),
            ("key = \"9f86d081884c7d659a2feaa0c55ad015\"", "key = \"(not shown)\""),
            ("url = \"https://example.org/?token=1\"", "url = \"(not shown)=1\""),
            ("columns = [\"pay\", \"age\"]", "columns = [\"pay\", \"age\"]"),
            ("k = 5", "k = 5"),
            ("at = \"recipes/labels.csv\"", "at = \"recipes/labels.csv\""),
            ("where = \"pay / months > 1\"", "where = \"pay / months > 1\""),
            ("names = [\"@home\", \"A & B\"]", "names = [\"@home\", \"A & B\"]"),
        ];
        for (line, expected) in cases {
            assert_eq!(with_plain_words(line), expected);
        }
    }
}
