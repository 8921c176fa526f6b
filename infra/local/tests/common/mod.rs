//! The real binary, started for a test.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

pub const KEY: &str = "an-admin-key";
pub const SECRET: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

/// The binary, without the keys in the environment of the person who runs the tests.
pub fn vitrine(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
    command.env_remove("VITRINE_ADMIN_KEY").env_remove("VITRINE_SIGNING_SECRET");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command line that must not start a server, and waits for its end.
pub fn refused(arguments: &[&str]) -> Output {
    vitrine(arguments).output().unwrap()
}

pub struct Running {
    pub child: Child,
    pub address: String,
    pub printed: Vec<String>,
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut vitrine(&[&["--port", "0"], arguments].concat()))
    }

    /// Runs the command until it prints that it is ready.
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut running = Self { child, address: String::new(), printed: Vec::new() };
        for line in BufReader::new(running.child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            running.printed.push(line.clone());
            if let Some(address) = line.strip_prefix("ready") {
                running.address = address.trim_start_matches(" http://").to_owned();
                return running;
            }
        }
        panic!("the process ended before it was ready: {:?}", running.printed);
    }

    /// Sends a request with the right host and the admin key.
    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        let host = format!("host: {}", self.address);
        self.send(method, path, &[&host, &format!("authorization: Bearer {KEY}")], body)
    }

    /// Sends a request with only these headers.
    pub fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> String {
        send(&self.address, method, path, headers, body)
    }

    /// Stops the process as Ctrl-C does.
    pub fn interrupt(mut self) -> std::process::ExitStatus {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap()
    }
}

pub fn send(address: &str, method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path for a temporary folder, which is removed afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = format!("vitrine-run-{}", vitrine::rules::random::short_id().unwrap());
        Self(std::env::temp_dir().join(name))
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
