use serde_json::{Value, json};

use super::*;
use crate::json::input;
use crate::resource::content::Content;
use crate::resource::ids::Kind;

/// A card at the start of the grid, with `fields` over its own.
fn card(fields: Value) -> Value {
    let mut card = json!({"id": 1, "row": 0, "col": 0, "width": 12, "height": 6});
    card.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    card
}

fn dashboard(cards: Value) -> Value {
    json!({"type": "dashboard", "cards": cards})
}

fn content(written: Value) -> Content {
    input::read(written).unwrap()
}

fn sql(sql: &str, tags: Value) -> Value {
    json!({"sql": sql, "tags": tags})
}

fn city() -> Value {
    json!({"city": {"type": "text", "default": "Berlin", "display_name": "City"}})
}

fn parameters(kind: &str) -> Vec<Parameter> {
    input::read(json!([{"slug": "town", "name": "Town", "type": kind}])).unwrap()
}

/// The paths of what cannot be read, and of the problems of what can.
fn refused(written: Value) -> Vec<String> {
    let issues = match input::read::<Content>(written) {
        Ok(content) => content.problems(Kind::Dashboard, &QueryLimits::default(), "content"),
        Err(error) => error.issues.iter().cloned().collect(),
    };
    issues.into_iter().map(|issue| issue.path).collect()
}

#[test]
fn dashboards_are_written_and_read_in_one_form() {
    for form in [
        dashboard(json!([])),
        dashboard(json!([
            card(
                json!({"question": 7, "display": "bar", "settings": {"a": 1}, "parameters": {"town": "city"}})
            ),
            card(
                json!({"id": 2, "query": sql("select {{city}}", city()), "title": "Total", "parameters": {}})
            ),
            card(json!({"id": 3, "text": "# *Hi*", "extra": {"kept": [1]}})),
            card(json!({"id": 4, "heading": "for {{customer}}", "parameters": {"tenant": "customer"}})),
            card(json!({"id": 5, "link": "https://example.com/", "title": "More"})),
            card(json!({"id": 6, "question": 7, "series": [8, 9]})),
        ])),
        json!({
            "type": "dashboard", "tabs": [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}],
            "cards": [card(json!({"text": "", "tab": 2}))], "extra": {"width": "full"},
        }),
    ] {
        let read = content(form.clone());
        assert_eq!(serde_json::to_value(&read).unwrap(), form);
        assert_eq!(serde_json::from_value::<Content>(form.clone()).unwrap(), read);
        assert_eq!(read.problems(Kind::Dashboard, &QueryLimits::default(), "content"), [], "{form}");
    }
}

