//! How often the verdict on structure is right: tables whose structure is known, over many seeds.
//!
//! `cargo bench --bench structure -- [--seeds 20] [--first 0] [--n 600] [--d 8] [--max-k 5] [--only NAME] [--figures]`, or
//! `cargo bench --bench structure -- --npy FEATURES.npy [--blocks 3-7,7-9]` for a table of scaled features.

#[path = "../tests/it/structure/tables.rs"]
#[allow(dead_code)]
mod tables;

use segmenta::backend::cpu::Cpu;
use segmenta::progress::Progress;
use segmenta::structure::{OneHotBlock, Options, Structure, Verdict, structure};
use tables::Table;

/// A generator with its name, and the verdicts that are right.
type Generator = (&'static str, &'static [Verdict], Box<dyn Fn(u64) -> Table>);

fn generators(n: usize, d: usize) -> Vec<Generator> {
    use Verdict::{Continuum, None, Outliers, Strong, Weak};
    const NOISE: &[Verdict] = &[None];
    vec![
        ("gaussian", NOISE, Box::new(move |s| tables::gaussian(n, d, s))),
        ("uniform", NOISE, Box::new(move |s| tables::uniform(n, d, s))),
        ("uniform d=2", NOISE, Box::new(move |s| tables::uniform(n, 2, s))),
        ("exponential", NOISE, Box::new(move |s| tables::exponential(n, d, s))),
        ("binary", NOISE, Box::new(move |s| tables::binary(n, d, s))),
        ("one-hot", NOISE, Box::new(move |s| tables::one_hot(n, d, s))),
        ("counts", NOISE, Box::new(move |s| tables::counts(n, d, s))),
        ("lognormal", &[None, Outliers], Box::new(move |s| tables::lognormal(n, d, s))),
        ("one factor", &[Continuum], Box::new(move |s| tables::factors(n, d, 1, s))),
        ("three factors", &[Continuum], Box::new(move |s| tables::factors(n, d, 3, s))),
        ("3 blobs 1 sd", NOISE, Box::new(move |s| tables::blobs(n, d, 3, 1.0, s))),
        ("5 blobs 1 sd", NOISE, Box::new(move |s| tables::blobs(n, d, 5, 1.0, s))),
        ("3 blobs 2 sd", &[None, Continuum], Box::new(move |s| tables::blobs(n, d, 3, 2.0, s))),
        ("5 blobs 2 sd", &[None, Continuum], Box::new(move |s| tables::blobs(n, d, 5, 2.0, s))),
        ("3 blobs 3 sd", &[Weak, Strong], Box::new(move |s| tables::blobs(n, d, 3, 3.0, s))),
        ("5 blobs 3 sd", &[Weak, Strong], Box::new(move |s| tables::blobs(n, d, 5, 3.0, s))),
        ("3 blobs 6 sd", &[Strong], Box::new(move |s| tables::blobs(n, d, 3, 6.0, s))),
        ("5 blobs 6 sd", &[Strong], Box::new(move |s| tables::blobs(n, d, 5, 6.0, s))),
        ("moons", &[Strong], Box::new(move |s| tables::moons(n, 0.05, s))),
        ("90/9/1 6 sd", &[Weak], Box::new(move |s| tables::clouds(n, d, &[0.9, 0.09, 0.01], 6.0, s))),
        ("curve", &[Weak], Box::new(move |s| tables::curve(n, d, s))),
        ("one gap", &[Weak, Strong], Box::new(move |s| tables::one_gap(n, d, s))),
        ("latent classes", &[Weak, Strong], Box::new(move |s| tables::latent_classes(n, d, s))),
    ]
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).cloned();
    let number = |name: &str, default: usize| text(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (seeds, first) = (number("--seeds", 20), number("--first", 0));
    let (n, d, max_k) = (number("--n", 600), number("--d", 8), number("--max-k", 5));
    let rows = number("--rows", segmenta::structure::ROWS);
    let only = text("--only");
    let figures = args.iter().any(|a| a == "--figures");
    if args.iter().any(|a| a == "--test") {
        return;
    }
    if let Some(path) = text("--npy") {
        let blocks: Vec<OneHotBlock> = text("--blocks")
            .iter()
            .flat_map(|list| list.split(','))
            .filter_map(|block| {
                let (from, to) = block.split_once('-')?;
                Some(OneHotBlock { name: block.into(), features: from.parse().ok()?..to.parse().ok()? })
            })
            .collect();
        return on_file(&path, &blocks, max_k, rows, seeds as u64, figures);
    }
    println!("{n} rows, {d} features, k from 2 to {max_k}, seeds {first} to {}", first + seeds - 1);
    println!("{:<16} strong  weak  cont.  none  outl.  right", "% of seeds");
    for (name, right, make) in generators(n, d) {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let mut counts = [0; 5];
        let mut good = 0;
        let started = std::time::Instant::now();
        for seed in first..first + seeds {
            let (matrix, blocks) = make(seed as u64).scaled();
            let options = Options { ks: (2..=max_k).collect(), seed: seed as u64, rows };
            let found = structure(&matrix, &blocks, &options, &Cpu::default(), Progress::none()).unwrap();
            let at = Verdict::WORDS.iter().position(|(_, v)| *v == found.verdict).unwrap();
            counts[at] += 1;
            good += usize::from(right.contains(&found.verdict));
            if figures {
                println!("  {}", line(&found));
            }
        }
        let share = |count: usize| 100.0 * count as f64 / seeds as f64;
        println!(
            "{name:<16} {:>6.0} {:>5.0} {:>6.0} {:>5.0} {:>6.0} {:>6.0}   {:.2} s each",
            share(counts[0]),
            share(counts[1]),
            share(counts[2]),
            share(counts[3]),
            share(counts[4]),
            share(good),
            started.elapsed().as_secs_f64() / seeds as f64
        );
    }
}

