//! Applies the operations of a recipe to a column's values.
//!
//! A [`FittedStep`] holds everything that its operation needs, including what was learned from the table of the fit. It
//! is stored in the model and applied in the same way to every later table.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::recipe::arithmetic::ArithmeticOperation;
use crate::table::{NumberFormat, Values};

/// A single value: a number or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// Smaller.
    #[serde(rename = "<")]
    Less,
    /// Smaller or equal.
    #[serde(rename = "<=")]
    AtMost,
    /// Larger.
    #[serde(rename = ">")]
    Greater,
    /// Larger or equal.
    #[serde(rename = ">=")]
    AtLeast,
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// Different.
    #[serde(rename = "!=")]
    Unequal,
}

impl Comparison {
    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Comparison::Less => a < b,
            Comparison::AtMost => a <= b,
            Comparison::Greater => a > b,
            Comparison::AtLeast => a >= b,
            Comparison::Equal => a == b,
            Comparison::Unequal => a != b,
        }
    }
}

/// One operation on a column, ready to be applied. In the variants, x is the column's value in a row. Missing values
/// stay missing, except with [`FittedStep::Fill`] and [`FittedStep::Answered`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedStep {
    /// Replaces missing values by this one.
    Fill(Scalar),
    /// Makes numbers outside this range missing.
    Range {
        /// The smallest number that stays.
        min: f64,
        /// The largest number that stays.
        max: f64,
    },
    /// Replaces numbers outside these bounds by the nearest bound.
    Clip {
        /// The lower bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The upper bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// `ln(1 + x)`; missing for x of -1 and below.
    Log1p,
    /// `x * c`.
    Multiply(f64),
    /// `x / c`.
    Divide(f64),
    /// `x - c`.
    Subtract(f64),
    /// `c - x`.
    SubtractFrom(f64),
    /// Computes with the number that another column has in the same row; missing if either number is.
    Arithmetic {
        /// The operation.
        operation: ArithmeticOperation,
        /// The other column.
        column: String,
    },
    /// 1 where the comparison of x with a number holds, 0 elsewhere.
    Compare {
        /// The comparison.
        is: Comparison,
        /// The number that x is compared with.
        to: f64,
    },
    /// Replaces numbers by labels: the first label up to the first cut, the second from there to the second cut, and so
    /// on; the last label beyond the last cut.
    Cut {
        /// The cuts, ascending.
        at: Vec<f64>,
        /// The labels; one more than there are cuts.
        labels: Vec<String>,
        /// Whether a number equal to a cut gets the label below the cut (true) or above it (false).
        right: bool,
    },
    /// Replaces all texts that are not listed.
    Keep {
        /// The texts that stay.
        levels: Vec<String>,
        /// The text that replaces the others.
        other: String,
    },
    /// Replaces a text by its position in the list, counted from 0. A text that is not listed becomes missing.
    Codes {
        /// The texts, in order.
        levels: Vec<String>,
    },
    /// Replaces a text by its entry in a table.
    Map {
        /// The table from texts to replacements, which are all numbers or all texts.
        to: BTreeMap<String, Scalar>,
        /// The replacement for texts that the table lacks; without it they become missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other: Option<Scalar>,
    },
    /// 1 where the text contains any of these, ignoring case; 0 elsewhere.
    Contains(Vec<String>),
    /// 1 where there is a value, 0 where it is missing.
    Answered,
    /// Writes numbers out as texts.
    Text,
    /// Parses a text as a timestamp in this strptime format: seconds since 1970, in UTC unless the text has an offset.
    Timestamp(String),
    /// Parses a text as a number written in this format, such as `1.234,50 €`. Columns of numbers stay as they are.
    Number(NumberFormat),
    /// Converts seconds to whole hours, rounded down.
    Hours,
    /// The density of a normal distribution with mean 0 at x.
    Gaussian {
        /// The distribution's standard deviation.
        deviation: f64,
    },
    /// `(x - centre) / scale`.
    Scale {
        /// The number that is subtracted.
        centre: f64,
        /// The number that the difference is divided by.
        scale: f64,
    },
}

/// A column's values after a step, and the texts that the step did not know, each with its number of rows. Unknown
/// texts become missing values; the caller decides whether they are an error (at the fit) or a note (in later tables).
pub(super) struct StepOutput {
    pub(super) values: Values,
    pub(super) unknown: BTreeMap<String, usize>,
}

