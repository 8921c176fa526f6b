//! Definitions of the whole stack for its external users: attributes and groups.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::ReturnValue;

use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::schema::SORT;
use super::table::{DynamoTable, Item, key, text, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::viewer::attribute::AttributeDefinition;

const ATTRIBUTES: &str = "attributes";
const GROUPS: &str = "groups";
pub(super) const TYPE: &str = "attribute_type";

/// The item of an attribute's definition, of the stack or of a tenant. It may only replace one of the same type.
pub(super) fn attribute_item(place: Item, definition: &AttributeDefinition) -> Result<Item> {
    let mut item = place;
    document::write(&mut item, definition)?;
    item.insert(TYPE.to_owned(), text(definition.kind.to_string()));
    Ok(item)
}

pub(super) const SAME_TYPE: &str = "attribute_not_exists(pk) OR attribute_type = :type";

pub(super) fn attribute_of(item: &Item) -> Result<AttributeDefinition> {
    document::read(item, "attribute")
}

fn group_of(item: &Item) -> Result<String> {
    text_of(item, SORT).map(str::to_owned).ok_or_else(|| unreadable("group"))
}

/// Reads definitions.
#[derive(Debug, Clone)]
pub struct DefinitionReader(DynamoTable);

impl Capability for DefinitionReader {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors([TABLE.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl DefinitionReader {
    pub async fn all_attributes(&self) -> Result<Vec<AttributeDefinition>> {
        self.0.all(ATTRIBUTES).await?.iter().map(attribute_of).collect()
    }

    pub async fn all_groups(&self) -> Result<BTreeSet<String>> {
        self.0.all(GROUPS).await?.iter().map(group_of).collect()
    }

    /// A page of the attributes that the caller `wants`.
    pub async fn attributes(
        &self,
        paging: &Paging,
        wants: impl Fn(&AttributeDefinition) -> bool,
    ) -> Result<Page<AttributeDefinition>> {
        let read = |item| attribute_of(&item).map(|definition| Some(definition).filter(&wants));
        Range::of(&self.0, ATTRIBUTES).page(paging, read).await
    }

    pub async fn groups(&self, paging: &Paging) -> Result<Page<String>> {
        Range::of(&self.0, GROUPS).page(paging, |item| group_of(&item).map(Some)).await
    }
}

/// The outcome of a definition: new, or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defined {
    New,
    Again,
}

/// Creates, changes and removes definitions.
#[derive(Debug, Clone)]
pub struct DefinitionWriter(DynamoTable);

impl Capability for DefinitionWriter {
    fn grants() -> BTreeSet<Grant> {
        allow_all(
            &[ATTRIBUTES, GROUPS].map(|partition| TABLE.items(partition)),
            &["dynamodb:PutItem", "dynamodb:DeleteItem"],
        )
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl DefinitionWriter {
    /// Defines an attribute, or changes anything of it but its type.
    pub async fn put_attribute(&self, definition: &AttributeDefinition) -> Result<Defined> {
        let sent = self
            .0
            .put(attribute_item(key(ATTRIBUTES, &definition.name), definition)?)
            .condition_expression(SAME_TYPE)
            .expression_attribute_values(":type", text(definition.kind.to_string()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        let answer = sent.if_condition_held("PutItem")?.ok_or_else(|| {
            let message = format!("User attribute {}: cannot change type", definition.name);
            Error::new(Reason::AttributeTypeChanged).message(message)
        })?;
        Ok(defined(answer.attributes.as_ref()))
    }

    pub async fn put_group(&self, name: &str) -> Result<Defined> {
        let put = self.0.put(key(GROUPS, name)).return_values(ReturnValue::AllOld);
        let answer = put.send().await.or_unavailable("PutItem")?;
        Ok(defined(answer.attributes.as_ref()))
    }

    /// Removes a definition, or [`Reason::AttributeNotFound`].
    pub async fn delete_attribute(&self, name: &str) -> Result<()> {
        self.remove(ATTRIBUTES, name, Reason::AttributeNotFound).await
    }

    pub async fn delete_group(&self, name: &str) -> Result<()> {
        self.remove(GROUPS, name, Reason::GroupNotFound).await
    }

    async fn remove(&self, partition: &str, name: &str, otherwise: Reason) -> Result<()> {
        let delete = self.0.delete(key(partition, name)).return_values(ReturnValue::AllOld);
        let answer = delete.send().await.or_unavailable("DeleteItem")?;
        answer.attributes.filter(|old| !old.is_empty()).map(drop).ok_or_else(|| otherwise.into())
    }
}

fn defined(old: Option<&Item>) -> Defined {
    if old.is_some_and(|old| !old.is_empty()) { Defined::Again } else { Defined::New }
}
