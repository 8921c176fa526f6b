//! Files that hold secrets: the folder and everything in it are accessible to their owner only.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::LocalError;

pub const TABLE: &str = "dynamodb.sqlite";
pub const SECRETS: &str = "secrets.json";
pub const ENVIRONMENT: &str = "watch.env";
/// A folder, with permissions of its own.
pub const OBJECTS: &str = "objects";

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Creates the folder, or makes an existing one private together with the files that an earlier version left in it.
/// A folder that others can read and that holds other things is refused rather than changed.
pub fn open_folder(folder: &Path) -> Result<(), LocalError> {
    let unusable = |cause: String| LocalError::Folder { path: folder.to_owned(), cause };
    let failed = |error: io::Error| unusable(error.to_string());
    create_folders(folder).map_err(failed)?;
    let names = entries(folder).map_err(failed)?;
    if mode(folder).map_err(failed)? & 0o077 != 0 {
        if let Some(other) = names.iter().find(|name| !is_ours(name)) {
            let cause =
                format!("others can read it, and it holds `{other}`; name an empty or private folder");
            return Err(unusable(cause));
        }
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(failed)?;
    }
    for name in names.iter().filter(|name| is_ours(name)) {
        fs::set_permissions(folder.join(name), Permissions::from_mode(FILE_MODE)).map_err(failed)?;
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode())
}

/// True for our files and for those that `SQLite` or a rewrite puts beside them.
fn is_ours(name: &str) -> bool {
    name.starts_with(TABLE) || [SECRETS, "secrets.draft", ENVIRONMENT].contains(&name)
}

/// Creates an empty private file where there is none. `SQLite` gives the files beside its database the same mode.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path)
}

/// Creates a private folder, and the private folders that it is in.
pub fn create_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Options that create a private file, or empty an earlier one.
pub fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(FILE_MODE);
    options
}

/// Writes a private file whole, in place of an earlier one.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    to_write().open(path)?.write_all(content.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(mode: u32) -> std::path::PathBuf {
        let name = format!("vitrine-private-{}", vitrine::rules::random::short_id().unwrap());
        let folder = std::env::temp_dir().join(name);
        DirBuilder::new().mode(mode).create(&folder).unwrap();
        folder
    }

    #[test]
    fn what_an_earlier_version_left_readable_becomes_private() {
        let folder = folder(0o755);
        for name in [TABLE, "dynamodb.sqlite-wal", SECRETS] {
            fs::write(folder.join(name), "").unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        open_folder(&folder).unwrap();
        assert_eq!(mode(&folder).unwrap() & 0o777, 0o700);
        for name in [TABLE, "dynamodb.sqlite-wal", SECRETS] {
            assert_eq!(mode(&folder.join(name)).unwrap() & 0o777, 0o600, "{name}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_shared_with_other_things_is_not_changed() {
        let shared = folder(0o755);
        fs::write(shared.join("letter.txt"), "").unwrap();
        assert!(open_folder(&shared).unwrap_err().to_string().contains("letter.txt"));
        assert_eq!(mode(&shared).unwrap() & 0o777, 0o755);
        // A private one may hold whatever its owner put there.
        fs::set_permissions(&shared, Permissions::from_mode(0o700)).unwrap();
        open_folder(&shared).unwrap();
        fs::remove_dir_all(shared).unwrap();
    }
}
