//! Each verb on a small table: what it prints for people, what as JSON, and what its flags do.

use super::{Desk, FILES, assignments, gzip, learners, npy};
use serde_json::Value;
use std::collections::BTreeSet;

fn keys(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(String::from).collect()
}

fn keys_of(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn help_of_every_verb_names_its_flags() {
    let desk = Desk::new();
    let talk = "--json --quiet --verbose --progress";
    let running = format!("--device --threads --seed {talk}");
    let input = "<INPUT> --format --delimiter --null --id";
    let features = "--features --drop --scale --missing --max-categories --weight";
    let kmeans = "--n-init --max-iter --tol";
    let choosing = "--rule --min-k --sample";
    for (verb, flags) in [
        ("demo", format!("--out --force {running}")),
        (
            "run",
            format!(
                "<RECIPE> {running} --k --n-init --init --input --set --out --force --features-out --no-fit --dry-run --strict \
                 --min-segment-pct"
            ),
        ),
        ("inspect", format!("{input} {features} {talk} --print-recipe")),
        ("tendency", format!("{input} {features} {running} --probes")),
        ("sweep", format!("{input} {features} {running} {kmeans} {choosing} --k")),
        (
            "fit",
            format!(
                "{input} {features} {running} {kmeans} {choosing} --k --init --previous --silhouette --out --force \
                 --features-out --labels --dry-run --strict --min-segment-pct"
            ),
        ),
        ("assign", format!("<MODEL> {input} {running} --previous --out --force --labels")),
        ("synth learners", format!("--rows --seed --out --force {talk}")),
        ("synth first-day", format!("--rows --seed --out --force {talk}")),
        ("synth survey", format!("--rows --truth --seed --out --force {talk}")),
        ("synth enthusiasts", format!("--rows --seed --out --force {talk}")),
        ("name", format!("<MODEL> [NUMBER=NAME] --remove {talk}")),
        ("drift", format!("<MODEL> {input} {running} --strict --max-psi --max-shift")),
        ("stability", format!("<MODEL> {input} {running} --samples --n-init --cohort")),
        ("profile", format!("<MODEL> {input} {running} --columns --top")),
        ("synth blobs", format!("--rows --features --centers --seed --out --force {talk}")),
        ("doctor", running.clone()),
    ] {
        let help = desk.run(&format!("{verb} --help")).quietly();
        for flag in flags.split_whitespace() {
            assert!(help.contains(flag), "{verb} --help does not mention {flag}");
        }
        let verb = verb.split(' ').next().unwrap();
        assert!(desk.run("--help").quietly().contains(&format!("\n  {verb} ")), "--help lists no {verb}");
    }
    let whole = desk.run("--help").quietly();
    assert!(whole.contains("Exit codes:") && whole.contains("segmenta fit users.csv"), "{whole}");
    assert!(desk.run("--version").quietly().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn inspect() {
    let desk = Desk::with_table();
    let said = desk.run("inspect t.csv");
    assert_eq!((said.code, said.err.as_str()), (Some(0), "60 rows, 5 columns, 6 features\n"));
    let rows: Vec<Vec<&str>> = said.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["column", "type", "missing", "distinct", "features", "why"]);
    assert_eq!(rows[1], ["user_id", "text", "-", "60", "-", "id", "in", "its", "name"]);
    assert_eq!(rows[4], ["plan", "text", "-", "3", "3", "3", "categories"]);
    assert_eq!(rows.len(), 6);

    let said = desk.run("inspect t.csv --json -q --drop age");
    assert_eq!(said.err, "");
    let (found, top) = said.json();
    assert_eq!(top, keys("version command rows columns"));
    assert_eq!(found["rows"], 60);
    let columns = found["columns"].as_array().unwrap();
    let each = keys("column type missing distinct features reason");
    assert!(columns.len() == 5 && columns.iter().all(|c| keys_of(c) == each), "{columns:?}");
    assert_eq!((&columns[1]["column"], &columns[1]["features"]), (&"age".into(), &0.into()));
    assert!(columns[1]["reason"].as_str().unwrap().contains("dropped by name"));
}

#[test]
fn tendency() {
    let desk = Desk::with_table();
    let text = desk.run("tendency t.csv -q --device cpu").quietly();
    assert!(
        text.starts_with("Hopkins") && text.contains("6 + 6 probes") && text.contains("p-value"),
        "{text}"
    );
    let (found, top) = desk.run("tendency t.csv -q --device cpu --json --probes 5").json();
    assert_eq!(top, keys("version command rows distinct_rows features hopkins seed device seconds"));
    assert_eq!(keys_of(&found["hopkins"]), keys("exponent_1 exponent_d p_value probes"));
    assert_eq!(found["hopkins"]["probes"], 5);
    // Three tight groups: as clustered as can be.
    assert!(found["hopkins"]["exponent_d"].as_f64().unwrap() > 0.99, "{found}");
    assert!(found["hopkins"]["p_value"].as_f64().unwrap() < 1e-6, "{found}");
    assert_eq!(keys_of(&found["seconds"]), keys("load prepare tendency total"));
}

#[test]
fn sweep() {
    let desk = Desk::with_table();
    let text = desk.run("sweep t.csv -q --device cpu --k 2..4").quietly();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let header =
        ["k", "inertia", "silhouette", "gap", "Calinski-H.", "Davies-B.", "stability", "smallest", "passes"];
    assert_eq!(rows[0], header);
    assert_eq!([rows[1][0], rows[2][0], rows[3][0]], ["2", "3", "4"]);
    assert!(rows[2].contains(&"<-") && rows[2].join(" ").contains("<- chosen"), "{text}");
    assert!(text.matches("chosen").count() == 1, "{text}");
    let why = "k = 3: of the k from 3 to 4, it has the highest silhouette";
    assert!(text.contains(why) && text.contains("60 rows") && text.contains("runner-up: k = 4"), "{text}");
    let plain = desk.run("sweep t.csv -q --device cpu --k 2..4 --gap=false --stability=false").quietly();
    let header = plain.lines().next().unwrap();
    assert!(!header.contains("gap") && !header.contains("stability"), "{plain}");
    for rule in ["elbow", "gap", "stability", "consensus"] {
        let (found, _) =
            desk.run(&format!("sweep t.csv -q --device cpu --json --rule {rule} --gap=false")).json();
        assert_eq!((&found["chosen"]["rule"], &found["chosen"]["k"]), (&rule.into(), &3.into()), "{found}");
    }

    let (found, top) = desk.run("sweep t.csv -q --device cpu --k 5,2,4,4 --min-k 2 --json").json();
    let expected = keys("version command rows features sweep chosen seed device seconds");
    assert!(top.is_superset(&expected), "{top:?}");
    let rows = found["sweep"].as_array().unwrap();
    let ks: Vec<u64> = rows.iter().map(|row| row["k"].as_u64().unwrap()).collect();
    assert_eq!(ks, [2, 4, 5], "a list is sorted, once each");
    let scores = keys(
        "k inertia silhouette twin_silhouette min_segment_pct n_iter elbow calinski_harabasz davies_bouldin gap gap_se \
         stability",
    );
    assert!(rows.iter().all(|row| keys_of(row) == scores));
    assert_eq!(keys_of(&found["chosen"]), keys("k rule why runner_up"));
    assert_eq!(keys_of(&found["chosen"]["runner_up"]), keys("k why"));
    assert_eq!(keys_of(&found["device"]), keys("backend name reason"));
    assert_eq!(found["device"]["backend"], "cpu");
    assert_eq!(keys_of(&found["seconds"]), keys("load prepare fit silhouette gap stability structure total"));
    let with_one = desk.run("sweep t.csv -q --device cpu --k 1..3 --json").json().0;
    assert!(with_one["sweep"][0]["silhouette"].is_null() && with_one["chosen"]["k"] == 3, "{with_one}");
}

#[test]
fn fit() {
    let desk = Desk::with_table();
    let said = desk.run("fit t.csv --device cpu --k 3 --id user_id --out out");
    assert_eq!(said.code, Some(0));
    for note in ["60 rows, 6 features", "user_id (the id column)", "wrote", "out"] {
        assert!(said.err.contains(note), "{}", said.err);
    }
    assert!(said.out.starts_with("structure: strong. "), "{}", said.out);
    let header = said.out.lines().find(|line| line.ends_with("what sets it apart")).unwrap();
    assert_eq!(header.split_whitespace().take(3).collect::<Vec<_>>(), ["segment", "rows", "share"]);
    assert!(!desk.run("sweep t.csv -q --device cpu --no-structure").quietly().contains("structure"));
    assert!(said.out.contains("inertia") && said.out.contains("converged"), "{}", said.out);
    assert_eq!(desk.names("out"), FILES);
    let rows = assignments(&desk.read("out/assignments.csv"));
    assert_eq!(rows.len(), 60);
    assert!(rows.iter().enumerate().all(|(i, row)| row.0 == format!("{:05}", i + 1) && row.2 == "assigned"));
    assert!((3..60).all(|i| rows[i].1 == rows[i % 3].1), "the three groups are found");

    let said = desk.run("fit t.csv --device cpu --k 3 -q --silhouette --json --out again");
    let (found, top) = said.json();
    let expected = "version command run assignments rows distinct_rows features method k inertia restarts n_iter converged sizes silhouette segments profile structure seed \
                    device undecided seconds gates source pictures";
    assert_eq!(top, keys(expected));
    assert_eq!((said.err.as_str(), numbers(&found["sizes"])), ("", vec![20.0; 3]));
    assert_eq!(keys_of(&found["segments"][0]), keys("segment size share centroid"));
    assert_eq!(numbers(&found["segments"][0]["centroid"]).len(), 6);
    assert_eq!(keys_of(&found["seconds"]), keys("load prepare fit silhouette structure profile write total"));
    assert!(found["silhouette"].as_f64().unwrap() > 0.9);
    let metrics: Value = serde_json::from_str(&desk.read("again/metrics.json")).unwrap();
    assert_eq!(metrics, found, "the file holds what is printed");
    assert!(!numbers(&metrics["undecided"]).is_empty());
    // Segments come by size, then by centroid, and their centroids in the table's own units.
    let ages: Vec<f64> = (0..3).map(|s| numbers(&found["segments"][s]["centroid"])[0]).collect();
    assert!(ages[0] < 25.0 && (40.0..45.0).contains(&ages[1]) && ages[2] >= 60.0, "{ages:?}");
}

#[test]
fn columns_that_nobody_asked_for_are_listed_once() {
    let desk = Desk::with_table();
    let said = desk.run("fit t.csv --device cpu --k 3 --features age,spend --id user_id --out out");
    let line = "\n  left out: user_id (the id column)\n  not asked for: plan, active\n";
    assert!(said.err.contains(line) && said.err.matches("not asked for").count() == 1, "{}", said.err);
}

#[test]
fn fit_without_k_sweeps_and_says_so() {
    let desk = Desk::with_table();
    let said = desk.run("fit t.csv --device cpu --out out");
    assert!(said.code == Some(0) && said.err.contains("no --k: sweeping 2..10 first"), "{}", said.err);
    assert!(said.out.contains("<- chosen") && said.out.contains("segment"), "{}", said.out);
    let metrics: Value = serde_json::from_str(&desk.read("out/metrics.json")).unwrap();
    assert_eq!((&metrics["k"], &metrics["chosen"]["k"]), (&3.into(), &3.into()));
    assert_eq!(metrics["sweep"].as_array().unwrap().len(), 9);
    let silhouette = &metrics["sweep"][1]["silhouette"];
    assert_eq!(&metrics["silhouette"], silhouette);
    desk.run("fit t.csv --device cpu -q --k 3 --out same").quietly();
    assert_eq!(desk.read("out/model.json"), desk.read("same/model.json"), "as if --k had named it");
    let said = desk.run("fit t.csv --device cpu -q --min-k 4 --json --out four");
    assert!(said.json().0["k"].as_u64().unwrap() >= 4, "{}", said.out);
    desk.put("few.csv", "a,b\n1,1\n1,2\n9,9\n8,9\n1,1\n");
    let said = desk.run("fit few.csv --device cpu -q --json --out few");
    assert_eq!(said.json().0["sweep"].as_array().unwrap().len(), 3, "2..4 is all that four rows allow");
}

#[test]
fn a_sweep_without_k_stops_at_the_distinct_rows() {
    let desk = Desk::with_table();
    desk.put("few.csv", "a,b\n1,1\n1,2\n9,9\n8,9\n1,1\n");
    let ks = |line: &str| -> Vec<u64> {
        let rows = desk.run(line).json().0["sweep"].clone();
        rows.as_array().unwrap().iter().map(|row| row["k"].as_u64().unwrap()).collect()
    };
    assert_eq!(ks("sweep few.csv --device cpu -q --json"), [2, 3, 4]);
    assert_eq!(ks("sweep t.csv --device cpu -q --json"), (2..=10).collect::<Vec<u64>>());
    let said = desk.run("sweep few.csv --device cpu");
    assert!(said.err.contains("sweeping 2..4") && said.err.contains("4 distinct rows"), "{}", said.err);
    // Whoever names a k that the table cannot have hears of it.
    desk.fails("sweep few.csv --device cpu -q --k 2..5", 3, &["few.csv", "k = 5", "4 distinct rows"]);
    desk.fails("sweep few.csv --device cpu -q --min-k 5", 3, &["few.csv", "4 distinct rows", "--min-k"]);
    desk.fails("sweep few.csv --device cpu -q --min-k 11", 2, &["--min-k 11", "2..10"]);
}

#[test]
fn a_smaller_k_with_a_higher_score_is_named() {
    let desk = Desk::new();
    let mut two = String::from("x,y\n");
    let mut recipe = String::from("[input]\npath = \"two.csv\"\n");
    (0..60).for_each(|i| two.push_str(&format!("{},{}\n", i % 2 * 50 + i * 7 % 5, i % 2 * 50 + i * 11 % 7)));
    desk.put("two.csv", two);
    desk.put("r.toml", &recipe);
    recipe.push_str("[analysis]\nmin_k = 2\n");
    desk.put("r2.toml", recipe);
    for (line, way) in [
        ("sweep two.csv", "--min-k 2"),
        ("sweep two.csv --k 2..4", "--min-k 2"),
        ("fit two.csv --force", "--min-k 2"),
        ("run r.toml --force", "min_k = 2"),
    ] {
        let said = desk.run(&format!("{line} --device cpu"));
        let notes: Vec<&str> = said.err.lines().filter(|l| l.contains("higher silhouette")).collect();
        assert!(notes.len() == 1 && notes[0].starts_with("note: k = 2 "), "{line}: {}", said.err);
        assert!(notes[0].contains(way), "{line}: {}", said.err);
    }
    let k = |line: &str| {
        let said = desk.run(line);
        assert!(!said.err.contains("higher silhouette"), "{line}: {}", said.err);
        said.json().0["chosen"]["k"].as_u64().unwrap()
    };
    assert_eq!(k("fit two.csv --min-k 2 --device cpu --json --force"), 2);
    assert_eq!(k("run r2.toml --device cpu --json --force"), 2);
    // Three groups: two say less.
    desk.put("t.csv", learners());
    assert_eq!(k("sweep t.csv --device cpu --json"), 3);
}

#[test]
fn start_centroids_take_the_place_of_seeding() {
    let desk = Desk::with_table();
    // The largest age first: the order of the fit is that of the file.
    desk.put("init.csv", "age,spend\n1.2,1.4\n0,-0.5\n-1.2,-1\n");
    desk.put("init.npy", npy(&[[1.2, 1.4], [0.0, -0.5], [-1.2, -1.0]]));
    let fit = "fit t.csv --features age,spend --device cpu -q --out";
    for (out, init) in [("a", "init.csv"), ("b", "init.npy"), ("c", "init.csv --k 3 --seed 9")] {
        desk.run(&format!("{fit} {out} --init {init}")).quietly();
    }
    let model: Value = serde_json::from_str(&desk.read("a/model.json")).unwrap();
    assert_eq!((&model["n_init"], model["centroids"].as_array().unwrap().len()), (&1.into(), 3));
    let ages: Vec<f64> = (0..3).map(|c| model["centroids"][c]["values"][0].as_f64().unwrap()).collect();
    assert!(ages[0] > 1.0 && ages[2] < -1.0, "{ages:?}");
    assert_eq!(desk.read("a/model.json"), desk.read("b/model.json"));
    assert_eq!(desk.read("a/assignments.csv"), desk.read("c/assignments.csv"), "no draw is left to a seed");
}

#[test]
fn ids_come_back_as_written() {
    let desk = Desk::new();
    let ids = ["00001", "\"Müller, Ö\"", "\"say \"\"hi\"\"\"", "日本", " 7 ", "1e5", "NA", "\"two\nlines\""];
    let rows: String = ids.iter().enumerate().map(|(i, id)| format!("{id},{}\n", i % 2 * 9 + i)).collect();
    desk.put("t.csv", format!("the id,spend\n{rows}"));
    // The name holds a blank, which a line of words cannot.
    let id = |line: &str| {
        let mut command = desk.command(line);
        super::Said::from(command.args(["--id", "the id"]).output().unwrap()).quietly()
    };
    id("fit t.csv --device cpu -q --features spend --k 2 --out out");
    let fitted = desk.read("out/assignments.csv");
    let expected: Vec<String> = ids
        .iter()
        .map(|id| id.strip_prefix('"').map_or((*id).into(), |id| id[..id.len() - 1].replace("\"\"", "\"")))
        .collect();
    assert_eq!(assignments(&fitted).into_iter().map(|row| row.0).collect::<Vec<_>>(), expected);
    assert!(fitted.starts_with("the id,segment,"), "{fitted}");
    assert!(ids.iter().all(|id| fitted.contains(&format!("\n{id},"))), "{fitted}");
    assert_eq!(id("assign out/model.json t.csv --device cpu --labels -"), fitted);
}

#[test]
fn rows_left_out_come_back_excluded() {
    let desk = Desk::new();
    desk.put("t.csv", "x,y\n1,1\n,2\n9,9\n9,8\n2,\n1,2\n");
    let said = desk.run("fit t.csv --device cpu --k 2 --missing drop --json --out out");
    assert!(said.err.contains("2 of 6 rows"), "{}", said.err);
    let found = said.json().0;
    assert_eq!((&found["rows"], &found["excluded"]), (&6.into(), &2.into()));
    assert_eq!(numbers(&found["sizes"]), [2.0, 2.0]);
    let fitted = desk.read("out/assignments.csv");
    let rows = assignments(&fitted);
    let excluded: Vec<usize> = (0..6).filter(|&i| rows[i].1 == -1).collect();
    assert_eq!(excluded, [1, 4]);
    assert!(rows.iter().all(|row| row.2 == if row.1 == -1 { "excluded" } else { "assigned" }));
    assert!(fitted.contains("\n2,-1,excluded,,,\n"), "{fitted}");
    let line = "assign out/model.json - --format csv --device cpu --labels -";
    assert_eq!(desk.run_with(line, desk.read("t.csv")).quietly(), fitted);
    // The same row alone has the same answer.
    let alone = desk.run_with(line, "x,y\n,2\n").quietly();
    assert_eq!(assignments(&alone), [("1".into(), -1, "excluded".into())]);
}

#[test]
fn strict_gates() {
    let desk = Desk::with_table();
    let fit = "fit t.csv --device cpu -q --k 5 --force --out out";
    let said = desk.run(&format!("{fit} --strict --max-iter 1 --tol 0"));
    desk.one_clear_line(fit, &super::Said { out: String::new(), ..said }, 4, &["did not converge", "1 pass"]);
    assert_eq!(desk.names("out"), FILES, "a gate closes after the files are written");
    let said = desk.run(&format!("{fit} --strict --min-segment-pct 30"));
    desk.one_clear_line(fit, &super::Said { out: String::new(), ..said }, 4, &["smallest segment", "30 %"]);
    desk.run(&format!("{fit} --strict --min-segment-pct 1")).quietly();
    desk.run("fit t.csv --device cpu -q --k 3 --strict --min-segment-pct 33.3 --out ok").quietly();
    // Without --strict it is a note, which -q keeps back.
    let line = "fit t.csv --device cpu --k 5 --max-iter 1 --tol 0 --force --out out";
    let said = desk.run(line);
    assert!(said.code == Some(0) && said.err.contains("did not converge"), "{}", said.err);
    desk.run(&format!("{line} -q")).quietly();
}

#[test]
fn every_format_gives_the_same_fit() {
    let desk = Desk::with_table();
    let table = learners();
    desk.put("t.tsv", table.replace(',', "\t"));
    desk.put("t.csv.gz", gzip(table.as_bytes()));
    desk.put("semicolons.csv", table.replace(',', ";"));
    desk.put("windows.csv", format!("\u{feff}{}", table.replace('\n', "\r\n")));
    desk.put("bars.dat", table.replace(',', "|"));
    desk.put("marks.csv", table.replace("00007,22,", "00007,?,"));
    desk.put("gap.csv", table.replace("00007,22,", "00007,,"));
    assert!(desk.read("marks.csv").contains('?'), "a cell to be missing");
    let model = |flags: &str| {
        desk.run(&format!("fit {flags} --device cpu -q --k 3 --force --out out")).quietly();
        desk.read("out/model.json")
    };
    let expected = model("t.csv");
    let same = ["t.tsv", "t.csv.gz", "semicolons.csv", "windows.csv", "bars.dat --format csv --delimiter |"];
    for flags in same.into_iter().chain(["t.tsv --format csv --delimiter tab"]) {
        assert_eq!(model(flags), expected, "{flags}");
    }
    assert_eq!(model("marks.csv --null ?"), model("gap.csv"));
}

#[test]
fn assign() {
    let desk = Desk::with_model();
    desk.put("new.csv", learners().replace("team", "school").replace("00001,", "x1,"));
    let said = desk.run("assign m.json new.csv --device cpu --id user_id --out out");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("plan") && said.err.contains("\"school\" in 20 rows"), "{}", said.err);
    assert!(said.out.contains("segment") && said.out.contains("in the fit"), "{}", said.out);
    assert!(desk.read("out/assignments.csv").contains("\nx1,"));
    assert_eq!(desk.names("out"), ["assignments.csv"]);
    let (found, top) = desk.run("assign m.json t.csv --device cpu -q --json --out two").json();
    assert_eq!(top, keys("version command run rows excluded k segments changes warnings device seconds"));
    assert_eq!((&found["rows"], &found["k"], &found["excluded"]), (&60.into(), &3.into(), &0.into()));
    assert_eq!(found["segments"][0]["size"], 20);
    assert_eq!(found["segments"][0]["share"], found["segments"][0]["fitted_share"]);
}

#[test]
fn synth() {
    let desk = Desk::new();
    let blobs = "synth blobs --rows 90 --features 2 --centers 3";
    let learners = "synth learners --rows 50";
    let (first_day, survey) = ("synth first-day --rows 40", "synth survey --rows 40");
    for line in [blobs, learners, first_day, survey] {
        let out = desk.run(&format!("{line} --out -")).quietly();
        desk.run(&format!("{line} --out x.csv --force")).quietly();
        desk.run(&format!("{line} --out x.csv.gz --seed 0 --force")).quietly();
        assert_eq!(desk.read("x.csv"), out, "{line}");
        let zipped = std::fs::read(desk.path("x.csv.gz")).unwrap();
        let mut unzipped = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&zipped[..]), &mut unzipped).unwrap();
        assert_eq!(unzipped, out, "{line}");
        assert!(
            desk.run(&format!("{line} --seed 1 --out -")).quietly() != out,
            "{line}: the seed has no effect"
        );
        let threads =
            desk.command(&format!("{line} --out -")).env("RAYON_NUM_THREADS", "1").output().unwrap();
        assert_eq!(super::Said::from(threads).quietly(), out, "{line}");
    }
    let header = desk.run(&format!("{learners} --out -")).quietly().lines().next().unwrap().to_string();
    assert_eq!(header, ",company_hash,email_hash,orgyear,ctc,job_position,ctc_updated_year");

    // The one table whose original is separated by tabs.
    let tsv = desk.run("synth enthusiasts --out -").quietly();
    assert_eq!(tsv.lines().count(), 73);
    assert!(tsv.starts_with("Timestamp\tKnowledge\tEffort\t") && tsv.contains("\t-\t"), "{tsv}");
    desk.run("synth enthusiasts --out e.tsv").quietly();
    assert_eq!(desk.read("e.tsv"), tsv);
    desk.run("synth enthusiasts --out e.csv").quietly();
    assert_eq!(desk.read("e.csv"), tsv.replace('\t', ","));

    // The .npy holds what the .csv holds, and reads back.
    desk.run(&format!("{blobs} --out b.npy")).quietly();
    desk.run(&format!("{blobs} --out b.csv")).quietly();
    assert_eq!(desk.names(".").iter().filter(|n| n.ends_with(".npy")).count(), 2, "values and labels");
    let fit = "--device cpu -q --k 3 --features f0,f1 --force --out";
    desk.run(&format!("fit b.npy {fit} n")).quietly();
    desk.run(&format!("fit b.csv {fit} c")).quietly();
    assert_eq!(desk.read("n/assignments.csv"), desk.read("c/assignments.csv"));
    // But for the figures of the column of labels, which only the .csv has.
    let model = |name: &str| {
        let mut model: serde_json::Value = serde_json::from_str(&desk.read(name)).unwrap();
        assert!(model.as_object_mut().unwrap().remove("figures").is_some());
        model
    };
    assert_eq!(model("n/model.json"), model("c/model.json"));
}

