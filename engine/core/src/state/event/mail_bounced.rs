use crate::state::event_data::EventData;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A mail of this ticket did not reach the address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailBounced {
    pub address: String,
    pub message: String,
    pub at: Timestamp,
}

impl EventData for MailBounced {
    fn touch(&self, rows: &mut Touched) {
        let Self { address, message, at } = self;
        rows.bounced.push((address.clone(), message.clone(), *at));
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("mail.bounced".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { address, message, .. } = self;
        format!("mail to {address} came back: {message}")
    }
}
