//! Names of files without the folders that they are in, which often name a person.

/// The name of a file without its folder, whichever system wrote it.
pub(super) fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_string()
}

/// A command line without the folders in its words. Folders below the one where it was typed stay: the command needs them.
pub(super) fn without_folders(command: &str) -> String {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in command.chars() {
        quoted ^= c == '\'';
        if c == ' ' && !quoted {
            words.push(std::mem::take(&mut word));
        } else {
            word.push(c);
        }
    }
    words.push(word);
    words.iter().map(|word| short(word)).collect::<Vec<_>>().join(" ")
}

/// A word of a command line, whose path begins at the root, at a home or above, without its folder.
fn short(word: &str) -> String {
    let quoted = word.len() > 1 && word.starts_with('\'') && word.ends_with('\'');
    let inner = if quoted { &word[1..word.len() - 1] } else { word };
    // `--input=/home/ada/users.csv` names a file too.
    let path = if inner.starts_with("--") { inner.find('=').map_or(0, |place| place + 1) } else { 0 };
    let (flag, path) = inner.split_at(path);
    let mut letters = path.chars();
    let drive = letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.next() == Some(':');
    if !(path.starts_with(['/', '\\', '~'])
        || path.starts_with("..")
        || (drive && path.contains(['/', '\\'])))
    {
        return word.into();
    }
    let name = format!("{flag}{}", file_name(path.trim_end_matches(['/', '\\'])));
    if quoted { format!("'{name}'") } else { name }
}

#[cfg(test)]
mod tests {
    use super::without_folders;

    #[test]
    fn commands_keep_the_names_of_files_alone() {
        let cases = [
            ("segmenta fit /home/ada/users.csv --k 5", "segmenta fit users.csv --k 5"),
            ("segmenta run r.toml --input=/home/ada/users.csv", "segmenta run r.toml --input=users.csv"),
            ("segmenta run '/home/ada b/r c.toml' --force", "segmenta run 'r c.toml' --force"),
            ("segmenta run 'C:\\ada\\r.toml' ../../ada/x.csv", "segmenta run 'r.toml' x.csv"),
            (
                "segmenta run recipes/learners.toml --out ~/ada/",
                "segmenta run recipes/learners.toml --out ada",
            ),
        ];
        for (command, expected) in cases {
            assert_eq!(without_folders(command), expected);
        }
    }
}
