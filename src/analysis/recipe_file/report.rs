//! `[report]`: what the report of a run shows, and what it must not show.

use super::checked;
use crate::analysis::Report;
use crate::model::check_line;
use crate::recipe::SIZE;
use crate::recipe::decode::Section;

pub(super) fn report(section: Section<'_>) -> Report {
    let default = Report::default();
    let report = Report {
        title: section.take("title").and_then(|v| checked(&v, check_line)),
        min_rows: section.take("min_rows").and_then(|v| v.whole(0..=*SIZE.end())).unwrap_or(default.min_rows),
        show: section.take("show").and_then(|v| v.texts()).unwrap_or_default(),
        rows: section.take("rows").and_then(|v| v.boolean()).unwrap_or(default.rows),
        ids: section.take("ids").and_then(|v| v.boolean()).unwrap_or(default.ids),
    };
    section.finish();
    report
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::analysis::Spec;
    use std::collections::BTreeMap;

    fn parsed(text: &str) -> Result<Report, String> {
        Spec::parse("r.toml", text, &BTreeMap::new()).map(|spec| spec.report).map_err(|e| e.to_string())
    }

    #[test]
    fn every_key_is_read() {
        let text =
            "[report]\ntitle = \"Our learners\"\nmin_rows = 20\nshow = [\"plan\"]\nrows = true\nids = true\n";
        let expected = Report {
            title: Some("Our learners".into()),
            min_rows: 20,
            show: vec!["plan".into()],
            rows: true,
            ids: true,
        };
        assert_eq!(parsed(text), Ok(expected));
        assert_eq!(parsed("[report]\n"), Ok(Report::default()));
    }

    #[test]
    fn mistakes_have_their_line_and_key() {
        let cases = [
            ("colour = \"red\"", "colour"),
            ("min_rows = -1", "min_rows"),
            ("rows = \"yes\"", "rows"),
            ("show = 3", "show"),
            ("title = \"two\\nlines\"", "title"),
        ];
        for (line, key) in cases {
            let said = parsed(&format!("[report]\n{line}\n")).unwrap_err();
            assert!(said.contains("line 2") && said.contains(&format!("report.{key}")), "{line}: {said}");
        }
    }
}
