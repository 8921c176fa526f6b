//! Records of refused views, for the owner to look up: the rule, what it expected, what was found instead, and
//! what to do. A view that was opened without some of the parameters in the page's address has one as well. A record
//! holds no token, no secret and no parameter's value.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Reason};
use crate::resource::ids::ResourceRef;
use crate::settings::Settings;
use crate::token::{Claims, LEEWAY_SECONDS};

/// The time that a record is kept.
pub const KEPT_SECONDS: i64 = 7 * 86_400;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusalRecord {
    pub request_id: String,
    #[serde(default)]
    pub kind: RecordKind,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub decided_at: Timestamp,
    pub status: u16,
    pub reason: String,
    /// The rule that refused.
    pub rule: String,
    pub expected: String,
    pub actual: String,
    /// The seconds by which the token's time is behind the stack's clock; negative if it is ahead. Only for refusals
    /// because of time.
    pub clock_difference_seconds: Option<i64>,
    pub fix: String,
    /// The requested resource, as `kind/id`.
    pub resource: Option<String>,
    /// The `kid` of the key that signed the token.
    pub signing_key: Option<String>,
    /// The names in the page's address that were ignored: the first 50, cut at 100 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RecordKind {
    /// The view was refused.
    #[default]
    Refused,
    /// The view was opened without some of the parameters in the page's address.
    Ignored,
}

/// The facts about a refused credential.
#[derive(Debug, Clone, Default)]
pub struct RefusalContext {
    pub resource: Option<ResourceRef>,
    pub signing_key: Option<String>,
    expires: Option<i64>,
    not_before: Option<i64>,
}

impl RefusalContext {
    pub fn of(claims: &Claims, resource: Option<ResourceRef>, signing_key: String) -> Self {
        let (expires, not_before) = (claims.expires, claims.not_before);
        Self { resource, signing_key: Some(signing_key), expires, not_before }
    }

    fn resource_name(&self) -> Option<String> {
        self.resource.as_ref().map(|named| format!("{}/{}", named.kind, named.id))
    }
}

impl RefusalRecord {
    pub fn of(
        error: &Error,
        known: &RefusalContext,
        settings: &Settings,
        request_id: String,
        now: Timestamp,
    ) -> Self {
        let rule = rule(error.reason);
        let moment = |time: Option<i64>| {
            time.map_or("nothing".to_owned(), |time| Timestamp::from_unix(time).to_string())
        };
        let behind = |time: Option<i64>| time.map(|time| now.unix().saturating_sub(time));
        let (expected, actual, clock_difference_seconds) = match error.reason {
            Reason::TokenExpired => (
                format!(
                    "`exp` after {}, with {LEEWAY_SECONDS} seconds for clocks that differ",
                    now.plus(-LEEWAY_SECONDS)
                ),
                format!("`exp` {}", moment(known.expires)),
                behind(known.expires),
            ),
            Reason::TokenLifetime => (
                format!("`exp` at most {} seconds ahead", settings.max_token_lifetime_seconds),
                match known.expires.and_then(in_seconds) {
                    None => format!("`exp` {}", moment(known.expires)),
                    Some(meant) => format!(
                        "`exp` {}, which looks like milliseconds: in seconds it is {}",
                        known.expires.unwrap_or_default(),
                        Timestamp::from_unix(meant)
                    ),
                },
                behind(known.expires),
            ),
            Reason::TokenNotYetValid => (
                format!("`nbf` at most {LEEWAY_SECONDS} seconds ahead"),
                format!("`nbf` {}", moment(known.not_before)),
                behind(known.not_before),
            ),
            // The message names the parameter or the claim, and never a value.
            _ => (rule.expected.to_owned(), error.message.to_string(), None),
        };
        Self {
            request_id,
            kind: RecordKind::Refused,
            decided_at: now,
            status: error.status(),
            reason: error.reason.word().to_owned(),
            rule: rule.rule.to_owned(),
            expected,
            actual,
            clock_difference_seconds,
            fix: rule.fix.to_owned(),
            resource: known.resource_name(),
            signing_key: known.signing_key.clone(),
            names: Vec::new(),
        }
    }

