//! The template language: `{{tag}}` and optional blocks `[[and city = {{city}}]]` in a text of SQL.
//!
//! A tag in a comment is text, unless the comment is in an optional block: authors write `[[ {{city}} --]] 'all'`. In a
//! quoted text malformed brackets are text as well. The scanner does not recurse.

use std::fmt;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Tag(TagRef),
    /// Dropped if one of its own tags has no value.
    Optional(Vec<Self>),
}

/// The thing between `{{` and `}}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagRef {
    Name(String),
    /// `#123` or `#123-slug`: the SQL of another question.
    Question(u64),
    /// `snippet: name`
    Snippet(String),
}

/// A template that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateError {
    TagName,
    EmptyTag,
    BlockWithoutTag,
    Unclosed,
    TooDeep,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TagName => "Invalid '{{...}}' clause: expected a param name",
            Self::EmptyTag => "'{{...}}' clauses cannot be empty.",
            Self::BlockWithoutTag => "[[...]] clauses must contain at least one '{{...}}' clause.",
            Self::Unclosed => "Invalid query: found '[[' or '{{' with no matching ']]' or '}}'",
            Self::TooDeep => "[[...]] clauses are nested too deep.",
        })
    }
}

impl TagRef {
    fn parse(text: &str) -> Self {
        let name = text.trim();
        if let Some(snippet) = name.strip_prefix("snippet:") {
            return Self::Snippet(snippet.trim().to_owned());
        }
        match name.strip_prefix('#').and_then(question_id) {
            Some(id) => Self::Question(id),
            None => Self::Name(name.to_owned()),
        }
    }
}

fn question_id(text: &str) -> Option<u64> {
    let (digits, _) = text.split_once('-').unwrap_or((text, ""));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// Splits a template into its pieces.
pub fn scan(text: &str, most_levels: usize) -> Result<Vec<Piece>, TemplateError> {
    let mut scanner = Scanner { rest: text, blocks: Vec::new(), current: Block::default() };
    while !scanner.rest.is_empty() {
        scanner.step(most_levels)?;
    }
    if scanner.blocks.is_empty() { Ok(scanner.current.pieces) } else { Err(TemplateError::Unclosed) }
}

struct Scanner<'a> {
    rest: &'a str,
    /// The enclosing blocks.
    blocks: Vec<Block>,
    current: Block,
}

#[derive(Default)]
struct Block {
    pieces: Vec<Piece>,
    is_quoted: bool,
}

impl Block {
    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn has_tag(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Tag(_)))
    }
}

impl<'a> Scanner<'a> {
    /// Takes the next token or the text before it.
    fn step(&mut self, most_levels: usize) -> Result<(), TemplateError> {
        let rest = self.rest;
        let is_token = |place: &usize| {
            matches!(
                &rest.as_bytes()[*place..],
                [b'\'', ..]
                    | [b'[', b'[', ..]
                    | [b']', b']', ..]
                    | [b'{', b'{', ..]
                    | [b'-', b'-', ..]
                    | [b'/', b'*', ..]
            )
        };
        let place = (0..rest.len()).find(is_token).unwrap_or(rest.len());
        self.take_text(place);
        let rest = self.rest;
        match rest.as_bytes() {
            [] => {}
            [b'\'', ..] => {
                self.current.is_quoted = !self.current.is_quoted;
                self.take_text(1);
            }
            [b'-', b'-', ..] | [b'/', b'*', ..] => self.comment(),
            [b'[', b'[', ..] if self.current.is_quoted && !is_sound_block(&rest[2..]) => self.take_text(2),
            [b'[', b'[', ..] if self.blocks.len() >= most_levels => return Err(TemplateError::TooDeep),
            [b'[', b'[', ..] => {
                self.rest = &rest[2..];
                let inner = Block { pieces: Vec::new(), is_quoted: self.current.is_quoted };
                self.blocks.push(std::mem::replace(&mut self.current, inner));
            }
            [b']', b']', ..] => match self.blocks.pop() {
                None => self.take_text(2),
                Some(_) if !self.current.has_tag() => return Err(TemplateError::BlockWithoutTag),
                Some(outer) => {
                    self.rest = &rest[2..];
                    let block = std::mem::replace(&mut self.current, outer);
                    self.current.pieces.push(Piece::Optional(block.pieces));
                }
            },
            // Of three or more braces the last two open the tag.
            [b'{', b'{', b'{', ..] => self.take_text(1),
            _ => self.tag()?,
        }
        Ok(())
    }

    fn take_text(&mut self, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.current.text(text);
        self.rest = rest;
    }

    /// Skips a comment. In a block or in quotes its signs are text.
    fn comment(&mut self) {
        if !self.blocks.is_empty() || self.current.is_quoted {
            return self.take_text(2);
        }
        let end = if self.rest.starts_with("--") { "\n" } else { "*/" };
        let length = self.rest[2..].find(end).map_or(self.rest.len(), |place| 2 + place + end.len());
        self.take_text(length);
    }

