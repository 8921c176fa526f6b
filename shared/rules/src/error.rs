//! The one error of the product.
//!
//! The text for the caller and the text for the log are two fields. The caller gets a message from a closed set
//! and a stable `reason` word; texts of parsers, the SDK and types go to `detail`, which is logged and never sent.

use std::borrow::Cow;
use std::fmt;

pub use crate::issues::{Issue, Issues};

use crate::text;

/// The most characters of a message. It can quote a list of names that the caller sent.
const MAX_MESSAGE: usize = 1_000;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone)]
pub struct Error {
    pub reason: Reason,
    pub message: Cow<'static, str>,
    pub issues: Issues,
    /// The seconds after which the caller may try again.
    pub retry_after_seconds: Option<i64>,
    /// For the log only.
    pub detail: Option<String>,
}

/// The family of an error: it determines the status and the upper-case `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    RouteNotFound,
    MethodNotAllowed,
    Conflict,
    PayloadTooLarge,
    UnprocessableContent,
    TooManyRequests,
    InternalServerError,
    ServiceUnavailable,
}

impl Code {
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::RouteNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::PayloadTooLarge => 413,
            Self::UnprocessableContent => 422,
            Self::TooManyRequests => 429,
            Self::InternalServerError => 500,
            Self::ServiceUnavailable => 503,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            // A client that reads `NOT_FOUND` as "deleted" must not take a wrong URL for that.
            Self::RouteNotFound => "ROUTE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnprocessableContent => "UNPROCESSABLE_CONTENT",
            Self::TooManyRequests => "TOO_MANY_REQUESTS",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
        }
    }
}

/// Declares every reason once: its word, its family, and the message for the caller.
macro_rules! reasons {
    ($($name:ident, $word:literal, $code:ident, $message:literal;)+) => {
        /// The reason of a refusal. The words are part of the API and never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($name),+ }

        impl Reason {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            pub const fn code(self) -> Code {
                match self { $(Self::$name => Code::$code),+ }
            }

            /// The message for the caller when there is no more exact one.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),+ }
            }
        }
    };
}

