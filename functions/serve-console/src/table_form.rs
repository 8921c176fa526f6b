//! The form of a table: its description, columns and row policies.

use maud::{Markup, html};
use serde_json::{Map, Value, json};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::rules::data::table::Table;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::{input, strict};
use vitrine::rules::query::table::{MANAGED, TableInput};

use crate::data::table_path;
use crate::fields::Fields;
use crate::parts;

/// The types of columns, as suggestions.
const TYPES: [&str; 8] =
    ["text", "integer", "number", "decimal(12,2)", "boolean", "date", "timestamp", "json"];

/// The fields of the form, as they are stored or as they were entered.
pub struct TableForm {
    revision: u64,
    description: String,
    columns: Vec<FormColumn>,
    /// Columns of a table that has none yet, one on each line.
    declared: String,
    policies: String,
}

struct FormColumn {
    name: String,
    kind: String,
    description: String,
    hidden: bool,
}

impl TableForm {
    pub fn of(table: &Table) -> Self {
        let column = |column: vitrine::rules::query::column::Column| FormColumn {
            kind: column.kind.to_string(),
            name: column.name,
            description: column.description.unwrap_or_default(),
            hidden: column.hidden,
        };
        Self {
            revision: table.revision,
            description: table.description.clone().unwrap_or_default(),
            columns: table.plain_columns().into_iter().map(column).collect(),
            declared: String::new(),
            policies: serde_json::to_string_pretty(&table.row_policies).unwrap_or_default(),
        }
    }

    /// The form as it was sent.
    pub fn sent(fields: &Fields) -> Self {
        let rest = fields.all("type").zip(fields.all("about"));
        let hidden: Vec<_> = fields.all("hidden").collect();
        let column = |(name, (kind, about)): (&str, (&str, &str))| FormColumn {
            name: name.to_owned(),
            kind: kind.trim().to_owned(),
            description: about.trim().to_owned(),
            hidden: hidden.contains(&name),
        };
        Self {
            revision: fields.number("revision").unwrap_or_default(),
            description: fields.text("description").to_owned(),
            columns: fields.all("column").zip(rest).map(column).collect(),
            declared: fields.exact("declared").to_owned(),
            policies: fields.exact("policies").to_owned(),
        }
    }

    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The table as the form describes it. Its place stays.
    pub fn input(&self, table: &Table) -> Result<TableInput> {
        let policies = if self.policies.trim().is_empty() { "[]" } else { &self.policies };
        let policies = strict::parse(policies.as_bytes())
            .ok_or_else(|| Error::invalid("row_policies", "must be a list in JSON, such as []"))?;
        let mut document = Map::new();
        document.insert("row_policies".to_owned(), policies);
        if table.source != MANAGED {
            document.insert("source".to_owned(), table.source.clone().into());
        }
        let texts = [("location", table.location.as_deref()), ("description", Some(&*self.description))];
        for (name, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                document.insert(name.to_owned(), text.into());
            }
        }
        let columns = match self.columns.is_empty() {
            true => declared_columns(&self.declared)?,
            false => Some(self.columns.iter().map(FormColumn::document).collect()),
        };
        document.extend(columns.map(|columns| ("columns".to_owned(), columns)));
        input::check(Value::Object(document))
    }

    pub fn show(&self, caller: &ConsoleCaller, table: &Table, error: Option<&Error>) -> Markup {
        let issues: Vec<&Issue> = error.map(|error| error.issues.iter().collect()).unwrap_or_default();
        let at = |path: &str| {
            let is_at = |issue: &&&Issue| {
                issue
                    .path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let found: Vec<&Issue> = issues.iter().filter(is_at).copied().collect();
            html! { @if !found.is_empty() { div.note.bad { (parts::issues(found.into_iter())) } } }
        };
        html! {
            form.table method="post" action=(table_path(&table.name)) {
                (parts::form_token(caller))
                input type="hidden" name="revision" value=(self.revision);
                label { span { "Description" } input name="description" maxlength="4096" value=(self.description); }
                (at("description"))
                section {
                    h2 { "Columns" }
                    @if self.columns.is_empty() { (declared(&self.declared)) (at("columns")) }
                    @else { (self.columns(table, &at)) }
                }
                section {
                    h2 { "Row policies" }
                    p { "A viewer sees the rows that any policy of one of his groups opens to him. "
                        @if table.row_policies.is_empty() { strong { "There is none: everybody who may see a resource that reads the table sees all rows." } } }
                    label { span { "A list in JSON" } textarea.code name="policies" rows="10" spellcheck="false" { (self.policies) } }
                    (at("row_policies"))
                    details.code { summary { "An example" }
                        pre.source tabindex="0" { code { (EXAMPLE) } } }
                }
                @if error.is_some_and(|error| error.reason == Reason::BreaksQueries) {
                    label.choice { input type="checkbox" name="force" value="true"; "Change it all the same" }
                }
                div.actions { button.primary type="submit" name="action" value="save" { "Save the table" } }
            }
        }
    }

    fn columns(&self, table: &Table, at: &dyn Fn(&str) -> Markup) -> Markup {
        let is_fixed = table.current.is_some();
        html! {
            @if is_fixed {
                p.small { "The types are those of the current version’s files. To correct one, "
                    a href=(self.as_new(table)) { "create a table with these columns" } ", correct the types there and upload the file again." }
            }
            datalist id="types" { @for kind in TYPES { option value=(kind) {} } }
            (parts::scrolling("Columns", html! { table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Type" } th scope="col" { "Description" } th scope="col" { "Hidden" } } }
                tbody { @for (index, column) in self.columns.iter().enumerate() { tr {
                    th scope="row" { (column.name) input type="hidden" name="column" value=(column.name); (at(&format!("columns[{index}]"))) }
                    td {
                        @if is_fixed { code { (column.kind) } input type="hidden" name="type" value=(column.kind); }
                        @else { input name="type" list="types" value=(column.kind) aria-label={ "Type of " (column.name) }; }
                    }
                    td { input name="about" maxlength="1000" value=(column.description) aria-label={ "Description of " (column.name) }; }
                    td { input type="checkbox" name="hidden" value=(column.name) checked[column.hidden] aria-label={ "Hide " (column.name) }; }
                } } }
            } }))
            p.small { "No query can read a hidden column; row policies can." }
        }
    }

    /// The form of a new table with these columns.
    fn as_new(&self, table: &Table) -> String {
        let lines: Vec<_> =
            self.columns.iter().map(|column| format!("{}: {}", column.name, column.kind)).collect();
        let pairs = [("table", format!("{}_2", table.name)), ("declared", lines.join("\n"))];
        let pairs = pairs.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>();
        format!("{}{}", crate::data::PATH, crate::fields::query(&pairs))
    }
}

