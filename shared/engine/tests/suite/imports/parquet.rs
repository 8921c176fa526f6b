//! Parquet of other programs.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float32Array,
    Int8Array, Int64Array, LargeStringArray, ListArray, MapBuilder, NullArray, RecordBatch, StringArray,
    StringBuilder, StringViewArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use datafusion::parquet::data_type::{Int96, Int96Type};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use datafusion::parquet::file::writer::SerializedFileWriter;
use datafusion::parquet::schema::parser::parse_message_type;
use vitrine_engine::table::TableColumn;
use vitrine_rules::data::upload::FileFormat;
use vitrine_rules::query::column_type::ColumnType;

use super::{TestImport, stored};
use crate::support::Data;

pub fn file(columns: &[(&str, ArrayRef)], properties: WriterProperties) -> Vec<u8> {
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.iter().map(|(_, array)| array.clone()).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut bytes = vec![];
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub fn place(columns: &[(&str, ArrayRef)]) -> TestImport {
    TestImport::new(FileFormat::Parquet, &file(columns, WriterProperties::default()))
}

/// A column of every type that other programs write, in two rows of which the second is NULL.
#[tokio::test]
async fn every_type_has_its_type_of_a_column() {
    let numbers = || ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let members = StructArray::try_new(
        vec![Field::new("a", DataType::Utf8, true), Field::new("b", DataType::Int64, true)].into(),
        vec![
            Arc::new(StringArray::from(vec![Some("5\""), None])) as ArrayRef,
            Arc::new(Int64Array::from(vec![None, None])) as ArrayRef,
        ],
        Some(vec![true, false].into()),
    )
    .unwrap();
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("k");
    map.values().append_value("v");
    map.append(true).unwrap();
    map.append(false).unwrap();
    let dictionary: DictionaryArray<Int32Type> = [Some("one"), None].into_iter().collect();
    let at = 1_709_202_600_000_i64;
    let columns: Vec<(&str, ArrayRef, &str, &str)> = vec![
        ("tiny", Arc::new(Int8Array::from(vec![Some(-7), None])), "integer", "-7"),
        ("unsigned", Arc::new(UInt32Array::from(vec![Some(u32::MAX), None])), "integer", "4294967295"),
        ("large", Arc::new(UInt64Array::from(vec![Some(7), None])), "integer", "7"),
        ("single", Arc::new(Float32Array::from(vec![Some(0.5), None])), "number", "0.5"),
        (
            "decimal",
            Arc::new(Decimal128Array::from(vec![Some(-1_250), None]).with_precision_and_scale(9, 2).unwrap()),
            "decimal(9,2)",
            "-12.50",
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(19_782), None])), "date", "\"2024-02-29\""),
        (
            "milliseconds",
            Arc::new(TimestampMillisecondArray::from(vec![Some(at), None])),
            "timestamp",
            "\"2024-02-29T10:30:00Z\"",
        ),
        (
            "zoned",
            Arc::new(TimestampMillisecondArray::from(vec![Some(at), None]).with_timezone("+02:00")),
            "timestamp",
            "\"2024-02-29T10:30:00Z\"",
        ),
        (
            "nanoseconds",
            Arc::new(TimestampNanosecondArray::from(vec![Some(-1), None])),
            "timestamp",
            "\"1969-12-31T23:59:59.999999Z\"",
        ),
        (
            "time",
            Arc::new(Time64MicrosecondArray::from(vec![Some(37_800_000_000), None])),
            "text",
            "\"10:30:00\"",
        ),
        ("wide", Arc::new(LargeStringArray::from(vec![Some("ä"), None])), "text", "\"ä\""),
        ("view", Arc::new(StringViewArray::from(vec![Some("007"), None])), "text", "\"007\""),
        ("bytes", Arc::new(BinaryArray::from(vec![Some("ü".as_bytes()), None])), "text", "\"ü\""),
        ("dictionary", Arc::new(dictionary), "text", "\"one\""),
        ("nothing", Arc::new(NullArray::new(2)), "text", "null"),
        ("list", Arc::new(numbers()), "json", "\"[1,null]\""),
        ("group", Arc::new(members), "json", r#""{\"a\":\"5\\\"\",\"b\":null}""#),
        ("map", Arc::new(map.finish()), "json", r#""{\"k\":\"v\"}""#),
    ];
    let arrays: Vec<_> = columns.iter().map(|(name, array, ..)| (*name, array.clone())).collect();
    let (found, rows) = place(&arrays).answer().await;
    let kinds: Vec<_> = columns.iter().map(|(name, _, kind, _)| format!("{name} {kind}")).collect();
    assert_eq!(found, kinds.join(", "));
    let values: Vec<_> = columns.iter().map(|(.., value)| *value).collect();
    let nulls = vec!["null"; columns.len()];
    assert_eq!(rows, format!("[[{}],[{}]]", values.join(","), nulls.join(",")));
}

