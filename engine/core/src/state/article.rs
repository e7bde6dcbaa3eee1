//! Messages and notes on a ticket.

use crate::state::attachment::Attachment;
use crate::state::ids::{ArticleId, Login, TicketNumber};
use crate::state::mail::{Head, Mail, shown};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    Agent,
    Customer,
    System,
}

impl Sender {
    pub fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
            Self::System => "system",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Agent, Self::Customer, Self::System].into_iter().find(|s| s.word() == word)
    }
}

/// A message or note on a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    pub seq: ArticleId,
    /// `note`, `web`, `phone`, `mail`.
    pub channel: String,
    pub sender: Sender,
    pub author: String,
    pub visible: bool,
    pub subject: String,
    pub body: String,
    pub attachments: Vec<Attachment>,
    pub at: Timestamp,
    /// The number of the ticket on which it was written, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<TicketNumber>,
    /// Of one that came or went by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Box<Head>>,
    /// It was to go out, and was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// A customer wrote it to a closed ticket whose queue takes no follow-ups (`follow_up: reject`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// Its content, or some of its files, were removed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Box<Erasure>>,
}

/// Who removed content, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub by: Login,
    pub at: Timestamp,
    pub reason: String,
}

impl Article {
    /// Without what was erased.
    pub fn erase(&mut self, whole: bool, files: &[String], erasure: Erasure) {
        if whole {
            (self.subject, self.body) = (String::new(), String::new());
        }
        // The mail as it came has all of it.
        if let Some(head) = self.head.as_mut().filter(|h| h.raw.as_ref().is_some_and(|raw| files.contains(raw))) {
            (head.raw, head.html) = (None, false);
        }
        for file in self.attachments.iter_mut().filter(|f| files.contains(&f.blob)) {
            (file.name, file.blob) = (String::new(), String::new());
        }
        self.erased = Some(Box::new(erasure));
    }

    /// What it is found by, with its ticket's number and title.
    pub fn searched<'a>(&'a self, number: &'a str, title: &'a str) -> Vec<&'a str> {
        let names = self.attachments.iter().map(|a| a.name.as_str());
        [number, title, &self.subject, &self.body].into_iter().chain(names).collect()
    }
}

/// The parts of a mail that identify it when it comes a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<'a> {
    /// As articles have it.
    pub body: Cow<'a, str>,
    /// The hashes of its files.
    pub files: Vec<&'a str>,
}

impl<'a> Written<'a> {
    pub fn of_mail(mail: &'a Mail) -> Self {
        Self { body: Cow::Owned(shown(&mail.body)), files: mail.attachments.iter().map(|(a, _)| a.blob.as_str()).collect() }
    }

    pub fn of_article(article: &'a Article) -> Self {
        Self { body: Cow::Borrowed(&article.body), files: article.attachments.iter().map(|a| a.blob.as_str()).collect() }
    }
}
