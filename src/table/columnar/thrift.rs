//! Just enough of Thrift's compact protocol to read a few numbers of a Parquet file before its decoder does.

use std::io::Read;

/// Nesting that is followed, as the reader is recursive; Parquet's own structs and lists nest half as deep.
const DEEPEST: u32 = 32;

/// What a field holds.
pub(super) enum Value {
    /// A number or a truth value.
    Number(i64),
    /// Anything else; it is read over.
    Other,
}

/// A reader that counts its bytes.
pub(super) struct Compact<R> {
    source: R,
    read: u64,
    /// How many bytes there are at most.
    most: u64,
    depth: u32,
}

impl<R: Read> Compact<R> {
    /// Reads from `source`, at most `most` bytes.
    pub(super) fn new(source: R, most: u64) -> Self {
        Compact { source, read: 0, most, depth: 0 }
    }

    /// How many bytes were read.
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

    /// A number of up to 64 bits, seven to a byte.
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

    /// Reads a struct. `path` names the fields on the way to it; each field that is no struct and no list is shown to
    /// `each` by its path. Elements of a list have the list's path.
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

    /// Reads what a type's number says; in a list a truth value takes a byte.
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
