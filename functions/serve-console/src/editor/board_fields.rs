//! The cards of a dashboard: their places on the grid as numbers, and the tags that the dashboard's parameters set.
//!
//! A script draws the grid over the numbers. Without it they are the fields.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::{Map, Value, json};
use vitrine::rules::resource::card_questions::CardQuestions;

use super::document::{items, members, set_text, text, whole};
use super::form::{Choice, EditorForm};
use super::{DISPLAYS, query_tags};
use crate::fields::Fields;

const MOST_CARDS: usize = 220;
const MOST_TABS: usize = 60;

/// The kinds of cards: word, name, label of the field, size of a new one.
pub const KINDS: [(&str, &str, &str, (u64, u64)); 4] = [
    ("question", "Question", "Number of the question", (12, 6)),
    ("text", "Text", "Markdown", (12, 3)),
    ("heading", "Heading", "Heading", (24, 1)),
    ("link", "Link", "Address", (6, 1)),
];

/// The things beside the document that the fields need.
pub struct Surroundings {
    pub questions: CardQuestions,
    /// The numbers and titles of some questions, for choosing.
    pub known: Vec<(String, String)>,
}

/// The content that the fields describe, over `base`.
pub fn read(fields: &Fields, base: Option<&Value>, parameters: &Value) -> Value {
    let mut content = members(base);
    content.insert("type".to_owned(), "dashboard".into());
    let tabs = read_tabs(fields);
    let old = base.map(|base| items(base, "/cards")).unwrap_or_default();
    let removed = fields.text("action").strip_prefix("remove-").and_then(|index| index.parse::<usize>().ok());
    let mut cards: Vec<Value> = (0..MOST_CARDS)
        .map(|index| (index, format!("content.cards[{index}]")))
        // The script leaves out those that it removed.
        .filter(|(_, prefix)| fields.has(&format!("{prefix}.id")))
        .filter(|(index, _)| Some(*index) != removed)
        .map(|(_, prefix)| read_card(fields, &prefix, old, &tabs, parameters))
        .collect();
    if let Some(kind) = fields.text("action").strip_prefix("add-") {
        cards.extend(new_card(kind, &cards, &tabs));
    }
    content.insert("cards".to_owned(), cards.into());
    content.insert("tabs".to_owned(), tabs.into());
    content.into()
}

/// Tabs with a name. A new one gets the next number.
fn read_tabs(fields: &Fields) -> Vec<Value> {
    let rows = (0..MOST_TABS).map(|index| format!("content.tabs[{index}]"));
    let rows = rows.take_while(|row| fields.has(&format!("{row}.name")));
    let rows: Vec<_> = rows
        .map(|row| (fields.number::<u64>(&format!("{row}.id")), fields.text(&format!("{row}.name"))))
        .collect();
    let mut next = rows.iter().filter_map(|(id, _)| *id).max().unwrap_or_default();
    rows.into_iter()
        .filter(|(_, name)| !name.is_empty())
        .map(|(id, name)| {
            let id = id.unwrap_or_else(|| {
                next = next.saturating_add(1);
                next
            });
            json!({ "id": id, "name": name })
        })
        .collect()
}

fn read_card(fields: &Fields, prefix: &str, old: &[Value], tabs: &[Value], parameters: &Value) -> Value {
    let field = |name: &str| fields.text(&format!("{prefix}.{name}"));
    let id = whole(field("id"));
    let before = old.iter().find(|card| card.get("id") == Some(&id));
    let mut card = members(before);
    card.insert("id".to_owned(), id);
    for name in ["row", "col", "width", "height"] {
        card.insert(name.to_owned(), whole(field(name)));
    }
    for (kind, ..) in KINDS {
        if fields.has(&format!("{prefix}.{kind}")) {
            let given = match kind {
                "question" => whole(field(kind)),
                "text" => fields.exact(&format!("{prefix}.text")).into(),
                _ => field(kind).into(),
            };
            card.insert(kind.to_owned(), given);
        }
    }
    set_text(&mut card, "title", field("title"));
    if is_figure(&card) {
        set_text(&mut card, "display", field("display"));
        read_mapping(fields, prefix, &mut card, parameters);
    }
    let chosen = whole(field("tab"));
    let tab = tabs.iter().find(|tab| tab.get("id") == Some(&chosen)).or_else(|| tabs.first());
    card.insert("tab".to_owned(), tab.and_then(|tab| tab.get("id")).cloned().unwrap_or_default());
    card.into()
}

