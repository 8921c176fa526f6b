//! What watches the product, held against what the product writes: alarms, metric filters, saved queries, dashboard.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value as Json, json};
use tracing::level_filters::LevelFilter;
use vitrine::rules::settings::Settings;
use vitrine_tests::Product;
use yaml_serde::Value;

use crate::log::Log;
use crate::template::{list, members, plain, template, text};
use crate::wire::{Line, wired};

const ALARM: &str = "AWS::CloudWatch::Alarm";
const DASHBOARD: &str = "AWS::CloudWatch::Dashboard";
const FILTER: &str = "AWS::Logs::MetricFilter";
const QUERY: &str = "AWS::Logs::QueryDefinition";

/// The resources of a type, by their names.
fn of_type<'a>(template: &'a Value, wanted: &str) -> Vec<(&'a str, &'a Value)> {
    members(&template["Resources"])
        .into_iter()
        .filter(|(_, resource)| text(&resource["Type"]) == wanted)
        .collect()
}

fn names(template: &Value, wanted: &str) -> BTreeSet<String> {
    of_type(template, wanted).into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Everything that alarms read of one metric: the value of its dimension.
fn watched(template: &Value, namespace: &str, metric: &str) -> BTreeSet<String> {
    let alarms = of_type(template, ALARM);
    let properties = alarms.iter().map(|(_, alarm)| &alarm["Properties"]);
    properties
        .flat_map(|alarm| {
            let metrics = list(&alarm["Metrics"]);
            let inner = metrics.into_iter().map(|query| &query["MetricStat"]["Metric"]);
            inner.chain([alarm]).collect::<Vec<_>>()
        })
        .filter(|source| text(&source["Namespace"]) == namespace && text(&source["MetricName"]) == metric)
        .flat_map(|source| list(&source["Dimensions"]))
        .map(|dimension| text(&dimension["Value"]).to_owned())
        .collect()
}

#[test]
fn every_function_is_watched_for_errors_and_throttles() {
    let template = template();
    let functions = names(&template, "AWS::Serverless::Function");
    let body = dashboard(&template).to_string();
    for metric in ["Errors", "Throttles"] {
        assert_eq!(watched(&template, "AWS/Lambda", metric), functions, "{metric}");
        for function in &functions {
            let series = format!(r#"["AWS/Lambda","{metric}","FunctionName","${{{function}}}""#);
            assert!(body.contains(&series), "{series}");
        }
    }
    for metric in ["5xx", "Latency"] {
        assert_eq!(watched(&template, "AWS/ApiGateway", metric), ["Api".to_owned()].into(), "{metric}");
    }
    for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] {
        assert_eq!(watched(&template, "AWS/DynamoDB", metric), ["Table".to_owned()].into(), "{metric}");
    }
    for (name, alarm) in of_type(&template, ALARM) {
        let read = list(&alarm["Properties"]["Metrics"]).len();
        assert!(read <= 11, "{name}: CloudWatch takes ten metrics and what is made of them, this has {read}");
    }
}

#[test]
fn silence_is_no_alarm_and_the_topic_hears_all() {
    let template = template();
    for (name, alarm) in of_type(&template, ALARM) {
        let alarm = &alarm["Properties"];
        assert_eq!(text(&alarm["TreatMissingData"]), "notBreaching", "{name}");
        assert!(!text(&alarm["AlarmDescription"]).is_empty(), "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            let told = list(&alarm[actions]);
            assert_eq!(text(told[0]), "WithAlarmTopic", "{name}");
            assert_eq!(list(told[1]).into_iter().map(text).collect::<Vec<_>>(), ["AlarmTopicArn"], "{name}");
        }
    }
}

/// Where one of these types is not known, the template must still do.
#[test]
fn what_watches_can_be_left_out() {
    let template = template();
    for kind in [ALARM, DASHBOARD, FILTER, QUERY] {
        let resources = of_type(&template, kind);
        assert!(!resources.is_empty(), "{kind}");
        for (name, resource) in resources {
            assert_eq!(text(&resource["Condition"]), "WithOperations", "{name}");
        }
    }
    for (kind, condition) in [
        ("AWS::ApiGatewayV2::DomainName", "WithDomain"),
        ("AWS::ApiGatewayV2::ApiMapping", "WithDomain"),
        ("AWS::Route53::RecordSet", "WithRecord"),
    ] {
        let resources = of_type(&template, kind);
        assert_eq!(resources.len(), 1, "{kind}");
        assert_eq!(text(&resources[0].1["Condition"]), condition, "{kind}");
    }
    // An output that names what can be absent must be able to be absent.
    let conditional = names(&template, DASHBOARD);
    for (name, output) in members(&template["Outputs"]) {
        let value = text(&output["Value"]);
        if conditional.iter().any(|resource| value.contains(resource.as_str())) {
            assert_eq!(text(&output["Condition"]), "WithOperations", "{name}");
        }
    }
}

/// The dashboard as JSON, with references where AWS would have put names.
fn dashboard(template: &Value) -> Json {
    let body = text(&template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]);
    serde_json::from_str(body).unwrap()
}

