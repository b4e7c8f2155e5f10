//! Computes a recipe's columns on the table of the fit, and learns what their steps need.
//!
//! The recipe may list its columns in any order, so they are first resolved into a [`ColumnPlan`]: globs are expanded,
//! names are checked, and with `[group]` each column is assigned to the table of rows or to the table of groups. The
//! plan then computes each column as soon as those that it needs are there, several at a time on all threads.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use wildmatch::WildMatch;

use crate::error::{Error, Fault, Result};
use crate::recipe::aggregate::{Aggregate, figures};
use crate::recipe::group::{GroupAggregate, Grouping, grouped, table_of_groups};
use crate::recipe::preparation::{ColumnType, FittedColumn, listed};
use crate::recipe::rows::no_column;
use crate::recipe::statistics::Copies;
use crate::recipe::step::Step;
use crate::recipe::{ColumnSpec, EncodingOptions, Recipe, Scale};
use crate::table::{Column, Table, Values};

/// A column to compute.
pub(super) struct Node<'a> {
    name: String,
    line: u64,
    from: String,
    work: Work<'a>,
}

/// How a column is computed.
enum Work<'a> {
    Steps(&'a [Step]),
    Aggregate(&'a Aggregate),
}

impl Node<'_> {
    /// The names of the columns that it is computed from.
    fn needs(&self) -> Vec<&str> {
        let more = match &self.work {
            Work::Steps(steps) => steps.iter().filter_map(Step::other).collect(),
            Work::Aggregate(aggregate) => aggregate.of.as_deref().into_iter().collect::<Vec<_>>(),
        };
        std::iter::once(self.from.as_str()).chain(more).collect()
    }
}

/// The columns that a recipe computes, sorted by the table that they are computed on. With `[group]` there are two
/// tables: the one that was read (say, a row per purchase), and the one with a row per group (a row per customer).
pub(super) struct ColumnPlan<'a> {
    recipe: &'a Recipe,
    /// Columns of the table that was read. Without `[group]`, these are all columns.
    pub(super) of_rows: Vec<Node<'a>>,
    /// The `[[aggregate]]` sections that turn rows into groups, each of which becomes a column of the table of groups.
    pub(super) figures: Vec<&'a Aggregate>,
    /// Further columns of the table of groups, computed from its columns.
    pub(super) of_groups: Vec<Node<'a>>,
    /// For each column that the recipe mentions, by name, how it becomes features.
    pub(super) encodings: HashMap<String, EncodingOptions>,
}

/// When a column is computed: before the rows are grouped, by grouping them, or afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Row,
    Aggregate,
    Group,
}

impl<'a> ColumnPlan<'a> {
    /// Plans the columns of a recipe for the table that it is fitted to.
    ///
    /// # Errors
    /// [`Error::Recipe`] for columns that do not exist, and for a column that mixes columns of the rows with columns of
    /// the groups.
    pub(super) fn new(recipe: &'a Recipe, table: &Table) -> Result<Self> {
        let mut faults = Vec::new();
        let mut fault =
            |line: u64, key: &str, what| faults.push(Fault::in_line(&recipe.source, line, key, what));
        let (nodes, encodings) = nodes(recipe, table, &mut fault);
        let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
        for node in &nodes {
            for need in node.needs() {
                let made = names.contains(&need) && need != node.name;
                if !made && table.column(need).is_none() {
                    fault(node.line, &node.name, no_column(table, &names, need));
                }
            }
        }
        let by = recipe.group.as_ref().map(|group| group.by.as_str());
        let levels = levels(&nodes, by);
        if let Some(group) = &recipe.group {
            check_levels(&nodes, &levels, table, (&group.by, group.line), &mut fault);
        }
        if !faults.is_empty() {
            return Err(Error::recipe(faults));
        }
        let (mut of_rows, mut figures, mut of_groups) = (Vec::new(), Vec::new(), Vec::new());
        for (node, level) in nodes.into_iter().zip(levels) {
            match (level, &node.work) {
                (Stage::Aggregate, Work::Aggregate(aggregate)) => figures.push(*aggregate),
                (Stage::Group, _) => of_groups.push(node),
                _ => of_rows.push(node),
            }
        }
        Ok(ColumnPlan { recipe, of_rows, figures, of_groups, encodings })
    }

