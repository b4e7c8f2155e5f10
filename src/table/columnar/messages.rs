//! Checks the sizes that an Arrow file claims before the decoder allocates memory for them.
//!
//! A damaged or malicious file can claim to unpack to terabytes. Only the metadata of each message is read here and, if
//! buffers are compressed, the eight bytes at the start of each buffer that give its uncompressed size.

use std::io::{Read, Seek, SeekFrom};

use arrow_ipc::{Block, CompressionType, Message, RecordBatch, root_as_footer, root_as_message};

use super::ipc::damaged;
use crate::error::Result;

/// The memory that decoding a file needs in addition to the resulting columns.
#[derive(Default)]
pub(super) struct Claims {
    /// The bytes of all dictionaries, which are kept until the end.
    dictionaries: u64,
    /// The bytes of the largest batch, compressed and uncompressed together.
    batch: u64,
}

impl Claims {
    /// The peak memory in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.dictionaries.saturating_add(self.batch)
    }
}

/// The length of a file's end in bytes: four for the length of the footer and six for the magic word `ARROW1`.
const TAIL: u64 = 10;

/// Checks all messages that the footer of an Arrow file lists.
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

/// Checks one message that the footer lists. Returns its bytes, compressed and uncompressed together.
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

/// Checks the messages of an Arrow stream one after another.
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

/// Checks that the buffers of a batch lie within its body of `body` bytes at offset `start`. Returns their uncompressed
/// size.
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
        // Zstandard can store a block of 128 KiB that repeats one byte in 4 bytes.
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
            // -1 marks a buffer that is not compressed.
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

/// Reads exactly `length` bytes at offset `at`.
fn read_at<R: Read + Seek>(source: &mut R, at: u64, length: u64) -> Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at)).map_err(damaged)?;
    let mut bytes = Vec::new();
    source.by_ref().take(length).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 != length {
        return Err(damaged("it ends too early"));
    }
    Ok(bytes)
}
