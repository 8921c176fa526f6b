//! Tables of resources with the findings about them, each beside a resource that lacks the problem.

use serde_json::{Value, json};

use super::*;
use crate::data::finding::Finding;
use crate::data::work::{OutputColumn, TableUse};
use crate::json::input;
use crate::query::column_type::ColumnType;

fn resource(content: Value, policy: Value) -> ResourceInput {
    input::read(json!({
        "title": "Sales", "content": content, "embedding_params": policy, "enable_embedding": true,
        "parameters": [{"slug": "fixed", "name": "Fixed", "type": "text", "default": "a"}],
    }))
    .unwrap()
}

fn question(sql: &str, tags: Value) -> Value {
    json!({"type": "question", "query": {"sql": sql, "tags": tags}})
}

fn tags(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"type": "text"})))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A report of a query that reads tables, each with a policy if its name begins with `guarded`.
fn report(path: &str, tables: &[&str]) -> QueryReport {
    let table =
        |name: &&str| TableUse { name: (*name).to_owned(), has_row_policy: name.starts_with("guarded") };
    let column = |name: &str| OutputColumn { name: name.to_owned(), kind: ColumnType::Text };
    QueryReport {
        path: path.to_owned(),
        tables: tables.iter().map(table).collect(),
        columns: vec![column("city"), column("count")],
        ..QueryReport::default()
    }
}

fn reviewed(input: &ResourceInput, reports: Vec<QueryReport>) -> Review {
    review(input, &CardQuestions::default(), reports, &QueryLimits::default()).unwrap()
}

fn paths(found: &[Issue]) -> Vec<&str> {
    found.iter().map(|issue| issue.path.as_str()).collect()
}

/// SQL, policy, tables -> whether the locked parameter `city` restricts it.
#[test]
fn a_locked_parameter_restricts_each_query_without_a_row_policy() {
    let locked = || json!({"city": "locked"});
    let cases = [
        ("select 1 from orders where city = {{city}}", locked(), &["orders"][..], true),
        ("select 1 from orders", locked(), &["orders"], false),
        ("select 1 from orders", locked(), &["guarded"], true),
        ("select 1 from orders", locked(), &["guarded", "orders"], false),
        ("select 1", locked(), &[], true),
        ("select 1 from orders -- {{city}}", locked(), &["orders"], false),
        ("select 1 from orders /* {{city}} */", locked(), &["orders"], false),
        ("select 1 from orders", json!({"city": {"attribute": "city"}}), &["orders"], false),
        (
            "select 1 from orders where city = {{city}}",
            json!({"city": {"attribute": "city"}}),
            &["orders"],
            true,
        ),
        ("select 1 from orders", json!({"city": "enabled"}), &["orders"], true),
        ("select 1 from orders", json!({"city": "disabled"}), &["orders"], true),
        // A block stays if all of its own tags have values.
        ("select 1 from orders [[where city = {{city}}]]", locked(), &["orders"], true),
        ("select 1 from orders [[where city = {{city}} and day = {{day}}]]", locked(), &["orders"], false),
        (
            "select 1 from orders [[where day = {{day}} [[and city = {{city}}]]]]",
            locked(),
            &["orders"],
            false,
        ),
        ("select 1 from orders [[where city = {{city}} [[and day = {{day}}]]]]", locked(), &["orders"], true),
        (
            "select 1 from orders [[where city = {{city}} and day = {{day}}]]",
            json!({"city": "locked", "day": "locked"}),
            &["orders"],
            true,
        ),
        (
            "select 1 from orders [[where day = {{day}} and city = {{city}}]] and city = {{city}}",
            locked(),
            &["orders"],
            true,
        ),
        // The value of a required tag is given, or the query does not run.
        ("select 1 from orders [[where city = {{city}} and n = {{must}}]]", locked(), &["orders"], true),
        ("select {{day}} from orders where true", locked(), &["orders"], false),
    ];
    for (sql, policy, tables, is_restricted) in cases {
        let mut tags = tags(&["city", "day"]);
        tags["must"] = json!({"type": "number", "required": true, "default": 1});
        let input = resource(question(sql, tags), policy);
        let found = reviewed(&input, vec![report("content.query", tables)]).issues;
        let expected: &[&str] = if is_restricted { &[] } else { &["content.query.sql"] };
        assert_eq!(paths(&found), expected, "{sql}");
        for issue in found {
            assert!(
                issue.message.contains("`city`") && issue.message.contains("`orders`"),
                "{}",
                issue.message
            );
        }
    }
}

