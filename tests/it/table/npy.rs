//! NumPy's arrays: every layout and type, and headers that lie.

use ndarray::{Array1, Array2, Array3, ShapeBuilder as _, array};
use ndarray_npy::{WritableElement, WriteNpyExt as _};
use segmenta::table::{ReadOptions, Values, read, read_bytes};

use super::{error, gzip, names, numbers, table, values};

fn npy<T: WritableElement + Clone>(array: &Array2<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).unwrap();
    bytes
}

#[test]
fn npy_of_every_layout_and_type() {
    let c = array![[1.0, 2.0, f64::NAN], [4.0, 5.0, f64::NAN]];
    let mut f = Array2::zeros((2, 3).f());
    f.assign(&c);
    assert!(!f.is_standard_layout());
    for array in [&c, &f] {
        let t = table("t.npy", npy(array));
        assert_eq!(names(&t), ["f0", "f1", "f2"]);
        assert_eq!(
            (numbers(&t, "f0"), numbers(&t, "f1")),
            (vec![Some(1.0), Some(4.0)], vec![Some(2.0), Some(5.0)])
        );
        assert_eq!(values(&t, "f2"), &Values::Empty(2));
    }
    let mut one = Vec::new();
    Array1::from(vec![1.5f32, f32::NAN, 2.5]).write_npy(&mut one).unwrap();
    assert_eq!(numbers(&table("t.npy", &one), "f0"), [Some(1.5), None, Some(2.5)]);
    assert_eq!(numbers(&table("t.npy.gz", gzip(&one)), "f0"), [Some(1.5), None, Some(2.5)]);
    assert_eq!(
        values(&table("t.npy", npy(&array![[true], [false]])), "f0"),
        &Values::Bool(vec![Some(true), Some(false)])
    );
    let pair = [Some(1.0), Some(7.0)];
    assert_eq!(numbers(&table("t.npy", npy(&array![[1i8], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1i16], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1i32], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1i64], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1u8], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1u16], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1u32], [7]])), "f0"), pair);
    assert_eq!(numbers(&table("t.npy", npy(&array![[1u64], [7]])), "f0"), pair);
}

/// An array as NumPy would write it, with this header and these bytes.
fn raw_npy(header: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{header}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn header(dtype: &str, shape: &str) -> String {
    format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}")
}

#[test]
fn npy_in_the_other_byte_order() {
    let data: Vec<u8> = [1.0f64, 2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    assert_eq!(
        numbers(&table("t.npy", raw_npy(&header(">f8", "(2,)"), &data)), "f0"),
        [Some(1.0), Some(2.0)]
    );
}

#[test]
fn npy_rows_can_be_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.npy");
    let options = ReadOptions { skip_rows: 1, id: Some("f1".into()), ..ReadOptions::default() };
    let array = array![[f32::INFINITY, 1.0], [2.0, 3.0], [4.0, 5.0]];
    std::fs::write(&path, npy(&array)).unwrap();
    for t in [read(&path, &options), read_bytes("t.npy", npy(&array), &options)].map(Result::unwrap) {
        assert_eq!((t.rows, values(&t, "f0").numbers().unwrap().to_vec()), (2, vec![2.0, 4.0]));
        assert_eq!(t.ids, Some(("f1".into(), vec!["3".into(), "5".into()])));
    }
    let skip = |skip_rows| ReadOptions { skip_rows, ..ReadOptions::default() };
    let infinite = npy(&array![[1.0], [2.0], [f64::INFINITY]]);
    let e = read_bytes("t.npy", infinite.clone(), &skip(2)).unwrap_err().to_string();
    assert_eq!(e, "t.npy, column f0: row 3: expected a finite number, found inf");
    let e = read_bytes("t.npy", infinite, &skip(3)).unwrap_err().to_string();
    assert_eq!(e, "t.npy: no rows after the 3 that are skipped");
    let e = read(&path, &skip(9)).unwrap_err().to_string();
    assert!(e.ends_with("t.npy: no rows after the 9 that are skipped"), "{e}");
}

#[test]
fn npy_ids_keep_every_digit() {
    let options = ReadOptions { id: Some("f0".into()), ..ReadOptions::default() };
    let t = read_bytes("t.npy", npy(&array![[9_007_199_254_740_993_i64], [2]]), &options).unwrap();
    assert_eq!(t.ids, Some(("f0".into(), vec!["9007199254740993".into(), "2".into()])));
    let options = ReadOptions { id: Some("f7".into()), ..ReadOptions::default() };
    let e = read_bytes("t.npy", npy(&array![[1.0], [2.0]]), &options).unwrap_err().to_string();
    assert_eq!(e, "t.npy: no column is called \"f7\"; did you mean f0?");
}

