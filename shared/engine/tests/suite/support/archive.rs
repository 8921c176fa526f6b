//! A reader of ZIP archives that believes the list of files at their end, as other programs do.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// The files by name. Panics where list, headers, sizes and checksums do not agree.
pub fn unzip(archive: &[u8]) -> BTreeMap<String, String> {
    let end = archive.len() - 22;
    assert_eq!(number(archive, end, 4), 0x0605_4b50);
    let mut files = BTreeMap::new();
    let mut at = number(archive, end + 16, 4);
    for _ in 0..number(archive, end + 10, 2) {
        assert_eq!(number(archive, at, 4), 0x0201_4b50);
        let name_length = number(archive, at + 28, 2);
        let name = std::str::from_utf8(&archive[at + 46..at + 46 + name_length]).unwrap().to_owned();
        let (compressed, size) = (number(archive, at + 20, 4), number(archive, at + 24, 4));
        let header = number(archive, at + 42, 4);
        assert_eq!(number(archive, header, 4), 0x0403_4b50);
        assert_eq!(number(archive, header + 26, 2), name_length);
        assert_eq!(number(archive, header + 6, 4), number(archive, at + 8, 4), "flags and method");
        let start = header + 30 + name_length;
        let body = &archive[start..start + compressed];
        let mut content = vec![];
        match number(archive, at + 10, 2) {
            0 => content.extend_from_slice(body),
            _ => {
                DeflateDecoder::new(body).read_to_end(&mut content).unwrap();
                let descriptor = start + compressed;
                assert_eq!(number(archive, descriptor, 4), 0x0807_4b50);
                assert_eq!(archive[descriptor + 4..descriptor + 16], archive[at + 16..at + 28]);
            }
        }
        let mut checksum = Crc::new();
        checksum.update(&content);
        assert_eq!(checksum.sum() as usize, number(archive, at + 16, 4), "{name}");
        assert_eq!(content.len(), size);
        files.insert(name, String::from_utf8(content).unwrap());
        at += 46 + name_length;
    }
    assert_eq!(at, end);
    files
}
