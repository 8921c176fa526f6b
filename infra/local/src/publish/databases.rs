//! Names of tables in the SQL of a dive, which may name a database before the table. A stack has one namespace of tables.

use std::collections::BTreeMap;

/// The tables that a dive names with one of its databases.
pub struct Tables {
    databases: Vec<String>,
    /// By the name that is left: the name in the dive.
    found: BTreeMap<String, String>,
}

impl Tables {
    pub fn of(databases: Vec<String>) -> Self {
        Self { databases, found: BTreeMap::new() }
    }

    /// Takes the databases of a dive off the names of tables: `"fleet"."main"."trips"` is `"trips"`. Two tables of the dive that would become
    /// one are an error. The page does the same to texts that are put together there, in `page/tables.js`.
    pub fn unqualified(&mut self, sql: &str) -> Result<String, String> {
        let mut text = String::with_capacity(sql.len());
        let mut rest = sql;
        while let Some(first) = rest.chars().next() {
            if let Some(end) = skipped(rest) {
                text.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let parts = names(rest);
            let Some(last) = parts.last() else {
                text.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            let plain: Vec<_> =
                parts.iter().take(3).map(|(start, end)| plain(&rest[*start..*end]).to_lowercase()).collect();
            let mut start = 0;
            if let [database, _, table] = plain.as_slice()
                && self.databases.iter().any(|known| known.eq_ignore_ascii_case(database))
            {
                start = parts[2].0;
                let name = plain.join(".");
                let known = self.found.entry(table.clone()).or_insert_with(|| name.clone());
                if *known != name {
                    return Err(format!("the tables {known} and {name} would both be {table}"));
                }
            }
            text.push_str(&rest[start..last.1]);
            rest = &rest[last.1..];
        }
        Ok(text)
    }
}

/// The end of a text or a comment at the start of `sql`.
fn skipped(sql: &str) -> Option<usize> {
    let after =
        |open: usize, close: &str| sql[open..].find(close).map_or(sql.len(), |at| open + at + close.len());
    if sql.starts_with('\'') {
        Some(after(1, "'"))
    } else if sql.starts_with("--") {
        Some(after(2, "\n"))
    } else if sql.starts_with("/*") {
        Some(after(2, "*/"))
    } else {
        None
    }
}

/// The places of names at the start of `sql`, with nothing but dots between them.
fn names(sql: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(length) = name(&sql[at..]) {
        found.push((at, at + length));
        at += length;
        if !sql[at..].starts_with('.') {
            break;
        }
        at += 1;
    }
    found
}

fn name(sql: &str) -> Option<usize> {
    if let Some(quoted) = sql.strip_prefix('"') {
        return quoted.find('"').map(|end| end + 2);
    }
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let length = sql.find(|letter| !is_part(letter)).unwrap_or(sql.len());
    (length > 0).then_some(length)
}

fn plain(name: &str) -> &str {
    name.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = include_str!("../../../../tests/cases/dive_tables.json");

    #[test]
    fn declared_databases_are_taken_off_the_names_of_tables_and_of_nothing_else() {
        let cases: serde_json::Value = serde_json::from_str(CASES).unwrap();
        let databases: Vec<String> = serde_json::from_value(cases["databases"].clone()).unwrap();
        let pairs =
            |name: &str| serde_json::from_value::<Vec<(String, String)>>(cases[name].clone()).unwrap();
        for (sql, expected) in pairs("texts") {
            assert_eq!(Tables::of(databases.clone()).unqualified(&sql), Ok(expected));
        }
        for (sql, expected) in pairs("conflicts") {
            assert_eq!(Tables::of(databases.clone()).unqualified(&sql), Err(expected));
        }
        assert_eq!(
            Tables::of(Vec::new()).unqualified("from fleet.main.trips"),
            Ok("from fleet.main.trips".to_owned())
        );
    }

    #[test]
    fn tables_of_two_texts_of_a_dive_stay_two() {
        let mut tables = Tables::of(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(tables.unqualified("from a.main.t"), Ok("from t".to_owned()));
        assert_eq!(tables.unqualified("from A.main.T"), Ok("from T".to_owned()));
        assert!(tables.unqualified("from b.main.t").is_err());
        assert!(tables.unqualified("from b.main.u").is_ok());
    }
}
