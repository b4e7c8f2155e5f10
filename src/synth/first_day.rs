//! A made-up table: what users of a learning site do on the day they sign up.

use std::fmt::Write as _;
use std::io::{self, Write};

use rayon::prelude::*;

use super::permutation::Permutation;
use super::sheet::{Cells, Sheet};
use crate::random::{Draws, Purpose, Stream};
use crate::table::Table;

/// A typical way to spend the first day: the share of the users who do so, and their typical counts.
struct Habit {
    share: f64,
    exercises: f64,
    videos: f64,
    studyplans: f64,
}

/// The groups of active users. All other users do nothing at all.
const HABITS: [Habit; 4] = [
    Habit { share: 0.13, exercises: 15.0, videos: 0.7, studyplans: 1.2 },
    Habit { share: 0.12, exercises: 0.6, videos: 13.0, studyplans: 0.6 },
    Habit { share: 0.08, exercises: 6.5, videos: 5.5, studyplans: 4.0 },
    Habit { share: 0.07, exercises: 20.0, videos: 17.0, studyplans: 4.5 },
];

/// Standard deviations of the logarithms of the counts: `SPREAD` for exercises and videos, `SPREAD_PLANS` for study
/// plans.
const SPREAD: f64 = 0.25;
const SPREAD_PLANS: f64 = 0.28;
/// The share of users who do far more than is typical, and the largest factor by which they do.
const EAGER: f64 = 0.04;
const MOST_EAGER: f64 = 40.0;
/// The mean share of the started videos that a user finishes, and its standard deviation.
const FINISHED: (f64, f64) = (0.86, 0.08);

/// The relative number of sign-ups in each week. The first week is number `FIRST_WEEK` of `YEAR`.
const WEEKS: [u64; 10] = [7, 8, 10, 14, 19, 12, 9, 8, 7, 6];
const YEAR: u32 = 2019;
const FIRST_WEEK: u32 = 5;

/// What one user does on the first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Newcomer {
    /// The number of exercises submitted.
    pub exercises_submitted: u32,
    /// The number of videos started.
    pub videos_started: u32,
    /// The number of videos finished, at most those started.
    pub videos_finished: u32,
    /// The number of study plans configured.
    pub studyplans_configured: u32,
}

/// The first day of users, in the order in which they signed up.
#[derive(Debug, Clone)]
pub struct FirstDay {
    seed: u64,
    rows: Vec<Newcomer>,
}

/// Generates the first day of `rows` users of a learning site; the published analysis has 20,000.
///
/// Three in five users do nothing. The others submit exercises, watch videos, make study plans or do all of these, so
/// there are five groups. One in 25 active users does far more than is typical. The number of videos finished follows
/// the number started (correlation about 0.99). The users belong to ten weekly cohorts, each with 6 to 19 % of them. A
/// user's counts depend only on `seed` and the row; the cohort also depends on the number of rows.
pub fn first_day(rows: usize, seed: u64) -> FirstDay {
    let draws = Draws::new(seed, Purpose::SynthFirstDay);
    let row = |r| newcomer(&mut draws.at(r as u64));
    FirstDay { seed, rows: (0..rows).into_par_iter().with_min_len(1_024).map(row).collect() }
}

fn newcomer(stream: &mut Stream) -> Newcomer {
    let mut place = stream.uniform();
    let habit = HABITS.iter().find(|habit| {
        place -= habit.share;
        place < 0.0
    });
    let Some(habit) = habit else {
        return Newcomer {
            exercises_submitted: 0,
            videos_started: 0,
            videos_finished: 0,
            studyplans_configured: 0,
        };
    };
    let eager = if stream.uniform() < EAGER {
        // A Pareto distribution: the probability of more than x times the typical counts is 1 / x².
        (1.0 / (1.0 - stream.uniform()).sqrt()).min(MOST_EAGER)
    } else {
        1.0
    };
    let mut count = |typical: f64, spread: f64| {
        // Round up or down at random, in proportion to the fraction, so that the mean is unchanged.
        (typical * libm::exp(spread * stream.normal()) + stream.uniform()) as u32
    };
    let exercises_submitted = count(eager * habit.exercises, SPREAD);
    let videos_started = count(eager * habit.videos, SPREAD);
    let studyplans_configured = count(habit.studyplans, SPREAD_PLANS);
    let finished = (FINISHED.0 + FINISHED.1 * stream.normal()).clamp(0.0, 1.0);
    let videos_finished = (f64::from(videos_started) * finished + stream.uniform()) as u32;
    Newcomer {
        exercises_submitted,
        videos_started,
        videos_finished: videos_finished.min(videos_started),
        studyplans_configured,
    }
}

impl FirstDay {
    /// The users in the order in which they signed up.
    pub fn rows(&self) -> &[Newcomer] {
        &self.rows
    }

    /// The table that reading the written CSV would give; its `source` is empty.
    pub fn table(&self) -> Table {
        self.sheet().table()
    }

    /// Writes the table as CSV with the columns `user_id`, `signup_week` (as `2019-W07`), `exercises_submitted`,
    /// `videos_started`, `videos_finished` and `studyplans_configured`. `out` needs no buffer of its own.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        self.sheet().write(out, ',', "", "")
    }

    fn sheet(&self) -> Sheet<'_> {
        const IDS: u64 = 10_000_000_000;
        let rows = &self.rows;
        let ids = Permutation::new(IDS, &mut Draws::new(self.seed, Purpose::SynthTable).at(0));
        let number = |of: fn(&Newcomer) -> u32| Cells::number(move |r| Some(i64::from(of(&rows[r]))));
        let id = move |code: u32, text: &mut String| {
            let _ = write!(text, "u{:010}", ids.at(u64::from(code)));
        };
        let week = |code: u32, text: &mut String| {
            let _ = write!(text, "{YEAR}-W{:02}", FIRST_WEEK + code);
        };
        let columns = vec![
            ("user_id", Cells::text(|r| Some(r as u32), id)),
            ("signup_week", Cells::text(|r| Some(week_of(r, rows.len())), week)),
            ("exercises_submitted", number(|row| row.exercises_submitted)),
            ("videos_started", number(|row| row.videos_started)),
            ("videos_finished", number(|row| row.videos_finished)),
            ("studyplans_configured", number(|row| row.studyplans_configured)),
        ];
        Sheet { rows: rows.len(), columns }
    }
}

/// The week in which the user of a row signed up, counted from 0.
fn week_of(row: usize, rows: usize) -> u32 {
    let all: u64 = WEEKS.iter().sum();
    let mut place = (row as u128 * u128::from(all) / rows as u128) as u64;
    let before = WEEKS.iter().take_while(|&&week| {
        let past = place >= week;
        place = place.saturating_sub(week);
        past
    });
    before.count() as u32
}