/// A file with one column of timestamps as older programs write them: nanoseconds of a day by the Julian calendar.
fn old_timestamps(values: &[(i32, u64)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message old { OPTIONAL INT96 at; }").unwrap());
    let values: Vec<Int96> = values
        .iter()
        .map(|(days, nanos)| {
            let mut value = Int96::new();
            value.set_data(*nanos as u32, (nanos >> 32) as u32, (2_440_588 + days) as u32);
            value
        })
        .collect();
    // The last row is NULL.
    let levels: Vec<i16> = values.iter().map(|_| 1).chain([0]).collect();
    let mut bytes = vec![];
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int96Type>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
    bytes
}

/// As nanoseconds since 1970, the years before 1678 and after 2262 would wrap around.
#[tokio::test]
async fn old_timestamps_have_all_years() {
    let days = [(19_782, 37_800_123_456_789), (2_932_896, 0), (-719_162, 1_000)];
    let bytes = old_timestamps(&days);
    let expected = r#"[["2024-02-29T10:30:00.123456Z"],["9999-12-31T00:00:00Z"],["0001-01-01T00:00:00.000001Z"],[null]]"#;
    let (kinds, rows) = TestImport::new(FileFormat::Parquet, &bytes).answer().await;
    assert_eq!((kinds.as_str(), rows.as_str()), ("at timestamp", expected));
    // A folder of files that others write is read as it is.
    let columns = vec![TableColumn::new("at", ColumnType::Timestamp)];
    let data = Data::empty().with_file("old", columns, |path| std::fs::write(path, &bytes).unwrap()).await;
    assert_eq!(data.rows("select at from old").await, expected);
    let later = data.rows("select count(*) from old where at > timestamp '2200-01-01'").await;
    assert_eq!(later, "[[1]]");
}

#[test]
fn an_old_timestamp_that_no_column_holds_is_named_by_row() {
    let place = TestImport::new(FileFormat::Parquet, &old_timestamps(&[(0, 0), (2_932_897, 0)]));
    assert_eq!(place.refusal(), "row 2, column `at`: a timestamp is not in the years 0 to 9999");
}

#[tokio::test]
async fn every_codec_and_both_versions_are_read() {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|row| format!("text {row}"))));
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for codec in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::BROTLI(BrotliLevel::default()),
            Compression::LZ4_RAW,
            Compression::ZSTD(ZstdLevel::default()),
        ] {
            for has_dictionary in [false, true] {
                let properties = WriterProperties::builder()
                    .set_writer_version(version)
                    .set_compression(codec)
                    .set_dictionary_enabled(has_dictionary)
                    .set_statistics_enabled(EnabledStatistics::Page)
                    .set_max_row_group_row_count(Some(20))
                    .set_data_page_row_count_limit(7)
                    .set_write_batch_size(7)
                    .build();
                let place = TestImport::new(FileFormat::Parquet, &file(&[("a", texts.clone())], properties));
                let imported =
                    place.convert().unwrap_or_else(|error| panic!("{codec}: {}", error.owner_text()));
                assert_eq!(stored(&imported).column(0), &texts, "{codec}");
            }
        }
    }
}

#[tokio::test]
async fn declared_types_convert_columns_of_parquet() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("5"), None]));
    let (columns, rows) = place(&[("a", texts)]).declare(&[("a", "integer")]).answer().await;
    assert_eq!((columns.as_str(), rows.as_str()), ("a integer", "[[5],[null]]"));
    let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let (_, rows) = place(&[("a", large)]).declare(&[("a", "decimal(20,0)")]).answer().await;
    assert_eq!(rows, "[[\"18446744073709551615\"]]");
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    for (kind, expected) in [("text", "\"7\""), ("number", "7"), ("decimal(5,2)", "7.00"), ("json", "\"7\"")]
    {
        let (_, rows) = place(&[("a", integers.clone())]).declare(&[("a", kind)]).answer().await;
        assert_eq!(rows, format!("[[{expected}]]"), "{kind}");
    }
}

#[test]
fn values_that_no_column_holds_are_named_by_row() {
    let cases: Vec<(ArrayRef, &str)> = vec![
        (
            Arc::new(UInt64Array::from(vec![1, u64::MAX])),
            "row 2, column `a`: `18446744073709551615` is not an integer",
        ),
        (Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"\xFF"])), "row 2, column `a`: is not UTF-8"),
        (
            Arc::new(Date32Array::from(vec![0, i32::MAX])),
            "row 2, column `a`: a date is not in the years 0 to 9999",
        ),
        (
            Arc::new(Date32Array::from(vec![0, i32::MIN])),
            "row 2, column `a`: a date is not in the years 0 to 9999",
        ),
        (
            // The product wraps around to a day of our time.
            Arc::new(Date32Array::from(vec![213_503_982 + 19_782])),
            "row 1, column `a`: a date is not in the years 0 to 9999",
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![0, i64::MIN])),
            "row 2, column `a`: a timestamp is not in the years 0 to 9999",
        ),
        (
            Arc::new(TimestampMillisecondArray::from(vec![0, i64::MAX])),
            "row 2, column `a`: a timestamp is not in the years 0 to 9999",
        ),
        (
            Arc::new(FixedSizeBinaryArray::try_from_iter([[1_u8, 2]].into_iter()).unwrap()),
            "column `a`: has a type that is not supported: FixedSizeBinary(2)",
        ),
    ];
    for (array, expected) in cases {
        assert_eq!(place(&[("a", array)]).refusal(), expected);
    }
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let twice = [("a", integers.clone()), ("a", integers.clone())];
    assert_eq!(place(&twice).refusal(), "columns 1 and 2 are both named `a`");
    assert_eq!(
        place(&[("a", integers.clone())]).declare(&[("b", "text")]).refusal(),
        "column `b`: is declared, but the file does not have it"
    );
}
