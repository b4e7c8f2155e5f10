//! From the input's flags to a matrix.

use super::console::{Console, count};
use super::document::Seconds;
use super::init::{Before, Init};
use super::interrupt::interrupted;
use crate::cli::{Features, Input, InputFormat, MissingArg, ScaleArg};
use segmenta::recipe::{Choice, ColumnReference, Fitted, Fitting, InferOptions, Missing, Recipe, Scale};
use segmenta::table::{Format, ReadOptions, Table};
use segmenta::weights::Weights;
use segmenta::{Error, Matrix};
use std::path::Path;
use std::time::Instant;

/// A table that was read and turned into features.
pub struct Prepared {
    /// The table's name, for messages.
    pub source: String,
    pub matrix: Matrix,
    pub fitted: Fitted,
    /// The id column's name and cells, if one was asked for.
    pub ids: Option<(String, Vec<String>)>,
    /// Rows of the table; the matrix may have fewer.
    pub rows: usize,
    /// Which rows the matrix has; none means all.
    pub kept: Option<Vec<u32>>,
    /// Which rows were left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// Start centroids, in the scaled space.
    pub start: Option<Vec<Vec<f64>>>,
    /// The labels of the table's rows by the model that the fit starts from.
    pub before: Option<Before>,
    /// What the columns are like, for a model.
    pub reference: Vec<ColumnReference>,
    /// The weights of the matrix's rows, where they have any.
    pub weights: Option<Weights>,
}

/// What features are made for.
#[derive(Clone, Copy)]
pub enum Aim<'a> {
    /// Figures alone.
    Figures,
    /// A model, and where its fit starts from.
    Model(Option<&'a Init>),
}

impl<'a> Aim<'a> {
    fn init(self) -> Option<&'a Init> {
        match self {
            Aim::Figures => None,
            Aim::Model(init) => init,
        }
    }
}

/// The reader's options.
pub fn read_options(input: &Input, text: Vec<String>) -> ReadOptions {
    ReadOptions {
        format: input.format.map(|f| match f {
            InputFormat::Csv => Format::Csv,
            InputFormat::Tsv => Format::Tsv,
            InputFormat::Npy => Format::Npy,
            InputFormat::Parquet => Format::Parquet,
            InputFormat::Arrow => Format::Arrow,
        }),
        delimiter: input.delimiter,
        null: input.null.clone(),
        id: input.id.clone(),
        text,
        skip_rows: 0,
    }
}

/// The options of feature inference.
pub fn infer_options(features: &Features) -> InferOptions {
    InferOptions {
        features: features.features.clone(),
        drop: features.drop.clone(),
        max_categories: features.max_categories,
        scale: match features.scale {
            ScaleArg::Standard => Scale::Standard,
            ScaleArg::Robust => Scale::Robust,
            ScaleArg::Minmax => Scale::Minmax,
            ScaleArg::None => Scale::None,
        },
        missing: match features.missing {
            MissingArg::Impute => Missing::Impute,
            MissingArg::Drop => Missing::Drop,
            MissingArg::Error => Missing::Error,
        },
        weight: features.weight.clone(),
    }
}

/// Reads the table.
///
/// # Errors
/// As [`segmenta::table::read`].
pub fn read(input: &Input, text: Vec<String>, seconds: &mut Seconds) -> anyhow::Result<Table> {
    if input.input.as_os_str() == "-" && input.format.is_none() {
        return Err(Error::Usage("stdin (-) needs --format csv, tsv, npy, parquet or arrow".into()).into());
    }
    read_path(&input.input, &read_options(input, text), seconds)
}

/// Reads the table at a path.
///
/// # Errors
/// As [`segmenta::table::read`].
pub fn read_path(path: &Path, options: &ReadOptions, seconds: &mut Seconds) -> anyhow::Result<Table> {
    if path.is_dir() {
        let what = Error::data("this is a directory, not a table");
        return Err(what.in_file(&path.display().to_string()).into());
    }
    let start = Instant::now();
    let table = segmenta::table::read(path, options)?;
    seconds.load = Some(start.elapsed().as_secs_f64());
    if interrupted() { Err(Error::Interrupted.into()) } else { Ok(table) }
}

/// Reads the table, chooses its features and makes the matrix.
///
/// # Errors
/// Whatever is wrong with the table, the features or the centroids.
pub fn prepare(
    input: &Input,
    features: &Features,
    aim: Aim<'_>,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Prepared> {
    let table = read(input, aim.init().map_or_else(Vec::new, Init::text_columns), seconds)?;
    prepare_table(table, &Recipe::inferred(infer_options(features)), aim, console, seconds)
}