/// The tags that the parameters set. A card whose parameters all set the tags of their names needs no list.
fn read_mapping(fields: &Fields, prefix: &str, card: &mut Map<String, Value>, parameters: &Value) {
    let slugs = || parameters.as_array().into_iter().flatten().map(|parameter| text(parameter, "/slug"));
    let chosen = |slug: &str| fields.text(&format!("{prefix}.parameters.{slug}")).to_owned();
    if !slugs().any(|slug| fields.has(&format!("{prefix}.parameters.{slug}"))) {
        return;
    }
    let same: BTreeSet<&str> = fields.all(&format!("{prefix}.same")).collect();
    let is_usual = |slug: &str| chosen(slug) == if same.contains(slug) { slug } else { "" };
    if card.get("parameters").is_none_or(Value::is_null) && slugs().all(is_usual) {
        return;
    }
    let pairs = slugs().map(|slug| (slug.to_owned(), chosen(slug))).filter(|(_, tag)| !tag.is_empty());
    let mapping: Map<_, _> = pairs.map(|(slug, tag)| (slug, Value::from(tag))).collect();
    card.insert("parameters".to_owned(), mapping.into());
}

fn is_figure(card: &Map<String, Value>) -> bool {
    ["question", "query"].iter().any(|kind| card.contains_key(*kind))
}

/// A card below all others.
fn new_card(kind: &str, cards: &[Value], tabs: &[Value]) -> Option<Value> {
    let (word, _, _, (width, height)) = KINDS.into_iter().find(|(word, ..)| *word == kind)?;
    let number = |card: &Value, name: &str| card.get(name).and_then(Value::as_u64).unwrap_or_default();
    let id = cards.iter().map(|card| number(card, "id")).max().unwrap_or_default().saturating_add(1);
    let row = cards.iter().map(|card| number(card, "row").saturating_add(number(card, "height"))).max();
    let value = if word == "question" { Value::Null } else { "".into() };
    let tab = tabs.first().and_then(|tab| tab.get("id")).cloned();
    Some(json!({
        "id": id, word: value, "row": row.unwrap_or_default(), "col": 0, "width": width, "height": height, "tab": tab,
    }))
}

pub fn show(form: &EditorForm<'_>, document: &Value, around: &Surroundings) -> Markup {
    let (cards, tabs) = (items(document, "/content/cards"), items(document, "/content/tabs"));
    html! {
        section.cards {
            h2 { "Cards" }
            @if cards.is_empty() { p.muted { "There is none yet. Add a question, a text, a heading or a link." } }
            div.board hidden data-board aria-label="Cards on the grid" role="group" {}
            p.small.how hidden { "Drag a card to its place, or its corner to resize it. By keyboard: arrows move the focused card, Shift and arrows resize it, Ctrl+Z undoes the last change." }
            p.hidden data-said role="status" {}
            div.actions { button type="button" data-undo hidden disabled { "Undo" } }
            datalist id="questions" { @for (number, title) in &around.known { option value=(number) { (title) } } }
            @for (index, card) in cards.iter().enumerate() { (show_card(form, index, card, document, around)) }
            div.actions {
                @for (word, name, ..) in KINDS {
                    button type="submit" name="action" value={ "add-" (word) } formnovalidate { "Add a " (name.to_lowercase()) }
                }
            }
        }
        section {
            h2 { "Tabs" }
            p.small { "A dashboard without tabs is one page. A tab without a name is removed, and its cards go to the first one." }
            div.pair {
                @for (index, tab) in tabs.iter().chain([&json!({})]).enumerate() {
                    div {
                        @if let Some(id) = tab.get("id") { input type="hidden" name={ "content.tabs[" (index) "].id" } value=(id); }
                        (form.text(if tab.get("id").is_some() { "Tab" } else { "Another tab" }, &format!("content.tabs[{index}].name"), text(tab, "/name"), ""))
                    }
                }
            }
        }
    }
}

