//! `vitrine publish`: publishes files of this machine to a stack.

pub mod compile;
mod databases;
mod modules;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use vitrine::rules::query::content::ReactContent;

use crate::LocalError;
use crate::import::site::{Site, SiteAnswer};

#[derive(Debug, Subcommand)]
pub enum Publish {
    /// Dive that is one TSX or JSX file; it is compiled here
    Dive(DiveOptions),
}

#[derive(Debug, Args)]
pub struct DiveOptions {
    /// File with the component as its default export
    #[arg(value_name = "FILE.tsx")]
    pub file: PathBuf,

    /// Stack to publish to
    #[arg(long, visible_alias = "url", value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,

    /// Access key with the permission `resources:write`
    #[arg(long, value_name = "KEY", env = "VITRINE_KEY", hide_env_values = true)]
    pub key: Option<String>,

    /// Dive to publish: what it has besides title and content stays. Without it, a new dive is created
    #[arg(long, value_name = "UUID")]
    pub id: Option<String>,

    /// Title; that of a new dive is the file's name unless it is given
    #[arg(long)]
    pub title: Option<String>,

    /// Query of the dive: a file with SQL, or with a query as JSON; can be repeated
    #[arg(long = "query", value_name = "NAME=FILE", value_parser = named_file)]
    pub queries: Vec<(String, PathBuf)>,

    /// Database whose name is taken off tables, as those of the file's `REQUIRED_DATABASES` are; can be repeated
    #[arg(long = "database", value_name = "ALIAS")]
    pub databases: Vec<String>,

    /// Turn embedding on
    #[arg(long)]
    pub embed: bool,

    /// Leave SQL texts in the dive, for stacks with `DiveSql=true`, instead of publishing them as its queries
    #[arg(long)]
    pub keep_sql: bool,

    /// Print the content as JSON, and publish nothing
    #[arg(long)]
    pub print: bool,
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("must be NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

/// Publishes as the command line says, and returns the line to print.
pub async fn run(Publish::Dive(options): &Publish) -> Result<String, LocalError> {
    let content = content_of(options)?;
    if options.print {
        return Ok(content.to_string());
    }
    let key = options.key.clone().filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| problem("set VITRINE_KEY to an access key"))?;
    let target = Site::over_network(&options.to, key)?;
    if target.is_in_the_clear() {
        return Err(problem(format!("{}: the key is sent over https only", options.to)));
    }
    publish(options, content, &target).await
}

/// Compiles the file, and returns the content of the dive.
pub fn content_of(options: &DiveOptions) -> Result<Value, LocalError> {
    let file = &options.file;
    let syntax = compile::syntax_of(file);
    let syntax =
        syntax.ok_or_else(|| problem(format!("{}: must be a .tsx, .jsx or .js file", file.display())))?;
    let source = read(file)?;
    let mut queries = Map::new();
    for (name, path) in &options.queries {
        let text = read(path)?;
        let query = if path.extension().is_some_and(|extension| extension == "json") {
            serde_json::from_str(&text).map_err(|cause| problem(format!("{}: {cause}", path.display())))?
        } else {
            json!({"sql": text.trim()})
        };
        queries.insert(name.clone(), query);
    }
    let name_of = |sql: &str| name_of(&mut queries, sql.trim(), options.keep_sql);
    let code = compile::compile(&source, syntax, &options.databases, name_of).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("{}:{problem}", file.display()));
        problem(lines.collect::<Vec<_>>().join("\n"))
    })?;
    let mut content =
        json!({"type": "react", "source": source, "code": code, "runtime": ReactContent::RUNTIME});
    if !queries.is_empty() {
        content["queries"] = Value::Object(queries);
    }
    Ok(content)
}

/// The name of the query with this SQL: a declared one, or else a new one.
fn name_of(queries: &mut Map<String, Value>, sql: &str, is_kept: bool) -> Option<String> {
    let declared = queries.iter().find(|(_, query)| query["sql"].as_str().map(str::trim) == Some(sql));
    if let Some((name, _)) = declared {
        return Some(name.clone());
    }
    if is_kept {
        return None;
    }
    let name = (1..).map(|number| format!("sql_{number}")).find(|name| !queries.contains_key(name))?;
    queries.insert(name.clone(), json!({"sql": sql}));
    Some(name)
}

/// Publishes content to a stack.
pub async fn publish(options: &DiveOptions, content: Value, target: &Site) -> Result<String, LocalError> {
    let stem = options.file.file_stem().unwrap_or_default().to_string_lossy();
    let mut body = json!({"title": stem, "content": content});
    if options.embed {
        body["enable_embedding"] = json!(true);
    }
    let written = match &options.id {
        None => {
            body["title"] = json!(options.title.as_deref().unwrap_or(&stem));
            target.post("/v1/dives", &body).await?
        }
        Some(id) => {
            let present = target.get(&format!("/v1/dives/{id}")).await?;
            if present.status != 404 && !present.is_success() {
                return Err(refusal(&present));
            }
            for name in KEPT {
                if let Some(kept) =
                    present.json.get(name).filter(|kept| present.is_success() && !kept.is_null())
                {
                    let is_given = name == "enable_embedding" && options.embed;
                    body[name] = if is_given { json!(true) } else { kept.clone() };
                }
            }
            if let Some(title) = &options.title {
                body["title"] = json!(title);
            }
            target.put(&format!("/v1/resources/dive/{id}"), &body).await?
        }
    };
    if !written.is_success() {
        return Err(refusal(&written));
    }
    let warnings = written.json["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(|warning| Some(format!("warning: {}", warning["message"].as_str()?)));
    let id = written.json["id"].as_str().unwrap_or_default();
    let version =
        written.json["version"].as_u64().map(|version| format!(", version {version}")).unwrap_or_default();
    let embedded = if written.json["enable_embedding"] == true { "" } else { "; embedding is off" };
    let lines = std::iter::once(format!("published the dive {id}{version}{embedded}")).chain(warnings);
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The fields of a dive that stay when it is published again.
const KEPT: [&str; 9] = [
    "title",
    "description",
    "deployment",
    "parameters",
    "embedding_params",
    "enable_embedding",
    "allowed_origins",
    "allow_downloads",
    "archived",
];

fn refusal(answer: &SiteAnswer) -> LocalError {
    problem(answer.refusal())
}

fn problem(cause: impl Into<String>) -> LocalError {
    LocalError::Publish(cause.into())
}

fn read(path: &Path) -> Result<String, LocalError> {
    std::fs::read_to_string(path).map_err(|cause| problem(format!("{}: {cause}", path.display())))
}