    /// The record of a view that was opened without the parameters `names` in the page's address.
    pub fn of_ignored(names: &[String], known: &RefusalContext, request_id: String, now: Timestamp) -> Self {
        Self {
            request_id,
            kind: RecordKind::Ignored,
            decided_at: now,
            status: 200,
            reason: "parameters_ignored".to_owned(),
            rule: "the page's address sets parameters that the viewer may set".to_owned(),
            expected: "slugs of enabled parameters".to_owned(),
            actual: "names that are unknown, locked, disabled or pinned by the token".to_owned(),
            clock_difference_seconds: None,
            fix: "none for names that are not meant for the content; else compare them with the resource's \
                  `parameters` and `embedding_params`"
                .to_owned(),
            resource: known.resource_name(),
            signing_key: known.signing_key.clone(),
            names: names.to_vec(),
        }
    }
}

/// The seconds in a time that looks like milliseconds: it would be after the year 5138, and a thousandth of it is not.
fn in_seconds(time: i64) -> Option<i64> {
    const YEAR_5138: i64 = 100_000_000_000;
    (YEAR_5138..YEAR_5138 * 1_000).contains(&time).then_some(time / 1_000)
}

struct Rule {
    rule: &'static str,
    expected: &'static str,
    fix: &'static str,
}

