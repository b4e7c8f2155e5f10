//! What changed since last time: who moved, what the segments are like, and which way columns went.

mod drift;

use crate::cli::Desk;
use segmenta::analysis::{Followed, Migration, Seen, State, follow};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Numbers that look random; the same each time.
fn noise(i: usize) -> usize {
    let mut x = i as u64 ^ 0x9e37_79b9_7f4a_7c15;
    for _ in 0..3 {
        x ^= x >> 30;
        x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 27;
    }
    (x >> 20) as usize
}

/// A table of users with three kinds of them. The numbers of kind 1 grow by `grow`.
fn users(ids: impl Iterator<Item = usize>, salt: usize, grow: f64) -> String {
    let mut text = String::from("user,visits,pay,active\n");
    for id in ids {
        // One in eight becomes another kind when the salt changes.
        let kind = if noise(id + 7_000 * salt).is_multiple_of(8) { noise(id + salt) % 3 } else { id % 3 };
        let own = if kind == 1 { grow } else { 0.0 };
        let visits = [2.0, 30.0, 60.0][kind] + own + (noise(id * 3 + salt) % 9) as f64;
        let pay = [100.0, 10.0, 55.0][kind] + (noise(id * 5 + salt) % 13) as f64;
        let active = noise(id * 11 + salt) % 10 < [8, 5, 2][kind];
        text.push_str(&format!("u{id},{visits},{pay},{active}\n"));
    }
    text
}

/// A file of assignments: for each id its segment, status, and what the last two columns say.
fn states(text: &str) -> Vec<(String, String)> {
    let state = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let place = if cells[1] == "-1" { cells[2] } else { cells[1] };
        (cells[0].to_string(), place.to_string())
    };
    text.lines().skip(1).map(state).collect()
}

/// What two files of assignments say of who moved, by nothing but maps.
#[derive(Debug, PartialEq, Default)]
struct Expected {
    stayed: u64,
    moved: u64,
    came: u64,
    left: u64,
    moves: BTreeMap<(String, String), u64>,
    movers: BTreeSet<(String, String, String, String)>,
}

fn expected(then: &str, now: &str) -> Expected {
    let count = |all: &[(String, String)]| {
        let mut times: HashMap<String, usize> = HashMap::new();
        all.iter().for_each(|(id, _)| *times.entry(id.clone()).or_default() += 1);
        times
    };
    let (then, now) = (states(then), states(now));
    let (times_then, times_now) = (count(&then), count(&now));
    let usable = |id: &String| {
        !id.is_empty()
            && times_then.get(id).is_none_or(|n| *n == 1)
            && times_now.get(id).is_none_or(|n| *n == 1)
    };
    let old: HashMap<&String, &String> = then.iter().map(|(id, place)| (id, place)).collect();
    let new: HashMap<&String, &String> = now.iter().map(|(id, place)| (id, place)).collect();
    let mut found = Expected::default();
    let mut mover = |id: &String, status: &str, from: &str, to: &str| {
        found.movers.insert((id.clone(), status.into(), from.into(), to.into()));
    };
    for (id, to) in now.iter().filter(|(id, _)| usable(id)) {
        match old.get(id) {
            None => {
                found.came += 1;
                mover(id, "came", "", to);
            }
            Some(from) if *from == to => found.stayed += 1,
            Some(from) => {
                found.moved += 1;
                *found.moves.entry((from.to_string(), to.clone())).or_default() += 1;
                mover(id, "moved", from, to);
            }
        }
    }
    for (id, from) in then.iter().filter(|(id, _)| usable(id) && !new.contains_key(id)) {
        found.left += 1;
        mover(id, "left", from, "");
    }
    found
}