/// card -> the paths of its problems
#[test]
fn every_problem_of_a_card_names_its_field() {
    let most = ResourceId::MAX_NUMBER;
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({"text": ""}), &[]),
        (json!({}), &["cards[0]"]),
        (json!({"text": "", "heading": ""}), &["cards[0]"]),
        (json!({"question": 1, "query": {"sql": "select 1"}}), &["cards[0]"]),
        (json!({"text": "", "colour": "red"}), &["cards[0].colour"]),
        (json!({"text": 1}), &["cards[0].text"]),
        (json!({"question": "1"}), &["cards[0].question"]),
        (json!({"question": -1}), &["cards[0].question"]),
        (json!({"question": 0}), &["content.cards[0].question"]),
        (json!({"question": most}), &[]),
        (json!({"question": most + 1}), &["content.cards[0].question"]),
        (json!({"query": "select 1"}), &["cards[0].query"]),
        (json!({"query": {"sql": ""}}), &["content.cards[0].query.sql"]),
        (json!({"query": {"sql": "select {{x}}"}}), &["content.cards[0].query.sql"]),
        (json!({"link": ""}), &["content.cards[0].link"]),
        (json!({"link": "x".repeat(2_048)}), &[]),
        (json!({"link": "x".repeat(2_049)}), &["content.cards[0].link"]),
        (json!({"link": "a\nb"}), &["content.cards[0].link"]),
        (json!({"text": "", "id": 0}), &["content.cards[0].id"]),
        (json!({"text": "", "id": "a"}), &["cards[0].id"]),
        (json!({"text": "", "row": 400, "height": 400}), &[]),
        (json!({"text": "", "row": 401}), &["content.cards[0].row"]),
        (json!({"text": "", "row": -1}), &["cards[0].row"]),
        (json!({"text": "", "col": 23, "width": 1}), &[]),
        (json!({"text": "", "col": 24}), &["content.cards[0].col"]),
        (json!({"text": "", "col": 65_535}), &["content.cards[0].col"]),
        (json!({"text": "", "width": 24}), &[]),
        (json!({"text": "", "width": 0}), &["content.cards[0].width"]),
        (json!({"text": "", "width": 25}), &["content.cards[0].width"]),
        (json!({"text": "", "col": 13}), &["content.cards[0].width"]),
        (json!({"text": "", "height": 0}), &["content.cards[0].height"]),
        (json!({"text": "", "height": 401}), &["content.cards[0].height"]),
        (json!({"text": "", "title": "x".repeat(255)}), &[]),
        (json!({"text": "", "title": "x".repeat(256)}), &["content.cards[0].title"]),
        (json!({"text": "", "display": "bar"}), &["content.cards[0].display"]),
        (json!({"text": "", "parameters": {}}), &[]),
        (json!({"text": "", "series": [1]}), &["content.cards[0].series"]),
        (json!({"question": 1, "series": [2, 3]}), &[]),
        (json!({"question": 1, "series": [2, 1]}), &["content.cards[0].series[1]"]),
        (json!({"question": 1, "series": [2, 2]}), &["content.cards[0].series[1]"]),
        (json!({"query": {"sql": "select 1"}, "series": [2, 2]}), &["content.cards[0].series[1]"]),
        (json!({"question": 1, "series": [0]}), &["content.cards[0].series[0]"]),
        (json!({"question": 1, "series": ["2"]}), &["cards[0].series[0]"]),
        (json!({"question": 30, "series": (1..=20).collect::<Vec<_>>()}), &[]),
        (json!({"question": 30, "series": (1..=21).collect::<Vec<_>>()}), &["content.cards[0].series"]),
        (json!({"question": 1, "display": "a b"}), &["content.cards[0].display"]),
        (json!({"question": 1, "parameters": {"town": 1}}), &["cards[0].parameters.town"]),
        (json!({"question": 1, "settings": []}), &["cards[0].settings"]),
        (json!({"question": 1, "settings": {"a": "x".repeat(65_536)}}), &["content.cards[0].settings"]),
        (json!({"question": 1, "extra": {"a": "x".repeat(65_536)}}), &["content.cards[0].extra"]),
        (json!({"text": "", "tab": 1}), &["content.cards[0].tab"]),
    ];
    for (fields, expected) in cases {
        assert_eq!(refused(dashboard(json!([card(fields.clone())]))), expected, "{fields}");
    }
    assert_eq!(
        refused(dashboard(json!([{"id": 1, "text": "", "row": 0, "col": 0, "width": 1}]))),
        ["cards[0].height"]
    );
}

/// tabs, tabs of cards -> the paths of problems
#[test]
fn with_tabs_each_card_is_on_one() {
    let tab = |id: u64, name: &str| json!({"id": id, "name": name});
    let cases: [(Value, &[Value], &[&str]); 8] = [
        (json!([]), &[json!(null), json!(null)], &[]),
        (json!([tab(1, "A"), tab(2, "B")]), &[json!(1), json!(2)], &[]),
        (json!([tab(1, "A")]), &[json!(1), json!(null)], &["content.cards[1].tab"]),
        (json!([tab(1, "A")]), &[json!(1), json!(2)], &["content.cards[1].tab"]),
        (json!([tab(1, "A"), tab(1, "B")]), &[], &["content.tabs[1].id"]),
        (json!([tab(0, "A")]), &[], &["content.tabs[0].id"]),
        (
            json!([tab(1, " "), tab(2, &"x".repeat(256))]),
            &[],
            &["content.tabs[0].name", "content.tabs[1].name"],
        ),
        (json!([{"id": 1, "name": "A", "more": 1}]), &[], &["tabs[0].more"]),
    ];
    for (tabs, on, expected) in cases {
        let cards: Vec<_> = on
            .iter()
            .enumerate()
            .map(|(index, tab)| card(json!({"id": index + 1, "text": "", "tab": tab})))
            .collect();
        let written = json!({"type": "dashboard", "tabs": tabs, "cards": cards});
        assert_eq!(refused(written.clone()), expected, "{written}");
    }
}

