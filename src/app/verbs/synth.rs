//! `segmenta synth`: seeded tables for trials and benchmarks.

use super::super::console::{result, stream};
use super::super::files::Pending;
use crate::app::cli::{ExampleFlags, SynthBlobs, SynthVerb, Talk};
use segmenta::Error;
use segmenta::analysis::word_of;
use segmenta::report::json::pretty;
use segmenta::synth::Example;
use segmenta::table::write::{Cells, OutputFormat, write_csv, write_table};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `segmenta synth`.
pub fn synth(args: &SynthVerb) -> anyhow::Result<()> {
    use segmenta::synth::{enthusiasts, first_day, learners, survey};
    let seeded =
        |args: &ExampleFlags, example: Example| (args.rows.unwrap_or(example.rows()), args.made.seed);
    match args {
        SynthVerb::Learners(args) => {
            let (rows, seed) = seeded(args, Example::Learners);
            example(Example::Learners, args, &[".csv"], |out| learners(rows, seed).write_csv(out))
        }
        SynthVerb::FirstDay(args) => {
            let (rows, seed) = seeded(args, Example::FirstDay);
            example(Example::FirstDay, args, &[".csv"], |out| first_day(rows, seed).write_csv(out))
        }
        SynthVerb::Survey(args) => {
            let (rows, seed) = seeded(&args.example, Example::Survey);
            let made = || if args.truth { survey(rows, seed).with_truth() } else { survey(rows, seed) };
            let more = if args.truth { 2 } else { 0 };
            example_with(Example::Survey, &args.example, (&[".csv"], more), |out| made().write_csv(out))
        }
        SynthVerb::Enthusiasts(args) => {
            let (rows, seed) = seeded(args, Example::Enthusiasts);
            let csv = plain_name(&args.made.out).ends_with(".csv");
            example(Example::Enthusiasts, args, &[".tsv", ".csv"], |out| {
                let made = enthusiasts(rows, seed);
                if csv { made.write_csv(out) } else { made.write_tsv(out) }
            })
        }
        SynthVerb::Blobs(args) => blobs(args),
    }
}

/// An example table, which only text can hold.
fn example(
    example: Example,
    args: &ExampleFlags,
    endings: &[&str],
    write: impl FnOnce(&mut &mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    example_with(example, args, (endings, 0), write)
}

/// The same with `more` columns than the table has by default.
fn example_with(
    example: Example,
    args: &ExampleFlags,
    (endings, more): (&[&str], usize),
    write: impl FnOnce(&mut &mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let (made, rows) = (&args.made, args.rows.unwrap_or(example.rows()));
    check(rows, &made.out, endings, &[])?;
    stdout_is_free(&made.out, &made.talk)?;
    write_to(&made.out, made.force, |mut out| write(&mut out))?;
    let columns = example.table(1, 0).columns.len() + more;
    told(word_of(Example::WORDS, &example), &[&made.out], (rows, columns, made.seed), &made.talk)
}

/// Checks that the JSON document and the table do not both go to stdout.
fn stdout_is_free(out: &Path, talk: &Talk) -> Result<(), Error> {
    if talk.json && out.as_os_str() == "-" {
        return Err(Error::Usage(
            "--json and --out - would both print to stdout; write the table to a file instead".into(),
        ));
    }
    Ok(())
}

/// Prints what was made as JSON, if the user asked for that.
fn told(
    table: &str,
    files: &[&Path],
    (rows, columns, seed): (usize, usize, u64),
    talk: &Talk,
) -> anyhow::Result<()> {
    if !talk.json {
        return Ok(());
    }
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let found = json!({
        "version": env!("CARGO_PKG_VERSION"), "command": "synth", "table": table, "files": files, "rows": rows,
        "columns": columns, "seed": seed,
    });
    result(&pretty(&found))
}

fn blobs(args: &SynthBlobs) -> anyhow::Result<()> {
    check(args.rows, &args.out, &[".csv"], &[".npy"])?;
    stdout_is_free(&args.out, &args.talk)?;
    let size = |columns: usize| (args.rows, columns, args.seed);
    let blobs = segmenta::synth::blobs(args.rows, args.features as usize, args.centers as usize, args.seed);
    let mut columns: Vec<Cells<'_>> =
        blobs.columns.iter().map(|values| Cells::F32(Box::new(|i| Some(values[i])))).collect();
    let label = Cells::F32(Box::new(|i| Some(blobs.labels[i] as f32)));
    if is_npy(&args.out) {
        let labels = labels_beside(&args.out);
        let (mut values, mut names) =
            (Pending::open(&args.out, args.force)?, Pending::open(&labels, args.force)?);
        values.write(|out| write_table(OutputFormat::Npy, args.rows, &[], &columns, out))?;
        names.write(|out| write_table(OutputFormat::Npy, args.rows, &[], &[label], out))?;
        Pending::keep_all(vec![values, names])?;
        return told("blobs", &[&args.out, &labels], size(args.features as usize), &args.talk);
    }
    let names: Vec<String> = (0..args.features).map(|j| format!("f{j}")).chain(["label".into()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    columns.push(label);
    write_to(&args.out, args.force, |out| write_csv(args.rows, &names, &columns, out))?;
    told("blobs", &[&args.out], size(names.len()), &args.talk)
}

/// Refuses too many rows, and a file whose name ends in none of `texts` (each also with `.gz`) and `others`.
fn check(rows: usize, out: &Path, texts: &[&str], others: &[&str]) -> Result<(), Error> {
    if rows == 0 || rows > u32::MAX as usize / 2 {
        return Err(Error::Usage(format!("--rows {rows}: expected a number from 1 to {}", u32::MAX / 2)));
    }
    let (name, plain) = (out.to_string_lossy().to_lowercase(), plain_name(out));
    let fits = texts.iter().any(|e| plain.ends_with(e)) || others.iter().any(|e| name.ends_with(e));
    if name != "-" && !fits {
        let zipped = texts.iter().map(|e| format!("{e}.gz"));
        let expected: Vec<String> = texts
            .iter()
            .map(|e| e.to_string())
            .chain(zipped)
            .chain(others.iter().map(|e| e.to_string()))
            .collect();
        let expected = expected.join(", ");
        return Err(Error::Usage(format!(
            "--out {}: expected a name that ends in {expected}, or - for stdout",
            out.display()
        )));
    }
    Ok(())
}

/// A file's name in lower case, without `.gz`.
fn plain_name(path: &Path) -> String {
    let name = path.to_string_lossy().to_lowercase();
    name.strip_suffix(".gz").map(String::from).unwrap_or(name)
}

fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))
}

/// `x.npy` to `x-labels.npy`.
fn labels_beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-labels.npy"))
}

/// Writes a file whole, gzipped where its name says so, or to stdout.
fn write_to(
    path: &Path,
    force: bool,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    if path.as_os_str() == "-" {
        return stream(write);
    }
    let mut file = Pending::open(path, force)?;
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
        file.write(|out| {
            let mut zip = flate2::write::GzEncoder::new(out, flate2::Compression::default());
            write(&mut zip)?;
            zip.finish().map(drop)
        })?;
    } else {
        file.write(|out| write(out))?;
    }
    Ok(file.keep()?)
}
