//! Incidents: work that fails stays where it is, and says why.

use crate::execution::decision::Remark;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::event::{Event, IncidentRaised};
use crate::state::happening::Happening;
use crate::state::ids::{InstanceId, WorkId};
use crate::state::snapshot::{Incident, Retry, WorkStatus};
use std::sync::Arc;

impl<'a> Run<'a> {
    // --- incidents --------------------------------------------------------------------------------------------
    /// The token stays where it is, and an incident says why.
    pub fn fail(&mut self, work: WorkId, failure: Failure, retry: Retry) {
        let place =
            self.snapshot.item(work).and_then(|w| self.snapshot.instance(w.instance).map(|i| format!("{} / {}", i.process, w.activity)));
        let claimed = self.snapshot.item(work).and_then(|w| w.claimed_by.clone());
        self.change_work(work, WorkStatus::Failed, claimed, true);
        let name = if failure.kind == "life_cycle" { "violated" } else { "error" };
        self.raise(failure, place, retry);
        if let Some(event @ Event::IncidentRaised(_)) = self.events.last().cloned() {
            self.exception(name, &event);
        }
    }

    /// Something about one work item did not go as it should.
    pub(crate) fn exception(&mut self, name: &str, event: &Event) {
        let happening = Happening::new(name.to_owned(), event, &self.snapshot, &self.ctx.actor.login);
        let heard = |name: &str| self.is_heard(name, happening.instance);
        if heard(name) || (name == "violated" && heard("error")) {
            self.reactions.happened.push(Arc::new(happening));
        }
    }

    /// Does anything wait for such an event of this instance?
    pub(crate) fn is_heard(&self, name: &str, instance: Option<InstanceId>) -> bool {
        self.model.site_listens(name) || instance.and_then(|i| self.process_of(i)).is_some_and(|p| p.handled.contains(name))
    }

    pub fn raise(&mut self, failure: Failure, place: Option<String>, retry: Retry) {
        if self.is_void() {
            return;
        }
        let chain = if failure.kind == "loop" { self.chain.names.iter().rev().take(20).rev().cloned().collect() } else { vec![] };
        self.notice = Some(Remark::Incident(failure.message.clone()));
        let incident = Incident {
            seq: self.next_id(),
            kind: failure.kind.to_owned(),
            message: failure.message,
            place,
            expression: failure.expression,
            values: failure.values,
            chain,
            retry,
            raised: self.ctx.now,
            resolved: None,
        };
        self.emit(Event::IncidentRaised(IncidentRaised { incident }));
    }
}
