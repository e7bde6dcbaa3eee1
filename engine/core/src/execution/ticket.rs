//! What is written on the ticket itself: attributes, time, articles, watchers.

use crate::execution::decision::Reach;
use crate::execution::peer_command::PeerCommand;
use crate::execution::run::Run;
use crate::state::article::{Article, Sender};
use crate::state::attributes::attribute;
use crate::state::event::{ArticleAdded, AttributeSet, Event, FieldSet, MailQueued, TimeAccounted, WatcherAdded, WatcherRemoved};
use crate::state::happening::Happening;
use crate::state::ids::{ArticleId, Login, TicketNumber};
use crate::state::mail::{Address, Outgoing};
use crate::state::people::PersonKind;
use crate::state::text;
use serde_json::Value as Json;

impl Run<'_> {
    /// Sets an attribute or a field; setting the present value is no change.
    pub fn set(&mut self, name: &str, new: Json, is_field: bool) {
        let new = match new {
            Json::String(title) if name == "title" && !is_field => text::visible(&title).into(),
            other => other,
        };
        let old = if is_field {
            self.snapshot.ticket.fields.get(name).cloned().unwrap_or(Json::Null)
        } else {
            attribute(&self.snapshot.ticket, name)
        };
        if old == new {
            return;
        }
        let held = self.snapshot.ticket.lock();
        let of_owner = name == "owner" && !is_field;
        let name = name.to_owned();
        self.emit(if is_field {
            Event::FieldSet(FieldSet { name, old, new })
        } else {
            Event::AttributeSet(AttributeSet { name, old, new })
        });
        // Whoever becomes the owner holds the ticket; who is no more does not.
        let holds = self.snapshot.ticket.lock();
        if of_owner && held != holds {
            self.emit(Event::AttributeSet(AttributeSet { name: "lock".into(), old: held.into(), new: holds.into() }));
        }
    }

    /// Locks or unlocks. A ticket that nobody has becomes the agent's who locks it; false where there is none.
    pub fn lock(&mut self, lock: bool) -> bool {
        if lock && self.snapshot.ticket.owner.is_none() {
            if self.ctx.actor.kind != PersonKind::Agent {
                return false;
            }
            self.set("owner", self.ctx.actor.login.clone().into(), false);
        }
        self.set("lock", lock.into(), false);
        true
    }

    pub fn account(&mut self, minutes: i64, article: Option<ArticleId>) {
        if minutes != 0 {
            self.emit(Event::TimeAccounted(TimeAccounted { minutes, by: self.ctx.actor.login.clone(), article, at: self.ctx.now }));
        }
    }

    /// Begins or ends somebody's watching; what is so already is no change.
    pub fn watch(&mut self, person: Login, watch: bool) {
        if self.snapshot.watchers.contains(&person) != watch {
            self.emit(if watch {
                Event::WatcherAdded(WatcherAdded { person, at: self.ctx.now })
            } else {
                Event::WatcherRemoved(WatcherRemoved { person })
            });
        }
    }

    /// What the handler that runs is there for.
    pub fn happening(&self) -> Option<&Happening> {
        self.reactions.happening.as_deref()
    }

    /// Another ticket is to do this in the same commit, after this one is at rest.
    pub fn reach(&mut self, number: &TicketNumber, command: PeerCommand) {
        self.reach.push(Reach { number: number.to_owned(), command });
    }

    pub fn add_article(&mut self, mut article: Article) -> ArticleId {
        let seq: ArticleId = self.next_id();
        article.seq = seq;
        self.emit(Event::ArticleAdded(ArticleAdded { article }));
        seq
    }

    /// Queues a mail that the desk writes by itself (RFC 3834), from the account of the ticket's queue. `references` are the
    /// Message-IDs of the mails that it answers, the oldest first.
    pub fn queue_automatic_mail(&mut self, to: Address, subject: &str, body: String, references: Vec<String>) {
        let outgoing = Outgoing {
            seq: self.next_id(),
            account: self.mail_account(),
            to: vec![to],
            cc: vec![],
            subject: subject.replace(['\r', '\n'], " "),
            body,
            references,
            article: None,
            attachments: vec![],
            auto: true,
            not_before: self.ctx.now,
            at: self.ctx.now,
        };
        self.emit(Event::MailQueued(MailQueued { outgoing }));
    }

    pub fn sender(&self) -> Sender {
        match self.ctx.actor.kind {
            PersonKind::Agent => Sender::Agent,
            PersonKind::Customer => Sender::Customer,
            PersonKind::System => Sender::System,
        }
    }
}
