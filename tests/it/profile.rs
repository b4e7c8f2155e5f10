//! What the segments are: figures against naive ones, intervals and tests against SciPy and statsmodels, and the promises.

mod goldens;

use rayon::ThreadPoolBuilder;
use segmenta::profile::{Context, Measure, Members, Options, Profile, profile};
use segmenta::random::{Draws, Purpose, Stream};
use segmenta::table::{Column, Table, Values};
use segmenta::weights::Weights;
use serde_json::Value;

fn stream(index: u64) -> Stream {
    Draws::new(5, Purpose::SynthTable).at(index)
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.into(), values }
}

fn numbers(name: &str, values: impl IntoIterator<Item = f64>) -> Column {
    column(name, Values::Number(values.into_iter().collect()))
}

fn texts<'a>(name: &str, cells: impl IntoIterator<Item = &'a str>) -> Column {
    let (mut levels, mut codes) = (Vec::<String>::new(), Vec::new());
    for cell in cells {
        let found = levels.iter().position(|level| level == cell);
        codes.push((!cell.is_empty()).then(|| {
            found.unwrap_or_else(|| {
                levels.push(cell.into());
                levels.len() - 1
            }) as u32
        }));
    }
    column(name, Values::Text { levels, codes })
}

fn table(columns: Vec<Column>) -> Table {
    Table { source: "t".into(), rows: columns[0].values.len(), columns, ..Table::default() }
}

fn of(table: &Table, segments: &[Option<u32>], k: usize, weights: Option<&Weights>) -> Profile {
    let members = Members::new(segments, k, weights).unwrap();
    profile(table, &members, &Options::default(), &Context::default()).unwrap()
}

/// Numbers, numbers with gaps, flags and categories of 700 rows in three segments; some rows have none.
fn mixed(seed: u64) -> (Table, Vec<Option<u32>>) {
    let mut draws = stream(seed);
    let rows = 700;
    let segments: Vec<Option<u32>> =
        (0..rows).map(|_| Some(draws.below(4) as u32).filter(|&s| s < 3)).collect();
    let pay =
        |draws: &mut Stream, s: Option<u32>| 100.0 + 7.0 * f64::from(s.unwrap_or(9)) + 10.0 * draws.normal();
    let pay: Vec<f64> = segments.iter().map(|&s| pay(&mut draws, s)).collect();
    let gaps: Vec<f64> =
        (0..rows).map(|_| if draws.uniform() < 0.2 { f64::NAN } else { draws.below(30) as f64 }).collect();
    let flag: Vec<f64> = (0..rows).map(|_| f64::from(u8::from(draws.uniform() < 0.3))).collect();
    let cities = ["Pune", "Oslo", "Lima", ""];
    let city: Vec<&str> = segments
        .iter()
        .map(|s| cities[(draws.below(3) as usize * s.unwrap_or(1) as usize + draws.below(2) as usize) % 4])
        .collect();
    let table =
        table(vec![numbers("pay", pay), numbers("gaps", gaps), numbers("flag", flag), texts("city", city)]);
    (table, segments)
}

