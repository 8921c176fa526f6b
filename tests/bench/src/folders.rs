//! The folders of programs, peers and temporary files.

use std::path::{Path, PathBuf};

use crate::Result;

pub struct Folders {
    /// The functions as they are deployed, each in a folder of its name.
    pub functions: PathBuf,
    /// The program that applies rules.
    pub rules: PathBuf,
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
        Ok(Self {
            functions: target.join("lambda"),
            rules: target.join("measure/vitrine-bench-rules"),
            peers: target.join("peers"),
            scratch,
        })
    }

    pub fn function(&self, name: &str) -> PathBuf {
        self.functions.join(name).join("bootstrap")
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        // A folder that cannot be removed does not affect the figures.
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}
