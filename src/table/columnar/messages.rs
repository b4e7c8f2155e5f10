//! What an Arrow file claims about itself, held against what it can hold, before its decoder takes memory for it.
//!
//! Only the messages' heads are read here, and where buffers are compressed the eight bytes in front of each, which
//! say what it unpacks to.

use std::io::{Read, Seek, SeekFrom};

use arrow_ipc::{Block, CompressionType, Message, RecordBatch, root_as_footer, root_as_message};

use super::ipc::damaged;
use crate::error::Result;

/// What reading a file takes beside its columns.
#[derive(Default)]
pub(super) struct Claims {
    /// Bytes of all dictionaries, which stay until the end.
    dictionaries: u64,
    /// Bytes of the largest batch, packed and unpacked.
    batch: u64,
}

impl Claims {
    /// What it takes at most at any time.
    pub(super) fn bytes(&self) -> u64 {
        self.dictionaries.saturating_add(self.batch)
    }
}

/// The end of a file: four bytes of the footer's length, and the magic word.
const TAIL: u64 = 10;

/// Looks at the messages that the footer of a file names.
pub(super) fn check_file<R: Read + Seek>(source: &mut R) -> Result<Claims> {
    let size = source.seek(SeekFrom::End(0)).map_err(damaged)?;
    let Some(end) = size.checked_sub(TAIL) else { return Err(damaged("it ends too early")) };
    let tail = read_at(source, end, 4)?;
    let length = tail.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    let Some(start) = end.checked_sub(length) else {
        return Err(damaged("its footer is longer than the file"));
    };
    let footer = read_at(source, start, length)?;
    let footer = root_as_footer(&footer).map_err(damaged)?;
    let mut claims = Claims::default();
    for (blocks, dictionaries) in [(footer.dictionaries(), true), (footer.recordBatches(), false)] {
        for block in blocks.iter().flatten() {
            let unpacked = check_block(source, block, size)?;
            if dictionaries {
                claims.dictionaries = claims.dictionaries.saturating_add(unpacked);
            } else {
                claims.batch = claims.batch.max(unpacked);
            }
        }
    }
    Ok(claims)
}

/// Looks at one message that a footer names; gives its bytes, packed and unpacked.
fn check_block<R: Read + Seek>(source: &mut R, block: &Block, size: u64) -> Result<u64> {
    let outside = || damaged("a batch lies outside of the file");
    let offset = u64::try_from(block.offset()).map_err(|_| outside())?;
    let head = u64::try_from(block.metaDataLength()).map_err(|_| outside())?;
    let body = u64::try_from(block.bodyLength()).map_err(|_| outside())?;
    let start = offset.checked_add(head).ok_or_else(outside)?;
    start.checked_add(body).filter(|end| *end <= size).ok_or_else(outside)?;
    let bytes = read_at(source, offset, head)?;
    let prefix = if bytes.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message = bytes.get(prefix..).ok_or_else(|| damaged("a message of no length"))?;
    let message = root_as_message(message).map_err(damaged)?;
    Ok(check_message(source, &message, start, body)?.saturating_add(body))
}

/// Looks at the messages of a stream, one after another.
pub(super) fn check_stream<R: Read + Seek>(source: &mut R) -> Result<Claims> {
    let size = source.seek(SeekFrom::End(0)).map_err(damaged)?;
    let (mut claims, mut at) = (Claims::default(), 0u64);
    while size - at >= 4 {
        let mut length = read_at(source, at, 4)?;
        at += 4;
        if length == [0xff; 4] {
            if size - at < 4 {
                break;
            }
            length = read_at(source, at, 4)?;
            at += 4;
        }
        let length = length.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        if length == 0 {
            break;
        }
        let head = u64::from(length);
        if head > size - at {
            return Err(damaged("a message longer than the file"));
        }
        let bytes = read_at(source, at, head)?;
        at += head;
        let message = root_as_message(&bytes).map_err(damaged)?;
        let body = u64::try_from(message.bodyLength()).ok().filter(|body| *body <= size - at);
        let body = body.ok_or_else(|| damaged("a batch longer than the file"))?;
        let unpacked = check_message(source, &message, at, body)?.saturating_add(body);
        if message.header_as_dictionary_batch().is_some() {
            claims.dictionaries = claims.dictionaries.saturating_add(unpacked);
        } else {
            claims.batch = claims.batch.max(unpacked);
        }
        at += body;
    }
    Ok(claims)
}

/// Holds the buffers of a batch against its body, which lies at `start`; gives what they unpack to.
fn check_message<R: Read + Seek>(
    source: &mut R,
    message: &Message<'_>,
    start: u64,
    body: u64,
) -> Result<u64> {
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let batch: Option<RecordBatch<'_>> = message.header_as_record_batch().or(dictionary);
    let Some(batch) = batch else { return Ok(0) };
    let ratio: Option<u64> = batch.compression().map(|compression| match compression.codec() {
        CompressionType::LZ4_FRAME => 255,
        // A block of 128 KiB of one byte takes 4.
        _ => 1 << 15,
    });
    let mut all = 0u64;
    for buffer in batch.buffers().iter().flatten() {
        let range = u64::try_from(buffer.offset()).ok().zip(u64::try_from(buffer.length()).ok());
        let range =
            range.filter(|(offset, length)| offset.checked_add(*length).is_some_and(|end| end <= body));
        let Some((offset, length)) = range else {
            return Err(damaged("a buffer lies outside of its batch"));
        };
        let mut unpacked = length;
        if let Some(ratio) = ratio
            && length >= 8
        {
            let claim = read_at(source, start + offset, 8)?;
            let claim = claim.first_chunk().map_or(0, |claim| i64::from_le_bytes(*claim));
            // -1 stands for bytes that are not packed.
            unpacked = if claim == -1 { length } else { u64::try_from(claim).unwrap_or(u64::MAX) };
            if unpacked > (length - 8).saturating_mul(ratio).saturating_add(1 << 10) {
                return Err(damaged(format!(
                    "a buffer of {length} bytes that claims to unpack to {unpacked}"
                )));
            }
        }
        all = all.saturating_add(unpacked);
    }
    Ok(all)
}

/// So many bytes from an offset on; they must be there.
fn read_at<R: Read + Seek>(source: &mut R, at: u64, length: u64) -> Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at)).map_err(damaged)?;
    let mut bytes = Vec::new();
    source.by_ref().take(length).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 != length {
        return Err(damaged("it ends too early"));
    }
    Ok(bytes)
}
