//! Hierarchical methods as users run them: the files, the tree, cuts at a height.

use super::{Desk, FILES, assignments};
use ndarray::Array2;
use ndarray_npy::ReadNpyExt as _;
use serde_json::Value;

fn metrics(desk: &Desk, folder: &str) -> Value {
    serde_json::from_str(&desk.read(&format!("{folder}/metrics.json"))).unwrap()
}

fn z(desk: &Desk, folder: &str) -> Array2<f64> {
    Array2::read_npy(std::fs::File::open(desk.path(&format!("{folder}/linkage.npy"))).unwrap()).unwrap()
}

fn with_linkage() -> Vec<&'static str> {
    vec!["assignments.csv", "linkage.npy", "metrics.json", "model.json", "report.html"]
}

#[test]
fn a_fit_by_ward_leaves_its_linkage() {
    let desk = Desk::with_table();
    let text = desk.run("fit t.csv --method ward --k 3 --device cpu --out w -q").quietly();
    assert_eq!(desk.names("w"), with_linkage());
    let (z, found) = (z(&desk, "w"), metrics(&desk, "w"));
    assert_eq!(z.shape(), [59, 4]);
    assert_eq!(z[[58, 3]], 60.0);
    assert_eq!((found["method"].as_str(), found["linkage"].as_str()), (Some("ward"), Some("linkage.npy")));
    assert_eq!(found["noise"], 0);
    assert!(found.get("n_iter").is_none() && found.get("restarts").is_none());
    let heights: Vec<f64> =
        found["heights"].as_array().unwrap().iter().map(|h| h.as_f64().unwrap()).collect();
    assert_eq!(heights, z.column(2).to_vec());
    // Three groups, each a leaf of the tree and a segment.
    assert_eq!(found["tree"]["size"], 60);
    let leaves = |node: &Value| -> Vec<(u64, u64)> {
        let mut left = vec![node.clone()];
        let mut out = Vec::new();
        while let Some(node) = left.pop() {
            match node.get("children") {
                Some(parts) => left.extend(parts.as_array().unwrap().iter().cloned()),
                None => out.push((node["segment"].as_u64().unwrap(), node["size"].as_u64().unwrap())),
            }
        }
        out.sort_unstable();
        out
    };
    assert_eq!(leaves(&found["tree"]), [(0, 20), (1, 20), (2, 20)]);
    assert_eq!(found["cut"]["from"].as_f64(), Some(z[[56, 2]]));
    assert_eq!(found["cut"]["below"].as_f64(), Some(z[[57, 2]]));
    assert!(text.contains("tree of merges") && text.contains("20 rows ───"), "{text}");
    // The rows come in threes, one of each group.
    let rows = assignments(&desk.read("w/assignments.csv"));
    assert!(rows.chunks(3).all(|three| (0..3).all(|i| three[i].1 == rows[i].1)));
    // New rows get the segment of the nearest centroid.
    desk.run("assign w/model.json t.csv --device cpu --out a -q").quietly();
    assert_eq!(assignments(&desk.read("a/assignments.csv")), rows);

    // A later fit by another method leaves no linkage of an older one behind.
    desk.fails("fit t.csv --k 3 --device cpu --out w -q", 2, &["--force"]);
    desk.run("fit t.csv --k 3 --device cpu --out w -q --force").quietly();
    assert_eq!(desk.names("w"), FILES);
}

