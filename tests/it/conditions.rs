//! Conditions as text: what they mean, what is wrong with them, and that they read as they are written.

use proptest::prelude::*;
use segmenta::recipe::{Condition, FittedCondition};
use segmenta::table::{Column, ReadOptions, Table, Values, read_bytes};
use segmenta::weights::Weights;
use std::collections::BTreeMap;

fn csv(text: &str) -> Table {
    read_bytes("t.csv", text.as_bytes().to_vec(), &ReadOptions::default()).unwrap()
}

/// Six people, with a missing cell in each column, and a column without values.
fn people() -> Table {
    csv("pay,role,manager,years in it,nothing\n\
         10,Data Analyst,true,1,\n\
         20,Intern,false,2,\n\
         30,data scientist,true,3,\n\
         40,,false,,\n\
         ,Trainee,,5,\n\
         50,Data Scientist,true,0,\n")
}

fn parse(text: &str) -> Condition {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The rows that meet a condition, counted from 0.
fn rows(text: &str, table: &Table) -> Vec<usize> {
    let holds = parse(text).fit(table).unwrap_or_else(|e| panic!("{text}: {e}")).holds(table).unwrap();
    assert_eq!(holds.len(), table.rows);
    (0..table.rows).filter(|&row| holds[row]).collect()
}

#[test]
fn conditions_mean_what_they_say() {
    let table = people();
    let all: [(&str, &[usize]); 36] = [
        ("pay >= 30", &[2, 3, 5]),
        ("pay > 30", &[3, 5]),
        ("pay < 30", &[0, 1]),
        ("pay ≤ 30", &[0, 1, 2]),
        ("pay = 30", &[2]),
        ("pay == 3e1", &[2]),
        ("pay != 30", &[0, 1, 3, 5]),
        ("pay <> 30", &[0, 1, 3, 5]),
        ("not pay = 30", &[0, 1, 3, 4, 5]),
        ("20 <= pay < 50", &[1, 2, 3]),
        ("30 > pay", &[0, 1]),
        ("pay in [10, 50, 7]", &[0, 5]),
        ("pay not in [10, 50]", &[1, 2, 3]),
        ("pay is missing", &[4]),
        ("pay is not missing", &[0, 1, 2, 3, 5]),
        ("role = 'Data Scientist'", &[5]),
        ("role != \"Data Scientist\"", &[0, 1, 2, 4]),
        ("role in ['Intern', 'Trainee']", &[1, 4]),
        ("role not in ['Intern', 'Trainee']", &[0, 2, 5]),
        ("role contains 'DATA'", &[0, 2, 5]),
        ("role contains any of ['intern', 'trainee', 'ANALYST']", &[0, 1, 4]),
        ("manager = true", &[0, 2, 5]),
        ("manager != TRUE", &[1, 3]),
        ("manager in [false]", &[1, 3]),
        ("manager > 0.5", &[0, 2, 5]),
        ("`years in it` >= 2", &[1, 2, 4]),
        ("\"years in it\" >= 2 and pay is not missing", &[1, 2]),
        ("pay < 20 or pay > 40 and manager = false", &[0]),
        ("(pay < 20 or pay > 40) and manager = true", &[0, 5]),
        ("NOT (pay < 20 OR pay > 40)", &[1, 2, 3, 4]),
        ("not not pay < 20", &[0]),
        ("nothing > 3 or nothing = 'a' or nothing = true", &[]),
        ("nothing is missing", &[0, 1, 2, 3, 4, 5]),
        // The numbers are 10, 20, 30, 40, 50 and 0, 1, 2, 3, 5.
        ("pay <= quantile(0.25)", &[0, 1]),
        ("pay >= median", &[2, 3, 5]),
        ("`years in it` > quantile(0.9)", &[4]),
    ];
    for (text, expected) in all {
        assert_eq!(rows(text, &table), expected, "{text}");
    }
}

#[test]
fn quantiles_are_learned_once() {
    let table = people();
    let fitted = parse("pay <= quantile(0.3) and `years in it` < median").fit(&table).unwrap();
    assert_eq!(fitted.to_string(), "pay <= 22 and `years in it` < 2");
    assert_eq!(fitted.columns(), ["pay", "years in it"]);
    let later = csv("years in it,pay\n1,22\n1,23\n2,5\n");
    assert_eq!(fitted.holds(&later).unwrap(), [true, false, false]);
    // A model keeps it as text.
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(json, "\"pay <= 22 and `years in it` < 2\"");
    assert_eq!(serde_json::from_str::<FittedCondition>(&json).unwrap(), fitted);
    let unlearned = serde_json::from_str::<FittedCondition>("\"pay < median\"").unwrap_err().to_string();
    assert!(unlearned.contains("was not computed"), "{unlearned}");
    let written = parse("pay<=quantile(0.3)");
    assert_eq!(serde_json::to_string(&written).unwrap(), "\"pay <= quantile(0.3)\"");
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let table = csv("pay\n1\n5\n9\n100\n");
    let copies = csv("pay\n1\n1\n1\n5\n9\n9\n");
    let weights = Weights::new(&[3.0, 1.0, 2.0, 0.0]).unwrap();
    for text in ["pay <= quantile(0.5)", "pay < median", "pay > quantile(0.7)", "pay >= quantile(1)"] {
        let weighted = parse(text).fit_weighted(&table, Some(&weights)).unwrap();
        assert_eq!(weighted, parse(text).fit(&copies).unwrap(), "{text}");
    }
    let few = Weights::new(&[1.0]).unwrap();
    assert!(parse("pay > 1").fit_weighted(&table, Some(&few)).is_err());
}

#[test]
fn parameters_are_numbers() {
    let parameters: BTreeMap<String, f64> =
        [("least".to_string(), 8.5), ("q".to_string(), 0.25)].into_iter().collect();
    let condition =
        Condition::parse("pay >= $least and age < quantile($q) and n in [$least, 1]", &parameters);
    assert_eq!(condition.unwrap().to_string(), "pay >= 8.5 and age < quantile(0.25) and n in [8.5, 1]");
    let unknown = Condition::parse("pay >= $lest", &parameters).unwrap_err();
    assert_eq!((unknown.at, unknown.character), (7, 8));
    assert!(unknown.what.contains("\"lest\"") && unknown.what.contains("least, q"), "{unknown}");
}

#[test]
fn the_normal_form_is_plain() {
    let all = [
        (" a >= 1_000.50  AND  B contains ANY OF ['x'] ", "a >= 1000.5 and B contains 'x'"),
        ("(a = 1) and ((b = 2) and c = 3)", "a = 1 and b = 2 and c = 3"),
        ("a = 1 or b = 2 and c = 3", "a = 1 or (b = 2 and c = 3)"),
        ("not (a = 1 or b = 2)", "not (a = 1 or b = 2)"),
        ("2 <= a < 6", "a >= 2 and a < 6"),
        ("`or` = 'it''s'", "`or` = 'it\\'s'"),
        ("\"two words\" is missing", "`two words` is missing"),
        ("a = \"\\u{202e}\\n\"", "a = '\\u{202e}\\n'"),
        ("größe ≠ 1e300", "größe != 1e300"),
    ];
    for (text, expected) in all {
        assert_eq!(parse(text).to_string(), expected, "{text}");
    }
    // Digits and letters are one word, so that a missing blank is noticed.
    assert!("a > 1and b < 2".parse::<Condition>().is_err());
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let all = [
        ("", 1, "found nothing"),
        ("   ", 4, "found nothing"),
        ("pay", 4, "expected a comparison"),
        ("pay >=", 7, "expected a number, a text in quotes"),
        ("pay >= 8 9", 10, "expected and, or, or the end, found 9"),
        ("role = Analyst", 8, "a text needs quotes: 'Analyst'"),
        ("role is Analyst", 9, "expected missing or not missing"),
        ("role is not 'x'", 13, "equality is written = or !="),
        ("'pay' > 3", 1, "expected a column"),
        ("(pay > 3", 9, "expected and, or, or )"),
        ("pay > 3)", 8, "found )"),
        ("pay in 3", 8, "a list such as ['a', 'b']"),
        ("pay in []", 9, "found ]"),
        ("pay in [1 2]", 11, "expected a comma or ]"),
        ("pay not 3", 9, "expected in"),
        ("pay > quantile(25)", 16, "a quantile from 0 to 1, found 25"),
        ("pay > quantile", 15, "such as quantile(0.25)"),
        ("role contains 3", 15, "none of them empty"),
        ("role contains any ['a']", 19, "expected of"),
        ("role contains ''", 15, "none of them empty"),
        ("role = 'x", 8, "has no end"),
        ("role = '\\q'", 9, "unknown escape \\q"),
        ("role = 'ä' & pay > 3", 12, "found \"&\""),
        ("and pay > 3", 1, "expected a column"),
        ("pay > 3 and", 12, "expected a column"),
        ("pay > -", 7, "found \"-\""),
        ("pay > 1e999", 7, "expected a number"),
        ("3 pay", 3, "expected a comparison"),
    ];
    for (text, character, words) in all {
        let error = text.parse::<Condition>().expect_err(text);
        assert!(error.character == character && error.what.contains(words), "{text}: {error}");
        assert!(error.to_string().contains(&format!("character {character}")));
    }
    let deep = format!("{}a = 1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(deep.parse::<Condition>().unwrap_err().what.contains("too many parentheses"));
    assert!(format!("{}a = 1", "not ".repeat(150)).parse::<Condition>().is_err());
    assert!(format!("{}a = 1", "not ".repeat(100)).parse::<Condition>().is_ok());
}

#[test]
fn what_a_column_cannot_be_compared_with_is_said() {
    let table = people();
    let all = [
        ("pai > 3", "did you mean pay?"),
        ("salary > 3", "no column is called \"salary\""),
        ("role > 3", "holds texts, and cannot be compared with 3"),
        ("role > 'a'", "have no order"),
        ("role > median", "needs numbers"),
        ("role = true", "the text is 'true'"),
        ("pay = 'x'", "holds numbers, and cannot be compared with 'x'"),
        ("pay = '30'", "without quotes"),
        ("pay = true", "write 1"),
        ("pay contains 'x'", "contains is for texts"),
        ("manager = 'true'", "write true without quotes"),
        ("manager > false", "have no order"),
        ("pay in [1, 'x']", "cannot be compared with 'x'"),
        ("nothing > median", "has no values, so it has no median"),
    ];
    for (text, words) in all {
        let error = parse(text).fit(&table).expect_err(text).to_string();
        assert!(error.contains(words) && error.starts_with("t.csv"), "{text}: {error}");
    }
    // A later table may hold something else in the column.
    let fitted = parse("pay > 3").fit(&table).unwrap();
    assert!(fitted.holds(&csv("pay\na\nb\n")).is_err());
    assert!(fitted.holds(&csv("age\n1\n2\n")).is_err());
    // A table built by hand may have a column that is too short.
    let short = Column { name: "pay".into(), values: Values::Number(vec![5.0]) };
    let short = Table { rows: 3, columns: vec![short], ..Table::default() };
    assert_eq!(fitted.holds(&short).unwrap(), [true, false, false]);
}

/// A text of the grammar, with names and values that need quotes.
fn written() -> impl Strategy<Value = String> {
    let column = prop_oneof![
        "[a-z_][a-z0-9_.]{0,6}".prop_map(|word| word),
        "[^\\\\`]{0,6}".prop_map(|text| format!("`{text}`")),
        Just("`missing`".to_string()),
    ];
    let number = prop_oneof![
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| format!("{v:e}")),
        (-1000i32..1000).prop_map(|v| v.to_string()),
    ];
    let text = "[^\\\\']{0,6}".prop_map(|text| format!("'{text}'"));
    let literal = prop_oneof![number, text.clone(), Just("true".into()), Just("false".into())].boxed();
    let value = prop_oneof![
        literal.clone(),
        Just("median".to_string()),
        (0u32..=4).prop_map(|q| format!("quantile({})", f64::from(q) / 4.0)),
    ];
    let operator = prop_oneof![Just("="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
    let list = prop::collection::vec(literal, 1..4).prop_map(|values| format!("[{}]", values.join(" ,")));
    let full = "[^\\\\']{1,6}".prop_map(|text| format!("'{text}'"));
    let test = prop_oneof![
        (column.clone(), operator, value).prop_map(|(c, o, v)| format!("{c} {o}{v}")),
        (column.clone(), any::<bool>(), list)
            .prop_map(|(c, is, list)| format!("{c} {} {list}", if is { "in" } else { "not in" })),
        (column.clone(), prop::collection::vec(full, 1..3))
            .prop_map(|(c, parts)| format!("{c} contains any of [{}]", parts.join(","))),
        (column, any::<bool>())
            .prop_map(|(c, not)| format!("{c} is {}missing", if not { "not " } else { "" })),
    ];
    test.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("not ({one})")),
            inner.clone().prop_map(|one| format!("not {one}")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| all.join(" and ")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(") or ("))),
            prop::collection::vec(inner, 2..4).prop_map(|all| all.join("  OR ")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same_condition(text in written()) {
        // Words of the language are no columns, and so no condition.
        if let Ok(condition) = text.parse::<Condition>() {
            let printed = condition.to_string();
            let again: Condition = printed.parse().map_err(|e| TestCaseError::fail(format!("{printed}: {e}")))?;
            prop_assert_eq!(&again, &condition, "{}", printed);
            prop_assert!(!printed.chars().any(char::is_control), "{}", printed);
        }
    }

    #[test]
    fn most_of_the_texts_above_are_conditions(texts in prop::collection::vec(written(), 40)) {
        let parsed = texts.iter().filter(|text| text.parse::<Condition>().is_ok()).count();
        prop_assert!(parsed > 20, "{} of {}", parsed, texts.len());
    }

    #[test]
    fn no_text_is_too_much(text in ".{0,60}") {
        let table = people();
        if let Ok(condition) = text.parse::<Condition>() {
            let _ = condition.fit(&table).map(|fitted| fitted.holds(&table));
        }
    }

    #[test]
    fn no_order_of_words_is_too_much(words in prop::collection::vec(prop_oneof![
        Just("pay"), Just("role"), Just("manager"), Just("nothing"), Just("and"), Just("or"), Just("not"), Just("("),
        Just(")"), Just("["), Just("]"), Just(","), Just(">="), Just("="), Just("'a'"), Just("3"), Just("in"), Just("is"),
        Just("missing"), Just("contains"), Just("any"), Just("of"), Just("median"), Just("quantile"), Just("$p"),
        Just("`"), Just("\""), Just("\\"),
    ], 0..12)) {
        let table = people();
        if let Ok(condition) = words.join(" ").parse::<Condition>() {
            let printed: Condition = condition.to_string().parse().unwrap();
            prop_assert_eq!(&printed, &condition);
            if let Ok(fitted) = condition.fit(&table) {
                prop_assert_eq!(fitted.holds(&table).unwrap().len(), table.rows);
            }
        }
    }
}
