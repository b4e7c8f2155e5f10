//! The recipe as a file: TOML, every key known, everything wrong with it said at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use crate::error::{Error, Result};
use crate::recipe::aggregate::{Aggregate, AggregateFunction};
use crate::recipe::decode::{Document, Section, Value};
use crate::recipe::drops::{DropCondition, DropSpec};
use crate::recipe::fitted_step::FittedStep;
use crate::recipe::group::Group;
use crate::recipe::preparation::ColumnType;
use crate::recipe::step::{Step, decode_steps, optional};
use crate::recipe::{InferOptions, Missing, Scale};
use crate::table::{Format, Values};

/// What a person wants done with a table: where it is, what becomes of its columns, the analysis, the outputs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recipe {
    /// The recipe's name, for messages.
    pub source: String,
    /// Where the table is and how it is read.
    pub input: Input,
    /// Columns that are made, and how columns become features.
    pub columns: Vec<ColumnSpec>,
    /// Columns made of figures by group.
    pub aggregates: Vec<Aggregate>,
    /// Whether the rows are brought together before there are features.
    pub group: Option<Group>,
    /// Rows that are left out.
    pub drops: Vec<DropSpec>,
    /// Which columns become features.
    pub features: Features,
    /// What is fitted.
    pub analysis: Analysis,
    /// Names of segments, by their numbers.
    pub names: BTreeMap<u32, String>,
    /// What is written.
    pub output: Output,
}

/// Where the table is and how it is read. What is not said is found out, or said on the command line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Input {
    /// The file, relative to the recipe.
    pub path: Option<PathBuf>,
    /// A table to make, instead of a file.
    pub synth: Option<Synth>,
    /// Rows to make.
    pub rows: Option<usize>,
    /// The format, where the name does not say it.
    pub format: Option<Format>,
    /// What separates the fields.
    pub delimiter: Option<u8>,
    /// More texts and numbers that mean missing.
    pub null: Vec<String>,
    /// Marks of missing values that are texts here.
    pub keep_null: Vec<String>,
    /// The decimal sign of all columns.
    pub decimal: Option<char>,
    /// Lines that come before the header.
    pub skip_lines: Option<usize>,
    /// Whether there is no header.
    pub no_header: bool,
    /// The column that names the rows.
    pub id: Option<String>,
    /// The column with the rows' weights.
    pub weight: Option<String>,
    /// Rows after the header that are no data.
    pub skip_rows: usize,
}

/// A table that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Synth {
    /// Learners of a tech-learning platform.
    Learners,
    /// What users do on the day they sign up.
    FirstDay,
    /// A survey of data practitioners.
    Survey,
    /// Who signed up for a course.
    Enthusiasts,
}

/// A column that is made of another by a chain of operations, and how it becomes features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnSpec {
    /// Its line in the recipe.
    pub line: u64,
    /// Its name; in a column for each of [`ColumnSpec::columns`], `{column}` and `{text}` stand for theirs.
    pub name: String,
    /// The column that it is made of; by default the one of its own name.
    pub from: Option<String>,
    /// A glob: one column is made for each that matches.
    pub columns: Option<String>,
    /// The chain.
    pub steps: Vec<Step>,
    /// How it becomes features, where it is one.
    pub encoding: EncodingOptions,
}

/// How a column becomes features, where that is not the rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EncodingOptions {
    /// How a number is scaled.
    pub scale: Option<Scale>,
    /// What its features are multiplied by.
    pub weight: Option<f64>,
    /// Whether each level of a text gets a feature, where there are but two as well.
    pub one_hot: bool,
    /// How many levels of a text get a feature each; the rest shares one.
    pub top: Option<usize>,
    /// Whether levels are in the order of the alphabet, not by how common they are.
    pub alphabetical: bool,
}

impl EncodingOptions {
    /// Why it is not for a column of these values, as a sentence.
    pub(super) fn unfit(&self, values: &Values) -> Option<String> {
        let (key, wants, advice) = match values {
            // A text of two values is 0 and 1, unless its levels are wanted.
            Values::Text { levels, .. } if levels.len() == 2 && !self.one_hot => return None,
            Values::Text { .. } if self.scale.is_some() => {
                ("scale", "numbers and for columns of two values", "")
            }
            Values::Number(_) | Values::Packed { .. } | Values::Bool(_) if self.one_hot => {
                ("one_hot", "texts", "; the step text makes texts of it")
            }
            _ => return None,
        };
        Some(format!("{key} is for {wants}, and this column holds {}{advice}", ColumnType::of(values).word()))
    }
}

