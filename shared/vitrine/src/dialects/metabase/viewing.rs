//! Views of cards and dashboards: for viewers, and for admins before they are published.

use crate::app::open_view::ViewOpener;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::resource::ids::Kind;
use vitrine_rules::token::UnknownKid;
use vitrine_rules::view::decide::{View, ViewRequest};
use vitrine_rules::view::refusal_record::RefusalContext;

/// Metabase's server ignores `kid`.
pub const UNKNOWN_KID: UnknownKid = UnknownKid::Ignored;

/// Metabase's word for a question is card.
pub fn kind_of(word: &str) -> Result<Kind> {
    match word {
        "card" => Ok(Kind::Question),
        "dashboard" => Ok(Kind::Dashboard),
        _ => Err(Reason::RouteNotFound.into()),
    }
}

/// The one who looks at a view: a viewer, or an admin before it is published.
#[derive(Clone, Copy)]
pub enum Audience<'a> {
    Viewer,
    Previewer(&'a AccessKey),
}

impl Audience<'_> {
    /// Opens a view. Previews have no other way to one.
    pub async fn open(self, views: &ViewOpener, token: &str, request: ViewRequest) -> Result<View> {
        match self {
            Self::Viewer => views.open(Some(token), &request).await,
            Self::Previewer(key) => views.preview(key, token, request).await,
        }
    }

    /// Opens a view for work that may still be refused. A refusal of a viewer is recorded with the context.
    pub async fn open_for_work(
        self,
        views: &ViewOpener,
        token: &str,
        request: ViewRequest,
    ) -> Result<(View, Option<RefusalContext>)> {
        match self {
            Self::Viewer => {
                let (view, context) = views.open_for_work(Some(token), &request).await?;
                Ok((view, Some(context)))
            }
            Self::Previewer(key) => Ok((views.preview(key, token, request).await?, None)),
        }
    }
}
