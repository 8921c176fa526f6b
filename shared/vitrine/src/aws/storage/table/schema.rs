//! The names that the template gives to the table's attributes and indexes.

pub const PARTITION: &str = "pk";
pub const SORT: &str = "sk";
pub const TTL: &str = "ttl";

/// Every resource, in order.
pub const CATALOG: &str = "catalog";
/// Only what is published and not archived: as long as a resource is neither, it is not in here.
pub const EMBEDDABLE: &str = "embeddable";
/// External users, by tenant.
pub const DIRECTORY: &str = "directory";
/// The sort key of all indexes.
pub const POSITION: &str = "position";

/// The attributes in `directory`: those that a list of users shows or searches.
pub const DIRECTED: [&str; 3] = ["document", "search", "tenant_groups"];

/// The attributes in the resource indexes: those that a list shows.
pub const LISTED: [&str; 11] = [
    "kind",
    "id",
    "entity_id",
    "public_id",
    "title",
    "description",
    "enable_embedding",
    "archived",
    "deployment",
    "created_at",
    "updated_at",
];
