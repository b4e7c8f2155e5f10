//! Reads a recipe, a TOML file, into a [`Spec`]. Unknown keys are mistakes, and all mistakes are reported together, each
//! with its line and key.

mod chart;
mod compare_methods;
mod describe;
mod method;
mod regroup;
mod report;
mod stability;

use super::compare;
use super::regroup::Regroup;
use super::spec::{Fit, Input, Ks, Output, Spec, Sweep, Tendency, parse_delimiter};
use crate::error::{Error, Result};
use crate::model::{Colour, Persona, check_line};
use crate::profile::Options;
use crate::questions::Question;
use crate::recipe::decode::{Document, Section, Value};
use crate::recipe::{Recipe, SIZE, fit_for_a_name};
use crate::sweep::Rule;
use crate::synth::Example;
use crate::table::{Format, ReadOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

impl Spec {
    /// Reads a recipe file; `parameters` override its `[parameters]`. Paths in it are relative to
    /// the file.
    ///
    /// # Errors
    /// The file cannot be read, or [`Spec::parse`] finds mistakes in it.
    pub fn read(path: &Path, parameters: &BTreeMap<String, f64>) -> Result<Spec> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        let mut spec = Spec::parse(&path.display().to_string(), &text, parameters)?;
        spec.recipe_text = Some(text);
        let folder = path.parent().unwrap_or(Path::new(""));
        let (init, previous) =
            spec.fit.as_mut().map_or((None, None), |fit| (fit.init.as_mut(), fit.previous.as_mut()));
        let output = &mut spec.output;
        let paths = [
            spec.input.path.as_mut(),
            init,
            previous,
            output.folder.as_mut(),
            output.responsibilities.as_mut(),
        ];
        for path in paths.into_iter().flatten().chain(&mut output.features) {
            *path = folder.join(&*path);
        }
        Ok(spec)
    }

    /// Parses the text of a recipe file, which messages call `name`. Paths stay as they are.
    ///
    /// # Errors
    /// [`Error::Recipe`] with all mistakes, each with its line and key.
    pub fn parse(name: &str, text: &str, parameters: &BTreeMap<String, f64>) -> Result<Spec> {
        let document = Document::new(name, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                document.fault(&error.span().unwrap_or(0..0), "", error.message());
            }
            return Err(Error::Recipe(document.faults()));
        }
        let root = Section::new(&document, String::new(), 0..0, root.get_ref());
        set_parameters(&document, &root, parameters);
        let spec = decode(root, name);
        let faults = document.faults();
        if faults.is_empty() { Ok(spec) } else { Err(Error::Recipe(faults)) }
    }

    /// The id column, if there is one. Groups are identified by their own column instead.
    pub fn id(&self) -> Option<&str> {
        self.input.read.id.as_deref().filter(|_| self.recipe.group.is_none())
    }
}

/// Tells the document the values of parameters; those of the caller override those of the file.
fn set_parameters(document: &Document<'_>, root: &Section<'_>, given: &BTreeMap<String, f64>) {
    if let Some(section) = root.take("parameters").and_then(|v| v.section()) {
        for (name, value) in section.entries() {
            if let Some(number) = value.number() {
                document.set_parameter(&name, number);
            }
        }
        for name in given.keys().filter(|name| !section.entries().iter().any(|(n, _)| n == *name)) {
            section.fault(format!("the call sets {name:?}, but this recipe has no such parameter"));
        }
    } else if let Some(name) = given.keys().next() {
        let what = format!("the call sets {name:?}, but this recipe has no [parameters]");
        document.fault(&(0..0), "parameters", what);
    }
    given.iter().for_each(|(name, value)| document.set_parameter(name, *value));
}

