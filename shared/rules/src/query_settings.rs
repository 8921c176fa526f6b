//! The settings of queries.

use std::time::Duration;

use crate::query::limits::{FunctionLimits, QueryLimits};
use crate::settings::{SWITCH, SettingError, switch, whole};

/// The bounds of a stack's queries. Each is a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuerySettings {
    /// Rows of an answer that is shown as a table.
    pub table_rows: usize,
    /// Rows of an answer that is drawn as a chart.
    pub chart_rows: usize,
    pub file_rows: usize,
    pub text: QueryLimits,
    pub functions: FunctionLimits,
    pub seconds: u32,
    pub per_viewer: usize,
    pub at_once: usize,
    /// Zero means that there is no budget.
    pub monthly_megabytes: u64,
    /// The memory of the function that runs queries.
    pub memory_megabytes: usize,
    /// An IANA name such as `Europe/Berlin`.
    pub time_zone: String,
    /// Dives may send SQL of their own.
    pub dive_sql: bool,
}

/// The bounds of SQL that viewers send. Each is below that of published SQL, whose author is the owner.
mod viewers {
    use crate::query::limits::FunctionLimits;

    /// The time to parse and to plan grows with the text. A query of a page is rarely longer than 2 KiB.
    pub const SQL_BYTES: usize = 8 * 1024;
    /// Half the levels of published SQL, and so half the operators of an expression: planning takes quadratic time for them.
    pub const DEPTH: usize = 25;
    /// More rows than a page draws, and few enough to make a copy of a large table tedious.
    pub const ROWS: usize = 5_000;
    /// A viewer can keep all of his slots busy with queries that end by their time alone.
    pub const SECONDS: u32 = 10;
    /// The part of the memory of published queries, so that one query of a viewer leaves room for those.
    pub const MEMORY_DIVISOR: usize = 2;
    /// A function makes what a page can use, such as the days of a century, and a cell of a table.
    pub const FUNCTIONS: FunctionLimits =
        FunctionLimits { text_bytes: 64 << 10, list_elements: 10_000, series_rows: 100_000 };
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self {
            table_rows: 2_000,
            chart_rows: 10_000,
            file_rows: 1_048_575,
            text: QueryLimits::default(),
            functions: FunctionLimits::DEFAULT,
            seconds: 20,
            per_viewer: 4,
            at_once: 20,
            monthly_megabytes: 0,
            memory_megabytes: 1_769,
            time_zone: "UTC".to_owned(),
            dive_sql: false,
        }
    }
}

