//! What cannot work ends with one clear line, the right exit code and nothing left behind.

use super::{Desk, gzip, learners, npy};
use std::fmt::Write as _;

/// Everything that reads a table, ready for the table's name; `m.json` is a model of `t.csv`.
const READERS: [&str; 7] = [
    "inspect -q {}",
    "tendency -q --device cpu {}",
    "sweep -q --device cpu --k 2..3 {}",
    "fit -q --device cpu --k 2 --out out {}",
    "assign -q --device cpu --out out m.json {}",
    "drift -q --device cpu m.json {}",
    "profile -q --device cpu m.json {}",
];

/// Bytes without a pattern.
fn noise(n: u32) -> Vec<u8> {
    let mut state = 1u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

#[test]
fn tables_that_cannot_be_read() {
    let desk = Desk::with_model();
    let cut = npy(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let zipped = gzip(learners().as_bytes());
    let tables: [(&str, &[u8], &[&str]); 17] = [
        ("empty.csv", b"", &["empty"]),
        ("header.csv", b"a,b\n", &["no rows"]),
        ("wide.csv", b"a,b\n1,2\n1,2,3\n4,5\n", &["line 3", "2 fields", "3"]),
        ("narrow.csv", b"a,b\n1,2\n4,5\n6\n", &["line 4", "2 fields", "1"]),
        ("twice.csv", b"a,b,a\n1,2,3\n4,5,6\n", &["line 1", "\"a\""]),
        ("latin.csv", b"a,b\n1,caf\xe9\n2,x\n", &["line 2", "UTF-8"]),
        ("utf16.csv", b"\xff\xfea\0,\0b\0\n\0", &["UTF-16"]),
        ("noise.csv", &noise(4_000), &[]),
        ("noise.tsv", &noise(4_000), &[]),
        ("noise.npy", &noise(4_000), &[".npy"]),
        ("noise.csv.gz", &[&[0x1f, 0x8b][..], &noise(4_000)].concat(), &["gzip"]),
        ("cut.csv.gz", &zipped[..zipped.len() / 2], &["truncated"]),
        ("cut.npy", &cut[..cut.len() - 5], &["48 bytes", "43"]),
        ("head.npy", &cut[..30], &["header"]),
        ("inf.npy", &npy(&[[1.0, 2.0], [3.0, f64::INFINITY]]), &["column f1", "row 2", "inf"]),
        ("minus.npy", &npy(&[[f64::NEG_INFINITY, 2.0], [3.0, 4.0]]), &["column f0", "row 1", "inf"]),
        ("inf.csv", b"a,b\n1,2\n3,inf\n", &["line 3", "column b", "inf"]),
    ];
    for (name, bytes, words) in tables {
        desk.put(name, bytes);
        for reader in READERS {
            desk.fails(&reader.replace("{}", name), 3, &[&[name], words].concat());
        }
    }
    std::fs::create_dir(desk.path("folder.csv")).unwrap();
    for reader in READERS {
        desk.fails(&reader.replace("{}", "nosuch.csv"), 3, &["nosuch.csv", "No such file"]);
        desk.fails(&reader.replace("{}", "folder.csv"), 3, &["folder.csv", "directory"]);
        desk.fails(&reader.replace("{}", "t.xlsx"), 2, &["t.xlsx", ".csv"]);
        desk.fails(&reader.replace("{}", "-"), 2, &["stdin", "format"]);
    }
}

#[test]
fn one_row_is_no_table_to_segment() {
    let desk = Desk::new();
    desk.put("one.csv", "a,b\n1,2\n");
    for reader in &READERS[..4] {
        desk.fails(&reader.replace("{}", "one.csv"), 3, &["one.csv"]);
    }
    for reader in &READERS[1..4] {
        desk.fails(&reader.replace("{}", "one.csv --features a"), 3, &["one.csv"]);
    }
}

#[test]
fn columns_that_cannot_be_features() {
    let desk = Desk::new();
    let mut text = String::from("a,score,name\n");
    (0..60).for_each(|i| writeln!(text, ",{},n{i}", i % 7).unwrap());
    desk.put("t.csv", text);
    for reader in &READERS[..4] {
        let reader = reader.replace("{}", "t.csv");
        desk.fails(&format!("{reader} --features a"), 3, &["t.csv", "column a", "missing"]);
        desk.fails(&format!("{reader} --features name"), 3, &["t.csv", "column name", "60 distinct texts"]);
        desk.fails(&format!("{reader} --features nome"), 3, &["t.csv", "\"nome\"", "did you mean name?"]);
        desk.fails(&format!("{reader} --features score,q*"), 3, &["t.csv", "\"q*\""]);
        desk.fails(&format!("{reader} --drop scores"), 3, &["t.csv", "\"scores\"", "did you mean score?"]);
        desk.fails(&format!("{reader} --id nam"), 3, &["t.csv", "\"nam\"", "did you mean name?"]);
        desk.fails(&format!("{reader} --features name --id name"), 3, &["t.csv", "column name", "id"]);
    }
    // Beside other columns it is only left out.
    let said = desk.run("fit t.csv --k 2 --device cpu");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("a (all missing)"), "{}", said.err);
    desk.put("gaps.csv", "a,b\n1,2\n3,\n4,5\n");
    for reader in &READERS[1..4] {
        let line = reader.replace("{}", "gaps.csv --missing error");
        desk.fails(&line, 3, &["gaps.csv", "column b", "missing"]);
    }
}

#[test]
fn ks_that_make_no_sense() {
    let desk = Desk::new();
    desk.put("two.csv", "a,b\n1,2\n1,2\n3,4\n1,2\n");
    desk.fails("fit two.csv -q --device cpu --k 3 --out out", 3, &["two.csv", "k = 3", "2 distinct rows"]);
    desk.fails("sweep two.csv -q --device cpu --k 2..3", 3, &["two.csv", "k = 3", "2 distinct rows"]);
    desk.fails("fit two.csv -q --device cpu --out out", 3, &["two.csv", "2 distinct rows"]);
    desk.fails("sweep two.csv -q --device cpu", 3, &["two.csv", "2 distinct rows", "--min-k"]);
    desk.fails("sweep two.csv -q --device cpu --k 1..2", 2, &["--min-k"]);
    desk.put("t.csv", learners());
    let line = "fit t.csv -q --device cpu --min-k 50 --out out";
    let said = desk.run(line);
    desk.one_clear_line(line, &said, 2, &["--min-k 50", "2..10"]);
}

#[test]
fn start_centroids_that_do_not_fit() {
    let desk = Desk::with_table();
    let files: [(&str, &[u8], i32, &[&str]); 10] = [
        ("wide.csv", b"1,2,3\n4,5,6\n", 3, &["wide.csv", "3 values", "2 features"]),
        ("text.csv", b"age,spend\n1,2\nx,3\n", 3, &["text.csv", "line 3", "\"x\""]),
        ("ragged.csv", b"1,2\n3\n", 3, &["ragged.csv", "line 2"]),
        ("nan.csv", b"1,2\n3,nan\n", 3, &["nan.csv", "line 2", "nan"]),
        ("far.csv", b"1,2\n3,1e300\n", 3, &["far.csv", "range"]),
        ("empty.csv", b"", 3, &["empty.csv"]),
        ("latin.csv", b"1,2\n3,caf\xe9\n", 3, &["latin.csv", "line 2"]),
        ("inf.npy", &npy(&[[1.0, f64::INFINITY], [3.0, 4.0]]), 3, &["inf.npy", "column f1", "row 1"]),
        ("cut.npy", &npy(&[[1.0, 2.0], [3.0, 4.0]])[..140], 3, &["cut.npy"]),
        ("three.csv", b"1,2\n3,4\n5,6\n", 2, &["k is 2", "3 centroids"]),
    ];
    let fit = "fit t.csv --features age,spend --device cpu -q --k 2 --out out --init";
    for (name, bytes, code, words) in files {
        desk.put(name, bytes);
        desk.fails(&format!("{fit} {name}"), code, words);
    }
    desk.fails(&format!("{fit} nosuch.csv"), 3, &["nosuch.csv"]);
    desk.put("good.csv", "age,spend\n-1,-1\n1,1\n");
    desk.run(&format!("{fit} good.csv")).quietly();
}

#[test]
fn models_that_cannot_be_used() {
    let desk = Desk::with_model();
    let good: serde_json::Value = serde_json::from_str(&desk.read("m.json")).unwrap();
    let edit = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut model = good.clone();
        change(&mut model);
        assert!(model != good);
        model.to_string()
    };
    let pop = |v: &mut serde_json::Value| drop(v.as_array_mut().unwrap().pop());
    let cut = desk.read("m.json");
    let models: [(&str, String, &[&str]); 15] = [
        ("newer", edit(&|m| m["version"] = 99.into()), &["version 99"]),
        ("cut", cut[..cut.len() / 2].into(), &["line"]),
        ("empty", String::new(), &["not a model"]),
        ("other", "[1, 2]".into(), &["not a model"]),
        ("table", learners(), &["not a model", "line 1"]),
        ("grid", edit(&|m| pop(&mut m["grid"])), &["fit together"]),
        ("features", edit(&|m| pop(&mut m["features"])), &["fit together"]),
        ("encoder", edit(&|m| pop(&mut m["encoder"]["columns"])), &["fit together"]),
        ("narrow", edit(&|m| pop(&mut m["centroids"][1]["values"])), &["fit together"]),
        ("fewer", edit(&|m| m["centroids"][0]["segment"] = 7.into()), &["fit together"]),
        // What a hand edit can break without breaking the shape must not label rows wrongly.
        ("steps", edit(&|m| m["grid"][0] = 2000.into()), &[]),
        ("fine", edit(&|m| m["grid"][0] = (-2000).into()), &[]),
        ("scale", edit(&|m| m["encoder"]["columns"][0]["scale"] = 0.into()), &[]),
        ("far", edit(&|m| m["centroids"][0]["values"][0] = 1e300.into()), &[]),
        ("method", edit(&|m| m["method"] = "dbscan".into()), &["dbscan"]),
    ];
    for (name, text, words) in models {
        let file = format!("{name}.json");
        desk.put(&file, text);
        let words = [&[file.as_str()], words].concat();
        desk.fails(&format!("assign {file} t.csv --device cpu -q --out {name}"), 3, &words);
    }
    desk.fails("assign nosuch.json t.csv -q --out out", 3, &["nosuch.json"]);
    desk.put("latin.json", b"{\"version\": 1, \"method\": \"caf\xe9\"}");
    desk.fails("assign latin.json t.csv -q --out out", 3, &["latin.json", "UTF-8"]);
}

