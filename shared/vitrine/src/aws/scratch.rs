//! Files of this process in `/tmp`: copies of what is stored elsewhere, and files on their way out.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::random;

/// The bytes of copies past which the oldest are removed.
const MAX_BYTES: usize = 128 << 20;
const MAX_FILES: usize = 4_096;
const PREFIX: &str = "vitrine-scratch-";

/// A folder of this process. It is removed with the last copy of this value.
#[derive(Debug, Clone)]
pub struct Scratch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Names with sizes, the oldest first.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // It is a copy.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Default for Scratch {
    /// Names a folder, which is created with its first file.
    fn default() -> Self {
        let name = random::short_id().unwrap_or_else(|_| std::process::id().to_string());
        let folder = std::env::temp_dir().join(format!("{PREFIX}{name}"));
        Self(Arc::new(Inner { folder, kept: Mutex::default() }))
    }
}

impl Capability for Scratch {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::new()
    }

    fn connect(environment: &Environment) -> Self {
        environment.shared(Self::default)
    }
}

impl Scratch {
    /// Removes the folders of processes that ran here before. On Lambda a function that was ended leaves them behind,
    /// and there is no other process; elsewhere there may be.
    pub fn sweep(&self) {
        if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_none() {
            return;
        }
        let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let is_scratch = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
            if is_scratch && path != self.0.folder {
                let _ = fs::remove_dir_all(path);
            }
        }
    }

    /// The bytes that were kept under a name.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    /// Keeps bytes under a name, as long as there is room. A name is a fingerprint.
    pub fn keep(&self, name: &str, bytes: &[u8]) {
        if bytes.len() > MAX_BYTES / 8 || self.write(name, bytes).is_err() {
            return;
        }
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = kept.files.iter().position(|(known, _)| known == name) {
            let replaced = kept.files.remove(index).map_or(0, |(_, size)| size);
            kept.bytes -= replaced;
        }
        kept.files.push_back((name.to_owned(), bytes.len()));
        kept.bytes += bytes.len();
        while kept.bytes > MAX_BYTES || kept.files.len() > MAX_FILES {
            let Some((oldest, size)) = kept.files.pop_front() else { break };
            kept.bytes -= size;
            let _ = fs::remove_file(self.path(&oldest));
        }
    }

    /// The path of a new file, which goes when the value is dropped.
    pub fn file(&self) -> io::Result<ScratchFile> {
        self.create_folder()?;
        let name = random::secret().map_err(io::Error::other)?;
        Ok(ScratchFile { path: self.0.folder.join(name), _folder: Arc::clone(&self.0) })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Readers see the whole file or none.
        let unfinished = self.file()?;
        fs::write(unfinished.path(), bytes)?;
        fs::rename(unfinished.path(), self.path(name))
    }

    fn create_folder(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.0.folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.folder.join(name)
    }
}

/// A file that is removed with this value.
#[derive(Debug)]
pub struct ScratchFile {
    path: PathBuf,
    _folder: Arc<Inner>,
}

impl ScratchFile {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_make_room() {
        let scratch = Scratch::default();
        let bytes = vec![7; MAX_BYTES / 8];
        for index in 0..9 {
            scratch.keep(&format!("file{index}"), &bytes);
        }
        assert_eq!(scratch.get("file0"), None);
        assert_eq!(scratch.get("file8"), Some(bytes.clone()));
        scratch.keep("large", &[bytes.as_slice(), b"x"].concat());
        assert_eq!(scratch.get("large"), None);
        scratch.keep("file8", b"new");
        assert_eq!(scratch.get("file8").unwrap(), b"new");
    }

    #[test]
    fn files_go_with_their_values() {
        let scratch = Scratch::default();
        let file = scratch.file().unwrap();
        fs::write(file.path(), "x").unwrap();
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
        scratch.keep("a", b"1");
        let folder = scratch.0.folder.clone();
        assert!(folder.exists());
        drop(scratch);
        assert!(!folder.exists());
    }
}
