//! `[[alias]]`: which texts get which names, and that they keep them.

use super::errors::{faults, wrong};
use super::{anchor, beside, csv, parse};
use segmenta::error::Error;
use segmenta::recipe::{Aliases, Recipe};
use segmenta::table::{Column, Table, Values};

/// A recipe with these keys in its `[[alias]]`.
fn recipe(keys: &str) -> Recipe {
    parse(&format!("[[alias]]\n{keys}\n\n[features]\ncolumns = [\"anchor\"]\n"))
}

fn fitted(recipe: &Recipe, text: &str, before: &Aliases) -> (Aliases, Table) {
    let table = csv(text);
    let rows = table.rows;
    let mut table = beside(table, anchor(rows));
    recipe.fit(&mut table).unwrap();
    (recipe.fit_aliases(&table, before).unwrap(), table)
}

/// The cells of a column once aliases are applied.
fn cells(aliases: &Aliases, mut table: Table, column: &str) -> Vec<String> {
    aliases.apply(&mut table);
    let values = &table.column(column).unwrap().values;
    (0..table.rows).map(|row| values.cell(row)).collect()
}

#[test]
fn the_commonest_texts_get_names_and_equally_common_ones_in_their_order() {
    let recipe = recipe("column = \"c\"\nnames = \"Firm {A..C}\"");
    let (aliases, table) = fitted(&recipe, "c\nx7\nq2\nz9\nq2\nx7\nm1\nk4\n\nz9\n", &Aliases::default());
    assert_eq!(
        cells(&aliases, table, "c"),
        ["Firm A", "Firm B", "Firm C", "Firm B", "Firm A", "Firm C+", "Firm C+", "Firm C"]
    );
    assert_eq!(aliases.name("c", "q2"), Some("Firm B"));
    assert_eq!(aliases.name("c", "never seen"), Some("Firm C+"));
    assert_eq!(aliases.name("other", "q2"), None);
}

#[test]
fn missing_cells_stay_missing_and_kept_texts_stay_themselves() {
    let recipe = recipe("column = \"c\"\nnames = [\"One\", \"Two\"]\nother = \"Rest\"\nkeep = [\"Unknown\"]");
    let (aliases, table) =
        fitted(&recipe, "c,n\nUnknown,1\nUnknown,2\nb,3\n,4\na,5\na,6\nd,7\n", &Aliases::default());
    assert_eq!(cells(&aliases, table, "c"), ["Unknown", "Unknown", "Two", "", "One", "One", "Rest"]);
}

#[test]
fn different_values_of_another_column_can_decide() {
    let recipe = recipe("column = \"c\"\nby = \"distinct\"\nof = \"e\"\nnames = \"{1..2}\"");
    // b has three rows of one person, a two people, c none that is known.
    let text = "c,e\nb,p\nb,p\nb,p\na,q\na,r\nc,\n";
    let (aliases, table) = fitted(&recipe, text, &Aliases::default());
    assert_eq!(cells(&aliases, table, "c"), ["2", "2", "2", "1", "1", "2+"]);
}

#[test]
fn weights_count() {
    let text = "c,w\na,1\na,1\nb,5\nz,0\nz,0\nz,0\n";
    let with = |keys: &str| {
        let recipe = parse(&format!(
            "[input]\nweight = \"w\"\n\n[[alias]]\ncolumn = \"c\"\n{keys}\n\n[features]\ncolumns = [\"anchor\"]\n"
        ));
        let (aliases, table) = fitted(&recipe, text, &Aliases::default());
        cells(&aliases, table, "c")
    };
    assert_eq!(with("names = \"{A..C}\""), ["B", "B", "A", "C+", "C+", "C+"], "rows of weight 0 are no rows");
    assert_eq!(with("names = \"{A..C}\"\nby = \"distinct\"\nof = \"w\""), ["A", "A", "B", "C+", "C+", "C+"]);
}

#[test]
fn numbers_and_computed_columns_have_aliases_too() {
    let recipe = parse(
        "[[column]]\nname = \"firm\"\nfrom = \"id\"\nsteps = [\"text\", { fill = \"none\" }]\n\n\
         [[alias]]\ncolumn = \"id\"\nnames = \"N{1..2}\"\n\n\
         [[alias]]\ncolumn = \"firm\"\nnames = \"F{a..b}\"\nkeep = [\"none\"]\n\n\
         [features]\ncolumns = [\"anchor\"]\n",
    );
    let (aliases, table) = fitted(&recipe, "id,n\n17,1\n5,2\n17,3\n,4\n8,5\n", &Aliases::default());
    assert_eq!(cells(&aliases, table.clone(), "id"), ["N1", "N2", "N1", "", "N2+"]);
    assert_eq!(cells(&aliases, table, "firm"), ["Fa", "Fb", "Fa", "none", "Fb+"]);
}

