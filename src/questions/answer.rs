//! Answers one question.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::{Groups, cell, codes, compare, compare_down, count, number, share, steps};
use super::{
    Answer, Cell, Context, Expected, Figure, Hidden, Largest, Lines, Question, SEGMENT, TOP, Within,
};
use crate::recipe::{Condition, FittedCondition, no_column};
use crate::table::{Column, Table, Values};
use crate::weights::Weights;

/// The column with the segments' names, which no column of a file can be called like.
pub(super) const SEGMENT_NAME: &str = "\u{0}segment";

/// What is wrong, and the key of the recipe where it is.
pub(super) type Wrong = (&'static str, String);

/// The columns that are asked about, with those of the segments.
pub(super) struct Asked<'a> {
    pub(super) table: Table,
    pub(super) context: &'a Context<'a>,
    copies: Option<Vec<f64>>,
    segments: Groups,
}

/// The table's columns of these names, and the columns of the segments.
fn asked_columns(table: &Table, named: &BTreeSet<&str>, segment: Values, segment_name: Values) -> Table {
    let named = table.columns.iter().filter(|c| named.contains(c.name.as_str()) && c.name != SEGMENT);
    let mut columns: Vec<Column> = named.cloned().collect();
    columns.push(Column { name: SEGMENT.into(), values: segment });
    columns.push(Column { name: SEGMENT_NAME.into(), values: segment_name });
    Table { source: table.source.clone(), rows: table.rows, columns, ..Table::default() }
}

/// The condition with the segments' names in place of their numbers where it compares them with texts.
fn of_segments(condition: &Condition) -> Condition {
    condition.renamed(&|column, texts| {
        if texts && column == SEGMENT { SEGMENT_NAME.into() } else { column.into() }
    })
}

/// A condition as a person reads it.
fn shown(condition: &FittedCondition) -> String {
    condition.to_string().replace("`\\u{0}segment`", SEGMENT)
}

/// What is wrong with a question about a table that has no segments yet.
pub(super) fn mistakes(question: &Question, table: &Table, id: Option<&str>) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = Vec::new();
    let named = question.named_columns();
    for (key, column) in &named {
        let there = *column == SEGMENT || table.column(column).is_some();
        if !there && !wrong.iter().any(|(other, _)| other == key) {
            wrong.push((key, no_column(table, &[SEGMENT], column)));
        }
    }
    if !wrong.is_empty() {
        return wrong;
    }
    for column in question.columns.iter().chain(&question.by).filter(|column| id == Some(column.as_str())) {
        let key = if question.by.contains(column) { "by" } else { "columns" };
        wrong.push((key, format!("{column} names the rows, and answers show no single user; leave it out")));
    }
    if let Some(answers) = &question.answers {
        wrong.extend(answers.mistakes(table, id));
    }
    let columns: BTreeSet<&str> = named.iter().map(|(_, column)| *column).collect();
    let names = Values::Text { levels: vec![String::new()], codes: vec![Some(0); table.rows] };
    let asked = asked_columns(table, &columns, Values::Number(vec![0.0; table.rows]), names);
    for (key, condition) in question.conditions() {
        wrong.extend(of_segments(condition).fit_or(&asked, None).err().map(|what| (key, what)));
    }
    for (name, figure, of) in question.figures() {
        let Some(values) = of.and_then(|of| asked.column(of)).map(|column| &column.values) else { continue };
        if figure != Figure::Distinct && matches!(values, Values::Text { .. }) {
            let of = of.unwrap_or_default();
            wrong.push(("compute", format!("{name} needs numbers, and column {of} holds texts")));
        }
    }
    wrong
}

