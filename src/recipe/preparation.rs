//! The [`Preparation`]: everything a model does to a table before its columns are encoded as features.
//!
//! It groups rows, computes columns, leaves rows out and reduces columns to components. All of it is learned once, at the fit, and stored in the
//! model, so that a later table is prepared exactly as the first one was.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize, Serializer};
use wildmatch::WildMatch;

use crate::error::{Error, Place, Result};
use crate::recipe::aggregate::join;
use crate::recipe::condition::FittedCondition;
use crate::recipe::drops::{FittedDrop, RowStatus};
use crate::recipe::encode::ColumnEncoder;
use crate::recipe::extra::FittedExtra;
use crate::recipe::fitted_step::{FittedStep, Scalar};
use crate::recipe::group::Grouping;
use crate::recipe::population::mark_outside;
use crate::recipe::reduce::{Computing, FittedReduction};
use crate::recipe::rows::count;
use crate::table::{Column, NumberFormat, Table, Values, missing_column};

/// The type that a column of the table had at the fit. A later table has to have the same, because steps and encodings
/// depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Texts.
    Text,
    /// Every value is missing, so that the type is unknown.
    Empty,
}

impl ColumnType {
    /// The type of these values.
    pub(super) fn of(values: &Values) -> ColumnType {
        match values {
            Values::Number(_) | Values::Packed { .. } => ColumnType::Number,
            Values::Bool(_) => ColumnType::Boolean,
            Values::Text { .. } => ColumnType::Text,
            Values::Empty(_) => ColumnType::Empty,
        }
    }

    /// What a column of this type holds, in a word for messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            ColumnType::Number => "numbers",
            ColumnType::Boolean => "true/false",
            ColumnType::Text => "text",
            ColumnType::Empty => "nothing",
        }
    }
}

/// A computed column, with everything that was learned to compute it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedColumn {
    /// Its name.
    pub name: String,
    /// The column that it is computed from: another computed one, or the table's.
    pub from: String,
    /// The type of `from` at the fit if it is a column of the table; `None` if it is itself a computed column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ColumnType>,
    /// For an `[[aggregate]]`, the figure of each group by the group's value in `from`: the mean pay of each company by
    /// the company's name. Groups without a figure are absent.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "sorted")]
    pub groups: Option<HashMap<String, Scalar>>,
    /// The steps that are applied, in order.
    #[serde(rename = "rules", default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<FittedStep>,
}

impl FittedColumn {
    /// The second columns that its steps compute with, such as the divisor of `divide`.
    pub(super) fn operands(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(FittedStep::column)
    }

    /// The columns of the table that it reads. `made` holds the names of all computed columns.
    pub(super) fn reads<'a>(&'a self, made: &HashSet<&str>) -> Vec<&'a str> {
        // A computed column that refers to its own name means the table's column.
        let own = |name: &&str| *name == self.name || !made.contains(name);
        let from = self.read.is_some().then_some(self.from.as_str());
        from.into_iter().chain(self.operands().filter(own)).collect()
    }

    /// Whether its numbers make sense. They come from a model file, which someone may have edited by hand.
    pub(super) fn is_sound(&self) -> bool {
        let finite = |figure: &Scalar| !matches!(figure, Scalar::Number(v) if !v.is_finite());
        let groups = self.groups.as_ref().is_none_or(|groups| groups.values().all(finite));
        groups && self.steps.iter().all(FittedStep::is_sound)
    }
}

/// Writes the groups sorted by their texts, so that equal models give equal files.
fn sorted<S: Serializer>(
    groups: &Option<HashMap<String, Scalar>>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    groups.as_ref().map(|groups| groups.iter().collect::<BTreeMap<_, _>>()).serialize(to)
}

/// What a model does to a table before it encodes features. The parts are applied in the order of the fields: rows are
/// grouped, columns are computed, rows are left out, columns are reduced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// Turns the table into one with a row per group, before anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Grouping>,
    /// The computed columns, sorted so that each comes after those that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<FittedColumn>,
    /// Which rows the segments are for; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<FittedCondition>,
    /// The rows to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<FittedDrop>,
    /// The reductions, in the order of the recipe. Each may use the components of those before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reductions: Vec<FittedReduction>,
    /// Columns that are needed later although they are no features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<FittedExtra>,
    /// For columns of the table whose numbers are not written like `1234.5`, by name, how they are written. This is
    /// used while a table is read.
    #[serde(rename = "readings", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub number_formats: BTreeMap<String, NumberFormat>,
}

