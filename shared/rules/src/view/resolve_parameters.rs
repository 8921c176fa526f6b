//! The one rule of parameters: the values in the token and in the URL, held against the embed policy and the
//! declared types.
//!
//! A pure function from (declared, policy, token, URL, attributes) to values or to one error. It accepts
//! what is explicitly open and refuses the rest; nothing is ever dropped silently that would widen a view.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Error, Reason, Result};
use crate::json::strict;
use crate::resource::embed_policy::{EmbeddingParams, WhoMaySet};
use crate::resource::parameter::{Parameter, is_value};
use crate::resource::parameter_value::ParameterValue;
use crate::settings::{EnabledInToken, Settings};
use crate::text::quoted;

/// The sources of values.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub token: &'a Map<String, Value>,
    pub url: &'a Map<String, Value>,
    pub attributes: &'a BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The typed value of every declared parameter, the locked ones included. A parameter without one filters
    /// nothing.
    pub values: BTreeMap<String, ParameterValue>,
    /// The same values as they were given, for the owner's own services; null filters nothing.
    pub given_values: BTreeMap<String, Value>,
    /// The parameters that the viewer may see and change.
    pub visible: Vec<VisibleParameter>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VisibleParameter {
    #[serde(flatten)]
    pub parameter: Parameter,
    pub value: Value,
    /// The value is two numbers, of which one may be null.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub range: bool,
}

/// Reads viewer parameters from a query string.
///
/// `parameters=<JSON object>` replaces all others. Otherwise each name is a slug: a repeated one makes a list, and an
/// empty one is null, which means "no filter".
pub fn from_query(query: &str) -> Result<Map<String, Value>> {
    let json = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "parameters");
    match json.and_then(|(_, text)| strict::parse(text.as_bytes())) {
        Some(Value::Object(values)) => Ok(values),
        Some(_) => Err(Reason::ParamsInvalid.into()),
        None => Ok(by_name(query)),
    }
}