#[test]
fn tables_that_do_not_suit_the_model() {
    let desk = Desk::with_model();
    let table = learners();
    desk.put("lacking.csv", table.replace("spend", "spent"));
    desk.put("text.csv", table.replace(",50.5,", ",n/a,").replace(",5.5,", ",lots,"));
    desk.put("huge.csv", table.replacen(",5.5,", ",1e300,", 1));
    let fails = |name: &str, words: &[&str]| {
        desk.fails(&format!("assign m.json {name} --device cpu -q --out out"), 3, &[&[name], words].concat());
    };
    fails("lacking.csv", &["\"spend\"", "did you mean spent?"]);
    fails("text.csv", &["column spend", "numbers", "\"lots\""]);
    fails("huge.csv", &["column spend", "row 1"]);
}

#[test]
fn wrong_usage_is_told_before_any_work() {
    let desk = Desk::with_table();
    for line in [
        "",
        "nonsense",
        "fit",
        "fit t.csv --k 0",
        "fit t.csv --k -1",
        "fit t.csv --k 2.5",
        "fit t.csv --device tpu",
        "fit t.csv --device gpu:x",
        "fit t.csv --threads 0",
        "fit t.csv --seed -1",
        "fit t.csv --n-init 0",
        "fit t.csv --max-iter 0",
        "fit t.csv --tol -1",
        "fit t.csv --tol nan",
        "fit t.csv --missing guess",
        "fit t.csv --scale log",
        "fit t.csv --sample 1",
        "fit t.csv --labels file.csv",
        "fit t.csv --labels - --json",
        "fit t.csv -q -v",
        "fit t.csv --delimiter ab",
        "fit t.csv --min-segment-pct nan",
        "sweep t.csv --k 0..3",
        "sweep t.csv --k 3..2",
        "sweep t.csv --k 2..",
        "sweep t.csv --k 2..99999999999",
        "tendency t.csv --probes 0",
        "synth learners",
        "synth learners --rows 0 --out x.csv",
        "synth learners --rows 5 --out x.npy",
        "synth survey --rows 0 --out x.csv",
        "synth first-day --rows 5 --out x.npy",
        "synth survey --rows 5 --out x.tsv",
        "synth enthusiasts --out x.txt",
        "synth blobs --features 0 --out x.csv",
        "synth blobs --centers 0 --out x.csv",
        "assign t.csv",
    ] {
        let before = desk.everything();
        let said = desk.run(line);
        let told = (said.code, said.out.as_str()) == (Some(2), "");
        desk.expect(told, || format!("{line}: expected wrong usage, found {said:?}"));
        let error = line.is_empty() || said.err.starts_with("error: ");
        desk.expect(!told || error, || format!("{line}: {}", said.err));
        desk.expect(before == desk.everything(), || format!("{line}: left something behind"));
    }
    for (name, value) in [("SIMD", "mmx"), ("DEVICE", "tpu"), ("THREADS", "0"), ("SEED", "x")] {
        let mut command = desk.command("fit t.csv --k 2 -q --out out");
        let said = super::Said::from(command.env(format!("SEGMENTA_{name}"), value).output().unwrap());
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{name}={value}: {}", said.err);
        assert!(said.err.starts_with("error: ") && said.err.contains(value), "{}", said.err);
        assert!(!desk.path("out").exists());
    }
    // These name files in place of columns or formats that they do not have.
    desk.fails("synth blobs --rows 5 --out x.parquet", 2, &["x.parquet"]);
    desk.fails("synth blobs --rows 5 --out x.npy.gz", 2, &["x.npy.gz"]);
}

