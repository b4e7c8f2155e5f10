//! The [`Recipe`] itself, and how it is read from a recipe file.
//!
//! This module covers the sections that say how columns become features: `[[column]]`, `[[aggregate]]`, `[group]`,
//! `[[drop]]`, `[[reduce]]` and `[features]`. The types here hold what the user wrote; nothing in them has been learned from a table
//! yet. Mistakes are collected in the document instead of ending the reading, so that the user sees all of them at
//! once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recipe::aggregate::{Aggregate, AggregateFunction};
use crate::recipe::alias::Alias;
use crate::recipe::columns::sources;
use crate::recipe::decode::{Section, Value};
use crate::recipe::drops::{DropCondition, DropSpec};
use crate::recipe::extra::ExtraColumn;
use crate::recipe::fitted_step::FittedStep;
use crate::recipe::group::Group;
use crate::recipe::population::Population;
use crate::recipe::preparation::ColumnType;
use crate::recipe::reduce::ReduceSpec;
use crate::recipe::step::{Step, decode_steps, optional};
use crate::recipe::{InferOptions, Missing, Scale};
use crate::table::{Table, Values};

/// How a table becomes features: which columns are computed, which rows are left out, and which columns are used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    /// The name of the recipe file, for error messages.
    pub source: String,
    /// The `[[column]]` sections: columns to compute, and how single columns become features.
    pub columns: Vec<ColumnSpec>,
    /// The `[[aggregate]]` sections: columns that hold a figure per group, such as the mean pay of each company.
    pub aggregates: Vec<Aggregate>,
    /// The `[group]` section, if the features describe groups of rows (customers) and not single rows (purchases).
    pub group: Option<Group>,
    /// The `[population]` section: which rows the segments are for.
    pub population: Option<Population>,
    /// The `[[drop]]` sections: rows to leave out.
    pub drops: Vec<DropSpec>,
    /// The `[[reduce]]` sections: columns turned into a few new ones, one section after another.
    pub reductions: Vec<ReduceSpec>,
    /// The `[features]` section: which columns become features.
    pub features: Features,
    /// Columns that the analysis needs besides the features.
    pub extra: Vec<ExtraColumn>,
    /// The `[[alias]]` sections: other names for the texts of columns, in descriptions.
    pub aliases: Vec<Alias>,
}

/// A `[[column]]` section: a column that is computed from another by a list of operations, and how it becomes features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnSpec {
    /// The line of the section in the recipe file, counted from 1.
    pub line: u64,
    /// The new column's name. With [`ColumnSpec::columns`], `{column}` stands for the name of the source column and
    /// `{text}` for its first text: `"log_{column}"` makes `log_pay` from `pay`.
    pub name: String,
    /// The source column. By default, the table's column called [`ColumnSpec::name`].
    pub from: Option<String>,
    /// Instead of `from`, a glob: one column is computed from each of the table's columns that match.
    pub columns: Option<String>,
    /// The operations, applied one after another. If there are none, the column is a copy of its source.
    pub steps: Vec<Step>,
    /// How it becomes features, if it is used as one.
    pub encoding: EncodingOptions,
    /// What it is about, such as `cloud`, for descriptions of the segments. Columns made from a glob share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// How a single column becomes features, where that differs from the defaults in `[features]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EncodingOptions {
    /// How numbers and columns of two values are scaled. `None` means as in `[features]`.
    pub scale: Option<Scale>,
    /// What its features are multiplied by after scaling. `None` means 1.
    pub weight: Option<f64>,
    /// Whether each category gets a 0/1 feature even if there are only two. Otherwise two categories share one feature.
    pub one_hot: bool,
    /// How many categories get a feature each; the rarer ones share `other`. `None` means
    /// [`TOP_LEVELS`](crate::recipe::TOP_LEVELS).
    pub top: Option<usize>,
    /// Whether the categories' features are in alphabetical order. Otherwise the commonest comes first.
    pub alphabetical: bool,
}

