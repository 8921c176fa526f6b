//! A proxy between the functions and one of their services. It can fail in several ways, answer in the
//! service's place, and it records the operations.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use vitrine_local::services::Ports;
use vitrine_tests::Product;

#[derive(Debug, Clone, Default)]
pub enum Line {
    #[default]
    Through,
    /// Closes each connection without an answer.
    Cut,
    /// Reads the request and never answers.
    Silent,
    /// Forwards one request and drops its answer.
    LosesOneAnswer,
    /// Forwards this number of requests, then behaves as `Cut`.
    CutAfter(usize),
    /// As `CutAfter`, but drops the answer to the last forwarded request.
    LostAfter(usize),
    /// Closes the connection for requests of this operation.
    CutFor(&'static str),
    /// Holds the next request of an operation, or its answer, until the test releases it.
    Holds(Arc<Hold>),
    /// Answers with this status and body.
    Says(u16, String),
}

/// The units that DynamoDB bills.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Units {
    pub read: f64,
    pub write: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The request is held, so it sees the changes that the test makes meanwhile.
    Question,
    /// The answer is held, so it does not contain the changes that the test makes meanwhile.
    Answer,
}

/// One request that stays in flight until the test releases it.
#[derive(Debug)]
pub struct Hold {
    operation: &'static str,
    held: Held,
    came: Notify,
    is_free: Mutex<bool>,
    freed: Condvar,
}

impl Hold {
    /// Waits until the request is held.
    pub async fn wait_until_held(&self) {
        self.came.notified().await;
    }

    pub fn release(&self) {
        *self.is_free.lock().unwrap() = true;
        self.freed.notify_all();
    }

    fn wait(&self) {
        self.came.notify_one();
        drop(self.freed.wait_while(self.is_free.lock().unwrap(), |is_free| !*is_free).unwrap());
    }
}

#[derive(Clone)]
pub struct Wire {
    service: SocketAddr,
    address: SocketAddr,
    line: Arc<Mutex<Line>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Counted after the first call of `units`.
    units: Arc<Mutex<Option<Units>>>,
}

