//! Looking again at what waits for changes (C4.6, C7).

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::step::Ways;
use crate::react::messages;
use crate::rules::failure::Failure;
use crate::state::event::{AttributeSet, Event, FieldSet, WorkChanged, WorkEnded, WorkEntered};
use crate::state::ids::WorkId;
use crate::state::snapshot::{Incident, Retry, Snapshot, WorkItem, WorkStatus};
use std::collections::BTreeSet;

impl Run<'_> {
    /// What waits for changes, then the handlers of what happened. True when something was done.
    pub fn react_to_changes(&mut self) -> bool {
        let moved = self.look_at_changes();
        let handled = self.handle();
        messages::take_kept(self) || handled || moved
    }

    /// Transitions that wait for a change are tried where something they read has changed, or the item has just come
    /// (C7). True when something was done.
    fn look_at_changes(&mut self) -> bool {
        if self.reactions.looked >= self.events.len() || self.chain.is_too_long() {
            return false;
        }
        let from = std::mem::replace(&mut self.reactions.looked, self.events.len());
        let changed = changed_paths(&self.events[from..], &self.snapshot);
        // One that waited for a program, or failed, comes again: it was not looked at meanwhile.
        let came = |seq: WorkId| {
            self.events[from..].iter().any(|e| match e {
                Event::WorkEntered(WorkEntered { item }) => item.seq == seq,
                Event::WorkChanged(WorkChanged { seq: changed, status, .. }) => *changed == seq && *status == WorkStatus::Offered,
                _ => false,
            })
        };
        let open: Vec<(WorkItem, bool)> = self
            .snapshot
            .open_work()
            .filter(|w| w.copy().is_none() && matches!(w.status, WorkStatus::Offered | WorkStatus::Started | WorkStatus::Running))
            .map(|w| (w.clone(), came(w.seq)))
            .collect();
        let mut done = false;
        for (item, came) in open {
            done |= self.look_at(&item, came, &changed);
        }
        done
    }

    fn look_at(&mut self, item: &WorkItem, came: bool, changed: &BTreeSet<String>) -> bool {
        let Some(process) = self.process_of(item.instance) else { return false };
        let Some(activity) = process.def.activities.get(&item.activity) else { return false };
        for transition in activity.on_change() {
            // One that an earlier transition of this look has ended is gone.
            if !self.snapshot.item(item.seq).is_some_and(|w| w.status.is_open()) {
                return false;
            }
            let Some(when) = &transition.when else { continue };
            if !came && when.program().reads.is_disjoint(changed) {
                continue;
            }
            match self.holds(when, At::item(item)) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(failure) => {
                    self.cannot_look(item, failure);
                    continue;
                }
            }
            self.chain.step(item.activity.clone());
            if let Err(failure) = self.leave_early(item, activity, "change", |_| Ok(Ways::Taken(vec![transition.into()]))) {
                self.cannot_look(item, failure);
            }
            return true;
        }
        false
    }

    /// The token stays where it is and its people go on; one incident says why, however often it is tried.
    pub(crate) fn cannot_look(&mut self, item: &WorkItem, failure: Failure) {
        let place = self.snapshot.instance(item.instance).map(|i| format!("{} / {}", i.process, item.activity));
        let retry = Retry::Look { work: item.seq };
        let known = |i: &Incident| i.resolved.is_none() && i.retry == retry && i.expression == failure.expression;
        if !self.snapshot.incidents.iter().any(known) {
            self.raise(failure, place, retry);
        }
    }

    /// After an incident: as if everything had changed.
    pub fn look_again(&mut self, work: WorkId) {
        let Some(item) = self.snapshot.item(work).filter(|w| w.status.is_open()).cloned() else { return };
        // One that failed looking at its copies, or whether it is open, does that again.
        let runs =
            self.process_of(item.instance).is_some_and(|p| p.def.activities.get(&item.activity).is_some_and(|a| a.for_each.is_some()));
        if item.status == WorkStatus::Failed && runs {
            self.change_work(work, WorkStatus::Running, None, false);
        }
        self.look_at(&item, true, &BTreeSet::new());
    }
}

/// The paths, as expressions read them, that these events have changed.
fn changed_paths(events: &[Event], snapshot: &Snapshot) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut ticket = |name: &str| paths.extend([format!("ticket.{name}")]);
    for event in events {
        match event {
            Event::FieldSet(FieldSet { name, .. }) => ticket(&format!("fields.{name}")),
            Event::AttributeSet(AttributeSet { name, .. }) => {
                ticket(name);
                match name.as_str() {
                    "state" => ticket("state_type"),
                    "priority" => ticket("priority_name"),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    for event in events {
        match event {
            Event::AttributeSet(AttributeSet { name, .. }) if name == "customer_user" => {
                paths.extend(["login", "name", "email", "company", "kind"].map(|part| format!("customer.{part}")));
                paths.insert("customer".into());
            }
            Event::WorkEnded(WorkEnded { seq, .. }) => {
                let step = snapshot.item(*seq).map(|w| format!("steps.{}", w.activity));
                paths.extend(step.iter().flat_map(|s| ["", ".outcome", ".by", ".at"].map(|part| format!("{s}{part}"))));
            }
            _ => {}
        }
    }
    paths
}
