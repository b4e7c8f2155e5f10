//! The flags that say how a table is read and which of its columns become features.

use super::one_of;
use clap::Args;
use segmenta::Error;
use segmenta::analysis::{Input, Spec, parse_delimiter, word_of};
use segmenta::recipe::{InferOptions, Missing, Scale};
use segmenta::table::{Format, ReadOptions, Table};
use std::path::PathBuf;

/// How a table is read.
#[derive(Debug, Clone, Args)]
pub struct InputFlags {
    /// The table: .csv, .tsv, .csv.gz, .npy, .parquet, .arrow, .feather, or - for stdin (with --format)
    pub input: PathBuf,
    /// Format of the table, if its file name does not tell
    #[arg(long, value_parser = one_of(Format::WORDS), help_heading = "Input")]
    pub format: Option<Format>,
    /// The character that separates the fields, or the word tab [default: detected]
    #[arg(long, value_parser = parse_delimiter, help_heading = "Input")]
    pub delimiter: Option<u8>,
    /// The decimal sign of all numbers: , or . [default: detected for each column]
    #[arg(long, value_name = "SIGN", value_parser = decimal, help_heading = "Input")]
    pub decimal: Option<char>,
    /// Skip this many lines above the header, such as a title [default: lines that begin with # are skipped]
    #[arg(long, value_name = "N", help_heading = "Input")]
    pub skip_lines: Option<usize>,
    /// The text table has no header; call its columns f0, f1 and so on
    #[arg(long, help_heading = "Input")]
    pub no_header: bool,
    /// Treat this text or number as missing, besides the empty cell, NA, N/A, #N/A, NaN, null, None, ? and -
    /// (repeatable). Numbers are compared by value: -999 also covers -999.0
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Input")]
    pub null: Vec<String>,
    /// Keep one of those words as ordinary text, for example NA where it stands for Namibia (repeatable)
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Input")]
    pub keep_null: Vec<String>,
    /// The column that identifies each row; it is copied unchanged into the assignments. Assign and drift use the id
    /// column of the fit unless you name another
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    pub id: Option<String>,
}

/// Which columns become features.
#[derive(Debug, Clone, Args)]
pub struct Features {
    /// Columns to use as features: names or globs such as spend_*, separated by commas; put a name that contains a comma
    /// in quotes, as in '"Spend, total",age' [default: chosen by rules; `segmenta inspect` shows them]
    #[arg(long, value_name = "A,B,C", help_heading = "Features")]
    pub features: Vec<String>,
    /// Columns to leave out, written as for --features
    #[arg(long, value_name = "A,B", help_heading = "Features")]
    pub drop: Vec<String>,
    /// How to scale numbers and 0/1 columns: standard (mean 0, standard deviation 1), robust (median 0, interquartile
    /// range 1), minmax (from 0 to 1) or none
    #[arg(long, value_parser = one_of(&Scale::WORDS), default_value = word_of(&Scale::WORDS, &Scale::default()),
          help_heading = "Features")]
    pub scale: Scale,
    /// What to do about missing values: impute (fill in the median of numbers and the commoner of two values; make
    /// missing a category of its own in text), drop (leave the row out) or error (stop)
    #[arg(long, value_parser = one_of(&Missing::WORDS), default_value = word_of(&Missing::WORDS, &Missing::default()),
          help_heading = "Features")]
    pub missing: Missing,
    /// Leave out text columns that have more distinct values than this
    #[arg(long, default_value_t = InferOptions::default().max_categories, value_name = "N", help_heading = "Features")]
    pub max_categories: usize,
    /// The column that holds each row's weight, 0 or more; a row of weight 2 counts as two rows in a fit
    #[arg(long, value_name = "COLUMN", help_heading = "Features")]
    pub weight: Option<String>,
}

impl InputFlags {
    /// An analysis of this table that is otherwise the default one.
    pub fn spec(&self) -> Spec {
        let input = Input { path: Some(self.input.clone()), read: self.read_options(), ..Input::default() };
        Spec { input, ..Spec::default() }
    }

    /// How the table is read.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            format: self.format,
            delimiter: self.delimiter,
            null: self.null.clone(),
            keep_null: self.keep_null.clone(),
            decimal: self.decimal,
            id: self.id.clone(),
            skip_lines: self.skip_lines,
            no_header: self.no_header,
            ..ReadOptions::default()
        }
    }

    /// Checks that a table from stdin comes with its format.
    pub fn check(&self) -> Result<(), Error> {
        if self.input.as_os_str() == "-" && self.format.is_none() {
            return Err(Error::Usage(
                "reading from stdin (-) needs --format: csv, tsv, npy, parquet or arrow".into(),
            ));
        }
        Ok(())
    }
}

impl Features {
    /// The options of feature inference for a table, in whose names the lists of columns are read.
    ///
    /// # Errors
    /// A list of columns that cannot be read.
    pub fn options(&self, table: &Table) -> Result<InferOptions, Error> {
        Ok(InferOptions {
            features: names(&self.features, table)?,
            drop: names(&self.drop, table)?,
            max_categories: self.max_categories,
            scale: self.scale,
            missing: self.missing,
            weight: self.weight.clone(),
        })
    }
}

/// Splits comma-separated lists into names and globs. A list that is exactly the name of a column means that column;
/// elsewhere a name that contains a comma is in quotes.
pub fn names(lists: &[String], table: &Table) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for list in lists {
        if table.column(list).is_some() {
            names.push(list.clone());
            continue;
        }
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(list.as_bytes());
        for record in reader.records() {
            let record =
                record.map_err(|e| Error::Usage(format!("cannot read the list of columns {list:?}: {e}")))?;
            names.extend(record.iter().map(String::from));
        }
    }
    Ok(names)
}

fn decimal(text: &str) -> Result<char, String> {
    match text {
        "," => Ok(','),
        "." => Ok('.'),
        _ => Err("expected , or .".into()),
    }
}
