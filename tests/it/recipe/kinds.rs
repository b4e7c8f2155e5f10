//! Text that is really a number or a date, names and keys: what is said of them, and what a recipe does.

use super::{choice, csv, features, left_out, message, one, parse, read, reason};
use segmenta::error::Error;
use segmenta::recipe::{Encoder, InferOptions, Recipe, infer};
use segmenta::table::{ReadOptions, Table, Values};

#[test]
fn a_number_says_how_it_is_written() {
    let number = |example: &str| (1, format!("number, written like {example}"));
    assert_eq!(reason(one("v", ["1.234,56", "7,5", "8"])), number("1.234,56"));
    assert_eq!(reason(one("v", ["$1,234", "$5.5"])), number("$1,234"));
    assert_eq!(reason(one("v", ["45%", "7%", "8%"])), number("45%"));
    assert_eq!(choice(one("v", ["1.234,56", "7,5", "8"])).kind, "number");
}

#[test]
fn numbers_of_which_nobody_can_tell_how_they_are_written() {
    let hint = "numbers such as \"1,001\", of which the decimal sign could be , or . (say which: --decimal, or decimal \
                in a recipe's [input], or the step number)";
    let many = || one("v", (1..200).map(|i| format!("{},{:03}", 1 + i % 60, i % 60)));
    assert_eq!(
        message(infer(&many(), &features(&["v"]))),
        format!(
            "t.csv, column v: cannot be a feature: 60 distinct texts, more than 50; {}; or leave it out of the features",
            hint.replace("1,001", "2,001")
        )
    );
    let few = one("v", ["1,001", "2,002", "3,003", "1,001", "2,002", "1,001"]);
    assert_eq!(reason(few), (3, format!("3 categories; {hint}")));
    let each = one("v", (1..7).map(|i| format!("{i},001")));
    assert_eq!(reason(each), left_out(&format!("text that differs in every row; {hint}")));
}

