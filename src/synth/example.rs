//! The made-up tables by name, as recipes and the command line know them.

use super::{enthusiasts, first_day, learners, survey};
use crate::table::Table;
use serde::{Deserialize, Serialize};

/// A made-up table in the shape of a published analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Example {
    /// Learners of a tech-learning platform.
    Learners,
    /// What users do on the day they sign up.
    FirstDay,
    /// A survey of data practitioners.
    Survey,
    /// Who signed up for a course.
    Enthusiasts,
}

impl Example {
    /// Each by its name.
    pub const WORDS: &[(&str, Example)] = &[
        ("learners", Example::Learners),
        ("first-day", Example::FirstDay),
        ("survey", Example::Survey),
        ("enthusiasts", Example::Enthusiasts),
    ];

    /// How many rows it has where nobody says how many: for most, as many as the published table.
    pub fn rows(self) -> usize {
        match self {
            Example::Learners => 205_843,
            Example::FirstDay | Example::Survey => 20_000,
            Example::Enthusiasts => 72,
        }
    }

    /// Makes the table.
    pub fn table(self, rows: usize, seed: u64) -> Table {
        match self {
            Example::Learners => learners(rows, seed).table(),
            Example::FirstDay => first_day(rows, seed).table(),
            Example::Survey => survey(rows, seed).table(),
            Example::Enthusiasts => enthusiasts(rows, seed).table(),
        }
    }
}