impl<'a> Asked<'a> {
    pub(super) fn new(table: &Table, named: &BTreeSet<&str>, context: &'a Context<'a>) -> Self {
        let numbers = context.segments.iter().map(|s| s.map_or(f64::NAN, f64::from)).collect();
        let levels: Vec<String> = context.names.iter().map(|name| name.clone().unwrap_or_default()).collect();
        let named_at = |s: &u32| context.names.get(*s as usize).is_some_and(Option::is_some);
        let codes = context.segments.iter().map(|s| s.filter(named_at)).collect();
        let table = asked_columns(table, named, Values::Number(numbers), Values::Text { levels, codes });
        let k = context.segments.iter().flatten().map(|&s| s as usize + 1).max().unwrap_or(0);
        let k = k.max(context.names.len());
        // Rows without a segment are a line of their own, the last one.
        let mut keys: Vec<Vec<Cell>> = (0..k).map(|s| vec![Cell::Count(s as u64)]).collect();
        keys.push(vec![Cell::Missing]);
        let of_rows = context.segments.iter().map(|s| Some(s.unwrap_or(k as u32))).collect();
        let copies = context.weights.map(Weights::all_copies);
        Asked { table, context, copies, segments: Groups { of_rows, keys } }
    }

    pub(super) fn answer(&self, question: &Question) -> Result<Answer, Wrong> {
        let weights = self.context.weights;
        let counted: Vec<bool> = (0..self.table.rows).map(|row| steps(weights, row) > 0).collect();
        let (among, within) = match &question.within {
            None => (counted, None),
            Some(within) => self.largest(within, &counted)?,
        };
        let condition = question.condition.as_ref().map(|c| self.fit("where", c)).transpose()?;
        let mut rows = match &condition {
            Some((_, holds)) => both(&among, holds),
            None => among.clone(),
        };
        // The rows that the answer is a part of.
        let mut whole = among;
        let mut expected = None;
        if let Some(expect) = &question.expect {
            let (premise, meets) = self.fit("expect.if", &expect.premise)?;
            let (conclusion, holds) = self.fit("expect.then", &expect.conclusion)?;
            let compared: Vec<&Values> = expect
                .conclusion
                .compared_columns()
                .iter()
                .filter_map(|name| self.table.column(name).map(|column| &column.values))
                .collect();
            let unknown = |row: usize| !holds[row] && compared.iter().any(|values| values.is_missing(row));
            let meets = both(&rows, &meets);
            let unjudged: u128 = (0..meets.len())
                .filter(|&row| meets[row] && unknown(row))
                .map(|row| steps(weights, row))
                .sum();
            whole = (0..meets.len()).map(|row| meets[row] && !unknown(row)).collect();
            rows = whole.iter().zip(&holds).map(|(row, holds)| *row && !holds).collect();
            expected = Some(Expected {
                premise: shown(&premise),
                conclusion: shown(&conclusion),
                unknown: count(weights, unjudged),
            });
        }
        let mut answers = None;
        if let Some(asked) = &question.answers {
            // Rows without a segment are not asked, and the share is of those who are.
            rows.iter_mut().zip(self.context.segments).for_each(|(row, segment)| *row &= segment.is_some());
            whole.clone_from(&rows);
            answers = Some(self.shares(asked, question.least, &mut rows)?);
        }
        let (sum, of) = (self.sum(&rows), self.sum(&whole));
        let names: Vec<String> = question.figures().into_iter().map(|(name, ..)| name).collect();
        let all = self.figures(question, &Groups::single(&rows));
        let first = |cells: &Vec<Cell>| cells.first().cloned().unwrap_or(Cell::Missing);
        let mut difference = None;
        let table = match &question.against {
            Some(against) => {
                let (table, differs) = self.against(question, against, &rows)?;
                difference = Some(differs);
                table
            }
            None if answers.is_some() => Lines::default(),
            None if question.by.is_empty() => self.by_segment(question, &rows, &whole),
            None => self.by(question, &rows),
        };
        Ok(Answer {
            name: question.name.clone(),
            condition: condition.as_ref().map(|(condition, _)| shown(condition)),
            within,
            expect: expected,
            rows: count(weights, sum),
            among: count(weights, of),
            share: share(sum, of),
            of: question.of.clone(),
            figures: names.into_iter().zip(all.iter().map(first)).collect(),
            table,
            difference,
            answers,
            list: (question.list > 0).then(|| self.list(question, &rows)),
        })
    }

