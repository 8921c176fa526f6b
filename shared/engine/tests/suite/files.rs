//! Answers as files.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::xlsx::{MAX_CHARACTERS, MAX_COLUMNS, MAX_ROWS};
use vitrine_engine::encode::{ExportFormat, FileOptions, FileSink, FileStream, WriteError, Written, write};
use vitrine_engine::error::QueryFailure;
use vitrine_engine::query::Limits;

use crate::support::Data;
use crate::support::archive::unzip;

async fn stream(format: ExportFormat, sql: &str, rows: usize) -> FileStream {
    let mut query = Data::empty().query(sql, vec![]);
    let time = Duration::from_secs(300);
    query.limits = Limits { rows, bytes: usize::MAX, time, ..Limits::default() };
    let rows = EmbeddedEngine::new(1).run(&query).await.unwrap();
    FileStream::new(format, rows, FileOptions::default())
}

async fn file(format: ExportFormat, sql: &str) -> (Vec<u8>, Written) {
    let mut out = vec![];
    let written = write(stream(format, sql, usize::MAX).await, &mut out).await.unwrap();
    assert_eq!(written.bytes, out.len() as u64);
    (out, written)
}

/// The XML of a sheet's rows below the header.
async fn sheet(sql: &str) -> String {
    let (archive, _) = file(ExportFormat::Xlsx, sql).await;
    let sheet = unzip(&archive).remove("xl/worksheets/sheet1.xml").unwrap();
    let rows = sheet.split_once("</row>").unwrap().1;
    rows.strip_suffix("</sheetData></worksheet>").unwrap().to_owned()
}

#[tokio::test]
async fn numbers_of_json_files_have_all_their_digits() {
    for (value, json) in [
        ("cast(9007199254740993 as bigint)", "9007199254740993"),
        ("cast(-9007199254740993 as bigint)", "-9007199254740993"),
        ("cast('12345678901234567890.12' as decimal(30, 2))", "12345678901234567890.12"),
        ("cast('nan' as double)", "null"),
        ("'9007199254740993'", "\"9007199254740993\""),
    ] {
        let (out, _) = file(ExportFormat::Json, &format!("select {value} as v")).await;
        assert_eq!(String::from_utf8(out).unwrap(), format!("[{{\"V\":{json}}}]"), "{value}");
    }
    let (out, written) = file(ExportFormat::Json, "select 1 as a where false").await;
    assert_eq!((out.as_slice(), written.rows), (b"[]".as_slice(), 0));
}

