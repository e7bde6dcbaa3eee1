//! The keys under which work lists find open work.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::voters;
use crate::rules::who;
use crate::state::event::{Event, WorkChanged};
use crate::state::snapshot::{WorkItem, WorkStatus};

impl<'a> Run<'a> {
    // --- lists ------------------------------------------------------------------------------------------------
    /// Work lists find open items by their audience; what changed on the ticket may change it.
    pub(crate) fn refresh_audiences(&mut self) {
        let open: Vec<WorkItem> = self.snapshot.open_work().cloned().collect();
        for item in open {
            let audience = self.audience(&item);
            if audience != item.audience {
                let WorkItem { seq, status, claimed_by, epoch, .. } = item;
                self.emit(Event::WorkChanged(WorkChanged { seq, status, claimed_by, epoch, audience }));
            }
        }
    }

    fn audience(&self, item: &WorkItem) -> Vec<String> {
        if !matches!(item.status, WorkStatus::Offered | WorkStatus::Started | WorkStatus::Suspended) {
            return vec![];
        }
        if let Some(login) = &item.claimed_by {
            return vec![format!("user:{login}")];
        }
        let Some(process) = self.process_of(item.instance) else { return vec![] };
        let Some(activity) = process.def.activities.get(&item.activity) else { return vec![] };
        let scope = self.scope(At::item(item));
        let mut keys = vec![];
        for (_, dialog) in activity.dialogs.iter() {
            if let Some(whos) = dialog.who.as_ref().or(activity.assign.as_ref().map(|a| &a.who)) {
                keys.extend(who::audience(whos, &scope));
            }
        }
        if let Some(approval) = &activity.approval {
            keys.extend(who::audience(&approval.of, &scope));
            keys.extend(voters::delegations(item).iter().map(|(_, to)| format!("user:{to}")));
            keys.extend(voters::substitutes(self, item, approval).iter().map(|login| format!("user:{login}")));
        }
        keys.sort();
        keys.dedup();
        keys
    }
}
