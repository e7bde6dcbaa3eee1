//! What a person sees: tickets with their parts, each cut to the person's sight.

use crate::desk::{Desk, Done, Error, Heads, Request};
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_core::article::Article;
use vorgang_core::choices::{self, Choices};
use vorgang_core::commands::{Command, Form, LinkTicket};
use vorgang_core::context::Context;
use vorgang_core::event::{AttributeSet, Event, FieldSet};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{ArticleId, InstanceId, TicketId};
use vorgang_core::notice::Notice;
use vorgang_core::offered::{self, Filling, OfferedWork};
use vorgang_core::open::{self, OpenItem};
use vorgang_core::people::Person;
use vorgang_core::rejection::{FormError, Rejection};
use vorgang_core::rights::{self, Sight};
use vorgang_core::snapshot::{Instance, Snapshot, Step};
use vorgang_core::tell;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::model::Model;
use vorgang_definitions::value_error::ValueError;
use vorgang_mail::html;
use vorgang_store::{Page, Sort, StoreError, TicketRow, WorkRow};

/// A ticket that a person may see, and how far.
pub struct Sighted {
    pub model: Arc<Model>,
    pub snapshot: Snapshot,
    pub sight: Sight,
}

/// One ticket as this person may see it.
pub struct TicketView {
    pub model: Arc<Model>,
    pub snapshot: Snapshot,
    pub sight: Sight,
    pub articles: Vec<Article>,
    pub work: Vec<OfferedWork>,
    /// All of them, the ended ones too.
    pub instances: Vec<Instance>,
    pub steps: Vec<Step>,
    /// What is under way, by instance. For agents.
    pub open: BTreeMap<InstanceId, Vec<OpenItem>>,
    /// Addresses of those who take part that a mail did not reach: when, and why. For agents.
    pub bounces: Vec<(String, jiff::Timestamp, String)>,
}

/// One history row, for reading.
pub struct HistoryView {
    pub version: u64,
    pub at: jiff::Timestamp,
    pub actor: String,
    pub command: String,
    pub cause: String,
    pub events: Vec<Event>,
}

impl TicketView {
    pub fn article(&self, seq: ArticleId) -> Option<&Article> {
        self.articles.iter().find(|a| a.seq == seq)
    }

    /// The fields that may be shown; `None` for all. Who sees a ticket only through its work sees what the work shows.
    pub fn shown_fields(&self) -> Option<std::collections::BTreeSet<String>> {
        (self.sight == Sight::Work).then(|| shown_by(&self.work))
    }
}

fn shown_by(work: &[OfferedWork]) -> std::collections::BTreeSet<String> {
    let forms = work.iter().flat_map(|w| &w.forms);
    forms.flat_map(|f| f.show.iter().map(|(n, _)| n.clone()).chain(f.fields.iter().map(|f| f.name.clone()))).collect()
}

impl Desk {
    /// As [`TicketView::shown_fields`], for a snapshot at hand.
    pub fn shown_fields(&self, person: &Person, snapshot: &Snapshot) -> Option<std::collections::BTreeSet<String>> {
        let (model, people) = (self.model(), self.people());
        if rights::sight(&model.names, person, snapshot) != Sight::Work {
            return None;
        }
        let ctx = self.looking(person, &people);
        Some(shown_by(&offered::offered(&model, snapshot, &ctx, None)))
    }

    /// The ticket with this number, where the person may see it.
    pub async fn sighted(&self, person: &Person, number: &str) -> Result<Sighted, Error> {
        let model = self.model();
        let snapshot = self.store.ticket_load(number).await?.ok_or(Rejection::NotFound)?.snapshot;
        match rights::sight(&model.names, person, &snapshot) {
            Sight::Nothing => Err(Rejection::NotFound.into()),
            sight => Ok(Sighted { model, snapshot, sight }),
        }
    }

    /// The first articles behind this one that the person may read.
    pub async fn articles(&self, person: &Person, number: &str, after: ArticleId, limit: u32) -> Result<Vec<Article>, Error> {
        let seen = self.sighted(person, number).await?;
        Ok(self.store.article_page(seen.snapshot.ticket.id, after, seen.sight < Sight::Agent, limit).await?)
    }