#[test]
fn the_dashboard_shows_what_there_is() {
    let template = template();
    let body = dashboard(&template);
    let widgets = body["widgets"].as_array().unwrap();
    let shown: BTreeSet<_> = widgets
        .iter()
        .filter_map(|widget| widget["properties"]["alarms"].as_array())
        .flatten()
        .map(|arn| arn.as_str().unwrap().trim_start_matches("${").trim_end_matches(".Arn}").to_owned())
        .collect();
    assert_eq!(shown, names(&template, ALARM));
    // Every reference is a resource or known to AWS.
    let resources: BTreeSet<_> =
        members(&template["Resources"]).into_iter().map(|(name, _)| name.to_owned()).collect();
    for reference in body.to_string().split("${").skip(1).map(|rest| rest.split('}').next().unwrap()) {
        let name = reference.split('.').next().unwrap();
        assert!(name.starts_with("AWS::") || resources.contains(name), "{reference}");
    }
    // Widgets stand beside each other, within the 24 columns, and never on top of each other.
    let mut taken = BTreeSet::new();
    for widget in widgets {
        let side = |name: &str| widget[name].as_u64().unwrap();
        for column in side("x")..side("x") + side("width") {
            assert!(column < 24);
            for row in side("y")..side("y") + side("height") {
                assert!(taken.insert((column, row)), "{}", widget["properties"]["title"]);
            }
        }
    }
}

#[test]
fn every_metric_of_our_own_is_written_by_a_filter() {
    let template = template();
    let own = "Vitrine/${AWS::StackName}";
    let mut written = BTreeSet::new();
    for (name, filter) in of_type(&template, FILTER) {
        for metric in list(&filter["Properties"]["MetricTransformations"]) {
            assert_eq!(text(&metric["MetricNamespace"]), own, "{name}");
            written.insert(text(&metric["MetricName"]).to_owned());
        }
    }
    let alarms = serde_json::to_string(
        &of_type(&template, ALARM).into_iter().map(|(_, alarm)| alarm).collect::<Vec<_>>(),
    )
    .unwrap();
    let body = dashboard(&template).to_string();
    for metric in &written {
        assert!(alarms.contains(metric.as_str()), "no alarm reads {metric}");
        assert!(body.contains(&format!(r#"["{own}","{metric}""#)), "the dashboard does not show {metric}");
    }
    let of_own = format!(r#"["{own}",""#);
    let shown = body.split(&of_own).skip(1).map(|rest| rest.split('"').next().unwrap());
    for metric in shown {
        assert!(written.contains(metric), "nothing writes {metric}");
    }
}

// ---- The lines that are really written --------------------------------------------------------------------------------

/// A day in the life, and the log of it.
async fn day() -> (Vec<Json>, Product) {
    let (log, _guard) = Log::keep(LevelFilter::INFO);
    let (product, wires) = wired(&[]).await;
    let policy = json!({
        "parameters": [{"slug": "customer", "name": "Customer", "type": "text"}],
        "embedding_params": {"customer": "locked"},
    });
    product.publish("dashboard/1", policy).await;
    let good = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}}));
    let bare = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    // Three views that are shown, five that are refused.
    assert_eq!(product.view(&good, "").await.status, 200);
    assert_eq!(product.get("/v1/view/dashboard/1").bearer(&good).send().await.status, 200);
    assert_eq!(product.get(&format!("/api/embed/dashboard/{good}")).send().await.status, 200);
    assert_eq!(product.view(&bare, "").await.status, 400);
    assert_eq!(product.view("garbage", "").await.status, 400);
    assert_eq!(product.view(&product.sign(json!({"exp": "soon"})), "").await.status, 401);
    assert_eq!(product.get("/v1/view/dashboard").send().await.status, 401);
    assert_eq!(product.get(&format!("/api/embed/dashboard/{bare}")).send().await.status, 400);
    // None of these is a view.
    assert_eq!(product.get("/healthz").send().await.status, 200);
    assert_eq!(product.request(axum::http::Method::OPTIONS, "/v1/view").send().await.status, 204);
    assert_eq!(product.post("/v1/introspect", json!({"token": good})).send().await.status, 401);
    assert_eq!(product.get("/v1/resources/dashboard/9").admin().send().await.status, 404);
    // A session that is shown twice.
    let body = json!({"deploymentId": 1, "externalId": "someone"});
    let made = product.post("/api/v1/embed/generate-session", body).admin().send().await;
    let session = json!({"sessionId": made.json["sessionId"]});
    assert_eq!(product.post("/api/v1/embed/session/token", session.clone()).send().await.status, 200);
    assert_eq!(product.post("/api/v1/embed/session/token", session).send().await.status, 401);
    // A view that fails, which is not the same as one that is refused.
    wires.dynamodb.set(Line::Cut);
    assert_eq!(product.view(&good, "").await.status, 503);
    wires.dynamodb.set(Line::Through);
    (log.lines(), product)
}

