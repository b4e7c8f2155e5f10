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
    /// What the input is, where its name does not say
    #[arg(long, value_parser = one_of(Format::WORDS), help_heading = "Input")]
    pub format: Option<Format>,
    /// What separates the fields: one character, or tab [default: found out]
    #[arg(long, value_parser = parse_delimiter, help_heading = "Input")]
    pub delimiter: Option<u8>,
    /// The decimal sign of all numbers: , or . [default: told from each column's cells]
    #[arg(long, value_name = "SIGN", value_parser = decimal, help_heading = "Input")]
    pub decimal: Option<char>,
    /// How many lines come before the header, such as a title [default: comments (#) are skipped]
    #[arg(long, value_name = "N", help_heading = "Input")]
    pub skip_lines: Option<usize>,
    /// The text table has no header: its columns are called f0, f1 and so on
    #[arg(long, help_heading = "Input")]
    pub no_header: bool,
    /// One more text or number that means missing, beside NA, N/A, #N/A, NaN, null, None, ?, - and nothing
    /// (repeatable). A number means the value, in every format: -999 is -999.0 too
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Input")]
    pub null: Vec<String>,
    /// One of these words that is a text in this table: NA may be Namibia (repeatable)
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Input")]
    pub keep_null: Vec<String>,
    /// The column that names the rows; it comes back as it was written [default of assign and drift: the column that
    /// named the rows of the fit]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    pub id: Option<String>,
}

/// Which columns become features.
#[derive(Debug, Clone, Args)]
pub struct Features {
    /// Columns to use as features: names or globs, separated by commas; a name with a comma stands alone or in quotes,
    /// as in '"Spend, total",age' [default: chosen by rules, see inspect]
    #[arg(long, value_name = "A,B,C", help_heading = "Features")]
    pub features: Vec<String>,
    /// Columns to leave out: names or globs, as for --features
    #[arg(long, value_name = "A,B", help_heading = "Features")]
    pub drop: Vec<String>,
    /// How numbers, and columns of two values as 0 and 1, are scaled: standard (mean 0, deviation 1), robust (median 0, quartiles 1 apart), minmax (0 to 1)
    /// or none
    #[arg(long, value_parser = one_of(&Scale::WORDS), default_value = word_of(&Scale::WORDS, &Scale::default()),
          help_heading = "Features")]
    pub scale: Scale,
    /// Missing values: impute (the median, the commoner of two values, or a level of their own), drop the row, or error
    #[arg(long, value_parser = one_of(&Missing::WORDS), default_value = word_of(&Missing::WORDS, &Missing::default()),
          help_heading = "Features")]
    pub missing: Missing,
    /// Leave out text columns with more distinct values than this
    #[arg(long, default_value_t = InferOptions::default().max_categories, value_name = "N", help_heading = "Features")]
    pub max_categories: usize,
    /// The column with the rows' weights, from 0 on: a row of weight 2 counts as two rows in a fit
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

    /// Whether the format of stdin is said.
    pub fn check(&self) -> Result<(), Error> {
        if self.input.as_os_str() == "-" && self.format.is_none() {
            return Err(Error::Usage("stdin (-) needs --format csv, tsv, npy, parquet or arrow".into()));
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

/// The names and globs of lists that are separated by commas. A list that is the name of a column is that name; in
/// other lists a name that has a comma stands in quotes.
fn names(lists: &[String], table: &Table) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for list in lists {
        if table.column(list).is_some() {
            names.push(list.clone());
            continue;
        }
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(list.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|e| Error::Usage(format!("the list of columns {list:?}: {e}")))?;
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
