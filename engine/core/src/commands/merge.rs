//! Merging tickets, and splitting one. Nothing is taken away: what goes elsewhere is copied there, with its author and
//! its time, and the ticket it came from keeps it.

use crate::commands::{create_ticket, form};
use crate::execution::ask;
use crate::execution::command::{Command, Merged, NewTicket, TakenIn};
use crate::execution::content::content;
use crate::execution::context::Context;
use crate::execution::run::Run;
use crate::net::life_cycle::StateError;
use crate::rules::failure::Failure;
use crate::rules::rejection::{FormError, LifeCycleReason, Rejection};
use crate::rules::rights::{self, Sight};
use crate::state::article::Article;
use crate::state::event::{ArticleAdded, Event, TicketMerged};
use crate::state::ids::Seq;
use crate::state::linked::Linked;
use crate::state::snapshot::Snapshot;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::value_error::ValueError;

/// Why tickets are not merged.
pub enum MergeError {
    /// There is no such ticket, or it is the same one.
    NoTicket,
    /// The other one has itself been merged, or is removed.
    Gone,
    /// This one has.
    Already,
    /// The type has no state of the type `merged`.
    NoState,
    State(StateError),
}

/// The ticket goes into the other one: its state says so, and the other takes in what is here.
pub fn merge(run: &mut Run, number: &str, as_person: bool, instance: Option<Seq>) -> Result<(), MergeError> {
    if number == run.snapshot.ticket.number {
        return Err(MergeError::NoTicket);
    }
    let other = run.other(number).map(|o| o.ticket.clone()).ok_or(MergeError::NoTicket)?;
    let names = &run.model.names;
    if matches!(names.state_type(&other.state), StateType::Merged | StateType::Removed) {
        return Err(MergeError::Gone);
    }
    if matches!(names.state_type(&run.snapshot.ticket.state), StateType::Merged | StateType::Removed) {
        return Err(MergeError::Already);
    }
    let own_type = names.types.get(&run.snapshot.ticket.ticket_type);
    let state = own_type.and_then(|t| t.states.iter().find(|s| names.state_type(s) == StateType::Merged)).ok_or(MergeError::NoState)?;
    let (articles, links) = content(run);
    let customer = customer(&run.snapshot);
    let merged = Merged {
        id: run.snapshot.ticket.id,
        watchers: run.snapshot.watchers.to_vec(),
        links: links.into_iter().filter(|l| l.id != other.id).collect(),
        minutes: run.snapshot.ticket.accounted,
    };
    run.merging = true;
    let set = run.set_state(state, as_person, instance);
    run.merging = false;
    set.map_err(MergeError::State)?;
    run.account(-merged.minutes, None);
    run.lock(false);
    run.link(other.id, number.to_owned(), LinkKind::Parent.word());
    run.emit(Event::TicketMerged(TicketMerged { other: other.id, number: number.to_owned(), into: true }));
    let taken = TakenIn { number: run.snapshot.ticket.number.clone(), customer, articles, merged: Some(merged) };
    run.reach(number, Command::TakeIn(Box::new(taken)));
    Ok(())
}

fn customer(snapshot: &Snapshot) -> (Option<String>, Option<String>) {
    (snapshot.ticket.customer_user.clone(), snapshot.ticket.customer.clone())
}

/// The other side: no handler sees the copies, but the whole is an event. Customers read nothing of what was written to
/// others: between tickets of different customers the copies are internal.
pub fn take_in(run: &mut Run, taken: &TakenIn) {
    let (own, there) = (customer(&run.snapshot), &taken.customer);
    let same = own == *there || (own.1.is_some() && own.1 == there.1);
    for article in &taken.articles {
        let origin = article.origin.clone().or_else(|| Some(taken.number.clone()));
        let article = Article { seq: run.next_seq(), visible: article.visible && same, origin, ..article.clone() };
        run.record(Event::ArticleAdded(ArticleAdded { article }));
    }
    let Some(merged) = &taken.merged else { return };
    for person in &merged.watchers {
        run.watch(person.clone(), true);
    }
    let own = run.snapshot.ticket.id;
    for Linked { id, number, kind } in merged.links.iter().filter(|l| l.id != own).cloned() {
        run.link(id, number, kind);
    }
    run.account(merged.minutes, None);
    run.emit(Event::TicketMerged(TicketMerged { other: merged.id, number: taken.number.clone(), into: false }));
}