/// The lines that land in the log group of a function.
async fn of_function(product: &Product, lines: &[Json], name: &str) -> Vec<Json> {
    let functions =
        vitrine_local::assemble::functions(&product.services, &Settings::default(), &product.clock).await;
    let function = functions.iter().find(|function| function.name == name).unwrap();
    let routes: BTreeSet<_> = function
        .routes
        .declared()
        .iter()
        .map(|(method, path)| (method.as_str().to_owned(), (*path).to_owned()))
        .collect();
    let owned = |line: &&Json| {
        let word = |member: &str| line["span"][member].as_str().unwrap_or_default().to_owned();
        routes.contains(&(word("method"), word("route")))
    };
    lines.iter().filter(owned).cloned().collect()
}

#[tokio::test]
async fn every_filter_counts_what_it_says() {
    let template = template();
    let (lines, product) = day().await;
    let mut told = BTreeSet::new();
    for (filter, function, expected) in [
        ("ViewsMetric", "verify-token", 9),
        ("RefusedViewsMetric", "verify-token", 5),
        ("ReplayedSessionsMetric", "redeem-session", 1),
    ] {
        let properties = &template["Resources"][filter]["Properties"];
        let group = &template["Resources"][text(&properties["LogGroupName"])]["Properties"]["LogGroupName"];
        assert_eq!(text(group), format!("/aws/lambda/${{AWS::StackName}}/{function}"));
        let pattern = Pattern::read(text(&properties["FilterPattern"]));
        let lines = of_function(&product, &lines, function).await;
        let counted = lines.iter().filter(|line| pattern.matches(line)).count();
        assert_eq!(counted, expected, "{filter}: {lines:#?}");
        told.insert(filter.to_owned());
    }
    assert_eq!(told, names(&template, FILTER), "a filter that nothing was held against");
}

/// A route that is added must be counted, or be said not to be a view.
#[tokio::test]
async fn every_view_is_counted_by_whatever_route() {
    let template = template();
    let product = Product::start().await;
    let functions =
        vitrine_local::assemble::functions(&product.services, &Settings::default(), &product.clock).await;
    let verify_token = functions.iter().find(|function| function.name == "verify-token").unwrap();
    let no_views = ["/healthz", "/api/v1/users/me", "/api/v1/app-config"];
    for (filter, message, status) in
        [("ViewsMetric", "answered", 200), ("RefusedViewsMetric", "refused", 403)]
    {
        let properties = &template["Resources"][filter]["Properties"];
        let pattern = Pattern::read(text(&properties["FilterPattern"]));
        for (method, path) in verify_token.routes.declared() {
            let line = json!({
                "status": status, "message": message, "span": {"method": method.as_str(), "route": path},
            });
            let is_view = method == "GET" && !no_views.contains(path);
            assert_eq!(pattern.matches(&line), is_view, "{filter}: {method} {path}");
        }
    }
}

/// Every member of an object, by its path.
fn paths(value: &Json, path: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        paths(value, &path, found);
        found.insert(path);
    }
}

/// What Lambda itself writes about a cold start, as its documentation has it.
fn platform_report() -> Json {
    json!({
        "time": "2026-01-31T12:00:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
            "metrics": {
                "billedDurationMs": 90, "durationMs": 41.2, "initDurationMs": 48.3, "maxMemoryUsedMB": 31,
                "memorySizeMB": 256,
            },
            "status": "success",
        },
    })
}

fn access_line(template: &Value) -> Json {
    serde_json::from_str(text(&template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]))
        .unwrap()
}

