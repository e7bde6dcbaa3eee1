//! Mutexes of the whole site: one holder for each name and key, whichever ticket it is on (C14). An instance notes what
//! it holds; who waits, and who comes first, is asked for as a fact, and the store refuses a commit that was too late.

use crate::execution::at::At;
use crate::execution::decision::Decision;
use crate::execution::facts::{LookUp, MutexFact};
use crate::execution::peer_command::PeerCommand;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::event::{Event, MutexFreed, MutexTaken};
use crate::state::ids::{InstanceId, TicketId, TicketNumber};
use crate::state::snapshot::{Held, Holder, Instance, Snapshot, Waits, WorkItem};
use std::sync::Arc;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::model::ProcessModel;

/// Who has a mutex of the site now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteHolder {
    /// Nobody; but this ticket has waited longest.
    Free(Option<TicketNumber>),
    /// A work item or group of this ticket, by the place of its instance.
    Here(InstanceId),
    /// Another ticket, by its id and number.
    Ticket(TicketId, TicketNumber),
}

impl Snapshot {
    /// The running instance that holds the mutex of the site.
    pub fn holds(&self, name: &str, key: &str) -> Option<(&Instance, &Held)> {
        let held = |i: &'_ Instance| i.more.as_ref().is_some_and(|m| m.held.iter().any(|h| h.is(name, key)));
        let instance = self.instances.iter().find(|i| held(i))?;
        instance.more.as_ref()?.held.iter().find(|h| h.is(name, key)).map(|h| (instance, h))
    }
}

impl Decision {
    /// What it has made of the mutex, with those within it: the holder's number, or that it is free now.
    fn left(&self, name: &str, key: &str) -> Option<Option<&Snapshot>> {
        let within = self.made.iter().filter_map(|d| d.left(name, key)).next_back();
        let own = self.events.iter().rev().find_map(|e| match e {
            Event::MutexTaken(MutexTaken { held, .. }) if held.is(name, key) => Some(Some(&self.after)),
            Event::MutexFreed(MutexFreed { name: n, key: k, .. }) if n == name && k == key => Some(None),
            _ => None,
        });
        within.or(own)
    }
}

impl SiteHolder {
    /// The number of another ticket that has it.
    pub fn elsewhere(self) -> Option<TicketNumber> {
        match self {
            Self::Ticket(_, number) => Some(number),
            Self::Here(_) | Self::Free(_) => None,
        }
    }
}