/// The values of a segment's rows in a column that are not missing, sorted; each as often as it counts.
fn sorted(table: &Table, name: &str, take: impl Fn(usize) -> usize) -> Vec<f64> {
    let column = table.column(name).unwrap();
    let mut found = Vec::new();
    for row in 0..table.rows {
        let value = column.values.number(row).unwrap();
        if !value.is_nan() {
            found.extend(std::iter::repeat_n(value, take(row)));
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}: {a} {b}");
}

/// Half of the way between, a quarter of it and so on, by counting on a line of n - 1 steps.
fn quartile(sorted: &[f64], quarter: usize) -> f64 {
    let steps = (sorted.len() - 1) * quarter;
    let (low, rest) = (sorted[steps / 4], steps % 4);
    if rest == 0 { low } else { low + (sorted[steps / 4 + 1] - low) * rest as f64 / 4.0 }
}

#[test]
fn figures_are_those_of_a_naive_computation() {
    let (table, segments) = mixed(1);
    let weights: Vec<f64> = (0..table.rows).map(|row| (row * 7 % 4) as f64).collect();
    for weighted in [false, true] {
        let given = weighted.then(|| Weights::new(&weights).unwrap());
        let found = of(&table, &segments, 3, given.as_ref());
        let copies = |row: usize| if weighted { weights[row] as usize } else { 1 };
        let labelled = |row: usize| segments[row].map_or(0, |_| copies(row));
        let everybody: usize = (0..table.rows).map(labelled).sum();
        for (s, one) in found.segments.iter().enumerate() {
            let take = |row: usize| if segments[row] == Some(s as u32) { copies(row) } else { 0 };
            let size = (0..table.rows).filter(|&row| take(row) > 0).count();
            assert_eq!(one.size, size as u64);
            let count: usize = (0..table.rows).map(take).sum();
            close(one.share, count as f64 / everybody as f64, 1e-14, "share");
            for name in ["pay", "gaps", "flag"] {
                let values = sorted(&table, name, take);
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
                let figures = one.numeric.get(name).unwrap();
                close(figures.mean.unwrap(), mean, 1e-12, name);
                close(figures.sd.unwrap(), variance.sqrt(), 1e-11, name);
                for (quarter, value) in [(1, figures.q1), (2, figures.median), (3, figures.q3)] {
                    close(value.unwrap(), quartile(&values, quarter), 1e-12, name);
                }
                let gaps = (0..table.rows)
                    .filter(|&row| take(row) > 0 && table.column(name).unwrap().values.is_missing(row));
                assert_eq!(figures.missing, gaps.count() as u64, "{name}");
            }
            let city = table.column("city").unwrap();
            let weigh = |level: &str, take: &dyn Fn(usize) -> usize| -> f64 {
                (0..table.rows).filter(|&row| city.values.cell(row) == level).map(take).sum::<usize>() as f64
            };
            let there = |take: &dyn Fn(usize) -> usize| -> f64 {
                ["Pune", "Oslo", "Lima"].iter().map(|level| weigh(level, take)).sum()
            };
            let levels = one.levels.get("city").unwrap();
            assert_eq!(levels.len(), 3);
            for level in levels {
                let share = weigh(&level.level, &take) / there(&take);
                let overall = weigh(&level.level, &labelled) / there(&labelled);
                close(level.share, share, 1e-14, "share");
                close(level.overall, overall, 1e-14, "overall");
                close(level.lift, share - overall, 1e-14, "lift");
                assert!(level.low <= share && share <= level.high);
            }
        }
        // Between and within by sums over single rows.
        let pay = table.column("pay").unwrap();
        let all = sorted(&table, "pay", labelled);
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let total: f64 = all.iter().map(|v| (v - mean).powi(2)).sum();
        let mut within = 0.0;
        for s in 0..3 {
            let own = found.segments[s].numeric.get("pay").unwrap().mean.unwrap();
            let rows = (0..table.rows).filter(|&row| segments[row] == Some(s as u32));
            within += rows
                .map(|row| copies(row) as f64 * (pay.values.number(row).unwrap() - own).powi(2))
                .sum::<f64>();
        }
        let share = found.separation.iter().find(|s| s.column == "pay").unwrap().share;
        close(share, 1.0 - within / total, 1e-11, "eta squared");
        let order: Vec<f64> = found.separation.iter().map(|s| s.share).collect();
        assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");
    }
}

#[test]
fn effects_are_distances_from_the_rest() {
    let (table, segments) = mixed(2);
    let found = of(&table, &segments, 3, None);
    let one = found.segments[2].traits.iter().find(|t| t.column == "pay").unwrap();
    let split =
        |own: bool| sorted(&table, "pay", |row| segments[row].map_or(0, |s| usize::from((s == 2) == own)));
    let (own, rest) = (split(true), split(false));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let squares = |v: &[f64]| v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>();
    let pooled = (squares(&own) + squares(&rest)) / (own.len() + rest.len() - 2) as f64;
    close(one.effect, (mean(&own) - mean(&rest)) / pooled.sqrt(), 1e-11, "d");
    assert_eq!((one.measure, one.level.as_ref()), (Measure::Mean, None));
    let sizes: Vec<f64> = found.segments[2].traits.iter().map(|t| t.effect.abs()).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes.iter().all(|s| *s >= 0.2), "{sizes:?}");
    assert!(found.segments.iter().flat_map(|s| &s.traits).all(|t| t.q_value < 0.05));
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let (table, segments) = mixed(3);
    let copies: Vec<usize> = (0..table.rows).map(|row| row * 11 % 5).collect();
    let given: Vec<f64> = copies.iter().map(|&c| c as f64).collect();
    let weighted = of(&table, &segments, 3, Some(&Weights::new(&given).unwrap()));
    let rows: Vec<usize> = (0..table.rows).flat_map(|row| std::iter::repeat_n(row, copies[row])).collect();
    let repeated = |values: &Values| match values {
        Values::Number(v) => Values::Number(rows.iter().map(|&row| v[row]).collect()),
        Values::Text { levels, codes } => {
            Values::Text { levels: levels.clone(), codes: rows.iter().map(|&row| codes[row]).collect() }
        }
        other => panic!("{other:?}"),
    };
    let columns = table.columns.iter().map(|c| column(&c.name, repeated(&c.values))).collect();
    let long = self::table(columns);
    let labels: Vec<Option<u32>> = rows.iter().map(|&row| segments[row]).collect();
    let plain = of(&long, &labels, 3, None);
    for (a, b) in weighted.segments.iter().zip(&plain.segments) {
        close(a.share, b.share, 1e-14, "share");
        assert_eq!(a.description, b.description);
        assert_eq!(a.levels, b.levels, "shares are quotients of whole numbers");
        for ((name, a), (_, b)) in a.numeric.0.iter().zip(&b.numeric.0) {
            let pairs = [(a.mean, b.mean), (a.sd, b.sd), (a.low, b.low), (a.high, b.high)];
            pairs.iter().for_each(|(a, b)| close(a.unwrap(), b.unwrap(), 1e-11, name));
            assert_eq!((a.q1, a.median, a.q3), (b.q1, b.median, b.q3), "{name}");
        }
        assert_eq!(a.traits.len(), b.traits.len());
        for (a, b) in a.traits.iter().zip(&b.traits) {
            assert_eq!((&a.column, &a.level), (&b.column, &b.level));
            close(a.effect, b.effect, 1e-10, "effect");
            close(a.q_value, b.q_value, 1e-9, "q");
        }
    }
}

