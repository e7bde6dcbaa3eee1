//! The place of an action or expression.

use crate::state::ids::Seq;
use crate::state::snapshot::WorkItem;

/// The ticket itself, an instance of a process on it, or a work item of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Ticket,
    Instance(Seq),
    Work { instance: Seq, work: Seq },
}

impl At {
    pub fn item(item: &WorkItem) -> Self {
        Self::Work { instance: item.instance, work: item.seq }
    }

    pub fn instance(self) -> Option<Seq> {
        match self {
            Self::Ticket => None,
            Self::Instance(instance) | Self::Work { instance, .. } => Some(instance),
        }
    }

    pub fn work(self) -> Option<Seq> {
        match self {
            Self::Work { work, .. } => Some(work),
            Self::Ticket | Self::Instance(_) => None,
        }
    }
}