const EXAMPLE: &str = r#"[
  { "groups": ["support"], "rows": "all" },
  { "groups": ["*"], "rows": [{ "column": "customer", "op": "in", "value": { "attribute": "customers" } }] }
]"#;

impl FormColumn {
    fn document(&self) -> Value {
        let mut column = json!({"name": self.name, "type": self.kind, "hidden": self.hidden});
        if !self.description.is_empty() {
            column["description"] = self.description.as_str().into();
        }
        column
    }
}

/// The field for columns that are declared before there is a file.
pub fn declared(text: &str) -> Markup {
    html! {
        label { span { "Columns, if their types are not to be inferred: one on each line, " code { "name: type" } }
            textarea.code name="declared" rows="4" spellcheck="false" placeholder="city: text" { (text) } }
        p.small { "Types: " code { (TYPES.join(", ")) } "." }
    }
}

/// Columns as lines; none if there is no line.
pub fn declared_columns(text: &str) -> Result<Option<Value>> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let column = |(index, line): (usize, &&str)| {
        let parts = line.rsplit_once(':');
        let parts = parts.map(|(name, kind)| json!({"name": name.trim(), "type": kind.trim()}));
        parts.ok_or_else(|| Error::invalid(format!("columns[{index}]"), "must be a name, a colon and a type"))
    };
    lines.iter().enumerate().map(column).collect::<Result<_>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_columns_are_lines_of_names_and_types() {
        assert_eq!(declared_columns(" \n\n").unwrap(), None);
        let columns = declared_columns("city: text\n a : b :decimal(10,2)\n").unwrap();
        let expected = json!([{"name": "city", "type": "text"}, {"name": "a : b", "type": "decimal(10,2)"}]);
        assert_eq!(columns, Some(expected));
        let error = declared_columns("city: text\nsize").unwrap_err();
        assert_eq!(error.issues.iter().map(|issue| issue.path.as_str()).collect::<Vec<_>>(), ["columns[1]"]);
    }
}
