//! The learner table's 26 features, computed directly: what the recipe must arrive at.

use std::cmp::Reverse;

use rayon::prelude::*;

use segmenta::synth::{Learner, Learners};

/// Sums run over blocks of this many rows, then over the blocks.
const BLOCK: usize = 4_096;
/// Years of graduation before this one are taken for typing errors.
const FIRST_ORGYEAR: i32 = 1980;
/// Positions that keep their name; the rest is `Other_Role`.
const KEPT_POSITIONS: usize = 15;

/// Features of a learner table, ready for clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The features' names: seven numbers, then `job_position_grouped=...`, then `tier_flag=...`, both in
    /// alphabetical order.
    pub names: Vec<String>,
    /// One column for each name; numbers are standardised, levels are 0 and 1.
    pub columns: Vec<Vec<f32>>,
}

/// Prepares a learner table: company statistics joined to each learner, missing years imputed by the median,
/// numbers standardised (a constant becomes 0), groups of positions and company tiers one column a level.
///
/// A year of graduation outside `1980..=reference_year` counts as missing; experience runs to `reference_year`.
/// There are 26 features, or fewer where a small table lacks positions or tiers.
pub fn prepare(learners: &Learners, reference_year: i32) -> Prepared {
    let rows = learners.rows();
    let experience = experience(rows, reference_year);
    let companies = Companies::new(learners, &experience);

    let of_company =
        |values: &[f64]| companies.of_row.iter().map(|&c| values[c as usize]).collect::<Vec<f64>>();
    let of_row = |f: &(dyn Fn(&Learner) -> f64 + Sync)| rows.par_iter().map(f).collect::<Vec<f64>>();
    let numbers: [(&str, Vec<f64>); 7] = [
        ("ctc_lpa", of_row(&|row| f64::from(row.ctc) / 1e5)),
        ("ctc_log", of_row(&|row| libm::log1p(f64::from(row.ctc)))),
        ("years_of_experience", experience),
        (
            "recent_ctc_update_flag",
            of_row(&|row| f64::from(u8::from(i32::from(row.ctc_updated_year) >= reference_year - 1))),
        ),
        (
            "company_avg_ctc_lpa",
            of_company(&companies.mean_ctc.iter().map(|ctc| ctc / 1e5).collect::<Vec<_>>()),
        ),
        ("company_avg_exp", of_company(&companies.mean_experience)),
        ("company_learner_count", of_company(&companies.learners)),
    ];
    let mut names: Vec<String> = numbers.iter().map(|(name, _)| name.to_string()).collect();
    let mut columns: Vec<Vec<f32>> = numbers.par_iter().map(|(_, values)| standardised(values)).collect();

    let tiers = companies.tiers();
    let tier_names = (1..=3).map(|t| format!("Tier {t}")).collect();
    let (position_names, positions) = positions(learners);
    for (feature, levels, of_row) in [
        ("job_position_grouped", position_names, positions),
        ("tier_flag", tier_names, companies.of_row.iter().map(|&c| tiers[c as usize]).collect()),
    ] {
        one_hot(feature, levels, &of_row, &mut names, &mut columns);
    }
    Prepared { names, columns }
}

/// Years of experience, with the median year where the year is missing or cannot be meant.
fn experience(rows: &[Learner], reference_year: i32) -> Vec<f64> {
    let year = |row: &Learner| {
        row.orgyear
            .map(i32::from)
            .filter(|year| (FIRST_ORGYEAR..=reference_year).contains(year))
            .map(f64::from)
    };
    let mut known: Vec<f64> = rows.iter().filter_map(year).collect();
    known.par_sort_unstable_by(f64::total_cmp);
    let median = quantile(&known, 0.5).unwrap_or(f64::from(reference_year));
    rows.par_iter().map(|row| f64::from(reference_year) - year(row).unwrap_or(median)).collect()
}

/// What is known of each company; the last one is `Unknown_Company`.
struct Companies {
    of_row: Vec<u32>,
    mean_ctc: Vec<f64>,
    mean_experience: Vec<f64>,
    /// Distinct e-mails.
    learners: Vec<f64>,
}

