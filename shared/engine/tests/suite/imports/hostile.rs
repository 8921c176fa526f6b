//! Files that were made to break a reader, or have been broken.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, ListArray, StringArray};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;
use vitrine_engine::import::error::ImportFailure;
use vitrine_rules::data::upload::FileFormat;

use super::{TestImport, parquet};

fn sample(version: WriterVersion, codec: Compression) -> Vec<u8> {
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>((0..200).map(|row| Some(vec![Some(row); 3])));
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..200))),
        ("city", Arc::new(StringArray::from_iter_values((0..200).map(|row| format!("city {}", row % 5))))),
        ("tags", Arc::new(lists)),
    ];
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(codec)
        .set_max_row_group_row_count(Some(70))
        .build();
    parquet::file(&columns, properties)
}

/// Either a table or a refusal; a panic or an abort fails the test.
fn survives(bytes: &[u8]) -> Option<ImportFailure> {
    TestImport::new(FileFormat::Parquet, bytes).convert().err().map(|error| error.failure())
}

#[test]
fn a_truncated_file_is_refused() {
    let bytes = sample(WriterVersion::PARQUET_1_0, Compression::SNAPPY);
    assert_eq!(survives(&bytes), None);
    for length in (0..bytes.len()).step_by(61) {
        assert_eq!(survives(&bytes[..length]), Some(ImportFailure::File), "{length} bytes");
    }
    for bytes in [b"".as_slice(), b"PAR1", b"PAR1PAR1PAR1", b"PAR1\xFF\xFF\xFF\xFFPAR1", b"a,b\n1,2\n"] {
        assert_eq!(survives(bytes), Some(ImportFailure::File), "{bytes:?}");
    }
}

/// A file whose footer is `footer`.
fn with_footer(footer: &[u8]) -> Vec<u8> {
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1", footer, &length, b"PAR1"].concat()
}

#[test]
fn sizes_that_a_footer_declares_are_not_believed() {
    let group = |children: &[u8]| [&[0x35, 0x02, 0x18, 0x01, b'a', 0x15], children, &[0x00]].concat();
    // i32: version 1, then the schema as a list of structs.
    let schema = |count: usize, element: &[u8]| {
        let mut varint = vec![];
        let mut rest = count;
        while rest > 127 {
            varint.push(u8::try_from(rest & 127).unwrap() | 128);
            rest >>= 7;
        }
        varint.push(u8::try_from(rest).unwrap());
        [&[0x15, 0x02, 0x19, 0xFC], varint.as_slice(), &element.repeat(count), &[0x00]].concat()
    };
    let huge_list = [0x15, 0x02, 0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00];
    let huge_row_groups = [0x15, 0x02, 0x39, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00];
    let huge_text = [0x15, 0x02, 0x58, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00];
    for footer in [
        huge_list.to_vec(),
        huge_row_groups.to_vec(),
        huge_text.to_vec(),
        // Each group has one child: a schema that is as deep as it is long.
        schema(100_000, &group(&[0x02])),
        // A group of two thousand million children.
        schema(1, &group(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F])),
        schema(50_000, &group(&[0x00])),
        vec![0x1C; 100_000],
        vec![0x00],
    ] {
        assert_eq!(
            survives(&with_footer(&footer)),
            Some(ImportFailure::File),
            "{:?}",
            &footer[..footer.len().min(20)]
        );
    }
}

#[test]
fn a_small_file_that_unfolds_is_refused_early() {
    // A hundred thousand characters, five thousand times.
    let text = "x".repeat(100_000);
    let dictionary = StringArray::from(vec![text.as_str()]);
    let keys = datafusion::arrow::array::Int32Array::from(vec![0; 5_000]);
    let rows: ArrayRef =
        Arc::new(datafusion::arrow::array::DictionaryArray::try_new(keys, Arc::new(dictionary)).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_dictionary_page_size_limit(16 << 20)
        .build();
    let bytes = parquet::file(&[("a", rows)], properties);
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let mut place = TestImport::new(FileFormat::Parquet, &bytes);
    place.import.limits.unfolded = 64 << 20;
    assert_eq!(place.convert().unwrap_err().failure(), ImportFailure::TooLarge);
}

#[test]
fn a_page_that_unfolds_is_refused_before_it_is_read() {
    // One value of 600 MB, in a page of a few kilobytes.
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(600 << 20)]));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(datafusion::parquet::file::properties::EnabledStatistics::None)
        .build();
    let bytes = parquet::file(&[("a", text)], properties);
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    let error = TestImport::new(FileFormat::Parquet, &bytes).convert().unwrap_err();
    assert_eq!(error.failure(), ImportFailure::TooLarge);
    assert!(error.owner_text().contains("512 MiB"), "{}", error.owner_text());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_parquet_never_ends_the_process(
        is_new in any::<bool>(),
        is_packed in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_in_footer in any::<bool>(),
    ) {
        let version = if is_new { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let codec = if is_packed { Compression::SNAPPY } else { Compression::UNCOMPRESSED };
        let mut bytes = sample(version, codec);
        let end = bytes.len() - 8;
        let footer = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
        let start = if is_in_footer { end - footer } else { 4 };
        for (at, byte) in damage {
            let at = start + at.index(end - start);
            bytes[at] = byte;
        }
        let mut place = TestImport::new(FileFormat::Parquet, &bytes);
        place.import.limits.unfolded = 64 << 20;
        let _ = place.convert();
    }

    #[test]
    fn damaged_texts_never_end_the_process(text in "[a\",;\r\n1{}:\\[\\]\\\\\u{feff}\u{fffd}.-]{0,80}") {
        for format in [FileFormat::Csv, FileFormat::Jsonl] {
            let _ = TestImport::new(format, text.as_bytes()).convert();
        }
    }
}
