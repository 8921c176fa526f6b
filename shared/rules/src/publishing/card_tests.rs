//! Tables of dashboards with the findings about their cards.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::clock::Timestamp;
use crate::data::finding::Finding;
use crate::data::work::{OutputColumn, TableUse};
use crate::json::input;
use crate::query::column_type::ColumnType;
use crate::resource::Resource;
use crate::resource::ids::{Deployment, Kind, PrimaryId};

/// Questions 1 (restricted by its tag `town`), 2 (by nothing) and 3 (a required tag).
fn questions() -> CardQuestions {
    let town = json!({"town": {"type": "text"}});
    let contents = [
        ("Orders", json!({"sql": "select 1 from orders where city = {{town}}", "tags": town})),
        ("Everything", json!({"sql": "select 1 from orders"})),
        ("Picky", json!({"sql": "select {{must}}", "tags": {"must": {"type": "text", "required": true}}})),
    ];
    let made = contents.into_iter().enumerate().map(|(index, (title, query))| {
        let content = json!({"type": "question", "query": query});
        let input = input::read(json!({"title": title, "content": content})).unwrap();
        let id = PrimaryId::Number(index as u64 + 1);
        let now = Timestamp::from_unix(0);
        Arc::new(Resource::create(Kind::Question, id, None, input, Deployment::FIRST, now).unwrap())
    });
    CardQuestions::of(made, Deployment::FIRST)
}

fn dashboard(cards: Value, policy: Value) -> ResourceInput {
    let mut cards = cards;
    for (index, card) in cards.as_array_mut().unwrap().iter_mut().enumerate() {
        let place = json!({"id": index + 1, "row": 0, "col": 0, "width": 1, "height": 1});
        card.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
    }
    input::read(json!({
        "title": "Sales", "content": {"type": "dashboard", "cards": cards},
        "embedding_params": policy, "enable_embedding": true,
        "parameters": [{"slug": "city", "name": "City", "type": "text"}, {"slug": "other", "name": "O", "type": "text"}],
    }))
    .unwrap()
}

/// A report of one table, which has a policy if its name begins with `guarded`.
fn reports(input: &ResourceInput, table: &str) -> Vec<QueryReport> {
    let asked = queries_to_check(input.content.as_ref(), &questions());
    let report = |query: QueryToCheck| QueryReport {
        path: query.path,
        tables: vec![TableUse { name: table.to_owned(), has_row_policy: table.starts_with("guarded") }],
        columns: vec![OutputColumn { name: "n".to_owned(), kind: ColumnType::Integer }],
        ..QueryReport::default()
    };
    asked.into_iter().map(report).collect()
}

fn shown(found: &[Issue]) -> Vec<String> {
    found.iter().map(|issue| format!("{}: {}", issue.path, issue.message)).collect()
}

/// cards, table -> the path of the issue and the card that its message names; `city` is locked
#[test]
fn each_card_is_restricted_by_each_locked_parameter() {
    let own = json!({"query": {"sql": "select 1 from orders where a = {{city}}", "tags": {"city": {"type": "text"}}}});
    let mapped = json!({"question": 1, "parameters": {"city": "town"}});
    let with = |base: &Value, more: Value| {
        let mut card = base.clone();
        card.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        card
    };
    let cases = [
        (json!([mapped, own]), "orders", None),
        (json!([{"text": "no query"}, mapped]), "orders", None),
        (json!([mapped, {"question": 1}]), "orders", Some(("content.cards[1].question", "`Orders`"))),
        (json!([{"question": 1}]), "guarded", None),
        (
            json!([with(&mapped, json!({"series": [2]}))]),
            "orders",
            Some(("content.cards[0].series[0]", "`Orders: Everything`")),
        ),
        (json!([with(&mapped, json!({"series": [2]}))]), "guarded", None),
        (
            json!([{"query": {"sql": "select 1"}, "parameters": {"city": "town"}, "series": [1]}]),
            "guarded",
            None,
        ),
        (
            json!([{"question": 1, "parameters": {}}]),
            "orders",
            Some(("content.cards[0].question", "`Orders`")),
        ),
        (
            json!([{"question": 1, "parameters": {"other": "town"}}]),
            "orders",
            Some(("content.cards[0].question", "`Orders`")),
        ),
        (
            json!([{"question": 2, "title": "All of them"}]),
            "orders",
            Some(("content.cards[0].question", "`All of them`")),
        ),
        (
            json!([mapped, with(&own, json!({"parameters": {}}))]),
            "orders",
            Some(("content.cards[1].query.sql", "`2`")),
        ),
        (
            json!([with(&own, json!({"title": "Mine", "parameters": {"other": "city"}}))]),
            "orders",
            Some(("content.cards[0].query.sql", "`Mine`")),
        ),
    ];
    for (cards, table, expected) in cases {
        let input = dashboard(cards.clone(), json!({"city": "locked", "other": "enabled"}));
        let review = review(&input, &questions(), reports(&input, table), &QueryLimits::default()).unwrap();
        let found = shown(&review.issues);
        match expected {
            None => assert!(found.is_empty(), "{cards} {found:?}"),
            Some((path, card)) => {
                let [issue] = &found[..] else { panic!("{cards} {found:?}") };
                assert!(issue.starts_with(&format!("{path}: ")), "{cards} {issue}");
                assert!(
                    issue.contains(&format!("the card {card} reads the table `{table}`")),
                    "{cards} {issue}"
                );
            }
        }
        assert_eq!(review.tables, BTreeSet::from([table.to_owned()]), "{cards}");
    }
}

