//! The capabilities over the bucket and the engine's worker, with the real SDK against the embedded services.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::Method;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use vitrine::aws::blobs::{
    AnswerCache, BUCKET, ExportFiles, ExportName, TableFileReader, TableFiles, UploadSigner, UploadedFiles,
};
use vitrine::aws::capability::{Capability, Grant};
use vitrine::aws::engine_worker::EngineWorker;
use vitrine::aws::environment::Environment;
use vitrine::rules::data::signed_request::SignedRequest;
use vitrine::rules::data::upload::{FileFormat, Upload, UploadState};
use vitrine::rules::data::work::{QueryReport, Work, WorkDone};
use vitrine::rules::error::{Error, Reason};
use vitrine::rules::random;
use vitrine::rules::settings::Settings;
use vitrine_tests::Product;

pub async fn connected<S: Capability>(product: &Product) -> S {
    let settings = Settings::default();
    vitrine_local::functions::connected("test", &product.services, &settings, &product.clock).await
}

fn upload(product: &Product, id: &str, content: &[u8]) -> Upload {
    let now = product.clock.now();
    Upload {
        id: id.to_owned(),
        table: "orders".to_owned(),
        table_id: 1,
        format: FileFormat::Csv,
        size: content.len() as u64,
        sha256: random::fingerprint_bytes(content),
        state: UploadState::Waiting,
        rows_read: 0,
        created_at: now,
        expires_at: now.plus(60),
    }
}

