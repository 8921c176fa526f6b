//! Queries that are refused, each with the name of its fault.

use serde_json::{Value, json};

use super::{clock, shown};

#[test]
fn every_refusal_names_its_member() {
    let with = |fields: Value| {
        let mut query = json!({"measures": ["orders.count"]});
        query.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        query
    };
    let filter = |member: &str, operator: &str, values: Value| {
        with(json!({"filters": [{"member": member, "operator": operator, "values": values}]}))
    };
    let nested = (0..30).fold(json!([]), |inner, _| json!([{ "and": inner }]));
    let cases = [
        (json!({}), "Query should contain"),
        (json!([]), "empty list"),
        (json!("x"), "must be an object"),
        (json!({"measures": ["orders.nothing"]}), "'nothing' not found for path 'orders.nothing'"),
        (json!({"measures": ["orders.city"]}), "'city' not found for path 'orders.city'"),
        (json!({"measures": ["orders.city_sum"]}), "'city_sum' not found"),
        (json!({"measures": ["orders.secret_count_distinct"]}), "'secret_count_distinct' not found"),
        (json!({"dimensions": ["orders.secret"]}), "'secret' not found for path 'orders.secret'"),
        (json!({"dimensions": ["orders.extra"]}), "'extra' not found"),
        (json!({"dimensions": ["orders.count"]}), "'count' not found"),
        (json!({"dimensions": ["orders.city\" from x --"]}), "not found for path"),
        (json!({"dimensions": ["orders.city.month"]}), "'city.month' not found"),
        (json!({"dimensions": ["orders.day.decade"]}), "'day.decade' not found"),
        (json!({"dimensions": ["orders"]}), "'orders' must be the name of a member"),
        (
            json!({"dimensions": ["orders.city", "customers.name"]}),
            "joins are not supported: 'customers.name'",
        ),
        (json!({"dimensions": "orders.city"}), "\"dimensions\" must be a list"),
        (json!({"dimensions": [5]}), "\"dimensions\" must be a string"),
        (json!({"dimensions": vec!["orders.city"; 51]}), "\"dimensions\" must be a list of at most 50"),
        (with(json!({"segments": ["orders.big"]})), "segments are not supported: orders.big"),
        (with(json!({"joinHints": [["a", "b"]]})), "joins are not supported: joinHints"),
        (with(json!({"preAggregations": []})), "\"preAggregations\" is not allowed"),
        (with(json!({"limit": 10_001})), "\"limit\" must be an integer from 0 to 10000"),
        (with(json!({"limit": -1})), "\"limit\""),
        (with(json!({"limit": "5"})), "\"limit\""),
        (with(json!({"offset": 1.5})), "\"offset\""),
        (with(json!({"total": 1})), "\"total\" must be a boolean"),
        (with(json!({"responseFormat": "arrow"})), "\"responseFormat\""),
        (with(json!({"order": {"orders.count": "up"}})), "the order of 'orders.count'"),
        (with(json!({"order": {"orders.nothing": "asc"}})), "'nothing' not found"),
        (with(json!({"order": {"other.count": "asc"}})), "joins are not supported: 'other.count'"),
        (with(json!({"timeDimensions": [{"granularity": "day"}]})), "must name its \"dimension\""),
        (
            with(json!({"timeDimensions": [{"dimension": "orders.city"}]})),
            "'orders.city' is not a time dimension",
        ),
        (
            with(json!({"timeDimensions": [{"dimension": "orders.day", "granularity": "decade"}]})),
            "'decade' is not supported",
        ),
        (
            with(json!({"timeDimensions": [{"dimension": "orders.day", "dateRange": "someday"}]})),
            "Can't parse date range of 'orders.day'",
        ),
        (
            with(json!({"timeDimensions": [{"dimension": "orders.day", "dateRange": []}]})),
            "Can't parse date range of 'orders.day'",
        ),
        (
            with(json!({"timeDimensions": [{"dimension": "orders.day", "extra": 1}]})),
            "\"extra\" is not allowed",
        ),
        (filter("orders.city", "gt", json!(["a"])), "operator 'gt' cannot be used with 'orders.city'"),
        (
            filter("orders.id", "contains", json!(["a"])),
            "operator 'contains' cannot be used with 'orders.id'",
        ),
        (filter("orders.id", "inDateRange", json!(["today"])), "operator 'inDateRange' cannot be used"),
        (filter("orders.id", "equals", json!(["x"])), "'equals' of 'orders.id' do not fit"),
        (filter("orders.id", "gt", json!(["1", "2"])), "'gt' of 'orders.id' do not fit"),
        (filter("orders.paid", "equals", json!(["yes"])), "'equals' of 'orders.paid' do not fit"),
        (filter("orders.day", "equals", json!(["2024-01-05T10:00"])), "'equals' of 'orders.day' do not fit"),
        (filter("orders.city", "equals", json!([])), "'equals' of 'orders.city' are required"),
        (filter("orders.city", "equals", json!([{}])), "\"values\" must be"),
        (filter("orders.city", "equals", json!(vec!["a"; 201])), "more than 200 values"),
        (filter("orders.city", "measureFilter", json!(["a"])), "operator 'measureFilter' of 'orders.city'"),
        (filter("orders.city", "like", json!(["a"])), "operator 'like' of 'orders.city' is not supported"),
        (filter("orders.secret", "equals", json!(["a"])), "'secret' not found"),
        (filter("other.city", "equals", json!(["a"])), "joins are not supported: 'other.city'"),
        (with(json!({"filters": [{"operator": "set"}]})), "must name its \"member\""),
        (with(json!({"filters": [{"member": "orders.city"}]})), "must have an \"operator\""),
        (with(json!({"filters": [{"or": [], "and": []}]})), "must have nothing else"),
        (with(json!({ "filters": nested })), "nested more than 20 levels"),
        (
            with(
                json!({"filters": vec![json!({"or": vec![json!({"member": "orders.city", "operator": "set"}); 60]}); 2]}),
            ),
            "more than 100 filters",
        ),
        (
            with(json!({"filters": [{"or": [
                {"member": "orders.city", "operator": "set"}, {"member": "orders.count", "operator": "set"},
            ]}]})),
            "measures and dimensions cannot be in the same group",
        ),
        (
            with(
                json!({"ungrouped": true, "filters": [{"member": "orders.count", "operator": "gt", "values": [1]}]}),
            ),
            "ungrouped",
        ),
    ];
    for (query, expected) in cases {
        let text = shown(&query, &clock(0));
        assert!(text.starts_with("refused: ") && text.contains(expected), "{query}: {text}");
    }
}
