//! What happened: facts in the past tense, each with the complete new value. The history stores them.
//!
//! Each event is a file of its own: its data, what it changes, the rows that it touches, its name for handlers, its line in
//! logs. A new one is its file and its lines here.

mod article_added;
mod attribute_set;
mod call_ended;
mod call_wanted;
mod child_closed;
mod content_erased;
mod dialog_submitted;
mod field_set;
mod incident_raised;
mod incident_resolved;
mod instance_ended;
mod instance_noted;
mod instance_started;
mod link_added;
mod link_removed;
mod mail_bounced;
mod mail_ended;
mod mail_queued;
mod mail_taken_back;
mod mail_wanted;
mod message_emitted;
mod message_gone;
mod message_kept;
mod message_received;
mod mutex_freed;
mod mutex_taken;
mod nobody_found;
mod notification_sent;
mod participant_added;
mod step_undone;
mod ticket_created;
mod ticket_made;
mod ticket_merged;
mod time_accounted;
mod timer_ended;
mod timer_fired;
mod timer_set;
mod turn_taken;
mod vote_cast;
mod watcher_added;
mod watcher_removed;
mod work_changed;
mod work_ended;
mod work_entered;
mod work_noted;
mod work_steered;

pub use article_added::ArticleAdded;
pub use attribute_set::AttributeSet;
pub use call_ended::CallEnded;
pub use call_wanted::CallWanted;
pub use child_closed::ChildClosed;
pub use content_erased::ContentErased;
pub use dialog_submitted::DialogSubmitted;
pub use field_set::FieldSet;
pub use incident_raised::IncidentRaised;
pub use incident_resolved::IncidentResolved;
pub use instance_ended::InstanceEnded;
pub use instance_noted::InstanceNoted;
pub use instance_started::InstanceStarted;
pub use link_added::LinkAdded;
pub use link_removed::LinkRemoved;
pub use mail_bounced::MailBounced;
pub use mail_ended::MailEnded;
pub use mail_queued::MailQueued;
pub use mail_taken_back::MailTakenBack;
pub use mail_wanted::MailWanted;
pub use message_emitted::MessageEmitted;
pub use message_gone::MessageGone;
pub use message_kept::MessageKept;
pub use message_received::MessageReceived;
pub use mutex_freed::MutexFreed;
pub use mutex_taken::MutexTaken;
pub use nobody_found::NobodyFound;
pub use notification_sent::NotificationSent;
pub use participant_added::ParticipantAdded;
pub use step_undone::StepUndone;
pub use ticket_created::TicketCreated;
pub use ticket_made::TicketMade;
pub use ticket_merged::TicketMerged;
pub use time_accounted::TimeAccounted;
pub use timer_ended::TimerEnded;
pub use timer_fired::TimerFired;
pub use timer_set::TimerSet;
pub use turn_taken::TurnTaken;
pub use vote_cast::VoteCast;
pub use watcher_added::WatcherAdded;
pub use watcher_removed::WatcherRemoved;
pub use work_changed::WorkChanged;
pub use work_ended::WorkEnded;
pub use work_entered::WorkEntered;
pub use work_noted::WorkNoted;
pub use work_steered::WorkSteered;

use crate::state::event_data::EventData;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// Written into every history row; an upcaster goes from each number to the next.
pub const FORMAT: u32 = 2;

macro_rules! events {
    ($($event:ident)*) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event", rename_all = "snake_case")]
        pub enum Event {
            $($event($event),)*
        }

        impl Event {
            /// Changes the snapshot. Nothing else does.
            pub(crate) fn apply(&self, snapshot: &mut Snapshot) {
                match self { $(Self::$event(event) => event.apply(snapshot),)* }
            }

            /// Notes the rows that the event changes.
            pub(crate) fn touch(&self, rows: &mut Touched) {
                match self { $(Self::$event(event) => event.touch(rows),)* }
            }

            /// The name of the event in `on:`, where handlers can be written for it, on the snapshot before it.
            pub fn name_for_handlers(&self, before: &Snapshot) -> Option<Cow<'static, str>> {
                match self { $(Self::$event(event) => event.name_for_handlers(before),)* }
            }

            /// One line for logs of tests; amounts and times as people write them, in the site's zone.
            pub fn summary(&self, names: &Names) -> String {
                match self { $(Self::$event(event) => event.summary(names),)* }
            }
        }
    };
}

events! {
    ArticleAdded
    AttributeSet
    CallEnded
    CallWanted
    ChildClosed
    ContentErased
    DialogSubmitted
    FieldSet
    IncidentRaised
    IncidentResolved
    InstanceEnded
    InstanceNoted
    InstanceStarted
    LinkAdded
    LinkRemoved
    MailBounced
    MailEnded
    MailQueued
    MailTakenBack
    MailWanted
    MessageEmitted
    MessageGone
    MessageKept
    MessageReceived
    MutexFreed
    MutexTaken
    NobodyFound
    NotificationSent
    ParticipantAdded
    StepUndone
    TicketCreated
    TicketMade
    TicketMerged
    TimeAccounted
    TimerEnded
    TimerFired
    TimerSet
    TurnTaken
    VoteCast
    WatcherAdded
    WatcherRemoved
    WorkChanged
    WorkEnded
    WorkEntered
    WorkNoted
    WorkSteered
}
