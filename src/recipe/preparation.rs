//! Columns made and rows left out: fitted once, kept in the model, applied to every table since.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};
use wildmatch::WildMatch;

use crate::error::{Error, Fault, Place, Result};
use crate::recipe::aggregate::{Aggregate, figures, join};
use crate::recipe::drops::{Fate, FittedDrop};
use crate::recipe::rows::{count, no_column};
use crate::recipe::rule::Rule;
use crate::recipe::step::Step;
use crate::recipe::{Recipe, Scale, Treatment};
use crate::table::{Column, Reading, Table, Values, missing_column};

/// What a column that is read from the table was at the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Texts.
    Text,
    /// Nothing but missing values.
    Empty,
}

impl Kind {
    pub(super) fn of(values: &Values) -> Kind {
        match values {
            Values::Number(_) | Values::Packed { .. } => Kind::Number,
            Values::Bool(_) => Kind::Boolean,
            Values::Text { .. } => Kind::Text,
            Values::Empty(_) => Kind::Empty,
        }
    }

    /// What a column of this kind holds.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Number => "numbers",
            Kind::Boolean => "true/false",
            Kind::Text => "text",
            Kind::Empty => "nothing",
        }
    }
}

/// A column that is made of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeColumn {
    /// Its name.
    pub name: String,
    /// The column that it is made of.
    pub from: String,
    /// What that was at the fit, where it is the table's; none where it is itself made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Kind>,
    /// The figure of each of its values, where they are groups.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "sorted")]
    pub groups: Option<HashMap<String, f64>>,
    /// What is done to it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// Writes groups in the order of their texts, so that equal models are equal files.
fn sorted<S: Serializer>(
    groups: &Option<HashMap<String, f64>>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    groups.as_ref().map(|groups| groups.iter().collect::<BTreeMap<_, _>>()).serialize(to)
}

/// The fitted part of a recipe that comes before its features.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// Columns that are made, each after those that it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<MadeColumn>,
    /// Rows that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<FittedDrop>,
    /// How numbers are written in columns of the table, where that is not as programs write them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readings: BTreeMap<String, Reading>,
}

/// A table as a preparation leaves it.
pub(crate) struct PreparedTable {
    /// What becomes of each row; none: all are kept.
    pub(crate) fates: Option<Vec<Fate>>,
    /// The columns that were made.
    pub(crate) made: Vec<Column>,
    /// What a person should know.
    pub(crate) notes: Vec<String>,
}

