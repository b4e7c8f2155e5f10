//! The flags of `segmenta compare`.

use super::{Talk, one_of};
use clap::Args;
use segmenta::analysis::Same;
use segmenta::analysis::parse_delimiter;
use std::path::PathBuf;

const AFTER_COMPARE: &str = "\
Each file is a table with one row per user and a column of segments: assignments
that segmenta wrote, what scikit-learn predicted, a tier from the CRM. The segments
are in the column called segment, or in the only column besides the ids, or in the
one that --label-a and --label-b name; they may be numbers or texts. Rows without a
value, and rows whose segment is -1, are in no segment and count in no score.

If both files have ids, rows are matched by them: the first column, unless it is
called row or holds the segments, or the one that --id names. Then it is also told
who stayed, who moved from where to where, who came and who left. Files without ids
must have the same rows in the same order.

Scores: ARI, AMI, NMI, homogeneity, completeness and V-measure as scikit-learn
defines them, from exact counts over all rows. Two files that name or number their
segments differently can still agree perfectly. Which segment of B corresponds to
which of A is found by the Hungarian method: corresponding segments share as many
rows as possible.

Examples:
  segmenta compare june/assignments.csv july/assignments.csv
  segmenta compare assignments.csv crm.parquet --label-b tier --id user_id
  segmenta compare kmeans.npy ward.npy
  segmenta compare a.csv b.csv --same overlap --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_COMPARE)]
pub struct Compare {
    /// The first file, by convention the earlier or the true one: .csv, .tsv, .csv.gz, .npy, .parquet, .arrow, .feather
    pub a: PathBuf,
    /// The second file
    pub b: PathBuf,
    /// The column of segments in A [default: segment, or the only column besides the ids]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    pub label_a: Option<String>,
    /// The column of segments in B [default: as for A]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    pub label_b: Option<String>,
    /// The id column in both files [default: the first column, unless it is called row or holds the segments]
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["id_a", "id_b"], help_heading = "Input")]
    pub id: Option<String>,
    /// The id column in A
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    pub id_a: Option<String>,
    /// The id column in B
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    pub id_b: Option<String>,
    /// Match rows by their position, even if the files have ids
    #[arg(long, conflicts_with_all = ["id", "id_a", "id_b"], help_heading = "Input")]
    pub by_position: bool,
    /// The character that separates the fields of both files, or the word tab [default: detected]
    #[arg(long, value_parser = parse_delimiter, help_heading = "Input")]
    pub delimiter: Option<u8>,
    /// The text files have no header; call their columns f0, f1 and so on
    #[arg(long, help_heading = "Input")]
    pub no_header: bool,
    /// When a row counts as stayed: label (its segment has the same label in both files), overlap (its segment in B
    /// corresponds to that in A), or auto (label if both files have the same labels, else overlap)
    #[arg(long, value_parser = one_of(Same::WORDS), default_value = "auto", value_name = "HOW")]
    pub same: Same,
    /// How many CPU threads to use [default: all]
    #[arg(long, env = "SEGMENTA_THREADS", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Running")]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub talk: Talk,
}
