//! What happens while people look: who is to be told that a ticket changed, that there is a notification, and who else
//! has a ticket open. Only numbers and versions: what they stand for is fetched, and permission is asked then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;
use vorgang_core::event::{Event, NotificationSent};
use vorgang_core::ids::{Login, TicketNumber};
use vorgang_core::snapshot::Snapshot;
use vorgang_store::nodes::Here as Elsewhere;

/// Signals that a slow listener may be behind; one that is further behind looks at everything anew.
const BEHIND_MAX: usize = 1_024;

/// Streams that one person may have open.
const STREAMS_MAX: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    Ticket {
        number: TicketNumber,
        version: u64,
    },
    /// Somebody has a new notification.
    Told {
        login: Login,
    },
    /// Who has the ticket open is another now.
    Presence {
        number: TicketNumber,
    },
    /// Something may have happened that nobody heard of.
    Missed,
    /// The server ends.
    Closing,
}

#[derive(Debug)]
pub struct Live {
    signals: broadcast::Sender<Signal>,
    here: Mutex<Here>,
    closed: AtomicBool,
    /// Who has a ticket open on other nodes.
    elsewhere: Mutex<Elsewhere>,
}

#[derive(Debug, Default)]
struct Here {
    /// For each ticket who has it open, and how often.
    tickets: HashMap<TicketNumber, BTreeMap<Login, usize>>,
    streams: HashMap<Login, usize>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            signals: broadcast::channel(BEHIND_MAX).0,
            here: Mutex::default(),
            closed: AtomicBool::new(false),
            elsewhere: Mutex::default(),
        }
    }
}

/// One open stream; dropping it ends it.
pub struct Listener {
    live: Arc<Live>,
    pub login: Login,
    pub tickets: Vec<TicketNumber>,
    pub signals: broadcast::Receiver<Signal>,
}

impl Live {
    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where this person has too many streams, or the server ends.
    pub fn listen(self: &Arc<Self>, login: &str, tickets: Vec<TicketNumber>) -> Option<Listener> {
        if self.closed.load(Ordering::Acquire) {
            return None;
        }
        let signals = self.signals.subscribe();
        {
            let mut here = self.here();
            let streams = here.streams.entry(login.into()).or_default();
            if *streams >= STREAMS_MAX {
                return None;
            }
            *streams += 1;
            for number in &tickets {
                *here.tickets.entry(number.clone()).or_default().entry(login.into()).or_default() += 1;
            }
        }
        tickets.iter().for_each(|number| self.send(Signal::Presence { number: number.clone() }));
        Some(Listener { live: self.clone(), login: login.into(), tickets, signals })
    }

    /// Who has the ticket open, but for this person.
    pub fn others(&self, number: &str, login: &str) -> Vec<Login> {
        let here = self.here();
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let there = elsewhere.get(number).into_iter().flatten();
        let all: BTreeSet<&Login> = here.tickets.get(number).into_iter().flat_map(BTreeMap::keys).chain(there).collect();
        all.into_iter().filter(|l| *l != login).cloned().collect()
    }

    /// For each ticket's number who has it open here.
    pub fn here_all(&self) -> Elsewhere {
        self.here().tickets.iter().map(|(number, people)| (number.clone(), people.keys().cloned().collect())).collect()
    }

    /// Who has which ticket open on other nodes, from now on.
    pub fn elsewhere(&self, now: Elsewhere) {
        let before = {
            let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
            if *elsewhere == now {
                return;
            }
            std::mem::replace(&mut *elsewhere, now.clone())
        };
        let numbers: BTreeSet<&TicketNumber> = before.keys().chain(now.keys()).filter(|n| before.get(*n) != now.get(*n)).collect();
        numbers.into_iter().for_each(|number| self.send(Signal::Presence { number: number.clone() }));
    }

    /// Whatever happened elsewhere, nobody here was told.
    pub fn missed(&self) {
        self.send(Signal::Missed);
    }

    /// A ticket changed on another node.
    pub fn heard(&self, number: TicketNumber, version: u64) {
        self.send(Signal::Ticket { number, version });
    }

    /// Somebody was told something on another node.
    pub fn told(&self, login: Login) {
        self.send(Signal::Told { login });
    }

    /// What a commit means for those who look.
    pub fn committed(&self, after: &Snapshot, events: &[Event]) {
        if self.signals.receiver_count() == 0 {
            return;
        }
        self.send(Signal::Ticket { number: after.ticket.number.clone(), version: after.version });
        for event in events {
            if let Event::NotificationSent(NotificationSent { notification: n }) = event
                && n.portal
            {
                self.send(Signal::Told { login: n.to.clone() });
            }
        }
    }

    /// Does anybody look?
    pub fn has_listeners(&self) -> bool {
        self.signals.receiver_count() > 0
    }

    /// Does the server end?
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Ends all streams, so that the server can end.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.send(Signal::Closing);
    }

    /// Without a listener there is nobody to hear it.
    fn send(&self, signal: Signal) {
        let _ = self.signals.send(signal);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        {
            let mut here = self.live.here();
            for number in &self.tickets {
                let Some(people) = here.tickets.get_mut(number) else { continue };
                if let Some(n) = people.get_mut(&self.login) {
                    *n -= 1;
                }
                people.retain(|_, n| *n > 0);
                if people.is_empty() {
                    here.tickets.remove(number);
                }
            }
            if let Some(n) = here.streams.get_mut(&self.login) {
                *n -= 1;
            }
            here.streams.retain(|_, n| *n > 0);
        }
        self.tickets.iter().for_each(|number| self.live.send(Signal::Presence { number: number.clone() }));
    }
}
