//! The measures and dimensions of a table.

use super::refused;
use crate::error::{Error, Result};
use crate::query::column::Column;
use crate::query::column_sql::{local_time, quoted};
use crate::query::column_type::ColumnType;
use crate::query::date_bounds::ReportClock;

/// The type of a member as clients know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberType {
    Text,
    Number,
    Time,
    Boolean,
}

impl MemberType {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Time => "time",
            Self::Boolean => "boolean",
        }
    }
}

/// A column's type as a member; `None` for JSON, which can be neither grouped nor compared.
const fn member_type(kind: ColumnType) -> Option<MemberType> {
    match kind {
        ColumnType::Text => Some(MemberType::Text),
        ColumnType::Integer | ColumnType::Number | ColumnType::Decimal { .. } => Some(MemberType::Number),
        ColumnType::Date | ColumnType::Timestamp => Some(MemberType::Time),
        ColumnType::Boolean => Some(MemberType::Boolean),
        ColumnType::Json => None,
    }
}

/// A unit that times are cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Granularity {
    pub const ALL: [Self; 8] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.word() == word)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

impl Aggregate {
    /// Those of a column, with the longest suffix first.
    pub const OF_COLUMNS: [Self; 5] = [Self::CountDistinct, Self::Sum, Self::Avg, Self::Min, Self::Max];

    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::CountDistinct => "_count_distinct",
            Self::Sum => "_sum",
            Self::Avg => "_avg",
            Self::Min => "_min",
            Self::Max => "_max",
        }
    }

    /// The word in descriptions of measures.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::CountDistinct => "countDistinct",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    fn applies_to(self, kind: ColumnType) -> bool {
        match self {
            Self::Count => false,
            Self::CountDistinct => member_type(kind).is_some(),
            Self::Sum | Self::Avg => kind.is_numeric(),
            Self::Min | Self::Max => kind.is_numeric() || kind.is_temporal(),
        }
    }
}

/// An aggregate over the rows of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    pub name: String,
    pub aggregate: Aggregate,
    /// The quoted column; none for the count of rows.
    column: Option<String>,
    /// The type that values are compared as.
    pub kind: ColumnType,
}

impl Measure {
    pub fn member_type(&self) -> MemberType {
        if self.kind.is_temporal() { MemberType::Time } else { MemberType::Number }
    }

    /// The aggregate as SQL. Times are local ones of the report.
    pub(super) fn sql(&self, clock: &ReportClock) -> String {
        local_time(&self.stored_sql(), self.kind, clock)
    }

    /// The aggregate as SQL, with times as they are stored.
    pub(super) fn stored_sql(&self) -> String {
        let column = self.column.as_deref().unwrap_or("*");
        match self.aggregate {
            Aggregate::Count => "count(*)".to_owned(),
            Aggregate::CountDistinct => format!("count(DISTINCT {column})"),
            Aggregate::Sum => format!("sum({column})"),
            Aggregate::Avg => format!("avg({column})"),
            Aggregate::Min => format!("min({column})"),
            Aggregate::Max => format!("max({column})"),
        }
    }

    /// The share of a single row, for queries without groups.
    pub(super) fn row_sql(&self, clock: &ReportClock) -> String {
        match (&self.column, self.aggregate) {
            (None, _) => "1".to_owned(),
            (Some(column), Aggregate::CountDistinct) => {
                format!("CASE WHEN {column} IS NULL THEN NULL ELSE 1 END")
            }
            (Some(column), _) => local_time(column, self.kind, clock),
        }
    }
}

/// A column that rows are grouped and filtered by.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberDimension {
    pub name: String,
    pub kind: ColumnType,
    pub member_type: MemberType,
    pub description: Option<String>,
    /// The quoted column.
    pub(super) sql: String,
}

impl MemberDimension {
    /// The column as rows show it, cut to a unit if there is one.
    pub(super) fn shown_sql(&self, unit: Option<Granularity>, clock: &ReportClock) -> String {
        let local = local_time(&self.sql, self.kind, clock);
        match unit {
            None => local,
            Some(unit) => format!("date_trunc('{}', {local})", unit.word()),
        }
    }
}

/// The members of one table: those of its visible columns. A column hides a measure of the same name.
#[derive(Debug, Clone)]
pub struct TableMembers<'a> {
    pub table: &'a str,
    columns: Vec<&'a Column>,
}

impl<'a> TableMembers<'a> {
    pub fn new(table: &'a str, columns: impl IntoIterator<Item = &'a Column>) -> Self {
        let is_member = |column: &&Column| !column.hidden && member_type(column.kind).is_some();
        Self { table, columns: columns.into_iter().filter(is_member).collect() }
    }