#[test]
fn weights_that_are_not_whole_are_proportions() {
    let (table, segments) = mixed(4);
    let given: Vec<f64> = (0..table.rows).map(|row| 0.1 + (row % 17) as f64 * 0.37).collect();
    let of_scaled = |factor: f64| {
        let weights: Vec<f64> = given.iter().map(|w| w * factor).collect();
        serde_json::to_string(&of(&table, &segments, 3, Some(&Weights::new(&weights).unwrap()))).unwrap()
    };
    assert_eq!(of_scaled(1.0), of_scaled(0.37));
    // Equal weights that are not whole are no weights: the intervals do not shrink or grow.
    let even = of(&table, &segments, 3, Some(&Weights::new(&vec![0.25; table.rows]).unwrap()));
    let plain = of(&table, &segments, 3, None);
    for (a, b) in even.segments.iter().zip(&plain.segments) {
        let (a, b) = (a.numeric.get("pay").unwrap(), b.numeric.get("pay").unwrap());
        close(a.low.unwrap(), b.low.unwrap(), 1e-11, "low");
        close(a.sd.unwrap(), b.sd.unwrap(), 1e-11, "sd");
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let mut draws = stream(90);
    let rows = 30_000;
    let segments: Vec<Option<u32>> = (0..rows).map(|_| Some(draws.below(5) as u32)).collect();
    let columns = (0..6).map(|c| numbers(&format!("c{c}"), (0..rows).map(|_| draws.normal() * 1e3)));
    let table = table(columns.collect());
    let with = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        serde_json::to_string(&pool.install(|| of(&table, &segments, 5, None))).unwrap()
    };
    let one = with(1);
    assert!([2, 3, 7].iter().all(|&threads| with(threads) == one));
}

