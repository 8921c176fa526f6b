//! "Embed this": who sets each parameter, a preview, and the code for the owner's server and page.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Number, Value, json};
use vitrine::app::check_queries::Mode;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::base_url::base_url;
use vitrine::http::caller::WriteResources;
use vitrine::rules::error::{Error, Issues, Reason, Result};
use vitrine::rules::json::input;
use vitrine::rules::resource::embed_policy::{EmbeddingParams, WhoMaySet};
use vitrine::rules::resource::parameter::{Parameter, ParameterType};
use vitrine::rules::resource::{Resource, ResourceInput};
use vitrine::rules::viewer::Viewer;

use crate::State as App;
use crate::embed_page::{Notes, view};
use crate::error_page::with_error;
use crate::fields::Fields;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::resource::{named, path_of};

/// The choices on the page.
#[derive(Debug, Default)]
pub struct EmbedChoices {
    /// By slug.
    pub policy: BTreeMap<String, WhoMaySet>,
    /// The texts of values, by slug.
    pub values: BTreeMap<String, String>,
    /// The service account that a dive is shown as.
    pub account: String,
    pub look: Look,
}

/// The appearance of the embed.
#[derive(Debug)]
pub struct Look {
    pub theme: String,
    pub is_bordered: bool,
    pub is_titled: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { theme: "light".to_owned(), is_bordered: true, is_titled: true }
    }
}

impl Look {
    pub const THEMES: [(&str, &str); 4] = [
        ("light", "Light"),
        ("dark", "Dark"),
        ("auto", "As the viewer’s system"),
        ("transparent", "Transparent"),
    ];

    /// The fragment of the iframe's URL.
    pub fn fragment(&self) -> String {
        format!("theme={}&bordered={}&titled={}", self.theme, self.is_bordered, self.is_titled)
    }
}

impl EmbedChoices {
    fn stored(resource: &Resource) -> Self {
        let values = resource.parameters.iter().filter_map(|parameter| {
            let default = parameter.default.as_ref().filter(|default| !default.is_null())?;
            Some((parameter.slug.clone(), text_of(default)))
        });
        let policy = resource.embedding_params.iter().map(|(slug, who)| (slug.clone(), who.clone()));
        Self { policy: policy.collect(), values: values.collect(), ..Self::default() }
    }

    fn read(fields: &Fields, parameters: &[Parameter]) -> Self {
        let mut choices = Self::default();
        for Parameter { slug, .. } in parameters {
            let who = match fields.text(&format!("policy.{slug}")) {
                "enabled" => WhoMaySet::Enabled,
                "locked" => WhoMaySet::Locked,
                "attribute" => WhoMaySet::Attribute(fields.text(&format!("attribute.{slug}")).to_owned()),
                _ => WhoMaySet::Disabled,
            };
            choices.policy.insert(slug.clone(), who);
            choices.values.insert(slug.clone(), fields.text(&format!("value.{slug}")).to_owned());
        }
        choices.account = fields.text("account").to_owned();
        let theme = fields.text("theme");
        choices.look = Look {
            theme: Look::THEMES
                .iter()
                .find(|(word, _)| *word == theme)
                .map_or("light", |theme| theme.0)
                .to_owned(),
            is_bordered: fields.has("bordered"),
            is_titled: fields.has("titled"),
        };
        choices
    }

    /// The service account, or a name that says what belongs there.
    pub fn account(&self) -> &str {
        if self.account.is_empty() { "your_service_account" } else { &self.account }
    }

    pub fn who(&self, slug: &str) -> &WhoMaySet {
        self.policy.get(slug).unwrap_or(&WhoMaySet::Disabled)
    }

    pub fn text(&self, slug: &str) -> &str {
        self.values.get(slug).map_or("", String::as_str)
    }

    /// The values that the token states: all of locked parameters, and initial ones of those that the viewer can set.
    pub fn params(&self, parameters: &[Parameter]) -> Map<String, Value> {
        let stated = parameters.iter().filter_map(|parameter| {
            let value = value_of(parameter, self.text(&parameter.slug))?;
            match self.who(&parameter.slug) {
                WhoMaySet::Locked => Some((parameter.slug.clone(), value)),
                WhoMaySet::Enabled if parameter.default.as_ref() != Some(&value) => {
                    Some((parameter.slug.clone(), value))
                }
                WhoMaySet::Enabled | WhoMaySet::Disabled | WhoMaySet::Attribute(_) => None,
            }
        });
        stated.collect()
    }

