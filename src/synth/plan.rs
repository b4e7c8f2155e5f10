//! Generates the rows of the learner table.
//!
//! Rows are first arranged as *slots*: companies from the largest to the smallest, the people of each company one after
//! another, and the one or more rows of each person next to each other. Rows without a company come last. A final
//! permutation shuffles the slots into the order of the table.
//!
//! Some figures must be met exactly, such as the numbers of missing cells, repeated e-mails, years and outliers. They
//! are therefore not left to chance but assigned by permutations and strata of the slots. Every row is computed
//! independently of the others. The loadings and knots below were fitted to the published figures.

use rayon::prelude::*;

use super::learners::Learner;
use super::permutation::Permutation;
use super::titles::{ROLES, TITLES};
use crate::random::{Draws, Purpose, Stream};

/// Figures of the published table: its number of rows, and how many of various things are among them.
const ROWS: usize = 205_843;
const COMPANIES: usize = 37_300;
const NO_COMPANY: usize = 44;
const NO_ORGYEAR: usize = 86;
const NO_POSITION: usize = 52_564;
const REPEATED_EMAILS: usize = 52_400;
const POSITIONS: usize = 1_016;
const YEARS: [(u16, usize); 7] = [
    (2015, 2_927),
    (2016, 5_501),
    (2017, 7_561),
    (2018, 6_746),
    (2019, 68_688),
    (2020, 49_444),
    (2021, 64_976),
];

/// The number of rows with a rare title. It is larger than the number of rare titles, so some of them occur often.
const RARE_POSITIONS: usize = 3_000;

/// The number of rows with an implausibly high pay, `LONE_OUTLIERS` of which are in the smaller half of the companies,
/// where nearly everyone is alone. These determine the correlation of pay with the company's mean pay. Among the
/// others, the share of `LARGE_OUTLIER` determines the skewness of the pay.
const OUTLIERS: usize = 1_390;
const LONE_OUTLIERS: usize = 293;
const LARGE_SHARE: f64 = 0.18;
const OUTLIER: u32 = 100_000_000;
const LARGE_OUTLIER: u32 = 200_000_000;
/// The pay of lone outliers is 160 to 199 times this.
const MILLION: u32 = 1_000_000;
const LARGEST_PAY: u32 = 1_000_150_000;
const SMALLEST_PAY: u32 = 2;

/// Impossible years of graduation. The first two are the extremes of the table.
const ODD_YEARS: [i16; 20] =
    [0, 20165, 1, 2, 9, 15, 17, 99, 219, 1019, 1899, 1910, 1970, 1975, 2029, 2032, 2050, 2117, 2202, 9999];
const ODD_ORGYEARS: usize = 60;

/// Every company has one learner. The number of further learners falls with the company's rank, in proportion to
/// `(rank + HEAD)^-DECAY`.
const DECAY: f64 = 1.3;
const HEAD: f64 = 8.0;
/// The number of companies that are so large that random effects would shift the quantiles of the whole table. Their
/// effects are the same under every seed and spread evenly, as multiples of two irrational numbers.
const FIXED_EFFECTS: usize = 1_000;
const GOLDEN: f64 = 0.618_033_988_749_894_9;
const PLASTIC: f64 = 0.754_877_666_246_692_8;

/// Loadings of the latent year of graduation on company and person.
const YEAR_COMPANY: f64 = 0.495;
const YEAR_PERSON: f64 = 0.87;
/// Loadings of the latent pay on company, year, person and row.
const PAY_COMPANY: f64 = 0.5;
const PAY_YEAR: f64 = -0.18;
const PAY_PERSON: f64 = 0.77;
const PAY_ROW: f64 = 0.3;

