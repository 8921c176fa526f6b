//! Files that change, vanish or are damaged while they are read.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use vitrine_engine::error::QueryFailure;
use vitrine_engine::store::folder;
use vitrine_engine::store::pinned::PinnedStore;
use vitrine_engine::table::{Files, TableColumn};
use vitrine_rules::query::column_type::ColumnType;

use crate::support::{Data, integers, orders, texts, write_parquet};

fn columns(city: &str, rows: i64) -> crate::support::Columns {
    vec![
        ("id", ColumnType::Integer, integers(&(0..rows).map(Some).collect::<Vec<_>>())),
        ("city", ColumnType::Text, texts(&vec![Some(city); usize::try_from(rows).unwrap()])),
    ]
}

async fn table() -> Data {
    Data::empty().with("t", columns("old", 500)).await
}

#[tokio::test]
async fn a_file_that_was_replaced_is_an_error_and_never_a_mix() {
    let data = table().await;
    let path = data.folder.path().join("t/0.parquet");
    assert_eq!(data.rows("select city, count(*) from t group by 1").await, "[[\"old\",500]]");
    // The same size, other content.
    std::thread::sleep(std::time::Duration::from_millis(20));
    write_parquet(&path, &columns("new", 500));
    let error = data.answer("select city, count(*) from t group by 1").await.unwrap_err();
    assert_eq!(error.failure(), QueryFailure::Unavailable, "{}", error.owner_text());
    std::fs::remove_file(&path).unwrap();
    let error = data.answer("select city from t").await.unwrap_err();
    assert_eq!(error.failure(), QueryFailure::Unavailable, "{}", error.owner_text());
}

#[tokio::test]
async fn a_truncated_or_mutated_file_is_an_error_and_never_a_panic() {
    let data = table().await;
    let path = data.folder.path().join("t/0.parquet");
    let bytes = std::fs::read(&path).unwrap();
    let store = folder::open(data.folder.path()).unwrap();
    let mut refused = 0;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..120 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let position = usize::try_from(random % bytes.len() as u64).unwrap();
        let mut damaged = bytes.clone();
        match round % 3 {
            0 => damaged.truncate(position),
            1 => damaged[position] ^= 1 << (random >> 60 & 7),
            _ => damaged[position..(position + 16).min(bytes.len())].fill(0xff),
        }
        std::fs::write(&path, &damaged).unwrap();
        let mut tables = data.tables.clone();
        tables[0].files.objects = folder::list(store.as_ref(), &Path::from("t")).await.unwrap();
        let mut query =
            data.query("select count(*), min(id), max(city), sum(id) from t where id >= 0", vec![]);
        query.tables = tables;
        let answer = tokio::spawn(async move { crate::support::run(&query).await }).await;
        let answer = answer.expect("a damaged file must not panic");
        refused += usize::from(answer.is_err());
    }
    assert!(refused > 40, "{refused}");
}

#[tokio::test]
async fn files_outside_of_the_version_are_not_read() {
    let data = table().await;
    write_parquet(&data.folder.path().join("t/1.parquet"), &columns("later", 10));
    assert_eq!(data.rows("select count(*) from t").await, "[[500]]");
}

#[tokio::test]
async fn values_in_the_names_of_folders_are_columns() {
    let folder_of_data = tempfile::tempdir().unwrap();
    for (city, rows) in [("Berlin", 3), ("S%C3%A3o Paulo", 2), ("__HIVE_DEFAULT_PARTITION__", 1)] {
        let path = folder_of_data.path().join(format!("t/city={city}"));
        std::fs::create_dir_all(&path).unwrap();
        let ids: Vec<_> = (0..rows).map(Some).collect();
        write_parquet(&path.join("0.parquet"), &vec![("id", ColumnType::Integer, integers(&ids))]);
    }
    let store = folder::open(folder_of_data.path()).unwrap();
    let prefix = Path::from("t");
    let objects = folder::list(store.as_ref(), &prefix).await.unwrap();
    let mut data = Data::empty();
    data.tables.push(vitrine_engine::table::EngineTable {
        name: "t".into(),
        columns: vec![
            TableColumn::new("id", ColumnType::Integer),
            TableColumn { in_path: true, ..TableColumn::new("city", ColumnType::Text) },
        ],
        rows: vitrine_rules::row_policy::RowAccess::All,
        files: Files { store, objects, prefix },
    });
    assert_eq!(data.rows("select count(*) from t where city = 'Berlin'").await, "[[3]]");
    let data = data.permit("t", &[("city", ColumnType::Text, crate::support::equals("Berlin"))]);
    assert_eq!(data.rows("select city, count(*) from t group by 1").await, "[[\"Berlin\",3]]");
}

