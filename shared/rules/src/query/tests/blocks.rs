//! Optional blocks, defaults and references.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{GivenValues, Stored, clock, definition, given, run, run_with, shown};

/// tag, whether the parameter is there and its value, result of `a[[ and b = {{x}}]]`, result of `a and b = {{x}}`
#[test]
fn values_come_in_their_order() {
    const MISSING: &str = "! Cannot run the query: missing required parameters: x";
    const REQUIRED: &str = "! You'll need to pick a value for 'City' before this query can run.";
    let cases = [
        (json!({"type": "text"}), None, "a", MISSING),
        (json!({"type": "text"}), Some(json!(null)), "a", MISSING),
        (json!({"type": "text"}), Some(json!("")), "a", MISSING),
        (json!({"type": "text"}), Some(json!([])), "a", MISSING),
        (json!({"type": "text"}), Some(json!("v")), "a and b = $p1 ; 'v'", "a and b = $p1 ; 'v'"),
        (json!({"type": "text", "default": "d"}), None, "a and b = $p1 ; 'd'", "a and b = $p1 ; 'd'"),
        (
            json!({"type": "text", "default": "d"}),
            Some(json!("v")),
            "a and b = $p1 ; 'v'",
            "a and b = $p1 ; 'v'",
        ),
        (json!({"type": "text", "default": "d"}), Some(json!(null)), "a", MISSING),
        (
            json!({"type": "text", "default": "d", "required": true}),
            Some(json!(null)),
            "a and b = $p1 ; 'd'",
            "a and b = $p1 ; 'd'",
        ),
        (json!({"type": "text", "required": true, "display_name": "City"}), None, REQUIRED, REQUIRED),
        (
            json!({"type": "text", "required": true, "display_name": "City"}),
            Some(json!(null)),
            REQUIRED,
            REQUIRED,
        ),
        (
            json!({"type": "text", "required": true}),
            None,
            "! You'll need to pick a value for 'x' before this query can run.",
            "! You'll need to pick a value for 'x' before this query can run.",
        ),
        (
            json!({"type": "number", "default": "1,2"}),
            None,
            "a and b = $p1, $p2 ; 1, 2",
            "a and b = $p1, $p2 ; 1, 2",
        ),
        (
            json!({"type": "date", "default": "2024-02-29"}),
            None,
            "a and b = $p1 ; date 2024-02-29",
            "a and b = $p1 ; date 2024-02-29",
        ),
    ];
    for (tag, value, in_block, outside) in cases {
        let values = match &value {
            None => GivenValues::new(),
            Some(value) => BTreeMap::from([("x".to_owned(), vec![given("category", value)])]),
        };
        for (sql, expected) in [("a[[ and b = {{x}}]]", in_block), ("a and b = {{x}}", outside)] {
            let query = definition(sql, json!({ "x": tag }));
            assert_eq!(shown(run(&query, &values)), expected, "{tag} {value:?} {sql}");
        }
    }
}