fn show_card(
    form: &EditorForm<'_>,
    index: usize,
    card: &Value,
    document: &Value,
    around: &Surroundings,
) -> Markup {
    let field = |name: &str| format!("content.cards[{index}].{name}");
    let number = |name: &str| super::document::shown(card.get(name));
    let kind = KINDS.into_iter().find(|(word, ..)| card.get(word).is_some());
    let named = card.get("question").and_then(Value::as_u64).and_then(|id| around.questions.get(id));
    let title = match (text(card, "/title"), named, kind) {
        ("", Some((question, _)), _) => question.title.clone(),
        ("", None, Some(("heading" | "link", ..))) => number(kind.map_or("", |kind| kind.0)),
        ("", ..) => kind.map_or("Query", |kind| kind.1).to_owned(),
        (title, ..) => title.to_owned(),
    };
    let tabs = items(document, "/content/tabs");
    let tab_choices: Vec<_> =
        tabs.iter().map(|tab| (super::document::shown(tab.get("id")), text(tab, "/name"))).collect();
    let tab_choices: Vec<Choice<'_>> = tab_choices.iter().map(|(id, name)| (id.as_str(), *name)).collect();
    let displays = [&[("", "As the question says")][..], &DISPLAYS].concat();
    let tags = named
        .map(|(_, question)| question.query.tags.keys().cloned().collect())
        .unwrap_or_else(|| query_tags(card.get("query")));
    html! {
        fieldset.parameter.card data-card=(index) {
            legend { "Card " (index + 1) ": " span data-title { (title) } }
            input type="hidden" name=(field("id")) value=(number("id"));
            div.pair {
                @match kind {
                    Some(("question", _, label, _)) => {
                        label { span { (label) }
                            input id=(field("question")) name=(field("question")) value=(number("question")) list="questions" inputmode="numeric" autocomplete="off"; }
                    }
                    Some(("text", _, label, _)) => (form.area(label, &field("text"), text(card, "/text"), 4, "## Results")),
                    Some((word, _, label, _)) => (form.text(label, &field(word), &number(word), "")),
                    None => p.muted { "A query of its own, which the API has stored." },
                }
                (form.text("Title", &field("title"), text(card, "/title"), ""))
                @if card.as_object().is_some_and(is_figure) {
                    (form.choice("Drawn as", &field("display"), text(card, "/display"), &displays))
                }
                @if !tabs.is_empty() { (form.choice("Tab", &field("tab"), &number("tab"), &tab_choices)) }
            }
            div.place {
                (form.number("Column", &field("col"), &number("col"), (0, 23)))
                (form.number("Row", &field("row"), &number("row"), (0, 400)))
                (form.number("Width", &field("width"), &number("width"), (1, 24)))
                (form.number("Height", &field("height"), &number("height"), (1, 400)))
            }
            @if card.as_object().is_some_and(is_figure) { (wires(form, index, card, document, &tags)) }
            div.actions { button.quiet type="submit" name="action" value={ "remove-" (index) } formnovalidate { "Remove card " (index + 1) } }
        }
    }
}

