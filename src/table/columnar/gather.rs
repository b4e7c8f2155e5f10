//! Builds one column of a table from a sequence of Arrow arrays.
//!
//! Files deliver a column in pieces: batches in Arrow, row groups in Parquet. A [`Gather`] collects the pieces, counts
//! their memory, skips the rows that the user wants skipped and finds missing values.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::arrays::{self, Kind};
use crate::error::{Error, Place, Result};
use crate::memory::{Budget, refused};
use crate::table::missing::Nulls;
use crate::table::texts::Texts;
use crate::table::wide_integers::WideIntegers;
use crate::table::{ReadOptions, Values};

/// The size of a number in bytes.
const NUMBER: usize = size_of::<f64>();

/// A column under construction.
pub(super) struct Gather<'a> {
    name: String,
    options: &'a ReadOptions,
    budget: &'a Budget,
    kind: Kind,
    values: Growing,
    /// The cells exactly as written, if this is the id column.
    ids: Option<Vec<String>>,
    /// The number of rows of the file up to the last one added. It includes skipped rows and the rows before this part.
    seen: usize,
    nulls: Nulls,
}

/// A completed column.
pub(super) struct Filled {
    pub(super) name: String,
    pub(super) values: Values,
    /// The cells exactly as written, if this is the id column.
    pub(super) ids: Option<Vec<String>>,
    /// Facts about integers that f64 cannot represent exactly, if there are any.
    pub(super) wide_integers: Option<WideIntegers>,
}

/// The values collected so far.
enum Growing {
    Numbers(Vec<f64>),
    /// Integers, some of which f64 cannot represent exactly.
    WideIntegers(Vec<Option<i128>>),
    Bools(Vec<Option<bool>>),
    Texts(Texts),
    LeftOut(usize),
}

impl<'a> Gather<'a> {
    /// Creates an empty column for the Arrow type `of`. If `text` is true, it is read as text; if `id` is, it is the id
    /// column.
    pub(super) fn new(
        name: String,
        of: &DataType,
        (text, id): (bool, bool),
        options: &'a ReadOptions,
        budget: &'a Budget,
    ) -> Result<Self> {
        let kind = match arrays::kind(of) {
            Kind::LeftOut if id && options.id.is_some() => {
                return Err(Error::at(
                    Place::default().column(name),
                    format!("the type {of} cannot be an id"),
                ));
            }
            Kind::Number | Kind::Bool if text => Kind::Text,
            kind => kind,
        };
        let id = id && !matches!(kind, Kind::LeftOut);
        let (values, ids, nulls) = (Growing::new(kind), id.then(Vec::new), Nulls::new(options));
        Ok(Gather { name, options, budget, kind, values, ids, seen: 0, nulls })
    }

    /// The memory in bytes that `rows` rows need, not counting their text.
    pub(super) fn bytes(&self, rows: usize) -> u64 {
        let ids = if self.ids.is_some() { size_of::<String>() } else { 0 };
        (ids + self.values.width()) as u64 * rows as u64
    }

    /// Allocates the memory for `rows` rows in advance.
    pub(super) fn reserve(&mut self, rows: usize) -> Result<()> {
        let reserved = match &mut self.values {
            Growing::Numbers(v) => v.try_reserve_exact(rows),
            Growing::WideIntegers(v) => v.try_reserve_exact(rows),
            Growing::Bools(v) => v.try_reserve_exact(rows),
            Growing::Texts(v) => v.try_reserve(rows),
            Growing::LeftOut(_) => Ok(()),
        };
        let ids = self.ids.as_mut().map_or(Ok(()), |ids| ids.try_reserve_exact(rows));
        reserved.and(ids).map_err(|_| refused(self.bytes(rows)))
    }

