//! Tables whose cells are shaded by their values: correlations, crossed labellings, moves between segments.

use super::legend::{Sign, draw};
use super::palette::{STEPS, diverging, sequential};
use super::svg::{Anchor, Drawing, Element, coordinate, rect, words};
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
/// The longest name of a line where there are few columns.
const LONG_NAME: f64 = 260.0;
const FEW_COLUMNS: usize = 12;
const TURNED: f64 = 140.0;
/// The same of a narrow drawing.
const NARROW_NAME: f64 = 120.0;
const NARROW_TURNED: f64 = 130.0;
/// The height of a line for a name above the cells, which a narrow drawing has where names are longer.
const ABOVE: f64 = 20.0;
/// The most columns of a narrow drawing.
const NARROW_COLUMNS: usize = 16;
/// The sign before the name of a line that has a colour.
const SIGN: f64 = 17.0;
/// The size of the texts in cells.
const TEXT: f64 = 12.0;
/// Maps with more cells have shorter names in their tips, and no lines between cells.
const DENSE: usize = 900;

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
    /// The longest name of a line and of a column.
    names: [f64; 2],
    /// What a line's name takes above its cells; 0 where names stand beside them.
    above: f64,
    /// The width of the signs beside the lines' names.
    sign: f64,
}

impl Grid {
    /// Where the cells of a line begin.
    fn line(&self, row: usize) -> f64 {
        self.top + self.above + row as f64 * (self.high + self.above)
    }
}

