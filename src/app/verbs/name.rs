//! `segmenta name`: lists or names the segments of a saved model.

use super::super::console::{Console, result, tell};
use super::super::files::{Pending, heal_before_reading, lock_beside};
use super::super::hints::read_model;
use crate::app::cli::Name;
use segmenta::Error;
use segmenta::model::{Model, with_names};
use segmenta::report::figures::{percent, whole};
use segmenta::report::json::pretty;
use segmenta::report::sheet::{Kind, Sheet};
use serde::Serialize;
use std::fs;

/// The segments as they are named now.
#[derive(Serialize)]
struct Found {
    version: &'static str,
    command: &'static str,
    k: usize,
    segments: Vec<Segment>,
}

#[derive(Serialize)]
struct Segment {
    segment: u32,
    name: Option<String>,
    size: u64,
    share: f64,
}

/// `segmenta name`.
pub fn name(args: &Name) -> anyhow::Result<()> {
    let console = Console::new(&args.talk);
    let named = args.named().map_err(Error::Usage)?;
    heal_before_reading(&args.model)?;
    let mut model = read_model(&args.model, "name")?;
    if !named.is_empty() {
        // Where the name is a link, the file that it leads to.
        let failed = |source| Error::Read { path: args.model.clone(), source };
        let path = fs::canonicalize(&args.model).map_err(failed)?;
        // Between reading and writing nobody else may write.
        let _lock = lock_beside(&path)?;
        let text = fs::read_to_string(&path).map_err(failed)?;
        let in_file = |e: Error| e.in_file(&args.model.display().to_string());
        let renamed = with_names(&text, &named).map_err(in_file)?;
        model = Model::from_json(&renamed).map_err(in_file)?;
        if renamed != text {
            let mut file = Pending::open(&path, true)?;
            file.write(|out| out.write_all(renamed.as_bytes()))?;
            file.keep()?;
            console.note(&format!("wrote {}", args.model.display()));
        }
    }
    let found = Found::new(&model);
    for (segment, other) in found.same_names() {
        console.note(&format!("note: segments {segment} and {other} have the same name"));
    }
    if args.talk.json {
        return result(&pretty(&found));
    }
    tell(&found.to_text())
}

impl Found {
    fn new(model: &Model) -> Self {
        let mut segments: Vec<Segment> = model
            .segments()
            .map(|s| Segment {
                segment: s.number,
                name: s.name.clone(),
                size: s.size,
                share: s.size as f64 / model.rows as f64,
            })
            .collect();
        segments.sort_by_key(|s| s.segment);
        Found { version: env!("CARGO_PKG_VERSION"), command: "name", k: segments.len(), segments }
    }

    /// Segments that cannot be told apart by their names.
    fn same_names(&self) -> Vec<(u32, u32)> {
        let pair = |(i, s): (usize, &Segment)| {
            let earlier = self.segments[..i].iter().find(|e| e.name.is_some() && e.name == s.name)?;
            Some((earlier.segment, s.segment))
        };
        self.segments.iter().enumerate().filter_map(pair).collect()
    }

    fn to_text(&self) -> String {
        let mut sheet = Sheet::new(&[
            ("segment", Kind::Number),
            ("rows", Kind::Number),
            ("share", Kind::Number),
            ("name", Kind::Prose),
        ]);
        for s in &self.segments {
            let name = s.name.clone().unwrap_or_else(|| "-".into());
            sheet.row([s.segment.to_string(), whole(s.size), percent(s.share), name]);
        }
        sheet.to_text()
    }
}