/// The result of applying a preparation to a table.
pub(crate) struct PreparedTable {
    /// The table with one row per group, if rows are grouped.
    pub(crate) grouped: Option<Table>,
    /// Whether each row is kept or left out; `None` means that all are kept.
    pub(crate) statuses: Option<Vec<RowStatus>>,
    /// The computed columns, and the components of reductions.
    pub(crate) made: Vec<Column>,
    /// Notes for the user, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Preparation {
    /// Whether it changes nothing, neither while a table is read nor afterwards.
    pub fn is_empty(&self) -> bool {
        !self.has_work() && self.extra.is_empty() && self.number_formats.is_empty()
    }

    /// Whether there is anything to do after a table has been read.
    pub(crate) fn has_work(&self) -> bool {
        self.group.is_some() || !self.columns.is_empty() || self.leaves_out() || !self.reductions.is_empty()
    }

    /// Whether it may leave rows out.
    pub(crate) fn leaves_out(&self) -> bool {
        self.population.is_some() || !self.drops.is_empty()
    }

    /// Whether its numbers make sense. They come from a model file, which someone may have edited by hand.
    pub(crate) fn is_sound(&self) -> bool {
        self.columns.iter().all(FittedColumn::is_sound)
            && self.group.as_ref().is_none_or(Grouping::is_sound)
            && self.reductions.iter().all(FittedReduction::is_sound)
            && self.number_formats.values().all(|format| format.check().is_ok())
    }

    /// The columns that the table has to have so that those in `names` are available afterwards: the columns that the
    /// preparation itself reads, and those in `names` that it does not compute.
    pub(crate) fn reads<'a>(&'a self, names: &HashSet<&'a str>) -> Vec<&'a str> {
        if let Some(group) = &self.group {
            return group.reads();
        }
        let made: HashSet<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let components = self.components();
        let own = self.columns.iter().flat_map(|c| c.reads(&made));
        let reduced = self.reduced().map(ColumnEncoder::column);
        let looked = self.drops.iter().flat_map(FittedDrop::columns).chain(self.extra_columns());
        let looked = looked.chain(names.iter().copied()).chain(reduced);
        let of_table = |name: &&str| !made.contains(name) && !components.iter().any(|c| c == name);
        own.chain(looked.filter(of_table)).collect()
    }

    /// The names of the columns that the reductions make.
    pub fn components(&self) -> Vec<String> {
        self.reductions.iter().flat_map(FittedReduction::names).collect()
    }

    /// The columns that the reductions use, each with how it becomes features of the reduction.
    pub(super) fn reduced(&self) -> impl Iterator<Item = &ColumnEncoder> {
        self.reductions.iter().flat_map(|reduction| &reduction.encoder.columns)
    }

    /// The columns that are needed later although they are no features.
    pub(crate) fn extra_columns(&self) -> impl Iterator<Item = &str> {
        self.extra.iter().map(|extra| extra.column.as_str())
    }

    /// Those of them that are the table's own and had this type at the fit.
    fn extra_as(&self, kind: ColumnType) -> impl Iterator<Item = &str> {
        let own = self.extra.iter().filter(move |extra| extra.read == Some(kind));
        own.map(|extra| extra.column.as_str())
    }

    /// The columns of the table that it needs as text.
    pub(crate) fn text_columns(&self) -> Vec<&str> {
        match &self.group {
            Some(group) => group.columns_of(ColumnType::Text),
            None => read_as(&self.columns, ColumnType::Text).chain(self.extra_as(ColumnType::Text)).collect(),
        }
    }

    /// The columns of the table that it needs as numbers.
    pub(crate) fn number_columns(&self) -> Vec<&str> {
        match &self.group {
            Some(group) => group.columns_of(ColumnType::Number),
            None => {
                read_as(&self.columns, ColumnType::Number).chain(self.extra_as(ColumnType::Number)).collect()
            }
        }
    }

