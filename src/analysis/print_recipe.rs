//! Prints the recipe that does the same as a fit without a recipe, for the user to edit.

use std::fmt::Write as _;
use std::path::Path;

use super::spec::{DEFAULT_FOLDER, DEFAULT_KS, Spec, word_of};
use crate::cluster::Params;
use crate::recipe::{ColumnChoice, InferOptions, Missing, Scale};
use crate::table::{Format, ReadOptions};

/// Writes the recipe that makes the features in `choices` from the table at `path`.
pub fn print_recipe(
    path: &Path,
    read: &ReadOptions,
    options: &InferOptions,
    choices: &[ColumnChoice],
) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, path, read, options, choices);
    text
}

fn write(
    out: &mut String,
    path: &Path,
    read: &ReadOptions,
    options: &InferOptions,
    choices: &[ColumnChoice],
) -> std::fmt::Result {
    writeln!(out, "# From a table to segments. RECIPES.md explains every key.\n\n[input]")?;
    writeln!(out, "path = {}", quoted(&path.to_string_lossy()))?;
    if let Some((word, _)) = Format::WORDS.iter().find(|(_, f)| Some(*f) == read.format) {
        writeln!(out, "format = {}", quoted(word))?;
    }
    if let Some(delimiter) = read.delimiter {
        writeln!(out, "delimiter = {}", quoted(&char::from(delimiter).to_string()))?;
    }
    if !read.null.is_empty() {
        let null: Vec<String> = read.null.iter().map(|n| quoted(n)).collect();
        writeln!(out, "null = [{}]", null.join(", "))?;
    }
    if !read.keep_null.is_empty() {
        let keep: Vec<String> = read.keep_null.iter().map(|n| quoted(n)).collect();
        writeln!(out, "keep_null = [{}]", keep.join(", "))?;
    }
    if let Some(decimal) = read.decimal {
        writeln!(out, "decimal = \"{decimal}\"")?;
    }
    if let Some(lines) = read.skip_lines {
        writeln!(out, "skip_lines = {lines}")?;
    }
    if read.no_header {
        writeln!(out, "header = false")?;
    }
    if let Some(id) = &read.id {
        writeln!(out, "id = {}", quoted(id))?;
    }
    if let Some(weight) = &options.weight {
        writeln!(out, "weight = {}", quoted(weight))?;
    }
    writeln!(
        out,
        "\n# Columns can be computed from others before they become features, for example:\n#\n\
         # [[column]]\n# name = \"log_pay\"\n# from = \"pay\"\n# steps = [{{ clip = {{ min = 0 }} }}, \"log1p\"]\n\n\
         [features]\ncolumns = ["
    )?;
    for choice in choices.iter().filter(|c| c.features > 0) {
        writeln!(out, "    {}, # {}", quoted(&choice.column), comment(&choice.reason))?;
    }
    writeln!(out, "]")?;
    for choice in choices.iter().filter(|c| c.features == 0) {
        writeln!(out, "# left out: {} ({})", comment(&choice.column), comment(&choice.reason))?;
    }
    let missing = word_of(&Missing::WORDS, &options.missing);
    let scale = word_of(&Scale::WORDS, &options.scale);
    writeln!(
        out,
        "# how to scale numbers: \"standard\", \"robust\", \"minmax\" or \"none\"\nscale = \"{scale}\"\n\
         # missing values: \"impute\", \"drop\" (leave the row out) or \"error\"\nmissing = \"{missing}\"\n\
         # text columns with more distinct values do not become features\nmax_categories = {}\n",
        options.max_categories
    )?;
    let (kmeans, Spec { seed, choose_k, .. }) = (Params::default(), Spec::default());
    let (low, high) = (DEFAULT_KS.start(), DEFAULT_KS.end());
    write!(
        out,
        "[analysis]\n# k = 6             # without k, a sweep of {low}..{high} chooses one, at least min_k\n\
         # sweep = \"{low}..{high}\"\n# tendency = true  # Hopkins' statistic\nmin_k = {}\nn_init = \"auto\"    # restarts: 10, and 10 more until three agree\nmax_iter = {}\n\
         tol = {:e}\nseed = {seed}\n\n[output]\nfolder = \"{DEFAULT_FOLDER}\"\n",
        choose_k.min_k, kmeans.max_iter, kmeans.tol
    )
}

/// A text in TOML's quotes, which are JSON's, except that TOML escapes one more character.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default().replace('\u{7f}', "\\u007f")
}

/// A text that is safe in a comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
