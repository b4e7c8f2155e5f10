//! Reads `[[question]]` from a recipe.

use super::{Answers, Expectation, Figure, Question, Within};
use crate::recipe::decode::{Section, Value};
use crate::recipe::{Condition, SIZE, fit_for_a_name};

impl Question {
    /// Reads all questions. Mistakes are added to the document's list of faults.
    pub(crate) fn decode_all(root: &Section<'_>) -> Vec<Question> {
        root.sections("question").into_iter().filter_map(question).collect()
    }
}

fn question(section: Section<'_>) -> Option<Question> {
    let take = |key| section.take(key);
    let condition = |key| take(key).and_then(|v: Value<'_>| Condition::decode(&v));
    let size = |key| take(key).and_then(|v: Value<'_>| v.whole(SIZE));
    let name = section.need("name", "the question in words").and_then(|v| {
        let name = v.text()?;
        fit_for_a_name(&name).map_err(|what| v.fault(what)).ok().map(|()| name)
    });
    let mut question = Question {
        line: section.line(),
        name: name.clone().unwrap_or_default(),
        condition: condition("where"),
        within: take("within").and_then(|v| within(&v)),
        by: take("by").and_then(|v| names(&v)).unwrap_or_default(),
        of: take("of").and_then(|v| names(&v)).unwrap_or_default(),
        ascending: take("ascending").and_then(|v| v.boolean()),
        least: size("least").unwrap_or(0),
        against: condition("against"),
        expect: take("expect").and_then(|v| expectation(&v)),
        top: size("top").map(|n| n as usize),
        list: size("list").map_or(0, |n| n as usize),
        columns: take("columns").and_then(|v| names(&v)).unwrap_or_default(),
        ..Question::default()
    };
    let compute = take("compute");
    question.answers = take("answers").and_then(|v| answers(&v, &section));
    let order = take("order").filter(|_| !section.has("answers"));
    let written = compute.as_ref().map(figures);
    question.compute = match &written {
        Some(figures) => figures.clone().unwrap_or_default(),
        None if question.of.is_empty() => vec![Figure::Count, Figure::Share],
        None => vec![Figure::Count, Figure::Mean, Figure::Median],
    };
    let needs_of = question.compute.iter().find(|figure| !figure.of_rows() && !section.has("of"));
    if let (Some(value), Some(figure)) = (&compute, needs_of) {
        let word = figure.word();
        value.fault(format!(
            "{word} needs a column: of is missing, expected the column that the {word} is of"
        ));
    }
    let fault = |wrong: bool, key: &'static str, what: &str| {
        if let Some(value) = take(key).filter(|_| wrong) {
            value.fault(what);
        }
    };
    let has = |key| section.has(key);
    fault(has("by") && has("against"), "against", "by and against make different lines; ask two questions");
    fault(has("list") && has("by"), "list", "by and list are two answers; ask two questions");
    fault(has("list") && has("against"), "list", "against and list are two answers; ask two questions");
    fault(has("expect") && has("against"), "expect", "against and expect are two questions; ask them apart");
    fault(
        !has("by"),
        "top",
        "top is for by, the columns whose values make the groups; expected by beside it",
    );
    fault(
        !has("list"),
        "columns",
        "columns are what is shown of single rows; expected list, their number, too",
    );
    fault(!has("columns"), "list", "expected columns beside it: what is shown of each row");
    for key in ["by", "of", "compute", "against", "expect", "list", "columns", "top", "ascending"] {
        let what =
            format!("answers are a table of their own, and {key} is for another one; ask two questions");
        fault(has("answers") && has(key), key, &what);
    }
    for key in ["sort_by", "lift"] {
        fault(!has("answers"), key, &format!("{key} is for answers, the columns of a survey's question"));
    }
    question.order = order.as_ref().and_then(|v| v.text());
    if let (Some(value), Some(order)) = (&order, &question.order) {
        check_order(&question, value, order, section.has("list"));
    }
    if section.has("ascending") && order.is_none() {
        section.fault("ascending is for order; expected order, what the lines are sorted by");
    }
    section.finish();
    name.map(|_| question)
}

/// `answers`, and the keys that belong to it.
fn answers(value: &Value<'_>, section: &Section<'_>) -> Option<Answers> {
    let columns = names(value);
    let order = section.take("order").map_or(Some(Vec::new()), |v| {
        let order = v.texts()?;
        let twice = order.iter().enumerate().find(|(i, answer)| order[..*i].contains(answer));
        if let Some((_, answer)) = twice {
            v.fault(format!("{answer:?} is listed twice"));
        }
        Some(order)
    });
    let sort_by = section.take("sort_by").and_then(|v| v.text());
    let lift = section.take("lift").and_then(|v| v.boolean()).unwrap_or(false);
    Some(Answers { columns: columns?, order: order?, sort_by, lift })
}

/// Checks that the lines of the answer can be sorted by this. Rows can be sorted by any column of the table.
fn check_order(question: &Question, value: &Value<'_>, order: &str, list: bool) {
    if list {
        return;
    }
    if question.by.is_empty() {
        value.fault("order is for by or list; without them the lines are the segments in their order");
        return;
    }
    let figures = question.figures();
    let known: Vec<&str> = figures
        .iter()
        .map(|(name, ..)| name.as_str())
        .chain(question.by.iter().map(String::as_str))
        .collect();
    if !known.contains(&order) {
        value.fault(format!(
            "the answer has no column {order:?} to sort by; expected one of {}",
            known.join(", ")
        ));
    }
}

/// One name, or a list of at least one.
fn names(value: &Value<'_>) -> Option<Vec<String>> {
    if value.is_text() {
        return value.text().map(|name| vec![name]);
    }
    let names = value.texts()?;
    if names.is_empty() {
        value.fault("expected at least one column");
    }
    let twice = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
    if let Some((_, name)) = twice {
        value.fault(format!("{name:?} is named twice"));
    }
    Some(names)
}

fn figures(value: &Value<'_>) -> Option<Vec<Figure>> {
    if value.is_text() {
        return value.word(&Figure::WORDS).map(|figure| vec![figure]);
    }
    let figures: Option<Vec<Figure>> = value.list()?.iter().map(|v| v.word(&Figure::WORDS)).collect();
    let figures = figures?;
    if figures.is_empty() {
        value.fault("expected at least one figure, such as \"count\"");
    }
    let twice = figures.iter().enumerate().find(|(i, figure)| figures[..*i].contains(figure));
    if let Some((_, figure)) = twice {
        value.fault(format!("{:?} is asked for twice", figure.word()));
    }
    Some(figures)
}

fn within(value: &Value<'_>) -> Option<Within> {
    let section = value.section()?;
    let largest = section.need("largest", "the column whose largest group is meant").and_then(|v| v.text());
    let distinct = section.take("distinct").and_then(|v| v.text());
    let condition = section.take("where").and_then(|v| Condition::decode(&v));
    section.finish();
    Some(Within { largest: largest?, distinct, condition })
}

fn expectation(value: &Value<'_>) -> Option<Expectation> {
    let section = value.section()?;
    let premise = section.need("if", "a condition").and_then(|v| Condition::decode(&v));
    let conclusion = section.need("then", "a condition").and_then(|v| Condition::decode(&v));
    section.finish();
    Some(Expectation { premise: premise?, conclusion: conclusion? })
}