impl From<Values> for StepOutput {
    fn from(values: Values) -> Self {
        StepOutput { values, unknown: BTreeMap::new() }
    }
}

impl FittedStep {
    /// The operation's name in a recipe, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            FittedStep::Fill(_) => "fill",
            FittedStep::Range { .. } => "range",
            FittedStep::Clip { .. } => "clip",
            FittedStep::Log1p => "log1p",
            FittedStep::Multiply(_) => "multiply",
            FittedStep::Divide(_) => "divide",
            FittedStep::Subtract(_) => "subtract",
            FittedStep::SubtractFrom(_) => "subtract_from",
            FittedStep::Arithmetic { operation, .. } => operation.name(),
            FittedStep::Compare { .. } => "compare",
            FittedStep::Cut { .. } => "cut",
            FittedStep::Keep { .. } => "top",
            FittedStep::Codes { .. } => "ordered",
            FittedStep::Map { .. } => "map",
            FittedStep::Contains(_) => "contains",
            FittedStep::Answered => "answered",
            FittedStep::Text => "text",
            FittedStep::Timestamp(_) => "timestamp",
            FittedStep::Number(_) => "number",
            FittedStep::Hours => "hours",
            FittedStep::Gaussian { .. } => "gaussian",
            FittedStep::Scale { .. } => "scale",
        }
    }

    /// Whether its parameters make sense. They come from a model file, which someone may have edited by hand.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            FittedStep::Fill(Scalar::Number(v)) => v.is_finite(),
            FittedStep::Divide(c) => c.is_finite() && *c != 0.0,
            FittedStep::Multiply(c) | FittedStep::Subtract(c) | FittedStep::SubtractFrom(c) => c.is_finite(),
            FittedStep::Compare { to, .. } => to.is_finite(),
            FittedStep::Range { min, max } => min <= max,
            FittedStep::Clip { min, max } => match (min, max) {
                (Some(min), Some(max)) => min <= max,
                (min, max) => min.or(*max).is_some_and(f64::is_finite),
            },
            FittedStep::Number(format) => format.check().is_ok(),
            FittedStep::Cut { at, labels, .. } => at.is_sorted() && labels.len() == at.len() + 1,
            FittedStep::Gaussian { deviation } => deviation.is_finite() && *deviation > 0.0,
            FittedStep::Scale { centre, scale } => centre.is_finite() && scale.is_finite() && *scale > 0.0,
            FittedStep::Map { to, other } => {
                let sound = |c: &Scalar| !matches!(c, Scalar::Number(v) if !v.is_finite());
                to.values().chain(other).all(sound) && mixed(to.values().chain(other)).is_none()
            }
            _ => true,
        }
    }

    /// The second column that this step needs, if any.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            FittedStep::Arithmetic { column, .. } => Some(column),
            _ => None,
        }
    }

    /// Applies the step to a column. `other` holds the values of the column named by [`FittedStep::column`].
    ///
    /// # Errors
    /// Those of [`FittedStep::apply`].
    pub(super) fn apply_with(&self, values: &Values, other: Option<&Values>) -> Result<StepOutput, String> {
        match (self, other) {
            (FittedStep::Arithmetic { operation, column }, Some(other)) => {
                Ok(operation.apply(values, column, other)?.into())
            }
            _ => self.apply(values),
        }
    }

    /// Applies a step that needs no second column.
    ///
    /// # Errors
    /// A sentence, if the column has the wrong type or a cell cannot be parsed.
    pub(super) fn apply(&self, values: &Values) -> Result<StepOutput, String> {
        if let Values::Empty(rows) = values {
            return Ok(self.apply_to_nothing(*rows).into());
        }
        Ok(match self {
            FittedStep::Fill(constant) => fill(values, constant)?.into(),
            FittedStep::Answered => {
                let answered = |row| f64::from(u8::from(!values.is_missing(row)));
                Values::Number((0..values.len()).map(answered).collect()).into()
            }
            FittedStep::Text => as_text(values)?.into_owned().into(),
            FittedStep::Cut { at, labels, right } => self.cut(values, at, labels, *right)?.into(),
            FittedStep::Keep { levels, other } => {
                let kept: HashMap<&str, ()> = levels.iter().map(|l| (l.as_str(), ())).collect();
                let keep = |text: &str| {
                    Some(Cow::from(if kept.contains_key(text) { text.to_string() } else { other.clone() }))
                };
                self.texts(values, keep)?
            }
            FittedStep::Codes { levels } => {
                let codes: HashMap<&str, f64> =
                    levels.iter().enumerate().map(|(i, l)| (l.as_str(), i as f64)).collect();
                self.numbers_of(values, |text| Ok(codes.get(text).copied()))?
            }
            FittedStep::Map { to, other } => {
                let found = |text: &str| to.get(text).or(other.as_ref());
                let numeric = to.values().chain(other).any(|c| matches!(c, Scalar::Number(_)));
                if numeric {
                    self.numbers_of(values, |text| {
                        Ok(found(text).and_then(|c| if let Scalar::Number(v) = c { Some(*v) } else { None }))
                    })?
                } else {
                    self.texts(values, |text| match found(text)? {
                        Scalar::Text(to) => Some(Cow::from(to.clone())),
                        Scalar::Number(_) => None,
                    })?
                }
            }
            FittedStep::Contains(parts) => {
                let parts: Vec<String> = parts.iter().map(|p| p.to_lowercase()).collect();
                self.numbers_of(values, |text| {
                    let text = text.to_lowercase();
                    Ok(Some(f64::from(u8::from(parts.iter().any(|p| text.contains(p.as_str()))))))
                })?
            }
            FittedStep::Number(_) if values.numbers().is_some() => values.clone().into(),
            FittedStep::Number(format) => self.numbers_of(values, |text| match format.parse(text) {
                Some(number) => Ok(Some(number)),
                None => Err(format!("{text:?} is not a number written like {}", format.example())),
            })?,
            FittedStep::Timestamp(format) => {
                self.numbers_of(values, |text| seconds(format, text).map(Some))?
            }
            FittedStep::Arithmetic { column, .. } => {
                return Err(format!("{} needs the column {column:?}", self.name()));
            }
            _ => {
                let numbers = self.numbers_in(values)?;
                Values::Number(numbers.iter().map(|&x| if x.is_nan() { x } else { self.number(x) }).collect())
                    .into()
            }
        })
    }

    /// Applies a step for numbers to one number that is not missing.
    fn number(&self, x: f64) -> f64 {
        match self {
            FittedStep::Range { min, max } => {
                if (*min..=*max).contains(&x) {
                    x
                } else {
                    f64::NAN
                }
            }
            FittedStep::Clip { min, max } => {
                x.max(min.unwrap_or(f64::NEG_INFINITY)).min(max.unwrap_or(f64::INFINITY))
            }
            FittedStep::Log1p => {
                if x > -1.0 {
                    libm::log1p(x)
                } else {
                    f64::NAN
                }
            }
            FittedStep::Multiply(c) => x * c,
            FittedStep::Divide(c) => x / c,
            FittedStep::Subtract(c) => x - c,
            FittedStep::SubtractFrom(c) => c - x,
            FittedStep::Compare { is, to } => f64::from(u8::from(is.holds(x, *to))),
            FittedStep::Hours => libm::floor(x / 3600.0),
            FittedStep::Gaussian { deviation } => {
                let z = x / deviation;
                libm::exp(-0.5 * z * z) / (deviation * (2.0 * std::f64::consts::PI).sqrt())
            }
            FittedStep::Scale { centre, scale } => (x - centre) / scale,
            _ => x,
        }
    }

    /// Applies the step to a column in which every value is missing. Such a column has no type, so it suits any step.
    fn apply_to_nothing(&self, rows: usize) -> Values {
        match self {
            FittedStep::Fill(Scalar::Number(v)) => Values::Number(vec![*v; rows]),
            FittedStep::Fill(Scalar::Text(t)) => {
                Values::Text { levels: vec![t.clone()], codes: vec![Some(0); rows] }
            }
            FittedStep::Answered => Values::Number(vec![0.0; rows]),
            _ => Values::Empty(rows),
        }
    }

    fn cut(&self, values: &Values, at: &[f64], labels: &[String], right: bool) -> Result<Values, String> {
        let numbers = self.numbers_in(values)?;
        let code = |&x: &f64| {
            let bin = at.partition_point(|&cut| if right { cut < x } else { cut <= x });
            (!x.is_nan()).then_some(bin as u32)
        };
        let codes = numbers.iter().map(code).collect();
        Ok(text_of(labels.to_vec(), codes))
    }

    /// The column as numbers, with true and false as 1 and 0.
    pub(super) fn numbers_in<'a>(&self, values: &'a Values) -> Result<Cow<'a, [f64]>, String> {
        numbers_or(values, || format!("{} needs numbers", self.name()))
    }

    /// Replaces each text by the text that `to` returns. A text for which it returns `None` is unknown.
    fn texts(
        &self,
        values: &Values,
        to: impl Fn(&str) -> Option<Cow<'static, str>>,
    ) -> Result<StepOutput, String> {
        let values = as_text(values)?;
        let Values::Text { levels, codes } = &*values else { return Ok(values.into_owned().into()) };
        let mut new: Vec<String> = Vec::new();
        let mut places: HashMap<String, u32> = HashMap::new();
        let of: Vec<Option<u32>> = levels
            .iter()
            .map(|level| {
                let text = to(level)?.into_owned();
                Some(*places.entry(text).or_insert_with_key(|text| {
                    new.push(text.clone());
                    new.len() as u32 - 1
                }))
            })
            .collect();
        let unknown = unknown(levels, codes, |code| of[code].is_none());
        let codes = codes.iter().map(|code| of[(*code)? as usize]).collect();
        Ok(StepOutput { values: text_of(new, codes), unknown })
    }

    /// Replaces each text by the number that `to` returns. A text for which it returns `None` is unknown.
    fn numbers_of(
        &self,
        values: &Values,
        to: impl Fn(&str) -> Result<Option<f64>, String>,
    ) -> Result<StepOutput, String> {
        let values = as_text(values)?;
        let Values::Text { levels, codes } = &*values else { return Ok(values.into_owned().into()) };
        let mut of = Vec::with_capacity(levels.len());
        for (code, level) in levels.iter().enumerate() {
            of.push(to(level).map_err(|what| {
                let row = codes.iter().position(|c| *c == Some(code as u32)).unwrap_or(0);
                format!("row {}: {what}", row + 1)
            })?);
        }
        let unknown = unknown(levels, codes, |code| of[code].is_none());
        let number = |code: &Option<u32>| code.and_then(|c| of[c as usize]).unwrap_or(f64::NAN);
        Ok(StepOutput { values: Values::Number(codes.iter().map(number).collect()), unknown })
    }
}

