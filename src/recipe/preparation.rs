//! Columns made and rows left out: fitted once, kept in the model, applied to every table since.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize, Serializer};
use wildmatch::WildMatch;

use crate::error::{Error, Place, Result};
use crate::recipe::aggregate::join;
use crate::recipe::drops::{FittedDrop, RowStatus};
use crate::recipe::fitted_step::{FittedStep, Scalar};
use crate::recipe::group::Grouping;
use crate::recipe::rows::count;
use crate::table::{Column, NumberFormat, Table, Values, missing_column};

/// What a column that is read from the table was at the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Texts.
    Text,
    /// Nothing but missing values.
    Empty,
}

impl ColumnType {
    pub(super) fn of(values: &Values) -> ColumnType {
        match values {
            Values::Number(_) | Values::Packed { .. } => ColumnType::Number,
            Values::Bool(_) => ColumnType::Boolean,
            Values::Text { .. } => ColumnType::Text,
            Values::Empty(_) => ColumnType::Empty,
        }
    }

    /// What a column of this kind holds.
    pub(super) fn word(self) -> &'static str {
        match self {
            ColumnType::Number => "numbers",
            ColumnType::Boolean => "true/false",
            ColumnType::Text => "text",
            ColumnType::Empty => "nothing",
        }
    }
}

/// A column that is made of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedColumn {
    /// Its name.
    pub name: String,
    /// The column that it is made of.
    pub from: String,
    /// What that was at the fit, where it is the table's; none where it is itself made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
    /// The figure of each of its values, where they are groups.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "sorted")]
    pub groups: Option<HashMap<String, Scalar>>,
    /// What is done to it, in order.
    #[serde(rename = "rules", default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<FittedStep>,
}

impl FittedColumn {
    /// The other columns that its steps compute with.
    pub(super) fn operands(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(FittedStep::column)
    }

    /// The table's columns that it reads; `made` are the names of all columns that are made.
    pub(super) fn reads<'a>(&'a self, made: &HashSet<&str>) -> Vec<&'a str> {
        // A column that is made of its own name reads the table's.
        let own = |name: &&str| *name == self.name || !made.contains(name);
        let from = self.read.is_some().then_some(self.from.as_str());
        from.into_iter().chain(self.operands().filter(own)).collect()
    }

    /// Whether it can be computed with; a person may have edited it.
    pub(super) fn is_sound(&self) -> bool {
        let finite = |figure: &Scalar| !matches!(figure, Scalar::Number(v) if !v.is_finite());
        let groups = self.groups.as_ref().is_none_or(|groups| groups.values().all(finite));
        groups && self.steps.iter().all(FittedStep::is_sound)
    }
}

/// Writes groups in the order of their texts, so that equal models are equal files.
fn sorted<S: Serializer>(
    groups: &Option<HashMap<String, Scalar>>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    groups.as_ref().map(|groups| groups.iter().collect::<BTreeMap<_, _>>()).serialize(to)
}

/// The fitted part of a recipe that comes before its features.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// Rows brought together, before anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Grouping>,
    /// Columns that are made, each after those that it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<FittedColumn>,
    /// Rows that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<FittedDrop>,
    /// How numbers are written in columns of the table, where that is not as programs write them.
    #[serde(rename = "readings", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub number_formats: BTreeMap<String, NumberFormat>,
}

/// A table as a preparation leaves it.
pub(crate) struct PreparedTable {
    /// The table with one row for each group, where rows are brought together.
    pub(crate) grouped: Option<Table>,
    /// What becomes of each row; none: all are kept.
    pub(crate) statuses: Option<Vec<RowStatus>>,
    /// The columns that were made.
    pub(crate) made: Vec<Column>,
    /// What a person should know.
    pub(crate) notes: Vec<String>,
}

impl Preparation {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        !self.has_work() && self.number_formats.is_empty()
    }

    /// Whether there is something to do once a table was read.
    pub(crate) fn has_work(&self) -> bool {
        self.group.is_some() || !self.columns.is_empty() || !self.drops.is_empty()
    }

    /// Whether it can be computed with; a person may have edited it.
    pub(crate) fn is_sound(&self) -> bool {
        self.columns.iter().all(FittedColumn::is_sound)
            && self.group.as_ref().is_none_or(Grouping::is_sound)
            && self.number_formats.values().all(|format| format.check().is_ok())
    }

    /// The table's columns that it reads, and those of `names` that it does not make.
    pub(crate) fn reads<'a>(&'a self, names: &HashSet<&'a str>) -> Vec<&'a str> {
        if let Some(group) = &self.group {
            return group.reads();
        }
        let made: HashSet<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let own = self.columns.iter().flat_map(|c| c.reads(&made));
        let looked = self.drops.iter().flat_map(FittedDrop::columns).chain(names.iter().copied());
        own.chain(looked.filter(|name| !made.contains(name))).collect()
    }

    /// The table's columns that it reads as text.
    pub(crate) fn text_columns(&self) -> Vec<&str> {
        match &self.group {
            Some(group) => group.columns_of(ColumnType::Text),
            None => read_as(&self.columns, ColumnType::Text).collect(),
        }
    }

    /// The table's columns that it reads as numbers.
    pub(crate) fn number_columns(&self) -> Vec<&str> {
        match &self.group {
            Some(group) => group.columns_of(ColumnType::Number),
            None => read_as(&self.columns, ColumnType::Number).collect(),
        }
    }

    /// Makes the columns of a table, and says which rows are left out.
    pub(crate) fn apply(&self, table: &Table) -> Result<PreparedTable> {
        let mut notes = Vec::new();
        let grouped = self.group.as_ref().map(|group| group.apply(table, &mut notes)).transpose()?;
        let table = grouped.as_ref().unwrap_or(table);
        let made = make(&self.columns, table, &mut notes)?;
        let statuses =
            if self.drops.is_empty() { None } else { Some(self.statuses(table, &made, &mut notes)?) };
        Ok(PreparedTable { grouped, statuses, made, notes })
    }

    fn statuses(&self, table: &Table, made: &[Column], notes: &mut Vec<String>) -> Result<Vec<RowStatus>> {
        let looked: HashSet<&str> = self.drops.iter().flat_map(FittedDrop::columns).collect();
        let whole = with_made(table, made, &looked);
        let mut statuses = vec![RowStatus::Kept; table.rows];
        for drop in &self.drops {
            let marked = drop.mark(&whole, &mut statuses)?;
            if marked > 0 {
                notes.push(format!("left out: {}, {}", count(marked), drop.describe()));
            }
        }
        Ok(statuses)
    }
}

