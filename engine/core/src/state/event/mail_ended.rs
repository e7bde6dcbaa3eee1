use crate::state::event_data::EventData;
use crate::state::ids::NoticeId;
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// The mail of a notification was sent, or given up: then `message` says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailEnded {
    pub notice: NoticeId,
    pub to: String,
    pub message: Option<String>,
}

impl EventData for MailEnded {
    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { message: None, .. } => "mail.sent",
            Self { .. } => "mail.failed",
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        match self {
            Self { to, message: None, .. } => format!("mail to {to} was sent"),
            Self { to, message: Some(why), .. } => format!("mail to {to} was given up: {why}"),
        }
    }
}
