//! The requirement of each route on the caller's access key, read from the types of its handler's arguments.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::HeaderMap;

use super::caller::{Allowed, Need};
use super::{AllowedOrSigned, HttpResult, Json, Query, TolerantJson};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::Result;
use vitrine_rules::permission::Permission;

/// The least that a caller's access key must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    AnyKey,
    Permission(Permission),
    Admin,
    /// An admin of the whole stack. A key that is limited to deployments has no access to things that belong to none.
    StackAdmin,
}

impl Requirement {
    pub fn check(self, key: &AccessKey) -> Result<()> {
        match self {
            Self::AnyKey => Ok(()),
            Self::Permission(permission) => key.require(permission),
            Self::Admin => key.require_admin(),
            Self::StackAdmin => {
                key.require_admin()?;
                key.reach.require_stack()
            }
        }
    }

    /// The word for it in the API description; none if every key will do.
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::AnyKey => None,
            Self::Permission(permission) => Some(permission.word()),
            Self::Admin => Some("admin"),
            Self::StackAdmin => Some("admin:stack"),
        }
    }
}

/// An argument of a handler. Every type of argument is listed here, so that no route is described with less than it
/// requires.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known as an argument of handlers: list it in http/requirement.rs"
)]
pub trait Argument {
    const REQUIRES: Option<Requirement> = None;
}

impl<N: Need> Argument for Allowed<N> {
    const REQUIRES: Option<Requirement> = Some(N::REQUIRES);
}

impl<N: Need> Argument for AllowedOrSigned<N> {
    const REQUIRES: Option<Requirement> = Some(N::REQUIRES);
}

/// A key that is not needed; the description names it as one of several ways.
impl<N: Need> Argument for Option<Allowed<N>> {}

impl Argument for HeaderMap {}
impl Argument for RawQuery {}
impl Argument for Request {}
impl<T> Argument for Extension<T> {}
impl<T> Argument for State<T> {}
impl<T> Argument for Path<T> {}
impl<T> Argument for std::result::Result<Path<T>, PathRejection> {}
impl<T> Argument for Query<T> {}
impl<T, const LIMIT: usize> Argument for Json<T, LIMIT> {}
/// A body that is looked at after the credential.
impl<T, const LIMIT: usize> Argument for HttpResult<Json<T, LIMIT>> {}
impl<T> Argument for TolerantJson<T> {}

/// All arguments of a handler, as axum's `Handler` lists them: behind a marker.
pub trait Arguments {
    const REQUIRES: Option<Requirement>;
}

impl Arguments for ((),) {
    const REQUIRES: Option<Requirement> = None;
}

macro_rules! arguments {
    ($($argument:ident)+) => {
        impl<M, $($argument: Argument),+> Arguments for (M, $($argument,)+) {
            const REQUIRES: Option<Requirement> = first(&[$($argument::REQUIRES),+]);
        }
    };
}

arguments! { A }
arguments! { A B }
arguments! { A B C }
arguments! { A B C D }
arguments! { A B C D E }
arguments! { A B C D E F }

const fn first(requirements: &[Option<Requirement>]) -> Option<Requirement> {
    let mut index = 0;
    while index < requirements.len() {
        if requirements[index].is_some() {
            return requirements[index];
        }
        index += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::caller::{Admin, Anybody, WriteResources};

    fn of<T: Arguments>() -> Option<Requirement> {
        T::REQUIRES
    }

    #[test]
    fn a_route_requires_what_its_arguments_say() {
        assert_eq!(of::<((),)>(), None);
        assert_eq!(of::<((), HeaderMap, RawQuery)>(), None);
        assert_eq!(of::<((), Allowed<Anybody>)>(), Some(Requirement::AnyKey));
        assert_eq!(of::<((), State<()>, Allowed<Admin>, RawQuery)>(), Some(Requirement::Admin));
        let write = Requirement::Permission(Permission::ResourcesWrite);
        assert_eq!(of::<((), Allowed<WriteResources>, Path<String>)>(), Some(write));
    }
}
