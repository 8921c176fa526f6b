//! Queries with sample values.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Stored, clock, definition};
use crate::query::limits::QueryLimits;
use crate::query::prepare::Preparation;
use crate::query::sample::{Samples, samples};

fn sampled(sql: &str, tags: Value) -> Result<Samples, Vec<String>> {
    let (clock, limits) = (clock(TimeZone::UTC), QueryLimits::default());
    let with = Preparation { catalog: &Stored::default(), clock: &clock, limits: &limits };
    samples(&definition(sql, tags), with, "query")
        .map_err(|issues| issues.into_iter().map(|issue| issue.path).collect())
}

#[test]
fn a_query_is_sampled_with_and_without_its_blocks() {
    let column = json!({"table": "orders", "column": "city"});
    let samples = sampled(
        "select {{n}} [[where a = {{t}}]] [[and {{f}}]] limit {{r}}",
        json!({
            "n": {"type": "number"},
            "t": {"type": "text", "default": "d"},
            "f": {"type": "dimension", "dimension": column},
            "r": {"type": "number", "required": true},
        }),
    )
    .unwrap();
    assert_eq!(samples.with_blocks.sql, "select $p1 where a = $p2 and \"orders\".\"city\" = $p2 limit $p1");
    assert_eq!(samples.without_blocks.sql, "select $p1   limit $p1");
}

#[test]
fn filters_are_held_against_their_columns() {
    let fits = |widget: &str, column: &str| {
        let dimension = json!({"table": "orders", "column": column});
        let tag = json!({"type": "dimension", "dimension": dimension, "widget_type": widget});
        sampled("{{x}}", json!({ "x": tag })).err()
    };
    let widget = Some(vec!["query.tags.x.widget_type".to_owned()]);
    let dimension = Some(vec!["query.tags.x.dimension".to_owned()]);
    let cases = [
        ("category", "city", None),
        ("category", "id", None),
        ("category", "day", None),
        ("category", "at", None),
        ("category", "paid", None),
        ("category", "amount", None),
        ("category", "extra", widget.clone()),
        ("category", "gone", dimension),
        ("string/contains", "city", None),
        ("string/contains", "id", widget.clone()),
        ("string/starts-with", "day", widget.clone()),
        ("number/between", "amount", None),
        ("number/between", "city", widget.clone()),
        ("number/<=", "weight", None),
        ("number/<=", "paid", widget.clone()),
        ("date/all-options", "at", None),
        ("date/range", "day", None),
        ("date/range", "city", widget.clone()),
        ("boolean/=", "paid", None),
        ("boolean/=", "day", widget),
    ];
    for (kind, column, expected) in cases {
        assert_eq!(fits(kind, column), expected, "{kind} {column}");
    }
    let unit = |column: &str| {
        let dimension = json!({"table": "orders", "column": column});
        sampled("{{x}}", json!({"x": {"type": "temporal-unit", "dimension": dimension}})).err()
    };
    assert_eq!(unit("day"), None);
    assert_eq!(unit("city"), Some(vec!["query.tags.x.dimension".to_owned()]));
}

#[test]
fn mistakes_of_the_text_are_found_before_a_viewer_finds_them() {
    let sql = Some(vec!["query.sql".to_owned()]);
    for (text, tags, expected) in [
        ("select 1", json!({}), None),
        ("select '{{t}}'", json!({"t": {"type": "text"}}), sql.clone()),
        ("select 1 [[where a like '%{{t}}%']]", json!({"t": {"type": "text"}}), sql.clone()),
        ("select interval '{{n}} days'", json!({"n": {"type": "number"}}), None),
        ("select * from {{#404}}", json!({}), sql.clone()),
        ("select * from {{snippet: gone}}", json!({}), sql.clone()),
        ("select {{", json!({}), sql),
    ] {
        assert_eq!(sampled(text, tags).err(), expected, "{text}");
    }
}
