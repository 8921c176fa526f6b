//! The store over S3, against a server of a few lines that can fail in every way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::{Client, Config};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::json::{RowForm, collect};
use vitrine_engine::error::QueryFailure;
use vitrine_engine::store::s3::S3Store;
use vitrine_engine::table::Files;
use vitrine_rules::query::column_type::ColumnType;

use crate::support::{Data, integers, write_parquet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Every answer is 503.
    Unavailable,
    /// Bodies end after half of their bytes.
    Truncated,
    /// The header `Range` is ignored.
    WithoutRanges,
    Forbidden,
}

struct Fake {
    objects: BTreeMap<String, (Vec<u8>, String)>,
    fault: Fault,
    requests: Vec<String>,
}

async fn start(objects: &[(&str, &[u8])]) -> (S3Store, Arc<Mutex<Fake>>) {
    let objects = objects
        .iter()
        .map(|(key, body)| ((*key).to_owned(), (body.to_vec(), format!("\"{:x}\"", body.len()))));
    let fake =
        Arc::new(Mutex::new(Fake { objects: objects.collect(), fault: Fault::None, requests: vec![] }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = fake.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, state.clone()));
        }
    });
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .build();
    (S3Store::new(Client::from_conf(config), "bucket"), fake)
}

async fn serve(stream: TcpStream, fake: Arc<Mutex<Fake>>) {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let answer = fake.lock().unwrap().answer(&request);
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
    let _ = stream.read(&mut [0]).await;
}

fn status(status: &str, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code></Error>");
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

impl Fake {
    fn answer(&mut self, request: &str) -> Vec<u8> {
        let mut lines = request.lines();
        let first: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let headers: BTreeMap<String, &str> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let (path, query) = first[1].split_once('?').unwrap_or((first[1], ""));
        let range = headers.get("range").unwrap_or(&"");
        self.requests.push(format!("{} {} {range}", first[0], first[1]));
        match self.fault {
            Fault::Unavailable => return status("503 Slow Down", "SlowDown"),
            Fault::Forbidden => return status("403 Forbidden", "AccessDenied"),
            _ => {}
        }
        let key = path.trim_start_matches("/bucket").trim_start_matches('/');
        if key.is_empty() {
            return self.list(query);
        }
        let Some((body, tag)) = self.objects.get(key) else { return status("404 Not Found", "NoSuchKey") };
        if headers.get("if-match").is_some_and(|wanted| wanted != tag) {
            return status("412 Precondition Failed", "PreconditionFailed");
        }
        let range = headers.get("range").filter(|_| self.fault != Fault::WithoutRanges);
        let (start, end) = match range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) {
            None => (0, body.len()),
            Some(("", suffix)) => (body.len() - suffix.parse::<usize>().unwrap(), body.len()),
            Some((start, "")) => (start.parse().unwrap(), body.len()),
            Some((start, end)) => {
                (start.parse().unwrap(), (end.parse::<usize>().unwrap() + 1).min(body.len()))
            }
        };
        let mut answer = match range {
            Some(_) => {
                format!("HTTP/1.1 206 Partial\r\ncontent-range: bytes {start}-{}/{}\r\n", end - 1, body.len())
            }
            None => "HTTP/1.1 200 OK\r\n".to_owned(),
        };
        let modified = "Sat, 21 Nov 2026 10:00:00 GMT";
        answer += &format!(
            "etag: {tag}\r\nlast-modified: {modified}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            end - start
        );
        let mut answer = answer.into_bytes();
        if first[0] == "GET" {
            let end = if self.fault == Fault::Truncated { start + (end - start) / 2 } else { end };
            answer.extend_from_slice(&body[start..end]);
        }
        answer
    }

    /// Two keys a page.
    fn list(&self, query: &str) -> Vec<u8> {
        let value = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("")
                .replace("%2F", "/")
        };
        let (prefix, delimiter, token) = (value("prefix"), value("delimiter"), value("continuation-token"));
        let found: Vec<_> = self.objects.keys().filter(|key| key.starts_with(&prefix)).collect();
        let from: usize = token.parse().unwrap_or(0);
        let mut items = String::new();
        for key in found.iter().skip(from).take(2) {
            let rest = &key[prefix.len()..];
            items += &match rest.split_once('/') {
                Some((folder, _)) if !delimiter.is_empty() => {
                    format!("<CommonPrefixes><Prefix>{prefix}{folder}/</Prefix></CommonPrefixes>")
                }
                _ => {
                    let (body, tag) = &self.objects[*key];
                    format!(
                        "<Contents><Key>{key}</Key><Size>{}</Size><ETag>{tag}</ETag><LastModified>2026-11-21T10:00:00Z</LastModified></Contents>",
                        body.len()
                    )
                }
            };
        }
        let next = if from + 2 < found.len() {
            format!("<NextContinuationToken>{}</NextContinuationToken>", from + 2)
        } else {
            String::new()
        };
        let body = format!("<ListBucketResult>{items}{next}</ListBucketResult>");
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
            .into_bytes()
    }
}

