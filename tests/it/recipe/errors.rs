//! Faulty recipes: each fault is said once, with its line, its key, what was expected and what was found.

use super::{parameters, parse};
use segmenta::analysis::Spec;
use segmenta::error::{Error, Fault};
use segmenta::table::Table;

/// A recipe with one fault: its line, its key, and words of the sentence.
struct Case(&'static str, u64, &'static str, &'static [&'static str]);

/// The faults of a recipe that is not even parsed.
pub(super) fn faults(text: &str) -> Vec<Fault> {
    match Spec::parse("r.toml", text, &parameters(&[])) {
        Err(Error::Recipe(faults)) => faults,
        other => panic!("{text}\n{other:?}"),
    }
}

fn table() -> Table {
    super::csv("who,pay,plan,age\na,10,free,30\nb,20,pro,\nc,30,free,50\nd,40,team,60\n")
}

/// The faults of a recipe that does not suit [`table`].
pub(super) fn fit_faults(text: &str) -> Vec<Fault> {
    match parse(text).fit(&mut table()) {
        Err(Error::Recipe(faults)) => faults,
        other => panic!("{text}\n{:?}", other.map(|f| f.notes)),
    }
}

/// What is wrong with the faults found, where it should be this one alone.
pub(super) fn wrong(text: &str, found: &[Fault], line: u64, key: &str, words: &[&str]) -> Option<String> {
    let right = |f: &Fault| {
        (f.file.as_str(), f.line, f.key.as_str()) == ("r.toml", line, key)
            && words.iter().all(|word| f.what.contains(word))
    };
    if found.len() == 1 && right(&found[0]) {
        return None;
    }
    let found: Vec<String> = found.iter().map(Fault::to_string).collect();
    Some(format!("{text}\nexpected line {line}, {key}: {words:?}\nfound    {}", found.join("\n")))
}

