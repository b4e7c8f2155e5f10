//! A small made-up table: people who signed up for a course.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::permutation::Permutation;
use super::sheet::{Cells, Sheet};
use crate::random::{Draws, Purpose, Stream};
use crate::table::Table;

/// For each of 72 people, the hour in which they signed up, counted from the first sign-up. They reproduce the
/// published densities to five digits: the density of each hour, standardised, under a normal distribution with
/// standard deviation 40.
const HOURS: [u32; 72] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4,
    4, 4, 5, 5, 5, 5, 7, 7, 8, 9, 11, 14, 19, 23, 23, 24, 24, 25, 25, 25, 26, 26, 28, 30, 30, 63, 69, 72, 89,
    102, 117, 121, 140, 145, 151, 167, 198,
];
/// The time of the first sign-up in seconds since midnight on 29 October 2018: 16:05:09.
const START: u32 = 16 * HOUR + 5 * 60 + 9;
const HOUR: u32 = 3_600;

/// The number of people of each kind among 72. Developers, students and teachers sign up early; the rest come late.
const DEVELOPERS: usize = 26;
const STUDENTS: usize = 26;
const TEACHERS: usize = 8;
const LATE: usize = HOURS.len() - DEVELOPERS - STUDENTS - TEACHERS;

const EMPLOYERS: [&str; 20] = [
    "Northlight Labs",
    "the city hospital",
    "Harbour Bank",
    "State University",
    "freelance",
    "Polytechnic",
    "Bluefin Software",
    "a start-up",
    "Ministry of Transport",
    "Oakridge Analytics",
    "self-employed",
    "Grammar School No. 3",
    "Lindenhof Insurance",
    "Meteor Games",
    "Institute of Physics",
    "between jobs",
    "Copperfield Logistics",
    "Riverside Energy",
    "University of Technology",
    "Paper & Pixel",
];
const FIRST: [&str; 24] = [
    "Ada", "Ben", "Clara", "Dario", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luis",
    "Mina", "Noah", "Olga", "Pavel", "Rosa", "Sami", "Tara", "Umar", "Vera", "Wim", "Yuki", "Zoe",
];
const LAST: [&str; 20] = [
    "Abbot", "Brandt", "Castro", "Duran", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov", "Jansen",
    "Kaya", "Lopez", "Moreau", "Novak", "Okafor", "Petrov", "Rossi", "Silva", "Tanaka", "Weber",
];

/// A person who signed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enthusiast {
    /// The time of the sign-up in seconds since midnight on 29 October 2018.
    pub seconds: u32,
    /// Prior knowledge, from 1 to 18.
    pub knowledge: u8,
    /// The planned effort in hours: 4, 16 or 32.
    pub effort: u8,
    /// The degree, from 1 (school) to 4 (doctorate).
    pub degree: u8,
    /// Whether the person does research.
    pub is_researcher: bool,
    /// Whether the person works on machine learning.
    pub is_ml: bool,
    /// Whether the person develops software.
    pub is_developer: bool,
    /// Whether the person teaches.
    pub is_teaching: bool,
    /// Whether the person is a student.
    pub is_student: bool,
    /// The employer, an index into [`EMPLOYERS`]; `None` is an empty cell.
    employer: Option<u8>,
}

/// All people who signed up, in the order in which they did.
#[derive(Debug, Clone)]
pub struct Enthusiasts {
    seed: u64,
    rows: Vec<Enthusiast>,
}

/// Generates people who signed up for a course; the published analysis has 72.
///
/// With 72 rows the hours of the sign-ups are the same under any seed: most people come in the first hours, the last
/// one after 198. There are 26 developers, 26 students and 8 teachers, and 12 people of no such kind who come late.
/// Whether someone works on machine learning depends on knowledge and research, and the degree on research. Tables of
/// other sizes have the same proportions.
pub fn enthusiasts(rows: usize, seed: u64) -> Enthusiasts {
    let draws = Draws::new(seed, Purpose::SynthEnthusiasts);
    let hour = |r: usize| HOURS[(r as u128 * HOURS.len() as u128 / rows as u128) as usize];
    let early = (0..rows).rev().find(|&r| hour(r) < HOURS[HOURS.len() - LATE]).map_or(0, |r| r + 1);
    let order = Permutation::new(early as u64, &mut Draws::new(seed, Purpose::SynthTable).at(1));

    let mut made = Vec::with_capacity(rows);
    while made.len() < rows {
        let (first, now) = (made.len(), hour(made.len()));
        let count = (first..rows).take_while(|&r| hour(r) == now).count();
        // In the first hour, nobody signs up before the very first person.
        let from = if now == 0 { START % HOUR } else { 0 };
        for i in 0..count {
            let row = first + i;
            let mut stream = draws.at(row as u64);
            let within = (i as f64 + stream.uniform()) / count as f64 * f64::from(HOUR - from);
            let within = if row == 0 { 0 } else { within as u32 };
            let place = (row < early).then(|| {
                (u128::from(order.at(row as u64)) * (HOURS.len() - LATE) as u128 / early as u128) as usize
            });
            let seconds = START / HOUR * HOUR + now * HOUR + from + within;
            made.push(enthusiast(seconds, place, &mut stream));
        }
    }
    Enthusiasts { seed, rows: made }
}

