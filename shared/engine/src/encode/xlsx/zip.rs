//! A ZIP archive that is written front to back.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::super::failed;
use crate::error::{EngineError, QueryFailure};

/// The version of the format that readers must know: the one with compression.
const VERSION: u16 = 20;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The flag of a file whose checksum and sizes stand behind it.
const SIZES_FOLLOW: u16 = 1 << 3;
/// 1980-01-01, the first day of the format: the same rows are the same bytes.
const DAY: u16 = (1 << 5) | 1;
/// More than half of what the best level saves, in a fraction of its time.
const LEVEL: u32 = 3;

/// An archive, of which only the list of files is kept.
#[derive(Debug, Default)]
pub struct Zip {
    /// Bytes written so far.
    position: u64,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: &'static str,
    method: u16,
    flags: u16,
    checksum: u32,
    compressed: u32,
    size: u32,
    start: u32,
}

/// A file that is being compressed.
#[derive(Debug)]
pub struct Entry {
    name: &'static str,
    start: u32,
    checksum: Crc,
    size: u64,
    compressed: u64,
    encoder: DeflateEncoder<Vec<u8>>,
}

impl Zip {
    /// Adds a small file as it is.
    pub fn store(&mut self, name: &'static str, content: &str, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let mut checksum = Crc::new();
        checksum.update(content.as_bytes());
        let size = bounded(content.len() as u64)?;
        let start = bounded(self.position)?;
        let file =
            File { name, method: STORED, flags: 0, checksum: checksum.sum(), compressed: size, size, start };
        let header = local_header(&file);
        self.emit(&header, out);
        self.emit(content.as_bytes(), out);
        self.files.push(file);
        Ok(())
    }

    /// Begins a compressed file.
    pub fn open(&mut self, name: &'static str, out: &mut Vec<u8>) -> Result<Entry, EngineError> {
        let start = bounded(self.position)?;
        let (method, flags) = (DEFLATED, SIZES_FOLLOW);
        let header = File { name, method, flags, checksum: 0, compressed: 0, size: 0, start };
        self.emit(&local_header(&header), out);
        let encoder = DeflateEncoder::new(vec![], Compression::new(LEVEL));
        Ok(Entry { name, start, checksum: Crc::new(), size: 0, compressed: 0, encoder })
    }

    /// Appends to the compressed file.
    pub fn append(&mut self, entry: &mut Entry, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EngineError> {
        entry.checksum.update(bytes);
        entry.size += bytes.len() as u64;
        bounded(entry.size)?;
        entry.encoder.write_all(bytes).map_err(failed)?;
        let compressed = std::mem::take(entry.encoder.get_mut());
        entry.compressed += compressed.len() as u64;
        self.emit(&compressed, out);
        Ok(())
    }

    /// Ends the compressed file.
    pub fn close(&mut self, entry: Entry, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let Entry { name, start, checksum, size, compressed, encoder } = entry;
        let rest = encoder.finish().map_err(failed)?;
        self.emit(&rest, out);
        let (compressed, size) = (bounded(compressed + rest.len() as u64)?, bounded(size)?);
        let (method, flags, checksum) = (DEFLATED, SIZES_FOLLOW, checksum.sum());
        let sizes = [0x0807_4b50, checksum, compressed, size];
        self.emit(&sizes.map(u32::to_le_bytes).concat(), out);
        self.files.push(File { name, method, flags, checksum, compressed, size, start });
        Ok(())
    }

    /// Ends the archive with the list of its files.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let start = bounded(self.position)?;
        let mut list = vec![];
        for file in &self.files {
            fields(&mut list, &[0x4b50, 0x0201, VERSION, VERSION, file.flags, file.method, 0, DAY]);
            words(&mut list, &[file.checksum, file.compressed, file.size]);
            fields(&mut list, &[length(file.name), 0, 0, 0, 0]);
            words(&mut list, &[0, file.start]);
            list.extend_from_slice(file.name.as_bytes());
        }
        let count = u16::try_from(self.files.len()).map_err(failed)?;
        let bytes = bounded(list.len() as u64)?;
        fields(&mut list, &[0x4b50, 0x0605, 0, 0, count, count]);
        words(&mut list, &[bytes, start]);
        fields(&mut list, &[0]);
        self.emit(&list, out);
        Ok(())
    }

    fn emit(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.position += bytes.len() as u64;
        out.extend_from_slice(bytes);
    }
}

fn local_header(file: &File) -> Vec<u8> {
    let mut header = vec![];
    fields(&mut header, &[0x4b50, 0x0403, VERSION, file.flags, file.method, 0, DAY]);
    // Zeros where the sizes follow.
    words(&mut header, &[file.checksum, file.compressed, file.size]);
    fields(&mut header, &[length(file.name), 0]);
    header.extend_from_slice(file.name.as_bytes());
    header
}

fn fields(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn words(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// The names are constants.
fn length(name: &str) -> u16 {
    u16::try_from(name.len()).unwrap_or(u16::MAX)
}

/// Readers differ in the extension for files of more than 4 GiB, so there are none.
fn bounded(size: u64) -> Result<u32, EngineError> {
    u32::try_from(size)
        .map_err(|_| EngineError::new(QueryFailure::TooLarge, "The sheet has more than 4 GiB of text."))
}
