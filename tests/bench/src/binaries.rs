//! Builds the programs, installs the peers and measures sizes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::Result;
use crate::cases::{Case, FLOOR, Program};
use crate::folders::Folders;

/// Builds the programs of the cases. The functions have the release profile of a deployment. The hello world is
/// built separately, so that it gets no feature that only a function needs.
pub fn make(cases: &[Case], folders: &Folders) -> Result<()> {
    let programs: BTreeSet<_> = cases.iter().map(|case| case.program).collect();
    let functions: Vec<_> = programs
        .iter()
        .filter_map(|program| match program {
            Program::Binary(name) if *name != FLOOR => Some(*name),
            _ => None,
        })
        .collect();
    if !functions.is_empty() {
        cargo_build(&functions)?;
    }
    cargo_build(&[FLOOR])?;
    let has_peers = programs.iter().any(|program| matches!(program, Program::Peer(_)));
    if has_peers { install_peers(folders) } else { Ok(()) }
}

fn cargo_build(packages: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--release", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    for package in packages {
        command.args(["--package", package]);
    }
    run(&mut command)
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
    let Program::Binary(name) = program else { return Ok(None) };
    let binary = folders.binaries.join(name);
    let folder: &Path = &folders.scratch;
    let (bootstrap, zip) = (folder.join("bootstrap"), folder.join("bootstrap.zip"));
    fs::copy(&binary, &bootstrap).map_err(|error| format!("{}: {error}", binary.display()))?;
    run(Command::new("python3")
        .args(["-m", "zipfile", "-c", "bootstrap.zip", "bootstrap"])
        .current_dir(folder))?;
    Ok(Some(json!({"binary": fs::metadata(bootstrap)?.len(), "zip": fs::metadata(zip)?.len()})))
}
