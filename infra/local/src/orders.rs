//! The demo's data: made-up orders of three years, the same on every machine.

use std::fmt::Write;

use jiff::civil::{Date, date};

pub const ROWS: u64 = 20_000;
const FIRST: Date = date(2024, 1, 1);
const DAYS: u64 = 1_096;

const CUSTOMERS: [&str; 6] = ["acme", "globex", "initech", "umbra", "hooli", "vandelay"];
/// City, region, and depot.
const CITIES: [(&str, &str, &str); 6] = [
    ("Berlin", "emea", "north"),
    ("Lisbon", "emea", "south"),
    ("Toronto", "amer", "north"),
    ("Austin", "amer", "south"),
    ("Tokyo", "apac", "north"),
    ("Sydney", "apac", "south"),
];

/// The orders as CSV, oldest first.
pub fn csv() -> String {
    let mut numbers = Numbers(2_026);
    let mut csv = "id,day,customer,region,city,depot,truck,status,load,amount\n".to_owned();
    for id in 1..=ROWS {
        // Business grows: the days of the orders come closer together.
        let share = (id - 1) as f64 / ROWS as f64;
        let day = ((share.powf(0.8) * DAYS as f64) as u64).min(DAYS - 1);
        // Customers differ in size, and so do cities.
        let customer = CUSTOMERS[5 - numbers.below(36).isqrt() as usize];
        let (city, region, depot) = CITIES[5 - numbers.below(36).isqrt() as usize];
        let truck = 11 + numbers.below(4) + if depot == "south" { 20 } else { 0 };
        let status = match numbers.below(20) {
            0 => "late",
            1..=3 if id + 900 > ROWS => "on its way",
            _ if id + 150 > ROWS => "on its way",
            _ => "delivered",
        };
        // Trucks are loaded differently, so that their averages differ.
        let load = 25 + (truck * 37) % 50 + numbers.below(26);
        let cents = 4_000 + numbers.below(56_000);
        let day = FIRST.saturating_add(jiff::Span::new().days(i64::try_from(day).unwrap_or_default()));
        let (whole, part) = (cents / 100, cents % 100);
        // Writing to a String does not fail.
        let _ = writeln!(
            csv,
            "{id},{day},{customer},{region},{city},{depot},Truck {truck},{status},{load},{whole}.{part:02}"
        );
    }
    csv
}

/// `SplitMix64`: small, and the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn orders_are_the_same_each_time_and_cover_everything() {
        let csv = csv();
        assert_eq!(csv, super::csv());
        let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 20_000);
        let distinct = |column: usize| rows.iter().map(|row| row[column]).collect::<BTreeSet<_>>().len();
        assert_eq!([2, 3, 4, 5, 6, 7].map(distinct), [6, 3, 6, 2, 8, 3]);
        let years: BTreeSet<&str> = rows.iter().map(|row| &row[1][..4]).collect();
        assert_eq!(years.into_iter().collect::<Vec<_>>(), ["2024", "2025", "2026"]);
        assert_eq!(rows.last().unwrap()[1], "2026-12-31");
    }
}
