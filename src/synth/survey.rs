//! A made-up table with many columns: the answers to a survey of people who work with data.

mod questions;

use std::io::{self, Write};

use rayon::prelude::*;

use super::sheet::{Cells, Sheet, line};
use crate::random::{Draws, Purpose, Stream};
use crate::table::Table;

use questions::QUESTIONS;
pub use questions::{Question, QuestionType, Topic};

/// The callings: what the respondents do, and the share of each. The last group has no job.
const CALLINGS: [(&str, f64); 10] = [
    ("data analyst", 0.09),
    ("data scientist", 0.09),
    ("machine learning engineer", 0.08),
    ("software engineer", 0.08),
    ("researcher", 0.07),
    ("statistician", 0.06),
    ("manager", 0.07),
    ("data engineer", 0.06),
    ("newcomer", 0.05),
    ("without a job", 0.35),
];

/// The callings of those who have a job are the first ones of [`CALLINGS`].
const JOBS: usize = 9;
/// Nobody does one thing only: how often someone with a job answers a multiple-choice question as a colleague of another
/// calling would.
const SIDE: f64 = 0.08;
/// The meaning of the digits in the questionnaire: the probability of an answer in a multiple-choice question, or its
/// weight in a question with a single answer.
const SHARES: [f64; 10] = [0.01, 0.05, 0.12, 0.22, 0.35, 0.5, 0.63, 0.75, 0.86, 0.95];
/// Some respondents tick more answers than others: the standard deviation of the logarithm of their odds.
const EAGERNESS: f64 = 0.4;
/// The share of respondents who write in an answer of their own, and the number of different such texts.
const OTHER: f64 = 0.05;
const OTHER_TEXTS: u64 = 200;
/// The share of respondents who give up after one or two questions, and the share who give up later.
const GONE_AT_ONCE: f64 = 0.008;
const GONE: f64 = 0.01;
/// The index of the question about years of code. Respondents who choose its first answer skip all questions about
/// programming.
const CODE: usize = 5;

/// Marks a cell without an answer.
const NONE: u8 = u8::MAX;
const TIME: &str = "Time from Start to Finish (seconds)";
/// The columns of the truth, and their cells in the row of questions.
const TRUTH: [(&str, &str); 2] = [
    ("truth_population", "Whether the respondent was asked about clouds and tools"),
    ("truth_segment", "What the respondent does"),
];

/// A column of the table.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    question: &'static Question,
    holds: Holds,
}

#[derive(Debug, Clone, Copy)]
/// Which part of a question's answer a column contains.
enum Holds {
    /// The only answer to the question.
    One,
    /// This one of several possible answers, or nothing.
    Part(u8),
    /// The number of the text that was written in.
    Other,
}

/// The answers of all respondents.
#[derive(Debug, Clone)]
pub struct Survey {
    fields: Vec<Field>,
    /// Row by row, one cell per field: the index of the answer, or the number of the text written in.
    cells: Vec<u8>,
    seconds: Vec<u32>,
    callings: Vec<u8>,
    /// Whether the respondent got as far as the questions about clouds and tools, and was asked them.
    asked: Vec<bool>,
    /// Whether the table has the truth as two more columns.
    truth: bool,
}

/// Generates the answers of `rows` respondents; the published analysis has 20,000.
///
/// There are 50 questions in 354 columns, and one column for the time; see [`Survey::questions`]. 35 % of the
/// respondents study or have no job; they are not asked about tools, clouds, models and work. The others have one of
/// nine callings, each with its own probability of every answer, and answer 8 % of the questions like somebody of a
/// second calling. Respondents who have never written code skip the questions about programming, about 1 % give up on
/// the way, and 0.8 % give up after one or two answers. The answers of a respondent depend only on `seed` and the row.
/// [`Survey::with_truth`] adds what an analysis should find.
pub fn survey(rows: usize, seed: u64) -> Survey {
    let draws = Draws::new(seed, Purpose::SynthSurvey);
    let fields = fields();
    let mut made = Survey {
        cells: vec![NONE; rows * fields.len()],
        seconds: vec![0; rows],
        callings: vec![0; rows],
        asked: vec![false; rows],
        truth: false,
        fields,
    };
    let first_tool = QUESTIONS.iter().position(|q| matches!(q.topic, Topic::Cloud | Topic::Tools));
    let first_tool = first_tool.unwrap_or(QUESTIONS.len());
    (made.cells.par_chunks_mut(made.fields.len()), &mut made.seconds, &mut made.callings, &mut made.asked)
        .into_par_iter()
        .enumerate()
        .for_each(|(r, (cells, seconds, calling, asked))| {
            let mut stream = draws.at(r as u64);
            *calling = chosen(&mut stream, CALLINGS.iter().map(|&(_, share)| share)).unwrap_or(0);
            let (answered, reached) = respond(cells, usize::from(*calling), &mut stream);
            *asked = usize::from(*calling) < JOBS && reached > first_tool;
            let pace = libm::exp(2.6 + 0.6 * stream.normal());
            *seconds = (20.0 + pace * answered as f64).min(1e6) as u32;
        });
    made
}

