//! The page "Embed this".

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::{CreateSessions, Need};
use vitrine::rules::error::{Error, Issues};
use vitrine::rules::resource::Resource;
use vitrine::rules::resource::embed_policy::WhoMaySet;
use vitrine::rules::resource::ids::{Kind, PrimaryId};
use vitrine::rules::resource::parameter::{Parameter, ParameterType};

use crate::State as App;
use crate::ask_code::Ask;
use crate::embed::{EmbedChoices, Look};
use crate::layout::{Section, page};
use crate::parts;
use crate::resource::{found, path_of};
use crate::server_code::{Embed, Program};
use crate::web_code;

/// The messages beside the form.
#[derive(Default)]
pub struct Notes<'a> {
    pub problem: Option<&'a Error>,
    pub warnings: Option<&'a Issues>,
    /// The token of a preview.
    pub preview: Option<&'a str>,
}

const CHOICES: [(&str, &str, &str); 4] = [
    ("disabled", "Disabled", "Nobody sets it. Its default applies, and it is not shown."),
    ("enabled", "Editable", "The viewer sets it in the embed. Your backend may give an initial value."),
    ("locked", "Locked", "Your backend sets it in the token. The viewer can neither see nor change it."),
    (
        "attribute",
        "Attribute",
        "Its value is an attribute of the viewer, which your backend states once for each viewer.",
    ),
];

pub fn view(
    app: &App,
    caller: &ConsoleCaller,
    resource: &Resource,
    choices: &EmbedChoices,
    base: &str,
    notes: Notes<'_>,
) -> Response {
    let content = html! {
        p.crumbs {
            a href={ (crate::PATH) "/resources" } { "Resources" } " / "
            a href=(path_of(resource)) { (resource.title) }
        }
        h1 { "Embed this" " " (parts::state(resource.enable_embedding, resource.archived)) }
        @if let Some(error) = notes.problem { (parts::problem(error)) }
        @if let Some(warnings) = notes.warnings { (parts::done("Saved.")) (found(warnings)) }
        form.embed method="post" action={ (path_of(resource)) "/embed" } {
            (parts::form_token(caller))
            input type="hidden" name="revision" value=(resource.revision);
            section {
                h2 { "Who sets each parameter" }
                @if resource.parameters.is_empty() { p.muted { "There are no parameters: every viewer sees the same." } }
                @else {
                    dl.meanings { @for (_, name, meaning) in CHOICES { div { dt { (name) } dd { (meaning) } } } }
                    @for parameter in &resource.parameters { (policy(parameter, choices)) }
                }
            }
            section {
                h2 { "Appearance" }
                (look(&choices.look))
            }
            @if resource.kind == Kind::Dive {
                section {
                    h2 { "Service account" }
                    label { span { "Its name, for code that asks for an embed session" }
                        input name="account" maxlength="255" value=(choices.account) placeholder="your_service_account"; }
                    p.small { "The session shows the dive with the attributes of this account. Create one for each of your customers." }
                }
            }
            (buttons(app, caller, resource))
        }
        (preview(resource, choices, notes.preview))
        (code(resource, choices, base))
    };
    page(caller, "Embed this", Section::Resources, content)
}

fn policy(parameter: &Parameter, choices: &EmbedChoices) -> Markup {
    let Parameter { slug, name, .. } = parameter;
    let who = choices.who(slug);
    let word = match who {
        WhoMaySet::Disabled => "disabled",
        WhoMaySet::Enabled => "enabled",
        WhoMaySet::Locked => "locked",
        WhoMaySet::Attribute(_) => "attribute",
    };
    let attribute = if let WhoMaySet::Attribute(name) = who { name.as_str() } else { "" };
    let hint = match parameter.kind {
        _ if parameter.multiple => "Values, with commas between them",
        ParameterType::Number => "A number",
        ParameterType::Date => "2026-01-31",
        ParameterType::DateRange => "2026-01-01~2026-01-31, or past7days",
        ParameterType::Boolean => "true or false",
        ParameterType::Text | ParameterType::Category => "A value",
    };
    html! {
        fieldset.parameter {
            legend { (name) " " code { (slug) } }
            div.choices {
                @for (choice, label, _) in CHOICES {
                    label.choice {
                        input type="radio" name={ "policy." (slug) } value=(choice) checked[choice == word];
                        (label)
                    }
                }
            }
            div.pair {
                label { span { "Value" } input name={ "value." (slug) } value=(choices.text(slug)) placeholder=(hint); }
                label { span { "Name of the attribute" } input name={ "attribute." (slug) } value=(attribute) placeholder="only for Attribute"; }
            }
        }
    }
}

fn look(look: &Look) -> Markup {
    html! {
        div.pair {
            label { span { "Theme" } select name="theme" {
                @for (word, label) in Look::THEMES { option value=(word) selected[look.theme == word] { (label) } }
            } }
            div.choices {
                label.choice { input type="checkbox" name="bordered" checked[look.is_bordered]; "Border" }
                label.choice { input type="checkbox" name="titled" checked[look.is_titled]; "Title" }
            }
        }
    }
}