/// Reads every name of a query string as a slug.
pub(crate) fn by_name(query: &str) -> Map<String, Value> {
    let mut values: Map<String, Value> = Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let value = if text.is_empty() { Value::Null } else { Value::String(text.into_owned()) };
        match values.get_mut(name.as_ref()) {
            None => {
                values.insert(name.into_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    values
}

pub fn resolve(
    declared: &[Parameter],
    policy: &EmbeddingParams,
    given: Given,
    settings: &Settings,
) -> Result<Resolved> {
    for (slug, visibility) in policy.iter() {
        permit(slug, visibility, given, settings)?;
        if !declared.iter().any(|parameter| parameter.slug == *slug) && binds(visibility, slug, given) {
            return Err(unknown(slug));
        }
    }
    for (slug, value) in given.token.iter().chain(given.url) {
        if !policy.contains_key(slug) && !is_blank(value) {
            return Err(unknown(slug));
        }
        if !is_value(value) {
            return Err(misfit(slug));
        }
    }
    let mut resolved =
        Resolved { values: BTreeMap::new(), given_values: BTreeMap::new(), visible: Vec::new() };
    for parameter in declared {
        let visibility = policy.get(&parameter.slug).unwrap_or(&WhoMaySet::Disabled);
        let pinned = settings.enabled_in_token == EnabledInToken::Pinned;
        let value = effective(parameter, visibility, given, pinned);
        let typed = ParameterValue::of(parameter, &value).map_err(|_| misfit(&parameter.slug))?;
        if let Some(typed) = typed {
            resolved.values.insert(parameter.slug.clone(), typed);
        }
        if *visibility == WhoMaySet::Enabled && !(pinned && given.token.contains_key(&parameter.slug)) {
            resolved.visible.push(VisibleParameter {
                parameter: parameter.clone(),
                value: value.clone(),
                range: false,
            });
        }
        resolved.given_values.insert(parameter.slug.clone(), value);
    }
    Ok(resolved)
}

/// Checks that the token and the URL may give the values that they give for `slug`.
fn permit(slug: &str, visibility: &WhoMaySet, given: Given, settings: &Settings) -> Result<()> {
    let in_token = given.token.get(slug).filter(|value| !is_blank(value));
    let in_url = given.url.get(slug).filter(|value| !is_blank(value));
    match visibility {
        WhoMaySet::Disabled if in_token.is_some() || in_url.is_some() => Err(about(
            Reason::ParameterDisabled,
            format!("You're not allowed to specify a value for :{}.", quoted(slug)),
        )),
        WhoMaySet::Enabled
            if in_token.is_some()
                && in_url.is_some()
                && settings.enabled_in_token == EnabledInToken::Pinned =>
        {
            Err(about(
                Reason::ParameterPinned,
                format!("You can't specify a value for :{} if it's already set in the JWT.", quoted(slug)),
            ))
        }
        WhoMaySet::Locked if !in_token.is_some_and(|value| holds_a_value(value, settings)) => Err(about(
            Reason::ParameterLockedMissing,
            format!("You must specify a value for :{} in the JWT.", quoted(slug)),
        )),
        WhoMaySet::Locked if in_url.is_some() => Err(about(
            Reason::ParameterLocked,
            format!("You can only specify a value for :{} in the JWT.", quoted(slug)),
        )),
        WhoMaySet::Attribute(_) if in_token.is_some() || in_url.is_some() => Err(about(
            Reason::ParameterLocked,
            format!("You're not allowed to specify a value for :{}.", quoted(slug)),
        )),
        WhoMaySet::Attribute(name) if given.attributes.get(name).is_none_or(is_nothing) => Err(about(
            Reason::AttributeMissing,
            format!("The viewer has no attribute that :{} is locked to.", quoted(slug)),
        )),
        _ => Ok(()),
    }
}

/// Returns whether a policy entry makes a promise that an undeclared parameter cannot keep.
fn binds(visibility: &WhoMaySet, slug: &str, given: Given) -> bool {
    match visibility {
        WhoMaySet::Locked | WhoMaySet::Attribute(_) => true,
        WhoMaySet::Enabled => given.token.contains_key(slug) || given.url.contains_key(slug),
        WhoMaySet::Disabled => false,
    }
}

fn effective(parameter: &Parameter, visibility: &WhoMaySet, given: Given, pinned: bool) -> Value {
    let default = || parameter.default.clone().unwrap_or_default();
    let value = match visibility {
        WhoMaySet::Disabled => return default(),
        WhoMaySet::Enabled => {
            let in_url = given.url.get(&parameter.slug);
            let in_token = given.token.get(&parameter.slug);
            // Blank text in the URL passes the check, and must not replace a pinned value.
            let stands = in_token.filter(|value| pinned && !is_blank(value));
            match stands.or(in_url).or(in_token) {
                // A required parameter returns to its default when it is cleared.
                Some(value) if parameter.required && is_nothing(value) => return default(),
                Some(value) => value,
                None => return default(),
            }
        }
        WhoMaySet::Locked => given.token.get(&parameter.slug).unwrap_or(&Value::Null),
        WhoMaySet::Attribute(name) => given.attributes.get(name).unwrap_or(&Value::Null),
    };
    if is_nothing(value) { Value::Null } else { value.clone() }
}

/// Returns whether `value` really restricts a locked parameter. An empty list switches the filter off, so it needs the
/// setting.
fn holds_a_value(value: &Value, settings: &Settings) -> bool {
    match value {
        Value::Array(items) if items.is_empty() => settings.allow_empty_locked_list,
        value => !is_nothing(value),
    }
}

/// Returns whether a value is text of white space only, which counts as absent.
pub(crate) fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Returns whether a value is null, blank, or a list of such values.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(|item| item.is_null() || is_blank(item)),
        value => is_blank(value),
    }
}

/// Names the parameter, and never the value.
fn misfit(slug: &str) -> Error {
    about(Reason::ParameterInvalid, format!("Invalid value for :{}.", quoted(slug)))
}

fn unknown(slug: &str) -> Error {
    about(Reason::ParameterUnknown, format!("Unknown parameter :{}.", quoted(slug)))
}

fn about(reason: Reason, message: String) -> Error {
    Error::new(reason).message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use proptest::prelude::*;
    use serde_json::json;

    fn declared() -> Vec<Parameter> {
        input::read(json!([{"slug": "x", "name": "X", "type": "text", "default": "fallback"}])).unwrap()
    }

    fn policy(visibility: Value) -> EmbeddingParams {
        input::read(if visibility.is_null() { json!({}) } else { json!({ "x": visibility }) }).unwrap()
    }

    fn settings(names: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in names {
            settings.set(name, value).unwrap();
        }
        settings
    }

    fn resolve_x(visibility: Value, token: Value, query: &str, names: &[(&str, &str)]) -> Result<Value> {
        let attributes =
            BTreeMap::from([("city".to_owned(), json!("Berlin")), ("none".to_owned(), json!([" "]))]);
        let token = token.as_object().cloned().unwrap();
        let url = from_query(query)?;
        let given = Given { token: &token, url: &url, attributes: &attributes };
        let resolved = resolve(&declared(), &policy(visibility), given, &settings(names))?;
        Ok(resolved.given_values["x"].clone())
    }

    /// policy, token, query -> value or reason, under the default settings.
    #[test]
    fn the_rule_table() {
        use Reason::*;
        let cases: Vec<(Value, Value, &str, std::result::Result<Value, Reason>)> = vec![
            // disabled: nobody may give a value; the default applies
            (json!("disabled"), json!({}), "", Ok(json!("fallback"))),
            (json!("disabled"), json!({"x": "a"}), "", Err(ParameterDisabled)),
            (json!("disabled"), json!({"x": null}), "", Err(ParameterDisabled)),
            (json!("disabled"), json!({"x": 0}), "", Err(ParameterDisabled)),
            (json!("disabled"), json!({"x": false}), "", Err(ParameterDisabled)),
            (json!("disabled"), json!({"x": []}), "", Err(ParameterDisabled)),
            (json!("disabled"), json!({"x": " "}), "", Ok(json!("fallback"))),
            (json!("disabled"), json!({}), "x=a", Err(ParameterDisabled)),
            (json!("disabled"), json!({}), "x=", Err(ParameterDisabled)),
            (json!("disabled"), json!({}), "x=a&x=b", Err(ParameterDisabled)),
            // not listed: the same, and its name is unknown
            (json!(null), json!({}), "", Ok(json!("fallback"))),
            (json!(null), json!({"x": "a"}), "", Err(ParameterUnknown)),
            (json!(null), json!({}), "x=a", Err(ParameterUnknown)),
            (json!(null), json!({}), "y=a", Err(ParameterUnknown)),
            (json!(null), json!({"y": ""}), "", Ok(json!("fallback"))),
            // enabled: the URL, else the token, else the default
            (json!("enabled"), json!({}), "", Ok(json!("fallback"))),
            (json!("enabled"), json!({"x": "a"}), "", Ok(json!("a"))),
            (json!("enabled"), json!({"x": null}), "", Ok(json!(null))),
            (json!("enabled"), json!({"x": []}), "", Ok(json!(null))),
            (json!("enabled"), json!({"x": 0}), "", Ok(json!(0))),
            (json!("enabled"), json!({"x": false}), "", Ok(json!(false))),
            (json!("enabled"), json!({}), "x=b", Ok(json!("b"))),
            (json!("enabled"), json!({}), "x=", Ok(json!(null))),
            (json!("enabled"), json!({}), "x=a&x=b", Ok(json!(["a", "b"]))),
            (json!("enabled"), json!({"x": "a"}), "x=b", Ok(json!("b"))),
            (json!("enabled"), json!({"x": "a"}), "x=", Ok(json!(null))),
            (json!("enabled"), json!({"x": {"no": 1}}), "", Err(ParameterInvalid)),
            (json!("enabled"), json!({"x": [["no"]]}), "", Err(ParameterInvalid)),
            // locked: the token and nobody else
            (json!("locked"), json!({"x": "a"}), "", Ok(json!("a"))),
            (json!("locked"), json!({"x": ["a", "b"]}), "", Ok(json!(["a", "b"]))),
            (json!("locked"), json!({"x": 0}), "", Ok(json!(0))),
            (json!("locked"), json!({"x": false}), "", Ok(json!(false))),
            (json!("locked"), json!({}), "", Err(ParameterLockedMissing)),
            (json!("locked"), json!({"x": null}), "", Err(ParameterLockedMissing)),
            (json!("locked"), json!({"x": ""}), "", Err(ParameterLockedMissing)),
            (json!("locked"), json!({"x": "  "}), "", Err(ParameterLockedMissing)),
            (json!("locked"), json!({"x": []}), "", Err(ParameterLockedMissing)),
            (json!("locked"), json!({"x": [null, ""]}), "", Err(ParameterLockedMissing)),
            (json!("locked"), json!({}), "x=a", Err(ParameterLockedMissing)),
            (json!("locked"), json!({"x": "a"}), "x=b", Err(ParameterLocked)),
            (json!("locked"), json!({"x": "a"}), "x=a", Err(ParameterLocked)),
            (json!("locked"), json!({"x": "a"}), "x=", Err(ParameterLocked)),
            (json!("locked"), json!({"x": "a"}), "x=b&x=c", Err(ParameterLocked)),
            // locked to the viewer's attribute
            (json!({"attribute": "city"}), json!({}), "", Ok(json!("Berlin"))),
            (json!({"attribute": "city"}), json!({"x": "Paris"}), "", Err(ParameterLocked)),
            (json!({"attribute": "city"}), json!({}), "x=Paris", Err(ParameterLocked)),
            (json!({"attribute": "country"}), json!({}), "", Err(AttributeMissing)),
            (json!({"attribute": "none"}), json!({}), "", Err(AttributeMissing)),
            // the JSON form of the URL
            (json!("enabled"), json!({}), "parameters=%7B%22x%22%3A7%7D&y=ignored", Ok(json!(7))),
            (json!("enabled"), json!({}), "parameters=%5B%5D", Err(ParamsInvalid)),
            (json!("enabled"), json!({}), "parameters=oops&x=a", Err(ParameterUnknown)),
            (json!("locked"), json!({"x": "a"}), "parameters=%7B%22x%22%3A%22b%22%7D", Err(ParameterLocked)),
        ];
        for (visibility, token, query, expected) in cases {
            let case = format!("{visibility} token {token} url {query:?}");
            let actual = resolve_x(visibility, token, query, &[]).map_err(|error| error.reason);
            assert_eq!(actual, expected, "{case}");
        }
    }

    #[test]
    fn two_settings_change_the_rules() {
        let pinned = [("EnabledInToken", "pinned")];
        let refused = resolve_x(json!("enabled"), json!({"x": "a"}), "x=b", &pinned).unwrap_err();
        assert_eq!(refused.message, "You can't specify a value for :x if it's already set in the JWT.");
        assert_eq!(resolve_x(json!("enabled"), json!({"x": ""}), "x=b", &pinned).unwrap(), json!("b"));
        assert_eq!(resolve_x(json!("enabled"), json!({"x": "a"}), "x=%20", &pinned).unwrap(), json!("a"));

        let lenient = [("AllowEmptyLockedList", "true")];
        assert_eq!(resolve_x(json!("locked"), json!({"x": []}), "", &lenient).unwrap(), json!(null));
        assert!(resolve_x(json!("locked"), json!({"x": [""]}), "", &lenient).is_err());
        assert!(resolve_x(json!("locked"), json!({}), "", &lenient).is_err());
    }

    /// A value from any source is held against the declared type, and the error names no value.
    #[test]
    fn values_fit_the_declared_type_wherever_they_come_from() {
        let declared: Vec<Parameter> = input::read(json!([
            {"slug": "year", "name": "Year", "type": "number", "values": [[2024], [2025]], "values_strict": true},
        ]))
        .unwrap();
        let object = |value: Value| value.as_object().cloned().unwrap();
        let resolve_year = |visibility: Value, token: Value, url: Value, attribute: Value| {
            let policy = input::read(json!({ "year": visibility })).unwrap();
            let attributes = BTreeMap::from([("year".to_owned(), attribute)]);
            let (token, url) = (object(token), object(url));
            let given = Given { token: &token, url: &url, attributes: &attributes };
            let resolved = resolve(&declared, &policy, given, &Settings::default());
            resolved.map(|resolved| resolved.values.get("year").cloned()).map_err(|error| {
                assert_eq!(error.message, "Invalid value for :year.");
                error.reason
            })
        };
        let number = |number: i64| Ok(Some(ParameterValue::Number(number.into())));
        let misfit = Err(Reason::ParameterInvalid);
        let bound = json!({"attribute": "year"});
        assert_eq!(
            resolve_year(json!("locked"), json!({"year": 2024}), json!({}), json!(null)),
            number(2024)
        );
        assert_eq!(
            resolve_year(json!("locked"), json!({"year": "2024"}), json!({}), json!(null)),
            number(2024)
        );
        assert_eq!(resolve_year(json!("locked"), json!({"year": 2023}), json!({}), json!(null)), misfit);
        assert_eq!(resolve_year(json!("locked"), json!({"year": "secret"}), json!({}), json!(null)), misfit);
        assert_eq!(
            resolve_year(json!("enabled"), json!({}), json!({"year": "2025"}), json!(null)),
            number(2025)
        );
        assert_eq!(
            resolve_year(json!("enabled"), json!({}), json!({"year": "1 or 1=1"}), json!(null)),
            misfit
        );
        assert_eq!(resolve_year(json!("enabled"), json!({}), json!({"year": null}), json!(null)), Ok(None));
        assert_eq!(resolve_year(bound.clone(), json!({}), json!({}), json!(2025)), number(2025));
        assert_eq!(resolve_year(bound, json!({}), json!({}), json!("Berlin")), misfit);
    }

    #[test]
    fn only_enabled_parameters_are_visible() {
        let empty = Map::new();
        let token = json!({"x": "a"}).as_object().cloned().unwrap();
        let none = BTreeMap::new();
        let visible = |visibility: Value, token: &Map<String, Value>, names: &[(&str, &str)]| {
            let given = Given { token, url: &empty, attributes: &none };
            resolve(&declared(), &policy(visibility), given, &settings(names)).unwrap().visible.len()
        };
        assert_eq!(visible(json!("enabled"), &empty, &[]), 1);
        assert_eq!(visible(json!("enabled"), &token, &[]), 1);
        assert_eq!(visible(json!("enabled"), &token, &[("EnabledInToken", "pinned")]), 0);
        assert_eq!(visible(json!("locked"), &token, &[]), 0);
        assert_eq!(visible(json!("disabled"), &empty, &[]), 0);
        assert_eq!(visible(json!(null), &empty, &[]), 0);
    }

    #[test]
    fn a_locked_parameter_that_is_not_declared_refuses() {
        let token = json!({"gone": "a"}).as_object().cloned().unwrap();
        let given = Given { token: &token, url: &Map::new(), attributes: &BTreeMap::new() };
        let policy = input::read(json!({"gone": "locked"})).unwrap();
        let error = resolve(&declared(), &policy, given, &Settings::default()).unwrap_err();
        assert_eq!(error.reason, Reason::ParameterUnknown);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!(null)),
            Just(json!("")),
            Just(json!(" ")),
            Just(json!([])),
            Just(json!([null, ""])),
            Just(json!(false)),
            any::<i32>().prop_map(Value::from),
            "[a-z]{1,4}".prop_map(Value::from),
            prop::collection::vec("[a-z]{0,3}".prop_map(Value::from), 0..4).prop_map(Value::from),
        ]
    }

    fn any_given() -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::btree_map(
            prop_oneof![Just("x".to_owned()), Just("y".to_owned())],
            any_value(),
            0..3,
        )
        .prop_map(|values| values.into_iter().collect())
    }

    proptest! {
        /// A locked value is always the token's, and never empty.
        #[test]
        fn a_url_never_changes_a_locked_value(token in any_given(), url in any_given()) {
            let none = BTreeMap::new();
            let given = Given { token: &token, url: &url, attributes: &none };
            if let Ok(resolved) = resolve(&declared(), &policy(json!("locked")), given, &Settings::default()) {
                prop_assert_eq!(&resolved.given_values["x"], &token["x"]);
                prop_assert!(!is_nothing(&resolved.given_values["x"]));
                prop_assert!(resolved.values.contains_key("x"));
                prop_assert!(resolved.visible.is_empty());
            }
        }

        /// A disabled or unlisted parameter always keeps its default.
        #[test]
        fn nothing_changes_a_disabled_parameter(token in any_given(), url in any_given(), listed: bool) {
            let none = BTreeMap::new();
            let given = Given { token: &token, url: &url, attributes: &none };
            let policy = policy(if listed { json!("disabled") } else { json!(null) });
            if let Ok(resolved) = resolve(&declared(), &policy, given, &Settings::default()) {
                prop_assert_eq!(&resolved.given_values["x"], &json!("fallback"));
                prop_assert_eq!(&resolved.values["x"], &ParameterValue::Text("fallback".to_owned()));
            }
        }

        /// A query string made of slugs and texts is read back unchanged.
        #[test]
        fn queries_are_read_as_written(pairs in prop::collection::btree_map("[a-z_]{1,8}", "\\PC{1,8}", 0..5)) {
            prop_assume!(!pairs.contains_key("parameters"));
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let read = from_query(&query).unwrap();
            let expected: Map<String, Value> = pairs.into_iter().map(|(slug, text)| (slug, json!(text))).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
