//! The compact form of Thrift, as far as it takes to measure what a file declares before a reader believes it.
//!
//! A list or a text that is longer than the bytes that are left is refused here; readers would allocate it first.

/// The bytes end early, or are no Thrift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThriftError {
    Ended,
    Damaged,
}

/// The types of fields.
pub mod kind {
    pub const STOP: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const MAP: u8 = 11;
    pub const STRUCT: u8 = 12;
    pub const UUID: u8 = 13;
}

const MAX_DEPTH: u8 = 32;

pub struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The bytes that were read.
    pub fn position(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn byte(&mut self) -> Result<u8, ThriftError> {
        let byte = *self.bytes.get(self.at).ok_or(ThriftError::Ended)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, ThriftError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ThriftError::Damaged)
    }

    /// An integer of 16, 32 or 64 bits.
    pub fn integer(&mut self) -> Result<i64, ThriftError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn advance(&mut self, length: u64) -> Result<(), ThriftError> {
        let length =
            usize::try_from(length).ok().filter(|length| *length <= self.left()).ok_or(ThriftError::Ended)?;
        self.at += length;
        Ok(())
    }

    /// The start of a list: the type and the number of its items.
    pub fn list(&mut self) -> Result<(u8, usize), ThriftError> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| ThriftError::Damaged)?,
            count => usize::from(count),
        };
        // Each item takes a byte at least.
        if count > self.left() { Err(ThriftError::Ended) } else { Ok((header & 0x0F, count)) }
    }

    /// Walks over the fields of a struct. `read` reads a field and returns `true`, or leaves it alone.
    pub fn fields(
        &mut self,
        mut read: impl FnMut(&mut Self, i64, u8) -> Result<bool, ThriftError>,
    ) -> Result<(), ThriftError> {
        self.fields_within(MAX_DEPTH, &mut read)
    }

    fn fields_within(
        &mut self,
        depth: u8,
        read: &mut dyn FnMut(&mut Self, i64, u8) -> Result<bool, ThriftError>,
    ) -> Result<(), ThriftError> {
        let depth = depth.checked_sub(1).ok_or(ThriftError::Damaged)?;
        let mut id = 0_i64;
        loop {
            let header = self.byte()?;
            if header & 0x0F == kind::STOP {
                return Ok(());
            }
            id = match header >> 4 {
                0 => self.integer()?,
                delta => id + i64::from(delta),
            };
            if !read(self, id, header & 0x0F)? {
                self.skip(header & 0x0F, depth, false)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: u8, in_list: bool) -> Result<(), ThriftError> {
        let depth = depth.checked_sub(1).ok_or(ThriftError::Damaged)?;
        match kind {
            kind::TRUE | kind::FALSE if in_list => self.advance(1),
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.advance(1),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(drop),
            kind::DOUBLE => self.advance(8),
            kind::UUID => self.advance(16),
            kind::BINARY => {
                let length = self.varint()?;
                self.advance(length)
            }
            kind::LIST | kind::SET => {
                let (items, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(items, depth, true))
            }
            kind::MAP => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                if count > self.left() as u64 {
                    return Err(ThriftError::Ended);
                }
                (0..count).try_for_each(|_| {
                    self.skip(kinds >> 4, depth, true)?;
                    self.skip(kinds & 0x0F, depth, true)
                })
            }
            kind::STRUCT => self.fields_within(depth, &mut |_, _, _| Ok(false)),
            _ => Err(ThriftError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_fields_are_read_and_the_rest_is_skipped() {
        // 1: i32 = -1, 2: "ab", 3: [1, 2] of i32, 4: {1: true}, 20: i64 = 300.
        let bytes = [0x15, 1, 0x18, 2, b'a', b'b', 0x19, 0x25, 2, 4, 0x1C, 0x11, 0, 0x06, 40, 0xD8, 4, 0, 99];
        let mut thrift = Thrift::new(&bytes);
        let mut found = vec![];
        thrift
            .fields(|thrift, id, kind| {
                let is_integer = matches!(kind, kind::I32 | kind::I64);
                if is_integer {
                    found.push((id, thrift.integer()?));
                }
                Ok(is_integer)
            })
            .unwrap();
        assert_eq!(found, [(1, -1), (20, 300)]);
        assert_eq!(thrift.position(), bytes.len() - 1);
    }

    #[test]
    fn declared_lengths_are_not_believed() {
        let skip = |bytes: &[u8]| Thrift::new(bytes).fields(|_, _, _| Ok(false));
        let cases: [(&[u8], ThriftError); 6] = [
            (&[], ThriftError::Ended),
            (&[0x15], ThriftError::Ended),
            (&[0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, b'a'], ThriftError::Ended),
            (&[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0], ThriftError::Ended),
            (&[0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], ThriftError::Damaged),
            (&[0x1E, 0], ThriftError::Damaged),
        ];
        for (bytes, wrong) in cases {
            assert_eq!(skip(bytes), Err(wrong), "{bytes:?}");
        }
        assert_eq!(skip(&[0x1C; 1_000]), Err(ThriftError::Damaged), "a struct in a struct in a struct");
    }
}
