//! Names of tables in the SQL of a dive, which may name a database before the table. A stack has one namespace of tables.

/// Takes the databases of a dive off the names of tables: `"fleet"."main"."trips"` is `"trips"`.
pub fn unqualified(sql: &str, databases: &[String]) -> String {
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
        let is = |index: usize, name: &str| {
            parts.get(index).is_some_and(|(start, end)| plain(&rest[*start..*end]).eq_ignore_ascii_case(name))
        };
        let is_table = parts.len() > 2 && is(1, "main") && databases.iter().any(|database| is(0, database));
        let start = if is_table { parts[2].0 } else { 0 };
        text.push_str(&rest[start..last.1]);
        rest = &rest[last.1..];
    }
    text
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

    #[test]
    fn declared_databases_are_taken_off_the_names_of_tables_and_of_nothing_else() {
        let databases = ["fleet".to_owned(), "other db".to_owned()];
        for (sql, expected) in [
            (r#"select * from "fleet"."main"."trips" t"#, r#"select * from "trips" t"#),
            ("select fleet.main.trips.n from FLEET.Main.trips", "select trips.n from trips"),
            (r#"from "other db".main."Big Table""#, r#"from "Big Table""#),
            (r#"from "secret"."main"."trips""#, r#"from "secret"."main"."trips""#),
            (r#"from "fleet"."staging"."trips""#, r#"from "fleet"."staging"."trips""#),
            ("select fleet.main from fleet", "select fleet.main from fleet"),
            (
                "select 'fleet.main.trips', 'it''s fleet.main.x'",
                "select 'fleet.main.trips', 'it''s fleet.main.x'",
            ),
            (
                "-- fleet.main.trips\nselect 1 /* fleet.main.x */",
                "-- fleet.main.trips\nselect 1 /* fleet.main.x */",
            ),
            (
                "select 1.5, a.b.c, größe from x where {{n}} [[and y]]",
                "select 1.5, a.b.c, größe from x where {{n}} [[and y]]",
            ),
            ("select 'open", "select 'open"),
            ("select \"open", "select \"open"),
            ("", ""),
        ] {
            assert_eq!(unqualified(sql, &databases), expected);
        }
        assert_eq!(unqualified("from fleet.main.trips", &[]), "from fleet.main.trips");
    }
}
