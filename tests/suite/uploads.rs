//! Uploads and versions of tables. The import itself is stood in for by one that reads lines of `name:type`, so that these
//! tests see what surrounds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use vitrine::aws::blobs::{TableFiles, UploadSigner, UploadedFiles};
use vitrine::aws::storage::{TableReader, UploadReader, UploadWriter, VersionWriter};
use vitrine::rules::clock::Clock;
use vitrine::rules::data::finding::Finding;
use vitrine::rules::data::signed_request::SignedRequest;
use vitrine::rules::data::upload::{Upload, UploadState};
use vitrine::rules::data::version::{DataFile, TableVersion};
use vitrine::rules::data::work::{Work, WorkDone};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::query::column::Column;
use vitrine::rules::random;
use vitrine::rules::settings::Settings;
use vitrine_local::functions::connected;
use vitrine_tests::{Answer, Product};

use crate::tables::{put, table};

vitrine::capability_set! {
    pub struct Importer {
        tables: TableReader,
        uploads: UploadReader,
        upload_writer: UploadWriter,
        versions: VersionWriter,
        signer: UploadSigner,
        uploaded: UploadedFiles,
        files: TableFiles,
        clock: Clock,
    }
}

/// The stand-in's outcome for a file.
#[derive(Clone)]
enum Outcome {
    Columns(Vec<Column>),
    Failure(&'static str),
    Refusal(&'static str),
    /// Never ends.
    Silence,
}

impl Importer {
    async fn of(product: &Product) -> Arc<Self> {
        let settings = Settings::default();
        Arc::new(connected("import-table", &product.services, &settings, &product.clock).await)
    }

    async fn import(&self, name: &str, upload: &str, force: bool, outcome: Outcome) -> Result<()> {
        let now = self.clock.now();
        let seen = self.tables.get(name).await?.ok_or(Reason::TableNotFound)?;
        let upload = self.uploads.find(&seen, upload, now).await?.ok_or(Reason::UploadNotFound)?;
        // A second event for the same upload is refused here.
        let begun = self.upload_writer.begin(upload, now.plus(60), now).await?;
        let file = std::env::temp_dir().join(format!("vitrine-upload-{}", random::short_id()?));
        let got = self.uploaded.get(&begun, &file).await?;
        let _ = std::fs::remove_file(&file);
        if got.is_none() {
            let issues = vec![Finding { path: "upload".to_owned(), message: "has no file yet".to_owned() }];
            return self.upload_writer.change(begun, UploadState::Failed { issues }).await.map(drop);
        }
        match outcome {
            Outcome::Silence => Ok(()),
            Outcome::Refusal(_) if force => self.commit(name, begun, Vec::new()).await,
            Outcome::Columns(columns) => self.commit(name, begun, columns).await,
            Outcome::Failure(message) => {
                let issues = vec![Finding { path: "line 3".to_owned(), message: message.to_owned() }];
                self.upload_writer.change(begun, UploadState::Failed { issues }).await.map(drop)
            }
            Outcome::Refusal(path) => {
                let issues = vec![Finding { path: path.to_owned(), message: "would break".to_owned() }];
                self.upload_writer.change(begun, UploadState::Refused { issues }).await.map(drop)
            }
        }
    }

    async fn commit(&self, name: &str, begun: Upload, columns: Vec<Column>) -> Result<()> {
        let begun = self.upload_writer.progress(begun, 3, self.clock.now().plus(90)).await?;
        loop {
            let seen = self.tables.get(name).await?.ok_or(Reason::TableNotFound)?;
            let number = seen.newest_version + 1;
            let prefix = TableVersion::prefix(name, number);
            let (size, e_tag) = (3, "\"tag\"".to_owned());
            let version = TableVersion {
                number,
                rows: 3,
                columns: columns.clone(),
                files: vec![DataFile {
                    key: format!("{prefix}{}.parquet", random::short_id()?),
                    size,
                    e_tag,
                }],
                upload: begun.id.clone(),
                created_at: self.clock.now(),
            };
            let table = seen.clone().at_version(version, self.clock.now());
            let done = UploadState::Done { version: number, rows: 3, columns: table.plain_columns() };
            let done = begun.clone().in_state(done);
            match self.versions.commit(&table, &seen, &done, &begun).await {
                Err(error) if error.reason == Reason::Conflict => tokio::task::yield_now().await,
                committed => return committed,
            }
        }
    }
}

/// A product whose imports end as `outcome` says, and the number of events that they got.
async fn importing(outcome: Outcome) -> (Product, Arc<AtomicU64>) {
    let product = Product::start().await;
    let events = import_with(&product, outcome).await;
    (product, events)
}

async fn import_with(product: &Product, outcome: Outcome) -> Arc<AtomicU64> {
    let importer = Importer::of(product).await;
    let events = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&events);
    product.services.invocable.add("import-table", move |work: Work| {
        let (importer, outcome, count) = (Arc::clone(&importer), outcome.clone(), Arc::clone(&count));
        async move {
            match work {
                Work::Import { table, upload, force } => {
                    count.fetch_add(1, Ordering::SeqCst);
                    importer.import(&table, &upload, force, outcome).await.map(|()| WorkDone::Import)
                }
                Work::SignUpload { upload } => {
                    importer.signer.presign(&upload).await.map(|request| WorkDone::SignUpload { request })
                }
                Work::DeleteFiles { keys } => {
                    importer.files.delete_all(&keys).await.map(|()| WorkDone::DeleteFiles)
                }
                _ => Err(Error::internal("another task")),
            }
        }
    });
    events
}

fn columns(names: &[(&str, &str)]) -> Vec<Column> {
    let column = |(name, kind): &(&str, &str)| Column {
        name: (*name).to_owned(),
        kind: kind.parse().unwrap(),
        description: None,
        hidden: false,
    };
    names.iter().map(column).collect()
}

const FILE: &str = "city,amount\nRome,1\nOslo,2\n";

async fn start(product: &Product, table: &str, file: &str) -> Answer {
    let body = json!({"format": "csv", "size": file.len(), "sha256": random::fingerprint(file)});
    product.post(&format!("/v1/tables/{table}/uploads"), body).admin().send().await
}

/// Sends a file to the URL of an upload, as its headers say.
async fn send(product: &Product, upload: &Value, file: &str) -> u16 {
    let headers = upload["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    let expires_at = upload["expires_at"].as_str().unwrap().parse().unwrap();
    let url = upload["url"].as_str().unwrap().to_owned();
    let signed = SignedRequest { url, headers: headers.collect(), expires_at };
    let method = upload["method"].as_str().unwrap().parse().unwrap();
    product.send_signed(method, &signed, file.to_owned()).await.status().as_u16()
}

/// The id of an upload whose file is there.
async fn uploaded(product: &Product, table: &str) -> String {
    let started = start(product, table, FILE).await;
    assert_eq!(started.status, 201, "{}", started.text);
    assert_eq!(send(product, &started.json, FILE).await, 200);
    started.json["upload"].as_str().unwrap().to_owned()
}

async fn commit(product: &Product, table: &str, upload: &str, query: &str) -> Answer {
    let path = format!("/v1/tables/{table}/versions{query}");
    product.post(&path, json!({ "upload": upload })).admin().send().await
}

async fn state(product: &Product, table: &str, upload: &str) -> Answer {
    product.get(&format!("/v1/tables/{table}/uploads/{upload}")).admin().send().await
}

#[tokio::test]
async fn an_upload_takes_the_announced_file_and_no_other() {
    let product = Product::start().await;
    put(&product, "orders", json!({})).await;
    let started = start(&product, "orders", FILE).await;
    assert_eq!((started.status.as_u16(), &started.json["method"]), (201, &json!("PUT")), "{}", started.text);
    let ends = started.json["expires_at"].as_str().unwrap();
    assert!(*ends > *product.clock.now().to_string(), "{ends}");
    let waiting = state(&product, "orders", started.json["upload"].as_str().unwrap()).await;
    assert_eq!((&waiting.json["state"], &waiting.json["rows_read"]), (&json!("waiting"), &json!(0)));
    assert_eq!(send(&product, &started.json, &FILE.replace("Rome", "Roma")).await, 400, "another checksum");
    assert_ne!(send(&product, &started.json, &FILE.replace("Rome", "Romes")).await, 200, "another size");
    assert_eq!(send(&product, &started.json, FILE).await, 200);
}

#[tokio::test]
async fn an_upload_needs_a_table_of_ours_and_a_file_that_is_allowed() {
    let product = Product::start().await;
    put(&product, "orders", json!({})).await;
    let sha256 = random::fingerprint("x");
    let post = async |table: &str, body: Value| {
        product.post(&format!("/v1/tables/{table}/uploads"), body).admin().send().await
    };
    for (body, fields) in [
        (json!({"format": "xml", "size": 1, "sha256": sha256}), vec!["format"]),
        (json!({"format": "csv", "size": 0, "sha256": sha256}), vec!["size"]),
        (json!({"format": "csv", "size": (1_u64 << 30) + 1, "sha256": sha256}), vec!["size"]),
        (json!({"format": "csv", "size": 1, "sha256": &sha256[1..]}), vec!["sha256"]),
        (json!({"format": "csv", "size": 1, "sha256": sha256, "name": "x"}), vec!["name"]),
        (json!({}), vec!["format", "size", "sha256"]),
    ] {
        let answer = post("orders", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.issues()), (400, fields), "{body}");
    }
    let good = json!({"format": "parquet", "size": 1_u64 << 30, "sha256": sha256.to_uppercase()});
    assert_eq!(post("orders", good.clone()).await.status, 201);
    assert_eq!(post("none", good.clone()).await.refusal(), (404, "table_not_found"));
    product.put("/v1/sources/lake", json!({"kind": "files", "location": "s3://lake"})).admin().send().await;
    let external = json!({"source": "lake", "location": "a/", "columns": [{"name": "a", "type": "text"}]});
    assert_eq!(put(&product, "theirs", external).await.status, 201);
    assert_eq!(post("theirs", good).await.refusal(), (400, "request_invalid"));
}

#[tokio::test]
async fn an_upload_that_is_unknown_or_expired_or_of_another_table_is_not_found() {
    let (product, events) = importing(Outcome::Columns(columns(&[("city", "text")]))).await;
    for name in ["orders", "others"] {
        put(&product, name, json!({})).await;
    }
    let upload = uploaded(&product, "orders").await;
    let not_found = async |table: &str, upload: &str, case: &str| {
        for answer in [state(&product, table, upload).await, commit(&product, table, upload, "").await] {
            assert_eq!(answer.refusal(), (404, "upload_not_found"), "{case}");
        }
    };
    not_found("others", &upload, "of another table").await;
    not_found("orders", "aB3dE5gH7jK9", "unknown").await;
    assert_eq!(commit(&product, "orders", &"x".repeat(3_000), "").await.refusal(), (404, "upload_not_found"));
    product.delete("/v1/tables/orders").admin().send().await;
    put(&product, "orders", json!({})).await;
    not_found("orders", &upload, "of an earlier table").await;
    let upload = uploaded(&product, "orders").await;
    product.clock.set_offset(Upload::DAYS * 86_400 + 1);
    not_found("orders", &upload, "expired").await;
    assert_eq!(events.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_upload_becomes_one_version_however_often_it_is_committed() {
    let (product, events) =
        importing(Outcome::Columns(columns(&[("city", "text"), ("amount", "integer")]))).await;
    put(&product, "orders", json!({})).await;
    let without_file = start(&product, "orders", FILE).await.json;
    let early = commit(&product, "orders", without_file["upload"].as_str().unwrap(), "").await;
    assert_eq!((early.refusal(), early.issues()), ((400, "import_failed"), vec!["upload"]));

    let upload = uploaded(&product, "orders").await;
    let (one, other) =
        tokio::join!(commit(&product, "orders", &upload, ""), commit(&product, "orders", &upload, ""));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201), "{} {}", one.text, other.text);
    assert_eq!(one.json, other.json);
    assert_eq!((&one.json["version"], &one.json["rows"]), (&json!(1), &json!(3)));
    let imports = events.load(Ordering::SeqCst);
    let again = commit(&product, "orders", &upload, "").await;
    assert_eq!((again.status.as_u16(), &again.json), (201, &one.json));
    assert_eq!(events.load(Ordering::SeqCst), imports, "a version that is there is not imported again");

    let done = state(&product, "orders", &upload).await.json;
    assert_eq!(
        (&done["state"], &done["version"], &done["rows_read"]),
        (&json!("done"), &json!(1), &json!(3))
    );
    let table = table(&product, "orders").await;
    assert_eq!((&table["version"], &table["rows"]), (&json!(1), &json!(3)));
    assert_eq!(table["columns"][1]["name"], "amount");
    let versions = product.get("/v1/tables/orders/versions").admin().send().await.json;
    assert_eq!(versions["items"].as_array().unwrap().len(), 1, "{versions}");
    assert_eq!((&versions["items"][0]["rows"], &versions["next_cursor"]), (&json!(3), &Value::Null));
}

#[tokio::test]
async fn a_failed_import_replaces_nothing_and_can_be_tried_again() {
    let (product, _) = importing(Outcome::Failure("has a text where a number is")).await;
    put(&product, "orders", json!({})).await;
    let upload = uploaded(&product, "orders").await;
    for _ in 0..2 {
        let answer = commit(&product, "orders", &upload, "").await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "import_failed"), vec!["line 3"]));
        assert_eq!(answer.json["issues"][0]["message"], "line 3 has a text where a number is");
    }
    let failed = state(&product, "orders", &upload).await.json;
    assert_eq!((&failed["state"], &failed["issues"][0]["path"]), (&json!("failed"), &json!("line 3")));
    assert_eq!(table(&product, "orders").await["version"], Value::Null);
    import_with(&product, Outcome::Columns(columns(&[("city", "text")]))).await;
    assert_eq!(commit(&product, "orders", &upload, "").await.status, 201);
}

