//! The charts that a recipe asks for.

use super::super::charts::{ChartKind, MOST_COLOURS};
use super::super::notice::{Notice, Observer};
use super::super::prepare::Prepared;
use super::super::spec::Spec;
use super::distribution::{Sorted, entries};
use super::sample::{Label, Names, sample};
use super::{ChartFound, ChartShows};
use crate::model::Assignment;
use crate::profile::OTHER;
use crate::recipe::FittedMethod;
use crate::table::{Table, Values};
use crate::weights::Weights;
use std::cmp::Ordering;
use std::collections::HashMap;

/// A scatter plot has so many points at most.
const MOST_POINTS: usize = 5_000;
/// A curve has so many points at most.
const MOST_PLACES: usize = 500;

/// The rows of the table with what is known of them.
struct Drawn<'a> {
    table: &'a Table,
    weights: Option<Weights>,
    rows: &'a [Option<Assignment>],
    k: usize,
    spec: &'a Spec,
    names: Names<'a>,
}

impl Prepared {
    /// The charts of the recipe. They show all rows of the table, those too that the fit left out.
    pub(super) fn charts(
        &self,
        rows: &[Option<Assignment>],
        k: usize,
        (spec, names): (&Spec, Names<'_>),
        observer: &dyn Observer,
    ) -> Vec<ChartFound> {
        if spec.charts.is_empty() {
            return Vec::new();
        }
        let (Some(table), Ok(weights)) = (&self.table, self.weights_of_all_rows()) else {
            let why = "there is not enough memory to keep the table beside its features, so the charts of the recipe are not drawn";
            observer.notice(&Notice::Data(why.into()));
            return Vec::new();
        };
        let drawn = Drawn { table, weights, rows, k, spec, names };
        let found = spec.charts.iter().filter_map(|chart| {
            let shows = match &chart.kind {
                ChartKind::Scatter { x, y, colour, cut } => {
                    self.scatter(&drawn, (x, y), colour.as_deref(), *cut)
                }
                ChartKind::Boxes { of, by, top } => drawn.boxes(of, by, *top),
                ChartKind::Curve { x, y } => drawn.curve(x, y),
            };
            Some(ChartFound { title: chart.title(), shows: shows? })
        });
        found.collect()
    }

    fn scatter(
        &self,
        drawn: &Drawn<'_>,
        (x, y): (&str, &str),
        colour: Option<&str>,
        cut: Option<f64>,
    ) -> Option<ChartShows> {
        let columns = [drawn.numbers(x)?, drawn.numbers(y)?];
        let end = |name: &str| cut.and_then(|cut| drawn.quantile(name, cut)).unwrap_or(f64::INFINITY);
        let ends = [end(x), end(y)];
        let placed = |row: &usize| columns.iter().all(|column| column[*row].is_finite());
        let inside = |row: &usize| columns.iter().zip(ends).all(|(column, end)| column[*row] <= end);
        let (shown, beyond): (Vec<usize>, Vec<usize>) =
            (0..drawn.table.rows).filter(placed).partition(inside);
        let groups = match colour {
            None => self.by_segment(shown.into_iter(), drawn.rows, drawn.k, &drawn.spec.method),
            Some(colour) => by_category(&drawn.table.column(colour)?.values, shown),
        };
        let layout = self.fitted.preparation.reductions.iter().find(|reduction| {
            let names = reduction.names();
            [x, y].iter().all(|column| names.iter().any(|name| name == column))
        });
        let method = layout.map(|reduction| match &reduction.method {
            FittedMethod::Pca(_) => "pca",
            FittedMethod::Umap(_) => "umap",
        });
        Some(ChartShows::Scatter {
            x: x.into(),
            y: y.into(),
            colour: colour.map(String::from),
            layout: method.map(String::from),
            boundary: self.boundary(x, y),
            beyond: beyond.len() as u64,
            groups: sample(&columns, groups, MOST_POINTS, drawn.spec.seed, drawn.names),
        })
    }
}

impl Drawn<'_> {
    fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        let values = &self.table.column(name)?.values;
        Some((0..self.table.rows).map(|row| values.number(row).unwrap_or(f64::NAN)).collect())
    }

    fn copies(&self) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights.as_copies(1))
    }

    fn quantile(&self, name: &str, q: f64) -> Option<f64> {
        let entries = entries(&self.table.column(name)?.values, self.weights.as_ref(), |_| Some(0));
        Some(Sorted::new(&entries, self.copies()).quantile(q)).filter(|end| end.is_finite())
    }

    /// A box for each category of a column: of texts in the order of their medians, the largest first, of other values in theirs.
    fn boxes(&self, of: &str, by: &str, top: usize) -> Option<ChartShows> {
        let (values, by_values) = (&self.table.column(of)?.values, &self.table.column(by)?.values);
        let categories = Categories::new(by_values);
        let entries = entries(values, self.weights.as_ref(), |row| categories.codes[row]);
        let mut steps: Vec<u128> = vec![0; categories.labels.len()];
        entries.iter().for_each(|entry| steps[entry.1 as usize] += u128::from(entry.2));
        let shown = categories.largest(&steps, top);
        let shape = |code: u32| {
            let own: Vec<_> = entries.iter().filter(|entry| entry.1 == code).copied().collect();
            (categories.labels[code as usize].clone(), Sorted::new(&own, self.copies()).shape(&[]))
        };
        let mut boxes: Vec<_> = shown.into_iter().map(shape).collect();
        if matches!(by_values, Values::Text { .. }) {
            let median = |shape: &super::Shape| shape.quantiles.map_or(f64::NEG_INFINITY, |all| all[2]);
            boxes.sort_by(|a, b| median(&b.1).total_cmp(&median(&a.1)).then_with(|| a.0.cmp(&b.0)));
        }
        Some(ChartShows::Boxes { of: of.into(), by: by.into(), boxes })
    }

    /// The mean of y at each value of x; if there are many, neighbouring values are taken together.
    fn curve(&self, x: &str, y: &str) -> Option<ChartShows> {
        let (xs, ys) = (self.numbers(x)?, self.numbers(y)?);
        let steps = |row: usize| self.weights.as_ref().map_or(1, |weights| weights.steps()[row]);
        let rows = (0..self.table.rows).filter(|&row| xs[row].is_finite() && ys[row].is_finite());
        let mut all: Vec<(f64, f64, u64)> =
            rows.map(|row| (xs[row] + 0.0, ys[row], steps(row))).filter(|one| one.2 > 0).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let values: Vec<&[(f64, f64, u64)]> = all.chunk_by(|a, b| a.0 == b.0).collect();
        let together = values.len().div_ceil(MOST_PLACES).max(1);
        let mean = |rows: &[(f64, f64, u64)], value: fn(&(f64, f64, u64)) -> f64| {
            let (sum, all) = rows
                .iter()
                .fold((0.0, 0.0), |(sum, all), row| (sum + value(row) * row.2 as f64, all + row.2 as f64));
            sum / all
        };
        let mut points = Vec::new();
        let mut begin = 0;
        for group in values.chunks(together) {
            let rows = &all[begin..begin + group.iter().map(|value| value.len()).sum::<usize>()];
            begin += rows.len();
            let x = if let [value] = group { value[0].0 } else { mean(rows, |row| row.0) };
            points.push([x, mean(rows, |row| row.1)]);
        }
        (!points.is_empty()).then(|| ChartShows::Curve { x: x.into(), y: y.into(), points })
    }
}