#[test]
fn npy_that_is_no_table() {
    let message = |header: &str, data: &[u8]| error("t.npy", raw_npy(header, data));
    let e = error("t.npy", npy(&array![[1.0, 2.0], [3.0, f64::NEG_INFINITY]]));
    assert_eq!(e, "t.npy, column f1: row 2: expected a finite number, found -inf");
    let e = error("t.npy", npy(&Array2::<f64>::zeros((0, 3))));
    assert_eq!(e, "t.npy: the array is empty: its shape is [0, 3]");
    let e = error("t.npy", npy(&Array2::<f64>::zeros((3, 0))));
    assert_eq!(e, "t.npy: the array is empty: its shape is [3, 0]");
    let mut cube = Vec::new();
    Array3::<f64>::zeros((1, 1, 1)).write_npy(&mut cube).unwrap();
    assert_eq!(error("t.npy", cube), "t.npy: expected one or two dimensions, found 3");
    assert_eq!(message(&header("<f8", "()"), &[0; 8]), "t.npy: expected one or two dimensions, found 0");
    let e = message(&header("<c16", "(1,)"), &[0; 16]);
    assert_eq!(e, "t.npy: expected an array of numbers or booleans, found dtype c16");
    let e = message("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", &[0; 8]);
    assert!(e.starts_with("t.npy: expected an array of numbers or booleans, found dtype"), "{e}");
    assert!(message(&header("|b1", "(1,)"), &[7]).starts_with("t.npy: "), "a boolean that is none");
}

#[test]
fn npy_whose_header_lies() {
    let message = |header: &str, data: &[u8]| error("t.npy", raw_npy(header, data));
    let whole = npy(&array![[1.0, 2.0], [3.0, 4.0]]);
    let e = error("t.npy", &whole[..whole.len() - 3]);
    assert_eq!(e, "t.npy: the shape [2, 2] of f8 needs 32 bytes, the file has 29");
    let e = error("t.npy", [whole.as_slice(), b"x"].concat());
    assert_eq!(e, "t.npy: the shape [2, 2] of f8 needs 32 bytes, the file has 33");
    // Petabytes, and more than a usize can say: neither is allocated.
    let e = message(&header("<f8", "(1000000000000, 1000)"), &[0; 8]);
    assert_eq!(
        e,
        "t.npy: the shape [1000000000000, 1000] of f8 needs 8000000000000000 bytes, the file has 8"
    );
    let e = message(&header("<f8", "(9223372036854775807, 9223372036854775807)"), &[0; 8]);
    assert!(e.contains("needs more bytes than there can be"), "{e}");
    let broken = "t.npy: not a .npy file, or its header is broken";
    assert_eq!(error("t.npy", "a,b\n1,2\n"), broken);
    assert_eq!(error("t.npy", &whole[..30]), broken);
    assert_eq!(error("t.npy", &whole[..7]), broken);
    assert_eq!(error("t.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"), broken);
    assert_eq!(message("{'descr': '<f8'}", &[0; 8]), broken);
    assert_eq!(message(&header("<f8", "(-1,)"), &[0; 8]), broken);
    // Deep nesting must not run the header's parser out of stack.
    let deep = format!("{}{}", "(".repeat(9000), ")".repeat(900));
    assert!(message(&deep, &[]).contains("found records"));
    // Nor may it keep the parser busy: each bracket multiplies its time.
    let nested = "{'descr':{{{{{{{{{{{.";
    assert!(message(nested, &[]).contains("found records"));
}

#[test]
fn a_null_that_is_a_number_is_the_value_in_every_type() {
    let options = |null: &str| ReadOptions { null: vec![null.into()], ..ReadOptions::default() };
    let read = |bytes: Vec<u8>, null: &str| read_bytes("t.npy", bytes, &options(null)).unwrap();
    let pair = [None, Some(7.0)];
    assert_eq!(numbers(&read(npy(&array![[-99i8], [7]]), "-99"), "f0"), pair);
    assert_eq!(numbers(&read(npy(&array![[-99i64], [7]]), "-99.0"), "f0"), pair);
    assert_eq!(numbers(&read(npy(&array![[-99f64], [7.0]]), "-99"), "f0"), pair);
    assert_eq!(values(&read(npy(&array![[true], [false]]), "0"), "f0").missing(), 0);
    // Rows of f32 are read where they stay.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.npy");
    std::fs::write(&path, npy(&array![[-99f32, 1.0, 0.1], [7.0, 1.0, -99.0]])).unwrap();
    let t = segmenta::table::read(&path, &options("-99")).unwrap();
    let column = |name: &str| [0, 1].map(|row| values(&t, name).number(row).filter(|v| !v.is_nan()));
    assert_eq!((column("f0"), column("f1")), (pair, [Some(1.0), Some(1.0)]));
    let t = segmenta::table::read(&path, &options("0.1")).unwrap();
    assert!(values(&t, "f2").is_missing(0), "0.1 in 32 bits is another number in 64");
    let t = segmenta::table::read(&path, &options("1")).unwrap();
    assert_eq!(values(&t, "f1"), &Values::Empty(2));
}
