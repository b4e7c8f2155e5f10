//! The program as its users run it: what it prints, what it leaves behind, how it ends.

mod bad_input;
mod bench;
#[cfg(feature = "parquet")]
mod columnar;
mod compare;
mod dbscan;
mod drift;
mod files;
mod folders;
mod linkage;
mod memory;
mod names;
mod people;
mod personas;
mod profile;
mod recipes;
mod reduce;
mod repeat;
mod report;
mod singled_out;
mod stability;
mod streams;
mod terminal;
mod verbs;
mod weights;

use assert_cmd::Command;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command as StdCommand, Output};
use tempfile::TempDir;

/// Variables that would change what a run does.
pub const OURS: [&str; 6] = [
    "SEGMENTA_DEVICE",
    "SEGMENTA_THREADS",
    "SEGMENTA_SEED",
    "SEGMENTA_SIMD",
    "SEGMENTA_MAX_MEMORY",
    "SEGMENTA_MAX_GPU_MEM",
];

/// Where the program keeps compiled pipelines in tests: not in the user's own folder.
pub const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// A recipe of this repository for a made table of so many rows. A build without Parquet writes CSV instead.
pub fn recipe(name: &str, rows: usize) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let (head, tail) = text.split_once("synth = ").expect("a made table");
    let text = format!("{head}rows = {rows}\nsynth = {tail}");
    match cfg!(feature = "parquet") {
        true => text,
        false => text.replace("[\"answers.parquet\", \"answers.feather\"]", "[\"answers.csv\"]"),
    }
}

/// A fresh folder, in which the program runs.
pub struct Desk {
    dir: TempDir,
    wrong: RefCell<Vec<String>>,
}

impl Drop for Desk {
    /// A table of cases shows every row that failed, not the first alone.
    fn drop(&mut self) {
        let wrong = self.wrong.take();
        assert!(wrong.is_empty() || std::thread::panicking(), "\n{}", wrong.join("\n"));
    }
}

/// How a run ended and what it printed.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let said = Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!said.err.contains("panicked"), "{}", said.err);
        said
    }
}

impl Said {
    /// Went well, and said nothing on stderr.
    pub fn quietly(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// Exactly one JSON document, and what its keys are.
    pub fn json(&self) -> (serde_json::Value, BTreeSet<String>) {
        assert_eq!(self.code, Some(0), "{}", self.err);
        let value: serde_json::Value = serde_json::from_str(&self.out).unwrap();
        let keys = value.as_object().unwrap().keys().cloned().collect();
        (value, keys)
    }
}

impl Desk {
    pub fn new() -> Self {
        Desk { dir: TempDir::new().unwrap(), wrong: RefCell::default() }
    }

    /// With `t.csv`, the table of [`learners`].
    pub fn with_table() -> Self {
        let desk = Desk::new();
        desk.put("t.csv", learners());
        desk
    }

