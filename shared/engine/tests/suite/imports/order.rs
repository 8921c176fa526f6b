//! The order of rows.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};

use super::{csv, stored};

/// The keys and the numbers of rows, after an import that sorts by the keys.
fn sorted(rows: usize, sort_memory: usize) -> Vec<(Option<String>, i64)> {
    let key = |row: usize| match row % 7 {
        0 => String::new(),
        _ => format!("city {}", (row * 7_919) % 101),
    };
    let text: String = (0..rows).map(|row| format!("{row},{}\n", key(row))).collect();
    let mut place = csv(&format!("id,city\n{text}")).sort_by(&["city", "unknown"]);
    place.import.limits.sort_memory = sort_memory;
    let batch = stored(&place.convert().unwrap());
    let ids = batch.column(0).as_primitive::<Int64Type>();
    let cities = batch.column(1).as_string::<i32>();
    cities.iter().map(|city| city.map(str::to_owned)).zip(ids.values().iter().copied()).collect()
}

#[test]
fn rows_are_sorted_in_memory_and_on_the_disk_alike() {
    let in_memory = sorted(3_000, usize::MAX);
    assert!(in_memory.is_sorted(), "equal keys keep the order of the file");
    assert_eq!(in_memory.len(), 3_000);
    assert!(in_memory[0].0.is_none() && in_memory[2_999].0.is_some());
    // Each batch is a part of its own.
    for rows in [3_000, 20_000] {
        assert_eq!(sorted(rows, 1), sorted(rows, usize::MAX));
    }
}

#[test]
fn row_groups_are_small_enough_to_be_skipped() {
    let text: String = (0..300_000).map(|row| format!("{}\n", row % 10)).collect();
    let imported = csv(&format!("city\n{text}")).sort_by(&["city"]);
    let imported_to = imported.convert().unwrap();
    let file = std::fs::File::open(&imported_to.files[0].path).unwrap();
    let metadata = SerializedFileReader::new(file).unwrap();
    let groups = metadata.metadata().row_groups();
    let rows: Vec<_> = groups.iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [131_072, 131_072, 37_856]);
    assert!(groups.iter().all(|group| group.column(0).statistics().is_some()));
    assert_eq!(groups[0].column(0).compression().to_string().split('(').next(), Some("ZSTD"));
}
