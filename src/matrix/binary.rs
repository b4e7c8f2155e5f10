//! Tables of yes and no: answers of a survey, one bit each.

use crate::error::{Error, Place, Result};
use rayon::prelude::*;

/// A table whose features are only 0 and 1, packed 32 to a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryMatrix {
    rows: usize,
    features: usize,
    /// Row by row; feature `j` is bit `j % 32` of word `j / 32`. Bits past the last feature are 0.
    words: Vec<u32>,
    /// For each row how many of its features are 1.
    ones: Vec<u32>,
}

impl BinaryMatrix {
    /// A table of these columns, which hold 0 and 1.
    ///
    /// # Errors
    /// [`Error::Data`] for no columns, columns of different lengths, and any other value; the message names the column.
    pub fn from_columns(names: &[String], columns: &[Vec<f32>]) -> Result<Self> {
        let features = columns.len();
        let rows = columns.first().map_or(0, Vec::len);
        if features == 0 || names.len() != features || columns.iter().any(|column| column.len() != rows) {
            return Err(Error::data("a table of 0 and 1 needs columns of one length, each with a name"));
        }
        let other = |column: &Vec<f32>| column.iter().find(|v| **v != 0.0 && **v != 1.0).copied();
        let found = columns.par_iter().enumerate().find_map_first(|(j, column)| Some((j, other(column)?)));
        if let Some((j, value)) = found {
            let what = format!("found {value}; this metric compares answers, so every value must be 0 or 1");
            return Err(Error::at(Place::default().column(names[j].as_str()), what));
        }
        let width = features.div_ceil(32);
        let mut words = vec![0u32; rows * width];
        words.par_chunks_mut(width).enumerate().for_each(|(i, row)| {
            for (j, column) in columns.iter().enumerate() {
                row[j / 32] |= u32::from(column[i] != 0.0) << (j % 32);
            }
        });
        Ok(Self::of_words(rows, features, words))
    }

    /// A table of words that lie as [`BinaryMatrix::words`] says.
    ///
    /// # Errors
    /// [`Error::Data`] for another number of words, or a bit past the last feature.
    pub fn from_words(rows: usize, features: usize, words: Vec<u32>) -> Result<Self> {
        let width = features.div_ceil(32);
        let past = |row: &[u32]| !features.is_multiple_of(32) && row[width - 1] >> (features % 32) != 0;
        if features == 0 || rows.checked_mul(width) != Some(words.len()) || words.chunks(width).any(past) {
            return Err(Error::data("the words of a packed table do not fit its rows and features"));
        }
        Ok(Self::of_words(rows, features, words))
    }

    fn of_words(rows: usize, features: usize, words: Vec<u32>) -> Self {
        let ones = |row: &[u32]| row.iter().map(|word| word.count_ones()).sum();
        let ones = words.par_chunks(features.div_ceil(32)).map(ones).collect();
        BinaryMatrix { rows, features, words, ones }
    }

    /// The rows of these numbers, in that order.
    pub fn select(&self, rows: &[usize]) -> BinaryMatrix {
        let words = rows.iter().flat_map(|&i| self.row(i)).copied().collect();
        let ones = rows.iter().map(|&i| self.ones[i]).collect();
        BinaryMatrix { rows: rows.len(), features: self.features, words, ones }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// How many words a row takes.
    pub fn width(&self) -> usize {
        self.features.div_ceil(32)
    }

    /// All words, row by row; feature `j` is bit `j % 32` of a row's word `j / 32`.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The words of row `i`.
    pub fn row(&self, i: usize) -> &[u32] {
        &self.words[i * self.width()..][..self.width()]
    }

    /// How many features of row `i` are 1.
    pub fn ones(&self, i: usize) -> u32 {
        self.ones[i]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_lie_where_they_are_said_to() {
        let names: Vec<String> = (0..35).map(|j| format!("f{j}")).collect();
        let columns: Vec<Vec<f32>> =
            (0..35).map(|j| vec![f32::from(u8::from(j % 3 == 0)), 0.0, 1.0]).collect();
        let packed = BinaryMatrix::from_columns(&names, &columns).unwrap();
        assert_eq!((packed.rows(), packed.features(), packed.width()), (3, 35, 2));
        for (j, column) in columns.iter().enumerate() {
            for (i, value) in column.iter().enumerate() {
                assert_eq!(packed.row(i)[j / 32] >> (j % 32) & 1, *value as u32);
            }
        }
        assert_eq!([packed.ones(0), packed.ones(1), packed.ones(2)], [12, 0, 35]);
        let again = BinaryMatrix::from_words(3, 35, packed.words().to_vec()).unwrap();
        assert_eq!(again, packed);
        assert_eq!(packed.select(&[2, 0]).row(1), packed.row(0));
        let mut past = packed.words().to_vec();
        past[1] |= 1 << 3;
        assert!(BinaryMatrix::from_words(3, 35, past).is_err());
    }

    #[test]
    fn other_values_are_refused_by_name() {
        let error = BinaryMatrix::from_columns(&["a".into(), "b".into()], &[vec![0.0, 1.0], vec![1.0, 2.0]]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains('b') && error.contains("found 2"), "{error}");
    }
}
