use crate::state::event_data::EventData;
use crate::state::ids::{ArticleId, MailId};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A queued mail was taken back before it went out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailTakenBack {
    pub mail: MailId,
    pub article: ArticleId,
}

impl EventData for MailTakenBack {
    fn touch(&self, rows: &mut Touched) {
        let Self { mail, article } = self;
        rows.taken_back.push((*mail, *article));
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { article, .. } = self;
        format!("article {article} is taken back")
    }
}
