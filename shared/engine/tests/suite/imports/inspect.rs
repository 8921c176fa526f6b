//! Folders of files that others write.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int32Array, Int64Array, ListArray, StringArray};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::parquet::file::properties::WriterProperties;
use object_store::path::Path;
use tempfile::TempDir;
use vitrine_engine::import::inspect::{Inspected, inspect};
use vitrine_engine::store::folder;

use super::parquet;

fn put(folder: &TempDir, name: &str, bytes: &[u8]) {
    let path = folder.path().join("lake").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn file(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    parquet::file(columns, WriterProperties::default())
}

fn orders() -> Vec<u8> {
    file(&[("id", Arc::new(Int32Array::from(vec![1]))), ("note", Arc::new(StringArray::from(vec!["a"])))])
}

async fn look(folder: &TempDir) -> Result<Inspected, String> {
    let store = folder::open(folder.path()).unwrap();
    inspect(store.as_ref(), &Path::from("lake")).await.map_err(|error| error.owner_text())
}

fn words(inspected: &Inspected) -> String {
    let columns: Vec<_> =
        inspected.columns.iter().map(|column| format!("{} {}", column.name, column.kind)).collect();
    columns.join(", ")
}

#[tokio::test]
async fn columns_are_in_the_files_and_in_the_names_of_folders() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "year=2024/city=Berlin/0.parquet", &orders());
    put(&folder, "year=2025/city=Paris/0.parquet", &orders());
    put(&folder, "year=2025/city=Paris/_SUCCESS", b"");
    let found = look(&folder).await.unwrap();
    assert_eq!(words(&found), "id integer, note text, year integer, city text");
    assert_eq!(found.in_path, ["year", "city"]);
    assert_eq!(found.issues, [""; 0]);
}

#[tokio::test]
async fn files_that_disagree_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]);
    put(&folder, "0.parquet", &orders());
    put(
        &folder,
        "1.parquet",
        &file(&[("id", Arc::new(StringArray::from(vec!["x"]))), ("tags", Arc::new(lists))]),
    );
    put(&folder, "2.parquet", &file(&[("more", Arc::new(Int64Array::from(vec![1])))]));
    let found = look(&folder).await.unwrap();
    assert_eq!(words(&found), "id integer, note text, more integer");
    assert_eq!(
        found.issues,
        [
            "column `id` is integer in some files and text in lake/1.parquet",
            "column `tags` is left out: queries cannot read its type or its name",
        ]
    );
}

#[tokio::test]
async fn folders_that_cannot_be_a_table_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lake")).unwrap();
    assert_eq!(look(&folder).await.unwrap_err(), "there are no files whose names end in .parquet");
    put(&folder, "a=1/0.parquet", &orders());
    put(&folder, "b=1/0.parquet", &orders());
    assert_eq!(
        look(&folder).await.unwrap_err(),
        "lake/b=1/0.parquet is not in folders of the same columns as the other files"
    );
    let damaged = tempfile::tempdir().unwrap();
    put(&damaged, "0.parquet", b"PAR1 no parquet PAR1");
    assert_eq!(look(&damaged).await.unwrap_err(), "lake/0.parquet: the file is not Parquet, or is damaged");
}