#[tokio::test]
async fn every_field_that_is_asked_for_is_written() {
    let template = template();
    let (mut lines, _product) = day().await;
    lines.extend([platform_report(), access_line(&template)]);
    let mut queries: Vec<(String, String)> = of_type(&template, QUERY)
        .into_iter()
        .map(|(name, query)| (name.to_owned(), text(&query["Properties"]["QueryString"]).to_owned()))
        .collect();
    for widget in dashboard(&template)["widgets"].as_array().unwrap() {
        if let Some(query) = widget["properties"]["query"].as_str() {
            let (sources, query) = query.rsplit_once("}' | ").unwrap();
            assert!(sources.starts_with("SOURCE '${"));
            let title = widget["properties"]["title"].as_str().unwrap();
            queries.push((title.to_owned(), query.replace('\'', "\"")));
        }
    }
    assert!(queries.len() > names(&template, QUERY).len());
    for (name, query) in queries {
        let query = Insights::read(&query);
        let chosen: Vec<_> = lines.iter().filter(|line| query.chooses(line)).collect();
        assert!(!chosen.is_empty(), "{name} finds nothing");
        let mut written = BTreeSet::new();
        for line in chosen {
            paths(line, "", &mut written);
        }
        for field in &query.fields {
            let known = field.starts_with('@') || query.made.contains(field) || written.contains(field);
            assert!(known, "{name} asks for {field}");
        }
    }
}

/// Whoever asks by an id asks everywhere.
#[test]
fn queries_look_into_every_log() {
    let template = template();
    let functions: BTreeSet<_> = of_type(&template, "AWS::Serverless::Function")
        .into_iter()
        .map(|(_, function)| text(&function["Properties"]["LoggingConfig"]["LogGroup"]).to_owned())
        .collect();
    let everywhere = names(&template, "AWS::Logs::LogGroup");
    for (query, groups) in [
        ("OneRequest", &everywhere),
        ("RefusalsByReason", &functions),
        ("RefusedRequests", &functions),
        ("Failures", &functions),
        ("ColdStarts", &functions),
    ] {
        let properties = &template["Resources"][query]["Properties"];
        let asked: BTreeSet<_> =
            list(&properties["LogGroupNames"]).into_iter().map(|group| text(group).to_owned()).collect();
        assert_eq!(asked, *groups, "{query}");
    }
    let cold_starts = dashboard(&template)["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|widget| widget["properties"]["title"] == "Cold starts")
        .unwrap()["properties"]["query"]
        .to_string();
    for group in &functions {
        assert!(cold_starts.contains(&format!("SOURCE '${{{group}}}'")), "{group}");
    }
}

// ---- Step by step ------------------------------------------------------------------------------------------------------

#[test]
fn a_canary_is_the_same_template_with_an_alias() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/canary/template");
    let printed = Command::new("bash").args([script, "Linear10PercentEvery1Minute"]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let mut canary: Value = yaml_serde::from_slice(&printed.stdout).unwrap();
    let template = template();
    let functions = canary["Globals"]["Function"].as_mapping_mut().unwrap();
    assert_eq!(text(&functions.remove("AutoPublishAlias").unwrap()), "live");
    let preference = functions.remove("DeploymentPreference").unwrap();
    assert_eq!(text(&preference["Type"]), "Linear10PercentEvery1Minute");
    let alarms = names(&template, ALARM);
    let rolled_back_by = list(list(&preference["Alarms"])[1]);
    assert!(!rolled_back_by.is_empty() && rolled_back_by.iter().all(|alarm| alarms.contains(text(alarm))));
    // Without it a changed setting would not make a version, and so would not arrive.
    let release = functions["Environment"]["Variables"].as_mapping_mut().unwrap().remove("Release").unwrap();
    assert!(text(&release).ends_with('Z'));
    assert_eq!(canary, template);

    let refused = Command::new("bash").args([script, "Canary"]).output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    // Off, there is nothing of it.
    let whole = include_str!("../../template.yaml");
    assert!(!whole.contains("AutoPublishAlias") && !whole.contains("CodeDeploy"));
    assert!(plain(&template["Globals"]["Function"]["DeploymentPreference"]).is_null());
}

// ---- Just enough of CloudWatch's two languages -------------------------------------------------------------------------

/// A filter pattern on JSON: comparisons, `&&`, `||` and parentheses. Whatever else one may hold is not known here, and
/// stops the test.
enum Pattern {
    All(Vec<Self>),
    Any(Vec<Self>),
    Is { path: Vec<String>, operator: String, operand: String },
}

impl Pattern {
    fn read(pattern: &str) -> Self {
        let inner = pattern.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        let words = words(inner);
        let (read, rest) = Self::any(&words);
        assert!(rest.is_empty(), "{rest:?}");
        read
    }

    fn any(words: &[String]) -> (Self, &[String]) {
        let (first, mut rest) = Self::all(words);
        let mut parts = vec![first];
        while rest.first().is_some_and(|word| word == "||") {
            let (part, after) = Self::all(&rest[1..]);
            parts.push(part);
            rest = after;
        }
        (Self::Any(parts), rest)
    }

    fn all(words: &[String]) -> (Self, &[String]) {
        let (first, mut rest) = Self::one(words);
        let mut parts = vec![first];
        while rest.first().is_some_and(|word| word == "&&") {
            let (part, after) = Self::one(&rest[1..]);
            parts.push(part);
            rest = after;
        }
        (Self::All(parts), rest)
    }

    fn one(words: &[String]) -> (Self, &[String]) {
        if words[0] == "(" {
            let (inner, rest) = Self::any(&words[1..]);
            assert_eq!(rest[0], ")");
            return (inner, &rest[1..]);
        }
        let path = words[0].strip_prefix("$.").unwrap_or_else(|| panic!("{words:?}"));
        let comparison = Self::Is {
            path: path.split('.').map(str::to_owned).collect(),
            operator: words[1].clone(),
            operand: words[2].clone(),
        };
        (comparison, &words[3..])
    }

    fn matches(&self, line: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(line)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(line)),
            Self::Is { path, operator, operand } => {
                let found = path.iter().fold(line, |value, name| &value[name.as_str()]);
                match (operand.strip_prefix('"'), operator.as_str()) {
                    (Some(quoted), "=") => {
                        let wanted = quoted.strip_suffix('"').unwrap();
                        let Some(found) = found.as_str() else { return false };
                        match wanted.strip_suffix('*') {
                            Some(start) => found.starts_with(start),
                            None => found == wanted,
                        }
                    }
                    (None, operator) => {
                        let wanted: f64 = operand.parse().unwrap();
                        let Some(found) = found.as_f64() else { return false };
                        match operator {
                            ">=" => found >= wanted,
                            "<" => found < wanted,
                            other => panic!("{other} is not known"),
                        }
                    }
                    (_, other) => panic!("{other} is not known"),
                }
            }
        }
    }
}

