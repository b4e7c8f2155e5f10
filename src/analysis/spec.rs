//! Everything that a user can choose about an analysis, with every default, in one plain type.
//!
//! The command line, a recipe and a library user each build a [`Spec`] and nothing else. [`Spec::default`] reads the
//! table at [`Input::path`], chooses features by rules, sweeps k from 2 to 10, and fits the k that scores best.

use super::charts::ChartSpec;
use super::choose_k::check_ks;
use super::compare::Cross;
use super::compare_methods::OtherMethod;
use super::init::Init;
use super::regroup::Regroup;
use super::stability::Stability;
use crate::cluster::Method;
use crate::describe;
use crate::error::{Error, Result};
use crate::model::Persona;
use crate::profile;
use crate::questions::Question;
use crate::recipe::Recipe;
use crate::sweep::Rule;
use crate::synth;
use crate::table::ReadOptions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// The k that a sweep tries by default.
pub const DEFAULT_KS: RangeInclusive<usize> = 2..=10;

/// The default folder for results.
pub const DEFAULT_FOLDER: &str = "segmenta-out";

/// What an analysis does: where its table is, how the columns are prepared, what is computed and what is written.
///
/// Stages that are `None` are skipped, so the same type describes a whole run, only a sweep, or only Hopkins'
/// statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// Where the table is and how it is read.
    pub input: Input,
    /// Which columns are made, which rows are left out, and which columns become features.
    pub recipe: Recipe,
    /// The seed of everything random: the same seed gives the same result.
    pub seed: u64,
    /// Whether to compute Hopkins' statistic, which tests whether the table has any clusters at all.
    pub tendency: Option<Tendency>,
    /// Whether to fit and score a range of k. A fit without k sweeps [`DEFAULT_KS`] even if this is `None`.
    pub sweep: Option<Sweep>,
    /// Whether to find segments and make a model of them.
    pub fit: Option<Fit>,
    /// Which segments of the fit are merged and split. If a fit starts from a model and this is empty, the model's merges
    /// and splits are kept.
    pub regroup: Regroup,
    /// The clustering method and its parameters.
    pub method: Method,
    /// How k is chosen from a sweep.
    pub choose_k: ChooseK,
    /// Whether a fit or a sweep says if the table has structure at all.
    pub structure: bool,
    /// Which columns describe the segments of a fit; `None`: the segments are not described.
    pub profile: Option<profile::Options>,
    /// Whether bootstrap samples and cohorts of the rows are fitted too, to see if the segments of a fit hold.
    pub stability: Option<Stability>,
    /// Labellings by rules that the segments of a fit are compared with.
    pub comparisons: Vec<Cross>,
    /// Other clustering methods on the same rows, to be compared with the fit.
    pub compare_methods: Vec<OtherMethod>,
    /// What is described of the prepared table itself; `None`: nothing.
    pub describe: Option<describe::Options>,
    /// Names for segments, by number.
    pub names: BTreeMap<u32, String>,
    /// What people say about segments besides their names, by number.
    pub personas: BTreeMap<u32, Persona>,
    /// Questions to the table and its segments.
    pub questions: Vec<Question>,
    /// Charts that the report shows besides its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<ChartSpec>,
    /// Conditions that a result must meet.
    pub gates: Gates,
    /// What the report shows, and what it must not show.
    pub report: Report,
    /// The text of the recipe's file, if it was read from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe_text: Option<String>,
    /// Where a recipe wants its results written.
    pub output: Output,
    /// The most bytes of memory that the analysis may use; `None`: 80 % of what is free on the machine.
    pub max_memory: Option<u64>,
}

/// What the report shows, and what it must not show. A report goes to many people, so it names nobody unless it is told to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// The title of the page; `None` makes one from the table's name.
    pub title: Option<String>,
    /// Nothing is said about fewer rows than this; 0 hides nothing for being about few rows.
    pub min_rows: u64,
    /// Columns whose texts are shown whatever they look like and however few rows they have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub show: Vec<String>,
    /// Whether single rows are shown, where a question lists some or asks for the smallest or the largest value.
    pub rows: bool,
    /// Whether points and typical members carry the ids of their rows.
    pub ids: bool,
}

