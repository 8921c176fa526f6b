//! Rotates the signing secret: Secrets Manager calls this function four times, once for each step.

use serde::Deserialize;
use vitrine::aws::signing_keys::rotate::{KeyRotation, RotationStep};
use vitrine::rules::error::{Error, Result};

vitrine::function_state! {
    pub struct State {
        rotation: KeyRotation,
    }
}

/// The event of Secrets Manager.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Step {
    pub step: String,
    pub secret_id: String,
    pub client_request_token: String,
}

/// Runs a step. An error makes Secrets Manager retry later; it contains nothing of the secret.
pub async fn take(state: &State, event: Step) -> Result<()> {
    let step = match event.step.as_str() {
        "createSecret" => RotationStep::Create,
        "setSecret" => RotationStep::Set,
        "testSecret" => RotationStep::Test,
        "finishSecret" => RotationStep::Finish,
        _ => return Err(Error::internal("an unknown step")),
    };
    let taken = match state.rotation.is_about(&event.secret_id) {
        true => state.rotation.step(step, &event.client_request_token).await,
        false => Err(Error::internal("not the signing secret of this stack")),
    };
    match &taken {
        Ok(()) => tracing::info!(step = event.step, "step taken"),
        Err(error) => tracing::error!(step = event.step, detail = error.detail, "rotation failed"),
    }
    taken
}
