//! A serialization export: a folder of YAML files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::source::{ForeignContent, ForeignItem, key_of};
use crate::LocalError;

/// Larger files hold no card.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// The deepest folder that is read.
const DEPTH: usize = 32;

/// Reads all files of a folder and of those in it.
pub fn read(folder: &Path) -> Result<ForeignContent, LocalError> {
    let mut source = ForeignContent::default();
    let mut files = 0_usize;
    let mut folders = BTreeMap::new();
    walk(folder, 0, &mut |path, text| {
        let Some((model, document)) = of_file(path, text)? else { return Ok(()) };
        files += 1;
        let Value::Object(document) = document else { return Ok(()) };
        match model.as_str() {
            "Card" => source.cards.extend(ForeignItem::of(document)),
            "Dashboard" => source.dashboards.extend(ForeignItem::of(document)),
            "Collection" => {
                let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                let parent = document.get("parent_id").and_then(key_of);
                folders.extend(document.get("entity_id").and_then(key_of).map(|key| (key, (name, parent))));
            }
            "NativeQuerySnippet" => {
                let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
                source.snippets.extend(text("name").zip(text("content")));
            }
            _ => {}
        }
        Ok(())
    })?;
    if files == 0 {
        return Err(LocalError::Import(format!(
            "{} holds no serialization export: YAML files with `serdes/meta`. Unpack an archive first",
            folder.display()
        )));
    }
    source.collections = folders.keys().map(|key| (key.clone(), path_of(key, &folders))).collect();
    Ok(source)
}

/// The name of a collection after those of the collections around it.
fn path_of(key: &str, folders: &BTreeMap<String, (String, Option<String>)>) -> String {
    let (mut names, mut next) = (Vec::new(), Some(key));
    while let Some((name, parent)) = next.and_then(|key| folders.get(key)).filter(|_| names.len() < DEPTH) {
        names.insert(0, name.as_str());
        next = parent.as_deref();
    }
    names.join(" / ")
}

type Visit<'v> = dyn FnMut(&Path, &str) -> Result<(), LocalError> + 'v;

/// Visits the YAML files in the order of their names. Links are not followed.
fn walk(folder: &Path, depth: usize, visit: &mut Visit) -> Result<(), LocalError> {
    let failed =
        |error: std::io::Error| LocalError::Import(format!("{} cannot be read: {error}", folder.display()));
    let mut entries =
        std::fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() && depth < DEPTH {
            walk(&path, depth + 1, visit)?;
        }
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let is_small = entry.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST_FILE);
        if kind.is_file() && is_yaml && is_small {
            visit(&path, &std::fs::read_to_string(&path).map_err(failed)?)?;
        }
    }
    Ok(())
}

/// The document in a file and its model; none for a file of another kind.
fn of_file(path: &Path, text: &str) -> Result<Option<(String, Value)>, LocalError> {
    if !text.contains("serdes/meta") {
        return Ok(None);
    }
    let document: Value = yaml_serde::from_str(text)
        .map_err(|error| LocalError::Import(format!("{} is no valid YAML: {error}", path.display())))?;
    let model =
        document["serdes/meta"].as_array().and_then(|path| path.last()?["model"].as_str().map(str::to_owned));
    Ok(model.map(|model| (model, document)))
}
