//! `segmenta inspect`: shows which columns would become features, and why.

use super::super::console::{Console, count, result};
use super::super::hints::expect_table;
use super::super::memory_limit;
use crate::app::cli::Inspect;
use segmenta::analysis::{print_recipe, read_table};
use segmenta::describe::{Options, Room, describe};
use segmenta::report::figures::{percent, whole};
use segmenta::report::json::pretty;
use segmenta::report::sheet::{Kind, Sheet};
use serde_json::json;

/// `segmenta inspect`.
pub fn inspect(args: &Inspect) -> anyhow::Result<()> {
    let console = Console::new(&args.talk);
    args.input.check()?;
    expect_table(&args.input.input, args.input.format)?;
    let table = read_table(&args.input.input, args.input.read_options(), memory_limit(), &console)?;
    table.notes.iter().for_each(|note| console.note(&format!("note: {note}")));
    let options = args.features.options(&table)?;
    let choices = segmenta::recipe::infer(&table, &options).map_err(|e| e.in_file(&table.source))?;
    if args.print_recipe {
        let read = args.input.read_options();
        return result(&print_recipe(&args.input.input, &read, &options, &choices));
    }
    let described = args.full.then(|| {
        let room = Room::Bytes(memory_limit().saturating_sub(table.bytes()));
        describe(&table, &Options::default(), room)
    });
    let described = described.transpose().map_err(|e| e.in_file(&table.source))?;
    if args.talk.json {
        let columns: Vec<_> = choices
            .iter()
            .map(|c| {
                json!({
                    "column": c.column, "type": c.kind, "missing": c.missing, "distinct": c.distinct,
                    "features": c.features, "reason": c.reason,
                })
            })
            .collect();
        let mut found = json!({
            "version": env!("CARGO_PKG_VERSION"), "command": "inspect", "rows": table.rows, "columns": columns,
        });
        if let (Some(described), Some(found)) = (&described, found.as_object_mut())
            && let Ok(serde_json::Value::Object(described)) = serde_json::to_value(described)
        {
            found.extend(described);
        }
        return result(&pretty(&found));
    }
    let mut out = Sheet::new(&[
        ("column", Kind::Name),
        ("type", Kind::Name),
        ("missing", Kind::Number),
        ("distinct", Kind::Number),
        ("features", Kind::Number),
        ("why", Kind::Prose),
    ]);
    for c in &choices {
        out.row([
            c.column.clone(),
            c.kind.to_string(),
            if c.missing == 0 { "-".into() } else { percent(c.missing as f64 / table.rows as f64) },
            c.distinct.map_or_else(|| "-".into(), |d| whole(d as u64)),
            if c.features == 0 { "-".into() } else { c.features.to_string() },
            c.reason.clone(),
        ]);
    }
    let mut shown = out.to_text();
    if let Some(described) = &described {
        shown.push_str(&format!("\n{}", segmenta::report::describe::text(described)));
    }
    result(&shown)?;
    let features: usize = choices.iter().map(|c| c.features).sum();
    let (rows, columns) = (count(table.rows, "row"), count(table.columns.len(), "column"));
    console.note(&format!("{rows}, {columns}, {}", count(features, "feature")));
    Ok(())
}