#[tokio::test]
async fn ranges_of_objects_are_read() {
    let (store, _) = start(&[("t/a", b"0123456789")]).await;
    let path = Path::from("t/a");
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "0123456789");
    assert_eq!(store.get_range(&path, 2..5).await.unwrap(), "234");
    assert_eq!(store.get_ranges(&path, &[0..1, 8..10]).await.unwrap(), ["0", "89"]);
    let suffix = GetOptions { range: Some(object_store::GetRange::Suffix(3)), ..GetOptions::default() };
    assert_eq!(store.get_opts(&path, suffix).await.unwrap().bytes().await.unwrap(), "789");
    let meta = store.head(&path).await.unwrap();
    assert_eq!((meta.size, meta.e_tag.as_deref()), (10, Some("\"a\"")));
    assert_eq!(meta.last_modified.timestamp(), 1_795_255_200);
}

#[tokio::test]
async fn listing_follows_pages_and_stays_in_the_folder() {
    let keys = ["t/1", "t/2", "t/x/3", "t/x/4", "t/5", "t2/6"];
    let (store, _) = start(&keys.map(|key| (key, b"x".as_slice()))).await;
    let listed: Vec<ObjectMeta> = store.list(Some(&Path::from("t"))).try_collect().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|object| object.location.as_ref()).collect();
    assert_eq!(listed, ["t/1", "t/2", "t/5", "t/x/3", "t/x/4"]);
    let folders = store.list_with_delimiter(Some(&Path::from("t"))).await.unwrap();
    assert_eq!(folders.objects.len(), 3);
    assert!(folders.common_prefixes.iter().all(|folder| folder.as_ref() == "t/x"));
}

#[tokio::test]
async fn faults_are_errors_of_their_kind() {
    let (store, fake) = start(&[("t/a", b"0123456789")]).await;
    let path = Path::from("t/a");
    assert!(matches!(store.get(&Path::from("t/b")).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.head(&Path::from("t/b")).await, Err(Error::NotFound { .. })));
    let other = GetOptions { if_match: Some("\"other\"".into()), ..GetOptions::default() };
    assert!(matches!(store.get_opts(&path, other).await, Err(Error::Precondition { .. })));
    let set = |fault| fake.lock().unwrap().fault = fault;
    set(Fault::Unavailable);
    assert!(matches!(store.get(&path).await, Err(Error::Generic { .. })));
    set(Fault::Forbidden);
    assert!(matches!(store.get(&path).await, Err(Error::PermissionDenied { .. })));
    set(Fault::Truncated);
    assert!(store.get(&path).await.unwrap().bytes().await.is_err());
    set(Fault::WithoutRanges);
    assert!(store.get_range(&path, 2..5).await.is_err());
    set(Fault::None);
    assert!(store.put(&path, "x".into()).await.is_err());
    assert!(store.delete(&path).await.is_err());
    assert!(store.copy(&path, &Path::from("t/c")).await.is_err());
}

#[tokio::test]
async fn a_query_reads_a_table_in_s3_and_reports_its_faults() {
    let mut data =
        Data::empty().with("t", vec![("id", ColumnType::Integer, integers(&[Some(1), Some(2)]))]).await;
    let file = data.folder.path().join("t/0.parquet");
    let body = std::fs::read(&file).unwrap();
    let (store, fake) = start(&[("t/0.parquet", &body)]).await;
    let objects: Vec<ObjectMeta> = store.list(Some(&Path::from("t"))).try_collect().await.unwrap();
    data.table("t").files = Files { store: Arc::new(store), objects, prefix: Path::from("t") };
    fake.lock().unwrap().requests.clear();
    assert_eq!(data.rows("select sum(id) from t").await, "[[3]]");
    let requests = fake.lock().unwrap().requests.clone();
    // The version names its files: nothing is listed or asked for its size.
    assert!(requests.iter().all(|request| request.starts_with("GET /bucket/t/0.parquet")), "{requests:?}");
    assert_eq!(requests.len(), 1, "{requests:?}");
    for fault in [Fault::Unavailable, Fault::Truncated, Fault::WithoutRanges, Fault::Forbidden] {
        fake.lock().unwrap().fault = fault;
        let error = data.answer("select sum(id) from t").await.unwrap_err();
        assert_eq!(error.failure(), QueryFailure::Unavailable, "{fault:?}: {}", error.owner_text());
    }
    fake.lock().unwrap().fault = Fault::None;
    write_parquet(&file, &vec![("id", ColumnType::Integer, integers(&[Some(7), Some(8)]))]);
    let replaced = (std::fs::read(&file).unwrap(), "\"other\"".to_owned());
    fake.lock().unwrap().objects.insert("t/0.parquet".into(), replaced);
    let error = data.answer("select sum(id) from t").await.unwrap_err();
    assert_eq!(error.failure(), QueryFailure::Unavailable, "{}", error.owner_text());
}

