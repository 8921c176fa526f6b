//! The reach of a caller: the part of the stack that an access key may know of and change.
//!
//! This is the only place that compares a caller's deployments with anything. Three rules follow from it:
//!
//! - **A stored thing outside of the reach does not exist** for the caller. [`Reach::see`] hides it before
//!   anything else is decided, so that every answer is the one for an absent thing.
//! - **A deployment that the caller names** must be within the reach, else the answer is the same 403 whether
//!   there is such a deployment or not: [`Reach::enter`].
//! - **A thing that belongs to no deployment**, such as a user, a tenant or a setting, is changed by callers that
//!   reach the whole stack only: [`Reach::require_stack`].

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason, Result};
use crate::resource::Resource;
use crate::resource::ids::Deployment;
use crate::settings::Settings;

/// The deployments that a caller is limited to. It is written as a list, of which the empty one means the whole stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reach(BTreeSet<Deployment>);

/// A stored thing that belongs to one deployment.
pub trait Placed {
    fn deployment(&self) -> Deployment;
}

impl Placed for Resource {
    fn deployment(&self) -> Deployment {
        self.deployment
    }
}

impl<T: Placed> Placed for Arc<T> {
    fn deployment(&self) -> Deployment {
        (**self).deployment()
    }
}

impl Reach {
    /// The most deployments that a key can be limited to, so that a list can be read for all of them at once.
    pub const MAX_DEPLOYMENTS: usize = 100;

    /// The whole stack.
    pub const fn stack() -> Self {
        Self(BTreeSet::new())
    }

    /// These deployments, or the whole stack if none is named.
    pub fn of(deployments: impl IntoIterator<Item = Deployment>) -> Self {
        Self(deployments.into_iter().collect())
    }

    pub fn is_stack(&self) -> bool {
        self.0.is_empty()
    }

    pub fn covers(&self, deployment: Deployment) -> bool {
        self.is_stack() || self.0.contains(&deployment)
    }

    /// A stored thing, if the caller may know of it.
    pub fn see<T: Placed>(&self, found: Option<T>) -> Option<T> {
        found.filter(|found| self.covers(found.deployment()))
    }

    /// Refuses a deployment that the caller named and does not reach.
    pub fn enter(&self, deployment: Deployment) -> Result<()> {
        if self.covers(deployment) {
            Ok(())
        } else {
            Err(Error::new(Reason::AccessDenied)
                .detail(format_args!("deployment {deployment} is outside of the key's scope")))
        }
    }

    /// Refuses everyone who is limited to deployments.
    pub fn require_stack(&self) -> Result<()> {
        if self.is_stack() {
            Ok(())
        } else {
            Err(Error::new(Reason::AccessDenied).detail("the key is limited to deployments"))
        }
    }

