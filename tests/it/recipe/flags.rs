//! Columns of two values: the same facts are the same features, whatever they are called.

use super::{csv, features, one, parse, read};
use segmenta::recipe::{
    BinaryCategories, ColumnEncoder, ColumnReference, Encoder, InferOptions, Missing, Scale, infer,
};
use segmenta::table::{ReadOptions, Table};

/// The same column with other words for 0 and 1.
fn called(bits: &str, no: &str, yes: &str) -> Table {
    let cell = |c: char| match c {
        '0' => no,
        '1' => yes,
        _ => "",
    };
    one("flag", bits.chars().map(cell))
}

fn encoded(table: &Table, options: &InferOptions) -> (Vec<String>, Vec<Vec<f32>>) {
    let encoder = Encoder::fit(table, options).unwrap().0;
    (encoder.feature_names(), encoder.apply(table).unwrap().columns)
}

const NAMES: [(&str, &str, &str); 7] = [
    ("No", "Yes", "flag=Yes"),
    ("N", "Y", "flag=Y"),
    ("f", "t", "flag=t"),
    ("off", "on", "flag=on"),
    ("Nein", "Ja", "flag=Ja"),
    ("active", "churned", "flag=churned"),
    ("0", "x", "flag=x"),
];

#[test]
fn whatever_the_two_values_are_called() {
    for scale in [Scale::Standard, Scale::Robust, Scale::Minmax, Scale::None] {
        // The commoner value stands in for a missing one; 0, where both are as common.
        for bits in ["0110", "01?00", "11?01", "0?1", "001000000000", "0011??"] {
            let options = InferOptions { scale, ..features(&["flag"]) };
            let (_, numbers) = encoded(&called(bits, "0", "1"), &options);
            let (names, bools) = encoded(&called(bits, "false", "TRUE"), &options);
            assert_eq!((names, bools.len()), (vec!["flag".to_string()], 1));
            // Numbers are centred where others are not; distances are the same.
            let off = if scale == Scale::None { numbers[0][0] - bools[0][0] } else { 0.0 };
            let shifted: Vec<f32> = bools[0].iter().map(|v| v + off).collect();
            assert_eq!(shifted, numbers[0], "{scale:?} {bits}");
            for (no, yes, name) in NAMES {
                let (names, texts) = encoded(&called(bits, no, yes), &options);
                assert_eq!((names, &texts), (vec![name.to_string()], &bools), "{scale:?} {bits} {no}/{yes}");
            }
        }
    }
}

#[test]
fn flags_are_scaled_as_numbers_are() {
    let table = csv("b,t,n\ntrue,x,1\nfalse,y,0\nfalse,x,0\nfalse,x,0\n");
    let encoder = Encoder::fit(&table, &InferOptions::default()).unwrap().0;
    let columns = encoder.apply(&table).unwrap().columns;
    assert_eq!(columns[0], columns[2]);
    assert_eq!(columns[1], [columns[0][1], columns[0][0], columns[0][1], columns[0][1]]);
    assert_eq!(encoder.feature_names(), ["b", "t=y", "n"]);
    assert_eq!(encoder.text_columns(), ["t"]);
    for j in 0..3 {
        for value in [0.0, 1.0, 0.25] {
            let back = encoder.to_original(j, encoder.from_original(j, value));
            assert!((back - value).abs() < 1e-15, "{j}: {value} came back as {back}");
        }
    }
    let [ColumnEncoder::Bool { centre, texts: None, .. }, ColumnEncoder::Bool { texts: Some(texts), .. }, _] =
        &encoder.columns[..]
    else {
        panic!("{encoder:?}")
    };
    assert_eq!((*centre, texts), (0.25, &BinaryCategories { no: "x".into(), yes: "y".into() }));
}

#[test]
fn other_values_of_later_rows() {
    let table = csv("t,n\nYes,1\nNo,2\nNo,4\n");
    let encoder = Encoder::fit(&table, &InferOptions::default()).unwrap().0;
    let options = ReadOptions { text: encoder.text_columns(), ..ReadOptions::default() };
    let new = encoder.apply(&read("t,n\nmaybe,1\nYes,1\n,1\n7,1\n", &options)).unwrap();
    let (no, yes) = (new.columns[0][0], new.columns[0][1]);
    assert!(yes > 0.0 && no < 0.0);
    assert_eq!(new.columns[0], [no, yes, no, no]);
    assert_eq!(
        new.warnings,
        [
            "t: categories that the fit did not see, in 2 rows, counted as missing: \"maybe\" in 1 row, \"7\" in 1 row"
        ]
    );
    let references = encoder.reference(&table, None, None);
    let ColumnReference::OneHot { levels, missing, other: None, .. } = &references[0] else {
        panic!("{references:?}")
    };
    assert_eq!((levels["Yes"], levels["No"], *missing), (1.0 / 3.0, 2.0 / 3.0, 0.0));
}

