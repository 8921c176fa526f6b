//! The template checked against the code: functions, routes, permissions, settings and the table.

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser;
use vitrine::aws::admin_key::ADMIN_KEY;
use vitrine::aws::blobs::BUCKET;
use vitrine::aws::capability::Grant;
use vitrine::aws::engine_worker::WORKER;
use vitrine::aws::signing_keys::SIGNING_SECRET;
use vitrine::aws::storage::table::TABLE;
use vitrine::rules::settings::Settings;
use vitrine_local::options::Options;
use vitrine_tests::Product;
use yaml_serde::Value;

pub fn template() -> Value {
    yaml_serde::from_str(include_str!("../../template.yaml")).unwrap()
}

/// The value of a short tag such as `!Ref`, or the value itself.
pub fn plain(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => &tagged.value,
        value => value,
    }
}

pub fn text(value: &Value) -> &str {
    plain(value).as_str().unwrap_or_default()
}

pub fn list(value: &Value) -> Vec<&Value> {
    match plain(value) {
        Value::Sequence(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

pub fn members(value: &Value) -> Vec<(&str, &Value)> {
    value.as_mapping().into_iter().flatten().map(|(name, value)| (text(name), value)).collect()
}

/// The functions of the template, by the name of their binary.
pub fn functions(template: &Value) -> BTreeMap<&str, &Value> {
    members(&template["Resources"])
        .into_iter()
        .filter(|(_, resource)| text(&resource["Type"]) == "AWS::Serverless::Function")
        .map(|(_, resource)| (text(&resource["Metadata"]["BuildProperties"]["Binary"]), resource))
        .collect()
}

/// The routes of a function in the gateway: a method or ANY, and a path.
fn declared(function: &Value) -> Vec<(&str, &str)> {
    members(&function["Properties"]["Events"])
        .into_iter()
        .map(|(_, event)| (text(&event["Properties"]["Method"]), text(&event["Properties"]["Path"])))
        .collect()
}

/// The routes of the gateway for pages below a path.
fn pages_below(path: &str) -> [String; 2] {
    [path.to_owned(), format!("{path}/{{page+}}")]
}

async fn served() -> Vec<vitrine_local::functions::Function> {
    let product = Product::start().await;
    vitrine_local::functions::connect_all(&product.services, &Settings::default(), &product.clock).await
}

/// Each package below `functions/` is in the one list of functions, under the name of its crate.
#[test]
fn the_list_of_functions_is_the_folder_of_functions() {
    macro_rules! pairs {
        (
            with_routes { $($routed:ident = $routed_name:literal),+ $(,)? }
            without_routes { $($called:ident = $called_name:literal),+ $(,)? }
        ) => {
            [$((stringify!($routed), $routed_name),)+ $((stringify!($called), $called_name),)+]
        };
    }
    for (package, name) in vitrine_local::for_each_function!(pairs) {
        assert_eq!(package, name.replace('-', "_"));
    }
    let folders: BTreeSet<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<_> = vitrine_local::functions::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(names, folders);
    assert_eq!(vitrine_local::functions::NAMES.len(), names.len(), "a function is listed twice");
}

#[tokio::test]
async fn every_function_is_declared_and_every_declared_function_exists() {
    let template = template();
    let names: BTreeSet<_> = vitrine_local::functions::NAMES.iter().copied().collect();
    assert_eq!(functions(&template).into_keys().collect::<BTreeSet<_>>(), names);
    assert_eq!(served().await.iter().map(|function| function.name).collect::<BTreeSet<_>>(), names);
    for (name, function) in functions(&template) {
        assert_eq!(text(&function["Properties"]["CodeUri"]), format!("functions/{name}"));
    }
}

#[tokio::test]
async fn every_route_served_is_declared_and_every_route_declared_is_served() {
    let template = template();
    let by_name = functions(&template);
    let mut owners: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, function) in &by_name {
        for route in declared(function) {
            let earlier = owners.insert(route, name);
            assert_eq!(earlier, None, "{route:?} is declared twice");
        }
    }
    for function in served().await {
        for (method, path) in function.routes.declared() {
            // The gateway prefers the exact method to ANY.
            let owner = owners.get(&(method.as_str(), *path)).or_else(|| owners.get(&("ANY", *path)));
            assert_eq!(owner, Some(&function.name), "{method} {path}");
        }
        let paths: BTreeSet<_> = function.routes.declared().iter().map(|(_, path)| *path).collect();
        let pages: BTreeSet<_> =
            function.routes.page_paths().iter().flat_map(|path| pages_below(path)).collect();
        for path in &pages {
            assert_eq!(owners.get(&("ANY", path.as_str())), Some(&function.name), "{path}");
        }
        for (method, path) in declared(by_name[function.name]) {
            assert!(
                path == "$default" || paths.contains(path) || pages.contains(path),
                "{method} {path} leads to {}, which does not serve it",
                function.name
            );
        }
    }
    assert_eq!(
        owners.keys().filter(|(_, path)| *path == "$default").count(),
        1,
        "exactly one function answers unknown paths"
    );
}

/// The routes of `cargo lambda watch`, in `Cargo.toml`.
/// The gateway refuses a whole deployment whose throttling names a route that it does not have.
#[test]
fn every_throttled_route_is_declared() {
    let template = template();
    let declared: BTreeSet<String> = functions(&template)
        .values()
        .flat_map(|function| declared(function))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    let throttled = members(&template["Resources"]["Api"]["Properties"]["RouteSettings"]);
    for (route, limits) in &throttled {
        assert!(declared.contains(*route), "{route}");
        assert_eq!(members(limits).len(), 2, "{route}: rate and burst");
    }
    let is_throttled = |path: &str| throttled.iter().any(|(route, _)| route.ends_with(path));
    for path in [
        "/v1/sessions/redeem",
        "/generate-session",
        "/v1/resources",
        "/api/card/embeddable",
        "/api/session",
        "/api/search",
    ] {
        assert!(is_throttled(path), "{path}");
    }
}

#[tokio::test]
async fn the_watch_router_knows_every_route() {
    let manifest: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
    let router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().unwrap();
    let mut watched = BTreeSet::new();
    for (path, target) in router {
        match target {
            // One function for every method.
            toml::Value::String(function) => {
                watched.insert((path.as_str(), None, function.as_str()));
            }
            methods => watched.extend(methods.as_array().unwrap().iter().map(|target| {
                (path.as_str(), target["method"].as_str(), target["function"].as_str().unwrap())
            })),
        }
    }
    let functions = served().await;
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for function in &functions {
        for (_, path) in function.routes.declared() {
            owners.entry(*path).or_default().insert(function.name);
        }
    }
    let served: BTreeSet<_> = functions
        .iter()
        .flat_map(|function| {
            function.routes.declared().iter().map(|(method, path)| (function.name, method, *path))
        })
        .map(|(name, method, path)| match owners[path].len() {
            1 => (path, None, name),
            _ => (path, Some(method.as_str()), name),
        })
        .collect();
    for function in &functions {
        for path in function.routes.page_paths() {
            let below = format!("{path}/{{*page}}");
            let before = watched.len();
            watched.retain(|(one, _, name)| *name != function.name || (one != path && *one != below));
            assert_eq!(watched.len() + 2, before, "{path}");
        }
    }
    // Unknown paths lead to the function that answers them in the template.
    assert!(watched.remove(&("/{*path}", None, "serve-embed")), "unknown paths have no function");
    assert_eq!(watched, served);
    let template = template();
    let by_name = self::functions(&template);
    assert!(
        declared(by_name["serve-embed"])
            .into_iter()
            .any(|(method, path)| (method, path) == ("ANY", "$default"))
    );
}

#[tokio::test]
async fn every_policy_grants_what_the_state_can_use_and_no_more() {
    let template = template();
    let by_name = functions(&template);
    for function in served().await {
        let policies = &by_name[function.name]["Properties"]["Policies"];
        // A policy for a resource that the owner may name is behind a condition.
        let conditional = |policy: &'_ Value| match policy {
            Value::Tagged(_) => text(list(policy)[0]) == "WithClientSecret",
            _ => true,
        };
        let granted: BTreeSet<String> = list(policies)
            .into_iter()
            .filter(|policy| conditional(policy))
            .flat_map(|policy| match policy {
                Value::Tagged(_) => list(&list(policy)[1]["Statement"]),
                _ => list(&policy["Statement"]),
            })
            .flat_map(|statement| {
                assert_eq!(text(&statement["Effect"]), "Allow");
                let actions = list(&statement["Action"]);
                let resources = list(&statement["Resource"]);
                let keys = leading_keys(statement);
                actions.into_iter().flat_map(move |action| {
                    let keys = keys.clone();
                    resources.clone().into_iter().flat_map(move |resource| {
                        let allowed = format!("{} on {}", text(action), text(resource));
                        match &keys {
                            None => vec![allowed],
                            Some(keys) => {
                                keys.iter().map(|key| format!("{allowed} with the key {key}")).collect()
                            }
                        }
                    })
                })
            })
            .collect();
        let needed: BTreeSet<String> = function.grants.iter().map(in_the_template).collect();
        assert_eq!(granted, needed, "{}", function.name);
    }
}

/// Files that others write are read by the two functions with the query engine, where the owner allows it.
#[test]
fn buckets_of_others_are_open_to_the_functions_with_the_engine_alone() {
    let template = template();
    let mut open = BTreeSet::new();
    for (name, function) in functions(&template) {
        for policy in list(&function["Properties"]["Policies"]) {
            let Value::Tagged(tagged) = policy else { continue };
            assert_eq!(tagged.tag, "If", "{name}");
            let choice = list(policy);
            if (name, text(choice[0])) == ("serve-console", "WithClientSecret") {
                continue;
            }
            assert_eq!(text(choice[0]), "WithDataSources", "{name}");
            let statements = list(&choice[1]["Statement"]);
            let [statement] = statements[..] else { panic!("{name} has other statements") };
            let actions: Vec<_> = list(&statement["Action"]).into_iter().map(text).collect();
            assert_eq!(actions, ["s3:GetObject", "s3:ListBucket"]);
            assert_eq!(text(&statement["Resource"]), "DataSources");
            open.insert(name);
        }
    }
    assert_eq!(open, BTreeSet::from(["import-table", "run-query"]));
}

/// The partition keys that a statement is limited to; none if it is not limited.
fn leading_keys(statement: &Value) -> Option<Vec<String>> {
    let condition = statement.get("Condition")?;
    let only = |value: &Value, name: &str| {
        assert_eq!(members(value).iter().map(|(name, _)| *name).collect::<Vec<_>>(), [name]);
    };
    only(condition, "ForAllValues:StringLike");
    let condition = &condition["ForAllValues:StringLike"];
    only(condition, "dynamodb:LeadingKeys");
    let keys = list(&condition["dynamodb:LeadingKeys"]);
    assert!(!keys.is_empty(), "no key at all satisfies every condition on all of them");
    Some(keys.into_iter().map(|key| text(key).to_owned()).collect())
}

/// A function that can write any item can create an access key. So each write names the items that it is for.
#[tokio::test]
async fn every_write_is_limited_to_some_items() {
    let mut writes = 0;
    for function in served().await {
        for grant in &function.grants {
            let is_read = ["GetItem", "BatchGetItem", "Query"]
                .iter()
                .any(|read| grant.action.strip_prefix("dynamodb:") == Some(read));
            if grant.action.starts_with("dynamodb:") && !is_read {
                assert!(grant.items.is_some_and(|items| items != "*"), "{}: {grant}", function.name);
                writes += 1;
            }
            if grant.action.starts_with("s3:") {
                let is_limited = grant.items.is_some_and(|keys| keys.len() > 1 && keys.ends_with("/*"));
                assert!(is_limited, "{}: {grant}", function.name);
            }
        }
        let creates_keys = function.grants.iter().any(|grant| grant.items == Some("access_keys"));
        let may_create = ["manage-keys", "serve-console"].contains(&function.name);
        assert_eq!(creates_keys, may_create, "{}", function.name);
    }
    assert!(writes > 20, "{writes}");
}

/// A function that can write the signing secret can sign a token for any viewer. So a function that changes viewers cannot, and a
/// function that explains refusals can change nothing.
#[tokio::test]
async fn only_key_management_and_rotation_may_write_the_signing_secret() {
    const WRITES: [Grant; 2] = [
        SIGNING_SECRET.allow("secretsmanager:PutSecretValue"),
        SIGNING_SECRET.allow("secretsmanager:UpdateSecretVersionStage"),
    ];
    let of_viewers =
        ["users", "external-users", "groups", "attributes", "embed-tenants", "sessions", "session"];
    let functions = served().await;
    let writers: BTreeSet<_> = functions
        .iter()
        .filter(|function| WRITES.iter().any(|grant| function.grants.contains(grant)))
        .map(|function| function.name)
        .collect();
    // The console retires keys. It is for people, and none of its pages manages viewers.
    assert_eq!(writers, ["manage-keys", "rotate-key", "serve-console"].into());
    let mut managing_viewers = BTreeSet::new();
    for function in &functions {
        for (method, path) in function.routes.declared() {
            if path.split('/').any(|segment| of_viewers.contains(&segment)) {
                managing_viewers.insert(function.name);
                assert!(!writers.contains(function.name), "{method} {path} runs in {}", function.name);
            }
        }
    }
    assert!(managing_viewers.contains("manage-viewers"), "{managing_viewers:?}");
    let grants = |name: &str| &functions.iter().find(|function| function.name == name).unwrap().grants;
    let touches_signing_secret = |grant: &Grant| grant.on == SIGNING_SECRET;
    assert!(!grants("manage-viewers").iter().any(touches_signing_secret));
    let only_reads = [
        TABLE.allow("dynamodb:GetItem"),
        TABLE.allow("dynamodb:Query"),
        ADMIN_KEY.allow("secretsmanager:GetSecretValue"),
    ];
    assert_eq!(*grants("explain-refusal"), only_reads.into());
}

fn in_the_template(grant: &Grant) -> String {
    if let (true, Some(keys)) = (grant.on == BUCKET, grant.items) {
        return format!("{} on ${{Data.Arn}}/{keys}", grant.action);
    }
    let resource = match grant.on.logical_id.split_once('/') {
        Some((table, index)) => format!("${{{table}.Arn}}/{index}"),
        None if [TABLE, BUCKET, WORKER].contains(&grant.on) => format!("{}.Arn", grant.on.logical_id),
        None => grant.on.logical_id.to_owned(),
    };
    let items = grant.items.map(|items| format!(" with the key {items}")).unwrap_or_default();
    format!("{} on {resource}{items}", grant.action)
}

/// The forms that grants have in a policy: on keys of the table by a condition, on keys of the bucket by the resource.
#[test]
fn grants_are_compared_in_the_form_that_policies_have() {
    for (grant, expected) in [
        (BUCKET.items("cache/*").allow("s3:GetObject"), "s3:GetObject on ${Data.Arn}/cache/*"),
        (BUCKET.allow("s3:ListBucket"), "s3:ListBucket on Data.Arn"),
        (WORKER.allow("lambda:InvokeFunction"), "lambda:InvokeFunction on ImportTable.Arn"),
        (TABLE.items("a#*").allow("dynamodb:PutItem"), "dynamodb:PutItem on Table.Arn with the key a#*"),
    ] {
        assert_eq!(in_the_template(&grant), expected);
    }
}

/// The bucket's rules end what the local run ends, and are shut to everybody else.
#[test]
fn the_bucket_is_private_encrypted_and_ends_what_is_temporary() {
    let template = template();
    let bucket = &template["Resources"]["Data"]["Properties"];
    let ends: BTreeSet<_> = list(&bucket["LifecycleConfiguration"]["Rules"])
        .into_iter()
        .filter_map(|rule| {
            Some((text(&rule["Prefix"]).trim_end_matches('/'), rule["ExpirationInDays"].as_u64()?))
        })
        .collect();
    assert_eq!(ends, vitrine_local::LIFECYCLE.into());
    let blocks = members(&bucket["PublicAccessBlockConfiguration"]);
    assert_eq!(blocks.iter().filter(|(_, is_blocked)| is_blocked.as_bool() == Some(true)).count(), 4);
    assert_eq!(text(&bucket["VersioningConfiguration"]["Status"]), "Enabled");
    assert_eq!(text(&bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"]), "BucketOwnerEnforced");
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    let algorithm = list(&encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"]);
    assert_eq!(algorithm.into_iter().map(text).collect::<Vec<_>>(), ["WithKmsKey", "aws:kms", "AES256"]);
    let policy = &template["Resources"]["DataPolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
    assert_eq!((text(&policy["Effect"]), text(&policy["Principal"])), ("Deny", "*"));
    assert_eq!(policy["Condition"]["Bool"]["aws:SecureTransport"].as_bool(), Some(false));
    let both: Vec<_> = list(&policy["Resource"]).into_iter().map(text).collect();
    assert_eq!(both, ["Data.Arn", "${Data.Arn}/*"]);
}

#[tokio::test]
async fn every_function_knows_the_names_of_what_it_may_touch() {
    let template = template();
    let by_name = functions(&template);
    for function in served().await {
        let variables: BTreeSet<_> =
            members(&by_name[function.name]["Properties"]["Environment"]["Variables"])
                .into_iter()
                .map(|(name, _)| name)
                .collect();
        let mut needed: BTreeSet<_> = function.grants.iter().map(|grant| grant.on.variable).collect();
        // The page's policy names the bucket's host; the function may not touch the bucket.
        if function.name == "serve-embed" {
            assert!(needed.insert(BUCKET.variable));
        }
        assert_eq!(variables, needed, "{}", function.name);
    }
}

fn default_of(parameter: &Value) -> String {
    match &parameter["Default"] {
        Value::Number(number) => number.to_string(),
        value => text(value).to_owned(),
    }
}

#[test]
fn every_setting_is_a_parameter_with_the_safe_default() {
    let template = template();
    let parameters = &template["Parameters"];
    let variables = members(&template["Globals"]["Function"]["Environment"]["Variables"]);
    let handed_on: BTreeSet<_> = variables.iter().map(|(name, _)| *name).collect();
    assert_eq!(handed_on, Settings::NAMES.iter().copied().collect());
    let mut settings = Settings::default();
    for (name, reference) in variables {
        if name == "PublicUrl" {
            // The parameter itself has precedence over the domain.
            let choice = list(reference);
            assert_eq!((text(choice[0]), text(choice[1])), ("WithPublicUrl", name));
            let choice = list(choice[2]);
            let branches = (text(choice[0]), text(choice[1]), text(choice[2]));
            assert_eq!(branches, ("WithDomain", "https://${DomainName}", ""));
        } else {
            assert_eq!(text(reference), name);
        }
        settings.set(name, &default_of(&parameters[name])).unwrap();
        assert!(!text(&parameters[name]["Description"]).is_empty(), "{name} is not described");
    }
    assert_eq!(settings, Settings::default());
    // A parameter that is not a setting affects AWS only; the local run accepts it by name.
    let (ours, others): (Vec<_>, Vec<_>) = members(parameters)
        .into_iter()
        .map(|(name, _)| name)
        .partition(|name| Settings::NAMES.contains(name));
    let in_order: Vec<_> = members(parameters).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        in_order,
        [&ours[..], &others[..]].concat(),
        "infra/settings.md says that the parameters without effect locally come last"
    );
    let last = format!("those below `{}` have no effect", ours.last().unwrap());
    assert!(std::fs::read_to_string(SETTINGS).unwrap().contains(&last), "infra/settings.md must say: {last}");
    let shown: BTreeSet<_> = list(&template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"])
        .into_iter()
        .flat_map(|group| list(&group["Parameters"]))
        .map(text)
        .collect();
    assert_eq!(shown, in_order.into_iter().collect(), "every parameter is in a group");
    for name in others {
        let set = format!("{name}=1");
        let options = Options::try_parse_from(["vitrine", "--set", &set]).unwrap();
        assert_eq!(options.kept.idle().collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn the_local_table_is_the_declared_one() {
    let template = template();
    let declared = &members(&template["Resources"])
        .into_iter()
        .find(|(_, resource)| text(&resource["Type"]) == "AWS::DynamoDB::Table")
        .unwrap()
        .1["Properties"];
    let local: Value = yaml_serde::to_value(vitrine_local::table_definition("any")).unwrap();
    // Compared as sorted JSON, because neither the order of members nor that of items matters.
    let sorted = |value: &Value| {
        let mut items: Vec<_> =
            list(value).into_iter().map(|item| serde_json::to_value(item).unwrap().to_string()).collect();
        items.sort();
        items
    };
    for part in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
        assert_eq!(sorted(&declared[part]), sorted(&local[part]), "{part}");
    }
    assert_eq!(text(&declared["BillingMode"]), text(&local["BillingMode"]));
    assert_eq!(
        text(&declared["TimeToLiveSpecification"]["AttributeName"]),
        vitrine::aws::storage::table::schema::TTL
    );
}

const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/settings.md");

/// The table of settings, made from the template's parameters.
fn table(template: &Value) -> String {
    let mut table = "| name | default | meaning |\n| --- | --- | --- |\n".to_owned();
    for (name, parameter) in members(&template["Parameters"]) {
        let default = match default_of(parameter).as_str() {
            "" => "empty".to_owned(),
            default => format!("`{default}`"),
        };
        let meaning = text(&parameter["Description"]).trim().replace('|', "\\|");
        assert!(meaning.ends_with('.'), "{name} must be described in a full sentence");
        table.push_str(&format!("| `{name}` | {default} | {meaning} |\n"));
    }
    table
}

/// `BLESS=1 cargo test -p vitrine-tests template` rewrites the table.
#[test]
fn the_page_of_settings_lists_every_parameter() {
    const START: &str = "<!-- settings: written from template.yaml -->\n\n";
    const END: &str = "\n<!-- end of settings -->";
    let table = table(&template());
    let page = std::fs::read_to_string(SETTINGS).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(SETTINGS, [before, START, &table, END, after].concat()).unwrap();
    } else {
        assert_eq!(kept, table, "infra/settings.md: BLESS=1 cargo test -p vitrine-tests template");
    }
}