    /// The stack's deployments that the caller reaches, in the stack's order.
    pub fn reachable<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = Deployment> + 'a {
        settings.deployments.iter().copied().filter(|deployment| self.covers(*deployment))
    }

    /// The deployment of a new thing: the named one, or else the first that the caller reaches.
    pub fn place(&self, named: Option<Deployment>, settings: &Settings) -> Result<Deployment> {
        let Some(named) = named else {
            let first = self.reachable(settings).next();
            return first.ok_or_else(|| {
                Error::new(Reason::AccessDenied).detail("the key is limited to deployments that are gone")
            });
        };
        self.enter(named)?;
        if settings.deployments.contains(&named) {
            Ok(named)
        } else {
            Err(Error::invalid("deployment", "is not one of this stack's deployments"))
        }
    }

    /// Returns whether everything within `other` is within this reach too.
    pub fn includes(&self, other: &Self) -> bool {
        self.is_stack() || (!other.is_stack() && other.0.is_subset(&self.0))
    }

    /// Returns whether the stack has all of the deployments.
    pub fn is_within(&self, settings: &Settings) -> bool {
        self.0.iter().all(|deployment| settings.deployments.contains(deployment))
    }

    /// The deployments to filter a list by. None: no filter, because the caller reaches the whole stack.
    pub fn filter(&self) -> Option<impl ExactSizeIterator<Item = Deployment> + Clone + '_> {
        (!self.is_stack()).then(|| self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reach(deployments: &[u32]) -> Reach {
        Reach::of(deployments.iter().map(|number| deployment(*number)))
    }

    fn deployment(number: u32) -> Deployment {
        Deployment::new(number).unwrap()
    }

    struct Thing(u32);

    impl Placed for Thing {
        fn deployment(&self) -> Deployment {
            deployment(self.0)
        }
    }

    /// Each reach with a deployment, and whether it covers that.
    #[test]
    fn a_scope_covers_its_deployments_and_the_stack_covers_all() {
        let cases = [
            (&[][..], 1, true),
            (&[], 9, true),
            (&[1], 1, true),
            (&[1], 2, false),
            (&[1, 2], 2, true),
            (&[1, 2], 3, false),
        ];
        for (own, number, covers) in cases {
            let own = reach(own);
            assert_eq!(own.covers(deployment(number)), covers, "{own:?} {number}");
            assert_eq!(own.see(Some(Thing(number))).is_some(), covers, "{own:?} {number}");
            let entered = own.enter(deployment(number)).map_err(|error| error.reason);
            assert_eq!(entered, if covers { Ok(()) } else { Err(Reason::AccessDenied) });
        }
        assert!(reach(&[]).see(None::<Thing>).is_none());
        assert!(reach(&[]).require_stack().is_ok());
        assert_eq!(reach(&[1]).require_stack().unwrap_err().reason, Reason::AccessDenied);
    }

    /// Each reach with the named deployment, and the place of a new thing in a stack of 1, 2 and 3.
    #[test]
    fn a_new_thing_is_placed_where_its_maker_reaches() {
        let settings = Settings { deployments: [1, 2, 3].map(deployment).into(), ..Settings::default() };
        let cases = [
            (&[][..], None, Ok(1)),
            (&[], Some(3), Ok(3)),
            (&[], Some(9), Err(Reason::RequestInvalid)),
            (&[2], None, Ok(2)),
            (&[2], Some(2), Ok(2)),
            (&[2], Some(1), Err(Reason::AccessDenied)),
            (&[2], Some(9), Err(Reason::AccessDenied)),
            (&[3, 2], None, Ok(2)),
            (&[9], None, Err(Reason::AccessDenied)),
            (&[9], Some(9), Err(Reason::RequestInvalid)),
        ];
        for (own, named, expected) in cases {
            let placed = reach(own).place(named.map(deployment), &settings);
            let placed = placed.map_err(|error| error.reason);
            assert_eq!(placed, expected.map(deployment), "{own:?} {named:?}");
        }
    }

    /// Pairs of reaches, and whether the first includes the second.
    #[test]
    fn a_scope_includes_its_parts() {
        let cases = [
            (&[][..], &[][..], true),
            (&[], &[1], true),
            (&[1, 2], &[2], true),
            (&[1], &[1], true),
            (&[1], &[], false),
            (&[1], &[2], false),
            (&[1], &[1, 2], false),
        ];
        for (own, other, includes) in cases {
            assert_eq!(reach(own).includes(&reach(other)), includes, "{own:?} {other:?}");
        }
    }

    #[test]
    fn it_is_stored_as_a_list_without_repetitions() {
        let read: Reach = serde_json::from_value(json!([2, 1, 2])).unwrap();
        assert_eq!(read, reach(&[1, 2]));
        assert_eq!(json!(read), json!([1, 2]));
        assert_eq!(json!(Reach::stack()), json!([]));
        assert!(Reach::stack().filter().is_none());
        assert_eq!(read.filter().map(|listed| listed.len()), Some(2));
    }
}