#[test]
fn the_parts_of_a_dashboard_are_bounded() {
    let cards = |count: usize, fields: &dyn Fn(usize) -> Value| {
        let all: Vec<_> = (1..=count)
            .map(|id| {
                let mut one = card(json!({ "id": id }));
                one.as_object_mut().unwrap().extend(fields(id).as_object().unwrap().clone());
                one
            })
            .collect();
        dashboard(all.into())
    };
    let text = |_: usize| json!({"text": ""});
    assert!(refused(cards(200, &text)).is_empty());
    assert_eq!(refused(cards(201, &text)), ["cards"]);
    assert!(refused(cards(100, &|id| json!({ "question": id }))).is_empty());
    assert!(refused(cards(200, &|id| json!({ "question": id % 100 + 1 }))).is_empty());
    assert_eq!(refused(cards(101, &|id| json!({ "question": id }))), ["content.cards"]);
    assert_eq!(refused(cards(5, &|_| json!({"text": "x".repeat(64 * 1024)}))), ["content.cards"]);
    assert_eq!(refused(cards(2, &|_| json!({"text": "", "id": 7}))), ["content.cards[1].id"]);
    let tabs: Vec<_> = (1..=51).map(|id| json!({"id": id, "name": "T"})).collect();
    assert_eq!(refused(json!({"type": "dashboard", "tabs": tabs, "cards": []})), ["tabs"]);
    assert_eq!(refused(json!({"type": "dashboard"})), ["cards"]);
}

#[test]
fn only_a_dashboard_has_cards() {
    let content = content(dashboard(json!([])));
    for (kind, expected) in
        [(Kind::Dashboard, None), (Kind::Question, Some("content.type")), (Kind::Dive, Some("content.type"))]
    {
        let issues = content.problems(kind, &QueryLimits::default(), "content");
        assert_eq!(issues.first().map(|issue| issue.path.as_str()), expected, "{kind}");
    }
}

/// card -> the slugs of derived parameters
#[test]
fn tags_of_a_cards_own_query_make_parameters_of_the_dashboard() {
    let own = |parameters: Value| {
        let mut one = card(json!({"query": sql("select {{city}}", city())}));
        if !parameters.is_null() {
            one["parameters"] = parameters;
        }
        content(dashboard(json!([one])))
    };
    let cases: [(Value, &[&str]); 5] = [
        (json!(null), &["city"]),
        (json!({}), &[]),
        (json!({"place": "city"}), &["place"]),
        (json!({"place": "city", "town": "city"}), &["place"]),
        (json!({"town": "city"}), &[]),
    ];
    for (mapping, expected) in cases {
        let derived = own(mapping.clone()).derived_parameters(&parameters("text"));
        let slugs: Vec<_> = derived.iter().map(|parameter| parameter.slug.as_str()).collect();
        assert_eq!(slugs, expected, "{mapping}");
        assert!(derived.iter().all(|one| one.name == "City" && one.default == Some(json!("Berlin"))));
    }
    let of_question =
        content(dashboard(json!([card(json!({"question": 1, "parameters": {"town": "city"}}))])));
    assert_eq!(of_question.derived_parameters(&[]), []);
}

/// type of `town`, mapping, card -> the path of the problem
#[test]
fn a_mapping_names_parameters_and_tags_that_fit_each_other() {
    let own = || json!({"query": sql("select {{city}}", city())});
    let question = || json!({"question": 1});
    let cases = [
        ("text", json!({"town": "city"}), own(), None),
        ("date", json!({"town": "city"}), own(), Some("parameters[0].type")),
        ("text", json!({"town": "street"}), own(), Some("content.cards[0].parameters.town")),
        ("text", json!({"other": "city"}), own(), None),
        ("text", json!({"town": "city"}), question(), None),
        ("text", json!({"other": "city"}), question(), Some("content.cards[0].parameters.other")),
    ];
    for (kind, mapping, body, expected) in cases {
        let mut one = card(body);
        one["parameters"] = mapping.clone();
        let content = content(dashboard(json!([one])));
        let declared = parameters(kind);
        let all = [declared.clone(), content.derived_parameters(&declared)].concat();
        let issues = content.misfits(&declared, &all, "content");
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths.first().copied(), expected, "{kind} {mapping}");
        assert!(paths.len() <= 1);
    }
}