/// Lists the columns of all questions.
fn fields() -> Vec<Field> {
    let mut fields = Vec::new();
    for (i, question) in QUESTIONS.iter().enumerate() {
        let mut field = |name, holds| fields.push(Field { name, question, holds });
        match question.kind {
            QuestionType::Single | QuestionType::Ordered => field(format!("Q{}", i + 1), Holds::One),
            QuestionType::Multiple | QuestionType::MultipleOther => {
                for part in 0..question.answers.len() {
                    field(format!("Q{}_Part_{}", i + 1, part + 1), Holds::Part(part as u8));
                }
                if question.kind == QuestionType::MultipleOther {
                    field(format!("Q{}_OTHER", i + 1), Holds::Other);
                }
            }
        }
    }
    fields
}

/// Fills in the cells of one respondent. Returns the number of questions answered, and the number that the respondent
/// looked at.
fn respond(mut cells: &mut [u8], calling: usize, stream: &mut Stream) -> (usize, usize) {
    let patience = match stream.uniform() {
        u if u < GONE_AT_ONCE => 1 + stream.below(2),
        u if u < GONE_AT_ONCE + GONE => 8 + stream.below(QUESTIONS.len() as u64 - 8),
        _ => QUESTIONS.len() as u64,
    };
    let odds = libm::exp(EAGERNESS * stream.normal());
    let second = chosen(stream, CALLINGS[..JOBS].iter().map(|&(_, share)| share)).map_or(0, usize::from);
    let (mut no_code, mut answered) = (false, 0);
    for (i, question) in QUESTIONS.iter().enumerate().take(patience as usize) {
        let others = usize::from(question.kind == QuestionType::MultipleOther);
        let single = matches!(question.kind, QuestionType::Single | QuestionType::Ordered);
        let width = if single { 1 } else { question.answers.len() + others };
        let (mine, rest) = std::mem::take(&mut cells).split_at_mut(width);
        cells = rest;
        if no_code && question.topic == Topic::Program {
            continue;
        }
        if single {
            if let Some(answer) = chosen(stream, question.answers.iter().map(|&(_, of)| share(of, calling))) {
                mine[0] = answer;
                no_code |= i == CODE && answer == 0;
            }
        } else {
            let aside = stream.uniform() < SIDE && calling < JOBS;
            tick(question, mine, if aside { second } else { calling }, odds, stream);
        }
        answered += usize::from(mine.iter().any(|&cell| cell != NONE));
    }
    (answered, patience as usize)
}

/// Draws the answers to a multiple-choice question. An answer that begins with "None" excludes all others.
fn tick(question: &Question, cells: &mut [u8], calling: usize, odds: f64, stream: &mut Stream) {
    let nothing = question.answers.iter().position(|(answer, _)| answer.starts_with("None"));
    if let Some(nothing) = nothing
        && stream.uniform() < share(question.answers[nothing].1, calling)
    {
        cells[nothing] = nothing as u8;
        return;
    }
    let mut asked = false;
    for (i, &(_, of)) in question.answers.iter().enumerate() {
        let share = share(of, calling);
        asked |= share > 0.0;
        if Some(i) != nothing && stream.uniform() < share * odds / (1.0 - share + share * odds) {
            cells[i] = i as u8;
        }
    }
    if question.kind == QuestionType::MultipleOther && asked && stream.uniform() < OTHER {
        cells[question.answers.len()] = 1 + stream.below(OTHER_TEXTS) as u8;
    }
}

/// The probability or weight of an answer for a calling, from the answer's digits.
fn share(digits: &str, calling: usize) -> f64 {
    let digit = digits.as_bytes().get(calling).map_or(b'.', |&d| d);
    SHARES.get(usize::from(digit.wrapping_sub(b'0'))).copied().unwrap_or(0.0)
}