    /// Creates an empty column of the same kind for the rows of the file from `first` on. Threads fill such parts
    /// separately; see [`Gather::append`].
    pub(super) fn part(&self, first: usize) -> Gather<'a> {
        let ids = self.ids.as_ref().map(|_| Vec::new());
        let (name, nulls) = (self.name.clone(), self.nulls.clone());
        Gather { name, values: Growing::new(self.kind), ids, seen: first, nulls, ..*self }
    }

    /// The number of rows of the file up to the last one added.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Whether the type of this column is not supported, so that all of its cells are missing.
    pub(super) fn is_left_out(&self) -> bool {
        matches!(self.kind, Kind::LeftOut)
    }

    /// Sets the number of rows of a column whose type is not supported.
    pub(super) fn leave_out(&mut self, rows: usize) {
        self.values = Growing::LeftOut(rows);
    }

    /// Appends the rows of an array.
    pub(super) fn push(&mut self, array: &ArrayRef) -> Result<()> {
        // A few bytes of dictionary codes can stand for long texts, so only some rows are expanded at a time.
        let most = arrays::rows_at_once(array);
        for first in (0..array.len().max(1)).step_by(most) {
            let some = array.slice(first, most.min(array.len() - first));
            let some = arrays::plain(&some).map_err(|e| super::damaged("a readable file", e))?;
            self.push_plain(&some)?;
        }
        Ok(())
    }

    /// Appends the rows of an array that is not dictionary-encoded.
    fn push_plain(&mut self, array: &ArrayRef) -> Result<()> {
        let skipped = self.options.skip_rows.saturating_sub(self.seen).min(array.len());
        let array = array.slice(skipped, array.len() - skipped);
        let first = self.seen + skipped;
        self.seen = first + array.len();
        if let Some(ids) = &mut self.ids {
            let mut bytes = 0;
            arrays::texts(&array, |text| bytes += text.map_or(0, str::len) as u64);
            self.budget.take(bytes)?;
            arrays::texts(&array, |text| ids.push(text.unwrap_or_default().to_string()));
        }
        let was = self.values.width();
        self.values.widen(&array);
        if let Growing::WideIntegers(wide) = &self.values {
            // The budget has counted these cells as f64; add the difference.
            let more =
                wide.capacity() * (self.values.width() - was) + array.len() * (self.values.width() - NUMBER);
            self.budget.take(more as u64)?;
        }
        match &mut self.values {
            Growing::WideIntegers(out) => {
                let nulls = &self.nulls;
                let there = |v: &i128| !nulls.is_number(*v as f64);
                arrays::wide_integers(&array, |whole| out.push(whole.filter(there)));
            }
            Growing::Numbers(out) => {
                let before = out.len();
                arrays::numbers(&array, out);
                if self.nulls.has_numbers() {
                    let single = matches!(array.data_type(), DataType::Float32 | DataType::Float16);
                    let nulls = &self.nulls;
                    let null =
                        |v: &f64| if single { nulls.is_single(*v as f32) } else { nulls.is_number(*v) };
                    out[before..].iter_mut().filter(|v| null(v)).for_each(|v| *v = f64::NAN);
                }
                if let Some(at) = out[before..].iter().position(|v| v.is_infinite()) {
                    let (row, found) = (first + at + 1, out[before + at]);
                    let what = format!("row {row}: expected a finite number, found {found}");
                    return Err(Error::at(Place::default().column(self.name.as_str()), what));
                }
            }
            Growing::Bools(out) => out.extend(array.as_boolean()),
            Growing::Texts(out) => {
                let null = |text: &str| self.nulls.is_asked(text.as_bytes());
                let before = out.bytes();
                arrays::texts(&array, |text| out.push(text.filter(|text| !null(text))));
                self.budget.take(out.bytes() - before)?;
            }
            Growing::LeftOut(rows) => *rows += array.len(),
        }
        Ok(())
    }

    /// Appends the rows of another part of the same column.
    pub(super) fn append(&mut self, part: Gather<'_>) {
        match (&mut self.values, part.values) {
            (Growing::Numbers(out), Growing::Numbers(more)) => out.extend(more),
            (Growing::WideIntegers(out), more @ (Growing::Numbers(_) | Growing::WideIntegers(_))) => {
                let mut more = more;
                out.extend(more.wide_integers());
            }
            (out @ Growing::Numbers(_), Growing::WideIntegers(more)) => {
                let mut wide_integers = out.wide_integers();
                wide_integers.extend(more);
                *out = Growing::WideIntegers(wide_integers);
            }
            (Growing::Bools(out), Growing::Bools(more)) => out.extend(more),
            (Growing::Texts(out), Growing::Texts(more)) => out.append(more),
            (Growing::LeftOut(out), Growing::LeftOut(more)) => *out += more,
            _ => unreachable!("parts are made of the same kind"),
        }
        if let (Some(ids), Some(more)) = (&mut self.ids, part.ids) {
            ids.extend(more);
        }
        self.seen = part.seen;
    }

    /// Completes the column.
    pub(super) fn finish(self) -> Filled {
        let mut wide_integers = None;
        let values = match self.values {
            Growing::Numbers(v) if v.iter().all(|v| v.is_nan()) => Values::Empty(v.len()),
            Growing::Numbers(v) => Values::Number(v),
            Growing::WideIntegers(v) if v.iter().all(Option::is_none) => Values::Empty(v.len()),
            Growing::WideIntegers(v) => {
                wide_integers = Some(WideIntegers::new(&v));
                Values::Number(v.into_iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect())
            }
            Growing::Bools(v) if v.iter().all(Option::is_none) => Values::Empty(v.len()),
            Growing::Bools(v) => Values::Bool(v),
            Growing::Texts(texts) => texts.finish(),
            Growing::LeftOut(rows) => Values::Empty(rows),
        };
        Filled { name: self.name, values, ids: self.ids, wide_integers }
    }
}

impl Growing {
    /// The size of a cell in bytes, not counting its text.
    fn width(&self) -> usize {
        match self {
            Growing::Numbers(_) => NUMBER,
            Growing::WideIntegers(_) => size_of::<Option<i128>>(),
            Growing::Bools(_) => size_of::<Option<bool>>(),
            Growing::Texts(_) => size_of::<Option<u32>>(),
            Growing::LeftOut(_) => 0,
        }
    }

    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Number => Growing::Numbers(Vec::new()),
            Kind::Bool => Growing::Bools(Vec::new()),
            Kind::Text => Growing::Texts(Texts::default()),
            Kind::LeftOut => Growing::LeftOut(0),
        }
    }

    /// Switches from f64 to integers with all digits if the array contains integers that f64 cannot represent. The
    /// earlier numbers are small enough to be exact.
    fn widen(&mut self, array: &ArrayRef) {
        if matches!(self, Growing::Numbers(_)) && arrays::has_wide(array) {
            *self = Growing::WideIntegers(self.wide_integers());
        }
    }

    /// Takes the collected numbers out and returns them as integers.
    fn wide_integers(&mut self) -> Vec<Option<i128>> {
        match std::mem::replace(self, Growing::LeftOut(0)) {
            Growing::Numbers(v) => v.into_iter().map(|v| (!v.is_nan()).then_some(v as i128)).collect(),
            Growing::WideIntegers(v) => v,
            _ => Vec::new(),
        }
    }
}
