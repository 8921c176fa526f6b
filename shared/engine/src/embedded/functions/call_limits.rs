//! The limits of one query's calls, where its functions find them.

use std::any::Any;

use datafusion::common::Result;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::not_impl_err;
use vitrine_rules::query::limits::FunctionLimits;

/// A part of a context's configuration. No statement can change it.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits(pub FunctionLimits);

impl CallLimits {
    /// The limits of the query that `options` belong to; the defaults without any.
    pub fn of(options: &ConfigOptions) -> FunctionLimits {
        options.extensions.get::<Self>().map(|limits| limits.0).unwrap_or_default()
    }
}

impl ConfigExtension for CallLimits {
    const PREFIX: &'static str = "calls";
}

impl ExtensionOptions for CallLimits {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(*self)
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        not_impl_err!("The limit {key} is set by the stack.")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