/// A store that counts requests and swaps its files after some of them.
#[derive(Debug)]
struct Swapping {
    inner: InMemory,
    log: Mutex<Vec<(String, Option<String>)>>,
    swap_after: usize,
    new: Bytes,
}

impl fmt::Display for Swapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Swapping")
    }
}

#[async_trait]
impl ObjectStore for Swapping {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let count = {
            let mut log = self.log.lock().unwrap();
            log.push((location.to_string(), options.if_match.clone()));
            log.len()
        };
        if count == self.swap_after {
            self.inner.put(location, self.new.clone().into()).await?;
        }
        self.inner.get_opts(location, options).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_version_that_is_swapped_during_the_read_is_an_error_or_the_old_version() {
    let source = table().await;
    let path = source.folder.path().join("t/0.parquet");
    let old = Bytes::from(std::fs::read(&path).unwrap());
    write_parquet(&path, &columns("new", 500));
    let new = Bytes::from(std::fs::read(&path).unwrap());
    let mut outcomes = BTreeMap::new();
    for swap_after in 1..12 {
        let store = Swapping { inner: InMemory::new(), log: Mutex::default(), swap_after, new: new.clone() };
        let location = Path::from("t/0.parquet");
        store.inner.put(&location, old.clone().into()).await.unwrap();
        let objects: Vec<ObjectMeta> = vec![store.inner.head(&location).await.unwrap()];
        let store = Arc::new(store);
        let mut data = table().await;
        data.table("t").files = Files { store: store.clone(), objects, prefix: Path::from("t") };
        let outcome = match data.answer("select city, count(*) from t where id >= 0 group by 1").await {
            Ok(answer) => String::from_utf8(answer.rows).unwrap(),
            Err(error) => error.failure().word().to_owned(),
        };
        assert!(
            ["[[\"old\",500]]", "engine_unavailable"].contains(&outcome.as_str()),
            "{swap_after}: {outcome}"
        );
        *outcomes.entry(outcome).or_insert(0) += 1;
        let log = store.log.lock().unwrap();
        assert!(log.iter().all(|(_, if_match)| if_match.is_some()), "{log:?}");
    }
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
}

#[tokio::test]
async fn a_pinned_store_shows_its_files_only_and_writes_nothing() {
    let inner = Arc::new(InMemory::new());
    for name in ["t/a/0.parquet", "t/1.parquet", "u/2.parquet"] {
        inner.put(&Path::from(name), "x".into()).await.unwrap();
    }
    let named = [
        inner.head(&Path::from("t/a/0.parquet")).await.unwrap(),
        inner.head(&Path::from("t/1.parquet")).await.unwrap(),
    ];
    let store = PinnedStore::new(inner.clone(), &named, tokio::runtime::Handle::current());
    let listed: Vec<_> = store.list(None).map(|object| object.unwrap().location.to_string()).collect().await;
    assert_eq!(listed, ["t/1.parquet", "t/a/0.parquet"]);
    let folders = store.list_with_delimiter(Some(&Path::from("t"))).await.unwrap();
    assert_eq!((folders.objects.len(), folders.common_prefixes), (1, vec![Path::from("t/a")]));
    assert!(store.get(&Path::from("u/2.parquet")).await.is_err());
    let first = Range { start: 0, end: 1 };
    assert_eq!(store.get_ranges(&Path::from("t/1.parquet"), &[first]).await.unwrap(), ["x"]);
    assert!(store.put(&Path::from("t/1.parquet"), "y".into()).await.is_err());
    assert!(store.delete(&Path::from("t/1.parquet")).await.is_err());
    assert!(store.copy(&Path::from("t/1.parquet"), &Path::from("t/3.parquet")).await.is_err());
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder() {
    let data = orders().await;
    let store = folder::open(data.folder.path()).unwrap();
    for name in ["../secret", "..%2Fsecret", "/etc/passwd"] {
        assert!(store.get(&Path::from(name)).await.is_err(), "{name}");
    }
    assert!(folder::open(&data.folder.path().join("missing")).is_err());
}
