//! The made-up tables: the published figures, determinism, and a naive recomputation of the features.

mod analyses;

use std::collections::{HashMap, HashSet};

use crate::prepared::prepare;
use segmenta::synth::{Learner, blobs, learners};
use segmenta::table::Values;

const ROWS: usize = 205_843;
const REFERENCE_YEAR: i32 = 2026;

/// The table as a stranger reads it back from CSV, cells as text.
struct Table {
    cells: Vec<[String; 7]>,
}

impl Table {
    fn made(rows: usize, seed: u64) -> Table {
        let mut csv = Vec::new();
        learners(rows, seed).write_csv(&mut csv).unwrap();
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        let header = ["", "company_hash", "email_hash", "orgyear", "ctc", "job_position", "ctc_updated_year"];
        assert_eq!(reader.headers().unwrap(), &header[..]);
        let cells = reader.records().map(|r| {
            let record = r.unwrap();
            std::array::from_fn(|i| record[i].to_string())
        });
        Table { cells: cells.collect() }
    }

    fn column(&self, i: usize) -> impl Iterator<Item = &str> {
        self.cells.iter().map(move |row| row[i].as_str())
    }

    fn missing(&self, i: usize) -> f64 {
        self.column(i).filter(|cell| cell.is_empty()).count() as f64
    }

    fn distinct(&self, i: usize) -> f64 {
        self.column(i).filter(|cell| !cell.is_empty()).collect::<HashSet<_>>().len() as f64
    }

    fn numbers(&self, i: usize) -> Vec<f64> {
        self.column(i).filter(|cell| !cell.is_empty()).map(|cell| cell.parse().unwrap()).collect()
    }

    fn experience(&self) -> Vec<f64> {
        let year =
            |cell: &str| cell.parse().ok().filter(|y| (1980.0..=f64::from(REFERENCE_YEAR)).contains(y));
        let known: Vec<f64> = self.column(3).filter_map(year).collect();
        let median = quantile(&known, 0.5);
        self.column(3).map(|cell| f64::from(REFERENCE_YEAR) - year(cell).unwrap_or(median)).collect()
    }

