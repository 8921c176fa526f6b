use super::*;

/// The records with the line of each; fields that were quoted stand in angle brackets.
fn records(text: &str, delimiter: Option<u8>) -> Result<Vec<(u64, Vec<String>)>, String> {
    // A buffer of three bytes puts its border into every place.
    let mut records = Records::new(BufReader::with_capacity(3, text.as_bytes()), delimiter);
    let mut all = vec![];
    while records.read().map_err(|error| error.owner_text())? {
        let field = |index| {
            let (bytes, is_quoted) = records.field(index);
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            if is_quoted { format!("<{text}>") } else { text }
        };
        all.push((records.record_line, (0..records.fields.len()).map(field).collect()));
    }
    Ok(all)
}

#[test]
fn records_are_those_of_the_standard() {
    type Lines<'a> = &'a [(u64, &'a [&'a str])];
    let cases: [(&str, Lines<'_>); 16] = [
        ("", &[]),
        ("a", &[(1, &["a"])]),
        ("a\n", &[(1, &["a"])]),
        ("a,b\nc,d", &[(1, &["a", "b"]), (2, &["c", "d"])]),
        ("a,b\r\nc,d\r\n", &[(1, &["a", "b"]), (2, &["c", "d"])]),
        ("a,b\rc,d\r", &[(1, &["a", "b"]), (2, &["c", "d"])]),
        ("a,\n,b\n", &[(1, &["a", ""]), (2, &["", "b"])]),
        ("a,", &[(1, &["a", ""])]),
        ("a\n\nb", &[(1, &["a"]), (2, &[""]), (3, &["b"])]),
        ("\"a\",\"\"\n", &[(1, &["<a>", "<>"])]),
        ("\"a,b\",c\n", &[(1, &["<a,b>", "c"])]),
        ("\"say \"\"hi\"\"\"\n", &[(1, &["<say \"hi\">"])]),
        ("\"two\nlines\",x\ny,z\n", &[(1, &["<two\nlines>", "x"]), (3, &["y", "z"])]),
        ("\"two\r\nlines\"\r\ny", &[(1, &["<two\r\nlines>"]), (3, &["y"])]),
        ("5\" pipe,a\"b\n", &[(1, &["5\" pipe", "a\"b"])]),
        ("ü,日本,🚲\n", &[(1, &["ü", "日本", "🚲"])]),
    ];
    for (text, expected) in cases {
        let found = records(text, Some(b',')).unwrap();
        let expected: Vec<(u64, Vec<String>)> = expected
            .iter()
            .map(|(line, fields)| (*line, fields.iter().map(|field| (*field).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn records_that_cannot_be_understood_are_named() {
    for (text, expected) in [
        ("a,b\n\"c,d\n", "line 2: a quoted field has no end"),
        ("a\n\"c\" d\n", "line 2: a quoted field is followed by more text"),
        ("a,\"x\ny\" z", "line 2: a quoted field is followed by more text"),
    ] {
        assert_eq!(records(text, Some(b',')).unwrap_err(), expected, "{text:?}");
    }
    let long = format!("a\n\"{}", "x".repeat(MAX_RECORD + 1));
    let error = Records::new(long.as_bytes(), Some(b',')).read_all().unwrap_err();
    assert_eq!(error.owner_text(), "line 2: is longer than 16 MiB: a quote may be missing");
}

impl<R: BufRead> Records<R> {
    fn read_all(&mut self) -> Result<(), ImportError> {
        while self.read()? {}
        Ok(())
    }
}

#[test]
fn the_delimiter_is_recognised() {
    for (text, expected) in [
        ("a,b\n1,2\n", Some(b',')),
        ("a;b\n1,5;2,5\n", Some(b';')),
        ("a\tb\n1,5\t2;5\n", Some(b'\t')),
        ("\"x;y;z\",b\n1,2\n", Some(b',')),
        ("a,b;c\n1;2\n3;4\n", Some(b';')),
        ("name;a,b,c\n1;2\n", Some(b';')),
        ("a;b\n\",\";\",\"\n", Some(b';')),
        ("a\n1\n", None),
        ("a\n,\n", None),
        ("a\n\",\"\n", None),
        ("\n\na\nx;y\nx;y\n", None),
        ("\"a,b\"\n1,2\n", None),
        ("", None),
    ] {
        assert_eq!(delimiter(text.as_bytes()), expected, "{text:?}");
    }
}
