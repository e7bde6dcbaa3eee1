//! What goes out of the desk, whatever the way: mail, programs that are run, messages to processes. A row is written by the
//! commit that wants it, claimed by a process, and attempted until it ends.

use crate::{Commit, Origin, Result};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{CallId, TicketId, TicketNumber};
use vorgang_core::mail::Outgoing;
use vorgang_core::notice::Notice;
use vorgang_core::snapshot::Call;

/// The way that a delivery takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Mail,
    Program,
    Message,
}

impl Channel {
    pub const ALL: [Self; 3] = [Self::Mail, Self::Program, Self::Message];

    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Program => "program",
            Self::Message => "message",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.word() == word)
    }

    /// An attempt counts when it begins: one that takes this process down with it would be made for ever. Others count when
    /// they end.
    pub fn counts_beginnings(self) -> bool {
        self == Self::Program
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Goes out only when an administrator releases it.
    Held,
    /// Is attempted at its time.
    Due,
    /// Has arrived.
    Sent,
    /// Was given up.
    Failed,
    /// Its author took it back before it went out.
    TakenBack,
}

impl DeliveryState {
    pub const ALL: [Self; 5] = [Self::Due, Self::Failed, Self::Held, Self::Sent, Self::TakenBack];

    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Due => "due",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::TakenBack => "taken_back",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// What goes first where there is much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A person wrote it, or waits for it.
    Person,
    /// The desk says it by itself.
    Desk,
    /// A job says it, perhaps to very many.
    Mass,
}

impl Rank {
    /// In the order of their numbers in the database.
    pub const ALL: [Self; 3] = [Self::Person, Self::Desk, Self::Mass];

    /// Of what the desk says in this commit.
    pub fn of_desk(origin: &Origin) -> Self {
        if matches!(origin, Origin::Job { .. }) { Self::Mass } else { Self::Desk }
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    /// The same however often it is attempted: `TICKET-NUMBER` of a mail.
    pub key: String,
    pub channel: Channel,
    /// The account of a mail that goes out from one, the program, or the message's name.
    pub lane: String,
    /// `None` of a message, which may be for several.
    pub ticket: Option<TicketId>,
    /// The ticket's number; empty without a ticket.
    pub number: TicketNumber,
    /// For whom it is: the login of a notification, the address of another mail; empty where it is for no person.
    pub recipient: String,
    pub state: DeliveryState,
    pub content: Content,
    pub created: Timestamp,
    /// When it is attempted next.
    pub due: Timestamp,
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// It was claimed before: an attempt may have been made whose end nobody knows.
    pub begun: bool,
    /// Mails with the same digest go out as one.
    pub digest: Option<String>,
    /// The trace of the command that wrote it.
    pub trace: Option<String>,
}

impl Delivery {
    /// One line that tells people what it is.
    pub fn title(&self) -> &str {
        match &self.content {
            Content::Mail { outgoing } => &outgoing.subject,
            Content::Notice { subject, .. } => subject,
            Content::Program { program, .. } => program,
            Content::Message { name, .. } => name,
        }
    }

    /// The notification that wrote it; empty for anything else.
    pub fn notification(&self) -> &str {
        match &self.content {
            Content::Notice { notification, .. } => notification,
            _ => "",
        }
    }

