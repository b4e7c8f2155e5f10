//! What texts look like: whether one is an id, an address, a number to call, a hash.

/// Hashes have so many hexadecimal digits at least.
const HASH: usize = 16;
/// A number of so many digits is an account or a telephone.
const DIGITS: usize = 7;
/// So many consonants in a row are no word.
const CONSONANTS: usize = 5;
/// Fewer texts do not tell what a column holds.
const TEXTS: usize = 8;

/// Whether a text looks like an id, an e-mail address, a link, a telephone number or a hash.
pub(super) fn is_id(text: &str) -> bool {
    let text = text.trim();
    if is_date(text) || is_range(text) {
        return false;
    }
    let mut words = text.split(|c: char| c.is_whitespace() || ",;<>()[]{}\"'".contains(c));
    let named = |word: &str| is_mail(word) || word.split([':', '=', '/', '#']).any(is_hash) || is_token(word);
    text.contains("://") || words.any(named) || is_number(text)
}

/// A day: `2024-01-31`, `31.01.2024`, `1/31/2024`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    let digits = |part: &&str| part.chars().all(|c| c.is_ascii_digit());
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    parts.iter().all(digits) && matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
}

/// A range between round numbers, such as `50000-74999`, which is no telephone number.
fn is_range(text: &str) -> bool {
    let round = |part: &str| {
        let number = part.trim().parse::<u64>().ok().filter(|_| !part.trim().starts_with(['0', '+']));
        number.is_some_and(|n| n % 1000 == 0 || n % 1000 == 999 || n % 1000 == 1)
    };
    text.split_once(['-', '\u{2013}']).is_some_and(|(from, to)| round(from) && round(to))
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Whether a word is an address of a person, also one within a company, which has no dot: `ada@sales`.
pub(super) fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// Hexadecimal digits with hyphens or without, as of a hash or a UUID.
fn is_hash(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_hexdigit).count();
    digits >= HASH && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// A long word of letters and digits mixed, as of a key: the kind changes often.
fn is_token(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=+/.".contains(c));
    let kind = |c: char| (c.is_ascii_digit(), c.is_ascii_uppercase());
    let kinds: Vec<(bool, bool)> = word.chars().filter(char::is_ascii_alphanumeric).map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    plain && kinds.len() >= 10 && changes * 3 >= kinds.len() && word.contains(|c: char| c.is_ascii_digit())
}

/// A telephone number or an account: digits with spaces and signs between them.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= DIGITS && text.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c))
}

/// Whether most of a column's texts are codes that no person reads, such as hashed names in lower-case letters.
pub(super) fn are_codes(texts: &[&str]) -> bool {
    let codes = texts.iter().filter(|text| is_code(text)).count();
    texts.len() >= TEXTS && 2 * codes > texts.len()
}

fn is_code(text: &str) -> bool {
    is_id(text)
        || (!is_range(text)
            && !is_date(text)
            && !text.contains(char::is_whitespace)
            && longest_run(text) >= CONSONANTS)
}

/// The longest run of consonants or digits in a word.
fn longest_run(text: &str) -> usize {
    let (mut run, mut longest) = (0, 0);
    for c in text.chars() {
        let hard = c.is_ascii_digit() || (c.is_ascii_alphabetic() && !"aeiouyAEIOUY".contains(c));
        run = if hard { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::{are_codes, is_id};

    #[test]
    fn ids_addresses_and_hashes_are_told_from_words() {
        let ids = [
            "ada@example.org",
            "Ada <ada@example.org>",
            "https://example.org/?token=1",
            "9f86d081884c7d659a2feaa0c55ad015",
            "123e4567-e89b-12d3-a456-426614174000",
            "+49 170 1234567",
            "00441234567",
            "aB3xY9kQ2LmZ7p",
            "session 9f86d081884c7d659a2feaa0c55ad015",
            "user:9f86d081884c7d659a2feaa0c55ad015",
            "deadbeefcafebabe",
            "170-1234567",
        ];
        for text in ids {
            assert!(is_id(text), "{text}");
        }
        let words = [
            "Data Scientist",
            "Tier 1",
            "1-2 years",
            "$100,000-124,999",
            "2024-W03",
            "United Kingdom of Great Britain and Northern Ireland",
            "C++",
            "@home",
            "10,000 or more employees",
            "ggplot2",
            "Amazon Web Services (AWS)",
            "Backend Engineer",
            "2026",
            "2024-01-31",
            "31.01.2024",
            "50000-74999",
            "100000 - 200000",
        ];
        for text in words {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn columns_of_codes_are_told_from_columns_of_words() {
        let codes = [
            "vqxosrgmvr",
            "bxwqgogen",
            "wgszxkvzn",
            "vbvkgz",
            "zgn vuurxwvmrt",
            "ntwyzgrgsxto",
            "xzegojo",
            "hzxntaytvrny",
        ];
        assert!(are_codes(&codes));
        let words =
            ["Engineer", "Analyst", "Manager", "Student", "Other", "Designer", "Scientist", "Teacher"];
        assert!(!are_codes(&words));
    }
}