/// Words, signs and quoted texts.
fn words(text: &str) -> Vec<String> {
    let signs = ["&&", "||", ">=", "!=", "(", ")", ",", "|", "=", "<", ">", "*", "/"];
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.find('"').unwrap() + 2
        } else if let Some(sign) = signs.iter().find(|sign| rest.starts_with(**sign)) {
            sign.len()
        } else {
            rest.find(|c: char| c.is_whitespace() || "&|(),=<>*\"".contains(c)).unwrap_or(rest.len())
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// What a query of Logs Insights asks for.
struct Insights {
    /// The members and texts that its `filter` compares.
    wanted: Vec<(String, String)>,
    fields: BTreeSet<String>,
    /// What the query itself names.
    made: BTreeSet<String>,
}

const NO_FIELDS: [&str; 15] = [
    "filter",
    "fields",
    "stats",
    "sort",
    "limit",
    "by",
    "as",
    "and",
    "or",
    "asc",
    "desc",
    "count",
    "pct",
    "max",
    "ispresent",
];

impl Insights {
    fn read(query: &str) -> Self {
        let code: Vec<_> = query.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        let words = words(&code.join(" "));
        let mut read = Self { wanted: Vec::new(), fields: BTreeSet::new(), made: BTreeSet::new() };
        for (place, word) in words.iter().enumerate() {
            let before = place.checked_sub(1).map(|place| words[place].as_str());
            if before == Some("as") {
                read.made.insert(word.clone());
            } else if word.starts_with('"') {
                assert_eq!(before, Some("="));
                read.wanted.push((words[place - 2].clone(), word.trim_matches('"').to_owned()));
            } else if before == Some("bin")
                || word == "bin"
                || words.get(place.wrapping_sub(2)).is_some_and(|w| w == "bin")
            {
                // `bin(5m)` is a time.
            } else if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@')
                && !NO_FIELDS.contains(&word.as_str())
            {
                read.fields.insert(word.clone());
            }
        }
        read
    }

    /// Whether the filter can let this line through; any line has the id that is yet to be put in.
    fn chooses(&self, line: &Json) -> bool {
        let member = |path: &str| path.split('.').fold(line, |value, name| &value[name]).clone();
        let mut wanted = self.wanted.iter().filter(|(_, text)| text != "REQUEST_ID");
        wanted.all(|(path, text)| member(path) == text.as_str())
    }
}