#[test]
fn rows_left_out_count_no_value() {
    // Of three values one is only in a row that is left out.
    let table = csv("t,n\nYes,1\nNo,2\nperhaps,\nNo,4\n");
    let options = InferOptions { missing: Missing::Drop, ..InferOptions::default() };
    let (encoder, choices) = Encoder::fit(&table, &options).unwrap();
    assert_eq!(encoder.feature_names(), ["t=Yes", "n"]);
    assert_eq!(choices[0].reason, "two values: Yes is 1, No is 0");
    // And the other way: one value is left, which is a level.
    let (encoder, choices) = Encoder::fit(&csv("t,n\nYes,1\nNo,\nYes,4\n"), &options).unwrap();
    assert_eq!(encoder.feature_names(), ["t=Yes", "n"]);
    assert_eq!(choices[0].reason, "1 category");
}

#[test]
fn a_recipe_can_ask_for_levels_or_for_no_scaling() {
    let table = || csv("t,u,b\nYes,a,true\nNo,b,false\nNo,a,false\n,a,\n");
    let names = |recipe: &str| {
        let mut table = table();
        let report = parse(recipe).fit(&mut table).unwrap();
        let columns = report.fitted.encoder.apply(&table).unwrap().columns;
        (report.fitted.encoder.feature_names(), columns, report.choices)
    };
    let (found, columns, choices) = names("[[column]]\nname = \"t\"\none_hot = {}\n");
    assert_eq!(found, ["t=No", "t=Yes", "t=missing", "u=b", "b"]);
    assert_eq!(columns[0], [0.0, 1.0, 1.0, 0.0]);
    assert_eq!((choices[0].features, choices[0].reason.as_str()), (3, "2 categories and missing"));
    let (found, columns, _) = names(
        "[[column]]\nname = \"t\"\nscale = \"none\"\nweight = 3\n[[column]]\nname = \"b\"\nscale = \"none\"\n",
    );
    assert_eq!(found, ["t=Yes", "u=b", "b"]);
    assert_eq!(
        (columns[0].as_slice(), columns[2].as_slice()),
        (&[3.0, 0.0, 0.0, 0.0][..], &[1.0, 0.0, 0.0, 0.0][..])
    );
    // A weight stretches what is scaled.
    let (_, plain, _) = names("");
    let (_, twice, _) = names("[[column]]\nname = \"t\"\nweight = 2\n");
    assert_eq!(twice[0], plain[0].iter().map(|v| v * 2.0).collect::<Vec<f32>>());
}

#[test]
fn inspect_says_which_value_is_1() {
    let options = InferOptions::default();
    let reason = |table: &Table| infer(table, &options).unwrap()[0].reason.clone();
    assert_eq!(reason(&called("0110?", "No", "Yes")), "two values: Yes is 1, No is 0");
    assert_eq!(reason(&called("0110", "Y", "T")), "two values: Y is 1, T is 0", "two words for yes");
    assert_eq!(reason(&called("0110", "false", "true")), "true/false");
}

#[test]
fn a_row_of_weight_0_has_no_value() {
    let options = InferOptions { weight: Some("w".into()), ..features(&["t", "n"]) };
    let recipe = segmenta::recipe::Recipe::inferred(options);
    let mut with = csv("t,n,w\nYes,1,1\nNo,2,2\nperhaps,9,0\nNo,4,1\n");
    let mut without = csv("t,n,w\nYes,1,1\nNo,2,2\nNo,4,1\n");
    let (with, without) = (recipe.fit(&mut with).unwrap(), recipe.fit(&mut without).unwrap());
    assert_eq!(with.fitted.encoder.feature_names(), ["t=Yes", "n"]);
    assert_eq!(with.fitted.encoder, without.fitted.encoder);
}
