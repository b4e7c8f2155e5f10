//! `segmenta report`, and the page that every run ends with.

use super::{Desk, FILES, recipe};
use std::collections::BTreeSet;

/// The values of an attribute, in the order of the page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The page without its style sheet and its script.
fn body(html: &str) -> String {
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (between, rest) = rest.split_once("<script>").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    format!("{before}{between}{after}")
}

/// Checks that every tag is closed in its order, that attributes are quoted, and that no `<` or `&` stands by itself.
fn well_formed(html: &str) {
    const VOID: [&str; 3] = ["meta", "link", "br"];
    let html = html.strip_prefix("<!doctype html>").expect("a doctype");
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a stray > in {:?}", &rest[..at]);
        let tag = &rest[at + 1..];
        let mut quoted = false;
        let end = tag.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        });
        let (end, _) = end.expect("a tag ends");
        let text = &tag[..end];
        rest = &tag[end + 1..];
        if let Some(name) = text.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "near {:?}", &rest[..rest.len().min(80)]);
            continue;
        }
        let name = text.split([' ', '\n', '/']).next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "the tag {text:?}");
        if !text.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for (at, _) in html.match_indices('&') {
        let entity = html[at + 1..].split(';').next().unwrap_or_default();
        let known = ["amp", "lt", "gt", "quot"].contains(&entity) || entity.starts_with('#');
        assert!(known, "a stray & before {entity:?}");
    }
}

/// A table of 400 people in two groups.
fn people() -> String {
    let mut text = "id,mail,age,pay,town,key\n".to_string();
    for i in 0..400 {
        let (town, far) = if i % 2 == 0 { ("Northport", 0) } else { ("Southport", 1) };
        // Four people live where nobody else does.
        let town = if i % 100 == 7 { "Lonelyplace" } else { town };
        let key = format!("9f86d081884c7d65{}", i % 2);
        let (age, pay) = (20 + i % 7 + 30 * far, 1000 + 13 * (i % 11) + 5000 * far);
        text += &format!("person-{i:04},ada{i}@example.org,{age},{pay},{town},{key}\n");
    }
    text
}

#[test]
fn a_run_ends_in_a_page_that_can_be_made_again() {
    let desk = Desk::with_table();
    let said = desk.run("fit t.csv --device cpu --k 3 --id user_id --out out");
    assert!(said.err.contains("to read the results: open out/report.html in a browser"), "{}", said.err);
    let page = desk.read("out/report.html");
    well_formed(&body(&page));
    let said = desk.run("report out");
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    assert_eq!(desk.read("out/report.html"), page, "the same page from the files alone");
    assert_eq!(desk.names("out"), FILES);
    desk.run("report out --out other.html");
    assert_eq!(desk.read("other.html"), page);
    desk.fails("report out --out other.html", 2, &["other.html", "already exists", "--force"]);
}

