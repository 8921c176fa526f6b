//! The editor of resources: new ones and those that exist. It writes through the use case that the API calls.
//!
//! A form becomes a document like the body of a request. The names of fields are paths in it, as those of problems are.

mod board_fields;
mod content_fields;
mod document;
mod form;
mod page;
mod parameter_fields;
mod query_fields;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use vitrine::app::check_queries::Mode;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::app::publish_resource::{Publishing, WrittenResource};
use vitrine::http::caller::{ListResources, Need, WriteResources};
use vitrine::rules::error::{Error, Issue, Issues, Reason, Result};
use vitrine::rules::json::input;
use vitrine::rules::paging::Paging;
use vitrine::rules::random;
use vitrine::rules::resource::card_questions::CardQuestions;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef, new_uuid};
use vitrine::rules::resource::{Resource, ResourceInput};

use self::board_fields::Surroundings;
use self::form::Choice;
use crate::State as App;
use crate::error_page::with_error;
use crate::fields::Fields;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::resource::{named, path_of};

/// The displays that the page draws.
const DISPLAYS: [Choice<'static>; 10] = [
    ("table", "Table"),
    ("bar", "Bars"),
    ("row", "Bars, lying"),
    ("line", "Lines"),
    ("area", "Areas"),
    ("combo", "Bars and lines"),
    ("pie", "Pie"),
    ("scalar", "One figure"),
    ("smartscalar", "One figure with its change"),
    ("progress", "Progress towards a goal"),
];

/// The names of a query's tags.
fn query_tags(query: Option<&Value>) -> Vec<String> {
    document::members(query.and_then(|query| query.get("tags"))).keys().cloned().collect()
}

/// The type of content that a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Question,
    Dashboard,
    Html,
    Url,
}

impl Shape {
    fn of(resource: &Resource) -> Self {
        match (&resource.content, resource.kind) {
            (Some(Content::Question(_)), _) | (None, Kind::Question) => Self::Question,
            (Some(Content::Dashboard(_)), _) | (None, Kind::Dashboard) => Self::Dashboard,
            (Some(Content::Url { .. }), _) => Self::Url,
            (Some(_), _) | (None, Kind::Dive) => Self::Html,
        }
    }

    fn empty(self) -> Value {
        match self {
            Self::Question => json!({ "type": "question", "query": { "sql": "" }, "display": "table" }),
            Self::Dashboard => json!({ "type": "dashboard", "cards": [] }),
            Self::Html => json!({ "type": "html", "html": "" }),
            Self::Url => json!({ "type": "url", "url": "" }),
        }
    }
}

/// A resource as its form describes it.
pub struct Draft {
    pub shape: Shape,
    pub kind: Kind,
    /// Set if the kind can be chosen.
    pub has_kinds: bool,
    /// The path that the form is sent to.
    pub path: String,
    /// The resource, and the revision that the form is based on; none for a new one.
    pub present: Option<(Resource, u64)>,
    pub document: Value,
    /// The stored names of queries that have others in the form.
    pub stored_names: BTreeMap<String, String>,
    /// Settings that are no JSON, as they were sent.
    pub sent_settings: Option<String>,
    pub issues: Vec<Issue>,
}

impl Draft {
    /// A new resource, by the word in the path.
    fn blank(what: &str) -> Result<Self> {
        let (shape, kind, has_kinds) = match what {
            "question" => (Shape::Question, Kind::Question, false),
            "dashboard" => (Shape::Dashboard, Kind::Dashboard, false),
            "dive" => (Shape::Html, Kind::Dive, false),
            "html" => (Shape::Html, Kind::Dashboard, true),
            "url" => (Shape::Url, Kind::Dashboard, true),
            _ => return Err(Reason::RouteNotFound.into()),
        };
        let document =
            json!({ "title": "", "content": shape.empty(), "parameters": [], "allowed_origins": [] });
        let path = format!("{}/new/{what}", crate::PATH);
        Ok(Self {
            shape,
            kind,
            has_kinds,
            path,
            present: None,
            document,
            stored_names: BTreeMap::new(),
            sent_settings: None,
            issues: Vec::new(),
        })
    }

    /// A resource as it is.
    fn stored(resource: Resource) -> Result<Self> {
        let mut input = resource.decided();
        // Parameters of tags are described with the resource, and are not declared by it.
        if let Some(content) = &input.content {
            let derived = content.derived_parameters(&[]);
            input.parameters.retain(|parameter| !derived.contains(parameter));
        }
        let shape = Shape::of(&resource);
        let mut document = serde_json::to_value(&input).map_err(Error::internal)?;
        if input.content.is_none() {
            document["content"] = shape.empty();
        }
        let revision = resource.revision;
        Ok(Self {
            shape,
            kind: resource.kind,
            has_kinds: false,
            path: format!("{}/edit", path_of(&resource)),
            present: Some((resource, revision)),
            document,
            stored_names: BTreeMap::new(),
            sent_settings: None,
            issues: Vec::new(),
        })
    }

