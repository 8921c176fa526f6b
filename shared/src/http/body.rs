//! JSON bodies: bounded, strict, and with every problem named.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use deserr::Deserr;

use crate::error::{Error, Reason, Result};
use crate::input::{self, Check, Invalid};
use crate::strict_json;

const KIBI: usize = 1024;

/// A JSON body of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = { 256 * KIBI }>(pub T);

/// A JSON body on a route that carries content.
pub type ContentJson<T> = Json<T, { 512 * KIBI }>;

impl<S, T, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT>
where
    S: Send + Sync,
    T: Deserr<Invalid> + Check,
{
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let bytes = read(request, LIMIT).await?;
        let document = strict_json::parse(&bytes).ok_or(Reason::BodyMalformed)?;
        input::check(document).map(Self)
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
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}
