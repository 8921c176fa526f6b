//! The cards of a dashboard as pages written for Metabase read them.

use serde_json::{Map, Value, json};
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::dashboard::DashboardContent;
use vitrine::rules::view::decide::View;
use vitrine::rules::view::viewed_content::ViewedContent;
use vitrine::rules::view::viewed_dashboard::{ViewedCard, ViewedDashboard, ViewedSeries};

/// The cards and tabs of a view, each part by name; none for other content.
pub fn parts(view: &View) -> Option<(Vec<Value>, Vec<Value>)> {
    let (Some(ViewedContent::Dashboard(viewed)), Some(Content::Dashboard(stored))) =
        (&view.content, view.stored_content())
    else {
        return None;
    };
    let id = serde_json::to_value(&view.resource.id).unwrap_or_default();
    Some((dashcards(view, viewed, stored, &id), tabs(viewed, &id)))
}

fn tabs(viewed: &ViewedDashboard, id: &Value) -> Vec<Value> {
    let tabs = viewed.tabs.iter().enumerate();
    tabs.map(
        |(position, tab)| json!({"id": tab.id, "dashboard_id": id, "name": tab.name, "position": position}),
    )
    .collect()
}

fn dashcards(view: &View, viewed: &ViewedDashboard, stored: &DashboardContent, id: &Value) -> Vec<Value> {
    let written = |card: &ViewedCard| {
        let card_id = stored.card(card.id).and_then(|stored| stored.question());
        let is_figure = card.parameters.is_some();
        let figure = is_figure.then(|| {
            json!({
                "id": card_id,
                "name": card.title,
                "display": card.display,
                "visualization_settings": card.settings,
                "dataset_query": blank_query(),
            })
        });
        let mut settings = if is_figure { Map::new() } else { card.settings.0.clone() };
        if is_figure {
            settings.extend(card.title.as_ref().map(|title| ("card.title".to_owned(), json!(title))));
        } else {
            let drawn = json!({"name": null, "display": card.display, "visualization_settings": {}, "archived": false});
            settings.insert("virtual_card".to_owned(), drawn);
        }
        json!({
            "id": card.id,
            "dashboard_id": id,
            "card_id": card_id,
            "card": figure,
            "row": card.row,
            "col": card.col,
            "size_x": card.width,
            "size_y": card.height,
            "dashboard_tab_id": card.tab,
            "series": series(card),
            "inline_parameters": [],
            "parameter_mappings": mappings(view, stored, card),
            "visualization_settings": settings,
        })
    };
    viewed.cards.iter().map(written).collect()
}

/// The questions that are drawn over a card, without their queries.
fn series(card: &ViewedCard) -> Vec<Value> {
    let written = |series: &ViewedSeries| {
        json!({
            "id": series.question,
            "name": series.title,
            "display": series.display,
            "visualization_settings": series.settings,
            "dataset_query": blank_query(),
        })
    };
    card.series.iter().map(written).collect()
}

fn blank_query() -> Value {
    json!({"type": "native", "native": {"query": "-", "template-tags": {}}})
}

/// The mappings of the parameters that the viewer may set.
fn mappings(view: &View, stored: &DashboardContent, card: &ViewedCard) -> Vec<Value> {
    let Some(stored) = stored.card(card.id) else { return Vec::new() };
    let id_of = |slug: &str| {
        let visible = view.visible.iter().find(|visible| visible.parameter.slug == slug)?;
        Some(visible.parameter.id.clone().unwrap_or_else(|| slug.to_owned()))
    };
    let Some(reaching) = &card.parameters else {
        // The text names the parameters by their slugs.
        let slugs = stored.parameters.iter().flat_map(|mapped| mapped.keys());
        let mapping = |slug: &String| {
            Some(json!({"parameter_id": id_of(slug)?, "card_id": null, "target": ["text-tag", slug]}))
        };
        return slugs.filter_map(mapping).collect();
    };
    let mapping = |slug: &String, card_id: Option<u64>| {
        let target = json!(["variable", ["template-tag", stored.mapping().tag(slug)?]]);
        Some(json!({"parameter_id": id_of(slug)?, "card_id": card_id, "target": target}))
    };
    let own = reaching.keys().filter_map(|slug| mapping(slug, stored.question()));
    let of_series =
        stored.series.iter().flat_map(|id| reaching.keys().filter_map(|slug| mapping(slug, Some(*id))));
    own.chain(of_series).collect()
}