impl Report {
    /// Whether the recipe wishes nothing else than what is usual.
    pub fn is_usual(&self) -> bool {
        *self == Report::default()
    }
}

impl Default for Report {
    fn default() -> Self {
        Report { title: None, min_rows: 5, show: Vec::new(), rows: false, ids: false }
    }
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            input: Input::default(),
            recipe: Recipe::default(),
            seed: 0,
            tendency: None,
            sweep: None,
            fit: Some(Fit::default()),
            regroup: Regroup::default(),
            method: Method::default(),
            choose_k: ChooseK::default(),
            structure: true,
            profile: Some(profile::Options::default()),
            stability: None,
            comparisons: Vec::new(),
            compare_methods: Vec::new(),
            describe: None,
            names: BTreeMap::new(),
            personas: BTreeMap::new(),
            questions: Vec::new(),
            charts: Vec::new(),
            gates: Gates::default(),
            report: Report::default(),
            recipe_text: None,
            output: Output::default(),
            max_memory: None,
        }
    }
}

impl Spec {
    /// Checks what can be checked without a table. `init` is the file that the fit starts from, once it has been read.
    ///
    /// # Errors
    /// Choices that contradict one another.
    pub fn check(&self, init: Option<&Init>) -> Result<()> {
        let fit = self.fit.as_ref();
        let k = fit.and_then(|fit| fit.k);
        self.check_method(k)?;
        let chooses = fit.is_some_and(|fit| fit.k.is_none() && fit.init.is_none()) && !self.method.finds_k();
        if chooses || (fit.is_none() && self.sweep.is_some()) {
            let ks = self.sweep.as_ref().and_then(|sweep| sweep.k.as_deref());
            check_ks(ks, self.choose_k.min_k)?;
        }
        if let Some(k) = k {
            self.regroup.check(k, &self.recipe.source)?;
        }
        if k == Some(1) && fit.is_some_and(|fit| fit.silhouette) {
            return Err(Error::Usage("a silhouette needs at least two segments, but k is 1".into()));
        }
        if init.is_none() && fit.is_some_and(|fit| fit.previous.is_some() && fit.init.is_none()) {
            let what = "last time's assignments say nothing without last time's model; name the model.json too, with --init \
                        or as init under [analysis]";
            return Err(Error::Usage(what.into()));
        }
        match (init, k) {
            (Some(init), Some(k)) if init.k() != k => {
                let (path, centroids) = (init.path().display(), init.k());
                Err(Error::Usage(format!(
                    "k is {k}, but {path}, from which the fit should start, has {centroids} centroids; leave k out, \
                     or start from another file"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether a sweep computes the gap statistic for a table of so many rows. It compares fits of KMeans.
    pub(super) fn with_gap(&self, rows: usize) -> bool {
        matches!(self.method, Method::KMeans(_)) && self.choose_k.with_gap(rows)
    }

    /// Whether a sweep computes how stable segments are for a table of so many rows. It looks at fits of KMeans.
    pub(super) fn with_stability(&self, rows: usize) -> bool {
        matches!(self.method, Method::KMeans(_)) && self.choose_k.with_stability(rows)
    }

    /// Checks that the method can do what is asked of it.
    fn check_method(&self, k: Option<usize>) -> Result<()> {
        let (method, title) = (&self.method, self.method.title());
        if method.finds_k() {
            let asked = match k {
                Some(_) => Some("number of segments (k)"),
                None => self.sweep.as_ref().map(|_| "sweep over k"),
            };
            if let Some(asked) = asked {
                return Err(Error::Usage(format!(
                    "{title} finds the number of segments by itself, so it takes no {asked}; leave it out, or choose another \
                     method"
                )));
            }
        }
        if !matches!(method, Method::KMeans(_)) {
            let ChooseK { rule, gap, stability, .. } = self.choose_k;
            let asked = match () {
                () if rule.needs_gap() || rule.needs_stability() => Some(word_of(Rule::WORDS, &rule)),
                () if gap == Some(true) => Some("gap"),
                () if stability == Some(true) => Some("stability"),
                () => None,
            };
            if let Some(asked) = asked {
                return Err(Error::Usage(format!(
                    "{asked} compares the fits of a sweep with KMeans fits of other tables, so it needs the method kmeans, not {}",
                    method.name()
                )));
            }
        }
        if !matches!(method, Method::Gmm(_)) {
            let rule = self.choose_k.rule;
            let asked = match self.output.responsibilities {
                Some(_) => Some("responsibilities are"),
                None if matches!(rule, Rule::Bic | Rule::Aic) => Some("bic and aic are figures"),
                None => None,
            };
            if let Some(asked) = asked {
                let what =
                    format!("{asked} of Gaussian mixtures, so the method must be gmm, not {}", method.name());
                return Err(Error::Usage(what));
            }
        }
        if !self.regroup.is_empty() && !method.can_be_regrouped() {
            return Err(Error::Usage(format!(
                "merge and split need segments of KMeans or of a Gaussian mixture, and not those of {title}; leave them out, or \
                 use the method kmeans or gmm"
            )));
        }
        Ok(())
    }
}

/// Where the table is and how it is read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// The file; `-` is stdin.
    pub path: Option<PathBuf>,
    /// A made-up example table to use instead of a file.
    pub synth: Option<synth::Example>,
    /// How many rows the made-up table has; `None`: as many as in the published analysis.
    pub rows: Option<usize>,
    /// Whether the made-up table has the truth as more columns, which only the survey has.
    pub truth: bool,
    /// How the file is read.
    pub read: ReadOptions,
}

/// Hopkins' statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tendency {
    /// How many random rows and how many random points to probe, at most a tenth of the rows; `None`: a tenth of the
    /// rows, but no more than 2,000.
    pub probes: Option<u32>,
}

/// A sweep over k.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sweep {
    /// Which k to fit; `None`: [`DEFAULT_KS`], or fewer if the table has fewer distinct rows.
    pub k: Option<Ks>,
    /// Number of restarts for each k; `None`: the same number as the fit.
    pub n_init: Option<u32>,
}

/// A fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fit {
    /// How many segments; `None`: the sweep chooses.
    pub k: Option<usize>,
    /// A file to start from instead of k-means++ restarts: centroids (`.csv`, `.npy`), or an earlier `model.json`, in
    /// which case matching segments keep their numbers and names.
    pub init: Option<PathBuf>,
    /// Last time's assignments, to say who moved; `None`: those beside the earlier `model.json`.
    pub previous: Option<PathBuf>,
    /// Whether to compute the segments' silhouette if no sweep did.
    pub silhouette: bool,
}

/// How k is chosen from a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChooseK {
    /// What makes one k better than another.
    pub rule: Rule,
    /// The smallest k that may be chosen. A split in two often has the highest silhouette, but only because it separates
    /// a few outliers from everybody else.
    pub min_k: usize,
    /// Compute silhouettes on this many randomly drawn rows; `None`: on all rows, exactly.
    pub sample: Option<u32>,
    /// Whether to compute the gap statistic; `None`: if the rule needs it, or the table has at most
    /// [`SMALL`](Self::SMALL) rows.
    pub gap: Option<bool>,
    /// Whether to compute how stable segments are; `None`: as for `gap`.
    pub stability: Option<bool>,
}

impl ChooseK {
    /// Up to so many rows the gap statistic and stability are computed unasked, because they take little time.
    pub const SMALL: usize = 20_000;

