//! The error type of the whole crate.
//!
//! An error says where the problem is, what was expected and what was found. The variants of [`Error`] separate what
//! the user can correct (the call, the data, the recipe) from failures of the system (files, the device).

use std::fmt;
use std::path::PathBuf;

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// A position in a file. Each part is set only if it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file name as the caller gave it.
    pub file: Option<String>,
    /// The line number, counted from 1; the header counts as a line.
    pub line: Option<u64>,
    /// The name of the table's column.
    pub column: Option<String>,
}

impl Place {
    /// A place that stands for a whole file.
    pub fn file(file: impl Into<String>) -> Self {
        Place { file: Some(file.into()), ..Place::default() }
    }

    /// The same place, narrowed to a line.
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same place, narrowed to a column.
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.file.clone(),
            self.line.map(|l| format!("line {l}")),
            self.column.as_ref().map(|c| format!("column {}", one_line(c))),
        ];
        let mut first = true;
        for part in parts.into_iter().flatten() {
            if !first {
                f.write_str(", ")?;
            }
            f.write_str(&part)?;
            first = false;
        }
        if first {
            f.write_str("input")?;
        }
        Ok(())
    }
}

/// Escapes line breaks and other control characters in a name, so that a message stays on one line.
fn one_line(name: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    name.chars().map(plain).collect()
}

/// One mistake in a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The recipe's file name as the caller gave it.
    pub file: String,
    /// The line number, counted from 1.
    pub line: u64,
    /// The position in the line, in characters counted from 1.
    pub column: u64,
    /// The path of the key, such as `column[2].steps[0].clip`; empty if there is none.
    pub key: String,
    /// What was expected and what was found.
    pub what: String,
}

impl Fault {
    /// A mistake that concerns a whole line; its position is the start of the line.
    pub(crate) fn in_line(file: &str, line: u64, key: impl Into<String>, what: String) -> Self {
        Fault { file: file.into(), line, column: 1, key: key.into(), what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}:{}", self.file, self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, ", {}", self.key)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The most faults that the text of an [`Error::Recipe`] lists.
pub const SHOWN_FAULTS: usize = 20;

/// The first [`SHOWN_FAULTS`] faults, one per line, and then how many more there are.
fn listed(faults: &[Fault]) -> String {
    let mut lines: Vec<String> = faults.iter().take(SHOWN_FAULTS).map(Fault::to_string).collect();
    let more = faults.len().saturating_sub(SHOWN_FAULTS);
    if more > 0 {
        lines.push(format!("… and {} more", with_separators(more)));
    }
    lines.join("\n")
}

/// Formats a number with commas between the thousands: `11,766`.
fn with_separators(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a size for people, in units of 1000: `2.1 GB`, `500 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let bytes = bytes as f64;
    for (unit, size) in UNITS {
        if bytes >= size {
            let number = format!("{:.1}", bytes / size);
            return format!("{} {unit}", number.strip_suffix(".0").unwrap_or(&number));
        }
    }
    format!("{bytes} bytes")
}

/// Everything that can go wrong, grouped by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call itself is invalid: its arguments are impossible or contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The data cannot be used as asked.
    #[error("{place}: {what}")]
    Data {
        /// Where the problem is.
        place: Place,
        /// What was expected and what was found.
        what: String,
    },
    /// A recipe that has mistakes. The list holds all of them; the error's text shows the first [`SHOWN_FAULTS`], one
    /// per line, and how many more there are.
    #[error("{}", listed(.0))]
    Recipe(Vec<Fault>),
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason that the operating system gives.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason that the operating system gives.
        source: std::io::Error,
    },
    /// The requested device is unavailable, or it failed.
    #[error("{0}")]
    Device(String),
    /// A table takes more of a device's memory than may be used.
    #[error(
        "this table needs about {} of the GPU's memory, and the limit is {}: raise the limit with --max-gpu-mem, or use \
         --device cpu", size(*.wanted), size(*.limit)
    )]
    DeviceMemory {
        /// About how many bytes it takes.
        wanted: u64,
        /// How many bytes are allowed.
        limit: u64,
    },
    /// The caller's progress callback asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An [`Error::Data`] without a known place.
    pub fn data(what: impl Into<String>) -> Self {
        Error::Data { place: Place::default(), what: what.into() }
    }

    /// An [`Error::Data`] at a place.
    pub fn at(place: Place, what: impl Into<String>) -> Self {
        Error::Data { place, what: what.into() }
    }

    /// An [`Error::Recipe`] with the faults sorted by their position in the text.
    pub(crate) fn recipe(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|f| (f.line, f.column));
        Error::Recipe(faults)
    }

    /// Adds the file's name to an [`Error::Data`] that does not have one yet; returns other errors unchanged.
    pub fn in_file(self, name: &str) -> Self {
        match self {
            Error::Data { mut place, what } => {
                place.file.get_or_insert_with(|| name.to_string());
                Error::Data { place, what }
            }
            other => other,
        }
    }
}
