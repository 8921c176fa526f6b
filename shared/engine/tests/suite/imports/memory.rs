//! The memory of an import: measured in a process of its own.

use std::fmt::Write;
use std::io::Write as _;
use std::process::Command;

use super::csv;

const ROWS: &str = "VITRINE_TEST_ROWS";

/// The peak of a process that imports so many rows, in MiB.
fn peak(rows: usize) -> u64 {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "imports::memory::imports_in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(ROWS, rows.to_string())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout).into_owned();
    let peak = output.lines().find_map(|line| line.split_once("peak ")?.1.split(' ').next()?.parse().ok());
    peak.unwrap_or_else(|| panic!("{output} {}", String::from_utf8_lossy(&child.stderr)))
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
#[expect(clippy::print_stdout, reason = "the test below reads it")]
fn imports_in_a_process_of_its_own() {
    let rows: usize = std::env::var(ROWS).unwrap().parse().unwrap();
    let mut place = csv("");
    // Written in pieces: the file itself must not count.
    let mut file = std::fs::File::create(&place.import.file).unwrap();
    file.write_all(b"id,customer,city,amount,at,note\n").unwrap();
    let mut piece = String::new();
    for row in 0..rows {
        let (city, cents) = ((row * 7_919) % 1_009, row % 10_000);
        writeln!(
            piece,
            "{row},customer {},city {city},{}.{:02},2024-01-31T10:30:00Z,\"note {row} on the order, with some text that makes a row of two hundred bytes or so, most of which are the same in every one of the rows\"",
            row % 5_000,
            cents / 100,
            cents % 100
        )
        .unwrap();
        if row % 1_000 == 999 {
            file.write_all(piece.as_bytes()).unwrap();
            piece.clear();
        }
    }
    file.write_all(piece.as_bytes()).unwrap();
    place = place.sort_by(&["city"]);
    place.import.limits.sort_memory = 8 << 20;
    let imported = place.convert().unwrap();
    assert_eq!(imported.rows, rows as u64);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
        .unwrap();
    println!("peak {} MiB", kib >> 10);
}

#[test]
#[cfg(target_os = "linux")]
fn forty_times_the_rows_take_little_more_memory() {
    let (few, many) = (peak(10_000), peak(400_000));
    // The rows are 100 MiB in memory.
    assert!(many < few + 64, "{few} MiB for 10,000 rows, {many} MiB for 400,000");
}
