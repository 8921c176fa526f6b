//! The release binaries: built, found and weighed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::cases::{CASES, FLOOR};

pub struct Weight {
    pub bytes: u64,
    pub zip_bytes: u64,
}

/// Where the release binaries are: beside this one, whichever profile it has itself.
pub fn folder() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent).ok_or("this binary is in no target folder")?;
    Ok(target.join("release"))
}

/// The functions as they are deployed but for the processor, and the floor by itself, so that no feature
/// that only a function wants enters it.
pub fn build() -> Result<()> {
    let mut functions: Vec<_> = CASES.iter().map(|case| case.binary).filter(|&name| name != FLOOR).collect();
    functions.dedup();
    cargo_build(&functions)?;
    cargo_build(&[FLOOR])
}

fn cargo_build(packages: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--release"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    for package in packages {
        command.args(["--package", package]);
    }
    if command.status()?.success() { Ok(()) } else { Err("the build failed".into()) }
}

/// The size of a binary, and of the zip that is deployed.
pub fn weigh(binary: &Path, folder: &Path) -> Result<Weight> {
    let (bootstrap, zip) = (folder.join("bootstrap"), folder.join("bootstrap.zip"));
    fs::copy(binary, &bootstrap).map_err(|error| format!("{}: {error}", binary.display()))?;
    let zipped = Command::new("python3")
        .args(["-m", "zipfile", "-c", "bootstrap.zip", "bootstrap"])
        .current_dir(folder)
        .status()?;
    if !zipped.success() {
        return Err("python3 could not zip".into());
    }
    Ok(Weight { bytes: fs::metadata(bootstrap)?.len(), zip_bytes: fs::metadata(zip)?.len() })
}