/// Maps the latent year of graduation to the year, which is then rounded down.
const YEAR_KNOTS: [(f64, f64); 10] = [
    (-4.5, 1985.0),
    (-2.326, 2001.5),
    (-1.645, 2007.5),
    (-1.28, 2010.8),
    (-0.674, 2014.0),
    (0.0, 2016.5),
    (0.674, 2018.5),
    (1.645, 2020.5),
    (2.326, 2021.5),
    (4.0, 2025.0),
];
/// Maps the latent pay to the natural logarithm of the pay.
const PAY_KNOTS: [(f64, f64); 7] = [
    (-4.5, 2.85),
    (-2.326, 10.5187),
    (-1.662, 12.2061),
    (0.017, 13.7642),
    (1.733, 15.1505),
    (2.745, 16.3492),
    (4.5, 18.2),
];

/// Things that are drawn once per table, each from its own random stream. The streams of the strata of outliers follow
/// the last one.
#[derive(Clone, Copy)]
pub(super) enum Once {
    Names,
    Order,
    Repeats,
    Positions,
    Years,
    Oddities,
    Outliers,
}

impl Once {
    pub(super) fn permutation(self, n: u64, seed: u64) -> Permutation {
        Permutation::new(n, &mut Draws::new(seed, Purpose::SynthTable).at(self as u64))
    }
}

/// The hash of a person's e-mail address, which consists of the first draws of the person's stream.
pub(super) fn email(people: &Draws, code: u64) -> [u64; 4] {
    hash(&mut people.at(2 * code))
}

fn hash(person: &mut Stream) -> [u64; 4] {
    std::array::from_fn(|_| person.bits())
}

/// Everything that the rows of a table share.
pub(super) struct Plan {
    rows: usize,
    pub(super) companies: usize,
    /// The first slot of every company, followed by the first slot of the rows without a company.
    starts: Vec<u64>,
    repeats: u64,
    /// Streams with even numbers belong to people, those with odd numbers to rows.
    people: Draws,
    employers: Draws,
    strata: Draws,
    order: Permutation,
    repeated: Permutation,
    positions: Permutation,
    years: Permutation,
    oddities: Permutation,
    /// The cumulative weights of the common titles.
    roles: Vec<f64>,
}

/// The latent pay and year of graduation, which all rows of a person share.
struct Person {
    pay: f64,
    year: f64,
}

impl Plan {
    pub(super) fn new(rows: usize, seed: u64) -> Self {
        let nowhere = scaled(NO_COMPANY, rows);
        let companies = scaled(COMPANIES, rows).clamp(1, (rows - nowhere).max(1));
        let followers = rows.saturating_sub(companies + usize::from(nowhere > 0)) as u64;
        let slots = rows as u64;
        let cumulated = |sum: &mut f64, weight: f64| {
            *sum += weight;
            Some(*sum)
        };
        Plan {
            rows,
            companies,
            starts: starts(rows - nowhere, companies),
            repeats: (scaled(REPEATED_EMAILS, rows) as u64).min(followers),
            people: Draws::new(seed, Purpose::SynthRow),
            employers: Draws::new(seed, Purpose::SynthCompany),
            strata: Draws::new(seed, Purpose::SynthTable),
            order: Once::Order.permutation(slots, seed),
            repeated: Once::Repeats.permutation(followers, seed),
            positions: Once::Positions.permutation(slots, seed),
            years: Once::Years.permutation(slots, seed),
            oddities: Once::Oddities.permutation(slots, seed),
            roles: ROLES.iter().map(|role| role.weight).scan(0.0, cumulated).collect(),
        }
    }

    fn share(&self, count: usize) -> usize {
        scaled(count, self.rows)
    }

    /// Generates row `r` of the table.
    pub(super) fn row(&self, r: u64) -> Learner {
        let slot = self.order.at(r);
        let company = self.starts.partition_point(|&start| start <= slot) - 1;
        let first = self.first_of_person(slot, company);
        let person = self.person(first, company);
        let code = (company < self.companies).then_some(company as u32);
        let mut row = self.draft(first, code, first, &person);
        if slot > first {
            // No two rows of a person may be equal, so compute the person's earlier rows as well.
            let mut before = vec![row];
            for s in first + 1..=slot {
                row = self.draft(s, code, first, &person);
                while before.contains(&row) {
                    row.ctc += 10_000;
                }
                before.push(row);
            }
        }
        row
    }