/// Checks a migration of JSON and a file of movers against the files of assignments.
fn holds(migration: &Value, movers: &str, then: &str, now: &str) {
    let wanted = expected(then, now);
    let number = |key: &str| migration[key].as_u64().unwrap_or_else(|| panic!("{key}: {migration}"));
    let counts = [number("stayed"), number("moved"), number("came"), number("left")];
    assert_eq!(counts, [wanted.stayed, wanted.moved, wanted.came, wanted.left], "{migration}");
    // The counts add up to the rows of either table.
    let unclear = |of: &Value| of["without_id"].as_u64().unwrap() + of["repeated_id"].as_u64().unwrap();
    let (before, after) = (&migration["then"], &migration["now"]);
    assert_eq!(before["rows"], states(then).len());
    assert_eq!(after["rows"], states(now).len());
    let rows = |of: &Value| of["rows"].as_u64().unwrap();
    assert_eq!(counts[0] + counts[1] + counts[3] + unclear(before), rows(before), "{migration}");
    assert_eq!(counts[0] + counts[1] + counts[2] + unclear(after), rows(after), "{migration}");
    let word = |state: &Value| state.as_str().map_or_else(|| state.to_string(), String::from);
    let moves = migration["moves"].as_array().unwrap();
    let found: BTreeMap<(String, String), u64> =
        moves.iter().map(|m| ((word(&m["from"]), word(&m["to"])), m["rows"].as_u64().unwrap())).collect();
    assert_eq!(found, wanted.moves);
    assert!(moves.is_sorted_by(|a, b| a["rows"].as_u64() >= b["rows"].as_u64()), "{moves:?}");
    let lines = movers.lines().skip(1).map(|line| {
        let cells: Vec<String> = line.split(',').map(String::from).collect();
        assert_eq!(cells.len(), 6, "{line}");
        (cells[0].clone(), cells[1].clone(), cells[2].clone(), cells[4].clone())
    });
    assert_eq!(lines.collect::<BTreeSet<_>>(), wanted.movers);
}

/// The column `previous` of a file of assignments against last time's file.
fn previous_holds(then: &str, now: &str) {
    let header = now.lines().next().unwrap();
    assert!(header.ends_with(",name,previous,previous_name"), "{header}");
    let old: HashMap<String, String> = then
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect::<Vec<_>>())
        .map(|c| (c[0].into(), c[1].into()))
        .collect();
    for line in now.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[6], old.get(cells[0]).map_or("", String::as_str), "{line}");
        let name = if cells[6].is_empty() { String::new() } else { format!("kind {}", cells[6]) };
        assert_eq!(cells[7], name, "{line}");
    }
}

/// Last quarter's users and this quarter's, a third of whom are the same, with last quarter's model under `old`.
fn two_quarters() -> Desk {
    let desk = Desk::new();
    desk.put("old.csv", users(0..900, 0, 0.0));
    desk.put("new.csv", users(600..1500, 1, 12.0));
    desk.run("fit old.csv --id user --k 3 --device cpu --no-structure -q --out old").quietly();
    desk.run("name old/model.json 0=kind~0 1=kind~1 2=kind~2 -q");
    // Names with blanks cannot be written on a line of arguments that are separated by blanks.
    let model = desk.read("old/model.json").replace("kind~", "kind ");
    desk.put("old/model.json", model);
    desk
}