    /// The mail, where it is one and no notification.
    pub fn outgoing(&self) -> Option<&Outgoing> {
        match &self.content {
            Content::Mail { outgoing } => Some(outgoing),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A mail that a person or an automatic response wrote.
    Mail { outgoing: Outgoing },
    Program {
        call: CallId,
        program: String,
        /// How often it is tried again, and how many seconds later at first.
        retry: (u32, u32),
    },
    /// The id of the message's own row.
    Message { message: i64, name: String },
    Notice {
        subject: String,
        body: String,
        notification: String,
        /// The recipient could see the ticket, and has to still.
        #[serde(default)]
        sees: bool,
    },
}

/// What of a delivery is one text in the database.
#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    pub ticket: TicketNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    #[serde(flatten)]
    pub content: Content,
}

/// A delivery as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDelivery {
    pub channel: Channel,
    pub lane: String,
    pub key: String,
    pub ticket: Option<TicketId>,
    pub recipient: String,
    pub rank: Rank,
    pub payload: String,
    pub created: Timestamp,
    pub due: Timestamp,
    /// Longest time of an attempt: so long it belongs to the process that has claimed it.
    pub span: SignedDuration,
}

/// How long a mail belongs to the attempt under way; longer than all of a batch may take.
pub const MAIL_SPAN: SignedDuration = SignedDuration::from_mins(15);
/// The same for a message, which may be for very many tickets.
pub const MESSAGE_SPAN: SignedDuration = SignedDuration::from_mins(15);
/// How long a program's run belongs to the attempt under way, beyond what the program may take.
const PROGRAM_SPAN: SignedDuration = SignedDuration::from_secs(60);

fn payload(ticket: &TicketNumber, trace: Option<&str>, content: Content) -> String {
    let payload = Payload { ticket: ticket.clone(), trace: trace.map(str::to_owned), content };
    serde_json::to_string(&payload).unwrap_or_default()
}

impl NewDelivery {
    /// The mail of a notification.
    pub fn of_notice(commit: &Commit, notice: &Notice) -> Self {
        let t = &commit.changes.ticket;
        let content = Content::Notice {
            subject: notice.subject.clone(),
            body: notice.body.clone(),
            notification: notice.name.clone(),
            sees: notice.sees,
        };
        Self {
            channel: Channel::Mail,
            lane: notice.account.clone().unwrap_or_default(),
            key: mail_key(t.id, notice.seq),
            ticket: Some(t.id),
            recipient: notice.to.to_string(),
            rank: Rank::of_desk(&commit.origin),
            payload: payload(&t.number, commit.trace.as_deref(), content),
            created: notice.at,
            due: notice.not_before.unwrap_or(notice.at),
            span: MAIL_SPAN,
        }
    }

    /// A mail that is no notification.
    pub fn of_mail(commit: &Commit, mail: &Outgoing) -> Self {
        let t = &commit.changes.ticket;
        Self {
            channel: Channel::Mail,
            lane: mail.account.clone().unwrap_or_default(),
            key: mail_key(t.id, mail.seq),
            ticket: Some(t.id),
            recipient: mail.to.first().map_or_else(String::new, |a| a.address.clone()),
            rank: if mail.auto { Rank::of_desk(&commit.origin) } else { Rank::Person },
            payload: payload(&t.number, commit.trace.as_deref(), Content::Mail { outgoing: mail.clone() }),
            created: mail.at,
            due: mail.not_before,
            span: MAIL_SPAN,
        }
    }

    /// The run of a program.
    pub fn of_call(commit: &Commit, call: &Call) -> Self {
        let t = &commit.changes.ticket;
        let content = Content::Program { call: call.seq, program: call.program.clone(), retry: call.retry };
        Self {
            channel: Channel::Program,
            lane: call.program.clone(),
            key: call_key(t.id, call.seq),
            ticket: Some(t.id),
            recipient: String::new(),
            rank: Rank::Person,
            payload: payload(&t.number, commit.trace.as_deref(), content),
            created: call.wanted,
            due: call.wanted,
            span: SignedDuration::from_secs(call.limit.into()) + PROGRAM_SPAN,
        }
    }

    /// A message, which has a row of its own under this id.
    pub fn of_message(id: i64, name: &str, sent: Timestamp) -> Self {
        let content = Content::Message { message: id, name: name.to_owned() };
        Self {
            channel: Channel::Message,
            lane: name.to_owned(),
            key: message_key(id),
            ticket: None,
            recipient: String::new(),
            rank: Rank::Person,
            payload: payload(&TicketNumber::default(), None, content),
            created: sent,
            due: sent,
            span: MESSAGE_SPAN,
        }
    }
}

pub fn mail_key(ticket: TicketId, seq: impl std::fmt::Display) -> String {
    format!("{ticket}-{seq}")
}

pub fn call_key(ticket: TicketId, call: CallId) -> String {
    format!("program {ticket}-{call}")
}

pub fn message_key(id: i64) -> String {
    format!("message {id}")
}

/// The end of an attempt, or what becomes of a delivery without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub id: i64,
    pub state: DeliveryState,
    /// When it is attempted next; when it was sent.
    pub at: Timestamp,
    /// Attempts to add to those that are counted already.
    pub attempts: i64,
    pub error: Option<String>,
}

