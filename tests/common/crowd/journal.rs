//! What callers know: each deed that was acknowledged, and what an answer said of a request that had no key.

use std::collections::BTreeMap;
use std::time::Instant;

/// Something that was asked for and acknowledged.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A process was begun; its ticket, and the file that came with it.
    Begun { number: String, file: Option<String> },
    /// The field `patched` is the mark.
    Patched,
    /// There is an article with this text.
    Noted(String),
    /// The dialog `check` was answered.
    Checked,
    /// A manager has approved.
    Voted,
    /// The message `parcel` was taken.
    Sent,
    /// A mail was taken: its ticket has the mark as its title.
    Mailed,
}

#[derive(Debug, Clone)]
pub struct Done {
    pub at: Instant,
    /// The caller's name of the ticket, unique among all rounds of all callers.
    pub mark: String,
    pub deed: Deed,
}

/// An article that was added without a key, once.
#[derive(Debug, Clone)]
pub struct Alone {
    pub at: Instant,
    pub number: String,
    pub text: String,
    pub outcome: Outcome,
}

/// Outcome according to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Nothing was changed.
    Refused,
    /// It is not known, or there was no answer.
    Unknown,
}

#[derive(Default)]
pub struct Journal {
    /// In the order of their answers.
    pub done: Vec<Done>,
    pub alone: Vec<Alone>,
    /// Marks of tickets of which nobody knows whether they were made.
    pub unknown: Vec<String>,
    /// An answer that no fault excuses.
    pub violations: Vec<String>,
    /// Requests that had to be asked again.
    pub again: u64,
}

impl Journal {
    /// Mark → number, of the tickets that were acknowledged.
    pub fn begun(&self) -> BTreeMap<&str, &str> {
        let begun = self.done.iter().filter_map(|d| match &d.deed {
            Deed::Begun { number, .. } => Some((d.mark.as_str(), number.as_str())),
            _ => None,
        });
        begun.collect()
    }
}