impl QuerySettings {
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let refuse = |expected| SettingError::Value { name: name.to_owned(), expected };
        match name {
            "TableRows" => self.table_rows = whole(value, 1, 100_000).ok_or(refuse("1 to 100000"))?,
            "ChartRows" => self.chart_rows = whole(value, 1, 100_000).ok_or(refuse("1 to 100000"))?,
            "FileRows" => self.file_rows = whole(value, 1, 1_048_575).ok_or(refuse("1 to 1048575"))?,
            "QueryBytes" => {
                self.text.sql_bytes = whole(value, 1, 262_144).ok_or(refuse("1 to 262144 bytes"))?;
            }
            "QueryDepth" => self.text.depth = whole(value, 1, 100).ok_or(refuse("1 to 100"))?,
            "QueryListValues" => {
                self.text.list_values = whole(value, 1, 10_000).ok_or(refuse("1 to 10000"))?;
            }
            "QueryTags" => self.text.tags = whole(value, 1, 1_000).ok_or(refuse("1 to 1000"))?,
            "FunctionTextBytes" => {
                self.functions.text_bytes =
                    whole(value, 1, 16_777_216).ok_or(refuse("1 to 16777216 bytes"))?;
            }
            "FunctionListElements" => {
                self.functions.list_elements = whole(value, 1, 1_000_000).ok_or(refuse("1 to 1000000"))?;
            }
            "SeriesRows" => {
                self.functions.series_rows = whole(value, 1, 10_000_000).ok_or(refuse("1 to 10000000"))?;
            }
            "QuerySeconds" => self.seconds = whole(value, 1, 25).ok_or(refuse("1 to 25 seconds"))?,
            "QueriesPerViewer" => self.per_viewer = whole(value, 1, 100).ok_or(refuse("1 to 100"))?,
            "QueriesAtOnce" => self.at_once = whole(value, 1, 100).ok_or(refuse("1 to 100"))?,
            "MonthlyScanMegabytes" => {
                self.monthly_megabytes =
                    whole(value, 0, 1_000_000_000_000).ok_or(refuse("0 to 1000000000000"))?;
            }
            "QueryMemory" => {
                self.memory_megabytes = whole(value, 512, 10_240).ok_or(refuse("512 to 10240 megabytes"))?;
            }
            "TimeZone" => {
                let expected = "the name of a time zone, such as `UTC` or `Europe/Berlin`";
                self.time_zone = is_zone_name(value).then(|| value.to_owned()).ok_or(refuse(expected))?;
            }
            "DiveSql" => self.dive_sql = switch(value).ok_or(refuse(SWITCH))?,
            _ => return Err(SettingError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    /// The settings for SQL that a viewer sends: tighter where published SQL may take more.
    #[must_use]
    pub fn for_viewers_sql(&self) -> Self {
        let text = QueryLimits {
            sql_bytes: self.text.sql_bytes.min(viewers::SQL_BYTES),
            depth: self.text.depth.min(viewers::DEPTH),
            ..self.text.clone()
        };
        let functions = FunctionLimits {
            text_bytes: self.functions.text_bytes.min(viewers::FUNCTIONS.text_bytes),
            list_elements: self.functions.list_elements.min(viewers::FUNCTIONS.list_elements),
            series_rows: self.functions.series_rows.min(viewers::FUNCTIONS.series_rows),
        };
        Self {
            functions,
            chart_rows: self.chart_rows.min(viewers::ROWS),
            seconds: self.seconds.min(viewers::SECONDS),
            memory_megabytes: self.memory_megabytes / viewers::MEMORY_DIVISOR,
            text,
            ..self.clone()
        }
    }

    pub fn time(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// The memory for the operators of one query: the rest is for the program, for files on their way and for rows on
    /// theirs.
    pub const fn engine_memory(&self) -> usize {
        (self.memory_megabytes << 20) / 10 * 6
    }

    /// The memory for what was read of files, between queries.
    pub const fn kept_file_bytes(&self) -> usize {
        (self.memory_megabytes << 20) / 20
    }

    /// The bytes that each tenant may scan in a month; none if that is not limited.
    pub fn monthly_bytes(&self) -> Option<u64> {
        (self.monthly_megabytes > 0).then(|| self.monthly_megabytes.saturating_mul(1_000_000))
    }
}

/// Returns whether a name has the form of those in the time zone database. The function that runs queries has the database.
fn is_zone_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    name.len() <= 64 && name.split('/').count() <= 3 && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_budgets_are_those_of_the_settings() {
        let mut settings = QuerySettings::default();
        assert_eq!((settings.engine_memory() >> 20, settings.monthly_bytes()), (1_061, None));
        settings.set("MonthlyScanMegabytes", "5").unwrap();
        settings.set("QueryMemory", "1024").unwrap();
        assert_eq!((settings.engine_memory() >> 20, settings.monthly_bytes()), (614, Some(5_000_000)));
        assert_eq!(settings.time(), Duration::from_secs(20));
    }

    #[test]
    fn sql_of_viewers_has_tighter_bounds_and_never_wider_ones() {
        let bounds = |settings: &QuerySettings| {
            let (text, made) = (&settings.text, settings.functions);
            (
                [text.sql_bytes, text.depth, settings.chart_rows, settings.memory_megabytes],
                settings.seconds,
                [made.text_bytes, made.list_elements, made.series_rows],
            )
        };
        let settings = QuerySettings::default();
        assert_eq!(bounds(&settings), ([32_768, 50, 10_000, 1_769], 20, [1_048_576, 100_000, 1_000_000]));
        assert_eq!(
            bounds(&settings.for_viewers_sql()),
            ([8_192, 25, 5_000, 884], 10, [65_536, 10_000, 100_000])
        );
        let mut small = settings;
        for (name, value) in [
            ("QueryBytes", "100"),
            ("QueryDepth", "5"),
            ("ChartRows", "7"),
            ("QuerySeconds", "3"),
            ("FunctionTextBytes", "9"),
            ("FunctionListElements", "8"),
            ("SeriesRows", "6"),
        ] {
            small.set(name, value).unwrap();
        }
        assert_eq!(bounds(&small.for_viewers_sql()), ([100, 5, 7, 884], 3, [9, 8, 6]));
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for (name, value) in [
            ("TableRows", "0"),
            ("FileRows", "1048576"),
            ("QueryDepth", "x"),
            ("QuerySeconds", "26"),
            ("QueriesPerViewer", "0"),
            ("QueriesAtOnce", "101"),
            ("MonthlyScanMegabytes", "-1"),
            ("QueryMemory", "128"),
            ("TimeZone", ""),
            ("TimeZone", "Europe/../etc/passwd"),
            ("TimeZone", "+02:00"),
            ("TimeZone", "a/b/c/d"),
        ] {
            assert!(QuerySettings::default().set(name, value).is_err(), "{name}={value}");
        }
        for zone in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            QuerySettings::default().set("TimeZone", zone).unwrap();
        }
    }
}
