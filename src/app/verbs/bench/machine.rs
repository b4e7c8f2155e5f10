//! The devices that are measured.

use super::super::super::console::Console;
#[cfg(feature = "gpu")]
use super::super::super::gpu_memory_limit;
use crate::app::cli::Measured;
use segmenta::Error;
use segmenta::backend::Backend;
use segmenta::backend::ceiling::{self, Ceilings};
use segmenta::backend::cpu::{Cpu, InstructionSet};
#[cfg(feature = "gpu")]
use segmenta::backend::gpu::{Gpu, Options, adapters};
use std::time::Duration;

/// A device that has been opened.
pub struct Machine {
    /// Its name, as in `--device`.
    pub device: String,
    /// Whether it is a driver that computes on the CPU.
    pub software: bool,
    kind: Kind,
}

enum Kind {
    Cpu(Cpu, InstructionSet),
    #[cfg(feature = "gpu")]
    Gpu(Box<Gpu>),
}

impl Machine {
    /// The CPU with one instruction set.
    ///
    /// # Errors
    /// The CPU does not have that instruction set.
    pub fn cpu(set: InstructionSet) -> Result<Self, Error> {
        Ok(Machine { device: "cpu".into(), software: false, kind: Kind::Cpu(Cpu::with(set)?, set) })
    }

    #[cfg(feature = "gpu")]
    fn gpu(index: usize, instruction_set: InstructionSet) -> Result<Self, Error> {
        let max_memory = gpu_memory_limit();
        let gpu = Gpu::open(index, Options { instruction_set, max_memory, ..Options::default() })?;
        let software = gpu.adapter().software;
        Ok(Machine { device: format!("gpu:{index}"), software, kind: Kind::Gpu(Box::new(gpu)) })
    }

    #[cfg(not(feature = "gpu"))]
    fn gpu(_index: usize, _instruction_set: InstructionSet) -> Result<Self, Error> {
        Err(no_adapter())
    }

    pub fn is_cpu(&self) -> bool {
        matches!(self.kind, Kind::Cpu(..))
    }

    pub fn backend(&self) -> &dyn Backend {
        match &self.kind {
            Kind::Cpu(cpu, _) => cpu,
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.as_ref(),
        }
    }

    /// Its peak speeds.
    pub fn ceilings(&self) -> Result<Ceilings, Error> {
        match &self.kind {
            Kind::Cpu(_, set) => Ok(ceiling::cpu(*set)),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.ceilings(),
        }
    }

    /// Waits until it has finished all work.
    pub fn wait(&self) -> Result<(), Error> {
        match &self.kind {
            Kind::Cpu(..) => Ok(()),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.wait(),
        }
    }

    /// Does `work`, and measures for how long a GPU itself is busy with it; `None` where nothing can tell.
    pub fn busy<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<(T, Option<Duration>), Error> {
        match &self.kind {
            Kind::Cpu(..) => Ok((work()?, None)),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.busy(work),
        }
    }

    /// The most multiply-adds a second that it does in a comparison of all pairs, by its peak speed: the CPU computes a pair
    /// once for both of its rows, and so comes near the peak; a GPU reached 10 % of it.
    pub fn pairs_per_second(&self, ceilings: Ceilings) -> f64 {
        ceilings.multiply_add / 2.0 * if self.is_cpu() { 0.5 } else { 0.1 }
    }

    /// How long it takes to copy `bytes` back from the device.
    pub fn readback(&self, bytes: u64) -> Result<Duration, Error> {
        match &self.kind {
            Kind::Cpu(..) => {
                let _ = bytes;
                Ok(Duration::ZERO)
            }
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.readback(bytes),
        }
    }
}

#[cfg(feature = "gpu")]
fn adapter_count() -> usize {
    adapters().len()
}

#[cfg(not(feature = "gpu"))]
fn adapter_count() -> usize {
    0
}

fn no_adapter() -> Error {
    Error::Device(if cfg!(feature = "gpu") {
        "no GPU adapter was found".into()
    } else {
        "this program was built without GPU support".into()
    })
}

/// Opens the devices that were asked for, the CPU first.
///
/// # Errors
/// A device that was asked for by its number is unavailable. If all were asked for, the others are measured.
pub fn machines(asked: Measured, set: InstructionSet, console: &Console) -> Result<Vec<Machine>, Error> {
    let mut machines = Vec::new();
    if matches!(asked, Measured::All | Measured::Cpu) {
        machines.push(Machine::cpu(set)?);
    }
    match asked {
        Measured::Cpu => {}
        Measured::Gpu(index) => machines.push(Machine::gpu(index, set)?),
        Measured::Gpus if adapter_count() == 0 => return Err(no_adapter()),
        Measured::Gpus => {
            for index in 0..adapter_count() {
                machines.push(Machine::gpu(index, set)?);
            }
        }
        Measured::All => {
            if adapter_count() == 0 {
                console.note(&format!("note: {}, so only the CPU is measured", no_adapter()));
            }
            for index in 0..adapter_count() {
                match Machine::gpu(index, set) {
                    Ok(machine) => machines.push(machine),
                    Err(why) => console.note(&format!("note: gpu:{index} is left out: {why}")),
                }
            }
        }
    }
    Ok(machines)
}
