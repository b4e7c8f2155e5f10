//! Recognizes texts that are dates and finds their format, to suggest the step `timestamp` to the user.

use crate::recipe::fitted_step::seconds;

/// About how many of a column's texts are looked at.
const SAMPLE: usize = 200;

/// The formats of days that are tried. If several fit equally well, as with 03/04/2024, the earlier one is preferred.
const DAYS: [&str; 18] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d. %B %Y",
    "%a, %d %b %Y",
];

/// The formats of times that may follow a day, including the separator.
const TIMES: [&str; 14] = [
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S%.f",
    "T%H:%M",
    "T%H:%M:%S",
    "T%H:%M:%S%.f",
    "T%H:%M:%SZ",
    "T%H:%M:%S%.fZ",
    "T%H:%M:%S%:z",
    "T%H:%M:%S%.f%:z",
    " %H:%M:%S%:z",
    " %I:%M %p",
    " %I:%M:%S %p",
];

/// The format in which most texts are dates, at least nine tenths of them; empty if there is none. More than one is
/// returned only if the texts do not tell which number is the day and which the month.
pub(super) fn formats(texts: &[String]) -> Vec<String> {
    let step = texts.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<&str> = texts.iter().step_by(step).map(|t| t.trim()).collect();
    let dated = |text: &&&str| text.len() <= 40 && text.bytes().filter(u8::is_ascii_digit).count() >= 3;
    let Some(first) = sample.iter().find(dated) else { return Vec::new() };
    if sample.iter().filter(dated).count() * 10 < sample.len() * 9 {
        return Vec::new();
    }
    // Only formats that fit one of the first few texts are tried on the whole sample.
    let start: Vec<&str> = std::iter::once(*first).chain(sample.iter().copied().take(8)).collect();
    let fits = |format: &str, text: &str| seconds(format, text).is_ok();
    let mut found: Vec<(usize, String)> = Vec::new();
    for day in DAYS {
        for time in TIMES {
            let format = format!("{day}{time}");
            if !start.iter().any(|text| fits(&format, text)) {
                continue;
            }
            let count = sample.iter().filter(|text| fits(&format, text)).count();
            if count * 10 >= sample.len() * 9 {
                found.push((count, format));
            }
        }
    }
    let most = found.iter().map(|(count, _)| *count).max().unwrap_or(0);
    let mut best: Vec<String> =
        found.into_iter().filter(|(count, _)| *count == most).map(|(_, format)| format).collect();
    // Formats with the same letters differ only in the order of day and month, which the user has to decide. Others
    // differ in what they make optional, so the first of them will do.
    let shape = |format: &str| {
        let mut letters: Vec<char> = format.chars().collect();
        letters.sort_unstable();
        letters
    };
    if let Some(first) = best.first().map(|format| shape(format)) {
        best.retain(|format| shape(format) == first);
    }
    best
}

/// Advice for the user if the texts are dates.
pub(super) fn advice(texts: &[String]) -> Option<String> {
    match &formats(texts)[..] {
        [] => None,
        [one] => Some(format!("dates: the step timestamp = {one:?} makes numbers of them")),
        [first, second, ..] => Some(format!(
            "dates, with the day or the month first: the step timestamp = {first:?} or timestamp = {second:?} makes \
             numbers of them"
        )),
    }
}