#[test]
fn a_cut_at_a_height_finds_the_segments() {
    let desk = Desk::with_table();
    for method in ["ward", "complete", "average"] {
        desk.run(&format!("fit t.csv --method {method} --k 3 --device cpu --out k -q --force")).quietly();
        let by_k = metrics(&desk, "k");
        let height = by_k["cut"]["from"].as_f64().unwrap();
        desk.run(&format!(
            "fit t.csv --method {method} --cut-height {height} --device cpu --out h -q --force"
        ))
        .quietly();
        let by_height = metrics(&desk, "h");
        for key in ["k", "sizes", "heights", "tree", "cut", "inertia"] {
            assert_eq!(by_k[key], by_height[key], "{method} {key}");
        }
        assert_eq!(desk.read("k/assignments.csv"), desk.read("h/assignments.csv"));
        let model: Value = serde_json::from_str(&desk.read("h/model.json")).unwrap();
        assert_eq!(model["cut_height"].as_f64(), Some(height));
    }
    desk.fails(
        "fit t.csv --method ward --cut-height 1 --k 3 --device cpu --out o -q",
        2,
        &["Ward's method", "number of segments"],
    );
    desk.fails("fit t.csv --cut-height 1 --device cpu --out o -q", 2, &["--cut-height", "kmeans"]);
    desk.fails("fit t.csv --method ward --n-init 3 --device cpu --out o -q", 2, &["--n-init", "ward"]);
    desk.fails("fit t.csv --method ward --k 61 --device cpu --out o -q", 3, &["61", "distinct"]);
}

#[test]
fn a_recipe_and_a_sweep_have_the_methods_too() {
    let desk = Desk::with_table();
    desk.put(
        "r.toml",
        "[input]\npath = \"t.csv\"\n[analysis]\nmethod = \"average\"\nk = 3\n[names]\n0 = \"Many\"\n",
    );
    let text = desk.run("run r.toml --device cpu --out r -q").quietly();
    assert_eq!(desk.names("r"), with_linkage());
    assert!(text.contains("0 Many: 20 rows"), "{text}");
    desk.put("h.toml", "[input]\npath = \"t.csv\"\n[analysis]\nmethod = \"ward\"\ncut_height = -1\n");
    desk.fails("run h.toml --device cpu --out x -q", 3, &["cut_height", "0 or more"]);
    let (found, _) = desk.run("sweep t.csv --method ward --k 2..4 --device cpu -q --json").json();
    assert_eq!(found["sweep"].as_array().unwrap().len(), 3);
    assert_eq!(found["chosen"]["k"], 3);
    desk.fails("sweep t.csv --method ward --cut-height 2 --device cpu -q", 2, &["sweep"]);
}

/// Average linkage merges these values at 1, 1, 2, 10.5 and 94.75.
#[test]
fn the_tree_is_drawn() {
    let desk = Desk::new();
    desk.put("t.csv", "x\n0\n1\n10\n12\n100\n101\n");
    let text = desk
        .run("fit t.csv --features x --scale none --method average --k 3 --device cpu --out o -q")
        .quietly();
    let dashes = |count| "─".repeat(count);
    let drawn = format!(
        "tree of merges\n\
         0: 2 rows {}┬{}┐\n\
         1: 2 rows {}┘{}┤\n\
         2: 2 rows {}┘\n\
         {}0{}94.75  height\n\
         A cut between the heights 2 and 10.5",
        dashes(4),
        dashes(35),
        dashes(4),
        " ".repeat(35),
        dashes(40),
        " ".repeat(10),
        " ".repeat(35),
    );
    let plain = text.replace("2.000", "2").replace("10.50", "10.5");
    assert!(plain.contains(&drawn), "{text}\n{drawn}");
}

/// What does not fit into memory is refused before any work.
#[test]
fn all_pairs_need_memory() {
    let desk = Desk::new();
    let rows: String = (0..40_000).map(|i| format!("{},{}\n", i, i * 7919 % 40_009)).collect();
    desk.put("t.csv", format!("a,b\n{rows}"));
    let mut command =
        desk.command("fit t.csv --features a,b --method complete --k 3 --device cpu --out o -q");
    let said: super::Said = command.env("SEGMENTA_MAX_MEMORY", "1GB").output().unwrap().into();
    desk.one_clear_line("complete", &said, 3, &["6.", "GB"]);
    assert!(!desk.path("o").exists());
}
