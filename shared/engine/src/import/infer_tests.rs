use super::*;

fn kind_of(cells: &[InputCell<'_>]) -> String {
    let mut guess = Guess::default();
    cells.iter().for_each(|cell| guess.observe(*cell));
    guess.kind().to_string()
}

#[test]
fn the_type_of_a_column_of_csv_fits_all_of_its_fields() {
    let cases: [(&[&str], &str); 34] = [
        (&[], "text"),
        (&[""], "text"),
        (&["1", "2", ""], "integer"),
        (&["-1", "9223372036854775807"], "integer"),
        (&["1", "9223372036854775808"], "text"),
        (&["1", "2.5"], "number"),
        (&["1", "1e3"], "number"),
        (&["0.1", "100000000000000000000"], "number"),
        (&["0.1", "12345678901234567890"], "text"),
        (&["9007199254740993", "0.5"], "text"),
        (&["-0", "1"], "number"),
        (&["00123", "00124"], "text"),
        (&["123", "0124"], "text"),
        (&["+491234"], "text"),
        (&["1", "x"], "text"),
        (&["x", "1"], "text"),
        (&["1.234,56"], "text"),
        (&["true", "false"], "boolean"),
        (&["True", "FALSE"], "boolean"),
        (&["true", "1"], "text"),
        (&["t", "f"], "text"),
        (&["yes", "no"], "text"),
        (&["2024-01-31", "2024-02-29"], "date"),
        (&["2024-01-31", "2023-02-29"], "text"),
        (&["2024-01-31", "2024-02-29T10:30:00Z"], "timestamp"),
        (&["2024-02-29 10:30:00", "2024-02-29T10:30:00+02:00"], "timestamp"),
        (&["2024-01-31", "2024"], "text"),
        (&["31.01.2024"], "text"),
        (&["20240131"], "integer"),
        (&["{\"a\": 1}"], "text"),
        (&["NULL"], "text"),
        (&["NaN", "1.5"], "text"),
        (&[" 1"], "text"),
        (&["-"], "text"),
    ];
    for (fields, expected) in cases {
        let cell =
            |field: &&'static str| if field.is_empty() { InputCell::Null } else { InputCell::Field(field) };
        let cells: Vec<_> = fields.iter().map(cell).collect();
        assert_eq!(kind_of(&cells), expected, "{fields:?}");
        let reversed: Vec<_> = cells.iter().rev().copied().collect();
        assert_eq!(kind_of(&reversed), expected, "the order is of no account: {fields:?}");
    }
}

#[test]
fn an_empty_text_fits_every_type() {
    assert_eq!(kind_of(&[InputCell::Empty, InputCell::Field("1")]), "integer");
    assert_eq!(kind_of(&[InputCell::Empty]), "text");
}

#[test]
fn the_type_of_a_column_of_json_fits_all_of_its_values() {
    use InputCell::{Boolean, Json, Literal, Null, Text};
    let cases: [(&[InputCell<'_>], &str); 17] = [
        (&[Null], "text"),
        (&[Literal("1"), Null], "integer"),
        (&[Literal("1"), Literal("1.5")], "number"),
        (&[Literal("1e3")], "number"),
        (&[Literal("18446744073709551615")], "text"),
        (&[Text("1")], "text"),
        (&[Text("1"), Literal("1")], "text"),
        (&[Text("true")], "text"),
        (&[Boolean(true), Boolean(false)], "boolean"),
        (&[Boolean(true), Literal("1")], "text"),
        (&[Text("2024-01-31")], "date"),
        (&[Text("2024-01-31"), Text("2024-01-31T10:30Z")], "timestamp"),
        (&[Text("2024-01-31"), Text("soon")], "text"),
        (&[Text("")], "text"),
        (&[Json("{}"), Null], "json"),
        (&[Json("[]"), Text("a")], "json"),
        (&[Literal("1"), Json("[]")], "json"),
    ];
    for (cells, expected) in cases {
        assert_eq!(kind_of(cells), expected, "{cells:?}");
    }
}