#[test]
fn each_query_of_a_dive_and_each_locked_parameter_is_checked() {
    let query = |sql: &str| json!({"sql": sql, "tags": tags(&["city", "team"])});
    let content = json!({"type": "html", "html": "", "queries": {
        "both": query("select 1 from orders where {{city}} = city and team = {{team}}"),
        "neither": query("select 1 from orders"),
        "one": query("select 1 from orders where {{team}} = team"),
        "safe": query("select 1 from guarded"),
    }});
    let input = resource(content, json!({"city": "locked", "team": {"attribute": "team"}}));
    let reports = |name: &str, table| report(&format!("content.queries.{name}"), &[table]);
    let found = reviewed(
        &input,
        vec![
            reports("safe", "guarded"),
            reports("one", "orders"),
            reports("both", "orders"),
            reports("neither", "orders"),
        ],
    );
    let about: Vec<_> = found
        .issues
        .iter()
        .map(|issue| (issue.path.as_str(), if issue.message.contains("`city`") { "city" } else { "team" }))
        .collect();
    assert_eq!(
        about,
        [
            ("content.queries.neither.sql", "city"),
            ("content.queries.neither.sql", "team"),
            ("content.queries.one.sql", "city"),
        ]
    );
    assert_eq!(found.tables, ["guarded".to_owned(), "orders".to_owned()].into());
}

/// tag `x`, policy -> the paths of issues and of warnings.
#[test]
fn a_value_that_a_query_needs_is_given_by_somebody() {
    let column = json!({"table": "t", "column": "c"});
    let at: &[&str] = &["content.query.tags.x"];
    let none: &[&str] = &[];
    let required = json!({"type": "text", "required": true});
    let cases = [
        (required.clone(), json!({}), at, none),
        (required.clone(), json!({"x": "disabled"}), at, none),
        (required.clone(), json!({"x": "enabled"}), none, none),
        (required.clone(), json!({"x": "locked"}), none, none),
        (required, json!({"x": {"attribute": "a"}}), none, none),
        (json!({"type": "text", "required": true, "default": "a"}), json!({}), none, none),
        (json!({"type": "text"}), json!({}), none, at),
        (json!({"type": "text"}), json!({"x": "enabled"}), none, none),
        (json!({"type": "text", "default": "a"}), json!({}), none, none),
        (json!({"type": "dimension", "dimension": column}), json!({}), none, none),
        (json!({"type": "dimension", "dimension": column, "required": true}), json!({}), at, none),
        (json!({"type": "temporal-unit", "dimension": column}), json!({}), none, none),
    ];
    for (tag, policy, issues, warnings) in cases {
        let input = resource(question("select {{x}}", json!({"x": tag})), policy.clone());
        let found = reviewed(&input, vec![report("content.query", &[])]);
        assert_eq!(
            (paths(&found.issues), paths(&found.warnings)),
            (issues.to_vec(), warnings.to_vec()),
            "{tag} {policy}"
        );
    }
    // The parameter that the resource declares has a default.
    let input = resource(
        question("select {{fixed}}", json!({"fixed": {"type": "text", "required": true}})),
        json!({}),
    );
    assert_eq!(reviewed(&input, vec![report("content.query", &[])]), Review::default());
    let input = resource(question("select 1 [[ {{x}} ]]", tags(&["x"])), json!({}));
    assert_eq!(reviewed(&input, vec![report("content.query", &[])]), Review::default());
}

/// settings -> the paths of warnings, for an answer with the columns `city` and `count`.
#[test]
fn settings_name_columns_of_the_answer() {
    let cases = [
        (json!({}), &[][..]),
        (json!({"graph.dimensions": ["city"], "graph.metrics": ["count"]}), &[]),
        (json!({"graph.dimensions": ["town"]}), &["graph.dimensions[0]"]),
        (json!({"graph.metrics": ["count", "sum", null]}), &["graph.metrics[1]"]),
        (json!({"graph.metrics": ["Count"]}), &["graph.metrics[0]"]),
        (json!({"table.columns": [{"name": "city", "enabled": true}]}), &[]),
        (json!({"table.columns": [{"name": "x"}, {"enabled": true}, 1]}), &["table.columns[0].name"]),
        (json!({"pie.dimension": "city", "pie.metric": "count"}), &[]),
        (json!({"pie.dimension": "x", "pie.metric": "y"}), &["pie.dimension", "pie.metric"]),
        (json!({"pie.dimension": ["city", "x"]}), &["pie.dimension[1]"]),
        (json!({"scalar.field": "count"}), &[]),
        (json!({"scalar.field": "x"}), &["scalar.field"]),
        (json!({"column_settings": {"[\"name\",\"count\"]": {"prefix": "$"}}}), &[]),
        (json!({"column_settings": {"[\"name\",\"x\"]": {}}}), &["column_settings.x"]),
        (json!({"column_settings": {"[\"ref\",[\"field\",1,null]]": {}, "x": {}}}), &[]),
        (json!({"graph.dimensions": 1, "table.columns": "x", "column_settings": [], "else": ["x"]}), &[]),
    ];
    for (settings, expected) in cases {
        let mut content = question("select 1", json!({}));
        content["settings"] = settings.clone();
        let input = resource(content, json!({}));
        let found = reviewed(&input, vec![report("content.query", &[])]);
        let expected: Vec<_> = expected.iter().map(|place| format!("content.settings.{place}")).collect();
        assert_eq!(paths(&found.warnings), expected, "{settings}");
        assert_eq!(found.issues, []);
        let unknown = QueryReport { columns: Vec::new(), ..report("content.query", &[]) };
        assert_eq!(reviewed(&input, vec![unknown]).warnings, [], "{settings}");
    }
}

