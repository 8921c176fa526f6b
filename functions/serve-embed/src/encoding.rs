//! Files that were compressed when they were built, and the choice of the form that a browser accepts.

use std::convert::Infallible;
use std::io::Read;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use vitrine::http::requirement::Argument;

/// One file as it was compressed. Its text is not kept beside that, because the function is to be small: the few clients that
/// accept no compression wait for it.
#[derive(Clone, Copy)]
pub struct BuiltFile {
    /// None for the large libraries, of which one form is enough.
    pub brotli: Option<&'static [u8]>,
    pub gzip: &'static [u8],
}

/// A file of `assets/dist`.
macro_rules! built_file {
    ($name:literal) => {
        $crate::encoding::BuiltFile {
            brotli: Some(include_bytes!(concat!("../assets/dist/", $name, ".br"))),
            ..$crate::encoding::built_library!($name)
        }
    };
}
pub(crate) use built_file;

/// A large file of `assets/dist`, with gzip only.
macro_rules! built_library {
    ($name:literal) => {
        $crate::encoding::BuiltFile {
            brotli: None,
            gzip: include_bytes!(concat!("../assets/dist/", $name, ".gz")),
        }
    };
}
pub(crate) use built_library;

impl BuiltFile {
    /// The file without compression.
    pub fn plain(self) -> Vec<u8> {
        let mut plain = Vec::new();
        let inflated = GzDecoder::new(self.gzip).read_to_end(&mut plain);
        // It is part of this program, and a test inflates all of them.
        inflated.map(|_| plain).unwrap_or_default()
    }

    /// The body and its `content-encoding`; the other headers are the caller's.
    pub fn response(self, accepted: Accepted) -> Response {
        let (encoding, body) = match (accepted, self.brotli) {
            (Accepted { best: Encoding::Brotli, .. }, Some(brotli)) => (Encoding::Brotli, Some(brotli)),
            (Accepted { best: Encoding::Gzip, .. } | Accepted { gzip: true, best: Encoding::Brotli }, _) => {
                (Encoding::Gzip, Some(self.gzip))
            }
            _ => (Encoding::Identity, None),
        };
        let mut response = body.map_or_else(|| self.plain().into_response(), IntoResponse::into_response);
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        // `lambda_http` sends a body with this header as base64; without it, it would read text out of the bytes.
        if let Some(name) = encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    }
}

/// The encodings that a client can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The one that it likes best.
    best: Encoding,
    gzip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
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
}

impl Accepted {
    /// Reads the values of `Accept-Encoding` (RFC 9110, section 12.5.3). Every client can read `identity`, so it is
    /// sent even to one that refuses all three.
    fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
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
        let best = match (named(brotli), named(gzip)) {
            (brotli, gzip) if brotli > 0 && brotli >= gzip && brotli >= identity => Encoding::Brotli,
            (_, gzip) if gzip > 0 && gzip >= identity => Encoding::Gzip,
            _ => Encoding::Identity,
        };
        Self { best, gzip: named(gzip) > 0 }
    }
}

impl Argument for Accepted {}

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::ACCEPT_ENCODING);
        Ok(Self::of(values.iter().filter_map(|value| value.to_str().ok())))
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
    use super::Encoding::{Brotli, Gzip, Identity};
    use super::{Accepted, BuiltFile};

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
            assert_eq!(Accepted::of(accepted.iter().copied()).best, chosen, "{accepted:?}");
        }
    }

    /// The encoding of the response to a client that accepts these.
    fn sent(file: BuiltFile, accepted: &str) -> Option<String> {
        let response = file.response(Accepted::of([accepted].into_iter()));
        response.headers().get("content-encoding").map(|name| name.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_library_has_one_compressed_form_for_all() {
        let library = BuiltFile { brotli: None, gzip: &[] };
        let file = BuiltFile { brotli: Some(&[]), gzip: &[] };
        for (accepted, of_file, of_library) in [
            ("gzip, br", Some("br"), Some("gzip")),
            ("br", Some("br"), None),
            ("gzip;q=0.1, br", Some("br"), Some("gzip")),
            ("gzip;q=0, br", Some("br"), None),
            ("gzip", Some("gzip"), Some("gzip")),
            ("identity, gzip;q=0.5", None, None),
            ("", None, None),
        ] {
            assert_eq!(sent(file, accepted).as_deref(), of_file, "{accepted}");
            assert_eq!(sent(library, accepted).as_deref(), of_library, "{accepted}");
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
            assert_eq!(Accepted::of([unreadable].into_iter()).best, Identity, "{unreadable}");
        }
        assert_eq!(Accepted::of(["br;q=2, gzip;q=0.1"].into_iter()).best, Gzip);
    }
}