    /// One article, where the person may read it.
    pub async fn article(&self, person: &Person, number: &str, article: ArticleId) -> Result<Article, Error> {
        let before = ArticleId(article.0.saturating_sub(1));
        let found = self.articles(person, number, before, 1).await?.into_iter().find(|a| a.seq == article);
        Ok(found.ok_or(Rejection::NotFound)?)
    }

    pub async fn ticket_view(&self, person: &Person, number: &str) -> Result<TicketView, Error> {
        let Sighted { model, snapshot, sight } = self.sighted(person, number).await?;
        let articles = self.store.article_page(snapshot.ticket.id, ArticleId(0), sight < Sight::Agent, u32::MAX).await?;
        let (instances, steps) = self.store.ticket_runs(snapshot.ticket.id).await?;
        let people = self.people();
        let ctx = self.looking(person, &people);
        let work = offered::offered(&model, &snapshot, &ctx, None);
        let known = |p: &vorgang_core::mail::Address| p.address.clone();
        let bounces = if sight == Sight::Agent && !snapshot.participants.is_empty() {
            self.store.mail_bounces(&snapshot.participants.iter().map(known).collect::<Vec<_>>()).await?
        } else {
            vec![]
        };
        let running: Vec<InstanceId> = snapshot.instances.iter().filter(|_| sight == Sight::Agent).map(|i| i.seq).collect();
        // Who has a mutex of the site is not on this ticket.
        let (now, mut heads) = (ctx.now, Heads::new());
        let open = self.with_facts(now, &mut heads, |facts| {
            let ctx = Context { facts, ..ctx.clone() };
            running.iter().map(|seq| Ok((*seq, open::open(&model, &snapshot, &ctx, *seq)?))).collect()
        });
        let open = open.await?;
        Ok(TicketView { model, snapshot, sight, articles, work, instances, steps, open, bounces })
    }

    /// What a person who sees the ticket as an agent may choose and do there by hand, and why not; `values` are those
    /// of a form that is being filled in. For others nothing: their forms say what they may do.
    pub fn choices(&self, person: &Person, view: &TicketView, values: &BTreeMap<String, serde_json::Value>) -> Choices {
        let people = self.people();
        match view.sight {
            Sight::Agent => choices::choices(&view.model, &view.snapshot, &self.looking(person, &people), values),
            _ => Choices::default(),
        }
    }

    /// The ticket's forms again, with one as it is filled in so far.
    pub fn refill(&self, person: &Person, view: &mut TicketView, filling: &Filling) {
        let people = self.people();
        view.work = offered::offered(&view.model, &view.snapshot, &self.looking(person, &people), Some(filling));
    }

    fn looking<'a>(&self, person: &'a Person, people: &'a vorgang_core::people::Directory) -> Context<'a> {
        Context::trial(self.clock.now(), person, people)
    }

    /// Linked tickets that this person may see, and what each is to this one: child, parent, related.
    pub async fn links(&self, person: &Person, ticket: TicketId) -> Result<Vec<(TicketRow, String)>, Error> {
        Ok(self.store.links(&rights::visible(&self.model().names, person), ticket).await?)
    }

    /// Links another ticket that this person may see, or takes the link away.
    pub async fn link(&self, person: &Person, number: &str, other: &str, kind: LinkKind, linked: bool, cause: &str) -> Result<Done, Error> {
        let command = self.link_command(person, number, other, kind, linked).await?;
        self.execute(Request { actor: person, ticket: Some(number), command, cause, at: None }).await
    }

    /// The command of [`Desk::link`].
    pub async fn link_command(&self, person: &Person, number: &str, other: &str, kind: LinkKind, linked: bool) -> Result<Command, Error> {
        self.sighted(person, number).await?;
        let seen = self.sighted(person, other).await;
        let other = match seen {
            Ok(view) => view.snapshot.ticket,
            Err(Error::Rejected(Rejection::NotFound)) => {
                let unknown = FormError::Invalid(ValueError::NotOffered(other.to_owned()));
                return Err(Rejection::Form(vec![("link".into(), unknown)]).into());
            }
            Err(e) => return Err(e),
        };
        Ok(Command::LinkTicket(LinkTicket { other: other.id, number: other.number.clone(), kind, linked }))
    }