    /// Takes over what a form has.
    fn read(&mut self, fields: &Fields) {
        let mut members = document::members(Some(&self.document));
        document::read_common(fields, &mut members);
        if self.has_kinds {
            self.kind = fields.text("kind").parse().unwrap_or(self.kind);
        }
        if fields.has("deployment") {
            members.insert("deployment".to_owned(), document::whole(fields.text("deployment")));
        }
        let before = members.get("content").cloned();
        if self.shape != Shape::Question {
            let rows = parameter_fields::read(fields, document::items(&self.document, "/parameters"));
            members.insert("parameters".to_owned(), rows);
        }
        let content = match self.shape {
            Shape::Question => content_fields::read_question(fields, before.as_ref(), &mut self.issues),
            Shape::Html => {
                content_fields::read_html(fields, before.as_ref(), &mut self.stored_names, &mut self.issues)
            }
            Shape::Url => content_fields::read_url(fields),
            Shape::Dashboard => {
                let parameters = members.get("parameters").cloned().unwrap_or_default();
                board_fields::read(fields, before.as_ref(), &parameters)
            }
        };
        if self.issues.iter().any(|issue| issue.path == "content.settings") {
            self.sent_settings = Some(fields.text("content.settings").to_owned());
        }
        members.insert("content".to_owned(), content);
        self.document = members.into();
        if let (Some((_, revision)), Some(sent)) = (&mut self.present, fields.number("revision")) {
            *revision = sent;
        }
    }

    fn input(&self, is_published: bool) -> Result<ResourceInput> {
        if !self.issues.is_empty() {
            return Err(Error::new(Reason::RequestInvalid).issues(self.issues.clone()));
        }
        let mut input: ResourceInput = input::read(self.document.clone())?;
        input.enable_embedding |= is_published;
        Ok(input)
    }
}

/// The messages above the form.
#[derive(Default)]
pub struct EditorNotes {
    pub problem: Option<Error>,
    pub done: Option<&'static str>,
    pub warnings: Issues,
    /// The fields in which the stored resource differs, after somebody else has changed it.
    pub theirs: Vec<(String, String)>,
}

pub async fn new_form(
    State(app): State<App>,
    Path(what): Path<String>,
    Signed { caller, .. }: Signed<WriteResources>,
) -> PageResult {
    match Draft::blank(&what) {
        Ok(draft) => render(&app, caller, draft, EditorNotes::default()).await,
        Err(error) => Err(Refused::of(error, caller)),
    }
}

pub async fn create(
    State(app): State<App>,
    Path(what): Path<String>,
    SignedForm { caller, fields, .. }: SignedForm<WriteResources>,
) -> PageResult {
    match Draft::blank(&what) {
        Ok(draft) => Box::pin(act(&app, caller, draft, &fields)).await,
        Err(error) => Err(Refused::of(error, caller)),
    }
}

pub async fn edit_form(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Signed { caller, .. }: Signed<WriteResources>,
) -> PageResult {
    match load(&app, &caller, &path).await {
        Ok(draft) => render(&app, caller, draft, EditorNotes::default()).await,
        Err(error) => Err(Refused::of(error, caller)),
    }
}

pub async fn edit(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    SignedForm { caller, fields, .. }: SignedForm<WriteResources>,
) -> PageResult {
    match load(&app, &caller, &path).await {
        Ok(draft) => Box::pin(act(&app, caller, draft, &fields)).await,
        Err(error) => Err(Refused::of(error, caller)),
    }
}

async fn load(app: &App, caller: &ConsoleCaller, path: &(String, String)) -> Result<Draft> {
    Draft::stored(app.publisher.get(&caller.key, &named(path)?).await?)
}