/// card -> its issues, its warnings
#[test]
fn problems_of_cards_are_found_where_the_cards_are() {
    let cases: [(Value, &[&str], &[&str]); 8] = [
        (json!({"question": 1, "parameters": {"city": "town"}}), &[], &[]),
        (
            json!({"question": 9}),
            &["content.cards[0].question: is not a question with a query in the dashboard's deployment"],
            &[],
        ),
        (
            json!({"question": 2, "parameters": {"city": "street"}}),
            &[],
            &["content.cards[0].question: has no tag `street`, which `parameters` names"],
        ),
        (
            json!({"question": 3}),
            &[
                "content.cards[0].question: the tag `must` is required, but has no default and is set by nobody: \
                 enable or lock its parameter",
            ],
            &[],
        ),
        (json!({"question": 3, "parameters": {"city": "must"}}), &[], &[]),
        (
            json!({"question": 2, "display": "sankey"}),
            &[],
            &["content.cards[0].display: is drawn as a table: `sankey` is not supported"],
        ),
        (
            json!({"question": 2, "settings": {"scalar.field": "m"}}),
            &[],
            &["content.cards[0].settings.scalar.field: names the column `m`, which the answer does not have"],
        ),
        (json!({"question": 2, "settings": {"scalar.field": "n"}}), &[], &[]),
    ];
    for (card, issues, warnings) in cases {
        let input = dashboard(json!([card]), json!({"city": "enabled"}));
        let reports = reports(&input, "guarded");
        let review = review(&input, &questions(), reports, &QueryLimits::default()).unwrap();
        assert_eq!(shown(&review.issues), issues);
        assert_eq!(shown(&review.warnings), warnings);
    }
}

#[test]
fn a_question_on_several_cards_is_planned_once_and_reported_for_each() {
    let cards = json!([{"question": 2}, {"question": 1}, {"question": 2}, {"query": {"sql": "select 1"}}]);
    let input = dashboard(cards, json!({}));
    let asked = queries_to_check(input.content.as_ref(), &questions());
    let paths: Vec<_> = asked.iter().map(|query| query.path.as_str()).collect();
    assert_eq!(paths, ["content.cards[0].question", "content.cards[1].question", "content.cards[3].query"]);
    let mut reports = reports(&input, "guarded");
    reports[0].issues =
        vec![Finding { path: "content.cards[0].question.sql".to_owned(), message: "no".to_owned() }];
    reports[0].unparsable = true;
    let review = super::review(&input, &questions(), reports, &QueryLimits::default()).unwrap();
    assert_eq!(shown(&review.issues), ["content.cards[0].question: no", "content.cards[2].question: no"]);
    // A draft is saved all the same: the text is not its own.
    let draft = ResourceInput { enable_embedding: false, ..input };
    let review =
        super::review(&draft, &questions(), self::reports(&draft, "guarded"), &QueryLimits::default())
            .unwrap();
    assert_eq!(review.issues, []);
}
