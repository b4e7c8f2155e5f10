//! Compiled pipelines on disk, for drivers that keep none themselves. A file that is damaged, or that another driver wrote,
//! counts as none; one that cannot be written is left out.

use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// The first bytes of a file. The SHA-256 of the rest follows, then the rest.
const MAGIC: &[u8] = b"segmenta pipelines 1\n";

/// Larger files are neither read nor written: they can only have grown by mistake.
const MOST: u64 = 32 << 20;

/// The pipelines that a driver compiled, and the file that keeps them.
pub(super) struct PipelineCache {
    pub(super) pipelines: wgpu::PipelineCache,
    file: PathBuf,
    /// What the file contains.
    known: Option<Vec<u8>>,
}

impl PipelineCache {
    /// The cache of an adapter in this folder; `None` if its driver has no such cache.
    pub(super) fn open(folder: &Path, adapter: &wgpu::AdapterInfo, device: &wgpu::Device) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(adapter)?;
        let driver = [&adapter.name, &adapter.driver, &adapter.driver_info].map(|part| format!("{part}\n"));
        let driver: String =
            Sha256::digest(driver.concat())[..8].iter().map(|b| format!("{b:02x}")).collect();
        let file = folder.join(format!("{key}-{driver}-{}.bin", env!("CARGO_PKG_VERSION")));
        let known = read(&file);
        let pipelines = trusted(device, known.as_deref());
        Some(PipelineCache { pipelines, file, known })
    }

    /// Writes what was compiled since, if anything was.
    pub(super) fn save(&self) {
        if let Some(data) = self.pipelines.get_data().filter(|data| self.known.as_ref() != Some(data)) {
            // A run does without; the next one tries again.
            let _ = write(&self.file, &data);
        }
    }
}

#[allow(unsafe_code)]
fn trusted(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("segmenta"), data, fallback: true };
    // SAFETY: the data must come from `PipelineCache::get_data`. It does: only `save` writes such files, each with a digest
    // that `read` compares, and their folder belongs to the user. wgpu compares the adapter and the driver's own key.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// The pipelines in a file; `None` if there is no such file, or if it is not as it was written.
fn read(file: &Path) -> Option<Vec<u8>> {
    if std::fs::metadata(file).ok()?.len() > MOST {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    contents(&bytes).map(<[u8]>::to_vec)
}

/// What follows the digest, if the digest is right.
fn contents(file: &[u8]) -> Option<&[u8]> {
    let (digest, data) = file.strip_prefix(MAGIC)?.split_at_checked(32)?;
    (digest == Sha256::digest(data).as_slice()).then_some(data)
}

fn file_of(data: &[u8]) -> Vec<u8> {
    [MAGIC, Sha256::digest(data).as_slice(), data].concat()
}

/// Writes a file that appears whole or not at all.
fn write(file: &Path, data: &[u8]) -> std::io::Result<()> {
    if data.len() as u64 > MOST / 2 {
        return Ok(());
    }
    file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    let unfinished = file.with_extension(format!("{}.tmp", std::process::id()));
    let written =
        std::fs::write(&unfinished, file_of(data)).and_then(|()| std::fs::rename(&unfinished, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let whole = file_of(b"pipelines");
        assert_eq!(contents(&whole), Some(&b"pipelines"[..]));
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(contents(&damaged), None, "byte {at}");
            assert_eq!(contents(&whole[..at]), None, "{at} bytes");
        }
    }
}
