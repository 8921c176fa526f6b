//! The memory that reading a Parquet file would take, before it is read.
//!
//! A file declares the sizes of its lists, schemas and pages, and readers allocate what it declares. Here each is
//! compared with the bytes that are there, and with a budget.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use datafusion::parquet::basic::{Encoding, Type};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use super::thrift::{Thrift, ThriftError, kind};
use crate::import::error::{ImportError, ImportFailure};

const MAGIC: &[u8] = b"PAR1";
/// The footer is decoded to several times its size.
const MAX_FOOTER: u64 = 16 << 20;
const MAX_ELEMENTS: usize = 20_000;
const MAX_DEPTH: usize = 32;
const MAX_ROW_GROUPS: usize = 32_767;
/// The pages of all columns that are held at one time.
const MAX_PAGES: u64 = 512 << 20;
/// The items of lists in a row group: with levels and values each takes some 16 bytes.
const MAX_ITEMS: u64 = 32 << 20;
/// The longest values of a fixed length: each row has a copy.
const MAX_FIXED: i32 = 1_024;
/// The rows of a batch, and the bytes of those of its values that are copied.
const BATCH_ROWS: u64 = 8_192;
const BATCH_BYTES: u64 = 64 << 20;

fn damaged() -> ImportError {
    ImportError::file("the file is not Parquet, or is damaged")
}

impl From<ThriftError> for ImportError {
    fn from(_: ThriftError) -> Self {
        damaged()
    }
}

/// The bytes at the end of a file that tell the length of its footer.
pub const TAIL: u64 = 8;

/// Checks the footer of a file, without decoding it.
pub fn check_file(file: &mut File) -> Result<(), ImportError> {
    let size = file.seek(SeekFrom::End(0))?;
    let start = size.checked_sub(TAIL).ok_or_else(damaged)?;
    let mut tail = vec![];
    file.seek(SeekFrom::Start(start))?;
    (&mut *file).take(TAIL).read_to_end(&mut tail)?;
    let length = footer_length(&tail, size)?;
    file.seek(SeekFrom::Start(start - length))?;
    let mut footer = vec![];
    file.take(length).read_to_end(&mut footer)?;
    check_footer(&footer)
}

/// The length of the footer of a file of this size.
pub fn footer_length(tail: &[u8], size: u64) -> Result<u64, ImportError> {
    let [a, b, c, d, magic @ ..] = tail else { return Err(damaged()) };
    if magic == b"PARE" {
        return Err(ImportError::file("encrypted Parquet is not supported"));
    }
    let length = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    // The magic number is also at the beginning.
    if magic != MAGIC || size.checked_sub(TAIL + 4).is_none_or(|most| length > most) {
        return Err(damaged());
    }
    if length > MAX_FOOTER {
        let message = "the footer of the Parquet file is larger than 16 MiB";
        return Err(ImportError::new(ImportFailure::TooLarge, message));
    }
    Ok(length)
}

/// Checks a footer, without decoding it.
pub fn check_footer(footer: &[u8]) -> Result<(), ImportError> {
    let mut row_groups = 0;
    let mut schema = Ok(());
    Thrift::new(footer).fields(|thrift, id, kind| match (id, kind) {
        (2, kind::LIST) => {
            schema = check_schema(thrift)?;
            Ok(true)
        }
        (4, kind::LIST) => {
            let mut ahead = Thrift::new(&footer[thrift.position()..]);
            row_groups = row_groups.max(ahead.list()?.1);
            Ok(false)
        }
        _ => Ok(false),
    })?;
    schema?;
    if row_groups > MAX_ROW_GROUPS {
        return Err(ImportError::file("the file has more than 32767 row groups"));
    }
    Ok(())
}

