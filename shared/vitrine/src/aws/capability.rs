//! Capabilities: the types through which a function reaches AWS.
//!
//! A function's state names its capabilities, and nothing else reaches AWS. Each capability knows the
//! actions that it needs, so the grants of the state are the function's IAM policy: a test compares them with
//! the template, and the local run enforces them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use vitrine_rules::clock::Clock;
use vitrine_rules::settings::Settings;

use crate::aws::background::BackgroundTasks;
use crate::aws::environment::Environment;

/// A resource of the deployment that functions use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsResource {
    /// The logical id in the template; for an index of a table, `Table/index/NAME`.
    pub logical_id: &'static str,
    /// The environment variable that holds its name or ARN.
    pub variable: &'static str,
}

impl AwsResource {
    /// The grant of one action on this resource.
    pub const fn allow(self, action: &'static str) -> Grant {
        Grant { action, on: self, items: None }
    }

    /// The items of this table whose partition key matches `pattern`, or the objects of this bucket whose key does:
    /// the key itself, or a prefix followed by `*`.
    pub const fn items(self, pattern: &'static str) -> KeyPattern {
        KeyPattern { of: self, pattern }
    }
}

/// Some of the items of a table, or some of the objects of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPattern {
    of: AwsResource,
    pattern: &'static str,
}

impl KeyPattern {
    /// The grant of one action on these items. Writes are granted in this way, so that a function that can create a
    /// session cannot create an access key.
    pub const fn allow(self, action: &'static str) -> Grant {
        Grant { action, on: self.of, items: Some(self.pattern) }
    }
}

/// Several actions on several sets of items.
pub fn allow_all(items: &[KeyPattern], actions: &[&'static str]) -> BTreeSet<Grant> {
    items.iter().flat_map(|items| actions.iter().map(|action| items.allow(action))).collect()
}

/// One action on one resource, or on some items of one table or bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    pub action: &'static str,
    pub on: AwsResource,
    /// The pattern of the keys; none for the whole resource.
    pub items: Option<&'static str>,
}

impl Grant {
    /// Returns whether this grant allows `action` on `resource`: for a table on the item with the partition key `item`,
    /// for a bucket on the object with that key.
    pub fn covers(&self, action: &str, resource: AwsResource, item: Option<&str>) -> bool {
        self.action == action
            && self.on == resource
            && self.items.is_none_or(|pattern| {
                item.is_some_and(|item| match pattern.strip_suffix('*') {
                    Some(prefix) => item.starts_with(prefix),
                    None => item == pattern,
                })
            })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.on.logical_id)?;
        self.items.map_or(Ok(()), |items| write!(f, " with the key {items}"))
    }
}

pub trait Capability: Sized {
    fn grants() -> BTreeSet<Grant>;

    fn connect(environment: &Environment) -> Self;

    /// Prepares the first request before it arrives. A failure here is only logged.
    fn warm(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Declares a capability that consists of others.
#[macro_export]
macro_rules! capability_set {
    ($(#[$attribute:meta])* pub struct $state:ident { $($field:ident: $capability:ty),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone)]
        pub struct $state { $($field: $capability),+ }

        impl $crate::aws::capability::Capability for $state {
            fn grants() -> ::std::collections::BTreeSet<$crate::aws::capability::Grant> {
                let mut grants = ::std::collections::BTreeSet::new();
                $(grants.extend(<$capability as $crate::aws::capability::Capability>::grants());)+
                grants
            }

            fn connect(environment: &$crate::aws::environment::Environment) -> Self {
                Self { $($field: <$capability as $crate::aws::capability::Capability>::connect(environment)),+ }
            }

            async fn warm(&self) {
                $crate::macros::tokio::join!($($crate::aws::capability::Capability::warm(&self.$field)),+);
            }
        }
    };
}

/// Declares a function's state. Handlers can extract any single capability of it.
#[macro_export]
macro_rules! function_state {
    ($(#[$attribute:meta])* pub struct $state:ident { $($field:ident: $capability:ty),+ $(,)? }) => {
        $crate::capability_set! {
            /// The capabilities of this function.
            pub struct Capabilities { $($field: $capability),+ }
        }

        $(#[$attribute])*
        /// Shared: each request takes a copy, and some take several.
        #[derive(Clone)]
        pub struct $state(::std::sync::Arc<Capabilities>);

        impl ::std::ops::Deref for $state {
            type Target = Capabilities;

            fn deref(&self) -> &Capabilities {
                &self.0
            }
        }

        impl $crate::aws::capability::Capability for $state {
            fn grants() -> ::std::collections::BTreeSet<$crate::aws::capability::Grant> {
                <Capabilities as $crate::aws::capability::Capability>::grants()
            }

            fn connect(environment: &$crate::aws::environment::Environment) -> Self {
                Self(::std::sync::Arc::new($crate::aws::capability::Capability::connect(environment)))
            }

            async fn warm(&self) {
                $crate::aws::capability::Capability::warm(&*self.0).await;
            }
        }

        $(
            impl $crate::macros::FromRef<$state> for $capability {
                fn from_ref(state: &$state) -> Self {
                    ::std::clone::Clone::clone(&state.$field)
                }
            }
        )+
    };
}

impl Capability for Arc<Settings> {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::new()
    }

    fn connect(environment: &Environment) -> Self {
        Self::clone(&environment.settings)
    }
}

impl Capability for BackgroundTasks {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::new()
    }

    fn connect(environment: &Environment) -> Self {
        environment.process.background.clone()
    }
}

impl Capability for Clock {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::new()
    }

    fn connect(environment: &Environment) -> Self {
        environment.clock.clone()
    }
}
