//! Affinity propagation from the command line and from a recipe.

use crate::cli::Desk;

#[test]
fn a_fit_names_the_exemplar_of_each_segment() {
    let desk = Desk::with_table();
    let flags = "--method affinity --damping 0.7 --preference -50 --max-iter 400 --device cpu";
    let said = desk.run(&format!("fit t.csv {flags} --out one --json"));
    let (json, _) = said.json();
    assert_eq!(json["method"], "affinity");
    let found = &json["affinity"];
    let exemplars = found["exemplars"].as_array().unwrap();
    assert_eq!(exemplars.len(), json["sizes"].as_array().unwrap().len());
    assert_eq!((&found["converged"], &found["preference"]), (&true.into(), &(-50.0).into()));
    assert!(found["n_iter"].as_u64().unwrap() > 15 && found.get("approximate").is_none());
    assert_eq!((&json["noise"], &json["converged"]), (&0.into(), &true.into()));
    // Rows are counted from 1, as in the assignments, where the distance of an exemplar is 0.
    let text = desk.read("one/assignments.csv");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    for (segment, row) in exemplars.iter().enumerate() {
        let line = &lines[row.as_u64().unwrap() as usize];
        assert_eq!((line[1], line[3].parse::<f64>().unwrap()), (&*segment.to_string(), 0.0));
    }
    // New rows go to the nearest exemplar, and these rows to their own.
    let said = desk.run("assign one/model.json t.csv --device cpu --out again --json");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(desk.read("again/assignments.csv"), text);
}

#[test]
fn the_terminal_says_who_the_exemplars_are_and_whether_they_settled() {
    let desk = Desk::new();
    let mut text = String::from("who,x,y\n");
    for i in 0..60 {
        let (x, y) = (i * 7 % 13 + i % 2 * 40, i * 11 % 17 + i % 2 * 9);
        text.push_str(&format!("person-{i},{x},{y}\n"));
    }
    desk.put("p.csv", text);
    let fit = "fit p.csv --id who --features x,y --method affinity --device cpu -q";
    let said = desk.run(&format!("{fit} --damping 0.8 --preference -40 --out one")).quietly();
    assert!(said.contains("stands for each segment") && said.contains("person-"), "{said}");
    let said = desk.run(&format!("{fit} --damping 0.5 --max-iter 16 --out two"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("still changed after 16 iterations") && flat.contains("damping"), "{}", said.out);
    let said = desk.run(&format!("{fit} --damping 0.5 --max-iter 16 --strict --out three"));
    assert_eq!(said.code, Some(4), "a fit that did not converge misses the gate: {}", said.err);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let desk = Desk::with_table();
    desk.fails(
        "fit t.csv --method affinity --k 3 --out o",
        2,
        &["affinity propagation", "number of segments"],
    );
    desk.fails("fit t.csv --method kmeans --damping 0.7 --out o", 2, &["--damping", "kmeans"]);
    for (flags, word) in [("--damping 0.3", "0.5"), ("--damping 1", "0.5"), ("--preference nan", "number")] {
        let said = desk.run(&format!("fit t.csv --method affinity {flags} --out o"));
        assert_eq!(said.code, Some(2), "{flags}");
        assert!(said.err.contains(word), "{flags}: {}", said.err);
    }
    desk.run("synth blobs --rows 3000 --features 4 --out b.npy -q");
    let large = "fit b.npy --features * --method affinity --max-memory 100M --device cpu --out o -q";
    desk.fails(large, 3, &["memory"]);
}

#[test]
fn a_recipe_has_the_same_keys() {
    let desk = Desk::with_table();
    let recipe =
        |keys: &str| format!("[input]\npath = \"t.csv\"\n\n[analysis]\nmethod = \"affinity\"\n{keys}\n");
    desk.put("r.toml", recipe("damping = 0.7\npreference = -50\nmax_iter = 400\nconvergence_iter = 20"));
    let (json, _) = desk.run("run r.toml --device cpu --out one --json").json();
    assert_eq!(json["affinity"]["preference"], -50.0);
    let model: serde_json::Value = serde_json::from_str(&desk.read("one/model.json")).unwrap();
    let keys = [("damping", 0.7), ("preference", -50.0), ("max_iter", 400.0), ("convergence_iter", 20.0)];
    for (key, value) in keys {
        assert_eq!(model[key].as_f64(), Some(value), "{key}");
    }
    desk.put("bad.toml", recipe("damping = 1.0\npreference = \"low\"\ntol = 0.1"));
    let said = desk.run("run bad.toml --out two");
    assert_eq!(said.code, Some(3), "{}", said.out);
    for word in ["damping", "preference", "tol"] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
}
