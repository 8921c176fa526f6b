//! What the whole stack defines for its external users: attributes and groups.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValue;

use super::table::document;
use super::table::range::Range;
use super::table::schema::SORT;
use super::table::{Item, Table, key, text, text_of, unreadable};
use crate::aws::aws_error::unavailable;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::viewer::attribute::AttributeDefinition;

const ATTRIBUTES: &str = "attributes";
const GROUPS: &str = "groups";
pub(super) const TYPE: &str = "attribute_type";

/// An attribute's definition, wherever it stands: it may be written over one of the same type only.
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

/// Reads what is defined.
#[derive(Debug, Clone)]
pub struct DefinitionReader(Table);

impl Capability for DefinitionReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Table("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl DefinitionReader {
    pub async fn all_attributes(&self) -> Result<Vec<AttributeDefinition>> {
        self.0.all(ATTRIBUTES).await?.iter().map(attribute_of).collect()
    }

    pub async fn all_groups(&self) -> Result<BTreeSet<String>> {
        self.0.all(GROUPS).await?.iter().map(group_of).collect()
    }

    pub async fn attributes(&self, paging: &Paging) -> Result<Page<AttributeDefinition>> {
        Range::of(&self.0, ATTRIBUTES).page(paging, |item| attribute_of(item).map(Some)).await
    }

    pub async fn groups(&self, paging: &Paging) -> Result<Page<String>> {
        Range::of(&self.0, GROUPS).page(paging, |item| group_of(item).map(Some)).await
    }
}

/// Was something made that had not been there?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defined {
    New,
    Again,
}

/// Defines.
#[derive(Debug, Clone)]
pub struct DefinitionWriter(Table);

impl Capability for DefinitionWriter {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:PutItem", "dynamodb:DeleteItem"].map(Grant::Table).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl DefinitionWriter {
    /// Defines an attribute, or changes everything of it but its type.
    pub async fn put_attribute(&self, definition: &AttributeDefinition) -> Result<Defined> {
        let sent = self
            .0
            .client
            .put_item()
            .table_name(self.0.name())
            .set_item(Some(attribute_item(key(ATTRIBUTES, &definition.name), definition)?))
            .condition_expression(SAME_TYPE)
            .expression_attribute_values(":type", text(definition.kind.to_string()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(defined(answer.attributes.as_ref())),
            Err(error) if is_refused(error.as_service_error()) => {
                let message = format!("User attribute {}: cannot change type", definition.name);
                Err(Error::new(Reason::AttributeTypeChanged).message(message))
            }
            Err(error) => Err(unavailable("PutItem", &error)),
        }
    }

    pub async fn put_group(&self, name: &str) -> Result<Defined> {
        let answer = self
            .0
            .client
            .put_item()
            .table_name(self.0.name())
            .set_item(Some(key(GROUPS, name)))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| unavailable("PutItem", &error))?;
        Ok(defined(answer.attributes.as_ref()))
    }

    /// Removes a definition, or says that there is none.
    pub async fn delete_attribute(&self, name: &str) -> Result<()> {
        self.delete(ATTRIBUTES, name, Reason::AttributeNotFound).await
    }

    pub async fn delete_group(&self, name: &str) -> Result<()> {
        self.delete(GROUPS, name, Reason::GroupNotFound).await
    }

    async fn delete(&self, partition: &str, name: &str, otherwise: Reason) -> Result<()> {
        let answer = self
            .0
            .client
            .delete_item()
            .table_name(self.0.name())
            .set_key(Some(key(partition, name)))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| unavailable("DeleteItem", &error))?;
        answer.attributes.filter(|old| !old.is_empty()).map(drop).ok_or_else(|| otherwise.into())
    }
}

fn defined(old: Option<&Item>) -> Defined {
    if old.is_some_and(|old| !old.is_empty()) { Defined::Again } else { Defined::New }
}

const fn is_refused(error: Option<&PutItemError>) -> bool {
    matches!(error, Some(PutItemError::ConditionalCheckFailedException(_)))
}
