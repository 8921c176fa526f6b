//! The fields of a form or of a query.

use std::collections::BTreeMap;

/// Fields by name. Of a name that comes more than once all values are kept.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    pub fn parse(encoded: &[u8]) -> Self {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            // Browsers send the line ends of a text as CRLF.
            fields.entry(name.into_owned()).or_default().push(value.replace("\r\n", "\n"));
        }
        Self(fields)
    }

    /// The fields that a form with these values sends.
    #[cfg(test)]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Self::parse(text.as_bytes())
    }

    /// The first value of a field, without white space around it; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", |value| value.trim())
    }

    /// The first value of a field as it was sent.
    pub fn exact(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name).parse().ok()
    }
}

/// A query string of those pairs that have a value, with its question mark.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let filled: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    if filled.is_empty() {
        return String::new();
    }
    for (name, value) in filled {
        query.append_pair(name, value);
    }
    format!("?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_name() {
        let fields = Fields::parse(b"a=+1+&a=2&b=x%0D%0Ay&c=");
        assert_eq!((fields.text("a"), fields.exact("a"), fields.text("b")), ("1", " 1 ", "x\ny"));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), [" 1 ", "2"]);
        assert_eq!((fields.has("c"), fields.text("c"), fields.has("d")), (true, "", false));
        assert_eq!(fields.number::<u32>("a"), Some(1));
    }

    #[test]
    fn a_query_has_the_fields_with_a_value() {
        assert_eq!(query(&[("a", "x y"), ("b", ""), ("c", "&")]), "?a=x+y&c=%26");
        assert_eq!(query(&[("a", "")]), "");
    }
}
