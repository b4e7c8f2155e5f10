//! The operations of a recipe, such as `log1p` or `impute`: reading them from the file, and fitting them.
//!
//! A [`Step`] is what the recipe says. Some steps first have to learn something from the column: `impute = "median"`
//! needs the median. [`Step::fit`] computes it once and returns [`FittedStep`]s that hold the result, here "fill with
//! 4.5". The model keeps only these, so later tables are filled with the median of the fit and not with their own.

use serde::{Deserialize, Serialize};

use crate::recipe::Scale;
use crate::recipe::arithmetic::ArithmeticOperation;
use crate::recipe::decode::{Section, Value, unknown};
use crate::recipe::fitted_step::{Comparison, FittedStep, Scalar, as_text, check_format, mixed, numbers_or};
use crate::recipe::statistics::{
    self, Copies, Ranked, centre_and_scale, count, deviation, mean, median, rank, tally, there,
};
use crate::table::{NumberFormat, Values};

/// An operation in the `steps` of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An operation that learns nothing from the column, so that its fitted form is known from the recipe alone.
    Fixed(FittedStep),
    /// Replaces missing values by the median, mean or mode of the others.
    Impute(ImputeStatistic),
    /// Replaces numbers by labels, cutting at quantiles of the column.
    QuantileCut {
        /// The quantiles to cut at, from 0 to 1, ascending.
        at: Vec<f64>,
        /// The labels, from the lowest numbers to the highest; one more than there are quantiles.
        labels: Vec<String>,
        /// A column of groups, such as the company. The quantiles are then taken over the groups, each counted once
        /// with the number of its first row that has one.
        over: Option<String>,
    },
    /// Keeps the commonest texts and replaces all others by one text.
    Top {
        /// How many texts to keep.
        n: usize,
        /// The text that replaces the others.
        other: String,
    },
    /// Replaces each text by its position in the sorted list of the column's texts, counted from 0.
    Codes,
    /// Converts seconds to whole hours since the earliest hour in the column.
    HoursSinceFirst,
    /// Subtracts the mean and divides by the standard deviation.
    ZScore {
        /// The standard deviation divides by the number of values minus this; 0 or 1.
        ddof: u32,
    },
    /// Scales the column as `[features]` would.
    Scale(Scale),
}

/// The statistic that replaces missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImputeStatistic {
    /// The middle value, or the mean of the two middle values.
    Median,
    /// The mean.
    Mean,
    /// The commonest value; if several are equally common, the smallest of them.
    Mode,
}

impl Step {
    /// The names of all operations.
    pub const NAMES: [&'static str; 27] = [
        "add",
        "answered",
        "clip",
        "codes",
        "compare",
        "contains",
        "cut",
        "divide",
        "fill",
        "gaussian",
        "hours",
        "hours_since_first",
        "impute",
        "log1p",
        "map",
        "multiply",
        "number",
        "ordered",
        "quantile_cut",
        "range",
        "scale",
        "subtract",
        "subtract_from",
        "text",
        "timestamp",
        "top",
        "zscore",
    ];

    /// Reads an operation, written as `"name"` or `{ name = argument }`. Mistakes are added to the document's faults.
    pub(super) fn decode(value: &Value<'_>) -> Option<Step> {
        if value.is_text() {
            let name = value.text()?;
            return match name.as_str() {
                "answered" => Some(Step::Fixed(FittedStep::Answered)),
                "codes" => Some(Step::Codes),
                "hours" => Some(Step::Fixed(FittedStep::Hours)),
                "hours_since_first" => Some(Step::HoursSinceFirst),
                "log1p" => Some(Step::Fixed(FittedStep::Log1p)),
                "number" => Some(Step::Fixed(FittedStep::Number(NumberFormat::with_decimal('.')))),
                "text" => Some(Step::Fixed(FittedStep::Text)),
                "zscore" => Some(Step::ZScore { ddof: 0 }),
                name if Self::NAMES.contains(&name) => {
                    value.fault(format!("{name} needs an argument: {{ {name} = … }}"));
                    None
                }
                name => {
                    value.fault(unknown("operation", name, &Step::NAMES));
                    None
                }
            };
        }
        if !value.is_table() {
            value.fault("expected an operation: \"log1p\", or { clip = { min = 0 } }");
            return None;
        }
        let entries = value.section()?.entries();
        let [(name, argument)] = &entries[..] else {
            value.fault("expected one operation in each { }");
            return None;
        };
        decode_one(name, argument)
    }

