//! Reasons why a query cannot run.

use std::fmt;

use crate::error::{Error, Reason};
use crate::query::definition::Dimension;
use crate::query::mapping::Mapping;
use crate::query::scanner::TemplateError;
use crate::query::widget_type::WidgetType;

/// A reason why a query cannot run. Messages name tags and parameters, and never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    Template(TemplateError),
    /// By the label of the tag.
    Required(String),
    /// Names of tags outside of optional blocks.
    Missing(Vec<String>),
    UnknownTag(String),
    ParameterType {
        tag: String,
        given: WidgetType,
        accepted: Vec<WidgetType>,
    },
    Unfit(String),
    DifferentValues(String),
    TooManyValues {
        tag: String,
        most: usize,
    },
    InQuotes(String),
    Column(Dimension),
    Question(u64),
    QuestionCycle(u64),
    Snippet(String),
    TooLong(usize),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(error) => error.fmt(f),
            Self::Required(label) => {
                write!(f, "You'll need to pick a value for '{label}' before this query can run.")
            }
            Self::Missing(tags) => {
                write!(f, "Cannot run the query: missing required parameters: {}", tags.join(", "))
            }
            Self::UnknownTag(tag) => {
                write!(f, "Invalid parameter: the query does not have a template tag named \"{tag}\".")
            }
            Self::ParameterType { tag, given, accepted } => {
                let accepted: Vec<_> = accepted.iter().map(|kind| kind.word()).collect();
                write!(
                    f,
                    "Invalid parameter type {} for parameter \"{tag}\". Parameter type must be one of: {}",
                    given.word(),
                    accepted.join(", ")
                )
            }
            Self::Unfit(tag) => write!(f, "Invalid value for :{tag}."),
            Self::DifferentValues(tag) => write!(f, "Several different values are given for :{tag}."),
            Self::TooManyValues { tag, most } => write!(f, "At most {most} values can be given for :{tag}."),
            Self::InQuotes(tag) => {
                write!(
                    f,
                    "The tag \"{tag}\" stands in quotes, where only numbers, dates and booleans can. Write it without them."
                )
            }
            Self::Column(Dimension { table, column }) => {
                write!(f, "There is no column \"{column}\" in the table \"{table}\".")
            }
            Self::Question(id) => write!(f, "There is no question {id} with a query."),
            Self::QuestionCycle(id) => {
                write!(f, "The question {id} refers to itself, or too many questions refer to each other.")
            }
            Self::Snippet(name) => write!(f, "There is no snippet \"{name}\"."),
            Self::TooLong(most) => write!(f, "The query is longer than {most} bytes with its values."),
        }
    }
}

impl QueryError {
    /// The error with the names of parameters in the place of the tags that they set.
    #[must_use]
    pub fn of_parameters(self, mapping: Mapping) -> Self {
        let slug = |tag: String| mapping.setters(&tag).first().map_or(tag.clone(), |slug| (*slug).to_owned());
        match self {
            Self::Missing(tags) => Self::Missing(tags.into_iter().map(slug).collect()),
            Self::ParameterType { tag, given, accepted } => {
                Self::ParameterType { tag: slug(tag), given, accepted }
            }
            Self::Unfit(tag) => Self::Unfit(slug(tag)),
            Self::DifferentValues(tag) => Self::DifferentValues(slug(tag)),
            Self::TooManyValues { tag, most } => Self::TooManyValues { tag: slug(tag), most },
            other => other,
        }
    }
}

impl From<TemplateError> for QueryError {
    fn from(error: TemplateError) -> Self {
        Self::Template(error)
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        let reason = match error {
            QueryError::Required(_) | QueryError::Missing(_) => Reason::ParameterRequired,
            QueryError::UnknownTag(_) => Reason::ParameterUnknown,
            QueryError::ParameterType { .. }
            | QueryError::Unfit(_)
            | QueryError::DifferentValues(_)
            | QueryError::TooManyValues { .. } => Reason::ParameterInvalid,
            _ => Reason::RequestInvalid,
        };
        Self::new(reason).message(error.to_string())
    }
}
