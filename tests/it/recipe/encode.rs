//! What an encoder learns, and applying it to other rows.

use proptest::prelude::*;
use segmenta::error::Error;
use segmenta::recipe::{ColumnEncoder, Encoded, Encoder, InferOptions, Missing, Scale, infer};
use segmenta::table::{Column, ReadOptions, Table, Values};

use super::{csv, features, message, one, read};

fn missing(mode: Missing) -> InferOptions {
    InferOptions { missing: mode, ..InferOptions::default() }
}

fn raw() -> InferOptions {
    InferOptions { scale: Scale::None, ..InferOptions::default() }
}

fn fit(table: &Table, options: &InferOptions) -> Encoder {
    Encoder::fit(table, options).unwrap().0
}

fn fit_apply(table: &Table, options: &InferOptions) -> Encoded {
    fit(table, options).apply(table).unwrap()
}

#[test]
fn standard_scaling() {
    let table = one("n", [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    let encoder = fit(&table, &InferOptions::default());
    let expected =
        ColumnEncoder::Number { column: "n".into(), median: 4.5, centre: 5.0, scale: 2.0, unscaled: false };
    assert_eq!(encoder.columns, [expected]);
    let encoded = encoder.apply(&table).unwrap();
    assert_eq!(encoded.columns, [[-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0]]);
    assert_eq!((encoded.kept, encoded.warnings), (None, vec![]));
    assert_eq!((encoder.to_original(0, 2.0), encoder.from_user(0, 2.0)), (9.0, 2.0));
    // New rows get the numbers of the fit, not their own.
    assert_eq!(encoder.apply(&one("n", [5, 11])).unwrap().columns, [[0.0, 3.0]]);
}

#[test]
fn constants_are_not_blown_up() {
    for options in [features(&["n"]), InferOptions { scale: Scale::None, ..features(&["n"]) }] {
        // The mean of 0.1, added up, is not 0.1.
        let table = one("n", vec![0.1; 10]);
        let encoder = fit(&table, &options);
        let expected = ColumnEncoder::Number {
            column: "n".into(),
            median: 0.1,
            centre: 0.1,
            scale: 1.0,
            unscaled: false,
        };
        assert_eq!(encoder.columns, [expected]);
        assert_eq!(encoder.apply(&table).unwrap().columns, [[0.0; 10]]);
    }
    // Differences too small to square.
    let table = one("n", ["1e-200", "3e-200"]);
    assert_eq!(fit_apply(&table, &features(&["n"])).columns, [[0.0, 0.0]]);
}

#[test]
fn without_scaling_the_centre_is_a_round_number() {
    let centre = |values: &[f64]| match &fit(&one("n", values), &raw()).columns[0] {
        ColumnEncoder::Number { centre, scale: 1.0, .. } => *centre,
        other => panic!("{other:?}"),
    };
    // Deviation 2, mean 5: a multiple of 2.
    assert_eq!(centre(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 6.0);
    // Deviation 0.5: a multiple of 0.5.
    assert_eq!(centre(&[0.125, 1.125]), 0.5);
    // Deviation 0.25, mean 0.05: nothing, and not minus nothing.
    assert_eq!(centre(&[-0.3, 0.2]).to_bits(), 0.0f64.to_bits());
    assert_eq!(centre(&[1e6, 1e6 + 2.0]), 1e6 + 1.0);
    // What f32 would lose of a large mean, the encoder keeps.
    let table = one("n", [1e9, 1e9 + 0.25, 1e9 + 1.5]);
    let encoder = fit(&table, &raw());
    let encoded = encoder.apply(&table).unwrap().columns.remove(0);
    assert_eq!([encoded[1] - encoded[0], encoded[2] - encoded[0]], [0.25, 1.5]);
    assert_eq!(encoder.to_original(0, encoded[1].into()), 1e9 + 0.25);
    assert_eq!(encoder.from_user(0, 1e9 + 0.25), f64::from(encoded[1]), "users write their own units");
}

#[test]
fn levels_are_plain_zeros_and_ones() {
    let table = csv("b,t,n\ntrue,x,1\nfalse,y,2\ntrue,,6\ntrue,x,7\n,z,2\n");
    let encoder = fit(&table, &raw());
    assert_eq!(encoder.feature_names(), ["b", "t=x", "t=y", "t=z", "t=missing", "n"]);
    assert_eq!((encoder.feature_count(), encoder.text_columns()), (6, vec!["t".to_string()]));
    let encoded = encoder.apply(&table).unwrap();
    assert_eq!(encoded.columns[0], [1.0, 0.0, 1.0, 1.0, 1.0], "true is commoner");
    assert_eq!(encoded.columns[1], [1.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(encoded.columns[2], [0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(encoded.columns[4], [0.0, 0.0, 1.0, 0.0, 0.0]);
    for feature in [0, 1, 2, 3, 4, 99] {
        assert_eq!((encoder.to_original(feature, 0.3), encoder.from_user(feature, 0.3)), (0.3, 0.3));
    }
    assert_ne!(encoder.to_original(5, 0.3), 0.3);
    // Levels are not scaled where numbers are.
    let scaled = fit_apply(&table, &InferOptions::default());
    assert_eq!(scaled.columns[1..5], encoded.columns[1..5]);
    assert_ne!(scaled.columns[0], encoded.columns[0]);
}

#[test]
fn imputing() {
    // The middle of three, the mean of two, false on a tie.
    let table = csv("a,b,c\n9,1,true\n,4,false\n1,,\n2,,\n");
    let encoder = fit(&table, &raw());
    assert!(matches!(encoder.columns[0], ColumnEncoder::Number { median: 2.0, .. }));
    assert!(matches!(encoder.columns[1], ColumnEncoder::Number { median: 2.5, .. }));
    assert!(matches!(encoder.columns[2], ColumnEncoder::Bool { fill: false, .. }));
    let encoded = encoder.apply(&table).unwrap();
    let original = |j: usize, row: usize| encoder.to_original(j, encoded.columns[j][row].into());
    assert_eq!((original(0, 1), original(1, 2), original(1, 3)), (2.0, 2.5, 2.5));
    assert_eq!(encoded.columns[2], [1.0, 0.0, 0.0, 0.0]);
    // Mean and deviation are those after imputing: 1, 3 and twice the median 2.
    let encoder = fit(&one("n", ["1", "3", "", ""]), &InferOptions::default());
    assert_eq!(
        encoder.columns,
        [ColumnEncoder::Number {
            column: "n".into(),
            median: 2.0,
            centre: 2.0,
            scale: 0.5f64.sqrt(),
            unscaled: false
        }]
    );
    // A column that is wholly missing later is the fit's median throughout.
    assert_eq!(encoder.apply(&one("n", ["", ""])).unwrap().columns, [[0.0, 0.0]]);
}

#[test]
fn dropping_rows() {
    let table = csv("a,b,t,unused_id\n1,5,x,\n,6,x,7\n3,7,,7\n5,9,y,\n2,,y,7\n9,1,z,\n");
    let (encoder, choices) = Encoder::fit(&table, &missing(Missing::Drop)).unwrap();
    let encoded = encoder.apply(&table).unwrap();
    assert_eq!(encoded.kept, Some(vec![0, 3, 5]), "missing cells outside the features drop nothing");
    assert_eq!(encoder.feature_names(), ["a", "b", "t=x", "t=y", "t=z"]);
    assert_eq!((choices[2].features, choices[2].reason.as_str()), (3, "3 categories"));
    assert!(matches!(encoder.columns[0], ColumnEncoder::Number { median: 5.0, centre: 5.0, .. }));
    assert_eq!(encoded.columns[2], [1.0, 0.0, 0.0]);
    assert!(encoded.columns.iter().all(|c| c.len() == 3));
    // New rows are dropped too; none is missing here.
    let new = encoder.apply(&csv("a,b,t\n5,5,x\n5,5,y\n")).unwrap();
    assert_eq!((new.kept, new.columns[0].as_slice()), (None, [0.0, 0.0].as_slice()));
    let none = "t.csv: every row has a missing value in a chosen column, so none is left";
    let all = encoder.apply(&csv("a,b,t\n,5,x\n5,,y\n")).unwrap();
    assert_eq!((all.kept, all.columns[0].len()), (Some(vec![]), 0), "a batch may be dropped whole");
    assert_eq!(message(Encoder::fit(&csv("a,b\n,5\n5,\n,6\n6,\n"), &missing(Missing::Drop))), none);
}

#[test]
fn dropped_rows_take_their_levels_along() {
    let table = csv("a,t\n1,x\n2,y\n,z\n4,w\n5,x\n");
    let (encoder, choices) = Encoder::fit(&table, &missing(Missing::Drop)).unwrap();
    assert_eq!(encoder.feature_names(), ["a", "t=x", "t=w", "t=y"]);
    assert_eq!((choices[1].features, choices[1].reason.as_str()), (3, "3 categories"));
}

#[test]
fn missing_as_an_error() {
    let e = "t.csv, column b: row 2: the value is missing";
    let table = csv("a,b,x_id\n1,5,\n2,,7\n,7,8\n");
    assert_eq!(message(Encoder::fit(&table, &missing(Missing::Error))), e);
    assert!(infer(&table, &missing(Missing::Error)).is_ok(), "what would be taken can still be asked");
    let encoder = fit(&csv("a,b,x_id\n1,5,\n2,3,7\n"), &missing(Missing::Error));
    assert_eq!(message(encoder.apply(&table)), e);
}

#[test]
fn levels_by_count_then_text() {
    // t00 is in 1 row, t19 in 20; m and k in 5 rows each, like t04.
    let mut cells: Vec<String> = (0..20).flat_map(|i| vec![format!("t{i:02}"); i + 1]).collect();
    cells.extend(vec!["m".into(); 5]);
    cells.extend(vec!["k".into(); 5]);
    let table = one("t", &cells);
    let encoder = fit(&table, &InferOptions::default());
    let ColumnEncoder::OneHot { levels, other, missing, .. } = &encoder.columns[0] else { panic!() };
    let top: Vec<String> = (5..20).rev().map(|i| format!("t{i:02}")).collect();
    assert_eq!(levels, &top);
    assert_eq!(other, &["k", "m", "t00", "t01", "t02", "t03", "t04"]);
    assert!(!missing);
    let encoded = encoder.apply(&table).unwrap();
    assert_eq!(encoder.feature_names()[15], "t=other");
    assert_eq!(encoded.columns[15].iter().sum::<f32>(), 25.0);
    assert!(encoded.warnings.is_empty(), "rare levels were seen: {:?}", encoded.warnings);
    for row in 0..table.rows {
        assert_eq!(encoded.columns.iter().map(|c| c[row]).sum::<f32>(), 1.0);
    }
    // Of the three with 5 rows, the text decides who is among the commonest.
    cells.extend(["k", "m", "t04"].map(String::from));
    cells.retain(|c| c != "t05");
    let encoder = fit(&one("t", &cells), &InferOptions::default());
    assert_eq!(encoder.feature_names()[14], "t=k");
}

#[test]
fn unseen_categories_are_counted() {
    let table = one("t", ["x", "y", "x", "z"]);
    let encoder = fit(&table, &InferOptions::default());
    let new = encoder.apply(&one("t", ["y", "q", "", "q", "r"])).unwrap();
    assert_eq!(new.columns, [[0.0; 5], [1.0, 0.0, 0.0, 0.0, 0.0], [0.0; 5]]);
    assert_eq!(
        new.warnings,
        [
            "t: categories that the fit did not see, in 3 rows, 0 in all its features: \"q\" in 2 rows, \"r\" in 1 row",
            "t: missing in 1 row, although none was missing at the fit: 0 in all its features",
        ]
    );
    let encoder = fit(&one("t", (0..40).map(|i| format!("t{}", i % 20))), &InferOptions::default());
    let new = encoder.apply(&one("t", ["q1", "t3", "q2", "q3", "q4"])).unwrap();
    assert_eq!(new.columns[15], [1.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(
        new.warnings,
        [
            "t: categories that the fit did not see, in 4 rows, counted as other: \"q1\" in 1 row, \"q2\" in 1 row, \
         \"q3\" in 1 row and 1 more"
        ]
    );
    // Rows that are not kept are not counted.
    let encoder = fit(&csv("a,t\n1,x\n2,y\n4,x\n"), &missing(Missing::Drop));
    assert!(encoder.apply(&csv("a,t\n1,x\n,q\n")).unwrap().warnings.is_empty());
}

#[test]
fn feature_names_are_all_different() {
    let rows: String = (0..34)
        .map(|i| format!("{},l{},{}\n", ["other", "missing", "", "x"][i % 4], i % 17, i * i))
        .collect();
    let table = csv(&format!("t,u,t=other\n{rows}"));
    let names = fit(&table, &InferOptions::default()).feature_names();
    assert_eq!(names[..4], ["t=missing", "t=other", "t=x", "t=missing_2"]);
    assert_eq!(names[19..], ["u=other", "t=other_2"]);
}

#[test]
fn changed_tables_are_reported() {
    let encoder = fit(&csv("score,passed,t\n1,true,x\n2,false,y\n4,true,y\n5,true,z\n"), &raw());
    let error = |text: &str| message(encoder.apply(&csv(text)));
    assert_eq!(
        error("scores,passed,t\n1,true,x\n"),
        "t.csv: no column is called \"score\"; did you mean scores?"
    );
    assert_eq!(
        error("score,passed,t\n1,true,x\nn.a.,true,x\n"),
        "t.csv, column score: expected numbers as at the fit, found text such as \"n.a.\""
    );
    assert_eq!(
        error("score,passed,t\n1,1,x\n"),
        "t.csv, column passed: expected true/false as at the fit, found numbers"
    );
    assert_eq!(
        error("score,passed,t\n1,true,7\n"),
        "t.csv, column t: expected text as at the fit, found numbers"
    );
    // Read as the encoder asks for, the same file is fine; order and further columns do not matter.
    let options = ReadOptions { text: encoder.text_columns(), ..ReadOptions::default() };
    let new = encoder.apply(&read("more,t,passed,score\n1,7,false,2\n", &options)).unwrap();
    assert_eq!(new.columns.len(), encoder.feature_count());
    assert_eq!(new.columns[1..], [[0.0], [0.0], [0.0], [0.0]]);
    assert_eq!(new.warnings.len(), 1);
}

#[test]
fn numbers_too_large() {
    let table = one("n", ["1e300", "-1e300", "1e299"]);
    let e = "t.csv, column n: the numbers are too large for a mean and a deviation";
    assert_eq!(message(Encoder::fit(&table, &InferOptions::default())), e);
    let encoder = fit(&one("n", [0, 2]), &InferOptions::default());
    let e = message(encoder.apply(&one("n", ["1", "1e39"])));
    assert_eq!(e, "t.csv, column n: row 2: the value is too large for f32 once scaled");
    // The row is that of the file where rows are dropped.
    let encoder = fit(&csv("n,m\n0,0\n2,2\n"), &missing(Missing::Drop));
    let e = message(encoder.apply(&csv("n,m\n,1\n1,1\n1e39,1\n")));
    assert!(e.contains("row 3:"), "{e}");
}

#[test]
fn no_minus_zero_comes_out() {
    let table = one("n", ["-0.0", "0", "-4", "4", "-1e-50"]);
    for options in [InferOptions::default(), raw()] {
        let column = fit_apply(&table, &options).columns.remove(0);
        assert!(column.iter().all(|v| v.to_bits() != (-0.0f32).to_bits()), "{column:?}");
    }
}

#[test]
fn an_encoder_survives_json() {
    let table = csv("n,b,t\n0.1,true,x\n0.7,,\"a \"\"b\"\"\"\n3.3333,false,\n7e-11,false,x\n1,true,z\n");
    let encoder = fit(&table, &InferOptions::default());
    let json = serde_json::to_string_pretty(&encoder).unwrap();
    let again: Encoder = serde_json::from_str(&json).unwrap();
    assert_eq!(again, encoder);
    let json = serde_json::to_value(&encoder).unwrap();
    assert_eq!((&json["scale"], &json["missing"]), (&"standard".into(), &"impute".into()));
    assert_eq!(
        (&json["columns"][0]["kind"], &json["columns"][2]["kind"]),
        (&"number".into(), &"one-hot".into())
    );
}

#[test]
fn an_encoder_edited_by_hand_does_not_panic() {
    let edited = |columns: &str| -> Encoder {
        serde_json::from_str(&format!(r#"{{"scale": "none", "missing": "impute", "columns": [{columns}]}}"#))
            .unwrap()
    };
    let table = csv("n,t\n1,x\n2,y\n");
    let zero = edited(r#"{"kind": "number", "column": "n", "median": 0, "centre": 1, "scale": 0}"#);
    assert!(message(zero.apply(&table)).contains("too large"));
    let twice = edited(
        r#"{"kind": "one-hot", "column": "t", "levels": ["x", "x"], "other": ["x"], "missing": true},
           {"kind": "one-hot", "column": "t", "levels": [], "other": [], "missing": false}"#,
    );
    assert_eq!(twice.apply(&table).unwrap().columns.len(), twice.feature_count());
    assert_eq!(edited("").apply(&table).unwrap().columns.len(), 0);
}

#[test]
fn tables_made_by_hand_do_not_panic() {
    let column = |values| Column { name: "t".into(), values };
    let codes = vec![Some(0), Some(9), None];
    let text = Values::Text { levels: vec!["x".into(), "y".into()], codes };
    let mut table = Table { source: "made".into(), rows: 3, columns: vec![column(text)], ..Table::default() };
    let encoded = fit_apply(&table, &InferOptions::default());
    assert!(encoded.columns.iter().all(|c| c.len() == 3));
    table.columns.push(Column { name: "n".into(), values: Values::Number(vec![1.0]) });
    assert!(matches!(Encoder::fit(&table, &InferOptions::default()), Err(Error::Usage(_))));
}

proptest! {
    /// Scaled columns have mean 0 and deviation 1, and come back to the original.
    #[test]
    fn scaling_is_undone(values in proptest::collection::vec(-1e6..1e6f64, 2..300)) {
        let table = one("n", &values);
        for options in [features(&["n"]), InferOptions { scale: Scale::None, ..features(&["n"]) }] {
            let encoder = fit(&table, &options);
            let column = encoder.apply(&table).unwrap().columns.remove(0);
            for (scaled, value) in column.iter().zip(&values) {
                let back = encoder.to_original(0, f64::from(*scaled));
                prop_assert!((back - value).abs() <= 1e6 * 1e-6, "{value} came back as {back}");
            }
            if options.scale == Scale::Standard {
                let n = column.len() as f64;
                let mean = column.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let square = column.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n;
                prop_assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{mean} {square}");
            }
        }
    }

    /// Whole numbers stay whole without scaling, exactly.
    #[test]
    fn whole_numbers_stay_whole(values in proptest::collection::vec(-100_000..100_000i32, 3..50)) {
        prop_assume!(values.iter().max().unwrap() - values.iter().min().unwrap() >= 100);
        let table = one("n", &values);
        let encoder = fit(&table, &InferOptions { scale: Scale::None, ..features(&["n"]) });
        let column = encoder.apply(&table).unwrap().columns.remove(0);
        for (scaled, value) in column.iter().zip(&values) {
            prop_assert_eq!(scaled.fract(), 0.0);
            prop_assert_eq!(encoder.to_original(0, f64::from(*scaled)), f64::from(*value));
        }
    }
}

#[test]
fn the_fit_does_not_depend_on_the_number_of_threads() {
    let rows: String = (0..20_000u64)
        .map(|i| {
            let noise = (i.wrapping_mul(6_364_136_223_846_793_005) >> 33) as f64;
            format!("{},{}\n", noise * 1e-7, noise.sqrt() * 1e-3)
        })
        .collect();
    let table = csv(&format!("a,b\n{rows}"));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let encoder = fit(&table, &InferOptions::default());
            (serde_json::to_string(&encoder).unwrap(), encoder.apply(&table).unwrap())
        })
    };
    assert_eq!(with(1), with(7));
}