reasons! {
    // The credential itself.
    TokenMissing, "token_missing", Unauthorized, "An embed token is required.";
    TokenTooLarge, "token_too_large", BadRequest, "The token is larger than 8 KiB.";
    TokenMalformed, "token_malformed", BadRequest, "Message seems corrupt or manipulated";
    TokenHeader, "token_header", Unauthorized, "The token's header is not acceptable.";
    TokenAlgorithm, "token_algorithm", Unauthorized, "JWT `alg` must be HS256.";
    TokenKeyUnknown, "token_key_unknown", Unauthorized, "The token names a signing key that is not known.";
    TokenSignature, "token_signature", Unauthorized, "Message seems corrupt or manipulated";
    TokenClaims, "token_claims", Unauthorized, "Message seems corrupt or manipulated.";
    TokenWithoutExpiry, "token_without_expiry", Unauthorized, "Token has no expiry (`exp`).";
    TokenExpired, "token_expired", Unauthorized, "Token is expired";
    TokenNotYetValid, "token_not_yet_valid", Unauthorized, "Token is not yet valid";
    TokenLifetime, "token_lifetime", Unauthorized, "Token expires too far in the future.";
    TokenRevoked, "token_revoked", Unauthorized, "The token has been revoked.";
    AccessKeyAsToken, "access_key_as_token", Unauthorized, "An embed token is required here, and this is an access key.";
    SessionRequired, "session_required", Forbidden, "This needs a token that came out of an embed session.";
    SessionUnknown, "session_unknown", Unauthorized, "The session is unknown, expired or already used.";

    // The resource and parameters that the token names.
    ResourceMissing, "resource_missing", BadRequest, "Token is missing value for keypath [:resource]";
    ResourceAmbiguous, "resource_ambiguous", BadRequest, "The token names more than one resource.";
    ResourceIdInvalid, "resource_id_invalid", BadRequest, "Invalid ID.";
    ParamsMissing, "params_missing", BadRequest, "Token is missing value for keypath [:params]";
    ParamsInvalid, "params_invalid", BadRequest, "Invalid parameter values";
    PolicyMissing, "policy_missing", BadRequest, "Token is missing value for keypath [:_embedding_params]";
    EmbeddingDisabled, "embedding_disabled", Forbidden, "Embedding is not enabled.";
    ResourceNotFound, "resource_not_found", NotFound, "Not found.";
    VersionNotFound, "version_not_found", NotFound, "Not found.";
    ResourceArchived, "resource_archived", Forbidden, "The object has been archived.";
    ResourceNotPublished, "resource_not_published", Forbidden, "Embedding is not enabled for this object.";

    // Parameters; the message names the parameter.
    ParameterDisabled, "parameter_disabled", BadRequest, "You're not allowed to specify a value for a parameter.";
    ParameterPinned, "parameter_pinned", BadRequest, "You can't specify a value that is already set in the JWT.";
    ParameterLockedMissing, "parameter_locked_missing", BadRequest, "You must specify a value in the JWT.";
    ParameterLocked, "parameter_locked", BadRequest, "You can only specify a value in the JWT.";
    ParameterUnknown, "parameter_unknown", BadRequest, "Unknown parameter.";
    ParameterInvalid, "parameter_invalid", BadRequest, "Invalid parameter values";
    ParameterRequired, "parameter_required", BadRequest, "A required parameter has no value.";
    RowPolicy, "row_policy", Forbidden, "No row policy lets this viewer see the data.";
    LockedUnreached, "locked_parameter_unreached", Forbidden, "A locked parameter does not restrict this query.";
    AttributeMissing, "attribute_missing", Forbidden, "The viewer lacks an attribute that this resource is locked to.";

    // Queries. Viewers get one of these, whatever the engine says.
    QueryNotFound, "query_not_found", NotFound, "There is no such query.";
    HandleNotFound, "handle_not_found", NotFound, "There is no such answer. Ask again.";
    DiveSqlDisabled, "dive_sql_disabled", Forbidden, "SQL from a dive is not enabled.";
    DownloadsDisabled, "downloads_disabled", Forbidden, "This cannot be downloaded.";
    QueryInvalid, "query_invalid", BadRequest, "The query is not valid.";
    QueryFailed, "query_failed", UnprocessableContent, "An error occurred while running the query.";
    QueryTimeout, "query_timeout", UnprocessableContent, "The query took too long.";
    QueryTooLarge, "query_too_large", UnprocessableContent, "The query needs more memory than it may use.";
    QueriesAtOnce, "too_many_queries", TooManyRequests, "Too many queries run at once. Try again shortly.";
    BudgetExceeded, "budget_exceeded", TooManyRequests, "The budget of this month is used up.";

    // The caller of the administrative API.
    AccessKeyMissing, "access_key_missing", Unauthorized, "Unauthenticated";
    AccessKeyUnknown, "access_key_unknown", Unauthorized, "Unauthenticated";
    PasswordWrong, "password_wrong", Unauthorized, "Password did not match stored password.";
    SignInLocked, "sign_in_locked", TooManyRequests, "Too many attempts! You must wait before trying again.";
    KeySessionNotFound, "key_session_not_found", NotFound, "Not found.";
    UserSessionNotFound, "user_session_not_found", NotFound, "The user has no such session.";
    FormTokenInvalid, "form_token_invalid", Forbidden, "This form is no longer valid. Go back, reload the page and try again.";
    SignInExpired, "sign_in_expired", BadRequest, "This sign-in has expired or was already used. Sign in again.";
    SignInRefused, "sign_in_refused", Forbidden, "The company's sign-in did not let you in.";
    SignInInvalid, "sign_in_invalid", Unauthorized, "The answer of the company's sign-in is not valid. Sign in again.";
    GroupsMissing, "groups_missing", Forbidden, "The company's sign-in sent no groups.";
    GroupsWithoutRole, "groups_without_role", Forbidden, "None of your groups may use this console.";
    EmbeddingSwitchedOff, "embedding_switched_off", BadRequest, "Embedding is not enabled.";
    AccessDenied, "access_denied", Forbidden, "You don't have permissions to do that.";

    // The request.
    BodyMalformed, "body_malformed", BadRequest, "The body is not valid JSON.";
    BodyTooLarge, "body_too_large", PayloadTooLarge, "The body is too large.";
    RequestInvalid, "request_invalid", BadRequest, "The request is not valid.";
    CursorInvalid, "cursor_invalid", BadRequest, "The cursor is not valid.";
    IdInvalid, "id_invalid", BadRequest, "Invalid ID.";
    AccountNotFound, "account_not_found", NotFound, "Not Found";
    NameTaken, "name_taken", Conflict, "This name is taken.";
    IdTaken, "id_taken", Conflict, "This id is taken.";
    EmailTaken, "email_taken", Conflict, "Another account has this email address.";
    DeploymentNotFound, "deployment_not_found", NotFound, "There is no such deployment.";
    BranchNotFound, "branch_not_found", NotFound, "There is no such branch.";
    UserLimit, "user_limit_reached", TooManyRequests, "The limit of external users is reached.";
    UserNotFound, "user_not_found", NotFound, "Not found.";
    TenantNotFound, "tenant_not_found", NotFound, "Not found.";
    TenantOther, "tenant_mismatch", BadRequest, "The user belongs to another embed tenant.";
    GroupNotFound, "group_not_found", NotFound, "Not found.";
    GroupUnknown, "group_unknown", BadRequest, "Groups not found.";
    GroupTaken, "group_name_taken", BadRequest, "A group of this name exists.";
    GroupInUse, "group_in_use", BadRequest, "The group still has members. Remove them first.";
    AttributeNotFound, "attribute_not_found", NotFound, "Not found.";
    AttributeUnknown, "attribute_unknown", BadRequest, "User attributes not found";
    AttributeTwice, "attribute_twice", BadRequest, "A user attribute is given twice.";
    AttributeType, "attribute_type", BadRequest, "A user attribute has the wrong type.";
    AttributeTypeChanged, "attribute_type_changed", BadRequest, "A user attribute cannot change type.";
    ContextTooLarge, "context_too_large", BadRequest, "Attributes, groups, security context and settings must be at most 64 KiB together.";
    KeyNotFound, "access_key_not_found", NotFound, "Not found.";
    DecisionNotFound, "decision_not_found", NotFound, "There is no record of this request. Records are kept for seven days, for requests with an authentic token; GET /v1/decisions/unauthenticated counts the others.";
    SigningKeyNotFound, "signing_key_not_found", NotFound, "Not found.";
    SigningKeyInUse, "signing_key_in_use", Conflict, "Tokens that this key signed may still be in use.";
    SourceNotFound, "source_not_found", NotFound, "There is no such source.";
    SourceFixed, "source_fixed", Conflict, "This source belongs to the stack and cannot be changed.";
    SourceInUse, "source_in_use", Conflict, "Tables have files in this source.";
    TableNotFound, "table_not_found", NotFound, "There is no such table.";
    UploadNotFound, "upload_not_found", NotFound, "There is no such upload of this table, or it has expired.";
    ImportFailed, "import_failed", BadRequest, "The file cannot become a version. Nothing was replaced.";
    BreaksQueries, "breaks_queries", Conflict, "This would break published queries. To do it all the same, add force=true.";
    RouteNotFound, "route_not_found", RouteNotFound, "API endpoint does not exist.";
    MethodNotAllowed, "method_not_allowed", MethodNotAllowed, "This method is not allowed here.";
    IdDeleted, "id_deleted", Conflict, "This id belonged to something that was deleted, and is never used again.";
    Conflict, "conflict", Conflict, "Somebody else changed this at the same time. Try again.";

    // Failures of this service.
    Internal, "internal", InternalServerError, "Something went wrong on our side.";
    Unavailable, "unavailable", ServiceUnavailable, "Temporarily unavailable. Try again shortly.";
    ProviderUnavailable, "identity_provider_unavailable", ServiceUnavailable, "The company's sign-in does not answer. Try again shortly, or sign in with an access key.";
    EngineUnavailable, "engine_unavailable", ServiceUnavailable, "The data cannot be read at the moment.";
}

