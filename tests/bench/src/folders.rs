//! The folders of programs, peers and temporary files.

use std::path::{Path, PathBuf};

use crate::Result;

pub struct Folders {
    /// The release binaries, in the target folder that holds this program.
    pub binaries: PathBuf,
    /// The installed peers.
    pub peers: PathBuf,
    /// Removed when this program ends.
    pub scratch: PathBuf,
}

impl Folders {
    pub fn find() -> Result<Self> {
        let own = std::env::current_exe()?;
        let target = own.parent().and_then(Path::parent).ok_or("this program is not in a target folder")?;
        let scratch = std::env::temp_dir().join(format!("vitrine-bench-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        Ok(Self { binaries: target.join("release"), peers: target.join("peers"), scratch })
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        // A folder that cannot be removed does not affect the figures.
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}
