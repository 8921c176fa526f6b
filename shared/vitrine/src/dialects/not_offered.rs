//! Addresses of other products that pages may still frame, and that are not offered here.

/// The reason why nothing is shown at a path, for the developer who framed it.
pub fn reason(path: &str) -> &'static str {
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        ["public", ..] => {
            "Public links are not offered: every embed needs a token that your backend signs, or a session."
        }
        ["embed", "d", _, "chat", ..] => "The chat is not offered. Dashboards are.",
        ["embed", "d", _, "app", ..] => "The app for creators is not offered. Dashboards are.",
        ["app", "embed.js"] => {
            "This script and its custom elements are not offered. Frame /embed/dashboard/TOKEN, or use /vitrine.mjs."
        }
        ["embed", ..] => "This kind of embed is not offered. Dashboards, questions and dives are.",
        _ => "There is nothing at this address.",
    }
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn addresses_of_other_products_have_reasons_of_their_own() {
        for (path, expected) in [
            ("/public/dashboard/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", "Public links are not offered"),
            ("/public", "Public links are not offered"),
            ("/embed/d/1/chat", "The chat is not offered"),
            ("/embed/d/1/chat/", "The chat is not offered"),
            ("/embed/d/1/app", "The app for creators is not offered"),
            ("/app/embed.js", "This script and its custom elements are not offered"),
            ("/embed/pulse/1", "This kind of embed is not offered"),
            ("/publications", "There is nothing at this address"),
            ("/app/embed.js/more", "There is nothing at this address"),
            ("/", "There is nothing at this address"),
            ("", "There is nothing at this address"),
        ] {
            assert!(reason(path).starts_with(expected), "{path}");
        }
    }
}
