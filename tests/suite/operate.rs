//! Monitoring, checked against what the product writes: alarms, metric filters, saved queries and the dashboard.

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

const FUNCTION: &str = "AWS::Serverless::Function";
const GROUP: &str = "AWS::Logs::LogGroup";
const ALARM: &str = "AWS::CloudWatch::Alarm";
const DASHBOARD: &str = "AWS::CloudWatch::Dashboard";
const FILTER: &str = "AWS::Logs::MetricFilter";
const QUERY: &str = "AWS::Logs::QueryDefinition";

/// The resources of one type, with their names.
fn of_type<'a>(template: &'a Value, wanted: &str) -> Vec<(&'a str, &'a Value)> {
    members(&template["Resources"])
        .into_iter()
        .filter(|(_, resource)| text(&resource["Type"]) == wanted)
        .collect()
}

fn names(template: &Value, wanted: &str) -> BTreeSet<String> {
    of_type(template, wanted).into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// The dimension values with which alarms read one metric.
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

/// Returns whether API Gateway calls the function, so that its calls are in the access log.
fn has_routes(function: &Value) -> bool {
    !members(&function["Properties"]["Events"]).is_empty()
}

/// Every string of a value, those behind short tags included.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match plain(value) {
        Value::String(text) => found.push(text),
        Value::Sequence(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Mapping(members) => members.values().for_each(|member| strings(member, found)),
        _ => {}
    }
}

/// The functions that a part of the template refers to, by `Ref`, `GetAtt` or `Sub`.
fn functions_named_in(part: &Value, functions: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = Vec::new();
    strings(part, &mut found);
    let mut words: BTreeSet<&str> = found.iter().map(|text| text.split('.').next().unwrap()).collect();
    words.extend(
        found
            .iter()
            .flat_map(|text| text.split("${").skip(1))
            .map(|rest| rest.split(['.', '}']).next().unwrap()),
    );
    functions.iter().filter(|function| words.contains(function.as_str())).cloned().collect()
}

#[test]
fn all_functions_write_to_one_log_group_with_the_chosen_retention() {
    let template = template();
    let logging = &template["Globals"]["Function"]["LoggingConfig"];
    assert_eq!(text(&logging["LogGroup"]), "FunctionLogs");
    assert_eq!(text(&logging["LogFormat"]), "JSON");
    assert_eq!(text(&logging["SystemLogLevel"]), "INFO", "Lambda writes platform.report lines at INFO");
    for (name, function) in of_type(&template, FUNCTION) {
        assert!(plain(&function["Properties"]["LoggingConfig"]).is_null(), "{name} has a log of its own");
    }
    let access = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["DestinationArn"];
    assert_eq!(text(access), "AccessLogs.Arn");
    assert_eq!(names(&template, GROUP), ["AccessLogs".to_owned(), "FunctionLogs".to_owned()].into());
    for (name, group) in of_type(&template, GROUP) {
        assert_eq!(text(&group["Properties"]["RetentionInDays"]), "LogRetentionDays", "{name}");
    }
}

#[test]
fn a_function_with_routes_is_named_only_in_its_own_block() {
    let template = template();
    let functions = names(&template, FUNCTION);
    let with_routes: BTreeSet<String> = of_type(&template, FUNCTION)
        .into_iter()
        .filter(|(_, function)| has_routes(function))
        .map(|(name, _)| name.to_owned())
        .collect();
    let without_routes: BTreeSet<String> = functions.difference(&with_routes).cloned().collect();
    assert!(!with_routes.is_empty());
    for section in ["Resources", "Outputs", "Conditions", "Rules", "Globals"] {
        for (name, part) in members(&template[section]) {
            let named = functions_named_in(part, &functions);
            assert!(named.is_subset(&without_routes), "{section}.{name} names {named:?}");
        }
    }
    // The search itself finds what it should.
    let alarm = &template["Resources"]["ThrottlesAlarm"];
    assert_eq!(functions_named_in(alarm, &functions), without_routes);
    let dashboard = &template["Resources"]["Dashboard"];
    assert_eq!(functions_named_in(dashboard, &functions), without_routes);
    let output = &template["Outputs"]["AuthorizerArn"];
    assert_eq!(functions_named_in(output, &functions), ["AuthorizeRequest".to_owned()].into());
}