#[test]
fn doctor() {
    let desk = Desk::new();
    let text = desk.run_without_gpu("doctor").quietly();
    assert!(text.starts_with("cpu ") && text.contains("\nchosen  cpu: "), "{text}");
    let (found, top) = desk.run_without_gpu("doctor --json --threads 1").json();
    assert_eq!(top, keys("version command cpu adapters device"));
    assert_eq!(keys_of(&found["device"]), keys("backend name reason"));
    assert!(found["cpu"]["name"].as_str().unwrap().starts_with("1 thread"), "{found}");
    assert_eq!(desk.run("doctor --device cpu").code, Some(0), "with whatever drivers this machine has");
}

#[test]
fn synth_says_what_it_made() {
    let desk = Desk::new();
    for (table, file, columns) in [
        ("learners", "l.csv", 7),
        ("first-day", "f.csv", 0),
        ("survey", "s.csv.gz", 355),
        ("survey --truth", "t.csv", 357),
        ("enthusiasts", "e.tsv", 0),
        ("blobs --features 3", "b.csv", 4),
        ("blobs --features 3", "b.npy", 3),
    ] {
        let (found, top) =
            desk.run(&format!("synth {table} --rows 20 --seed 7 --out {file} --json -q")).json();
        assert_eq!(top, keys("version command table files rows columns seed"));
        let name = table.split(' ').next().unwrap();
        assert_eq!((&found["table"], &found["rows"], &found["seed"]), (&name.into(), &20.into(), &7.into()));
        for file in found["files"].as_array().unwrap() {
            assert!(desk.path(file.as_str().unwrap()).exists(), "{found}");
        }
        assert!(columns == 0 || found["columns"] == columns, "{found}");
        if !table.starts_with("blobs") {
            let inspected = desk.run(&format!("inspect {file} --json -q")).json().0;
            assert_eq!(inspected["columns"].as_array().unwrap().len(), found["columns"], "{found}");
        }
    }
    desk.fails("synth learners --rows 5 --out - --json", 2, &["--json", "--out -"]);
}

