//! The time argument of `--now` and of the clock route: RFC 3339, or an offset from the real time.

use jiff::{Span, SpanRelativeTo};
use vitrine::rules::clock::{Clock, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeArgument {
    At(Timestamp),
    Offset(i64),
}

pub fn parse(text: &str) -> Result<TimeArgument, String> {
    if let Ok(time) = text.parse() {
        return Ok(TimeArgument::At(time));
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    unsigned
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map(|duration| TimeArgument::Offset(duration.as_secs()))
        .map_err(|_| "must be a time such as 2027-01-31T12:00:00Z or an offset such as +23h59m".to_owned())
}

impl TimeArgument {
    pub fn apply(self, clock: &Clock) {
        match self {
            Self::At(time) => clock.set(time),
            Self::Offset(seconds) => clock.set_offset(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_an_offset_is_accepted_and_nothing_else() {
        for (text, expected) in [
            ("+23h59m", TimeArgument::Offset(86_340)),
            ("-5m", TimeArgument::Offset(-300)),
            ("+1d", TimeArgument::Offset(86_400)),
            ("90s", TimeArgument::Offset(90)),
            ("+0s", TimeArgument::Offset(0)),
            ("2023-11-14T22:13:20Z", TimeArgument::At(Timestamp::from_unix(1_700_000_000))),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for bad in ["", "+", "noon", "1 fortnight", "2023-11-14"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