fn decode(root: Section<'_>, name: &str) -> Spec {
    let part = |key| root.take(key).and_then(|v: Value<'_>| v.section());
    let mut spec = Spec::default();
    let mut weight = None;
    if let Some(section) = part("input") {
        (spec.input, weight) = input(section);
    }
    spec.recipe = Recipe::decode(&root, name, spec.input.read.id.as_deref());
    spec.recipe.features.options.weight = weight;
    if let Some(section) = part("analysis") {
        analysis(section, &mut spec);
    }
    if let Some(section) = part("profile") {
        spec.profile = Some(profile(section));
    }
    spec.stability = part("stability").map(stability::stability);
    spec.comparisons = compare::decode(&root);
    spec.compare_methods = compare_methods::decode(&root);
    spec.describe = part("describe").map(describe::describe);
    if let Some(section) = part("names") {
        spec.names = names(&section);
    }
    spec.questions = Question::decode_all(&root);
    spec.personas = personas(&root, &mut spec.names, &spec.regroup, spec.fit.as_ref().and_then(|fit| fit.k));
    spec.charts = chart::decode(&root);
    if let Some(section) = part("report") {
        spec.report = report::report(section);
    }
    if let Some(section) = part("output") {
        spec.output = output(section);
    }
    root.finish();
    spec
}

/// Where the table is, and the column with the rows' weights.
fn input(section: Section<'_>) -> (Input, Option<String>) {
    let path = section.take("path");
    let synth = section.take("synth");
    let rows = section.take("rows");
    if let (Some(_), Some(synth)) = (&path, &synth) {
        synth.fault("path and synth are two inputs; give only one of them");
    }
    if let (None, Some(rows)) = (&synth, &rows) {
        rows.fault("rows are for synth tables; leave them out for a file");
    }
    let lines = 0..=*SIZE.end();
    let read = ReadOptions {
        format: section.take("format").and_then(|v| v.word(Format::WORDS)),
        delimiter: section.take("delimiter").and_then(|v| parsed(&v, parse_delimiter)),
        null: section.take("null").and_then(|v| nulls(&v)).unwrap_or_default(),
        keep_null: section.take("keep_null").and_then(|v| v.texts()).unwrap_or_default(),
        decimal: section.take("decimal").and_then(|v| v.word(&[(".", '.'), (",", ',')])),
        skip_lines: section.take("skip_lines").and_then(|v| v.whole(lines.clone())).map(|n| n as usize),
        no_header: section.take("header").and_then(|v| v.boolean()) == Some(false),
        id: section.take("id").and_then(|v| v.text()),
        skip_rows: section.take("skip_rows").and_then(|v| v.whole(lines)).unwrap_or(0) as usize,
        ..ReadOptions::default()
    };
    let synth = synth.and_then(|v| v.word(Example::WORDS));
    let truth = section.take("truth");
    if let Some(truth) = truth.as_ref().filter(|_| synth != Some(Example::Survey)) {
        truth.fault("truth is for synth = \"survey\"; no other table has it");
    }
    let input = Input {
        path: path.and_then(|v| file(&v)),
        synth,
        truth: truth.and_then(|v| v.boolean()).unwrap_or(false),
        rows: rows.and_then(|v| v.whole(SIZE)).map(|n| n as usize),
        read,
    };
    let weight = section.take("weight").and_then(|v| v.text());
    section.finish();
    (input, weight)
}

/// Parses a text; a text that cannot be parsed is a fault.
fn parsed<T>(value: &Value<'_>, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Option<T> {
    parse(&value.text()?).map_err(|what| value.fault(what)).ok()
}

/// Texts and numbers that count as missing.
fn nulls(value: &Value<'_>) -> Option<Vec<String>> {
    let one = |v: &Value<'_>| if v.is_number() { v.number().map(|n| n.to_string()) } else { v.text() };
    value.list()?.iter().map(one).collect()
}

/// A path that is not empty.
fn file(value: &Value<'_>) -> Option<PathBuf> {
    let text = value.text()?;
    if text.is_empty() {
        value.fault("expected a path, found nothing");
        return None;
    }
    Some(PathBuf::from(text))
}

/// One path, or a list of them.
fn files(value: &Value<'_>) -> Option<Vec<PathBuf>> {
    if value.is_text() {
        return file(value).map(|path| vec![path]);
    }
    let files: Vec<PathBuf> = value.list()?.iter().map(file).collect::<Option<_>>()?;
    if let Some((_, twice)) = files.iter().enumerate().find(|(i, path)| files[..*i].contains(path)) {
        value.fault(format!("{} is listed twice", twice.display()));
    }
    Some(files)
}

/// `[analysis]`: what is computed.
fn analysis(section: Section<'_>, spec: &mut Spec) {
    let small = |key| section.take(key).and_then(|v: Value<'_>| v.whole(SIZE)).map(|n| n as u32);
    if let Some(seed) = section.take("seed").and_then(|v| v.whole(0..=u64::MAX)) {
        spec.seed = seed;
    }
    spec.method = method::method(&section);
    let (n_init, sweep) = (small("sweep_n_init"), section.take("sweep"));
    spec.sweep = sweep.and_then(|v| ks(&v)).map(|k| Sweep { k: Some(k), n_init });
    if let Some(min_k) = small("min_k") {
        spec.choose_k.min_k = min_k as usize;
    }
    spec.choose_k.sample = small("sample");
    if let Some(rule) = section.take("rule").and_then(|v| v.word(Rule::WORDS)) {
        spec.choose_k.rule = rule;
    }
    spec.structure = section.take("structure").and_then(|v| v.boolean()).unwrap_or(true);
    spec.choose_k.gap = section.take("gap").and_then(|v| v.boolean());
    spec.choose_k.stability = section.take("stability").and_then(|v| v.boolean());
    spec.fit = Some(Fit {
        k: section.take("k").and_then(|v| v.whole(SIZE)).map(|k| k as usize),
        init: section.take("init").and_then(|v| file(&v)),
        previous: section.take("previous").and_then(|v| file(&v)),
        silhouette: section.take("silhouette").and_then(|v| v.boolean()).unwrap_or(false),
    });
    spec.regroup = regroup::regroup(&section);
    let probes = small("probes");
    let tendency = section.take("tendency").and_then(|v| v.boolean()).unwrap_or(false);
    spec.tendency = tendency.then_some(Tendency { probes });
    section.finish();
}

/// `"2..10"`, both ends included, or `[2, 4, 8]`.
fn ks(value: &Value<'_>) -> Option<Ks> {
    if value.is_text() {
        return parsed(value, str::parse);
    }
    let ks: Option<Vec<u64>> = value.list()?.iter().map(|v| v.whole(SIZE)).collect();
    let ks = ks?.into_iter().map(|k| k as usize).collect::<Vec<_>>();
    Ks::try_from(ks).map_err(|what| value.fault(what)).ok()
}

/// `"0" = "Beginners"`: segments by their numbers.
fn names(section: &Section<'_>) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for (key, value) in section.entries() {
        // Only one spelling of each number, so that no segment is named twice.
        let Some(segment) = key.parse::<u32>().ok().filter(|n| n.to_string() == key) else {
            value.fault(format!("expected a segment number such as 0 or 1, found {key:?}"));
            continue;
        };
        let Some(name) = value.text() else { continue };
        match fit_for_a_name(&name) {
            Ok(()) => drop(names.insert(segment, name)),
            Err(why) => value.fault(why),
        }
    }
    names
}

/// `[profile]`: which columns describe the segments.
fn profile(section: Section<'_>) -> Options {
    let default = Options::default();
    let options = Options {
        columns: section.take("columns").and_then(|v| v.texts()).unwrap_or_default(),
        top: section.take("top").and_then(|v| v.whole(SIZE)).map_or(default.top, |n| n as usize),
        typical: section.take("typical").and_then(|v| v.whole(0..=1000)).map_or(0, |n| n as usize),
        lifts: section.take("lifts").and_then(|v| v.whole(0..=1000)).map_or(0, |n| n as usize),
    };
    section.finish();
    options
}

/// `[[persona]]`: what people say about segments. Their names go to those of `[names]`. `k` is the number of segments, if
/// the recipe says it.
fn personas(
    root: &Section<'_>,
    names: &mut BTreeMap<u32, String>,
    regroup: &Regroup,
    k: Option<usize>,
) -> BTreeMap<u32, Persona> {
    let mut personas = BTreeMap::new();
    // The line of each segment's persona.
    let mut lines: BTreeMap<u32, u64> = BTreeMap::new();
    for section in root.sections("persona") {
        let number = section.need("segment", "the segment's number");
        let segment = number.as_ref().and_then(|v| v.whole(0..=u64::from(u32::MAX - 1))).map(|n| n as u32);
        if let (Some(value), Some(segment)) = (&number, segment) {
            let after = if regroup.is_empty() { "" } else { ", after merges and splits," };
            let known = k.and_then(|k| Some((k, regroup.segments_of(k)?)));
            if let Some((k, segments)) = known.filter(|&(_, segments)| segment as usize >= segments) {
                value.fault(format!(
                    "there is no segment {segment}: with k = {k} they are{after} numbered 0 to {}",
                    segments.saturating_sub(1)
                ));
            }
            if let Some(first) = lines.get(&segment) {
                value.fault(format!("segment {segment} has two personas, the first on line {first}"));
            }
        }
        let name = section.take("name").and_then(|v| {
            let name = checked(&v, fit_for_a_name)?;
            if segment.is_some_and(|s| names.contains_key(&s) && !lines.contains_key(&s)) {
                v.fault("the segment has a name under [names] too; name it in one place");
            }
            Some(name)
        });
        let persona = Persona {
            colour: section
                .take("colour")
                .and_then(|v| parsed(&v, |text| Colour::try_from(text.to_string()))),
            summary: section.take("summary").and_then(|v| checked(&v, check_line)),
            actions: section.take("actions").and_then(|v| lines_of(&v)).unwrap_or_default(),
        };
        let keys = ["name", "colour", "summary", "actions"];
        if !keys.iter().any(|key| section.has(key)) {
            section.fault("expected at least one of name, colour, summary, actions");
        }
        if let Some(segment) = segment {
            lines.entry(segment).or_insert(section.line());
            names.extend(name.map(|name| (segment, name)));
            if !persona.is_empty() {
                personas.insert(segment, persona);
            }
        }
        section.finish();
    }
    personas
}

/// A text that passes a check; one that does not is a fault.
fn checked(value: &Value<'_>, check: impl Fn(&str) -> std::result::Result<(), String>) -> Option<String> {
    parsed(value, |text| check(text).map(|()| text.to_string()))
}

/// A list of lines of text.
fn lines_of(value: &Value<'_>) -> Option<Vec<String>> {
    value.list()?.iter().map(|v| checked(v, check_line)).collect()
}

fn output(section: Section<'_>) -> Output {
    let output = Output {
        folder: section.take("folder").and_then(|v| file(&v)),
        features: section.take("features").and_then(|v| files(&v)).unwrap_or_default(),
        responsibilities: section.take("responsibilities").and_then(|v| file(&v)),
        table: section.take("table").and_then(|v| files(&v)).unwrap_or_default(),
        table_columns: section.take("table_columns").and_then(|v| v.texts()).unwrap_or_default(),
        charts: section.take("charts").and_then(|v| file(&v)),
        report: section.take("report").and_then(|v| v.boolean()),
    };
    section.finish();
    output
}
