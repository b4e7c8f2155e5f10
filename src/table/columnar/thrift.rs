//! A minimal reader for Thrift's compact protocol, in which Parquet stores its metadata.
//!
//! It extracts a few numbers from a Parquet file so that they can be checked before the real decoder trusts them.
//! Methods return `None` if the data is invalid.

use std::io::Read;

/// The deepest nesting that is accepted, because the reader is recursive. Parquet's own structs and lists are nested
/// half as deep at most.
const DEEPEST: u32 = 32;

/// The value of a field.
pub(super) enum Value {
    /// An integer, or a boolean as 0 or 1.
    Number(i64),
    /// Any other value; its contents are skipped.
    Other,
}

/// A reader of the compact protocol that counts the bytes it reads.
pub(super) struct Compact<R> {
    source: R,
    read: u64,
    /// The most bytes that may be read.
    most: u64,
    depth: u32,
}

impl<R: Read> Compact<R> {
    /// Creates a reader of `source` that reads at most `most` bytes.
    pub(super) fn new(source: R, most: u64) -> Self {
        Compact { source, read: 0, most, depth: 0 }
    }

    /// The number of bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.read += 1;
        (self.read <= self.most).then_some(())?;
        self.source.read_exact(&mut byte).ok()?;
        Some(byte[0])
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    /// Reads an unsigned integer of up to 64 bits, stored as seven bits per byte.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Reads a signed integer, stored so that small negative numbers are short as well.
    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        (count <= self.most.checked_sub(self.read)?).then_some(())?;
        let skipped = std::io::copy(&mut (&mut self.source).take(count), &mut std::io::sink()).ok()?;
        self.read += count;
        (skipped == count).then_some(())
    }

    /// Reads a struct and calls `each` with the path and the value of every field that is not itself a struct or a
    /// list.
    ///
    /// A path is the list of field numbers from the outermost struct to the field. The elements of a list have the path
    /// of the list. `path` is the path of this struct.
    pub(super) fn walk(&mut self, path: &mut Vec<i16>, each: &mut impl FnMut(&[i16], Value)) -> Option<()> {
        let mut last = 0i16;
        loop {
            let head = self.byte()?;
            let of = head & 0x0f;
            if of == 0 {
                return Some(());
            }
            last = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                step => last.checked_add(i16::from(step))?,
            };
            path.push(last);
            self.value(of, false, path, each)?;
            path.pop();
        }
    }

    /// Reads a value of the type with the number `of`. In a list, a boolean takes a byte of its own; elsewhere it is
    /// part of the type number.
    fn value(
        &mut self,
        of: u8,
        in_list: bool,
        path: &mut Vec<i16>,
        each: &mut impl FnMut(&[i16], Value),
    ) -> Option<()> {
        match of {
            1 | 2 => {
                let value = if in_list { self.byte()? == 1 } else { of == 1 };
                each(path, Value::Number(i64::from(value)));
            }
            3 => {
                let value = self.byte()?;
                each(path, Value::Number(i64::from(value as i8)));
            }
            4..=6 => {
                let value = self.zigzag()?;
                each(path, Value::Number(value));
            }
            7 => {
                self.skip_bytes(8)?;
                each(path, Value::Other);
            }
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)?;
                each(path, Value::Other);
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                self.deeper()?;
                for _ in 0..count {
                    self.value(head & 0x0f, true, path, each)?;
                }
                self.depth -= 1;
            }
            11 => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    self.deeper()?;
                    for _ in 0..count {
                        self.value(kinds >> 4, true, path, each)?;
                        self.value(kinds & 0x0f, true, path, each)?;
                    }
                    self.depth -= 1;
                }
            }
            12 => {
                self.deeper()?;
                self.walk(path, each)?;
                self.depth -= 1;
            }
            _ => return None,
        }
        Some(())
    }
}
