//! The files of a bucket. An object is a file whose path is its key; it appears whole, by a rename.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vitrine::rules::random;

use super::LIFECYCLE;
use crate::{LocalError, private_files};

/// Beside the bucket, so that no key reaches it.
const INCOMING: &str = ".incoming";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder with one bucket.
#[derive(Debug)]
pub struct ObjectFolder {
    root: PathBuf,
    bucket: &'static str,
    /// Removed with everything in it at the end.
    is_temporary: bool,
}

impl ObjectFolder {
    /// Opens the bucket in a folder that stays, or in a temporary one.
    pub fn open(bucket: &'static str, kept_in: Option<&Path>) -> Result<Self, LocalError> {
        let root = match kept_in {
            Some(root) => root.to_owned(),
            None => {
                let id = random::short_id().map_err(LocalError::Random)?;
                std::env::temp_dir().join(format!("vitrine-objects-{}-{id}", std::process::id()))
            }
        };
        let folder = Self { root, bucket, is_temporary: kept_in.is_none() };
        private_files::open_folder(&folder.root)?;
        let prepare = || -> io::Result<()> {
            let incoming = folder.root.join(INCOMING);
            if incoming.exists() {
                // Parts of writes that a process before this one did not finish.
                fs::remove_dir_all(&incoming)?;
            }
            private_files::create_folders(&incoming)?;
            private_files::create_folders(&folder.bucket_path())?;
            folder.expire(SystemTime::now())
        };
        match prepare() {
            Ok(()) => Ok(folder),
            Err(error) => Err(LocalError::Folder { path: folder.root.clone(), cause: error.to_string() }),
        }
    }

    pub fn has(&self, bucket: &str) -> bool {
        bucket == self.bucket
    }

    fn bucket_path(&self) -> PathBuf {
        self.root.join(self.bucket)
    }

    /// The file of a key; none for a key that names no file below the bucket.
    pub fn path_of(&self, key: &str) -> Option<PathBuf> {
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains(['\0', '\\']);
        key.split('/').all(is_plain).then(|| self.bucket_path().join(key))
    }

    /// A place for a file or a folder that is not an object yet.
    pub fn incoming(&self, id: &str) -> PathBuf {
        self.root.join(INCOMING).join(id)
    }

    /// Makes a complete file the object of a key. `only_new` fails if there is one.
    pub fn place(&self, file: &Path, path: &Path, only_new: bool) -> io::Result<()> {
        // Two writes in one tick of the kernel's clock have the same time otherwise, and so the same tag.
        fs::File::options().append(true).open(file)?.set_modified(SystemTime::now())?;
        for _ in 0..3 {
            if let Some(parent) = path.parent() {
                private_files::create_folders(parent)?;
            }
            let placed = if only_new { fs::hard_link(file, path) } else { fs::rename(file, path) };
            match placed {
                // A deletion has removed the parent, which was empty.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(()) if only_new => return fs::remove_file(file),
                placed => return placed,
            }
        }
        Err(ErrorKind::NotFound.into())
    }

    /// Deletes the object of a key if there is one, and the folders that are empty then.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if is_absent(&error) => return Ok(()),
            removed => removed?,
        }
        let bucket = self.bucket_path();
        for parent in path.ancestors().skip(1).take_while(|parent| *parent != bucket) {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// All keys with this prefix, in order, and their files' metadata.
    pub fn list(&self, prefix: &str) -> io::Result<Vec<(String, Metadata)>> {
        let (mut found, bucket) = (Vec::new(), self.bucket_path());
        let mut folders = vec![bucket.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let path = entry.path();
                let Some(key) = path.strip_prefix(&bucket).ok().and_then(Path::to_str) else { continue };
                let metadata = entry.metadata()?;
                if metadata.is_dir() && (prefix.starts_with(key) || key.starts_with(prefix)) {
                    folders.push(path);
                } else if metadata.is_file() && key.starts_with(prefix) {
                    found.push((key.to_owned(), metadata));
                }
            }
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(found)
    }

    /// Deletes the objects whose days are over.
    fn expire(&self, now: SystemTime) -> io::Result<()> {
        for (prefix, days) in LIFECYCLE {
            for (key, metadata) in self.list(&format!("{prefix}/"))? {
                let age = now.duration_since(metadata.modified()?).unwrap_or_default();
                if age.as_secs() >= days * DAY.as_secs() {
                    self.remove(&self.bucket_path().join(key))?;
                }
            }
        }
        Ok(())
    }
}

