//! Answers of queries, and the form in which they are cached.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::query::column_type::ColumnType;
use crate::random;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerColumn {
    pub name: String,
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: ColumnType,
    pub display_name: String,
}

/// An answer as it was computed once. Every copy of it is equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub facts: AnswerFacts,
    /// The rows: a JSON array of arrays.
    pub rows: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerFacts {
    pub columns: Vec<AnswerColumn>,
    /// Rows beyond a limit were cut off.
    pub truncated: bool,
    /// The time at which it was computed.
    pub as_of: Timestamp,
}

/// The facts with the key that the answer belongs to.
#[derive(Serialize, Deserialize)]
struct Header {
    key: String,
    #[serde(flatten)]
    facts: AnswerFacts,
}

/// The form of entries. Another version cannot be opened, and is computed again.
const MAGIC: &[u8] = b"vitrine answer 1\n";
/// SHA-256 as hex.
const DIGEST_BYTES: usize = 64;
const LENGTH_BYTES: usize = 8;

impl Answer {
    /// The cache entry of the answer to the query with this key: sealed with its length and its digest.
    pub fn seal(&self, key: &str) -> Option<Vec<u8>> {
        let header = Header { key: key.to_owned(), facts: self.facts.clone() };
        let header = serde_json::to_vec(&header).ok()?;
        let body = [length(header.len()).as_slice(), &header, &self.rows].concat();
        let digest = random::fingerprint_bytes(&body);
        Some([MAGIC, &length(body.len()), digest.as_bytes(), &body].concat())
    }

    /// The answer in an entry. None if the entry is damaged, cut off, or another query's.
    pub fn open(entry: &[u8], key: &str) -> Option<Self> {
        let rest = entry.strip_prefix(MAGIC)?;
        let (size, rest) = rest.split_at_checked(LENGTH_BYTES)?;
        let (digest, body) = rest.split_at_checked(DIGEST_BYTES)?;
        if number(size)? != body.len() || random::fingerprint_bytes(body).as_bytes() != digest {
            return None;
        }
        let (size, rest) = body.split_at_checked(LENGTH_BYTES)?;
        let (header, rows) = rest.split_at_checked(number(size)?)?;
        let Header { key: own, facts } = serde_json::from_slice(header).ok()?;
        (own == key).then(|| Self { facts, rows: rows.to_vec() })
    }

    /// Its size in memory, roughly.
    pub fn size(&self) -> usize {
        self.rows.len() + self.facts.columns.len() * 128 + 256
    }
}

fn length(bytes: usize) -> [u8; LENGTH_BYTES] {
    (bytes as u64).to_be_bytes()
}

fn number(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u64::from_be_bytes(bytes.try_into().ok()?)).ok()
}

/// The age at which an answer is computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// None for answers that stay true as long as their key does.
    pub seconds: Option<i64>,
    /// An answer that was computed since then is fresh in any case: the request was waiting for it.
    pub asked_at: Timestamp,
}

impl Freshness {
    pub fn admits(&self, as_of: Timestamp, now: Timestamp) -> bool {
        as_of >= self.asked_at || self.seconds.is_none_or(|seconds| (0..seconds).contains(&now.since(as_of)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer() -> Answer {
        let column = AnswerColumn { name: "n".into(), kind: ColumnType::Integer, display_name: "N".into() };
        let as_of = Timestamp::from_unix(1_000);
        Answer {
            facts: AnswerFacts { columns: vec![column], truncated: true, as_of },
            rows: b"[[1],[2]]".to_vec(),
        }
    }

    #[test]
    fn an_entry_is_opened_with_its_own_key_only() {
        let sealed = answer().seal("key").unwrap();
        assert_eq!(Answer::open(&sealed, "key"), Some(answer()));
        assert_eq!(Answer::open(&sealed, "other"), None);
        assert_eq!(Answer::open(b"", "key"), None);
        assert_eq!(Answer::open(MAGIC, "key"), None);
    }

    #[test]
    fn an_answer_is_fresh_until_its_age_and_for_those_who_waited_for_it() {
        let at = Timestamp::from_unix;
        let rule = |seconds| Freshness { seconds, asked_at: at(500) };
        for (seconds, as_of, now, expected) in [
            (None, 100, 499, true),
            (Some(10), 100, 109, true),
            (Some(10), 100, 110, false),
            (Some(10), 100, 99, false),
            (Some(0), 100, 100, false),
            (Some(0), 500, 700, true),
        ] {
            let admits = rule(seconds).admits(at(as_of), at(now));
            assert_eq!(admits, expected, "{seconds:?} {as_of} {now}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_entry_is_none(at in 0_usize..400, bit in 0_u8..8, cut in 0_usize..400) {
            let sealed = answer().seal("key").unwrap();
            let mut flipped = sealed.clone();
            let at = at % flipped.len();
            flipped[at] ^= 1 << bit;
            prop_assert_eq!(Answer::open(&flipped, "key"), None);
            let cut = cut % sealed.len();
            prop_assert_eq!(Answer::open(&sealed[..cut], "key"), None);
            prop_assert_eq!(Answer::open(&[&sealed[..], b"x"].concat(), "key"), None);
        }
    }
}