#[tokio::test]
async fn columns_with_the_same_name_for_people_keep_their_values() {
    let sql = "select 1 as a_b, 2 as \"a-b\", 3 as \"a b\", 4 as \"a b 2\"";
    let (out, _) = file(ExportFormat::Json, sql).await;
    assert_eq!(String::from_utf8(out).unwrap(), r#"[{"A B":1,"A B 3":2,"A B 4":3,"A B 2":4}]"#);
    let (out, _) = file(ExportFormat::Csv, sql).await;
    assert_eq!(String::from_utf8(out).unwrap(), "A B,A B,A B,A B 2\n1,2,3,4\n");
}

#[tokio::test]
async fn cells_of_spreadsheets_have_types_and_no_formulas() {
    for (value, cell) in [
        ("null", ""),
        ("true", r#"<c r="A2" t="b"><v>1</v></c>"#),
        ("-1234", r#"<c r="A2" s="2"><v>-1234</v></c>"#),
        ("cast(9007199254740992 as bigint)", r#"<c r="A2" s="2"><v>9007199254740992</v></c>"#),
        (
            "cast(9007199254740993 as bigint)",
            r#"<c r="A2" t="inlineStr"><is><t>9007199254740993</t></is></c>"#,
        ),
        ("1.5", r#"<c r="A2" s="3"><v>1.5</v></c>"#),
        ("cast('1e300' as double)", r#"<c r="A2" s="3"><v>1e300</v></c>"#),
        ("cast('nan' as double)", r#"<c r="A2" t="inlineStr"><is><t>NaN</t></is></c>"#),
        ("cast(-0.05 as decimal(12, 2))", r#"<c r="A2" s="3"><v>-0.05</v></c>"#),
        ("cast(7 as decimal(12, 0))", r#"<c r="A2" s="2"><v>7</v></c>"#),
        ("date '2024-02-29'", r#"<c r="A2" s="4"><v>45351</v></c>"#),
        ("date '1815-06-18'", r#"<c r="A2" t="inlineStr"><is><t>1815-06-18</t></is></c>"#),
        ("timestamp '2024-02-29 06:00:00'", r#"<c r="A2" s="5"><v>45351.25</v></c>"#),
        ("'=1+1'", r#"<c r="A2" t="inlineStr"><is><t>=1+1</t></is></c>"#),
        ("'12'", r#"<c r="A2" t="inlineStr"><is><t>12</t></is></c>"#),
        ("''", r#"<c r="A2" t="inlineStr"><is><t></t></is></c>"#),
        ("' a'", r#"<c r="A2" t="inlineStr"><is><t xml:space="preserve"> a</t></is></c>"#),
        ("'<b>&\"'", r#"<c r="A2" t="inlineStr"><is><t>&lt;b&gt;&amp;"</t></is></c>"#),
        ("[1, null]", r#"<c r="A2" t="inlineStr"><is><t>[1,null]</t></is></c>"#),
    ] {
        let found = sheet(&format!("select {value} as v")).await;
        assert_eq!(found, format!(r#"<row r="2">{cell}</row>"#), "{value}");
    }
}

#[tokio::test]
async fn a_spreadsheet_names_its_parts_and_columns() {
    let (archive, written) = file(ExportFormat::Xlsx, "select 'x' as order_name, 1 as n where false").await;
    let parts = unzip(&archive);
    let types = &parts["[Content_Types].xml"];
    for part in parts.keys().filter(|part| part.ends_with(".xml") && !part.starts_with('[')) {
        assert!(types.contains(&format!("PartName=\"/{part}\"")), "{part}");
    }
    assert!(parts["xl/workbook.xml"].contains(r#"<sheet name="Query result""#));
    let sheet = &parts["xl/worksheets/sheet1.xml"];
    let header = r#"<row r="1"><c r="A1" s="1" t="inlineStr"><is><t>Order Name</t></is></c><c r="B1" s="1" t="inlineStr"><is><t>N</t></is></c></row></sheetData>"#;
    assert!(sheet.contains(header), "{sheet}");
    assert_eq!((written.rows, written.truncated), (0, false));
    // The same rows are the same bytes.
    assert_eq!(file(ExportFormat::Xlsx, "select 'x' as order_name, 1 as n where false").await.0, archive);
}

#[tokio::test]
async fn spreadsheets_are_cut_where_they_end_and_say_so() {
    let long = MAX_CHARACTERS + 1;
    let sql = format!("select repeat('a', {long}) as a, repeat('b', {MAX_CHARACTERS}) as b, '=' as c");
    let (archive, written) = file(ExportFormat::Xlsx, &sql).await;
    assert_eq!((written.cut_cells, written.truncated), (1, false));
    let sheet = &unzip(&archive)["xl/worksheets/sheet1.xml"];
    assert!(sheet.contains(&format!("<t>{}</t>", "a".repeat(MAX_CHARACTERS))));
    let (csv, written) = file(ExportFormat::Csv, &sql).await;
    assert_eq!((csv.len(), written.cut_cells), ("A,B,C\n,,\"'=\"\n".len() + long + MAX_CHARACTERS, 0));
}

#[tokio::test]
async fn a_sheet_has_room_for_a_fixed_number_of_rows() {
    // Without values the rows are written quickly.
    let series =
        "select null as a from generate_series(1, 50000) as r cross join generate_series(1, 21) as s";
    let mut file = stream(ExportFormat::Xlsx, series, usize::MAX).await;
    while file.next().await.unwrap().is_some() {}
    assert_eq!((file.written().rows, file.written().truncated), (MAX_ROWS - 1, true));
    let mut file = stream(ExportFormat::Xlsx, series, 7).await;
    while file.next().await.unwrap().is_some() {}
    assert_eq!((file.written().rows, file.written().truncated), (7, true));
    let mut file = stream(ExportFormat::Csv, series, usize::MAX).await;
    while file.next().await.unwrap().is_some() {}
    assert_eq!((file.written().rows, file.written().truncated), (1_050_000, false));
}

#[tokio::test]
async fn a_spreadsheet_with_too_many_columns_is_refused() {
    use vitrine_engine::answer::ColumnInfo;
    use vitrine_rules::query::column_type::ColumnType;
    let column = ColumnInfo { name: "a".into(), kind: ColumnType::Integer, display_name: "A".into() };
    let begin = |columns: usize| {
        let columns = vec![column.clone(); columns];
        ExportFormat::Xlsx.encoder(&columns, FileOptions::default()).begin(&mut vec![])
    };
    assert!(begin(MAX_COLUMNS).is_ok());
    assert_eq!(begin(MAX_COLUMNS + 1).unwrap_err().failure(), QueryFailure::TooLarge);
}

/// A place that notes what is asked of it.
#[derive(Debug, Default, Clone)]
struct Place {
    calls: Arc<Mutex<Vec<&'static str>>>,
    full: bool,
}

impl FileSink for Place {
    type Error = &'static str;

    async fn write(&mut self, piece: Bytes) -> Result<(), &'static str> {
        assert!(!piece.is_empty());
        self.calls.lock().unwrap().push("write");
        if self.full { Err("full") } else { Ok(()) }
    }

    async fn complete(&mut self) -> Result<(), &'static str> {
        self.calls.lock().unwrap().push("complete");
        Ok(())
    }

    async fn abort(&mut self) {
        self.calls.lock().unwrap().push("abort");
    }
}

/// A query that fails after some tens of thousands of rows.
const FAILS_LATE: &str = "select 1 / (60000 - value) as a, repeat('x', 20) as b from range(0, 100000)";

#[tokio::test]
async fn a_file_is_completed_or_removed() {
    for format in ExportFormat::ALL {
        let mut place = Place::default();
        let written = write(stream(format, "select 1 as a", 10).await, &mut place).await.unwrap();
        assert_eq!((written.rows, written.truncated), (1, false));
        assert_eq!(*place.calls.lock().unwrap(), ["write", "complete"]);

        let mut place = Place::default();
        let failed = write(stream(format, FAILS_LATE, usize::MAX).await, &mut place).await.unwrap_err();
        assert!(
            matches!(&failed, WriteError::Query(error) if error.failure() == QueryFailure::Failed),
            "{failed:?}"
        );
        let calls = place.calls.lock().unwrap().clone();
        assert_eq!(calls.last(), Some(&"abort"));
        assert!(calls.contains(&"write") && !calls.contains(&"complete"), "{format:?} {calls:?}");

        let mut place = Place { full: true, ..Place::default() };
        let failed = write(stream(format, "select 1 as a", 10).await, &mut place).await.unwrap_err();
        assert!(matches!(failed, WriteError::Sink("full")));
        assert_eq!(*place.calls.lock().unwrap(), ["write", "abort"]);
    }
    let mut memory = vec![];
    assert!(write(stream(ExportFormat::Csv, FAILS_LATE, usize::MAX).await, &mut memory).await.is_err());
    assert!(memory.is_empty());
}

#[tokio::test]
async fn a_file_that_failed_never_ends() {
    let mut file = stream(ExportFormat::Csv, FAILS_LATE, usize::MAX).await;
    let error = loop {
        match file.next().await {
            Ok(piece) => assert!(piece.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(file.next().await, Err(error));
    // Given up in the middle of a piece.
    let mut file = stream(ExportFormat::Csv, "select value from range(0, 1000000)", usize::MAX).await;
    let _ = futures_util::FutureExt::now_or_never(file.next());
    assert!(file.next().await.is_err());
}

#[test]
fn formats_are_found_by_their_extension() {
    for format in ExportFormat::ALL {
        assert_eq!(ExportFormat::from_extension(format.extension()), Some(format));
        assert!(format.content_type().starts_with(format.media_type()));
    }
    for word in ["", "CSV", "xls", "text/csv", "csv "] {
        assert_eq!(ExportFormat::from_extension(word), None);
    }
}
