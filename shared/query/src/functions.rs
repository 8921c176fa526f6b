//! Functions of which the result depends on more than their arguments.

/// The inputs of a query beside its tables and arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// None: the same tables and arguments give the same rows.
    #[default]
    Fixed,
    /// The current day.
    Day,
    /// The current moment, or chance.
    Moment,
}

impl Volatility {
    /// The volatility of a function, by its name in lower case.
    pub fn of(function: &str) -> Self {
        match function {
            "current_date" | "today" => Self::Day,
            "now"
            | "current_timestamp"
            | "localtimestamp"
            | "current_time"
            | "localtime"
            | "get_current_timestamp"
            | "transaction_timestamp"
            | "statement_timestamp"
            | "clock_timestamp"
            | "timeofday"
            | "age"
            | "random"
            | "uuid"
            | "gen_random_uuid"
            | "get_current_time"
            | "current_localtimestamp"
            | "current_localtime" => Self::Moment,
            _ => Self::Fixed,
        }
    }
}