/// Which columns become features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// The line of `[features]`, 0 where there is none.
    pub line: u64,
    /// Names and globs, scaling, missing values.
    pub options: InferOptions,
    /// The correlation from which on the later of two columns is left out.
    pub drop_correlated: Option<f64>,
}

/// What is fitted; `None` is the program's default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// The seed of all draws.
    pub seed: Option<u64>,
    /// How many segments.
    pub k: Option<usize>,
    /// The k of a sweep.
    pub sweep: Option<Vec<usize>>,
    /// Starts of the fit.
    pub n_init: Option<u32>,
    /// Starts of each k of the sweep; by default those of the fit.
    pub sweep_n_init: Option<u32>,
    /// Passes that a start may take.
    pub max_iter: Option<u32>,
    /// The tolerance of a start's end.
    pub tol: Option<f64>,
    /// The smallest k to choose.
    pub min_k: Option<usize>,
    /// Rows that silhouettes are computed on, where not all.
    pub sample: Option<u32>,
    /// Whether the fit is scored too.
    pub silhouette: bool,
    /// Whether Hopkins' statistic is computed.
    pub tendency: bool,
    /// Hopkins' probes of each kind.
    pub probes: Option<u32>,
    /// Start centroids, or a model, relative to the recipe.
    pub init: Option<PathBuf>,
}

/// What is written, relative to the recipe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    /// The folder of the results.
    pub folder: Option<PathBuf>,
    /// The feature matrix.
    pub features: Option<PathBuf>,
}

impl Recipe {
    /// Reads a recipe; `parameters` take the place of those of its `[parameters]`.
    ///
    /// # Errors
    /// No such file, and all that [`Recipe::parse`] finds.
    pub fn read(path: &Path, parameters: &BTreeMap<String, f64>) -> Result<Recipe> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        let mut recipe = Recipe::parse(&path.display().to_string(), &text, parameters)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let paths = [
            &mut recipe.input.path,
            &mut recipe.analysis.init,
            &mut recipe.output.folder,
            &mut recipe.output.features,
        ];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&*path);
        }
        Ok(recipe)
    }

    /// Parses a recipe; `name` stands for it in messages. Paths stay as they are.
    ///
    /// # Errors
    /// [`Error::Recipe`] with everything that is wrong, each with its line and key.
    pub fn parse(name: &str, text: &str, parameters: &BTreeMap<String, f64>) -> Result<Recipe> {
        let document = Document::new(name, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                document.fault(&error.span().unwrap_or(0..0), "", error.message());
            }
            return Err(Error::Recipe(document.faults()));
        }
        let root = Section::new(&document, String::new(), 0..0, root.get_ref());
        let recipe = decode(&document, root, name, parameters);
        let faults = document.faults();
        if faults.is_empty() { Ok(recipe) } else { Err(Error::Recipe(faults)) }
    }

    /// The column whose cells name the table's rows, where one does. Groups have their own names.
    pub fn id(&self) -> Option<&str> {
        self.input.id.as_deref().filter(|_| self.group.is_none())
    }

    /// The columns that the table must be read with as text: those whose first step says how their numbers are written,
    /// and what makes groups, which is kept as it is written.
    pub fn text_columns(&self) -> Vec<String> {
        let from = |c: &ColumnSpec| {
            let number = matches!(c.steps.first(), Some(Step::Fixed(FittedStep::Number(_))));
            (number && c.columns.is_none()).then(|| c.from.clone().unwrap_or_else(|| c.name.clone()))
        };
        let by = self.group.iter().map(|group| group.by.clone());
        let by = by.filter(|by| !self.columns.iter().any(|c| c.name == *by));
        self.columns.iter().filter_map(from).chain(by).collect()
    }

    /// The recipe that a run without one follows.
    pub fn inferred(options: InferOptions) -> Recipe {
        Recipe { features: Features { options, ..Features::default() }, ..Recipe::default() }
    }
}

