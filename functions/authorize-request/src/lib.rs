//! A Lambda authorizer for the owner's own APIs: it takes an embed token, and returns a decision and facts about the viewer.

mod answer;
mod event;

use tracing::{Instrument, field};
use vitrine::app::open_view::ViewOpener;
use vitrine::app::request_context;
use vitrine::http::introspected_token::IntrospectedToken;
use vitrine::rules::error::Result;

pub use answer::GatewayAnswer;
pub use event::Event;

vitrine::function_state! {
    pub struct State {
        views: ViewOpener,
    }
}

/// Decides about a request. An outage is an error: API Gateway then refuses, and caches nothing.
pub async fn authorize(state: &State, event: Event) -> Result<GatewayAnswer> {
    let span = tracing::info_span!("authorize", key = field::Empty, resource = field::Empty);
    async {
        let request_id = event.request_context.request_id.clone();
        let decision = request_context::within(request_id, Box::pin(decide(state, &event))).await;
        match &decision {
            Ok(_) => tracing::info!("authorized"),
            Err(error) if error.is_outage() => {
                tracing::error!(reason = error.reason.word(), detail = error.detail, "failed");
                return Err(error.clone());
            }
            Err(error) => tracing::info!(reason = error.reason.word(), detail = error.detail, "refused"),
        }
        Ok(GatewayAnswer::of(decision, event.method_arn))
    }
    .instrument(span)
    .await
}

async fn decide(state: &State, event: &Event) -> Result<IntrospectedToken> {
    let (scope, claims) = state.views.look(event.embed_token()).await?;
    Ok(IntrospectedToken::of(scope, claims))
}
