//! Wishes: parameters in the address of the page. Pages are linked with names that are none of ours, such as tracking
//! and cache breakers, so a name that the viewer may not set is left out and reported, where a program is refused.
//!
//! Leaving out a wish widens nothing: the token's value or the default holds, as if the address did not have it. A
//! value that does not fit a parameter which the viewer may set is refused as always, because a report for other
//! values than the address asks for would mislead.

use serde_json::{Map, Value};

use crate::resource::embed_policy::{EmbeddingParams, WhoMaySet};
use crate::resource::parameter::Parameter;
use crate::settings::{EnabledInToken, Settings};
use crate::view::resolve_parameters::{self, Given, is_blank};

/// The names of ignored wishes that are reported, and the characters of each.
const MAX_NAMES: usize = 50;
const MAX_NAME_CHARS: usize = 100;

/// Reads wishes from a query string. A `parameters` that cannot be read is a name like any other.
pub fn from_query(query: &str) -> Map<String, Value> {
    resolve_parameters::from_query(query).unwrap_or_else(|_| resolve_parameters::by_name(query))
}

/// Splits wishes into those that the viewer may have and the names of the others.
pub fn split(
    declared: &[Parameter],
    policy: &EmbeddingParams,
    given: Given,
    settings: &Settings,
) -> (Map<String, Value>, Vec<String>) {
    let is_pinned = |slug: &str| {
        settings.enabled_in_token == EnabledInToken::Pinned
            && given.token.get(slug).is_some_and(|value| !is_blank(value))
    };
    let may_set = |slug: &str| {
        policy.get(slug) == Some(&WhoMaySet::Enabled)
            && declared.iter().any(|parameter| parameter.slug == slug)
            && !is_pinned(slug)
    };
    let (granted, ignored): (Map<_, _>, Map<_, _>) =
        given.url.clone().into_iter().partition(|(slug, _)| may_set(slug));
    let cut = |(name, _): (String, Value)| name.chars().take(MAX_NAME_CHARS).collect();
    (granted, ignored.into_iter().take(MAX_NAMES).map(cut).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::json::input;
    use crate::view::resolve_parameters::{Resolved, resolve};

    fn declared() -> Vec<Parameter> {
        input::read(json!([
            {"slug": "open", "name": "Open", "type": "text", "default": "fallback"},
            {"slug": "locked", "name": "Locked", "type": "text"},
            {"slug": "closed", "name": "Closed", "type": "text", "default": "fallback"},
            {"slug": "city", "name": "City", "type": "text"},
        ]))
        .unwrap()
    }

    fn policy() -> EmbeddingParams {
        // `gone` is enabled, but no longer declared.
        input::read(json!({
            "open": "enabled", "locked": "locked", "closed": "disabled", "city": {"attribute": "city"},
            "gone": "enabled",
        }))
        .unwrap()
    }

    fn split_and_resolve(token: &Value, query: &str, settings: &Settings) -> (Resolved, Vec<String>) {
        let token = token.as_object().unwrap();
        let attributes = BTreeMap::from([("city".to_owned(), json!("Berlin"))]);
        let url = from_query(query);
        let given = Given { token, url: &url, attributes: &attributes };
        let (granted, ignored) = split(&declared(), &policy(), given, settings);
        let given = Given { url: &granted, ..given };
        (resolve(&declared(), &policy(), given, settings).unwrap(), ignored)
    }

    /// query -> the value of `open`, the ignored names. The other values never change.
    #[test]
    fn only_what_the_viewer_may_set_is_granted() {
        for (query, open, ignored) in [
            ("", json!("fallback"), vec![]),
            ("open=a", json!("a"), vec![]),
            ("open=a&open=b", json!(["a", "b"]), vec![]),
            ("open=", json!(null), vec![]),
            ("utm_source=mail&open=a", json!("a"), vec!["utm_source"]),
            ("utm_source=", json!("fallback"), vec!["utm_source"]),
            ("t=1&t=2", json!("fallback"), vec!["t"]),
            ("locked=other", json!("fallback"), vec!["locked"]),
            ("locked=", json!("fallback"), vec!["locked"]),
            ("locked=%20", json!("fallback"), vec!["locked"]),
            ("closed=other", json!("fallback"), vec!["closed"]),
            ("city=Paris", json!("fallback"), vec!["city"]),
            ("gone=1", json!("fallback"), vec!["gone"]),
            ("Open=a", json!("fallback"), vec!["Open"]),
            ("parameters=%7B%22open%22%3A%22a%22%2C%22locked%22%3A%22b%22%7D", json!("a"), vec!["locked"]),
            ("parameters=%5B%5D&open=a", json!("a"), vec!["parameters"]),
            ("parameters=oops&open=a", json!("a"), vec!["parameters"]),
        ] {
            let (resolved, names) =
                split_and_resolve(&json!({"locked": "mine"}), query, &Settings::default());
            assert_eq!(names, ignored, "{query}");
            let expected = json!({"open": open, "locked": "mine", "closed": "fallback", "city": "Berlin"});
            assert_eq!(json!(resolved.given_values), expected, "{query}");
        }
    }

    #[test]
    fn a_value_that_the_token_pins_is_not_to_be_wished() {
        let mut pinned = Settings::default();
        pinned.set("EnabledInToken", "pinned").unwrap();
        let token = json!({"locked": "mine", "open": "a"});
        let (resolved, ignored) = split_and_resolve(&token, "open=b", &pinned);
        assert_eq!((&resolved.given_values["open"], ignored), (&json!("a"), vec!["open".to_owned()]));
        let (resolved, ignored) = split_and_resolve(&token, "open=b", &Settings::default());
        assert_eq!((&resolved.given_values["open"], ignored), (&json!("b"), vec![]));
    }

    #[test]
    fn the_report_of_names_is_bounded() {
        let long = "ä".repeat(300);
        let query: Vec<_> = (0..500).map(|number| format!("{number}{long}=1")).collect();
        let (_, ignored) =
            split_and_resolve(&json!({"locked": "mine"}), &query.join("&"), &Settings::default());
        assert_eq!(ignored.len(), MAX_NAMES);
        assert!(ignored.iter().all(|name| name.chars().count() == MAX_NAME_CHARS));
    }

    proptest! {
        /// A view with wishes has the values that it would have without the dropped names, and no name refuses it.
        #[test]
        fn an_address_changes_nothing_but_enabled_parameters(
            pairs in prop::collection::vec(("(open|locked|closed|city|gone|x|\\PC{1,8})", "\\PC{0,8}"), 0..6)
        ) {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let token = json!({"locked": "mine"});
            let (with, _) = split_and_resolve(&token, &query, &Settings::default());
            let (without, _) = split_and_resolve(&token, "", &Settings::default());
            for slug in ["locked", "closed", "city"] {
                prop_assert_eq!(with.values.get(slug), without.values.get(slug));
            }
            prop_assert_eq!(with.visible.len(), without.visible.len());
        }
    }
}
