//! `segmenta doctor`: shows the devices of this machine, and which one `auto` would use.

use super::super::console::{count, result, tell};
use super::super::set_up;
use crate::app::cli::Doctor;
use segmenta::analysis::Compute;
use segmenta::backend::cpu::InstructionSet;
use segmenta::backend::{Backend, Device};
use segmenta::report::json::pretty;
use serde_json::json;

/// `segmenta doctor`.
pub fn doctor(args: &Doctor) -> anyhow::Result<()> {
    let Compute { device, cpu, gpu } = set_up(&args.run)?;
    let (work, shape) = segmenta::backend::example();
    let chosen = segmenta::backend::choose(device, cpu, &gpu, &work, shape);
    let sets: Vec<String> =
        InstructionSet::ALL.iter().filter(|s| s.available()).map(ToString::to_string).collect();
    let choice = chosen.as_ref().map(|c| (c.backend.describe(), c.reason.clone()));
    if args.run.talk.json {
        let device = choice
            .as_ref()
            .ok()
            .map(|(d, reason)| json!({ "backend": d.backend, "name": d.name, "reason": reason }));
        let found = json!({
            "version": env!("CARGO_PKG_VERSION"), "command": "doctor",
            "cpu": { "name": cpu.describe().name, "instruction_sets": sets },
            "adapters": adapters_json(), "device": device,
        });
        result(&pretty(&found))?;
    } else {
        let mut text = format!("cpu     {} (this machine has {})\n", cpu.describe().name, sets.join(", "));
        text.push_str(&adapters_text());
        if let Ok((device, reason)) = &choice {
            text.push_str(&format!("chosen  {}: {} ({reason})\n", device.backend, device.name));
            if args.run.device == Device::Auto {
                let rows = count(shape.rows, "row");
                text.push_str(&format!(
                    "        for a sweep of k = 2..10 on {rows} x {} features\n",
                    shape.features
                ));
            }
        }
        tell(&text)?;
    }
    match chosen {
        Ok(_) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

#[cfg(feature = "gpu")]
fn adapters_text() -> String {
    let adapters = segmenta::backend::gpu::adapters();
    if adapters.is_empty() {
        return "gpu     no adapter was found (looked for Vulkan, Metal and Direct3D 12)\n".into();
    }
    let line = |(i, a): (usize, &segmenta::backend::gpu::Adapter)| {
        let kind = match (a.software, a.integrated) {
            (true, _) => "software driver, never used by auto",
            (_, true) => "integrated",
            _ => "discrete",
        };
        format!(
            "gpu:{i}   {a}, {kind}\n        largest binding {} MiB, largest buffer {} MiB, workgroup memory {} KiB\n",
            a.max_binding >> 20,
            a.max_buffer >> 20,
            a.workgroup_memory >> 10
        )
    };
    adapters.iter().enumerate().map(line).collect()
}

#[cfg(feature = "gpu")]
fn adapters_json() -> serde_json::Value {
    let adapter = |a: &segmenta::backend::gpu::Adapter| {
        json!({
            "name": a.name, "driver": a.driver, "api": a.api, "software": a.software,
            "integrated": a.integrated, "max_binding": a.max_binding, "max_buffer": a.max_buffer,
            "workgroup_memory": a.workgroup_memory,
        })
    };
    segmenta::backend::gpu::adapters().iter().map(adapter).collect()
}

#[cfg(not(feature = "gpu"))]
fn adapters_text() -> String {
    "gpu     this program was built without GPU support\n".into()
}

#[cfg(not(feature = "gpu"))]
fn adapters_json() -> serde_json::Value {
    json!([])
}
