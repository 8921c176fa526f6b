//! CSV and JSON lines.

use super::{TestImport, columns_of, csv, jsonl};
use vitrine_engine::import::Expected;
use vitrine_engine::import::error::{FilePlace, ImportFailure};
use vitrine_rules::data::upload::FileFormat;

#[tokio::test]
async fn csv_becomes_a_table_with_inferred_types() {
    let text = "id,code,amount,share,paid,day,at,note\r\n\
        1,007,12.50,1,true,2024-02-29,2024-02-29T10:30:00+02:00,\"a, \"\"b\"\"\"\r\n\
        2,,0.25,,False,,2024-02-29 10:30,\"\"\r\n\
        -3,0x1,1e2,0.5,,2024-03-01,2024-03-01,\r\n";
    let (columns, rows) = csv(text).answer().await;
    assert_eq!(
        columns,
        "id integer, code text, amount number, share number, paid boolean, day date, at timestamp, note text"
    );
    assert_eq!(
        rows,
        "[[1,\"007\",12.5,1,true,\"2024-02-29\",\"2024-02-29T08:30:00Z\",\"a, \\\"b\\\"\"],\
         [2,null,0.25,null,false,null,\"2024-02-29T10:30:00Z\",\"\"],\
         [-3,\"0x1\",100,0.5,null,\"2024-03-01\",\"2024-03-01T00:00:00Z\",null]]"
    );
}

