//! The identity of a file's content.

use object_store::ObjectMeta;

/// One version of a file, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileVersion {
    /// The store as it shows itself: the bucket, or the folder.
    pub store: String,
    pub location: String,
    pub tag: String,
    pub size: u64,
}

impl FileVersion {
    /// The version of `object` in the store of this name, or `None` if nothing tells versions apart.
    pub fn new(store: &str, object: &ObjectMeta) -> Option<Self> {
        Some(Self {
            store: store.to_owned(),
            location: object.location.to_string(),
            tag: object.e_tag.clone()?,
            size: object.size,
        })
    }

    /// Memory of the name.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.store.len() + self.location.len() + self.tag.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_tag_has_no_version() {
        let mut object = ObjectMeta {
            location: "a".into(),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: 10,
            e_tag: Some("\"1\"".into()),
            version: None,
        };
        let version = FileVersion::new("s3://a", &object).unwrap();
        assert_eq!((version.location.as_str(), version.tag.as_str(), version.size), ("a", "\"1\"", 10));
        object.e_tag = None;
        assert_eq!(FileVersion::new("s3://a", &object), None);
    }
}
