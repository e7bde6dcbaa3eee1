//! Who of many gets the work (C19): in turn, by how much they have to do, by chance, or whoever did something before.

use crate::execution::at::At;
use crate::execution::decision::Given;
use crate::execution::run::Run;
use crate::net::absence::is_away;
use crate::net::workers::may_work;
use crate::rules::failure::Failure;
use crate::rules::who;
use crate::state::event::{Event, TurnTaken};
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
            Pick::ShortestQueue => candidates.iter().min_by_key(|l| (self.load(l), (*l).clone())).cloned(),
            Pick::RoundRobin => Self::next_in_turn(self.last_turn(&place).as_ref(), &candidates),
        };
        if candidates.is_empty() {
            let message = format!("`{}` is for nobody who is there", item.activity);
            if !self.is_heard("nobody", Some(item.instance)) {
                self.raise(Failure::new("nobody", message), Some(item.activity.clone()), Retry::Nothing);
            }
        }
        if let Some(login) = chosen {
            if assign.pick() == &Pick::RoundRobin {
                let after = self.last_turn(&place);
                self.emit(Event::TurnTaken(TurnTaken { place, person: login.clone(), after }));
            }
            self.change_work(item.seq, item.status, Some(login), true);
        }
        Ok(())
    }

    /// Who can do it, by login; those who are away only where all are.
    fn candidates(&self, item: &WorkItem, activity: &Activity) -> Result<Vec<String>, Failure> {
        let Some(assign) = &activity.assign else { return Ok(vec![]) };
        let scope = self.scope(At::item(item));
        let people = who::people(&assign.who, &scope).map_err(|e| Failure::new("expression", e.to_string()))?;
        let able = |l: &String| self.ctx.people.get(l).is_some_and(|p| may_work(self, item, p).is_ok());
        let mut able: Vec<String> = people.into_iter().filter(able).collect();
        able.sort();
        let there: Vec<String> = able.iter().filter(|l| !self.ctx.people.get(l).is_some_and(|p| is_away(self, p))).cloned().collect();
        Ok(if there.is_empty() { able } else { there })
    }

    /// How much this person has to do, with what this command gives.
    fn load(&self, login: &str) -> usize {
        self.ctx.facts.load(login) as usize + self.given().work.get(login).copied().unwrap_or(0)
    }

    /// The last turn at this place, this command included.
    fn last_turn(&self, place: &str) -> Option<String> {
        let turn = self.given().turns.into_iter().find(|t| t.place == place);
        turn.map(|t| t.login).or_else(|| self.ctx.facts.turn(place))
    }

    /// Passes on to a ticket that this one makes how much was given so far.
    pub(crate) fn given(&self) -> Given {
        let mut given = self.ctx.given.clone();
        given.add(&self.events, &self.made);
        given
    }

    fn next_in_turn(last: Option<&String>, candidates: &[String]) -> Option<String> {
        let after = candidates.iter().find(|l| last.is_some_and(|last| *l > last));
        after.or(candidates.first()).cloned()
    }

    /// The same whenever it is decided again, and not to be foreseen by people. FNV-1a.
    fn chance(&self, item: &WorkItem) -> u64 {
        let parts = [self.snapshot.ticket.id as u64, u64::from(item.seq), self.ctx.now.as_microsecond() as u64];
        let bytes = parts.iter().flat_map(|p| p.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}
