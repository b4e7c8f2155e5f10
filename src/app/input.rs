//! From the input's flags to a matrix.

use super::console::{Console, count};
use super::document::Seconds;
use super::estimate::announce_reading;
use super::figures::{plain, whole};
use super::hints::not_a_table;
use super::init::{Before, Init};
use super::interrupt::interrupted;
use super::memory;
use crate::app::cli::{Features, Input, InputFormat, MissingArg, ScaleArg};
use segmenta::matrix::Repeats;
use segmenta::model::Model;
use segmenta::recipe::{
    ColumnChoice, ColumnReference, FitReport, FittedRecipe, InferOptions, Missing, Recipe, Scale,
};
use segmenta::table::{Format, KnownColumns, ReadOptions, Table};
use segmenta::weights::Weights;
use segmenta::{Error, Matrix};
use std::path::Path;
use std::time::Instant;

/// A table that was read and turned into features.
pub struct Prepared {
    /// The table's name, for messages.
    pub source: String,
    /// The rows of the fit; each distinct row once where that saves work, see `merged`.
    pub matrix: Matrix,
    /// Which of the fit's rows are equal, where the matrix holds each distinct row once.
    pub merged: Option<Repeats>,
    /// Rows of weight 0: they are labelled, but nothing is learned from them.
    pub weightless: Option<Weightless>,
    pub fitted: FittedRecipe,
    /// The id column's name and cells, if one was asked for.
    pub ids: Option<(String, Vec<String>)>,
    /// Rows of the table; the fit may have fewer.
    pub rows: usize,
    /// Which rows the fit has; none means all.
    pub kept: Option<Vec<u32>>,
    /// Which rows were left out as outliers, ascending.
    pub outliers: Vec<u32>,
    /// Start centroids, in the scaled space.
    pub start: Option<Vec<Vec<f64>>>,
    /// The labels of the table's rows by the model that the fit starts from.
    pub before: Option<Before>,
    /// The column with the rows' weights.
    pub weight_column: Option<String>,
    /// What the columns are like, for a model.
    pub reference: Vec<ColumnReference>,
    /// The weights of the fit's rows, before equal ones were merged, where they have any.
    pub weights: Option<Weights>,
}

/// Rows of weight 0 and their features.
pub struct Weightless {
    /// Their numbers in the table, ascending.
    pub rows: Vec<u32>,
    /// One column a feature.
    pub columns: Vec<Vec<f32>>,
}

impl Prepared {
    /// How many rows the fit learns from, copies counted each.
    pub fn fit_rows(&self) -> usize {
        self.merged.as_ref().map_or(self.matrix.rows(), Repeats::rows)
    }

    /// The row of the matrix that has the values of row `i` of the fit.
    pub fn matrix_row(&self, i: usize) -> usize {
        self.merged.as_ref().map_or(i, |repeats| repeats.of_row(i).unwrap_or(0))
    }