    fn tag(&mut self) -> Result<(), TemplateError> {
        match read_tag(&self.rest[2..], !self.blocks.is_empty()) {
            Ok((tag, length)) => {
                self.current.pieces.push(Piece::Tag(tag));
                self.rest = &self.rest[2 + length..];
            }
            Err(_) if self.current.is_quoted => self.take_text(2),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Reads a tag after its `{{`, and returns the length with its `}}`.
fn read_tag(text: &str, is_in_block: bool) -> Result<(TagRef, usize), TemplateError> {
    let end = text.find("}}").ok_or(TemplateError::Unclosed)?;
    let name = &text[..end];
    if is_in_block && name.contains("]]") {
        return Err(TemplateError::Unclosed);
    }
    if name.contains("{{") || name.contains("[[") {
        return Err(TemplateError::TagName);
    }
    if name.trim().is_empty() {
        return Err(TemplateError::EmptyTag);
    }
    Ok((TagRef::parse(name), end + 2))
}

/// Returns whether a quoted text goes on as a block: up to its `]]`, with a tag and without another block.
fn is_sound_block(text: &str) -> bool {
    let Some(end) = text.find("]]") else { return false };
    let block = &text[..end];
    let tag = block.find("{{").map(|place| &block[place..]);
    !block.contains("[[")
        && !block.contains('\'')
        && tag.is_some_and(|tag| read_tag(tag.trim_start_matches('{'), true).is_ok())
}

/// The references in a template, in order.
pub fn references(pieces: &[Piece]) -> Vec<&TagRef> {
    let mut found = Vec::new();
    let mut waiting: Vec<&Piece> = pieces.iter().rev().collect();
    while let Some(piece) = waiting.pop() {
        match piece {
            Piece::Text(_) => {}
            Piece::Tag(tag) => found.push(tag),
            Piece::Optional(inner) => waiting.extend(inner.iter().rev()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A short form: `{x}` for a tag, `{#1}` for a question, `{s:name}` for a snippet, `[...]` for a block, `|` between texts.
    fn shown(pieces: &[Piece]) -> String {
        let show = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Tag(TagRef::Name(name)) => format!("<{name}>"),
            Piece::Tag(TagRef::Question(id)) => format!("<#{id}>"),
            Piece::Tag(TagRef::Snippet(name)) => format!("<s:{name}>"),
            Piece::Optional(inner) => format!("⟦{}⟧", shown(inner)),
        };
        pieces.iter().map(show).collect()
    }

    #[test]
    fn templates_are_split_into_their_pieces() {
        let cases = [
            ("", ""),
            ("select 1", "select 1"),
            ("a = {{x}}", "a = <x>"),
            ("{{x}}", "<x>"),
            ("{{ x }}", "<x>"),
            ("{{\n x\t}}", "<x>"),
            ("{{x}}{{y}}", "<x><y>"),
            ("{{num toucans}}", "<num toucans>"),
            ("{{Größe}}", "<Größe>"),
            ("{{x.y}}", "<x.y>"),
            ("{{{x}}}", "{<x>}"),
            ("{{{{x}}}}", "{{<x>}}"),
            ("[{$match: {{{x}}, field: 1}}]", "[{$match: {<x>, field: 1}}]"),
            ("{x}", "{x}"),
            ("a[1]", "a[1]"),
            ("a[b[1]]", "a[b[1]]"),
            ("a ]] b", "a ]] b"),
            ("a }} b", "a }} b"),
            ("]]}}", "]]}}"),
            ("select 1 [[where a = {{x}}]]", "select 1 ⟦where a = <x>⟧"),
            ("[[{{x}}]]", "⟦<x>⟧"),
            ("[[a = {{x}} and b = {{y}}]]", "⟦a = <x> and b = <y>⟧"),
            ("[[{{x}}]] [[{{y}}]]", "⟦<x>⟧ ⟦<y>⟧"),
            ("[[{{x}} [[{{y}}]]]]", "⟦<x> ⟦<y>⟧⟧"),
            ("[[[[{{y}}]] {{x}}]]", "⟦⟦<y>⟧ <x>⟧"),
            ("[[a[{{x}}]]]", "⟦a[<x>⟧]"),
            ("-- {{x}}", "-- {{x}}"),
            ("-- {{x}}\n{{y}}", "-- {{x}}\n<y>"),
            ("{{y}} -- {{x}}", "<y> -- {{x}}"),
            ("-- [[ {{", "-- [[ {{"),
            ("--{{x}}\r\n{{y}}", "--{{x}}\r\n<y>"),
            ("/* {{x}} */ {{y}}", "/* {{x}} */ <y>"),
            ("/* [[ {{x}} \n */", "/* [[ {{x}} \n */"),
            ("/* {{x}}", "/* {{x}}"),
            ("/* -- */ {{x}}", "/* -- */ <x>"),
            ("-- /* \n {{x}}", "-- /* \n <x>"),
            ("*/ {{x}}", "*/ <x>"),
            ("a - - {{x}}", "a - - <x>"),
            ("a -{{x}}", "a -<x>"),
            ("a / * {{x}}", "a / * <x>"),
            ("[[ {{x}} --]] 'all'", "⟦ <x> --⟧ 'all'"),
            ("[[ -- {{x}}\n]]", "⟦ -- <x>\n⟧"),
            ("[[/* {{x}} */]]", "⟦/* <x> */⟧"),
            ("-- it's\n{{x}}", "-- it's\n<x>"),
            ("'--' {{x}}", "'--' <x>"),
            ("'/*' {{x}} '*/'", "'/*' <x> '*/'"),
            ("'{{x}}'", "'<x>'"),
            ("'%{{x}}%'", "'%<x>%'"),
            ("'[[' || {{x}}", "'[[' || <x>"),
            ("'{{' || {{x}}", "'{{' || <x>"),
            ("'{{}}' || {{x}}", "'{{}}' || <x>"),
            ("'[[1,2]]'", "'[[1,2]]'"),
            ("'[[ {{x}} ]]'", "'⟦ <x> ⟧'"),
            ("'it''s {{x}}'", "'it''s <x>'"),
            ("\"{{x}}\"", "\"<x>\""),
            ("{{a--b}}", "<a--b>"),
            ("{{it's}} {{x}}", "<it's> <x>"),
            ("{{#123}}", "<#123>"),
            ("{{#123-all-orders}}", "<#123>"),
            ("{{ #123-a }}", "<#123>"),
            ("{{#abc}}", "<#abc>"),
            ("{{#}}", "<#>"),
            ("{{#99999999999999999999}}", "<#99999999999999999999>"),
            ("{{snippet: vip}}", "<s:vip>"),
            ("{{snippet:vip customers }}", "<s:vip customers>"),
            ("{{ snippet: vip }}", "<s:vip>"),
            ("{{snippets}}", "<snippets>"),
            ("[[and {{snippet: vip}}]]", "⟦and <s:vip>⟧"),
            ("💶 {{x}} 💶", "💶 <x> 💶"),
        ];
        for (text, expected) in cases {
            assert_eq!(scan(text, 50).map(|pieces| shown(&pieces)), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn malformed_templates_are_refused() {
        use TemplateError::*;
        let cases = [
            ("{{", Unclosed),
            ("{{x", Unclosed),
            ("{{x}", Unclosed),
            ("[[", Unclosed),
            ("[[{{x}}", Unclosed),
            ("[[{{x}}]", Unclosed),
            ("[[a {{x}} [[{{y}}]]", Unclosed),
            ("[[{{x]]", Unclosed),
            ("{{}}", EmptyTag),
            ("{{  }}", EmptyTag),
            ("{{\n}}", EmptyTag),
            ("[[{{}}]]", EmptyTag),
            ("[[]]", BlockWithoutTag),
            ("[[a = 1]]", BlockWithoutTag),
            ("a [[1]]", BlockWithoutTag),
            ("[[a [[{{x}}]]]]", BlockWithoutTag),
            ("{{a {{x}}}}", TagName),
            ("{{ [[x]] }}", TagName),
            ("{{a[[}}", TagName),
        ];
        for (text, expected) in cases {
            assert_eq!(scan(text, 50), Err(expected), "{text}");
        }
    }

    #[test]
    fn blocks_have_a_depth() {
        let nested = |depth: usize| format!("{}{}", "[[{{x}}".repeat(depth), "]]".repeat(depth));
        assert!(scan(&nested(50), 50).is_ok());
        assert_eq!(scan(&nested(51), 50), Err(TemplateError::TooDeep));
        assert_eq!(scan(&nested(10_000), 50), Err(TemplateError::TooDeep));
    }

    #[test]
    fn references_are_found_in_order() {
        let pieces = scan("{{a}} [[{{b}} [[{{#3}}]] {{c}}]] {{snippet: d}}", 50).unwrap();
        assert_eq!(
            references(&pieces),
            [
                &TagRef::Name("a".into()),
                &TagRef::Name("b".into()),
                &TagRef::Question(3),
                &TagRef::Name("c".into()),
                &TagRef::Snippet("d".into()),
            ]
        );
    }

    proptest! {
        /// Text without brackets is kept as it is, and no text makes the scanner panic.
        #[test]
        fn every_text_is_scanned(text in "(\\[\\[|\\]\\]|\\{\\{|\\}\\}|[{}\\[\\]'\"\\-/*\n$#a-cÄ💶 ]){0,40}") {
            match scan(&text, 50) {
                Ok(pieces) if references(&pieces).is_empty() => prop_assert_eq!(shown(&pieces), text),
                _ => {}
            }
        }
    }
}
