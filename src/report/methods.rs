//! Writes the file of segments by several clustering methods.

use crate::analysis::MethodsCompared;
use crate::table::write::{Cells, write_csv};
use std::borrow::Cow;
use std::io::Write;

/// The name of the file.
pub const METHODS: &str = "methods.csv";

/// Writes a line for each row of the table: its id (or row number), and for each method the number of its segment, which is -1
/// for a row that belongs to none and empty for a row that took no part.
///
/// # Errors
/// Whatever `out` reports.
pub fn write(
    compared: &MethodsCompared,
    ids: Option<&(String, Vec<String>)>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let methods = &compared.methods;
    let rows = methods.iter().map(|method| method.rows.len()).max().unwrap_or(0);
    let id = move |i: usize| match ids {
        Some((_, cells)) => Cow::from(cells[i].as_str()),
        None => Cow::from((i + 1).to_string()),
    };
    let name = ids.map_or("row", |(name, _)| name.as_str());
    let clashes = methods.iter().any(|method| method.name.eq_ignore_ascii_case(name));
    let name = if clashes { format!("id_{name}") } else { name.to_string() };
    let header: Vec<&str> =
        std::iter::once(name.as_str()).chain(methods.iter().map(|method| method.name.as_str())).collect();
    let segments = methods.iter().map(|method| {
        let rows = &method.rows;
        Cells::I32(Box::new(move |i| rows.get(i).copied().flatten()))
    });
    let cells: Vec<Cells<'_>> =
        std::iter::once(Cells::Text(Box::new(move |i| Some(id(i))))).chain(segments).collect();
    write_csv(rows, &header, &cells, out)
}