    /// What the table's rows got, from what the rows of the matrix got; rows that the fit has not got nothing.
    pub fn of_table<T: Copy>(&self, of_matrix: Vec<Option<T>>) -> Vec<Option<T>> {
        if self.merged.is_none() && self.kept.is_none() {
            return of_matrix;
        }
        let mut rows = vec![None; self.rows];
        for i in 0..self.fit_rows() {
            let row = self.kept.as_ref().map_or(i, |kept| kept[i] as usize);
            rows[row] = of_matrix[self.matrix_row(i)];
        }
        rows
    }
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
pub fn read_options(input: &Input, known: KnownColumns) -> ReadOptions {
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
        keep_null: input.keep_null.clone(),
        decimal: input.decimal,
        id: input.id.clone(),
        id_optional: false,
        text: known.text,
        numbers: known.numbers,
        skip_lines: input.skip_lines,
        no_header: input.no_header,
        skip_rows: 0,
        max_memory: Some(memory::limit()),
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

/// The options of feature inference for a table.
///
/// # Errors
/// A list of columns that cannot be read.
pub fn infer_options(features: &Features, table: &Table) -> Result<InferOptions, Error> {
    Ok(InferOptions {
        features: names(&features.features, table)?,
        drop: names(&features.drop, table)?,
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
    })
}

/// Reads the table.
///
/// # Errors
/// As [`segmenta::table::read`].
pub fn read(
    input: &Input,
    known: KnownColumns,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Table> {
    needs_format(input)?;
    read_path(&input.input, &read_options(input, known), console, seconds)
}

/// Reads a table of new rows for a model, whose rows the model's id column names unless the call says another one.
///
/// # Errors
/// As [`read`].
pub fn read_for(
    model: &Model,
    input: &Input,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Table> {
    let mut options = read_options(input, model.known_columns());
    // Groups have their own names.
    if options.id.is_none() && model.preparation.group.is_none() {
        options.id.clone_from(&model.id);
        options.id_optional = true;
    }
    needs_format(input)?;
    let table = read_path(&input.input, &options, console, seconds)?;
    if let (Some(id), None) = (&options.id, &table.ids) {
        console.note(&format!(
            "note: there is no column {id:?}, which named the rows of the fit: rows are numbered instead; --id names \
             another column"
        ));
    }
    Ok(table)
}

/// Whether the format of stdin is said.
fn needs_format(input: &Input) -> Result<(), Error> {
    if input.input.as_os_str() == "-" && input.format.is_none() {
        return Err(Error::Usage("stdin (-) needs --format csv, tsv, npy, parquet or arrow".into()));
    }
    Ok(())
}

/// Reads the table at a path.
///
/// # Errors
/// As [`segmenta::table::read`].
pub fn read_path(
    path: &Path,
    options: &ReadOptions,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Table> {
    if path.is_dir() {
        let what = Error::data("this is a directory, not a table");
        return Err(what.in_file(&path.display().to_string()).into());
    }
    if let Some(e) = not_a_table(path).filter(|_| options.format.is_none()) {
        return Err(e.into());
    }
    announce_reading(console, path, options.format);
    let start = Instant::now();
    let table = console.during("load", || segmenta::table::read(path, options))?;
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
    let table =
        read(input, aim.init().map_or_else(KnownColumns::default, Init::known_columns), console, seconds)?;
    let options = infer_options(features, &table)?;
    prepare_table(table, &Recipe::inferred(options), aim, console, seconds)
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
    table.notes.iter().for_each(|note| console.note(&format!("note: {note}")));
    let source = table.source.clone();
    // Before the recipe makes columns of the table's own names.
    let before = init.map(|init| init.labels(&table)).transpose()?.flatten();
    let in_table = |e: Error| e.in_file(&source);
    let FitReport { fitted, choices, notes, outliers, dropped, kept, weights, unweighted } =
        recipe.fit(&mut table).map_err(in_table)?;
    if let Some(before) = before.as_ref().filter(|before| before.labels.len() != table.rows) {
        return Err(before.other_rows(recipe.group.as_ref().map(|group| group.by.as_str())).into());
    }
    notes.iter().for_each(|note| console.note(note));
    console.note(&features_note(&choices, table.rows));
    let names = fitted.encoder.feature_names();
    memory::check(&table, names.len(), false)?;
    let start = init.map(|init| init.start(&fitted.encoder, console)).transpose()?;
    let reach = start.iter().flatten().flatten().fold(0f64, |reach, v| reach.max(v.abs())) as f32;
    // Before the table's columns become the matrix.
    let reference = match aim {
        Aim::Figures => Vec::new(),
        Aim::Model(_) => fitted.encoder.reference(&table, kept.as_deref(), weights.as_ref()),
    };
    let weightless = match unweighted.is_empty() {
        true => None,
        false => {
            let encoded = fitted.encoder.apply_to(&table, Some(&unweighted)).map_err(in_table)?;
            Some(Weightless { rows: unweighted, columns: encoded.columns })
        }
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
    let matrix = match &weights {
        None => matrix,
        Some(weights) => matrix.with_weights(weights.clone()).map_err(in_table)?,
    }
    .with_repeats();
    let all = matrix.rows();
    let (matrix, merged) = merge_repeats(matrix);
    if merged.is_some() {
        let distinct = count(matrix.rows(), "distinct row");
        console.note(&format!("{}, {distinct}: rows that repeat are computed once", count(all, "row")));
    }
    let unweighted = weightless.as_ref().map_or(0, |w| w.rows.len());
    if unweighted > 0 {
        let zero = count(unweighted, "row");
        console.note(&format!("note: {zero} of weight 0: labelled, but nothing is learned from them"));
    }
    if let Some(kept) = kept.as_ref().filter(|k| k.len() + dropped + unweighted < rows) {
        let left = rows - kept.len() - dropped - unweighted;
        console.note(&format!(
            "left out for missing values: {} of {}",
            whole(left as u64),
            count(rows, "row")
        ));
    }
    seconds.prepare = Some(began.elapsed().as_secs_f64());
    let weight_column = recipe.features.options.weight.clone();
    Ok(Prepared {
        source,
        matrix,
        merged,
        weightless,
        fitted,
        ids,
        rows,
        kept,
        outliers,
        weight_column,
        reference,
        weights,
        start,
        before,
    })
}

/// The table of the distinct rows alone, and which rows these stand for, where that saves at least a quarter of the rows.
fn merge_repeats(matrix: Matrix) -> (Matrix, Option<Repeats>) {
    let merged = {
        let repeats = matrix.repeats();
        let distinct = if 4 * repeats.len() > 3 * matrix.rows() { None } else { repeats.merge(&matrix) };
        distinct.map(|distinct| (distinct.with_repeats(), repeats.into_owned()))
    };
    merged.map_or((matrix, None), |(distinct, repeats)| (distinct, Some(repeats)))
}

/// What was taken and what was left, in a few lines.
fn features_note(choices: &[ColumnChoice], rows: usize) -> String {
    // Said once for all of them, not behind each name.
    const NOT_ASKED: &str = "not asked for";
    let reasoned = |c: &ColumnChoice| format!("{} ({})", plain(&c.column), plain(&c.reason));
    let taken: Vec<String> = choices.iter().filter(|c| c.features > 0).map(reasoned).collect();
    let others = || choices.iter().filter(|c| c.features == 0);
    let left: Vec<String> = others().filter(|c| c.reason != NOT_ASKED).map(reasoned).collect();
    let unasked = others().filter(|c| c.reason == NOT_ASKED).map(|c| plain(&c.column));
    let unasked: Vec<String> = unasked.collect();
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
    list(NOT_ASKED, &unasked);
    note
}