impl Companies {
    fn new(learners: &Learners, experience: &[f64]) -> Self {
        let rows = learners.rows();
        let unknown = learners.companies() as u32;
        let of_row: Vec<u32> = rows.iter().map(|row| row.company.unwrap_or(unknown)).collect();

        // Rows sorted by company, in row order within each.
        let mut ends = vec![0usize; unknown as usize + 2];
        of_row.iter().for_each(|&c| ends[c as usize + 1] += 1);
        for c in 1..ends.len() {
            ends[c] += ends[c - 1];
        }
        let mut next = ends.clone();
        let mut sorted = vec![0usize; rows.len()];
        for (r, &c) in of_row.iter().enumerate() {
            sorted[next[c as usize]] = r;
            next[c as usize] += 1;
        }

        let of_company = |range: &[usize]| {
            let members = &sorted[range[0]..range[1]];
            let count = members.len() as f64;
            let mean = |value: &dyn Fn(usize) -> f64| members.iter().map(|&r| value(r)).sum::<f64>() / count;
            let mut emails: Vec<u64> = members.iter().map(|&r| rows[r].email).collect();
            emails.sort_unstable();
            emails.dedup();
            (mean(&|r| f64::from(rows[r].ctc)), mean(&|r| experience[r]), emails.len() as f64)
        };
        let stats: Vec<(f64, f64, f64)> = ends.par_windows(2).map(of_company).collect();
        Companies {
            of_row,
            mean_ctc: stats.iter().map(|s| s.0).collect(),
            mean_experience: stats.iter().map(|s| s.1).collect(),
            learners: stats.iter().map(|s| s.2).collect(),
        }
    }

    /// Each company's tier, counted from 0: by its mean pay against the 66 % and 33 % quantiles over companies.
    fn tiers(&self) -> Vec<u32> {
        let mut means: Vec<f64> = self.mean_ctc.iter().copied().filter(|mean| !mean.is_nan()).collect();
        means.par_sort_unstable_by(f64::total_cmp);
        let (low, high) = (quantile(&means, 0.33), quantile(&means, 0.66));
        let tier = |&mean: &f64| match (low, high) {
            (Some(low), _) if mean <= low => 2,
            (_, Some(high)) if mean <= high => 1,
            _ => 0,
        };
        self.mean_ctc.iter().map(tier).collect()
    }
}

/// The groups of positions and each row's group. Where two positions are as common as each other, the one first
/// in the alphabet is kept.
fn positions(learners: &Learners) -> (Vec<String>, Vec<u32>) {
    let rows = learners.rows();
    let code = |row: &Learner| row.position.map_or(0, |p| usize::from(p) + 1);
    let mut counts = vec![0usize; usize::from(u16::MAX) + 2];
    rows.iter().for_each(|row| counts[code(row)] += 1);
    let mut common: Vec<(Reverse<usize>, String, usize)> = (0..counts.len())
        .filter(|&c| counts[c] > 0)
        .map(|c| {
            let name = c.checked_sub(1).map_or("Unknown_Role".into(), |p| learners.job_position(p as u16));
            (Reverse(counts[c]), name, c)
        })
        .collect();
    common.sort_unstable();
    common.truncate(KEPT_POSITIONS);

    let mut names: Vec<String> =
        common.iter().map(|(_, name, _)| name.clone()).chain(["Other_Role".into()]).collect();
    names.sort_unstable();
    let group = |name: &str| names.iter().position(|n| n == name).map_or(0, |g| g as u32);
    let mut groups = vec![group("Other_Role"); counts.len()];
    for (_, name, c) in &common {
        groups[*c] = group(name);
    }
    (names.clone(), rows.iter().map(|row| groups[code(row)]).collect())
}

/// Appends a column of 0 and 1 for every level that occurs.
fn one_hot(
    feature: &str,
    levels: Vec<String>,
    of_row: &[u32],
    names: &mut Vec<String>,
    columns: &mut Vec<Vec<f32>>,
) {
    let mut occurs = vec![false; levels.len()];
    of_row.iter().for_each(|&level| occurs[level as usize] = true);
    let kept: Vec<usize> = (0..levels.len()).filter(|&level| occurs[level]).collect();
    names.extend(kept.iter().map(|&level| format!("{feature}={}", levels[level])));
    columns.par_extend(kept.par_iter().map(|&level| {
        of_row.iter().map(|&l| if l as usize == level { 1.0 } else { 0.0 }).collect::<Vec<f32>>()
    }));
}

/// The quantile of sorted values, linear between neighbours, as pandas and NumPy compute it.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let below = at.floor();
    let (low, high) = (sorted[below as usize], sorted[at.ceil() as usize]);
    Some(low + (high - low) * (at - below))
}

/// Zero mean and unit deviation (ddof 0); a constant becomes 0. Rounded once, at the end; no negative zeros.
fn standardised(values: &[f64]) -> Vec<f32> {
    if values.iter().all(|&v| v == values[0]) {
        return vec![0.0; values.len()];
    }
    let n = values.len() as f64;
    let total = |f: &dyn Fn(f64) -> f64| -> f64 {
        values.chunks(BLOCK).map(|block| block.iter().map(|&v| f(v)).sum::<f64>()).sum()
    };
    let mean = total(&|v| v) / n;
    let deviation = (total(&|v| (v - mean) * (v - mean)) / n).sqrt();
    values.iter().map(|&v| ((v - mean) / deviation) as f32 + 0.0).collect()
}
