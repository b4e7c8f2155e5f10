//! Numbers as people write them, and what means that there is none.

use super::{numbers, one_error, read_with, some, table, texts, values};
use proptest::prelude::*;
use segmenta::table::{InferredFormat, NumberFormat, ReadOptions, Table, Values};

/// A column of these cells, each in quotes.
fn column(cells: &[&str]) -> Table {
    let lines: Vec<String> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
    table("t.csv", format!("v\n{}\n", lines.join("\n")))
}

fn read_as(cells: &[&str]) -> Vec<Option<f64>> {
    numbers(&column(cells), "v")
}

fn all(numbers: &[f64]) -> Vec<Option<f64>> {
    numbers.iter().copied().map(Some).collect()
}

#[test]
fn one_reading_fits_a_column() {
    assert_eq!(read_as(&["1.234,56", "7,5", "10"]), all(&[1234.56, 7.5, 10.0]));
    assert_eq!(read_as(&["1,234.00", "12", "1,234,567"]), all(&[1234.0, 12.0, 1_234_567.0]));
    assert_eq!(
        read_as(&["1 234,5", "1\u{a0}234,5", "2\u{2009}000", "3\u{202f}000,25"]),
        [Some(1234.5), Some(1234.5), Some(2000.0), Some(3000.25)]
    );
    assert_eq!(read_as(&["1'234.50", "12’000"]), all(&[1234.5, 12_000.0]));
    assert_eq!(read_as(&["12,34,567", "1,23,456.5"]), all(&[1_234_567.0, 123_456.5]), "as India writes");
    assert_eq!(read_as(&["$1,234.5", "-$2", "$-3", "($4.50)", "5"]), all(&[1234.5, -2.0, -3.0, -4.5, 5.0]));
    assert_eq!(read_as(&["12 €", "7 €"]), all(&[12.0, 7.0]));
    assert_eq!(read_as(&["EUR 12,5", "7,25 EUR"]), all(&[12.5, 7.25]));
    assert_eq!(read_as(&["45%", "7.5 %", "0"]), all(&[45.0, 7.5, 0.0]));
    assert_eq!(read_as(&["(1,234)", "(5.5)", "+3"]), all(&[-1234.0, -5.5, 3.0]));
    assert_eq!(read_as(&["1e3", "+5", ".5", "−2"]), all(&[1000.0, 5.0, 0.5, -2.0]));
    assert_eq!(read_as(&["1,5", "", "NA", "2,25"]), [Some(1.5), None, None, Some(2.25)]);
    assert_eq!(read_as(&["0,123", "0,456"]), all(&[0.123, 0.456]), "no thousand begins with 0");
}

#[test]
fn what_is_not_decided_or_no_number_stays_text() {
    for cells in [
        &["1,234", "5,678"][..], // thousands or decimals
        &["$1,234", "7"],
        &["1,234", "1,5", "1,234.5"], // no reading fits all
        &["$5", "5 €"],
        &["45%", "45"],
        &["12.05.2024", "13.05.2024"],
        &["10:30", "11:00"],
        &["1,23", "4,5x"],
        &["555 123 456", "+49 123 456"],
        &["1.2.3", "1.2.4"],
        &["--5", "5"],
        &["1,,5", "2,5"],
        &["-", "$", "x"],
    ] {
        assert_eq!(values(&column(cells), "v").kind(), "text", "{cells:?}");
        assert!(column(cells).number_formats.is_empty());
    }
    let ambiguous =
        |texts: &[&str]| NumberFormat::infer(&texts.iter().map(|t| t.to_string()).collect::<Vec<_>>(), None);
    assert_eq!(ambiguous(&["12", "1,234"]), InferredFormat::Ambiguous("1,234".into()));
    assert_eq!(ambiguous(&["1,234", "x"]), InferredFormat::No);
}

#[test]
fn the_table_says_how_its_numbers_are_written() {
    let t = table("t.csv", "a;b;c;d\n1.234,5;$7;1;x\n2,5;$8;2;y\n");
    let found: Vec<(&str, &str, char, Option<char>)> = (t.number_formats.iter())
        .map(|(name, w)| (name.as_str(), w.example.as_str(), w.format.decimal, w.format.thousands))
        .collect();
    assert_eq!(found, [("a", "1.234,5", ',', Some('.')), ("b", "$7", '.', Some(','))]);
    assert_eq!(t.number_formats["b"].format.strip, ["$"]);
}