    /// The mean of `values` over each row's company, joined to the row.
    fn company_mean(&self, values: &[f64]) -> Vec<f64> {
        let mut sums: HashMap<&str, (f64, f64)> = HashMap::new();
        for (company, value) in self.column(1).zip(values) {
            let sum = sums.entry(company).or_default();
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
        self.column(1).map(|company| sums[company].0 / sums[company].1).collect()
    }

    fn company_learners(&self) -> Vec<f64> {
        let mut emails: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (company, email) in self.column(1).zip(self.column(2)) {
            emails.entry(company).or_default().insert(email);
        }
        self.column(1).map(|company| emails[company].len() as f64).collect()
    }
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn moment(values: &[f64], power: i32) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / values.len() as f64
}

fn skewness(values: &[f64]) -> f64 {
    moment(values, 3) / libm::pow(moment(values, 2), 1.5)
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let covariance = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / x.len() as f64;
    covariance / (moment(x, 2) * moment(y, 2)).sqrt()
}

fn close(a: &[f32], b: &[f64], what: &str) {
    for (r, (&a, &b)) in a.iter().zip(b).enumerate() {
        assert!((f64::from(a) - b).abs() <= 1e-6 * b.abs().max(1e-3), "{what}, row {r}: {a}, expected {b}");
    }
}

fn standardised(values: &[f64]) -> Vec<f64> {
    let (mean, deviation) = (mean(values), moment(values, 2).sqrt());
    values.iter().map(|v| (v - mean) / deviation).collect()
}

#[test]
fn the_published_figures_are_met_under_any_seed() {
    for seed in [0, 0xfeed_beef] {
        let table = Table::made(ROWS, seed);
        assert_eq!(table.cells.len(), ROWS);
        let whole_rows: HashSet<&[String]> = table.cells.iter().map(|row| &row[1..]).collect();
        let (orgyear, ctc) = (table.numbers(3), table.numbers(4));
        let log_ctc: Vec<f64> = ctc.iter().map(|c| libm::log1p(*c)).collect();
        let experience = table.experience();
        let companies: HashMap<&str, usize> = table.column(1).fold(HashMap::new(), |mut counts, company| {
            *counts.entry(company).or_default() += 1;
            counts
        });
        let sized = |size: std::ops::RangeInclusive<usize>| {
            companies.values().filter(|count| size.contains(count)).count() as f64
        };

        let mut figures = vec![
            ("missing companies", 44.0, 0.0, table.missing(1)),
            ("missing e-mails", 0.0, 0.0, table.missing(2)),
            ("missing orgyear", 86.0, 0.0, table.missing(3)),
            ("missing ctc", 0.0, 0.0, table.missing(4)),
            ("missing positions", 52_564.0, 0.0, table.missing(5)),
            ("duplicate rows", 0.0, 0.0, (ROWS - whole_rows.len()) as f64),
            ("repeated e-mails", 52_400.0, 0.0, ROWS as f64 - table.distinct(2)),
            ("companies", 37_300.0, 0.0, table.distinct(1)),
            ("positions", 1_016.0, 0.0, table.distinct(5)),
            ("companies with thousands (a few)", 20.0, 15.0, sized(1_000..=10_000)),
            ("companies with more (none)", 0.0, 0.0, sized(10_001..=ROWS)),
            ("companies with one (most)", 28_000.0, 9_300.0, sized(1..=1)),
            ("skewness of ctc", 15.97, 0.15, skewness(&ctc)),
            ("skewness of log(1 + ctc)", -0.23, 0.1, skewness(&log_ctc)),
            (
                "experience, company's mean experience",
                0.620,
                0.01,
                correlation(&experience, &table.company_mean(&experience)),
            ),
            ("pay, company's mean pay", 0.599, 0.02, correlation(&ctc, &table.company_mean(&ctc))),
            ("experience, pay", 0.024, 0.01, correlation(&experience, &ctc)),
        ];
        for (q, published, tolerance) in [
            (0.0, 0.0, 0.0),
            (0.01, 2001.0, 0.0),
            (0.05, 2007.0, 0.0),
            (0.5, 2016.0, 0.0),
            (0.95, 2020.0, 0.0),
            (0.99, 2021.0, 0.0),
            (1.0, 20_165.0, 0.0),
        ] {
            figures.push(("orgyear quantile", published, tolerance, quantile(&orgyear, q)));
        }
        for (q, published, tolerance) in [
            (0.0, 2.0, 0.0),
            (0.01, 37_000.0, 4_000.0),
            (0.05, 200_000.0, 10_000.0),
            (0.5, 950_000.0, 20_000.0),
            (0.95, 3_800_000.0, 150_000.0),
            (0.99, 12_600_000.0, 600_000.0),
            (1.0, 1_000_150_000.0, 0.0),
        ] {
            figures.push(("ctc quantile", published, tolerance, quantile(&ctc, q)));
        }
        let years = [
            (2015, 2_927),
            (2016, 5_501),
            (2017, 7_561),
            (2018, 6_746),
            (2019, 68_688),
            (2020, 49_444),
            (2021, 64_976),
        ];
        for (year, published) in years {
            let rows = table.column(6).filter(|cell| *cell == year.to_string()).count();
            figures.push(("rows updated in a year", f64::from(published), 0.0, rows as f64));
        }
        for (what, published, tolerance, reached) in figures {
            assert!(
                (reached - published).abs() <= tolerance,
                "seed {seed}, {what}: {reached}, published {published}"
            );
        }

        let titles = table.column(5).collect::<Vec<_>>().join("\n").to_lowercase();
        for word in ["intern", "trainee", "associate", "junior", "analyst", "fresher"] {
            assert!(titles.contains(word), "{word}");
        }
        assert!(table.column(2).all(|e| e.len() == 64 && e.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}

/// The table that the library's own reader makes of what `write` writes.
fn read_back(name: &str, write: impl FnOnce(&mut Vec<u8>)) -> segmenta::table::Table {
    let mut bytes = Vec::new();
    write(&mut bytes);
    segmenta::table::read_bytes(name, bytes, &Default::default()).unwrap()
}

/// Equal but for `source`; a missing number equals a missing number.
fn assert_same(made: &segmenta::table::Table, read: &segmenta::table::Table) {
    assert_eq!((made.rows, &made.ids), (read.rows, &read.ids));
    let names = |table: &segmenta::table::Table| -> Vec<String> {
        table.columns.iter().map(|column| column.name.clone()).collect()
    };
    assert_eq!(names(made), names(read));
    for (made, read) in made.columns.iter().zip(&read.columns) {
        let same = match (&made.values, &read.values) {
            (Values::Number(a), Values::Number(b)) => {
                a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
            }
            (a, b) => a == b,
        };
        assert!(same, "{}", made.name);
    }
}

#[test]
fn the_table_of_learners_is_what_its_csv_reads_as() {
    for (rows, seed) in [(1, 0), (2, 3), (30, 1), (6_000, 2)] {
        let made = learners(rows, seed);
        assert_same(&made.table(), &read_back("x.csv", |out| made.write_csv(out).unwrap()));
    }
    assert_eq!(learners(0, 0).table().rows, 0);
}

#[test]
fn features_are_what_a_naive_computation_gives() {
    let made = learners(ROWS, 3);
    let prepared = prepare(&made, REFERENCE_YEAR);
    let table = Table::made(ROWS, 3);
    assert_eq!(prepared.names.len(), 26);
    assert_eq!(prepared.columns.len(), 26);
    assert!(prepared.columns.iter().all(|column| column.len() == ROWS));

    let (ctc, experience) = (table.numbers(4), table.experience());
    let company_ctc = table.company_mean(&ctc);
    let logs: Vec<f64> = ctc.iter().map(|c| libm::log1p(*c)).collect();
    for (i, name, values) in [
        (0, "ctc_lpa", &ctc),
        (1, "ctc_log", &logs),
        (2, "years_of_experience", &experience),
        (4, "company_avg_ctc_lpa", &company_ctc),
        (5, "company_avg_exp", &table.company_mean(&experience)),
        (6, "company_learner_count", &table.company_learners()),
    ] {
        assert_eq!(prepared.names[i], name);
        close(&prepared.columns[i], &standardised(values), name);
        let column: Vec<f64> = prepared.columns[i].iter().map(|&v| f64::from(v)).collect();
        assert!(mean(&column).abs() < 1e-6, "{name}");
        assert!((moment(&column, 2) - 1.0).abs() < 1e-6, "{name}");
    }
    assert_eq!(prepared.names[3], "recent_ctc_update_flag");
    assert!(prepared.columns[3].iter().all(|v| v.to_bits() == 0));

    let mut counts: HashMap<&str, usize> = HashMap::new();
    table.column(5).for_each(|position| *counts.entry(position).or_default() += 1);
    let mut common: Vec<(&str, usize)> = counts.into_iter().collect();
    common.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let kept: Vec<&str> = common[..15].iter().map(|&(position, _)| position).collect();
    assert!(kept.contains(&"") && kept.contains(&"Other"));
    let group = |position| match position {
        "" => "Unknown_Role",
        p if kept.contains(&p) => p,
        _ => "Other_Role",
    };
    let means: HashMap<&str, f64> = table.column(1).zip(company_ctc.iter().copied()).collect();
    let means: Vec<f64> = means.into_values().collect();
    let (low, high) = (quantile(&means, 0.33), quantile(&means, 0.66));
    let tier = |mean| match mean {
        m if m <= low => "Tier 3",
        m if m <= high => "Tier 2",
        _ => "Tier 1",
    };
    assert!(prepared.names[7..23].is_sorted() && prepared.names[23..].is_sorted());
    for r in 0..ROWS {
        let position = format!("job_position_grouped={}", group(&table.cells[r][5]));
        let tier = format!("tier_flag={}", tier(company_ctc[r]));
        for (name, column) in prepared.names.iter().zip(&prepared.columns).skip(7) {
            let expected = f32::from(u8::from(*name == position || *name == tier));
            assert_eq!(column[r].to_bits(), expected.to_bits(), "row {r}, {name}");
        }
    }
}

#[test]
fn a_recent_update_is_flagged_against_the_reference_year() {
    let made = learners(5_000, 1);
    let flag = &prepare(&made, 2021).columns[3];
    let recent: Vec<f64> =
        made.rows().iter().map(|r| f64::from(u8::from(r.ctc_updated_year >= 2020))).collect();
    close(flag, &standardised(&recent), "recent_ctc_update_flag");
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let made = learners(20_000, 5);
            let mut csv = Vec::new();
            made.write_csv(&mut csv).unwrap();
            let prepared = prepare(&made, REFERENCE_YEAR);
            (csv, bits(&prepared.columns), bits(&blobs(9_000, 7, 3, 5).columns))
        })
    };
    assert!(with(1) == with(2));
    assert_ne!(learners(100, 0).rows(), learners(100, 1).rows());
}

fn bits(columns: &[Vec<f32>]) -> Vec<Vec<u32>> {
    columns.iter().map(|column| column.iter().map(|v| v.to_bits()).collect()).collect()
}

#[test]
fn a_seed_keeps_its_tables() {
    // FNV-1a over the bytes, the same on every platform. Who changes them changes every table made so far.
    let hash = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |h: u64, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    };
    let of_columns = |columns: &[Vec<f32>]| {
        hash(&columns.iter().flatten().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    };
    let made = learners(10_000, 1);
    let mut csv = Vec::new();
    made.write_csv(&mut csv).unwrap();
    let prepared = prepare(&made, REFERENCE_YEAR);
    let reached = [hash(&csv), of_columns(&prepared.columns), of_columns(&blobs(1_000, 3, 4, 1).columns)];
    assert_eq!(reached, [12109233014064479389, 12563415792963533398, 8159317549319034657]);
}

#[test]
fn every_number_of_rows_works_and_scales() {
    for rows in (0..=40).chain([100, 1_000, 2_339, 2_340, 4_000, 411_686]) {
        let made = learners(rows, 9);
        assert_eq!(made.rows().len(), rows);
        let distinct: HashSet<&Learner> = made.rows().iter().collect();
        assert_eq!(distinct.len(), rows, "duplicates among {rows}");
        let share = |count: f64| (count * rows as f64 / ROWS as f64).round();
        let missing = made.rows().iter().filter(|row| row.position.is_none()).count();
        assert_eq!(missing as f64, share(52_564.0), "positions missing among {rows}");
        let emails: HashSet<u64> = made.rows().iter().map(|row| row.email).collect();
        if rows > 3 {
            assert_eq!((rows - emails.len()) as f64, share(52_400.0), "repeated among {rows}");
            let companies: HashSet<u32> = made.rows().iter().filter_map(|row| row.company).collect();
            assert_eq!(companies.len() as f64, share(37_300.0), "companies among {rows}");
        }
        let prepared = prepare(&made, REFERENCE_YEAR);
        assert_eq!(prepared.names.len(), prepared.columns.len());
        assert!(prepared.columns.iter().all(|c| c.len() == rows && c.iter().all(|v| v.is_finite())));
        made.write_csv(&mut Vec::new()).unwrap();
    }
}

#[test]
fn blobs_have_equal_shares_unit_deviations_and_centres_in_the_box() {
    let (rows, features, centers) = (60_001, 5, 4);
    let made = blobs(rows, features, centers, 2);
    assert_eq!((made.columns.len(), made.labels.len()), (features, rows));
    let mut seen = HashSet::new();
    for label in 0..centers as u32 {
        let members: Vec<usize> = (0..rows).filter(|&r| made.labels[r] == label).collect();
        assert!(members.len().abs_diff(rows / centers) <= 1);
        for column in &made.columns {
            let values: Vec<f64> = members.iter().map(|&r| f64::from(column[r])).collect();
            let standard_error = 1.0 / (values.len() as f64).sqrt();
            assert!(mean(&values).abs() < 10.0 + 5.0 * standard_error);
            assert!((moment(&values, 2) - 1.0).abs() < 8.0 * standard_error);
            assert!(skewness(&values).abs() < 0.12);
            seen.insert((mean(&values) * 100.0) as i64);
        }
    }
    assert!(seen.len() > features * centers - 3, "centres differ");
    for i in 1..features {
        let noise = |c: usize| -> Vec<f64> {
            (0..rows).step_by(centers).map(|r| f64::from(made.columns[c][r])).collect()
        };
        assert!(correlation(&noise(i - 1), &noise(i)).abs() < 0.04, "features {i} and the one before");
    }
    let shorter = blobs(100, features, centers, 2);
    assert!(shorter.columns.iter().zip(&made.columns).all(|(short, long)| short[..] == long[..100]));
    assert_eq!(blobs(0, 2, 3, 0).columns, [Vec::<f32>::new(), Vec::new()]);
    assert_eq!(blobs(3, 1, 0, 0).labels, [0; 3]);
}
