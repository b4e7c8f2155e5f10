//! Labellings that are read from files, and the rows that two files have in common.

use segmenta::Error;
use segmenta::labels::{By, Labels, Options, Rows, from_table, join};
use segmenta::table::{ReadOptions, read_bytes};

/// Reads a text as `labels::read` reads a file.
fn read(text: &str, options: &Options) -> Result<Labels, Error> {
    let id_first = options.id.is_none() && !options.by_position;
    let read = ReadOptions { id: options.id.clone(), id_first, ..options.read.clone() };
    from_table(read_bytes("t.csv", text.as_bytes().to_vec(), &read)?, options)
}

/// The column of labels, the labels, each row's label, and the ids.
type Found = (String, Vec<String>, Vec<Option<u32>>, Option<Vec<String>>);

fn found(text: &str) -> Found {
    let labels = read(text, &Options::default()).unwrap();
    let texts = labels.labels.iter().map(|l| l.label.clone()).collect();
    (labels.column, texts, labels.rows, labels.ids.map(|(_, ids)| ids))
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| text.to_string()).collect()
}

#[test]
fn columns_are_found() {
    let (none, zero, one, two) = (None, Some(0), Some(1), Some(2));
    // Assignments of segmenta: the first column has the ids, and -1 is no segment.
    let (column, labels, rows, ids) =
        found("user,segment,status,name\n007,2,assigned,X\n8,-1,outlier,\n9,0,assigned,Y\n");
    assert_eq!((column.as_str(), labels, rows), ("segment", texts(&["0", "2"]), vec![one, none, zero]));
    assert_eq!(ids.unwrap(), ["007", "8", "9"]);
    // Row numbers are no ids.
    let (_, _, rows, ids) = found("row,segment\n1,5\n2,4\n");
    assert_eq!((rows, ids), (vec![one, zero], None));
    // Nor is the column of segments.
    let (_, _, rows, ids) = found("segment,age\n1,40\n,40\n");
    assert_eq!((rows, ids), (vec![zero, none], None));
    // The only column, and the only one besides the ids.
    assert_eq!(found("tier\ngold\nsilver\ngold\n").2, [zero, one, zero]);
    let (column, labels, rows, ids) = found("user,tier\na,silver\nb,gold\nc,\n");
    assert_eq!((column.as_str(), labels, rows), ("tier", texts(&["gold", "silver"]), vec![one, zero, none]));
    assert_eq!(ids.unwrap(), ["a", "b", "c"]);
    // Numbers ascend, texts are alphabetical, false comes before true.
    assert_eq!(found("x\n10\n9\n-2.5\n-1\n").1, ["-2.5", "-1", "9", "10"]);
    assert_eq!(found("x\ntrue\nfalse\ntrue\n").1, ["false", "true"]);
    assert_eq!(found("x\ntrue\nNA\n").2, [zero, none]);
    let (_, labels, rows, _) = found("x\nb10\nb9\nb1\nb9\n");
    assert_eq!((labels, rows), (texts(&["b1", "b10", "b9"]), vec![one, two, zero, two]));
}

#[test]
fn names_of_segments_are_kept() {
    let labels = read("id,segment,name\n1,1,\n2,0,New\n3,1,Old\n4,2,\n", &Options::default()).unwrap();
    let names: Vec<Option<&str>> = labels.labels.iter().map(|l| l.name.as_deref()).collect();
    assert_eq!(names, [Some("New"), Some("Old"), None]);
}

#[test]
fn mistakes_are_told() {
    let fails = |text: &str, options: Options, words: &[&str]| {
        let said = read(text, &options).unwrap_err().to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    let named = |label: &str| Options { label: Some(label.into()), ..Options::default() };
    let flag = Options { label_flag: "--label-b", ..Options::default() };
    fails("id,tier,plan\n1,a,b\n", flag, &["t.csv", "id, tier, plan", "--label-b"]);
    fails("id,tier\n1,a\n", named("teir"), &["teir", "tier"]);
    let both = Options { id: Some("tier".into()), ..named("tier") };
    fails("id,tier\n1,a\n", both, &["tier", "id column"]);
    fails("id,segment\n1,12345678901234567890\n2,3\n", Options::default(), &["segment", "too long"]);
}

fn ids(of: &[&str]) -> (String, Vec<String>) {
    ("id".into(), texts(of))
}

#[test]
fn rows_are_matched_by_their_ids() {
    let (a, b) = (ids(&["x", "007", "", "7", "z"]), ids(&["new", "7", " x ", "", "", "z"]));
    let rows = |source, ids| Rows { source, rows: 0, ids: Some(ids) };
    let joined = join(rows("a", &a), rows("b", &b)).unwrap();
    assert_eq!(joined.by, By::Id);
    assert_eq!(joined.pairs, [(3, 1), (0, 2), (4, 5)]);
    assert_eq!((joined.only_a, joined.only_b), (vec![1], vec![0]));
    assert_eq!(joined.without_id, (1, 2));
    let twice = ids(&["a", "b", "a"]);
    for (a, b) in [(&twice, &b), (&b, &twice)] {
        let said = join(rows("one.csv", a), rows("two.csv", b)).unwrap_err().to_string();
        let file = if a == &twice { "one.csv" } else { "two.csv" };
        assert!([file, "\"a\"", "rows 1 and 3"].iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn rows_are_matched_by_position_without_ids() {
    let a = ids(&["x", "y"]);
    let (with, without) =
        (Rows { source: "a.csv", rows: 2, ids: Some(&a) }, Rows { source: "b.csv", rows: 2, ids: None });
    let joined = join(with, without).unwrap();
    assert_eq!((joined.by, joined.pairs), (By::Position, vec![(0, 0), (1, 1)]));
    let said = join(with, Rows { rows: 3, ..without }).unwrap_err().to_string();
    assert!(
        ["b.csv: this file has 3 rows and a.csv has 2", "(b.csv has none now)"]
            .iter()
            .all(|word| said.contains(word)),
        "{said}"
    );
}

/// Many ids, so that some have the same 32 bits of hash: about 90 pairs of 900,000.
#[test]
fn equal_hashes_are_told_apart() {
    let n = 900_000u32;
    let of = |first: u32| ("id".to_string(), (first..first + n).map(|i| format!("u{i}")).collect::<Vec<_>>());
    let (a, mut b) = (of(0), of(n / 2));
    b.1.reverse();
    let rows = |ids| Rows { source: "x", rows: n as usize, ids: Some(ids) };
    let joined = join(rows(&a), rows(&b)).unwrap();
    assert_eq!(joined.pairs.len(), (n / 2) as usize);
    assert!(joined.pairs.iter().all(|&(row_a, row_b)| a.1[row_a as usize] == b.1[row_b as usize]));
    assert_eq!((joined.only_a.len(), joined.only_b.len()), ((n / 2) as usize, (n / 2) as usize));
    assert!(joined.only_a.iter().copied().eq(0..n / 2) && joined.only_b.iter().copied().eq(0..n / 2));
}
