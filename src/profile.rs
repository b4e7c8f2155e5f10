//! What the segments are: each segment described in the table's own columns and units.
//!
//! [`profile`] takes a table, the segment of each row, and says for every segment how large it is, what its numbers and
//! categories are like, and what sets it apart from the rest: its *traits*. It reads any column of the table, whether or
//! not the segments were made from it.
//!
//! ```
//! use segmenta::profile::{Context, Members, Options, profile};
//! use segmenta::table::{Column, Table, Values};
//!
//! let pay = Values::Number((0..100).map(|i| f64::from(i % 7 + if i < 40 { 20 } else { 5 })).collect());
//! let table = Table { rows: 100, columns: vec![Column { name: "pay".into(), values: pay }], ..Table::default() };
//! let segments: Vec<Option<u32>> = (0..100).map(|i| Some(u32::from(i < 40))).collect();
//! let members = Members::new(&segments, 2, None)?;
//! let found = profile(&table, &members, &Options::default(), &Context::default())?;
//! assert_eq!(found.segments[1].description, "very high pay");
//! assert_eq!(found.segments[1].numeric.get("pay").unwrap().median, Some(23.0));
//! # Ok::<(), segmenta::Error>(())
//! ```
//!
//! # Traits
//!
//! For each segment, every column of numbers is compared with the same column in the rest of the rows, and so is every
//! category. A trait is a difference that is both
//!
//! - too large to be noise: the q-value of its test is below 0.05, after Benjamini and Hochberg's correction for all
//!   comparisons of the profile. Means are tested by Welch's t-test, shares by the chi-squared test, or Fisher's exact
//!   test where counts are small;
//! - and large enough to matter: its effect is at least 0.2, which Cohen (1988) calls small. The effect is Cohen's d for
//!   means and Cohen's h for shares.
//!
//! Traits are sorted by the size of their effect, because in a large table the smallest difference has a tiny p-value. Of
//! columns that say the same, such as a price and its logarithm, only the first is among the traits.
//!
//! In the columns that were features, a small q-value is no evidence that the segments exist: they were made to differ
//! there. See [`inference`].

mod alike;
mod choose;
mod compare;
pub mod inference;
mod lifts;
mod members;
mod middle;
mod numbers;
mod ruled;
pub mod rules;
mod shares;
mod typical;
mod words;

pub use alike::Alike;
pub use choose::{LeftOut, Options, choose};
pub use lifts::Lift;
pub use members::Members;
pub use middle::numeric_figures;
pub use numbers::NumericFigures;
pub use shares::{LevelShare, OTHER};
pub use typical::{DOUBT, Place};
pub use words::{NAMED, describe, phrase, strongest};

use crate::error::Result;
use crate::table::{Column, Table};
use compare::{Comparison, compare_means, compare_shares};
use inference::{benjamini_hochberg, wilson};
use numbers::Numbers;
use rayon::prelude::*;
use rules::Rule;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shares::Shares;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A difference whose q-value is not below this may be noise.
pub const MOST_Q: f64 = 0.05;

/// A difference with a smaller effect than this is not worth naming.
pub const LEAST_EFFECT: f64 = 0.2;

/// A segment with a difference of this effect that may be noise is not called average. Cohen (1988) calls it medium.
const UNCLEAR_EFFECT: f64 = 0.5;

/// What a profile has to know besides the table.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The segments' names, by number.
    pub names: Vec<Option<String>>,
    /// The columns that the segments were made from. Of columns that say the same, they come first.
    pub features: Vec<String>,
    /// Columns that are never described: the ids and the weights of the rows.
    pub never: Vec<String>,
    /// Columns and the text in them that stands for all texts without a name of their own. It is counted like any other
    /// text, but says nothing about a segment.
    pub rest: Vec<(String, String)>,
    /// What columns are about, by name.
    pub topics: BTreeMap<String, String>,
}

impl Context {
    /// Whether a trait is about the texts that have no name of their own.
    fn is_rest(&self, one: &Trait) -> bool {
        self.rest.iter().any(|(column, rest)| *column == one.column && one.level.as_ref() == Some(rest))
    }
}