#[test]
fn a_text_keeps_its_name_next_month() {
    let two = recipe("column = \"c\"\nnames = \"Firm {A..C}\"");
    let (may, _) = fitted(&two, "c\na\na\nb\n", &Aliases::default());
    // In June b is the commonest, a is gone, and two are new.
    let june = "c\nb\nb\nb\nd\nd\ne\n";
    let (june_aliases, table) = fitted(&two, june, &may);
    assert_eq!(
        cells(&june_aliases, table.clone(), "c"),
        ["Firm B", "Firm B", "Firm B", "Firm C", "Firm C", "Firm C+"]
    );
    assert_eq!(june_aliases.name("c", "a"), Some("Firm A"), "its name is not given away");
    // A recipe without the section keeps the names as they are.
    let none = parse("[features]\ncolumns = [\"anchor\"]\n");
    assert_eq!(fitted(&none, june, &may).0, may);
    // Names that the recipe no longer has are given up.
    let renamed = recipe("column = \"c\"\nnames = [\"Firm B\", \"New\"]\nother = \"Rest\"");
    let (renamed, _) = fitted(&renamed, june, &may);
    assert_eq!(
        ["a", "b", "d", "e"].map(|c| renamed.name("c", c).unwrap()),
        ["Rest", "Firm B", "New", "Rest"]
    );
}

#[test]
fn texts_that_look_alike_afterwards_are_one_level() {
    let recipe = recipe("column = \"c\"\nnames = \"{A..A}\"");
    let (aliases, table) = fitted(&recipe, "c\na\na\nb\nd\n", &Aliases::default());
    let column: Column = aliases.of("c").unwrap().of_column(table.column("c").unwrap());
    let Values::Text { levels, codes } = column.values else { panic!() };
    assert_eq!(
        (levels, codes),
        (vec!["A".to_string(), "A+".into()], vec![Some(0), Some(0), Some(1), Some(1)])
    );
}

#[test]
fn faults_are_said_with_their_line() {
    let all = [
        ("names = \"{A..Z}\"", 1, "alias[0].column", &["missing", "column"][..]),
        ("column = \"c\"", 1, "alias[0].names", &["missing", "{A..Z}"]),
        (
            "column = \"c\"\nnames = \"Company A\"",
            3,
            "alias[0].names",
            &["one range in braces", "\"Company A\""],
        ),
        ("column = \"c\"\nnames = []", 3, "alias[0].names", &["at least one name"]),
        ("column = \"c\"\nnames = [\"a\", \"a\"]", 3, "alias[0].names", &["\"a\" is the name of two things"]),
        ("column = \"c\"\nnames = \"{A..C}\"\nother = \"B\"", 3, "alias[0].names", &["\"B\"", "must differ"]),
        (
            "column = \"c\"\nnames = \"{A..C}\"\nkeep = [\"C\"]",
            3,
            "alias[0].names",
            &["\"C\"", "must differ"],
        ),
        ("column = \"c\"\nnames = \"{A..C}\"\nother = \" \"", 4, "alias[0].other", &["expected a name"]),
        (
            "column = \"c\"\nnames = \"{A..C}\"\nby = \"size\"",
            4,
            "alias[0].by",
            &["\"count\" or \"distinct\""],
        ),
        ("column = \"c\"\nnames = \"{A..C}\"\nby = \"distinct\"", 1, "alias[0]", &["of is missing"]),
        ("column = \"c\"\nnames = \"{A..C}\"\nof = \"e\"", 4, "alias[0].of", &["by = \"distinct\""]),
        (
            "column = \"c\"\nnames = \"{A..C}\"\nothers = \"D\"",
            4,
            "alias[0].others",
            &["did you mean other?"],
        ),
        (
            "column = \"c\"\nnames = \"{A..C}\"\n[[alias]]\ncolumn = \"c\"\nnames = \"{A..C}\"",
            5,
            "alias[1].column",
            &["two [[alias]]", "line 1"],
        ),
    ];
    let told = |(keys, line, key, words): &(&str, u64, &str, &[&str])| {
        let text = format!("[[alias]]\n{keys}\n");
        wrong(&text, &faults(&text), *line, key, words)
    };
    let wrong: Vec<String> = all.iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let once = "[alias]\ncolumn = \"c\"\nnames = \"{A..C}\"\n";
    assert!(faults(once)[0].what.contains("expected [[alias]]"));
}

#[test]
fn columns_that_do_not_exist_are_said_with_their_line() {
    let recipe = recipe("column = \"comany\"\nby = \"distinct\"\nof = \"mail\"\nnames = \"{A..C}\"");
    let mut table = beside(csv("company,email\na,x\nb,y\n"), anchor(2));
    recipe.fit(&mut table).unwrap();
    let Err(Error::Recipe(faults)) = recipe.fit_aliases(&table, &Aliases::default()) else { panic!() };
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        said.len() == 2 && said[0].contains("alias[0].column") && said[0].contains("did you mean company?"),
        "{said:?}"
    );
    assert!(said[1].contains("alias[0].of") && said[1].contains("did you mean email?"), "{said:?}");
    assert!(faults.iter().all(|fault| fault.line == 1));
}