#[test]
fn a_decimal_sign_settles_all_columns() {
    let text = "a;b;c;d\n1,234;1.234;7;0,5\n2;5;8;x\n";
    let with = |decimal| read_with(text, &ReadOptions { decimal: Some(decimal), ..ReadOptions::default() });
    let comma = with(',');
    assert_eq!(numbers(&comma, "a"), all(&[1.234, 2.0]));
    assert_eq!(numbers(&comma, "b"), all(&[1234.0, 5.0]));
    assert_eq!(numbers(&comma, "c"), all(&[7.0, 8.0]));
    assert_eq!(texts(&comma, "d"), some(&["0,5", "x"]));
    // Later rows of a column of whole numbers may have a comma.
    assert_eq!(comma.number_formats["c"].format, NumberFormat::with_decimal(','));
    let point = with('.');
    assert_eq!(numbers(&point, "a"), all(&[1234.0, 2.0]));
    assert_eq!(numbers(&point, "b"), all(&[1.234, 5.0]));
}

#[test]
fn a_known_reading_settles_a_column() {
    let known =
        |format: NumberFormat| ReadOptions { numbers: vec![("a".into(), format)], ..ReadOptions::default() };
    let comma = known(NumberFormat::with_decimal(','));
    assert_eq!(numbers(&read_with("a;b\n1,234;1,234\n", &comma), "a"), all(&[1.234]));
    assert_eq!(numbers(&read_with("a;b\n1.234;1\n007;2\n", &comma), "a"), all(&[1234.0, 7.0]));
    assert_eq!(
        one_error("a;b\n1,5;2\n\nx;3\n", &comma),
        "t.csv, line 4, column a: expected a number written like 1.234,5 as at the fit, found \"x\""
    );
    let plain = known(NumberFormat::default());
    assert_eq!(numbers(&read_with("a;b\n007;1\n8;2\n", &plain), "a"), all(&[7.0, 8.0]));
    assert_eq!(texts(&read_with("a;b\n1,5;1\n", &plain), "a"), some(&["1,5"]), "not what the fit saw");
}

#[test]
fn digits_with_a_leading_zero_are_codes() {
    let t = table("t.csv", "zip,n,half,price,neg\n02134,0,0.5,00.5,-07\n90210,10,-0.25,1,3\n");
    assert_eq!(texts(&t, "zip"), some(&["02134", "90210"]));
    assert_eq!(numbers(&t, "n"), all(&[0.0, 10.0]));
    assert_eq!(numbers(&t, "half"), all(&[0.5, -0.25]));
    assert_eq!(numbers(&t, "price"), all(&[0.5, 1.0]));
    assert_eq!(texts(&t, "neg"), some(&["-07", "3"]));
    // However late it shows, and however long.
    let late: String =
        (0..20_000).map(|i| if i == 19_999 { "007\n".into() } else { format!("{i}\n") }).collect();
    assert_eq!(values(&table("t.csv", format!("v\n{late}")), "v").distinct(), 20_000);
    assert_eq!(texts(&table("t.csv", "v\n00000000000000000012\n"), "v"), some(&["00000000000000000012"]));
}

#[test]
fn missing_words_of_many_programs() {
    let t = table("t.csv", "v,w\nN/A,n/a\n#N/A,x\nNULL,None\nnan,?\n1,y\n");
    assert_eq!(numbers(&t, "v"), [None, None, None, None, Some(1.0)]);
    assert_eq!(texts(&t, "w"), [None, Some("x".into()), None, None, Some("y".into())]);
    // `none` is a common answer, and a mark is the whole cell.
    assert_eq!(texts(&table("t.csv", "v\nnone\n??\nN/A x\n"), "v"), some(&["none", "??", "N/A x"]));
    let options = ReadOptions { keep_null: vec!["NA".into(), "?".into()], ..ReadOptions::default() };
    let t = read_with("v\nNA\nna\n?\nDE\n", &options);
    assert_eq!(texts(&t, "v"), [Some("NA".into()), None, Some("?".into()), Some("DE".into())]);
}