#[tokio::test]
async fn a_version_that_breaks_queries_is_made_only_by_force() {
    let (product, _) = importing(Outcome::Refusal("question/7")).await;
    put(&product, "orders", json!({})).await;
    let upload = uploaded(&product, "orders").await;
    for query in ["", "?force=false"] {
        let answer = commit(&product, "orders", &upload, query).await;
        assert_eq!((answer.refusal(), answer.issues()), ((409, "breaks_queries"), vec!["question/7"]));
    }
    assert_eq!(state(&product, "orders", &upload).await.json["state"], "refused");
    assert_eq!(commit(&product, "orders", &upload, "?force=true").await.status, 201);
    assert_eq!(commit(&product, "orders", &upload, "?force=maybe").await.issues(), ["force"]);
}

#[tokio::test]
async fn an_import_that_takes_long_goes_on_and_one_that_died_is_started_again() {
    let (product, events) = importing(Outcome::Silence).await;
    put(&product, "orders", json!({})).await;
    let upload = uploaded(&product, "orders").await;
    let running = commit(&product, "orders", &upload, "").await;
    assert_eq!((running.status.as_u16(), &running.json["state"]), (202, &json!("importing")));
    assert_eq!(running.json["upload"], json!(upload));
    assert_eq!(events.load(Ordering::SeqCst), 1);
    import_with(&product, Outcome::Columns(columns(&[("city", "text")]))).await;
    product.clock.set_offset(61);
    let committed = commit(&product, "orders", &upload, "").await;
    assert_eq!(committed.status, 201, "{}", committed.text);
}