#[test]
fn errors_and_throttles_of_every_function_start_an_alarm() {
    let template = template();
    let own_metrics: BTreeSet<String> = of_type(&template, ALARM)
        .into_iter()
        .flat_map(|(_, alarm)| {
            let mut found = Vec::new();
            strings(&alarm["Properties"], &mut found);
            found.into_iter().map(str::to_owned)
        })
        .collect();
    for metric in ["FunctionErrors", "ThrottledRequests"] {
        assert!(own_metrics.contains(metric), "{metric}");
    }
    // A call that Lambda throttles is in no log of the function, and without a route in no access log either.
    let without_routes: BTreeSet<_> = of_type(&template, FUNCTION)
        .into_iter()
        .filter(|(_, function)| !has_routes(function))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(watched(&template, "AWS/Lambda", "Throttles"), without_routes);
    let body = dashboard(&template).to_string();
    for function in &without_routes {
        let series = format!(r#"["AWS/Lambda","Throttles","FunctionName","${{{function}}}""#);
        assert!(body.contains(&series), "{series}");
    }
    assert_eq!(watched(&template, "AWS/Lambda", "Errors"), ["RotateKey".to_owned()].into());
    for metric in ["5xx", "Latency"] {
        assert_eq!(watched(&template, "AWS/ApiGateway", metric), ["Api".to_owned()].into(), "{metric}");
    }
    for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] {
        assert_eq!(watched(&template, "AWS/DynamoDB", metric), ["Table".to_owned()].into(), "{metric}");
    }
    for (name, alarm) in of_type(&template, ALARM) {
        let read = list(&alarm["Properties"]["Metrics"]).len();
        assert!(read <= 11, "{name}: CloudWatch allows ten metrics and one expression, this has {read}");
    }
}

#[test]
fn missing_data_starts_no_alarm_and_every_alarm_notifies_the_topic() {
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

/// Without `Operations` the template must also deploy where one of these types is not supported.
#[test]
fn monitoring_and_the_domain_are_optional() {
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
    // An output that refers to an optional resource must be optional too.
    let conditional = names(&template, DASHBOARD);
    for (name, output) in members(&template["Outputs"]) {
        let value = text(&output["Value"]);
        if conditional.iter().any(|resource| value.contains(resource.as_str())) {
            assert_eq!(text(&output["Condition"]), "WithOperations", "{name}");
        }
    }
}

/// The dashboard as JSON, with references in the place of physical names.
fn dashboard(template: &Value) -> Json {
    let body = text(&template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]);
    serde_json::from_str(body).unwrap()
}

#[test]
fn the_dashboard_shows_every_alarm_in_widgets_that_do_not_overlap() {
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
    // Every reference is a resource or a pseudo parameter.
    let resources: BTreeSet<_> =
        members(&template["Resources"]).into_iter().map(|(name, _)| name.to_owned()).collect();
    for reference in body.to_string().split("${").skip(1).map(|rest| rest.split('}').next().unwrap()) {
        let name = reference.split('.').next().unwrap();
        assert!(name.starts_with("AWS::") || resources.contains(name), "{reference}");
    }
    // Widgets are within the 24 columns and do not overlap.
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
fn every_own_metric_has_a_filter_an_alarm_and_a_place_on_the_dashboard() {
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

// ---- Lines that the product writes -------------------------------------------------------------------------------------

/// The log of requests with every outcome that monitoring tells apart.
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
    // A view that fails, which is not a refusal.
    wires.dynamodb.set(Line::Cut);
    assert_eq!(product.view(&good, "").await.status, 503);
    wires.dynamodb.set(Line::Through);
    (log.lines(), product)
}

/// The line that API Gateway writes about one request: strings only, in the form that the template asks for.
fn access_line(template: &Value, values: &[(&str, &str)]) -> Json {
    let [mut line, _] = access_lines(template);
    for (name, value) in values {
        assert!(line[name].is_string(), "{name} is not in the access log");
        line[name] = json!(value);
    }
    line
}

/// The two forms of that line: without the caller's address, and with it.
fn access_lines(template: &Value) -> [Json; 2] {
    let format = list(&template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]);
    let source = list(&format[1]["Source"]);
    assert_eq!(text(source[0]), "WithSourceAddress");
    let line = |source: &str| serde_json::from_str(&text(format[0]).replace("${Source}", source)).unwrap();
    [line(text(source[2])), line(text(source[1]))]
}