#[test]
fn noise_has_no_traits_and_a_difference_is_one() {
    let mut draws = stream(91);
    let rows = 3_000;
    let segments: Vec<Option<u32>> = (0..rows).map(|_| Some(draws.below(6) as u32)).collect();
    let mut columns: Vec<Column> = (0..40)
        .map(|c| numbers(&format!("c{c}"), (0..rows).map(|_| draws.normal()).collect::<Vec<_>>()))
        .collect();
    let letters = ["a", "b", "c", "d", "e", "f", "g", "h"];
    columns.push(texts("letter", (0..rows).map(|_| letters[draws.below(8) as usize])));
    // Some segments of few rows, where chance makes large differences.
    let few: Vec<Option<u32>> = (0..rows).map(|row| Some(if row < 5 { row as u32 } else { 5 })).collect();
    let mut table = table(columns);
    for segments in [&segments, &few] {
        let found = of(&table, segments, 6, None);
        let traits: Vec<_> = found.segments.iter().flat_map(|s| &s.traits).collect();
        assert!(traits.is_empty(), "{traits:?}");
        let average = ["close to the average in every column", "too few rows to tell what sets it apart"];
        for s in &found.segments {
            // Where there are many rows, no difference is large.
            assert_eq!(s.description, average[usize::from(s.size == 1)]);
        }
        assert_eq!(found.comparisons, 6 * 48);
    }
    let shifted = (0..rows).map(|row| draws.normal() + if segments[row] == Some(4) { 0.65 } else { 0.0 });
    table.columns.push(numbers("shifted", shifted.collect::<Vec<_>>()));
    let found = of(&table, &segments, 6, None);
    assert_eq!(found.segments[4].description, "high shifted");
    let other: Vec<_> = found.segments.iter().filter(|s| s.segment != 4).flat_map(|s| &s.traits).collect();
    assert!(other.is_empty(), "{other:?}");
}

/// Keys that may be null in JSON: a figure of too few values, or a trait without a category.
const MAY_LACK: [&str; 8] = ["mean", "sd", "q1", "median", "q3", "low", "high", "level"];

/// No NaN and no infinity, which JSON writes as null.
fn sound(value: &Value, key: &str) {
    match value {
        Value::Null => assert!(MAY_LACK.contains(&key), "{key} is null"),
        Value::Array(list) => list.iter().for_each(|v| sound(v, key)),
        Value::Object(map) => map.iter().for_each(|(key, v)| sound(v, key)),
        _ => {}
    }
}

