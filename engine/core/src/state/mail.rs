//! Mail as the engine knows it: what came in, read; what stands with an article; what goes out.

use crate::state::attachment::{Attachment, Blob};
use crate::state::ids::{ArticleId, MailId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use vorgang_definitions::kinds::mail_account::Mailbox;
use vorgang_definitions::source::Span;

/// Longest text that an article shows; the whole stays in the mail as it came.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Most files of one mail that become files of the article.
pub const PARTS_MAX: usize = 200;

/// How long an agent can take an answer back, in seconds.
pub const TAKE_BACK_SECONDS: i64 = 10;

/// Automatic responses that one address gets in a day.
pub const RESPONSES_A_DAY_MAX: u64 = 10;

/// Most addresses that one mail goes to.
pub const RECIPIENTS_MAX: usize = 50;

/// Longest address that mail goes to, in bytes (RFC 5321, 4.5.3.1: 64 before the `@`, 255 behind it).
pub const ADDRESS_BYTES_MAX: usize = 320;

/// A person's name, which may be empty, and the address `local@domain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub address: String,
}

impl Address {
    pub fn new(name: &str, address: &str) -> Self {
        Self { name: name.to_owned(), address: address.to_owned() }
    }

    /// Addresses are the same without regard to case: nobody who can be written to is kept apart by it.
    pub fn is(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }

    /// It has the form of an address, with one `@` and nothing that a header could be broken with.
    pub fn can_be_written_to(&self) -> bool {
        Mailbox::parse(&self.address, Span::default()).is_some_and(|m| m.address == self.address)
    }

    /// In small letters: what filters compare.
    pub fn key(&self) -> String {
        // Letters beyond ASCII stay: `\u{212a}` in small letters is a `k`, and another address.
        self.address.to_ascii_lowercase()
    }
}

impl From<&Mailbox> for Address {
    fn from(mailbox: &Mailbox) -> Self {
        Self::new(&mailbox.name, &mailbox.address)
    }
}

/// As people write several.
pub fn listed(all: &[Address]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The form of RFC 5322, 3.4: a name with anything but letters, digits and the marks of an atom is quoted.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || c == ' ' || "!#$%&'*+-/=?^_`{|}~".contains(c);
        match self.name.as_str() {
            "" => f.write_str(&self.address),
            name if name.chars().all(plain) => write!(f, "{name} <{}>", self.address),
            name => write!(f, "\"{}\" <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), self.address),
        }
    }
}

/// One result of RFC 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Pass,
    Fail,
    SoftFail,
    Neutral,
    #[default]
    None,
    TempError,
    PermError,
}

impl Outcome {
    const ALL: [Self; 7] = [Self::Pass, Self::Fail, Self::SoftFail, Self::Neutral, Self::None, Self::TempError, Self::PermError];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::None => "none",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.word().eq_ignore_ascii_case(word))
    }
}

/// Who stands for a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Auth {
    pub spf: Outcome,
    pub dkim: Outcome,
    pub dmarc: Outcome,
    pub arc: Outcome,
    /// A pass of SPF or DKIM is for the domain of `From` (RFC 7489, 3.1), or for one above or below it.
    #[serde(default)]
    pub aligned: bool,
    /// Header lines with addresses that the proof says nothing about: anybody may have added them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsigned: Vec<String>,
    /// The host that says so; empty where the desk looked itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Why the author cannot be named for certain: the results above may be about somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguous: Option<String>,
}

impl Auth {
    /// The author is certain, and the author's domain confirms the mail.
    pub fn is_good(&self) -> bool {
        self.ambiguous.is_none()
            && (self.dmarc == Outcome::Pass || (self.aligned && !matches!(self.dmarc, Outcome::Fail | Outcome::TempError)))
    }

    /// Is what this header line says the author's own word? `name` is `to`, `cc` or `reply-to`.
    pub fn covers(&self, name: &str) -> bool {
        self.is_good() && !self.unsigned.iter().any(|n| n == name)
    }