impl ObjectFolder {
    /// Removes a temporary folder.
    pub fn close(&self) {
        if self.is_temporary {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

impl Drop for ObjectFolder {
    fn drop(&mut self) {
        self.close();
    }
}

/// The tag of a file, from what changes whenever it is replaced. It is read from the open file, so it is never that of
/// another content.
pub fn tag(metadata: &Metadata) -> String {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH).duration_since(UNIX_EPOCH).unwrap_or_default();
    let identity = format!("{} {} {}", metadata.ino(), metadata.len(), modified.as_nanos());
    random::fingerprint(&identity)[..32].to_owned()
}

pub fn is_absent(error: &io::Error) -> bool {
    // A key can lead through another object's file.
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &ObjectFolder, key: &str, text: &str) -> String {
        let file = folder.incoming("a");
        fs::write(&file, text).unwrap();
        let path = folder.path_of(key).unwrap();
        folder.place(&file, &path, false).unwrap();
        tag(&fs::metadata(path).unwrap())
    }

    fn keys(folder: &ObjectFolder, prefix: &str) -> Vec<String> {
        folder.list(prefix).unwrap().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn no_key_leads_out_of_the_bucket() {
        let folder = ObjectFolder::open("a-bucket", None).unwrap();
        assert!(folder.path_of("a/b.c/..d").unwrap().ends_with("a-bucket/a/b.c/..d"));
        for key in ["", "/", "a/", "/a", "a//b", ".", "..", "../x", "a/../../x", "a/./b", "a\\b", "a\0"] {
            assert_eq!(folder.path_of(key), None, "{key:?}");
        }
    }

    #[test]
    fn objects_are_listed_in_order_and_deleted_without_a_trace() {
        let folder = ObjectFolder::open("a-bucket", None).unwrap();
        for key in ["b/2", "a", "b/1/x", "bc"] {
            put(&folder, key, key);
        }
        assert_eq!(keys(&folder, ""), ["a", "b/1/x", "b/2", "bc"]);
        assert_eq!(keys(&folder, "b/"), ["b/1/x", "b/2"]);
        assert_eq!(keys(&folder, "b/1"), ["b/1/x"]);
        assert_eq!(keys(&folder, "c"), [""; 0]);
        folder.remove(&folder.path_of("b/1/x").unwrap()).unwrap();
        folder.remove(&folder.path_of("b/1/x").unwrap()).unwrap();
        assert!(!folder.path_of("b/1").unwrap().exists());
        assert_eq!(keys(&folder, "b/"), ["b/2"]);
    }

    #[test]
    fn each_write_has_a_tag_of_its_own() {
        let folder = ObjectFolder::open("a-bucket", None).unwrap();
        let tags: std::collections::BTreeSet<_> = (0..200).map(|_| put(&folder, "a", "same")).collect();
        assert_eq!(tags.len(), 200);
    }

    #[test]
    fn objects_end_after_their_days_and_a_temporary_folder_with_its_owner() {
        let folder = ObjectFolder::open("a-bucket", None).unwrap();
        for key in ["cache/a", "exports/a", "uploads/t/a", "tables/t/1/a.parquet"] {
            put(&folder, key, key);
        }
        let in_days = |days: u32| SystemTime::now() + DAY * days;
        folder.expire(SystemTime::now()).unwrap();
        assert_eq!(keys(&folder, "").len(), 4);
        folder.expire(in_days(2)).unwrap();
        assert_eq!(keys(&folder, ""), ["cache/a", "tables/t/1/a.parquet", "uploads/t/a"]);
        folder.expire(in_days(8)).unwrap();
        assert_eq!(keys(&folder, ""), ["tables/t/1/a.parquet"]);
        let root = folder.root.clone();
        drop(folder);
        assert!(!root.exists());
    }
}