    /// Whether this step scales the column. If it is the last one, the feature is not scaled a second time.
    pub(super) fn scales(&self) -> bool {
        matches!(self, Step::ZScore { .. } | Step::Scale(_))
    }

    /// The second column that this step needs, either to learn from (`over`) or to compute with (`by`, `column`).
    pub(super) fn other(&self) -> Option<&str> {
        match self {
            Step::QuantileCut { over, .. } => over.as_deref(),
            Step::Fixed(step) => step.column(),
            _ => None,
        }
    }

    /// Learns what the step needs from `values` and returns it as steps that only need to be applied.
    ///
    /// `copies` are the weights of the rows. `over` holds the values of the column named by [`Step::other`].
    ///
    /// # Errors
    /// A sentence, if the column has the wrong type, has no value to learn from, or its numbers are too large.
    pub(super) fn fit(
        &self,
        values: &Values,
        over: Option<&Values>,
        copies: Copies<'_>,
    ) -> Result<Vec<FittedStep>, String> {
        let some = |name: &str| {
            let found = numbers_or(values, || format!("{name} needs numbers"))?;
            let there = there(&found, copies);
            if there.0.is_empty() { Err(format!("{name}: every value is missing")) } else { Ok(there) }
        };
        let sound = |step: FittedStep| {
            if step.is_sound() { Ok(vec![step]) } else { Err("the numbers are too large".to_string()) }
        };
        match self {
            Step::Fixed(step) => Ok(vec![step.clone()]),
            Step::Impute(ImputeStatistic::Median) => {
                let (there, copies) = some("impute")?;
                sound(FittedStep::Fill(Scalar::Number(median(&there, copies.as_deref()))))
            }
            Step::Impute(ImputeStatistic::Mean) => {
                let (there, copies) = some("impute")?;
                sound(FittedStep::Fill(Scalar::Number(mean(&there, copies.as_deref()))))
            }
            Step::Impute(ImputeStatistic::Mode) => Ok(vec![FittedStep::Fill(mode(values, copies)?)]),
            Step::QuantileCut { at, labels, over: _ } => {
                let ranked = match over {
                    None => {
                        let (there, copies) = some("quantile_cut")?;
                        Ranked::new(&there, copies.as_deref())
                    }
                    // Each group counts once, however many rows it has.
                    Some(groups) => Ranked::new(&one_a_group(values, groups)?, None),
                };
                if ranked.is_empty() {
                    return Err("quantile_cut: every value is missing".into());
                }
                let at = at.iter().map(|&q| ranked.quantile(q)).collect();
                sound(FittedStep::Cut { at, labels: labels.clone(), right: true })
            }
            Step::Top { n, other } => {
                let text = as_text(values)?;
                let Values::Text { levels, codes } = &*text else { return Ok(Vec::new()) };
                let (levels, _) = rank(levels, codes, *n, copies);
                Ok(vec![FittedStep::Keep { levels, other: other.clone() }])
            }
            Step::Codes => {
                let text = as_text(values)?;
                let Values::Text { levels, .. } = &*text else { return Ok(Vec::new()) };
                let mut levels = levels.clone();
                levels.sort();
                Ok(vec![FittedStep::Codes { levels }])
            }
            Step::HoursSinceFirst => {
                let hours = |v: &f64| libm::floor(v / 3600.0);
                let first = some("hours_since_first")?.0.iter().map(hours).fold(f64::INFINITY, f64::min);
                Ok(vec![FittedStep::Hours, FittedStep::Subtract(first)])
            }
            Step::ZScore { ddof } => {
                let (there, copies) = some("zscore")?;
                let copies = copies.as_deref();
                // The standard deviation of a constant column is rounding noise, so it must not be divided by.
                if let Some((centre, scale)) = statistics::constant(&there, copies) {
                    return sound(FittedStep::Scale { centre, scale });
                }
                let rows = count(&there, copies);
                if rows <= f64::from(*ddof) {
                    return Err(format!(
                        "zscore: the weights add up to {rows}, which has to be above {ddof}"
                    ));
                }
                let centre = mean(&there, copies);
                sound(FittedStep::Scale { centre, scale: deviation(&there, centre, *ddof, copies) })
            }
            Step::Scale(scale) => {
                let (there, copies) = some("scale")?;
                let (centre, scale) = centre_and_scale(&there, *scale, copies.as_deref());
                sound(FittedStep::Scale { centre, scale })
            }
        }
    }
}

