//! The preferences of a caller: `Prefer`, of RFC 7240.

use axum::http::HeaderMap;

/// Returns whether the caller prefers that a part of the request which cannot be served is left out. Of several
/// preferences, the first counts.
pub fn prefers_lenient(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(',')).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("handling").then(|| value.trim().trim_matches('"'))
    });
    preferences.next().is_some_and(|handling| handling.eq_ignore_ascii_case("lenient"))
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn lenient_handling_has_to_be_asked_for() {
        for (values, lenient) in [
            (vec!["handling=lenient"], true),
            (vec!["Handling=Lenient"], true),
            (vec!["handling=\"lenient\""], true),
            (vec!["return=minimal, handling = lenient; foo"], true),
            (vec!["respond-async", "handling=lenient"], true),
            (vec!["handling=lenient, handling=strict"], true),
            (vec![], false),
            (vec![""], false),
            (vec!["lenient"], false),
            (vec!["handling"], false),
            (vec!["handling=strict"], false),
            (vec!["handling=strict, handling=lenient"], false),
            (vec!["handling=strict", "handling=lenient"], false),
            (vec!["return=minimal; handling=lenient"], false),
            (vec!["mishandling=lenient"], false),
        ] {
            let headers = values
                .iter()
                .map(|value| (header::HeaderName::from_static("prefer"), value.parse().unwrap()));
            assert_eq!(prefers_lenient(&headers.collect()), lenient, "{values:?}");
        }
    }
}
