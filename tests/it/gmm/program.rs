//! The program with `--method gmm`.

use crate::cli::Desk;
use segmenta::random::{Draws, Purpose};

/// Two groups of 100 that overlap, in columns `x` and `y`, with ids.
fn table() -> String {
    let mut text = String::from("user,x,y\n");
    for i in 0..200 {
        let mut draws = Draws::new(4, Purpose::SynthTable).at(i);
        let group = (i % 2) as f64;
        text.push_str(&format!(
            "u{i},{:.3},{:.3}\n",
            3.0 * group + draws.normal(),
            draws.normal() * (1.0 + group)
        ));
    }
    text
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("t.csv", table());
    desk
}

#[test]
fn a_fit_has_probabilities_and_figures() {
    let desk = desk();
    let line = "fit t.csv --id user --method gmm --k 2 --device cpu --no-structure --out o --json -q \
                --responsibilities-out r.csv";
    let (json, _) = desk.run(line).json();
    let gmm = &json["gmm"];
    assert_eq!((json["method"].as_str(), gmm["covariance"].as_str()), (Some("gmm"), Some("full")));
    let number = |key: &str| gmm[key].as_f64().unwrap();
    // Two components of two features have 2 * 2 means, 2 * 3 covariances and a weight.
    assert_eq!(gmm["parameters"], 11);
    let log_likelihood = number("log_likelihood");
    assert!((number("bic") - (11.0 * libm::log(200.0) - 2.0 * log_likelihood)).abs() < 1e-6);
    assert!((number("aic") - (22.0 - 2.0 * log_likelihood)).abs() < 1e-6);
    assert!((number("mean_log_likelihood") - log_likelihood / 200.0).abs() < 1e-9);
    assert_eq!(gmm["converged"], json["converged"]);
    // The probability of a row's segment is the largest of its responsibilities.
    let rows = |name: &str| -> Vec<Vec<String>> {
        let text = desk.read(name);
        text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
    };
    let (assigned, shares) = (rows("o/assignments.csv"), rows("r.csv"));
    assert_eq!(assigned[0], ["user", "segment", "status", "distance", "margin", "name", "probability"]);
    assert_eq!(shares[0], ["segment_0", "segment_1"]);
    assert_eq!((assigned.len(), shares.len()), (201, 201));
    for (row, shares) in assigned.iter().zip(&shares).skip(1) {
        let shares: Vec<f64> = shares.iter().map(|share| share.parse().unwrap()).collect();
        let (segment, probability): (usize, f64) = (row[1].parse().unwrap(), row[6].parse().unwrap());
        assert!((shares[segment] - probability).abs() < 1e-5, "{row:?} {shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-5 && probability >= 0.499_99, "{shares:?}");
    }
    // New rows are labelled by the same rule.
    desk.run("assign o/model.json t.csv --device cpu --out again -q").quietly();
    assert_eq!(desk.read("again/assignments.csv"), desk.read("o/assignments.csv"));
    let said = desk.run(
        "fit t.csv --id user --method gmm --k 2 --covariance diagonal --device cpu --no-structure --out p",
    );
    assert!(said.out.contains("Gaussian mixture with diag covariances (9 parameters)"), "{}", said.out);
}

#[test]
fn a_sweep_has_criteria_and_chooses_by_them() {
    let desk = desk();
    let sweep = "sweep t.csv --id user --method gmm --k 1..5 --min-k 1 --device cpu --no-structure";
    for (rule, name) in [("bic", "BIC"), ("aic", "AIC")] {
        let (json, _) = desk.run(&format!("{sweep} --rule {rule} --json -q")).json();
        let lines = json["sweep"].as_array().unwrap();
        let lowest =
            lines.iter().min_by(|a, b| a[rule].as_f64().unwrap().total_cmp(&b[rule].as_f64().unwrap()));
        assert_eq!(json["chosen"]["k"], lowest.unwrap()["k"], "{rule}");
        let said = desk.run(&format!("{sweep} --rule {rule}"));
        assert!(said.out.contains(&format!("it has the lowest {name}")), "{}", said.out);
        let header = said.out.lines().find(|line| line.contains("inertia")).unwrap();
        assert!(header.contains("BIC") && header.contains("AIC"), "{header}");
    }
    // KMeans has no likelihood, and its sweep no such column.
    let (json, _) = desk.run("sweep t.csv --id user --k 2..3 --device cpu --no-structure --json -q").json();
    assert!(json["sweep"][0].get("bic").is_none());
}

#[test]
fn what_does_not_go_together_is_said() {
    let desk = desk();
    desk.fails("sweep t.csv --id user --k 2..4 --rule bic --device cpu", 2, &["bic", "gmm"]);
    desk.fails("fit t.csv --id user --k 2 --covariance full --out o", 2, &["--covariance", "kmeans"]);
    desk.fails(
        "fit t.csv --id user --k 2 --responsibilities-out r.npy --out o",
        2,
        &["responsibilities", "gmm"],
    );
    let gmm = "fit t.csv --id user --method gmm --k 2 --out o";
    desk.fails(&format!("{gmm} --responsibilities-out r.txt"), 2, &["--responsibilities-out", ".parquet"]);
    desk.put("line.csv", "a,b\n1,2\n2,4\n3,6\n4,8\n5,10\n6,12\n");
    let line = "fit line.csv --method gmm --k 1 --reg-covar 0 --device cpu --no-structure --out o";
    desk.fails(line, 3, &["the feature b", "--reg-covar"]);
}

/// A recipe has the same choices.
#[test]
fn a_recipe_can_ask_for_a_mixture() {
    let desk = desk();
    let recipe = "[input]\npath = \"t.csv\"\nid = \"user\"\n\n[analysis]\nmethod = \"gmm\"\nk = 2\ncovariance = \"tied\"\n\
                  reg_covar = 0.001\nmax_iter = 50\nn_init = 2\ntol = 0.0001\n\n[output]\nresponsibilities = \"r.npy\"\n";
    desk.put("r.toml", recipe);
    let (json, _) = desk.run("run r.toml --device cpu --out o --json -q").json();
    assert_eq!(json["gmm"]["covariance"], "tied");
    let model: serde_json::Value = serde_json::from_str(&desk.read("o/model.json")).unwrap();
    let of = |key: &str| model[key].as_f64().unwrap();
    assert_eq!((of("reg_covar"), of("max_iter"), of("n_init"), of("tol")), (0.001, 50.0, 2.0, 0.0001));
    let bytes = std::fs::read(desk.path("r.npy")).unwrap();
    let shares: ndarray::Array2<f32> = ndarray_npy::ReadNpyExt::read_npy(&bytes[..]).unwrap();
    assert_eq!(shares.dim(), (200, 2));
    desk.put("wrong.toml", recipe.replace("\"tied\"", "\"round\""));
    let said = desk.run("run wrong.toml --out p");
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("covariance"), "{}", said.err);
}