impl Error {
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            message: Cow::Borrowed(reason.message()),
            issues: Issues::default(),
            retry_after_seconds: None,
            detail: None,
        }
    }

    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = match message.into() {
            Cow::Owned(message) => text::cut(message, MAX_MESSAGE).into(),
            own => own,
        };
        self
    }

    #[must_use]
    pub fn issues(mut self, issues: impl Into<Issues>) -> Self {
        self.issues = issues.into();
        self
    }

    #[must_use]
    pub fn issue(mut self, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.issues.add(|| Issue::new(path, message));
        self
    }

    #[must_use]
    pub const fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Adds a text for the log. It must never contain a token, a key or a parameter's value.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// An invalid field of a request.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Reason::RequestInvalid).issue(path, message)
    }

    /// A fault of this service.
    pub fn internal(detail: impl fmt::Display) -> Self {
        Self::new(Reason::Internal).detail(detail)
    }

    pub fn status(&self) -> u16 {
        self.reason.code().status()
    }

    /// Returns whether nothing could be decided: the cause is a fault of the service, and not the request.
    pub fn is_outage(&self) -> bool {
        self.status() >= 500
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.word(), self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_word() {
        let mut words: Vec<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
    }

    #[test]
    fn a_message_has_at_most_1000_characters() {
        let message = |length: usize| Error::new(Reason::GroupUnknown).message("ä".repeat(length)).message;
        assert_eq!(message(1_000), "ä".repeat(1_000));
        assert_eq!(message(200_000).chars().count(), 1_000);
    }

    #[test]
    fn only_causes_on_our_side_are_outages() {
        let outages = Reason::ALL.iter().filter(|reason| Error::new(**reason).is_outage());
        assert_eq!(
            outages.collect::<Vec<_>>(),
            [
                &Reason::Internal,
                &Reason::Unavailable,
                &Reason::ProviderUnavailable,
                &Reason::EngineUnavailable
            ]
        );
    }
}
