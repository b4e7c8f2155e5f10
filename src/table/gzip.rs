//! Gzip, told by its first bytes.

use std::io::{ErrorKind, Read as _};

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};

/// The bytes themselves, or what they unpack to where they are gzipped.
pub(super) fn unpack(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut out = Vec::new();
    match MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
            Err(Error::data("the gzip data ends too early: the file is truncated"))
        }
        Err(e) => Err(Error::data(format!("not valid gzip: {e}"))),
    }
}