#[test]
fn the_access_log_has_addresses_only_if_asked_for() {
    let [without, with] = access_lines(&template());
    let of_the_caller = ["sourceAddress", "userAgent"];
    for name in of_the_caller {
        assert!(without.get(name).is_none() && with[name].is_string(), "{name}");
    }
    let mut rest = with;
    rest.as_object_mut().unwrap().retain(|name, _| !of_the_caller.contains(&name.as_str()));
    assert_eq!(rest, without);
}

#[tokio::test]
async fn every_filter_counts_the_lines_it_is_named_after() {
    let template = template();
    let (mut written, _product) = day().await;
    written.extend(["success", "error", "timeout", "failure"].map(platform_report));
    let access = [("200", "429"), ("200", "503"), ("429", "503"), ("-", "429"), ("429", "429")].map(
        |(integration, status)| {
            access_line(&template, &[("integrationStatus", integration), ("status", status)])
        },
    );
    let mut checked = BTreeSet::new();
    for (filter, group, lines, expected) in [
        ("ViewsMetric", "FunctionLogs", &written[..], 9),
        ("RefusedViewsMetric", "FunctionLogs", &written, 5),
        ("ReplayedSessionsMetric", "FunctionLogs", &written, 1),
        ("FunctionErrorsMetric", "FunctionLogs", &written, 3),
        ("ThrottledRequestsMetric", "AccessLogs", &access, 1),
    ] {
        let properties = &template["Resources"][filter]["Properties"];
        assert_eq!(text(&properties["LogGroupName"]), group, "{filter}");
        let pattern = Pattern::read(text(&properties["FilterPattern"]));
        let counted = lines.iter().filter(|line| pattern.matches(line)).count();
        assert_eq!(counted, expected, "{filter}: {lines:#?}");
        checked.insert(filter.to_owned());
    }
    assert_eq!(checked, names(&template, FILTER), "a filter that no case checks");
}

/// A new route of `verify-token` is counted as a view, or is listed here; a route of any other function is not a view.
#[tokio::test]
async fn a_request_counts_as_a_view_whatever_its_route() {
    let template = template();
    let product = Product::start().await;
    let functions =
        vitrine_local::functions::connect_all(&product.services, &Settings::default(), &product.clock).await;
    let no_views = ["/healthz", "/api/health", "/api/v1/users/me", "/api/v1/app-config"];
    for (filter, message, status) in
        [("ViewsMetric", "answered", 200), ("RefusedViewsMetric", "refused", 403)]
    {
        let properties = &template["Resources"][filter]["Properties"];
        let pattern = Pattern::read(text(&properties["FilterPattern"]));
        let mut views = 0;
        for function in &functions {
            for (method, path) in function.routes.declared() {
                let line = json!({
                    "status": status, "message": message, "span": {"method": method.as_str(), "route": path},
                });
                let is_view = function.name == "verify-token" && method == "GET" && !no_views.contains(path);
                assert_eq!(pattern.matches(&line), is_view, "{filter}: {method} {path} of {}", function.name);
                views += usize::from(is_view);
            }
        }
        assert!(views > 5, "{filter}");
    }
}

/// The paths of all members of an object.
fn paths(value: &Json, path: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        paths(value, &path, found);
        found.insert(path);
    }
}

/// The line that Lambda itself writes after a call that was also a cold start, as its documentation has it.
fn platform_report(status: &str) -> Json {
    json!({
        "time": "2026-01-31T12:00:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
            "metrics": {
                "billedDurationMs": 90, "durationMs": 41.2, "initDurationMs": 48.3, "maxMemoryUsedMB": 31,
                "memorySizeMB": 256,
            },
            "status": status,
        },
    })
}

#[tokio::test]
async fn every_field_in_a_query_is_written() {
    let template = template();
    let (mut lines, _product) = day().await;
    lines.extend([platform_report("success"), platform_report("error"), access_line(&template, &[])]);
    let mut queries: Vec<(String, String)> = of_type(&template, QUERY)
        .into_iter()
        .map(|(name, query)| (name.to_owned(), text(&query["Properties"]["QueryString"]).to_owned()))
        .collect();
    for widget in dashboard(&template)["widgets"].as_array().unwrap() {
        if let Some(query) = widget["properties"]["query"].as_str() {
            let query = query.strip_prefix("SOURCE '${FunctionLogs}' | ").unwrap();
            assert!(!query.contains("SOURCE"), "{query}");
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
            assert!(known, "{name} reads {field}");
        }
    }
}

