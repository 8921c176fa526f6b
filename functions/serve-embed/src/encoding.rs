//! Files that were compressed when they were built, and the choice of the form that a browser accepts.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use vitrine::http::requirement::Argument;

/// One file in every form in which it is served.
#[derive(Clone, Copy)]
pub struct BuiltFile {
    pub plain: &'static str,
    pub brotli: &'static [u8],
    pub gzip: &'static [u8],
}

/// A file of `assets/dist`.
macro_rules! built_file {
    ($name:literal) => {
        $crate::encoding::BuiltFile {
            plain: include_str!(concat!("../assets/dist/", $name)),
            brotli: include_bytes!(concat!("../assets/dist/", $name, ".br")),
            gzip: include_bytes!(concat!("../assets/dist/", $name, ".gz")),
        }
    };
}
pub(crate) use built_file;

impl BuiltFile {
    /// The body and its `content-encoding`; the other headers are the caller's.
    pub fn response(self, encoding: Encoding) -> Response {
        let mut response = match encoding {
            Encoding::Brotli => self.brotli.into_response(),
            Encoding::Gzip => self.gzip.into_response(),
            Encoding::Identity => self.plain.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        // `lambda_http` sends a body with this header as base64; without it, it would read text out of the bytes.
        if let Some(name) = encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Chooses from the values of `Accept-Encoding` (RFC 9110, section 12.5.3). Every client can read `identity`,
    /// so it is sent even to one that refuses all three.
    fn accepted<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let [mut brotli, mut gzip, mut identity, mut any] = [None; 4];
        for (coding, weight) in values.flat_map(|value| value.split(',')).filter_map(weighted) {
            let known = match coding.to_ascii_lowercase().as_str() {
                "br" => &mut brotli,
                "gzip" | "x-gzip" => &mut gzip,
                "identity" => &mut identity,
                "*" => &mut any,
                _ => continue,
            };
            *known = Some(weight);
        }
        let named = |weight: Option<u16>| weight.or(any).unwrap_or(0);
        // Named or not, it is what is left; only a higher weight than that of a compression makes it the choice.
        let identity = identity.unwrap_or(0);
        match (named(brotli), named(gzip)) {
            (brotli, gzip) if brotli > 0 && brotli >= gzip && brotli >= identity => Self::Brotli,
            (_, gzip) if gzip > 0 && gzip >= identity => Self::Gzip,
            _ => Self::Identity,
        }
    }
}

impl Argument for Encoding {}

impl<S: Sync> FromRequestParts<S> for Encoding {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::ACCEPT_ENCODING);
        Ok(Self::accepted(values.iter().filter_map(|value| value.to_str().ok())))
    }
}

/// A coding and its weight in thousandths; none if the weight cannot be read.
fn weighted(element: &str) -> Option<(&str, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let coding = parts.next()?;
    let mut weight = 1000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        if !name.trim_end().eq_ignore_ascii_case("q") {
            return None;
        }
        weight = thousandths(value.trim_start())?;
    }
    Some((coding, weight))
}

/// A `qvalue`: from 0 to 1, with at most three decimals.
fn thousandths(value: &str) -> Option<u16> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = format!("{decimals:0<3}").parse::<u16>().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding::{self, Brotli, Gzip, Identity};

    #[test]
    fn the_heaviest_acceptable_encoding_is_chosen() {
        for (accepted, chosen) in [
            (vec![], Identity),
            (vec![""], Identity),
            (vec!["gzip, deflate, br, zstd"], Brotli),
            (vec!["gzip, deflate"], Gzip),
            (vec!["GZip"], Gzip),
            (vec!["x-gzip"], Gzip),
            (vec!["br"], Brotli),
            (vec!["deflate"], Identity),
            (vec!["zstd, compress"], Identity),
            (vec!["*"], Brotli),
            (vec!["*;q=0.5, br;q=0"], Gzip),
            (vec!["*;q=0"], Identity),
            (vec!["*;q=0, gzip;q=0.1"], Gzip),
            (vec!["br;q=0.5, gzip;q=0.8"], Gzip),
            (vec!["br;q=0.8, gzip;q=0.5"], Brotli),
            (vec!["br;q=0.999, gzip;q=1.000"], Gzip),
            (vec!["br;q=1, gzip;q=1"], Brotli),
            (vec!["br;q=0, gzip;q=0"], Identity),
            (vec!["br;q=0, gzip"], Gzip),
            (vec!["identity;q=1, gzip;q=0.5"], Identity),
            (vec!["identity;q=0.5, gzip;q=1"], Gzip),
            (vec!["identity, gzip"], Gzip),
            // Neither form is acceptable, and a page must come.
            (vec!["identity;q=0"], Identity),
            (vec!["identity;q=0, *;q=0"], Identity),
            (vec!["gzip ; Q = 0.3 , br ; q=0.2"], Gzip),
            // Several headers are one list.
            (vec!["gzip", "br"], Brotli),
            (vec!["gzip;q=0", "br;q=0"], Identity),
        ] {
            assert_eq!(Encoding::accepted(accepted.iter().copied()), chosen, "{accepted:?}");
        }
    }

    #[test]
    fn an_element_that_cannot_be_read_accepts_nothing() {
        for unreadable in [
            "br;q=2",
            "br;q=1.1",
            "br;q=-1",
            "br;q=",
            "br;q",
            "br;q=.5",
            "br;q=0.1234",
            "br;q=0.+1",
            "br;level=11",
            "brotli",
            "b r",
            "br;q=0,5",
            ";q=1",
            ",,",
        ] {
            assert_eq!(Encoding::accepted([unreadable].into_iter()), Identity, "{unreadable}");
        }
        assert_eq!(Encoding::accepted(["br;q=2, gzip;q=0.1"].into_iter()), Gzip);
    }
}