    /// How a notification would read on a ticket; the text says why it cannot be written there.
    pub async fn preview(&self, person: &Person, name: &str, number: &str) -> Result<Result<Vec<Notice>, String>, Error> {
        let view = self.sighted(person, number).await?;
        let notification = view.model.names.notifications.get(name).ok_or(Rejection::NotFound)?;
        let (people, system) = (self.people(), vorgang_core::people::system());
        let told = tell::preview(&view.model, &view.snapshot, &self.looking(&system, &people), notification);
        Ok(told.map_err(|failure| failure.message))
    }

    /// Every row's events; for those who see the ticket as agents.
    pub async fn history_view(&self, person: &Person, number: &str) -> Result<Vec<HistoryView>, Error> {
        let seen = self.sighted(person, number).await?;
        if seen.sight != Sight::Agent {
            return Err(Rejection::NotFound.into());
        }
        let rows = self.store.history_list(seen.snapshot.ticket.id, 0, 1_000).await?;
        let view = |r: vorgang_store::HistoryRow| {
            Ok(HistoryView {
                events: r.events_read()?,
                version: r.version,
                at: jiff::Timestamp::from_microsecond(r.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
                actor: r.actor,
                command: r.command,
                cause: r.cause,
            })
        };
        rows.into_iter().map(view).collect()
    }

    pub async fn tickets(
        &self,
        person: &Person,
        narrow: &Filter,
        sort: Sort,
        limit: u32,
        after: Option<i64>,
    ) -> Result<Page<TicketRow>, Error> {
        let rights = rights::visible(&self.model().names, person);
        Ok(self.store.ticket_list(&rights, narrow, sort, limit, after).await?)
    }

    /// Open work that is for this person; `mine` only what this person has claimed or is named for.
    pub async fn work(&self, person: &Person, mine: bool, limit: u32) -> Result<Vec<WorkRow>, Error> {
        let model = self.model();
        let rights = rights::visible(&model.names, person);
        let keys = if mine { vec![format!("user:{}", person.login)] } else { rights::audience_keys(&model.names, person) };
        Ok(self.store.work_list(&keys, &rights, limit).await?)
    }

    /// The processes that this person may start.
    pub async fn catalogue(&self, person: &Person) -> Vec<String> {
        let (model, people) = (self.model(), self.people());
        let ctx = self.trial(person, &people);
        offered::catalogue(&model, &ctx)
    }

    /// The first form of a process, as it is filled in so far; `None` where it starts without one.
    pub async fn start_form(&self, person: &Person, process: &str, filled: Option<&Form>) -> Result<Option<OfferedWork>, Error> {
        let (model, people) = (self.model(), self.people());
        let ctx = self.trial(person, &people);
        Ok(offered::start_form(&model, process, &ctx, filled)?)
    }

    /// A context for looking at what a new ticket would offer: nothing is stored under this id.
    fn trial<'a>(&self, person: &'a Person, people: &'a vorgang_core::people::Directory) -> Context<'a> {
        Context { new_ticket: Some((TicketId(0), "…".into())), ..self.looking(person, people) }
    }

    /// The bytes of a mail as they came, for people who see the ticket as an agent does.
    pub async fn letter(&self, person: &Person, number: &str, article: ArticleId) -> Result<Vec<u8>, Error> {
        if self.sighted(person, number).await?.sight != Sight::Agent {
            return Err(Rejection::NotFound.into());
        }
        let head = self.article(person, number, article).await?.head;
        let hash = head.and_then(|h| h.raw).ok_or(Rejection::NotFound)?;
        Ok(self.store.blob(&hash).await?.ok_or(Rejection::NotFound)?)
    }

    /// The HTML of a mail as it is shown. It is sanitised at the first view, and stored.
    pub async fn letter_html(&self, person: &Person, number: &str, article: ArticleId) -> Result<String, Error> {
        let view = self.sighted(person, number).await?;
        let head = self.article(person, number, article).await?.head;
        let hash = head.and_then(|h| h.raw).ok_or(Rejection::NotFound)?;
        if let Some(html) = self.store.shown_html(&hash, html::RULES).await? {
            return Ok(html);
        }
        let raw = self.store.blob(&hash).await?.ok_or(Rejection::NotFound)?;
        let shown = tokio::task::spawn_blocking(move || vorgang_mail::shown(&raw)).await;
        let shown = shown.map_err(|e| StoreError::Unavailable(format!("the mail could not be read: {e}")))?;
        let shown = shown.unwrap_or_default();
        self.store.shown_html_put(&hash, html::RULES, &shown, (view.snapshot.ticket.id, article)).await?;
        Ok(shown)
    }

    /// A blob, if this person sees an article or field of the ticket that has it.
    pub async fn attachment(&self, person: &Person, number: &str, blob: &str) -> Result<(String, String, Vec<u8>), Error> {
        let view = self.sighted(person, number).await?;
        let shown = self.shown_fields(person, &view.snapshot);
        let articles = self.store.article_page(view.snapshot.ticket.id, ArticleId(0), view.sight < Sight::Agent, u32::MAX).await?;
        let attached = articles.iter().flat_map(|a| &a.attachments).find(|a| a.blob == blob);
        let named = match attached {
            Some(a) => Some((a.name.clone(), a.content_type.clone())),
            None => view
                .snapshot
                .ticket
                .fields
                .iter()
                .filter(|(n, _)| shown.as_ref().is_none_or(|s| s.contains(*n)))
                .map(|(_, v)| v)
                .find(|v| v["blob"] == blob)
                .map(|v| {
                    let text = |key: &str| v[key].as_str().unwrap_or_default().to_owned();
                    (text("name"), text("content_type"))
                }),
        };
        let (name, content_type) = named.ok_or(Rejection::NotFound)?;
        let bytes = self.store.blob(blob).await?.ok_or(Rejection::NotFound)?;
        Ok((name, content_type, bytes))
    }
}

impl Desk {
    /// The values that a form drawn at version `seen` had in its inputs. Where somebody changed one meanwhile, what
    /// the form showed is read from the history.
    pub async fn form_values(
        &self,
        person: &Person,
        number: &str,
        seen: Option<u64>,
        names: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, serde_json::Value>, Error> {
        use vorgang_definitions::values::{Slot, from_stored};
        let model = self.model();
        let snapshot = self.store.ticket_load(number).await?.ok_or(Rejection::NotFound)?.snapshot;
        // Who may not change it learns nothing by guessing values.
        if rights::sight(&model.names, person, &snapshot) != Sight::Agent {
            return Ok(Default::default());
        }
        let mut earlier: BTreeMap<String, serde_json::Value> = Default::default();
        if let Some(seen) = seen.filter(|s| *s < snapshot.version) {
            for row in self.store.history_list(snapshot.ticket.id, seen, 1_000).await? {
                for event in row.events_read()? {
                    if let Event::AttributeSet(AttributeSet { name, old, .. }) | Event::FieldSet(FieldSet { name, old, .. }) = event {
                        earlier.entry(name).or_insert(old);
                    }
                }
            }
        }
        let value = |name: &String| {
            let stored = earlier.get(name).cloned();
            let json = match Slot::find(&model.names, name)? {
                Slot::Field(f) => {
                    let stored = stored.or_else(|| snapshot.ticket.fields.get(name).cloned()).unwrap_or_default();
                    from_stored(f, &stored).map_or(serde_json::Value::Null, |v| match v {
                        vorgang_definitions::cel::value::Value::List(_) => v.to_json(),
                        other => other.to_string().into(),
                    })
                }
                slot => stored.unwrap_or_else(|| vorgang_core::attributes::attribute(&snapshot.ticket, slot.name())),
            };
            Some((name.clone(), json))
        };
        Ok(names.filter_map(value).collect())
    }
}
