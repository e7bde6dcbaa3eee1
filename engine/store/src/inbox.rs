//! Mail that came in: a log of every one, with what became of it and why.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use vorgang_core::attachment::Blob;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::intake::Reason;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxState {
    /// It is an article of a ticket.
    Taken,
    /// A filter, or what it is, says that it makes nothing.
    Ignored,
    /// Somebody has to look at it.
    Quarantined,
    /// Somebody has looked, and it makes nothing.
    Discarded,
}

impl InboxState {
    pub const ALL: [Self; 4] = [Self::Quarantined, Self::Taken, Self::Ignored, Self::Discarded];

    pub fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
            Self::Discarded => "discarded",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// A mail as it is written into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInbox {
    /// The same for the same mail.
    pub key: String,
    pub state: InboxState,
    /// Empty where there is none.
    pub message_id: String,
    /// The Message-ID with which its thread began, maybe elsewhere; empty where the mail itself began it.
    pub thread: String,
    pub sender: String,
    pub subject: String,
    pub size: u64,
    /// The hash of its bytes.
    pub blob: String,
    pub details: Details,
    pub at: Timestamp,
    /// It takes the place of itself in quarantine; otherwise it must be new.
    pub again: bool,
}

/// What is not looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// How it came: `lmtp 127.0.0.1:40312`, `imap support 17/4711`, …
    pub door: String,
    /// The account that took it, or whose mailbox it lay in.
    pub account: Option<String>,
    /// Of the envelope.
    pub recipients: Vec<String>,
    /// Of the envelope; empty where it is not known.
    pub return_path: String,
    /// The account is what the mail's own headers say, and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
    pub reasons: Vec<Reason>,
}

/// A mail of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    pub id: i64,
    pub key: String,
    pub state: InboxState,
    /// The id and the number of its ticket.
    pub ticket: Option<TicketId>,
    pub number: Option<TicketNumber>,
    pub message_id: String,
    pub sender: String,
    pub subject: String,
    pub size: u64,
    pub blob: String,
    pub details: Details,
    pub at: Timestamp,
}

/// A mail, as far as it says what came before it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The key that the mail gets, and the one under which an earlier release may have taken it.
    pub key: &'a str,
    pub older_key: &'a str,
    /// Empty where it has none.
    pub message_id: &'a str,
    pub sender: &'a str,
    pub day: Date,
}

/// What came before a mail.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    /// The mail with its key, or else the one with its older key.
    pub known: Option<InboxRow>,
    /// As [`Inbox::inbox_thread`].
    pub thread: Vec<InboxRow>,
    /// Automatic responses that the sender got on this day.
    pub responses: u64,
}

/// What is known of an account's server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// When it last answered as it should.
    pub good: Option<Timestamp>,
    /// When, and why it last did not.
    pub bad: Option<(Timestamp, String)>,
    /// Of a mailbox: its UIDVALIDITY, and the UID up to which all was taken.
    pub seen: Option<(u32, u32)>,
    /// Of a mailbox that is emptied: its UIDVALIDITY, and the first and last of those that are marked and not yet removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<(u32, u32, u32)>,
    /// Mails that were taken.
    pub taken: u64,
    /// Of a mailbox without UIDs that keeps its mails: the ids of those that were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// The refresh token that the last one brought, sealed by nothing but the database's own rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// When that one ends, where the provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

#[async_trait]
pub trait Inbox: Send + Sync {
    /// The log's row of this mail.
    async fn inbox_find(&self, key: &str) -> Result<Option<InboxRow>>;
    /// What came before a mail, read at one moment.
    async fn inbox_before(&self, asked: &Asked<'_>) -> Result<Before>;
    async fn inbox_get(&self, id: i64) -> Result<Option<InboxRow>>;
    /// Writes one that makes no article, with its bytes. `Conflict` where it is there already.
    async fn inbox_add(&self, mail: NewInbox, raw: Blob) -> Result<()>;
    /// The newest first, before the id; of one state, or all.
    async fn inbox_list(&self, state: Option<InboxState>, limit: u32, before: Option<i64>) -> Result<Vec<InboxRow>>;
    async fn inbox_count(&self, state: InboxState) -> Result<u64>;
    /// One in quarantine makes nothing; false where it is not there any more.
    async fn inbox_discard(&self, id: i64) -> Result<bool>;
    /// The tickets of mails with these Message-IDs, in the order of the ids.
    async fn inbox_tickets(&self, message_ids: &[String]) -> Result<Vec<TicketId>>;
    /// Mails with this Message-ID that became articles, then those whose thread began with it; each the oldest first, at most ten.
    async fn inbox_thread(&self, message_id: &str) -> Result<Vec<InboxRow>>;
    /// Mails that became articles of the ticket, the first one first, at most fifty.
    async fn inbox_of(&self, ticket: TicketId) -> Result<Vec<InboxRow>>;
    /// Which of these addresses were not reached, when and why.
    async fn mail_bounces(&self, addresses: &[String]) -> Result<Vec<(String, Timestamp, String)>>;
    async fn account_states(&self) -> Result<Vec<(String, AccountState)>>;
    async fn account_save(&self, name: &str, state: &AccountState) -> Result<()>;
    /// What has this name; `bytes` if there is nothing yet.
    async fn secret(&self, name: &str, bytes: [u8; 32]) -> Result<[u8; 32]>;
}