impl Wire {
    /// Starts a proxy for `service`.
    fn lay(service: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (line, asked, units) = (Arc::default(), Arc::default(), Arc::default());
        let wire = Self { service, address, line, asked, units };
        let listening = wire.clone();
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let wire = listening.clone();
                // A closed connection needs no answer.
                thread::spawn(move || wire.carry(caller).unwrap_or_default());
            }
        });
        wire
    }

    pub fn set(&self, line: Line) {
        *self.line.lock().unwrap() = line;
    }

    /// Holds the next request of `operation`; all others pass.
    pub fn hold(&self, operation: &'static str, held: Held) -> Arc<Hold> {
        let hold =
            Hold { operation, held, came: Notify::new(), is_free: Mutex::default(), freed: Condvar::new() };
        let hold = Arc::new(hold);
        self.set(Line::Holds(Arc::clone(&hold)));
        hold
    }

    /// The behaviour for this request.
    fn next(&self, operation: &str) -> Line {
        let mut line = self.line.lock().unwrap();
        let (now, then) = match &*line {
            Line::LosesOneAnswer => (Line::LosesOneAnswer, Line::Through),
            Line::CutAfter(0) | Line::LostAfter(0) => (Line::Cut, Line::Cut),
            Line::CutAfter(passed) => (Line::Through, Line::CutAfter(passed - 1)),
            Line::LostAfter(1) => (Line::LosesOneAnswer, Line::Cut),
            Line::LostAfter(passed) => (Line::Through, Line::LostAfter(passed - 1)),
            Line::CutFor(cut) => {
                (if *cut == operation { Line::Cut } else { Line::Through }, Line::CutFor(cut))
            }
            Line::Holds(hold) if hold.operation == operation => {
                (Line::Holds(Arc::clone(hold)), Line::Through)
            }
            Line::Holds(hold) => (Line::Through, Line::Holds(Arc::clone(hold))),
            same => (same.clone(), same.clone()),
        };
        *line = then;
        now
    }

    /// The operations since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The units since the last call. The first call starts the count.
    pub fn units(&self) -> Units {
        self.units.lock().unwrap().replace(Units::default()).unwrap_or_default()
    }

    fn carry(&self, mut caller: TcpStream) -> io::Result<()> {
        let (head, body) = read_request(&caller)?;
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.split_once(": ").filter(|(named, _)| named.eq_ignore_ascii_case(name)))
        };
        let operation =
            header("x-amz-target").and_then(|(_, target)| target.split('.').nth(1)).unwrap_or_default();
        self.asked.lock().unwrap().push(operation.to_owned());
        match self.next(operation) {
            Line::Through if self.units.lock().unwrap().is_some() => {
                let (head, body) = asking_for_units(&head, &body);
                let answer = self.ask(&head, &body)?;
                self.count(operation, &answer);
                caller.write_all(&answer)
            }
            Line::Through => caller.write_all(&self.ask(&head, &body)?),
            Line::Holds(hold) if hold.held == Held::Question => {
                hold.wait();
                caller.write_all(&self.ask(&head, &body)?)
            }
            Line::Holds(hold) => {
                let answer = self.ask(&head, &body)?;
                hold.wait();
                caller.write_all(&answer)
            }
            Line::Cut | Line::CutAfter(_) | Line::LostAfter(_) | Line::CutFor(_) => Ok(()),
            Line::Silent => {
                thread::sleep(Duration::from_secs(30));
                Ok(())
            }
            Line::LosesOneAnswer => self.ask(&head, &body).map(drop),
            Line::Says(status, text) => {
                let length = text.len();
                write!(
                    caller,
                    "HTTP/1.1 {status} -\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
                )
            }
        }
    }

    /// Adds the consumed capacity in an answer: one value, or one for each table.
    fn count(&self, operation: &str, answer: &[u8]) {
        let text = String::from_utf8_lossy(answer);
        let body: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
        let consumed = &body["ConsumedCapacity"];
        let parts = consumed.as_array().cloned().unwrap_or_else(|| vec![consumed.clone()]);
        let total: f64 = parts.iter().map(|part| part["CapacityUnits"].as_f64().unwrap()).sum();
        let mut units = self.units.lock().unwrap();
        let units = units.as_mut().unwrap();
        match operation {
            "GetItem" | "BatchGetItem" | "Query" => units.read += total,
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" => units.write += total,
            other => panic!("unknown units of {other}"),
        }
    }

    fn ask(&self, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut service = TcpStream::connect(self.service)?;
        write!(service, "{head}connection: close\r\n\r\n")?;
        service.write_all(body)?;
        let mut answer = Vec::new();
        service.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// The same request with `ReturnConsumedCapacity`. The service checks no signature.
fn asking_for_units(head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut request: Value = serde_json::from_slice(body).unwrap();
    request["ReturnConsumedCapacity"] = "TOTAL".into();
    let body = request.to_string().into_bytes();
    let others =
        head.split_inclusive("\r\n").filter(|line| !line.to_lowercase().starts_with("content-length:"));
    let head = others.chain([&*format!("content-length: {}\r\n", body.len())]).collect();
    (head, body)
}

/// The head and the body.
fn read_request(stream: &TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
        if !name.eq_ignore_ascii_case("connection") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

pub struct Wires {
    pub dynamodb: Wire,
    pub secrets_manager: Wire,
    pub s3: Wire,
}

/// A product whose functions reach their services through proxies.
pub async fn wired(settings: &[(&str, &str)]) -> (Product, Wires) {
    let mut wires = None;
    let product = Product::start_behind(settings, async |services| {
        let ports = services.listen([0; 3]).await.unwrap();
        let laid = Wires {
            dynamodb: Wire::lay(ports.dynamodb),
            secrets_manager: Wire::lay(ports.secrets_manager),
            s3: Wire::lay(ports.s3),
        };
        services.reach_at(Ports {
            dynamodb: laid.dynamodb.address,
            secrets_manager: laid.secrets_manager.address,
            s3: laid.s3.address,
            ..ports
        });
        wires = Some(laid);
    })
    .await;
    (product, wires.unwrap())
}
