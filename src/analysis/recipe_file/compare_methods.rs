//! `[[compare_method]]`: other clustering methods beside the fit's.

use super::method::method;
use crate::analysis::OtherMethod;
use crate::recipe::SIZE;
use crate::recipe::decode::Section;

/// Reads all of these sections.
pub(super) fn decode(root: &Section<'_>) -> Vec<OtherMethod> {
    let mut found: Vec<OtherMethod> = Vec::new();
    for section in root.sections("compare_method") {
        section.need("method", "the method, such as \"ward\"");
        let method = method(&section);
        let name = section.take("name");
        let k = section.take("k");
        if let Some(k) = k.as_ref().filter(|_| method.finds_k()) {
            k.fault(format!("{} finds the number of segments by itself; leave k out", method.title()));
        }
        let scale = section.take("scale").and_then(|v| v.word(&[("none", true)]));
        let own = name.as_ref().and_then(|v| v.text()).unwrap_or_else(|| method.name().into());
        if own.trim().is_empty() || found.iter().any(|other| other.name == own) {
            let what =
                format!("two methods are called {own:?}; give each a name of its own with name = \"...\"");
            name.as_ref().map_or_else(|| section.fault(what.clone()), |v| v.fault(what.clone()));
        }
        found.push(OtherMethod {
            name: own,
            method,
            k: k.and_then(|v| v.whole(SIZE)).map(|k| k as usize),
            unscaled: scale.unwrap_or(false),
            profile: section.take("profile").and_then(|v| v.boolean()).unwrap_or(false),
        });
        section.finish();
    }
    found
}