/// The rules that can refuse a view.
fn rule(reason: Reason) -> Rule {
    let (rule, expected, fix) = match reason {
        Reason::TokenMissing => (
            "a view needs a credential",
            "`Authorization: Bearer TOKEN`",
            "send the embed token with the request",
        ),
        Reason::TokenTooLarge => ("a token is small", "at most 8 KiB", "put fewer parameters into the token"),
        Reason::TokenMalformed => (
            "a token has three parts",
            "a whole JWT: three parts in unpadded base64url",
            "send the token as it was made; look for quotes, spaces or a part cut off",
        ),
        Reason::TokenHeader => (
            "a header says the type and the key, and nothing else that matters",
            "`typ` JWT or none, and none of `crit`, `jwk`, `jku`, `x5u`, `x5c`",
            "sign with a plain header",
        ),
        Reason::TokenAlgorithm => ("the algorithm is HS256", "`alg` HS256", "sign with HS256"),
        Reason::TokenKeyUnknown => (
            "a `kid` names a signing key",
            "a `kid` that GET /v1/signing-keys lists, or none",
            "leave `kid` out, or read the embedding secret again: it may have been rotated or replaced",
        ),
        Reason::TokenSignature => (
            "a token is signed by one of our keys",
            "a signature by a key that GET /v1/signing-keys lists",
            "sign with the embedding secret's 64 characters as they are, not decoded from hex",
        ),
        Reason::TokenClaims => (
            "claims have the types that JWT gives them",
            "a JSON object without duplicate members, and times as numbers",
            "compare the payload with the README's list of claims",
        ),
        Reason::TokenWithoutExpiry => (
            "a token expires",
            "`exp`, in seconds since 1970",
            "set `exp`; or RequireTokenExpiry=false while old backends are changed",
        ),
        Reason::TokenExpired => (
            "a token is over after `exp`",
            "",
            "make a new token for each page; if the difference is small and constant, set the backend's clock",
        ),
        Reason::TokenLifetime => (
            "`exp` is not too far ahead",
            "",
            "use seconds, not milliseconds, and a shorter life; MaxTokenLifetimeSeconds says how long it may be, and 0 allows any",
        ),
        Reason::TokenNotYetValid => ("a token is not good before `nbf`", "", "set the backend's clock"),
        Reason::TokenRevoked => (
            "what is revoked stays revoked",
            "a session that was not revoked, whose user, account and tenant are still there",
            "make a new session",
        ),
        Reason::SessionUnknown => (
            "a session is exchanged once, in time",
            "a session that is known, not expired and not used before",
            "make a new session for each page load",
        ),
        Reason::SessionRequired => (
            "this is for tokens of an embed session",
            "a token out of POST /api/v1/embed/session/token",
            "exchange a session, or ask /v1/view",
        ),
        Reason::ResourceMissing | Reason::ResourceAmbiguous | Reason::ResourceIdInvalid => (
            "a token names one resource",
            "`resource` with one of `dashboard`, `question`, `dive`, and its id",
            "put {\"resource\": {\"dashboard\": 1}} into the payload; a number stays a number",
        ),
        Reason::ParamsMissing | Reason::ParamsInvalid => (
            "a token has `params`",
            "`params`, an object; `{}` if there are none",
            "put `params` into the payload",
        ),
        Reason::EmbeddingDisabled => (
            "the global switch is on",
            "embedding switched on",
            "PUT /api/setting/enable-embedding-static with {\"value\": true}",
        ),
        Reason::ResourceNotFound => (
            "the resource exists",
            "a resource that was published under this id",
            "publish it, or compare kind and id with GET /v1/resources",
        ),
        Reason::VersionNotFound => {
            ("the version exists", "a version of the dive that is kept", "make a new session for the dive")
        }
        Reason::ResourceArchived => {
            ("what is archived is not shown", "`archived` false", "take it out of the archive")
        }
        Reason::ResourceNotPublished => {
            ("only what is published is shown", "`enable_embedding` true", "publish the resource")
        }
        Reason::ParameterDisabled => (
            "nobody sets a disabled parameter",
            "no value for it, neither in the token nor in the URL",
            "leave it out, or enable or lock it in `embedding_params`",
        ),
        Reason::ParameterPinned => (
            "what the token sets is pinned (EnabledInToken)",
            "no value for it in the URL",
            "leave it out of the URL or of the token",
        ),
        Reason::ParameterLockedMissing => (
            "the token sets every locked parameter",
            "a value for it in the token's `params`, and not an empty one",
            "add it to `params`",
        ),
        Reason::ParameterLocked => (
            "only the token sets a locked parameter",
            "no value for it in the URL",
            "leave it out of the URL; somebody may be trying to see what is not theirs",
        ),
        Reason::ParameterUnknown => (
            "a parameter that is set exists",
            "the slug of one of the resource's parameters",
            "compare it with the resource's `parameters`",
        ),
        Reason::ParameterInvalid => (
            "a value fits its parameter",
            "a value of the parameter's type, and of its choices",
            "compare it with the resource's `parameters`",
        ),
        Reason::ParameterRequired => (
            "a query has a value for each parameter that it needs",
            "a value for every tag outside of `[[ ]]`",
            "send a value, give the tag a default, or put its condition into `[[ ]]`",
        ),
        Reason::RowPolicy => (
            "a viewer sees the rows of the policies that match",
            "a row policy for one of the viewer's groups, and its attributes on the viewer, in the column's type",
            "give the token's viewer, the account or the external user the attribute, or the table a policy",
        ),
        Reason::AttributeMissing => (
            "a viewer has the attribute that a parameter is locked to",
            "that attribute on the viewer",
            "give the token's viewer, the account or the external user the attribute",
        ),
        Reason::LockedUnreached => (
            "every locked parameter restricts each query that reads a table without a row policy",
            "the tag of each locked parameter in the query, outside of blocks that a viewer can switch off",
            "publish the resource again, which names the query; or give the table a row policy",
        ),
        Reason::QueryNotFound => (
            "a request names a query of the resource",
            "the name of one of a dive's `queries`, the id of a dashboard's `card`, and neither for a question",
            "compare it with the resource's `content`",
        ),
        Reason::DiveSqlDisabled => (
            "only a dive sends SQL, and only where that is enabled",
            "the credential of a dive, and DiveSql=true",
            "publish the query with the dive and ask for it by name; or set DiveSql, and read first what it means",
        ),
        Reason::DownloadsDisabled => (
            "only what allows downloads is a file",
            "`allow_downloads` true, and no session with `allowExport` false",
            "publish the resource with `allow_downloads`, create the session without `allowExport`, or leave `format` out",
        ),
        Reason::QueryFailed => (
            "a query runs",
            "SQL that runs with these values over the tables as they are",
            "ask POST /v1/query/preview with the same values: its answer has the engine's text",
        ),
        Reason::QueryTimeout => (
            "a query is quick",
            "an answer within QuerySeconds",
            "read fewer rows or columns, or give QuerySeconds or QueryMemory a larger value",
        ),
        Reason::QueryTooLarge => (
            "a query is small",
            "an answer within 60 percent of QueryMemory",
            "aggregate or sort fewer rows, or give QueryMemory a larger value",
        ),
        Reason::QueriesAtOnce => (
            "only so many queries run at once",
            "fewer than QueriesPerViewer of this viewer and QueriesAtOnce of the stack",
            "try again after `Retry-After`, or give the setting a larger value",
        ),
        Reason::BudgetExceeded => (
            "a tenant scans so many bytes a month",
            "fewer than MonthlyScanMegabytes",
            "give MonthlyScanMegabytes a larger value, or wait for the next month",
        ),
        _ => (
            "the request can be served",
            "a request as the API describes it",
            "compare it with /openapi.json",
        ),
    };
    Rule { rule, expected, fix }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::check_time;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn any_time() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no others", |time| time.is_finite()).prop_map(Value::from),
            (1_699_999_000..1_700_100_000_i64).prop_map(Value::from),
            (0..4_i64).prop_map(|near| Value::from(i64::MIN + near)),
            (0..4_i64).prop_map(|near| Value::from(i64::MAX - near)),
        ]
    }

    proptest! {
        /// From the claims to the record: times are any numbers that JSON can express.
        #[test]
        fn every_refusal_because_of_time_has_a_record(expires in any_time(), from in any_time()) {
            let claims = Claims::read(json!({"exp": expires, "nbf": from}).to_string().as_bytes(), false).unwrap();
            let (now, settings) = (Timestamp::from_unix(1_700_000_000), Settings::default());
            if let Err(error) = check_time(&claims, &settings, now) {
                let context = RefusalContext::of(&claims, None, "k".to_owned());
                let record = RefusalRecord::of(&error, &context, &settings, "id".to_owned(), now);
                let difference = record.clock_difference_seconds.unwrap();
                let time = if error.reason == Reason::TokenNotYetValid { claims.not_before } else { claims.expires };
                let exact = i128::from(now.unix()) - i128::from(time.unwrap());
                prop_assert_eq!(i128::from(difference), exact.clamp(i64::MIN.into(), i64::MAX.into()));
                prop_assert_eq!(difference > 0, error.reason == Reason::TokenExpired);
                let stored = serde_json::to_string(&record).unwrap();
                prop_assert_eq!(serde_json::from_str::<RefusalRecord>(&stored).unwrap(), record);
                prop_assert!(stored.len() < 1_000);
            }
        }
    }

    #[test]
    fn a_time_in_milliseconds_is_called_so() {
        let now = Timestamp::from_unix(1_700_000_000);
        for (expires, actual) in [
            (
                1_700_000_600_000,
                "`exp` 1700000600000, which looks like milliseconds: in seconds it is 2023-11-14T22:23:20Z",
            ),
            (
                6_001_674_655_534,
                "`exp` 6001674655534, which looks like milliseconds: in seconds it is 2160-03-08T19:50:55Z",
            ),
            (1_800_000_000, "`exp` 2027-01-15T08:00:00Z"),
            (i64::MAX, "`exp` 253402300799"),
        ] {
            let context = RefusalContext { expires: Some(expires), ..Default::default() };
            let refused = Reason::TokenLifetime.into();
            let record = RefusalRecord::of(&refused, &context, &Settings::default(), "id".to_owned(), now);
            assert_eq!(record.actual, actual);
        }
    }

    /// Times come from a token, so they can be any number.
    #[test]
    fn a_record_takes_every_time() {
        let now = Timestamp::from_unix(1_700_000_000);
        for time in [i64::MIN, -1, 0, 1_699_999_000, i64::MAX] {
            let context =
                RefusalContext { expires: Some(time), not_before: Some(time), ..Default::default() };
            for reason in [Reason::TokenExpired, Reason::TokenLifetime, Reason::TokenNotYetValid] {
                let record =
                    RefusalRecord::of(&reason.into(), &context, &Settings::default(), "id".to_owned(), now);
                let difference = record.clock_difference_seconds.unwrap();
                assert_eq!(difference, now.unix().saturating_sub(time), "{time}");
            }
        }
    }
}
