//! Numbers the different values of a column.

use crate::table::Values;

/// For each row the index of its value, and the values as text: numbers in ascending order, texts in alphabetical order.
pub(super) fn number(values: &Values) -> (Vec<Option<u32>>, Vec<String>) {
    match values {
        Values::Empty(rows) => (vec![None; *rows], Vec::new()),
        Values::Bool(cells) => {
            let [no, yes] = [false, true].map(|value| cells.contains(&Some(value)));
            let texts = [(no, "false"), (yes, "true")].into_iter().filter(|(there, _)| *there);
            let index = |cell: &Option<bool>| cell.map(|value| u32::from(value && no));
            (cells.iter().map(index).collect(), texts.map(|(_, text)| text.to_string()).collect())
        }
        Values::Text { levels, codes } => {
            let mut order: Vec<u32> = (0..levels.len() as u32).collect();
            order.sort_unstable_by_key(|&level| &levels[level as usize]);
            let mut index = vec![0; levels.len()];
            (0..).zip(&order).for_each(|(place, &level)| index[level as usize] = place);
            let rows = codes.iter().map(|code| code.map(|code| index[code as usize])).collect();
            (rows, order.iter().map(|&level| levels[level as usize].clone()).collect())
        }
        Values::Number(_) | Values::Packed { .. } => numbers(values.numbers().as_deref().unwrap_or_default()),
    }
}

/// The same for numbers. -1 is no label if no number is smaller, as in assignments and in what scikit-learn's methods
/// write for noise.
fn numbers(values: &[f64]) -> (Vec<Option<u32>>, Vec<String>) {
    // -0.0 is 0.0.
    let key = |value: f64| (value + 0.0).to_bits();
    let mut distinct: foldhash::HashMap<u64, u32> = foldhash::HashMap::default();
    let least = values.iter().copied().filter(|v| !v.is_nan()).fold(f64::INFINITY, f64::min);
    let none = |value: f64| value.is_nan() || value == -1.0 && least >= -1.0;
    // Neighbouring rows often have the same label.
    let mut last = None;
    for &value in values.iter().filter(|&&value| !none(value)) {
        if last != Some(key(value)) {
            last = Some(key(value));
            distinct.entry(key(value)).or_insert(0);
        }
    }
    let mut order: Vec<f64> = distinct.keys().map(|&bits| f64::from_bits(bits)).collect();
    order.sort_unstable_by(f64::total_cmp);
    for (place, &value) in (0..).zip(&order) {
        distinct.insert(key(value), place);
    }
    let rows = values.iter().map(|&value| distinct.get(&key(value)).copied().filter(|_| !none(value)));
    (rows.collect(), order.iter().map(f64::to_string).collect())
}

/// The name of each label: that of the first row that has one.
pub(super) fn names(rows: &[Option<u32>], k: usize, names: Option<&Values>) -> Vec<Option<String>> {
    let mut found: Vec<Option<String>> = vec![None; k];
    let Some(Values::Text { levels, codes }) = names else { return found };
    let mut missing = k;
    for (row, name) in rows.iter().zip(codes) {
        if missing == 0 {
            break;
        }
        if let (Some(label), Some(name)) = (row, name)
            && found[*label as usize].is_none()
        {
            found[*label as usize] = levels.get(*name as usize).cloned();
            missing -= 1;
        }
    }
    found
}