async fn act(app: &App, caller: ConsoleCaller, mut draft: Draft, fields: &Fields) -> PageResult {
    draft.read(fields);
    let written = match fields.text("action") {
        "save" => write(app, &caller, &draft, Mode::Write, false).await,
        "publish" => write(app, &caller, &draft, Mode::Write, true).await,
        "check" => write(app, &caller, &draft, Mode::DryRun, true).await,
        // The rows follow the SQL. Nothing is checked, because the form may be half filled.
        _ => return render(app, caller, draft, EditorNotes::default()).await,
    };
    let is_check = fields.text("action") == "check";
    match written {
        Ok(WrittenResource { warnings, .. }) if is_check => {
            let notes = EditorNotes {
                done: Some("Nothing is wrong. Nothing was stored."),
                warnings: warnings.unwrap_or_default(),
                ..EditorNotes::default()
            };
            render(app, caller, draft, notes).await
        }
        Ok(WrittenResource { resource, created, warnings }) => {
            let warnings = warnings.unwrap_or_default();
            if warnings.is_empty() {
                let done = if created { "create" } else { "save" };
                return Ok(Redirect::to(&format!("{}?done={done}", path_of(&resource))).into_response());
            }
            match Draft::stored(resource) {
                Ok(draft) => {
                    let notes = EditorNotes { done: Some("Saved."), warnings, ..EditorNotes::default() };
                    render(app, caller, draft, notes).await
                }
                Err(error) => Err(Refused::of(error, caller)),
            }
        }
        Err(error) if error.is_outage() => Err(Refused::of(error, caller)),
        Err(error) if error.reason == Reason::Conflict => conflict(app, caller, draft, error).await,
        Err(error) => {
            render(app, caller, draft, EditorNotes { problem: Some(error), ..EditorNotes::default() }).await
        }
    }
}

/// The draft over what somebody else has stored: it stays in the form, and the page shows what is different.
async fn conflict(app: &App, caller: ConsoleCaller, mut draft: Draft, error: Error) -> PageResult {
    let Some((resource, _)) = &draft.present else { return Err(Refused::of(error, caller)) };
    let reference = resource.reference();
    let theirs = match app.publisher.get(&caller.key, &reference).await.and_then(Draft::stored) {
        Ok(theirs) => theirs,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let mut different = Vec::new();
    document::differences(&draft.document, &theirs.document, "", &mut different);
    draft.present = theirs.present;
    let notes = EditorNotes { problem: Some(error), theirs: different, ..EditorNotes::default() };
    render(app, caller, draft, notes).await
}

async fn write(
    app: &App,
    caller: &ConsoleCaller,
    draft: &Draft,
    mode: Mode,
    is_published: bool,
) -> Result<WrittenResource> {
    let input = draft.input(is_published)?;
    let (publisher, key) = (&app.publisher, &caller.key);
    match (&draft.present, mode) {
        (Some((resource, revision)), Mode::Write) => {
            publisher.change_at(key, &resource.reference(), *revision, |_| input, Mode::Write).await
        }
        (Some((resource, _)), Mode::DryRun) => {
            publisher.replace(key, &resource.reference(), input, mode).await
        }
        (None, _) if draft.kind == Kind::Dive => {
            let dive = ResourceRef::new(Kind::Dive, PrimaryId::Uuid(new_uuid()?));
            publisher.put(key, &dive, input, mode).await
        }
        (None, Mode::Write) => publisher.create(key, draft.kind, Publishing::Writers, input).await,
        (None, Mode::DryRun) => {
            let free = ResourceRef::new(draft.kind, ResourceId::Entity(random::entity_id()?));
            publisher.put(key, &free, input, mode).await
        }
    }
}

/// The questions that the fields of a dashboard name and offer.
async fn surroundings(app: &App, caller: &ConsoleCaller, draft: &Draft) -> Result<Surroundings> {
    let mut around = Surroundings { questions: CardQuestions::default(), known: Vec::new() };
    if draft.shape != Shape::Dashboard {
        return Ok(around);
    }
    let named = draft.document.get("deployment").and_then(Value::as_u64);
    let named = named.and_then(|number| Deployment::new(u32::try_from(number).ok()?).ok());
    let deployment = caller.key.reach.place(named, &app.settings)?;
    // Only the questions count: the other cards may be half filled.
    let numbers = document::items(&draft.document, "/content/cards")
        .iter()
        .filter_map(|card| card["question"].as_u64());
    let cards: Vec<_> = numbers
        .enumerate()
        .map(|(index, number)| json!({ "id": index + 1, "question": number, "row": 0, "col": 0, "width": 1, "height": 1 }))
        .collect();
    let content = input::read::<Content>(json!({ "type": "dashboard", "cards": cards })).ok();
    around.questions = app.evidence.card_questions(content.as_ref(), deployment).await?;
    if ListResources::check(&caller.key).is_ok() {
        let reach = &caller.key.reach;
        let listing = vitrine::aws::storage::resources::Listing {
            kind: Some(Kind::Question),
            embeddable: None,
            archived: Some(false),
            reach,
        };
        let found = app.finder.page(&listing, &Paging::new(Some(100), None)).await?;
        around.known = found.items.into_iter().map(|one| (one.id.to_string(), one.title)).collect();
    }
    Ok(around)
}

async fn render(app: &App, caller: ConsoleCaller, draft: Draft, notes: EditorNotes) -> PageResult {
    let around = match surroundings(app, &caller, &draft).await {
        Ok(around) => around,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let page: Response = page::show(app, &caller, &draft, &around, &notes);
    Ok(match notes.problem {
        Some(error) => with_error(page, error),
        None => page,
    })
}
