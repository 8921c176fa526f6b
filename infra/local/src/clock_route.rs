//! `POST /_local/clock`: moves the clock of a running local server. The deployed product has no such route.

use axum::extract::State;
use deserr::Deserr;
use serde::Serialize;
use vitrine::http::{HttpResult, Json, Routes};
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::error::Error;
use vitrine::rules::json::input::{Check, Invalid};

use crate::time_argument;

pub fn routes(clock: Clock) -> Routes {
    Routes::default().post("/_local/clock", set).with_state(clock)
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
struct ClockInput {
    now: String,
}

impl Check for ClockInput {}

#[derive(Debug, Serialize)]
struct ClockAnswer {
    now: Timestamp,
}

async fn set(
    State(clock): State<Clock>,
    Json(input): Json<ClockInput>,
) -> HttpResult<axum::Json<ClockAnswer>> {
    time_argument::parse(&input.now).map_err(|message| Error::invalid("now", message))?.apply(&clock);
    Ok(axum::Json(ClockAnswer { now: clock.now() }))
}