#[test]
fn a_refit_says_who_moved() {
    let desk = two_quarters();
    for format in ["csv", "parquet"] {
        if format == "parquet" {
            if cfg!(not(feature = "parquet")) {
                continue;
            }
            desk.run("fit old.csv --id user --k 3 --device cpu --no-structure -q --force --assignments parquet --out alike")
                .quietly();
            let files =
                ["assignments.parquet", "metrics.json"].map(|name| desk.path(&format!("alike/{name}")));
            std::fs::remove_file(desk.path("old/metrics.json")).unwrap();
            for file in files {
                std::fs::rename(&file, desk.path("old").join(file.file_name().unwrap())).unwrap();
            }
        }
        let then = desk.read("old/assignments.csv");
        // --id is the model's, so nobody has to repeat it.
        let line =
            "fit new.csv --init old/model.json --device cpu --no-structure -q --json --force --out new";
        let found = desk.run(line).json().0;
        let now = desk.read("new/assignments.csv");
        let migration = &found["migration"];
        assert_eq!((&migration["id"], &migration["not_followed"]), (&"user".into(), &Value::Null));
        assert!(migration["previous"].as_str().unwrap().ends_with(&format!("assignments.{format}")));
        holds(migration, &desk.read("new/movers.csv"), &then, &now);
        previous_holds(&then, &now);
        assert!(migration["moved"].as_u64().unwrap() > 10, "{migration}");
        assert_eq!(migration["stayed"].as_u64().unwrap() + migration["moved"].as_u64().unwrap(), 300);
    }
    let said = desk.run("fit new.csv --init old/model.json --device cpu --no-structure --force --out new");
    for words in [
        "What changed since last time",
        "300 of last time's 900 rows are here now",
        "600 left",
        "600 came",
        "biggest moves: ",
        "inside the segments: ",
        "visits ",
        "old 1 kind 1",
    ] {
        assert!(said.out.contains(words), "no {words:?} in {}", said.out);
    }
    assert!(said.err.contains("movers.csv into new"), "{}", said.err);
    assert_eq!(
        desk.names("new"),
        ["assignments.csv", "metrics.json", "model.json", "movers.csv", "report.html"]
    );
    // The columns are compared as `drift` compares them.
    let metrics: Value = serde_json::from_str(&desk.read("new/metrics.json")).unwrap();
    let drift = desk.run("drift old/model.json new.csv --device cpu -q --json").json().0;
    let figures = |columns: &Value| -> Vec<(Value, Value)> {
        columns.as_array().unwrap().iter().map(|one| (one["column"].clone(), one["psi"].clone())).collect()
    };
    assert_eq!(figures(&metrics["drift"]["columns"]), figures(&drift["columns"]));
    assert!(said.out.contains("distributed otherwise than at the last fit"), "{}", said.out);
    assert!(desk.read("new/report.html").contains("Are the rows themselves different?"));
    // A run that follows nobody takes an old file of movers away, if it may.
    let plain = "fit new.csv --id user --k 3 --device cpu --no-structure -q --out new";
    desk.fails(plain, 2, &["already exists", "--force"]);
    desk.run(&format!("{plain} --force")).quietly();
    assert_eq!(desk.names("new"), ["assignments.csv", "metrics.json", "model.json", "report.html"]);
    assert!(desk.read("new/assignments.csv").lines().next().unwrap().ends_with(",name"));
}

#[test]
fn assign_says_who_moved() {
    let desk = two_quarters();
    let line = "assign old/model.json new.csv --device cpu -q --json --out new";
    let found = desk.run(line).json().0;
    let (then, now) = (desk.read("old/assignments.csv"), desk.read("new/assignments.csv"));
    holds(&found["migration"], &desk.read("new/movers.csv"), &then, &now);
    previous_holds(&then, &now);
    // Next month the file of this one is last time's. It lies beside no model, so it is named.
    desk.put("next.csv", users(1000..1600, 2, 0.0));
    let line =
        "assign old/model.json next.csv --previous new/assignments.csv --device cpu -q --json --out next";
    let found = desk.run(line).json().0;
    let next = desk.read("next/assignments.csv");
    holds(&found["migration"], &desk.read("next/movers.csv"), &now, &next);
    previous_holds(&now, &next);
    // The shares then are those of that file, not of the fit.
    let counted = states(&now).iter().filter(|(_, place)| place == "1").count();
    assert_eq!(found["changes"][1]["previous_size"], counted);
    // Through a pipe nobody is followed unless a file is named.
    let said = desk.run("assign old/model.json next.csv --device cpu --labels - -q").quietly();
    assert!(said.lines().next().unwrap().ends_with(",name"));
    let line = "assign old/model.json next.csv --previous old/assignments.csv --device cpu --labels - -q";
    previous_holds(&then, &desk.run(line).quietly());
    let said = desk.run("assign old/model.json next.csv --device cpu --out text");
    assert!(
        said.out.contains("none of last time's 900 rows is here now; 900 left, 600 came"),
        "{}",
        said.out
    );
}

