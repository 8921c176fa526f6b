//! The demo's dashboard: cards over the orders of one customer, which the token locks.

use serde_json::{Value, json};

/// The rows that every card counts: `{{customer}}` stands where no viewer can remove it.
const ROWS: &str = "from orders where customer = {{customer}} and extract(year from day) = {{year}} [[and region in ({{region}})]]";

fn query(select: &str, rest: &str) -> Value {
    json!({
        "sql": format!("select {select} {ROWS} {rest}"),
        "tags": {
            "customer": {"type": "text", "required": true},
            "region": {"type": "text"},
            "year": {"type": "number", "default": 2026},
        },
    })
}

fn in_dollars(column: &str) -> Value {
    let key = json!(["name", column]).to_string();
    json!({"column_settings": {key: {"number_style": "currency", "currency": "USD", "decimals": 0}}})
}

fn with(mut settings: Value, more: &Value) -> Value {
    if let (Some(settings), Some(more)) = (settings.as_object_mut(), more.as_object()) {
        settings.extend(more.clone());
    }
    settings
}

/// Row, column, width and height.
type Place = [u16; 4];

fn figure(
    id: u64,
    [row, col, width, height]: Place,
    title: &str,
    drawn: (&str, Value),
    query: Value,
) -> Value {
    let (display, settings) = drawn;
    json!({
        "id": id, "row": row, "col": col, "width": width, "height": height,
        "title": title, "display": display, "settings": settings, "query": query,
    })
}

/// The dashboard as its owner publishes it.
pub fn dashboard() -> Value {
    let by_quarter = json!({
        "graph.dimensions": ["quarter", "region"], "graph.metrics": ["revenue"], "stackable.stack_type": "stacked",
    });
    let region = "case region when 'amer' then 'Americas' when 'emea' then 'EMEA' else 'APAC' end as region";
    let cards = json!([
        {
            "id": 1, "row": 0, "col": 0, "width": 24, "height": 1,
            "text": "Orders of **{{who}}**[[ in {{where}}]], {{year}}",
            "parameters": {"customer": "who", "region": "where", "year": "year"},
        },
        figure(2, [8, 0, 8, 3], "Revenue", ("scalar", in_dollars("revenue")), query("sum(amount) as revenue", "")),
        figure(3, [8, 8, 8, 3], "Orders", ("scalar", json!({})), query("count(*) as orders", "")),
        figure(4, [8, 16, 8, 3], "Average order", ("scalar", in_dollars("average")), query("avg(amount) as average", "")),
        figure(
            5,
            [1, 0, 24, 7],
            "Revenue by quarter",
            ("bar", with(in_dollars("revenue"), &by_quarter)),
            query(&format!("date_trunc('quarter', day) as quarter, {region}, sum(amount) as revenue"), "group by 1, 2 order by 1, 2"),
        ),
        figure(
            6,
            [11, 0, 12, 6],
            "Orders by city",
            ("row", json!({})),
            query("city, count(*) as orders", "group by city order by orders desc, city"),
        ),
        figure(
            7,
            [11, 12, 12, 6],
            "Revenue by month",
            ("line", in_dollars("revenue")),
            query("date_trunc('month', day) as month, sum(amount) as revenue", "group by 1 order by 1"),
        ),
        figure(
            8,
            [17, 0, 24, 6],
            "Latest orders",
            ("table", in_dollars("amount")),
            query("id, day, city, status, amount", "order by id desc limit 8"),
        ),
    ]);
    json!({
        "title": "Quarterly revenue",
        "description": "Revenue and orders of one customer, in US dollars.",
        "content": {"type": "dashboard", "cards": cards},
        "parameters": [
            {"slug": "customer", "name": "Customer", "type": "category"},
            {
                "slug": "region", "name": "Region", "type": "category", "multiple": true,
                "values": [["amer", "Americas"], ["emea", "EMEA"], ["apac", "APAC"]],
            },
            {"slug": "year", "name": "Year", "type": "number", "default": 2026},
        ],
        "enable_embedding": true,
        "allow_downloads": true,
        "embedding_params": {"customer": "locked", "region": "enabled", "year": "enabled"},
    })
}