#[test]
fn too_few_rows_for_hopkins() {
    let desk = Desk::with_table();
    let few: String = learners().lines().take(9).fold(String::new(), |text, line| text + line + "\n");
    desk.put("few.csv", few);
    desk.fails("tendency few.csv --device cpu -q", 3, &["few.csv", "8 rows"]);
    desk.fails("tendency t.csv --device cpu -q --probes 7", 3, &["t.csv", "7 probes", "60 rows"]);
}

#[test]
fn a_gpu_that_is_not_there() {
    let desk = Desk::with_table();
    let before = desk.everything();
    for line in [
        "fit t.csv --k 3 -q --out out --device gpu",
        "fit t.csv --k 3 -q --out out --device gpu:0",
        "sweep t.csv --k 2..4 -q --device gpu",
        "tendency t.csv -q --device gpu:3",
    ] {
        desk.one_clear_line(line, &desk.run_without_gpu(line), 5, &["GPU"]);
        assert!(before == desk.everything(), "{line}");
    }
    assert!(desk.run_without_gpu("fit t.csv --k 3 -q --out out --device auto").quietly().contains("segment"));
    assert!(desk.run_without_gpu("doctor -q").quietly().contains("chosen  cpu"));
    let said = desk.run_without_gpu("doctor --device gpu");
    assert_eq!(said.code, Some(5));
    assert!(said.out.starts_with("cpu "), "the machine is shown all the same: {}", said.out);
    desk.one_clear_line("doctor", &super::Said { out: String::new(), ..said }, 5, &["GPU"]);
}