/// Walks over the flat list that a schema is stored as: the number of children tells its depth.
fn check_schema(thrift: &mut Thrift<'_>) -> Result<Result<(), ImportError>, ThriftError> {
    let (items, count) = thrift.list()?;
    if items != kind::STRUCT || count == 0 {
        return Err(ThriftError::Damaged);
    }
    // The children that each open group still expects.
    let mut open = vec![];
    let mut is_sound = true;
    for index in 0..count {
        let mut children = 0;
        let mut fixed = 0;
        thrift.fields(|thrift, id, kind| {
            match (id, kind) {
                (2, kind::I32) => fixed = thrift.integer()?,
                (5, kind::I32) => children = thrift.integer()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        while open.last() == Some(&0) {
            open.pop();
        }
        match open.last_mut() {
            Some(expected) => *expected -= 1,
            None if index > 0 => return Err(ThriftError::Damaged),
            None => {}
        }
        let children = usize::try_from(children)
            .ok()
            .filter(|children| *children <= count)
            .ok_or(ThriftError::Damaged)?;
        if children > 0 {
            open.push(children);
        }
        is_sound &= open.len() <= MAX_DEPTH && fixed <= i64::from(MAX_FIXED);
    }
    if open.iter().any(|expected| *expected > 0) {
        return Err(ThriftError::Damaged);
    }
    let is_small = is_sound && count <= MAX_ELEMENTS;
    let message = "the file has more than 20000 columns and groups, groups more than 32 deep, or values of a fixed length of more than 1024 bytes";
    Ok(if is_small { Ok(()) } else { Err(ImportError::file(message)) })
}

/// Reads the headers of all pages. Returns the rows that a batch may have.
pub fn check_pages(
    file: &mut File,
    metadata: &ParquetMetaData,
    mut each: impl FnMut() -> Result<(), ImportError>,
) -> Result<usize, ImportError> {
    let mut headers = Headers { size: file.seek(SeekFrom::End(0))?, file, start: 0, window: vec![] };
    let mut rows = BATCH_ROWS;
    for group in metadata.row_groups() {
        rows = rows.min(check_group(&mut headers, group, &mut each)?);
    }
    Ok(usize::try_from(rows).unwrap_or(1))
}

fn check_group(
    headers: &mut Headers<'_>,
    group: &RowGroupMetaData,
    each: &mut dyn FnMut() -> Result<(), ImportError>,
) -> Result<u64, ImportError> {
    let (mut pages, mut items, mut copied) = (0_u64, 0_u64, 0_u64);
    for column in group.columns() {
        let found = headers.column(column, each)?;
        pages = pages.saturating_add(found.dictionary).saturating_add(found.largest);
        let is_repeated = column.column_descr().max_rep_level() > 0;
        if is_repeated {
            items = items.saturating_add(found.values);
        }
        copied += match column.column_type() {
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.column_descr().type_length()).unwrap_or(0),
            Type::BYTE_ARRAY if found.has_prefixes && is_repeated => {
                return Err(ImportError::file(format!(
                    "column `{}`: texts in lists must be written without the encoding DELTA_BYTE_ARRAY",
                    column.column_path().string()
                )));
            }
            // A value may be as long as the page, and each is written out.
            Type::BYTE_ARRAY if found.has_prefixes => found.largest,
            Type::INT96 => 12,
            _ => 8,
        };
    }
    let too_large = |what: &str| Err(ImportError::new(ImportFailure::TooLarge, what));
    if pages > MAX_PAGES {
        return too_large(
            "the pages of a row group need more than 512 MiB: write smaller pages or fewer columns",
        );
    }
    if items > MAX_ITEMS {
        return too_large("a row group has lists with more than 33554432 items: write smaller row groups");
    }
    Ok((BATCH_BYTES / copied.max(1)).clamp(1, BATCH_ROWS))
}

/// The pages of one column in one row group.
#[derive(Default)]
struct Pages {
    /// The size of the dictionary when it is decompressed, and of its compressed form.
    dictionary: u64,
    /// The same of the largest page of values.
    largest: u64,
    values: u64,
    /// A page has values as differences to the one before.
    has_prefixes: bool,
}

/// The headers of pages, through a window that is moved over the file.
struct Headers<'a> {
    file: &'a mut File,
    size: u64,
    start: u64,
    window: Vec<u8>,
}

impl Headers<'_> {
    const WINDOW: u64 = 64 << 10;
    const MAX_WINDOW: u64 = 16 << 20;

    fn column(
        &mut self,
        column: &ColumnChunkMetaData,
        each: &mut dyn FnMut() -> Result<(), ImportError>,
    ) -> Result<Pages, ImportError> {
        let first = match column.dictionary_page_offset() {
            // Some writers say 0 for "none".
            Some(offset) if offset > 0 => offset.min(column.data_page_offset()),
            _ => column.data_page_offset(),
        };
        let start = u64::try_from(first).map_err(|_| damaged())?;
        let length = u64::try_from(column.compressed_size()).map_err(|_| damaged())?;
        let end = start.checked_add(length).filter(|end| *end <= self.size).ok_or_else(damaged)?;
        let mut found = Pages::default();
        let mut at = start;
        while at < end {
            each()?;
            let page = self.page(at, end)?;
            let in_memory = page.compressed.saturating_add(page.decompressed);
            if page.is_dictionary {
                // Each value of a dictionary takes a byte at least.
                if page.values > page.decompressed {
                    return Err(damaged());
                }
                found.dictionary = found.dictionary.max(in_memory.saturating_add(page.values * 16));
            } else {
                found.largest = found.largest.max(in_memory);
                found.values = found.values.saturating_add(page.values);
                found.has_prefixes |= page.encoding == i64::from(Encoding::DELTA_BYTE_ARRAY as i32);
            }
            at = page.end;
        }
        Ok(found)
    }

    fn page(&mut self, at: u64, end: u64) -> Result<Page, ImportError> {
        let mut wanted = Self::WINDOW;
        loop {
            let is_inside = at >= self.start && at < self.start + self.window.len() as u64;
            let inside =
                if is_inside { usize::try_from(at - self.start).unwrap_or(0) } else { self.window.len() };
            let reaches = self.start + self.window.len() as u64;
            match read_page(&self.window[inside..]) {
                Ok((page, length)) if is_inside => {
                    let end_of_page = (at + length as u64).checked_add(page.compressed);
                    let end_of_page = end_of_page.filter(|page| *page <= end).ok_or_else(damaged)?;
                    return Ok(Page { end: end_of_page, ..page });
                }
                Err(ThriftError::Damaged) if is_inside => return Err(damaged()),
                // All that there is, or could be, is there.
                _ if is_inside
                    && (reaches >= end || self.window.len() as u64 >= Self::MAX_WINDOW)
                    && self.start == at =>
                {
                    return Err(damaged());
                }
                _ => {}
            }
            self.file.seek(SeekFrom::Start(at))?;
            self.window.clear();
            (&mut *self.file).take(wanted.min(end - at)).read_to_end(&mut self.window)?;
            self.start = at;
            if self.window.is_empty() {
                return Err(damaged());
            }
            wanted = (wanted * 16).min(Self::MAX_WINDOW);
        }
    }
}

