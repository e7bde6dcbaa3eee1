//! The context of a decision: time, actor, people, and facts about other tickets.

use crate::execution::decision::{Decision, Given};
use crate::execution::facts::Facts;
use crate::rules::trace::Trace;
use crate::state::ids::{TicketId, TicketNumber};
use crate::state::people::{Directory, Person};
use jiff::Timestamp;

/// Everything that is not in the ticket: who, when, and numbers for what is made.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub now: Timestamp,
    pub actor: &'a Person,
    pub people: &'a Directory,
    /// Id and number for the ticket that the command creates.
    pub new_ticket: Option<(TicketId, TicketNumber)>,
    /// How many numbers of `facts` belong to tickets that were made before.
    pub numbers_taken: usize,
    pub facts: &'a Facts,
    /// What the command that set this off has decided so far.
    pub so_far: Option<&'a Decision>,
    /// Work and turns that it has given to people so far.
    pub given: Given,
    /// How many tickets stand between this one and the command that set it off.
    pub depth: u8,
    /// Where it is written down which conditions were asked, and what they said: in tests.
    pub trace: Option<&'a Trace>,
}

impl<'a> Context<'a> {
    /// For looking at what would happen, where nothing is stored.
    pub fn trial(now: Timestamp, actor: &'a Person, people: &'a Directory) -> Self {
        Self {
            now,
            actor,
            people,
            new_ticket: None,
            numbers_taken: 0,
            facts: Facts::trial(),
            so_far: None,
            given: Given::default(),
            depth: 0,
            trace: None,
        }
    }
}
