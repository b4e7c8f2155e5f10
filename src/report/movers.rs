//! Writes the file of movers: the rows that are no longer where they were, that came and that left.

use crate::analysis::{Followed, Seen, State};
use crate::table::write::{Cells, write_csv};
use std::borrow::Cow;
use std::io::Write;

/// The name of the file.
pub const MOVERS: &str = "movers.csv";

/// The columns after the id.
const COLUMNS: [&str; 5] = ["status", "from", "from_name", "to", "to_name"];

/// A line of the file.
struct Line<'a> {
    id: &'a str,
    from: Option<State>,
    to: Option<State>,
}

/// Writes a line for each row that moved or came, in the order of the table, and then for each that left: its id, its
/// status (`moved`, `came` or `left`), and where it was and is: a segment's number and name, or `outlier` or `excluded`
/// without a name. `ids` are the table's ids, `now` says where its rows are, and `names` are the names of the segments.
///
/// # Errors
/// Whatever `out` reports.
pub fn write(
    followed: &Followed,
    ids: &[String],
    now: &[State],
    names: &[Option<String>],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let rows = followed.rows.iter().zip(now).zip(ids).filter_map(|((seen, &to), id)| match seen {
        Seen::Came => Some(Line { id, from: None, to: Some(to) }),
        Seen::Was(from) if *from != to => Some(Line { id, from: Some(*from), to: Some(to) }),
        Seen::Was(_) | Seen::Unclear => None,
    });
    let left = followed.left.iter().map(|(id, from)| Line { id, from: Some(*from), to: None });
    let lines: Vec<Line<'_>> = rows.chain(left).collect();
    let lines = &lines;
    let status = |line: &Line<'_>| match (line.from, line.to) {
        (None, _) => "came",
        (_, None) => "left",
        _ => "moved",
    };
    let called = |state: Option<State>, names: &'_ [Option<String>]| -> Option<String> {
        names.get(state?.segment()? as usize)?.clone()
    };
    let place = |state: Option<State>| Some(Cow::Owned(state?.to_string()));
    let cells = [
        Cells::Text(Box::new(move |i| Some(Cow::from(lines[i].id.trim())))),
        Cells::Text(Box::new(move |i| Some(Cow::from(status(&lines[i]))))),
        Cells::Text(Box::new(move |i| place(lines[i].from))),
        Cells::Text(Box::new(move |i| called(lines[i].from, &followed.names).map(Cow::from))),
        Cells::Text(Box::new(move |i| place(lines[i].to))),
        Cells::Text(Box::new(move |i| called(lines[i].to, names).map(Cow::from))),
    ];
    let clashes = COLUMNS.iter().any(|own| own.eq_ignore_ascii_case(&followed.id));
    let id = if clashes { format!("id_{}", followed.id) } else { followed.id.clone() };
    let header: Vec<&str> = std::iter::once(id.as_str()).chain(COLUMNS).collect();
    write_csv(lines.len(), &header, &cells, out)
}