fn decode_one(name: &str, argument: &Value<'_>) -> Option<Step> {
    let fixed = |step: FittedStep| Some(Step::Fixed(step));
    match name {
        "fill" => fixed(FittedStep::Fill(constant(argument)?)),
        "range" => {
            let [min, max] = bounds(argument)?;
            fixed(FittedStep::Range { min, max })
        }
        "clip" => {
            let section = argument.section()?;
            let (min, max) = (section.take("min"), section.take("max"));
            if section.is_empty() {
                section.fault("expected min, max or both");
            }
            section.finish();
            let (lower, upper) = (optional(min, Value::number)?, optional(max, Value::number)?);
            if let (Some(lower), Some(upper)) = (lower, upper)
                && lower > upper
            {
                argument.fault(format!("min {lower} is above max {upper}"));
                return None;
            }
            fixed(FittedStep::Clip { min: lower, max: upper })
        }
        "add" if argument.is_table() => fixed(ArithmeticOperation::Add.decode(argument)?),
        "subtract" if argument.is_table() => fixed(ArithmeticOperation::Subtract.decode(argument)?),
        "subtract_from" if argument.is_table() => fixed(ArithmeticOperation::SubtractFrom.decode(argument)?),
        "multiply" if argument.is_table() => fixed(ArithmeticOperation::Multiply.decode(argument)?),
        "divide" if argument.is_table() => fixed(ArithmeticOperation::Divide.decode(argument)?),
        "add" => fixed(FittedStep::Subtract(-argument.number()?)),
        "subtract" => fixed(FittedStep::Subtract(argument.number()?)),
        "subtract_from" => fixed(FittedStep::SubtractFrom(argument.number()?)),
        "multiply" => fixed(FittedStep::Multiply(argument.number()?)),
        "divide" => fixed(FittedStep::Divide(argument.number_where("a number that is not 0", |v| v != 0.0)?)),
        "compare" => {
            let section = argument.section()?;
            let is = section.need("is", "a comparison such as \">=\"").and_then(|v| v.word(&COMPARISONS));
            let to = section.need("to", "a number").and_then(|v| v.number());
            section.finish();
            fixed(FittedStep::Compare { is: is?, to: to? })
        }
        "cut" => {
            let section = argument.section()?;
            let at = section.need("at", "a list of numbers");
            let labels = section.need("labels", "a list of texts");
            let right = section.take("right");
            section.finish();
            let right = optional(right, Value::boolean)?.unwrap_or(true);
            let (at, labels) = cuts(at?, labels?, |v| v.number())?;
            fixed(FittedStep::Cut { at, labels, right })
        }
        "quantile_cut" => {
            let section = argument.section()?;
            let at = section.need("at", "a list of quantiles");
            let labels = section.need("labels", "a list of texts");
            let over = section.take("over");
            section.finish();
            let over = optional(over, Value::text)?;
            let inside = |v: &Value<'_>| v.number_where("a number from 0 to 1", |q| (0.0..=1.0).contains(&q));
            let (at, labels) = cuts(at?, labels?, inside)?;
            Some(Step::QuantileCut { at, labels, over })
        }
        "top" => {
            let section = argument.section()?;
            let n = section.need("n", "how many texts stay").and_then(|v| v.whole(1..=u64::from(u32::MAX)));
            let other = section.take("other");
            section.finish();
            let other = optional(other, Value::text)?.unwrap_or_else(|| "other".into());
            Some(Step::Top { n: n? as usize, other })
        }
        "ordered" => {
            let levels = argument.texts()?;
            let mut sorted = levels.clone();
            sorted.sort();
            if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
                argument.fault(format!("{:?} is listed twice", twice[0]));
                return None;
            }
            if levels.is_empty() {
                argument.fault("expected the answers in their order, found none");
                return None;
            }
            fixed(FittedStep::Codes { levels })
        }
        "map" => {
            let section = argument.section()?;
            let to = section.need("to", "a table such as { yes = 1, no = 0 }");
            let other = section.take("other");
            section.finish();
            let other = optional(other, constant)?;
            let to = to?;
            let mut table = std::collections::BTreeMap::new();
            for (key, value) in to.section()?.entries() {
                table.insert(key, constant(&value)?);
            }
            if let Some((text, number)) = mixed(table.values().chain(&other)) {
                argument.fault(format!("expected texts only or numbers only, found {text:?} and {number}"));
                return None;
            }
            fixed(FittedStep::Map { to: table, other })
        }
        "contains" => {
            let parts = argument.texts()?;
            if parts.is_empty() {
                argument.fault("expected at least one text");
                return None;
            }
            fixed(FittedStep::Contains(parts))
        }
        "timestamp" => {
            let format = argument.text()?;
            if let Err(what) = check_format(&format) {
                argument.fault(what);
                return None;
            }
            fixed(FittedStep::Timestamp(format))
        }
        "number" => fixed(FittedStep::Number(number_format(argument)?)),
        "gaussian" => {
            let section = argument.section()?;
            let deviation = section.need("deviation", "a number above 0");
            section.finish();
            let deviation = deviation?.number_where("a number above 0", |v| v > 0.0)?;
            fixed(FittedStep::Gaussian { deviation })
        }
        "zscore" => {
            let section = argument.section()?;
            let ddof = section.need("ddof", "0 or 1").and_then(|v| v.whole(0..=1));
            section.finish();
            Some(Step::ZScore { ddof: ddof? as u32 })
        }
        "impute" => {
            if argument.is_number() || argument.is_parameter() {
                return fixed(FittedStep::Fill(Scalar::Number(argument.number()?)));
            }
            let words = [
                ("median", ImputeStatistic::Median),
                ("mean", ImputeStatistic::Mean),
                ("mode", ImputeStatistic::Mode),
            ];
            argument.word(&words).map(Step::Impute)
        }
        "scale" => argument.word(&Scale::WORDS[..3]).map(Step::Scale),
        "answered" | "codes" | "hours" | "hours_since_first" | "log1p" | "text" => {
            argument.fault(format!("{name} takes no argument: write \"{name}\""));
            None
        }
        _ => {
            argument.fault(unknown("operation", name, &Step::NAMES));
            None
        }
    }
}

