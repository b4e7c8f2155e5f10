//! `segmenta report`: makes the page of a run from its files.

use super::super::console::complain;
use super::super::files::{Pending, heal_before_reading};
use super::super::hints::read_model;
use crate::app::cli;
use segmenta::Error;
use segmenta::report::figures::count;
use segmenta::report::json::Document;
use segmenta::report::page::{Page, REPORT};
use std::fs;
use std::path::Path;

/// `segmenta report`.
pub fn report(args: &cli::Report) -> anyhow::Result<()> {
    let folder = &args.folder;
    if !folder.is_dir() {
        let what = format!("{} is not a folder; name the folder with the results of a run", folder.display());
        return Err(Error::Usage(what).into());
    }
    let (metrics, model) = (folder.join("metrics.json"), folder.join("model.json"));
    heal_before_reading(&model)?;
    for path in [&metrics, &model] {
        if !path.is_file() {
            let what = format!(
                "{} is not there; segmenta report needs the metrics.json and the model.json of a run",
                path.display()
            );
            return Err(Error::Usage(what).into());
        }
    }
    let out = args.out.clone().unwrap_or_else(|| folder.join(REPORT));
    // The page beside the results can be made again at any time, so it is replaced.
    let mut page_file = Pending::open(&out, args.force || args.out.is_none())?;
    let text =
        fs::read_to_string(&metrics).map_err(|source| Error::Read { path: metrics.clone(), source })?;
    let document = Document::from_json(&text).map_err(|e| e.in_file(&metrics.display().to_string()))?;
    let read = read_model(&model, "report")?;
    if document.run != read.run {
        let what = format!(
            "{} and {} come from different runs; run the analysis again to have both from one",
            metrics.display(),
            model.display()
        );
        return Err(Error::data(what).into());
    }
    let page = Page::new(document, &read);
    let html = page.html()?;
    page_file.write(|out| out.write_all(html.as_bytes()))?;
    let mut beside = 0;
    if let Some(charts) = &args.charts {
        let files = charts_into(&page, charts, args.force)?;
        beside = files.len();
        Pending::keep_all(files)?;
    }
    page_file.keep()?;
    complain(&format!("wrote {}: open it in a browser", out.display()));
    if let Some(charts) = &args.charts {
        complain(&format!("wrote {} into {}", count(beside, "chart and table"), charts.display()));
    }
    Ok(())
}

/// Writes the charts and tables of a page into a folder, which is created if necessary.
fn charts_into(page: &Page, folder: &Path, force: bool) -> anyhow::Result<Vec<Pending>> {
    let failed = |source| Error::Write { path: folder.to_path_buf(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut files = Vec::new();
    for (name, contents) in page.charts()? {
        let mut file = Pending::open(&folder.join(name), force)?;
        file.write(|out| out.write_all(&contents))?;
        files.push(file);
    }
    Ok(files)
}
