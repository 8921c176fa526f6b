//! A wire between the functions and one of their services. It can be cut, it can answer in the service's
//! place, and it knows what was asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use vitrine_tests::Product;

#[derive(Debug, Clone, Default)]
pub enum Line {
    #[default]
    Through,
    /// Hangs up on whoever asks.
    Cut,
    /// Takes the question and says nothing.
    Silent,
    /// Passes one question on and loses the answer.
    LosesOneAnswer,
    /// Answers with this status and body.
    Says(u16, String),
}

#[derive(Clone)]
pub struct Wire {
    service: SocketAddr,
    line: Arc<Mutex<Line>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Lays a wire to `service` and puts its own end in the service's place.
    fn lay(service: &mut SocketAddr) -> Self {
        let wire = Self { service: *service, line: Arc::default(), asked: Arc::default() };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        *service = listener.local_addr().unwrap();
        let listening = wire.clone();
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let wire = listening.clone();
                // A caller who has gone needs no answer.
                thread::spawn(move || wire.carry(caller).unwrap_or_default());
            }
        });
        wire
    }

    pub fn set(&self, line: Line) {
        *self.line.lock().unwrap() = line;
    }

    /// The operations that were asked for since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
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
        let line = self.line.lock().unwrap().clone();
        match line {
            Line::Through => caller.write_all(&self.ask(&head, &body)?),
            Line::Cut => Ok(()),
            Line::Silent => {
                thread::sleep(Duration::from_secs(30));
                Ok(())
            }
            Line::LosesOneAnswer => {
                self.set(Line::Through);
                self.ask(&head, &body).map(drop)
            }
            Line::Says(status, text) => {
                let length = text.len();
                write!(
                    caller,
                    "HTTP/1.1 {status} -\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
                )
            }
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

/// The lines of the head, and the body.
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
}

/// A product whose functions reach their services over wires.
pub async fn wired(settings: &[(&str, &str)]) -> (Product, Wires) {
    let mut wires = None;
    let product = Product::start_behind(settings, |services| {
        wires = Some(Wires {
            dynamodb: Wire::lay(&mut services.dynamodb),
            secrets_manager: Wire::lay(&mut services.secrets_manager),
        });
    })
    .await;
    (product, wires.unwrap())
}
