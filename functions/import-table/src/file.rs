//! An uploaded file on this machine, with room for what is made of it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_lc_rs::digest::{Context, SHA256};
use tempfile::TempDir;
use vitrine::rules::data::upload::Upload;
use vitrine::rules::error::{Error, Result};
use vitrine_engine::import::error::ImportError;
use vitrine_engine::import::{Expected, Import, ImportLimits, Imported, convert};

const PREFIX: &str = "vitrine-import-";

/// The folders of one import, which go with it.
pub struct ImportFolder {
    folder: TempDir,
}

impl ImportFolder {
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir().map_err(local)?;
        Ok(Self { folder })
    }

    /// The place of the uploaded file.
    pub fn upload(&self) -> PathBuf {
        self.folder.path().join("upload")
    }

    /// Returns whether the file is the one that its owner announced.
    pub async fn is_as_announced(&self, upload: &Upload) -> Result<bool> {
        let (path, size, sha256) = (self.upload(), upload.size, upload.sha256.clone());
        let checked = tokio::task::spawn_blocking(move || {
            Ok::<_, std::io::Error>(std::fs::metadata(&path)?.len() == size && digest(&path)? == sha256)
        });
        checked.await.map_err(|_| Error::internal("the check of a file was aborted"))?.map_err(local)
    }

    /// Converts the uploaded file. The work is stopped when the future is dropped.
    pub async fn convert(&self, file: ToConvert) -> Result<std::result::Result<Imported, ImportError>> {
        let [output, scratch] = ["output", "scratch"].map(|name| self.folder.path().join(name));
        for folder in [&output, &scratch] {
            // One import may take several attempts.
            let _ = std::fs::remove_dir_all(folder);
            std::fs::create_dir(folder).map_err(local)?;
        }
        let stop = StopWhenDropped(Arc::default());
        let import = Import {
            file: self.upload(),
            format: file.format,
            columns: file.columns,
            sort_by: file.sort_by,
            output,
            scratch,
            limits: file.limits,
            progress: file.progress,
            stop: Arc::clone(&stop.0),
        };
        let converted = tokio::task::spawn_blocking(move || convert(import)).await;
        converted.map_err(|_| Error::internal("an import was aborted"))
    }
}

/// The instructions for a file.
pub struct ToConvert {
    pub format: vitrine::rules::data::upload::FileFormat,
    pub columns: Expected,
    pub sort_by: Vec<String>,
    pub limits: ImportLimits,
    pub progress: Arc<AtomicU64>,
}

struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let (mut context, mut buffer) = (Context::new(&SHA256), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => context.update(&buffer[..length]),
        }
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn local(error: std::io::Error) -> Error {
    Error::internal(format_args!("a local file: {}", error.kind()))
}

/// Removes what a process left that was ended in the middle of an import. The process of a function does one thing at a
/// time, so nothing else is there.
pub fn clear_scratch() {
    let Ok(folder) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in folder.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // A file that stays takes room, and the next import fails for it if it is too much.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
