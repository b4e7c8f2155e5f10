//! Several clustering methods on the same rows, as text for people.

use super::figures::{count, percent, score, whole};
use super::profile::{WIDTH, overview};
use super::sheet::{Kind, Sheet, wrapped};
use crate::analysis::{MethodResult, MethodsCompared};

/// The methods side by side, how far they agree, and what each found.
pub fn text(compared: &MethodsCompared) -> String {
    let MethodsCompared { methods, ari } = compared;
    let mut sheet = Sheet::new(&[
        ("method", Kind::Name),
        ("segments", Kind::Number),
        ("largest", Kind::Number),
        ("smallest", Kind::Number),
        ("noise", Kind::Number),
        ("silhouette", Kind::Number),
        ("seconds", Kind::Number),
    ]);
    for method in methods {
        let all: u64 = method.noise + method.sizes.iter().sum::<u64>();
        let share =
            |n: u64| if method.note.is_some() { "-".into() } else { percent(n as f64 / all.max(1) as f64) };
        sheet.row([
            method.name.clone(),
            if method.note.is_some() { "-".into() } else { whole(method.segments as u64) },
            share(method.sizes.iter().copied().max().unwrap_or(0)),
            share(method.sizes.iter().copied().min().unwrap_or(0)),
            share(method.noise),
            method.silhouette.map_or_else(|| "-".into(), score),
            format!("{:.2}", method.seconds),
        ]);
    }
    let mut text = format!(
        "clustering methods on the same rows; the first is the fit\n{}\
         largest, smallest, noise: shares of the rows; silhouette: of the rows in segments, by the features of the\n  fit; seconds: those of the fit include its sweep\n",
        sheet.to_text_within(WIDTH)
    );
    for MethodResult { name, note, .. } in methods {
        if let Some(note) = note {
            text.push_str(&wrapped(&format!("{name} has no result: {note}\n"), WIDTH));
        }
    }
    let found: Vec<usize> = (0..methods.len()).filter(|&i| methods[i].note.is_none()).collect();
    if found.len() > 1 {
        let header: Vec<(&str, Kind)> = std::iter::once(("", Kind::Name))
            .chain(found.iter().map(|&i| (methods[i].name.as_str(), Kind::Number)))
            .collect();
        let mut sheet = Sheet::new(&header);
        for &i in &found {
            let cell = |&j: &usize| ari[i][j].map_or_else(|| "-".into(), |ari| format!("{ari:.3}"));
            sheet.row(std::iter::once(methods[i].name.clone()).chain(found.iter().map(cell)));
        }
        text.push_str(&format!(
            "\nadjusted Rand index of each pair: 1 the same groups, 0 as by chance; noise counts as one more group\n{}",
            sheet.to_text_within(WIDTH)
        ));
    }
    for method in methods {
        let own = super::method_found::text(&method.found);
        if !own.is_empty() {
            text.push_str(&format!("\n{}\n{own}", method.name));
        }
        if let Some(profile) = &method.profile {
            let segments = count(method.segments, "segment");
            text.push_str(&format!("\n{}: {segments}\n{}", method.name, overview(profile)));
        }
    }
    text
}
