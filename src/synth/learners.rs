//! The learner table as its users see it, and the texts behind its codes.

use std::io::{self, Write};
use std::sync::Arc;

use rayon::prelude::*;

use super::permutation::Permutation;
use super::plan::{Once, Plan, email};
use super::sheet::{Cells, Sheet, ascii};
use super::titles::title;
use crate::random::{Draws, Purpose};
use crate::table::Table;

/// One row of the table. Codes stand for texts that the table can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Learner {
    /// The company; `None` where the cell is empty. See [`Learners::company_hash`].
    pub company: Option<u32>,
    /// The person; one person can have several rows. See [`Learners::email_hash`].
    pub email: u64,
    /// Year of graduation as it was typed in, odd ones included; `None` where the cell is empty.
    pub orgyear: Option<i16>,
    /// Yearly pay in rupees.
    pub ctc: u32,
    /// The job position; `None` where the cell is empty. See [`Learners::job_position`].
    pub position: Option<u16>,
    /// The year in which the pay was last updated.
    pub ctc_updated_year: u16,
}

/// The learner table: rows in a compact form, texts made on demand.
#[derive(Debug, Clone)]
pub struct Learners {
    seed: u64,
    rows: Vec<Learner>,
    companies: usize,
}

/// Makes a learner table of any number of rows.
///
/// With 205,843 rows it has the figures published for a real platform's table, under any seed. Exactly so: the
/// missing cells, no duplicate rows, 52,400 repeated e-mails, 37,300 companies, 1,016 positions, the years of the
/// last update, the quantiles of `orgyear`, the extremes of `ctc`. Within a few per cent: the other quantiles of
/// `ctc`. To about 0.1: the skewness of `ctc` (15.97) and of its logarithm (-0.23). To about 0.01: the
/// correlations of experience with the company's mean experience (0.620), of pay with the company's mean pay
/// (0.599), of experience with pay (0.024). Other numbers of rows have the same shares, small ones as far as
/// they can; above twelve million rows the positions stay at their largest number, 57,364. A row takes 32 bytes.
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

    /// The number of companies; codes are below it.
    pub fn companies(&self) -> usize {
        self.companies
    }

    /// The text that stands for a company: two random words of lowercase letters.
    pub fn company_hash(&self, code: u32) -> String {
        let mut text = String::new();
        Names::new(self.seed).company(code, &mut text);
        text
    }

    /// The text that stands for an e-mail address: 64 hexadecimal digits, as of a SHA-256.
    pub fn email_hash(&self, code: u64) -> String {
        let mut text = String::new();
        Names::new(self.seed).email(code, &mut text);
        text
    }

    /// The job title of a position code that occurs in the table.
    pub fn job_position(&self, code: u16) -> String {
        title(code)
    }

    /// The table as reading its CSV gives it, without the detour; `source` is empty.
    pub fn table(&self) -> Table {
        self.sheet().table()
    }

    /// Writes the table as CSV: an unnamed row number, `company_hash`, `email_hash`, `orgyear`, `ctc`,
    /// `job_position`, `ctc_updated_year`; missing cells are empty. Buffers by itself.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        self.sheet().write(out, ',', "", "")
    }

    fn sheet(&self) -> Sheet<'_> {
        let rows = &self.rows;
        let names = Arc::new(Names::new(self.seed));
        let people = Arc::clone(&names);
        // E-mail codes are slots, so there are no more of them than rows.
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

/// The texts behind the codes.
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