#[async_trait]
pub trait Deliveries: Send + Sync {
    /// How many are in this state, on all channels.
    async fn delivery_count(&self, state: DeliveryState) -> Result<u64>;
    /// Claims deliveries that are due, by rank and then the oldest first, each with the rest of its digest: at most `limit` and those
    /// of one digest more. They belong to this process for the span of each, or until it ends;
    /// [`Nodes::leave`](crate::nodes::Nodes::leave) gives them back. A delivery whose claim cannot be written is not given. Those of
    /// the lanes that are busy are left. Each comes with its attempts from before.
    async fn delivery_claim(&self, channel: Channel, now: Timestamp, limit: u32, busy: &[String]) -> Result<Vec<Delivery>>;
    /// From now on these mails go out as one, whichever process sends it and however often.
    async fn delivery_digest(&self, ids: &[i64], digest: &str) -> Result<()>;
    /// Those of tickets that may be seen and those without a ticket, the newest first, before the id.
    async fn delivery_list(&self, rights: &Filter, state: DeliveryState, limit: u32, before: Option<i64>) -> Result<Vec<Delivery>>;
    /// The delivery with this key, while it is kept.
    async fn delivery_find(&self, key: &str) -> Result<Option<Delivery>>;
    /// Is it still to arrive? It may be gone with its ticket's work.
    async fn delivery_wanted(&self, id: i64) -> Result<bool>;
    /// Marks them, all or none. What was sent stays sent.
    async fn delivery_ended(&self, ends: &[End]) -> Result<()>;
    /// Held or failed deliveries are due; all in the state where no id is given. How many there were.
    async fn delivery_release(&self, state: DeliveryState, id: Option<i64>, now: Timestamp) -> Result<u64>;
    /// Frees what this process has claimed on a channel, but for what is under way: after trouble nobody knows what else it has.
    async fn delivery_disown(&self, channel: Channel, under_way: &[i64]) -> Result<u64>;
    /// Deliveries of a channel that would be due after `latest` are due `now`: a clock that was ahead set the time. How many there
    /// were.
    async fn delivery_pull_back(&self, channel: Channel, latest: Timestamp, now: Timestamp) -> Result<u64>;
    /// Removes some of what is no longer needed: what was sent, messages that were delivered, and keys of requests, older than these
    /// times.
    async fn sweep(&self, sent: Timestamp, keys: Timestamp) -> Result<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of earlier releases are read by what they have.
    #[test]
    fn payloads_are_read_by_their_content() {
        let read = |text: &str| serde_json::from_str::<Payload>(text).expect("a payload").content;
        let notice = read(r#"{"subject":"s","body":"b","notification":"told","ticket":"N1","sees":true}"#);
        assert!(matches!(notice, Content::Notice { notification, sees: true, .. } if notification == "told"));
        let mail = read(
            r#"{"subject":"","body":"","notification":"","ticket":"N1","outgoing":{"seq":3,"to":[],"subject":"x","body":"y","at":"2026-01-01T00:00:00Z","not_before":"2026-01-01T00:00:00Z"}}"#,
        );
        assert!(matches!(mail, Content::Mail { outgoing } if outgoing.subject == "x"));
        let call = Content::Program { call: CallId(7), program: "lookup".into(), retry: (2, 10) };
        assert_eq!(read(&payload(&"N1".into(), None, call.clone())), call);
        let message = Content::Message { message: 4, name: "paid".into() };
        assert_eq!(read(&payload(&TicketNumber::default(), Some("t"), message.clone())), message);
    }
}