struct Page {
    compressed: u64,
    decompressed: u64,
    values: u64,
    encoding: i64,
    is_dictionary: bool,
    end: u64,
}

/// The header of a page, and its length.
fn read_page(bytes: &[u8]) -> Result<(Page, usize), ThriftError> {
    let mut thrift = Thrift::new(bytes);
    let (mut compressed, mut decompressed, mut values, mut encoding, mut is_dictionary) =
        (-1, -1, 0, -1, false);
    thrift.fields(|thrift, id, kind| {
        match (id, kind) {
            (2, kind::I32) => decompressed = thrift.integer()?,
            (3, kind::I32) => compressed = thrift.integer()?,
            // The headers of pages of values, of a dictionary, and of values in their second version.
            (5 | 7 | 8, kind::STRUCT) => {
                is_dictionary = id == 7;
                let encoding_at = if id == 8 { 4 } else { 2 };
                thrift.fields(|thrift, id, kind| {
                    match (id, kind) {
                        (1, kind::I32) => values = thrift.integer()?,
                        (id, kind::I32) if id == encoding_at => encoding = thrift.integer()?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let size = |size: i64| u64::try_from(size).map_err(|_| ThriftError::Damaged);
    let page = Page {
        compressed: size(compressed)?,
        decompressed: size(decompressed)?,
        values: size(values)?,
        encoding,
        is_dictionary,
        end: 0,
    };
    Ok((page, thrift.position()))
}