/// What all segments are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The segments, by their numbers.
    pub segments: Vec<SegmentProfile>,
    /// The figures of all rows, by column of numbers.
    pub overall: ByColumn<NumericFigures>,
    /// The columns, beginning with the one that differs most between segments.
    pub separation: Vec<Separation>,
    /// How many comparisons were made, for all of which the q-values are corrected.
    pub comparisons: usize,
    /// Columns that say the same as another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<Alike>,
    /// Columns that are not described, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// What a segment is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentProfile {
    /// Its number.
    pub segment: u32,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many rows; rows of weight 0 are not counted.
    pub size: u64,
    /// Its share of the rows, or of their weight.
    pub share: f64,
    /// The segment in one line.
    pub description: String,
    /// What sets it apart, the strongest first.
    pub traits: Vec<Trait>,
    /// The answers that are given more often than by all, the largest lift first, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifts: Vec<Lift>,
    /// How many of its rows are nearly as near to another segment ([`DOUBT`]), if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<u64>,
    /// The ids or numbers of the rows that are nearest to its centroid, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typical: Vec<String>,
    /// How its rows can be told from the others, if that was asked for and there is a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Why there is no rule, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_rule: Option<String>,
    /// Its numbers, by column.
    pub numeric: ByColumn<NumericFigures>,
    /// Its categories, by column; the commonest in the table come first.
    pub levels: ByColumn<Vec<LevelShare>>,
    /// How many of its rows have no value, for the columns in `levels` where some do not.
    #[serde(default, skip_serializing_if = "ByColumn::is_empty")]
    pub missing: ByColumn<u64>,
}

/// Whether a value is a mean or a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// The mean of a column of numbers, in its own units.
    Mean,
    /// The share of rows of a category, or of rows with a 1 in a column of 0 and 1.
    Share,
}

/// A difference between a segment and the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trait {
    /// The column.
    pub column: String,
    /// The category; `None` for numbers.
    pub level: Option<String>,
    /// What the column is about, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Whether the value is a mean or a share.
    pub measure: Measure,
    /// The mean or the share in the segment.
    pub value: f64,
    /// The same in all rows.
    pub overall: f64,
    /// How far the segment is from the rest: Cohen's d of means, Cohen's h of shares; above 0 where the segment has more.
    pub effect: f64,
    /// The lower end of the value's 95 % interval; `None` for the mean of a single row.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The p-value, corrected for all comparisons of the profile.
    pub q_value: f64,
}

/// How much a column differs between segments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// The column.
    pub column: String,
    /// The share of the column's variance that lies between segments: eta squared of numbers, Goodman and Kruskal's tau of
    /// categories.
    pub share: f64,
    /// Whether the segments were made from it.
    pub feature: bool,
    /// Whether the segments are compared by its mean, or by shares: of categories, or of ones among 0 and 1.
    pub measure: Measure,
}

/// Something for each column, in the order of the columns. In JSON it is an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ByColumn<T>(pub Vec<(String, T)>);

impl<T> ByColumn<T> {
    /// What there is for this column.
    pub fn get(&self, column: &str) -> Option<&T> {
        self.0.iter().find(|(name, _)| name == column).map(|(_, of)| of)
    }

    /// Whether there is nothing for any column.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByColumn<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// Reads an object with its keys in the order in which they stand there.
struct InOrder<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
    type Value = ByColumn<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value for each column")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = map.next_entry()? {
            columns.push(column);
        }
        Ok(ByColumn(columns))
    }
}

impl<T: Serialize> Serialize for ByColumn<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, of)| (name, of)))
    }
}

