//! Switches embedding on or off for the whole stack.

use secrecy::SecretString;

use crate::aws::signing_keys::replace::SigningKeyWriter;
use crate::aws::storage::EmbeddingSwitchWriter;
use vitrine_rules::error::Result;
use vitrine_rules::random;

crate::capability_set! {
    pub struct EmbeddingSwitch {
        switch: EmbeddingSwitchWriter,
        keys: SigningKeyWriter,
    }
}

impl EmbeddingSwitch {
    /// Sets the switch. Switching on creates a signing key if there is none.
    pub async fn set(&self, on: bool) -> Result<()> {
        if on && self.keys.current().await?.is_none() {
            self.keys.replace(SecretString::from(random::hex_secret()?)).await?;
        }
        self.switch.set(on).await
    }
}
