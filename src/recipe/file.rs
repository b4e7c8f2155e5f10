//! A recipe, and the sections of a recipe file that it is read from: `[[column]]`, `[[aggregate]]`, `[group]`,
//! `[[drop]]` and `[features]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recipe::aggregate::{Aggregate, AggregateFunction};
use crate::recipe::decode::{Section, Value};
use crate::recipe::drops::{DropCondition, DropSpec};
use crate::recipe::fitted_step::FittedStep;
use crate::recipe::group::Group;
use crate::recipe::preparation::ColumnType;
use crate::recipe::step::{Step, decode_steps, optional};
use crate::recipe::{InferOptions, Missing, Scale};
use crate::table::Values;

/// How a table's columns become features: the columns that are made, the rows that are left out, and which columns are
/// taken.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    /// The name of the file that it was read from, for messages.
    pub source: String,
    /// Columns that are made, and how columns become features.
    pub columns: Vec<ColumnSpec>,
    /// Columns made of figures by group.
    pub aggregates: Vec<Aggregate>,
    /// Whether the rows are brought together before there are features.
    pub group: Option<Group>,
    /// Rows that are left out.
    pub drops: Vec<DropSpec>,
    /// Which columns become features.
    pub features: Features,
}

/// A column that is made of another by a chain of operations, and how it becomes features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnSpec {
    /// Its line in the recipe.
    pub line: u64,
    /// Its name; in a column for each of [`ColumnSpec::columns`], `{column}` and `{text}` stand for theirs.
    pub name: String,
    /// The column that it is made of; by default the one of its own name.
    pub from: Option<String>,
    /// A glob: one column is made for each that matches.
    pub columns: Option<String>,
    /// The chain.
    pub steps: Vec<Step>,
    /// How it becomes features, where it is one.
    pub encoding: EncodingOptions,
}

/// How a column becomes features, where that is not the rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EncodingOptions {
    /// How a number is scaled.
    pub scale: Option<Scale>,
    /// What its features are multiplied by.
    pub weight: Option<f64>,
    /// Whether each level of a text gets a feature, where there are but two as well.
    pub one_hot: bool,
    /// How many levels of a text get a feature each; the rest shares one.
    pub top: Option<usize>,
    /// Whether levels are in the order of the alphabet, not by how common they are.
    pub alphabetical: bool,
}

impl EncodingOptions {
    /// Why it is not for a column of these values, as a sentence.
    pub(super) fn unfit(&self, values: &Values) -> Option<String> {
        let (key, wants, advice) = match values {
            // A text of two values is 0 and 1, unless its levels are wanted.
            Values::Text { levels, .. } if levels.len() == 2 && !self.one_hot => return None,
            Values::Text { .. } if self.scale.is_some() => {
                ("scale", "numbers and for columns of two values", "")
            }
            Values::Number(_) | Values::Packed { .. } | Values::Bool(_) if self.one_hot => {
                ("one_hot", "texts", "; the step text makes texts of it")
            }
            _ => return None,
        };
        Some(format!("{key} is for {wants}, and this column holds {}{advice}", ColumnType::of(values).word()))
    }
}

/// Which columns become features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// The line of `[features]`, 0 where there is none.
    pub line: u64,
    /// Names and globs, scaling, missing values.
    pub options: InferOptions,
    /// The correlation from which on the later of two columns is left out.
    pub drop_correlated: Option<f64>,
}

impl Recipe {
    /// The columns that the table must be read with as text: those whose first step says how their numbers are written,
    /// and what makes groups, which is kept as it is written.
    pub fn text_columns(&self) -> Vec<String> {
        let from = |c: &ColumnSpec| {
            let number = matches!(c.steps.first(), Some(Step::Fixed(FittedStep::Number(_))));
            (number && c.columns.is_none()).then(|| c.from.clone().unwrap_or_else(|| c.name.clone()))
        };
        let by = self.group.iter().map(|group| group.by.clone());
        let by = by.filter(|by| !self.columns.iter().any(|c| c.name == *by));
        self.columns.iter().filter_map(from).chain(by).collect()
    }

