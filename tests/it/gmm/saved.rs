//! Models of mixtures: what is saved labels rows as the fit did, and a file that is wrong is refused.

use super::SHAPES;
use crate::model::schema;
use segmenta::analysis::{Compute, Fit, Silent, Spec, run};
use segmenta::backend::cpu::Cpu;
use segmenta::cluster::Method;
use segmenta::cluster::gmm::{Covariance, Params};
use segmenta::model::Model;
use segmenta::synth::Example;
use serde_json::{Value, json};

fn spec(covariance: Covariance) -> Spec {
    let method = Method::Gmm(Params { covariance, ..Params::default() });
    Spec { method, fit: Some(Fit { k: Some(4), ..Fit::default() }), structure: false, ..Spec::default() }
}

#[test]
fn a_saved_mixture_labels_rows_as_the_fit_did() {
    for covariance in SHAPES {
        let table = Example::Learners.table(1_500, 1);
        let outcome = run(&spec(covariance), table.clone().into(), &Compute::default(), &Silent).unwrap();
        let json = outcome.model.unwrap().to_json();
        schema::check(&json);
        let model = Model::from_json(&json).unwrap();
        assert_eq!(model.to_json(), json);
        let again = model.assign(&table, &Cpu::default()).unwrap();
        let of_fit = outcome.labelled.unwrap().rows;
        assert_eq!(again.rows, of_fit, "{covariance:?}");
        let likely = |row: &segmenta::model::Assignment| row.probability > 0.2 && row.probability <= 1.0;
        assert!(of_fit.iter().flatten().all(likely), "the largest of four shares");
        assert!(of_fit.iter().flatten().any(|row| row.probability < 0.999));
    }
}

/// Changes to `mixture` in a model, each of which is refused in words.
#[test]
fn a_file_that_is_wrong_is_refused() {
    let table = Example::Learners.table(300, 1);
    let outcome = run(&spec(Covariance::Full), table.into(), &Compute::default(), &Silent).unwrap();
    let model: Value = serde_json::from_str(&outcome.model.unwrap().to_json()).unwrap();
    let components = model["mixture"]["components"].clone();
    let (k, d) = (components["weights"].as_array().unwrap().len(), components["features"].as_u64().unwrap());
    assert_eq!(k, 4);
    let refused = |what: &str, changed: Value| {
        let mut model = model.clone();
        model["mixture"]["components"] = changed;
        assert!(Model::from_json(&model.to_string()).is_err(), "{what}");
    };
    let with = |key: &str, value: Value| {
        let mut changed = components.clone();
        changed[key] = value;
        changed
    };
    let numbers = |key: &str| components[key].as_array().unwrap().clone();
    for key in ["weights", "means", "covariances"] {
        let mut shorter = numbers(key);
        shorter.pop();
        refused(&format!("{key} too short"), with(key, shorter.into()));
        refused(&format!("{key} empty"), with(key, json!([])));
        let mut null = numbers(key);
        null[0] = Value::Null;
        refused(&format!("{key} with null"), with(key, null.into()));
        let mut huge = numbers(key);
        huge[0] = json!(1e300);
        refused(&format!("{key} with 1e300"), with(key, huge.into()));
    }
    for features in [0, d - 1, d + 1, u64::from(u32::MAX), u64::MAX] {
        refused(&format!("{features} features"), with("features", json!(features)));
    }
    for covariance in ["tied", "diag", "spherical", "round"] {
        refused(covariance, with("covariance", json!(covariance)));
    }
    let mut negative = numbers("weights");
    (negative[0], negative[1]) = (json!(-0.5), json!(1.5));
    refused("a negative weight", with("weights", negative.into()));
    let zeros = vec![json!(0.0); numbers("covariances").len()];
    refused("covariances of zeros", with("covariances", zeros.into()));
    // Nor do segments and components of different numbers go together.
    let mut other = model.clone();
    other["mixture"]["segments"].as_array_mut().unwrap().pop();
    assert!(Model::from_json(&other.to_string()).is_err());
}
