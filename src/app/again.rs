//! The command line that does the same again, to be pasted into a shell.

/// The program's command line as it was given, with quotes where a shell needs them.
pub fn again() -> String {
    let given = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let words: Vec<String> =
        std::iter::once("segmenta".into()).chain(given.map(|word| quoted(&word))).collect();
    words.join(" ")
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=,:@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_words_that_a_shell_would_change_are_quoted() {
        assert_eq!(quoted("--k=3"), "--k=3");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("*: $x"), "'*: $x'");
        assert_eq!(quoted("Ann's"), r"'Ann'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
