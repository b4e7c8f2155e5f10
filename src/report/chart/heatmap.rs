//! Tables whose cells are shaded by their values: correlations, crossed labellings, moves between segments.

use super::legend::{Sign, draw};
use super::palette::{STEPS, diverging, sequential};
use super::svg::{Anchor, Drawing, Element, WIDTH, coordinate, rect, words};
use super::text::{SIZE, shorten, widest, width};
use super::{Caption, Chart, DataTable, Datum, Key, Paint, Unit};
use crate::report::figures::{plain, whole};

/// How cells are shaded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shading {
    /// From 0 to this value.
    Sequential(f64),
    /// From minus this value through 0 to this value, in two colours.
    Diverging(f64),
}

/// A heat map.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// What the lines are: `segment`.
    pub rows_are: String,
    /// What the columns are: `rule segment`; may be empty where it is the same.
    pub columns_are: String,
    /// The lines' names.
    pub rows: Vec<Key>,
    /// The columns' names.
    pub columns: Vec<Key>,
    /// The values, by line; `None` stays empty.
    pub values: Vec<Vec<Option<f64>>>,
    /// How the values read. They are written into the cells where these are large enough.
    pub unit: Unit,
    /// How cells are shaded.
    pub shading: Shading,
}

/// The most lines and columns that are drawn.
const MOST: usize = 120;
/// Cells that are narrower have no text.
const NARROWEST: f64 = 34.0;
/// The widest and the highest cell.
const WIDEST: f64 = 76.0;
const HIGHEST: f64 = 30.0;
/// The lowest line, which has a name.
const LOWEST: f64 = 15.0;
/// The longest name of a line and of a column.
const NAME: f64 = 170.0;
const TURNED: f64 = 120.0;
/// The sign before the name of a line that has a colour.
const SIGN: f64 = 17.0;
/// The longest part of a name in a tip.
const IN_TIP: usize = 80;

impl Shading {
    /// The largest value of the scale.
    fn limit(self) -> f64 {
        let (Shading::Sequential(limit) | Shading::Diverging(limit)) = self;
        if limit.is_finite() && limit > 0.0 { limit } else { 1.0 }
    }

    /// How strongly a value is shaded, from -1 to 1.
    fn shade(self, value: f64) -> f64 {
        let least = if matches!(self, Shading::Sequential(_)) { 0.0 } else { -1.0 };
        (value / self.limit()).clamp(least, 1.0)
    }

    /// The class of a cell with this shade.
    fn class(self, shade: f64) -> String {
        match self {
            Shading::Sequential(_) => sequential(shade),
            Shading::Diverging(_) => diverging(shade),
        }
    }
}

/// How the columns' names are written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    Level,
    Slanted,
    Upright,
}

/// Where the cells lie.
struct Grid {
    left: f64,
    top: f64,
    wide: f64,
    high: f64,
    turn: Turn,
}

fn coloured(paint: Paint) -> bool {
    matches!(paint, Paint::Segment(_) | Paint::Group(_))
}

/// A name for a tip, which is read as a whole but is no page.
fn in_tip(name: &str) -> String {
    let name = plain(name);
    if name.chars().count() <= IN_TIP {
        return name;
    }
    name.chars().take(IN_TIP).chain(['\u{2026}']).collect()
}

impl Heatmap {
    fn shown(&self) -> (usize, usize) {
        (self.rows.len().min(MOST), self.columns.len().min(MOST))
    }

    fn value(&self, row: usize, column: usize) -> Option<f64> {
        self.values.get(row)?.get(column).copied().flatten().filter(|v| v.is_finite())
    }