/// Draws an index with probability proportional to its weight; `None` if all weights are zero.
fn chosen(stream: &mut Stream, weights: impl Iterator<Item = f64> + Clone) -> Option<u8> {
    let mut place = stream.uniform() * weights.clone().sum::<f64>();
    let mut last = None;
    for (i, weight) in weights.enumerate().filter(|&(_, weight)| weight > 0.0) {
        last = Some(i as u8);
        place -= weight;
        if place < 0.0 {
            break;
        }
    }
    last
}

impl Survey {
    /// The number of respondents.
    pub fn rows(&self) -> usize {
        self.seconds.len()
    }

    /// All questions in order; the first one is `Q1`.
    pub fn questions(&self) -> &'static [Question] {
        QUESTIONS
    }

    /// The calling of a respondent, which a clustering should recover. `None` if the row is past the end.
    pub fn calling(&self, row: usize) -> Option<&'static str> {
        self.callings.get(row).map(|&calling| CALLINGS[usize::from(calling)].0)
    }

    /// Whether a respondent was asked about clouds and tools, which makes two populations that a reduction should find
    /// apart. Respondents without a job are not, nor is whoever gives up before. `None` if the row is past the end.
    pub fn asked_about_tools(&self, row: usize) -> Option<bool> {
        self.asked.get(row).copied()
    }

    /// Adds the truth as the last two columns of the table and of the CSV: `truth_population`, `asked about tools` or
    /// `not asked` ([`Survey::asked_about_tools`]), and `truth_segment`, the [`Survey::calling`].
    pub fn with_truth(mut self) -> Survey {
        self.truth = true;
        self
    }

    /// The table that reading the written CSV would give if the row of questions is skipped; its `source` is empty.
    pub fn table(&self) -> Table {
        self.sheet().table()
    }

    /// Writes the table as CSV: the time that each respondent took, and the columns of the questions. The first row
    /// below the header contains the full questions. `out` needs no buffer of its own.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        let mut texts = String::new();
        let asked = ["How long the respondent took, in seconds".into()].into_iter();
        let truth = TRUTH.iter().filter(|_| self.truth).map(|&(_, text)| text.into());
        let asked = asked.chain(self.fields.iter().map(Field::text)).chain(truth);
        line(&mut texts, ',', asked, |text, cell: String| {
            text.push_str(&cell);
        });
        self.sheet().write(out, ',', "", &texts)
    }

    fn sheet(&self) -> Sheet<'_> {
        let width = self.fields.len();
        let mut columns = vec![(TIME, Cells::number(|r| Some(i64::from(self.seconds[r]))))];
        columns.extend(self.fields.iter().enumerate().map(|(j, field)| {
            let cell = move |r: usize| Some(self.cells[r * width + j]).filter(|&cell| cell != NONE);
            let answers = field.question.answers;
            let cells = match field.holds {
                Holds::Other => Cells::number(move |r| cell(r).map(i64::from)),
                _ => Cells::text(
                    move |r| cell(r).map(u32::from),
                    |code, text| text.push_str(answers[code as usize].0),
                ),
            };
            (field.name.as_str(), cells)
        }));
        if self.truth {
            let populations = ["not asked", "asked about tools"];
            let population = Cells::text(
                |r| Some(u32::from(self.asked[r])),
                move |code, text| text.push_str(populations[code as usize]),
            );
            let segment = Cells::text(
                |r| Some(u32::from(self.callings[r])),
                |code, text| text.push_str(CALLINGS[code as usize].0),
            );
            columns.extend(TRUTH.iter().map(|&(name, _)| name).zip([population, segment]));
        }
        Sheet { rows: self.rows(), columns }
    }
}

impl Field {
    /// The cell of this column in the row of questions.
    fn text(&self) -> String {
        let (text, answers) = (self.question.text, self.question.answers);
        match self.holds {
            Holds::One => text.to_string(),
            Holds::Part(part) => {
                format!("{text} (choose all that apply) - {}", answers[usize::from(part)].0)
            }
            Holds::Other => format!("{text} (choose all that apply) - another answer, by its number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_digit_for_every_calling() {
        for question in QUESTIONS {
            let answers: std::collections::HashSet<_> = question.answers().collect();
            assert_eq!(answers.len(), question.answers.len(), "{}", question.label);
            assert!(answers.len() < usize::from(NONE));
            for (answer, digits) in question.answers {
                let plain = digits.bytes().all(|d| d == b'.' || d.is_ascii_digit());
                assert!(plain && digits.len() == CALLINGS.len(), "{}, {answer}: {digits}", question.label);
                assert!(answer.parse::<f64>().is_err(), "{answer} reads as a number");
            }
        }
        assert_eq!(QUESTIONS[CODE].label, "years of code");
    }
}
