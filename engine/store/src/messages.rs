//! What people are told: notifications in the portal, mail in the outbox.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::mail::Outgoing;
use vorgang_core::notice::Notice;
use vorgang_core::people::Settings;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRow {
    pub id: i64,
    pub number: TicketNumber,
    pub name: String,
    pub subject: String,
    pub body: String,
    pub at: Timestamp,
    pub read: bool,
    /// The one who is away, for whom it was meant.
    pub instead_of: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// Goes out only when an administrator releases it.
    Held,
    /// Is sent, or tried again, at its time.
    Due,
    Sent,
    /// Was given up.
    Failed,
    /// Whoever wrote it took it back before it went out.
    TakenBack,
}

impl MailState {
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

/// One mail of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    pub id: i64,
    /// The same however often it is sent: `TICKET-NUMBER` of the notification.
    pub key: String,
    pub ticket: TicketId,
    /// The ticket's number.
    pub number: TicketNumber,
    /// A login; an address where it is no notification.
    pub recipient: String,
    /// Which server takes it: `mail`, or `mail:ACCOUNT`.
    pub channel: String,
    pub state: MailState,
    pub notification: String,
    pub subject: String,
    pub body: String,
    /// One that is no notification.
    pub outgoing: Option<Outgoing>,
    /// The recipient could see the ticket, and has to still.
    pub sees: bool,
    pub created: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// It was claimed before: an attempt may have been made whose end nobody knows.
    pub begun: bool,
    /// The digest that it goes out in: mails with the same value are one mail.
    pub digest: Option<String>,
    /// The trace of the command that wrote it.
    pub trace: Option<String>,
}

/// The channel of a mail that goes out from this account.
pub fn channel(account: Option<&str>) -> String {
    account.map_or_else(|| "mail".to_owned(), |a| format!("mail:{a}"))
}

/// What of a mail is one text in the database.
#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    pub subject: String,
    pub body: String,
    pub notification: String,
    pub ticket: TicketNumber,
    #[serde(default)]
    pub sees: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<Outgoing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Payload {
    pub fn of_notice(notice: &Notice, number: &TicketNumber, trace: Option<&str>) -> String {
        let payload = Self {
            subject: notice.subject.clone(),
            body: notice.body.clone(),
            notification: notice.name.clone(),
            ticket: number.clone(),
            sees: notice.sees,
            outgoing: None,
            trace: trace.map(str::to_owned),
        };
        serde_json::to_string(&payload).unwrap_or_default()
    }

    pub fn of_mail(outgoing: &Outgoing, number: &TicketNumber, trace: Option<&str>) -> String {
        let payload = Self {
            subject: String::new(),
            body: String::new(),
            notification: String::new(),
            ticket: number.clone(),
            sees: false,
            outgoing: Some(outgoing.clone()),
            trace: trace.map(str::to_owned),
        };
        serde_json::to_string(&payload).unwrap_or_default()
    }

    /// The rows' parts that a person looks at.
    pub fn parts(self) -> (String, String, Option<Outgoing>) {
        match self.outgoing {
            Some(outgoing) => (outgoing.subject.clone(), outgoing.body.clone(), Some(outgoing)),
            None => (self.subject, self.body, None),
        }
    }
}

#[async_trait]
pub trait Messages: Send + Sync {
    /// The newest first.
    async fn notification_list(&self, login: &str, limit: u32) -> Result<Vec<NotificationRow>>;
    async fn notification_unread(&self, login: &str) -> Result<u64>;
    /// One, or all of this person's; the number of the one's ticket.
    async fn notifications_read(&self, login: &str, id: Option<i64>, at: Timestamp) -> Result<Option<String>>;
    async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()>;

    /// How many mails are in this state.
    async fn mail_count(&self, state: MailState) -> Result<u64>;
    /// Claims mails that are due, the oldest first, each with the rest of its digest: at most `limit` and those of one digest more.
    /// They belong to this process until `until`, or until it ends; [`Nodes::leave`](crate::nodes::Nodes::leave) gives them back.
    /// A mail whose claim cannot be written is not given. Mails of the channels that are busy are left.
    async fn mail_claim(&self, now: Timestamp, until: Timestamp, limit: u32, busy: &[String]) -> Result<Vec<MailRow>>;
    /// From now on these mails go out as one, whoever sends it and however often.
    async fn mail_digest(&self, ids: &[i64], digest: &str) -> Result<()>;
    /// Those of tickets that may be seen, the newest first, before the id.
    async fn mail_list(&self, rights: &Filter, state: MailState, limit: u32, before: Option<i64>) -> Result<Vec<MailRow>>;
    /// The mail with this key, while it is kept.
    async fn mail_find(&self, key: &str) -> Result<Option<MailRow>>;
    async fn mail_sent(&self, ids: &[i64], at: Timestamp) -> Result<()>;
    /// The attempt failed: it is tried again at `due`, or is in another state from now on.
    async fn mail_attempted(&self, ids: &[i64], state: MailState, due: Timestamp, error: &str) -> Result<()>;
    /// Held or failed mail is due; all in the state where no id is given. How many there were.
    async fn mail_release(&self, state: MailState, id: Option<i64>, now: Timestamp) -> Result<u64>;
    /// Frees what this process has claimed, but for what is under way: after trouble nobody knows what else it has.
    async fn mail_disown(&self, under_way: &[i64]) -> Result<u64>;
    /// Mail that would be due after `latest` is due `now`: a clock that was ahead set the time. How many there were.
    async fn mail_pull_back(&self, latest: Timestamp, now: Timestamp) -> Result<u64>;
    /// Removes some of what is no longer needed: mail that was sent, messages that were delivered, and keys of requests,
    /// older than these times.
    async fn sweep(&self, mail: Timestamp, keys: Timestamp) -> Result<u64>;
}
