//! Long lists of faults are cut, and say how many more there are.

use super::errors::faults;
use segmenta::error::Error;

#[test]
fn only_the_first_of_many_faults_are_listed() {
    let text = |n: usize| "[[column]]\nnam = \"a\"\n".repeat(n);
    let said = |n: usize| Error::Recipe(faults(&text(n))).to_string();
    assert_eq!((faults(&text(20)).len(), said(10).lines().count()), (40, 20));
    let many = said(5_894);
    let lines: Vec<&str> = many.lines().collect();
    assert_eq!((lines.len(), lines[20]), (21, "… and 11,768 more"));
    assert!(lines[0].starts_with("r.toml, line 1:1,") && lines[19].starts_with("r.toml, line 20:"), "{many}");
    assert_eq!(said(11).lines().last(), Some("… and 2 more"));
}