/// The column as numbers, with true and false as 1 and 0.
///
/// # Errors
/// A sentence that begins with `wants`, if the column holds texts.
pub(super) fn numbers_or(values: &Values, wants: impl Fn() -> String) -> Result<Cow<'_, [f64]>, String> {
    match values {
        Values::Bool(v) => {
            Ok(v.iter().map(|b| b.map_or(f64::NAN, |b| f64::from(u8::from(b)))).collect::<Vec<_>>().into())
        }
        Values::Empty(rows) => Ok(vec![f64::NAN; *rows].into()),
        Values::Text { levels, .. } => {
            let odd = levels.iter().find(|l| l.parse::<f64>().is_err()).or(levels.first());
            Err(format!("{}, found text such as {:?}", wants(), odd.map_or("", |l| l.as_str())))
        }
        _ => values.numbers().ok_or_else(wants),
    }
}

/// The column as texts: numbers are written out, and booleans become `true` and `false`.
pub(super) fn as_text(values: &Values) -> Result<Cow<'_, Values>, String> {
    if matches!(values, Values::Text { .. } | Values::Empty(_)) {
        return Ok(Cow::Borrowed(values));
    }
    if let Values::Bool(v) = values {
        let codes = v.iter().map(|b| b.map(u32::from)).collect();
        return Ok(Cow::Owned(text_of(vec!["false".into(), "true".into()], codes)));
    }
    let numbers = numbers_or(values, || "text needs numbers".into())?;
    let mut levels = Vec::new();
    let mut places: HashMap<u64, u32> = HashMap::new();
    let code = |&x: &f64| {
        // Adding zero turns -0.0 into 0.0.
        let x = x + 0.0;
        (!x.is_nan()).then(|| {
            *places.entry(x.to_bits()).or_insert_with(|| {
                levels.push(x.to_string());
                levels.len() as u32 - 1
            })
        })
    };
    let codes = numbers.iter().map(code).collect();
    Ok(Cow::Owned(text_of(levels, codes)))
}

