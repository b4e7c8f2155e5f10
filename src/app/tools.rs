//! inspect, synth and doctor.

use super::console::{Console, count, result, stream, tell};
use super::document::Seconds;
use super::figures::{percent, whole};
use super::output::Pending;
use super::sheet::{Kind, Sheet};
use super::{input, set_up};
use crate::app::cli::{Doctor, Inspect, Made, Synth, SynthBlobs, Talk};
use segmenta::Error;
use segmenta::backend::Backend;
use segmenta::backend::cpu::InstructionSet;
use segmenta::table::KnownColumns;
use segmenta::table::write::{Cells, OutputFormat, write_csv, write_table};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `segmenta inspect`.
pub fn inspect(args: &Inspect) -> anyhow::Result<()> {
    let console = Console::new(&args.talk);
    let mut seconds = Seconds::default();
    let table = input::read(&args.input, KnownColumns::default(), &console, &mut seconds)?;
    table.notes.iter().for_each(|note| console.note(&format!("note: {note}")));
    let options = input::infer_options(&args.features, &table)?;
    let choices = segmenta::recipe::infer(&table, &options).map_err(|e| e.in_file(&table.source))?;
    if args.print_recipe {
        let read = input::read_options(&args.input, KnownColumns::default());
        return result(&segmenta::recipe::print(&args.input.input, &read, &options, &choices));
    }
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
        let found = json!({
            "version": env!("CARGO_PKG_VERSION"), "command": "inspect", "rows": table.rows, "columns": columns,
        });
        return result(&format!("{}\n", serde_json::to_string_pretty(&found)?));
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
    result(&out.to_text())?;
    let features: usize = choices.iter().map(|c| c.features).sum();
    let (rows, columns) = (count(table.rows, "row"), count(table.columns.len(), "column"));
    console.note(&format!("{rows}, {columns}, {}", count(features, "feature")));
    Ok(())
}

/// `segmenta synth`.
pub fn synth(args: &Synth) -> anyhow::Result<()> {
    match args {
        Synth::Learners(args) => synth_text("learners", args.rows, &args.made, &[".csv"], |out| {
            segmenta::synth::learners(args.rows, args.made.seed).write_csv(out)
        }),
        Synth::FirstDay(args) => synth_text("first-day", args.rows, &args.made, &[".csv"], |out| {
            segmenta::synth::first_day(args.rows, args.made.seed).write_csv(out)
        }),
        Synth::Survey(args) => synth_text("survey", args.rows, &args.made, &[".csv"], |out| {
            segmenta::synth::survey(args.rows, args.made.seed).write_csv(out)
        }),
        Synth::Enthusiasts(args) => {
            synth_text("enthusiasts", args.rows, &args.made, &[".tsv", ".csv"], |out| {
                let made = segmenta::synth::enthusiasts(args.rows, args.made.seed);
                let csv = plain_name(&args.made.out).ends_with(".csv");
                if csv { made.write_csv(out) } else { made.write_tsv(out) }
            })
        }
        Synth::Blobs(args) => synth_blobs(args),
    }
}

/// A table that only text can hold.
fn synth_text(
    table: &str,
    rows: usize,
    made: &Made,
    endings: &[&str],
    write: impl FnOnce(&mut &mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    check(rows, &made.out, endings, &[])?;
    stdout_is_free(&made.out, &made.talk)?;
    write_to(&made.out, made.force, |mut out| write(&mut out))?;
    let columns = match table {
        "learners" => segmenta::synth::learners(1, 0).table(),
        "first-day" => segmenta::synth::first_day(1, 0).table(),
        "survey" => segmenta::synth::survey(1, 0).table(),
        _ => segmenta::synth::enthusiasts(1, 0).table(),
    };
    told(table, &[&made.out], (rows, columns.columns.len(), made.seed), &made.talk)
}

/// Whether a document can be printed where a table may go.
fn stdout_is_free(out: &Path, talk: &Talk) -> Result<(), Error> {
    if talk.json && out.as_os_str() == "-" {
        return Err(Error::Usage(
            "--json and --out - both print on stdout; name a file for the table".into(),
        ));
    }
    Ok(())
}

/// What was made, as JSON where that was asked for.
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
    result(&format!("{}\n", serde_json::to_string_pretty(&found)?))
}

fn synth_blobs(args: &SynthBlobs) -> anyhow::Result<()> {
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
        return Err(Error::Usage(format!("--rows {rows}: from 1 to {}", u32::MAX / 2)));
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
        return Err(Error::Usage(format!("--out {}: expected {expected} or -", out.display())));
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

/// `segmenta doctor`.
pub fn doctor(args: &Doctor) -> anyhow::Result<()> {
    let cpu = set_up(&args.run)?;
    // Work that a CPU does not end soon, so that `auto` shows its real choice.
    let chosen = segmenta::backend::choose(args.run.device, cpu, f64::MAX);
    let sets: Vec<String> =
        InstructionSet::ALL.iter().filter(|s| s.available()).map(ToString::to_string).collect();
    let choice = chosen.as_ref().map(|c| (c.backend.describe(), c.reason.clone()));
    if args.run.talk.json {
        let device = choice
            .as_ref()
            .ok()
            .map(|(d, reason)| json!({ "backend": d.backend, "name": d.name, "reason": reason }));
        let found = json!({
            "version": env!("CARGO_PKG_VERSION"), "command": "doctor",
            "cpu": { "name": cpu.describe().name, "instruction_sets": sets },
            "adapters": adapters_json(), "device": device,
        });
        result(&format!("{}\n", serde_json::to_string_pretty(&found)?))?;
    } else {
        let mut text = format!("cpu     {} (this machine has {})\n", cpu.describe().name, sets.join(", "));
        text.push_str(&adapters_text());
        if let Ok((device, reason)) = &choice {
            text.push_str(&format!("chosen  {}: {} ({reason})\n", device.backend, device.name));
        }
        tell(&text)?;
    }
    match chosen {
        Ok(_) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

#[cfg(feature = "gpu")]
fn adapters_text() -> String {
    let adapters = segmenta::backend::gpu::adapters();
    if adapters.is_empty() {
        return "gpu     no adapter was found (Vulkan, Metal, Direct3D 12)\n".into();
    }
    let line = |(i, a): (usize, &segmenta::backend::gpu::Adapter)| {
        let kind = match (a.software, a.integrated) {
            (true, _) => "software driver, never taken by auto",
            (_, true) => "integrated",
            _ => "discrete",
        };
        format!(
            "gpu:{i}   {a}, {kind}\n        largest binding {} MiB, largest buffer {} MiB, workgroup memory {} KiB\n",
            a.max_binding >> 20,
            a.max_buffer >> 20,
            a.workgroup_memory >> 10
        )
    };
    adapters.iter().enumerate().map(line).collect()
}

#[cfg(feature = "gpu")]
fn adapters_json() -> serde_json::Value {
    let adapter = |a: &segmenta::backend::gpu::Adapter| {
        json!({
            "name": a.name, "driver": a.driver, "api": a.api, "software": a.software,
            "integrated": a.integrated, "max_binding": a.max_binding, "max_buffer": a.max_buffer,
            "workgroup_memory": a.workgroup_memory,
        })
    };
    segmenta::backend::gpu::adapters().iter().map(adapter).collect()
}

#[cfg(not(feature = "gpu"))]
fn adapters_text() -> String {
    "gpu     this program was built without GPU support\n".into()
}

#[cfg(not(feature = "gpu"))]
fn adapters_json() -> serde_json::Value {
    json!([])
}
