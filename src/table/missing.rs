//! Decides which cells are missing values.
//!
//! There are built-in marks such as `NA`. A user can add marks and can declare that a built-in mark is ordinary text in
//! a table.

use crate::table::ReadOptions;

/// Built-in marks that are recognised in any case.
const WORDS: [&[u8]; 7] = [b"na", b"n/a", b"#n/a", b"nan", b"null", b"-nan", b"+nan"];

/// The marks that a user added, and the built-in marks that the user turned off.
#[derive(Debug, Clone, Default)]
pub(super) struct Nulls {
    texts: Vec<Vec<u8>>,
    /// The added marks that are numbers. They match any cell of the same value, however it is written.
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

    /// Whether any of the marks is a number.
    pub(super) fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Whether a number is one of the marks.
    pub(super) fn is_number(&self, value: f64) -> bool {
        self.numbers.contains(&value)
    }

    /// Whether a number stored as f32 is one of the marks, rounded to f32.
    pub(super) fn is_single(&self, value: f32) -> bool {
        self.numbers.iter().any(|v| *v as f32 == value)
    }

    /// Whether a trimmed cell of a text table is one of the marks. Marks that are numbers are compared as text only;
    /// see [`Nulls::is_written_number`].
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

    /// Whether a text is one of the marks that the user added. Built-in marks do not count.
    #[cfg(feature = "parquet")]
    pub(super) fn is_asked(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        self.texts.iter().any(|n| n == text) || self.is_written_number(text)
    }

    /// Whether a trimmed text is a number that is one of the marks, however it is written.
    #[inline]
    pub(super) fn is_written_number(&self, text: &[u8]) -> bool {
        self.has_numbers()
            && matches!(text, [b'0'..=b'9' | b'+' | b'-' | b'.', ..])
            && std::str::from_utf8(text).is_ok_and(|t| t.parse().is_ok_and(|v| self.is_number(v)))
    }
}
