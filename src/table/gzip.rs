//! Decompresses gzipped files, which are recognised by their first bytes.
//!
//! A few megabytes of gzip can become as many gigabytes, so the memory budget is checked at every step.

use std::io::{ErrorKind, Read as _};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::memory::{Budget, refused};

/// The number of bytes to decompress before the budget is checked again.
const STEP: usize = 16 << 20;

/// Decompresses `bytes` if they are gzipped and returns them unchanged if not. The budget must already include `bytes`;
/// the decompressed bytes are added to it step by step.
pub(super) fn unpack(bytes: Vec<u8>, budget: &Budget) -> Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut decoder = MultiGzDecoder::new(bytes.as_slice());
    let mut out: Vec<u8> = Vec::new();
    loop {
        let (before, step) = (out.len(), STEP.min(usize::try_from(budget.left()).unwrap_or(STEP)));
        budget.take(step as u64)?;
        // Grow the buffer by half each time, so that a large table is not copied over and over.
        let spare = (step + 1).max(out.len() / 2);
        if out.capacity() - out.len() <= step && out.try_reserve_exact(spare).is_err() {
            return Err(refused((out.len() + spare) as u64));
        }
        match decoder.by_ref().take(step as u64 + 1).read_to_end(&mut out) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                return Err(Error::data("the gzip data ends too early: the file is truncated"));
            }
            Err(e) if e.kind() == ErrorKind::OutOfMemory => return Err(refused(out.len() as u64)),
            Err(e) => return Err(Error::data(format!("not valid gzip: {e}"))),
        }
        match (out.len() - before).checked_sub(step) {
            None | Some(0) => {
                budget.give_back((before + step - out.len()) as u64 + bytes.len() as u64);
                return Ok(out);
            }
            Some(_) if budget.left() == 0 => return Err(too_large(&bytes, &decoder, out.len(), budget)),
            Some(_) => {}
        }
    }
}

/// The error for a file that exceeds the budget. Its total size is estimated from the share of the file read so far.
fn too_large(bytes: &[u8], decoder: &MultiGzDecoder<&[u8]>, unpacked: usize, budget: &Budget) -> Error {
    let read = (bytes.len() - decoder.get_ref().len()).max(1);
    let all = unpacked as f64 / read as f64 * bytes.len() as f64;
    budget.exceeded_by((all as u64).saturating_sub(unpacked as u64).max(1))
}