/// template -> the SQL with x = 'v', without y and with the filters f = 'v' and g without a value.
#[test]
fn blocks_stay_or_go_as_a_whole() {
    let column = json!({"table": "orders", "column": "city"});
    let tags = json!({
        "x": {"type": "text"},
        "y": {"type": "text"},
        "n": {"type": "number"},
        "d": {"type": "date"},
        "f": {"type": "dimension", "dimension": column},
        "g": {"type": "dimension", "dimension": column},
    });
    let values = BTreeMap::from([
        ("x".to_owned(), vec![given("category", &json!("v"))]),
        ("n".to_owned(), vec![given("number/=", &json!(7))]),
        ("d".to_owned(), vec![given("date/single", &json!("2024-02-29"))]),
        ("f".to_owned(), vec![given("category", &json!("v"))]),
    ]);
    let cases = [
        ("select 1", "select 1"),
        ("  select 1 \n", "select 1"),
        ("a [[{{x}}]] b", "a $p1 b ; 'v'"),
        ("a [[{{y}}]] b", "a  b"),
        ("a [[{{x}} {{y}}]] b", "a  b"),
        ("a [[{{x}} [[{{y}}]]]] b", "a $p1  b ; 'v'"),
        ("a [[{{y}} [[{{x}}]]]] b", "a  b"),
        ("[[{{y}}]] [[{{x}}]]", "$p1 ; 'v'"),
        ("{{x}} {{x}}", "$p1 $p1 ; 'v'"),
        ("{{x}} {{n}}", "$p1 $p2 ; 'v', 7"),
        ("[[{{x}} {{y}}]] {{n}}", "$p1 ; 7"),
        ("{{y}}", "! Cannot run the query: missing required parameters: y"),
        ("{{y}} {{undeclared}}", "! Cannot run the query: missing required parameters: undeclared, y"),
        ("a [[{{undeclared}}]]", "a"),
        ("where {{f}}", "where \"orders\".\"city\" = $p1 ; 'v'"),
        ("where {{g}}", "where 1 = 1"),
        ("where 1 = 1 [[and {{g}}]]", "where 1 = 1"),
        ("where 1 = 1 [[and {{f}}]]", "where 1 = 1 and \"orders\".\"city\" = $p1 ; 'v'"),
        ("where 1 = 1 [[and {{f}} and {{g}}]]", "where 1 = 1"),
        ("where {{f}} and b = {{x}}", "where \"orders\".\"city\" = $p1 and b = $p1 ; 'v'"),
        ("where {{snippet: vip}}", "where level > 3"),
        ("where {{snippet: gone}}", "! There is no snippet \"gone\"."),
        ("limit{{n}}", "limit $p1 ; 7"),
        ("{{n}}and", "$p1 and ; 7"),
        ("a={{n}}+1", "a=$p1+1 ; 7"),
        ("a$ {{n}}", "a$ $p1 ; 7"),
        ("interval '{{n}} days'", "interval '7 days'"),
        ("date '{{d}}'", "date '2024-02-29'"),
        ("\"{{n}}\"", "\"7\""),
        ("$$ {{n}} $$", "$$ 7 $$"),
        (
            "'{{x}}'",
            "! The tag \"x\" stands in quotes, where only numbers, dates and booleans can. Write it without them.",
        ),
        (
            "'%{{x}}%'",
            "! The tag \"x\" stands in quotes, where only numbers, dates and booleans can. Write it without them.",
        ),
        (
            "\"{{x}}\"",
            "! The tag \"x\" stands in quotes, where only numbers, dates and booleans can. Write it without them.",
        ),
        (
            "$a$ {{x}} $a$",
            "! The tag \"x\" stands in quotes, where only numbers, dates and booleans can. Write it without them.",
        ),
        ("'it''s' || {{x}}", "'it''s' || $p1 ; 'v'"),
        ("-- {{x}}\nselect {{n}}", "-- {{x}}\nselect $p1 ; 7"),
        ("[[ -- {{x}}\n]] select {{n}}", "-- \n select $p1 ; 7"),
        ("city = [[ {{x}} --]] 'all'", "city =  $p1 -- 'all' ; 'v'"),
        ("city = [[ {{y}} --]] 'all'", "city =  'all'"),
        ("{{", "! Invalid query: found '[[' or '{{' with no matching ']]' or '}}'"),
        ("[[1]]", "! [[...]] clauses must contain at least one '{{...}}' clause."),
        ("{{ }}", "! '{{...}}' clauses cannot be empty."),
        ("{{ [[x]] }}", "! Invalid '{{...}}' clause: expected a param name"),
    ];
    for (sql, expected) in cases {
        assert_eq!(shown(run(&definition(sql, tags.clone()), &values)), expected, "{sql}");
    }
}

#[test]
fn questions_are_inserted_with_their_own_defaults() {
    let question = |sql: &str, tags: Value| definition(sql, tags);
    let stored = Stored {
        questions: BTreeMap::from([
            (1, question("select * from orders;", json!({}))),
            (
                2,
                question(
                    "select * from orders where city = {{c}} ; ",
                    json!({"c": {"type": "text", "default": "Berlin"}}),
                ),
            ),
            (3, question("select 1 -- the end", json!({}))),
            (4, question("select * from {{#1}} a", json!({}))),
            (5, question("select * from {{#6}} a", json!({}))),
            (6, question("select * from {{#5}} a", json!({}))),
            (7, question("select {{c}}", json!({"c": {"type": "text"}}))),
            (8, question("select 1 [[where a = {{c}}]]", json!({"c": {"type": "text"}}))),
        ]),
    };
    let cases = [
        ("select * from {{#1}} t", "select * from (select * from orders) t"),
        ("select * from {{#1-all-orders}} t", "select * from (select * from orders) t"),
        ("{{#2}} {{x}}", "(select * from orders where city = $p1) $p2 ; 'Berlin', 'v'"),
        ("{{x}} {{#2}}", "$p1 (select * from orders where city = $p2) ; 'v', 'Berlin'"),
        ("{{#3}} t", "(select 1 -- the end\n) t"),
        ("{{#4}} t", "(select * from (select * from orders) a) t"),
        ("{{#8}} t", "(select 1) t"),
        ("{{#5}}", "! The question 5 refers to itself, or too many questions refer to each other."),
        ("{{#7}}", "! Cannot run the query: missing required parameters: c"),
        ("{{#9}}", "! There is no question 9 with a query."),
    ];
    let values = BTreeMap::from([("x".to_owned(), vec![given("category", &json!("v"))])]);
    for (sql, expected) in cases {
        let query = definition(sql, json!({"x": {"type": "text"}}));
        assert_eq!(shown(run_with(&query, &values, &stored, &clock(TimeZone::UTC))), expected, "{sql}");
    }
    let many = definition(&"{{#1}}".repeat(51), json!({}));
    assert!(run_with(&many, &GivenValues::new(), &stored, &clock(TimeZone::UTC)).is_err());
}