/// Reads the argument of `number`, such as `{ decimal = ",", thousands = ".", strip = "€" }`. Every key is optional.
fn number_format(argument: &Value<'_>) -> Option<NumberFormat> {
    let section = argument.section()?;
    let decimal = section.take("decimal");
    let thousands = section.take("thousands");
    let strip = section.take("strip");
    section.finish();
    let decimal = optional(decimal, |v| v.word(&[(".", '.'), (",", ',')]))?.unwrap_or('.');
    let one = |v: &Value<'_>| {
        let text = v.text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Some(c),
            _ => v.wrong("one character"),
        }
    };
    let thousands = optional(thousands, one)?.or(NumberFormat::with_decimal(decimal).thousands);
    let texts = |v: &Value<'_>| if v.is_text() { Some(vec![v.text()?]) } else { v.texts() };
    let strip = optional(strip, texts)?.unwrap_or_default();
    let format = NumberFormat { decimal, thousands, strip };
    if let Err(what) = format.check() {
        argument.fault(what);
        return None;
    }
    Some(format)
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
    (">", Comparison::Greater),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
];

/// Reads an optional value: `Some(None)` if it is absent, `Some(Some(_))` if it is right, and `None` if it is wrong,
/// which `read` has then reported.
pub(super) fn optional<'a, T>(
    value: Option<Value<'a>>,
    read: impl Fn(&Value<'a>) -> Option<T>,
) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => read(&value).map(Some),
    }
}