#[test]
fn a_null_that_is_a_number_is_the_value() {
    let options = |null: &str| ReadOptions { null: vec![null.into()], ..ReadOptions::default() };
    let text = "a,b,c,d\n-999,-999.0,-9.99e2,\"-999,0\"\n1,2,3,\"4,5\"\n-99,-9990,x,\"5,5\"\n";
    for null in ["-999", "-999.0", " -999 "] {
        let t = read_with(text, &options(null));
        assert_eq!(numbers(&t, "a"), [None, Some(1.0), Some(-99.0)], "{null}");
        assert_eq!(numbers(&t, "b"), [None, Some(2.0), Some(-9990.0)]);
        assert_eq!(texts(&t, "c"), [None, Some("3".into()), Some("x".into())]);
        assert_eq!(numbers(&t, "d"), [None, Some(4.5), Some(5.5)], "by the column's format");
    }
    assert_eq!(numbers(&read_with("a\n0\n-0.0\n1\n", &options("0")), "a"), [None, None, Some(1.0)]);
    assert_eq!(values(&read_with("a\n-1\n-1\n", &options("-1")), "a"), &Values::Empty(2));
    assert_eq!(texts(&read_with("a\n-999x\n5\n", &options("-999")), "a"), some(&["-999x", "5"]));
}

#[test]
fn whole_numbers_beyond_two_to_the_53_are_counted_by_their_digits() {
    let first = 1_582_218_195_625_938_945_u64;
    let rows: String = (0..2000).map(|i| format!("{},{}\n", first + i, first + i * 7919 % 2003)).collect();
    let t = table("t.csv", format!("run,key\n{rows}"));
    assert!(values(&t, "run").distinct() < 20, "as f64 they are a few values");
    assert_eq!((t.wide_integers["run"].distinct, t.wide_integers["run"].running), (2000, true));
    assert_eq!((t.wide_integers["key"].distinct, t.wide_integers["key"].running), (2000, false));
    let t = table("t.csv", "v,w,x\n1e300,9007199254740993,9007199254740992.5\n5,,1\n");
    assert_eq!(t.wide_integers.keys().collect::<Vec<_>>(), ["w"], "others are no whole numbers");
}

proptest! {
    /// A number written under a reading comes back under it, and inference finds no other number in it.
    #[test]
    fn numbers_survive_being_written(
        wholes in proptest::collection::vec(0..10_000_000u32, 1..20),
        cents in 0..100u32,
        comma in any::<bool>(),
        sign in prop_oneof![Just(""), Just("$"), Just("€"), Just("kr")],
    ) {
        let format = NumberFormat {
            strip: if sign.is_empty() { Vec::new() } else { vec![sign.into()] },
            ..NumberFormat::with_decimal(if comma { ',' } else { '.' })
        };
        let thousands = format.thousands.unwrap();
        let write = |whole: u32| {
            let digits = whole.to_string();
            let grouped: String = (digits.chars().enumerate())
                .flat_map(|(i, c)| {
                    let separates = i > 0 && (digits.len() - i).is_multiple_of(3);
                    separates.then_some(thousands).into_iter().chain([c])
                })
                .collect();
            format!("{sign}{grouped}{}{cents:02}", format.decimal)
        };
        let written: Vec<String> = wholes.iter().map(|w| write(*w)).collect();
        let expected: Vec<Option<f64>> =
            wholes.iter().map(|w| format!("{w}.{cents:02}").parse().ok()).collect();
        prop_assert_eq!(written.iter().map(|t| format.parse(t)).collect::<Vec<_>>(), expected.clone());
        // Two digits behind the sign decide.
        match NumberFormat::infer(&written, None) {
            InferredFormat::Number(found) => {
                prop_assert_eq!(written.iter().map(|t| found.format.parse(t)).collect::<Vec<_>>(), expected);
            }
            other => prop_assert!(false, "{:?}: {:?}", written, other),
        }
    }

    /// Nothing makes a reading panic.
    #[test]
    fn any_text_is_a_number_or_not(text in "[0-9., ()+eE€$%'-]{0,12}|\\PC{0,12}", comma in any::<bool>()) {
        let format = NumberFormat { strip: vec!["€".into()], ..NumberFormat::with_decimal(if comma { ',' } else { '.' }) };
        prop_assert!(format.parse(&text).is_none_or(f64::is_finite));
        let _ = NumberFormat::infer(&[text.clone(), "1".into()], None);
        let _ = NumberFormat::infer(&["1".into(), text], None);
    }
}