/// The figures in one line.
fn line(found: &Structure) -> String {
    let Some(f) = &found.figures else { return found.why.clone() };
    let (s, e, c) = (f.silhouette_excess, f.explained_excess, f.dependence);
    format!(
        "{:<9} k {} sil {:.3} zs {:6.2} xs {:.3} ze {:6.2} zc {:6.2} xc {:.3} G {:.2} PS {:.2} small {:.3} tail {:.3} per {:.2} pt {:.2} {}",
        found.verdict.word(),
        f.k,
        f.silhouette,
        s.z,
        s.difference,
        e.z,
        c.z,
        c.difference,
        f.separated.unwrap_or(f64::NAN),
        f.prediction_strength.unwrap_or(f64::NAN),
        f.smallest,
        f.tail,
        f.persistence.map_or(f64::NAN, |p| p.figure),
        f.persistence.map_or(f64::NAN, |p| p.highest_of_twins),
        if found.borderline { "near" } else { "" }
    )
}

/// The verdict on the features in an `.npy` file of f32, over five seeds, with the time that it takes.
fn on_file(path: &str, blocks: &[OneHotBlock], max_k: usize, rows: usize, seeds: u64, figures: bool) {
    let array: ndarray::Array2<f32> = ndarray_npy::read_npy(path).unwrap();
    let columns: Vec<Vec<f32>> = array.columns().into_iter().map(|c| c.to_vec()).collect();
    let names = (0..columns.len()).map(|j| format!("f{j}")).collect();
    let matrix = segmenta::Matrix::from_columns(names, columns).unwrap();
    for seed in 0..seeds {
        let started = std::time::Instant::now();
        let options = Options { ks: (2..=max_k).collect(), seed, rows };
        let found = structure(&matrix, blocks, &options, &Cpu::default(), Progress::none()).unwrap();
        println!("{:.3} s  {}", started.elapsed().as_secs_f64(), line(&found));
        if figures {
            println!("  {} {}", found.meaning(), found.why);
        }
    }
}