#[test]
fn degenerate_tables_have_an_answer() {
    let cases: Vec<(&str, Vec<Column>, Vec<u32>)> = vec![
        ("all rows equal", vec![numbers("x", vec![0.1; 9]), texts("t", vec!["a"; 9])], vec![0; 9]),
        (
            "equal rows in two segments",
            vec![numbers("x", vec![0.1; 9]), texts("t", vec!["a"; 9])],
            (0..9).map(|r| r % 2).collect(),
        ),
        (
            "as many segments as rows",
            vec![numbers("x", (0..40).map(|i| f64::from(i * i)))],
            (0..40).collect(),
        ),
        ("one row", vec![numbers("x", [3.0])], vec![0]),
        ("two rows", vec![numbers("x", [3.0, 4.0]), texts("t", ["a", "b"])], vec![0, 1]),
        (
            "a segment of one row",
            vec![numbers("x", (0..50).map(|i| f64::from(i % 7) + if i == 0 { 900.0 } else { 0.0 }))],
            (0..50).map(|i| u32::from(i == 0)).collect(),
        ),
        (
            "all missing",
            vec![numbers("x", vec![f64::NAN; 8]), column("e", Values::Empty(8)), texts("t", vec![""; 8])],
            (0..8).map(|r| r % 2).collect(),
        ),
        (
            "missing in one segment",
            vec![
                numbers("x", [1.0, 2.0, 3.0, f64::NAN, f64::NAN]),
                texts("t", ["a", "b", "c", "", ""]),
                column("b", Values::Bool(vec![Some(true), None, Some(false), None, None])),
            ],
            vec![0, 0, 0, 1, 1],
        ),
        (
            "constant in each segment",
            vec![numbers("x", (0..60).map(|i| if i < 30 { 0.1 + 0.2 } else { 0.3 }))],
            (0..60).map(|i| u32::from(i < 30)).collect(),
        ),
        (
            "numbers at the ends of the range",
            vec![
                numbers("huge", (0..20).map(|i| if i % 3 == 0 { 1e308 } else { -1e308 })),
                numbers("large", (0..20).map(|i| 1e160 * f64::from(i))),
                numbers("tiny", (0..20).map(|i| 5e-324 * f64::from(i))),
                numbers("zeros", (0..20).map(|i| if i % 2 == 0 { 0.0 } else { -0.0 })),
            ],
            (0..20).map(|i| i % 2).collect(),
        ),
    ];
    for (name, columns, labels) in cases {
        let table = table(columns);
        let k = *labels.iter().max().unwrap() as usize + 1;
        let segments: Vec<Option<u32>> = labels.iter().map(|&s| Some(s)).collect();
        // With weights, and with a segment that nobody is in.
        let weights = Weights::new(&vec![0.5; table.rows]).unwrap();
        for (k, weights) in [(k, None), (k, Some(&weights)), (k + 1, None)] {
            let found = of(&table, &segments, k, weights);
            sound(&serde_json::to_value(&found).unwrap(), name);
            assert!(found.segments.iter().all(|s| !s.description.is_empty()), "{name}");
            let left: Vec<&str> = found.left_out.iter().map(|l| l.column.as_str()).collect();
            match name {
                "all missing" => assert_eq!(left, ["x", "e", "t"]),
                "numbers at the ends of the range" => assert_eq!(left, ["huge", "large"]),
                "as many segments as rows" | "equal rows in two segments" => {
                    assert!(found.segments.iter().all(|s| s.traits.is_empty()), "{name}: {found:?}");
                }
                "a segment of one row" => assert_eq!(found.segments[1].description, "very high x"),
                "constant in each segment" => assert!(found.segments.iter().all(|s| s.traits.is_empty())),
                _ => {}
            }
        }
    }
    assert!(Members::new(&[None, None], 2, None).unwrap_err().to_string().contains("no row has a segment"));
    assert!(Members::new(&[Some(2)], 2, None).unwrap_err().to_string().contains("no segment 2"));
}

#[test]
fn two_clean_groups_differ_however_little_they_vary() {
    let labels: Vec<Option<u32>> = (0..60).map(|i| Some(u32::from(i < 20))).collect();
    let table = table(vec![numbers("x", (0..60).map(|i| if i < 20 { 7.0 } else { 5.0 }))]);
    let found = of(&table, &labels, 2, None);
    let one = &found.segments[1].traits[0];
    assert!(one.effect > 1.0 && one.effect.is_finite() && one.q_value < 1e-10, "{one:?}");
    assert_eq!((one.low, one.high), (Some(7.0), Some(7.0)));
}