#[tokio::test]
async fn an_import_without_its_lease_changes_nothing() {
    let (product, _) = importing(Outcome::Silence).await;
    put(&product, "orders", json!({})).await;
    let id = uploaded(&product, "orders").await;
    let importer = Importer::of(&product).await;
    let (now, table) = (product.clock.now(), importer.tables.get("orders").await.unwrap().unwrap());
    let found = async || importer.uploads.find(&table, &id, now).await.unwrap().unwrap();
    let writer = &importer.upload_writer;
    let conflicts = |result: Result<Upload>| result.unwrap_err().reason == Reason::Conflict;
    let waiting = found().await;
    let first = writer.begin(waiting.clone(), now.plus(10), now).await.unwrap();
    assert!(conflicts(writer.begin(waiting, now.plus(10), now).await), "two at once");
    assert!(conflicts(writer.begin(found().await, now.plus(20), now).await), "while the first runs");
    let files = vec!["tables/orders/1/first.parquet".to_owned()];
    let first = writer.will_write(first, files.clone(), now.plus(10)).await.unwrap();
    let second = writer.begin(found().await, now.plus(30), now.plus(10)).await.unwrap();
    assert_eq!(second.unfinished_files(), files, "the next import knows what the first may have left");
    assert!(conflicts(writer.will_write(first.clone(), Vec::new(), now.plus(40)).await));
    assert!(conflicts(writer.progress(first.clone(), 9, now.plus(40)).await));
    let failed = UploadState::Failed { issues: Vec::new() };
    assert!(conflicts(writer.change(first.clone(), failed).await));
    assert_eq!(found().await, second);
    // Its commit is never done; the other one's is.
    let late = tokio::time::timeout(Duration::from_millis(300), importer.commit("orders", first, Vec::new()));
    assert!(late.await.unwrap().is_err());
    importer.commit("orders", second, columns(&[("a", "text")])).await.unwrap();
    assert_eq!(crate::tables::table(&product, "orders").await["version"], 1);
}

