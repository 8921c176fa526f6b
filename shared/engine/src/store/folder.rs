//! Tables in a folder of this machine.

use std::path::Path as FolderPath;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use crate::error::{EngineError, QueryFailure};

/// The store over `folder`. Nothing outside of the folder can be named.
pub fn open(folder: &FolderPath) -> Result<Arc<dyn ObjectStore>, EngineError> {
    match LocalFileSystem::new_with_prefix(folder) {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) => Err(EngineError::new(QueryFailure::Unavailable, error.to_string())),
    }
}

/// The Parquet files below `prefix` as they are now, each with its size and tag.
pub async fn list(store: &dyn ObjectStore, prefix: &Path) -> Result<Vec<ObjectMeta>, EngineError> {
    let found = find(store, prefix).await;
    found.map_err(|error| EngineError::new(QueryFailure::Unavailable, error.to_string()))
}

/// The same, with the store's own error.
pub async fn find(store: &dyn ObjectStore, prefix: &Path) -> object_store::Result<Vec<ObjectMeta>> {
    let mut found: Vec<ObjectMeta> = store.list(Some(prefix)).try_collect().await?;
    found.retain(|object| object.location.extension() == Some("parquet"));
    found.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(found)
}
