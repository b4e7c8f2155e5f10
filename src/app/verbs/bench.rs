//! `segmenta bench`: the peak speed of every device, whether it agrees with the CPU, and the time of each step.

mod agreement;
mod machine;
mod report;
mod work;

use super::super::console::{Console, count, result, tell};
use super::super::interrupt::interrupted;
use super::super::{instruction_set, memory_limit, set_threads};
use crate::app::cli::Bench;
use agreement::compare;
use machine::{Machine, machines};
use report::{Device, Found, Step};
use segmenta::analysis::Observer as _;
use segmenta::memory::in_words;
use segmenta::progress;
use segmenta::{Dataset, Error};
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Instant;
use work::{Answer, Size, Trial, Work};

/// The default number of rows: enough work for a GPU, and seconds for two cores.
const ROWS: usize = 30_000;

/// The default for a software device, which is about a hundred times slower.
const SOFTWARE_ROWS: usize = 1_000;

/// `segmenta bench`.
pub fn bench(args: &Bench) -> anyhow::Result<()> {
    set_threads(args.threads)?;
    let set = instruction_set()?;
    let console = Console::new(&args.talk);
    let cpu = Machine::cpu(set)?;
    let machines = machines(args.device, set, &console)?;
    let sizes: Vec<Size> = machines.iter().map(|m| size(args, m.software)).collect();
    for size in &sizes {
        check(size)?;
    }

    let names: Vec<&str> = machines.iter().map(|m| m.device.as_str()).collect();
    console
        .note(&format!("measuring {}; run nothing else on this machine until it is done", names.join(", ")));
    let total = (machines.len() * Work::ALL.len()) as u64 * (u64::from(args.repeats) + 1);
    let desk = Desk { console: &console, repeats: args.repeats as usize, total };
    let mut found = Found::new(args, size(args, false).rows);
    // The CPU's results for each size. Computing them also warms the CPU up.
    let mut expected: BTreeMap<usize, (Trial, Vec<Answer>)> = BTreeMap::new();
    for (m, (machine, size)) in machines.iter().zip(&sizes).enumerate() {
        let first = m * Work::ALL.len() * (desk.repeats + 1);
        desk.step(machine, first)?;
        let (trial, answers) = match expected.entry(size.rows) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let trial = Trial::new(*size)?;
                let answers = desk.answers(&cpu, &trial)?;
                unknown.insert((trial, answers))
            }
        };
        let mut device = Device::new(machine, size.rows);
        match desk.measure(machine, trial, answers, first, &mut device) {
            // The results of the other devices are still worth having.
            Err(Error::Device(why)) if !machine.is_cpu() => device.fail(&why),
            outcome => outcome?,
        }
        found.devices.push(device);
    }
    console.clear();
    if args.talk.json {
        result(&found.to_json()?)?
    } else {
        tell(&found.to_text())?
    }
    let wrong = found.wrong();
    if wrong.is_empty() { Ok(()) } else { anyhow::bail!("WRONG: {}", wrong.join("; ")) }
}

/// The size to measure a device with: smaller for a software device, unless --rows was given.
fn size(args: &Bench, software: bool) -> Size {
    let k = args.k as usize;
    let few = SOFTWARE_ROWS.max(4 * k).min(ROWS);
    let rows = args.rows.map_or(if software { few } else { ROWS }, |rows| rows as usize);
    Size { rows, features: args.features as usize, k, n_init: args.n_init as usize, seed: args.seed }
}

fn check(size: &Size) -> Result<(), Error> {
    let Size { rows, features, k, .. } = *size;
    if k > rows {
        return Err(Error::Usage(format!(
            "--k {k} is more than the {rows} rows; set a smaller --k or a larger --rows"
        )));
    }
    let (wanted, limit) = (size.bytes(rayon::current_num_threads()) as u64, memory_limit());
    if wanted <= limit {
        return Ok(());
    }
    let (wanted, limit) = (in_words(wanted), in_words(limit));
    let table = format!("{rows} rows x {}, k = {k}", count(features, "feature"));
    Err(Error::Usage(format!(
        "{table} needs about {wanted} of memory, but the limit is {limit}; measure a smaller table, or raise --max-memory"
    )))
}

/// The median; of an even number of values, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.get(half), values.len() % 2) {
        (Some(&middle), 1) => middle,
        (Some(&middle), _) => (values[half - 1] + middle) / 2.0,
        (None, _) => 0.0,
    }
}

/// The settings that all measurements share.
struct Desk<'a> {
    console: &'a Console,
    repeats: usize,
    total: u64,
}

impl Desk<'_> {
    fn step(&self, machine: &Machine, done: usize) -> Result<(), Error> {
        let step = progress::ProgressUpdate { stage: &machine.device, done: done as u64, total: self.total };
        if self.console.step(step) { Ok(()) } else { Err(Error::Interrupted) }
    }

    /// The CPU's results.
    fn answers(&self, cpu: &Machine, trial: &Trial) -> Result<Vec<Answer>, Error> {
        let dataset = Dataset::load(cpu.backend(), &trial.matrix)?;
        Work::ALL
            .iter()
            .map(|work| match interrupted() {
                true => Err(Error::Interrupted),
                false => work.run(&dataset, trial, true),
            })
            .collect()
    }

    /// Measures every step on one machine; `first` is the number of its first step among all. After an error, `device`
    /// keeps the results so far.
    fn measure(
        &self,
        machine: &Machine,
        trial: &Trial,
        expected: &[Answer],
        first: usize,
        device: &mut Device,
    ) -> Result<(), Error> {
        let ceilings = machine.ceilings()?;
        device.ceilings = Some(ceilings.into());
        if !machine.is_cpu() {
            device.load_seconds = Some(self.loads(machine, trial)?);
        }
        let dataset = Dataset::load(machine.backend(), &trial.matrix)?;
        for (w, (work, expected)) in Work::ALL.into_iter().zip(expected).enumerate() {
            let at = first + w * (self.repeats + 1);
            self.step(machine, at)?;
            let agreement = match machine.is_cpu() {
                true => None,
                false => Some(compare(&work.run(&dataset, trial, true)?, expected)),
            };
            let mut seconds = Vec::with_capacity(self.repeats);
            for repeat in 0..self.repeats {
                self.step(machine, at + 1 + repeat)?;
                let start = Instant::now();
                let answer = work.run(&dataset, trial, false)?;
                seconds.push(start.elapsed().as_secs_f64());
                drop(answer);
            }
            let mut step = Step::new(work, trial, median(seconds), ceilings, agreement);
            if let Some(bytes) = work.result_bytes(trial).filter(|_| !machine.is_cpu()) {
                let readback = |_| Ok(machine.readback(bytes)?.as_secs_f64());
                let times: Result<_, Error> = (0..self.repeats).map(readback).collect();
                step.readback_seconds = Some(median(times?));
            }
            device.steps.push(step);
        }
        Ok(())
    }

    /// The time to copy a table to the device.
    fn loads(&self, machine: &Machine, trial: &Trial) -> Result<f64, Error> {
        let mut seconds = Vec::with_capacity(self.repeats);
        for _ in 0..self.repeats {
            machine.wait()?;
            let start = Instant::now();
            let rows = machine.backend().load(&trial.matrix)?;
            machine.wait()?;
            seconds.push(start.elapsed().as_secs_f64());
            drop(rows);
        }
        Ok(median(seconds))
    }
}
