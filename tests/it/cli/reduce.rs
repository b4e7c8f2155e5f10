//! Reductions as users run them: `segmenta reduce`, and recipes that go on with a layout.

use super::{Desk, assignments};
use crate::model::schema;
use segmenta::table::{Column, ReadOptions, read};
use serde_json::Value;

/// Answers of two populations that share no question; the first has three kinds of people, the second one.
fn answers(rows: usize) -> String {
    let mut text = String::from("who");
    (0..40).for_each(|j| text.push_str(&format!(",q{j}")));
    text.push('\n');
    for i in 0..rows {
        text.push_str(&format!("u{i}"));
        let kind = [0, 1, 2, 3, 0, 1][i % 6];
        for j in 0..40 {
            let often = match kind {
                3 => u64::from(j >= 30) * 60,
                kind if j / 8 == kind => 85,
                _ if j < 30 => 30,
                _ => 0,
            };
            // Digits that look random.
            let mut h = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ (j as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
            h = (h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            text.push_str(if (h >> 33) % 100 < often { ",1" } else { ",0" });
        }
        text.push('\n');
    }
    text
}

/// Each row's coordinates.
fn coordinates(csv: &str) -> Vec<Vec<f64>> {
    csv.lines().skip(1).map(|l| l.split(',').skip(1).map(|v| v.parse().unwrap()).collect()).collect()
}

#[test]
fn a_layout_is_written_and_judged() {
    let desk = Desk::new();
    desk.put("t.csv", answers(300));
    let line = "reduce t.csv --id who --method umap --metric jaccard --n-epochs 60 --device cpu --json -q";
    let found = desk.run(&format!("{line} --embedding-out map.csv")).json().0;
    let layout = &found["reductions"][0];
    assert_eq!((&layout["method"], &layout["features"]), (&"umap".into(), &40.into()));
    let trusted = layout["quality"]["trustworthiness"].as_f64().unwrap();
    assert!(trusted > 0.8 && trusted <= 1.0, "{trusted}");
    let csv = desk.read("map.csv");
    assert_eq!(csv.lines().next(), Some("who,umap_1,umap_2"));
    assert!(csv.lines().nth(1).unwrap().starts_with("u0,"));
    assert_eq!(coordinates(&csv).len(), 300);
    // The same bytes for any number of threads, and others for another seed.
    for threads in [1, 2, 7] {
        desk.run(&format!("{line} --embedding-out {threads}.csv --threads {threads}")).json();
        assert_eq!(desk.read(&format!("{threads}.csv")), csv, "{threads} threads");
    }
    desk.run(&format!("{line} --embedding-out seed.csv --seed 1")).json();
    assert_ne!(desk.read("seed.csv"), csv);
    // Text for people.
    let text = desk.run(&line.replace("--json ", "")).quietly();
    assert!(text.contains("layout umap (UMAP)") && text.contains("trustworthiness"), "{text}");
    desk.fails(&format!("{line} --embedding-out map.csv"), 2, &["--force"]);
}

#[test]
fn principal_components_are_written_and_judged() {
    let desk = Desk::with_table();
    let line = "reduce t.csv --method pca --components 2 --device cpu -q --embedding-out";
    let text = desk.run(&format!("{line} pc.csv")).quietly();
    assert!(text.contains("principal components of") && text.contains("trustworthiness"), "{text}");
    let csv = desk.read("pc.csv");
    desk.run(&format!("{line} all.csv --features *")).quietly();
    assert_eq!(desk.read("all.csv").lines().count(), 61);
    assert_eq!(csv.lines().next(), Some("pc_1,pc_2"));
    assert_eq!(csv.lines().count(), 61);
    desk.run(&format!("{line} pc.npy")).quietly();
    // Two columns of f64 below the header of 128 bytes.
    assert_eq!(std::fs::metadata(desk.path("pc.npy")).unwrap().len(), 128 + 60 * 2 * 8);
}

#[test]
fn what_cannot_be_reduced_is_said() {
    let desk = Desk::with_table();
    desk.put("own.csv", "a,b,pc_1\n1,2,3\n2,5,9\n3,1,4\n");
    desk.put("few.csv", "a,b\n1,2\n1,2\n1,2\n");
    for (line, code, words) in [
        ("reduce t.csv --method pca --n-neighbors 5", 2, "belongs to the method umap"),
        ("reduce t.csv --method umap --metric jaccard", 3, "t.csv, column "),
        ("reduce t.csv --method umap --metric jaccard", 3, "every value must be 0 or 1"),
        ("reduce own.csv --method pca --features a,b", 3, "own.csv, column pc_1: a component is called"),
        ("reduce few.csv --method umap --features a,b", 3, "distinct rows"),
        ("reduce t.csv --method pca --components 99", 3, "99 components"),
        ("reduce t.csv --method pca --embedding-out map.txt", 2, ".csv"),
    ] {
        desk.fails(&format!("{line} --device cpu -q"), code, &[words]);
    }
    // 3,000 rows with 64 neighbours each, but few of them distinct.
    let many =
        |distinct: usize| (0..3000).map(|i| format!("{},{}\n", i % distinct, i % 7)).collect::<String>();
    let line = "reduce many.csv --features a,b --method umap --n-neighbors 65 --n-epochs 5 --max-memory 8M --device cpu -q";
    desk.put("many.csv", format!("a,b\n{}", many(3000)));
    desk.fails(line, 3, &["many.csv", "memory"]);
    desk.put("many.csv", format!("a,b\n{}", many(90)));
    desk.run(line).quietly();
    for (flag, words) in [("--n-neighbors 1", "1 is not in 2..=65"), ("--min-dist 2", "from 0 to 1")] {
        let said = desk.run(&format!("reduce t.csv --method umap {flag}"));
        assert!(said.code == Some(2) && said.err.contains(words), "{}", said.err);
    }
}

const RECIPE: &str = "\
[input]
path = \"t.csv\"
id = \"who\"

[[reduce]]
name = \"map\"
method = \"umap\"
metric = \"jaccard\"
columns = [\"q*\"]
n_epochs = 100

[population]
gap = \"map_*\"

[[reduce]]
name = \"detail\"
method = \"umap\"
metric = \"jaccard\"
columns = [\"q*\"]
components = 3
min_dist = 0
n_epochs = 100

[features]
columns = [\"detail_*\"]

[analysis]
method = \"gmm\"
k = 3
silhouette = true
structure = false
";

#[test]
fn segments_of_a_layout_of_the_larger_population() {
    let desk = Desk::new();
    let text = answers(600);
    desk.put("t.csv", text.clone());
    desk.put("r.toml", RECIPE);
    let said = desk.run("run r.toml --device cpu --json --out out --features-out x.csv");
    let found = said.json().0;
    assert!(said.err.contains("the widest gap is along map_"), "{}", said.err);
    assert_eq!(found["outside"], 100, "every sixth row is of the other population");
    assert_eq!(found["reductions"].as_array().unwrap().len(), 2);
    assert!(found["silhouette_jaccard"].as_f64().unwrap() < found["silhouette"].as_f64().unwrap());
    schema::check(&desk.read("out/model.json"));
    let rows = assignments(&desk.read("out/assignments.csv"));
    assert_eq!(rows.len(), 600);
    // Each kind of people is one segment.
    let kind = |i: usize| [0, 1, 2, 3, 0, 1][i % 6];
    let mut agree = 0;
    for segment in 0..3 {
        let mut counts = [0; 4];
        (0..600).filter(|i| rows[*i].1 == segment).for_each(|i| counts[kind(i)] += 1);
        agree += counts.iter().max().unwrap();
    }
    assert!(agree >= 470, "{agree} of 500 rows are with their kind");
    assert!((0..600).filter(|i| kind(*i) == 3).all(|i| rows[i].1 == -1));

    // The model labels the rows of the fit as the fit did, also a few of them in another order.
    desk.run("assign out/model.json t.csv --device cpu --out all -q").quietly();
    assert_eq!(assignments(&desk.read("all/assignments.csv")), rows);
    let lines: Vec<&str> = text.lines().collect();
    let some: Vec<usize> = (0..600).rev().step_by(7).collect();
    let part: Vec<&str> = std::iter::once(lines[0]).chain(some.iter().map(|i| lines[i + 1])).collect();
    desk.put("part.csv", part.join("\n") + "\n");
    desk.run("assign out/model.json part.csv --device cpu --out part -q").quietly();
    let again = assignments(&desk.read("part/assignments.csv"));
    assert!(some.iter().zip(&again).all(|(i, row)| row.1 == rows[*i].1));

    // New people of the same kinds go to the segments of their kind, each alone as with the others.
    desk.put(
        "new.csv",
        answers(660)
            .lines()
            .enumerate()
            .filter(|(i, _)| *i == 0 || *i > 600)
            .map(|(_, l)| format!("{l}\n"))
            .collect::<String>(),
    );
    desk.run("assign out/model.json new.csv --device cpu --out new -q").quietly();
    let new = assignments(&desk.read("new/assignments.csv"));
    let of_kind = |wanted: usize| {
        let count = |segment: i64| (0..600).filter(|i| kind(*i) == wanted && rows[*i].1 == segment).count();
        (-1..3).max_by_key(|segment| count(*segment))
    };
    let right = (0..60).filter(|i| Some(new[*i].1) == of_kind(kind(*i))).count();
    assert!(right >= 55, "{right} of 60 new rows");

    // A refit that starts from the model keeps its layouts.
    let again = desk.run("run r.toml --init out/model.json --device cpu --json --out again");
    assert!(again.err.contains("those of the earlier model"), "{}", again.err);
    assert_eq!(again.json().0["migration"]["moved"], 0);
}

#[test]
fn a_gap_has_two_sides() {
    let desk = Desk::new();
    let mut table = String::from("x,y\n");
    (0..90).for_each(|i| table.push_str(&format!("{},{}\n", if i % 3 == 0 { 50 + i } else { i % 7 }, i)));
    desk.put("t.csv", table);
    let recipe = |population: &str| {
        format!(
            "[input]\npath = \"t.csv\"\n\n[population]\n{population}\n\n[analysis]\nk = 2\nstructure = false\n"
        )
    };
    for (keep, outside) in [
        ("", 30),
        ("keep = \"larger\"", 30),
        ("keep = \"smaller\"", 60),
        ("keep = \"above\"", 60),
        ("keep = \"below\"", 30),
    ] {
        desk.put("r.toml", recipe(&format!("gap = \"x\"\n{keep}")));
        let found = desk.run("run r.toml --device cpu --json -q --out out --force").json().0;
        assert_eq!(found["outside"], outside, "{keep}");
    }
    let model: Value = serde_json::from_str(&desk.read("out/model.json")).unwrap();
    assert_eq!(model["preparation"]["population"], "x < 28");
    for (population, words) in [
        ("gap = \"x\"\nwhere = \"x > 1\"", "leave one of them out"),
        ("keep = \"above\"", "needs the key gap"),
        ("gap = \"z\"", "no column is called"),
        ("gap = \"x\"\nkeep = \"left\"", "larger"),
        ("", "expected where"),
    ] {
        desk.put("r.toml", recipe(population));
        desk.fails("run r.toml --device cpu -q --out no", 3, &[words]);
    }
}

/// The cells of a table as text, column by column.
fn cells(desk: &Desk, file: &str) -> Vec<(String, Vec<String>)> {
    let table = read(&desk.path(file), &ReadOptions::default()).unwrap();
    let column = |c: &Column| (c.name.clone(), (0..table.rows).map(|row| c.values.cell(row)).collect());
    table.columns.iter().map(column).collect()
}

#[test]
fn the_prepared_table_is_written() {
    let desk = Desk::new();
    desk.put("t.csv", "who,plan,n,seen\na,gold,1,\nb,,2.5,x\nc,tin,,x\nd,gold,4,\ne,tin,5,x\nf,tin,90,\n");
    let recipe = |output: &str| {
        format!(
            "[input]\npath = \"t.csv\"\nid = \"who\"\n\n[[column]]\nname = \"saw: it\"\nfrom = \"seen\"\nsteps = [\"answered\"]\n\n\
             [features]\ncolumns = [\"n\"]\n\n[analysis]\nk = 2\nstructure = false\n\n[output]\n{output}\n"
        )
    };
    let files =
        if cfg!(feature = "parquet") { vec!["p.csv", "p.parquet", "p.feather"] } else { vec!["p.csv"] };
    desk.put("r.toml", recipe(&format!("table = {files:?}\ntable_columns = [\"saw: *\", \"n\", \"plan\"]")));
    desk.run("run r.toml --device cpu -q --out out").quietly();
    assert_eq!(
        desk.read("out/p.csv"),
        "who,saw: it,n,plan\na,0,1,gold\nb,1,2.5,\nc,1,,tin\nd,0,4,gold\ne,1,5,tin\nf,0,90,tin\n"
    );
    let expected = cells(&desk, "out/p.csv");
    for file in files {
        assert_eq!(cells(&desk, &format!("out/{file}")), expected, "{file}");
    }
    // All columns, in place of the older file.
    desk.fails("run r.toml --device cpu -q --out out", 2, &["--force"]);
    desk.put("r.toml", recipe("table = \"p.csv\""));
    desk.run("run r.toml --device cpu -q --out out --force").quietly();
    assert!(desk.read("out/p.csv").starts_with("who,") && desk.read("out/p.csv").contains("seen"));
    for (output, code, words) in [
        ("table = \"p.npy\"", 2, "numbers of one type alone"),
        ("table = \"p.txt\"", 2, "expected a name that ends in"),
        ("table = [\"p.csv\", \"p.csv\"]", 3, "listed twice"),
        ("table = \"p.csv\"\ntable_columns = [\"plam\"]", 3, "did you mean plan"),
    ] {
        desk.put("r.toml", recipe(output));
        desk.fails("run r.toml --device cpu -q --out no", code, &[words]);
    }
}
