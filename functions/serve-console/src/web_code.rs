//! Code for the owner's page: the iframe in several template languages.

use crate::literals::json_text;

/// A piece of a template.
pub struct FrameCode {
    pub language: &'static str,
    pub code: String,
}

/// The iframe with this title. Each template gets the URL from the server's program.
pub fn templates(title: &str) -> Vec<FrameCode> {
    let (text, quoted) = (attribute(title), json_text(title));
    let html = |language, open: &str, close: &str, name: &str| FrameCode {
        language,
        code: format!(
            "<iframe src=\"{open}{name}{close}\" title=\"{text}\" width=\"100%\" height=\"600\"></iframe>\n"
        ),
    };
    vec![
        html("HTML", "", "", "EMBED_URL"),
        FrameCode {
            language: "JSX",
            code: format!("<iframe src={{embedUrl}} title=\"{text}\" width=\"100%\" height=\"600\" />\n"),
        },
        html("ERB", "<%= ", " %>", "@embed_url"),
        html("Jinja", "{{ ", " }}", "embed_url"),
        html("Mustache", "{{", "}}", "embedUrl"),
        FrameCode {
            language: "Pug",
            code: format!("iframe(src=embedUrl title={quoted} width=\"100%\" height=\"600\")\n"),
        },
        FrameCode {
            language: "Vue",
            code: format!(
                "<iframe :src=\"embedUrl\" title=\"{text}\" width=\"100%\" height=\"600\"></iframe>\n"
            ),
        },
    ]
}

/// A text as the value of an attribute, in which no template language finds anything of its own.
fn attribute(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' | '{' | '}' | '%' | '#' | '\\' => {
                escaped.push_str(&format!("&#{};", u32::from(character)));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_text_in_every_template() {
        let title = "\"><script>{{ 7*7 }}<%= x %>#{x}";
        for FrameCode { language, code } in templates(title) {
            let own = templates("Sales").into_iter().find(|one| one.language == language).unwrap().code;
            for mark in ["<", ">", "{{", "}}", "<%", "#{"] {
                let count = |code: &str| code.matches(mark).count();
                let is_quoted = language == "Pug";
                assert!(is_quoted || count(&code) == count(&own), "{language}: {mark} in {code}");
            }
        }
    }
}
