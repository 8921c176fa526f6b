//! Bounds on a text before it is parsed, so that neither the parser nor its result can overflow the stack.
//!
//! The parser limits its own recursion, but builds chains such as `1 + 1 + ...` in a loop: the tree becomes as deep as the
//! chain is long, and planners take quadratic time for it.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};
use vitrine_rules::query::limits::QueryLimits;

/// The deepest nesting of forms that the parser tries in two ways, which doubles its time at each level.
const MOST_AMBIGUOUS: usize = 12;

/// Checks the nesting and the chains of a text.
pub fn check(tokens: &[TokenWithSpan], limits: &QueryLimits) -> Result<(), String> {
    let mut levels = Levels::default();
    let mut set_operations = 0;
    let mut nested_types = 0;
    let mut before = &Token::EOF;
    for token in tokens.iter().map(|token| &token.token) {
        match token {
            Token::Whitespace(_) => continue,
            // Brackets in brackets of FROM can be sub-queries or joins.
            Token::LParen if *before == Token::LParen => levels.open(levels.is_ambiguous()),
            Token::LParen => levels.open(is_ambiguous(before)),
            Token::LBrace => levels.open(false),
            Token::RParen | Token::RBrace | Token::RBracket => levels.close(),
            // The parser does not limit its recursion for types.
            Token::Lt if is_type(before) => nested_types += 1,
            // A chain of them makes nested types.
            Token::LBracket => {
                levels.count();
                levels.open(false);
            }
            Token::Comma | Token::SemiColon => levels.reset(),
            Token::Word(word) => match word.keyword {
                Keyword::CASE => levels.open(true),
                Keyword::END => levels.close(),
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                    set_operations += 1;
                    levels.reset();
                }
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::HAVING
                | Keyword::QUALIFY
                | Keyword::ON
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE => levels.reset(),
                Keyword::INTERVAL if is_interval(before) => return Err(too_deep(limits)),
                keyword if is_infix(keyword) => levels.count(),
                _ => {}
            },
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) | Token::Period => {}
            // Every other token can be an operator.
            _ => levels.count(),
        }
        before = token;
        if levels.ambiguous > MOST_AMBIGUOUS || nested_types > MOST_AMBIGUOUS {
            return Err(format!(
                "nests CASE, CAST, types, brackets or tables in FROM more than {MOST_AMBIGUOUS} levels deep"
            ));
        }
        if levels.depth() > limits.depth || set_operations > limits.depth {
            return Err(too_deep(limits));
        }
        if levels.operators > limits.operators() {
            return Err(format!(
                "has an expression of more than {} operators; use IN for lists",
                limits.operators()
            ));
        }
    }
    Ok(())
}

pub fn too_deep(limits: &QueryLimits) -> String {
    format!("is nested more than {} levels deep", limits.depth)
}

/// Returns whether the parser tries a bracket after this token in two ways.
fn is_ambiguous(before: &Token) -> bool {
    match before {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::FROM
                | Keyword::JOIN
                | Keyword::LATERAL
                | Keyword::CAST
                | Keyword::TRY_CAST
                | Keyword::SAFE_CAST
                | Keyword::CONVERT
                | Keyword::TRY_CONVERT
                | Keyword::EXTRACT
                | Keyword::CEIL
                | Keyword::FLOOR
                | Keyword::POSITION
                | Keyword::SUBSTR
                | Keyword::SUBSTRING
                | Keyword::OVERLAY
                | Keyword::TRIM
                | Keyword::EXISTS
                | Keyword::NOT
                | Keyword::ARRAY
                | Keyword::STRUCT
                | Keyword::INTERVAL
                | Keyword::MAP
        ),
        _ => false,
    }
}

fn is_type(token: &Token) -> bool {
    matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::ARRAY | Keyword::STRUCT | Keyword::MAP))
}

fn is_interval(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::INTERVAL)
}

const fn is_infix(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::AT
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::SIMILAR
            | Keyword::BETWEEN
            | Keyword::OVERLAPS
            | Keyword::COLLATE
            | Keyword::DIV
            | Keyword::MATCH
            | Keyword::MEMBER
            | Keyword::NOTNULL
            | Keyword::OPERATOR
            | Keyword::ARRAY
            | Keyword::STRUCT
    )
}

/// The operators on the path from the statement to the current token.
#[derive(Default)]
struct Levels {
    /// The operators of the enclosing levels, and whether the level within is ambiguous.
    outer: Vec<(usize, bool)>,
    current: usize,
    operators: usize,
    ambiguous: usize,
}

impl Levels {
    fn open(&mut self, is_ambiguous: bool) {
        self.outer.push((self.current, is_ambiguous));
        self.ambiguous += usize::from(is_ambiguous);
        self.current = 0;
    }

    /// Unbalanced text is the parser's to refuse.
    fn close(&mut self) {
        self.operators -= self.current;
        let (current, is_ambiguous) = self.outer.pop().unwrap_or_default();
        self.current = current;
        self.ambiguous -= usize::from(is_ambiguous);
    }

    fn count(&mut self) {
        self.current += 1;
        self.operators += 1;
    }

    fn reset(&mut self) {
        self.operators -= self.current;
        self.current = 0;
    }

    /// Returns whether the innermost bracket is tried in two ways.
    fn is_ambiguous(&self) -> bool {
        self.outer.last().is_some_and(|(_, is_ambiguous)| *is_ambiguous)
    }

    fn depth(&self) -> usize {
        self.outer.len()
    }
}
