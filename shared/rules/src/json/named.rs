//! Objects with names of the caller's choice.

use std::collections::BTreeMap;
use std::ops::Deref;

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, Map, MergeWithError, ValueKind, ValuePointerRef,
    take_cf_content,
};
use serde::{Deserialize, Serialize};

use crate::json::input::Invalid;

/// A map by name. Unlike deserr's own it reports entries that it cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Named<T>(pub BTreeMap<String, T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Deref for Named<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Deserr<Invalid>> Deserr<Invalid> for Named<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Invalid> {
        let deserr::Value::Map(map) = value else {
            return Err(take_cf_content(Invalid::error(
                None,
                ErrorKind::IncorrectValueKind { actual: value, accepted: &[ValueKind::Map] },
                location,
            )));
        };
        let mut named = BTreeMap::new();
        let mut invalid = None;
        for (name, value) in map.into_iter() {
            let location = location.push_key(&name);
            match T::deserialize_from_value(value.into_value(), location) {
                Ok(value) => {
                    named.insert(name, value);
                }
                Err(error) => invalid = Some(take_cf_content(Invalid::merge(invalid, error, location))),
            }
        }
        invalid.map_or(Ok(Self(named)), Err)
    }
}