#[test]
fn columns_that_say_the_same_are_one_trait() {
    let mut draws = stream(92);
    let pay: Vec<f64> = (0..2_000).map(|_| draws.below(90_000) as f64 + 1.0).collect();
    let labels: Vec<Option<u32>> = pay.iter().map(|p| Some(u32::from(*p > 60_000.0))).collect();
    let band = |p: &f64| ["low", "middle", "high", "top"][(*p / 22_500.1) as usize];
    let roles = ["lead", "dev", "test", "sales", "care"];
    let role: Vec<&str> = (0..2_000).map(|_| roles[draws.below(5) as usize]).collect();
    let leads: Vec<f64> = role.iter().map(|r| f64::from(u8::from(*r == "lead"))).collect();
    let yes = role.iter().map(|r| if *r == "lead" { "yes" } else { "no" });
    let columns = vec![
        numbers("pay in cents", pay.iter().map(|p| p * 100.0)),
        numbers("pay", pay.clone()),
        numbers("minus log pay", pay.iter().map(|p| -libm::log(*p))),
        texts("band", pay.iter().map(band)),
        texts("role", role.clone()),
        numbers("leads", leads),
        texts("leader", yes),
    ];
    let table = table(columns);
    let members = Members::new(&labels, 2, None).unwrap();
    let context = Context { features: vec!["pay".into()], ..Context::default() };
    let like = |options: &Options| {
        let found = profile(&table, &members, options, &context).unwrap();
        assert_eq!(found.segments[1].traits.len(), 1, "{:?}", found.segments[1].traits);
        let like: Vec<(String, String)> = found.alike.into_iter().map(|a| (a.column, a.like)).collect();
        (found.segments[1].description.clone(), like)
    };
    let pair = |(a, b): (&str, &str)| (a.to_string(), b.to_string());
    // The feature comes first. A role says more than whether it is the first one.
    let (description, found) = like(&Options::default());
    assert_eq!(description, "very high pay");
    let expected = [("pay in cents", "pay"), ("minus log pay", "pay"), ("band", "pay"), ("leader", "leads")];
    assert_eq!(found, expected.map(pair));
    // The order that a person gives is kept.
    let options = Options { columns: vec!["pay*".into(), "band".into()], ..Options::default() };
    assert_eq!(like(&options).1, [("pay", "pay in cents"), ("band", "pay in cents")].map(pair));
}

