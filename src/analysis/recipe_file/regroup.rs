//! `merge` and `split` under `[analysis]`.

use crate::analysis::regroup::{Merge, Regroup, Split, SplitBy};
use crate::recipe::SIZE;
use crate::recipe::decode::{Section, Value};
use std::collections::BTreeMap;

/// `merge = [[8, 9]]`, `split = { segment = 7, k = 3 }`, or several splits in a list.
pub(super) fn regroup(section: &Section<'_>) -> Regroup {
    let merges = section.take("merge").and_then(|v| {
        let list = v.list()?;
        if list.iter().any(Value::is_number) {
            v.fault("expected lists of segments, each of which becomes one, such as [[8, 9]]");
            return None;
        }
        Some(list)
    });
    let mut places: BTreeMap<(u64, String), Value<'_>> = BTreeMap::new();
    let mut regroup = Regroup::default();
    for value in merges.iter().flatten() {
        let numbers = value.list().and_then(|list| list.iter().map(number).collect::<Option<Vec<u32>>>());
        let Some(segments) = numbers else { continue };
        let line = value.line();
        places.insert((line, format!("analysis.merge[{}]", regroup.merge.len())), value.clone());
        regroup.merge.push(Merge { line, segments });
    }
    let splits = section.take("split").map(|v| match v.is_table() {
        true => vec![v],
        false => v.list().unwrap_or_default(),
    });
    for value in splits.into_iter().flatten() {
        let Some(split) = split(&value) else { continue };
        places.insert((split.line, format!("analysis.split[{}].segment", regroup.split.len())), value);
        regroup.split.push(split);
    }
    regroup.check_numbers(|line, key, what| {
        if let Some(value) = places.get(&(line, key)) {
            value.fault(what);
        }
    });
    regroup
}

/// A segment's number.
fn number(value: &Value<'_>) -> Option<u32> {
    value.whole(0..=u64::from(u32::MAX - 1)).map(|n| n as u32)
}

/// `{ segment = 7, k = 3 }` or `{ segment = 7, by = "column" }`.
fn split(value: &Value<'_>) -> Option<Split> {
    let section = value.section()?;
    let segment = section.need("segment", "the segment's number").and_then(|v| number(&v));
    let (k, by) = (section.take("k"), section.take("by"));
    let how = match (&k, &by) {
        (Some(k), None) => k.whole(2..=*SIZE.end()).map(|k| SplitBy::K(k as usize)),
        (None, Some(by)) => by.text().map(SplitBy::Column),
        _ => {
            section.fault("expected either k, the number of parts, or by, the column whose values make them");
            None
        }
    };
    section.finish();
    Some(Split { line: value.line(), segment: segment?, by: how? })
}
