//! `vitrine import`: publishes the native questions and the dashboards of another installation.
//!
//! It writes through `/api/card` and `/api/dashboard` of the stack, so that an import is what a client of these routes could do.

mod export;
mod live;
mod report;
pub mod site;
mod source;
mod translate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::LocalError;
pub use report::{ImportOutcome, Report, ReportEntry};
use site::{Site, SiteAnswer};
pub use source::ForeignContent;
use source::ForeignItem;
use translate::{Around, Numbers, Translated};

#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// Questions with SQL and dashboards of a Metabase, with their embedding settings
    Metabase(ImportOptions),
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// Folder of an unpacked serialization export
    #[arg(value_name = "DIR", required_unless_present = "url", conflicts_with = "url")]
    pub folder: Option<PathBuf>,

    /// Running Metabase, instead of a folder; its API key is read from `METABASE_API_KEY`
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Stack to publish to; an access key of an admin is read from `VITRINE_KEY`
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,

    /// Source that a database there is here; can be repeated
    #[arg(long = "database", value_name = "NAME=SOURCE", value_parser = renamed)]
    pub databases: Vec<(String, String)>,

    /// Report what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let (there, here) = text.split_once('=').ok_or("must be NAME=SOURCE")?;
    Ok((there.to_owned(), here.to_owned()))
}

/// Imports as the command line says, with the keys in the environment.
pub async fn run(ImportFrom::Metabase(options): &ImportFrom) -> Result<Report, LocalError> {
    let target = Site::over_network(&options.to, key("VITRINE_KEY")?)?;
    if target.is_in_the_clear() {
        return Err(LocalError::Import(format!("{}: the key is sent over https only", options.to)));
    }
    let source = match (&options.folder, &options.url) {
        (Some(folder), _) => from_export(folder)?,
        (None, url) => {
            let url = url.as_deref().unwrap_or_default();
            from_site(&Site::over_network(url, key("METABASE_API_KEY")?)?).await?
        }
    };
    import(&source, &target, options.databases.iter().cloned().collect(), options.dry_run).await
}

fn key(name: &str) -> Result<String, LocalError> {
    let key = std::env::var(name).ok().filter(|key| !key.is_empty());
    key.ok_or_else(|| LocalError::Import(format!("set {name} to the key")))
}

/// Reads the content of an unpacked serialization export.
pub fn from_export(folder: &std::path::Path) -> Result<ForeignContent, LocalError> {
    export::read(folder)
}

/// Reads the content of a running installation.
pub async fn from_site(site: &Site) -> Result<ForeignContent, LocalError> {
    live::read(site).await
}

/// Publishes content to a stack.
pub async fn import(
    source: &ForeignContent,
    target: &Site,
    renamed: BTreeMap<String, String>,
    is_dry_run: bool,
) -> Result<Report, LocalError> {
    let numbers = numbers(target, renamed).await?;
    let report = Report { is_dry_run, ..Report::default() };
    let labels = source.card_labels();
    let mut importer = Importer { target, numbers, source, labels, cards: BTreeMap::new(), report };
    importer.cards().await?;
    for dashboard in &source.dashboards {
        importer.take("dashboard", dashboard, translate::dashboard).await?;
    }
    Ok(importer.report)
}

/// Reads the numbers of the stack's databases and columns.
async fn numbers(target: &Site, renamed: BTreeMap<String, String>) -> Result<Numbers, LocalError> {
    let mut numbers = Numbers { renamed, ..Numbers::default() };
    for database in live::list(&target.read("/api/database").await?) {
        let (Some(id), Some(name)) = (database["id"].as_u64(), database["name"].as_str()) else { continue };
        numbers.databases.insert(name.to_lowercase(), id);
        let metadata = target.read(&format!("/api/database/{id}/metadata")).await?;
        for table in metadata["tables"].as_array().into_iter().flatten() {
            for field in table["fields"].as_array().into_iter().flatten() {
                let name = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
                let path = (name(&table["name"]), name(&field["name"]));
                numbers.columns.extend(field["id"].as_u64().map(|id| (path, id)));
            }
        }
    }
    Ok(numbers)
}

struct Importer<'a> {
    target: &'a Site,
    numbers: Numbers,
    source: &'a ForeignContent,
    /// The names of all cards there, by their keys.
    labels: BTreeMap<String, String>,
    /// The numbers of the cards that were taken, by their keys there.
    cards: BTreeMap<String, u64>,
    report: Report,
}

/// An item as the stack has it after it was written.
struct Written {
    number: Option<u64>,
    changes: Vec<String>,
}

