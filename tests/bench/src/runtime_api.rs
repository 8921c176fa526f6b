//! The Lambda Runtime API on loopback, one server for each process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::Result;

/// Timeout for the next message of a function; longer than any invocation.
const PATIENCE: Duration = Duration::from_secs(15);

/// A message from the process, with its time.
enum Heard {
    AskedForAnEvent(Instant),
    GotIt(Instant),
    Answered(Instant, Bytes),
    Failed(Bytes),
}

pub struct RuntimeApi {
    pub address: SocketAddr,
    heard: mpsc::UnboundedReceiver<Heard>,
    events: mpsc::UnboundedSender<String>,
    server: tokio::task::JoinHandle<()>,
}

/// The times of one event, from its delivery, and the answer.
pub struct Invocation {
    /// Until the answer arrived.
    pub answer: Duration,
    /// Until the next event was requested; Lambda bills this time.
    pub busy: Duration,
    pub body: Value,
}

struct Ends {
    heard: mpsc::UnboundedSender<Heard>,
    events: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl RuntimeApi {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (heard, hearing) = mpsc::unbounded_channel();
        let (events, handed) = mpsc::unbounded_channel();
        let ends = Arc::new(Ends { heard, events: Mutex::new(handed) });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .with_state(ends);
        // Otherwise the second packet of an answer waits for the acknowledgement of the first.
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
        let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap_or_default() });
        Ok(Self { address, heard: hearing, events, server })
    }

    /// Waits until the process requests an event.
    pub async fn asked(&mut self) -> Result<Instant> {
        match self.hear().await? {
            Heard::AskedForAnEvent(at) => Ok(at),
            other => Err(other.unexpected()),
        }
    }

    /// Delivers an event to a process that requested one, and waits until it requests another.
    pub async fn invoke(&mut self, event: &Value) -> Result<Invocation> {
        self.events.send(event.to_string())?;
        let handed = match self.hear().await? {
            Heard::GotIt(at) => at,
            other => return Err(other.unexpected()),
        };
        let (answered, body) = match self.hear().await? {
            Heard::Answered(at, body) => (at, body),
            other => return Err(other.unexpected()),
        };
        let asked = self.asked().await?;
        let body = serde_json::from_slice(&body)?;
        Ok(Invocation { answer: answered - handed, busy: asked - handed, body })
    }

    async fn hear(&mut self) -> Result<Heard> {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.map_err(|_| "the function does not answer")?.ok_or_else(|| "the runtime API has stopped".into())
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Heard {
    fn unexpected(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::AskedForAnEvent(_) => "the function requested an event out of turn".into(),
            Self::GotIt(_) => "the function received an event out of turn".into(),
            Self::Answered(..) => "the function answered out of turn".into(),
            Self::Failed(body) => format!("the function failed: {}", String::from_utf8_lossy(&body)).into(),
        }
    }
}

impl Ends {
    fn tell(&self, heard: Heard) {
        // The receiver is gone when the run has ended.
        let _ = self.heard.send(heard);
    }
}

async fn next(State(ends): State<Arc<Ends>>) -> Response {
    ends.tell(Heard::AskedForAnEvent(Instant::now()));
    let Some(event) = ends.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:bench"),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        ),
    ];
    ends.tell(Heard::GotIt(Instant::now()));
    (headers, event).into_response()
}

async fn response(State(ends): State<Arc<Ends>>, body: Bytes) -> StatusCode {
    ends.tell(Heard::Answered(Instant::now(), body));
    StatusCode::ACCEPTED
}

async fn error(State(ends): State<Arc<Ends>>, body: Bytes) -> StatusCode {
    ends.tell(Heard::Failed(body));
    StatusCode::ACCEPTED
}