/// Describes the segments of a table's rows. The result is the same for any number of threads.
///
/// # Errors
/// A column of the options that the table does not have; members of another table.
pub fn profile(table: &Table, members: &Members, options: &Options, context: &Context) -> Result<Profile> {
    let (columns, mut left_out) = choose(table, options, &context.never)?;
    if members.table_rows() != table.rows {
        let (rows, others) = (table.rows, members.table_rows());
        return Err(crate::Error::data(format!(
            "these are the segments of {others} rows, and the table has {rows}"
        )));
    }
    let figures: Vec<std::result::Result<Figures, &str>> =
        columns.par_iter().map(|column| Figures::of(column, members, options.top)).collect();
    let (mut described, mut all) = (Vec::new(), Vec::new());
    for (column, figures) in columns.into_iter().zip(figures) {
        match figures {
            Ok(figures) => {
                described.push(column);
                all.push(figures);
            }
            Err(why) => left_out.push(LeftOut { column: column.name.clone(), why: why.into() }),
        }
    }
    let is_feature = |c: usize| context.features.contains(&described[c].name);
    // The order of columns that the user names is the user's.
    let mut first: Vec<usize> = (0..described.len()).collect();
    if options.columns.is_empty() {
        first.sort_by_key(|&c| !is_feature(c));
    }
    let like = alike::alike(&described, &first, members);
    let compared: Vec<Vec<Comparison>> = all.par_iter().map(|figures| figures.compare(members)).collect();
    let p: Vec<f64> = compared.iter().flatten().map(|c| c.p).collect();
    let mut q = benjamini_hochberg(&p).into_iter();
    let mut traits: Vec<Vec<(f64, Trait)>> = vec![Vec::new(); members.k()];
    let mut unclear = vec![false; members.k()];
    for (c, comparisons) in compared.iter().enumerate() {
        for comparison in comparisons {
            let q_value = q.next().unwrap_or(1.0);
            unclear[comparison.segment] |= comparison.effect.abs() >= UNCLEAR_EFFECT;
            let found = q_value < MOST_Q && comparison.effect.abs() >= LEAST_EFFECT;
            if found && like[c].is_none() && !comparison.mirrored {
                let mut one = comparison.as_trait(&described[c].name, &all[c], q_value);
                one.topic = context.topics.get(&one.column).cloned();
                if !context.is_rest(&one) {
                    traits[comparison.segment].push((comparison.p, one));
                }
            }
        }
    }
    let total: u128 = (0..members.k()).map(|s| members.weight(s)).sum();
    let mut lifts = match options.lifts {
        0 => vec![Vec::new(); members.k()],
        most => lifts::lifts(&described, &all, members, &context.topics, most)?,
    };
    let segments = traits.into_iter().enumerate().map(|(s, mut traits)| {
        traits.sort_by(|(p, a), (r, b)| b.effect.abs().total_cmp(&a.effect.abs()).then(p.total_cmp(r)));
        let traits: Vec<Trait> = traits.into_iter().map(|(_, one)| one).collect();
        let description = match members.k() {
            1 => "all rows".into(),
            _ if members.of(s).is_empty() => "no rows".into(),
            // Of most rows nothing is unclear; the others may be few.
            _ if traits.is_empty() && unclear[s] && 2 * members.of(s).len() <= members.rows() => {
                "too few rows to tell what sets it apart".into()
            }
            _ => describe(&traits),
        };
        let named = described.iter().zip(&all);
        SegmentProfile {
            segment: s as u32,
            name: context.names.get(s).cloned().flatten(),
            size: members.of(s).len() as u64,
            share: members.weight(s) as f64 / total as f64,
            description,
            traits,
            lifts: std::mem::take(&mut lifts[s]),
            in_doubt: None,
            typical: Vec::new(),
            rule: None,
            no_rule: None,
            numeric: ByColumn(
                named.clone().filter_map(|(c, f)| Some((c.name.clone(), f.numeric(s)?))).collect(),
            ),
            missing: ByColumn(
                named.clone().filter_map(|(c, f)| Some((c.name.clone(), f.missing(s)?))).collect(),
            ),
            levels: ByColumn(
                named.filter_map(|(c, f)| Some((c.name.clone(), f.levels(s, members)?))).collect(),
            ),
        }
    });
    let segments = segments.collect();
    let overall = described.iter().zip(&all).filter_map(|(c, f)| match f {
        Figures::Numbers(numbers) => Some((c.name.clone(), numbers.overall)),
        Figures::Shares(_) => None,
    });
    let overall = ByColumn(overall.collect());
    let mut separation: Vec<Separation> = all
        .iter()
        .enumerate()
        .map(|(c, figures)| Separation {
            column: described[c].name.clone(),
            share: figures.separation(),
            feature: is_feature(c),
            measure: figures.measure(),
        })
        .collect();
    separation.sort_by(|a, b| b.share.total_cmp(&a.share));
    let alike = like.iter().enumerate().filter_map(|(c, other)| {
        Some(Alike { column: described[c].name.clone(), like: described[(*other)?].name.clone() })
    });
    let alike = alike.collect();
    Ok(Profile { segments, overall, separation, comparisons: p.len(), alike, left_out })
}

/// The figures of one column.
enum Figures {
    Numbers(Numbers),
    Shares(Shares),
}

impl Comparison {
    fn as_trait(&self, column: &str, figures: &Figures, q_value: f64) -> Trait {
        let level = match figures {
            Figures::Shares(shares) => self.level.map(|level| shares.levels[level].clone()),
            Figures::Numbers(_) => None,
        };
        Trait {
            column: column.into(),
            level,
            topic: None,
            measure: self.measure,
            value: self.value,
            overall: self.overall,
            effect: self.effect,
            low: self.interval.map(|(low, _)| low),
            high: self.interval.map(|(_, high)| high),
            q_value,
        }
    }
}

