//! The secrets of the local run, their versions and the labels on them. Kept in a file, or in memory only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{LocalError, private_files};

pub const CURRENT: &str = "AWSCURRENT";
pub const PREVIOUS: &str = "AWSPREVIOUS";
pub const PENDING: &str = "AWSPENDING";

#[derive(Debug, Default)]
pub struct SecretStore {
    file: Option<PathBuf>,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Secret {
    versions: BTreeMap<String, StoredVersion>,
}

/// A version of a secret. A rotation begins with a labelled version that has no value yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StoredVersion {
    pub value: Option<String>,
    pub labels: BTreeSet<String>,
}

/// An entry of the file: a secret with its versions, or one value, as earlier releases wrote it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Value(String),
    Versions { versions: BTreeMap<String, StoredVersion> },
}

impl From<Stored> for Secret {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Versions { versions } => Self { versions },
            Stored::Value(value) => {
                let mut secret = Self::default();
                secret.versions.insert(
                    "first".to_owned(),
                    StoredVersion { value: Some(value), ..StoredVersion::default() },
                );
                secret.label(CURRENT, "first");
                secret
            }
        }
    }
}

/// The reason for a refusal, after the error types of Secrets Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    Exists,
    Parameter,
    NotStored,
}

impl Secret {
    pub fn find(&self, version: Option<&str>, label: &str) -> Option<(&str, &StoredVersion)> {
        let mut found = self.versions.iter().filter(|(_, found)| found.labels.contains(label));
        let (id, found) = match version {
            Some(id) => self.versions.get_key_value(id).filter(|(_, found)| found.labels.contains(label))?,
            None => found.next()?,
        };
        Some((id, found))
    }

    pub fn versions(&self) -> impl Iterator<Item = (&str, &StoredVersion)> {
        self.versions.iter().map(|(id, version)| (id.as_str(), version))
    }

    fn put(&mut self, id: &str, value: &str, label: &str) -> Result<(), Refusal> {
        let version = self.versions.entry(id.to_owned()).or_default();
        match &version.value {
            Some(there) if there != value => return Err(Refusal::Exists),
            _ => version.value = Some(value.to_owned()),
        }
        self.label(label, id);
        Ok(())
    }

    /// Moves a label: each is on one version only. `AWSPREVIOUS` follows `AWSCURRENT`.
    fn label(&mut self, label: &str, id: &str) {
        let before = self.find(None, label).map(|(before, _)| before.to_owned());
        if before.as_deref() == Some(id) {
            return;
        }
        for (other, version) in &mut self.versions {
            if other == id {
                version.labels.insert(label.to_owned());
            } else {
                version.labels.remove(label);
            }
        }
        if let (CURRENT, Some(before)) = (label, &before) {
            self.label(PREVIOUS, before);
        }
        // Secrets Manager deletes versions without labels.
        self.versions.retain(|_, version| !version.labels.is_empty());
    }

    fn move_label(&mut self, label: &str, to: Option<&str>, from: Option<&str>) -> Result<(), Refusal> {
        let before = self.find(None, label).map(|(before, _)| before.to_owned());
        if before.is_some() && before.as_deref() != to && before.as_deref() != from {
            return Err(Refusal::Parameter);
        }
        match to {
            Some(to) if !self.versions.contains_key(to) => return Err(Refusal::NotFound),
            Some(to) => self.label(label, to),
            None => {
                for version in self.versions.values_mut() {
                    version.labels.remove(label);
                }
                self.versions.retain(|_, version| !version.labels.is_empty());
            }
        }
        Ok(())
    }
}

