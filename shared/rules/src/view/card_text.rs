//! Parameters in the texts of cards: `{{name}}`, and parts in `[[ ]]` that are shown only if all that they name have a value.
//!
//! The viewer's page puts in the values that the viewer may set. A value that the browser cannot set is put in here, and only
//! where the owner has mapped its parameter to a name of the text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::resource::parameter::Parameter;
use crate::view::resolve_parameters::VisibleParameter;

/// The longest name between braces.
const LONGEST_NAME: usize = 100;

/// The use of a text, which decides how values stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    Markdown,
    Plain,
    Url,
}

/// The parameters of a view, for the texts of its cards.
#[derive(Debug, Clone, Copy)]
pub struct TextValues<'a> {
    pub visible: &'a [VisibleParameter],
    pub declared: &'a [Parameter],
    /// The values of all parameters by slug, as they were given.
    pub given: &'a BTreeMap<String, Value>,
}

/// The meaning of a name.
enum Meaning {
    /// The page puts in the value of the parameter with this slug.
    Page(String),
    Value(String),
    Nothing,
}

impl TextValues<'_> {
    /// Fills in the names that `mapping` (slug to name) gives to parameters. Without a mapping each name is a slug, and the
    /// page knows those that its viewer may see.
    pub fn fill(&self, text: &str, mapping: Option<&BTreeMap<String, String>>, form: TextForm) -> String {
        let Some(mapping) = mapping else { return text.to_owned() };
        let meaning = |name: &str| {
            let slugs = mapping.iter().filter(|(_, mapped)| *mapped == name).map(|(slug, _)| slug);
            for slug in slugs {
                if self.visible.iter().any(|visible| visible.parameter.slug == *slug) {
                    return Meaning::Page(slug.clone());
                }
                if let Some(value) = self.value(slug) {
                    return Meaning::Value(escaped(&value, form));
                }
            }
            Meaning::Nothing
        };
        filled(text, &meaning)
    }

    fn value(&self, slug: &str) -> Option<String> {
        let parameter = self.declared.iter().find(|parameter| parameter.slug == slug)?;
        let single = |value: &Value| {
            let label = parameter.values.iter().flatten().find_map(|choice| match choice.as_slice() {
                [chosen, label] if chosen == value => Some(label),
                _ => None,
            });
            match label.unwrap_or(value) {
                Value::Null | Value::Array(_) | Value::Object(_) => None,
                Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
                value => Some(value.to_string()),
            }
        };
        let values: Vec<String> = match self.given.get(slug)? {
            Value::Array(items) => items.iter().filter_map(single).collect(),
            value => single(value).into_iter().collect(),
        };
        (!values.is_empty()).then(|| values.join(", "))
    }
}

fn filled(text: &str, meaning: &dyn Fn(&str) -> Meaning) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("[[") {
        let inner = &rest[start + 2..];
        let block = inner.find([']', '[']).filter(|end| inner[*end..].starts_with("]]"));
        let Some(end) = block.filter(|end| !names(&inner[..*end]).is_empty()) else {
            // A bracket alone is text, and so is a block without names.
            written.push_str(&with_values(&rest[..=start], meaning));
            rest = &rest[start + 1..];
            continue;
        };
        written.push_str(&with_values(&rest[..start], meaning));
        let meanings: Vec<Meaning> = names(&inner[..end]).into_iter().map(meaning).collect();
        let block = with_values(&inner[..end], meaning);
        if meanings.iter().any(|meaning| matches!(meaning, Meaning::Nothing)) {
            // The block goes with the name that has no value.
        } else if meanings.iter().any(|meaning| matches!(meaning, Meaning::Page(_))) {
            written.extend(["[[", &block, "]]"]);
        } else {
            written.push_str(&block);
        }
        rest = &inner[end + 2..];
    }
    written.push_str(&with_values(rest, meaning));
    written
}

/// The parts of a text: what stands before a name, and the name.
fn pieces(text: &str) -> (Vec<(&str, &str)>, &str) {
    let (mut found, mut rest, mut from) = (Vec::new(), text, 0);
    while let Some(start) = rest[from..].find("{{").map(|at| from + at) {
        let inner = &rest[start + 2..];
        let end = inner.find(['{', '}']).filter(|end| inner[*end..].starts_with("}}"));
        let name = end.map(|end| (end, inner[..end].trim()));
        match name.filter(|(_, name)| !name.is_empty() && name.chars().count() <= LONGEST_NAME) {
            Some((end, name)) => {
                found.push((&rest[..start], name));
                (rest, from) = (&inner[end + 2..], 0);
            }
            None => from = start + 1,
        }
    }
    (found, rest)
}

fn names(text: &str) -> Vec<&str> {
    pieces(text).0.into_iter().map(|(_, name)| name).collect()
}

fn with_values(text: &str, meaning: &dyn Fn(&str) -> Meaning) -> String {
    let (found, rest) = pieces(text);
    let mut written = String::with_capacity(text.len());
    for (before, name) in found {
        written.push_str(before);
        match meaning(name) {
            Meaning::Page(slug) => written.extend(["{{", &slug, "}}"]),
            Meaning::Value(value) => written.push_str(&value),
            Meaning::Nothing => {}
        }
    }
    written.push_str(rest);
    written
}