    /// The recipe that a run without one follows.
    pub fn inferred(options: InferOptions) -> Recipe {
        Recipe { features: Features { options, ..Features::default() }, ..Recipe::default() }
    }

    /// Takes the sections of a recipe file that say how columns become features. `source` is the file's name and `id` the
    /// column that names the rows; faults are gathered in the document.
    pub(crate) fn decode(root: &Section<'_>, source: &str, id: Option<&str>) -> Recipe {
        let mut recipe = Recipe { source: source.into(), ..Recipe::default() };
        let mut made = DeclaredNames::default();
        recipe.columns = root.sections("column").into_iter().filter_map(|s| column(s, &mut made)).collect();
        recipe.aggregates =
            root.sections("aggregate").into_iter().filter_map(|s| aggregate(s, &mut made)).collect();
        let part = |key| root.take(key).and_then(|v: Value<'_>| v.section());
        recipe.group = part("group").and_then(|section| group(section, &recipe.aggregates, id));
        recipe.drops = root.sections("drop").into_iter().filter_map(drop_rule).collect();
        if let Some(section) = part("features") {
            recipe.features = features(section);
        }
        recipe
    }
}

/// The names of the columns that are made, and the lines where they are.
#[derive(Default)]
struct DeclaredNames(BTreeMap<String, u64>);

impl DeclaredNames {
    /// A name that is not empty and is made once.
    fn name(&mut self, value: &Value<'_>) -> Option<String> {
        let name = value.text()?;
        if name.is_empty() {
            value.fault("expected a name, found nothing");
        } else if let Some(first) = self.0.get(&name) {
            value.fault(format!("{name:?} is made twice, first on line {first}"));
        } else {
            self.0.insert(name.clone(), value.line());
        }
        Some(name)
    }
}

/// The numbers of rows, levels and the like that a recipe may name.
pub(crate) const SIZE: std::ops::RangeInclusive<u64> = 1..=(u32::MAX as u64);

fn column(section: Section<'_>, made: &mut DeclaredNames) -> Option<ColumnSpec> {
    let glob = section.take("columns");
    let name = section.need("name", "the column's name").and_then(|v| {
        if glob.is_none() {
            return made.name(&v);
        }
        let name = v.text()?;
        if !name.contains("{column}") && !name.contains("{text}") {
            v.fault("all matching columns would get this one name; put {column} or {text} in it");
        }
        Some(name)
    });
    let from = section.take("from");
    if let (Some(_), Some(from)) = (&glob, &from) {
        from.fault("from and columns are two sources; expected one of them");
    }
    let column = ColumnSpec {
        line: section.line(),
        name: name.clone().unwrap_or_default(),
        from: from.and_then(|v| v.text()),
        columns: glob.and_then(|v| v.text()),
        steps: decode_steps(&section),
        encoding: encoding(&section),
    };
    section.finish();
    name.map(|_| column)
}

fn encoding(section: &Section<'_>) -> EncodingOptions {
    let mut encoding = EncodingOptions {
        scale: section.take("scale").and_then(|v| v.word(&Scale::WORDS)),
        weight: section.take("weight").and_then(|v| v.number_where("a number above 0", |w| w > 0.0)),
        ..EncodingOptions::default()
    };
    if let Some(one_hot) = section.take("one_hot").and_then(|v| v.section()) {
        encoding.one_hot = true;
        encoding.top = one_hot.take("top").and_then(|v| v.whole(SIZE)).map(|n| n as usize);
        let orders = [("count", false), ("name", true)];
        encoding.alphabetical = one_hot.take("order").and_then(|v| v.word(&orders)).unwrap_or(false);
        one_hot.finish();
    }
    encoding
}

fn aggregate(section: Section<'_>, made: &mut DeclaredNames) -> Option<Aggregate> {
    let name = section.need("name", "the column's name").and_then(|v| made.name(&v));
    let by = section.need("by", "the column whose values make the groups").and_then(|v| v.text());
    let function =
        section.need("compute", &AggregateFunction::listed()).and_then(|v| v.word(&AggregateFunction::WORDS));
    let of = section.take("of");
    if of.is_none() && function.is_some_and(|f| f != AggregateFunction::Count) {
        section.fault("of is missing; expected the column that the figure is of");
    }
    let of = optional(of, Value::text);
    let (line, encoding) = (section.line(), encoding(&section));
    section.finish();
    Some(Aggregate { line, name: name?, by: by?, of: of?, function: function?, encoding })
}

fn group(section: Section<'_>, aggregates: &[Aggregate], id: Option<&str>) -> Option<Group> {
    let by = section.need("by", "the column whose values make the groups");
    let line = section.line();
    section.finish();
    let value = by?;
    let by = value.text()?;
    if !aggregates.iter().any(|aggregate| aggregate.by == by) {
        value.fault(format!("no [[aggregate]] has by = {by:?}; expected one for each column of the groups"));
    }
    if let Some(id) = id.filter(|id| *id != by) {
        value.fault(format!(
            "the groups of {by:?} are the rows, so that id = {id:?} cannot name them; leave id out"
        ));
    }
    Some(Group { line, by })
}

fn drop_rule(section: Section<'_>) -> Option<DropSpec> {
    let columns = section.need("columns", "a list of names or globs").and_then(|v| {
        let columns = v.texts()?;
        if columns.is_empty() {
            v.fault("expected at least one name or glob");
        }
        Some(columns)
    });
    let share = section.take("missing_share");
    let above = section.take("above_quantile");
    let below = section.take("below_quantile");
    let given = [&share, &above, &below].into_iter().flatten().count();
    let quantile = |v: &Value<'_>| v.number_where("a number from 0 to 1", |q| (0.0..=1.0).contains(&q));
    let positive = |v: &Value<'_>| v.number_where("a share above 0, 1 at most", |q| q > 0.0 && q <= 1.0);
    let condition = match (&share, &above, &below) {
        (Some(v), _, _) => positive(v).map(DropCondition::MissingShare),
        (_, Some(v), _) => quantile(v).map(DropCondition::AboveQuantile),
        (_, _, Some(v)) => quantile(v).map(DropCondition::BelowQuantile),
        _ => None,
    };
    let line = section.line();
    if given != 1 {
        section.fault("expected one of missing_share, above_quantile, below_quantile");
    }
    section.finish();
    Some(DropSpec { line, columns: columns?, condition: condition? }).filter(|_| given == 1)
}

fn features(section: Section<'_>) -> Features {
    let default = InferOptions::default();
    let correlated = |v: Value<'_>| v.number_where("a correlation above 0, below 1", |c| c > 0.0 && c < 1.0);
    let features = Features {
        line: section.line(),
        options: InferOptions {
            features: section.take("columns").and_then(|v| v.texts()).unwrap_or_default(),
            drop: section.take("drop").and_then(|v| v.texts()).unwrap_or_default(),
            max_categories: section
                .take("max_categories")
                .and_then(|v| v.whole(SIZE))
                .map_or(default.max_categories, |n| n as usize),
            scale: section.take("scale").and_then(|v| v.word(&Scale::WORDS)).unwrap_or(default.scale),
            missing: section.take("missing").and_then(|v| v.word(&Missing::WORDS)).unwrap_or(default.missing),
            weight: None,
        },
        drop_correlated: section.take("drop_correlated").and_then(correlated),
    };
    section.finish();
    features
}

/// Whether a text can be a segment's name; otherwise why not.
pub(crate) fn fit_for_a_name(name: &str) -> std::result::Result<(), String> {
    if name.trim().is_empty() {
        return Err("expected a name, found nothing".into());
    }
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("a name cannot hold a line break or another control character, found {c:?}")),
        None => Ok(()),
    }
}
