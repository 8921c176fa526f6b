//! Problems as they are stored and as functions tell them to each other.

use serde::{Deserialize, Serialize};

use crate::error::Issue;

/// An issue whose message is still a predicate of its field. Answers compose both, so an [`Issue`] cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub path: String,
    pub message: String,
}

impl From<Issue> for Finding {
    fn from(issue: Issue) -> Self {
        Self { path: issue.path, message: issue.message }
    }
}

impl From<Finding> for Issue {
    fn from(finding: Finding) -> Self {
        Self::new(finding.path, finding.message)
    }
}
