//! The made-up tables by name, for recipes and the command line.

use super::{enthusiasts, first_day, learners, survey};
use crate::table::Table;
use serde::{Deserialize, Serialize};

/// A made-up table that imitates the data of a published analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Example {
    /// Users of a learning platform and their pay.
    Learners,
    /// What users do on the day they sign up.
    FirstDay,
    /// A survey of data practitioners.
    Survey,
    /// Who signed up for a course.
    Enthusiasts,
}

impl Example {
    /// The name of each table.
    pub const WORDS: &[(&str, Example)] = &[
        ("learners", Example::Learners),
        ("first-day", Example::FirstDay),
        ("survey", Example::Survey),
        ("enthusiasts", Example::Enthusiasts),
    ];

    /// The default number of rows, which for most tables is that of the published one.
    pub fn rows(self) -> usize {
        match self {
            Example::Learners => 205_843,
            Example::FirstDay | Example::Survey => 20_000,
            Example::Enthusiasts => 72,
        }
    }

    /// Generates the table with the truth as more columns ([`Survey::with_truth`](super::Survey::with_truth)); `None` for
    /// a table that has no truth to find.
    pub fn table_with_truth(self, rows: usize, seed: u64) -> Option<Table> {
        (self == Example::Survey).then(|| survey(rows, seed).with_truth().table())
    }

    /// Generates the table.
    pub fn table(self, rows: usize, seed: u64) -> Table {
        match self {
            Example::Learners => learners(rows, seed).table(),
            Example::FirstDay => first_day(rows, seed).table(),
            Example::Survey => survey(rows, seed).table(),
            Example::Enthusiasts => enthusiasts(rows, seed).table(),
        }
    }
}