impl Run<'_> {
    pub(crate) fn site_holder(&self, name: &str, key: &str) -> Result<SiteHolder, LookUp> {
        if let Some((instance, _)) = self.snapshot.holds(name, key) {
            return Ok(SiteHolder::Here(instance.seq));
        }
        let of = |s: &Snapshot| SiteHolder::Ticket(s.ticket.id, s.ticket.number.clone());
        let made = self.made.iter().filter_map(|d| d.left(name, key)).next_back();
        let so_far = || self.ctx.so_far.and_then(|d| d.left(name, key));
        match made.or_else(so_far) {
            Some(Some(holder)) => return Ok(of(holder)),
            Some(None) => return Ok(SiteHolder::Free(None)),
            None => {}
        }
        let fact = self.ctx.facts.mutex(name, key)?;
        Ok(match fact.holder {
            Some((id, number)) if id != self.snapshot.ticket.id => SiteHolder::Ticket(id, number),
            // What this ticket held, it has given away in this command: then whoever waits comes first.
            Some(_) => SiteHolder::Free(fact.waiters.first().cloned()),
            None => SiteHolder::Free(None),
        })
    }

    /// The mutexes of the site that an item needs and does not have: its own, and those of its groups.
    fn site_needs(&self, process: &ProcessModel, item: &WorkItem) -> Result<Vec<Held>, Failure> {
        let instance = self.snapshot.instance(item.instance);
        let holds = |by: &Holder| instance.is_some_and(|i| i.more.as_ref().is_some_and(|m| m.held.iter().any(|h| h.by == *by)));
        let mut all = vec![];
        let groups = process.net.groups_of(&item.activity).iter().filter_map(|g| process.def.groups.at(*g));
        let of_groups = groups.map(|(name, g)| (Holder::Group { name: name.to_string() }, g.mutex.as_ref()));
        // Copies are done with their token's.
        let token = item.copy().map_or(item.seq, |c| c.of);
        let own = process.def.activities.get(&item.activity).and_then(|a| a.mutex.as_ref());
        for (by, mutex) in of_groups.chain([(Holder::Work { seq: token }, own)]) {
            if let Some((mutex, key)) = mutex.and_then(|m| Some((m, m.key.as_ref()?)))
                && !holds(&by)
            {
                let scope = self.scope(At::item(item));
                let key = key.program().evaluate(&scope).map_err(|e| Failure::of_expression(key, &e, &scope))?;
                all.push(Held { name: mutex.name.to_string(), key: text_of(&key), by });
            }
        }
        Ok(all)
    }

    /// Takes what the item needs of the site, or says which of it somebody else has. `patient` ones wait their turn.
    pub(crate) fn take_site(&mut self, item: &WorkItem, patient: bool) -> Result<Option<(Held, SiteHolder)>, Failure> {
        let Some(process) = self.process_of(item.instance).filter(has_keys) else { return Ok(None) };
        let needs = self.site_needs(&process, item)?;
        let Some(kept) = self.known(self.first_kept(&needs, patient)) else { return Ok(None) };
        if kept.is_none() {
            for held in needs {
                self.emit(Event::MutexTaken(MutexTaken { instance: item.instance, held }));
            }
        }
        Ok(kept)
    }

    /// What keeps somebody from starting the item.
    pub(crate) fn kept_by_site(&self, item: &WorkItem) -> Result<Option<(Held, SiteHolder)>, LookUp> {
        let Some(process) = self.process_of(item.instance).filter(has_keys) else { return Ok(None) };
        match self.site_needs(&process, item) {
            Ok(needs) => self.first_kept(&needs, false),
            Err(_) => Ok(None),
        }
    }

    fn first_kept(&self, needs: &[Held], patient: bool) -> Result<Option<(Held, SiteHolder)>, LookUp> {
        for held in needs {
            match self.site_holder(&held.name, &held.key)? {
                SiteHolder::Free(None) => {}
                SiteHolder::Free(Some(first)) if !patient || first == self.snapshot.ticket.number => {}
                other => return Ok(Some((held.clone(), other))),
            }
        }
        Ok(None)
    }

    /// At rest: what nobody here needs any more is free, and whoever has waited longest is told. True when something was.
    pub(crate) fn free_site(&mut self) -> bool {
        let mut gone: Vec<(InstanceId, Held)> = vec![];
        for instance in self.snapshot.instances.iter() {
            let Some(more) = instance.more.as_ref().filter(|m| !m.held.is_empty()) else { continue };
            let over = |h: &&Held| {
                let needed = match &h.by {
                    Holder::Work { seq } => self.snapshot.item(*seq).is_some_and(|w| w.status.is_open() && self.keeps(w)),
                    Holder::Group { name } => self.is_in_group(instance, name),
                };
                instance.outcome.is_some() || !needed
            };
            gone.extend(more.held.iter().filter(over).map(|h| (instance.seq, h.clone())));
        }
        for (instance, held) in &gone {
            let Some(fact) = self.known(self.ctx.facts.mutex(&held.name, &held.key)) else { continue };
            let (name, key) = (held.name.clone(), held.key.clone());
            self.emit(Event::MutexFreed(MutexFreed { instance: *instance, name: name.clone(), key: key.clone(), rev: fact.rev }));
            self.wake(name, key, fact.waiters.first());
        }
        !gone.is_empty()
    }

    fn wake(&mut self, name: String, key: String, first: Option<&TicketNumber>) {
        if let Some(number) = first.filter(|n| **n != self.snapshot.ticket.number) {
            self.reach(number, PeerCommand::TakeMutex { name, key });
        }
    }

    /// Somebody has begun with the item, or it waits for something else than the mutex in between.
    fn keeps(&self, item: &WorkItem) -> bool {
        let copies = self.snapshot.open_work().any(|w| w.copy().is_some_and(|c| c.of == item.seq) && w.is_started());
        item.is_started() || copies
    }

    fn is_in_group(&self, instance: &Instance, name: &str) -> bool {
        let Some(process) = self.process_of(instance.seq) else { return false };
        let Some(group) = process.def.groups.position(name) else { return false };
        self.snapshot.open_work().any(|w| w.instance == instance.seq && process.net.is_in(&w.activity, group))
    }
}

/// A mutex that this ticket waits for is free: whoever waits here takes it, or the next ticket does.
pub fn take_over(run: &mut Run, name: &str, key: &str) {
    run.run_to_completion();
    let Some(holder) = run.known(run.site_holder(name, key)) else { return };
    if run.snapshot.holds(name, key).is_none() && matches!(holder, SiteHolder::Free(_)) {
        let Some(MutexFact { waiters, .. }) = run.known(run.ctx.facts.mutex(name, key)) else { return };
        let here = waiters.iter().position(|n| *n == run.snapshot.ticket.number);
        let next = here.and_then(|at| waiters.get(at + 1)).cloned();
        run.wake(name.to_owned(), key.to_owned(), next.as_ref());
    }
}

/// What an item waits for, for a mutex of the site that somebody has.
pub fn waits(held: &Held, holder: &SiteHolder) -> Waits {
    let ticket = match holder {
        SiteHolder::Ticket(id, _) => Some(*id),
        SiteHolder::Here(_) | SiteHolder::Free(_) => None,
    };
    Waits::Mutex { name: Some(held.name.clone()), key: Some(held.key.clone()), ticket }
}

fn has_keys(process: &Arc<ProcessModel>) -> bool {
    let groups = process.def.groups.iter().filter_map(|(_, g)| g.mutex.as_ref());
    let activities = process.def.activities.iter().filter_map(|(_, a)| a.mutex.as_ref());
    groups.chain(activities).any(|m| m.key.is_some())
}

fn text_of(value: &Value) -> String {
    match value.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}
