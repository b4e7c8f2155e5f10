//! `segmenta report`: makes the page of a run from its files.

use super::super::console::complain;
use super::super::files::{ChartsFolder, Pending, heal_before_reading};
use super::super::hints::read_model;
use super::analyse::wrote_charts;
use crate::app::cli;
use segmenta::Error;
use segmenta::report::json::Document;
use segmenta::report::page::{Page, REPORT};
use std::fs;

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
    let mut charts = ChartsFolder::open(args.charts.as_deref(), folder, args.force)?;
    charts.write(&page)?;
    let written = charts.written().map(|(folder, files)| wrote_charts(folder, files));
    Pending::keep_all(charts.take_files())?;
    charts.keep();
    page_file.keep()?;
    complain(&format!("wrote {}: open it in a browser", out.display()));
    written.iter().for_each(|said| complain(said));
    Ok(())
}
