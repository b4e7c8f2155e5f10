//! The results of a bench, for people and as JSON.

use super::super::super::console::count;
use super::machine::Machine;
use super::median;
use super::work::{Trial, Work};
use crate::app::cli::Bench;
use segmenta::backend::ceiling::Ceilings;
use segmenta::report::figures::whole;
use segmenta::report::sheet::{Kind, Sheet};
use serde::Serialize;

/// The results of a bench.
#[derive(Debug, Serialize)]
pub struct Found {
    version: &'static str,
    command: &'static str,
    rows: usize,
    features: u32,
    k: u32,
    n_init: u32,
    repeats: u32,
    seed: u64,
    pub devices: Vec<Device>,
}

/// The results of one device.
#[derive(Debug, Serialize)]
pub struct Device {
    pub device: String,
    name: String,
    software: bool,
    rows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceilings: Option<Highest>,
    /// The time to copy the table to the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_seconds: Option<f64>,
    pub steps: Vec<Step>,
    /// Why its measurement failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// A device's ceilings.
#[derive(Debug, Serialize)]
pub struct Highest {
    read_gb_per_second: f64,
    gflops: f64,
}

impl From<Ceilings> for Highest {
    fn from(ceilings: Ceilings) -> Self {
        Highest { read_gb_per_second: ceilings.read / 1e9, gflops: ceilings.multiply_add / 1e9 }
    }
}

/// The results of one step.
#[derive(Debug, Serialize)]
pub struct Step {
    #[serde(rename = "name")]
    step: &'static str,
    device: String,
    /// How many rows it was measured on: fewer than the device's, if these would take minutes.
    rows: usize,
    /// The median of the repeats.
    seconds: f64,
    /// Each repeat's seconds, in their order.
    repeats: Vec<f64>,
    /// The share of the time for which the GPU itself worked, if it can tell.
    #[serde(rename = "gpu_busy_share", skip_serializing_if = "Option::is_none")]
    pub gpu_busy: Option<f64>,
    rows_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readback_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gflops: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_ceiling: Option<f64>,
    /// Whether the result agrees with the CPU's; `None` for the CPU itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    agrees: Option<bool>,
    /// The largest difference, absolute for silhouettes and relative for the rest; 0 for steps that must give the same
    /// bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_difference: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disagreement: Option<String>,
}

impl Found {
    /// Nothing yet.
    pub fn new(args: &Bench, rows: usize) -> Self {
        Found {
            version: env!("CARGO_PKG_VERSION"),
            command: "bench",
            rows,
            features: args.features,
            k: args.k,
            n_init: args.n_init,
            repeats: args.repeats,
            seed: args.seed,
            devices: Vec::new(),
        }
    }

    /// What went wrong, device by device.
    pub fn wrong(&self) -> Vec<String> {
        self.devices.iter().flat_map(Device::wrong).collect()
    }

    /// As JSON.
    ///
    /// # Errors
    /// None in practice: these types can always be serialised.
    pub fn to_json(&self) -> anyhow::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// The results as tables for people.
    pub fn to_text(&self) -> String {
        let Found { features, k, n_init, repeats, seed, .. } = self;
        let mut text = format!(
            "{}, k = {k}, {}, seed {seed}; {}\n\n{}\n{}",
            count(*features as usize, "feature"),
            count(*n_init as usize, "restart"),
            if *repeats == 1 { "measured once".into() } else { format!("medians of {repeats}") },
            self.ceilings(),
            self.steps()
        );
        if self.devices.iter().any(|d| d.device != "cpu") {
            text.push('\n');
        }
        for device in &self.devices {
            if device.software {
                text.push_str(&format!(
                    "{} is a software device, which computes on the CPU, so its figures tell nothing about a GPU{}\n",
                    device.device,
                    if device.rows == self.rows {
                        String::new()
                    } else {
                        format!(". It was measured with {} rows instead of {}; set --rows to change that", device.rows, self.rows)
                    },
                ));
            }
            text.push_str(&device.agreement());
        }
        text.push_str(&self.fewer());
        for wrong in self.wrong() {
            text.push_str(&format!("WRONG: {wrong}\n"));
        }
        text
    }