fn buttons(app: &App, caller: &ConsoleCaller, resource: &Resource) -> Markup {
    let may_preview = CreateSessions::check(&caller.key).is_ok();
    html! {
        div.actions {
            @if resource.is_embeddable() {
                button.primary type="submit" name="action" value="save" { "Save" }
            } @else if resource.archived {
                button.primary type="submit" name="action" value="save" { "Save" }
            } @else {
                button.primary type="submit" name="action" value="publish" { "Save and publish" }
                button type="submit" name="action" value="save" { "Save as a draft" }
            }
            @if may_preview && resource.is_embeddable() {
                button type="submit" name="action" value="preview" { "Preview" }
            }
            button.quiet type="submit" name="action" value="code" { "Update the code" }
        }
        p.small {
            @if resource.is_embeddable() { "It is published. A change of the policy reaches embeds within " (app.settings.resource_cache_seconds) " seconds; a new code needs no change here." }
            @else if resource.archived { "It is archived: restore it before it can be embedded." }
            @else { "Publishing takes effect at once. Until then every token for it is refused." }
        }
    }
}

fn preview(resource: &Resource, choices: &EmbedChoices, token: Option<&str>) -> Markup {
    html! {
        section id="preview" {
            h2 { "Preview" }
            @match token {
                Some(token) => {
                    p.small { "As a viewer with the values above sees it, with the stored policy. The link in it lasts ten minutes and works only here." }
                    iframe.preview title={ "Preview of " (resource.title) }
                        src={ "/embed/" (resource.kind) "/" (token) "#" (choices.look.fragment()) } {}
                }
                None if resource.is_embeddable() => p.muted { "Choose values above and press Preview. It shows what a viewer with these values sees." },
                None => p.muted { "Publish it first: the preview shows what viewers see, and a draft is refused to all of them." },
            }
        }
    }
}

fn code(resource: &Resource, choices: &EmbedChoices, base: &str) -> Markup {
    let id = match &resource.id {
        PrimaryId::Number(number) => Value::from(*number),
        PrimaryId::Uuid(uuid) => Value::from(uuid.as_str()),
    };
    let embed = Embed {
        kind: resource.kind.word(),
        id,
        params: choices.params(&resource.parameters),
        attributes: choices.viewer(&resource.parameters).attributes.into_iter().collect(),
        look: choices.look.fragment(),
    };
    let locked: Vec<_> = resource
        .parameters
        .iter()
        .filter(|parameter| {
            choices.who(&parameter.slug).is_locked() && choices.text(&parameter.slug).is_empty()
        })
        .collect();
    html! {
        section {
            h2 { "Code for your server" }
            p { "Each program prints the URL of the iframe. Set " code { "VITRINE" } " to " code { (base) }
                ". Take the values of locked parameters from your own session, never from the browser." }
            @if !locked.is_empty() {
                p.note.warn { "Without a value the token is refused: "
                    @for (index, parameter) in locked.iter().enumerate() { @if index > 0 { ", " } code { (parameter.slug) } } "." }
            }
            h3 { "A token that your server signs" }
            p.small { "It reads the signing secret from " code { "VITRINE_SECRET" } " and calls nothing. The output " code { "SigningSecretArn" } " of the stack names the secret that holds it." }
            (programs("signed", &embed.signing_programs()))
            h3 { "A session that your server asks for" }
            p.small { "It reads an access key with the permission " code { "sessions:create" } " from " code { "VITRINE_KEY" } ". The token is checked before it is given out." }
            (programs("asked", &session(&embed).programs()))
            @if resource.kind == Kind::Dive {
                h3 { "An embed session of the dive, for a service account" }
                p.small { "It reads an access key from " code { "VITRINE_KEY" } ", as above. Viewers see the attributes of the account; the session lasts 24 hours." }
                (programs("dive", &dive_session(resource, choices, &embed).programs()))
            }
        }
        section {
            h2 { "Code for your page" }
            p.small { "The host of the page must be among the origins that may frame it." }
            @for template in web_code::templates(&resource.title) {
                details.code name="page" { summary { (template.language) } pre tabindex="0" { code { (template.code) } } }
            }
        }
    }
}

fn session<'a>(embed: &'a Embed<'_>) -> Ask<'a> {
    Ask {
        word: "session",
        path: "/v1/sessions".to_owned(),
        body: embed.wanted(),
        member: "embed_url",
        page: None,
        look: &embed.look,
    }
}

fn dive_session<'a>(resource: &Resource, choices: &EmbedChoices, embed: &'a Embed<'_>) -> Ask<'a> {
    Ask {
        word: "dive",
        path: format!("/v1/dives/{}/embed-session", resource.id),
        body: vec![("username", choices.account().into())],
        member: "session",
        page: Some("/sandbox/#session="),
        look: &embed.look,
    }
}

fn programs(group: &str, programs: &[Program]) -> Markup {
    html! {
        @for program in programs {
            details.code name=(group) open[program.language == "Node.js"] {
                summary { (program.language) }
                p.small { code { (program.run) } }
                pre tabindex="0" { code id={ "code-" (program.word) } { (program.code) } }
            }
        }
    }
}