/// Builds a text column. Levels that no row has are dropped, and the others are sorted by first appearance.
pub(super) fn text_of(levels: Vec<String>, codes: Vec<Option<u32>>) -> Values {
    let mut new = vec![None; levels.len()];
    let mut seen = 0;
    let codes: Vec<Option<u32>> = codes
        .into_iter()
        .map(|code| {
            Some(*new[code? as usize].get_or_insert_with(|| {
                seen += 1;
                seen - 1
            }))
        })
        .collect();
    let mut kept = vec![String::new(); seen as usize];
    for (level, place) in levels.into_iter().zip(new) {
        if let Some(place) = place {
            kept[place as usize] = level;
        }
    }
    if kept.is_empty() { Values::Empty(codes.len()) } else { Values::Text { levels: kept, codes } }
}

fn fill(values: &Values, constant: &Scalar) -> Result<Values, String> {
    match (constant, values) {
        (Scalar::Number(v), Values::Bool(b)) if *v == 0.0 || *v == 1.0 => {
            Ok(Values::Bool(b.iter().map(|b| Some(b.unwrap_or(*v == 1.0))).collect()))
        }
        (Scalar::Number(v), _) => {
            let numbers = numbers_or(values, || "fill with a number needs numbers".into())?;
            Ok(Values::Number(numbers.iter().map(|&x| if x.is_nan() { *v } else { x }).collect()))
        }
        (Scalar::Text(t), Values::Text { levels, codes }) => {
            let mut levels = levels.clone();
            let code = levels.iter().position(|l| l == t).unwrap_or(levels.len());
            if code == levels.len() {
                levels.push(t.clone());
            }
            Ok(text_of(levels, codes.iter().map(|c| c.or(Some(code as u32))).collect()))
        }
        (Scalar::Text(t), _) => Err(format!("fill with the text {t:?} needs texts, found numbers")),
    }
}

