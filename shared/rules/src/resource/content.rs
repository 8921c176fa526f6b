//! The content of an iframe.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::error::Issue;
use crate::json::input::Invalid;
use crate::resource::origin::Origin;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(tag = "type", rename_all = "lowercase")]
#[deserr(error = Invalid, tag = "type", rename_all = lowercase, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Content {
    /// HTML and scripts of the owner, run in a nested sandbox that cannot reach the page around it.
    Html {
        #[cfg_attr(feature = "openapi", schema(max_length = 307200))]
        html: String,
    },
    /// A page on the owner's own site.
    Url {
        #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::FrameUrl))]
        url: String,
    },
}

impl Content {
    /// The maximum size, so that a resource fits into one item.
    pub const MAX_BYTES: usize = 300 * 1024;

    pub fn problems(&self, path: &str) -> Vec<Issue> {
        match self {
            Self::Html { html } if html.len() > Self::MAX_BYTES => {
                vec![Issue::new(format!("{path}.html"), "must be at most 300 KiB")]
            }
            Self::Url { url } if frame_source(url).is_none() => {
                vec![Issue::new(format!("{path}.url"), "must be an https URL (http for localhost)")]
            }
            _ => Vec::new(),
        }
    }

    pub fn size(&self) -> usize {
        match self {
            Self::Html { html } => html.len(),
            Self::Url { url } => url.len(),
        }
    }

    /// The origin that the page must be allowed to frame, for content on another site.
    pub fn frame_source(&self) -> Option<Origin> {
        match self {
            Self::Html { .. } => None,
            Self::Url { url } => frame_source(url),
        }
    }
}

fn frame_source(url: &str) -> Option<Origin> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.split(':').next()?;
    let private = matches!(host, "localhost" | "127.0.0.1");
    let sound = url.len() <= 2_048
        && url.bytes().all(|byte| byte.is_ascii_graphic())
        && !authority.contains(['@', '*'])
        && (scheme == "https" || (scheme == "http" && private));
    if sound { format!("{scheme}://{authority}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_urls_can_be_framed() {
        for (url, source) in [
            ("https://app.example.com/report?a=1#b", Some("https://app.example.com")),
            ("https://app.example.com:8443", Some("https://app.example.com:8443")),
            ("http://localhost:5173/x", Some("http://localhost:5173")),
            ("http://app.example.com/", None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("https://user:pass@example.com/", None),
            ("https://*.example.com/", None),
            ("https://a.com;script-src *", None),
            ("//example.com", None),
            ("", None),
        ] {
            let content = Content::Url { url: url.into() };
            assert_eq!(content.frame_source().as_ref().map(Origin::as_str), source, "{url}");
            assert_eq!(content.problems("content").is_empty(), source.is_some(), "{url}");
        }
    }

    #[test]
    fn html_has_a_maximum_size() {
        let html = |length| Content::Html { html: "x".repeat(length) };
        assert!(html(Content::MAX_BYTES).problems("content").is_empty());
        assert!(!html(Content::MAX_BYTES + 1).problems("content").is_empty());
    }
}
