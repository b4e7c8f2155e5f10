//! The flags of `segmenta report`.

use clap::Args;
use std::path::PathBuf;

const AFTER: &str = "\
The page is made from metrics.json and model.json of the folder alone; the table
is not read again. It needs no other file and no network, so it can be sent by
e-mail. It names nobody: ids, addresses, lists of single rows, and values that
fewer than five rows have are left out. The section [report] of a recipe changes
that, and sets the title.

Examples:
  segmenta report segmenta-out                      write segmenta-out/report.html
  segmenta report segmenta-out --charts slides      also each chart as SVG and each table as CSV
  segmenta report june --out june.html --force      write the page elsewhere, over an older one";

/// Whether a run ends in a page, and where its charts go.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportFlags {
    /// Also write each chart of the report as an SVG file and each table as a CSV file into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub charts: Option<PathBuf>,
    /// Do not write report.html, the page for people to read; `segmenta report` can write it later
    #[arg(long, help_heading = "Output")]
    pub no_report: bool,
}

/// `segmenta report`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Report {
    /// A folder with the results of `segmenta run`, `fit` or `demo`
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Where the page goes [default: report.html in that folder]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Also write each chart as an SVG file and each table as a CSV file into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub charts: Option<PathBuf>,
    /// Replace files that already exist; the report.html beside the results is always replaced
    #[arg(long, help_heading = "Output")]
    pub force: bool,
}
