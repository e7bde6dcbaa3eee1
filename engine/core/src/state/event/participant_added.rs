use crate::state::event_data::EventData;
use crate::state::mail::Address;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// An address became a participant: its mails belong to the ticket, and it may be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParticipantAdded {
    pub participant: Address,
    pub at: Timestamp,
}

impl EventData for ParticipantAdded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { participant, .. } = self;
        let participants = snapshot.participants.make_mut();
        if let Err(place) = participants.binary_search_by(|p| p.key().cmp(&participant.key())) {
            participants.insert(place, participant.clone());
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { participant, at } = self;
        rows.participants.push((participant.clone(), *at));
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { participant, .. } = self;
        format!("{} takes part", participant.address)
    }
}