#[test]
fn rows_left_out_are_a_state_of_their_own() {
    let desk = Desk::new();
    let table = |salt: usize| {
        let lines = (0..300).map(|i| {
            let pay = match noise(i + salt) % 10 {
                0 => String::new(),
                n => (i % 3 * 40 + n).to_string(),
            };
            format!("u{i},{},{pay}\n", i % 3 * 30 + noise(i * 7 + salt) % 9)
        });
        format!("user,visits,pay\n{}", lines.collect::<String>())
    };
    desk.put("a.csv", table(1));
    desk.put("b.csv", table(2));
    let flags = "--missing drop --device cpu --no-structure -q";
    desk.run(&format!("fit a.csv --id user --k 3 {flags} --out a")).quietly();
    let found = desk.run(&format!("fit b.csv --init a/model.json {flags} --json --out b")).json().0;
    let migration = &found["migration"];
    holds(
        migration,
        &desk.read("b/movers.csv"),
        &desk.read("a/assignments.csv"),
        &desk.read("b/assignments.csv"),
    );
    assert_eq!((&migration["came"], &migration["left"]), (&0.into(), &0.into()), "{migration}");
    let out = |key: &str| migration["moves"].as_array().unwrap().iter().any(|m| m[key] == "excluded");
    assert!(out("from") && out("to"), "{migration}");
    assert!(desk.read("b/movers.csv").contains(",moved,excluded,,"), "{}", desk.read("b/movers.csv"));
}

/// Against maps, for ids that repeat, lack or have blanks around them.
#[test]
fn ids_that_name_nobody_are_set_aside() {
    for round in 0..40 {
        let place = |i: usize| match noise(i) % 7 {
            0 => State::Outlier,
            1 => State::Excluded,
            n => State::Segment(n as u32 % 3),
        };
        let table = |salt: usize| -> (Vec<String>, Vec<State>) {
            let id = |i: usize| match noise(i + 31 * salt) % 12 {
                0 => String::new(),
                _ => format!("{}", noise(i * 5 + 17 * salt + round) % 60),
            };
            ((0..30).map(id).collect(), (0..30).map(|i| place(i + 100 * salt + round)).collect())
        };
        let (then, now) = (table(1 + 2 * round), table(2 + 2 * round));
        let padded: Vec<String> = now.0.iter().map(|id| format!(" {id} ")).collect();
        let followed = follow((&then.0, &then.1), vec![None; 3], ("id", &padded));
        let line = |(id, state): (&String, &State)| match state.segment() {
            Some(segment) => format!("{id},{segment},assigned\n"),
            None => format!("{id},-1,{state}\n"),
        };
        let text = |table: &(Vec<String>, Vec<State>)| {
            format!("header\n{}", table.0.iter().zip(&table.1).map(line).collect::<String>())
        };
        let wanted = expected(&text(&then), &text(&now));
        let migration = Migration::followed("m".into(), "a".into(), &followed, &now.1, 3);
        let found = (migration.stayed, migration.moved, migration.came, migration.left);
        assert_eq!(
            found,
            (wanted.stayed, wanted.moved, Some(wanted.came), Some(wanted.left)),
            "round {round}"
        );
        let Followed { rows, then: before, now: after, .. } = followed;
        assert_eq!(after.without_id as usize, now.0.iter().filter(|id| id.is_empty()).count());
        let unclear = rows.iter().filter(|seen| **seen == Seen::Unclear).count() as u64;
        assert_eq!(unclear, after.without_id + after.repeated_id);
        assert_eq!(wanted.stayed + wanted.moved + wanted.left + before.without_id + before.repeated_id, 30);
        for m in &migration.moves {
            // By the definition: the rows that were there and are known from both times.
            let known = rows.iter().filter(|seen| **seen == Seen::Was(m.from)).count();
            assert_eq!(m.share, m.rows as f64 / known as f64);
        }
    }
}