#[tokio::test]
async fn an_import_removes_what_one_that_died_has_written() {
    let product = Product::start().await;
    put(&product, "orders", json!({})).await;
    let id = uploaded(&product, "orders").await;
    let died = Importer::of(&product).await;
    let (now, table) = (product.clock.now(), died.tables.get("orders").await.unwrap().unwrap());
    let upload = died.uploads.find(&table, &id, now).await.unwrap().unwrap();
    let begun = died.upload_writer.begin(upload, now.plus(10), now).await.unwrap();
    let keys = ["first", "second"].map(|name| format!("tables/orders/1/{name}.parquet"));
    died.upload_writer.will_write(begun, keys.to_vec(), now.plus(10)).await.unwrap();
    let file = std::env::temp_dir().join(format!("vitrine-died-{id}"));
    std::fs::write(&file, FILE).unwrap();
    died.files.put(&keys[0], &file).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(died.files.head(&keys[0]).await.unwrap().is_some());

    product.clock.set_offset(11);
    let committed = commit(&product, "orders", &id, "").await;
    assert_eq!((committed.status.as_u16(), &committed.json["rows"]), (201, &json!(2)), "{}", committed.text);
    assert_eq!(died.files.head(&keys[0]).await.unwrap(), None);
}

#[tokio::test]
async fn a_table_that_is_removed_during_an_import_gets_no_version() {
    let (product, _) = importing(Outcome::Silence).await;
    put(&product, "orders", json!({})).await;
    let id = uploaded(&product, "orders").await;
    let importer = Importer::of(&product).await;
    let seen = importer.tables.get("orders").await.unwrap().unwrap();
    let now = product.clock.now();
    let upload = importer.uploads.find(&seen, &id, now).await.unwrap().unwrap();
    let begun = importer.upload_writer.begin(upload, now.plus(60), now).await.unwrap();
    assert_eq!(product.delete("/v1/tables/orders").admin().send().await.status, 204);
    let removed = importer.commit("orders", begun.clone(), Vec::new()).await;
    assert_eq!(removed.unwrap_err().reason, Reason::TableNotFound);
    put(&product, "orders", json!({})).await;
    let versions = product.get("/v1/tables/orders/versions").admin().send().await.json;
    assert_eq!(versions["items"], json!([]));
}

