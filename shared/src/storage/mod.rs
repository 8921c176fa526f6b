//! What is kept, in one DynamoDB table. Each repository owns its items; each of its capabilities is one
//! way of using them, with the actions it needs.

pub mod access_keys;
pub mod accounts;
pub mod connection;
pub mod cursor;
pub mod decisions;
pub mod definitions;
mod document;
pub mod evidence;
pub mod external_users;
pub mod key_uses;
pub mod registry;
pub mod resources;
pub mod sessions;
mod shelf;
pub mod switch;
mod table;
pub mod tenants;
mod transaction;
pub mod versions;

pub use access_keys::{AccessKeyReader, AccessKeyWriter};
pub use accounts::{AccountReader, AccountWriter};
pub use connection::{Connection, Paging};
pub use decisions::{DecisionReader, DecisionWriter};
pub use definitions::{DefinitionReader, DefinitionWriter};
pub use evidence::{EvidenceReader, Sought};
pub use external_users::{ExternalUserLister, ExternalUserReader, ExternalUserRemover};
pub use key_uses::{KeyMeter, KeyUse, KeyUses};
pub use registry::Registry;
pub use resources::{ResourceLister, ResourceReader, ResourceWriter};
pub use sessions::{SessionEnder, SessionStarter};
pub use switch::{SwitchReader, SwitchWriter};
pub use tenants::{TenantReader, TenantWriter};
pub use versions::VersionReader;

/// The names that the template gives to the table's parts.
pub mod schema {
    pub const PARTITION: &str = "pk";
    pub const SORT: &str = "sk";
    pub const TTL: &str = "ttl";

    /// Every resource, in order.
    pub const CATALOG: &str = "catalog";
    /// Only what is published and not archived: as long as a resource is neither, it is not in here.
    pub const EMBEDDABLE: &str = "embeddable";
    /// External users, by tenant.
    pub const DIRECTORY: &str = "directory";
    /// What all indexes sort by.
    pub const POSITION: &str = "position";

    /// What a list of users shows and is searched by, and so what `directory` carries.
    pub const DIRECTED: [&str; 3] = ["document", "search", "tenant_groups"];

    /// What a list shows of a resource, and so what its two indexes carry.
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
}