/// The texts for which `is_unknown` holds, each with the number of rows that have it.
fn unknown(
    levels: &[String],
    codes: &[Option<u32>],
    is_unknown: impl Fn(usize) -> bool,
) -> BTreeMap<String, usize> {
    let mut rows = vec![0usize; levels.len()];
    codes.iter().flatten().for_each(|&code| rows[code as usize] += 1);
    let there = |(code, rows): &(usize, usize)| *rows > 0 && is_unknown(*code);
    rows.into_iter().enumerate().filter(there).map(|(code, rows)| (levels[code].clone(), rows)).collect()
}

/// A text and a number from `constants`, if both kinds occur in it.
pub(super) fn mixed<'a>(constants: impl Iterator<Item = &'a Scalar>) -> Option<(String, f64)> {
    let (mut text, mut number) = (None, None);
    for constant in constants {
        match constant {
            Scalar::Text(t) => text = Some(t.clone()),
            Scalar::Number(v) => number = Some(*v),
        }
    }
    text.zip(number)
}

/// Parses a timestamp in a strptime format into seconds since 1970. Without an offset it is taken as UTC.
///
/// # Errors
/// A sentence, if the text does not fit the format, or if its year has fewer than four digits.
pub(super) fn seconds(format: &str, text: &str) -> Result<f64, String> {
    use jiff::fmt::strtime::BrokenDownTime;
    let wrong = |why: String| format!("{text:?} is not a timestamp in the format {format:?}: {why}");
    let parsed = BrokenDownTime::parse(format, text).map_err(|e| wrong(e.to_string()))?;
    let instant = if parsed.timestamp().is_some() || parsed.offset().is_some() {
        parsed.to_timestamp()
    } else {
        parsed.to_datetime().and_then(|t| jiff::tz::Offset::UTC.to_timestamp(t))
    };
    let instant = instant.map_err(|e| wrong(e.to_string()))?;
    // `%Y` reads "24" as the year 24, which is hardly ever meant.
    if instant.as_second() < -62_135_596_800 + 999 * 31_556_952 {
        return Err(wrong("the year has fewer than four digits".into()));
    }
    Ok(instant.as_second() as f64 + f64::from(instant.subsec_nanosecond()) / 1e9)
}

/// Checks that a strptime format is valid and can read back what it writes, so that a mistake in it is found in the
/// recipe and not in the first row of the table.
pub(super) fn check_format(format: &str) -> Result<(), String> {
    let wrong = |e: jiff::Error| format!("{format:?} is not a timestamp format: {e}");
    let moment = jiff::Timestamp::from_second(1_540_829_109).map_err(wrong)?;
    let written = jiff::fmt::strtime::format(format, moment).map_err(wrong)?;
    seconds(format, &written).map(drop).map_err(|_| {
        format!("{format:?} is not a usable timestamp format: {written:?}, which is written in it, cannot be read back")
    })
}
