//! Removes an access key over which the caller has control.

use crate::aws::storage::{AccessKeyReader, AccessKeyWriter};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::resource::ids::is_public_id;

crate::capability_set! {
    pub struct AccessKeyRemover {
        reader: AccessKeyReader,
        keys: AccessKeyWriter,
    }
}

impl AccessKeyRemover {
    /// Removes a key. The next request with it is refused, and so is the next of each session that stands for it.
    pub async fn remove(&self, caller: &AccessKey, id: &str) -> Result<()> {
        if !is_public_id(id) {
            return Err(Reason::KeyNotFound.into());
        }
        let found = self.reader.find(id).await?.filter(|key| caller.reach.includes(&key.reach));
        caller.require_control(&found.ok_or(Reason::KeyNotFound)?)?;
        self.keys.delete(id).await
    }
}