/// Reads a number, a parameter such as `"$year"`, or a text.
fn constant(value: &Value<'_>) -> Option<Scalar> {
    if value.is_text() && !value.is_parameter() {
        return value.text().map(Scalar::Text);
    }
    if value.is_text() || value.is_number() {
        return value.number().map(Scalar::Number);
    }
    value.wrong("a number or a text")
}

/// Reads `[min, max]`, where `min` may not be above `max`.
fn bounds(value: &Value<'_>) -> Option<[f64; 2]> {
    let numbers = value.numbers()?;
    match numbers[..] {
        [min, max] if min <= max => Some([min, max]),
        _ => {
            value.fault(format!("expected [smallest, largest], found {numbers:?}"));
            None
        }
    }
}

/// Reads the limits of `cut` or `quantile_cut`, which must ascend, and their labels, of which there must be one more.
fn cuts(
    at: Value<'_>,
    labels: Value<'_>,
    read: impl Fn(&Value<'_>) -> Option<f64>,
) -> Option<(Vec<f64>, Vec<String>)> {
    let cuts = at.list().and_then(|list| list.iter().map(&read).collect::<Option<Vec<f64>>>());
    let texts = labels.texts();
    let (cuts, texts) = (cuts?, texts?);
    if cuts.is_empty() || cuts.windows(2).any(|w| w[0] >= w[1]) {
        at.fault(format!("expected ascending numbers, found {cuts:?}"));
        return None;
    }
    if texts.len() != cuts.len() + 1 {
        labels.fault(format!(
            "expected {} labels for {} cuts, found {}",
            cuts.len() + 1,
            cuts.len(),
            texts.len()
        ));
        return None;
    }
    Some((cuts, texts))
}

/// The commonest value; if several are equally common, the smallest of them.
fn mode(values: &Values, copies: Copies<'_>) -> Result<Scalar, String> {
    let text = as_text(values)?;
    let Values::Text { levels, codes } = &*text else {
        return Err("impute: every value is missing".into());
    };
    let rows = tally(levels.len(), codes, copies);
    let most = rows.iter().copied().max().unwrap_or(0);
    let common = levels.iter().zip(rows).filter(|(_, n)| *n == most).map(|(level, _)| level.clone());
    if matches!(values, Values::Text { .. }) {
        return common.min().map(Scalar::Text).ok_or_else(|| "impute: every value is missing".into());
    }
    let number = |text: String| match text.as_str() {
        "true" => 1.0,
        "false" => 0.0,
        text => text.parse().unwrap_or(0.0),
    };
    Ok(Scalar::Number(common.map(number).fold(f64::INFINITY, f64::min)))
}

/// The first number of each group; groups without a number are left out.
fn one_a_group(values: &Values, groups: &Values) -> Result<Vec<f64>, String> {
    let numbers = numbers_or(values, || "quantile_cut needs numbers".into())?;
    let groups = as_text(groups)?;
    let Values::Text { levels, codes } = &*groups else { return Ok(Vec::new()) };
    let mut first = vec![f64::NAN; levels.len()];
    for (&value, code) in numbers.iter().zip(codes) {
        if let Some(code) = code
            && first[*code as usize].is_nan()
        {
            first[*code as usize] = value;
        }
    }
    first.retain(|v| !v.is_nan());
    Ok(first)
}

/// Reads the list `steps`; empty if the section has none.
pub(super) fn decode_steps(section: &Section<'_>) -> Vec<Step> {
    let Some(list) = section.take("steps").and_then(|v| v.list()) else { return Vec::new() };
    list.iter().filter_map(Step::decode).collect()
}
