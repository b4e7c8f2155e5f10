//! Which device is chosen, and what is said about it.

use super::*;

/// The choice for `work` with these settings.
fn choice(device: Device, gpu: &GpuUse, work: &Work, shape: Shape, likely: bool) -> Result<Chosen> {
    let cpu = Cpu::with(InstructionSet::Portable).unwrap();
    Opening::begin(device, cpu, gpu, likely).choose(work, shape)
}

const TABLE: Shape = Shape { rows: 1000, features: 10 };

fn much() -> Work {
    Work { fit: 1e13, labels: 1e6, ..Work::default() }
}

#[test]
fn the_cpu_is_asked_for_or_has_little_to_do() {
    let gpu = GpuUse { software_is_real: true, ..GpuUse::default() };
    let asked = choice(Device::Cpu, &gpu, &much(), TABLE, true).unwrap();
    assert_eq!((asked.backend.describe().backend, asked.reason.as_str()), ("cpu", "as asked"));
    for likely in [false, true] {
        let little = Work { fit: 1e7, ..Work::default() };
        let chosen = choice(Device::Auto, &gpu, &little, TABLE, likely).unwrap();
        assert_eq!(chosen.backend.describe().backend, "cpu");
        assert_eq!(chosen.reason, "about 0.01 s of work, too little for a GPU");
    }
}

#[test]
fn auto_takes_what_is_faster_and_says_how_much() {
    #[cfg(feature = "gpu")]
    if super::super::gpu::adapters().is_empty() {
        return;
    }
    if cfg!(not(feature = "gpu")) {
        return;
    }
    let gpu = GpuUse { software_is_real: true, ..GpuUse::default() };
    for likely in [false, true] {
        let chosen = choice(Device::Auto, &gpu, &much(), TABLE, likely).unwrap();
        assert_eq!(chosen.backend.describe().backend, "gpu", "{}", chosen.reason);
        assert!(chosen.reason.contains("on the CPU"), "{}", chosen.reason);
        // What the estimate takes for much slower on a GPU.
        let labels = Work { fit: 1e10, labels: 1.5e14, ..Work::default() };
        let chosen = choice(Device::Auto, &gpu, &labels, TABLE, likely).unwrap();
        assert_eq!(chosen.backend.describe().backend, "cpu", "{}", chosen.reason);
        assert!(chosen.reason.contains(" s, against about 500"), "{}", chosen.reason);
    }
}

#[test]
fn a_software_driver_is_never_taken_by_auto() {
    #[cfg(feature = "gpu")]
    if super::super::gpu::adapters().iter().any(|adapter| !adapter.software) {
        return;
    }
    for likely in [false, true] {
        let chosen = choice(Device::Auto, &GpuUse::default(), &much(), TABLE, likely).unwrap();
        assert_eq!(chosen.backend.describe().backend, "cpu");
        assert!(chosen.reason.contains("no real GPU was found") || cfg!(not(feature = "gpu")));
    }
}

#[test]
fn too_little_memory_is_an_error_or_a_sentence() {
    let shape = Shape { rows: 1_000_000, features: 26 };
    let gpu = GpuUse { software_is_real: true, max_memory: Some(100_000_000), ..GpuUse::default() };
    let chosen = choice(Device::Auto, &gpu, &much(), shape, false).unwrap();
    assert_eq!(chosen.backend.describe().backend, "cpu");
    #[cfg(feature = "gpu")]
    if !super::super::gpu::adapters().is_empty() {
        assert!(chosen.note.as_ref().unwrap().contains("337 MB"), "{:?}", chosen.note);
        let error = choice(Device::Gpu(None), &gpu, &much(), shape, false).err().unwrap();
        assert!(
            matches!(error, Error::DeviceMemory { wanted: 337_048_576, limit: 100_000_000 }),
            "{error:?}"
        );
        for part in ["337 MB", "100 MB", "--max-gpu-mem"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
    assert!(choice(Device::Cpu, &gpu, &much(), shape, false).unwrap().note.is_none());
}

#[test]
fn estimates_are_near_what_was_measured() {
    let (work, _) = example();
    let seconds = |threads| work.seconds(Rates::cpu(InstructionSet::Avx512, threads));
    // 2.6 s on 16 cores, with slower seeding.
    assert!((1.3..4.6).contains(&seconds(16)), "{}", seconds(16));
    let large = work.seconds(Rates::gpu("NVIDIA H100 80GB HBM3", false));
    let discrete = work.seconds(Rates::gpu("some card", false));
    let integrated = work.seconds(Rates::gpu("some chip", true));
    // The device was busy for about 0.4 s of it.
    assert!((0.2..0.8).contains(&large), "{large}");
    assert!(large < discrete && discrete < integrated, "{large} {discrete} {integrated}");
    // A small GPU is no match for 16 cores; it is for two.
    assert!(seconds(16) < integrated && integrated < seconds(2), "{integrated}");
}
