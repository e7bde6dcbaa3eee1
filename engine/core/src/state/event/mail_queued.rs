use crate::state::event_data::{EventData, used};
use crate::state::mail::Outgoing;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A mail was queued for its recipients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailQueued {
    pub outgoing: Outgoing,
}

impl EventData for MailQueued {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { outgoing } = self;
        used(snapshot, outgoing.seq);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { outgoing: mail } = self;
        rows.outgoing.push(mail.clone());
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { outgoing } = self;
        format!("mail to {}", outgoing.to.iter().map(|a| a.address.as_str()).collect::<Vec<_>>().join(", "))
    }
}
