//! WGSL sources: the list of all files, their imports, and the text that is compiled for a number of features.
//!
//! `shaders/README.md` explains the comments `//#import`, `//@each` and `//@loop` that this file resolves.

/// Every WGSL file, by the name that `//#import` uses.
pub(super) const FILES: &[(&str, &str)] = &[
    ("common", include_str!("../../../shaders/common.wgsl")),
    ("exact", include_str!("../../../shaders/exact.wgsl")),
    ("packs", include_str!("../../../shaders/packs.wgsl")),
    ("sets", include_str!("../../../shaders/sets.wgsl")),
    ("lloyd", include_str!("../../../shaders/lloyd.wgsl")),
    ("decide", include_str!("../../../shaders/decide.wgsl")),
    ("renew", include_str!("../../../shaders/renew.wgsl")),
    ("nearest", include_str!("../../../shaders/nearest.wgsl")),
    ("seeding", include_str!("../../../shaders/seeding.wgsl")),
    ("u64", include_str!("../../../shaders/u64.wgsl")),
    ("distance_sums", include_str!("../../../shaders/distance_sums.wgsl")),
    ("ceiling", include_str!("ceiling.wgsl")),
    #[cfg(test)]
    ("exact_tests", include_str!("exact_tests.wgsl")),
];

const IMPORT: &str = "//#import ";
const EACH: &str = "//@each ";
const LOOP: &str = "//@loop";

/// Tables with more features than this use the `//@loop` form: a row no longer fits a thread's registers.
const MAX_UNROLLED: usize = 96;

/// A software driver (llvmpipe) silently leaves a thread's loops after 65,535 iterations, inner loops included. No
/// dispatch asks a thread for more than this many.
pub(super) const MAX_ITERATIONS: usize = 1 << 15;

/// How many iterations a thread needs for `packs` packs of four points. The `//@loop` form takes four packs at a time and
/// has an inner loop over the features.
pub(super) fn iterations(packs: usize, features: usize) -> usize {
    if features > MAX_UNROLLED { packs.div_ceil(4) * (features + 1) } else { packs }
}

/// The text to compile for tables of `features` features: the file, then the files that it imports, each once.
pub(super) fn source(file: &str, features: usize) -> String {
    let mut names = vec![file];
    let mut out = String::new();
    let mut next = 0;
    while let Some(&name) = names.get(next) {
        next += 1;
        match FILES.iter().find(|(other, _)| *other == name) {
            Some((_, text)) => {
                names.extend(text.lines().filter_map(|line| line.strip_prefix(IMPORT)));
                out.push_str(&expand(text, features));
            }
            // The driver's compiler stops here and shows this line; a test compiles every file.
            None => out.push_str(&format!("#error there is no WGSL file called {name}\n")),
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
    }
    out
}

/// One file for tables of `features` features. Every line keeps its number.
fn expand(text: &str, features: usize) -> String {
    if features > MAX_UNROLLED {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len() + 200 * features);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(statement) = line.trim_start().strip_prefix(EACH) else {
            out.push_str(if line.ends_with(LOOP) { "" } else { line });
            out.push('\n');
            continue;
        };
        // `//@each` lines that follow each other are written out together, on the line of the first.
        let mut statements = vec![statement];
        while let Some(more) = lines.next_if(|line| line.trim_start().starts_with(EACH)) {
            statements.extend(more.trim_start().strip_prefix(EACH));
        }
        for feature in 0..features {
            for statement in &statements {
                out.push_str(&statement.replace('$', &feature.to_string()));
                out.push(' ');
            }
        }
        out.push_str(&"\n".repeat(statements.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_written_out_where_they_stand() {
        let text = "a\n  //@each let x$ = $u;\n  //@each y += x$;\nb //@loop\nc\n";
        assert_eq!(expand(text, 2), "a\nlet x0 = 0u; y += x0; let x1 = 1u; y += x1; \n\n\nc\n");
        assert_eq!(expand(text, 97), text);
    }

    #[test]
    fn files_keep_their_line_numbers_and_come_once() {
        for features in [1, 96, 97] {
            for (name, text) in FILES {
                let source = source(name, features);
                let at = |line: &str| source.lines().position(|other| other == line);
                for (number, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("fn ")) {
                    assert_eq!(at(line), Some(number), "{name}: {line}");
                }
                assert!(source.matches("const TILE: u32").count() <= 1, "{name}");
                assert!(!source.contains("#error"), "{name}");
            }
        }
        assert!(source("nothing", 1).contains("#error"));
    }
}
