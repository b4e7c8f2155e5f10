//! Tables for people that fit into the width of the terminal. If the columns do not fit side by side, names are
//! shortened; columns that still do not fit go into a second block below, which repeats the first column.

use super::figures::plain;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::io::IsTerminal;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers: aligned right, never shortened.
    Number,
    /// Names and single words: aligned left, shortened in the middle.
    Name,
    /// Sentences: aligned left, broken at spaces.
    Prose,
}

impl Kind {
    /// The least width of such a column.
    fn least(self) -> usize {
        match self {
            Kind::Number => usize::MAX,
            Kind::Name => 12,
            Kind::Prose => 20,
        }
    }
}

/// The spaces around a column's text, one on each side.
const PADDING: usize = 2;

/// A table that is being put together.
pub struct Sheet {
    header: Vec<(String, Kind)>,
    rows: Vec<Vec<String>>,
    /// How many of the first columns each block repeats.
    keys: usize,
    /// Whether names are never shortened.
    whole_names: bool,
}

/// A column in a block: its number and its width.
type Place = (usize, usize);

impl Sheet {
    /// A table with these columns; the first one identifies the line.
    pub fn new(header: &[(&str, Kind)]) -> Self {
        let header = header.iter().map(|(name, kind)| (plain(name), *kind)).collect();
        Sheet { header, rows: Vec::new(), keys: 1, whole_names: false }
    }

    /// The same table, if it takes the first `keys` columns to identify a line.
    pub fn keyed_by(self, keys: usize) -> Self {
        Sheet { keys, ..self }
    }

    /// Adds a line.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }

    /// The table as text, at most as wide as the terminal that stdout goes to, if it does.
    pub fn to_text(&self) -> String {
        self.fit(stdout_width().unwrap_or(usize::MAX))
    }

    /// The same, but no wider than `most` columns even where there is no terminal. There, names are not shortened, and the
    /// columns that do not fit beside them go into another block.
    pub fn to_text_within(mut self, most: usize) -> String {
        let width = stdout_width();
        self.whole_names = width.is_none();
        self.fit(width.unwrap_or(usize::MAX).min(most))
    }

    fn fit(&self, width: usize) -> String {
        let blocks: Vec<String> = self.blocks(width).iter().map(|block| self.block(block)).collect();
        blocks.join("\n")
    }

    /// A column's width if there is enough room.
    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0).max(self.header[column].0.width())
    }

    /// The least width of a column.
    fn least(&self, column: usize) -> usize {
        let words = self.header[column].0.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0);
        let natural = self.natural(column);
        match self.header[column].1 {
            // The words of the header may be put below each other.
            Kind::Number => {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.width()).max().unwrap_or(0).max(words).max(1)
            }
            Kind::Name if self.whole_names => natural.max(1),
            kind => natural.min(kind.least().max(words)).max(1),
        }
    }

    /// Which columns are put side by side, and the width of each.
    fn blocks(&self, width: usize) -> Vec<Vec<Place>> {
        let natural: Vec<usize> = (0..self.header.len()).map(|c| self.natural(c)).collect();
        let needs = |columns: &[usize], of: &dyn Fn(usize) -> usize| -> usize {
            columns.iter().map(|&c| of(c) + PADDING).sum()
        };
        let all: Vec<usize> = (0..self.header.len()).collect();
        if needs(&all, &|c| natural[c]) <= width.saturating_add(1) {
            return vec![all.into_iter().map(|c| (c, natural[c])).collect()];
        }
        let (keys, others) = all.split_at(self.keys.min(all.len()));
        let mut blocks: Vec<Vec<usize>> = Vec::new();
        for &column in others {
            match blocks.last_mut() {
                // The last space of a line is cut off.
                Some(block)
                    if needs(block, &|c| self.least(c)) + self.least(column) + PADDING <= width + 1 =>
                {
                    block.push(column);
                }
                _ => blocks.push(keys.iter().copied().chain([column]).collect()),
            }
        }
        blocks
            .into_iter()
            .map(|block| {
                let mut places: Vec<Place> = block.iter().map(|&c| (c, self.least(c))).collect();
                let mut left = (width + 1).saturating_sub(needs(&block, &|c| self.least(c)));
                // The columns that miss most of their natural width get what is left.
                while left > 0 {
                    let lacks = |&(c, w): &Place| natural[c].saturating_sub(w);
                    let most = (0..places.len()).max_by_key(|&p| (lacks(&places[p]), places.len() - p));
                    match most.filter(|&p| lacks(&places[p]) > 0) {
                        Some(p) => places[p].1 += 1,
                        None => break,
                    }
                    left -= 1;
                }
                places
            })
            .collect()
    }

    fn block(&self, places: &[Place]) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(places.iter().map(|&(c, _)| self.header[c].0.clone()));
        for row in &self.rows {
            table.add_row(places.iter().map(|&(c, width)| {
                let cell = row.get(c).map_or("", String::as_str);
                if self.header[c].1 == Kind::Name { shortened(cell, width) } else { cell.to_string() }
            }));
        }
        for (column, &(c, width)) in table.column_iter_mut().zip(places) {
            let number = self.header[c].1 == Kind::Number;
            column.set_cell_alignment(if number { CellAlignment::Right } else { CellAlignment::Left });
            let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        // Without spaces at the end of lines.
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// Shortens a name to `width` columns of a terminal by leaving out its middle.
pub(super) fn shortened(name: &str, width: usize) -> String {
    if name.width() <= width || width == 0 {
        return name.to_string();
    }
    let (front, back) = ((width - 1).div_ceil(2), (width - 1) / 2);
    let take = |chars: &mut dyn Iterator<Item = char>, room: usize| -> Vec<char> {
        let mut used = 0;
        chars
            .take_while(|c| {
                used += c.width().unwrap_or(0);
                used <= room
            })
            .collect()
    };
    let front: String = take(&mut name.chars(), front).into_iter().collect();
    let back: String = take(&mut name.chars().rev(), back).into_iter().rev().collect();
    format!("{front}…{back}")
}

/// The width of the terminal that stdout goes to; `None` if it does not go to one.
pub fn stdout_width() -> Option<usize> {
    let stdout = std::io::stdout();
    width(stdout.is_terminal(), || terminal_size::terminal_size_of(&stdout))
}

/// The same for stderr.
pub fn stderr_width() -> Option<usize> {
    let stderr = std::io::stderr();
    width(stderr.is_terminal(), || terminal_size::terminal_size_of(&stderr))
}

type Size = Option<(terminal_size::Width, terminal_size::Height)>;

fn width(terminal: bool, size: impl FnOnce() -> Size) -> Option<usize> {
    let (width, _) = if terminal { size()? } else { return None };
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

/// Breaks lines that are longer than `width` at spaces; continuation lines are indented by two more spaces.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        if line.trim_end().width() <= width {
            out.push_str(line);
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let further = " ".repeat((indent + 2).min(width / 2));
        let mut used = indent;
        out.push_str(&line[..indent]);
        for (i, word) in line[indent..].trim_end().split(' ').enumerate() {
            let long = word.width();
            if i > 0 && used + 1 + long > width {
                out.push('\n');
                out.push_str(&further);
                used = further.len();
            } else if i > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += long;
        }
        if line.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}
