//! Who of many gets the work (C19): in turn, by how much they have to do, by chance, or whoever did something before.

use crate::execution::at::At;
use crate::execution::decision::Given;
use crate::execution::run::Run;
use crate::net::absence::is_away;
use crate::net::workers::may_work;
use crate::rules::failure::Failure;
use crate::rules::who;
use crate::state::event::{Event, TurnTaken};
use crate::state::ids::Login;
use crate::state::snapshot::{Retry, WorkItem};
use vorgang_definitions::kinds::process::{Activity, Pick};

impl Run<'_> {
    /// Gives the work to one of those whom `assign` names. Where nobody can be chosen it is offered to all of them.
    pub(crate) fn pick(&mut self, item: &WorkItem, activity: &Activity) -> Result<(), Failure> {
        let Some(assign) = activity.assign.as_ref().filter(|a| a.pick() != &Pick::Offer && item.claimed_by.is_none()) else {
            return Ok(());
        };
        let candidates = self.candidates(item, activity)?;
        let place = self.snapshot.instance(item.instance).map_or(String::new(), |i| format!("{}.{}", i.process, item.activity));
        let chosen = match assign.pick() {
            Pick::Offer => None,
            Pick::SameAs(activity) => {
                let by = self.snapshot.step(item.instance, activity).map(|s| s.by.clone());
                by.filter(|by| candidates.contains(by))
            }
            Pick::Random => match candidates.len() {
                0 => None,
                n => Some(candidates[(self.chance(item) % n as u64) as usize].clone()),
            },
            Pick::ShortestQueue => self.least_loaded(&candidates),
            Pick::RoundRobin => {
                let Some(last) = self.last_turn(&place) else { return Ok(()) };
                let chosen = Self::next_in_turn(last.as_ref(), &candidates);
                if let Some(person) = chosen.clone() {
                    self.emit(Event::TurnTaken(TurnTaken { place, person, after: last }));
                }
                chosen
            }
        };
        if candidates.is_empty() {
            let message = format!("`{}` is for nobody who is there", item.activity);
            if !self.is_heard("nobody", Some(item.instance)) {
                self.raise(Failure::new("nobody", message), Some(item.activity.clone()), Retry::Nothing);
            }
        }
        if let Some(login) = chosen {
            self.change_work(item.seq, item.status, Some(login), true);
        }
        Ok(())
    }

    /// Who can do it, by login; those who are away only where all are.
    fn candidates(&self, item: &WorkItem, activity: &Activity) -> Result<Vec<Login>, Failure> {
        let Some(assign) = &activity.assign else { return Ok(vec![]) };
        let scope = self.scope(At::item(item));
        let people = who::people(&assign.who, &scope).map_err(|e| Failure::new("expression", e.to_string()))?;
        let able = |l: &Login| self.ctx.people.get(l).is_some_and(|p| may_work(self, item, p).is_ok());
        let mut able: Vec<Login> = people.into_iter().filter(able).collect();
        able.sort();
        let there: Vec<Login> = able.iter().filter(|l| !self.ctx.people.get(l).is_some_and(|p| is_away(self, p))).cloned().collect();
        Ok(if there.is_empty() { able } else { there })
    }

    /// The candidate with the least claimed work, this command's included; of several the first by login.
    fn least_loaded(&mut self, candidates: &[Login]) -> Option<Login> {
        let given = self.given().work;
        let mut loads = vec![];
        for login in candidates {
            let stored = self.known(self.ctx.facts.load(login));
            loads.extend(stored.map(|stored| (stored as usize + given.get(login).copied().unwrap_or(0), login)));
        }
        loads.into_iter().min().map(|(_, login)| login.clone()).filter(|_| !self.is_void())
    }

    /// The login of the last turn at this place, this command's included; the outer `None` where it has to be looked up.
    fn last_turn(&mut self, place: &str) -> Option<Option<Login>> {
        let turn = self.given().turns.into_iter().find(|t| t.place == place);
        match turn {
            Some(turn) => Some(Some(turn.login)),
            None => self.known(self.ctx.facts.turn(place)),
        }
    }

    /// Passes on to a ticket that this one makes how much was given so far.
    pub(crate) fn given(&self) -> Given {
        let mut given = self.ctx.given.clone();
        given.add(&self.events, &self.made);
        given
    }

    fn next_in_turn(last: Option<&Login>, candidates: &[Login]) -> Option<Login> {
        let after = candidates.iter().find(|l| last.is_some_and(|last| *l > last));
        after.or(candidates.first()).cloned()
    }

    /// The same whenever it is decided again, and not to be foreseen by people. FNV-1a.
    fn chance(&self, item: &WorkItem) -> u64 {
        let parts = [self.snapshot.ticket.id.0 as u64, u64::from(item.seq.0), self.ctx.now.as_microsecond() as u64];
        let bytes = parts.iter().flat_map(|p| p.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}
