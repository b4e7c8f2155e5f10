//! A report about 600 people, of whom one earns far more than all others, does not tell anything about single ones.

use super::Desk;

/// The number of a person's telephone.
fn phone(i: usize) -> u64 {
    4_917_000_000 + (i as u64 * 7_919) % 1_000_000
}

/// 599 people in two groups and one person who is far from everybody.
fn people() -> String {
    let mut text = "id,manager,team,age,pay,diagnosis,phone\n".to_string();
    for i in 0..600usize {
        let old = i % 2;
        let age = 25 + 30 * old + i * 13 % 10;
        let pay = 30_000 + 40_000 * old + i * 7_919 % 9_973;
        let pay = if i == 77 { 987_654 } else { pay };
        let diagnosis = match i {
            3 | 4 => "Huntington",
            _ if i % 3 == 0 => "asthma",
            _ => "none",
        };
        let team = ["north", "south", "west"][i * 11 % 3];
        text += &format!("p{i},Manager {},{team},{age},{pay},{diagnosis},{}\n", i / 2, phone(i));
    }
    text
}

const RECIPE: &str = "
    # Ask jane.doe@corp, password hunter2.
    [input]
    path = \"t.csv\"
    id = \"id\"
    [features]
    columns = [\"age\", \"pay\"]
    [analysis]
    k = 3
    structure = false
    [describe]
    [profile]
    columns = [\"age\", \"pay\", \"team\", \"diagnosis\", \"phone\", \"manager\"]
    [stability]
    samples = 2
    cohort = \"team\"
    [[compare]]
    columns = [\"diagnosis\"]
    [[question]]
    name = \"What does each diagnosis earn?\"
    by = \"diagnosis\"
    of = \"pay\"
    compute = [\"count\", \"sum\", \"max\"]
    [[question]]
    name = \"Who earns most?\"
    where = \"pay > 500000\"
    of = \"pay\"
    compute = [\"mean\"]
    [[question]]
    name = \"Which diagnosis?\"
    answers = \"diagnosis\"
    [[chart]]
    kind = \"scatter\"
    x = \"age\"
    y = \"pay\"
";

/// The page and all files of charts.
fn texts(desk: &Desk, folder: &str) -> String {
    desk.run(&format!("report {folder} --charts {folder}/charts"));
    let mut all = desk.read(&format!("{folder}/report.html"));
    for name in desk.names(&format!("{folder}/charts")) {
        all += &desk.read(&format!("{folder}/charts/{name}"));
    }
    all
}

#[test]
fn nobody_is_singled_out() {
    let desk = Desk::new();
    desk.put("t.csv", people());
    desk.put("r.toml", RECIPE);
    let said = desk.run("run r.toml --device cpu --out out -q");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let all = texts(&desk, "out");
    for secret in ["987,6", "98765", "4,917,", "Huntington", "Manager 1", "hunter2", "jane.doe"] {
        let near = all.find(secret).map(|at| all.get(at.saturating_sub(200)..at + 40));
        assert_eq!(near, None, "{secret}");
    }
    for i in 0..600 {
        assert!(!all.contains(&phone(i).to_string()), "the telephone of {i}");
    }
    let shown = ["asthma", "Fewer than 5 of 600 rows", "1 row on the map", "smallest and largest values"];
    for shown in shown {
        assert!(all.contains(shown), "{shown}");
    }

    desk.put("open.toml", format!("{RECIPE}\n[report]\nmin_rows = 0\n"));
    let said = desk.run("run open.toml --device cpu --out open -q");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let all = texts(&desk, "open");
    for shown in ["987,654", "987654", "Huntington", "hunter2"] {
        assert!(all.contains(shown), "a recipe may show {shown}");
    }
}
