//! Temporary folders.

use std::fs;
use std::path::{Path, PathBuf};

/// A new, empty folder that is removed when this value is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = format!("vitrine-suite-{}", vitrine::rules::random::short_id().unwrap());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A temporary folder that stays behind is no reason to fail.
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