/// The table's columns that these read as of a kind.
pub(super) fn read_as(columns: &[FittedColumn], kind: ColumnType) -> impl Iterator<Item = &str> {
    columns.iter().filter(move |c| c.read == Some(kind)).map(|c| c.from.as_str())
}

/// Makes columns of a table's, each after those that it is made of.
pub(super) fn make(columns: &[FittedColumn], table: &Table, notes: &mut Vec<String>) -> Result<Vec<Column>> {
    let mut made: HashMap<&str, Values> = HashMap::new();
    for column in columns {
        let place =
            |what: String| Error::at(Place::file(table.source.as_str()).column(column.from.as_str()), what);
        let own = |name: &str| {
            let own = table.column(name).map(|c| &c.values);
            own.ok_or_else(|| missing_column(table, name))
        };
        let source = match made.get(column.from.as_str()).filter(|_| column.read.is_none()) {
            Some(values) => values,
            None => own(&column.from)?,
        };
        same_kind(column.read, source).map_err(place)?;
        let mut values = None;
        if let Some(groups) = &column.groups {
            let (joined, new) = join(source, groups).map_err(place)?;
            if new > 0 {
                let rows = count(new);
                notes.push(format!(
                    "{}: {rows} of groups that the fit did not see; the value is missing there",
                    column.name
                ));
            }
            values = Some(joined);
        }
        for step in &column.steps {
            let other = match step.column() {
                Some(name) => match made.get(name).filter(|_| name != column.name) {
                    Some(values) => Some(values),
                    None => Some(own(name)?),
                },
                None => None,
            };
            let applied = step.apply_with(values.as_ref().unwrap_or(source), other).map_err(place)?;
            if !applied.unknown.is_empty() {
                notes.push(format!(
                    "{}: {} that the fit did not see, counted as missing",
                    column.name,
                    listed(&applied.unknown)
                ));
            }
            values = Some(applied.values);
        }
        let values = values.unwrap_or_else(|| source.clone());
        made.insert(&column.name, values);
    }
    let take =
        |c: &FittedColumn| made.remove(c.name.as_str()).map(|values| Column { name: c.name.clone(), values });
    Ok(columns.iter().filter_map(take).collect())
}

/// The named columns of a table, where those that were made take the place of its own.
pub(crate) fn with_made(table: &Table, made: &[Column], names: &HashSet<&str>) -> Table {
    let own = table.columns.iter().filter(|c| made.iter().all(|m| m.name != c.name));
    let columns = own.chain(made).filter(|c| names.contains(c.name.as_str())).cloned().collect();
    Table { source: table.source.clone(), rows: table.rows, columns, ..Table::default() }
}

/// Whether a column is what it was at the fit; one without values is anything.
pub(super) fn same_kind(read: Option<ColumnType>, values: &Values) -> std::result::Result<(), String> {
    let found = ColumnType::of(values);
    match read {
        Some(kind) if kind != found && kind != ColumnType::Empty && found != ColumnType::Empty => {
            let found = match values {
                Values::Text { levels, .. } => {
                    let odd = levels.iter().find(|l| l.parse::<f64>().is_err()).or(levels.first());
                    odd.map_or("text".into(), |l| format!("text such as {l:?}"))
                }
                _ => found.word().into(),
            };
            Err(format!("expected {} as at the fit, found {found}", kind.word()))
        }
        _ => Ok(()),
    }
}

/// `"a" in 2 rows, "b" in 1 row and 3 more`.
pub(super) fn listed(unknown: &BTreeMap<String, usize>) -> String {
    let shown: Vec<String> =
        unknown.iter().take(3).map(|(text, n)| format!("{text:?} in {}", count(*n))).collect();
    let more = unknown.len().saturating_sub(3);
    format!("{}{}", shown.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}

/// Whether a name or glob stands for a column.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || WildMatch::new(pattern).matches(name)
}