    /// Whether the gap statistic is computed for a table of so many rows.
    pub fn with_gap(&self, rows: usize) -> bool {
        self.rule.needs_gap() || self.gap.unwrap_or(rows <= Self::SMALL)
    }

    /// Whether stability is computed for a table of so many rows.
    pub fn with_stability(&self, rows: usize) -> bool {
        self.rule.needs_stability() || self.stability.unwrap_or(rows <= Self::SMALL)
    }
}

impl Default for ChooseK {
    fn default() -> Self {
        ChooseK { rule: Rule::Silhouette, min_k: 3, sample: None, gap: None, stability: None }
    }
}

/// Conditions that a result must meet; a batch job can stop if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gates {
    /// The smallest share of the rows that a segment may have, in percent.
    pub min_segment_pct: f64,
}

/// Where results are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The folder of the results; `None`: [`DEFAULT_FOLDER`].
    pub folder: Option<PathBuf>,
    /// Files for the matrix of scaled features, each in the format that its name says.
    pub features: Vec<PathBuf>,
    /// A file for the responsibilities of a Gaussian mixture.
    pub responsibilities: Option<PathBuf>,
    /// Files in the results' folder for the table with the recipe's columns, each in the format that its name says.
    pub table: Vec<PathBuf>,
    /// Names or globs of the columns that go into them; if there are none, all.
    pub table_columns: Vec<String>,
    /// A folder in the results' folder for the charts and tables of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charts: Option<PathBuf>,
    /// Whether there is a report; `None`: there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<bool>,
}

