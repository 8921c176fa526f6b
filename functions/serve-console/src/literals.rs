//! Values as literals of programming languages. A value never ends the text that it stands in.

use serde_json::Value;

/// The way in which a language writes a value.
pub struct Literals {
    map: (&'static str, &'static str),
    empty_map: &'static str,
    pair: &'static str,
    list: (&'static str, &'static str),
    null: &'static str,
    truth: (&'static str, &'static str),
    quote: fn(&str) -> String,
}

pub const JAVASCRIPT: Literals = Literals {
    map: ("{ ", " }"),
    empty_map: "{}",
    pair: ": ",
    list: ("[", "]"),
    null: "null",
    truth: ("true", "false"),
    quote: json_text,
};

pub const PYTHON: Literals = Literals {
    map: ("{", "}"),
    empty_map: "{}",
    pair: ": ",
    list: ("[", "]"),
    null: "None",
    truth: ("True", "False"),
    quote: json_text,
};

pub const RUBY: Literals = Literals {
    map: ("{ ", " }"),
    empty_map: "{}",
    pair: " => ",
    list: ("[", "]"),
    null: "nil",
    truth: ("true", "false"),
    quote: ruby_text,
};

pub const PHP: Literals = Literals {
    map: ("[", "]"),
    // An empty array would become a list.
    empty_map: "new stdClass()",
    pair: " => ",
    list: ("[", "]"),
    null: "null",
    truth: ("true", "false"),
    quote: php_text,
};

pub const GO: Literals = Literals {
    map: ("map[string]any{", "}"),
    empty_map: "map[string]any{}",
    pair: ": ",
    list: ("[]any{", "}"),
    null: "nil",
    truth: ("true", "false"),
    quote: json_text,
};

pub const RUST: Literals = Literals {
    map: ("{ ", " }"),
    empty_map: "{}",
    pair: ": ",
    list: ("[", "]"),
    null: "null",
    truth: ("true", "false"),
    quote: rust_text,
};

impl Literals {
    pub fn write(&self, value: &Value) -> String {
        match value {
            Value::Null => self.null.to_owned(),
            Value::Bool(truth) => if *truth { self.truth.0 } else { self.truth.1 }.to_owned(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => (self.quote)(text),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.write(item)).collect();
                format!("{}{}{}", self.list.0, items.join(", "), self.list.1)
            }
            Value::Object(members) if members.is_empty() => self.empty_map.to_owned(),
            Value::Object(members) => {
                let pair = |(name, value): (&String, &Value)| {
                    format!("{}{}{}", (self.quote)(name), self.pair, self.write(value))
                };
                let members: Vec<_> = members.iter().map(pair).collect();
                format!("{}{}{}", self.map.0, members.join(", "), self.map.1)
            }
        }
    }
}

/// A text in double quotes with the escapes of JSON, which JavaScript, Python, Go, Java, C# and Clojure read as well.
pub fn json_text(text: &str) -> String {
    // DEL is no escape of JSON, but must not be in a source file.
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// The same without characters beyond ASCII, for languages that read sources in the encoding of the machine.
pub fn ascii_text(text: &str) -> String {
    let mut units = [0; 2];
    json_text(text).chars().fold(String::new(), |mut written, character| {
        if character.is_ascii() {
            written.push(character);
        } else {
            let units = character.encode_utf16(&mut units);
            written.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
        written
    })
}

/// In double quotes Ruby evaluates `#{...}`, `#$...` and `#@...`.
fn ruby_text(text: &str) -> String {
    json_text(text).replace('#', "\\#")
}

/// In single quotes PHP reads two escapes and nothing else.
fn php_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn rust_text(text: &str) -> String {
    format!("{text:?}")
}

/// A text in single quotes of a shell.
pub fn shell_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A value with everything, in each language.
    #[test]
    fn each_language_writes_values_in_its_own_way() {
        let value = json!({"a": [1, 1.5, true, false, null], "b": {}, "c": "x"});
        for (literals, expected) in [
            (JAVASCRIPT, r#"{ "a": [1, 1.5, true, false, null], "b": {}, "c": "x" }"#),
            (PYTHON, r#"{"a": [1, 1.5, True, False, None], "b": {}, "c": "x"}"#),
            (RUBY, r#"{ "a" => [1, 1.5, true, false, nil], "b" => {}, "c" => "x" }"#),
            (PHP, r"['a' => [1, 1.5, true, false, null], 'b' => new stdClass(), 'c' => 'x']"),
            (GO, r#"map[string]any{"a": []any{1, 1.5, true, false, nil}, "b": map[string]any{}, "c": "x"}"#),
            (RUST, r#"{ "a": [1, 1.5, true, false, null], "b": {}, "c": "x" }"#),
        ] {
            assert_eq!(literals.write(&value), expected);
        }
    }

    /// Texts that would end their literal, or be evaluated in it.
    #[test]
    fn a_text_stays_a_text() {
        for (literals, text, expected) in [
            (&JAVASCRIPT, "\"\\\n${x}", r#""\"\\\n${x}""#),
            (&PYTHON, "\"\"\"\\", r#""\"\"\"\\""#),
            (&RUBY, "#{system('x')} #@a \"", r##""\#{system('x')} \#@a \"""##),
            (&PHP, "' . $x . '\\", r"'\' . $x . \'\\'"),
            (&GO, "`\"\u{7f}", r#""`\"\u007f""#),
            (&RUST, "\"\u{1}", r#""\"\u{1}""#),
        ] {
            assert_eq!(literals.write(&json!(text)), expected);
        }
        assert_eq!(ascii_text("ö\n\u{1f600}"), r#""\u00f6\n\ud83d\ude00""#);
        assert_eq!(shell_text("it's $HOME"), r"'it'\''s $HOME'");
    }
}
