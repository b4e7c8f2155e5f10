//! From the input's flags to a matrix.

use super::console::{Console, count};
use super::document::Seconds;
use super::interrupt::interrupted;
use crate::cli::{Features, Input, InputFormat, MissingArg, ScaleArg};
use segmenta::recipe::{Choice, Encoder, InferOptions, Missing, Scale};
use segmenta::table::{Format, ReadOptions, Table};
use segmenta::{Error, Matrix};
use std::path::Path;
use std::time::Instant;

/// A table that was read and turned into features.
pub struct Prepared {
    /// The table's name, for messages.
    pub source: String,
    pub matrix: Matrix,
    pub encoder: Encoder,
    /// The id column's name and cells, if one was asked for.
    pub ids: Option<(String, Vec<String>)>,
    /// Rows of the table; the matrix may have fewer.
    pub rows: usize,
    /// Which rows the matrix has; none means all.
    pub kept: Option<Vec<u32>>,
}

/// The reader's options.
pub fn read_options(input: &Input, text: Vec<String>) -> ReadOptions {
    ReadOptions {
        format: input.format.map(|f| match f {
            InputFormat::Csv => Format::Csv,
            InputFormat::Tsv => Format::Tsv,
            InputFormat::Npy => Format::Npy,
        }),
        delimiter: input.delimiter,
        null: input.null.clone(),
        id: input.id.clone(),
        text,
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
            ScaleArg::None => Scale::None,
        },
        missing: match features.missing {
            MissingArg::Impute => Missing::Impute,
            MissingArg::Drop => Missing::Drop,
            MissingArg::Error => Missing::Error,
        },
    }
}

/// Reads the table.
///
/// # Errors
/// As [`segmenta::table::read`].
pub fn read(input: &Input, text: Vec<String>, seconds: &mut Seconds) -> anyhow::Result<Table> {
    if input.input.as_os_str() == "-" && input.format.is_none() {
        return Err(Error::Usage("stdin (-) needs --format csv, tsv or npy".into()).into());
    }
    if input.input.is_dir() {
        return Err(Error::data("this is a directory, not a table")
            .in_file(&input.input.display().to_string())
            .into());
    }
    let start = Instant::now();
    let table = segmenta::table::read(&input.input, &read_options(input, text))?;
    seconds.load = Some(start.elapsed().as_secs_f64());
    if interrupted() { Err(Error::Interrupted.into()) } else { Ok(table) }
}

/// Reads the table, chooses its features and makes the matrix; `init` are start centroids as the user wrote them.
///
/// # Errors
/// Whatever is wrong with the table, the features or the centroids.
pub fn prepare(
    input: &Input,
    features: &Features,
    init: Option<(&Path, &[Vec<f64>])>,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Prepared> {
    let table = read(input, Vec::new(), seconds)?;
    prepare_table(table, features, init, console, seconds)
}

/// The same for a table that was read or made.
///
/// # Errors
/// Whatever is wrong with the features or the centroids.
pub fn prepare_table(
    mut table: Table,
    features: &Features,
    init: Option<(&Path, &[Vec<f64>])>,
    console: &Console,
    seconds: &mut Seconds,
) -> anyhow::Result<Prepared> {
    let start = Instant::now();
    let name = table.source.clone();
    let (encoder, choices) = Encoder::fit(&table, &infer_options(features)).map_err(|e| e.in_file(&name))?;
    console.note(&features_note(&choices, table.rows));
    let names = encoder.feature_names();
    let reach = init.map_or(Ok(0.0), |(path, rows)| {
        reach(rows, &encoder).map_err(|e| e.in_file(&path.display().to_string()))
    })?;
    if let Some(block) = encoder.apply_in_place(&mut table) {
        let matrix = block.and_then(|block| Matrix::from_row_major(names, block, reach));
        let matrix = matrix.map_err(|e| e.in_file(&name))?;
        seconds.prepare = Some(start.elapsed().as_secs_f64());
        return Ok(Prepared { source: name, matrix, encoder, ids: table.ids, rows: table.rows, kept: None });
    }
    let encoded = encoder.apply(&table).map_err(|e| e.in_file(&name))?;
    let (ids, rows) = (table.ids, table.rows);
    drop(table.columns);
    if let Some(kept) = &encoded.kept {
        let left = rows - kept.len();
        console.note(&format!("left out for missing values: {left} of {}", count(rows, "row")));
    }
    for warning in &encoded.warnings {
        console.note(&format!("note: {warning}"));
    }
    let matrix = Matrix::with_reach(names, encoded.columns, reach).map_err(|e| e.in_file(&name))?;
    seconds.prepare = Some(start.elapsed().as_secs_f64());
    Ok(Prepared { source: name, matrix, encoder, ids, rows, kept: encoded.kept })
}

/// The largest magnitude of the start centroids, in the encoder's space.
fn reach(init: &[Vec<f64>], encoder: &Encoder) -> Result<f32, Error> {
    let d = encoder.feature_count();
    let mut reach = 0f64;
    for (r, row) in init.iter().enumerate() {
        if row.len() != d {
            return Err(Error::data(format!(
                "start centroid {}: {} values for {d} features ({})",
                r + 1,
                row.len(),
                encoder.feature_names().join(", ")
            )));
        }
        for (j, &v) in row.iter().enumerate() {
            reach = reach.max(encoder.from_user(j, v).abs());
        }
    }
    let reach = reach as f32;
    if reach.is_finite() { Ok(reach) } else { Err(Error::data("a start centroid is out of range")) }
}

/// Reads start centroids, as the user wrote them.
///
/// # Errors
/// No such file, a cell that is no number, rows of different lengths.
pub fn read_init(path: &Path) -> anyhow::Result<Vec<Vec<f64>>> {
    let name = path.display().to_string();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        let table = segmenta::table::read(path, &ReadOptions::default())?;
        let mut rows = vec![Vec::new(); table.rows];
        for column in &table.columns {
            match column.values.numbers() {
                Some(values) if values.iter().all(|v| v.is_finite()) => {
                    rows.iter_mut().zip(values.iter()).for_each(|(row, &v)| row.push(v));
                }
                _ => return Err(Error::data("start centroids must be numbers").in_file(&name).into()),
            }
        }
        return Ok(rows);
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| unreadable(path, e))?;
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (r, record) in reader.records().enumerate() {
        let record = record.map_err(|e| unreadable(path, e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row: Result<Vec<f64>, &str> =
            record.iter().map(|c| c.parse().ok().filter(|v: &f64| v.is_finite()).ok_or(c)).collect();
        match row {
            Ok(row) => rows.push(row),
            Err(_) if r == 0 && record.iter().all(|c| c.parse::<f64>().is_err()) => {} // a header
            Err(cell) => {
                let place = segmenta::error::Place::file(&name).line(line);
                return Err(Error::at(place, format!("expected a number, found {cell:?}")).into());
            }
        }
    }
    if rows.is_empty() {
        return Err(Error::data("no start centroids").in_file(&name).into());
    }
    Ok(rows)
}

fn unreadable(path: &Path, e: csv::Error) -> Error {
    let line = e.position().map(csv::Position::line);
    match e.into_kind() {
        csv::ErrorKind::Io(source) => Error::Read { path: path.to_path_buf(), source },
        kind => {
            let mut place = segmenta::error::Place::file(path.display().to_string());
            place.line = line;
            let what = match kind {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("expected {expected_len} values, found {len}")
                }
                _ => "not a table of numbers in UTF-8".into(),
            };
            Error::at(place, what)
        }
    }
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