#[test]
fn a_saved_query_reads_the_groups_that_have_its_lines() {
    let template = template();
    let both = names(&template, GROUP);
    let functions: BTreeSet<_> = ["FunctionLogs".to_owned()].into();
    let access: BTreeSet<_> = ["AccessLogs".to_owned()].into();
    let mut checked = BTreeSet::new();
    for (query, groups) in [
        ("OneRequest", &both),
        ("RefusalsByReason", &functions),
        ("RefusedRequests", &functions),
        ("Failures", &functions),
        ("ColdStarts", &functions),
        ("ReplayedSessions", &functions),
        ("SlowestRequests", &access),
    ] {
        let properties = &template["Resources"][query]["Properties"];
        let asked: BTreeSet<_> =
            list(&properties["LogGroupNames"]).into_iter().map(|group| text(group).to_owned()).collect();
        assert_eq!(asked, *groups, "{query}");
        checked.insert(query.to_owned());
    }
    assert_eq!(checked, names(&template, QUERY), "a query that no case checks");
}

// ---- Canary deployment -------------------------------------------------------------------------------------------------

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
    // Without it a changed setting would not publish a version, and so would not take effect.
    let release = functions["Environment"]["Variables"].as_mapping_mut().unwrap().remove("Release").unwrap();
    assert!(text(&release).ends_with('Z'));
    assert_eq!(canary, template);

    let refused = Command::new("bash").args([script, "Canary"]).output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    // The template itself has nothing of it.
    let whole = include_str!("../../template.yaml");
    assert!(!whole.contains("AutoPublishAlias") && !whole.contains("CodeDeploy"));
    assert!(plain(&template["Globals"]["Function"]["DeploymentPreference"]).is_null());
}

// ---- The used part of CloudWatch's two query languages -----------------------------------------------------------------

/// A filter pattern for JSON: comparisons, `&&`, `||` and parentheses. Anything else stops the test.
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
                    (Some(quoted), operator @ ("=" | "!=")) => {
                        let wanted = quoted.strip_suffix('"').unwrap();
                        let Some(found) = found.as_str() else { return false };
                        let equal = match wanted.strip_suffix('*') {
                            Some(start) => found.starts_with(start),
                            None => found == wanted,
                        };
                        equal == (operator == "=")
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

/// Splits a pattern or a query into words, signs and quoted strings.
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

/// A Logs Insights query: its filter, the fields that it reads and the names that it defines.
struct Insights {
    /// The parts that its `filter` compares: a member, whether it must be equal, and the text.
    wanted: Vec<(String, bool, String)>,
    fields: BTreeSet<String>,
    /// The names that the query itself defines.
    made: BTreeSet<String>,
}

const NO_FIELDS: [&str; 16] = [
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
    "parse",
];

impl Insights {
    fn read(query: &str) -> Self {
        let code: Vec<_> = query.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        let words = words(&code.join(" "));
        let mut read = Self { wanted: Vec::new(), fields: BTreeSet::new(), made: BTreeSet::new() };
        let mut command = "";
        for (place, word) in words.iter().enumerate() {
            let before = place.checked_sub(1).map(|place| words[place].as_str());
            if before.is_none_or(|before| before == "|") {
                command = word;
            }
            if before == Some("as") {
                read.made.insert(word.clone());
            } else if command == "parse" {
                // `parse FIELD "PATTERN" as NAME, NAME`: the names, between commas.
                if before == Some(",") {
                    read.made.insert(word.clone());
                } else if before == Some("parse") {
                    read.fields.insert(word.clone());
                }
            } else if word.starts_with('"') {
                let equal = match before {
                    Some("=") => true,
                    Some("!=") => false,
                    other => panic!("{other:?} is not known"),
                };
                read.wanted.push((words[place - 2].clone(), equal, word.trim_matches('"').to_owned()));
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

    /// Returns whether the filter matches this line; the placeholder for a request ID matches every line.
    fn chooses(&self, line: &Json) -> bool {
        let member = |path: &str| path.split('.').fold(line, |value, name| &value[name]).clone();
        let mut wanted = self.wanted.iter().filter(|(_, _, text)| text != "REQUEST_ID");
        wanted.all(|(path, equal, text)| {
            let found = member(path);
            found.is_string() && (found == text.as_str()) == *equal
        })
    }
}
