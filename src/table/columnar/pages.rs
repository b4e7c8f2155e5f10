//! Checks the sizes that a Parquet file claims before the decoder allocates memory for them.
//!
//! The decoder trusts some of these numbers. For example, if a dictionary page claims two billion entries, it allocates
//! memory for all of them, and it allocates whatever uncompressed size a page header states. The headers are therefore
//! checked here first. That is cheap: a page usually holds about a megabyte, and in most cases only its header is read.

use std::io::Read as _;
use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding, Type};
use ::parquet::column::page::{Page, PageReader as _};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::ChunkReader;
use ::parquet::file::serialized_reader::SerializedPageReader;

use super::parquet::damaged;
use super::thrift::{Compact, Value};
use crate::error::Result;
use crate::memory::Budget;

/// The deepest nesting of a schema that is accepted, because the decoder is recursive.
const DEEPEST_SCHEMA: usize = 100;

/// The largest accepted size in bytes of a fixed-length number. A decimal of 256 bits needs half of it.
const WIDEST_NUMBER: i32 = 64;

/// The most bytes that the text of one batch may take when decoded.
const BATCH_BYTES: u64 = 128 << 20;

/// Dictionaries of text smaller than this are not examined: even a batch that repeats their longest text stays below
/// [`BATCH_BYTES`].
const SMALL_DICTIONARY: u64 = 2 << 10;