/// Rows by the categories of a column: those with most rows by their names, the others together, and rows without one.
fn by_category(values: &Values, shown: Vec<usize>) -> Vec<(Label, Vec<usize>)> {
    let categories = Categories::new(values);
    let mut sizes: Vec<u128> = vec![0; categories.labels.len()];
    shown.iter().filter_map(|&row| categories.codes[row]).for_each(|code| sizes[code as usize] += 1);
    let named = categories.largest(&sizes, MOST_COLOURS);
    let label = |&code: &u32| (None, Some(categories.labels[code as usize].clone()));
    let mut groups: Vec<(Label, Vec<usize>)> = named.iter().map(|code| (label(code), Vec::new())).collect();
    groups.extend([((None, Some(OTHER.to_string())), Vec::new()), ((None, None), Vec::new())]);
    let places: HashMap<u32, usize> = named.iter().enumerate().map(|(place, &code)| (code, place)).collect();
    for row in shown {
        let place = match categories.codes[row] {
            None => named.len() + 1,
            Some(code) => places.get(&code).copied().unwrap_or(named.len()),
        };
        groups[place].1.push(row);
    }
    groups
}

/// The categories of a column, in the order of their values.
struct Categories {
    /// For each row the number of its category.
    codes: Vec<Option<u32>>,
    labels: Vec<String>,
}

impl Categories {
    fn new(values: &Values) -> Categories {
        match values {
            // Several texts may have become the same one.
            Values::Text { levels, codes } => Categories::of(codes, levels, |a, b| a.cmp(b), String::clone),
            Values::Bool(cells) => {
                let codes: Vec<Option<u32>> = cells.iter().map(|cell| cell.map(u32::from)).collect();
                Categories::of(&codes, &[false, true], bool::cmp, bool::to_string)
            }
            _ => {
                let value = |row: usize| values.number(row).filter(|v| v.is_finite()).map(|v| v + 0.0);
                let mut levels: Vec<f64> = Vec::new();
                let mut places: HashMap<u64, u32> = HashMap::new();
                let code = |row: usize| {
                    let value = value(row)?;
                    Some(*places.entry(value.to_bits()).or_insert_with(|| {
                        levels.push(value);
                        levels.len() as u32 - 1
                    }))
                };
                let codes: Vec<Option<u32>> = (0..values.len()).map(code).collect();
                Categories::of(&codes, &levels, f64::total_cmp, f64::to_string)
            }
        }
    }

    /// From levels in any order, some of which may be equal.
    fn of<T>(
        codes: &[Option<u32>],
        levels: &[T],
        compare: impl Fn(&T, &T) -> Ordering,
        label: impl Fn(&T) -> String,
    ) -> Categories {
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_by(|&a, &b| compare(&levels[a], &levels[b]));
        let (mut places, mut labels) = (vec![0; levels.len()], Vec::new());
        let mut last: Option<usize> = None;
        for level in order {
            if last.is_none_or(|last| compare(&levels[last], &levels[level]) != Ordering::Equal) {
                labels.push(label(&levels[level]));
            }
            places[level] = labels.len() as u32 - 1;
            last = Some(level);
        }
        Categories {
            codes: codes.iter().map(|code| code.map(|code| places[code as usize])).collect(),
            labels,
        }
    }

    /// The categories that have most rows, in the order of their names.
    fn largest(&self, sizes: &[u128], most: usize) -> Vec<u32> {
        let mut codes: Vec<u32> = (0..).take(self.labels.len()).filter(|&c| sizes[c as usize] > 0).collect();
        codes.sort_by(|&a, &b| sizes[b as usize].cmp(&sizes[a as usize]).then(a.cmp(&b)));
        codes.truncate(most);
        codes.sort_unstable();
        codes
    }
}
