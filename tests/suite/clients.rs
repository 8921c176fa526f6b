//! Third-party client programs, run against a listening server.
#![expect(clippy::print_stderr, reason = "a skipped client must be reported")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vitrine_local::LocalError;
use vitrine_local::options::{Options, ServiceOptions};
use vitrine_local::server::Server;
use vitrine_tests::ADMIN_KEY;

use crate::folder::Folder;

pub struct Listening {
    pub base_url: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), LocalError>>,
}

impl Listening {
    pub async fn start() -> Self {
        let kept = ServiceOptions {
            memory: true,
            data: "unused".into(),
            admin_key: Some(ADMIN_KEY.to_owned()),
            signing_secret: None,
            client_secret: None,
            settings: Vec::new(),
        };
        let options = Options { command: None, port: 0, now: None, no_demo: true, kept };
        let server = Server::start(&options).await.unwrap();
        let base_url = server.base_url.clone();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async move { stopped.await.unwrap_or_default() }));
        Self { base_url, stop, serving }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }

    pub fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, text) = http(method, &format!("{}{path}", self.base_url), ADMIN_KEY, &body.to_string());
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// One request over a connection of its own.
pub fn http(method: &str, url: &str, bearer: &str, body: &str) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[derive(Clone, Copy)]
pub enum Language {
    Node,
    Python,
}

impl Language {
    const fn interpreter(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python3",
        }
    }

    pub fn is_here(self) -> bool {
        let here = Command::new(self.interpreter()).arg("--version").output();
        let here = here.is_ok_and(|output| output.status.success());
        if !here {
            eprintln!("\nNOT TESTED: `{}` is not on this machine\n", self.interpreter());
        }
        here
    }

    /// Runs a program in a folder with other files.
    pub async fn run(self, program: String, beside: &[(&str, &str)]) -> Output {
        let folder = Folder::new();
        let file = match self {
            Self::Node => "snippet.mjs",
            Self::Python => "snippet.py",
        };
        fs::write(folder.path().join(file), program).unwrap();
        for (name, text) in beside {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let run =
            move || Command::new(self.interpreter()).arg(file).current_dir(folder.path()).output().unwrap();
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