    /// The table as SQL.
    pub(super) fn sql(&self) -> String {
        quoted(self.table)
    }

    fn column(&self, name: &str) -> Option<&'a Column> {
        self.columns.iter().find(|column| column.name == name).copied()
    }

    fn column_sql(&self, column: &Column) -> String {
        format!("{}.{}", quoted(self.table), quoted(&column.name))
    }

    pub fn dimension(&self, name: &str) -> Option<MemberDimension> {
        let column = self.column(name)?;
        Some(MemberDimension {
            name: column.name.clone(),
            kind: column.kind,
            member_type: member_type(column.kind)?,
            description: column.description.clone(),
            sql: self.column_sql(column),
        })
    }

    pub fn measure(&self, name: &str) -> Option<Measure> {
        if self.column(name).is_some() {
            return None;
        }
        if name == Aggregate::Count.suffix() {
            let (name, aggregate) = (name.to_owned(), Aggregate::Count);
            return Some(Measure { name, aggregate, column: None, kind: ColumnType::Integer });
        }
        Aggregate::OF_COLUMNS.into_iter().find_map(|aggregate| {
            let column = self.column(name.strip_suffix(aggregate.suffix())?)?;
            self.measure_of(aggregate, column)
        })
    }

    fn measure_of(&self, aggregate: Aggregate, column: &Column) -> Option<Measure> {
        let kind = match aggregate {
            _ if !aggregate.applies_to(column.kind) => return None,
            Aggregate::Count | Aggregate::CountDistinct => ColumnType::Integer,
            Aggregate::Avg => ColumnType::Number,
            Aggregate::Sum | Aggregate::Min | Aggregate::Max => column.kind,
        };
        let name = format!("{}{}", column.name, aggregate.suffix());
        Some(Measure { name, aggregate, column: Some(self.column_sql(column)), kind })
    }

    pub fn dimensions(&self) -> Vec<MemberDimension> {
        self.columns.iter().filter_map(|column| self.dimension(&column.name)).collect()
    }

    pub fn measures(&self) -> Vec<Measure> {
        let of_column = |column: &&'a Column| {
            let column = *column;
            Aggregate::OF_COLUMNS.into_iter().filter_map(move |aggregate| self.measure_of(aggregate, column))
        };
        let count = self.measure(Aggregate::Count.suffix());
        let mut measures: Vec<Measure> =
            count.into_iter().chain(self.columns.iter().flat_map(of_column)).collect();
        measures.retain(|measure| self.measure(&measure.name).as_ref() == Some(measure));
        measures
    }

    /// The full name of a member.
    pub fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.table)
    }

    /// The name of a member within this table.
    pub(super) fn name<'p>(&self, path: &'p str) -> Result<&'p str> {
        match path.split_once('.') {
            Some((table, name)) if table == self.table => Ok(name),
            _ => Err(unknown(path)),
        }
    }

    /// The title of a member with that of its table.
    pub fn title(&self, name: &str) -> String {
        format!("{} {}", title(self.table), title(name))
    }
}

/// The refusal of a member that does not exist.
pub(super) fn unknown(path: &str) -> Error {
    match path.split_once('.') {
        Some((_, name)) => refused(format!("'{name}' not found for path '{path}'")),
        None => refused(format!("'{path}' must be the name of a member, such as 'orders.count'")),
    }
}

/// The refusal of a table that the viewer has not.
pub fn unknown_table(path: &str) -> Error {
    let table = path.split('.').next().unwrap_or_default();
    refused(format!("'{table}' not found for path '{path}'"))
}

/// A name as a title: `amount_sum` is `Amount Sum`. Small words within stay small.
pub fn title(name: &str) -> String {
    const SMALL: [&str; 17] = [
        "and", "or", "nor", "a", "an", "the", "so", "but", "to", "of", "at", "by", "from", "into", "on",
        "in", "for",
    ];
    let mut titled = String::new();
    for word in words(name) {
        let small = word.to_lowercase();
        let is_first = titled.is_empty();
        if !is_first {
            titled.push(' ');
        }
        let mut letters = small.chars();
        match letters.next() {
            Some(first) if is_first || !SMALL.contains(&small.as_str()) => {
                titled.extend(first.to_uppercase());
                titled.push_str(letters.as_str());
            }
            _ => titled.push_str(&small),
        }
    }
    titled
}

/// The words of a name: `created_at`, `createdAt` and `created at` have two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_inside = false;
    let mut was_small = false;
    for letter in name.chars() {
        if letter == '_' || letter.is_whitespace() {
            (is_inside, was_small) = (false, false);
            continue;
        }
        if !is_inside || (was_small && letter.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter);
        }
        (is_inside, was_small) = (true, letter.is_lowercase());
    }
    words
}
