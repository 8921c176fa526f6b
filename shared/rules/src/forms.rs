//! The forms of texts, for the API description: each is named once, and held against the rule that it describes.

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

use crate::resource::ids::ResourceId;

macro_rules! forms {
    ($($(#[doc = $about:literal])+ $name:ident: $least:literal to $most:literal, $pattern:literal;)+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let form = ObjectBuilder::new()
                        .schema_type(schema::SchemaType::new(Type::String))
                        .min_length(Some($least))
                        .max_length(Some($most))
                        .pattern(Some($pattern))
                        .description(Some(concat!($($about),+).trim()));
                    form.into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

forms! {
    /// A text that is not blank.
    Label: 1 to 255, r"\S";
    /// A name that can stand in a path: without slashes, control characters or spaces at the ends.
    Name: 1 to 255, r"^[^\s\u0000-\u001f\u007f-\u009f/]([^\u0000-\u001f\u007f-\u009f/]*[^\s\u0000-\u001f\u007f-\u009f/])?$";
    /// The slug of a parameter: without control characters or white space at the ends, and not `parameters`.
    Slug: 1 to 100, r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";
    /// An email address. Only its form is checked.
    EmailAddress: 3 to 320, r"^\s*[^\s\u0000-\u001f\u007f-\u009f]+@[^\s@\u0000-\u001f\u007f-\u009f]+\s*$";
    /// An absolute http or https URL.
    WebUrl: 8 to 2048, r"^https?://[!-.0->@-~][!-~]*$";
    /// An https URL, or an http URL of this machine.
    FrameUrl: 9 to 2048, r"^(https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?([/?#][!-~]*)?$";
    /// 64 lowercase hex characters.
    HexSecret: 64 to 64, r"^[0-9a-f]{64}$";
    /// 12 letters and digits, starting with a letter.
    PublicId: 12 to 12, r"^[A-Za-z][A-Za-z0-9]{11}$";
    /// 21 letters, digits, hyphens and underscores.
    EntityId: 21 to 21, r"^[A-Za-z0-9_-]{21}$";
    /// A number, an entity id or a public id.
    NumberedId: 1 to 21, r"^([1-9][0-9]{0,15}|[A-Za-z0-9_-]{21}|[A-Za-z][A-Za-z0-9]{11})$";
    /// A UUID or a public id.
    DiveId: 12 to 36, r"^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[A-Za-z][A-Za-z0-9]{11})$";
    /// A number, an entity id or a public id; for a dive, a UUID or a public id.
    AnyId: 1 to 36, r"^([1-9][0-9]{0,15}|[A-Za-z0-9_-]{21}|[A-Za-z][A-Za-z0-9]{11}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$";
    /// The name of a tenant, in upper or lower case.
    TenantInPath: 2 to 36, r"^[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$";
    /// The id of a service account's token.
    AccountTokenId: 24 to 24, r"^[0-9a-f]{24}$";
    /// The name of a table: lower-case letters, digits and underscores, no digit first.
    TableName: 1 to 63, r"^[a-z_][a-z0-9_]*$";
    /// The name of a source: lower-case letters, digits, hyphens and underscores, a letter first.
    SourceName: 1 to 63, r"^[a-z][a-z0-9_-]*$";
    /// `s3://bucket/prefix`, or a folder where the stack runs on a laptop.
    Location: 1 to 1024, r"^(s3://|/)";
    /// `text`, `integer`, `number`, `decimal(p,s)`, `boolean`, `date`, `timestamp` or `json`.
    ColumnTypeWord: 4 to 16, r"^(text|integer|number|decimal\( *[0-9]{1,2} *, *[0-9]{1,2} *\)|boolean|date|timestamp|json)$";
    /// The name of a group, or `*`.
    PolicyGroup: 1 to 255, r"\S";
    /// A SHA-256 in hex.
    Sha256: 64 to 64, r"^[0-9a-fA-F]{64}$";
    /// `card` or `dashboard`.
    EmbedKind: 4 to 9, r"^(card|dashboard)$";
}

/// The id of a dashboard or a question in JSON: a number, an entity id or a public id.
#[derive(Debug)]
pub struct NumberOrId;

impl PartialSchema for NumberOrId {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(schema::SchemaType::new(Type::Integer))
            .minimum(Some(1))
            .maximum(Some(ResourceId::MAX_NUMBER));
        let id = ObjectBuilder::new()
            .schema_type(schema::SchemaType::new(Type::String))
            .pattern(Some(r"^([A-Za-z0-9_-]{21}|[A-Za-z][A-Za-z0-9]{11})$"));
        schema::OneOfBuilder::new().item(number).item(id).into()
    }
}

impl ToSchema for NumberOrId {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::table::{is_source_name, is_table_name};
    use crate::resource::ids::{Kind, is_entity_id, is_name, is_public_id};
    use crate::token::key_set::is_secret;

    /// Returns whether a text has a form, as a client of the description decides it.
    fn has_form<F: PartialSchema>(text: &str) -> bool {
        let form = serde_json::to_value(F::schema()).unwrap();
        let length = u64::try_from(text.chars().count()).unwrap();
        let bounds = form["minLength"].as_u64().unwrap()..=form["maxLength"].as_u64().unwrap();
        let pattern = regex_lite::Regex::new(form["pattern"].as_str().unwrap()).unwrap();
        bounds.contains(&length) && pattern.is_match(text)
    }

    #[test]
    fn forms_and_rules_agree() {
        let uuid = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";
        let (long, longest) = ("x".repeat(256), "x".repeat(255));
        let (secret, entity) = ("0af".repeat(22)[..64].to_owned(), "V1StGXR8_Z5jdHi6B-myT");
        let texts = [
            "",
            " ",
            "a",
            " a",
            "a ",
            "a b",
            "a/b",
            "a\u{1}b",
            "é",
            "1",
            "0",
            "01",
            "9007199254740991",
            "-1",
            "aB3dE6gH9jK2",
            "1B3dE6gH9jK2",
            "aB3dE6gH9jK",
            entity,
            &entity[1..],
            uuid,
            &uuid[1..],
            &secret,
            &secret[1..],
            &secret.to_uppercase(),
            &long,
            &longest,
            "orders_2024",
            "_x",
            "lake-2",
            "Orders",
        ];
        for text in texts {
            let is_id = |kind| ResourceId::parse(kind, text).is_ok();
            let is_numbered = is_id(Kind::Dashboard);
            for (form, fits, rule) in [
                ("label", has_form::<Label>(text), !text.trim().is_empty() && text.chars().count() <= 255),
                ("name", has_form::<Name>(text), is_name(text)),
                ("secret", has_form::<HexSecret>(text), is_secret(text)),
                ("public id", has_form::<PublicId>(text), is_public_id(text)),
                ("entity id", has_form::<EntityId>(text), is_entity_id(text)),
                ("numbered id", has_form::<NumberedId>(text), is_numbered),
                ("dive id", has_form::<DiveId>(text), is_id(Kind::Dive)),
                ("table name", has_form::<TableName>(text), is_table_name(text)),
                ("source name", has_form::<SourceName>(text), is_source_name(text)),
                ("any id", has_form::<AnyId>(text), is_numbered || is_id(Kind::Dive)),
            ] {
                assert_eq!(fits, rule, "{form}: {text:?}");
            }
        }
    }
}