#[test]
fn what_cannot_be_followed_is_said() {
    let desk = two_quarters();
    let refit = "fit new.csv --init old/model.json --device cpu --no-structure --force --out new";
    let quiet = |line: &str| {
        let said = desk.run(&format!("{line} -q --json"));
        let found = said.json().0;
        let names = desk.names("new");
        assert!(!names.contains(&"movers.csv".to_string()), "{names:?}");
        found["migration"].clone()
    };
    // Another number of segments; another fit of the same number.
    desk.run("fit old.csv --id user --k 5 --device cpu --no-structure -q --out five").quietly();
    desk.run("fit old.csv --id user --k 3 --seed 5 --n-init 1 --device cpu --no-structure -q --out other")
        .quietly();
    for (folder, k) in [("five", 5), ("other", 3)] {
        let line = format!("{refit} --previous {folder}/assignments.csv");
        let found = quiet(&line);
        assert!(found["not_followed"].as_str().unwrap().contains("another fit"), "{k}: {found}");
        assert!(found["came"].is_null() && found["moved"].is_u64(), "{found}");
        let said = desk.run(&line);
        assert!(said.err.contains("nobody is followed by id") && said.code == Some(0), "{}", said.err);
        assert!(said.out.contains("comes from another fit"), "{}", said.out);
    }
    // Without its neighbours a file shows by its segments that it has too many, and by their sizes that it fits.
    desk.put("alone.csv", desk.read("five/assignments.csv"));
    let found = quiet(&format!("{refit} --previous alone.csv"));
    assert!(found["not_followed"].as_str().unwrap().contains("numbered 0 to 2"), "{found}");
    std::fs::remove_file(desk.path("old/metrics.json")).unwrap();
    assert_eq!(desk.run(&format!("{refit} -q --json")).json().0["migration"]["came"], 600);
    std::fs::remove_file(desk.path("new/movers.csv")).unwrap();
    // A file beside the model that somebody has changed.
    let half: String = desk.read("old/assignments.csv").lines().take(400).map(|l| format!("{l}\n")).collect();
    desk.put("old/assignments.csv", &half);
    assert!(quiet(refit)["not_followed"].as_str().unwrap().contains("--previous"));
    let named = desk.run(&format!("{refit} --previous old/assignments.csv -q --json")).json().0;
    assert_eq!(named["migration"]["then"]["rows"], 399);
    // No file, no ids, ids of another column.
    std::fs::remove_file(desk.path("old/assignments.csv")).unwrap();
    assert!(quiet(refit)["not_followed"].as_str().unwrap().contains("no assignments file beside"));
    desk.put("none.csv", desk.read("new.csv").replace("user,", "customer,"));
    let line =
        "fit none.csv --drop customer --init old/model.json --device cpu --no-structure --force --out new";
    assert!(quiet(line)["not_followed"].as_str().unwrap().contains("--id"));
    assert!(desk.run(line).out.contains("--id"), "the table says it, too");
    // What the user names must be there and be a file of assignments.
    desk.fails(&format!("{refit} -q --previous nosuch.csv"), 3, &["nosuch.csv"]);
    desk.fails(&format!("{refit} -q --previous old.csv"), 3, &["old.csv", "segment"]);
    let line = "fit new.csv --id user --k 3 --previous alone.csv --device cpu -q --force --out new";
    desk.fails(line, 2, &["--init"]);
}

