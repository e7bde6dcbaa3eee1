use crate::kinds::kind::Kind;
use crate::name::Name;
use crate::text::Text;
use crate::{choice, record};

choice! {
    /// What the engine knows of a state.
    pub enum StateType {
        New "new",
        Open "open",
        PendingReminder "pending_reminder",
        PendingAuto "pending_auto",
        Closed "closed",
        Merged "merged",
        Removed "removed",
    }
}

impl StateType {
    /// Nothing more happens to such a ticket by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Merged | Self::Removed)
    }

    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingReminder | Self::PendingAuto)
    }
}

record! {
    /// Where a ticket stands.
    pub struct State as "a state" {
        /// The kind of this definition.
        kind "kind": Kind = "State";
        /// The name by which definitions and expressions know the state.
        name "name": Name = "closed_successful";
        /// What the engine knows of it.
        state_type "type": StateType = "closed";
        /// The state that follows by itself when the time is reached; only of `pending_auto`.
        then "then": Option<Name> = "open";
        /// What people read.
        title "title": Option<Text> = { "en": "closed successful", "de": "erfolgreich geschlossen" };
    }
}