impl Preparation {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        !self.has_work() && self.readings.is_empty()
    }

    /// Whether there is something to do once a table was read.
    pub(crate) fn has_work(&self) -> bool {
        !self.columns.is_empty() || !self.drops.is_empty()
    }

    /// Whether it can be computed with; a person may have edited it.
    pub(crate) fn is_sound(&self) -> bool {
        let finite = |groups: &HashMap<String, f64>| groups.values().all(|v| v.is_finite());
        self.columns
            .iter()
            .all(|c| c.rules.iter().all(Rule::is_sound) && c.groups.as_ref().is_none_or(finite))
            && self.readings.values().all(|reading| reading.check().is_ok())
    }

    /// The table's columns that it reads, and those of `names` that it does not make.
    pub(crate) fn reads<'a>(&'a self, names: &HashSet<&'a str>) -> Vec<&'a str> {
        let own = self.columns.iter().filter(|c| c.read.is_some()).map(|c| c.from.as_str());
        let made: HashSet<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let looked = self.drops.iter().flat_map(FittedDrop::columns).chain(names.iter().copied());
        own.chain(looked.filter(|name| !made.contains(name))).collect()
    }

    /// The table's columns that it reads as text.
    pub(crate) fn text_columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|c| c.read == Some(Kind::Text)).map(|c| c.from.as_str())
    }

    /// Makes the columns of a table, and says which rows are left out.
    pub(crate) fn apply(&self, table: &Table) -> Result<PreparedTable> {
        let mut notes = Vec::new();
        let mut made: HashMap<&str, Values> = HashMap::new();
        for column in &self.columns {
            let place = |what: String| {
                Error::at(Place::file(table.source.as_str()).column(column.from.as_str()), what)
            };
            let source = match column.read {
                None => made.get(column.from.as_str()),
                Some(_) => None,
            };
            let source = match source {
                Some(values) => values,
                None => {
                    let own = table.column(&column.from);
                    &own.ok_or_else(|| missing_column(table, &column.from))?.values
                }
            };
            same_kind(column.read, source).map_err(place)?;
            let mut values = None;
            if let Some(groups) = &column.groups {
                let (joined, new) = join(source, groups).map_err(place)?;
                if new > 0 {
                    let rows = count(new);
                    notes
                        .push(format!("{}: {rows} of groups that the fit did not see, missing", column.name));
                }
                values = Some(joined);
            }
            for rule in &column.rules {
                let applied = rule.apply(values.as_ref().unwrap_or(source)).map_err(place)?;
                if !applied.unknown.is_empty() {
                    notes.push(format!(
                        "{}: {} that the fit did not see, missing",
                        column.name,
                        listed(&applied.unknown)
                    ));
                }
                values = Some(applied.values);
            }
            let values = values.unwrap_or_else(|| source.clone());
            made.insert(&column.name, values);
        }
        let columns = self
            .columns
            .iter()
            .filter_map(|c| {
                made.remove(c.name.as_str()).map(|values| Column { name: c.name.clone(), values })
            })
            .collect::<Vec<_>>();
        let fates = if self.drops.is_empty() { None } else { Some(self.fates(table, &columns, &mut notes)?) };
        Ok(PreparedTable { fates, made: columns, notes })
    }

    fn fates(&self, table: &Table, made: &[Column], notes: &mut Vec<String>) -> Result<Vec<Fate>> {
        let looked: HashSet<&str> = self.drops.iter().flat_map(FittedDrop::columns).collect();
        let whole = with_made(table, made, &looked);
        let mut fates = vec![Fate::Kept; table.rows];
        for drop in &self.drops {
            let marked = drop.mark(&whole, &mut fates)?;
            if marked > 0 {
                notes.push(format!("left out: {}, {}", count(marked), drop.describe()));
            }
        }
        Ok(fates)
    }
}

/// The named columns of a table, where those that were made take the place of its own.
pub(crate) fn with_made(table: &Table, made: &[Column], names: &HashSet<&str>) -> Table {
    let own = table.columns.iter().filter(|c| made.iter().all(|m| m.name != c.name));
    let columns = own.chain(made).filter(|c| names.contains(c.name.as_str())).cloned().collect();
    Table { source: table.source.clone(), rows: table.rows, columns, ..Table::default() }
}