/// display -> the display that is drawn instead.
#[test]
fn a_display_that_is_drawn_as_another_one_is_a_warning() {
    let cases = [
        ("table", None),
        ("scalar", None),
        ("bar", None),
        ("row", None),
        ("line", None),
        ("area", None),
        ("combo", None),
        ("pie", None),
        ("progress", None),
        ("smartscalar", None),
        ("donut", None),
        ("map", Some("table")),
        ("pivot", Some("table")),
        ("funnel", Some("table")),
        ("Bar", Some("table")),
        ("heading", Some("table")),
    ];
    for (display, instead) in cases {
        let mut content = question("select 1", json!({}));
        content["display"] = json!(display);
        let found = reviewed(&resource(content, json!({})), vec![report("content.query", &[])]).warnings;
        assert_eq!(found.is_empty(), instead.is_none(), "{display}");
        for (issue, instead) in found.iter().zip(instead) {
            assert_eq!(issue.path, "content.display");
            assert!(issue.message.contains(&format!("as a {instead}")), "{}", issue.message);
        }
    }
}

/// policy, tables, embeddable -> whether every viewer sees everything.
#[test]
fn a_resource_that_restricts_nobody_is_a_warning() {
    let cases = [
        (json!({}), &["orders"][..], true, true),
        (json!({"city": "enabled"}), &["orders"], true, true),
        (json!({}), &["guarded"], true, false),
        (json!({}), &["guarded", "orders"], true, true),
        (json!({}), &[], true, false),
        (json!({"city": "locked"}), &["orders"], true, false),
        (json!({"city": {"attribute": "city"}}), &["orders"], true, false),
        (json!({}), &["orders"], false, false),
    ];
    for (policy, tables, is_embeddable, is_open) in cases {
        let mut input = resource(question("select {{city}}", tags(&["city"])), policy.clone());
        input.enable_embedding = is_embeddable;
        let found = reviewed(&input, vec![report("content.query", tables)]);
        let is_warned = paths(&found.warnings).contains(&"embedding_params");
        assert_eq!(is_warned, is_open, "{policy} {tables:?} {is_embeddable}");
    }
}

fn finding(path: &str) -> Finding {
    Finding { path: path.to_owned(), message: "is wrong".to_owned() }
}

/// published, archived, parses -> refused
#[test]
fn a_draft_keeps_its_issues_as_warnings_if_its_sql_parses() {
    for (enable_embedding, archived, unparsable, is_refused) in [
        (true, false, false, true),
        (true, true, false, false),
        (false, false, false, false),
        (true, false, true, true),
        (false, false, true, true),
        (true, true, true, true),
    ] {
        let content = question("select nothing from orders", tags(&["unused"]));
        let input =
            ResourceInput { enable_embedding, archived, ..resource(content, json!({"unused": "locked"})) };
        let report = QueryReport {
            issues: vec![finding("content.query.sql")],
            warnings: vec![finding("content.query")],
            unparsable,
            ..report("content.query", &["orders"])
        };
        let found = reviewed(&input, vec![report]);
        let case = format!("{enable_embedding} {archived} {unparsable}");
        assert_eq!(!found.issues.is_empty(), is_refused, "{case}");
        let all = found.issues.len() + found.warnings.len();
        assert_eq!(all, 4, "the issue, the warning, the unused tag and the locked parameter: {case}");
    }
}

#[test]
fn every_query_needs_a_report() {
    let input = resource(question("select 1", json!({})), json!({}));
    let failed =
        |reports| review(&input, &CardQuestions::default(), reports, &QueryLimits::default()).is_err();
    assert!(!failed(vec![report("content.query", &[])]));
    assert!(failed(vec![]));
    assert!(failed(vec![report("content.other", &[])]));
    let plain = resource(json!({"type": "html", "html": ""}), json!({}));
    assert_eq!(reviewed(&plain, vec![]), Review::default());
    assert!(queries_to_check(plain.content.as_ref(), &CardQuestions::default()).is_empty());
    let [asked] = &queries_to_check(input.content.as_ref(), &CardQuestions::default())[..] else { panic!() };
    assert_eq!((asked.path.as_str(), asked.query.sql.as_str()), ("content.query", "select 1"));
}

#[test]
fn a_resource_reads_a_bounded_number_of_tables() {
    let names: Vec<String> = (0..=MAX_TABLES).map(|number| format!("guarded_{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let input = resource(question("select 1", json!({})), json!({}));
    let of = |names: &[&str]| reviewed(&input, vec![report("content.query", names)]).issues;
    assert_eq!(paths(&of(&names[..MAX_TABLES])), [""; 0]);
    assert_eq!(paths(&of(&names)), ["content"]);
}
