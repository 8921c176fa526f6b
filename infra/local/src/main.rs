//! `cargo run`: the whole product on this machine.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::signal::unix::{SignalKind, signal};
use vitrine::http::log;
use vitrine_local::LocalError;
use vitrine_local::functions;
use vitrine_local::import::{self, ImportFrom};
use vitrine_local::options::{self, Command, Options};
use vitrine_local::publish;
use vitrine_local::server::Server;
use vitrine_local::services::Services;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            error.exit()
        }
        Err(error) => return fail(&options::explain(&error)),
    };
    // Standard output is for the person who started it, standard error for the log.
    let _ = tracing::subscriber::set_global_default(log::json_lines(
        log::level(),
        functions::crates_that_log(),
        io::stderr,
    ));
    for name in options.kept.idle() {
        let _ = writeln!(io::stderr(), "note: the setting {name} has no effect on a local run");
    }
    let ran = match &options.command {
        None => run(&options).await,
        Some(Command::Import { from }) => run_import(from).await,
        Some(Command::Publish { what }) => publish::run(what).await.map(|line| say(&[line])),
        Some(Command::Services { dynamodb_port, secrets_port, s3_port }) => {
            run_services(&options, [*dynamodb_port, *secrets_port, *s3_port]).await
        }
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("error: {error}")),
    }
}

async fn run(options: &Options) -> Result<(), LocalError> {
    let server = Server::start(options).await?;
    let base_url = server.base_url.clone();
    let mut lines = vec![
        format!("Vitrine {}, reachable from this machine only", env!("CARGO_PKG_VERSION")),
        String::new(),
        format!("  base URL          {base_url}"),
        format!("  admin access key  {}", server.services.admin_key()),
        format!("  embedding secret  {}", server.services.embedding_secret()),
    ];
    if !options.no_demo {
        lines.push(format!("  demo page         {base_url}/"));
    }
    lines.extend([String::new(), format!("ready {base_url}")]);
    say(&lines);
    server.serve(interrupted()).await
}

async fn run_import(from: &ImportFrom) -> Result<(), LocalError> {
    let report = import::run(from).await?;
    say(&[report.to_string()]);
    Ok(())
}

async fn run_services(options: &Options, ports: [u16; 3]) -> Result<(), LocalError> {
    let services = Services::start(&options.kept)?;
    let ports = services.listen(ports).await?;
    let file = services.write_environment(&ports, &options.kept)?;
    let mut lines = vec![
        "The embedded services of Vitrine, reachable from this machine only".to_owned(),
        String::new(),
        format!("  DynamoDB          http://{}", ports.dynamodb),
        format!("  Secrets Manager   http://{}", ports.secrets_manager),
        format!("  S3                http://{}", ports.s3),
        format!("  admin access key  {}", services.admin_key()),
        format!("  embedding secret  {}", services.embedding_secret()),
        String::new(),
        "The functions, with an environment file that only you can read:".to_owned(),
        String::new(),
        format!("  cargo lambda watch --invoke-address 127.0.0.1 --env-file {}", file.display()),
        String::new(),
        "Other AWS tools need this environment; the credentials end with this process:".to_owned(),
        String::new(),
    ];
    let environment = services.environment(&ports).into_iter().filter(|(name, _)| name.starts_with("AWS_"));
    lines.extend(environment.map(|(name, value)| format!("  export {name}={value}")));
    lines.extend([String::new(), "ready".to_owned()]);
    say(&lines);
    interrupted().await;
    services.stop();
    Ok(())
}

/// Completes at SIGINT (Ctrl-C) or SIGTERM.
async fn interrupted() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

fn say(lines: &[String]) {
    let mut stdout = io::stdout().lock();
    // A closed standard output is no reason to stop.
    let _ = writeln!(stdout, "{}", lines.join("\n"));
    let _ = stdout.flush();
}

fn fail(line: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::FAILURE
}