/// For each parameter of the dashboard, the tag of the card's query that it sets.
fn wires(form: &EditorForm<'_>, index: usize, card: &Value, document: &Value, tags: &[String]) -> Markup {
    let mapping = card.get("parameters").and_then(Value::as_object);
    let choices: Vec<Choice<'_>> =
        [("", "Nothing")].into_iter().chain(tags.iter().map(|tag| (tag.as_str(), tag.as_str()))).collect();
    let wired = |slug: &str| match mapping {
        Some(mapping) => mapping.get(slug).and_then(Value::as_str).unwrap_or_default().to_owned(),
        None if tags.iter().any(|tag| tag == slug) => slug.to_owned(),
        None => String::new(),
    };
    let slugs: Vec<_> =
        items(document, "/parameters").iter().map(|parameter| text(parameter, "/slug")).collect();
    html! {
        @if !tags.is_empty() && !slugs.is_empty() {
            div.pair {
                @for slug in slugs {
                    @if tags.iter().any(|tag| tag == slug) { input type="hidden" name={ "content.cards[" (index) "].same" } value=(slug); }
                    (form.choice(&format!("Parameter {slug} sets"), &format!("content.cards[{index}].parameters.{slug}"), &wired(slug), &choices))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: [(&str, &str); 5] = [
        ("content.cards[0].id", "4"),
        ("content.cards[0].row", "1"),
        ("content.cards[0].col", "2"),
        ("content.cards[0].width", "12"),
        ("content.cards[0].height", "x"),
    ];

    #[test]
    fn a_card_keeps_what_has_no_field() {
        let base = json!({ "extra": { "a": 1 }, "cards": [{ "id": 4, "query": { "sql": "select 1" }, "settings": { "b": 2 } }] });
        let read = read(&Fields::of(&PLACE), Some(&base), &json!([]));
        let card = json!({ "id": 4, "query": { "sql": "select 1" }, "settings": { "b": 2 }, "row": 1, "col": 2, "width": 12, "height": "x", "tab": null });
        assert_eq!(read, json!({ "type": "dashboard", "extra": { "a": 1 }, "cards": [card], "tabs": [] }));
    }

    #[test]
    fn a_new_card_is_below_the_others_and_a_removed_one_is_gone() {
        let mut sent = PLACE.to_vec();
        sent[4].1 = "3";
        sent.extend([("content.cards[0].question", "7"), ("action", "add-text")]);
        let content = read(&Fields::of(&sent), None, &json!([]));
        assert_eq!(
            content["cards"][1],
            json!({ "id": 5, "text": "", "row": 4, "col": 0, "width": 12, "height": 3, "tab": null })
        );
        sent.pop();
        sent.push(("action", "remove-0"));
        assert_eq!(read(&Fields::of(&sent), None, &json!([]))["cards"], json!([]));
        let later: Vec<_> = PLACE.iter().map(|(name, value)| (name.replace("[0]", "[3]"), *value)).collect();
        let later: Vec<_> = later.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(
            read(&Fields::of(&later), None, &json!([]))["cards"][0]["id"],
            4,
            "others were removed by the script"
        );
    }

    /// chosen tag of the parameter `city`, tags of the same name -> mapping
    #[test]
    fn parameters_are_wired_where_they_differ_from_the_names() {
        let parameters = json!([{ "slug": "city" }]);
        for (chosen, same, before, expected) in [
            ("city", "city", Value::Null, Value::Null),
            ("", "", Value::Null, Value::Null),
            ("", "city", Value::Null, json!({})),
            ("town", "", Value::Null, json!({ "city": "town" })),
            ("city", "city", json!({ "city": "town" }), json!({ "city": "city" })),
        ] {
            let base = json!({ "cards": [{ "id": 4, "question": 7, "parameters": before }] });
            let mut sent = PLACE.to_vec();
            sent.extend([("content.cards[0].parameters.city", chosen), ("content.cards[0].same", same)]);
            let content = read(&Fields::of(&sent), Some(&base), &parameters);
            assert_eq!(content["cards"][0]["parameters"], expected, "{chosen} {same}");
        }
    }

    #[test]
    fn a_tab_without_a_name_is_gone_and_a_new_one_gets_a_number() {
        let mut sent = PLACE.to_vec();
        sent.extend([
            ("content.tabs[0].id", "3"),
            ("content.tabs[0].name", ""),
            ("content.tabs[1].name", "New"),
            ("content.cards[0].tab", "3"),
        ]);
        let content = read(&Fields::of(&sent), None, &json!([]));
        assert_eq!(content["tabs"], json!([{ "id": 4, "name": "New" }]));
        assert_eq!(content["cards"][0]["tab"], 4);
    }
}