/// A file that is removed at the end of a test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("vitrine-scratch-{}", random::short_id().unwrap())))
    }

    fn with(content: &[u8]) -> Self {
        let scratch = Self::new();
        std::fs::write(&scratch.0, content).unwrap();
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Bytes of which no two parts of a file are the same.
fn distinct(length: usize) -> Vec<u8> {
    (0..length.div_ceil(4)).flat_map(|word| (word as u32).to_le_bytes()).take(length).collect()
}

#[tokio::test]
async fn an_upload_takes_the_one_file_that_it_was_signed_for() {
    let product = Product::start().await;
    let store: UploadSigner = connected(&product).await;
    let files: UploadedFiles = connected(&product).await;
    let content = b"city,amount\nBerlin,3\n";
    let upload = upload(&product, "u1", content);
    let signed = store.presign(&upload).await.unwrap();
    assert_eq!(signed.headers["content-length"], content.len().to_string());
    assert!((3_590..=3_600).contains(&signed.expires_at.since(product.clock.now())));
    assert!(!format!("{signed:?}").contains("Signature"), "a log could have the link");

    let changed = |change: &dyn Fn(&mut SignedRequest)| {
        let mut changed = signed.clone();
        change(&mut changed);
        changed
    };
    let checksum = |content: &[u8]| {
        let hex = random::fingerprint_bytes(content);
        let bytes: Vec<_> =
            (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        BASE64_STANDARD.encode(bytes)
    };
    let other = b"city,amount\nBerlin,4\n";
    let longer = [&content[..], b"x"].concat();
    let header = |name: &'static str, value: String| {
        changed(&move |signed| {
            signed.headers.insert(name.to_owned(), value.clone());
        })
    };
    let refused = [
        ("another content", signed.clone(), &other[..], 400),
        ("a shorter body", signed.clone(), &content[1..], 400),
        ("a longer body", signed.clone(), &longer, 400),
        ("another checksum", header("x-amz-checksum-sha256", checksum(other)), &other[..], 403),
        ("another length", header("content-length", longer.len().to_string()), &longer, 403),
        (
            "no checksum",
            changed(&|signed| drop(signed.headers.remove("x-amz-checksum-sha256"))),
            &other[..],
            403,
        ),
        ("no length", changed(&|signed| drop(signed.headers.remove("content-length"))), &longer, 403),
        ("another key", changed(&|signed| signed.url = signed.url.replace("/u1", "/u2")), &content[..], 403),
        (
            "another prefix",
            changed(&|signed| signed.url = signed.url.replace("uploads/", "tables/")),
            content,
            403,
        ),
        (
            "more time",
            changed(&|signed| signed.url = signed.url.replace("Expires=3600", "Expires=9999")),
            content,
            403,
        ),
        ("no signature", changed(&|signed| signed.url.truncate(signed.url.find('?').unwrap())), content, 403),
    ];
    for (case, request, body, status) in refused {
        let answer = product.send_signed(Method::PUT, &request, body.to_vec()).await;
        assert_eq!(answer.status(), status, "{case}");
        assert_eq!(files.get(&upload, &Scratch::new().0).await.unwrap(), None, "{case}");
    }
    for method in [Method::GET, Method::DELETE] {
        let answer = product.send_signed(method.clone(), &signed, Body::empty()).await;
        assert_eq!(answer.status(), 403, "{method}");
    }

    let answer = product.send_signed(Method::PUT, &signed, content.to_vec()).await;
    assert_eq!(answer.status(), 200);
    let file = Scratch::new();
    let stored = files.get(&upload, &file.0).await.unwrap().unwrap();
    assert_eq!((stored.key.as_str(), stored.size), ("uploads/orders/u1", content.len() as u64));
    assert_eq!(std::fs::read(&file.0).unwrap(), content);
    files.delete(&upload).await.unwrap();
    files.delete(&upload).await.unwrap();
    let absent = Scratch::new();
    assert_eq!(files.get(&upload, &absent.0).await.unwrap(), None);
    assert!(!absent.0.exists());
}

#[tokio::test]
async fn a_large_file_arrives_in_parts_and_as_it_was() {
    let product = Product::start().await;
    let files: TableFiles = connected(&product).await;
    for length in [0, 5, 16 * 1024 * 1024 + 7] {
        let content = distinct(length);
        let file = Scratch::with(&content);
        let stored = files.put("tables/orders/3/part-0.parquet", &file.0).await.unwrap();
        assert_eq!((stored.key.as_str(), stored.size), ("tables/orders/3/part-0.parquet", length as u64));
        assert_eq!(files.head(&stored.key).await.unwrap(), Some(stored.clone()));
        let (client, bucket) = connected::<TableFileReader>(&product).await.client();
        let get = |e_tag: &str| client.get_object().bucket(&bucket).key(&stored.key).if_match(e_tag).send();
        let got = get(&stored.e_tag).await.unwrap().body.collect().await.unwrap().into_bytes();
        assert!(got == content, "{length}");
        let status =
            get("\"another\"").await.unwrap_err().raw_response().map(|answer| answer.status().as_u16());
        assert_eq!(status, Some(412));
    }
    let before = files.head("tables/orders/3/part-0.parquet").await.unwrap().unwrap();
    let file = Scratch::with(b"new");
    let after = files.put("tables/orders/3/part-0.parquet", &file.0).await.unwrap();
    assert_ne!(before.e_tag, after.e_tag);
    files.delete(&after.key).await.unwrap();
    assert_eq!(files.head(&after.key).await.unwrap(), None);
    assert_eq!(files.delete("uploads/orders/u1").await.unwrap_err().reason, Reason::Internal);
    let missing = Scratch::new();
    assert_eq!(
        files.put("tables/orders/4/part-0.parquet", &missing.0).await.unwrap_err().reason,
        Reason::Internal
    );
}

#[tokio::test]
async fn a_large_upload_is_read_in_ranges() {
    let product = Product::start().await;
    let store: UploadSigner = connected(&product).await;
    let files: UploadedFiles = connected(&product).await;
    let content = distinct(8 * 1024 * 1024 + 3);
    let upload = upload(&product, "u1", &content);
    let signed = store.presign(&upload).await.unwrap();
    assert_eq!(product.send_signed(Method::PUT, &signed, content.clone()).await.status(), 200);
    let file = Scratch::new();
    files.get(&upload, &file.0).await.unwrap().unwrap();
    assert!(std::fs::read(&file.0).unwrap() == content);
}

#[tokio::test]
async fn answers_are_cached_until_they_are_replaced() {
    let product = Product::start().await;
    let cache: AnswerCache = connected(&product).await;
    assert_eq!(cache.get("k1").await.unwrap(), None);
    for answer in ["first", "second"] {
        cache.put("k1", Bytes::from(answer)).await.unwrap();
        assert_eq!(cache.get("k1").await.unwrap().unwrap(), answer);
    }
    assert_eq!(cache.get("k2").await.unwrap(), None);
    assert_eq!(cache.get("../tables/x").await.unwrap_err().reason, Reason::Internal);
    let too_large = Bytes::from(vec![0; 32 * 1024 * 1024 + 1]);
    cache.put("k3", too_large).await.unwrap();
    assert_eq!(cache.get("k3").await.unwrap(), None);
}

#[tokio::test]
async fn an_export_is_downloaded_under_its_name() {
    let product = Product::start().await;
    let exports: ExportFiles = connected(&product).await;
    let name = ExportName { content_type: "text/csv", disposition: "attachment; filename=\"a b.csv\"" };
    exports.put("e1", Bytes::from("a,b\n")).await.unwrap();
    let file = Scratch::with(b"c,d\n");
    exports.put_file("e2", &file.0).await.unwrap();
    for (id, content) in [("e1", "a,b\n"), ("e2", "c,d\n")] {
        let link = exports.link(id, name).await.unwrap();
        assert!((59..=60).contains(&link.expires_at.since(product.clock.now())));
        assert!(link.url.contains("X-Amz-Expires=60"));
        let answer = product.send_signed(Method::GET, &link, Body::empty()).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], name.content_type);
        assert_eq!(answer.headers()["content-disposition"], name.disposition);
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(to_bytes(answer.into_body(), 100).await.unwrap(), content);
        let other = SignedRequest { url: link.url.replace("text%2Fcsv", "text%2Fhtml"), ..link.clone() };
        assert_ne!(other.url, link.url);
        assert_eq!(product.send_signed(Method::GET, &other, Body::empty()).await.status(), 403);
        assert_eq!(product.send_signed(Method::PUT, &link, "x").await.status(), 403);
    }
}

