//! Where things are.

use std::path::{Path, PathBuf};

use crate::Result;

pub struct Folders {
    /// The release binaries, beside this one, whichever profile it has itself.
    pub binaries: PathBuf,
    /// What was installed to compare with.
    pub peers: PathBuf,
    /// Gone when this program ends.
    pub scratch: PathBuf,
}

impl Folders {
    pub fn find() -> Result<Self> {
        let own = std::env::current_exe()?;
        let target = own.parent().and_then(Path::parent).ok_or("this binary is in no target folder")?;
        let scratch = std::env::temp_dir().join(format!("vitrine-bench-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        Ok(Self { binaries: target.join("release"), peers: target.join("peers"), scratch })
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        // Nobody can do anything about it.
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}