/// The medians and shares of a table's columns in each segment, by sorting.
fn middles(table: &str, assignments: &str) -> BTreeMap<(String, u32), f64> {
    let places: HashMap<String, String> = states(assignments).into_iter().collect();
    let header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let mut found = BTreeMap::new();
    for (c, name) in header.iter().enumerate().skip(1) {
        for segment in 0..3u32 {
            let rows = table.lines().skip(1).map(|l| l.split(',').collect::<Vec<_>>());
            let own = rows.filter(|cells| places[cells[0]] == segment.to_string());
            let mut values: Vec<f64> = own
                .map(|cells| cells[c].parse().unwrap_or(f64::from(u8::from(cells[c] == "true"))))
                .collect();
            values.sort_by(f64::total_cmp);
            let n = values.len();
            let middle = match *name {
                "active" => values.iter().sum::<f64>() / n as f64,
                _ => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
            };
            found.insert((name.to_string(), segment), middle);
        }
    }
    found
}

#[test]
fn medians_then_and_now_are_the_tables_own() {
    let desk = two_quarters();
    let then = middles(&desk.read("old.csv"), &desk.read("old/assignments.csv"));
    for (line, out) in [
        ("fit new.csv --init old/model.json --device cpu --no-structure -q --json --out", "refit"),
        ("assign old/model.json new.csv --device cpu -q --json --out", "labelled"),
    ] {
        let found = desk.run(&format!("{line} {out}")).json().0;
        let now = middles(&desk.read("new.csv"), &desk.read(&format!("{out}/assignments.csv")));
        let mut seen = 0;
        for change in found["changes"].as_array().unwrap() {
            let segment = change["segment"].as_u64().unwrap() as u32;
            for column in change["columns"].as_array().unwrap() {
                let name = column["column"].as_str().unwrap();
                for (key, wanted) in [("previous", &then), ("now", &now)] {
                    let (value, wanted) = (column[key].as_f64().unwrap(), wanted[&(name.into(), segment)]);
                    assert!(
                        (value - wanted).abs() < 1e-12,
                        "{line}: {name} in {segment}, {key}: {value}, {wanted}"
                    );
                }
                let middle = if name == "active" { "share" } else { "median" };
                assert_eq!(column["middle"], middle);
                seen += 1;
            }
        }
        assert_eq!(seen, 9, "three columns of three segments");
        // Kind 1 has grown by 12 visits; nothing else has moved but by chance.
        let named: Vec<(u64, &str)> = found["changes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| s["columns"].as_array().unwrap().iter().map(move |c| (s, c)))
            .filter(|(_, c)| c["beyond_chance"] == true && c["effect"].as_f64().unwrap().abs() >= 0.2)
            .map(|(s, c)| (s["segment"].as_u64().unwrap(), c["column"].as_str().unwrap()))
            .collect();
        assert!(matches!(named[..], [(_, "visits")]), "{line}: {named:?}");
    }
    // The model of an older version remembers no medians, and a refit from it says so.
    let mut model: Value = serde_json::from_str(&desk.read("old/model.json")).unwrap();
    crate::model::schema::check(&model.to_string());
    assert_eq!(model["figures"].as_array().unwrap().len(), 3);
    model.as_object_mut().unwrap().remove("figures").unwrap();
    for column in model["reference"]["columns"].as_array_mut().unwrap() {
        column.as_object_mut().unwrap().remove("median");
    }
    desk.put("older.json", model.to_string());
    let said = desk.run("fit new.csv --init older.json --device cpu --no-structure -q --out old2");
    assert!(said.out.contains("not known, because the earlier model.json"), "{}", said.out);
    assert!(desk.run("drift older.json new.csv --device cpu -q").out.contains("median now"));
    for (odd, why) in [(json!([1.0, 2.0]), "too few"), (json!(["x", 1.0, 2.0]), "a text")] {
        let mut bad: Value = serde_json::from_str(&desk.read("old/model.json")).unwrap();
        bad["figures"][0]["segments"] = odd;
        desk.put("bad.json", bad.to_string());
        let said = desk.run("assign bad.json new.csv --device cpu -q --labels -");
        assert_eq!(said.code, Some(3), "{why}: {}", said.err);
    }
}