    /// The first slot of the person who owns `slot`.
    fn first_of_person(&self, slot: u64, company: usize) -> u64 {
        // The first slot of a company always begins a person. The remaining slots are numbered consecutively, and a
        // permutation of them decides which ones repeat the person before.
        let begins =
            |s: u64| s == self.starts[company] || self.repeated.at(s - company as u64 - 1) >= self.repeats;
        (0..=slot).rev().find(|&s| begins(s)).unwrap_or(0)
    }

    /// The company's contributions to the latent pay and year of its people, both of standard deviation 1.
    fn effects(&self, company: usize) -> (f64, f64) {
        if company < FIXED_EFFECTS {
            let even = |step: f64| 12f64.sqrt() * (fraction((company as f64 + 1.0) * step) - 0.5);
            return (even(PLASTIC), even(GOLDEN));
        }
        let mut stream = self.employers.at(company as u64);
        (stream.normal(), stream.normal())
    }

    fn person(&self, first: u64, company: usize) -> Person {
        let mut stream = self.people.at(2 * first);
        hash(&mut stream);
        let (pay, year) = self.effects(company);
        let year = YEAR_COMPANY * year + YEAR_PERSON * stream.normal();
        Person { pay: PAY_COMPANY * pay + PAY_YEAR * year + PAY_PERSON * stream.normal(), year }
    }

    /// Draws a row without comparing it to the person's other rows.
    fn draft(&self, slot: u64, company: Option<u32>, email: u64, person: &Person) -> Learner {
        let mut stream = self.people.at(2 * slot + 1);
        let year = along(&YEAR_KNOTS, person.year).floor() as i16;
        let (position, role_pay) = self.position(slot, year, &mut stream);
        let pay = person.pay + role_pay + PAY_ROW * stream.normal();

        let odd = self.oddities.at(slot) as usize;
        let (missing, odd_years) = (self.share(NO_ORGYEAR), self.share(ODD_ORGYEARS));
        let orgyear = match odd {
            i if i < missing => None,
            i if i < missing + odd_years => Some(ODD_YEARS[(i - missing) % ODD_YEARS.len()]),
            _ => Some(year),
        };
        let ctc = match self.outlier(slot) {
            Some(ctc) => ctc,
            None if odd >= self.rows - self.share(1) => SMALLEST_PAY,
            None => rounded(libm::exp(along(&PAY_KNOTS, pay))),
        };
        Learner { company, email, orgyear, ctc, position, ctc_updated_year: self.updated(slot) }
    }

    /// The position code, and its contribution to the latent pay.
    fn position(&self, slot: u64, orgyear: i16, stream: &mut Stream) -> (Option<u16>, f64) {
        let (missing, rare) = (self.share(NO_POSITION), self.share(RARE_POSITIONS));
        let Some(place) = (self.positions.at(slot) as usize).checked_sub(missing) else { return (None, 0.0) };
        if place < rare {
            // Use every rare title once, then the first ones more often.
            let titles = self.share(POSITIONS - ROLES.len()).clamp(1, TITLES - ROLES.len());
            let x = place.saturating_sub(titles) as f64 / rare as f64;
            let title = if place < titles { place } else { (x * x * x * titles as f64) as usize };
            return (Some((ROLES.len() + title) as u16), 0.0);
        }
        loop {
            let u = stream.uniform() * self.roles[ROLES.len() - 1];
            let code = self.roles.partition_point(|&sum| sum <= u).min(ROLES.len() - 1);
            let (from, to) = ROLES[code].years;
            if (from..=to).contains(&orgyear) {
                return (Some(code as u16), ROLES[code].pay);
            }
        }
    }

