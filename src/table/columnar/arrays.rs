//! Converts Arrow arrays of any supported type to numbers or text.
//!
//! Arrow has dozens of types; a table has four. This module decides what each Arrow type becomes and does the
//! conversion.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{ArrowError, DataType, TimeUnit};

/// The kind of column that an Arrow type becomes. `LeftOut` means that the type is not supported.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Number,
    Bool,
    Text,
    LeftOut,
}

/// The kind of column that the Arrow type `of` becomes.
pub(super) fn kind(of: &DataType) -> Kind {
    match of {
        DataType::Dictionary(_, of) => kind(of),
        DataType::Boolean => Kind::Bool,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Date32 | DataType::Date64 | DataType::Time32(_) | DataType::Time64(_) => Kind::Number,
        DataType::Timestamp(..) | DataType::Duration(_) => Kind::Number,
        of if of.is_numeric() => Kind::Number,
        _ => Kind::LeftOut,
    }
}

/// How many rows of an array to expand at a time: for a dictionary-encoded array as many as keep the expanded text
/// small, but at least one; for any other array all of them.
pub(super) fn rows_at_once(array: &ArrayRef) -> usize {
    /// The most bytes that the expanded text may take.
    const BYTES: usize = 128 << 20;
    let Some(coded) = array.as_any_dictionary_opt() else { return array.len().max(1) };
    let mut longest = 1;
    if matches!(coded.values().data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        texts(coded.values(), |text| longest = longest.max(text.map_or(0, str::len)));
    } else if coded.values().as_any_dictionary_opt().is_some() {
        // A dictionary of dictionary codes is rare, so a rough guess of the length is enough.
        longest = 1 << 10;
    }
    (BYTES / longest).max(1)
}

/// Expands a dictionary-encoded array; returns any other array as it is.
pub(super) fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.as_any_dictionary_opt() {
        Some(coded) => plain(&arrow_select::take::take(coded.values(), coded.keys(), None)?),
        None => Ok(array.clone()),
    }
}

/// Calls `$each!(type, conversion of a value to f64, conversion of a value to text)` for the numeric type `$of`, and
/// evaluates `$else` for all other types.
macro_rules! numeric {
    ($of:expr, $each:ident, $else:expr) => {
        match $of {
            DataType::Int8 => $each!(Int8Type, f64::from, text_of),
            DataType::Int16 => $each!(Int16Type, f64::from, text_of),
            DataType::Int32 => $each!(Int32Type, f64::from, text_of),
            DataType::Int64 => $each!(Int64Type, |v| v as f64, text_of),
            DataType::UInt8 => $each!(UInt8Type, f64::from, text_of),
            DataType::UInt16 => $each!(UInt16Type, f64::from, text_of),
            DataType::UInt32 => $each!(UInt32Type, f64::from, text_of),
            DataType::UInt64 => $each!(UInt64Type, |v| v as f64, text_of),
            DataType::Float16 => $each!(Float16Type, f64::from, text_of),
            DataType::Float32 => $each!(Float32Type, f64::from, text_of),
            DataType::Float64 => $each!(Float64Type, |v| v, text_of),
            DataType::Decimal32(p, s) => {
                let text = |v| Decimal32Type::format_decimal(v, *p, *s);
                $each!(Decimal32Type, |v| parsed(&text(v)), text)
            }
            DataType::Decimal64(p, s) => {
                let text = |v| Decimal64Type::format_decimal(v, *p, *s);
                $each!(Decimal64Type, |v| parsed(&text(v)), text)
            }
            DataType::Decimal128(p, s) => {
                let text = |v| Decimal128Type::format_decimal(v, *p, *s);
                $each!(Decimal128Type, |v| parsed(&text(v)), text)
            }
            DataType::Decimal256(p, s) => {
                let text = |v| Decimal256Type::format_decimal(v, *p, *s);
                $each!(Decimal256Type, |v| parsed(&text(v)), text)
            }
            DataType::Date32 => $each!(Date32Type, days, |v| days(v).to_string()),
            DataType::Date64 => $each!(Date64Type, milli, |v| milli(v).to_string()),
            DataType::Time32(TimeUnit::Second) => $each!(Time32SecondType, f64::from, text_of),
            DataType::Time32(_) => {
                $each!(Time32MillisecondType, |v| milli(v.into()), |v| milli(v.into()).to_string())
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                $each!(Time64MicrosecondType, micro, |v| micro(v).to_string())
            }
            DataType::Time64(_) => $each!(Time64NanosecondType, nano, |v| nano(v).to_string()),
            DataType::Timestamp(TimeUnit::Second, _) => $each!(TimestampSecondType, |v| v as f64, text_of),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                $each!(TimestampMillisecondType, milli, |v| milli(v).to_string())
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                $each!(TimestampMicrosecondType, micro, |v| micro(v).to_string())
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                $each!(TimestampNanosecondType, nano, |v| nano(v).to_string())
            }
            DataType::Duration(TimeUnit::Second) => $each!(DurationSecondType, |v| v as f64, text_of),
            DataType::Duration(TimeUnit::Millisecond) => {
                $each!(DurationMillisecondType, milli, |v| milli(v).to_string())
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                $each!(DurationMicrosecondType, micro, |v| micro(v).to_string())
            }
            DataType::Duration(TimeUnit::Nanosecond) => {
                $each!(DurationNanosecondType, nano, |v| nano(v).to_string())
            }
            _ => $else,
        }
    };
}

