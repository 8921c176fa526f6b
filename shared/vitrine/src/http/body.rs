//! JSON bodies: bounded, strict, and checked by field.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use deserr::Deserr;
use http_body_util::LengthLimitError;

use super::problem::{HttpError, HttpResult};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::json::input::{self, Check, Invalid};
use vitrine_rules::json::strict;

const KIBI: usize = 1024;

/// The bounds of a line that names unknown fields.
const MAX_NAMES: usize = 20;
const MAX_NAME_CHARACTERS: usize = 60;

/// A JSON body of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = { 256 * KIBI }>(pub T);

/// A JSON body like [`Json`] for clients that may be newer: unknown fields of the body itself are ignored, and the
/// log has their names.
#[derive(Debug)]
pub struct TolerantJson<T>(pub T);

impl<S, T> FromRequest<S> for TolerantJson<T>
where
    S: Send + Sync,
    T: Deserr<Invalid> + Check,
{
    type Rejection = HttpError;

    async fn from_request(request: Request, _: &S) -> HttpResult<Self> {
        let bytes = read(request, 256 * KIBI).await?;
        let document = strict::parse(&bytes).ok_or(Reason::BodyMalformed)?;
        let (body, unknown) = input::tolerate(document)?;
        if !unknown.is_empty() {
            let (fields, count) = (shown(&unknown), unknown.len());
            tracing::info!(fields, count, "unknown fields ignored");
        }
        Ok(Self(body))
    }
}

/// The first of these names, each cut, for the log.
fn shown(names: &[String]) -> String {
    let names = names.iter().take(MAX_NAMES).map(|name| name.chars().take(MAX_NAME_CHARACTERS).collect());
    names.collect::<Vec<String>>().join(", ")
}

/// A JSON body on a route that carries content.
pub type ContentJson<T> = Json<T, { 512 * KIBI }>;

impl<S, T, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT>
where
    S: Send + Sync,
    T: Deserr<Invalid> + Check,
{
    type Rejection = HttpError;

    async fn from_request(request: Request, _: &S) -> HttpResult<Self> {
        let bytes = read(request, LIMIT).await?;
        let document = strict::parse(&bytes).ok_or(Reason::BodyMalformed)?;
        Ok(Self(input::check(document)?))
    }
}

/// Reads a whole body, or refuses it at the limit.
pub async fn read(request: Request, limit: usize) -> Result<Vec<u8>> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > limit) {
        return Err(Reason::BodyTooLarge.into());
    }
    let body: Body = request.into_body();
    match axum::body::to_bytes(body, limit).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(error) if is_too_large(&error) => Err(Reason::BodyTooLarge.into()),
        Err(_) => Err(Reason::BodyMalformed.into()),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut sources = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    sources.any(|error| error.is::<LengthLimitError>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_its_limit_is_recognised_by_type_and_not_by_text() {
        let over = axum::body::to_bytes(Body::from("abc"), 2).await.unwrap_err();
        assert!(is_too_large(&over));
        let lookalike = axum::Error::new(std::io::Error::other("length limit exceeded"));
        assert!(!is_too_large(&lookalike));
    }
}