    /// The viewer with the attributes that parameters are bound to.
    pub fn viewer(&self, parameters: &[Parameter]) -> Viewer {
        let bound = parameters.iter().filter_map(|parameter| match self.who(&parameter.slug) {
            WhoMaySet::Attribute(name) => {
                Some((name.clone(), value_of(parameter, self.text(&parameter.slug))?))
            }
            _ => None,
        });
        Viewer { attributes: bound.collect(), ..Viewer::default() }
    }

    fn embedding_params(&self) -> Result<EmbeddingParams> {
        for (slug, who) in &self.policy {
            if matches!(who, WhoMaySet::Attribute(name) if name.is_empty()) {
                return Err(Error::invalid(
                    format!("attribute.{slug}"),
                    "is required: the name of the attribute",
                ));
            }
        }
        input::read(json!(self.policy))
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The value that a text stands for; none if it is empty.
fn value_of(parameter: &Parameter, text: &str) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    if parameter.multiple {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Some(items.map(|item| single(parameter.kind, item)).collect());
    }
    Some(single(parameter.kind, text))
}

fn single(kind: ParameterType, text: &str) -> Value {
    let number = |text: &str| {
        let whole = text.parse::<i64>().ok().map(Number::from);
        whole.or_else(|| text.parse().ok().and_then(Number::from_f64)).map(Value::Number)
    };
    let value = match kind {
        ParameterType::Number => number(text),
        ParameterType::Boolean => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    // The rules of the parameter refuse a value that cannot be read, with a message that names it.
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

pub async fn show(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    Signed { caller, .. }: Signed<WriteResources>,
) -> PageResult {
    let found = async { app.publisher.get(&caller.key, &named(&path)?).await };
    match found.await {
        Ok(resource) => {
            let (base, choices) = (base_url(&app.settings, &headers)?, EmbedChoices::stored(&resource));
            Ok(view(&app, &caller, &resource, &choices, &base, Notes::default()))
        }
        Err(error) => Err(Refused::of(error, caller)),
    }
}

pub async fn act(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    SignedForm { caller, fields, .. }: SignedForm<WriteResources>,
) -> PageResult {
    let base = base_url(&app.settings, &headers)?;
    let found = async { app.publisher.get(&caller.key, &named(&path)?).await };
    let resource = match found.await {
        Ok(resource) => resource,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let choices = EmbedChoices::read(&fields, &resource.parameters);
    let answered = answer(&app, &caller, &resource, &choices, &fields, &base).await;
    match answered {
        Ok(response) => Ok(response),
        Err(error) if error.is_outage() => Err(Refused::of(error, caller)),
        // The choices stay on the page, so that nothing is lost.
        Err(error) => {
            let notes = Notes { problem: Some(&error), ..Notes::default() };
            let page = view(&app, &caller, &resource, &choices, &base, notes);
            Ok(with_error(page, error))
        }
    }
}

async fn answer(
    app: &App,
    caller: &ConsoleCaller,
    resource: &Resource,
    choices: &EmbedChoices,
    fields: &Fields,
    base: &str,
) -> Result<Response> {
    let action = fields.text("action");
    if !matches!(action, "save" | "publish") {
        let parameters = &resource.parameters;
        // Without the button, the choices only change the code on the page.
        let token = match action {
            "preview" => Some(
                app.previewer
                    .preview(
                        &caller.key,
                        &resource.reference(),
                        choices.params(parameters),
                        choices.viewer(parameters),
                    )
                    .await?,
            ),
            _ => None,
        };
        let notes = Notes { preview: token.as_deref(), ..Notes::default() };
        return Ok(view(app, caller, resource, choices, base, notes));
    }
    let revision = fields.number("revision").ok_or_else(|| Error::invalid("revision", "is required"))?;
    let policy = choices.embedding_params()?;
    let change = |input: ResourceInput| ResourceInput {
        embedding_params: policy,
        enable_embedding: input.enable_embedding || action == "publish",
        ..input
    };
    let written =
        app.publisher.change_at(&caller.key, &resource.reference(), revision, change, Mode::Write).await;
    let written = written.map_err(|error| match error.reason {
        Reason::Conflict => error.message(
            "Somebody else changed this in the meantime. Your choices are still below; saving them again replaces the others'.",
        ),
        _ => error,
    })?;
    let warnings: Issues = written.warnings.unwrap_or_default();
    if warnings.is_empty() {
        return Ok(Redirect::to(&format!("{}?done={action}", path_of(&written.resource))).into_response());
    }
    let notes = Notes { warnings: Some(&warnings), ..Notes::default() };
    Ok(view(app, caller, &written.resource, choices, base, notes))
}