    /// Whether one of these columns has this name.
    pub(super) fn makes(nodes: &[Node<'_>], name: &str) -> bool {
        nodes.iter().any(|node| node.name == name)
    }

    /// Computes `nodes` on a table and learns what their steps need. `copies` are the weights of the table's rows.
    /// Returns the fitted columns, each after those that it needs, and their values in the same order.
    ///
    /// # Errors
    /// [`Error::Recipe`] for steps that do not suit their column, and for columns that need each other in a circle.
    pub(super) fn make(
        &self,
        nodes: &[Node<'a>],
        table: &Table,
        copies: Copies<'_>,
    ) -> Result<(Vec<FittedColumn>, Vec<Column>)> {
        let fault = |line: u64, key: &str, what: String| Fault::in_line(&self.recipe.source, line, key, what);
        let mut faults = Vec::new();
        let mut columns = Vec::new();
        let mut done: HashMap<String, Values> = HashMap::new();
        let mut waiting: Vec<&Node<'_>> = nodes.iter().collect();
        while !waiting.is_empty() {
            let open: HashSet<&str> = waiting.iter().map(|n| n.name.as_str()).collect();
            let ready = |n: &&Node<'_>| n.needs().iter().all(|need| *need == n.name || !open.contains(need));
            let (now, later): (Vec<&Node<'_>>, Vec<&Node<'_>>) = waiting.into_iter().partition(ready);
            if now.is_empty() {
                let circle = circle(&later);
                let names: Vec<&str> = circle.iter().map(|n| n.name.as_str()).collect();
                let what =
                    format!("these columns are made from each other in a circle: {}", names.join(", "));
                return Err(Error::recipe(vec![fault(circle[0].line, &circle[0].name, what)]));
            }
            let fit = |node: &&Node<'_>| {
                fit_node(node, table, &done, copies).map_err(|what| fault(node.line, &node.name, what))
            };
            let fitted: Vec<std::result::Result<(FittedColumn, Values), Fault>> =
                now.par_iter().map(fit).collect();
            for (node, one) in now.iter().zip(fitted) {
                match one {
                    Ok((column, values)) => {
                        let encoding = self.encodings.get(&column.name);
                        if let Some(what) = encoding.and_then(|t| t.unfit(&values)) {
                            faults.push(fault(node.line, &node.name, what));
                        }
                        done.insert(column.name.clone(), values);
                        columns.push(column);
                    }
                    Err(fault) => faults.push(fault),
                }
            }
            if !faults.is_empty() {
                return Err(Error::recipe(faults));
            }
            waiting = later;
        }
        let take =
            |c: &FittedColumn| done.remove(&c.name).map(|values| Column { name: c.name.clone(), values });
        let made = columns.iter().filter_map(take).collect();
        Ok((columns, made))
    }

    /// Turns a table into one with a row per group. The table already holds the computed columns of its rows; `columns`
    /// is their fitted form. Returns the fitted grouping, the new table, and notes for the user.
    ///
    /// # Errors
    /// [`Error::Recipe`] for figures that do not suit their column, such as the mean of texts; [`Error::Data`] if no
    /// row has a group.
    pub(super) fn group(
        &self,
        by: &str,
        table: &Table,
        columns: Vec<FittedColumn>,
    ) -> Result<(Grouping, Table, Vec<String>)> {
        let own = |name: &str| !columns.iter().any(|c| c.name == name);
        let read = |name: &str| {
            let values = table.column(name).filter(|_| own(name)).map(|c| &c.values);
            values.map(ColumnType::of)
        };
        let figure = |aggregate: &&Aggregate| GroupAggregate {
            name: aggregate.name.clone(),
            compute: aggregate.function,
            of: aggregate.of.clone(),
            read: aggregate.of.as_deref().and_then(read),
        };
        let figures: Vec<GroupAggregate> = self.figures.iter().map(figure).collect();
        let mut faults = Vec::new();
        let mut notes = Vec::new();
        let grouped =
            grouped(table, by, &figures, &|name| table.column(name).map(|c| &c.values), &mut notes)?;
        let mut made = Vec::new();
        for (aggregate, column) in self.figures.iter().zip(grouped.figures) {
            let checked = column.and_then(|column| {
                let unfit = self.encodings.get(&column.name).and_then(|t| t.unfit(&column.values));
                unfit.map_or(Ok(column), Err)
            });
            match checked {
                Ok(column) => made.push(column),
                Err(what) => {
                    faults.push(Fault::in_line(&self.recipe.source, aggregate.line, &*aggregate.name, what));
                }
            }
        }
        if !faults.is_empty() {
            return Err(Error::recipe(faults));
        }
        let read = read(by);
        let table = table_of_groups(table, by, grouped.names, made);
        Ok((Grouping { by: by.into(), read, columns, aggregates: figures }, table, notes))
    }
}

/// The stage of each column. `by` is the column in `[group]`. Its aggregates make the groups' first columns, and
/// whatever is computed from a column of the groups, directly or indirectly, is a column of the groups as well.
fn levels(nodes: &[Node<'_>], by: Option<&str>) -> Vec<Stage> {
    let figure = |node: &Node<'_>| {
        let by_group = matches!(&node.work, Work::Aggregate(aggregate) if Some(aggregate.by.as_str()) == by);
        if by_group { Stage::Aggregate } else { Stage::Row }
    };
    let mut levels: Vec<Stage> = nodes.iter().map(figure).collect();
    let places: HashMap<&str, usize> = nodes.iter().enumerate().map(|(i, n)| (n.name.as_str(), i)).collect();
    loop {
        let before = levels.iter().filter(|level| **level == Stage::Row).count();
        for (i, node) in nodes.iter().enumerate().filter(|_| by.is_some()) {
            let of_groups = |need: &&str| {
                *need != node.name && places.get(need).is_some_and(|&j| levels[j] != Stage::Row)
            };
            if levels[i] == Stage::Row && node.needs().iter().any(of_groups) {
                levels[i] = Stage::Group;
            }
        }
        if levels.iter().filter(|level| **level == Stage::Row).count() == before {
            return levels;
        }
    }
}

/// Checks that the columns that each column needs are of the same stage, and that the column in `[group]` exists before
/// the rows are grouped.
fn check_levels(
    nodes: &[Node<'_>],
    levels: &[Stage],
    table: &Table,
    (by, line): (&str, u64),
    fault: &mut dyn FnMut(u64, &str, String),
) {
    let level = |name: &str| nodes.iter().position(|node| node.name == name).map(|i| levels[i]);
    match level(by) {
        Some(Stage::Row) => {}
        None | Some(_) if table.column(by).is_some() => {}
        Some(_) => {
            fault(line, "group.by", format!("{by:?} cannot define the groups, because it is made from them"))
        }
        None => {
            let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
            fault(line, "group.by", no_column(table, &names, by));
        }
    }
    for (node, own) in nodes.iter().zip(levels) {
        for need in node.needs() {
            let of_row = need == node.name || matches!(level(need), None | Some(Stage::Row));
            match own {
                Stage::Group if of_row && need != by => fault(
                    node.line,
                    &node.name,
                    format!(
                        "{need:?} is a column of the single rows, and this column is made after [group]; an \
                         [[aggregate]] by {by:?} takes it there"
                    ),
                ),
                Stage::Aggregate if !of_row && table.column(need).is_none() => fault(
                    node.line,
                    &node.name,
                    format!(
                        "{need:?} is a column of the groups; an [[aggregate]] by {by:?} can only use columns of the single rows"
                    ),
                ),
                _ => {}
            }
        }
    }
}

/// Finds a circle among columns that each need another one of them. Returns its columns in the order of the recipe.
fn circle<'a, 'b>(nodes: &[&'b Node<'a>]) -> Vec<&'b Node<'a>> {
    let next = |node: &Node<'_>| {
        let needs = node.needs();
        nodes.iter().position(|n| n.name != node.name && needs.contains(&n.name.as_str())).unwrap_or(0)
    };
    // Following the needs for as many steps as there are columns is sure to end up on a circle.
    let on = (0..nodes.len()).fold(0, |at, _| next(nodes[at]));
    let mut circle = vec![on];
    let mut at = next(nodes[on]);
    while at != on && circle.len() < nodes.len() {
        circle.push(at);
        at = next(nodes[at]);
    }
    circle.sort_unstable();
    circle.into_iter().map(|i| nodes[i]).collect()
}

/// The columns to compute, with globs expanded, and how each becomes features. A `[[column]]` without steps or a new
/// name computes nothing; it only says how the table's column becomes features.
fn nodes<'a>(
    recipe: &'a Recipe,
    table: &Table,
    fault: &mut dyn FnMut(u64, &str, String),
) -> (Vec<Node<'a>>, HashMap<String, EncodingOptions>) {
    let mut nodes: Vec<Node<'a>> = Vec::new();
    let mut encodings = HashMap::new();
    for column in &recipe.columns {
        let mut encoding = column.encoding.clone();
        if column.steps.last().is_some_and(Step::scales) && encoding.scale.is_none() {
            encoding.scale = Some(Scale::None);
        }
        let sources = sources(column, table);
        if let Some(glob) = column.columns.as_ref().filter(|_| sources.is_empty()) {
            fault(column.line, "columns", format!("no column of the table matches {glob:?}"));
        }
        for (name, from) in sources {
            if encodings.insert(name.clone(), encoding.clone()).is_some() {
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
        if encodings.insert(aggregate.name.clone(), aggregate.encoding.clone()).is_some() {
            fault(aggregate.line, &aggregate.name, "made twice".into());
        }
        nodes.push(Node {
            name: aggregate.name.clone(),
            line: aggregate.line,
            from: aggregate.by.clone(),
            work: Work::Aggregate(aggregate),
        });
    }
    (nodes, encodings)
}

/// The names of the columns that a `[[column]]` makes, each with its source.
pub(super) fn sources(column: &ColumnSpec, table: &Table) -> Vec<(String, String)> {
    let Some(glob) = &column.columns else {
        return vec![(column.name.clone(), column.from.clone().unwrap_or_else(|| column.name.clone()))];
    };
    let matches = WildMatch::new(glob);
    let found = table.columns.iter().filter(|c| matches.matches(&c.name));
    found.map(|c| (filled_in(&column.name, c), c.name.clone())).collect()
}

/// Replaces `{column}` in a name by the column's name, and `{text}` by the first text in it.
fn filled_in(name: &str, column: &Column) -> String {
    let text = match &column.values {
        Values::Text { levels, .. } => levels.first().map_or("", |l| l.as_str()),
        _ => column.name.as_str(),
    };
    name.replace("{column}", &column.name).replace("{text}", text)
}

/// Fits and computes one column. `done` holds the columns computed so far.
///
/// # Errors
/// A sentence, if a step does not suit the column's values.
fn fit_node(
    node: &Node<'_>,
    table: &Table,
    done: &HashMap<String, Values>,
    copies: Copies<'_>,
) -> std::result::Result<(FittedColumn, Values), String> {
    let find = |name: &str| {
        let made = if name == node.name { None } else { done.get(name) };
        let own = || table.column(name).map(|c| &c.values);
        made.or_else(own).ok_or_else(|| format!("no column is called {name:?}"))
    };
    let source = find(&node.from)?;
    let own = node.from == node.name || !done.contains_key(&node.from);
    let mut column = FittedColumn {
        name: node.name.clone(),
        from: node.from.clone(),
        read: own.then(|| ColumnType::of(source)),
        groups: None,
        steps: Vec::new(),
    };
    match &node.work {
        Work::Aggregate(aggregate) => {
            let of = aggregate.of.as_deref().map(find).transpose()?;
            let (groups, values) = figures(aggregate.function, source, of, copies)?;
            column.groups = Some(groups);
            Ok((column, values))
        }
        Work::Steps(steps) => {
            let mut values: Option<Values> = None;
            for step in *steps {
                let other = step.other().map(find).transpose()?;
                let fitted = step.fit(values.as_ref().unwrap_or(source), other, copies)?;
                for fitted in fitted {
                    let applied = fitted.apply_with(values.as_ref().unwrap_or(source), other)?;
                    if !applied.unknown.is_empty() {
                        let unknown = listed(&applied.unknown);
                        return Err(format!("{}: the recipe does not list {unknown}", fitted.name()));
                    }
                    values = Some(applied.values);
                    column.steps.push(fitted);
                }
            }
            Ok((column, values.unwrap_or_else(|| source.clone())))
        }
    }
}

/// Of `columns`, those in `names` and those that they need, directly or indirectly; the order stays. The model stores
/// only these.
pub(super) fn needed(columns: Vec<FittedColumn>, names: &HashSet<&str>) -> Vec<FittedColumn> {
    let mut needed: HashSet<String> = names.iter().map(|n| (*n).to_string()).collect();
    for column in columns.iter().rev() {
        if needed.contains(&column.name) {
            let from = column.read.is_none().then_some(column.from.as_str());
            needed.extend(from.into_iter().chain(column.operands()).map(String::from));
        }
    }
    columns.into_iter().filter(|c| needed.contains(&c.name)).collect()
}