impl SecretStore {
    pub fn open(folder: Option<&Path>) -> Result<Self, LocalError> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let file = folder.join(private_files::SECRETS);
        let unusable = |cause: String| LocalError::Folder { path: file.clone(), cause };
        let secrets = match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|_| unusable("it holds no valid list of secrets".into()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unusable(error.to_string())),
        };
        Ok(Self { secrets: Mutex::new(secrets), file: Some(file) })
    }

    /// The current value.
    pub fn get(&self, name: &str) -> Option<String> {
        self.secret(name)?.find(None, CURRENT)?.1.value.clone()
    }

    /// Stores a value as the current version.
    pub fn put(&self, name: &str, value: &str) -> Result<(), LocalError> {
        let version = vitrine::rules::random::short_id().map_err(LocalError::Random)?;
        self.change(name, |secret| secret.put(&version, value, CURRENT))
            .map_err(|_| LocalError::Services("a secret could not be stored".to_owned()))
    }

    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.secrets().get(name).cloned()
    }

    pub fn put_version(&self, name: &str, id: &str, value: &str, label: &str) -> Result<(), Refusal> {
        self.change(name, |secret| secret.put(id, value, label))
    }

    pub fn move_label(
        &self,
        name: &str,
        label: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Refusal> {
        self.change(name, |secret| secret.move_label(label, to, from))
    }

    /// Labels an empty version as pending, as Secrets Manager does before it calls the rotation function.
    pub fn begin_rotation(&self, name: &str, version: &str) -> Result<(), Refusal> {
        self.change(name, |secret| {
            secret.versions.entry(version.to_owned()).or_default();
            secret.label(PENDING, version);
            Ok(())
        })
    }

    /// Applies a change completely or not at all, in memory and in the file.
    fn change(
        &self,
        name: &str,
        act: impl FnOnce(&mut Secret) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut secrets = self.secrets();
        let mut changed = secrets.clone();
        act(changed.entry(name.to_owned()).or_default())?;
        self.write(&changed).map_err(|_| Refusal::NotStored)?;
        *secrets = changed;
        Ok(())
    }

    fn write(&self, secrets: &BTreeMap<String, Secret>) -> std::io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let text = serde_json::to_string_pretty(secrets)?;
        // Written beside the file and then renamed, so that a crash leaves the old file or the new one.
        let draft = file.with_extension("draft");
        private_files::write(&draft, &text)?;
        fs::rename(&draft, file)
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_kept_in_a_private_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir()
            .join(format!("vitrine-secrets-{}", vitrine::rules::random::short_id().unwrap()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("secrets.json");
        fs::write(&file, r#"{"a": "written before there were versions"}"#).unwrap();
        let store = SecretStore::open(Some(&folder)).unwrap();
        assert_eq!(store.get("a").as_deref(), Some("written before there were versions"));
        fs::remove_file(&file).unwrap();
        store.put("a", "1").unwrap();
        assert_eq!(SecretStore::open(Some(&folder)).unwrap().get("a").as_deref(), Some("1"));
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&file, "oops").unwrap();
        assert!(SecretStore::open(Some(&folder)).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn labels_move_as_on_aws() {
        let store = SecretStore::default();
        store.put_version("a", "one", "1", CURRENT).unwrap();
        store.begin_rotation("a", "two").unwrap();
        assert_eq!(store.put_version("a", "one", "other", PENDING), Err(Refusal::Exists));
        store.put_version("a", "two", "2", PENDING).unwrap();
        assert_eq!(store.move_label("a", CURRENT, Some("two"), Some("three")), Err(Refusal::Parameter));
        assert_eq!(store.move_label("a", CURRENT, Some("none"), Some("one")), Err(Refusal::NotFound));
        assert_eq!(store.get("a").as_deref(), Some("1"));
        store.move_label("a", CURRENT, Some("two"), Some("one")).unwrap();
        assert_eq!(store.get("a").as_deref(), Some("2"));
        let secret = store.secret("a").unwrap();
        assert_eq!(secret.find(None, PREVIOUS).unwrap().0, "one");
        store.move_label("a", PENDING, None, Some("two")).unwrap();
        assert!(store.secret("a").unwrap().find(None, PENDING).is_none());
    }
}