fn coloured(paint: Paint) -> bool {
    matches!(paint, Paint::Segment(_) | Paint::Group(_))
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

    /// What is written into the cells: the values in full, or with the fewest digits that tell something.
    fn written(&self, briefly: bool) -> impl Iterator<Item = String> + '_ {
        self.cells().map(move |(_, _, value)| {
            let (percent, small) = (100.0 * value, value.abs() < 1e4);
            match self.unit {
                Unit::Score if briefly && small => format!("{:.2}", (100.0 * value).round() / 100.0 + 0.0),
                Unit::Share if briefly && small && (percent == 0.0 || percent >= 0.5) => {
                    format!("{percent:.0} %")
                }
                Unit::Points if briefly && small && percent.round() == 0.0 => "0".into(),
                Unit::Points if briefly && small => format!("{:+.0}", percent.round()),
                _ => self.unit.short(value),
            }
        })
    }

    /// How wide cells must be for nine of ten of these texts.
    fn text_width(&self, texts: impl Iterator<Item = String>) -> f64 {
        let mut widths: Vec<f64> = texts.map(|text| width(&text) * TEXT / SIZE + 6.0).collect();
        widths.sort_by(f64::total_cmp);
        widths.get((9 * widths.len()).div_ceil(10).saturating_sub(1)).copied().unwrap_or(0.0)
    }

    fn grid(&self, drawing: &Drawing<'_>) -> Grid {
        let (rows, columns) = self.shown();
        let [name, turned] = match drawing.narrow() {
            true => [NARROW_NAME, NARROW_TURNED],
            false if columns <= FEW_COLUMNS => [LONG_NAME, TURNED],
            false => [NAME, TURNED],
        };
        let has_sign = self.rows.iter().any(|key| coloured(key.paint));
        let sign = if has_sign { SIGN } else { 0.0 };
        let names = widest(self.rows[..rows].iter().map(|k| k.label.as_str()), name);
        let long = self.rows[..rows].iter().any(|key| width(&plain(&key.label)) > name);
        let above = if drawing.narrow() && long { ABOVE } else { 0.0 };
        let beside = (sign + names).max(width(&self.rows_are).min(name)) + 8.0;
        let left = if above > 0.0 { 0.0 } else { beside };
        let name = if above > 0.0 { drawing.width() - sign } else { name };
        let longest = widest(self.columns[..columns].iter().map(|k| k.label.as_str()), turned);
        let text = self.text_width(self.written(true));
        let room = |right: f64| (drawing.width() - left - right) / columns as f64;
        let (mut wide, mut turn) = (room(0.0).min((longest + 10.0).max(WIDEST)), Turn::Level);
        if longest + 6.0 > wide {
            // Names that lean to the right need room after the last column.
            let leaning = room(0.71 * longest).min(WIDEST);
            (wide, turn) =
                if leaning >= 24.0 { (leaning, Turn::Slanted) } else { (room(6.0).min(wide), Turn::Upright) };
        }
        // Cells with texts are as wide as these, and others as wide as they are high.
        if turn != Turn::Level {
            let enough = if wide >= NARROWEST && text <= wide { text + 8.0 } else { HIGHEST };
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
        Grid { left, top: titles + head + signs, wide, high, turn, names: [name, turned], above, sign }
    }

    fn draw_names(&self, drawing: &mut Drawing<'_>, grid: &Grid) {
        let (rows, columns) = self.shown();
        for (r, key) in self.rows[..rows].iter().enumerate() {
            if grid.above > 0.0 {
                let y = grid.line(r) - grid.above / 2.0;
                let x = if coloured(key.paint) { SIGN } else { 0.0 };
                drawing.write("label", [x, y], Anchor::Start, grid.names[0], &key.label);
                if coloured(key.paint) {
                    draw(drawing, Sign::Square(key.paint), 0.0, y);
                }
                continue;
            }
            let y = grid.line(r) + grid.high / 2.0;
            drawing.write("label", [grid.left - 8.0 - grid.sign, y], Anchor::End, grid.names[0], &key.label);
            if coloured(key.paint) {
                draw(drawing, Sign::Square(key.paint), grid.left - 5.0 - grid.sign, y);
            }
        }
        // Where columns are narrower than a line of text, only some have names.
        let every =
            if grid.turn == Turn::Level { 1 } else { ((SIZE + 1.0) / grid.wide).ceil().max(1.0) as usize };
        for (c, key) in self.columns[..columns].iter().enumerate().step_by(every) {
            let x = grid.left + (c as f64 + 0.5) * grid.wide;
            let mut bottom = grid.top - 5.0;
            if coloured(key.paint) {
                draw(drawing, Sign::Square(key.paint), (x - 6.0).max(0.0), bottom - 6.0);
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
            let short = shorten(&key.label, grid.names[1]);
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
            drawing.width(),
            &self.columns_are,
        );
        if grid.above == 0.0 {
            let at = [grid.left - 8.0, grid.top - SIZE / 2.0 - 4.0];
            drawing.write("axis-title", at, Anchor::End, grid.names[0], &self.rows_are);
        }
    }

    fn draw_cells(&self, drawing: &mut Drawing<'_>, grid: &Grid) {
        let (rows, columns) = self.shown();
        // Texts in a few cells alone would look as if the others were empty.
        let fits = |briefly: &bool| self.text_width(self.written(*briefly)) <= grid.wide;
        let briefly = if grid.wide < NARROWEST { None } else { [false, true].into_iter().find(fits) };
        let dense = rows * columns > DENSE;
        let in_tip = |name: &str| shorten(name, if dense { 170.0 } else { 500.0 });
        let names: Vec<String> = self.columns[..columns].iter().map(|key| in_tip(&key.label)).collect();
        // Edges on whole pixels, so that neighbours meet.
        let edge = |from: f64, size: f64, i: usize| (from + i as f64 * size).round();
        let [left, right] = [0, columns].map(|c| edge(grid.left, grid.wide, c));
        let ends = |r: usize| (grid.line(r).round(), (grid.line(r) + grid.high).round());
        let mut frame = |(top, bottom): (f64, f64)| {
            drawing.put(rect(left, top, right - left, bottom - top).class("empty"))
        };
        match grid.above {
            0.0 => frame((ends(0).0, ends(rows.saturating_sub(1)).1)),
            _ => (0..rows).for_each(|r| frame(ends(r))),
        }
        for (r, key) in self.rows[..rows].iter().enumerate() {
            let (y, below) = ends(r);
            let name = in_tip(&key.label);
            let mut line = Element::new("g").class("mark");
            if let Some(segment) = key.paint.segment() {
                line = line.set("data-s", &segment.to_string());
            }
            for (c, column) in names.iter().enumerate() {
                let Some(value) = self.value(r, c) else { continue };
                let (x, next) = (edge(grid.left, grid.wide, c), edge(grid.left, grid.wide, c + 1));
                let d = format!("M{x} {y}h{}v{}h{}z", next - x, below - y, x - next);
                let class = self.shading.class(self.shading.shade(value));
                let class = format!("{} {class}", if dense { "flat" } else { "tile" });
                let tip = format!("{name} \u{d7} {column}\n{}", self.unit.format(value));
                line = line.child(Element::new("path").class(&class).set("d", &d).set("data-tip", &tip));
            }
            drawing.put(line);
        }
        let Some(briefly) = briefly else { return };
        for ((r, c, value), text) in self.cells().zip(self.written(briefly)) {
            if width(&text) * TEXT / SIZE + 2.0 <= grid.wide {
                let class = format!("cell-text {}", self.shading.class(self.shading.shade(value)));
                let across = edge(grid.left, grid.wide, c) + edge(grid.left, grid.wide, c + 1);
                let (top, bottom) = ends(r);
                let middle = [across / 2.0, (top + bottom) / 2.0];
                drawing.put(words(&class, middle, Anchor::Middle).text(&text));
            }
        }
    }

    /// Draws the steps of the scale with the values at their ends, and says what is left out. Returns where this ends.
    fn draw_scale(&self, drawing: &mut Drawing<'_>, grid: &Grid, top: f64) -> f64 {
        let step_wide = if drawing.narrow() { 15.0 } else { 24.0 };
        let limit = self.shading.limit();
        let low = if matches!(self.shading, Shading::Sequential(_)) { 0.0 } else { -limit };
        let ends = [low, limit].map(|end| self.unit.short(end));
        let wide = step_wide * STEPS as f64 + width(&ends[0]) + width(&ends[1]) + 16.0;
        let room = drawing.width();
        let mut x = grid.left.min(room - wide).max(0.0);
        let y = top + SIZE / 2.0;
        x += drawing.write("tick", [x, y], Anchor::Start, room, &ends[0]) + 6.0;
        for step in 0..STEPS {
            let share = step as f64 / (STEPS - 1) as f64;
            let shade = if low < 0.0 { 2.0 * share - 1.0 } else { share };
            let class = format!("tile {}", self.shading.class(shade));
            drawing.put(rect(x + step_wide * step as f64, y - 6.0, step_wide, 12.0).class(&class));
        }
        x += step_wide * STEPS as f64 + 6.0;
        drawing.write("tick", [x, y], Anchor::Start, room, &ends[1]);
        let mut end = top + SIZE + 6.0;
        let all = [(self.rows.len(), "lines"), (self.columns.len(), "columns")];
        for (count, what) in all.into_iter().filter(|(count, _)| *count > MOST) {
            let note = format!("the first {MOST} of {} {what}", whole(count as u64));
            drawing.write("note", [grid.left, end + SIZE / 2.0], Anchor::Start, room, &note);
            end += SIZE + 6.0;
        }
        end
    }
}

impl Chart for Heatmap {
    fn can_be_narrow(&self) -> bool {
        self.columns.len() <= NARROW_COLUMNS
    }

    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        if self.cells().next().is_none() {
            return drawing.nothing();
        }
        let grid = self.grid(&drawing);
        self.draw_names(&mut drawing, &grid);
        self.draw_cells(&mut drawing, &grid);
        let bottom = grid.line(self.shown().0) - grid.above;
        let end = self.draw_scale(&mut drawing, &grid, bottom + 12.0);
        drawing.finish(end)
    }

    fn table(&self) -> DataTable {
        let name = if self.rows_are.is_empty() { "line" } else { &self.rows_are };
        let mut columns = vec![(name.to_string(), false)];
        let title = |(i, key): (usize, &Key)| match key.label.as_str() {
            "" => (format!("column {}", i + 1), true),
            label => (label.to_string(), true),
        };
        columns.extend(self.columns.iter().enumerate().map(title));
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
