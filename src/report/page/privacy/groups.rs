//! Takes out of cohorts, cross tables and moves between segments what would tell about a few rows.

use super::HIDDEN;
use super::cells::hidden;
use super::judge::Judge;
use crate::analysis::{Compared, Migration, Outcome};

pub(super) fn of_cohorts(outcome: &mut Outcome, judge: &mut Judge) {
    let Some(stability) = &mut outcome.stability else { return };
    // Before segments are merged or split they have other sizes.
    let before = outcome.regrouped.as_ref().filter(|_| stability.before_regrouping);
    let size = |segment: u32| match before {
        Some(found) => found.sizes.get(segment as usize).copied().unwrap_or(0),
        None => judge.size(u64::from(segment)) as u64,
    };
    let small: Vec<u32> = stability
        .cohorts
        .iter()
        .flat_map(|one| &one.segments)
        .map(|one| one.segment)
        .filter(|&segment| judge.is_few(size(segment)))
        .collect();
    let column = stability.cohort.clone().unwrap_or_default();
    for one in &mut stability.cohorts {
        if one.cohort.as_ref().is_some_and(|cohort| judge.hides(&column, cohort, one.rows as f64)) {
            one.cohort = Some(HIDDEN.into());
        }
        if judge.is_few(one.rows as u64) {
            one.segments.clear();
            (one.agreement, one.ari) = (None, None);
            one.note = Some("too few rows to be shown here".into());
        }
        let rows: Vec<f64> = one.segments.iter().map(|segment| segment.share * one.rows as f64).collect();
        let cells = hidden(std::slice::from_ref(&rows), false, judge);
        for (place, segment) in one.segments.iter_mut().enumerate() {
            let few = judge.is_few(rows[place].round() as u64);
            if few || small.contains(&segment.segment) {
                segment.features.clear();
                segment.moved = None;
            }
            if cells[0][place] {
                judge.small();
                segment.share = f64::NAN;
            }
        }
    }
}

/// Puts the columns of a cross table that are not shown together into a last one, and empties the cells of a few rows.
pub(super) fn of_table(compared: &mut Compared, judge: &mut Judge) {
    let columns = &compared.columns;
    let table = &mut compared.table;
    let Some(counts) = table.counts.take() else {
        // Nothing is known of their rows.
        for label in &mut table.b {
            if columns.iter().any(|column| judge.hides_unknown(column, label)) {
                *label = HIDDEN.into();
            }
        }
        return;
    };
    let sum = |place: usize| counts.iter().filter_map(|line| line.get(place)).sum::<u64>() as f64;
    let mut hides =
        |place: usize, label: &String| columns.iter().any(|column| judge.hides(column, label, sum(place)));
    let hide: Vec<bool> = table.b.iter().enumerate().map(|(place, label)| hides(place, label)).collect();
    let is_hidden = |place: usize| hide.get(place).copied().unwrap_or(false);
    let together = hide.contains(&true);
    let put = |line: &Vec<u64>| -> Vec<u64> {
        let part = |hidden: bool| {
            line.iter()
                .enumerate()
                .filter(move |(place, _)| is_hidden(*place) == hidden)
                .map(|(_, rows)| *rows)
        };
        part(false).chain(together.then(|| part(true).sum())).collect()
    };
    let counts: Vec<Vec<u64>> = counts.iter().map(put).collect();
    let mut place = 0..;
    table.b.retain(|_| !place.next().is_some_and(is_hidden));
    if let Some(names) = &mut table.b_names {
        let mut place = 0..;
        names.retain(|_| !place.next().is_some_and(is_hidden));
        names.extend(together.then_some(None));
    }
    table.b.extend(together.then(|| HIDDEN.to_string()));
    let rows: Vec<Vec<f64>> =
        counts.iter().map(|line| line.iter().map(|&rows| rows as f64).collect()).collect();
    // A few rows of no named group tell nobody's, so that nothing else need be hidden for their sake.
    let unnamed = |line: &Vec<f64>| together && line.last().is_some_and(|&rows| judge.is_cell(rows));
    let mut named = rows.clone();
    named.iter_mut().filter(|line| unnamed(line)).filter_map(|line| line.last_mut()).for_each(|n| *n = 0.0);
    let mut cells = hidden(&named, true, judge);
    let lines = rows.iter().zip(&mut cells).filter(|(line, _)| unnamed(line));
    lines.filter_map(|(_, cells)| cells.last_mut()).for_each(|cell| *cell = true);
    cells.iter().flatten().filter(|hidden| **hidden).for_each(|_| judge.small());
    let share = |i: usize, j: usize, of: f64| match cells[i][j] {
        true => f64::NAN,
        false if of > 0.0 => rows[i][j] / of,
        false => 0.0,
    };
    let shares = |of: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        let line = |i: usize| (0..rows[i].len()).map(|j| share(i, j, of(i, j))).collect();
        (0..rows.len()).map(line).collect()
    };
    let down = |j: usize| rows.iter().filter_map(|line| line.get(j)).sum::<f64>();
    table.row_shares = Some(shares(&|i, _| rows[i].iter().sum()));
    table.column_shares = Some(shares(&|_, j| down(j)));
    let clear = !cells.iter().flatten().any(|hidden| *hidden);
    table.counts = clear.then_some(counts);
}

/// Takes out the moves of a few rows.
pub(super) fn of_moves(migration: &mut Migration, judge: &mut Judge) {
    migration.moves.retain(|one| !judge.is_rare(one.rows as f64));
    for rows in migration.rows.iter_mut().flatten() {
        if judge.is_cell(*rows as f64) {
            *rows = 0;
        }
    }
}