/// Whether a column is what it was at the fit; one without values is anything.
pub(super) fn same_kind(read: Option<Kind>, values: &Values) -> std::result::Result<(), String> {
    let found = Kind::of(values);
    match read {
        Some(kind) if kind != found && kind != Kind::Empty && found != Kind::Empty => {
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
fn listed(unknown: &BTreeMap<String, usize>) -> String {
    let shown: Vec<String> =
        unknown.iter().take(3).map(|(text, n)| format!("{text:?} in {}", count(*n))).collect();
    let more = unknown.len().saturating_sub(3);
    format!("{}{}", shown.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}

/// A column that is still to be made.
struct Node<'a> {
    name: String,
    line: u64,
    from: String,
    work: Work<'a>,
}

enum Work<'a> {
    Steps(&'a [Step]),
    Figure(&'a Aggregate),
}

impl Node<'_> {
    /// The columns that it needs.
    fn needs(&self) -> Vec<&str> {
        let more = match &self.work {
            Work::Steps(steps) => steps.iter().filter_map(Step::over).collect(),
            Work::Figure(aggregate) => aggregate.of.as_deref().into_iter().collect::<Vec<_>>(),
        };
        std::iter::once(self.from.as_str()).chain(more).collect()
    }
}

/// What fitting the columns of a recipe gives.
pub(super) struct FittedColumns {
    pub(super) columns: Vec<MadeColumn>,
    pub(super) made: Vec<Column>,
    pub(super) treatments: HashMap<String, Treatment>,
}

/// Makes the columns of a recipe and learns what they need.
///
/// # Errors
/// [`Error::Recipe`] for columns that are not there, chains that do not fit their columns, circles.
pub(super) fn fit_columns(recipe: &Recipe, table: &Table) -> Result<FittedColumns> {
    let fault = |line: u64, key: &str, what: String| Fault::in_line(&recipe.source, line, key, what);
    let mut faults = Vec::new();
    let (nodes, treatments) =
        nodes(recipe, table, &mut |line, key, what| faults.push(fault(line, key, what)));
    let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
    for node in &nodes {
        for need in node.needs() {
            let made = names.contains(&need) && need != node.name;
            if !made && table.column(need).is_none() {
                faults.push(fault(node.line, &node.name, no_column(table, &names, need)));
            }
        }
    }
    if !faults.is_empty() {
        return Err(Error::recipe(faults));
    }

    let mut out = FittedColumns { columns: Vec::new(), made: Vec::new(), treatments };
    let mut done: HashMap<String, Values> = HashMap::new();
    let mut waiting: Vec<Node<'_>> = nodes;
    while !waiting.is_empty() {
        let open: HashSet<String> = waiting.iter().map(|n| n.name.clone()).collect();
        let ready = |n: &Node<'_>| n.needs().iter().all(|need| *need == n.name || !open.contains(*need));
        let (now, later): (Vec<Node<'_>>, Vec<Node<'_>>) = waiting.into_iter().partition(ready);
        if now.is_empty() {
            let circle = circle(&later);
            let names: Vec<&str> = circle.iter().map(|n| n.name.as_str()).collect();
            let what = format!("made of each other in a circle: {}", names.join(", "));
            return Err(Error::recipe(vec![fault(circle[0].line, &circle[0].name, what)]));
        }
        let fitted: Vec<std::result::Result<(MadeColumn, Values), Fault>> = now
            .par_iter()
            .map(|node| fit_node(node, table, &done).map_err(|what| fault(node.line, &node.name, what)))
            .collect();
        for (node, one) in now.iter().zip(fitted) {
            match one {
                Ok((column, values)) => {
                    if let Some(what) = out.treatments.get(&column.name).and_then(|t| t.unfit(&values)) {
                        faults.push(fault(node.line, &node.name, what));
                    }
                    done.insert(column.name.clone(), values);
                    out.columns.push(column);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(Error::recipe(faults));
        }
        waiting = later;
    }
    let made = |c: &MadeColumn| done.remove(&c.name).map(|values| Column { name: c.name.clone(), values });
    out.made = out.columns.iter().filter_map(made).collect();
    Ok(out)
}

/// The columns of a circle, among columns that all need another of them; in the recipe's order.
fn circle<'a, 'b>(nodes: &'b [Node<'a>]) -> Vec<&'b Node<'a>> {
    let next = |node: &Node<'_>| {
        let needs = node.needs();
        nodes.iter().position(|n| n.name != node.name && needs.contains(&n.name.as_str())).unwrap_or(0)
    };
    // After as many steps as there are columns, one is on a circle.
    let on = (0..nodes.len()).fold(0, |at, _| next(&nodes[at]));
    let mut circle = vec![on];
    let mut at = next(&nodes[on]);
    while at != on && circle.len() < nodes.len() {
        circle.push(at);
        at = next(&nodes[at]);
    }
    circle.sort_unstable();
    circle.into_iter().map(|i| &nodes[i]).collect()
}

/// The columns to make, globs resolved, and how each becomes features.
fn nodes<'a>(
    recipe: &'a Recipe,
    table: &Table,
    fault: &mut dyn FnMut(u64, &str, String),
) -> (Vec<Node<'a>>, HashMap<String, Treatment>) {
    let mut nodes: Vec<Node<'a>> = Vec::new();
    let mut treatments = HashMap::new();
    for column in &recipe.columns {
        let mut treatment = column.treatment.clone();
        if column.steps.last().is_some_and(Step::scales) && treatment.scale.is_none() {
            treatment.scale = Some(Scale::None);
        }
        let sources: Vec<(String, String)> = match &column.columns {
            None => vec![(column.name.clone(), column.from.clone().unwrap_or_else(|| column.name.clone()))],
            Some(glob) => {
                let matches = WildMatch::new(glob);
                let found: Vec<&Column> = table.columns.iter().filter(|c| matches.matches(&c.name)).collect();
                if found.is_empty() {
                    fault(column.line, "columns", format!("no column of the table matches {glob:?}"));
                }
                found.iter().map(|c| (filled_in(&column.name, c), c.name.clone())).collect()
            }
        };
        for (name, from) in sources {
            if treatments.insert(name.clone(), treatment.clone()).is_some() {
                fault(column.line, &name, "made twice".into());
            }
            if !column.steps.is_empty() || name != from {
                nodes.push(Node { name, line: column.line, from, work: Work::Steps(&column.steps) });
            } else if table.column(&name).is_none() {
                fault(column.line, &name, no_column(table, &[], &name));
            }
        }
    }
    for aggregate in &recipe.aggregates {
        if treatments.insert(aggregate.name.clone(), aggregate.treatment.clone()).is_some() {
            fault(aggregate.line, &aggregate.name, "made twice".into());
        }
        nodes.push(Node {
            name: aggregate.name.clone(),
            line: aggregate.line,
            from: aggregate.by.clone(),
            work: Work::Figure(aggregate),
        });
    }
    (nodes, treatments)
}

/// A name with `{column}` and `{text}`, the column's first text, put in.
fn filled_in(name: &str, column: &Column) -> String {
    let text = match &column.values {
        Values::Text { levels, .. } => levels.first().map_or("", |l| l.as_str()),
        _ => column.name.as_str(),
    };
    name.replace("{column}", &column.name).replace("{text}", text)
}

/// Whether a name or glob stands for a column.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || WildMatch::new(pattern).matches(name)
}

/// Learns one column, and makes it.
fn fit_node(
    node: &Node<'_>,
    table: &Table,
    done: &HashMap<String, Values>,
) -> std::result::Result<(MadeColumn, Values), String> {
    let find = |name: &str| {
        let made = if name == node.name { None } else { done.get(name) };
        let own = || table.column(name).map(|c| &c.values);
        made.or_else(own).ok_or_else(|| format!("no column is called {name:?}"))
    };
    let source = find(&node.from)?;
    let own = node.from == node.name || !done.contains_key(&node.from);
    let mut column = MadeColumn {
        name: node.name.clone(),
        from: node.from.clone(),
        read: own.then(|| Kind::of(source)),
        groups: None,
        rules: Vec::new(),
    };
    match &node.work {
        Work::Figure(aggregate) => {
            let of = aggregate.of.as_deref().map(find).transpose()?;
            let (groups, values) = figures(aggregate.figure, source, of)?;
            column.groups = Some(groups);
            Ok((column, values))
        }
        Work::Steps(steps) => {
            let mut values: Option<Values> = None;
            for step in *steps {
                let over = step.over().map(find).transpose()?;
                let rules = step.fit(values.as_ref().unwrap_or(source), over)?;
                for rule in rules {
                    let applied = rule.apply(values.as_ref().unwrap_or(source))?;
                    if !applied.unknown.is_empty() {
                        let unknown = listed(&applied.unknown);
                        return Err(format!("{}: not listed: {unknown}", rule.name()));
                    }
                    values = Some(applied.values);
                    column.rules.push(rule);
                }
            }
            Ok((column, values.unwrap_or_else(|| source.clone())))
        }
    }
}

/// The columns that the named ones are made of, themselves included, in their order.
pub(super) fn needed(columns: Vec<MadeColumn>, names: &HashSet<&str>) -> Vec<MadeColumn> {
    let mut needed: HashSet<String> = names.iter().map(|n| (*n).to_string()).collect();
    for column in columns.iter().rev() {
        if needed.contains(&column.name) && column.read.is_none() {
            needed.insert(column.from.clone());
        }
    }
    columns.into_iter().filter(|c| needed.contains(&c.name)).collect()
}
