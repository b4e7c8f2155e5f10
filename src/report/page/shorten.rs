//! Keeps a page small enough for an e-mail: the larger it would be, the more of what few people look at is left out. Files of
//! charts and tables are always complete.

use super::content::{Block, Figure, Section};

/// A page has so many bytes at most.
pub const MOST_BYTES: usize = 1_500_000;

/// How much can be left out, from little to much.
pub(super) const LEVELS: std::ops::RangeInclusive<u8> = 1..=5;

/// A table behind a chart with more cells than this is left out first.
const CELLS: usize = 150;
/// So many charts in a row are kept.
const CHARTS: usize = 4;
/// So many rows of a table are kept.
const ROWS: usize = 25;
/// So many characters of a code block are kept.
const CODE: usize = 20_000;

/// The sections without what a level leaves out. The last section says what this is.
pub(super) fn shortened(sections: &[Section], level: u8) -> Vec<Section> {
    let mut sections: Vec<Section> = sections.to_vec();
    let mut left = Left::default();
    for section in &mut sections {
        blocks(&mut section.blocks, level, false, &mut left);
    }
    if let (Some(last), Some(note)) = (sections.last_mut(), left.note()) {
        last.blocks.insert(0, Block::Note(note));
    }
    sections
}

/// How much was left out.
#[derive(Default)]
struct Left {
    behind: usize,
    charts: usize,
    rows: usize,
    code: bool,
}

impl Left {
    fn note(&self) -> Option<String> {
        let mut what = Vec::new();
        let counted = |n: usize, one: &str, several: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {several}")),
        };
        what.extend(counted(self.behind, "table behind a chart", "tables behind charts"));
        what.extend(counted(self.charts, "chart", "charts"));
        what.extend(counted(self.rows, "row of a table", "rows of tables"));
        what.extend(self.code.then(|| "the end of the recipe".to_string()));
        (!what.is_empty()).then(|| {
            format!(
                "So that this page stays below {:.1} MB, it does not have {}. segmenta report with --charts writes all charts and \
                 tables.",
                MOST_BYTES as f64 / 1e6,
                what.join(", ")
            )
        })
    }
}

fn blocks(all: &mut Vec<Block>, level: u8, folded: bool, left: &mut Left) {
    let mut charts = 0;
    all.retain_mut(|block| {
        let shown = if folded && level >= 2 { 0 } else { CHARTS };
        match block {
            Block::Chart(figure) => {
                behind(figure, left);
                charts += 1;
                let keep = (level < 2 || !folded) && (level < 3 || charts <= shown) && level < 5;
                left.charts += usize::from(!keep);
                keep
            }
            Block::Charts(figures) => {
                figures.iter_mut().for_each(|figure| behind(figure, left));
                let keep = match level {
                    ..2 => figures.len(),
                    2 if !folded => figures.len(),
                    5.. => 0,
                    _ => shown,
                };
                left.charts += figures.len().saturating_sub(keep);
                figures.truncate(keep);
                !figures.is_empty()
            }
            Block::Table(table) if level >= 4 => {
                left.rows += table.data.rows.len().saturating_sub(ROWS);
                table.data.rows.truncate(ROWS);
                true
            }
            Block::Details(_, inside) => {
                blocks(inside, level, true, left);
                !inside.is_empty()
            }
            Block::Code(text) if level >= 4 && text.len() > CODE => {
                let end = (0..=CODE).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
                text.truncate(end);
                left.code = true;
                true
            }
            _ => true,
        }
    });
}

fn behind(figure: &mut Figure, left: &mut Left) {
    if figure.table.rows.iter().map(Vec::len).sum::<usize>() > CELLS {
        figure.table.rows.clear();
        left.behind += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{DataTable, Datum};

    fn figure(rows: usize) -> Figure {
        let row = vec![Datum::text("a"), Datum::text("b")];
        let table =
            DataTable { columns: vec![("x".into(), false), ("y".into(), false)], rows: vec![row; rows] };
        Figure {
            id: "f".into(),
            title: "F".into(),
            note: None,
            svg: "<svg/>".into(),
            narrow: Default::default(),
            table,
        }
    }

    fn section(blocks: Vec<Block>) -> Section {
        Section { id: "s".into(), title: "S".into(), lead: None, paint: None, blocks }
    }

    #[test]
    fn each_level_leaves_out_more_and_says_so() {
        let folded = Block::Details("more".into(), vec![Block::Chart(figure(3)), Block::Text("kept".into())]);
        let many = Block::Charts((0..9).map(|_| figure(3)).collect());
        let all = [section(vec![Block::Chart(figure(200)), folded, many]), section(vec![])];
        let charts = |sections: &[Section]| {
            fn count(blocks: &[Block]) -> usize {
                let one = |block: &Block| match block {
                    Block::Chart(_) => 1,
                    Block::Charts(figures) => figures.len(),
                    Block::Details(_, inside) => count(inside),
                    _ => 0,
                };
                blocks.iter().map(one).sum()
            }
            sections.iter().map(|section| count(&section.blocks)).sum::<usize>()
        };
        let of = |level: u8| charts(&shortened(&all, level));
        assert_eq!(LEVELS.map(of).collect::<Vec<_>>(), [11, 10, 5, 5, 0]);
        let first = shortened(&all, 1);
        assert!(matches!(&first[0].blocks[0], Block::Chart(figure) if figure.table.rows.is_empty()));
        let says = |sections: &[Section], what: &str| matches!(&sections[1].blocks[..], [Block::Note(text)] if text.contains(what));
        assert!(says(&first, "1 table behind a chart"));
        assert!(says(&shortened(&all, 3), "6 charts"));
        let small = [section(vec![Block::Chart(figure(3))])];
        assert_eq!(shortened(&small, 1), small, "nothing to leave out, nothing to say");
    }
}