#[tokio::test]
async fn versions_are_listed_in_pages_and_can_be_returned_to() {
    let (product, _) = importing(Outcome::Columns(columns(&[("city", "text"), ("secret", "text")]))).await;
    let hidden =
        json!([{"name": "city", "type": "text"}, {"name": "secret", "type": "text", "hidden": true}]);
    put(&product, "orders", json!({ "columns": hidden })).await;
    let ids = async || table(&product, "orders").await["columns"].clone();
    let before = ids().await;
    for shape in [&[("city", "text"), ("secret", "text")][..], &[("city", "text")], &[("city", "text")]] {
        import_with(&product, Outcome::Columns(columns(shape))).await;
        let upload = uploaded(&product, "orders").await;
        assert_eq!(commit(&product, "orders", &upload, "").await.status, 201);
    }
    let mut cursor = String::new();
    for version in [3, 2, 1] {
        let path = format!("/v1/tables/orders/versions?limit=1{cursor}");
        let page = product.get(&path).admin().send().await.json;
        assert_eq!(page["items"][0]["version"], version);
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!(cursor, "&cursor=");
    let roll_back = async |version: Value| {
        product.post("/v1/tables/orders/rollback", json!({ "version": version })).admin().send().await
    };
    let back = roll_back(json!(1)).await;
    assert_eq!((back.status.as_u16(), &back.json["version"]), (200, &json!(1)), "{}", back.text);
    assert_eq!(ids().await, before, "a column that comes back is as it was: its number, and hidden");
    assert_eq!(roll_back(json!(1)).await.status, 200, "again");
    assert_eq!(roll_back(json!(4)).await.refusal(), (404, "version_not_found"));
    for bad in [json!(0), json!(-1), json!("1"), json!(null), json!(1.5)] {
        assert_eq!(roll_back(bad.clone()).await.issues(), ["version"], "{bad}");
    }
    // The next version has a new number, also after the table was removed.
    let upload = uploaded(&product, "orders").await;
    assert_eq!(commit(&product, "orders", &upload, "").await.json["version"], 4);
    product.delete("/v1/tables/orders").admin().send().await;
    put(&product, "orders", json!({})).await;
    assert_eq!(roll_back(json!(2)).await.refusal(), (404, "version_not_found"));
    let upload = uploaded(&product, "orders").await;
    assert_eq!(commit(&product, "orders", &upload, "").await.json["version"], 5);
}

#[tokio::test]
async fn columns_and_policies_have_to_fit_the_version() {
    let (product, _) = importing(Outcome::Columns(columns(&[("city", "text"), ("amount", "integer")]))).await;
    put(&product, "orders", json!({})).await;
    let upload = uploaded(&product, "orders").await;
    assert_eq!(commit(&product, "orders", &upload, "").await.status, 201);
    let column = |name: &str, kind: &str| json!({"name": name, "type": kind});
    for (declared, fields) in [
        (json!([column("city", "text"), column("town", "text")]), vec!["columns[1].name"]),
        (json!([column("amount", "text")]), vec!["columns[0].type"]),
        (json!([column("amount", "integer")]), vec![]),
    ] {
        let answer = put(&product, "orders", json!({ "columns": declared })).await;
        assert_eq!((answer.status == 400, answer.issues()), (!fields.is_empty(), fields), "{}", answer.text);
    }
    // The column that was left out is hidden when the next version brings it.
    let upload = uploaded(&product, "orders").await;
    assert_eq!(commit(&product, "orders", &upload, "").await.status, 201);
    let columns = table(&product, "orders").await["columns"].clone();
    assert_eq!((&columns[0]["name"], &columns[0]["hidden"]), (&json!("city"), &json!(true)));
    let rule = json!({"column": "city", "op": "=", "value": 5});
    let policy = json!({"row_policies": [{"groups": ["*"], "rows": [rule]}]});
    assert_eq!(put(&product, "orders", policy).await.issues(), ["row_policies[0].rows[0].value"]);
}