    /// Groups a table's rows, computes its columns, and finds the rows to leave out. The table itself is not changed.
    ///
    /// # Errors
    /// [`Error::Data`] for a column that does not exist or has another type than at the fit, and for a cell that a step
    /// cannot parse.
    pub(crate) fn apply(&self, table: &Table, computing: Computing<'_>) -> Result<PreparedTable> {
        let mut notes = Vec::new();
        let grouped = self.group.as_ref().map(|group| group.apply(table, &mut notes)).transpose()?;
        let table = grouped.as_ref().unwrap_or(table);
        let mut made = make(&self.columns, table, &mut notes)?;
        let mut statuses = self.leaves_out().then(|| vec![RowStatus::Kept; table.rows]);
        let first = self.reductions_before_population();
        if let Some(statuses) = &mut statuses {
            if first == 0 {
                self.mark_population(table, &made, statuses, &mut notes)?;
            }
            self.mark_drops(table, &made, statuses, &mut notes)?;
        }
        for (i, reduction) in self.reductions.iter().enumerate() {
            let used = reduction.encoder.columns.iter().map(ColumnEncoder::column).collect();
            let kept = statuses.as_deref().and_then(kept);
            let components = reduction.apply(&with_made(table, &made, &used), kept, computing, &mut notes)?;
            made.extend(components);
            if let Some(statuses) = statuses.as_mut().filter(|_| i + 1 == first) {
                self.mark_population(table, &made, statuses, &mut notes)?;
            }
        }
        Ok(PreparedTable { grouped, statuses, made, notes })
    }

    /// How many reductions come before the population is decided, because its condition uses their components.
    fn reductions_before_population(&self) -> usize {
        let Some(population) = &self.population else { return 0 };
        let columns = population.columns();
        let used =
            |reduction: &FittedReduction| reduction.names().iter().any(|name| columns.contains(&&**name));
        self.reductions.iter().rposition(used).map_or(0, |last| last + 1)
    }

    /// Marks the rows outside the population, by the values of the table and of the computed columns.
    fn mark_population(
        &self,
        table: &Table,
        made: &[Column],
        statuses: &mut [RowStatus],
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let Some(population) = &self.population else { return Ok(()) };
        let whole = with_made(table, made, &population.columns().into_iter().collect());
        let outside = mark_outside(population, &whole, statuses)?;
        if outside > 0 {
            notes.push(format!("outside the population: {}, not {population}", count(outside)));
        }
        Ok(())
    }

    /// Marks the rows that a `[[drop]]` leaves out.
    fn mark_drops(
        &self,
        table: &Table,
        made: &[Column],
        statuses: &mut [RowStatus],
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let whole = with_made(table, made, &self.drops.iter().flat_map(FittedDrop::columns).collect());
        for drop in &self.drops {
            let marked = drop.mark(&whole, statuses)?;
            if marked > 0 {
                notes.push(format!("left out: {}, {}", count(marked), drop.describe()));
            }
        }
        Ok(())
    }
}

/// The rows that are kept; `None` if all are.
pub(super) fn kept(statuses: &[RowStatus]) -> Option<Vec<u32>> {
    let kept = statuses.iter().enumerate().filter(|(_, status)| **status == RowStatus::Kept);
    let rows: Vec<u32> = kept.map(|(row, _)| row as u32).collect();
    (rows.len() < statuses.len()).then_some(rows)
}

/// The columns of the table that had this type at the fit and that `columns` are computed from.
pub(super) fn read_as(columns: &[FittedColumn], kind: ColumnType) -> impl Iterator<Item = &str> {
    columns.iter().filter(move |c| c.read == Some(kind)).map(|c| c.from.as_str())
}

/// Computes columns, which have to be sorted so that each comes after those that it needs. Groups and texts that the
/// fit did not see become missing values, and a note says so.
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

/// A table of the columns in `names` only. A computed column takes the place of the table's column of the same name.
pub(crate) fn with_made(table: &Table, made: &[Column], names: &HashSet<&str>) -> Table {
    let own = table.columns.iter().filter(|c| made.iter().all(|m| m.name != c.name));
    let columns = own.chain(made).filter(|c| names.contains(c.name.as_str())).cloned().collect();
    Table { source: table.source.clone(), rows: table.rows, columns, ..Table::default() }
}

/// Checks that a column has the type that it had at the fit. If every value is missing, now or at the fit, any type is
/// accepted.
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

/// Lists unknown texts and their numbers of rows: `"a" in 2 rows, "b" in 1 row, "c" in 1 row and 3 more`.
pub(super) fn listed(unknown: &BTreeMap<String, usize>) -> String {
    let shown: Vec<String> =
        unknown.iter().take(3).map(|(text, n)| format!("{text:?} in {}", count(*n))).collect();
    let more = unknown.len().saturating_sub(3);
    format!("{}{}", shown.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}

/// Whether a pattern is the column's name, or a glob that matches it.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || WildMatch::new(pattern).matches(name)
}
