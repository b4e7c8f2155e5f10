//! A large made-up table: learners and their pay.
//!
//! This module is its public side: the rows, and the texts that their codes stand for. `plan` generates the rows.

use std::io::{self, Write};
use std::sync::Arc;

use rayon::prelude::*;

use super::permutation::Permutation;
use super::plan::{Once, Plan, email};
use super::sheet::{Cells, Sheet, ascii};
use super::titles::title;
use crate::random::{Draws, Purpose};
use crate::table::Table;

/// One row of the table. Companies, e-mail addresses and positions are codes that stand for texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Learner {
    /// The company's code; `None` is an empty cell. See [`Learners::company_hash`].
    pub company: Option<u32>,
    /// The code of the person's e-mail address. One person can have several rows. See [`Learners::email_hash`].
    pub email: u64,
    /// The year of graduation as it was typed in, including impossible ones; `None` is an empty cell.
    pub orgyear: Option<i16>,
    /// Yearly pay in rupees.
    pub ctc: u32,
    /// The code of the job position; `None` is an empty cell. See [`Learners::job_position`].
    pub position: Option<u16>,
    /// The year in which the pay was last updated.
    pub ctc_updated_year: u16,
}

/// The learner table. It stores the rows as codes and creates the texts on demand.
#[derive(Debug, Clone)]
pub struct Learners {
    seed: u64,
    rows: Vec<Learner>,
    companies: usize,
}

/// Generates a learner table of any number of rows.
///
/// With 205,843 rows it reproduces the figures published for the table of a real platform, under any seed:
///
/// - Exactly: the numbers of missing cells, no duplicate rows, 52,400 repeated e-mails, 37,300 companies, 1,016
///   positions, the years of the last update, the quantiles of `orgyear` and the extremes of `ctc`.
/// - Within a few per cent: the other quantiles of `ctc`.
/// - To about 0.1: the skewness of `ctc` (15.97) and of its logarithm (-0.23).
/// - To about 0.01: the correlations of experience with the company's mean experience (0.620), of pay with the
///   company's mean pay (0.599) and of experience with pay (0.024).
///
/// Tables of other sizes have the same proportions, small ones as far as possible. Above twelve million rows the number
/// of positions stays at its maximum, 57,364. A row takes 32 bytes.
pub fn learners(rows: usize, seed: u64) -> Learners {
    let plan = Plan::new(rows, seed);
    let made = (0..rows).into_par_iter().with_min_len(1_024).map(|r| plan.row(r as u64)).collect();
    Learners { seed, rows: made, companies: plan.companies }
}

impl Learners {
    /// The rows, in order.
    pub fn rows(&self) -> &[Learner] {
        &self.rows
    }

    /// The number of companies. Their codes are smaller than this.
    pub fn companies(&self) -> usize {
        self.companies
    }

    /// The name of a company: two random words of lowercase letters.
    pub fn company_hash(&self, code: u32) -> String {
        let mut text = String::new();
        Names::new(self.seed).company(code, &mut text);
        text
    }

    /// The text in place of an e-mail address: 64 hexadecimal digits, like a SHA-256 hash.
    pub fn email_hash(&self, code: u64) -> String {
        let mut text = String::new();
        Names::new(self.seed).email(code, &mut text);
        text
    }

    /// The job title of a position code that occurs in the table.
    pub fn job_position(&self, code: u16) -> String {
        title(code)
    }

    /// The table that reading the written CSV would give; its `source` is empty.
    pub fn table(&self) -> Table {
        self.sheet().table()
    }

    /// Writes the table as CSV with the columns: an unnamed row number, `company_hash`, `email_hash`, `orgyear`, `ctc`,
    /// `job_position` and `ctc_updated_year`. Missing cells are empty. `out` needs no buffer of its own.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        self.sheet().write(out, ',', "", "")
    }

    fn sheet(&self) -> Sheet<'_> {
        let rows = &self.rows;
        let names = Arc::new(Names::new(self.seed));
        let people = Arc::clone(&names);
        // E-mail codes are slot numbers, so they are smaller than the number of rows and fit 32 bits.
        let email = |r: usize| Some(rows[r].email as u32);
        let position = |r: usize| rows[r].position.map(u32::from);
        let columns = vec![
            ("", Cells::number(|r| Some(r as i64))),
            ("company_hash", Cells::text(|r| rows[r].company, move |code, text| names.company(code, text))),
            ("email_hash", Cells::text(email, move |code, text| people.email(u64::from(code), text))),
            ("orgyear", Cells::number(|r| rows[r].orgyear.map(i64::from))),
            ("ctc", Cells::number(|r| Some(i64::from(rows[r].ctc)))),
            ("job_position", Cells::text(position, |code, text| text.push_str(&title(code as u16)))),
            ("ctc_updated_year", Cells::number(|r| Some(i64::from(rows[r].ctc_updated_year)))),
        ];
        Sheet { rows: rows.len(), columns }
    }
}

/// Creates the texts of companies and e-mail addresses from their codes.
struct Names {
    people: Draws,
    words: Permutation,
}

impl Names {
    const LETTERS: u32 = 9;

    fn new(seed: u64) -> Self {
        let words = Once::Names.permutation(26u64.pow(Self::LETTERS), seed);
        Names { people: Draws::new(seed, Purpose::SynthRow), words }
    }

    fn company(&self, code: u32, text: &mut String) {
        let mut word = self.words.at(u64::from(code));
        let mut letters = [b' '; Self::LETTERS as usize + 1];
        for letter in letters.iter_mut().enumerate().filter(|(i, _)| *i != 4).map(|(_, letter)| letter) {
            *letter = b'a' + (word % 26) as u8;
            word /= 26;
        }
        ascii(text, &letters);
    }

    fn email(&self, code: u64, text: &mut String) {
        let mut digits = [0; 64];
        for (digits, part) in digits.chunks_mut(16).zip(email(&self.people, code)) {
            for (i, digit) in digits.iter_mut().rev().enumerate() {
                *digit = b"0123456789abcdef"[(part >> (4 * i)) as usize & 15];
            }
        }
        ascii(text, &digits);
    }
}
