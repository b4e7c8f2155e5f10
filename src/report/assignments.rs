//! Writes the file of assignments: a table's rows with their segments.

use crate::analysis::{ASSIGNMENT_COLUMNS, Followed, Seen, State, id_name};
use crate::model::{Assignment, LeftOut};
use crate::table::RUN;
use crate::table::write::{Cell, Cells, OutputFormat, write_csv, write_table_with};
use std::borrow::Cow;
use std::io::Write;

/// The name of the assignments' file.
pub fn file_name(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Parquet => "assignments.parquet",
        OutputFormat::Arrow => "assignments.arrow",
        _ => "assignments.csv",
    }
}

/// A table's rows with their segments.
pub struct LabelledRows<'a> {
    /// Whether text files get all digits of distances and margins, or six.
    pub full_precision: bool,
    /// The name of the fit whose segments these are.
    pub run: Option<&'a str>,
    /// The id column's name and cells; `None`: rows are numbered.
    pub ids: Option<&'a (String, Vec<String>)>,
    /// Each row's segment; `None` for rows that were left out.
    pub rows: &'a [Option<Assignment>],
    /// Which rows have no segment, and why.
    pub left_out: &'a LeftOut,
    /// The segments' names, by their numbers.
    pub names: &'a [Option<String>],
    /// Whether there is a column for the probabilities of a Gaussian mixture.
    pub probabilities: bool,
    /// Where the rows were last time; `None`: there are no columns for that.
    pub followed: Option<&'a Followed>,
}

impl<'a> LabelledRows<'a> {
    /// Writes a line for each row of the table: id (or row number), segment, status, distance, margin, and the segment's
    /// name, which is empty if it has none. For a Gaussian mixture `probability` follows: how likely the row belongs to its
    /// segment. If last time's assignments are known, two more columns follow: `previous`, the
    /// segment then (-1 if the row was left out then, empty if it was not there or cannot be told from others), and
    /// `previous_name`.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn write(&self, format: OutputFormat, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        let (names, columns) = self.columns();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let metadata = self.run.map(|run| (RUN, run));
        write_table_with(format, metadata.as_slice(), self.rows.len(), &names, &columns, out)
    }

    /// Writes the same as CSV to a stream.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn write_csv(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let (names, columns) = self.columns();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        write_csv(self.rows.len(), &names, &columns, out)
    }

    /// The id column's name and its name in the file, if the two differ because the file has a column of that name
    /// already.
    pub fn renamed_id(&self) -> Option<(&str, String)> {
        let (name, _) = self.ids?;
        match id_name(name) {
            Cow::Owned(other) => Some((name, other)),
            Cow::Borrowed(_) => None,
        }
    }

    fn columns(&self) -> (Vec<Cow<'a, str>>, Vec<Cells<'a>>) {
        let LabelledRows {
            ids,
            rows,
            left_out,
            names: segments,
            full_precision,
            followed,
            probabilities,
            ..
        } = *self;
        let float = |get: Cell<'a, f64>| if full_precision { Cells::F64(get) } else { Cells::Rounded(get) };
        let id = move |i: usize| match ids {
            Some((_, cells)) => Cow::from(cells[i].as_str()),
            None => Cow::from((i + 1).to_string()),
        };
        let first = ids.map_or(Cow::Borrowed("row"), |(name, _)| id_name(name));
        let there = |name: &&str| match *name {
            "probability" => probabilities,
            "previous" | "previous_name" => followed.is_some(),
            _ => true,
        };
        let own = ASSIGNMENT_COLUMNS.into_iter().filter(there).map(Cow::Borrowed);
        let names = std::iter::once(first).chain(own);
        let name = move |i: usize| {
            let segment = rows[i].as_ref()?.segment as usize;
            segments.get(segment).and_then(Option::as_deref).map(Cow::from)
        };
        let status = move |i: usize| State::of(i, rows[i].as_ref().map(|row| row.segment), left_out).status();
        let mut cells = vec![
            Cells::Text(Box::new(move |i| Some(id(i)))),
            Cells::I32(Box::new(move |i| Some(rows[i].as_ref().map_or(-1, |row| row.segment as i32)))),
            Cells::Text(Box::new(move |i| Some(status(i).into()))),
            float(Box::new(move |i| rows[i].as_ref().map(|row| row.distance))),
            // With a single segment there is no second nearest centroid.
            float(Box::new(move |i| rows[i].as_ref().map(|row| row.margin).filter(|m| m.is_finite()))),
            Cells::Text(Box::new(name)),
        ];
        if probabilities {
            cells.push(float(Box::new(move |i| rows[i].as_ref().map(|row| f64::from(row.probability)))));
        }
        if let Some(followed) = followed {
            let was = move |i: usize| match followed.rows.get(i) {
                Some(Seen::Was(state)) => Some(state.segment()),
                _ => None,
            };
            cells.push(Cells::I32(Box::new(move |i| Some(was(i)?.map_or(-1, |segment| segment as i32)))));
            let name = move |i: usize| followed.names.get(was(i)?? as usize)?.as_deref().map(Cow::from);
            cells.push(Cells::Text(Box::new(name)));
        }
        (names.collect(), cells)
    }
}