impl Figures {
    /// Of a column; otherwise why it has none.
    fn of(column: &Column, members: &Members, top: usize) -> std::result::Result<Self, &'static str> {
        const EMPTY: &str = "every value is missing";
        if column.values.len() != members.table_rows() {
            return Err("it has another number of rows than the table");
        }
        match column.values.numbers() {
            Some(numbers) => {
                let numbers =
                    Numbers::of(&numbers, members).ok_or("numbers too large for a mean and a deviation")?;
                if numbers.all.steps == 0 { Err(EMPTY) } else { Ok(Figures::Numbers(numbers)) }
            }
            None => Shares::of(&column.values, members, top).map(Figures::Shares).ok_or(EMPTY),
        }
    }

    fn measure(&self) -> Measure {
        match self {
            Figures::Numbers(Numbers { ones: None, .. }) => Measure::Mean,
            _ => Measure::Share,
        }
    }

    /// Compares each segment with the rest.
    fn compare(&self, members: &Members) -> Vec<Comparison> {
        if members.k() < 2 {
            return Vec::new();
        }
        match self {
            Figures::Numbers(numbers) => match &numbers.ones {
                None => compare_means(numbers, members),
                Some(ones) => {
                    let totals: Vec<u128> = numbers.moments.iter().map(|m| m.steps).collect();
                    let squares: Vec<f64> = numbers.moments.iter().map(|m| m.step_squares).collect();
                    compare_shares(None, ones, (&totals, &squares), members)
                }
            },
            Figures::Shares(shares) => {
                let compared = shares.levels.len() - usize::from(shares.pooled);
                let two = shares.levels.len() == 2;
                (0..compared)
                    .flat_map(|level| {
                        let totals = (&shares.totals[..], &shares.squares[..]);
                        let mut found = compare_shares(Some(level), &shares.counts[level], totals, members);
                        if two {
                            let truth = |level: &str| level == "true" || level == "false";
                            let states = shares.levels.iter().all(|level| truth(level));
                            let mirrored = |c: &Comparison| match states {
                                true => shares.levels[level] == "false",
                                false => c.effect < 0.0,
                            };
                            found.iter_mut().for_each(|c| c.mirrored = mirrored(c));
                        }
                        found
                    })
                    .collect()
            }
        }
    }

    fn numeric(&self, segment: usize) -> Option<NumericFigures> {
        match self {
            Figures::Numbers(numbers) => Some(numbers.figures[segment]),
            Figures::Shares(_) => None,
        }
    }

    /// How many rows have no category, if any do.
    fn missing(&self, segment: usize) -> Option<u64> {
        match self {
            Figures::Shares(shares) => Some(shares.missing[segment]).filter(|&missing| missing > 0),
            Figures::Numbers(_) => None,
        }
    }

    fn levels(&self, segment: usize, members: &Members) -> Option<Vec<LevelShare>> {
        let Figures::Shares(shares) = self else { return None };
        let total = shares.totals[segment];
        let all: u128 = shares.totals.iter().sum();
        let worth = members.worth(total, shares.squares[segment]);
        let one = |(level, counts): (&String, &Vec<u128>)| {
            let share = ratio(counts[segment], total);
            let overall = ratio(counts.iter().sum(), all);
            // Without rows that have a value, a share may be anything.
            let (low, high) = wilson(share, worth).unwrap_or((0.0, 1.0));
            LevelShare { level: level.clone(), share, overall, lift: share - overall, low, high }
        };
        Some(shares.levels.iter().zip(&shares.counts).map(one).collect())
    }

    /// The share of the column's variance that lies between segments.
    fn separation(&self) -> f64 {
        let (between, all) = match self {
            Figures::Numbers(numbers) => {
                let within: f64 = numbers.moments.iter().map(|m| m.squares).sum();
                (numbers.all.squares - within, numbers.all.squares)
            }
            Figures::Shares(shares) => {
                let total = shares.totals.iter().sum::<u128>();
                let (mut between, mut all) = (0.0, 0.0);
                for counts in &shares.counts {
                    let overall = ratio(counts.iter().sum(), total);
                    all += overall * (1.0 - overall) * total as f64;
                    for (&count, &of) in counts.iter().zip(&shares.totals) {
                        let apart = ratio(count, of) - overall;
                        between += if of > 0 { of as f64 * apart * apart } else { 0.0 };
                    }
                }
                (between, all)
            }
        };
        if all > 0.0 { (between / all).clamp(0.0, 1.0) } else { 0.0 }
    }
}

fn ratio(part: u128, all: u128) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}