#[test]
fn a_page_needs_no_other_file_and_its_links_lead_somewhere() {
    let desk = Desk::new();
    for (name, rows) in [("learners.toml", 3000), ("first_day.toml", 3000), ("enthusiasts.toml", 72)] {
        desk.put(name, recipe(name, rows));
        let said = desk.run(&format!("run {name} --device cpu --out {name}-out -q"));
        assert_eq!(said.code, Some(0), "{name}: {}", said.err);
        let page = desk.read(&format!("{name}-out/report.html"));
        let page = body(&page);
        well_formed(&page);
        let ids = values(&page, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: an id occurs twice");
        for link in values(&page, "href") {
            let there = link == "data:," || link.strip_prefix('#').is_some_and(|id| unique.contains(id));
            assert!(there, "{name}: {link} leads nowhere");
        }
        for named in values(&page, "aria-labelledby").iter().flat_map(|all| all.split(' ')) {
            assert!(unique.contains(named), "{name}: {named} labels something and is not there");
        }
        for outside in [" src=", "@import", "url(", "<iframe", "<img"] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
        let order = ["answer", "trust", "segment-0", "small-print"];
        let places: Vec<Option<usize>> =
            order.iter().map(|id| ids.iter().position(|one| one == id)).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{name}: {places:?}");
        assert!(!page.contains("NaN") && !page.contains("inf "), "{name}");
    }
}

#[test]
fn nobody_is_named_in_a_page_or_in_its_files() {
    let desk = Desk::new();
    desk.put("t.csv", people());
    let recipe = "
        [input]
        path = \"t.csv\"
        id = \"id\"
        [features]
        columns = [\"age\", \"pay\"]
        [analysis]
        k = 2
        silhouette = true
        [profile]
        columns = [\"age\", \"pay\", \"town\", \"key\"]
        typical = 3
        [describe]
        [[compare]]
        columns = [\"town\"]
        [[question]]
        name = \"Who is the oldest?\"
        where = \"age > 0\"
        list = 3
        columns = [\"mail\", \"town\", \"age\"]
        order = \"age\"
        [[question]]
        name = \"Where do they live?\"
        by = \"town\"
        compute = [\"count\"]
    ";
    let secrets = ["person-0", "example.org", "Lonelyplace", "9f86d081884c7d65"];
    let texts = |folder: &str| {
        let mut all = desk.read(&format!("{folder}/report.html"));
        for name in desk.names(&format!("{folder}/charts")) {
            all += &desk.read(&format!("{folder}/charts/{name}"));
        }
        all
    };
    desk.put("r.toml", recipe);
    desk.run("run r.toml --device cpu --out out -q");
    desk.run("report out --charts out/charts");
    let all = texts("out");
    for secret in secrets {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(
        all.contains("Northport") && all.contains("values of fewer than 5 rows"),
        "what may be shown is shown"
    );

    desk.put(
        "open.toml",
        recipe.to_string()
            + "
        [report]
        title = \"Everybody\"
        min_rows = 1
        show = [\"town\", \"key\", \"mail\"]
        rows = true
    ",
    );
    let said = desk.run("run open.toml --device cpu --out open -q");
    assert_eq!(said.code, Some(0), "{}", said.err);
    desk.run("report open --charts open/charts");
    let all = texts("open");
    assert!(all.contains("<title>Everybody</title>"));
    for shown in ["example.org", "Lonelyplace", "9f86d081884c7d65"] {
        assert!(all.contains(shown), "a recipe may show {shown}");
    }
}

#[test]
fn texts_of_a_table_are_texts_on_the_page() {
    let long = "x".repeat(300);
    let names = [
        "<script>alert(1)</script>",
        "\"'&<>",
        "</style></script>]]>",
        "{{7*7}}{% raw %}",
        "\u{1f389} emoji",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} rtl \u{202e}",
        long.as_str(),
    ];
    let desk = Desk::new();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut table = format!("{},{},kind\n", quoted(names[0]), quoted(names[1]));
    for i in 0..280 {
        let far = 10 * (i % 2);
        table += &format!("{},{},{}\n", i % 5 + far, i % 7 + far, quoted(names[2 + i / 2 % 5]));
    }
    desk.put("t.csv", table);
    let said = desk.run("fit t.csv --k 2 --device cpu --out out -q");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let named = ["name", "out/model.json", "0=<script>alert(2)</script>", "1=\"><b>&amp;"];
    let mut command = desk.command("");
    assert!(command.args(named).output().unwrap().status.success());
    desk.run("report out --charts charts");
    let page = desk.read("out/report.html");
    assert_eq!(page.matches("<script>").count(), 1, "the page's own script alone");
    assert_eq!(page.matches("</style>").count(), 1);
    let page = body(&page);
    well_formed(&page);
    assert!(!page.contains("<b>"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;") && page.contains("{{7*7}}"), "as they are written");
    for name in desk.names("charts").iter().filter(|name| name.ends_with(".svg")) {
        let chart = desk.read(&format!("charts/{name}"));
        assert!(!chart.contains("<script") && chart.starts_with("<svg xmlns="), "{name}");
    }
}

#[test]
fn folders_without_results_are_errors() {
    let desk = Desk::with_table();
    desk.fails("report nowhere", 2, &["nowhere", "not a folder"]);
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.fails("report empty", 2, &["empty/metrics.json", "not there"]);
    desk.run("fit t.csv --device cpu --k 3 --out a -q");
    desk.run("fit t.csv --device cpu --k 2 --out b -q");
    std::fs::copy(desk.path("a/model.json"), desk.path("b/model.json")).unwrap();
    desk.fails("report b", 3, &["b/metrics.json", "different runs"]);
    desk.put("a/metrics.json", "{\"version\": 1");
    desk.fails("report a", 3, &["a/metrics.json", "line 1"]);
}

#[test]
fn a_page_of_a_wide_table_stays_small_and_its_files_are_complete() {
    let desk = Desk::new();
    let columns = 120;
    let mut text: String = (0..columns).map(|i| format!("a long name for column number {i},")).collect();
    text = text.trim_end_matches(',').to_string() + "\n";
    for row in 0..1200usize {
        let group = row % 16;
        let cell = |i: usize| (group * (i + 3) % 7 * 40 + row * (i + 11) % 37).to_string();
        text += &((0..columns).map(cell).collect::<Vec<_>>().join(",") + "\n");
    }
    desk.put("wide.csv", text);
    let recipe = "[input]\npath = \"wide.csv\"\n[describe]\n[features]\nscale = \"standard\"\n[analysis]\nk = 16\nn_init = 1\n\
                  structure = false\n[[compare_method]]\nmethod = \"ward\"\n";
    desk.put("r.toml", recipe);
    let said = desk.run("run r.toml --device cpu -q --out out");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let page = desk.read("out/report.html");
    assert!(page.len() <= 1_500_000, "{} bytes", page.len());
    assert!(
        page.contains("So that this page stays below 1.5 MB, it does not have "),
        "nothing had to be left out"
    );
    well_formed(&body(&page));
    assert_eq!(desk.run("report out --charts charts").code, Some(0));
    let behind = desk.read("charts/values-24.csv");
    assert!(behind.lines().count() > 10, "{behind}");
}

#[test]
fn a_run_writes_its_charts_too_and_the_page_can_be_left_out() {
    let desk = Desk::with_table();
    let fit = "fit t.csv --device cpu --k 3 --id user_id";
    let said = desk.run(&format!("{fit} --out out --charts slides"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let charts = desk.names("slides");
    assert!(
        charts.contains(&"sizes.svg".to_string()) && charts.contains(&"sizes.csv".to_string()),
        "{charts:?}"
    );
    let line = format!("wrote the charts and tables of the report, {} files, into slides", charts.len());
    assert!(said.err.contains(&line), "{}", said.err);
    let files = |desk: &Desk| -> Vec<String> {
        charts.iter().map(|name| desk.read(&format!("slides/{name}"))).collect()
    };
    let first = files(&desk);
    assert_eq!(desk.run("report out --charts slides --force").code, Some(0));
    assert_eq!(files(&desk), first, "the same files from the results alone");

    // Charts that are there already are seen before any work, and nothing is lost.
    desk.fails(&format!("{fit} --out other --charts slides"), 2, &["already exists", "--force"]);
    assert!(!desk.path("other").exists());
    desk.fails(&format!("{fit} --out other --charts t.csv"), 2, &["t.csv is a file"]);
    // A folder of results has files of the same names.
    desk.fails(&format!("{fit} --out other --charts ./other"), 2, &["a folder of their own", "other/charts"]);
    desk.fails("report out --charts out --force", 2, &["a folder of their own", "out/charts"]);
    // Folders that were made go again when a run fails after that, and when it only tries.
    desk.fails(&format!("{fit} --max-memory 1kB --out other --charts far/away"), 3, &["memory"]);
    let said = desk.run(&format!("{fit} --dry-run --out other --charts far/away"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!desk.path("far").exists() && !desk.path("other").exists());

    // Without a page, an old one does not stay beside new results.
    let said = desk.run(&format!("{fit} --out out --force --no-report"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!said.err.contains("report.html"), "{}", said.err);
    let left: Vec<&str> = FILES.into_iter().filter(|name| *name != "report.html").collect();
    assert_eq!(desk.names("out"), left);
    assert_eq!(desk.run("report out").code, Some(0), "it can be made later");
    assert_eq!(desk.names("out"), FILES);
}

#[test]
fn a_recipe_says_whether_there_is_a_page_and_where_its_charts_go() {
    let desk = Desk::with_table();
    let recipe = "[input]\npath = \"t.csv\"\nid = \"user_id\"\n[analysis]\nk = 3\n[output]\nreport = false\ncharts = \"charts\"\n";
    desk.put("r.toml", recipe);
    let said = desk.run("run r.toml --device cpu -q --out out");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!desk.path("out/report.html").exists());
    assert!(desk.path("out/charts/sizes.svg").exists());
    let said = desk.run("run r.toml --device cpu -q --out next --charts elsewhere");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!desk.path("next/charts").exists() && desk.path("elsewhere/sizes.svg").exists());
}
