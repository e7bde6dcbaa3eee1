//! What happened: facts in the past tense, each with the complete new value. The history stores them.

use crate::state::article::Article;
use crate::state::ids::Seq;
use crate::state::mail::{Address, Outgoing};
use crate::state::message::Data;
use crate::state::notice::Notice;
use crate::state::snapshot::{
    Call, Held, Incident, Instance, InstanceMore, KeptMessage, Ticket, Timer, TimerKind, WorkItem, WorkMore, WorkStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Written into every history row; an upcaster goes from each number to the next.
pub const FORMAT: u32 = 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    TicketCreated {
        ticket: Box<Ticket>,
    },
    /// An attribute's new value; `null` where it is unset.
    AttributeSet {
        name: String,
        old: Json,
        new: Json,
    },
    /// An own field's new value in stored form; `null` where it is unset.
    FieldSet {
        name: String,
        old: Json,
        new: Json,
    },
    ArticleAdded {
        article: Article,
    },
    /// The content of an article, or files of it, were removed for good.
    ContentErased {
        article: Seq,
        /// Subject and text as well as the files.
        whole: bool,
        /// Hashes of the files.
        files: Vec<String>,
        reason: String,
        by: String,
        at: Timestamp,
        /// The erased pieces of the history: versions, each with the numbers of its pieces.
        pieces: Vec<(u64, Vec<u32>)>,
    },
    /// Minutes of somebody's work; less than nothing where they went elsewhere.
    TimeAccounted {
        minutes: i64,
        by: String,
        /// What was written with it.
        article: Option<Seq>,
        at: Timestamp,
    },
    InstanceStarted {
        instance: Instance,
    },
    InstanceEnded {
        seq: Seq,
        outcome: String,
        at: Timestamp,
    },
    WorkEntered {
        item: WorkItem,
    },
    WorkChanged {
        seq: Seq,
        status: WorkStatus,
        claimed_by: Option<String>,
        epoch: u32,
        audience: Vec<String>,
    },
    /// The token left the activity; with an outcome it completed it.
    WorkEnded {
        seq: Seq,
        status: WorkStatus,
        outcome: Option<String>,
        by: String,
        at: Timestamp,
    },
    /// What few work items have, whole.
    WorkNoted {
        seq: Seq,
        more: Box<WorkMore>,
    },
    /// What few instances have, whole.
    InstanceNoted {
        seq: Seq,
        more: Box<InstanceMore>,
    },
    /// The work is for people, and there are fewer than it needs.
    NobodyFound {
        work: Seq,
        needed: u32,
        found: u32,
    },
    /// Work was given to this person in turn.
    TurnTaken {
        place: String,
        person: String,
        /// Who had the turn before; nobody the first time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// The instance holds a mutex of the site.
    MutexTaken {
        instance: Seq,
        held: Held,
    },
    /// It does not need it any more; `rev` counts those who had come to wait for it until then.
    MutexFreed {
        instance: Seq,
        name: String,
        key: String,
        rev: i64,
    },
    /// Somebody did something by hand with the work at an activity: what, where to or with which outcome, and why.
    WorkSteered {
        instance: Seq,
        activity: String,
        hand: String,
        to: Option<String>,
        reason: String,
        at: Timestamp,
    },
    /// What the activity did was taken back by its `compensate`.
    StepUndone {
        instance: Seq,
        activity: String,
    },
    DialogSubmitted {
        work: Seq,
        dialog: String,
        outcome: String,
    },
    VoteCast {
        work: Seq,
        person: String,
        outcome: String,
        at: Timestamp,
    },
    /// Set, or set anew under the same number.
    TimerSet {
        timer: Timer,
    },
    /// It has done what it is for.
    TimerFired {
        seq: Seq,
        work: Option<Seq>,
        kind: TimerKind,
    },
    /// Taken back; those of a work item go with it, without an event.
    TimerEnded {
        seq: Seq,
    },
    WatcherAdded {
        person: String,
        at: Timestamp,
    },
    WatcherRemoved {
        person: String,
    },
    IncidentRaised {
        incident: Incident,
    },
    IncidentResolved {
        seq: Seq,
        at: Timestamp,
    },
    NotificationSent {
        notification: Notice,
    },
    /// Another ticket was made by what happened to this one.
    TicketMade {
        id: i64,
        number: String,
    },
    /// `kind` is what the other ticket is to this one: child, parent, related.
    LinkAdded {
        other: i64,
        number: String,
        kind: String,
        at: Timestamp,
    },
    /// This one was merged into the other, or (without `into`) the other into this one.
    TicketMerged {
        other: i64,
        number: String,
        into: bool,
    },
    /// One of its child tickets was closed, and whether it was the last open one.
    ChildClosed {
        number: String,
        last: bool,
    },
    /// From whichever end it was linked.
    LinkRemoved {
        other: i64,
        number: String,
        kind: String,
    },
    /// A message to every instance that it matches, delivered after the commit.
    MessageEmitted {
        name: String,
        data: Data,
        /// The site keeps it so long, where no instance matches.
        until: Option<Timestamp>,
        /// How many messages set each other off before it.
        #[serde(default)]
        hops: u32,
    },
    /// A message has reached an instance.
    MessageReceived {
        instance: Seq,
        name: String,
        data: Data,
    },
    /// No handler waits for it yet.
    MessageKept {
        message: KeptMessage,
    },
    /// A handler has taken what was kept, or its time is over.
    MessageGone {
        seq: Seq,
    },
    /// A program is to be run after the commit.
    CallWanted {
        call: Call,
    },
    /// It has answered, or failed for good: then `message` says why. Those of a work item go with it, without an event.
    CallEnded {
        seq: Seq,
        program: String,
        output: Option<String>,
        message: Option<String>,
    },
    /// The mail of a notification was sent, or given up: then `message` says why.
    MailEnded {
        notice: Seq,
        to: String,
        message: Option<String>,
    },
    /// The mail of a notification is to be sent again.
    MailWanted {
        notice: Seq,
    },
    /// A mail goes out, to whoever is meant.
    MailQueued {
        outgoing: Outgoing,
    },
    /// It did not go out yet, and does not.
    MailTakenBack {
        mail: Seq,
        article: Seq,
    },
    /// A mail of this ticket did not reach the address.
    MailBounced {
        address: String,
        message: String,
        at: Timestamp,
    },
    /// Whoever writes from there may be answered, and belongs here.
    ParticipantAdded {
        participant: Address,
        at: Timestamp,
    },
}