/// A table `t` in S3 of one file with so many numbers that hardly compress.
async fn table_in_s3(rows: i64) -> (Data, Arc<Mutex<Fake>>) {
    let values: Vec<_> =
        (0..rows).map(|i| Some(i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()))).collect();
    let ids: Vec<_> = (0..rows).map(Some).collect();
    let columns =
        vec![("id", ColumnType::Integer, integers(&ids)), ("value", ColumnType::Integer, integers(&values))];
    let mut data = Data::empty().with("t", columns).await;
    let body = std::fs::read(data.folder.path().join("t/0.parquet")).unwrap();
    let (store, fake) = start(&[("t/0.parquet", &body)]).await;
    let objects: Vec<ObjectMeta> = store.list(Some(&Path::from("t"))).try_collect().await.unwrap();
    data.table("t").files = Files { store: Arc::new(store), objects, prefix: Path::from("t") };
    fake.lock().unwrap().requests.clear();
    (data, fake)
}

async fn requests(engine: &EmbeddedEngine, data: &Data, fake: &Mutex<Fake>, sql: &str) -> Vec<String> {
    let rows = engine.run(&data.query(sql, vec![])).await.unwrap();
    collect(rows, RowForm::List).await.unwrap();
    std::mem::take(&mut fake.lock().unwrap().requests)
}

#[tokio::test]
async fn a_small_file_is_one_request() {
    let (data, fake) = table_in_s3(1_000).await;
    let engine = EmbeddedEngine::new(2);
    let sum = "select sum(id), max(value) from t where id > 10";
    assert_eq!(requests(&engine, &data, &fake, sum).await.len(), 1);
    // The footer is known, the rows are not.
    assert_eq!(requests(&engine, &data, &fake, sum).await.len(), 1);
    let counted = requests(&engine, &data, &fake, "select count(*) from t").await;
    assert_eq!(counted.len(), 0, "{counted:?}");
    let other = EmbeddedEngine::new(2);
    assert_eq!(requests(&other, &data, &fake, "select count(*) from t").await.len(), 1);
    // A copy of the engine shares what it keeps.
    assert_eq!(requests(&other.clone(), &data, &fake, "select count(*) from t").await.len(), 0);
}

#[tokio::test]
async fn footers_of_large_files_are_read_once() {
    let (data, fake) = table_in_s3(200_000).await;
    let size = fake.lock().unwrap().objects["t/0.parquet"].0.len();
    assert!(size > 2 << 20, "{size}");
    let is_footer = |request: &&String| request.ends_with(&format!("-{}", size - 1));
    let engine = EmbeddedEngine::new(2);
    // With a predicate the page index is needed as well.
    let filtered = "select count(value) from t where id between 1000 and 1005";
    let cold = requests(&engine, &data, &fake, filtered).await;
    assert!(cold.iter().filter(is_footer).count() >= 1 && cold.len() <= 4, "{cold:?}");
    let warm = requests(&engine, &data, &fake, filtered).await;
    assert_eq!(warm.iter().filter(is_footer).count(), 0, "{warm:?}");
    assert_eq!(warm.len(), 1, "{warm:?}");
    // A file that was replaced has another tag: nothing that is known of the old one is used.
    let (body, _) = fake.lock().unwrap().objects["t/0.parquet"].clone();
    fake.lock().unwrap().objects.insert("t/0.parquet".into(), (body, "\"other\"".into()));
    let error = engine.run(&data.query(filtered, vec![])).await.unwrap().next().await.unwrap_err();
    assert_eq!(error.failure(), QueryFailure::Unavailable);
}

#[tokio::test]
async fn queries_at_the_same_time_share_the_request_for_a_footer() {
    let (data, fake) = table_in_s3(200_000).await;
    let engine = EmbeddedEngine::new(1);
    let count = |_| async { requests(&engine, &data, &fake, "select count(*) from t").await.len() };
    let made: usize = futures_util::future::join_all((0..8).map(count)).await.into_iter().sum();
    assert!((1..=3).contains(&made), "{made}");
}
