//! Who of many gets the work (C19): in turn, by how much they have to do, by chance, or whoever did something before.

use super::Decision;
use super::run::{Failure, Run};
use super::submit::may_work;
use super::tell::is_away;
use crate::changes::Turn;
use crate::event::Event;
use crate::snapshot::{Retry, WorkItem};
use crate::who;
use std::collections::BTreeMap;
use vorgang_definitions::kinds::process::{Activity, Pick};

/// Work and turns that a command has given to people so far, in all tickets that it changes.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// One for each place.
    pub turns: Vec<Turn>,
    /// Work items by login.
    work: BTreeMap<String, usize>,
}

impl Given {
    /// Adds what a ticket's events give, and what is given where it makes others, in the order in which it happened.
    fn add(&mut self, events: &[Event], made: &[Decision]) {
        in_order(events, made, &mut |event| {
            take_turn(&mut self.turns, event);
            if let Event::WorkChanged { claimed_by: Some(by), .. } = event {
                *self.work.entry(by.clone()).or_default() += 1;
            }
        });
    }
}

/// Visits a ticket's events and those of the tickets that it makes or reaches, in the order in which they happened.
fn in_order(events: &[Event], made: &[Decision], visit: &mut impl FnMut(&Event)) {
    let mut later: Vec<&Decision> = made.iter().collect();
    for event in events {
        visit(event);
        if let Event::TicketMade { number, .. } = event
            && let Some(at) = later.iter().position(|d| d.after.ticket.number == *number)
        {
            let made = later.remove(at);
            in_order(&made.events, &made.made, visit);
        }
    }
    // Tickets that are only reached come once this one is at rest.
    for reached in later {
        in_order(&reached.events, &reached.made, visit);
    }
}

fn take_turn(turns: &mut Vec<Turn>, event: &Event) {
    let Event::TurnTaken { place, person, after } = event else { return };
    match turns.iter_mut().find(|t| t.place == *place) {
        Some(turn) => turn.login.clone_from(person),
        None => turns.push(Turn { place: place.clone(), login: person.clone(), after: after.clone() }),
    }
}

impl Decision {
    pub fn given(&self) -> Given {
        let mut given = Given::default();
        given.add(&self.events, &self.made);
        given
    }

    /// The turns of the whole command: the first that was found at each place, and the last that was taken.
    pub fn turns(&self) -> Vec<Turn> {
        let mut turns = vec![];
        in_order(&self.events, &self.made, &mut |event| take_turn(&mut turns, event));
        turns
    }
}

impl Run<'_> {
    /// Gives the work to one of those whom `assign` names. Where nobody can be chosen it is offered to all of them.
    pub(super) fn pick(&mut self, item: &WorkItem, activity: &Activity) -> Result<(), Failure> {
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
                self.emit(Event::TurnTaken { place, person: login.clone(), after });
            }
            self.change_work(item.seq, item.status, Some(login), true);
        }
        Ok(())
    }

    /// Who can do it, by login; those who are away only where all are.
    fn candidates(&self, item: &WorkItem, activity: &Activity) -> Result<Vec<String>, Failure> {
        let Some(assign) = &activity.assign else { return Ok(vec![]) };
        let scope = self.scope(Some(item.instance), Some(item.seq));
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
