//! Storage in one DynamoDB table. Each file owns its items; each of its capabilities is one way of using them,
//! with the actions it needs.

pub mod access_keys;
pub mod cached;
pub mod definitions;
pub mod dive_versions;
pub mod embedding_switch;
mod ephemeral_count;
pub mod external_users;
pub mod key_sessions;
pub mod refusal_records;
pub mod resources;
pub mod service_accounts;
pub mod sessions;
pub mod sign_in_attempts;
pub mod sources;
pub mod table;
pub mod table_uses;
pub mod tables;
pub mod tenants;
pub mod uploads;
pub mod user_directory;

pub use access_keys::{AccessKeyReader, AccessKeyWriter};
pub use cached::evidence::{EvidenceKeys, EvidenceReader};
pub use definitions::{DefinitionReader, DefinitionWriter};
pub use dive_versions::DiveVersionReader;
pub use embedding_switch::{EmbeddingSwitchReader, EmbeddingSwitchWriter};
pub use external_users::{ExternalUserLister, ExternalUserReader, ExternalUserRemover};
pub use key_sessions::{KeySessionReader, KeySessionWriter};
pub use refusal_records::{RefusalRecordReader, RefusalRecordWriter};
pub use resources::{ResourceLister, ResourceReader, ResourceWriter};
pub use service_accounts::{AccountReader, AccountWriter};
pub use sessions::{SessionEnder, SessionReader, SessionStarter};
pub use sign_in_attempts::SignInAttempts;
pub use sources::{SourceReader, SourceWriter};
pub use table_uses::TableUses;
pub use tables::{TableReader, TableVersionReader, TableWriter};
pub use tenants::{TenantReader, TenantWriter};
pub use uploads::{UploadReader, UploadWriter};
pub use user_directory::UserDirectory;