    /// The values that are drawn, with their lines and columns.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let (rows, columns) = self.shown();
        let each = (0..rows).flat_map(move |r| (0..columns).map(move |c| (r, c)));
        each.filter_map(|(r, c)| Some((r, c, self.value(r, c)?)))
    }

    fn grid(&self) -> Grid {
        let (rows, columns) = self.shown();
        let has_sign = self.rows.iter().any(|key| coloured(key.paint));
        let sign = if has_sign { SIGN } else { 0.0 };
        let names = widest(self.rows[..rows].iter().map(|k| k.label.as_str()), NAME);
        let left = (sign + names).max(width(&self.rows_are).min(NAME)) + 8.0;
        let longest = widest(self.columns[..columns].iter().map(|k| k.label.as_str()), TURNED);
        let text = self.cells().map(|(_, _, v)| width(&self.unit.format(v))).fold(0.0, f64::max);
        let room = |right: f64| (WIDTH - left - right) / columns as f64;
        let mut wide = room(0.0).min(WIDEST);
        let mut turn = Turn::Level;
        if longest + 6.0 > wide {
            // Names that lean to the right need room after the last column.
            let leaning = room(0.71 * longest).min(WIDEST);
            (wide, turn) = if leaning >= 24.0 { (leaning, Turn::Slanted) } else { (wide, Turn::Upright) };
        }
        // Cells with texts are as wide as these, and others as wide as they are high.
        if turn != Turn::Level {
            let enough = if wide >= NARROWEST && text + 8.0 <= wide { text + 12.0 } else { HIGHEST };
            wide = wide.min(enough.max(NARROWEST));
        }
        let high = if wide >= NARROWEST { HIGHEST } else { wide.max(LOWEST) };
        let head = match turn {
            Turn::Level => SIZE + 8.0,
            Turn::Slanted => 0.71 * longest + SIZE,
            Turn::Upright => longest + 10.0,
        };
        let signs = if self.columns.iter().any(|key| coloured(key.paint)) { SIGN } else { 0.0 };
        let titles = if self.columns_are.is_empty() { 0.0 } else { SIZE + 7.0 };
        Grid { left, top: titles + head + signs, wide, high, turn }
    }

    fn draw_names(&self, drawing: &mut Drawing<'_>, grid: &Grid) {
        let (rows, columns) = self.shown();
        for (r, key) in self.rows[..rows].iter().enumerate() {
            let y = grid.top + (r as f64 + 0.5) * grid.high;
            let wide = drawing.write("label", [grid.left - 8.0, y], Anchor::End, NAME, &key.label);
            if coloured(key.paint) {
                draw(drawing, Sign::Square(key.paint), grid.left - 8.0 - wide - SIGN, y);
            }
        }
        // Where columns are narrower than a line of text, only some have names.
        let every =
            if grid.turn == Turn::Level { 1 } else { ((SIZE + 1.0) / grid.wide).ceil().max(1.0) as usize };
        for (c, key) in self.columns[..columns].iter().enumerate().step_by(every) {
            let x = grid.left + (c as f64 + 0.5) * grid.wide;
            let mut bottom = grid.top - 5.0;
            if coloured(key.paint) {
                draw(drawing, Sign::Square(key.paint), x - 6.0, bottom - 6.0);
                bottom -= SIGN;
            }
            let angle = match grid.turn {
                Turn::Level => {
                    let room = grid.wide - 2.0;
                    drawing.write("label", [x, bottom - SIZE / 2.0], Anchor::Middle, room, &key.label);
                    continue;
                }
                Turn::Slanted => -45,
                Turn::Upright => -90,
            };
            // The middle of the letters' height lies on the line that is turned.
            let turn = format!("translate({} {}) rotate({angle})", coordinate(x), coordinate(bottom));
            let short = shorten(&key.label, TURNED);
            let mut text = words("label", [0.0, 0.0], Anchor::Start).set("transform", &turn);
            if short != key.label {
                text = text.set("data-tip", &plain(&key.label));
            }
            drawing.put(text.text(&short));
        }
        let right = grid.left + columns as f64 * grid.wide;
        drawing.write(
            "axis-title",
            [(grid.left + right) / 2.0, SIZE / 2.0 + 2.0],
            Anchor::Middle,
            WIDTH,
            &self.columns_are,
        );
        drawing.write(
            "axis-title",
            [grid.left - 8.0, grid.top - SIZE / 2.0 - 4.0],
            Anchor::End,
            NAME,
            &self.rows_are,
        );
    }

    fn draw_cells(&self, drawing: &mut Drawing<'_>, grid: &Grid) {
        let (rows, columns) = self.shown();
        let written: Vec<String> = self.cells().map(|(_, _, v)| self.unit.format(v)).collect();
        let fitting = written.iter().filter(|text| width(text) + 4.0 <= grid.wide).count();
        // Texts in a few cells alone would look as if the others were empty.
        let texts = grid.wide >= NARROWEST && 10 * fitting >= 9 * written.len();
        drawing.put(
            rect(grid.left, grid.top, columns as f64 * grid.wide, rows as f64 * grid.high).class("empty"),
        );
        for ((r, c, value), text) in self.cells().zip(&written) {
            let (row, column) = (&self.rows[r], &self.columns[c]);
            let class = self.shading.class(self.shading.shade(value));
            let (x, y) = (grid.left + c as f64 * grid.wide, grid.top + r as f64 * grid.high);
            // Edges on tenths of a pixel, so that neighbours meet.
            let d = format!(
                "M{} {}H{}V{}H{}z",
                coordinate(x),
                coordinate(y),
                coordinate(x + grid.wide),
                coordinate(y + grid.high),
                coordinate(x)
            );
            let mut cell = Element::new("path").set("d", &d).class(&format!("mark cell {class}"));
            if let Some(segment) = row.paint.segment().or(column.paint.segment()) {
                cell = cell.set("data-s", &segment.to_string());
            }
            let tip = format!("{} \u{d7} {}\n{text}", in_tip(&row.label), in_tip(&column.label));
            drawing.put(cell.set("data-tip", &tip));
            if texts && width(text) + 4.0 <= grid.wide {
                let middle = [x + grid.wide / 2.0, y + grid.high / 2.0];
                let cell_text = format!("cell-text {class}");
                drawing.put(words(&cell_text, middle, Anchor::Middle).text(text));
            }
        }
    }

    /// Draws the steps of the scale with the values at their ends, and says what is left out. Returns where this ends.
    fn draw_scale(&self, drawing: &mut Drawing<'_>, grid: &Grid, top: f64) -> f64 {
        const STEP: f64 = 24.0;
        let limit = self.shading.limit();
        let low = if matches!(self.shading, Shading::Sequential(_)) { 0.0 } else { -limit };
        let ends = [low, limit].map(|end| self.unit.format(end));
        let wide = STEP * STEPS as f64 + width(&ends[0]) + width(&ends[1]) + 16.0;
        let mut x = grid.left.min(WIDTH - wide).max(0.0);
        let y = top + SIZE / 2.0;
        x += drawing.write("tick", [x, y], Anchor::Start, WIDTH, &ends[0]) + 6.0;
        for step in 0..STEPS {
            let share = step as f64 / (STEPS - 1) as f64;
            let shade = if low < 0.0 { 2.0 * share - 1.0 } else { share };
            let class = format!("mark cell {}", self.shading.class(shade));
            drawing.put(rect(x + STEP * step as f64, y - 6.0, STEP, 12.0).class(&class));
        }
        x += STEP * STEPS as f64 + 6.0;
        drawing.write("tick", [x, y], Anchor::Start, WIDTH, &ends[1]);
        let mut end = top + SIZE + 6.0;
        let all = [(self.rows.len(), "lines"), (self.columns.len(), "columns")];
        for (count, what) in all.into_iter().filter(|(count, _)| *count > MOST) {
            let note = format!("the first {MOST} of {} {what}", whole(count as u64));
            drawing.write("note", [grid.left, end + SIZE / 2.0], Anchor::Start, WIDTH, &note);
            end += SIZE + 6.0;
        }
        end
    }
}

impl Chart for Heatmap {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        if self.cells().next().is_none() {
            return drawing.nothing();
        }
        let grid = self.grid();
        self.draw_names(&mut drawing, &grid);
        self.draw_cells(&mut drawing, &grid);
        let bottom = grid.top + self.shown().0 as f64 * grid.high;
        let end = self.draw_scale(&mut drawing, &grid, bottom + 12.0);
        drawing.finish(end)
    }

    fn table(&self) -> DataTable {
        let name = if self.rows_are.is_empty() { "line" } else { &self.rows_are };
        let mut columns = vec![(name.to_string(), false)];
        columns.extend(self.columns.iter().map(|key| (key.label.clone(), true)));
        let cell = |r: usize, c: usize| {
            let value = self.value(r, c);
            Datum { shade: value.map(|v| self.shading.shade(v)), ..self.unit.datum(value) }
        };
        let line = |(r, key): (usize, &Key)| {
            let cells = (0..self.columns.len()).map(|c| cell(r, c));
            [Datum::key(key)].into_iter().chain(cells).collect()
        };
        DataTable { rows: self.rows.iter().enumerate().map(line).collect(), columns }
    }
}
