//! Facts that a command needs and its ticket does not hold: numbers for new tickets, other tickets, rows of the whole site.
//!
//! A decision performs no I/O. A fact that is not there becomes a [`LookUp`]; the runtime finds it and decides again.

use crate::state::article::Article;
use crate::state::ids::{Login, TicketId, TicketNumber};
use crate::state::linked::Linked;
use crate::state::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tickets that one command may make.
pub const NEW_TICKETS_MAX: usize = 100;

/// One question to the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LookUp {
    /// This many numbers for new tickets.
    Numbers(usize),
    /// The ticket with this number.
    Ticket(TicketNumber),
    /// Articles and links of the ticket with this number.
    Content(TicketNumber),
    /// For each name of an attribute or field, the last version that changed it, of those after this one; the ticket by its id.
    Changes { ticket: TicketId, after: u64 },
    /// The holder and the waiting tickets of a mutex of the site.
    Mutex { name: String, key: String },
    /// The login of the last turn at an activity of a process (`PROCESS.ACTIVITY`).
    Turn(String),
    /// The number of open work items that the person with this login has claimed.
    Load(Login),
}

/// Questions that a command waits for.
pub type LookUps = BTreeSet<LookUp>;

/// The answer to a [`LookUp`] other than `Numbers`. `None`: there is no such ticket, or no turn yet.
#[derive(Debug, Clone)]
pub enum Fact {
    Ticket(Option<Arc<Snapshot>>),
    Content(Option<Arc<Content>>),
    Changes(Arc<BTreeMap<String, u64>>),
    Mutex(MutexFact),
    Turn(Option<Login>),
    Load(u32),
}

/// The rows of a ticket that are not loaded with it.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub articles: Vec<Article>,
    pub links: Vec<Linked>,
}

/// The state of a mutex of the site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutexFact {
    /// The ticket that holds it, by its id and number.
    pub holder: Option<(TicketId, TicketNumber)>,
    /// How many have come to wait for it since it was taken.
    pub rev: i64,
    /// Numbers of the first tickets that wait, the longest first.
    pub waiters: Vec<TicketNumber>,
}

#[derive(Debug, Default)]
pub struct Facts {
    numbers: Vec<(TicketId, TicketNumber)>,
    known: BTreeMap<LookUp, Fact>,
    /// A trial, whose result is not stored: every ticket gets the same number, and other rows do not exist.
    trial: bool,
}

impl Facts {
    /// `numbers` are the ids and numbers for new tickets, in the order in which they are used.
    pub fn new(numbers: Vec<(TicketId, TicketNumber)>, known: BTreeMap<LookUp, Fact>) -> Self {
        Self { numbers, known, trial: false }
    }

    /// For decisions that only show what would happen.
    pub fn trial() -> &'static Self {
        static TRIAL: Facts = Facts { numbers: vec![], known: BTreeMap::new(), trial: true };
        &TRIAL
    }

    /// Id and number for a new ticket after `taken` others; `None` beyond [`NEW_TICKETS_MAX`].
    pub fn number(&self, taken: usize) -> Result<Option<(TicketId, TicketNumber)>, LookUp> {
        match self.numbers.get(taken) {
            Some(number) => Ok(Some(number.clone())),
            None if self.trial => Ok(Some((TicketId(0), "…".into()))),
            None if taken >= NEW_TICKETS_MAX => Ok(None),
            None => Err(LookUp::Numbers(taken + 1)),
        }
    }

    /// The fact; `None` in a trial, where nothing else exists.
    fn find(&self, asked: LookUp) -> Result<Option<&Fact>, LookUp> {
        match self.known.get(&asked) {
            None if !self.trial => Err(asked),
            found => Ok(found),
        }
    }

    pub fn other(&self, number: &TicketNumber) -> Result<Option<Arc<Snapshot>>, LookUp> {
        let fact = self.find(LookUp::Ticket(number.clone()))?;
        Ok(if let Some(Fact::Ticket(found)) = fact { found.clone() } else { None })
    }

    pub fn content(&self, number: &TicketNumber) -> Result<Option<Arc<Content>>, LookUp> {
        let fact = self.find(LookUp::Content(number.clone()))?;
        Ok(if let Some(Fact::Content(found)) = fact { found.clone() } else { None })
    }

    pub fn changes(&self, ticket: TicketId, after: u64) -> Result<Arc<BTreeMap<String, u64>>, LookUp> {
        let fact = self.find(LookUp::Changes { ticket, after })?;
        Ok(if let Some(Fact::Changes(changes)) = fact { changes.clone() } else { Arc::default() })
    }

    pub fn mutex(&self, name: &str, key: &str) -> Result<MutexFact, LookUp> {
        let fact = self.find(LookUp::Mutex { name: name.to_owned(), key: key.to_owned() })?;
        Ok(if let Some(Fact::Mutex(mutex)) = fact { mutex.clone() } else { MutexFact::default() })
    }

    pub fn turn(&self, place: &str) -> Result<Option<Login>, LookUp> {
        let fact = self.find(LookUp::Turn(place.to_owned()))?;
        Ok(if let Some(Fact::Turn(login)) = fact { login.clone() } else { None })
    }

    pub fn load(&self, login: &Login) -> Result<u32, LookUp> {
        let fact = self.find(LookUp::Load(login.to_owned()))?;
        Ok(if let Some(Fact::Load(count)) = fact { *count } else { 0 })
    }

    pub fn is_trial(&self) -> bool {
        self.trial
    }
}