    /// With `t.csv` and `m.json`, its model of three segments.
    pub fn with_model() -> Self {
        let desk = Desk::with_table();
        desk.run("fit t.csv --k 3 --device cpu --out made -q").quietly();
        std::fs::rename(desk.path("made/model.json"), desk.path("m.json")).unwrap();
        std::fs::remove_dir_all(desk.path("made")).unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Every file and folder with its bytes: what a failed run must leave as it was.
    pub fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.dir.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let bytes = if path.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() };
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.insert(path, bytes);
            }
        }
        found
    }

    /// The program in this folder, its arguments separated by blanks, for spawning.
    pub fn process(&self, line: &str) -> StdCommand {
        let mut command = StdCommand::new(env!("CARGO_BIN_EXE_segmenta"));
        command.args(line.split_whitespace()).current_dir(self.dir.path());
        for name in OURS {
            command.env_remove(name);
        }
        command.env("XDG_CACHE_HOME", CACHE);
        command
    }

    pub fn command(&self, line: &str) -> Command {
        Command::from_std(self.process(line))
    }

    pub fn run(&self, line: &str) -> Said {
        self.command(line).output().unwrap().into()
    }

    pub fn run_with(&self, line: &str, stdin: impl Into<Vec<u8>>) -> Said {
        self.command(line).write_stdin(stdin).output().unwrap().into()
    }

    /// The program with a terminal of so many columns for all its streams, and what that shows; none where there is no
    /// way to make one.
    pub fn run_in_terminal(&self, line: &str, columns: usize) -> Option<String> {
        let program = env!("CARGO_BIN_EXE_segmenta");
        let shell = format!("stty cols {columns} rows 40; exec {program} {line}");
        let mut command = StdCommand::new("script");
        command
            .args(["-qec", &shell, "/dev/null"])
            .current_dir(self.dir.path())
            .stdin(std::process::Stdio::null());
        for name in OURS {
            command.env_remove(name);
        }
        command.env("XDG_CACHE_HOME", CACHE);
        let output = command.output().ok().filter(|_| cfg!(target_os = "linux"));
        let Some(output) = output else {
            crate::devices::skip("there is no script(1) to make a terminal with");
            return None;
        };
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{line}: {text}");
        Some(text.replace('\r', ""))
    }

    /// With an environment in which no Vulkan driver is found.
    pub fn run_without_gpu(&self, line: &str) -> Said {
        let nowhere = self.path("no-such-driver.json");
        let mut command = self.command(line);
        command.env("VK_ICD_FILENAMES", &nowhere).env("VK_DRIVER_FILES", &nowhere);
        command.output().unwrap().into()
    }

    /// Runs `line`, which must fail with this code and one clear line, and leave everything as it was.
    pub fn fails(&self, line: &str, code: i32, words: &[&str]) {
        let before = self.everything();
        let said = self.run(line);
        self.one_clear_line(line, &said, code, words);
        self.expect(before == self.everything(), || format!("{line}: left behind {:?}", self.names(".")));
    }

    /// One line on stderr that names what it should and says it once; nothing on stdout.
    pub fn one_clear_line(&self, line: &str, said: &Said, code: i32, words: &[&str]) {
        let Said { err, out, .. } = said;
        self.expect(said.code == Some(code), || format!("{line}: code {:?}, not {code}: {err}", said.code));
        self.expect(out.is_empty(), || format!("{line}: prints {out:?}"));
        let message = err.strip_prefix("error: ").and_then(|m| m.strip_suffix('\n')).unwrap_or_default();
        let plain = !message.is_empty() && !message.contains('\n');
        self.expect(plain, || format!("{line}: expected one line that starts with error, found {err:?}"));
        for word in words {
            self.expect(message.contains(word), || format!("{line}: expected {word:?} in {err:?}"));
        }
        let mut parts = BTreeSet::new();
        let once = message.split(": ").all(|part| parts.insert(part));
        self.expect(once, || format!("{line}: says it twice: {err:?}"));
        self.expect(!err.contains(".segmenta-"), || format!("{line}: a temporary name in {err:?}"));
    }

    /// Notes what is wrong where `right` is false; the test fails when the desk is dropped.
    pub fn expect(&self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.wrong.borrow_mut().push(what());
        }
    }
}

/// Three plain groups of twenty learners, one of each in turn.
pub fn learners() -> String {
    let mut text = String::from("user_id,age,spend,plan,active\n");
    for i in 0..60 {
        let group = i % 3;
        let (age, spend) = (20 + 20 * group + i * 7 % 5, [5, 50, 200][group] + i * 11 % 10);
        let plan = ["free", "pro", "team"][group];
        text.push_str(&format!("{:05},{age},{spend}.5,{plan},{}\n", i + 1, group > 0));
    }
    text
}

/// `bytes` as an f64 `.npy` of these rows.
pub fn npy(rows: &[[f64; 2]]) -> Vec<u8> {
    use ndarray_npy::WriteNpyExt as _;
    let array = ndarray::Array2::from_shape_fn((rows.len(), 2), |(i, j)| rows[i][j]);
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).unwrap();
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// The rows of an assignments' file by id: segment and status.
pub fn assignments(text: &str) -> Vec<(String, i64, String)> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header: Vec<&str> = reader.headers().unwrap().iter().skip(1).collect();
    let (own, others) = header.split_at(COLUMNS.len().min(header.len()));
    assert_eq!(own, COLUMNS);
    // A mixture says how likely a segment is, and a refit where the rows were before.
    let others = others.join(",");
    let known = ["", "probability", "previous,previous_name", "probability,previous,previous_name"];
    assert!(known.contains(&others.as_str()), "{others}");
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            (record[0].to_string(), record[1].parse().unwrap(), record[2].to_string())
        })
        .collect()
}

/// The columns of an assignments' file beside the id.
pub const COLUMNS: [&str; 5] = ["segment", "status", "distance", "margin", "name"];

/// The files of a fit.
pub const FILES: [&str; 4] = ["assignments.csv", "metrics.json", "model.json", "report.html"];
