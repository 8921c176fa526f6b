//! One query from a text.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, Statement, Visit, Visitor};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use vitrine_rules::error::Issue;
use vitrine_rules::query::limits::QueryLimits;

use crate::guard;
use crate::tokens;

/// A query that could be parsed. Nothing is known yet about its tables and functions.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub(crate) statement: Statement,
}

/// Parses exactly one query within the limits. Issues are about the field `sql`, for its author and nobody else.
pub fn parse(sql: &str, limits: &QueryLimits) -> Result<Parsed, Issue> {
    let refuse = |message: String| Issue::new("sql", message);
    if sql.len() > limits.rendered_bytes() {
        return Err(refuse(format!("must be at most {} bytes", limits.rendered_bytes())));
    }
    let dialect = DuckDbDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| refuse(format!("cannot be parsed: {error}")))?;
    if tokens.iter().all(is_blank) {
        return Err(refuse("is empty".to_owned()));
    }
    // Other statements are not even parsed: some of them contain statements, and so on without a limit.
    if !tokens.iter().find(|token| !is_blank(token)).is_some_and(starts_query) {
        return Err(refuse(NOT_A_QUERY.to_owned()));
    }
    tokens::check(&tokens, limits).map_err(refuse)?;
    let mut parser =
        Parser::new(&dialect).with_recursion_limit(limits.depth).with_tokens_with_locations(tokens);
    let mut statements = parser.parse_statements().map_err(|error| match error {
        ParserError::RecursionLimitExceeded => refuse(tokens::too_deep(limits)),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
            refuse(format!("cannot be parsed: {text}"))
        }
    })?;
    // The parser stops at the word END, whatever follows it.
    if parser.peek_token().token != Token::EOF {
        return Err(refuse("cannot be parsed: text after the end of the query".to_owned()));
    }
    match (statements.pop(), statements.is_empty()) {
        (Some(statement @ Statement::Query(_)), true) => Ok(Parsed { statement }),
        (Some(_), true) => Err(refuse(NOT_A_QUERY.to_owned())),
        _ => Err(refuse("must be exactly one query".to_owned())),
    }
}

const NOT_A_QUERY: &str = "must be a query, that is SELECT, WITH or VALUES";

fn starts_query(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::LParen => true,
        Token::Word(word) => {
            matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::FROM)
        }
        _ => false,
    }
}

fn is_blank(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_) | Token::SemiColon | Token::EOF)
}

impl Parsed {
    /// Every name of one part that stands where a table can stand, common table expressions included.
    pub fn tables(&self) -> BTreeSet<String> {
        let mut relations = Relations::default();
        let _ = self.statement.visit(&mut relations);
        relations.names
    }
}

#[derive(Default)]
struct Relations {
    names: BTreeSet<String>,
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.names.extend(guard::one_part(relation));
        ControlFlow::Continue(())
    }
}