/// The same for a table that was read or made.
///
/// # Errors
/// Whatever is wrong with the recipe, its features or the centroids.
pub fn prepare_table(
    mut table: Table,
    recipe: &Recipe,
    aim: Aim<'_>,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Prepared> {
    let (began, init) = (Instant::now(), aim.init());
    let source = table.source.clone();
    // Before the recipe makes columns of the table's own names.
    let before = init.map(|init| init.labels(&table)).transpose()?.flatten();
    let in_table = |e: Error| e.in_file(&source);
    let Fitting { fitted, choices, notes, outliers, dropped, kept, weights: counted, unweighted } =
        recipe.fit(&mut table).map_err(in_table)?;
    if let Some(before) = before.as_ref().filter(|before| before.labels.len() != table.rows) {
        return Err(before.other_rows(recipe.group.as_ref().map(|group| group.by.as_str())).into());
    }
    notes.iter().for_each(|note| console.note(note));
    console.note(&features_note(&choices, table.rows));
    let names = fitted.encoder.feature_names();
    let start = init.map(|init| init.start(&fitted.encoder, console)).transpose()?;
    let reach = start.iter().flatten().flatten().fold(0f64, |reach, v| reach.max(v.abs())) as f32;
    let weights = recipe.features.options.weight.as_deref();
    let weights = weights.map(|w| weights_of(&table, w, kept.as_deref())).transpose().map_err(in_table)?;
    // Before the table's columns become the matrix.
    let reference = match aim {
        Aim::Figures => Vec::new(),
        Aim::Model(_) => fitted.encoder.reference(&table, kept.as_deref(), counted.as_ref()),
    };
    let block = if kept.is_none() { fitted.encoder.apply_in_place(&mut table) } else { None };
    let (ids, rows) = (table.ids.take(), table.rows);
    let matrix = match block {
        Some(block) => block.and_then(|block| Matrix::from_row_major(names, block, reach)),
        None => {
            let encoded = fitted.encoder.apply_to(&table, kept.as_deref()).map_err(in_table)?;
            drop(table);
            for warning in &encoded.warnings {
                console.note(&format!("note: {warning}"));
            }
            Matrix::with_reach(names, encoded.columns, reach)
        }
    };
    let matrix = matrix.map_err(in_table)?;
    let matrix = match weights {
        None => matrix,
        Some(weights) => matrix.weighted(weights).map_err(in_table)?,
    };
    let dropped = dropped + unweighted.len();
    if let Some(kept) = kept.as_ref().filter(|k| k.len() + dropped < rows) {
        let left = rows - kept.len() - dropped;
        console.note(&format!("left out for missing values: {left} of {}", count(rows, "row")));
    }
    seconds.prepare = Some(began.elapsed().as_secs_f64());
    Ok(Prepared {
        source,
        matrix,
        fitted,
        ids,
        rows,
        kept,
        outliers,
        reference,
        weights: counted,
        start,
        before,
    })
}

/// The kept rows' weights, on a grid of 65,535 steps: whole numbers up to that stay what they are.
fn weights_of(table: &Table, name: &str, kept: Option<&[u32]>) -> Result<Vec<u16>, Error> {
    const MOST: f64 = 65_535.0;
    let place = || segmenta::error::Place::default().column(name);
    let column = table.column(name).ok_or_else(|| Error::at(place(), "no such column"))?;
    let numbers = column.values.numbers().ok_or_else(|| Error::at(place(), "weights must be numbers"))?;
    let numbers: Vec<f64> = match kept {
        None => numbers.into_owned(),
        Some(kept) => kept.iter().map(|&row| numbers[row as usize]).collect(),
    };
    if let Some(i) = numbers.iter().position(|w| w.is_nan() || *w < 0.0) {
        let row = kept.map_or(i, |kept| kept[i] as usize) + 1;
        let found = if numbers[i].is_nan() { "nothing".into() } else { numbers[i].to_string() };
        return Err(Error::at(place(), format!("row {row}: expected a weight from 0 on, found {found}")));
    }
    let largest = numbers.iter().copied().fold(0.0, f64::max);
    let whole = largest <= MOST && numbers.iter().all(|w| w.fract() == 0.0);
    let unit = if whole || largest == 0.0 { 1.0 } else { MOST / largest };
    // What weighs anything weighs at least a step.
    Ok(numbers.iter().map(|&w| if w == 0.0 { 0 } else { (w * unit).round().max(1.0) as u16 }).collect())
}

/// What was taken and what was left, in a few lines.
fn features_note(choices: &[Choice], rows: usize) -> String {
    let taken: Vec<String> =
        choices.iter().filter(|c| c.features > 0).map(|c| format!("{} ({})", c.column, c.reason)).collect();
    let left: Vec<String> =
        choices.iter().filter(|c| c.features == 0).map(|c| format!("{} ({})", c.column, c.reason)).collect();
    let features: usize = choices.iter().map(|c| c.features).sum();
    let mut note = format!(
        "{}, {} from {}",
        count(rows, "row"),
        count(features, "feature"),
        count(taken.len(), "column")
    );
    let mut list = |what: &str, all: &[String]| {
        const SHOWN: usize = 30;
        if !all.is_empty() {
            let more = all.len().saturating_sub(SHOWN);
            let tail = if more > 0 { format!(", and {more} more (see inspect)") } else { String::new() };
            note.push_str(&format!("\n  {what}: {}{tail}", all[..all.len().min(SHOWN)].join(", ")));
        }
    };
    list("taken", &taken);
    list("left", &left);
    note
}
