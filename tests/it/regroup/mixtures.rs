//! Merged and split segments of a Gaussian mixture, against densities that are computed by hand from `model.json`.

use super::{features, labels, model_of, outcome, recipe, spec, table, text};
use segmenta::backend::cpu::Cpu;
use segmenta::model::Model;
use serde_json::{Value, json};

fn of_mixture(analysis: &str) -> String {
    recipe(&format!("method = \"gmm\"\n{analysis}")).replace("n_init = 5\n", "").replace("k = 7", "k = 6")
}

/// How likely a point of two features comes from each component.
fn shares(mixture: &Value, point: &[f64]) -> Vec<f64> {
    let list = |key: &str| super::numbers(&mixture[key]);
    let (weights, means, covariances) = (list("weights"), list("means"), list("covariances"));
    let densities: Vec<f64> = (0..weights.len())
        .map(|c| {
            let [a, b, _, d] = covariances[4 * c..4 * c + 4] else { panic!() };
            let (x, y) = (point[0] - means[2 * c], point[1] - means[2 * c + 1]);
            let determinant = a * d - b * b;
            let square = (d * x * x - 2.0 * b * x * y + a * y * y) / determinant;
            weights[c] * libm::exp(-0.5 * square) / determinant.sqrt()
        })
        .collect();
    let all: f64 = densities.iter().sum();
    densities.iter().map(|density| density / all).collect()
}

fn largest(shares: &[f64]) -> usize {
    (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap()
}

/// The segment of a row, and how likely it is.
fn by_hand(model: &Value, row: &[f64], tier: Option<&str>) -> (u64, f64) {
    let centroids = model["regrouped"]["centroids"].as_array().unwrap();
    let of_fit = shares(&model["regrouped"]["mixture"], row);
    let component = largest(&of_fit);
    let becomes = &centroids[component];
    if let Some(segment) = becomes["segment"].as_u64() {
        let together = (0..of_fit.len()).filter(|c| centroids[*c]["segment"].as_u64() == Some(segment));
        return (segment, together.map(|c| of_fit[c]).sum());
    }
    if let Some(likeliest) = becomes.get("likeliest") {
        let of_parts = shares(&likeliest["components"], row);
        let part = largest(&of_parts);
        let segment = likeliest["parts"][part]["segment"].as_u64().unwrap();
        return (segment, of_fit[component] * of_parts[part]);
    }
    let by = &becomes["by"];
    let value = by["values"].as_array().unwrap().iter().find(|v| v["value"].as_str() == tier);
    (value.map_or(&by["other"], |v| &v["segment"]).as_u64().unwrap(), of_fit[component])
}

#[test]
fn a_mixtures_segments_are_merged_and_split_by_their_components() {
    let table = table(&text(600));
    let plain = labels(&outcome(&spec(&of_mixture("")), &table));
    for (analysis, k) in [
        ("merge = [[1, 4], [5, 0, 3]]", 3),
        ("split = { segment = 0, k = 3 }", 8),
        ("merge = [[2, 3]]\nsplit = [{ segment = 1, by = \"tier\" }, { segment = 0, k = 2 }]", 4 - 1 + 4 + 2),
    ] {
        let spec = spec(&of_mixture(analysis));
        let found = outcome(&spec, &table);
        assert_eq!(found.k, Some(k), "{analysis}");
        let model = model_of(&found);
        let tiers = &table.column("tier").unwrap().values;
        let rows = &found.labelled.as_ref().unwrap().rows;
        for (i, (row, found)) in features(&spec, &table).iter().zip(rows).enumerate() {
            let tier = Some(tiers.cell(i)).filter(|cell| !cell.is_empty());
            let (segment, probability) = by_hand(&model, row, tier.as_deref());
            let found = found.unwrap();
            assert_eq!(u64::from(found.segment), segment, "{analysis}, row {i}");
            assert!((f64::from(found.probability) - probability).abs() < 1e-5, "{analysis}, row {i}");
        }
        // Rows that were together in an untouched or merged segment still are, and the model labels them as the fit did.
        let now = labels(&found);
        let touched = |label: u32| analysis.contains(&format!("segment = {label},"));
        for (i, j) in (0..600).zip(1..600).filter(|(i, j)| plain[*i] == plain[*j] && !touched(plain[*i])) {
            assert_eq!(now[i], now[j], "{analysis}");
        }
        let again = Model::from_json(&model.to_string()).unwrap();
        let assigned = again.assign(&table, &Cpu::default()).unwrap();
        assert_eq!(&assigned.rows, rows, "{analysis}");
    }
}

#[test]
fn a_damaged_mixture_is_refused() {
    let table = table(&text(300));
    let spec = spec(&of_mixture("merge = [[2, 5]]\nsplit = { segment = 0, k = 2 }"));
    let good = model_of(&outcome(&spec, &table));
    let centroids = good["regrouped"]["centroids"].as_array().unwrap();
    let place = centroids.iter().position(|c| c.get("likeliest").is_some()).unwrap();
    let likeliest = format!("/regrouped/centroids/{place}/likeliest");
    for (pointer, value) in [
        ("/regrouped/mixture/features".to_string(), json!(3)),
        ("/regrouped/mixture/weights".into(), json!([1.0])),
        (format!("{likeliest}/components/covariances"), json!([1.0])),
        (format!("{likeliest}/parts"), json!([])),
        ("/method".into(), json!("kmeans")),
    ] {
        let mut damaged = good.clone();
        *damaged.pointer_mut(&pointer).unwrap() = value;
        assert!(Model::from_json(&damaged.to_string()).is_err(), "{pointer}");
    }
    crate::model::schema::damage_value(&good);
}