#[tokio::test]
async fn csv_is_read_in_all_of_its_forms() {
    for (text, columns, rows) in [
        ("a;b\n1;\"x;y\"\n", "a integer, b text", r#"[[1,"x;y"]]"#),
        ("a\tb\n1,5\tx\n", "a text, b text", r#"[["1,5","x"]]"#),
        ("\u{feff}a,b\n1,2", "a integer, b integer", "[[1,2]]"),
        ("\u{feff}\"a\",b\n1,2", "a integer, b integer", "[[1,2]]"),
        ("a,b\r1,2\r", "a integer, b integer", "[[1,2]]"),
        ("\n\na,b\n\n1,2\n\n\n", "a integer, b integer", "[[1,2]]"),
        ("a\n1\n\n3\n", "a integer", "[[1],[null],[3]]"),
        ("a\n,\n", "a text", r#"[[","]]"#),
        ("a\nx, y\n\";\"\n1\t2", "a text", r#"[["x, y"],[";"],["1\t2"]]"#),
        ("a,b\n", "a text, b text", "[]"),
        ("a,b", "a text, b text", "[]"),
        ("\"a\",\"b\"\n\"1\",\"\"\n\"2\",\"x\"\n", "a integer, b text", r#"[[1,""],[2,"x"]]"#),
        ("a,b\n\"\",1\n2,1\n", "a integer, b integer", "[[null,1],[2,1]]"),
        ("größe,日本\nä,🚲\n", "größe text, 日本 text", r#"[["ä","🚲"]]"#),
        ("Id,id\n1,2\n", "Id integer, id integer", "[[1,2]]"),
    ] {
        assert_eq!(csv(text).answer().await, (columns.to_owned(), rows.to_owned()), "{text:?}");
    }
}

#[tokio::test]
async fn json_lines_become_a_table_of_all_their_keys() {
    let text = concat!(
        "{\"id\": 1, \"name\": \"Zo\\u00eb\", \"tags\": [\"a\", {\"b\": null}], \"at\": \"2024-02-29T10:30:00Z\"}\n",
        "\r\n",
        "{\"name\": null, \"id\": 2.5, \"extra\": \"5\", \"mixed\": 1}\r\n",
        "{\"mixed\": \"one\", \"paid\": true, \"tags\": \"none\", \"at\": \"2024-03-01\"}",
    );
    let (columns, rows) = jsonl(text).answer().await;
    assert_eq!(
        columns,
        "id number, name text, tags json, at timestamp, extra text, mixed text, paid boolean"
    );
    assert_eq!(
        rows,
        "[[1,\"Zoë\",\"[\\\"a\\\", {\\\"b\\\": null}]\",\"2024-02-29T10:30:00Z\",null,null,null],\
         [2.5,null,null,null,\"5\",\"1\",null],\
         [null,null,\"\\\"none\\\"\",\"2024-03-01T00:00:00Z\",null,\"one\",true]]"
    );
}

#[tokio::test]
async fn declared_types_convert() {
    let cases: [(&str, &str, &str); 21] = [
        ("text", "007", "\"007\""),
        ("text", "2024-01-31", "\"2024-01-31\""),
        ("integer", "007", "7"),
        ("integer", "5.0", "5"),
        ("integer", "+5", "5"),
        ("number", "007", "7"),
        ("number", "5", "5"),
        ("decimal(10,2)", "5", "5.00"),
        ("decimal(10,2)", "1.5e1", "15.00"),
        ("decimal(20,0)", "18446744073709551615", "\"18446744073709551615\""),
        ("boolean", "1", "true"),
        ("boolean", "f", "false"),
        ("date", "2024-01-31", "\"2024-01-31\""),
        ("date", "2024-01-31T00:00:00Z", "\"2024-01-31\""),
        ("timestamp", "2024-01-31", "\"2024-01-31T00:00:00Z\""),
        ("timestamp", "2024-01-31 10:30:00.5", "\"2024-01-31T10:30:00.5Z\""),
        ("json", "[1, 2]", "\"[1, 2]\""),
        ("json", "\"x\"", r#""\"x\"""#),
        ("json", "5", "\"5\""),
        ("integer", "", "null"),
        ("text", "", "null"),
    ];
    for (kind, field, expected) in cases {
        let field = format!("\"{}\"", field.replace('"', "\"\""));
        let text = format!("other,a\nx,{}\n", if field == "\"\"" { "" } else { &field });
        let place = csv(&text).declare(&[("a", kind), ("other", "text")]);
        let (columns, rows) = place.answer().await;
        assert_eq!(columns, format!("a {kind}, other text"), "the order of the declaration");
        assert_eq!(rows, format!("[[{expected},\"x\"]]"), "{kind} {field}");
    }
}

#[tokio::test]
async fn declared_types_convert_values_of_json() {
    for (kind, value, expected) in [
        ("text", "5.50", "\"5.50\""),
        ("text", "true", "\"true\""),
        ("text", "{\"a\":1}", "\"{\\\"a\\\":1}\""),
        ("integer", "\"5\"", "5"),
        ("integer", "5.0", "5"),
        ("decimal(30,2)", "1234567890123456789012345678.91", "\"1234567890123456789012345678.91\""),
        ("boolean", "\"false\"", "false"),
        ("boolean", "0", "false"),
        ("timestamp", "\"2024-01-31\"", "\"2024-01-31T00:00:00Z\""),
        ("json", "\"a\"", r#""\"a\"""#),
        ("json", "null", "null"),
        ("json", "5", "\"5\""),
    ] {
        let place = jsonl(&format!("{{\"a\": {value}}}")).declare(&[("a", kind)]);
        assert_eq!(place.answer().await.1, format!("[[{expected}]]"), "{kind} {value}");
    }
}

#[test]
fn values_that_do_not_fit_are_named_by_line_and_column() {
    for (kind, field, expected) in [
        ("integer", "abc", "line 3, column `amount`: `abc` is not an integer"),
        ("integer", "5.5", "line 3, column `amount`: `5.5` is not an integer"),
        (
            "integer",
            "9223372036854775808",
            "line 3, column `amount`: `9223372036854775808` is not an integer",
        ),
        ("number", "1.234,56", "line 3, column `amount`: `1.234,56` is not a number"),
        ("number", "NaN", "line 3, column `amount`: `NaN` is not a number"),
        ("decimal(4,2)", "1.005", "line 3, column `amount`: `1.005` is not a decimal(4,2)"),
        ("decimal(4,2)", "100", "line 3, column `amount`: `100` is not a decimal(4,2)"),
        ("boolean", "yes", "line 3, column `amount`: `yes` is not true or false"),
        ("date", "31.01.2024", "line 3, column `amount`: `31.01.2024` is not a date such as 2024-12-31"),
        (
            "timestamp",
            "2024-01-31 25:00",
            "line 3, column `amount`: `2024-01-31 25:00` is not a timestamp such as 2024-12-31T23:59:59Z",
        ),
        ("json", "{", "line 3, column `amount`: `{` is not JSON, or is nested too deeply"),
    ] {
        let place =
            csv(&format!("id;amount\n1;\n2;{field}\n3;x\n")).declare(&[("id", "text"), ("amount", kind)]);
        assert_eq!(place.refusal(), expected);
        let line =
            format!("\n{{\"id\": \"1\"}}\n{{\"id\": \"2\", \"amount\": {}}}", serde_json::json!(field));
        if kind != "json" {
            let place = jsonl(&line).declare(&[("id", "text"), ("amount", kind)]);
            assert_eq!(place.refusal(), expected);
        }
    }
}

#[test]
fn files_that_cannot_be_understood_are_refused_with_the_place() {
    for (format, text, expected) in [
        (FileFormat::Csv, "", "the file is empty"),
        (FileFormat::Csv, "\n\n", "the file is empty"),
        (FileFormat::Csv, "a,b\n1,2\n3\n", "line 3: has 1 fields, and the first line 2"),
        (FileFormat::Csv, "a,b\n1,2,3\n", "line 2: has 3 fields, and the first line 2"),
        (FileFormat::Csv, "a,b\n\"1\n2\",x\n3\n", "line 4: has 1 fields, and the first line 2"),
        (FileFormat::Csv, "a,b\n1,\"2\n3,4\n", "line 2: a quoted field has no end"),
        (FileFormat::Csv, "a,a\n", "line 1: columns 1 and 2 are both named `a`"),
        (FileFormat::Csv, "\na,\n", "line 2: column 2 has no name"),
        (
            FileFormat::Csv,
            "a, b\n",
            "line 1: the name of column 2, ` b`, must be 1 to 128 characters without control characters or outer spaces",
        ),
        (FileFormat::Jsonl, "", "the file has no objects with keys"),
        (FileFormat::Jsonl, "{}\n{}", "the file has no objects with keys"),
        (FileFormat::Jsonl, "{\"a\":1}\n[1]", "line 2: is not one JSON object: see character 1"),
        (FileFormat::Jsonl, "{\"a\":1}\n{\"a\":}", "line 2: is not one JSON object: see character 6"),
        (FileFormat::Jsonl, "{\"a\":1} {\"a\":2}", "line 1: is not one JSON object: see character 9"),
        (FileFormat::Jsonl, "{\"a\":1}\n{\"a\":1,\"a\":2}", "line 2, column `a`: is there twice"),
        (
            FileFormat::Jsonl,
            "{\"a\":\"\\ud800\"}",
            "line 1, column `a`: has a text with half of a surrogate pair",
        ),
    ] {
        assert_eq!(TestImport::new(format, text.as_bytes()).refusal(), expected, "{text:?}");
    }
    for (format, bytes, expected) in [
        (FileFormat::Csv, b"a,b\n1,2\n3,\xFF\n".as_slice(), "line 3, column `b`: is not UTF-8"),
        (FileFormat::Csv, b"a,\xFF\n", "line 1: is not UTF-8"),
        (FileFormat::Csv, b"\xFF\xFEa\0", "the file is UTF-16: write it as UTF-8"),
        (FileFormat::Jsonl, b"{\"a\":1}\n{\"a\":\"\xC3\"}", "line 2: is not UTF-8"),
    ] {
        assert_eq!(TestImport::new(format, bytes).refusal(), expected);
    }
}

#[test]
fn columns_are_those_that_are_declared() {
    let declared = [("a", "text"), ("b", "text")];
    for (format, text, expected) in [
        (FileFormat::Csv, "a\n1\n", "column `b`: is declared, but the file does not have it"),
        (FileFormat::Csv, "a,b,c\n1,2,3\n", "column `c`: is not declared"),
        (FileFormat::Jsonl, "{\"a\":1}\n", "column `b`: is declared, but no line has it"),
        (FileFormat::Jsonl, "", "column `a`: is declared, but no line has it"),
        (FileFormat::Jsonl, "{\"a\":1,\"b\":2}\n{\"c\":3}\n", "line 2, column `c`: is not declared"),
    ] {
        let place = TestImport::new(format, text.as_bytes()).declare(&declared);
        assert_eq!(place.refusal(), expected, "{text}");
    }
}

#[tokio::test]
async fn known_columns_keep_their_types_and_others_are_inferred() {
    let known = columns_of(&[("code", "text"), ("amount", "decimal(10,2)"), ("gone", "date")]);
    let jsons = "{\"amount\": 1, \"new\": 5, \"code\": 7}\n";
    for mut place in [csv("amount,new,code\n1,5,7\n"), jsonl(jsons)] {
        place.import.columns = Expected::Known(known.clone());
        let (columns, rows) = place.answer().await;
        assert_eq!(columns, "amount decimal(10,2), new integer, code text");
        assert_eq!(rows, "[[1.00,5,\"7\"]]");
    }
    let mut place = csv("amount\n1\nx\n");
    place.import.columns = Expected::Known(known);
    assert_eq!(place.refusal(), "line 3, column `amount`: `x` is not a decimal(10,2)");
}

#[test]
fn an_import_that_is_stopped_ends() {
    let place = csv(&format!("a\n{}", "1\n".repeat(20_000)));
    place.import.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(place.convert().unwrap_err().failure(), ImportFailure::Unavailable);
}

#[test]
fn more_columns_than_a_table_may_have_are_refused() {
    let names: Vec<String> = (0..501).map(|column| format!("c{column}")).collect();
    let text = names.join(",");
    assert_eq!(csv(&text).refusal(), "line 1: the file has 501 columns, and a table at most 500");
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":1")).collect();
    assert_eq!(
        jsonl(&format!("{{{}}}", members.join(","))).refusal(),
        "line 1: the file has more than 500 columns"
    );
    assert_eq!(csv(&names[..500].join(",")).convert().unwrap().columns.len(), 500);
}

#[test]
fn json_that_no_reader_can_read_is_refused() {
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(jsonl(&deep).refusal().ends_with("is not JSON, or is nested too deeply"));
    let deepest = format!("{{\"a\": {}1{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(jsonl(&deepest).refusal().ends_with("is not JSON, or is nested too deeply"));
}

#[test]
fn a_failure_shows_values_to_the_owner_alone() {
    let place = csv("a\nCANARY\n").declare(&[("a", "integer")]);
    let error = place.convert().unwrap_err();
    assert!(error.owner_text().contains("CANARY"));
    assert!(!format!("{error} {error:?}").contains("CANARY"));
    assert_eq!((error.failure(), error.place()), (ImportFailure::File, Some(FilePlace::Line(2))));
    assert_eq!(error.column(), Some("a"));
}

#[test]
fn an_import_past_its_deadline_or_its_size_ends() {
    let text = format!("a\n{}", "1\n".repeat(20_000));
    let mut late = csv(&text);
    late.import.limits.deadline = Some(std::time::Instant::now());
    let error = late.convert().unwrap_err();
    assert_eq!(
        (error.failure(), error.owner_text()),
        (ImportFailure::TooLarge, "the import takes longer than it may".to_owned())
    );
    let mut large = csv(&text);
    large.import.limits.unfolded = 1_000;
    assert_eq!(large.convert().unwrap_err().failure(), ImportFailure::TooLarge);
    let fine = csv(&text);
    assert_eq!(fine.convert().unwrap().rows, 20_000);
    assert_eq!(fine.import.progress.load(std::sync::atomic::Ordering::Relaxed), 20_000);
}