fn check(cases: &[Case], find: impl Fn(&str) -> Vec<Fault>) {
    let told = |Case(text, line, key, words): &Case| wrong(text, &find(text), *line, key, words);
    let wrong: Vec<String> = cases.iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn unknown_keys() {
    check(
        &[
            Case("[analyses]\nk = 3", 1, "analyses", &["unknown key \"analyses\"", "did you mean analysis?"]),
            Case("\n[input]\npathe = \"t.csv\"", 3, "input.pathe", &["\"pathe\"", "did you mean path?"]),
            Case("[features]\ncolums = [\"a\"]", 2, "features.colums", &["did you mean columns?"]),
            Case("[analysis]\nk = 3\nninit = 4", 3, "analysis.ninit", &["did you mean n_init"]),
            Case("[output]\nfeature = \"f.csv\"", 2, "output.feature", &["did you mean features?"]),
            Case(
                "[output]\nzzzzz = 1",
                2,
                "output.zzzzz",
                &["expected one of charts, features, folder, report"],
            ),
            Case("[[column]]\nname = \"a\"\nstep = []", 3, "column[0].step", &["did you mean steps?"]),
            Case(
                "[[column]]\nname = \"a\"\none_hot = { tops = 3 }",
                3,
                "column[0].one_hot.tops",
                &["did you mean top?"],
            ),
            Case(
                "[[column]]\nname = \"a\"\nsteps = [{ clip = { min = 0, maxx = 3 } }]",
                3,
                "column[0].steps[0].clip.maxx",
                &["unknown key \"maxx\"", "did you mean max?"],
            ),
            Case(
                "[[aggregate]]\nname = \"n\"\nby = \"a\"\ncompute = \"count\"\nover = \"b\"",
                5,
                "aggregate[0].over",
                &["unknown key \"over\""],
            ),
            Case(
                "[[drop]]\ncolumns = [\"a\"]\nabove_quantil = 0.9\nbelow_quantile = 0.1",
                3,
                "drop[0].above_quantil",
                &["did you mean above_quantile?"],
            ),
        ],
        faults,
    );
}

#[test]
fn wrong_types_and_missing_keys() {
    check(
        &[
            Case("input = \"t.csv\"", 1, "input", &["expected a table, found \"t.csv\""]),
            Case("[column]\nname = \"a\"", 1, "column", &["expected [[column]]", "found [column]"]),
            Case("column = 3", 1, "column", &["expected a list in [ ], found 3"]),
            Case("[[column]]\nsteps = []", 1, "column[0].name", &["missing", "the column's name"]),
            Case("[[column]]\nname = 7", 2, "column[0].name", &["expected a text in quotes, found 7"]),
            Case("[[column]]\nname = \"\"", 2, "column[0].name", &["found nothing"]),
            Case(
                "[[column]]\nname = \"a\"\nsteps = \"log1p\"",
                3,
                "column[0].steps",
                &["expected a list", "\"log1p\""],
            ),
            Case("[[column]]\nname = \"a\"\nweight = 0", 3, "column[0].weight", &["above 0, found 0"]),
            Case(
                "[[column]]\nname = \"a\"\nscale = \"standart\"",
                3,
                "column[0].scale",
                &["\"standard\", \"robust\", \"minmax\" or \"none\"", "found \"standart\""],
            ),
            Case(
                "[[column]]\nname = \"a\"\none_hot = { top = 0 }",
                3,
                "column[0].one_hot.top",
                &["from 1", "found 0"],
            ),
            Case(
                "[[column]]\nname = \"a\"\none_hot = { order = \"size\" }",
                3,
                "column[0].one_hot.order",
                &["\"count\" or \"name\", found \"size\""],
            ),
            Case("[features]\ncolumns = \"a\"", 2, "features.columns", &["expected a list in [ ]"]),
            Case(
                "[features]\ncolumns = [1]",
                2,
                "features.columns[0]",
                &["expected a text in quotes, found 1"],
            ),
            Case(
                "[features]\nmissing = \"guess\"",
                2,
                "features.missing",
                &["\"impute\", \"drop\" or \"error\", found \"guess\""],
            ),
            Case("[features]\nmax_categories = 0", 2, "features.max_categories", &["from 1", "found 0"]),
            Case("[features]\ndrop_correlated = 1", 2, "features.drop_correlated", &["below 1, found 1"]),
            Case("[analysis]\nk = 0", 2, "analysis.k", &["a whole number from 1", "found 0"]),
            Case("[analysis]\nk = 2.5", 2, "analysis.k", &["a whole number", "found 2.5"]),
            Case("[analysis]\nseed = -1", 2, "analysis.seed", &["a whole number from 0 up, found -1"]),
            Case("[analysis]\ntol = -1e-4", 2, "analysis.tol", &["0 or more, found -1e-4"]),
            Case(
                "[analysis]\nn_init = \"many\"",
                2,
                "analysis.n_init",
                &["a number of restarts, or \"auto\", found \"many\""],
            ),
            Case(
                "[analysis]\nrule = \"best\"",
                2,
                "analysis.rule",
                &["\"silhouette\"", "\"consensus\"", "found \"best\""],
            ),
            Case(
                "[analysis]\nsilhouette = 1",
                2,
                "analysis.silhouette",
                &["expected true or false, found 1"],
            ),
            Case("[analysis]\nsweep = \"10..2\"", 2, "analysis.sweep", &["as in 2..10", "\"10..2\""]),
            Case("[analysis]\nsweep = \"2 to 9\"", 2, "analysis.sweep", &["found \"2 to 9\""]),
            Case("[analysis]\nsweep = [2, 0]", 2, "analysis.sweep[1]", &["from 1", "found 0"]),
            Case("[analysis]\nsweep = []", 2, "analysis.sweep", &["at least one k"]),
            Case("[output]\nfolder = \"\"", 2, "output.folder", &["expected a path, found nothing"]),
        ],
        faults,
    );
}

#[test]
fn inputs() {
    check(
        &[
            Case(
                "[input]\npath = \"t.csv\"\nsynth = \"learners\"",
                3,
                "input.synth",
                &["path and synth are two inputs"],
            ),
            Case("[input]\nrows = 5", 2, "input.rows", &["rows are for synth"]),
            Case("[input]\nsynth = \"learner\"", 2, "input.synth", &["\"learners\"", "found \"learner\""]),
            Case("[input]\npath = \"t\"\nformat = \"xls\"", 3, "input.format", &["\"csv\"", "found \"xls\""]),
            Case("[input]\ndelimiter = \"::\"", 2, "input.delimiter", &["one ASCII character", "\"::\""]),
            Case("[input]\ndelimiter = '\"'", 2, "input.delimiter", &["no quote"]),
            Case("[input]\nskip_rows = -1", 2, "input.skip_rows", &["from 0", "found -1"]),
            Case("[input]\nnull = \"?\"", 2, "input.null", &["expected a list in [ ], found \"?\""]),
        ],
        faults,
    );
}

/// A column with this chain, which stands on line 3.
fn chain(steps: &str) -> String {
    format!("[[column]]\nname = \"a\"\nsteps = [{steps}]")
}

#[test]
fn operations() {
    let cases: [(&str, &str, &[&str]); 41] = [
        (
            "{ divide = { column = \"b\" } }",
            ".divide.column",
            &["unknown key \"column\"", "expected one of by"],
        ),
        ("{ divide = { by = 0 } }", ".divide.by", &["expected a text in quotes, found 0"]),
        ("{ divide = { } }", ".divide", &["expected a number, or { by = \"the other column\" }"]),
        ("{ add = { by = \"b\" } }", ".add.by", &["unknown key \"by\"", "expected one of column"]),
        ("{ subtract = { } }", ".subtract", &["expected a number, or { column = \"the other column\" }"]),
        ("{ subtract_from = { colum = \"b\" } }", ".subtract_from.colum", &["did you mean column?"]),
        ("{ multiply = { by = \"b\", scale = 2 } }", ".multiply.scale", &["unknown key \"scale\""]),
        (r#""log1""#, "", &["unknown operation \"log1\"", "did you mean log1p?"]),
        (r#""frobnicate""#, "", &["unknown operation", "expected one of add, answered, clip"]),
        ("{ logp = 1 }", ".logp", &["unknown operation \"logp\"", "log1p"]),
        (r#""clip""#, "", &["clip needs an argument: { clip = "]),
        (r#""top""#, "", &["top needs an argument"]),
        ("{ log1p = 3 }", ".log1p", &["log1p takes no argument: write \"log1p\""]),
        ("{ multiply = 2, add = 1 }", "", &["one operation in each { }"]),
        ("{ }", "", &["one operation in each { }"]),
        ("7", "", &["expected an operation: \"log1p\""]),
        ("{ multiply = \"2\" }", ".multiply", &["expected a number, found \"2\""]),
        ("{ add = inf }", ".add", &["expected a number, found inf"]),
        ("{ divide = 0 }", ".divide", &["not 0, found 0"]),
        ("{ fill = true }", ".fill", &["expected a number or a text, found true"]),
        ("{ range = [3] }", ".range", &["expected [smallest, largest], found [3.0]"]),
        ("{ range = [3, 1] }", ".range", &["expected [smallest, largest]"]),
        ("{ clip = { min = 3, max = 1 } }", ".clip", &["min 3 is above max 1"]),
        ("{ clip = { } }", ".clip", &["expected min, max or both"]),
        ("{ clip = 3 }", ".clip", &["expected a table, found 3"]),
        ("{ compare = { is = \"=>\", to = 1 } }", ".compare.is", &["\">=\"", "found \"=>\""]),
        ("{ compare = { is = \">=\" } }", ".compare.to", &["missing; expected a number"]),
        (
            "{ cut = { at = [1, 2], labels = [\"a\", \"b\"] } }",
            ".cut.labels",
            &["3 labels for 2 cuts, found 2"],
        ),
        (
            "{ cut = { at = [2, 1], labels = [\"a\", \"b\", \"c\"] } }",
            ".cut.at",
            &["ascending", "[2.0, 1.0]"],
        ),
        (
            "{ quantile_cut = { at = [1.2], labels = [\"a\", \"b\"] } }",
            ".quantile_cut.at[0]",
            &["0 to 1", "1.2"],
        ),
        ("{ top = { n = 0 } }", ".top.n", &["from 1", "found 0"]),
        ("{ top = { other = \"x\" } }", ".top.n", &["missing", "how many texts stay"]),
        ("{ ordered = [\"x\", \"y\", \"x\"] }", ".ordered", &["\"x\" is listed twice"]),
        ("{ ordered = [] }", ".ordered", &["found none"]),
        ("{ map = { to = { a = 1, b = \"z\" } } }", ".map", &["texts only or numbers only", "\"z\" and 1"]),
        ("{ contains = [] }", ".contains", &["at least one text"]),
        ("{ timestamp = \"%d/%q\" }", ".timestamp", &["\"%d/%q\" is not a usable timestamp format"]),
        ("{ timestamp = \"%H:%M\" }", ".timestamp", &["\"%H:%M\" is not a usable timestamp format"]),
        ("{ gaussian = { deviation = 0 } }", ".gaussian.deviation", &["above 0, found 0"]),
        ("{ zscore = { ddof = 2 } }", ".zscore.ddof", &["from 0 to 1, found 2"]),
        ("{ impute = \"medain\" }", ".impute", &["\"median\", \"mean\" or \"mode\", found \"medain\""]),
    ];
    let told = |(step, key, words): &(&str, &str, &[&str])| {
        let text = chain(&format!("\"text\", {step}"));
        wrong(&text, &faults(&text), 3, &format!("column[0].steps[1]{key}"), words)
    };
    let wrong: Vec<String> = cases.iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn columns_aggregates_and_drops() {
    check(
        &[
            Case(
                "[[column]]\nname = \"a\"\nfrom = \"b\"\n[[aggregate]]\nname = \"a\"\nby = \"b\"\ncompute = \"count\"",
                5,
                "aggregate[0].name",
                &["\"a\" is made twice, first on line 2"],
            ),
            Case(
                "[[column]]\nname = \"a\"\ncolumns = \"b*\"",
                2,
                "column[0].name",
                &["would get this one name", "{column} or {text}"],
            ),
            Case(
                "[[column]]\nname = \"{column}\"\ncolumns = \"b*\"\nfrom = \"b\"",
                4,
                "column[0].from",
                &["two sources"],
            ),
            Case(
                "[[aggregate]]\nname = \"n\"\nby = \"a\"\ncompute = \"mean\"",
                1,
                "aggregate[0]",
                &["of is missing"],
            ),
            Case(
                "[[aggregate]]\nname = \"n\"\nby = \"a\"\nof = \"b\"\ncompute = \"sums\"",
                5,
                "aggregate[0].compute",
                &[
                    "\"mean\", \"median\", \"count\", \"distinct\", \"sum\",",
                    "\"first\" or \"last\", found \"sums\"",
                ],
            ),
            Case(
                "[[aggregate]]\nname = \"n\"\ncompute = \"count\"",
                1,
                "aggregate[0].by",
                &["missing", "groups"],
            ),
            Case(
                "[[drop]]\ncolumns = [\"a\"]\nabove_quantile = 0.9\nbelow_quantile = 0.1",
                1,
                "drop[0]",
                &["one of missing_share, above_quantile, below_quantile"],
            ),
            Case("[[drop]]\ncolumns = [\"a\"]", 1, "drop[0]", &["one of missing_share"]),
            Case("[[drop]]\nmissing_share = 1", 1, "drop[0].columns", &["missing", "names or globs"]),
            Case("[[drop]]\ncolumns = []\nmissing_share = 1", 2, "drop[0].columns", &["at least one"]),
            Case(
                "[[drop]]\ncolumns = [\"a\"]\nmissing_share = 0",
                3,
                "drop[0].missing_share",
                &["above 0, 1 at most, found 0"],
            ),
            Case(
                "[[drop]]\ncolumns = [\"a\"]\nabove_quantile = 99",
                3,
                "drop[0].above_quantile",
                &["0 to 1, found 99"],
            ),
        ],
        faults,
    );
}

#[test]
fn parameters_that_are_not_there_or_no_numbers() {
    check(
        &[
            Case(
                "[parameters]\nyear = \"2026\"",
                2,
                "parameters.year",
                &["expected a number, found \"2026\""],
            ),
            Case(
                "[parameters]\nyear = 2026\n[[column]]\nname = \"a\"\nsteps = [{ subtract = \"$jahr\" }]",
                5,
                "column[0].steps[0].subtract",
                &["no parameter is called \"jahr\"", "[parameters] has year"],
            ),
            Case("[analysis]\nk = \"$k\"", 2, "analysis.k", &["no parameter is called \"k\"", "has none"]),
            Case(
                "[parameters]\nk = 2.5\n[analysis]\nk = \"$k\"",
                4,
                "analysis.k",
                &["a whole number", "\"$k\""],
            ),
        ],
        faults,
    );
    let set =
        |text: &str| Spec::parse("r.toml", text, &parameters(&[("jahr", 2025.0)])).unwrap_err().to_string();
    assert_eq!(
        set("[parameters]\nyear = 2026"),
        "r.toml, line 1:1, parameters: the call sets \"jahr\", but this recipe has no such parameter"
    );
    assert!(set("[analysis]\nk = 2").contains("the call sets \"jahr\", but this recipe has no [parameters]"));
}

#[test]
fn text_that_is_no_toml() {
    for (text, line, words) in [
        ("[analysis]\nsweep = [2, 3\n", 2, "]"),
        ("[analysis]\nk = 2\nk = 3\n", 3, "duplicate key"),
        ("[analysis]\nk =\n", 2, "value"),
        ("[analysis]\nk 3\n", 2, "="),
        ("[output]\nfolder = \"a\n", 2, "\""),
        ("[analysis\nk = 3\n", 1, "]"),
    ] {
        let found = faults(text);
        let first = &found[0];
        assert!(first.line == line || first.line == line + 1, "{text}: {found:?}");
        assert!(found.iter().any(|f| f.what.contains(words)), "{text}: {found:?}");
    }
}

#[test]
fn recipes_that_do_not_suit_their_table() {
    check(
        &[
            Case(
                "\n[[column]]\nname = \"x\"\nfrom = \"pey\"\nsteps = [\"log1p\"]",
                2,
                "x",
                &["no column is called \"pey\"", "did you mean pay?"],
            ),
            Case(
                "[[column]]\nname = \"ages\"\nsteps = [\"log1p\"]",
                1,
                "ages",
                &["\"ages\"", "did you mean age?"],
            ),
            Case(
                "[[column]]\nname = \"zebra\"\nscale = \"none\"",
                1,
                "zebra",
                &["there are age, pay, plan, who"],
            ),
            Case(
                "[[column]]\nname = \"x\"\nfrom = \"pay\"\n\
                 steps = [{ quantile_cut = { at = [0.5], labels = [\"a\", \"b\"], over = \"plam\" } }]",
                1,
                "x",
                &["\"plam\"", "did you mean plan?"],
            ),
            Case(
                "[[aggregate]]\nname = \"x\"\nby = \"plan\"\nof = \"pai\"\ncompute = \"mean\"",
                1,
                "x",
                &["\"pai\"", "did you mean pay?"],
            ),
            Case("[[column]]\nname = \"{column}\"\ncolumns = \"q*\"", 1, "columns", &["no column", "\"q*\""]),
            Case(
                "[[column]]\nname = \"plan_{column}\"\ncolumns = \"*a*\"\n\
                 [[aggregate]]\nname = \"plan_age\"\nby = \"plan\"\ncompute = \"count\"",
                4,
                "plan_age",
                &["made twice"],
            ),
            Case(
                "[[drop]]\ncolumns = [\"pays\"]\nmissing_share = 1",
                1,
                "drop[0].columns",
                &["did you mean pay?"],
            ),
            Case(
                "[[drop]]\ncolumns = [\"plan\"]\nabove_quantile = 0.9",
                1,
                "drop[0].columns",
                &["column plan", "numbers"],
            ),
            Case("\n[features]\ncolumns = [\"pay\", \"agee\"]", 2, "features.columns", &["\"agee\"", "age"]),
            Case(
                "[features]\ncolumns = [\"pay\"]\ndrop = [\"zz*\"]",
                1,
                "features.drop",
                &["\"zz*\"", "there are"],
            ),
            Case(
                "[[column]]\nname = \"d\"\nfrom = \"a\"\nsteps = [\"log1p\"]\n\
                 [[column]]\nname = \"a\"\nfrom = \"b\"\nsteps = [\"log1p\"]\n\
                 [[column]]\nname = \"b\"\nfrom = \"c\"\nsteps = [\"log1p\"]\n\
                 [[column]]\nname = \"c\"\nfrom = \"a\"\nsteps = [\"log1p\"]",
                5,
                "a",
                &["these columns are made from each other in a circle: a, b, c"],
            ),
        ],
        fit_faults,
    );
}

#[test]
fn chains_that_do_not_suit_their_column() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("plan", "{ add = { column = \"age\" } }", &["add needs numbers, found text such as \"free\""]),
        (
            "age",
            "{ divide = { by = \"who\" } }",
            &["divide needs numbers in column who, found text such as \"a\""],
        ),
        ("age", "{ divide = { by = \"pai\" } }", &["no column is called \"pai\"", "did you mean pay?"]),
        ("plan", "\"log1p\"", &["log1p needs numbers, found text such as \"free\""]),
        ("plan", "{ impute = \"median\" }", &["impute needs numbers, found text such as \"free\""]),
        ("plan", "{ cut = { at = [1], labels = [\"a\", \"b\"] } }", &["cut needs numbers"]),
        ("plan", "\"zscore\"", &["zscore needs numbers"]),
        (
            "plan",
            "{ ordered = [\"free\", \"pro\"] }",
            &["ordered: the recipe does not list \"team\" in 1 row"],
        ),
        (
            "plan",
            "{ map = { to = { pro = 1 } } }",
            &["map: the recipe does not list \"free\" in 2 rows, \"team\" in 1 row"],
        ),
        (
            "plan",
            "{ timestamp = \"%Y-%m-%d\" }",
            &["row 1", "\"free\" is not a timestamp in the format \"%Y-%m-%d\""],
        ),
        ("pay", "{ fill = \"none\" }", &["fill with the text \"none\" needs texts"]),
        ("age", "{ range = [0, 1] }, { impute = \"mean\" }", &["impute: every value is missing"]),
    ];
    let told = |(from, steps, words): &(&str, &str, &[&str])| {
        let text = format!("[[column]]\nname = \"x\"\nfrom = \"{from}\"\nsteps = [{steps}]");
        wrong(&text, &fit_faults(&text), 1, "x", words)
    };
    let wrong: Vec<String> = cases.iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn treatments_that_do_not_suit_their_column() {
    let cases: [(&str, &str, &str); 5] = [
        (
            "plan",
            "scale = \"robust\"",
            "scale is for numbers and for columns of two values, and this column holds text",
        ),
        (
            "pay",
            "one_hot = { top = 3 }",
            "one_hot is for texts, and this column holds numbers; the step text",
        ),
        ("pay", "one_hot = { order = \"name\" }", "one_hot is for texts, and this column holds numbers"),
        (
            "pay",
            "steps = [{ compare = { is = \">=\", to = 20 } }]\none_hot = { top = 2 }",
            "one_hot is for texts, and this column holds",
        ),
        (
            "age",
            "steps = [\"text\"]\nscale = \"none\"",
            "scale is for numbers and for columns of two values, and this column holds text",
        ),
    ];
    let told = |(from, keys, word): &(&str, &str, &str)| {
        let text = format!("[[column]]\nname = \"x\"\nfrom = \"{from}\"\n{keys}");
        wrong(&text, &fit_faults(&text), 1, "x", &[word])
    };
    let wrong: Vec<String> = cases.iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_only_the_data_can_say_is_an_error_of_the_data() {
    for (text, words) in [
        ("[features]\ncolumns = [\"plan\"]\nmax_categories = 2", "3 distinct texts, more than 2"),
        ("[features]\ncolumns = [\"age\"]\nmissing = \"error\"", "row 2: the value is missing"),
        (
            "[[drop]]\ncolumns = [\"pay\"]\nabove_quantile = 0\n[[drop]]\ncolumns = [\"pay\"]\nbelow_quantile = 1",
            "none is left",
        ),
    ] {
        let error = parse(text).fit(&mut table()).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Data { .. }), "{error:?}");
        assert!(error.to_string().starts_with("t.csv") && error.to_string().contains(words), "{error}");
    }
}

#[test]
fn all_faults_are_said_in_the_order_of_the_text() {
    let text = "[analysis]\nk = 0\nsweep = \"x\"\n[[column]]\nnam = \"a\"\nsteps = [\"logp\", { divide = 0 }]\n\
                [input]\nrows = 5\n[output]\nfile = \"x\"";
    let found = faults(text);
    let places: Vec<(u64, &str)> = found.iter().map(|f| (f.line, f.key.as_str())).collect();
    assert_eq!(
        places,
        [
            (2, "analysis.k"),
            (3, "analysis.sweep"),
            (4, "column[0].name"),
            (5, "column[0].nam"),
            (6, "column[0].steps[0]"),
            (6, "column[0].steps[1].divide"),
            (8, "input.rows"),
            (10, "output.file"),
        ]
    );
    let said = Error::Recipe(found).to_string();
    assert_eq!(said.lines().count(), 8);
    assert!(said.starts_with("r.toml, line 2:5, analysis.k: expected a whole number from 1"), "{said}");

    let text = "[features]\ncolumns = [\"pay\"]\n\
                [[column]]\nname = \"x\"\nfrom = \"plan\"\nsteps = [\"log1p\"]\n\
                [[column]]\nname = \"y\"\nfrom = \"plan\"\nsteps = [\"zscore\"]\n\
                [[column]]\nname = \"z\"\nfrom = \"who\"\nsteps = [{ multiply = 2 }]";
    for _ in 0..20 {
        let places: Vec<(u64, String)> = fit_faults(text).into_iter().map(|f| (f.line, f.key)).collect();
        assert_eq!(places, [(3, "x".into()), (7, "y".into()), (11, "z".into())]);
    }
    let text = "[[aggregate]]\nname = \"x\"\nby = \"plane\"\ncompute = \"count\"\n\
                [[column]]\nname = \"{column}\"\ncolumns = \"q*\"\n\
                [[column]]\nname = \"y\"\nfrom = \"agee\"\nsteps = [\"log1p\"]";
    let lines: Vec<u64> = fit_faults(text).iter().map(|f| f.line).collect();
    assert_eq!(lines, [1, 5, 8]);
}
