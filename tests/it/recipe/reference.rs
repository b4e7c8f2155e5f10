//! RECIPES.md: what it shows is what happens.

use super::{csv, parse};
use segmenta::recipe::{Aliases, Step};
use std::collections::BTreeSet;

fn page() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("RECIPES.md");
    std::fs::read_to_string(path).unwrap()
}

/// The fenced blocks, each with its language.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut parts = page.split("```");
    let mut blocks = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        blocks.push((language.to_string(), text.to_string()));
    }
    blocks
}

/// Recipes with the table that they are shown on.
fn examples(page: &str) -> Vec<(String, String)> {
    let blocks = blocks(page);
    let pairs = blocks
        .windows(2)
        .filter(|w| (w[0].0.as_str(), w[1].0.as_str()) == ("toml", "text") && !w[0].1.contains("[group]"));
    pairs.map(|w| (w[0].1.clone(), w[1].1.clone())).collect()
}

/// What stands left and right of the arrows.
fn sides(table: &str) -> Vec<(String, String)> {
    let side = |text: &str| text.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    table.lines().map(|line| line.split_once("->").map(|(a, b)| (side(a), side(b))).unwrap()).collect()
}

/// A cell as the page shows it: with as many decimals, `-` where it is missing.
fn shown(values: &segmenta::table::Values, row: usize, expected: &str) -> String {
    let decimals = expected.split_once('.').map_or(0, |(_, d)| d.len());
    match values.number(row) {
        _ if values.is_missing(row) => "-".into(),
        Some(number) => format!("{number:.decimals$}"),
        None => values.cell(row),
    }
}

#[test]
fn every_example_is_what_happens() {
    let page = page();
    let examples = examples(&page);
    assert!(examples.len() >= 20, "{}", examples.len());
    for (recipe, shape) in examples {
        let sides = sides(&shape);
        let (header, name) = &sides[0];
        let rows = sides[1..].iter().enumerate();
        let lines: String = rows.map(|(i, (cells, _))| format!("{cells},{}.5\n", i % 2)).collect();
        let mut table = csv(&format!("{header},anchor\n{lines}"));
        let recipe = parse(&format!("{recipe}\n[features]\ncolumns = [\"anchor\"]\n"));
        recipe.fit(&mut table).unwrap_or_else(|e| panic!("{shape}{e}"));
        let aliases = recipe.fit_aliases(&table, &Aliases::default());
        aliases.unwrap_or_else(|e| panic!("{shape}{e}")).apply(&mut table);
        let made = table.column(name).unwrap_or_else(|| panic!("{shape}no column {name}"));
        let found: Vec<String> = (1..sides.len()).map(|i| shown(&made.values, i - 1, &sides[i].1)).collect();
        let expected: Vec<&str> = sides[1..].iter().map(|(_, cell)| cell.as_str()).collect();
        assert_eq!(found, expected, "{shape}");
    }
}

/// An example of groups: a table left of the arrows, its groups with their columns right of them.
fn grouped_example(page: &str) -> (String, String) {
    let all = blocks(page);
    let mut pairs = all.windows(2).filter(|w| w[0].1.contains("[group]"));
    let pair = pairs.next().unwrap();
    assert!(pairs.next().is_none() && pair[1].0 == "text");
    (pair[0].1.clone(), pair[1].1.clone())
}

#[test]
fn the_example_of_groups_is_what_happens() {
    let (recipe, shape) = grouped_example(&page());
    let cells = |text: &str| text.split(',').map(|cell| cell.trim().to_string()).collect::<Vec<_>>();
    let (left, right): (Vec<_>, Vec<_>) = shape.lines().map(|line| line.split_once("=>").unwrap()).unzip();
    let lines: Vec<String> = left.iter().map(|line| cells(line).join(",")).collect();
    let mut table = csv(&(lines.join("\n") + "\n"));
    let report = parse(&recipe).fit(&mut table).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.notes, ["left out: 1 row without a value of customer"]);
    let names = cells(right[0]);
    let groups: Vec<Vec<String>> =
        right[1..].iter().filter(|l| !l.trim().is_empty()).map(|l| cells(l)).collect();
    assert_eq!((table.rows, &table.ids.as_ref().unwrap().0), (groups.len(), &names[0]));
    for (row, group) in groups.iter().enumerate() {
        for (name, expected) in names.iter().zip(group) {
            let values = &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values;
            assert_eq!(&shown(values, row, expected), expected, "{name}, {group:?}");
        }
    }
    assert_eq!(report.fitted.encoder.feature_names(), names[1..]);
}

#[test]
fn every_recipe_is_one() {
    for (_, text) in blocks(&page()).into_iter().filter(|(language, _)| language == "toml") {
        parse(&text);
    }
}

#[test]
fn every_operation_is_told_and_shown() {
    let page = page();
    let section = page.split_once("## Operations").unwrap().1.split_once("### Examples").unwrap().0;
    let told: Vec<&str> = section
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `").and_then(|rest| rest.split_once('`')).map(|(name, _)| name)
        })
        .collect();
    assert_eq!(told, Step::NAMES);
    let shown: BTreeSet<&str> = examples(&page)
        .iter()
        .flat_map(|(recipe, _)| Step::NAMES.into_iter().filter(|name| uses(recipe, name)).collect::<Vec<_>>())
        .collect();
    let missing: Vec<&str> = Step::NAMES.into_iter().filter(|name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

/// Whether a recipe has an operation in its steps.
fn uses(recipe: &str, name: &str) -> bool {
    let steps = recipe.lines().filter(|line| line.starts_with("steps"));
    steps.into_iter().any(|s| s.contains(&format!("{{ {name} =")) || s.contains(&format!("\"{name}\"")))
}

#[test]
fn every_key_is_told() {
    let page = page();
    let keys = "path synth rows format delimiter decimal skip_lines header null keep_null id weight skip_rows name from \
                columns steps scale one_hot one_hot.top \
                one_hot.order by of compute missing_share above_quantile below_quantile drop max_categories missing \
                drop_correlated seed k sweep min_k n_init sweep_n_init max_iter tol sample silhouette tendency probes \
                init folder features";
    for key in keys.split_whitespace() {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
}
