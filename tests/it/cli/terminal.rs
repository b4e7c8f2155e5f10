//! What people read: tables that fit a narrow terminal, digits that mean something, names that cannot steer a terminal.

use super::{Desk, learners};

/// Every verb that prints a table.
const TABLES: [&str; 10] = [
    "inspect t.csv",
    "tendency t.csv --device cpu",
    "sweep t.csv --device cpu",
    "fit t.csv --device cpu --force --out out",
    "assign m.json t.csv --device cpu --force --out out",
    "drift m.json t.csv --device cpu",
    "profile m.json t.csv --device cpu",
    "name m.json",
    "bench --rows 200 --features 3 --n-init 2 --repeats 1 --device cpu",
    "doctor --device cpu",
];

#[test]
fn tables_fit_a_narrow_terminal() {
    let desk = Desk::with_table();
    let long = "a_name_that_is_much_longer_than_a_narrow_terminal_is_wide";
    desk.put("t.csv", learners().replacen("spend", long, 1));
    desk.run("fit t.csv --k 3 --device cpu -q --out made").quietly();
    std::fs::rename(desk.path("made/model.json"), desk.path("m.json")).unwrap();
    let name = "0=Beginners_who_have_just_signed_up_for_a_course";
    desk.run(&format!("name m.json {name} -q")).quietly();
    for line in TABLES {
        let Some(text) = desk.run_in_terminal(&format!("{line} -q"), 40) else { return };
        for shown in text.lines().filter(|shown| !shown.contains("XDG_RUNTIME_DIR")) {
            let width = shown.chars().count();
            desk.expect(width <= 40, || format!("{line}: {width} columns: {shown:?}"));
        }
        desk.expect(!text.trim().is_empty(), || format!("{line}: shows nothing"));
        // Off a terminal nothing is shortened or broken.
        let plain = desk.run_without_gpu(&format!("{line} -q")).quietly();
        desk.expect(!plain.contains('…'), || format!("{line}: shortened in a pipe: {plain}"));
    }
    let wide = desk.run_in_terminal("inspect t.csv -q", 200).unwrap();
    assert_eq!(wide, desk.run("inspect t.csv -q").quietly(), "a wide terminal shows what a pipe gets");
    assert!(wide.contains(long), "{wide}");
    // At 40 the columns come in blocks, each of which begins with the name.
    let narrow = desk.run_in_terminal("inspect t.csv -q", 40).unwrap();
    assert!(narrow.matches(" column ").count() > 1 && narrow.contains('…'), "{narrow}");
    for word in ["missing", "distinct", "features", "why"] {
        assert_eq!(narrow.matches(word).count(), 1, "{word}: {narrow}");
    }
}

#[test]
fn control_characters_are_written_out() {
    let desk = Desk::new();
    let rows: String = (0..30).fold(String::new(), |text, i| format!("{text}{},{}\n", i % 3 * 10, i % 2));
    desk.put("t.csv", format!("red\u{1b}[31m,b\u{202e}a\n{rows}"));
    desk.run("fit t.csv --k 3 --device cpu -q --out made").quietly();
    // Somebody edited the file.
    let model = desk.read("made/model.json");
    desk.put("m.json", model.replacen("\"segment\": 0,", "\"segment\": 0, \"name\": \"x\\u001b[2J\",", 1));
    desk.put("none.csv", "c\u{1b}[1m\n1\n2\n");
    for line in [
        "inspect t.csv",
        "fit t.csv --k 3 --device cpu --force --out out",
        "drift m.json t.csv --device cpu",
        "profile m.json t.csv --device cpu",
        "drift m.json t.csv --device cpu --strict --max-psi 0",
        "assign m.json t.csv --device cpu --force --out out",
        "assign m.json none.csv --device cpu --force --out out",
        "fit t.csv --features nosuch --device cpu --force --out out",
        "fit t.csv --weight red --device cpu --force --out out",
        "name m.json",
        "inspect none\u{1b}.csv",
    ] {
        let said = desk.run(line);
        for text in [&said.out, &said.err] {
            let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            desk.expect(!text.contains(steers), || format!("{line}: {text:?}"));
        }
    }
    let shown = desk.run("inspect t.csv -q").quietly();
    assert!(shown.contains("red\\u{1b}[31m") && shown.contains("b\\u{202e}a"), "{shown}");
    // Files and JSON hold the names as they are.
    assert!(desk.run("inspect t.csv -q --json").out.contains("red\\u001b[31m"));
}

#[test]
fn people_see_four_digits_and_files_hold_all() {
    let desk = Desk::new();
    let row = |i: usize| {
        format!("{},{}\n", (i % 4) as f64 * 1234.5678 + (i * 7 % 11) as f64 * 0.1234567, i * 13 % 29)
    };
    let rows: String = (0..1200).map(row).collect();
    desk.put("t.csv", format!("x,y\n{rows}"));
    desk.run("fit t.csv --k 3 --scale none --device cpu -q --out out").quietly();
    for line in [
        "sweep t.csv --scale none --device cpu",
        "fit t.csv --k 3 --scale none --silhouette --device cpu --force --out out",
        "fit t.csv --init out/model.json --scale none --device cpu --force --out out",
        "assign out/model.json t.csv --device cpu --out new --force",
        "drift out/model.json t.csv --device cpu",
        "tendency t.csv --device cpu",
        "inspect t.csv",
        "name out/model.json",
    ] {
        let said = desk.run(line);
        assert_eq!(said.code, Some(0), "{line}: {}", said.err);
        for word in format!("{} {}", said.out, said.err).split_whitespace() {
            let decimals =
                word.trim_matches(|c: char| !c.is_ascii_digit()).split_once('.').map_or(0, |(_, d)| d.len());
            desk.expect(decimals <= 4, || format!("{line}: {word}"));
        }
    }
    let said = desk.run("sweep t.csv --scale none --device cpu -q").quietly();
    assert!(said.contains("exact on 1,200 rows"), "{said}");
    let found = desk.run("sweep t.csv --scale none --device cpu -q --json").json().0;
    let inertia = found["sweep"][0]["inertia"].as_f64().unwrap();
    assert!(inertia > 1e6 && inertia.fract() != 0.0, "{inertia}");
    let digits = format!("{inertia:.0}");
    let shown = format!(
        "{},{},{}",
        &digits[..digits.len() - 6],
        &digits[digits.len() - 6..digits.len() - 3],
        &digits[digits.len() - 3..]
    );
    assert!(said.contains(&shown), "{shown}: {said}");
}