#[test]
fn texts_that_are_dates_name_the_step() {
    let advice = |format: fn(i64) -> String| {
        let table = one("when", (0..120).map(format));
        let e = message(infer(&table, &features(&["when"])));
        let (_, e) = e.split_once("more than 50; ").unwrap_or_else(|| panic!("{e}"));
        e.to_string()
    };
    type Made = (fn(i64) -> String, &'static str);
    let formats: [Made; 8] = [
        (
            |i| format!("{:02}/{:02}/{} 08:{:02}", 1 + i % 28, 1 + i % 12, 2010 + i % 9, i % 60),
            "%d/%m/%Y %H:%M",
        ),
        (|i| format!("{}/{}/2011", 1 + i % 12, 1 + i * 5 % 27), "%m/%d/%Y"),
        (|i| format!("2011-{:02}-{:02}", 1 + i % 12, 1 + i * 5 % 27), "%Y-%m-%d"),
        (
            |i| format!("2011-{:02}-{:02}T{:02}:10:20", 1 + i % 12, 1 + i * 5 % 27, i % 24),
            "%Y-%m-%dT%H:%M:%S",
        ),
        (|i| format!("{:02}.{:02}.2011", 1 + i * 5 % 27, 1 + i % 12), "%d.%m.%Y"),
        (|i| format!("{:02}.{:02}.11 {:02}:05", 1 + i * 5 % 27, 1 + i % 12, i % 24), "%d.%m.%y %H:%M"),
        (|i| format!("{} Jan 20{:02}", 1 + i % 28, 10 + i % 60), "%d %b %Y"),
        (|i| format!("{}/{}/2011 {}:15 PM", 1 + i % 12, 1 + i * 5 % 27, 1 + i % 12), "%m/%d/%Y %I:%M %p"),
    ];
    for (make, format) in formats {
        let text = advice(make);
        assert_eq!(
            text,
            format!(
                "dates: the step timestamp = {format:?} makes numbers of them; or leave it out of the features"
            )
        );
        // It does.
        let mut table = one("when", (0..120).map(make));
        let recipe = parse(&format!("[[column]]\nname = \"when\"\nsteps = [{{ timestamp = {format:?} }}]\n"));
        recipe.fit(&mut table).unwrap();
    }
    assert_eq!(
        advice(|i| format!("{:02}/{:02}/{}", 1 + i % 12, 1 + i * 5 % 12, 1900 + i)),
        "dates, with the day or the month first: the step timestamp = \"%d/%m/%Y\" or timestamp = \"%m/%d/%Y\" makes \
         numbers of them; or leave it out of the features"
    );
    // Most are enough; versions, addresses and words are none.
    assert!(
        advice(|i| if i % 20 == 3 {
            "soon".into()
        } else {
            format!("{}.{}.{}", 1 + i % 28, 1 + i % 12, 1950 + i)
        })
        .contains("timestamp = \"%d.%m.%Y\"")
    );
    for make in [
        |i: i64| format!("v{i}.1.2"),
        |i| format!("10.0.{i}.7"),
        |i| format!("room {i}"),
        |i| format!("{i}-x"),
    ] {
        assert!(!message(infer(&one("t", (0..120).map(make)), &features(&["t"]))).contains("timestamp"));
    }
    let few = one("when", (0..20).map(|i| format!("{}.05.2024", 14 + i % 4)));
    assert_eq!(
        reason(few),
        (4, "4 categories; dates: the step timestamp = \"%d.%m.%Y\" makes numbers of them".into())
    );
}

#[test]
fn codes_say_what_they_are() {
    let zips = one("zip", (0..120).map(|i| format!("{:05}", i * 800)));
    let e = message(infer(&zips, &features(&["zip"])));
    assert!(e.contains("codes, as some begin with 0 (the step number reads them as numbers)"), "{e}");
}

#[test]
fn a_text_that_differs_in_nearly_every_row_is_a_name() {
    let names =
        |n: usize, same: usize| one("state", (0..n).map(|i| format!("s{}", if i < same { 0 } else { i })));
    assert_eq!(reason(names(50, 0)), left_out("text that differs in every row"));
    assert_eq!(reason(names(5, 0)), left_out("text that differs in every row"));
    assert_eq!(reason(names(40, 2)), left_out("text that differs in nearly every row (39 of 40)"));
    assert_eq!(reason(names(40, 3)), (16, "15 commonest of 38 categories, and other".into()));
    assert_eq!(reason(names(4, 0)), (4, "4 categories".into()), "too few rows to tell");
    assert_eq!(
        reason(names(900, 0)),
        left_out("text that differs in every row"),
        "not: raise max-categories"
    );
    // Asked for by name it is taken.
    assert_eq!(infer(&names(20, 0), &features(&["state"])).unwrap()[0].features, 16);
}

#[test]
fn keys_are_told_by_all_their_digits() {
    let first = 1_582_218_195_625_938_945_u64;
    let keys = |n: u64, step: u64| one("account", (0..n).map(|i| first + i * step % 2003));
    assert_eq!(reason(keys(2000, 1)), left_out("running number"));
    let found = choice(keys(2000, 7919));
    assert_eq!((found.features, found.distinct), (0, Some(2000)));
    assert_eq!(found.reason, "100 % distinct whole numbers");
    assert_eq!(reason(one("account", (0..2000).map(|i| first + i % 50))), (1, "number".into()));
}

/// A recipe, fitted to a table that was read as it wants.
fn run(recipe: &str, text: &str) -> Result<(Table, Recipe), Error> {
    let recipe = parse(recipe);
    let options = ReadOptions { text: recipe.text_columns(), ..ReadOptions::default() };
    let mut table = read(text, &options);
    recipe.fit(&mut table).map(|_| (table, recipe))
}

fn numbers(table: &Table, name: &str) -> Vec<f64> {
    match &table.column(name).unwrap().values {
        Values::Number(v) => v.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_step_number_settles_one_column() {
    let text = "a;b;c\n1,234;1.234;12.5 EUR\n5,5;2.500;7 EUR\n";
    let recipe = "[[column]]\nname = \"a\"\nsteps = [{ number = { decimal = \",\" } }, { multiply = 10 }]\n\
                  [[column]]\nname = \"whole\"\nfrom = \"b\"\nsteps = [{ number = { thousands = \".\", decimal = \",\" } }]\n\
                  [[column]]\nname = \"c\"\nsteps = [{ number = { strip = [\"EUR\", \"€\"] } }]\n\
                  [features]\ncolumns = [\"a\", \"whole\", \"c\"]\n";
    let (table, recipe) = run(recipe, text).unwrap();
    assert_eq!(numbers(&table, "a"), [12.34, 55.0]);
    assert_eq!(numbers(&table, "whole"), [1234.0, 2500.0], "though 1.234 alone would be read as a number");
    assert_eq!(numbers(&table, "c"), [12.5, 7.0]);
    assert_eq!(recipe.text_columns(), ["a", "b", "c"]);
    let e =
        run("[[column]]\nname = \"a\"\nsteps = [\"number\"]\n", "a;b\n1,5;1\n2;2\n").unwrap_err().to_string();
    assert_eq!(e, "r.toml, line 1:1, a: row 1: \"1,5\" is not a number written like 1,234.5");
    let fault = |step: &str| {
        let text = format!("[[column]]\nname = \"a\"\nsteps = [{{ number = {step} }}]\n");
        segmenta::analysis::Spec::parse("r.toml", &text, &super::parameters(&[])).unwrap_err().to_string()
    };
    assert!(fault("{ decimal = \";\" }").contains("expected \".\" or \",\""));
    assert!(fault("{ decimal = \",\", thousands = \",\" }").contains("both separated by ','"));
    assert!(fault("{ thousands = \"..\" }").contains("expected one character"));
    assert!(fault("{ strip = \"\" }").contains("nothing to strip"));
    assert!(fault("{ sign = 1 }").contains("unknown key"));
}

#[test]
fn a_readings_place_is_with_what_was_learned() {
    let fit = |text: &str, recipe: &str| {
        let mut table = csv(text);
        parse(recipe).fit(&mut table).unwrap().fitted
    };
    let text = "a;b;c\n1,5;2,5;x\n2,5;3,5;y\n3,5;4,5;y\n";
    let fitted = fit(text, "[features]\ncolumns = [\"a\"]\n");
    assert_eq!(fitted.preparation.number_formats.keys().collect::<Vec<_>>(), ["a"], "b is not used");
    let fitted = fit(
        text,
        "[[column]]\nname = \"l\"\nfrom = \"b\"\nsteps = [\"log1p\"]\n[features]\ncolumns = [\"l\"]\n",
    );
    assert_eq!(fitted.preparation.number_formats.keys().collect::<Vec<_>>(), ["b"]);
    let plain = fit("a,b\n1,2\n2,3\n3,5\n", "");
    assert!(plain.preparation.is_empty());
    // A table that is applied to it needs no work for a reading.
    let fitted = fit(text, "[features]\ncolumns = [\"a\"]\n");
    let (encoded, _) = fitted.apply(&csv("a;z\n1,5;1\n2,5;1\n")).unwrap();
    assert_eq!(encoded.columns.len(), 1);
    let _ = Encoder::fit(&csv(text), &InferOptions::default()).unwrap();
}