    /// Fits a condition, and says which rows meet it.
    fn fit(&self, key: &'static str, condition: &Condition) -> Result<(FittedCondition, Vec<bool>), Wrong> {
        let fitted = of_segments(condition).fit_or(&self.table, self.context.weights);
        let fitted = fitted.map_err(|what| (key, what))?;
        let holds = fitted.holds_or(&self.table).map_err(|what| (key, what))?;
        Ok((fitted, holds))
    }

    fn sum(&self, rows: &[bool]) -> u128 {
        let rows = rows.iter().enumerate().filter(|(_, row)| **row);
        rows.map(|(row, _)| steps(self.context.weights, row)).sum()
    }

    fn figures(&self, question: &Question, groups: &Groups) -> Vec<Vec<Cell>> {
        let Context { weights, hidden, .. } = *self.context;
        groups.figures(question, &self.table, hidden, (weights, self.copies.as_deref()))
    }

    fn column(&self, key: &'static str, name: &str) -> Result<&Values, Wrong> {
        let column = self.table.column(name);
        column.map(|column| &column.values).ok_or_else(|| (key, no_column(&self.table, &[], name)))
    }

    /// The rows of the largest group of a column. Of equally large groups it is the one that occurs first.
    fn largest(&self, within: &Within, counted: &[bool]) -> Result<(Vec<bool>, Option<Largest>), Wrong> {
        let Context { weights, hidden, .. } = *self.context;
        let shown = self.column("within.largest", &within.largest)?;
        let looked_at = match &within.condition {
            Some(condition) => both(counted, &self.fit("within.where", condition)?.1),
            None => counted.to_vec(),
        };
        let own = codes_of(&within.largest, shown, hidden);
        let groups = own.iter().flatten().map(|&code| code as usize + 1).max().unwrap_or(0);
        let mut sizes = vec![0u128; groups];
        let mut first = vec![usize::MAX; groups];
        let rows = (0..looked_at.len()).filter(|&row| looked_at[row]);
        let rows = rows.filter_map(|row| Some((row, own.get(row).copied()?? as usize)));
        for (row, code) in rows.clone() {
            first[code] = first[code].min(row);
            sizes[code] += steps(weights, row);
        }
        if let Some(distinct) = &within.distinct {
            let values = codes_of(distinct, self.column("within.distinct", distinct)?, hidden);
            let mut pairs: Vec<(usize, u32)> =
                rows.filter_map(|(row, code)| Some((code, values.get(row).copied()??))).collect();
            pairs.sort_unstable();
            pairs.dedup();
            sizes.fill(0);
            pairs.into_iter().for_each(|(code, _)| sizes[code] += 1);
        }
        let there = (0..groups).filter(|&code| first[code] < usize::MAX);
        let Some(code) = there.max_by_key(|&code| (sizes[code], std::cmp::Reverse(first[code]))) else {
            let nothing =
                Largest { column: within.largest.clone(), group: Cell::Missing, rows: count(weights, 0) };
            return Ok((vec![false; counted.len()], Some(nothing)));
        };
        let of_group = |row: usize| looked_at[row] && own.get(row).copied().flatten() == Some(code as u32);
        let rows: Vec<bool> = (0..looked_at.len()).map(of_group).collect();
        let found = Largest {
            column: within.largest.clone(),
            group: cell(shown, first[code]),
            rows: count(weights, self.sum(&rows)),
        };
        Ok((rows, Some(found)))
    }

