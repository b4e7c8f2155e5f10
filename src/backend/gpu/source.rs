//! WGSL sources: the list of all files, their imports, and the text that is compiled for a number of features.
//!
//! `shaders/README.md` explains the comments `//#import`, `//@each`, `//@quad`, `//@loop` and `//@chunk` that this file
//! resolves.

/// Every WGSL file, by the name that `//#import` uses.
pub(super) const FILES: &[(&str, &str)] = &[
    ("common", include_str!("../../../shaders/common.wgsl")),
    ("exact", include_str!("../../../shaders/exact.wgsl")),
    ("packs", include_str!("../../../shaders/packs.wgsl")),
    ("pairs", include_str!("../../../shaders/pairs.wgsl")),
    ("sets", include_str!("../../../shaders/sets.wgsl")),
    ("lloyd", include_str!("../../../shaders/lloyd.wgsl")),
    ("products", include_str!("../../../shaders/products.wgsl")),
    ("few_features", include_str!("../../../shaders/few_features.wgsl")),
    ("many_features", include_str!("../../../shaders/many_features.wgsl")),
    ("decide", include_str!("../../../shaders/decide.wgsl")),
    ("renew", include_str!("../../../shaders/renew.wgsl")),
    ("nearest", include_str!("../../../shaders/nearest.wgsl")),
    ("seeding", include_str!("../../../shaders/seeding.wgsl")),
    ("u64", include_str!("../../../shaders/u64.wgsl")),
    ("distance_sums", include_str!("../../../shaders/distance_sums.wgsl")),
    ("select", include_str!("../../../shaders/select.wgsl")),
    ("knn", include_str!("../../../shaders/knn.wgsl")),
    ("binary", include_str!("../../../shaders/binary.wgsl")),
    ("ceiling", include_str!("ceiling.wgsl")),
    #[cfg(test)]
    ("exact_tests", include_str!("exact_tests.wgsl")),
];

const IMPORT: &str = "//#import ";
const EACH: &str = "//@each ";
const QUAD: &str = "//@quad ";
const LOOP: &str = "//@loop";
const CHUNK: &str = "//@chunk";
const CHUNKED: &str = "//@chunk ";

/// Tables with more features than this use the `//@loop` form: a row no longer fits a thread's registers.
const MAX_UNROLLED: usize = 96;

/// A software driver (llvmpipe) silently leaves a thread's loops after 65,535 iterations, inner loops included. No
/// dispatch asks a thread for more than this many.
pub(super) const MAX_ITERATIONS: usize = 1 << 15;

/// How many iterations a thread of `assign` by distances needs for `packs` packs of four points. The `//@loop` form takes four packs at a time and
/// has an inner loop over the features.
pub(super) fn iterations(packs: usize, features: usize) -> usize {
    if features > MAX_UNROLLED { packs.div_ceil(4) * (features + 1) } else { packs }
}

/// How many features the pair loop (`shaders/pairs.wgsl`) takes at a time, on a device whose workgroups have `memory`
/// bytes. Four tiles of a chunk must fit, of 128 values a feature.
pub(super) fn chunk(features: usize, memory: u32) -> usize {
    let most = if memory >= 32 << 10 { 15 } else { 8 };
    if features <= most {
        return features;
    }
    // The last chunk is padded: as little of that as possible, then as few chunks as possible.
    (most.div_ceil(2)..=most).rev().min_by_key(|&chunk| features.next_multiple_of(chunk)).unwrap_or(most)
}

