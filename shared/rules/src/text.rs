//! Texts of callers in messages and records.

/// The most characters of a name that a message quotes.
const MAX_QUOTED: usize = 100;

/// Shortens a text to `most` characters, with an ellipsis as the last one if something is missing.
pub fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        let last = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        text.truncate(last);
        text.push('…');
    }
    text
}

/// A name that a caller gave, as a message or a record quotes it.
pub fn quoted(name: &str) -> String {
    // Four bytes are the longest character, so the copy is bounded as well.
    cut(name.chars().take(MAX_QUOTED + 1).collect(), MAX_QUOTED)
}

/// The name of a column or table for people: `created_at` as `Created At`.
pub fn display_name(name: &str) -> String {
    let words = name.split(['_', ' ', '-']).filter(|word| !word.is_empty());
    let words: Vec<String> = words
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect();
    if words.is_empty() { name.to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_cut() {
        for (text, most, expected) in
            [("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("äöüß", 3, "äö…"), ("🦀🦀", 1, "…")]
        {
            assert_eq!(cut(text.to_owned(), most), expected, "{text}");
        }
        assert_eq!(quoted(&"x".repeat(100)), "x".repeat(100));
        assert_eq!(quoted(&"x".repeat(50_000)), format!("{}…", "x".repeat(99)));
    }

    #[test]
    fn names_for_people_are_words() {
        for (name, shown) in [
            ("count", "Count"),
            ("created_at", "Created At"),
            ("order-id", "Order Id"),
            ("ÄNDERUNG", "ÄNDERUNG"),
            ("élan vital", "Élan Vital"),
            ("__", "__"),
            ("", ""),
        ] {
            assert_eq!(display_name(name), shown);
        }
    }
}