    /// A line for each segment: its rows, their share of the answer, and their share of what was asked in the segment.
    fn by_segment(&self, question: &Question, rows: &[bool], whole: &[bool]) -> Lines {
        let weights = self.context.weights;
        let only = |rows: &[bool]| Groups {
            of_rows: self.segments.of_rows.iter().zip(rows).map(|(s, row)| s.filter(|_| *row)).collect(),
            keys: self.segments.keys.clone(),
        };
        let (groups, among) = (only(rows), only(whole).weights(weights));
        let sums = groups.weights(weights);
        let total: u128 = sums.iter().sum();
        let mut columns = vec![SEGMENT.to_string(), "count".into(), "share".into(), "rate".into()];
        let figures = self.figures(question, &groups);
        let extra: Vec<(String, Vec<Cell>)> = question
            .figures()
            .into_iter()
            .zip(figures)
            .filter(|((_, figure, _), _)| !figure.of_rows())
            .map(|((name, ..), cells)| (name, cells))
            .collect();
        columns.extend(extra.iter().map(|(name, _)| name.clone()));
        let mut lines = Lines { columns, keys: 1, ..Lines::default() };
        for (group, key) in groups.keys.iter().enumerate() {
            if key[0] == Cell::Missing && among[group] == 0 {
                continue;
            }
            let few = self.is_few(question, sums[group]);
            let mut line = vec![key[0].clone(), count(weights, sums[group])];
            line.push(number(share(sums[group], total)));
            line.push(number(share(sums[group], among[group])));
            line.extend(
                extra.iter().map(|(_, cells)| if few { Cell::Missing } else { cells[group].clone() }),
            );
            lines.rows.push(line);
        }
        lines
    }

    /// Whether a group has too few rows to be shown.
    fn is_few(&self, question: &Question, steps: u128) -> bool {
        self.fewer(steps, question.least)
    }

    /// Whether a number of steps comes to fewer rows than `least`.
    pub(super) fn fewer(&self, steps: u128, least: u64) -> bool {
        let rows = self.context.weights.map_or(steps as f64, |weights| weights.as_copies(steps));
        rows < least as f64
    }

