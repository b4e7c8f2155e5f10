//! The top of a text table: what comes before the header, where the header is, what separates the fields.

use super::{error, names, numbers, one_error, read_with, table, texts};
use segmenta::table::ReadOptions;

fn lines(skip_lines: usize) -> ReadOptions {
    ReadOptions { skip_lines: Some(skip_lines), ..ReadOptions::default() }
}

#[test]
fn a_first_line_may_say_the_delimiter() {
    for text in
        ["sep=;\na;b\n1;2\n", "sep=;\r\na;b\r\n1;2\r\n", "\u{feff}SEP=;\na;b\n1;2\n", "\"sep=;\"\na;b\n1;2\n"]
    {
        let t = table("t.csv", text);
        assert_eq!((names(&t), t.rows), (vec!["a", "b"], 1), "{text:?}");
    }
    assert_eq!(names(&table("t.csv", "sep=\t\na\tb\n1\t2\n")), ["a", "b"]);
    // It wins over what the cells look like, and somebody's word over it.
    assert_eq!(names(&table("t.csv", "sep=|\na,b|c,d\n1,2|3,4\n")), ["a,b", "c,d"]);
    let comma = ReadOptions { delimiter: Some(b','), ..ReadOptions::default() };
    assert_eq!(names(&read_with("sep=;\na,b\n1,2\n", &comma)), ["a", "b"]);
    assert_eq!(names(&table("t.csv", "sep=\nx\n")), ["sep="], "no delimiter, no such line");
    assert_eq!(error("t.csv", "sep=;\na;b\n1;2;3\n").split(':').next(), Some("t.csv, line 3"));
    assert_eq!(error("t.csv", "sep=;\n"), "t.csv: nothing but the 1 line at the top that is skipped");
}

#[test]
fn the_cells_tell_the_delimiter() {
    // As many commas as semicolons in every line.
    let t = table("t.csv", "Income, k$;Cost, k$;City, State\n10,5;0,25;Reno, NV\n11,5;3,25;Waco, TX\n");
    assert_eq!(names(&t), ["Income, k$", "Cost, k$", "City, State"]);
    assert_eq!(numbers(&t, "Cost, k$"), [Some(0.25), Some(3.25)]);
    let t = table("t.csv", "id;cost;tags\n0;0.5;['a', 'b']\n1;1.5;['b', 'c']\n2;2.5;['c']\n");
    assert_eq!(names(&t), ["id", "cost", "tags"]);
    let t = table("t.csv", "who,note\n\"a; b\",\"x;y\"\n\"c; d\",\"z;w\"\n");
    assert_eq!(names(&t), ["who", "note"], "quotes count");
    let t = table("t.csv", "a,b\n1,x|y\n2,z|w\n3,v|u\n");
    assert_eq!(names(&t), ["a", "b"], "bars in a column of texts");
    // A title does not hide what separates the lines below it.
    assert!(error("t.csv", "My report\n\na;b\n1,5;2\n2,5;3\n").contains("most lines have 2"));
}

#[test]
fn lines_before_the_header_can_be_skipped() {
    let text = "Report\nmade, by hand\n\na,b\n1,2\n3\n";
    let e = one_error(text, &lines(3));
    assert!(e.starts_with("t.csv, line 6: expected 2 fields, found 1"), "{e}");
    let t = read_with(&text.replace("3\n", "3,4\n"), &lines(3));
    assert_eq!((names(&t), numbers(&t, "b")), (vec!["a", "b"], vec![Some(2.0), Some(4.0)]));
    for end in ["\n", "\r\n", "\r"] {
        let t = read_with(&["x", "y", "a", "1", "2"].join(end), &lines(2));
        assert_eq!((names(&t), t.rows), (vec!["a"], 2), "{end:?}");
    }
    assert_eq!(one_error("a\n1\n", &lines(2)), "t.csv: nothing but the 2 lines at the top that are skipped");
    assert_eq!(one_error("a\n1\n", &lines(1)), "t.csv: the table has a header but no rows below it");
    assert!(one_error("a\n1\n", &lines(usize::MAX)).contains("nothing but the 2 lines"));
    let options = ReadOptions { skip_rows: 1, id: Some("id".into()), ..lines(1) };
    let t = read_with("title\nid,v\nWho?,How?\na,5\n", &options);
    assert_eq!(numbers(&t, "v"), [Some(5.0)]);
}

#[test]
fn comments_above_the_header_are_skipped() {
    let t = table("t.csv", "# made by our CRM\n\n# on Monday\nuser,spend\na,1\nb,2\n");
    assert_eq!(names(&t), ["user", "spend"]);
    assert_eq!(t.notes, ["skipped 3 lines of comments (#) above the header; --skip-lines 0 keeps them"]);
    assert_eq!(names(&table("t.csv", "# one, two words\na,b\n1,2\n")), ["a", "b"]);
    // The header itself may begin so.
    let t = table("t.csv", "#user,spend\na,1\nb,2\n");
    assert_eq!((names(&t), t.notes.len()), (vec!["#user", "spend"], 0));
    assert_eq!(names(&table("t.csv", "#\n1\n2\n")), ["#"]);
    assert_eq!(names(&read_with("# x\n1\n", &lines(0))), ["# x"]);
    assert_eq!(error("t.csv", "# only\n# comments\n"), "t.csv: the table has a header but no rows below it");
}

