//! A Lambda authorizer that owners put before APIs of their own: an embed token in, a decision and what is
//! known of the viewer out.

mod answer;
mod event;

use tracing::{Instrument, field};
use vitrine::audit;
use vitrine::error::{Code, Error, Result};
use vitrine::introspection::Known;
use vitrine::views::Views;

pub use answer::Answer;
pub use event::Event;

vitrine::capabilities! {
    pub struct State {
        views: Views,
    }
}

/// Decides. What cannot be decided is an error: the gateway then refuses, and remembers nothing of it.
pub async fn authorize(state: &State, event: Event) -> Result<Answer> {
    let span = tracing::info_span!("authorize", key = field::Empty, resource = field::Empty);
    async {
        let request_id = event.request_context.request_id.clone();
        let decision = audit::within(request_id, Box::pin(decide(state, &event))).await;
        match &decision {
            Ok(_) => tracing::info!("authorized"),
            Err(error) if is_ours(error) => {
                tracing::error!(reason = error.reason.word(), detail = error.detail, "failed");
                return Err(error.clone());
            }
            Err(error) => tracing::info!(reason = error.reason.word(), detail = error.detail, "refused"),
        }
        Ok(Answer::of(decision, event.method_arn))
    }
    .instrument(span)
    .await
}

async fn decide(state: &State, event: &Event) -> Result<Known> {
    let (standing, claims) = state.views.look(event.embed_token()).await?;
    Ok(Known::of(standing, claims))
}

fn is_ours(error: &Error) -> bool {
    matches!(error.reason.code(), Code::ServiceUnavailable | Code::InternalServerError)
}
