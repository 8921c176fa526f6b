//! Builds the programs, installs the peers and measures sizes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vitrine_local::functions;

use crate::Result;
use crate::cases::{Case, Program};
use crate::folders::Folders;

/// Builds the programs of the cases, exactly as they are deployed, and `others` that are only weighed.
pub fn make(cases: &[Case], others: &[&str], folders: &Folders) -> Result<()> {
    let programs: BTreeSet<_> = cases.iter().map(|case| case.program).collect();
    let binaries = programs.iter().filter_map(|program| match program {
        Program::Binary(name) => Some(*name),
        Program::Peer(_) => None,
    });
    let binaries: BTreeSet<_> = binaries.chain(others.iter().copied()).collect();
    make_functions(binaries)?;
    let has_peers = programs.iter().any(|program| matches!(program, Program::Peer(_)));
    if has_peers { install_peers(folders) } else { build_rules() }
}

/// Builds programs as functions are built.
pub fn make_functions<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/functions");
    run(Command::new("bash").arg(script).args(names))
}

/// Installs DuckDB and the packages of the peer in Python, and answers with the Python that has them.
pub fn python_with_duckdb() -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/duckdb");
    let output = Command::new("bash").arg(script).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{script} failed").into());
    }
    let path = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/python/requirements.txt");
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
    run(Command::new(&path).args(pip))?;
    Ok(path)
}

/// Optimised as the functions are, also where this program is not.
fn build_rules() -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--profile", "measure", "--locked", "--package", "vitrine-bench-rules"]);
    run(command.current_dir(env!("CARGO_MANIFEST_DIR")))
}

/// Installs the peers and their runtimes.
fn install_peers(folders: &Folders) -> Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/install");
    run(Command::new("bash").arg(script).arg(&folders.peers))
}

fn run(command: &mut Command) -> Result<()> {
    if command.status()?.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}

/// The size of a binary and of its zip. A peer is more than one file and has no size.
pub fn weigh(program: Program, folders: &Folders) -> Result<Option<Value>> {
    match program {
        Program::Binary(name) => weigh_binary(name, folders).map(Some),
        Program::Peer(_) => Ok(None),
    }
}

/// The sizes of all functions, also of those that no case measures.
pub fn weigh_all(folders: &Folders) -> Result<Value> {
    functions::NAMES.iter().map(|name| Ok(((*name).to_owned(), weigh_binary(name, folders)?))).collect()
}

fn weigh_binary(name: &str, folders: &Folders) -> Result<Value> {
    let binary = folders.function(name);
    let folder: &Path = &folders.scratch;
    let (bootstrap, zip) = (folder.join("bootstrap"), folder.join("bootstrap.zip"));
    fs::copy(&binary, &bootstrap).map_err(|error| format!("{}: {error}", binary.display()))?;
    run(Command::new("python3")
        .args(["-m", "zipfile", "-c", "bootstrap.zip", "bootstrap"])
        .current_dir(folder))?;
    Ok(json!({"binary": fs::metadata(bootstrap)?.len(), "zip": fs::metadata(zip)?.len()}))
}