impl EncodingOptions {
    /// Why these settings do not suit a column with these values, as a sentence; `None` if they do. For example,
    /// `one_hot` makes no sense for numbers.
    pub(super) fn unfit(&self, values: &Values) -> Option<String> {
        let (key, wants, advice) = match values {
            // A text with two values becomes one feature of 0 and 1, which can be scaled.
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
    /// The line of `[features]` in the recipe file, or 0 if the recipe has no such section.
    pub line: u64,
    /// Which columns to use, how to scale them, and what to do with missing values.
    pub options: InferOptions,
    /// If two columns correlate more strongly than this, in either direction, the later one is left out.
    pub drop_correlated: Option<f64>,
}

impl Recipe {
    /// The columns that have to be read as text, whatever they look like. These are the columns whose first step is
    /// `number`, because that step parses the text itself, and the column in `[group]`, so that a group called `007`
    /// keeps its name.
    pub fn text_columns(&self) -> Vec<String> {
        let from = |c: &ColumnSpec| {
            let number = matches!(c.steps.first(), Some(Step::Fixed(FittedStep::Number(_))));
            (number && c.columns.is_none()).then(|| c.from.clone().unwrap_or_else(|| c.name.clone()))
        };
        let by = self.group.iter().map(|group| group.by.clone());
        let by = by.filter(|by| !self.columns.iter().any(|c| c.name == *by));
        self.columns.iter().filter_map(from).chain(by).collect()
    }

    /// The topics of the columns that have one, by name. `table` is as it was read: the names that stand for a glob are
    /// made from its columns.
    pub fn topics(&self, table: &Table) -> BTreeMap<String, String> {
        let with_topic = self.columns.iter().filter_map(|c| Some((c, c.topic.as_ref()?)));
        let named = with_topic.flat_map(|(column, topic)| {
            let sources = sources(column, table).into_iter();
            sources.map(move |(name, _)| (name, topic.clone()))
        });
        named.collect()
    }

    /// The recipe for a run without a recipe file: no preparation, with features chosen by these options.
    pub fn inferred(options: InferOptions) -> Recipe {
        Recipe { features: Features { options, ..Features::default() }, ..Recipe::default() }
    }

    /// Reads the sections that say how columns become features. `source` is the file's name, and `id` is the column
    /// that names the rows, if `[input]` has one. Mistakes are added to the document's list of faults, so the result is
    /// only usable if that list stays empty.
    pub(crate) fn decode(root: &Section<'_>, source: &str, id: Option<&str>) -> Recipe {
        let mut recipe = Recipe { source: source.into(), ..Recipe::default() };
        let mut made = DeclaredNames::default();
        recipe.columns = root.sections("column").into_iter().filter_map(|s| column(s, &mut made)).collect();
        recipe.aggregates =
            root.sections("aggregate").into_iter().filter_map(|s| aggregate(s, &mut made)).collect();
        let part = |key| root.take(key).and_then(|v: Value<'_>| v.section());
        recipe.group = part("group").and_then(|section| group(section, &recipe.aggregates, id));
        recipe.population = Population::decode(root);
        recipe.drops = root.sections("drop").into_iter().filter_map(drop_rule).collect();
        if let Some(section) = part("features") {
            recipe.features = features(section);
        }
        recipe.reductions = ReduceSpec::decode_all(root, &recipe.features);
        recipe.aliases = Alias::decode_all(root);
        recipe
    }
}

/// The names of the computed columns read so far, each with its line, to report a name that is used twice.
#[derive(Default)]
struct DeclaredNames(BTreeMap<String, u64>);

impl DeclaredNames {
    /// Reads a column's name and records it. An empty name and one that is already taken are faults.
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

/// The range of counts that a recipe may contain, such as numbers of rows or categories.
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
        topic: section.take("topic").and_then(|v| {
            let topic = v.text()?;
            fit_for_a_name(&topic).map_err(|what| v.fault(what)).ok().map(|()| topic)
        }),
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

/// Checks that a text can be a segment's name.
///
/// # Errors
/// A sentence that says why not.
pub(crate) fn fit_for_a_name(name: &str) -> std::result::Result<(), String> {
    if name.trim().is_empty() {
        return Err("expected a name, found nothing".into());
    }
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("a name cannot hold a line break or another control character, found {c:?}")),
        None => Ok(()),
    }
}
