use crate::state::article::Article;
use crate::state::event_data::{EventData, used};
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A message or a note was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArticleAdded {
    pub article: Article,
}

impl EventData for ArticleAdded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { article } = self;
        used(snapshot, article.seq);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { article } = self;
        rows.articles.push(article.clone());
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { article } if article.rejected => "article.rejected",
            Self { .. } => "article.created",
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { article } = self;
        format!("article by {}: {}", article.author, article.subject)
    }
}