    /// The year of the last update of the pay.
    fn updated(&self, slot: u64) -> u16 {
        let place = self.years.at(slot) as usize;
        let mut upto = 0;
        let year = YEARS.iter().find(|(_, count)| {
            upto += count;
            place < self.share(upto)
        });
        year.unwrap_or(&YEARS[YEARS.len() - 1]).0
    }

    /// The pay of a slot if it is an outlier.
    fn outlier(&self, slot: u64) -> Option<u32> {
        let (half, end) = (self.starts[self.companies / 2], self.starts[self.companies]);
        let lone = self.share(LONE_OUTLIERS) as u64;
        let others = self.share(OUTLIERS) as u64 - lone;
        if (half..end).contains(&slot) {
            let i = self.stratum(slot - half, end - half, lone, others)?;
            return Some((160 + (fraction(i as f64 * GOLDEN) * 40.0) as u32) * MILLION);
        }
        if slot >= end {
            return None;
        }
        let i = self.stratum(slot, half, others, 0)?;
        Some(match i.checked_sub(others / 4) {
            Some(nth) if nth < self.share(1) as u64 => LARGEST_PAY,
            _ if fraction(i as f64 * GOLDEN) < LARGE_SHARE => LARGE_OUTLIER,
            _ => OUTLIER,
        })
    }

    /// Divides `0..len` into `count` equal strata and draws one place from each. Returns the stratum of `place` if
    /// `place` is the one drawn from it. `before` is the number of strata drawn by other calls, which use other random
    /// streams.
    fn stratum(&self, place: u64, len: u64, count: u64, before: u64) -> Option<u64> {
        let count = count.min(len);
        if count == 0 {
            return None;
        }
        let begin = |i: u64| (u128::from(i) * u128::from(len)).div_ceil(u128::from(count)) as u64;
        let i = (u128::from(place) * u128::from(count) / u128::from(len)) as u64;
        let mut stream = self.strata.at(Once::Outliers as u64 + before + i);
        (begin(i) + stream.below(begin(i + 1) - begin(i)) == place).then_some(i)
    }
}

/// Scales a count of the published table, which has [`ROWS`] rows, to a table of `rows` rows, rounded to the nearest
/// integer.
fn scaled(count: usize, rows: usize) -> usize {
    ((count as u128 * rows as u128 + ROWS as u128 / 2) / ROWS as u128) as usize
}

/// The first slot of each company and the end of the last one. Every company has one learner; the others are
/// distributed by the power law.
fn starts(employed: usize, companies: usize) -> Vec<u64> {
    let others = employed.saturating_sub(companies) as f64;
    let tail = |i: usize| libm::pow(i as f64 + HEAD, 1.0 - DECAY);
    let (first, last) = (tail(0), tail(companies));
    let start = |i| i as u64 + (others * (first - tail(i)) / (first - last) + 0.5) as u64;
    (0..=companies).into_par_iter().map(start).collect()
}

fn fraction(x: f64) -> f64 {
    x - x.floor()
}

/// Linear interpolation between the knots at `x`; constant outside the outer knots.
fn along(knots: &[(f64, f64)], x: f64) -> f64 {
    let x = x.clamp(knots[0].0, knots[knots.len() - 1].0);
    let i = knots.partition_point(|&(at, _)| at <= x).clamp(1, knots.len() - 1);
    let ((x0, y0), (x1, y1)) = (knots[i - 1], knots[i]);
    y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
}

/// Rounds a pay in the way that people do when they state it.
fn rounded(ctc: f64) -> u32 {
    let step = match ctc {
        c if c < 1e3 => 1.0,
        c if c < 1e5 => 1e3,
        c if c < 1e6 => 1e4,
        c if c < 1e7 => 5e4,
        _ => 1e5,
    };
    ((ctc / step).round() * step) as u32
}