/// The k of a sweep: at least one, in ascending order, without repeats.
///
/// ```
/// let ks: segmenta::analysis::Ks = "2..5".parse().unwrap();
/// assert_eq!(*ks, [2, 3, 4, 5]);
/// assert_eq!(*"8,2,4".parse::<segmenta::analysis::Ks>().unwrap(), [2, 4, 8]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<usize>", into = "Vec<usize>")]
pub struct Ks(Vec<usize>);

/// How many k a range may have: more than any sweep needs, but few enough to catch a typing error.
const MOST_KS: usize = 10_000;

impl TryFrom<Vec<usize>> for Ks {
    type Error = String;

    fn try_from(mut ks: Vec<usize>) -> std::result::Result<Self, String> {
        ks.sort_unstable();
        ks.dedup();
        match ks.first() {
            None => Err("expected at least one k".into()),
            Some(0) => Err("expected k to be 1 or more, found 0".into()),
            Some(_) => Ok(Ks(ks)),
        }
    }
}

impl From<Ks> for Vec<usize> {
    fn from(ks: Ks) -> Self {
        ks.0
    }
}

impl FromStr for Ks {
    type Err = String;

    /// A range with both ends, such as `2..10`, or a list, such as `2,4,8`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |t: &str| match t.trim().parse::<usize>() {
            Ok(k) if k >= 1 => Ok(k),
            _ => Err(format!("expected a range such as 2..10 or a list such as 2,4,8, found {text:?}")),
        };
        let Some((low, high)) = text.split_once("..") else {
            return Ks::try_from(text.split(',').map(number).collect::<std::result::Result<Vec<_>, _>>()?);
        };
        let (low, high) = (number(low)?, number(high.trim_start_matches('='))?);
        if low > high {
            return Err(format!(
                "{text:?} is an empty range, because its first k is larger than its last; write the smaller first, as in 2..10"
            ));
        }
        if high - low >= MOST_KS {
            return Err(format!("{low}..{high} has more than {MOST_KS} values of k; sweep a smaller range"));
        }
        Ok(Ks((low..=high).collect()))
    }
}

impl std::ops::Deref for Ks {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

/// Parses the delimiter of a text table: one ASCII character, or the word `tab`.
///
/// # Errors
/// What was expected, as a sentence.
pub fn parse_delimiter(text: &str) -> std::result::Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        (_, &[byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(byte),
        _ => Err(format!(
            "expected one ASCII character (no quote or line break) or the word tab, found {text:?}"
        )),
    }
}

/// The word for a value in a list of words and values, as flags and recipes use them.
pub fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, v)| v == value).map_or("", |(word, _)| word)
}