/// Draws one person. `place` determines the kind: developer, student or teacher; `None` is a late person of no such
/// kind.
fn enthusiast(seconds: u32, place: Option<usize>, stream: &mut Stream) -> Enthusiast {
    let mut chance = |share: f64| stream.uniform() < share;
    let is_developer = place.is_some_and(|place| place < DEVELOPERS);
    let is_teaching = place.is_some_and(|place| place >= DEVELOPERS + STUDENTS);
    let is_student = place.is_some() && !is_developer && !is_teaching;
    let is_researcher = chance(if is_teaching { 0.8 } else { 0.2 });
    let level = match (is_teaching, is_student) {
        (true, _) => 11.0,
        (_, true) => 6.0,
        _ => 9.0,
    };
    let knowledge = (level + 3.5 * stream.normal()).round().clamp(1.0, 18.0) as u8;
    let is_ml =
        f64::from(knowledge) + 5.0 * f64::from(u8::from(is_researcher)) + 1.5 * stream.normal() > 10.5;
    let effort = [4, 16, 32][stream.below(3) as usize];
    let degree = match (is_researcher, is_student) {
        (true, _) => 4 - stream.below(4) / 3,
        (_, true) => 1 + stream.below(2),
        _ => 2 + stream.below(2),
    };
    let employer = (stream.uniform() < 0.8).then(|| stream.below(EMPLOYERS.len() as u64) as u8);
    Enthusiast {
        seconds,
        knowledge,
        effort,
        degree: degree as u8,
        is_researcher,
        is_ml,
        is_developer,
        is_teaching,
        is_student,
        employer,
    }
}

impl Enthusiasts {
    /// The people in the order in which they signed up.
    pub fn rows(&self) -> &[Enthusiast] {
        &self.rows
    }

    /// The table that reading the written file would give; its `source` is empty.
    pub fn table(&self) -> Table {
        self.sheet().table()
    }

    /// Writes the table as TSV, with the columns `Timestamp` (as `29/10/2018 16:05:09`), `Knowledge`, `Effort`,
    /// `Degree`, `IsResearcher`, `IsML`, `IsDeveloper`, `IsTeaching`, `IsStudent`, `WorkAt`, `Email address` and
    /// `Name`. Missing cells are `-`. `out` needs no buffer of its own.
    pub fn write_tsv(&self, out: &mut impl Write) -> io::Result<()> {
        self.sheet().write(out, '\t', "-", "")
    }

    /// Writes the table as CSV, otherwise like [`Enthusiasts::write_tsv`].
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        self.sheet().write(out, ',', "-", "")
    }

    fn sheet(&self) -> Sheet<'_> {
        let rows = &self.rows;
        let number = |of: fn(&Enthusiast) -> u8| Cells::number(move |r| Some(i64::from(of(&rows[r]))));
        let flag = |of: fn(&Enthusiast) -> bool| Cells::number(move |r| Some(i64::from(of(&rows[r]))));
        let pairs = (FIRST.len() * LAST.len()) as u64;
        let people = pairs * (rows.len() as u64).div_ceil(pairs).max(1);
        let names = Permutation::new(people, &mut Draws::new(self.seed, Purpose::SynthTable).at(2));
        let person = move |row: u32| {
            let place = names.at(u64::from(row));
            let (pair, again) = ((place % pairs) as usize, place / pairs);
            let number = if again == 0 { String::new() } else { again.to_string() };
            (FIRST[pair / LAST.len()], LAST[pair % LAST.len()], number)
        };
        let other = person.clone();
        let name = move |row: u32, text: &mut String| {
            let (first, last, number) = person(row);
            text.extend([first, " ", last, if number.is_empty() { "" } else { " " }, &number]);
        };
        let email = move |row: u32, text: &mut String| {
            let (first, last, number) = other(row);
            let _ = write!(text, "{}.{}{number}@example.org", first.to_lowercase(), last.to_lowercase());
        };
        let employer = |code: u32, text: &mut String| text.push_str(EMPLOYERS[code as usize]);
        let columns = vec![
            ("Timestamp", Cells::text(|r| Some(rows[r].seconds), timestamp)),
            ("Knowledge", number(|row| row.knowledge)),
            ("Effort", number(|row| row.effort)),
            ("Degree", number(|row| row.degree)),
            ("IsResearcher", flag(|row| row.is_researcher)),
            ("IsML", flag(|row| row.is_ml)),
            ("IsDeveloper", flag(|row| row.is_developer)),
            ("IsTeaching", flag(|row| row.is_teaching)),
            ("IsStudent", flag(|row| row.is_student)),
            ("WorkAt", Cells::text(|r| rows[r].employer.map(u32::from), employer)),
            ("Email address", Cells::text(|r| Some(r as u32), email)),
            ("Name", Cells::text(|r| Some(r as u32), name)),
        ];
        Sheet { rows: rows.len(), columns }
    }
}

/// Formats a time with the day first, as in `29/10/2018 16:05:09`.
fn timestamp(seconds: u32, text: &mut String) {
    const DAY: u32 = 24 * HOUR;
    let (day, month) = match 29 + seconds / DAY {
        day @ ..=31 => (day, 10),
        day => (day - 31, 11),
    };
    let (hour, minute, second) = (seconds % DAY / HOUR, seconds % HOUR / 60, seconds % 60);
    let _ = write!(text, "{day:02}/{month}/2018 {hour:02}:{minute:02}:{second:02}");
}