    fn ceilings(&self) -> String {
        let mut out = Sheet::new(&[
            ("device", Kind::Name),
            ("rows", Kind::Number),
            ("ceiling GB/s", Kind::Number),
            ("ceiling GFLOP/s", Kind::Number),
            ("load", Kind::Number),
            ("name", Kind::Prose),
        ]);
        for d in &self.devices {
            out.row([
                d.device.clone(),
                whole(d.rows as u64),
                d.ceilings.as_ref().map_or_else(dash, |c| figures(c.read_gb_per_second)),
                d.ceilings.as_ref().map_or_else(dash, |c| figures(c.gflops)),
                d.load_seconds.map_or_else(dash, time),
                d.name.clone(),
            ]);
        }
        out.to_text()
    }

    fn steps(&self) -> String {
        let number = |name: &'static str| (name, Kind::Number);
        let mut out = Sheet::new(&[
            ("step", Kind::Name),
            ("device", Kind::Name),
            number("rows"),
            number("time"),
            number("readback"),
            number("rows/s"),
            number("GFLOP/s"),
            number("of ceiling"),
            number("GPU busy"),
            number("x CPU"),
            number("agrees"),
        ])
        .keyed_by(2);
        for work in Work::ALL {
            for device in &self.devices {
                let Some(step) = device.step(work.name()) else { continue };
                out.row([
                    work.name().to_string(),
                    device.device.clone(),
                    whole(step.rows as u64),
                    time(step.seconds),
                    step.readback_seconds.map_or_else(dash, time),
                    scaled(step.rows_per_second),
                    step.gflops.map_or_else(dash, figures),
                    step.share_of_ceiling.map_or_else(dash, |s| format!("{:.0} %", 100.0 * s)),
                    step.gpu_busy.map_or_else(dash, |s| format!("{:.0} %", 100.0 * s)),
                    self.times_the_cpu(step).map_or_else(dash, figures),
                    step.agrees.map_or_else(dash, |yes| if yes { "yes" } else { "NO" }.into()),
                ]);
            }
        }
        out.to_text()
    }

    fn times_the_cpu(&self, step: &Step) -> Option<f64> {
        let cpu = self.devices.iter().find(|d| d.device == "cpu")?.step(step.step)?;
        (step.device != cpu.device && step.rows == cpu.rows).then_some(cpu.seconds / step.seconds)
    }

    /// Which steps were measured on fewer rows than their device's.
    fn fewer(&self) -> String {
        let mut text = String::new();
        for device in &self.devices {
            for step in device.steps.iter().filter(|step| step.rows < device.rows) {
                text.push_str(&format!(
                    "{} compares all pairs of rows, which would take minutes on {}; it was measured with {} rows instead of {}\n",
                    step.step,
                    device.device,
                    whole(step.rows as u64),
                    whole(device.rows as u64)
                ));
            }
        }
        text
    }
}

impl Device {
    fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.step == name)
    }

    /// A device before its steps are measured.
    pub fn new(machine: &Machine, rows: usize) -> Self {
        Device {
            device: machine.device.clone(),
            name: machine.backend().describe().name,
            software: machine.software,
            rows,
            ceilings: None,
            load_seconds: None,
            steps: Vec::new(),
            failed: None,
        }
    }

    /// Records why it failed, on one line, as drivers' messages have many.
    pub fn fail(&mut self, why: &str) {
        self.failed = Some(why.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    /// What went wrong on it, as sentences.
    fn wrong(&self) -> Vec<String> {
        let step =
            |s: &Step| s.disagreement.as_ref().map(|why| format!("{}: {}: {why}", self.device, s.step));
        let failed = self.failed.as_ref().map(|why| format!("{}: {why}", self.device));
        self.steps.iter().filter_map(step).chain(failed).collect()
    }

    fn agreement(&self) -> String {
        let (mut same, mut close) = (Vec::new(), Vec::new());
        for step in &self.steps {
            match step.largest_difference {
                Some(0.0) => same.push(step.step.to_string()),
                Some(away) => close.push(format!("{} within {away:.0e}", step.step)),
                None => {}
            }
        }
        let parts = [("the same bits in", same), ("", close)];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(how, names)| format!("{how} {}", names.join(", ")).trim_start().to_string())
            .collect();
        match said.is_empty() {
            true => String::new(),
            false => format!("{}: agrees with the CPU: {}\n", self.device, said.join("; ")),
        }
    }
}

