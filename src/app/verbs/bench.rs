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

/// No run of a step that compares all pairs of rows takes much more than so many seconds: it gets fewer rows instead.
const MOST_SECONDS: f64 = 15.0;

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
    let works: Vec<Work> = Work::ALL
        .into_iter()
        .filter(|work| args.steps.is_empty() || args.steps.iter().any(|name| name == work.name()))
        .collect();
    let total = (machines.len() * works.len()) as u64 * (u64::from(args.repeats) + 1);
    let mut desk = Desk {
        console: &console,
        repeats: args.repeats as usize,
        total,
        works,
        cpu: &cpu,
        cpu_pairs: cpu.pairs_per_second(cpu.ceilings()?),
        trials: BTreeMap::new(),
    };
    let mut found = Found::new(args, size(args, false).rows);
    for (m, (machine, size)) in machines.iter().zip(&sizes).enumerate() {
        let first = m * desk.works.len() * (desk.repeats + 1);
        desk.step(machine, first)?;
        let mut device = Device::new(machine, size.rows);
        match desk.measure(machine, *size, first, &mut device) {
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

/// Fewer rows, if a run with all of them would take too long: then two digits of a number that takes about as long as it
/// may. `pairs` is how many multiply-adds all pairs take, and `rate` how many are done in a second.
fn bearable(rows: usize, pairs: f64, rate: f64) -> usize {
    let seconds = pairs / rate;
    if seconds <= MOST_SECONDS {
        return rows;
    }
    let most = (rows as f64 * (MOST_SECONDS / seconds).sqrt()) as usize;
    let digit = 10usize.pow(most.max(1).ilog10().saturating_sub(1));
    (most / digit * digit).clamp(100.min(rows), rows)
}

/// A table of one size, and what the CPU found for each step.
type Known = (Trial, BTreeMap<&'static str, Answer>);

/// What all measurements share.
struct Desk<'a> {
    console: &'a Console,
    repeats: usize,
    total: u64,
    works: Vec<Work>,
    cpu: &'a Machine,
    /// Multiply-adds of pairs that the CPU does in a second.
    cpu_pairs: f64,
    /// By the number of rows.
    trials: BTreeMap<usize, Known>,
}

impl Desk<'_> {
    fn step(&self, machine: &Machine, done: usize) -> Result<(), Error> {
        let step = progress::ProgressUpdate { stage: &machine.device, done: done as u64, total: self.total };
        if self.console.step(step) { Ok(()) } else { Err(Error::Interrupted) }
    }

    /// A table of this size, and what the CPU finds for a step. Computing it also warms the CPU up.
    fn known(&mut self, size: Size, work: Work) -> Result<&Known, Error> {
        let known = match self.trials.entry(size.rows) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert((Trial::new(size)?, BTreeMap::new())),
        };
        if interrupted() {
            return Err(Error::Interrupted);
        }
        if let Entry::Vacant(unknown) = known.1.entry(work.name()) {
            let dataset = Dataset::load(self.cpu.backend(), &known.0.matrix)?;
            unknown.insert(work.run(&dataset, &known.0, true)?);
        }
        Ok(known)
    }

    /// Measures every step on one machine; `first` is the number of its first step among all. After an error, `device`
    /// keeps the results so far.
    fn measure(
        &mut self,
        machine: &Machine,
        size: Size,
        first: usize,
        device: &mut Device,
    ) -> Result<(), Error> {
        let ceilings = machine.ceilings()?;
        device.ceilings = Some(ceilings.into());
        let rate = machine.pairs_per_second(ceilings).min(self.cpu_pairs);
        for (w, work) in self.works.clone().into_iter().enumerate() {
            let rows = work
                .pairs(size.rows, size.features)
                .map_or(size.rows, |pairs| bearable(size.rows, pairs, rate).max(size.k.min(size.rows)));
            let at = first + w * (self.repeats + 1);
            self.step(machine, at)?;
            self.known(Size { rows, ..size }, work)?;
            let Some((trial, answers)) = self.trials.get(&rows) else { continue };
            if !machine.is_cpu() && device.load_seconds.is_none() && rows == size.rows {
                device.load_seconds = Some(self.loads(machine, trial)?);
            }
            let dataset = Dataset::load(machine.backend(), &trial.matrix)?;
            let agreement = match answers.get(work.name()).filter(|_| !machine.is_cpu()) {
                None => None,
                Some(expected) => Some(compare(&work.run(&dataset, trial, true)?, expected)),
            };
            let mut seconds = Vec::with_capacity(self.repeats);
            for repeat in 0..self.repeats {
                self.step(machine, at + 1 + repeat)?;
                let start = Instant::now();
                let answer = work.run(&dataset, trial, false)?;
                seconds.push(start.elapsed().as_secs_f64());
                drop(answer);
            }
            let mut step = Step::new(work, trial, (&device.device, seconds), ceilings, agreement);
            if !machine.is_cpu() {
                let start = Instant::now();
                let (answer, busy) = machine.busy(|| work.run(&dataset, trial, false))?;
                let whole = start.elapsed().as_secs_f64();
                step.gpu_busy = busy.map(|busy| (busy.as_secs_f64() / whole).min(1.0));
                drop(answer);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_takes_minutes() {
        let pairs = |rows: usize| (rows * rows) as f64 * 26.0;
        assert_eq!(bearable(30_000, pairs(30_000), 8.6e10), 30_000);
        // A million rows on two cores.
        assert_eq!(bearable(1_000_000, pairs(1_000_000), 8.6e10), 220_000);
        for (rows, rate) in [(1_000_000, 1e9), (50_000, 1e6), (4_000_000_000, 1e12), (2_000, 1e4)] {
            let fewer = bearable(rows, pairs(rows), rate);
            let seconds = pairs(fewer) / rate;
            assert!(
                fewer == 100 || (MOST_SECONDS / 2.0..=MOST_SECONDS).contains(&seconds),
                "{fewer}: {seconds}"
            );
        }
    }

    #[test]
    fn medians() {
        assert_eq!((median(vec![]), median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])), (0.0, 2.0, 2.5));
    }
}