impl Importer<'_> {
    /// Takes the cards, those first that others ask.
    async fn cards(&mut self) -> Result<(), LocalError> {
        let mut waiting: Vec<&ForeignItem> = self.source.cards.iter().collect();
        let mut keys: BTreeSet<&str> = waiting.iter().map(|item| item.key.as_str()).collect();
        while !waiting.is_empty() {
            let is_ready = |item: &&ForeignItem| {
                !translate::asked_cards(item).iter().any(|asked| keys.contains(asked.as_str()))
            };
            let (ready, rest): (Vec<&ForeignItem>, Vec<&ForeignItem>) =
                waiting.into_iter().partition(is_ready);
            if ready.is_empty() {
                for item in rest {
                    self.leave("question", item, "it asks a question that asks it".to_owned());
                }
                return Ok(());
            }
            for item in ready {
                keys.remove(item.key.as_str());
                self.take("question", item, translate::card).await?;
            }
            waiting = rest;
        }
        Ok(())
    }

    fn leave(&mut self, kind: &'static str, item: &ForeignItem, reason: String) {
        self.report.entries.push(ReportEntry {
            kind,
            name: item.name.clone(),
            label: self.source.label(item),
            outcome: ImportOutcome::NotTaken(reason),
        });
    }

    async fn take(
        &mut self,
        kind: &'static str,
        item: &ForeignItem,
        translate: fn(&ForeignItem, &Around) -> Result<Translated, String>,
    ) -> Result<(), LocalError> {
        if item.is_archived() {
            self.leave(kind, item, "it is archived".to_owned());
            return Ok(());
        }
        let around = Around {
            numbers: &self.numbers,
            snippets: &self.source.snippets,
            cards: &self.cards,
            labels: &self.labels,
        };
        let Translated { body, mut changes, unknown_database } = match translate(item, &around) {
            Ok(translated) => translated,
            Err(reason) => {
                self.leave(kind, item, reason);
                return Ok(());
            }
        };
        self.report.remarks.extend(unknown_database.map(|name| {
            format!("the database {name} is no source here: its questions ask the stack's own tables")
        }));
        match self.write(kind, item, body).await? {
            Err(reason) => self.leave(kind, item, reason),
            Ok(written) => {
                changes.extend(written.changes);
                if kind == "question" {
                    self.cards.insert(item.key.clone(), written.number.unwrap_or_default());
                }
                let outcome = ImportOutcome::Taken { number: written.number, changes };
                let label = self.source.label(item);
                self.report.entries.push(ReportEntry { kind, name: item.name.clone(), label, outcome });
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        kind: &str,
        item: &ForeignItem,
        mut body: Map<String, Value>,
    ) -> Result<Result<Written, String>, LocalError> {
        let route = if kind == "question" { "card" } else { kind };
        let mut changes = Vec::new();
        let place = self.place(route, kind, item).await?;
        let here = match place {
            Place::Present(number) | Place::Free(number) => Some(number),
            Place::Next => None,
        };
        if let (Some(here), Some(there)) = (here, item.number.filter(|there| here != Some(*there))) {
            changes.push(format!("its number {there} is taken here: tokens name {here}, or the entity id"));
        }
        if self.report.is_dry_run {
            return Ok(Ok(Written { number: here, changes }));
        }
        let number = match place {
            Place::Present(number) => number,
            Place::Free(_) | Place::Next => {
                let created = self.create(&place, route, kind, item).await?;
                let Some(number) = created.json["id"].as_u64().filter(|_| created.is_success()) else {
                    return Ok(Err(created.refusal()));
                };
                body.insert("allow_downloads".to_owned(), json!(true));
                number
            }
        };
        body.insert("archived".to_owned(), json!(false));
        let path = format!("/api/{route}/{number}");
        let mut answer = self.target.put(&path, &Value::Object(body.clone())).await?;
        if answer.status == 400 && body.get("enable_embedding").is_some_and(|on| on == true) {
            let refusal = answer.refusal();
            body.insert("enable_embedding".to_owned(), json!(false));
            answer = self.target.put(&path, &Value::Object(body)).await?;
            changes.push(format!("it is not published: {refusal}"));
        }
        let warnings = answer.json["warnings"].as_array().into_iter().flatten();
        changes.extend(
            warnings.filter_map(|warning| Some(format!("warning: {}", warning["message"].as_str()?))),
        );
        Ok(if answer.is_success() {
            Ok(Written { number: Some(number), changes })
        } else {
            Err(answer.refusal())
        })
    }

    /// The place of an item: its entity id decides whether it is there already.
    async fn place(&self, route: &str, kind: &str, item: &ForeignItem) -> Result<Place, LocalError> {
        let number_at = |answer: &SiteAnswer| answer.json["id"].as_u64().filter(|_| answer.is_success());
        if let Some(entity) = &item.entity_id {
            let found = self.target.get(&format!("/api/{route}/{entity}")).await?;
            if let Some(number) = number_at(&found) {
                return Ok(Place::Present(number));
            }
        }
        let Some(number) = item.number else { return Ok(Place::Next) };
        let found = self.target.get(&format!("/v1/resources/{kind}/{number}")).await?;
        let is_same = item.entity_id.is_none() && found.json["title"] == item.name;
        Ok(match number_at(&found) {
            Some(number) if is_same => Place::Present(number),
            Some(_) => Place::Free(self.spare(kind).await?),
            None => Place::Free(number),
        })
    }

    /// A number that no item there or here has.
    async fn spare(&self, kind: &str) -> Result<u64, LocalError> {
        let items = if kind == "question" { &self.source.cards } else { &self.source.dashboards };
        let mut number = items.iter().filter_map(|item| item.number).max().unwrap_or_default();
        loop {
            number += 1;
            if !self.target.get(&format!("/v1/resources/{kind}/{number}")).await?.is_success() {
                return Ok(number);
            }
        }
    }

    /// Creates an empty item under the ids that it has there, archived until its content is written.
    async fn create(
        &self,
        place: &Place,
        route: &str,
        kind: &str,
        item: &ForeignItem,
    ) -> Result<SiteAnswer, LocalError> {
        let mut body = json!({"title": item.name, "archived": true});
        match (place, &item.entity_id) {
            (Place::Free(number), entity) => {
                if let Some(entity) = entity {
                    body["entity_id"] = json!(entity);
                }
                self.target.put(&format!("/v1/resources/{kind}/{number}"), &body).await
            }
            (_, Some(entity)) => self.target.put(&format!("/v1/resources/{kind}/{entity}"), &body).await,
            (_, None) => {
                let body = json!({"name": item.name, "archived": true});
                self.target.post(&format!("/api/{route}"), &body).await
            }
        }
    }
}

/// The place of an item on the stack.
enum Place {
    /// It is there.
    Present(u64),
    /// Its number is free.
    Free(u64),
    /// The next free number.
    Next,
}
