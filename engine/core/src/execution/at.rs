//! The place of an action or expression.

use crate::state::ids::{InstanceId, WorkId};
use crate::state::snapshot::WorkItem;

/// The ticket itself, an instance of a process on it, or a work item of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Ticket,
    Instance(InstanceId),
    Work { instance: InstanceId, work: WorkId },
}

impl At {
    pub fn item(item: &WorkItem) -> Self {
        Self::Work { instance: item.instance, work: item.seq }
    }

    pub fn instance(self) -> Option<InstanceId> {
        match self {
            Self::Ticket => None,
            Self::Instance(instance) | Self::Work { instance, .. } => Some(instance),
        }
    }

    pub fn work(self) -> Option<WorkId> {
        match self {
            Self::Work { work, .. } => Some(work),
            Self::Ticket | Self::Instance(_) => None,
        }
    }
}
