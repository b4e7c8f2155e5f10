//! Reads a TOML document and collects everything that is wrong with it, each fault with its line, column and key.
//!
//! A deserializer stops at the first mistake. Here a reading function that finds one records it in the [`Document`],
//! returns `None`, and reading goes on with the next key, so that the user sees all mistakes at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Fault;
use crate::table::closest;

/// A document that is being read, with the faults found so far.
pub(crate) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
    /// The `[parameters]`, whose numbers a value may refer to as `"$name"`.
    parameters: RefCell<BTreeMap<String, f64>>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Document { file, text, faults: RefCell::default(), parameters: RefCell::default() }
    }

    /// Defines a parameter, or overwrites its number.
    pub(crate) fn set_parameter(&self, name: &str, value: f64) {
        self.parameters.borrow_mut().insert(name.into(), value);
    }

    /// All parameters and their numbers.
    pub(crate) fn parameters(&self) -> BTreeMap<String, f64> {
        self.parameters.borrow().clone()
    }

    /// Records a fault at a range of bytes of the text.
    pub(crate) fn fault(&self, at: &Range<usize>, key: impl Into<String>, what: impl Into<String>) {
        let (line, column) = self.place(at.start);
        let file = self.file.to_string();
        self.faults.borrow_mut().push(Fault { file, line, column, key: key.into(), what: what.into() });
    }

    /// The line and column of a byte of the text, both counted from 1.
    pub(crate) fn place(&self, at: usize) -> (u64, u64) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        (before.matches('\n').count() as u64 + 1, before[start..].chars().count() as u64 + 1)
    }

    /// All faults, in the order of the text.
    pub(crate) fn faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|f| (f.line, f.column));
        faults
    }
}

/// A value of the document, with its key and position. The reading methods return `None` after recording a fault.
#[derive(Clone)]
pub(crate) struct Value<'a> {
    pub(crate) document: &'a Document<'a>,
    /// The full key, such as `column[2].steps[0]`.
    pub(crate) key: String,
    pub(crate) at: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    /// Records a fault at this value.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.document.fault(&self.at, self.key.clone(), what);
    }

    /// Records a fault at a byte within this text value. Returns false, and records nothing, if the file spells the text
    /// in another way, with escapes, so that the place is unknown.
    pub(crate) fn fault_within(&self, text: &str, at: usize, what: &str) -> bool {
        let Some(source) = self.document.text.get(self.at.clone()) else { return false };
        let inner = ["\"\"\"", "'''", "\"", "'"].iter().find_map(|quote| {
            let inner = source.strip_prefix(quote)?.strip_suffix(quote)?;
            let inner = inner.strip_prefix("\r\n").or(inner.strip_prefix('\n')).unwrap_or(inner);
            (inner == text).then(|| inner.as_ptr() as usize - source.as_ptr() as usize)
        });
        if let Some(begin) = inner {
            let place = self.at.start + begin + at;
            self.document.fault(&(place..place), self.key.clone(), what);
        }
        inner.is_some()
    }

    /// Records that something else was expected here. Always returns `None`.
    pub(crate) fn wrong<T>(&self, expected: &str) -> Option<T> {
        let found = match self.value {
            DeValue::String(s) => format!("{s:?}"),
            DeValue::Integer(i) => i.as_str().to_string(),
            DeValue::Float(f) => f.as_str().to_string(),
            DeValue::Boolean(b) => b.to_string(),
            DeValue::Array(_) => "a list".into(),
            DeValue::Table(_) => "a table".into(),
            DeValue::Datetime(_) => "a date".into(),
        };
        self.fault(format!("expected {expected}, found {found}"));
        None
    }

    pub(crate) fn text(&self) -> Option<String> {
        match self.value.as_str() {
            Some(text) => Some(text.to_string()),
            None => self.wrong("a text in quotes"),
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong("true or false"))
    }

    /// The line of the value, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.document.place(self.at.start).0
    }

    /// Whether it is a text that refers to a parameter, such as `"$year"`.
    pub(crate) fn is_parameter(&self) -> bool {
        self.value.as_str().is_some_and(|s| s.starts_with('$'))
    }

    /// Reads a finite number, or the number of the parameter that `"$name"` refers to.
    pub(crate) fn number(&self) -> Option<f64> {
        if let Some(name) = self.value.as_str().and_then(|s| s.strip_prefix('$')) {
            let parameters = self.document.parameters.borrow();
            return parameters.get(name).copied().or_else(|| {
                let names: Vec<&str> = parameters.keys().map(String::as_str).collect();
                let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                self.fault(format!("no parameter is called {name:?}; [parameters] has {known}"));
                None
            });
        }
        plain_number(self.value).or_else(|| self.wrong("a number"))
    }

    /// Reads a number that passes a test. `expected` describes such a number for the message.
    pub(crate) fn number_where(&self, expected: &str, test: impl Fn(f64) -> bool) -> Option<f64> {
        self.number().and_then(|v| if test(v) { Some(v) } else { self.wrong(expected) })
    }

    /// Reads a whole number in a range, or a parameter with such a number.
    pub(crate) fn whole(&self, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let top = if *range.end() == u64::MAX { "up".into() } else { format!("to {}", range.end()) };
        let expected = format!("a whole number from {} {top}", range.start());
        let number = match self.value {
            DeValue::String(s) if s.starts_with('$') => {
                Some(self.number()?).filter(|v| v.fract() == 0.0 && *v >= 0.0).map(|v| v as u64)
            }
            value => value.as_integer().and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok()),
        };
        number.filter(|n| range.contains(n)).or_else(|| self.wrong(&expected))
    }

    /// Reads one of a few words, and returns what it stands for.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let found = self.value.as_str().and_then(|s| words.iter().find(|(word, _)| *word == s));
        match found {
            Some((_, value)) => Some(*value),
            None => {
                let listed: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
                self.wrong(&one_of(&listed))
            }
        }
    }

    /// Reads a list.
    pub(crate) fn list(&self) -> Option<Vec<Value<'a>>> {
        let Some(array) = self.value.as_array() else { return self.wrong("a list in [ ]") };
        let one = |(i, item): (usize, &'a Spanned<DeValue<'a>>)| Value {
            document: self.document,
            key: format!("{}[{i}]", self.key),
            at: item.span(),
            value: item.get_ref(),
        };
        Some(array.iter().enumerate().map(one).collect())
    }

    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        self.list()?.iter().map(Value::text).collect()
    }

    pub(crate) fn numbers(&self) -> Option<Vec<f64>> {
        self.list()?.iter().map(Value::number).collect()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.value.as_str().is_some()
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self.value, DeValue::Integer(_) | DeValue::Float(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        self.value.as_array().is_some()
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.as_table().is_some()
    }

    pub(crate) fn section(&self) -> Option<Section<'a>> {
        match self.value.as_table() {
            Some(table) => Some(Section::new(self.document, self.key.clone(), self.at.clone(), table)),
            None => self.wrong("a table"),
        }
    }
}