/// Fails if the schema in the footer claims more columns than it lists.
pub(super) fn check_footer(source: &impl ChunkReader) -> Result<()> {
    let size = source.len();
    let Some(tail) = size.checked_sub(8) else { return Ok(()) };
    let tail_bytes = source.get_bytes(tail, 8).map_err(damaged)?;
    let length = u64::from(u32::from_le_bytes([tail_bytes[0], tail_bytes[1], tail_bytes[2], tail_bytes[3]]));
    let Some(start) = tail.checked_sub(length) else {
        return Err(damaged("its footer is longer than the file"));
    };
    // Field 2 of the footer is the schema. In its elements, field 4 is the name and field 5 the number of children.
    let mut children: Vec<i64> = Vec::new();
    let mut footer = Compact::new(source.get_read(start).map_err(damaged)?, length);
    footer
        .walk(&mut Vec::new(), &mut |path, value| match (path, value) {
            ([2, 4], Value::Other) => children.push(0),
            ([2, 5], Value::Number(count)) => {
                if let Some(last) = children.last_mut() {
                    *last = count;
                }
            }
            _ => {}
        })
        .ok_or_else(|| damaged("its footer cannot be read"))?;
    // For each open level of the schema tree, the number of children still to come.
    let mut open: Vec<i64> = Vec::new();
    for &count in &children {
        if count < 0 || count as u64 >= children.len() as u64 {
            return Err(damaged("its schema claims more columns than it lists"));
        }
        if let Some(last) = open.last_mut() {
            *last -= 1;
        }
        if count > 0 {
            open.push(count);
        }
        if open.len() > DEEPEST_SCHEMA {
            return Err(damaged("its schema is nested too deep"));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

/// Limits for reading one column of a row group.
pub(super) struct Bounds {
    /// The bytes that the largest uncompressed page and the dictionary take together.
    pub(super) bytes: u64,
    /// The number of rows to decode at a time, so that their text stays small.
    pub(super) batch: usize,
}

/// The header of a page, as far as it is needed here. "Packed" means compressed.
#[derive(Default)]
struct Header {
    kind: i64,
    unpacked: i64,
    packed: i64,
    values: i64,
    entries: i64,
    encoding: i64,
    packed_v2: bool,
}

impl Header {
    /// Reads the page header at offset `at`, which has at most `most` bytes. Returns the header and its length.
    fn read(source: &impl ChunkReader, at: u64, most: u64) -> Result<(Header, u64)> {
        let mut header = Header { packed_v2: true, ..Header::default() };
        let mut compact = Compact::new(source.get_read(at).map_err(damaged)?, most);
        // In the page header, field 5 describes a data page, field 7 a dictionary page and field 8 a data page of
        // version 2.
        let read = compact.walk(&mut Vec::new(), &mut |path, value| {
            let Value::Number(value) = value else { return };
            match path {
                [1] => header.kind = value,
                [2] => header.unpacked = value,
                [3] => header.packed = value,
                [5 | 8, 1] => header.values = value,
                [5, 2] | [8, 4] => header.encoding = value,
                [8, 7] => header.packed_v2 = value == 1,
                [7, 1] => header.entries = value,
                _ => {}
            }
        });
        read.ok_or_else(|| damaged("a page's header cannot be read"))?;
        Ok((header, compact.read()))
    }
}

/// The numbers that page headers use for these types of page.
const INDEX_PAGE: i64 = 1;
const DICTIONARY_PAGE: i64 = 2;

/// Checks the page headers of a column in a row group of `rows` rows. `most_batch` is an upper limit for the rows of a
/// batch.
pub(super) fn check_chunk<R: ChunkReader + 'static>(
    source: R,
    meta: &ColumnChunkMetaData,
    rows: usize,
    most_batch: usize,
    budget: &Budget,
) -> Result<Bounds> {
    let column = meta.column_descr();
    if column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY && column.type_length() > WIDEST_NUMBER {
        return Err(damaged(format!("numbers of {} bytes", column.type_length())));
    }
    let start = meta.dictionary_page_offset().unwrap_or(meta.data_page_offset());
    let range = u64::try_from(start).ok().zip(u64::try_from(meta.compressed_size()).ok());
    let range = range.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
    let Some((mut at, end)) = range.filter(|(_, end)| *end <= source.len()) else {
        return Err(damaged("a column lies outside of the file"));
    };
    let text = column.physical_type() == Type::BYTE_ARRAY;
    let (mut seen, mut largest, mut dictionary, mut all, mut delta) = (0u64, 0u64, 0u64, 0u64, Delta::None);
    while at < end && seen < rows as u64 {
        let (header, length) = Header::read(&source, at, end - at)?;
        at += length;
        let sizes = u64::try_from(header.packed).ok().zip(u64::try_from(header.unpacked).ok());
        let Some((packed, unpacked)) = sizes.filter(|(packed, _)| *packed <= end - at) else {
            return Err(damaged("a page longer than its column"));
        };
        let plain = meta.compression() == Compression::UNCOMPRESSED || !header.packed_v2;
        let unpacked = if plain { packed } else { unpacked };
        if unpacked > most_unpacked(meta.compression(), packed) {
            return Err(damaged(format!("a page of {packed} bytes that claims to unpack to {unpacked}")));
        }
        if matches!(meta.compression(), Compression::GZIP(_)) && !plain {
            check_gzip(&source, at, packed, unpacked, budget)?;
        }
        at += packed;
        match header.kind {
            INDEX_PAGE => {}
            DICTIONARY_PAGE => {
                let entries = u64::try_from(header.entries).unwrap_or(u64::MAX);
                let least = least_bytes(column.physical_type(), column.type_length());
                if entries.checked_mul(least).is_none_or(|bytes| bytes > unpacked) {
                    let what = format!("a dictionary of {unpacked} bytes that claims {entries} entries");
                    return Err(damaged(what));
                }
                dictionary = dictionary.max(unpacked);
            }
            _ => {
                let values = u64::try_from(header.values).unwrap_or(u64::MAX);
                if values > rows as u64 - seen {
                    return Err(damaged("a page of more values than its row group has rows"));
                }
                seen += values;
                all += unpacked;
                largest = largest.max(unpacked);
                delta = delta.max(Delta::of(header.encoding, text));
            }
        }
    }
    let mut longest = 0;
    if delta != Delta::None || text && dictionary > SMALL_DICTIONARY {
        longest = look_inside(source, meta, rows, delta)?;
    }
    if text {
        longest = longest.max(all / (rows as u64).max(1));
        if delta == Delta::Prefixes {
            // Each text can repeat the whole text before it, so every one of them can be as long as the page.
            longest = longest.max(largest);
        }
    }
    let batch = (BATCH_BYTES / longest.max(1)).clamp(1, most_batch as u64) as usize;
    Ok(Bounds { bytes: largest.saturating_add(dictionary), batch })
}

/// Which delta encoding the texts have, if any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Delta {
    None,
    /// `DELTA_LENGTH_BYTE_ARRAY`: first the lengths of all texts, then the texts.
    Lengths,
    /// `DELTA_BYTE_ARRAY`: for each text, how much of the previous text it repeats and what follows.
    Prefixes,
}

impl Delta {
    /// The delta encoding for an encoding number from a page header.
    fn of(encoding: i64, text: bool) -> Delta {
        match encoding {
            6 if text => Delta::Lengths,
            7 => Delta::Prefixes,
            _ => Delta::None,
        }
    }
}

/// The most bytes that `packed` compressed bytes can become.
fn most_unpacked(codec: Compression, packed: u64) -> u64 {
    let ratio = match codec {
        Compression::UNCOMPRESSED => 1,
        // A copy instruction yields up to 64 bytes and takes at least 3.
        Compression::SNAPPY => 22,
        Compression::LZ4 | Compression::LZ4_RAW => 255,
        // A copy of 258 bytes takes at least 2 bits.
        Compression::GZIP(_) => MOST_INFLATED,
        // Zstandard can store a block of 128 KiB that repeats one byte in 4 bytes.
        _ => 1 << 15,
    };
    packed.saturating_mul(ratio).saturating_add(1 << 10)
}

/// The most bytes that one byte of gzip data can become.
const MOST_INFLATED: u64 = 1032;

/// Decompresses a gzip page without keeping the result, to check that it is not larger than its header says. The real
/// decoder would not stop at that size.
fn check_gzip(source: &impl ChunkReader, at: u64, packed: u64, unpacked: u64, budget: &Budget) -> Result<()> {
    let share = budget.left() / (2 * rayon::current_num_threads() as u64);
    if packed.saturating_mul(MOST_INFLATED) <= share {
        return Ok(());
    }
    let page = source.get_read(at).map_err(damaged)?.take(packed);
    let mut page = flate2::read::MultiGzDecoder::new(page).take(unpacked + 1);
    // Any other problem is reported by the real decoder.
    match std::io::copy(&mut page, &mut std::io::sink()) {
        Ok(found) if found > unpacked => Err(damaged("a page that unpacks to more than it says")),
        _ => Ok(()),
    }
}

/// The fewest bytes that an entry of a dictionary can take.
fn least_bytes(of: Type, length: i32) -> u64 {
    match of {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(length).unwrap_or(1).max(1),
    }
}

/// Decompresses the dictionary and, if texts are delta-encoded, all pages, and checks that the counts stored inside the
/// pages match the headers. Returns the length of the longest text in the dictionary.
fn look_inside<R: ChunkReader + 'static>(
    source: R,
    meta: &ColumnChunkMetaData,
    rows: usize,
    delta: Delta,
) -> Result<u64> {
    let levels = meta.column_descr().max_def_level() > 0;
    let mut pages = SerializedPageReader::new(Arc::new(source), meta, rows, None).map_err(damaged)?;
    let (mut longest, mut seen) = (0, 0);
    while seen < rows {
        let Some(page) = pages.get_next_page().map_err(damaged)? else { break };
        let (values, encoding, buffer, skip) = match page {
            Page::DictionaryPage { buf, .. } => {
                longest = longest.max(longest_text(&buf));
                if delta == Delta::None {
                    break;
                }
                continue;
            }
            Page::DataPage { num_values, encoding, buf, .. } => {
                // The definition levels come first, preceded by their length.
                let length = buf.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
                (num_values, encoding, buf, if levels { length.saturating_add(4) } else { 0 })
            }
            Page::DataPageV2 {
                num_values, encoding, buf, def_levels_byte_len, rep_levels_byte_len, ..
            } => {
                let skip = def_levels_byte_len as usize + rep_levels_byte_len as usize;
                (num_values, encoding, buf, skip)
            }
        };
        seen += values as usize;
        let Some(data) = buffer.get(skip..) else { return Err(damaged("a page shorter than its levels")) };
        let wrong = || damaged("a page that claims more texts than it has values");
        match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => {
                delta_end(data, values).ok_or_else(wrong)?;
            }
            Encoding::DELTA_BYTE_ARRAY => {
                let prefixes = delta_end(data, values).ok_or_else(wrong)?;
                delta_end(&data[prefixes..], values).ok_or_else(wrong)?;
            }
            _ => {}
        }
    }
    Ok(longest)
}