#[test]
fn a_title_is_explained_and_never_the_header() {
    let e = error("t.csv", "Report: users 2024\nGenerated 2024-02-01\n\nuser,spend\na,1\nb,2\n");
    assert_eq!(
        e,
        "t.csv, line 4: expected 1 field, found 2; most lines have 2, from line 4 on: if that line is the header, \
         skip what stands before it with --skip-lines 3 (skip_lines = 3 in a recipe)"
    );
    let text = "Report, users 2024\nuser,spend\na,1\nb,2\nc,9\n";
    assert_eq!(
        error("t.csv", text),
        "t.csv, line 1: this looks like a title above the header, which would be line 2 (user, spend): skip it with \
         --skip-lines 1 (skip_lines = 1 in a recipe), or keep it as the header with --skip-lines 0"
    );
    assert_eq!(names(&read_with(text, &lines(1))), ["user", "spend"]);
    assert_eq!(names(&read_with(text, &lines(0))), ["Report", "users 2024"]);
    // Cells that no header has: Excel fills a title's line up.
    assert!(error("t.csv", "Quarterly report;;\na;b;c\n1;2;3\n4;5;6\n").contains("--skip-lines 1"));
    // None of these is a title: questions below names, a first row with a stray text, rows of texts.
    for text in [
        "q1,q2\nHow old are you?,How tall are you?\n31,170\n35,180\n",
        "user,spend\na,unknown\nb,2\nc,9\n",
        "full name,home town\nann,rome\nbob,oslo\ncat,lima\n",
        "age group,n\nold,1\nyoung,2\nold,3\n",
        "who,2023,2024\nann,n.a.,n.a.\nbob,5,6\ncat,7,8\n",
    ] {
        table("t.csv", text);
    }
}

#[test]
fn another_number_of_fields_comes_with_advice() {
    let e = error("t.csv", "a,b\n1,2\n3,4,5\n6,7\n");
    assert_eq!(
        e,
        "t.csv, line 3: expected 2 fields, found 3; a field that contains ',' must be in quotes, and --delimiter says \
         what separates the fields if ',' does not"
    );
    let e = error("t.tsv", "a\tb\n1\t2\n3\n");
    assert_eq!(
        e,
        "t.tsv, line 3: expected 2 fields, found 1; the line may be cut short, or something other than a tab separates \
         the fields (--delimiter)"
    );
}

#[test]
fn a_table_may_have_no_header() {
    let options = ReadOptions { no_header: true, ..ReadOptions::default() };
    let t = read_with("5.1,3.5,x\n4.9,3.0,y\n", &options);
    assert_eq!((names(&t), t.rows), (vec!["f0", "f1", "f2"], 2));
    assert_eq!(numbers(&t, "f0"), [Some(5.1), Some(4.9)]);
    assert!(t.notes.is_empty());
    let quoted = read_with("\n\"a,b\",1\n\"c\",2\n", &options);
    assert_eq!(texts(&quoted, "f0"), [Some("a,b".to_string()), Some("c".to_string())]);
    let e = one_error("1,2\n3\n", &options);
    assert!(e.starts_with("t.csv, line 2: expected 2 fields, found 1"), "{e}");
    let skipped = read_with("x\n1,2\n", &ReadOptions { skip_lines: Some(1), ..options });
    assert_eq!((names(&skipped), skipped.rows), (vec!["f0", "f1"], 1));
}

#[test]
fn a_header_of_numbers_gets_a_note() {
    let t = table("t.csv", "5.1,3.5,1.4,0.2\n4.9,3.0,1.3,0.1\n");
    assert_eq!(
        t.notes,
        [
            "the header is all numbers (5.1, 3.5, 1.4, …); if the table has no header, say --no-header (header = false \
          in a recipe)"
        ]
    );
    assert!(table("t.csv", "2019,total\n1,2\n").notes.is_empty());
    let e = error("t.csv", "1,1,2\n3,4,5\n");
    assert!(e.contains("used twice") && e.contains("--no-header"), "{e}");
}

#[test]
fn ids_that_do_not_name_the_rows_get_a_note() {
    let with_id =
        |text: &str| read_with(text, &ReadOptions { id: Some("user".into()), ..ReadOptions::default() });
    let t = with_id("user,x\na,1\na,9\n,2\nb,10\n");
    assert_eq!(
        t.notes,
        [
            "id column user: 1 id is used twice or more (\"a\" on lines 2, 3), and 1 row is without an id (line 4)"
        ]
    );
    let rows: String = (0..20_000).map(|i| format!("u{},{i}\n", i % 19_990)).collect();
    let t = with_id(&format!("user,x\n{rows}"));
    assert_eq!(t.notes.len(), 1);
    assert!(
        t.notes[0].starts_with(
            "id column user: 10 ids are used twice or more (\"u0\" on lines 2, 19992; \"u1\" on"
        ),
        "{}",
        t.notes[0]
    );
    let t = with_id("user,x\n,1\n\n ,2\nb,3\n,4\n,5\n");
    assert_eq!(t.notes, ["id column user: 4 rows are without an id (lines 2, 4, 6, …)"]);
    assert!(with_id("user,x\na,1\nA,2\n a,3\n").notes.is_empty(), "letter for letter");
}
