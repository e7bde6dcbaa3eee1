use crate::state::event_data::{EventData, used};
use crate::state::notice::Notice;
use crate::state::snapshot::{Snapshot, Told};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A notification was written for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationSent {
    pub notification: Notice,
}

impl EventData for NotificationSent {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { notification: n } = self;
        used(snapshot, n.seq);
        let Some(day) = n.day else { return };
        let all = snapshot.told.make_mut();
        match all.iter_mut().find(|t| t.name == n.name && *t.to == *n.to) {
            Some(told) => told.day = day,
            None => all.push(Told { name: n.name.clone(), to: n.to.clone(), day }),
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { notification } = self;
        rows.notices.push(notification.clone());
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { notification } = self;
        format!("{} to {}", notification.name, notification.to)
    }
}
