//! `segmenta name`: what it writes, what it shows, and where names turn up.

use super::{Desk, assignments};
use crate::model::schema;
use segmenta::model::{Model, with_names};
use std::collections::BTreeMap;

#[test]
fn names_are_given_listed_and_taken_away() {
    let desk = Desk::with_model();
    let before = desk.read("m.json");
    let names = |line: &str| -> Vec<Option<String>> {
        let (found, _) = desk.run(&format!("{line} --json -q")).json();
        let segments = found["segments"].as_array().unwrap();
        segments.iter().map(|s| s["name"].as_str().map(String::from)).collect()
    };
    assert_eq!(names("name m.json"), [None, None, None]);
    assert_eq!(desk.read("m.json"), before, "listing writes nothing");
    let mut command = desk.command("name m.json 2 -q");
    let said = super::Said::from(command.arg("Senior specialists").output().unwrap()).quietly();
    assert!(said.contains("Senior specialists"), "{said}");
    schema::check(&desk.read("m.json"));
    // One line more, and no other byte.
    let now = desk.read("m.json");
    let added: Vec<&str> = now.lines().filter(|line| line.contains("\"name\"")).collect();
    assert_eq!(added, ["      \"name\": \"Senior specialists\","]);
    assert_eq!(now.replace(&format!("{}\n", added[0]), ""), before);
    assert_eq!(
        names("name m.json 0=Beginners 1=a=b"),
        ["Beginners", "a=b", "Senior specialists"].map(|n| Some(n.into()))
    );
    assert_eq!(names("name m.json --remove 0,2 1=Second"), [None, Some("Second".into()), None]);
    assert_eq!(names("name m.json --remove 1"), [None, None, None]);
    assert_eq!(desk.read("m.json"), before, "as if there had never been a name");

    let said = desk.run("name m.json 0=Same 1=Same");
    assert!(said.code == Some(0) && said.err.contains("segments 0 and 1 have the same name"), "{}", said.err);
    for (line, words) in [
        ("name m.json 3=x", ["segment 3", "0 to 2"]),
        ("name m.json 0=", ["segment 0", "expected a name"]),
        ("name m.json 0=a 0=b", ["segment 0", "twice"]),
        ("name m.json 0=a --remove 0", ["segment 0", "twice"]),
        ("name m.json x=a", ["\"x\"", "number"]),
        ("name m.json Beginners", ["\"Beginners\"", "NUMBER=NAME"]),
        ("name m.json 1", ["segment 1", "1=NAME"]),
    ] {
        desk.fails(line, 2, &words);
    }
    desk.fails("name nosuch.json 0=a", 3, &["nosuch.json", "No such file"]);
}

#[test]
fn names_turn_up_wherever_segments_do() {
    let desk = Desk::with_model();
    desk.run("name m.json 0=Young 2=Old -q").quietly();
    let said = desk.run("assign m.json t.csv --device cpu --out out").out;
    assert!(said.contains("Young") && said.contains("Old"), "{said}");
    let rows = desk.read("out/assignments.csv");
    assert_eq!(assignments(&rows).len(), 60);
    for row in rows.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells[5], ["Young", "", "Old"][cells[1].parse::<usize>().unwrap()], "{row}");
    }
    let segments = |line: &str| desk.run(line).json().0["segments"].clone();
    for line in
        ["assign m.json t.csv --device cpu -q --json --out two", "drift m.json t.csv --device cpu -q --json"]
    {
        let segments = segments(line);
        assert_eq!((&segments[0]["name"], &segments[2]["name"]), (&"Young".into(), &"Old".into()), "{line}");
    }
    let said = desk.run("drift m.json t.csv --device cpu -q").out;
    assert!(said.contains("Young") && said.contains("Old"), "{said}");
    let said = desk.run("fit t.csv --init m.json --device cpu -q --out refit").out;
    assert!(said.contains("old 0 Young") && said.contains("Old"), "{said}");
    assert!(desk.read("refit/assignments.csv").contains(",Young\n"));
}

/// However the file is laid out, the names change and nothing else does.
#[test]
fn any_layout_keeps_its_bytes() {
    let desk = Desk::with_model();
    let pretty = desk.read("m.json");
    let value: serde_json::Value = serde_json::from_str(&pretty).unwrap();
    let one = |segment: u32, name: Option<&str>| BTreeMap::from([(segment, name.map(String::from))]);
    let compact = value.to_string();
    // Keys of other programs, and those of ours in another order.
    let foreign = pretty.replacen("\"version\"", "\"made by\": \"hand\",\n  \"version\"", 1);
    for text in [&pretty, &compact, &foreign] {
        let named = with_names(text, &one(1, Some("caf\u{e9} \"x\" \\"))).unwrap();
        assert_eq!(Model::from_json(&named).unwrap().names()[1].as_deref(), Some("caf\u{e9} \"x\" \\"));
        assert_eq!(&with_names(&named, &one(1, None)).unwrap(), text);
        let again = with_names(&named, &one(1, Some("b"))).unwrap();
        assert_eq!(again.len(), with_names(text, &one(1, Some("b"))).unwrap().len());
        assert_eq!(&with_names(text, &one(1, None)).unwrap(), text, "there is no name to take away");
    }
    // A name that comes first in its centroid.
    let first = pretty.replacen("\"segment\": 0", "\"name\": \"A\",\n      \"segment\": 0", 1);
    let taken = with_names(&first, &one(0, None)).unwrap();
    assert_eq!(taken, pretty);
}