impl Step {
    /// A step as it was measured; `agreement` is the result of comparing it with the CPU.
    pub fn new(
        work: Work,
        trial: &Trial,
        (device, repeats): (&str, Vec<f64>),
        ceilings: Ceilings,
        agreement: Option<Result<f64, String>>,
    ) -> Self {
        // A coarse clock may measure 0, but no step takes no time.
        let seconds = median(repeats.clone()).max(1e-9);
        let rate = work.flops(trial).map(|flops| flops / seconds);
        Step {
            step: work.name(),
            device: device.into(),
            rows: trial.matrix.rows(),
            seconds,
            repeats,
            gpu_busy: None,
            rows_per_second: trial.matrix.rows() as f64 / seconds,
            readback_seconds: None,
            gflops: rate.map(|rate| rate / 1e9),
            share_of_ceiling: rate.map(|rate| rate / ceilings.multiply_add),
            agrees: agreement.as_ref().map(Result::is_ok),
            largest_difference: agreement.as_ref().and_then(|a| a.as_ref().ok().copied()),
            disagreement: agreement.and_then(Result::err),
        }
    }
}

fn dash() -> String {
    "-".into()
}

/// A number with three significant digits.
fn figures(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{} us", figures(s * 1e6)),
        s if s < 1.0 => format!("{} ms", figures(s * 1e3)),
        s => format!("{} s", figures(s)),
    }
}

fn scaled(value: f64) -> String {
    match value {
        v if v < 1e4 => figures(v),
        v if v < 1e6 => format!("{} k", figures(v / 1e3)),
        v if v < 1e9 => format!("{} M", figures(v / 1e6)),
        v => format!("{} G", figures(v / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::work::Size;
    use super::*;
    use crate::app::cli::{Cli, Verb};
    use clap::Parser as _;
    use segmenta::backend::cpu::InstructionSet;

    #[test]
    fn fewer_rows_are_told() {
        let Verb::Bench(args) = Cli::parse_from(["segmenta", "bench", "--rows", "4000"]).verb else {
            panic!("another verb")
        };
        let machine = Machine::cpu(InstructionSet::detect()).unwrap();
        let mut device = Device::new(&machine, 4000);
        for (work, rows) in [(Work::Lloyd, 4000), (Work::Sweep, 150)] {
            let trial = Trial::new(Size { rows, features: 2, k: 2, n_init: 1, seed: 0 }).unwrap();
            let ceilings = Ceilings { read: 1.0, multiply_add: 1.0 };
            device.steps.push(Step::new(work, &trial, ("cpu", vec![0.5, 0.25, 4.0]), ceilings, None));
        }
        let mut found = Found::new(&args, 4000);
        found.devices.push(device);
        let text = found.to_text();
        assert!(text.contains("sweep compares all pairs of rows, which would take minutes on cpu"), "{text}");
        assert!(text.contains("measured with 150 rows instead of 4,000"), "{text}");
        assert!(!text.contains("lloyd compares"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&found.to_json().unwrap()).unwrap();
        let step = &json["devices"][0]["steps"][1];
        assert_eq!(
            (&step["name"], &step["rows"], &step["seconds"]),
            (&"sweep".into(), &150.into(), &0.5.into())
        );
        assert_eq!(step["repeats"], serde_json::json!([0.5, 0.25, 4.0]));
    }
}