/// The text to compile for tables of `features` features on a device whose workgroups have `memory` bytes: the file, then
/// the files that it imports, each once.
pub(super) fn source(file: &str, features: usize, memory: u32) -> String {
    let mut names = vec![file];
    let mut out = String::new();
    let mut next = 0;
    while let Some(&name) = names.get(next) {
        next += 1;
        match FILES.iter().find(|(other, _)| *other == name) {
            Some((_, text)) => {
                names.extend(text.lines().filter_map(|line| line.strip_prefix(IMPORT)));
                out.push_str(&expand(text, features, chunk(features, memory)));
            }
            // The driver's compiler stops here and shows this line; a test compiles every file.
            None => out.push_str(&format!("#error there is no WGSL file called {name}\n")),
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
    }
    out
}

/// One file for tables of `features` features, `chunk` of which the pair loop takes at a time. Every line keeps its number.
fn expand(text: &str, features: usize, chunk: usize) -> String {
    let unrolled = features <= MAX_UNROLLED;
    let mut out = String::with_capacity(text.len() + 200 * features.min(MAX_UNROLLED));
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((prefix, first)) = statement(line).filter(|(prefix, _)| unrolled || *prefix == CHUNKED)
        else {
            match line.strip_suffix(CHUNK) {
                // The constant with the number of features of a chunk.
                Some(constant) => out.push_str(&set_number(constant, chunk)),
                None if unrolled && line.ends_with(LOOP) => {}
                None => out.push_str(line),
            }
            out.push('\n');
            continue;
        };
        // Lines that follow each other are written out together, on the line of the first.
        let chunked = prefix == CHUNKED;
        let mut statements = vec![(prefix, first)];
        while let Some(more) = lines.peek().and_then(|line| statement(line)) {
            if (more.0 == CHUNKED) != chunked {
                break;
            }
            statements.push(more);
            lines.next();
        }
        for feature in 0..if chunked { chunk } else { features } {
            // A point's vec4s begin with its two terms.
            let (quad, place) = ((feature + 2) / 4, (feature + 2) % 4);
            for &(prefix, statement) in statements.iter().filter(|(prefix, _)| *prefix != QUAD || place == 0)
            {
                let text = statement.replace("$q", &quad.to_string()).replace("$c", &"xyzw"[place..=place]);
                let number = if prefix == QUAD { quad } else { feature };
                out.push_str(&text.replace('$', &number.to_string()));
                out.push(' ');
            }
        }
        out.push_str(&"\n".repeat(statements.len()));
    }
    out
}

/// A line that is written out several times: its kind, and its statement.
fn statement(line: &str) -> Option<(&'static str, &str)> {
    let line = line.trim_start();
    [EACH, QUAD, CHUNKED].into_iter().find_map(|prefix| Some((prefix, line.strip_prefix(prefix)?)))
}

/// `const NAME: u32 = 8u;` with another number.
fn set_number(constant: &str, number: usize) -> String {
    let name = constant.split('=').next().unwrap_or_default();
    format!("{name}= {number}u;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_written_out_where_they_stand() {
        let text = "a\n  //@each let x$ = $u;\n  //@each y += x$;\nb //@loop\nc\n";
        assert_eq!(expand(text, 2, 2), "a\nlet x0 = 0u; y += x0; let x1 = 1u; y += x1; \n\n\nc\n");
        assert_eq!(expand(text, 97, 14), text);
    }

    #[test]
    fn quads_of_a_point_are_written_out_before_their_features() {
        let text = "//@quad let a$ = at + $u;\n//@each v = x$ * a$q.$c;\nb\n";
        let expected = "v = x0 * a0.z; v = x1 * a0.w; let a1 = at + 1u; v = x2 * a1.x; \n\nb\n";
        assert_eq!(expand(text, 3, 3), expected);
        assert_eq!(expand(text, 97, 14), text);
    }

    #[test]
    fn chunks_are_written_out_for_any_number_of_features() {
        let text = "const CHUNK: u32 = 8u; //@chunk\n  //@chunk let x$ = $u;\n  //@chunk y += x$;\nb\n";
        for features in [26, 3000] {
            let out = expand(text, features, 2);
            assert_eq!(out, "const CHUNK: u32 = 2u;\nlet x0 = 0u; y += x0; let x1 = 1u; y += x1; \n\nb\n");
        }
    }

    #[test]
    fn a_chunk_fits_workgroup_memory_and_is_hardly_padded() {
        for memory in [16 << 10, 32 << 10, 48 << 10] {
            for features in 1..2000 {
                let chunk = chunk(features, memory);
                let side = (2 * chunk * 128 * 4).max(16 * 128 * 4);
                assert!(chunk > 0 && 2 * side <= memory as usize, "{features} features: {chunk}");
                let padded = features.next_multiple_of(chunk) - features;
                assert!(
                    padded <= 1 + features / 13,
                    "{features} features, {chunk} at a time: {padded} too many"
                );
            }
        }
        assert_eq!([5, 26, 300].map(|features| chunk(features, 32 << 10)), [5, 13, 15]);
    }

    #[test]
    fn files_keep_their_line_numbers_and_come_once() {
        for features in [1, 96, 97] {
            for (name, text) in FILES {
                let source = source(name, features, 32 << 10);
                let at = |line: &str| source.lines().position(|other| other == line);
                for (number, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("fn ")) {
                    assert_eq!(at(line), Some(number), "{name}: {line}");
                }
                assert!(source.matches("const TILE: u32").count() <= 1, "{name}");
                assert!(!source.contains("#error"), "{name}");
            }
        }
        assert!(source("nothing", 1, 0).contains("#error"));
    }
}