    /// A line for each group of rows.
    fn by(&self, question: &Question, rows: &[bool]) -> Lines {
        let columns: Vec<&Values> = question
            .by
            .iter()
            .filter_map(|name| self.table.column(name).map(|column| &column.values))
            .collect();
        let mut groups = Groups::new(rows, &columns);
        // Segments are numbers without a decimal point.
        for (place, _) in question.by.iter().enumerate().filter(|(_, name)| *name == SEGMENT) {
            for cell in groups.keys.iter_mut().filter_map(|key| key.get_mut(place)) {
                *cell = segment(cell);
            }
        }
        let figures = self.figures(question, &groups);
        let names: Vec<String> = question.figures().into_iter().map(|(name, ..)| name).collect();
        let sums = groups.weights(self.context.weights);
        let mut order: Vec<usize> = (0..sums.len()).filter(|&g| !self.is_few(question, sums[g])).collect();
        let small = sums.len() - order.len();
        let by_key = |a: &usize, b: &usize| {
            let mut pairs = groups.keys[*a].iter().zip(&groups.keys[*b]).map(|(a, b)| compare(a, b));
            pairs.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        let figure = |name: &str| names.iter().position(|other| other == name).map(|i| &figures[i]);
        let column = question.order.as_deref().filter(|order| figure(order).is_none());
        let key = column.and_then(|order| question.by.iter().position(|by| by == order));
        let ascending = question.ascending.unwrap_or(key.is_some());
        let towards = if ascending { compare } else { compare_down };
        let counts: Vec<Cell> = sums.iter().map(|&sum| count(self.context.weights, sum)).collect();
        let sorted = question.order.as_deref().and_then(figure).unwrap_or(&counts);
        order.sort_by(|a, b| {
            let first = match key {
                Some(key) => towards(&groups.keys[*a][key], &groups.keys[*b][key]),
                None => towards(&sorted[*a], &sorted[*b]),
            };
            first.then_with(|| by_key(a, b))
        });
        let more = order.len().saturating_sub(question.top.unwrap_or(TOP));
        order.truncate(question.top.unwrap_or(TOP));
        let line = |group: usize| {
            let figures = figures.iter().map(|cells| cells[group].clone());
            groups.keys[group].iter().cloned().chain(figures).collect()
        };
        Lines {
            columns: question.by.iter().cloned().chain(names).collect(),
            rows: order.into_iter().map(line).collect(),
            keys: question.by.len(),
            more,
            small,
        }
    }

    /// The rows that meet a condition, the others, and how far the first lie above the second.
    fn against(
        &self,
        question: &Question,
        condition: &Condition,
        rows: &[bool],
    ) -> Result<(Lines, BTreeMap<String, Cell>), Wrong> {
        let (fitted, holds) = self.fit("against", condition)?;
        let of_rows = rows.iter().zip(&holds).map(|(row, holds)| row.then_some(u32::from(!holds))).collect();
        let keys = vec![vec![Cell::Text(shown(&fitted))], vec![Cell::Text("the others".into())]];
        let groups = Groups { of_rows, keys };
        let figures = self.figures(question, &groups);
        let few: Vec<bool> =
            groups.weights(self.context.weights).into_iter().map(|sum| self.is_few(question, sum)).collect();
        let mut difference = BTreeMap::new();
        let named: Vec<(String, Figure, Option<&str>)> = question.figures();
        for ((name, figure, _), cells) in named.iter().zip(&figures) {
            let (Cell::Number(a), Cell::Number(b)) = (&cells[0], &cells[1]) else { continue };
            if !figure.of_rows() && !few.contains(&true) {
                difference.insert(name.clone(), number(a - b));
            }
        }
        let line = |group: usize| {
            let cells = named.iter().zip(&figures).map(|((_, figure, _), cells)| {
                if few[group] && !figure.of_rows() { Cell::Missing } else { cells[group].clone() }
            });
            groups.keys[group].iter().cloned().chain(cells).collect()
        };
        let lines = Lines {
            columns: std::iter::once("group".into())
                .chain(named.iter().map(|(name, ..)| name.clone()))
                .collect(),
            rows: vec![line(0), line(1)],
            keys: 1,
            ..Lines::default()
        };
        Ok((lines, difference))
    }

    /// Some of the rows: the first ones, or those with the largest or the smallest values of a column.
    fn list(&self, question: &Question, rows: &[bool]) -> Lines {
        let mut order: Vec<usize> = (0..rows.len()).filter(|&row| rows[row]).collect();
        let values = |name: &String| self.table.column(name).map(|column| &column.values);
        if let Some(values) = question.order.as_ref().and_then(values) {
            let towards = if question.ascending == Some(true) { compare } else { compare_down };
            order.sort_by_cached_key(|&row| Sorted(cell(values, row), towards));
        }
        let more = order.len().saturating_sub(question.list);
        order.truncate(question.list);
        let shown = |row: usize, name: &String| {
            let found = values(name).map_or(Cell::Missing, |values| cell(values, row));
            if name == SEGMENT { segment(&found) } else { found }
        };
        let line = |row: usize| question.columns.iter().map(|name| shown(row, name)).collect();
        Lines {
            columns: question.columns.clone(),
            rows: order.into_iter().map(line).collect(),
            more,
            ..Lines::default()
        }
    }
}

/// A cell with the order that it is sorted in.
struct Sorted(Cell, fn(&Cell, &Cell) -> std::cmp::Ordering);

impl PartialEq for Sorted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Sorted {}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sorted {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.1)(&self.0, &other.0)
    }
}

/// The number of a segment.
fn segment(cell: &Cell) -> Cell {
    match cell {
        Cell::Number(number) => Cell::Count(*number as u64),
        other => other.clone(),
    }
}

/// Which rows of a column are equal: by the texts behind their aliases, if they have aliases.
fn codes_of(name: &str, values: &Values, hidden: &Hidden) -> Vec<Option<u32>> {
    codes(hidden.of(name).unwrap_or(values)).0
}

fn both(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| *a && *b).collect()
}