fn decode(document: &Document<'_>, root: Section<'_>, name: &str, given: &BTreeMap<String, f64>) -> Recipe {
    if let Some(section) = root.take("parameters").and_then(|v| v.section()) {
        for (name, value) in section.entries() {
            if let Some(number) = value.number() {
                document.set_parameter(&name, number);
            }
        }
        for name in given.keys().filter(|name| !section.entries().iter().any(|(n, _)| n == *name)) {
            section.fault(format!("no parameter {name:?} here, which the call sets"));
        }
    } else if let Some(name) = given.keys().next() {
        document.fault(
            &(0..0),
            "parameters",
            format!("the call sets {name:?}, but there is no [parameters]"),
        );
    }
    given.iter().for_each(|(name, value)| document.set_parameter(name, *value));
    let part = |key| root.take(key).and_then(|v: Value<'_>| v.section());
    let mut recipe = Recipe { source: name.into(), ..Recipe::default() };
    if let Some(section) = part("input") {
        recipe.input = input(section);
    }
    let mut made = DeclaredNames::default();
    recipe.columns = root.sections("column").into_iter().filter_map(|s| column(s, &mut made)).collect();
    recipe.aggregates =
        root.sections("aggregate").into_iter().filter_map(|s| aggregate(s, &mut made)).collect();
    recipe.group = part("group").and_then(|section| group(section, &recipe));
    recipe.drops = root.sections("drop").into_iter().filter_map(drop_rule).collect();
    if let Some(section) = part("features") {
        recipe.features = features(section);
    }
    recipe.features.options.weight.clone_from(&recipe.input.weight);
    if let Some(section) = part("analysis") {
        recipe.analysis = analysis(section);
    }
    if let Some(section) = part("names") {
        recipe.names = names(&section);
    }
    if let Some(section) = part("output") {
        recipe.output = output(section);
    }
    root.finish();
    recipe
}

/// The names of the columns that are made, and the lines where they are.
#[derive(Default)]
struct DeclaredNames(BTreeMap<String, u64>);

impl DeclaredNames {
    /// A name that is not empty and is made once.
    fn name(&mut self, value: &Value<'_>) -> Option<String> {
        let name = value.text()?;
        if name.is_empty() {
            value.fault("expected a name, found nothing");
        } else if let Some(first) = self.0.get(&name) {
            value.fault(format!("{name:?} is made twice, first on line {first}"));
        } else {
            self.0.insert(name.clone(), value.line());
        }
        Some(name)
    }
}

const SIZE: std::ops::RangeInclusive<u64> = 1..=(u32::MAX as u64);

fn input(section: Section<'_>) -> Input {
    let path = section.take("path");
    let synth = section.take("synth");
    let rows = section.take("rows");
    if let (Some(_), Some(synth)) = (&path, &synth) {
        synth.fault("path and synth are two inputs; expected one of them");
    }
    if let (None, Some(rows)) = (&synth, &rows) {
        rows.fault("rows are for synth");
    }
    let words = [
        ("learners", Synth::Learners),
        ("first-day", Synth::FirstDay),
        ("survey", Synth::Survey),
        ("enthusiasts", Synth::Enthusiasts),
    ];
    let formats = Format::WORDS;
    let delimiter = section.take("delimiter").and_then(|v| {
        let text = v.text()?;
        match text.as_bytes() {
            [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n' | 0) => Some(*one),
            _ => {
                v.fault(format!("expected one ASCII character, no quote and no line end, found {text:?}"));
                None
            }
        }
    });
    let input = Input {
        path: path.and_then(|v| file(&v)),
        synth: synth.and_then(|v| v.word(&words)),
        rows: rows.and_then(|v| v.whole(SIZE)).map(|n| n as usize),
        format: section.take("format").and_then(|v| v.word(formats)),
        delimiter,
        null: section.take("null").and_then(|v| nulls(&v)).unwrap_or_default(),
        keep_null: section.take("keep_null").and_then(|v| v.texts()).unwrap_or_default(),
        decimal: section.take("decimal").and_then(|v| v.word(&[(".", '.'), (",", ',')])),
        skip_lines: section.take("skip_lines").and_then(|v| v.whole(0..=*SIZE.end())).map(|n| n as usize),
        no_header: section.take("header").and_then(|v| v.boolean()) == Some(false),
        id: section.take("id").and_then(|v| v.text()),
        weight: section.take("weight").and_then(|v| v.text()),
        skip_rows: section.take("skip_rows").and_then(|v| v.whole(0..=*SIZE.end())).unwrap_or(0) as usize,
    };
    section.finish();
    input
}

/// Texts and numbers that mean missing.
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

fn column(section: Section<'_>, made: &mut DeclaredNames) -> Option<ColumnSpec> {
    let glob = section.take("columns");
    let name = section.need("name", "the column's name").and_then(|v| {
        if glob.is_none() {
            return made.name(&v);
        }
        let name = v.text()?;
        if !name.contains("{column}") && !name.contains("{text}") {
            v.fault("one name for many columns; expected {column} or {text} in it");
        }
        Some(name)
    });
    let from = section.take("from");
    if let (Some(_), Some(from)) = (&glob, &from) {
        from.fault("from and columns are two sources; expected one of them");
    }
    let column = ColumnSpec {
        line: section.line(),
        name: name.clone().unwrap_or_default(),
        from: from.and_then(|v| v.text()),
        columns: glob.and_then(|v| v.text()),
        steps: decode_steps(&section),
        encoding: encoding(&section),
    };
    section.finish();
    name.map(|_| column)
}

fn encoding(section: &Section<'_>) -> EncodingOptions {
    let mut encoding = EncodingOptions {
        scale: section.take("scale").and_then(|v| v.word(&Scale::WORDS)),
        weight: section.take("weight").and_then(|v| v.number_where("a number above 0", |w| w > 0.0)),
        ..EncodingOptions::default()
    };
    if let Some(one_hot) = section.take("one_hot").and_then(|v| v.section()) {
        encoding.one_hot = true;
        encoding.top = one_hot.take("top").and_then(|v| v.whole(SIZE)).map(|n| n as usize);
        let orders = [("count", false), ("name", true)];
        encoding.alphabetical = one_hot.take("order").and_then(|v| v.word(&orders)).unwrap_or(false);
        one_hot.finish();
    }
    encoding
}

fn aggregate(section: Section<'_>, made: &mut DeclaredNames) -> Option<Aggregate> {
    let name = section.need("name", "the column's name").and_then(|v| made.name(&v));
    let by = section.need("by", "the column whose values make the groups").and_then(|v| v.text());
    let function =
        section.need("compute", &AggregateFunction::listed()).and_then(|v| v.word(&AggregateFunction::WORDS));
    let of = section.take("of");
    if of.is_none() && function.is_some_and(|f| f != AggregateFunction::Count) {
        section.fault("of is missing; expected the column that the figure is of");
    }
    let of = optional(of, Value::text);
    let (line, encoding) = (section.line(), encoding(&section));
    section.finish();
    Some(Aggregate { line, name: name?, by: by?, of: of?, function: function?, encoding })
}

fn group(section: Section<'_>, recipe: &Recipe) -> Option<Group> {
    let by = section.need("by", "the column whose values make the groups");
    let line = section.line();
    section.finish();
    let value = by?;
    let by = value.text()?;
    if !recipe.aggregates.iter().any(|aggregate| aggregate.by == by) {
        value.fault(format!("no [[aggregate]] has by = {by:?}; expected one for each column of the groups"));
    }
    if let Some(id) = recipe.input.id.as_ref().filter(|id| **id != by) {
        value.fault(format!(
            "the groups of {by:?} are the rows, so that id = {id:?} cannot name them; leave id out"
        ));
    }
    Some(Group { line, by })
}

fn drop_rule(section: Section<'_>) -> Option<DropSpec> {
    let columns = section.need("columns", "a list of names or globs").and_then(|v| {
        let columns = v.texts()?;
        if columns.is_empty() {
            v.fault("expected at least one name or glob");
        }
        Some(columns)
    });
    let share = section.take("missing_share");
    let above = section.take("above_quantile");
    let below = section.take("below_quantile");
    let given = [&share, &above, &below].into_iter().flatten().count();
    let quantile = |v: &Value<'_>| v.number_where("a number from 0 to 1", |q| (0.0..=1.0).contains(&q));
    let positive = |v: &Value<'_>| v.number_where("a share above 0, 1 at most", |q| q > 0.0 && q <= 1.0);
    let condition = match (&share, &above, &below) {
        (Some(v), _, _) => positive(v).map(DropCondition::MissingShare),
        (_, Some(v), _) => quantile(v).map(DropCondition::AboveQuantile),
        (_, _, Some(v)) => quantile(v).map(DropCondition::BelowQuantile),
        _ => None,
    };
    let line = section.line();
    if given != 1 {
        section.fault("expected one of missing_share, above_quantile, below_quantile");
    }
    section.finish();
    Some(DropSpec { line, columns: columns?, condition: condition? }).filter(|_| given == 1)
}

fn features(section: Section<'_>) -> Features {
    let default = InferOptions::default();
    let missing = [("impute", Missing::Impute), ("drop", Missing::Drop), ("error", Missing::Error)];
    let correlated = |v: Value<'_>| v.number_where("a correlation above 0, below 1", |c| c > 0.0 && c < 1.0);
    let features = Features {
        line: section.line(),
        options: InferOptions {
            features: section.take("columns").and_then(|v| v.texts()).unwrap_or_default(),
            drop: section.take("drop").and_then(|v| v.texts()).unwrap_or_default(),
            max_categories: section
                .take("max_categories")
                .and_then(|v| v.whole(SIZE))
                .map_or(default.max_categories, |n| n as usize),
            scale: section.take("scale").and_then(|v| v.word(&Scale::WORDS)).unwrap_or(default.scale),
            missing: section.take("missing").and_then(|v| v.word(&missing)).unwrap_or(default.missing),
            weight: None,
        },
        drop_correlated: section.take("drop_correlated").and_then(correlated),
    };
    section.finish();
    features
}

fn analysis(section: Section<'_>) -> Analysis {
    let small = |key| section.take(key).and_then(|v: Value<'_>| v.whole(SIZE)).map(|n| n as u32);
    let sweep = section.take("sweep");
    let k = section.take("k");
    let tol = |v: Value<'_>| v.number_where("a number from 0 on", |t| t >= 0.0);
    let analysis = Analysis {
        seed: section.take("seed").and_then(|v| v.whole(0..=u64::MAX)),
        k: k.and_then(|v| v.whole(SIZE)).map(|k| k as usize),
        sweep: sweep.and_then(|v| ks(&v)),
        n_init: small("n_init"),
        sweep_n_init: small("sweep_n_init"),
        max_iter: small("max_iter"),
        tol: section.take("tol").and_then(tol),
        min_k: small("min_k").map(|k| k as usize),
        sample: small("sample"),
        silhouette: section.take("silhouette").and_then(|v| v.boolean()).unwrap_or(false),
        tendency: section.take("tendency").and_then(|v| v.boolean()).unwrap_or(false),
        probes: small("probes"),
        init: section.take("init").and_then(|v| file(&v)),
    };
    section.finish();
    analysis
}

/// `"2..10"`, both ends included, or `[2, 4, 8]`.
fn ks(value: &Value<'_>) -> Option<Vec<usize>> {
    if value.is_text() {
        let text = value.text()?;
        let ends =
            text.split_once("..").and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        return match ends {
            Some((from, to)) if 1 <= from && from <= to && to - from < 10_000 => Some((from..=to).collect()),
            _ => {
                value.fault(format!(
                    "expected a range such as \"2..10\" or a list such as [2, 4], found {text:?}"
                ));
                None
            }
        };
    }
    let ks: Option<Vec<u64>> = value.list()?.iter().map(|v| v.whole(SIZE)).collect();
    let mut ks: Vec<usize> = ks?.into_iter().map(|k| k as usize).collect();
    ks.sort_unstable();
    ks.dedup();
    if ks.is_empty() {
        value.fault("expected at least one k");
    }
    Some(ks)
}

/// `"0" = "Beginners"`: segments by their numbers.
fn names(section: &Section<'_>) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for (key, value) in section.entries() {
        // One way to write each number, so that no segment is named twice.
        let Some(segment) = key.parse::<u32>().ok().filter(|n| n.to_string() == key) else {
            value.fault(format!("expected the number of a segment, 0, 1 and so on, found {key:?}"));
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

/// Whether a text can be a segment's name; otherwise why not.
pub(crate) fn fit_for_a_name(name: &str) -> std::result::Result<(), String> {
    if name.trim().is_empty() {
        return Err("expected a name, found nothing".into());
    }
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("a name cannot hold a line break or another control character, found {c:?}")),
        None => Ok(()),
    }
}

fn output(section: Section<'_>) -> Output {
    let output = Output {
        folder: section.take("folder").and_then(|v| file(&v)),
        features: section.take("features").and_then(|v| file(&v)),
    };
    section.finish();
    output
}