#[test]
fn a_run_with_a_faulty_recipe_leaves_nothing_behind() {
    let desk = Desk::with_table();
    desk.put(
        "text.toml",
        "[input]\npath = \"t.csv\"\n[analysis]\nk = 0\n[[column]]\nname = \"x\"\nsteps = [\"logp\"]\n",
    );
    desk.put(
        "table.toml",
        "[input]\npath = \"t.csv\"\n[analysis]\nk = 2\n[[column]]\nname = \"x\"\nfrom = \"agee\"\n",
    );
    let before = desk.everything();
    for (name, lines) in [
        (
            "text.toml",
            vec![
                "error: text.toml, line 4:5, analysis.k: expected a whole number from 1",
                "text.toml, line 7:10, column[0].steps[0]: unknown operation \"logp\"; did you mean log1p?",
            ],
        ),
        ("table.toml", vec!["error: table.toml, line 5:1, x: no column is called \"agee\""]),
    ] {
        let said = desk.run(&format!("run {name} --device cpu --out out -q"));
        assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{}", said.err);
        assert_eq!(said.err.lines().count(), lines.len(), "{}", said.err);
        for (said, expected) in said.err.lines().zip(lines) {
            assert!(said.starts_with(expected), "{said}");
        }
        assert!(before == desk.everything(), "{name}");
    }
}