/// A capability whose policy is for other keys than those that it uses.
struct Misplaced<C>(C);

impl<C: Capability> Capability for Misplaced<C> {
    fn grants() -> BTreeSet<Grant> {
        let all = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
        all.map(|action| BUCKET.items("other/*").allow(action)).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(C::connect(environment))
    }
}

#[tokio::test]
async fn no_function_reaches_keys_or_functions_that_its_policy_does_not_name() {
    let product = Product::start().await;
    let uploads: Misplaced<UploadSigner> = connected(&product).await;
    let upload = upload(&product, "u1", b"x");
    let scratch = Scratch::with(b"x");
    let refused = [
        uploads.0.presign(&upload).await.map(drop),
        connected::<Misplaced<UploadedFiles>>(&product)
            .await
            .0
            .get(&upload, &Scratch::new().0)
            .await
            .map(drop),
        connected::<Misplaced<UploadedFiles>>(&product).await.0.delete(&upload).await,
        connected::<Misplaced<TableFiles>>(&product)
            .await
            .0
            .put("tables/t/1/p.parquet", &scratch.0)
            .await
            .map(drop),
        connected::<Misplaced<AnswerCache>>(&product).await.0.get("k").await.map(drop),
        connected::<Misplaced<ExportFiles>>(&product).await.0.put("e", Bytes::new()).await,
        connected::<Misplaced<EngineWorker>>(&product).await.0.import("t".into(), "u".into(), false).await,
    ];
    for (case, refused) in refused.into_iter().enumerate() {
        assert_eq!(refused.unwrap_err().reason, Reason::Unavailable, "{case}");
    }
}

#[tokio::test]
async fn work_is_started_or_answered_and_a_failure_is_an_outage() {
    let product = Product::start().await;
    let worker: EngineWorker = connected(&product).await;
    let import = || worker.import("orders".into(), "u1".into(), true);
    let inspect = || worker.inspect("lake".into(), "sales".into());
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = seen.clone();
    product.services.invocable.add("import-table", move |work: Work| {
        keep.lock().unwrap().push(work.clone());
        async move {
            match work {
                Work::Import { .. } => Ok(WorkDone::Import),
                Work::Inspect { .. } => Ok(WorkDone::Inspect { columns: vec![], issues: vec![] }),
                Work::Check { .. } => Ok(WorkDone::Check { reports: vec![QueryReport::default()] }),
                Work::SignUpload { .. } | Work::DeleteFiles { .. } => Ok(WorkDone::DeleteFiles),
            }
        }
    });
    import().await.unwrap();
    product.wait_for_background_tasks().await;
    inspect().await.unwrap();
    let expected = [
        Work::Import { table: "orders".into(), upload: "u1".into(), force: true },
        Work::Inspect { source: "lake".into(), location: "sales".into() },
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    // A report too many is no answer to the question.
    assert_eq!(worker.check(vec![]).await.unwrap_err().reason, Reason::EngineUnavailable);

    product.services.invocable.add("import-table", async |_: Work| Err::<(), _>(Error::internal("secret")));
    let failed = inspect().await.unwrap_err();
    assert_eq!(failed.reason, Reason::EngineUnavailable);
    assert!(!format!("{failed:?}").contains("secret"));
    import().await.unwrap();
    product.services.invocable.add("import-table", async |_: Work| Ok("another answer"));
    assert_eq!(inspect().await.unwrap_err().reason, Reason::EngineUnavailable);
    product.services.invocable.add("import-table", async |_: Work| -> Result<(), Error> { panic!("a bug") });
    assert_eq!(inspect().await.unwrap_err().reason, Reason::EngineUnavailable);
}

#[tokio::test]
async fn a_link_is_followed_over_the_network() {
    let product = Product::start_behind(&[], async |services| {
        let ports = services.listen([0; 3]).await.unwrap();
        services.links_at(ports.s3);
    })
    .await;
    let exports: ExportFiles = connected(&product).await;
    exports.put("e1", Bytes::from("a,b\n")).await.unwrap();
    let name = ExportName { content_type: "text/csv", disposition: "attachment" };
    let link = exports.link("e1", name).await.unwrap();
    let (host, path) = link.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    let get = |path: &str, named: &str| {
        let (host, request) =
            (host.to_owned(), format!("GET /{path} HTTP/1.1\r\nhost: {named}\r\nconnection: close\r\n\r\n"));
        tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(host).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
    };
    let answer = get(path, host).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("a,b\n"), "{answer}");
    for (path, named) in [(path, "evil.example"), (&path[..path.find('?').unwrap()], host)] {
        let answer = get(path, named).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403") && !answer.contains("a,b"), "{answer}");
    }
}
