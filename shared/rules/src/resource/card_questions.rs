//! The questions that the cards of a dashboard show.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::query::content::QuestionContent;
use crate::resource::Resource;
use crate::resource::content::Content;
use crate::resource::ids::{Deployment, Kind, PrimaryId};

/// The questions that the cards of a dashboard show, by number. One that is missing, archived, without a query or of
/// another deployment is not among them.
#[derive(Debug, Clone, Default)]
pub struct CardQuestions(Arc<BTreeMap<u64, Arc<Resource>>>);

impl CardQuestions {
    pub fn of(found: impl IntoIterator<Item = Arc<Resource>>, deployment: Deployment) -> Self {
        let usable = |resource: Arc<Resource>| match (&resource.content, &resource.id) {
            (Some(Content::Question(_)), PrimaryId::Number(id))
                if resource.kind == Kind::Question
                    && !resource.archived
                    && resource.deployment == deployment =>
            {
                Some((*id, resource))
            }
            _ => None,
        };
        Self(Arc::new(found.into_iter().filter_map(usable).collect()))
    }

    pub fn get(&self, id: u64) -> Option<(&Resource, &QuestionContent)> {
        let resource = self.0.get(&id)?;
        match &resource.content {
            Some(Content::Question(question)) => Some((resource, question)),
            _ => None,
        }
    }
}
