//! `POST /_local/rotate`: rotates the signing secret, as Secrets Manager does on its schedule. The new secret is not
//! in the answer; `GET /api/setting/embedding-secret-key` returns it.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};
use vitrine::http::{HttpResult, Routes};
use vitrine::rules::error::Error;

use crate::services::{SIGNING_SECRET, Services};

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

#[derive(Clone)]
pub struct Rotation {
    pub services: Arc<Services>,
    pub function: rotate_key::State,
}

pub fn routes(rotation: Rotation) -> Routes {
    Routes::default().post("/_local/rotate", rotate).with_state(rotation)
}

async fn rotate(State(rotation): State<Rotation>) -> HttpResult<axum::Json<Value>> {
    let version = rotation.services.begin_rotation().map_err(Error::internal)?;
    for step in STEPS {
        let event = rotate_key::Step {
            step: step.to_owned(),
            secret_id: SIGNING_SECRET.to_owned(),
            client_request_token: version.clone(),
        };
        rotate_key::take(&rotation.function, event).await?;
    }
    Ok(axum::Json(json!({"version": version})))
}
