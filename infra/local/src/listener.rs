//! Serving HTTP on a loopback port, with a limit on the time that a client may take to send a request.

use std::future::ready;
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::task::{self, Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware;
use http_body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{Sleep, sleep, timeout};

use crate::LocalError;

/// Time limit for the head of a request, and then for its body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Time limit for the body of a request that uploads a file.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Time limit for running requests once the server is told to stop. Browsers keep connections open.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after a failed `accept`, for example while no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Opens a port on 127.0.0.1; 0 takes a free one.
pub async fn bind(port: u16) -> Result<TcpListener, LocalError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| LocalError::Port { port, source })
}

/// Serves until `stop` completes, then lets running requests finish.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_within(READ_TIMEOUT, |_| READ_TIMEOUT, listener, router, stop).await;
}

/// The same, with more time for those requests that upload files.
pub async fn serve_with_uploads(
    listener: TcpListener,
    router: Router,
    is_upload: fn(&Request) -> bool,
    stop: impl Future<Output = ()>,
) {
    let body_timeout =
        move |request: &Request| if is_upload(request) { UPLOAD_TIMEOUT } else { READ_TIMEOUT };
    serve_within(READ_TIMEOUT, body_timeout, listener, router, stop).await;
}

/// The same for a server that all requests upload files to.
pub async fn serve_uploads(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_with_uploads(listener, router, |_| true, stop).await;
}

async fn serve_within(
    head_timeout: Duration,
    body_timeout: impl Fn(&Request) -> Duration + Clone + Send + Sync + 'static,
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let router = router.layer(middleware::map_request(move |request: Request| {
        let end = Box::pin(sleep(body_timeout(&request)));
        ready(request.map(|body| Body::new(Deadline { body, end })))
    }));
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_timeout);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // An error is the client's: a reset, or a timeout.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = timeout(SHUTDOWN_TIMEOUT, connections.shutdown()).await;
}

/// A request body that fails if it is not complete in time, so that a handler never takes a part for the whole.
struct Deadline {
    body: Body,
    end: Pin<Box<Sleep>>,
}

impl HttpBody for Deadline {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        task::ready!(self.end.as_mut().poll(context));
        Poll::Ready(Some(Err(axum::Error::new("the request body took too long"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    const SHORT: Duration = Duration::from_millis(400);

    /// Sends these bytes and returns everything that is answered until the server closes the connection.
    async fn exchange(parts: &[&str], pause: Duration) -> (String, Duration) {
        let listener = bind(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/echo", post(async |body: String| body))
            .route("/unread", get(async || "unread"));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(serve_within(SHORT, |_| SHORT, listener, router, stopped));
        let started = Instant::now();
        let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
        let mut answer = Vec::new();
        let read = async {
            // A reset closes the connection too.
            let _ = timeout(Duration::from_secs(10), reader.read_to_end(&mut answer)).await.unwrap();
            started.elapsed()
        };
        let write = async {
            for part in parts {
                if writer.write_all(part.as_bytes()).await.is_err() {
                    break;
                }
                sleep(pause).await;
            }
        };
        let (elapsed, ()) = tokio::join!(read, write);
        stop.send(()).unwrap();
        server.await.unwrap();
        (String::from_utf8(answer).unwrap(), elapsed)
    }

    #[tokio::test]
    async fn requests_that_are_not_complete_in_time_are_dropped() {
        let slow_head = ["GET /unread HTTP/1.1\r\n"].into_iter().chain(["a: b\r\n"; 40]).collect::<Vec<_>>();
        let slow_body = ["POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n"]
            .into_iter()
            .chain(["x"; 90])
            .collect::<Vec<_>>();
        for (case, parts) in [
            ("nothing", &[][..]),
            ("half a head", &["GET /unread HTTP/1.1\r\nhost:"]),
            ("a head that never ends", &slow_head),
            ("half a body", &["POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf"]),
            ("a body that never ends", &slow_body),
            ("half a body that nobody reads", &["GET /unread HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"]),
        ] {
            let (answer, elapsed) = exchange(parts, Duration::from_millis(50)).await;
            assert!(elapsed < SHORT * 4, "{case}: {elapsed:?}");
            assert!(!answer.contains("half") && !answer.contains("xx"), "{case}: {answer}");
        }
    }

    #[tokio::test]
    async fn requests_that_are_complete_in_time_are_answered() {
        let parts = [
            "POST /echo HTTP/1.1\r\nhost: a\r\n",
            "connection: close\r\ncontent-length: 9\r\n\r\nhalf",
            " done",
        ];
        let (answer, _) = exchange(&parts, Duration::from_millis(50)).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("half done"), "{answer}");
    }

    #[test]
    fn thirty_seconds_are_the_limit() {
        assert_eq!(READ_TIMEOUT.as_secs(), 30);
    }
}
