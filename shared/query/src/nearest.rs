//! The known name that is most like an unknown one, for messages to authors.

/// Returns the name with the fewest changed letters, if it is like the given one at all.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 2).clamp(1, 4);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(changes, _)| *changes <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of letters to insert, delete or replace. Long names are compared by their beginning.
fn distance(left: &str, right: &str) -> usize {
    const LONGEST: usize = 64;
    let right: Vec<char> = right.chars().take(LONGEST).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().take(LONGEST).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (place, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_like_the_unknown_one() {
        let known = ["date_trunc", "date_part", "count", "sum", "string_agg"];
        for (name, expected) in [
            ("date_trunk", Some("date_trunc")),
            ("datetrunc", Some("date_trunc")),
            ("cuont", Some("count")),
            ("sun", Some("sum")),
            ("strng_agg", Some("string_agg")),
            ("input_file_name", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