/// Joins words for a message: `a`, `a or b`, `a, b or c`.
fn one_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The value as a finite number, if it is one.
fn plain_number(value: &DeValue<'_>) -> Option<f64> {
    let number: f64 = match value {
        DeValue::Float(f) => f.as_str().parse().ok()?,
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok()? as f64,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A table of the document. The reader takes the keys that it knows one by one, and [`Section::finish`] reports those
/// that are left as unknown.
pub(crate) struct Section<'a> {
    document: &'a Document<'a>,
    key: String,
    at: Range<usize>,
    table: &'a DeTable<'a>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        document: &'a Document<'a>,
        key: String,
        at: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        Section { document, key, at, table, known: RefCell::default() }
    }

    /// The full key of an entry of this table.
    fn path(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_string() } else { format!("{}.{key}", self.key) }
    }

    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.document.fault(&self.at, self.key.clone(), what);
    }

    /// Whether the table has this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The line where the table begins, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.document.place(self.at.start).0
    }

    /// Takes the value of an optional key.
    pub(crate) fn take(&self, key: &'static str) -> Option<Value<'a>> {
        if !self.known.borrow().contains(&key) {
            self.known.borrow_mut().push(key);
        }
        let value = self.table.get(key)?;
        let (document, value_at) = (self.document, value.span());
        Some(Value { document, key: self.path(key), at: value_at, value: value.get_ref() })
    }

    /// Takes the value of a required key; records a fault if it is absent.
    pub(crate) fn need(&self, key: &'static str, expected: &str) -> Option<Value<'a>> {
        let value = self.take(key);
        if value.is_none() {
            self.document.fault(&self.at, self.path(key), format!("missing; expected {expected}"));
        }
        value
    }

    /// Takes the tables written as `[[key]]`, in order.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        if value.is_table() {
            value.fault(format!("expected [[{key}]], which may stand more than once, found [{key}]"));
            return Vec::new();
        }
        let Some(list) = value.list() else { return Vec::new() };
        list.iter().filter_map(Value::section).collect()
    }

    /// All keys with their values, in the order of the text; for tables whose keys are the user's own.
    pub(crate) fn entries(&self) -> Vec<(String, Value<'a>)> {
        let mut entries: Vec<(usize, String, Value<'a>)> = Vec::new();
        for (key, value) in self.table.iter() {
            let name = key.get_ref().to_string();
            let value = Value {
                document: self.document,
                key: self.path(&name),
                at: value.span(),
                value: value.get_ref(),
            };
            entries.push((key.span().start, name, value));
        }
        entries.sort_by_key(|e| e.0);
        entries.into_iter().map(|(_, name, value)| (name, value)).collect()
    }

    /// Records a fault for each key that has not been taken. To be called after all known keys have been.
    pub(crate) fn finish(self) {
        let known = self.known.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            self.document.fault(&key.span(), self.path(key.get_ref()), unknown("key", key.get_ref(), &known));
        }
    }
}

/// The message for a word that is not among `known`, with the closest ones as a suggestion.
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let close = closest(word, known);
    if close.is_empty() {
        let mut known = known.to_vec();
        known.sort_unstable();
        known.dedup();
        return format!("unknown {what} {word:?}; expected one of {}", known.join(", "));
    }
    format!("unknown {what} {word:?}; did you mean {}?", close.join(" or "))
}