#[test]
fn columns_are_chosen_by_kind_or_by_name() {
    let rows = 200;
    let city: Vec<String> = (0..rows).map(|i| format!("c{}", i % 60)).collect();
    let name: Vec<String> = (0..rows).map(|i| format!("n{}", i % 120)).collect();
    let columns = vec![
        numbers("row", (0..rows).map(|i| i as f64)),
        numbers("age", (0..rows).map(|i| (i % 13) as f64)),
        texts("city", city.iter().map(String::as_str)),
        texts("name", name.iter().map(String::as_str)),
        column("member", Values::Bool((0..rows).map(|i| Some(i % 3 == 0)).collect())),
        numbers("weight", vec![1.0; rows]),
        numbers("user", (0..rows).map(|i| ((i * 77) % 1_000) as f64)),
    ];
    let table = table(columns);
    let segments: Vec<Option<u32>> = (0..rows).map(|i| Some((i % 2) as u32)).collect();
    let members = Members::new(&segments, 2, None).unwrap();
    let context = Context { never: vec!["weight".into(), "user".into()], ..Context::default() };
    let of = |columns: &[&str], top: usize| {
        let options =
            Options { columns: columns.iter().map(|c| c.to_string()).collect(), top, typical: 0, lifts: 0 };
        profile(&table, &members, &options, &context)
    };
    let found = of(&[], 50).unwrap();
    let mut described: Vec<&str> = found.separation.iter().map(|s| s.column.as_str()).collect();
    described.sort_unstable();
    assert_eq!(described, ["age", "member"]);
    let left: Vec<&str> = found.left_out.iter().map(|l| l.column.as_str()).collect();
    assert_eq!(left, ["row", "city", "name"]);
    assert!(found.left_out[1].why.contains("60 different texts, more than 50"), "{:?}", found.left_out);

    let found = of(&["city"], 10).unwrap();
    let levels = found.segments[0].levels.get("city").unwrap();
    assert_eq!((levels.len(), levels[10].level.as_str()), (11, "(other)"));
    assert!((levels.iter().map(|l| l.share).sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(found.comparisons == 20, "the others are no category: {}", found.comparisons);
    // One more than the commonest is shown by its name.
    assert_eq!(of(&["city"], 59).unwrap().segments[0].levels.get("city").unwrap().len(), 60);

    assert!(of(&["agee"], 50).unwrap_err().to_string().contains("age"));
    assert!(of(&["x*"], 50).unwrap_err().to_string().contains("x*"));
    assert!(of(&["user"], 50).unwrap_err().to_string().contains("identifies"));
    assert!(of(&["*"], 50).unwrap().separation.iter().all(|s| s.column != "user" && s.column != "weight"));
}

#[test]
fn the_text_that_stands_for_all_others_is_no_trait() {
    let rows = 300;
    let company = |i: usize| if i < 100 { "Company A" } else { "Company Z+" };
    let table = table(vec![texts("company", (0..rows).map(company))]);
    let segments: Vec<Option<u32>> = (0..rows).map(|i| Some(u32::from(i >= 100))).collect();
    let members = Members::new(&segments, 2, None).unwrap();
    let described = |rest: &[(&str, &str)]| {
        let rest = rest.iter().map(|(column, text)| (column.to_string(), text.to_string())).collect();
        let context = Context { rest, ..Context::default() };
        let found = profile(&table, &members, &Options::default(), &context).unwrap();
        assert_eq!(found.segments[1].levels.get("company").map(Vec::len), Some(2), "it is still counted");
        let levels = found.segments.iter().flat_map(|s| &s.traits).filter_map(|t| t.level.clone());
        levels.collect::<Vec<String>>()
    };
    let named = described(&[]);
    assert!(named.contains(&"Company Z+".to_string()), "{named:?}");
    let named = described(&[("company", "Company Z+")]);
    assert!(!named.is_empty() && !named.contains(&"Company Z+".to_string()), "{named:?}");
    // The same text in another column is a text like any other.
    assert!(described(&[("shop", "Company Z+")]).contains(&"Company Z+".to_string()));
}

#[test]
fn descriptions_are_words() {
    let rows = 900;
    let segment = |i: usize| (i / 300) as u32;
    let mut draws = stream(93);
    let city = |i: usize| match (segment(i), i % 10) {
        (0, 0..8) => "Pune",
        (1, 0..4) => "Oslo",
        (_, 8) => "Pune",
        _ => "Lima",
    };
    let columns = vec![
        numbers("pay", (0..rows).map(|i| draws.normal() + 3.0 * f64::from(segment(i))).collect::<Vec<_>>()),
        texts("city", (0..rows).map(city)),
        column("member", Values::Bool((0..rows).map(|i| Some(segment(i) == 2 || i % 50 == 0)).collect())),
        numbers("churned", (0..rows).map(|i| f64::from(u8::from(segment(i) == 1 && i % 3 > 0)))),
    ];
    let segments: Vec<Option<u32>> = (0..rows).map(|i| Some(segment(i))).collect();
    let found = of(&table(columns), &segments, 3, None);
    let words: Vec<&str> = found.segments.iter().map(|s| s.description.as_str()).collect();
    assert_eq!(
        words,
        [
            "very low pay, mostly city = Pune, hardly ever member",
            "mostly churned, more often city = Oslo, hardly ever member",
            "always member, very high pay, mostly city = Lima",
        ]
    );
    // Both answers to one question are one trait.
    let member: Vec<_> = found.segments[0].traits.iter().filter(|t| t.column == "member").collect();
    assert_eq!(member.len(), 1);
    assert_eq!(member[0].level.as_deref(), Some("true"));
}

#[test]
fn a_box_to_tick_is_a_share_of_all_rows() {
    let cells = (0..100).map(|i| if i < 40 || i % 10 == 0 { "yes" } else { "" });
    let segments: Vec<Option<u32>> = (0..100).map(|i| Some(u32::from(i < 40))).collect();
    let found = of(&table(vec![texts("ticked", cells)]), &segments, 2, None);
    let share = |s: usize| found.segments[s].levels.get("ticked").unwrap()[0].share;
    assert_eq!((share(0), share(1)), (0.1, 1.0));
    assert_eq!(found.segments[0].missing.get("ticked"), Some(&54));
    assert_eq!(found.segments[1].description, "always ticked = yes");
}
