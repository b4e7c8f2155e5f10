//! `segmenta compare`: whether two labellings of the same rows agree, and who moved.

use super::super::console::{Console, result, tell};
use super::super::hints::expect_table;
use super::super::{memory_limit, set_threads};
use crate::app::cli::Compare;
use segmenta::analysis::compare_labels;
use segmenta::labels::{self, Labels, Options};
use segmenta::report::compare::{CompareFound, to_text};
use segmenta::report::json::pretty;
use segmenta::table::ReadOptions;
use std::path::Path;

/// `segmenta compare`.
pub fn compare(args: &Compare) -> anyhow::Result<()> {
    set_threads(args.threads)?;
    let console = Console::new(&args.talk);
    let read = |path: &Path, label: &Option<String>, id: &Option<String>, flag| -> anyhow::Result<Labels> {
        expect_table(path, None)?;
        let options = Options {
            label: label.clone(),
            id: id.clone().or_else(|| args.id.clone()),
            by_position: args.by_position,
            label_flag: flag,
            read: ReadOptions {
                delimiter: args.delimiter,
                no_header: args.no_header,
                max_memory: Some(memory_limit()),
                ..ReadOptions::default()
            },
        };
        Ok(console.during("load", || labels::read(path, &options))?)
    };
    let a = read(&args.a, &args.label_a, &args.id_a, "--label-a")?;
    let b = read(&args.b, &args.label_b, &args.id_b, "--label-b")?;
    let found = console.during("compare", || compare_labels(&a, &b, args.same))?;
    for note in &found.notes {
        console.note(&format!("note: {note}"));
    }
    if args.talk.json {
        return result(&pretty(&CompareFound::new(&found)));
    }
    tell(&to_text(&found))
}