/// A value that is neither markup nor a name or block of its own.
fn escaped(value: &str, form: TextForm) -> String {
    let mut written = String::with_capacity(value.len());
    match form {
        TextForm::Markdown => {
            for letter in value.chars() {
                match letter {
                    // A value stays within its paragraph.
                    '\n' | '\r' | '\t' => written.push(' '),
                    letter if letter.is_ascii_punctuation() => written.extend(['\\', letter]),
                    letter => written.push(letter),
                }
            }
        }
        TextForm::Plain => {
            for letter in value.chars() {
                // Between two brackets stands a character without width, so that they open nothing.
                if matches!(letter, '{' | '[') && written.ends_with(letter) {
                    written.push('\u{2060}');
                }
                written.push(letter);
            }
            if written.ends_with(['{', '[']) {
                written.push('\u{2060}');
            }
            if written.starts_with(['{', '[']) {
                written.insert(0, '\u{2060}');
            }
        }
        TextForm::Url => {
            for byte in value.bytes() {
                match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                        written.push(char::from(byte));
                    }
                    byte => {
                        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                        let digit = |at: u8| char::from(DIGITS[usize::from(at)]);
                        written.extend(['%', digit(byte >> 4), digit(byte & 15)]);
                    }
                }
            }
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    fn fill(text: &str, mapping: Value, form: TextForm) -> String {
        let parameter = |slug: &str, fields: Value| -> Parameter {
            let mut written = json!({"slug": slug, "name": slug, "type": "category"});
            written.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            input::read(written).unwrap()
        };
        let declared = vec![
            parameter("city", json!({})),
            parameter("tenant", json!({})),
            parameter("size", json!({"values": [["s", "Small"], ["l", "Large"]]})),
            parameter("evil", json!({})),
            parameter("empty", json!({})),
        ];
        let visible =
            [VisibleParameter { parameter: declared[0].clone(), value: json!("Rome"), range: false }];
        let given: BTreeMap<String, Value> = serde_json::from_value(json!({
            "city": "Rome", "tenant": ["Acme", 7], "size": "l", "evil": "<b>[[{{city}}]]\n# [x](y)", "empty": null,
        }))
        .unwrap();
        let values = TextValues { visible: &visible, declared: &declared, given: &given };
        let mapping: Option<BTreeMap<String, String>> = serde_json::from_value(mapping).unwrap();
        values.fill(text, mapping.as_ref(), form)
    }

    /// text, mapping -> the text that the page receives
    #[test]
    fn names_that_are_mapped_get_the_values_that_the_browser_cannot_set() {
        let all = json!({"city": "town", "tenant": "tenant", "size": "size", "empty": "none"});
        let cases = [
            ("{{tenant}} {{city}}", json!(null), "{{tenant}} {{city}}"),
            ("[[for {{tenant}}]]", json!(null), "[[for {{tenant}}]]"),
            ("{{tenant}} {{city}}", json!({}), " "),
            ("for {{ tenant }}!", all.clone(), "for Acme\\, 7!"),
            ("{{size}}", all.clone(), "Large"),
            ("in {{town}}", all.clone(), "in {{city}}"),
            ("in {{city}}", all.clone(), "in "),
            ("a [[b {{tenant}}]] c", all.clone(), "a b Acme\\, 7 c"),
            ("a [[b {{none}}]] c", all.clone(), "a  c"),
            ("a [[b {{none}} {{tenant}}]] c", all.clone(), "a  c"),
            ("a [[b {{town}}]] c", all.clone(), "a [[b {{city}}]] c"),
            ("a [[{{tenant}} in {{town}}]] c", all.clone(), "a [[Acme\\, 7 in {{city}}]] c"),
            ("[x](y) [[z]] {{}} {{ }} }} ]]", all.clone(), "[x](y) [[z]] {{}} {{ }} }} ]]"),
            ("{{{tenant}}}", all.clone(), "{Acme\\, 7}"),
            ("[[[{{tenant}}]]]", all.clone(), "[Acme\\, 7]"),
            ("{{tenant", all.clone(), "{{tenant"),
            ("[[{{tenant}}", all.clone(), "[[Acme\\, 7"),
            ("é[[ß{{tenant}}]]ü", all, "éßAcme\\, 7ü"),
            ("{{a}}", json!({"gone": "a"}), ""),
        ];
        for (text, mapping, expected) in cases {
            assert_eq!(fill(text, mapping.clone(), TextForm::Markdown), expected, "{text} {mapping}");
        }
    }

    #[test]
    fn a_value_becomes_neither_markup_nor_a_name_nor_a_part_of_an_address() {
        let mapping = json!({"evil": "x", "city": "city", "tenant": "t"});
        let markdown = fill("a {{x}}", mapping.clone(), TextForm::Markdown);
        assert_eq!(markdown, "a \\<b\\>\\[\\[\\{\\{city\\}\\}\\]\\] \\# \\[x\\]\\(y\\)");
        let plain = fill("a [{{x}}", mapping.clone(), TextForm::Plain);
        assert!(!plain.contains("[[") && !plain.contains("{{"), "{plain}");
        assert_eq!(plain.replace('\u{2060}', ""), "a [<b>[[{{city}}]]\n# [x](y)");
        let url = fill("https://example.com/{{t}}?q={{x}}", mapping, TextForm::Url);
        assert_eq!(
            url,
            "https://example.com/Acme%2C%207?q=%3Cb%3E%5B%5B%7B%7Bcity%7D%7D%5D%5D%0A%23%20%5Bx%5D%28y%29"
        );
        assert_eq!(fill("{{x}}{{x}}", json!({"city": "x"}), TextForm::Url), "{{city}}{{city}}");
    }
}