/// What any verb says on stderr when all goes well, `-q` keeps back.
#[test]
fn quiet_says_nothing_but_errors() {
    let desk = Desk::with_model();
    let recipe = "[input]\npath = \"t.csv\"\n[names]\n9 = \"nobody\"\n[analysis]\ntendency = true\n";
    desk.put("r.toml", recipe);
    desk.put("few.csv", "a,b\n1,1\n1,2\n9,9\n8,9\n1,1\n");
    desk.put("odd.csv", learners().replace("user_id", "customer").replace("team", "school"));
    desk.run("fit t.csv --id user_id --k 3 --device cpu -q --out by_id").quietly();
    for line in [
        "run r.toml --device cpu --force",
        "run r.toml --device cpu --dry-run --out dry",
        "run r.toml --no-fit --features-out f.csv --force",
        "inspect odd.csv",
        "inspect odd.csv --print-recipe",
        "tendency t.csv --device cpu",
        "sweep few.csv --device cpu",
        "sweep few.csv --device cpu --min-k 2",
        "fit few.csv --device cpu --force",
        "fit t.csv --k 4 --max-iter 1 --tol 0 --missing drop --device cpu --force",
        "fit t.csv --k 3 --init m.json --device cpu --force",
        "assign by_id/model.json odd.csv --device cpu --force --out out",
        "assign by_id/model.json odd.csv --device cpu --labels -",
        "drift by_id/model.json odd.csv --device cpu",
        "name m.json 0=Same 1=Same",
        "synth learners --rows 20 --out l.csv --force",
        "synth blobs --rows 20 --out b.npy --force",
        "bench --rows 200 --features 3 --n-init 2 --repeats 1 --device cpu",
        "doctor --device cpu",
    ] {
        let said = desk.run_without_gpu(&format!("{line} -q"));
        desk.expect(said.code == Some(0), || format!("{line}: {}", said.err));
        desk.expect(said.err.is_empty(), || format!("{line}: {}", said.err));
    }
}

#[test]
fn long_work_is_announced_before_it_begins() {
    let desk = Desk::new();
    desk.run("synth blobs --rows 20000 --features 30 --out t.npy -q").quietly();
    let long = "fit t.npy --device cpu --k 20 --n-init 20000 --dry-run";
    let said = desk.run(long);
    let words = ["20,000 rows x 30 features", "k = 20 with 20,000 restarts", "takes about", "thread"];
    assert!(said.code == Some(0) && words.iter().all(|word| said.err.contains(word)), "{}", said.err);
    desk.run(&format!("{long} -q")).quietly();
    let said = desk.run("fit t.npy --device cpu --k 2 --n-init 1 --dry-run --threads 2");
    assert!(!said.err.contains("takes about"), "{}", said.err);
    let said = desk.run("fit t.npy --device cpu --n-init 10000 --dry-run --threads 2");
    let words = ["k = 2..10 with 10,000 restarts each, silhouettes", "on 2 threads"];
    assert!(words.iter().all(|word| said.err.contains(word)), "{}", said.err);
}
