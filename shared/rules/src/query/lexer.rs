//! The places of SQL: code, quotes and comments.

/// The place that a text has reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Code,
    /// In `'...'`, `"..."` or `` `...` ``.
    Quotes(char),
    /// In `$tag$...$tag$`; the text is the delimiter.
    DollarQuotes(String),
    LineComment,
    BlockComment,
}

impl Place {
    /// Returns the place after more text.
    #[must_use]
    pub fn after(mut self, text: &str) -> Self {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let mut length = letter.len_utf8();
            self = match self {
                Self::Code => match letter {
                    '\'' | '"' | '`' => Self::Quotes(letter),
                    '-' if rest.starts_with("--") => {
                        length = 2;
                        Self::LineComment
                    }
                    '/' if rest.starts_with("/*") => {
                        length = 2;
                        Self::BlockComment
                    }
                    '$' => match dollar_delimiter(rest) {
                        Some(delimiter) => {
                            length = delimiter.len();
                            Self::DollarQuotes(delimiter.to_owned())
                        }
                        None => Self::Code,
                    },
                    _ => Self::Code,
                },
                Self::Quotes(quote) if letter == quote => Self::Code,
                Self::DollarQuotes(delimiter) if rest.starts_with(&delimiter) => {
                    length = delimiter.len();
                    Self::Code
                }
                Self::LineComment if letter == '\n' => Self::Code,
                Self::BlockComment if rest.starts_with("*/") => {
                    length = 2;
                    Self::Code
                }
                other => other,
            };
            rest = &rest[length..];
        }
        self
    }
}

fn dollar_delimiter(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 2;
    let is_tag = text[1..end - 1].chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    is_tag.then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_the_text() {
        let quotes = Place::Quotes;
        let cases = [
            ("", Place::Code),
            ("select 'a' \"b\"", Place::Code),
            ("select 'a", quotes('\'')),
            ("'it''s", quotes('\'')),
            ("'a\" --", quotes('\'')),
            ("\"a'", quotes('"')),
            ("`a", quotes('`')),
            ("-- 'a", Place::LineComment),
            ("-- 'a\n", Place::Code),
            ("- -", Place::Code),
            ("/* 'a -- \n", Place::BlockComment),
            ("/* a */ 'b", quotes('\'')),
            ("/*/", Place::BlockComment),
            ("$$ it's", Place::DollarQuotes("$$".into())),
            ("$a$ $b$", Place::DollarQuotes("$a$".into())),
            ("$a$ $b$ $a$", Place::Code),
            ("$1 $2", Place::Code),
            ("'💶", quotes('\'')),
        ];
        for (text, expected) in cases {
            assert_eq!(Place::Code.after(text), expected, "{text}");
        }
    }
}