/// For agents who may change both.
pub fn by_hand(run: &mut Run, number: &str) -> Result<(), Rejection> {
    let names = &run.model.names;
    rights::require(names, run.ctx.actor, &run.snapshot.ticket, Right::Rw)?;
    ask::ask(run, "action", "merge", None)?;
    let unknown = || Rejection::Form(vec![("into".into(), FormError::Invalid(ValueError::NotOffered(number.to_owned())))]);
    let other = run.other(number);
    let seen = |s: &&Snapshot| rights::sight(names, run.ctx.actor, s) != Sight::Nothing;
    let other = other.filter(seen).ok_or_else(unknown)?;
    rights::require(names, run.ctx.actor, &other.ticket, Right::Rw)?;
    merge(run, number, true, None).map_err(|e| match e {
        MergeError::NoTicket | MergeError::Gone => unknown(),
        MergeError::Already => Rejection::Gone,
        MergeError::NoState => Rejection::LifeCycle {
            from: run.snapshot.ticket.state.clone(),
            to: StateType::Merged.word().into(),
            why: LifeCycleReason::NotInType,
        },
        MergeError::State(e) => form::refused(e),
    })
}

/// The message becomes the first one of a new ticket, whose parent this one is.
pub fn split(run: &mut Run, article: Article, new: NewTicket, link: Option<LinkKind>, ctx: &Context) -> Result<String, Rejection> {
    let number = create_ticket::beside(run, &new, link, ctx)?;
    let customer = customer(&run.snapshot);
    let taken = TakenIn { number: run.snapshot.ticket.number.clone(), customer, articles: vec![article], merged: None };
    run.reach(&number, Command::TakeIn(Box::new(taken)));
    Ok(number)
}

/// What the new ticket is called, where nothing is said.
pub fn split_title(run: &Run, article: &Article) -> String {
    let subject = article.subject.trim();
    if subject.is_empty() { run.snapshot.ticket.title.clone() } else { subject.to_owned() }
}

/// For agents who may read this ticket and create one where it is to lie.
pub fn split_by_hand(run: &mut Run, article: Seq, ticket_type: &str, queue: &str) -> Result<(), Rejection> {
    rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Ro)?;
    ask::ask(run, "action", "split", None)?;
    let (articles, _) = content(run);
    let unknown = || Rejection::Form(vec![("article".into(), FormError::Invalid(ValueError::NotOffered(article.to_string())))]);
    let article = articles.into_iter().find(|a| a.seq == article).ok_or_else(unknown)?;
    let new = NewTicket {
        title: split_title(run, &article),
        ticket_type: ticket_type.to_owned(),
        queue: queue.to_owned(),
        customer_user: run.snapshot.ticket.customer_user.clone(),
        ..NewTicket::default()
    };
    let number = run.ctx.facts.number().ok_or(Rejection::Gone)?;
    let ctx = Context { new_ticket: Some(number), changed_since: None, given: run.given(), depth: run.ctx.depth + 1, ..run.ctx.clone() };
    split(run, article, new, Some(LinkKind::Child), &ctx).map(|_| ())
}

impl MergeError {
    pub fn failure(self, number: &str) -> Failure {
        match self {
            Self::NoTicket => Failure::new("merge", format!("there is no other ticket `{number}`")),
            Self::Gone => Failure::new("merge", format!("the ticket `{number}` was merged itself, or removed")),
            Self::Already => Failure::new("merge", "the ticket was merged already, or removed"),
            Self::NoState => Failure::new("merge", "the ticket's type has no state of the type `merged`"),
            Self::State(e) => Failure::from(e),
        }
    }
}
