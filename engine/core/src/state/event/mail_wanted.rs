use crate::state::event_data::EventData;
use crate::state::ids::NoticeId;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The mail of a notification is to be sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailWanted {
    pub notice: NoticeId,
}

impl EventData for MailWanted {
    fn touch(&self, rows: &mut Touched) {
        let Self { notice } = self;
        rows.mails_wanted.push(*notice);
    }

    fn summary(&self, _names: &Names) -> String {
        "the mail is sent again".into()
    }
}