fn text_of(v: impl ToString) -> String {
    v.to_string()
}

/// Parses the text of a decimal, so that the result is correctly rounded.
fn parsed(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn days(days: i32) -> f64 {
    f64::from(days) * 86_400.0
}

fn milli(v: i64) -> f64 {
    seconds(v, 1_000)
}

fn micro(v: i64) -> f64 {
    seconds(v, 1_000_000)
}

fn nano(v: i64) -> f64 {
    seconds(v, 1_000_000_000)
}

/// Converts ticks to seconds. Integer and fractional part are converted separately, so that full seconds are exact
/// however large the number of ticks.
fn seconds(ticks: i64, a_second: i64) -> f64 {
    ticks.div_euclid(a_second) as f64 + ticks.rem_euclid(a_second) as f64 / a_second as f64
}

/// Appends the numbers of an array, NaN where one is missing. Dates and times become seconds.
pub(super) fn numbers(array: &dyn Array, out: &mut Vec<f64>) {
    macro_rules! add {
        ($t:ty, $number:expr, $text:expr) => {
            out.extend(array.as_primitive::<$t>().iter().map(|v| v.map_or(f64::NAN, $number)))
        };
    }
    numeric!(array.data_type(), add, out.resize(out.len() + array.len(), f64::NAN));
}

/// Whether an array contains integers that f64 may not represent exactly, which are those from 2^53 on.
pub(super) fn has_wide(array: &dyn Array) -> bool {
    const WIDE: u64 = 1 << 53;
    match array.data_type() {
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().flatten().any(|v| v.unsigned_abs() >= WIDE)
        }
        DataType::UInt64 => array.as_primitive::<UInt64Type>().iter().flatten().any(|v| v >= WIDE),
        _ => false,
    }
}

/// Calls `each` with every integer of a 64-bit integer array, `None` where one is missing. An array of another type
/// counts as missing throughout.
pub(super) fn wide_integers(array: &dyn Array, mut each: impl FnMut(Option<i128>)) {
    match array.data_type() {
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().for_each(|v| each(v.map(i128::from)));
        }
        DataType::UInt64 => {
            array.as_primitive::<UInt64Type>().iter().for_each(|v| each(v.map(i128::from)));
        }
        _ => (0..array.len()).for_each(|_| each(None)),
    }
}

/// Calls `each` with the text of every cell, `None` where one is missing. Numbers keep all of their digits.
pub(super) fn texts(array: &dyn Array, mut each: impl FnMut(Option<&str>)) {
    macro_rules! add {
        ($t:ty, $number:expr, $text:expr) => {
            array.as_primitive::<$t>().iter().for_each(|v| each(v.map($text).as_deref()))
        };
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(each),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(each),
        DataType::Utf8View => array.as_string_view().iter().for_each(each),
        DataType::Boolean => {
            array.as_boolean().iter().for_each(|v| each(v.map(|v| if v { "true" } else { "false" })));
        }
        of => numeric!(of, add, (0..array.len()).for_each(|_| each(None))),
    }
}
