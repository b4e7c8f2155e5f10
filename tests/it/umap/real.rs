//! What layouts of real tables must reach: umap-learn's own figures, less its spread over seeds.

use super::{fit, laid_out, project, taken};
use crate::devices::skip;
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::Start;
use segmenta::cluster::gmm::{self, fit_many};
use segmenta::embed::umap::{Params, Umap, UmapInit, UmapMetric};
use segmenta::evidence::agreement::{Agreement, Contingency};
use segmenta::progress::Progress;
use segmenta::table::{ReadOptions, Table, Values, read};
use segmenta::{Dataset, Matrix};
use std::path::Path;

/// A table of the data folder.
fn table(file: &str) -> Option<Table> {
    let Some(data) = std::env::var_os("SEGMENTA_DATA") else {
        skip(&format!("SEGMENTA_DATA is not set: {file} is not laid out"));
        return None;
    };
    Some(read(&Path::new(&data).join(file), &ReadOptions::default()).unwrap())
}

fn numbers(table: &Table, name: &str) -> Vec<f64> {
    match &table.column(name).unwrap().values {
        Values::Number(values) => values.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

/// All columns but these.
fn features(table: &Table, but: &[&str]) -> Vec<Vec<f32>> {
    let names = table.columns.iter().map(|c| c.name.as_str()).filter(|name| !but.contains(name));
    names.map(|name| numbers(table, name).iter().map(|v| *v as f32).collect()).collect()
}

fn labels(table: &Table, name: &str) -> Vec<u32> {
    numbers(table, name).iter().map(|v| *v as u32).collect()
}

fn reaches(umap: &Umap, name: &str, [trustworthiness, continuity, preservation]: [f64; 3]) {
    let found = &umap.quality;
    let enough = found.trustworthiness >= trustworthiness
        && found.continuity >= continuity
        && found.neighbourhood_preservation >= preservation;
    assert!(enough, "{name}: {found:?}");
}

fn adjusted_rand(a: &[u32], b: &[u32]) -> f64 {
    let some = |labels: &[u32]| labels.iter().map(|l| Some(*l)).collect::<Vec<_>>();
    let most = |labels: &[u32]| labels.iter().max().map_or(0, |l| *l as usize + 1);
    Agreement::of(&Contingency::of(&some(a), &some(b), (most(a), most(b)))).ari
}

/// The share of rows whose label is that of most of their 15 nearest rows in the layout, `rows` of them against `others`.
fn accuracy(places: &[Vec<f64>], labels: &[u32], rows: &[usize], others: &[usize]) -> f64 {
    let right = |&&i: &&usize| {
        let distance = |j: usize| places.iter().map(|c| (c[i] - c[j]).powi(2)).sum::<f64>();
        let mut near: Vec<(f64, usize)> =
            others.iter().filter(|&&j| j != i).map(|&j| (distance(j), j)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut counts = [0; 10];
        near[..15].iter().for_each(|&(_, j)| counts[labels[j] as usize] += 1);
        let most = (0..10).max_by_key(|&l| (counts[l], std::cmp::Reverse(l))).unwrap();
        most as u32 == labels[i]
    };
    rows.iter().filter(right).count() as f64 / rows.len() as f64
}

#[test]
fn digits() {
    let Some(table) = table("classic/digits.csv") else { return };
    let (columns, target) = (features(&table, &["target"]), labels(&table, "target"));
    let rows: Vec<usize> = (0..target.len()).collect();
    let (umap, places) = laid_out(&columns, &Params::default());
    reaches(&umap, "digits", [0.985, 0.978, 0.53]);
    let found = accuracy(&places, &target, &rows, &rows);
    assert!(found >= 0.978, "{found}");
    // Rows that the layout has not seen lie among their own kind.
    let (new, seen): (Vec<usize>, Vec<usize>) = rows.iter().partition(|i| **i % 4 == 0);
    let umap = fit(&taken(&columns, &seen), &Params::default()).unwrap();
    let found = accuracy(&project(&umap, &columns), &target, &new, &seen);
    assert!(found >= 0.96, "new rows: {found}");
}

#[test]
fn learners() {
    let Some(table) = table("oulad/learners.csv") else { return };
    let names = "studied_credits num_of_prev_attempts date_registration n_assessments mean_score mean_days_early \
                 weight_done weighted_points";
    let columns: Vec<Vec<f64>> = names.split_whitespace().map(|name| numbers(&table, name)).collect();
    let whole = |i: &usize| columns.iter().all(|c| c[*i].is_finite());
    let rows: Vec<usize> = (0..table.rows).filter(whole).take(5_000).collect();
    let standard = |column: &Vec<f64>| {
        let own: Vec<f64> = rows.iter().map(|&i| column[i]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let deviation = (own.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / own.len() as f64).sqrt();
        own.iter().map(|v| ((v - mean) / deviation) as f32).collect::<Vec<f32>>()
    };
    let columns: Vec<Vec<f32>> = columns.iter().map(standard).collect();
    for init in [UmapInit::Spectral, UmapInit::Pca] {
        let umap = fit(&columns, &Params { init, ..Params::default() }).unwrap();
        reaches(&umap, "learners", [0.981, 0.979, 0.52]);
    }
}

#[test]
fn the_planted_populations_and_segments_of_a_survey() {
    let Some(table) = table("survey/planted_survey.csv") else { return };
    let columns = features(&table, &["population", "segment"]);
    let jaccard = Params { metric: UmapMetric::Jaccard, ..Params::default() };
    let (umap, places) = laid_out(&columns, &jaccard);
    reaches(&umap, "survey", [0.870, 0.926, 0.10]);
    // The widest gap along a component parts the populations.
    let widest = places.iter().map(|component| {
        let mut sorted = component.clone();
        sorted.sort_by(f64::total_cmp);
        let gap = sorted.windows(2).map(|w| (w[1] - w[0], w[0])).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        (gap, component.iter().map(|v| u32::from(*v > gap.1)).collect::<Vec<u32>>())
    });
    let (_, sides) = widest.max_by(|a, b| a.0.0.total_cmp(&b.0.0)).unwrap();
    let found = adjusted_rand(&labels(&table, "population"), &sides);
    assert!(found >= 0.99, "populations: {found}");

    let (umap, places) = laid_out(&columns, &Params { n_components: 4, min_dist: 0.0, ..jaccard });
    reaches(&umap, "survey in 4 dimensions", [0.895, 0.933, 0.165]);
    let narrow = places.iter().map(|c| c.iter().map(|v| *v as f32).collect()).collect();
    let matrix = Matrix::from_columns((0..4).map(|j| format!("f{j}")).collect(), narrow).unwrap();
    let cpu = Cpu::default();
    let dataset = Dataset::load(&cpu, &matrix).unwrap();
    let params = gmm::Params { n_init: 3, ..gmm::Params::default() };
    let fits = fit_many(&dataset, &[10], &params, &Start::KMeansPlusPlus, Progress::none()).unwrap();
    let (truth, found) = (labels(&table, "segment"), &fits[0].labels);
    let all = adjusted_rand(&truth, found);
    let planted: Vec<usize> = (0..truth.len()).filter(|i| truth[*i] > 0).collect();
    let of = |labels: &[u32]| planted.iter().map(|&i| labels[i]).collect::<Vec<u32>>();
    let within = adjusted_rand(&of(&truth), &of(found));
    assert!(all >= 0.91 && within >= 0.87, "mixture: {all} of all, {within} of the planted segments");
}
