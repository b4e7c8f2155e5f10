//! What means that there is no value.

use crate::table::ReadOptions;

/// The built-in marks in any case, the empty cell aside.
const WORDS: [&[u8]; 7] = [b"na", b"n/a", b"#n/a", b"nan", b"null", b"-nan", b"+nan"];

/// What means missing beside the built-in marks, and which of these do not.
#[derive(Debug, Clone, Default)]
pub(super) struct Nulls {
    texts: Vec<Vec<u8>>,
    /// The texts that are numbers stand for the value, however it is written.
    numbers: Vec<f64>,
    keep: Vec<Vec<u8>>,
}

impl Nulls {
    pub(super) fn new(options: &ReadOptions) -> Self {
        let bytes =
            |texts: &[String]| texts.iter().map(|t| t.as_bytes().trim_ascii().to_vec()).collect::<Vec<_>>();
        let numbers = options.null.iter().filter_map(|t| t.trim().parse().ok()).filter(|v: &f64| !v.is_nan());
        Nulls { texts: bytes(&options.null), numbers: numbers.collect(), keep: bytes(&options.keep_null) }
    }

    /// Whether any number means missing.
    pub(super) fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Whether a number means missing.
    pub(super) fn is_number(&self, value: f64) -> bool {
        self.numbers.contains(&value)
    }

    /// The same for a number that was kept in 32 bits.
    pub(super) fn is_single(&self, value: f32) -> bool {
        self.numbers.iter().any(|v| *v as f32 == value)
    }

    /// Whether a trimmed cell of a text table is a mark, numbers aside.
    #[inline]
    pub(super) fn is_mark(&self, cell: &[u8]) -> bool {
        let marked = match cell {
            b"" => return true,
            b"-" | b"?" | b"None" => true,
            [b'n' | b'N' | b'-' | b'+' | b'#', ..] => WORDS.iter().any(|w| cell.eq_ignore_ascii_case(w)),
            _ => false,
        };
        marked && !self.keep.iter().any(|k| k == cell) || self.texts.iter().any(|n| n == cell)
    }

    /// Whether a text is one of those asked for, or a number that is.
    #[cfg(feature = "parquet")]
    pub(super) fn is_asked(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        self.texts.iter().any(|n| n == text) || self.is_written_number(text)
    }

    /// Whether a trimmed text is a number that means missing.
    #[inline]
    pub(super) fn is_written_number(&self, text: &[u8]) -> bool {
        self.has_numbers()
            && matches!(text, [b'0'..=b'9' | b'+' | b'-' | b'.', ..])
            && std::str::from_utf8(text).is_ok_and(|t| t.parse().is_ok_and(|v| self.is_number(v)))
    }
}