/// The length of the longest text in a plain dictionary, where each text is preceded by its length.
fn longest_text(mut page: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = page.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(rest) = rest.get(length..) else { break };
        longest = longest.max(length as u64);
        page = rest;
    }
    longest
}

/// The offset at which a run of delta-encoded numbers ends. `None` if it has more than `most` numbers or is cut short.
fn delta_end(data: &[u8], most: u32) -> Option<usize> {
    let mut at = 0;
    let number = |at: &mut usize| {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *data.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    };
    let (block, parts, total) = (number(&mut at)?, number(&mut at)?, number(&mut at)?);
    if total > u64::from(most) || parts == 0 || block == 0 || !block.is_multiple_of(parts) {
        return None;
    }
    number(&mut at)?; // the first
    let part = block / parts;
    let mut left = total.saturating_sub(1);
    while left > 0 {
        number(&mut at)?; // the smallest difference
        let widths = at;
        at = at.checked_add(usize::try_from(parts).ok()?)?;
        data.get(widths..at)?;
        for &width in &data[widths..at] {
            if left == 0 {
                break;
            }
            at = at.checked_add(usize::try_from(u64::from(width).checked_mul(part)?.div_ceil(8)).ok()?)?;
            left = left.saturating_sub(part);
        }
    }
    // The last part may be stored without its padding.
    Some(at.min(data.len()))
}