    /// The author's domain denies the mail, or the author is not certain: nothing that it claims is believed.
    pub fn is_forged(&self) -> bool {
        self.ambiguous.is_some() || self.dmarc == Outcome::Fail
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SPF {}, DKIM {}, DMARC {}, ARC {}", self.spf.word(), self.dkim.word(), self.dmarc.word(), self.arc.word())?;
        match &self.ambiguous {
            Some(why) => write!(f, "; ambiguous author: {why}"),
            None => Ok(()),
        }
    }
}

/// Who wrote it, as far as its headers say (RFC 3834, RFC 3464, RFC 5965).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Nature {
    #[default]
    Person,
    /// Automatic mail or a mailing list: no automatic response goes out. The sender stays who the headers name. The reason is for people.
    Machine(String),
    /// A report about a mail that was sent.
    Report(DeliveryReport),
}

/// A report of delivery or of abuse.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryReport {
    /// The mail's type says that it is a report (RFC 3462); otherwise only its words do.
    pub declared: bool,
    /// It could not be delivered, for good.
    pub failed: bool,
    /// Somebody complains.
    pub complaint: bool,
    /// Addresses that it speaks of, each with status and reason.
    pub recipients: Vec<(String, String)>,
    /// Message-IDs of the mail that it is about.
    pub originals: Vec<String>,
}

/// A mail that came in, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mail {
    /// Names in small letters, values decoded, in their order.
    pub headers: Vec<(String, String)>,
    pub from: Option<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// Without line breaks.
    pub subject: String,
    pub date: Option<Timestamp>,
    /// Without its angle brackets.
    pub message_id: Option<String>,
    /// What it answers: `In-Reply-To` first, then `References` from the last.
    pub references: Vec<String>,
    pub body: String,
    /// There is an HTML part.
    pub html: bool,
    /// Digest of the HTML: mails with the same text may differ in it.
    pub html_digest: Option<String>,
    pub attachments: Vec<(Attachment, Blob)>,
    pub nature: Nature,
    /// Why parsers may read different authors; such a mail is nobody's.
    pub ambiguous: Option<String>,
    pub auth: Auth,
    /// The hash of its bytes.
    pub hash: String,
    pub size: u64,
}

impl Mail {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The sender's address in small letters; empty where there is none.
    pub fn sender(&self) -> String {
        self.from.as_ref().map(Address::key).unwrap_or_default()
    }

    pub fn is_report(&self) -> bool {
        matches!(self.nature, Nature::Report(_))
    }

    pub fn is_auto(&self) -> bool {
        self.nature != Nature::Person
    }
}

/// The text of a mail as an article has it, with a mark where it was cut.
pub fn shown(body: &str) -> String {
    let body = body.replace("\r\n", "\n").replace('\0', "");
    match body.len() > BODY_BYTES_MAX {
        true => format!("{}\n[…]", &body[..body.floor_char_boundary(BODY_BYTES_MAX)]),
        false => body,
    }
}

/// What stands with an article that came or went by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub from: Address,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Address>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Address>,
    /// Incoming mail only: the addresses to which its author wants answers (RFC 5322, 3.6.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<Address>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message_id: String,
    /// Of one that came: the hash of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub html: bool,
    /// A machine wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Of one that goes out: under this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<MailId>,
}

/// A mail that somebody writes on a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailInput {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
}

/// A mail that goes out for a ticket, to whoever is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    pub seq: MailId,
    /// The account that it goes out from.
    pub account: Option<String>,
    pub to: Vec<Address>,
    #[serde(default)]
    pub cc: Vec<Address>,
    pub subject: String,
    pub body: String,
    /// Message-IDs of what it answers, the oldest first.
    #[serde(default)]
    pub references: Vec<String>,
    /// The article that it is.
    pub article: Option<ArticleId>,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The desk answers by itself (RFC 3834): once, and counted.
    #[serde(default)]
    pub auto: bool,
    pub not_before: Timestamp,
    pub at: Timestamp,
}
