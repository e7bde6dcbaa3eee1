//! Merging tickets, and splitting one. Nothing is taken away: what goes elsewhere is copied there, with its author and
//! its time, and the ticket it came from keeps it.

use crate::commands::create_ticket;
use crate::commands::create_ticket::NewTicket;
use crate::execution::content::content;
use crate::execution::context::Context;
use crate::execution::decision::Stop;
use crate::execution::peer_command::{Merged, PeerCommand, TakenIn};
use crate::execution::run::Run;
use crate::net::life_cycle::StateError;
use crate::rules::failure::Failure;
use crate::state::article::Article;
use crate::state::event::{ArticleAdded, Event, TicketMerged};
use crate::state::ids::{InstanceId, Login, TicketNumber};
use crate::state::linked::Linked;
use crate::state::snapshot::Snapshot;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::state::StateType;

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
pub fn merge(run: &mut Run, number: &TicketNumber, as_person: bool, instance: Option<InstanceId>) -> Result<(), MergeError> {
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
    run.net.merging = true;
    let set = run.set_state(state, as_person, instance);
    run.net.merging = false;
    set.map_err(MergeError::State)?;
    run.account(-merged.minutes, None);
    run.lock(false);
    run.link(other.id, number.to_owned(), LinkKind::Parent.word());
    run.emit(Event::TicketMerged(TicketMerged { other: other.id, number: number.to_owned(), into: true }));
    let taken = TakenIn { number: run.snapshot.ticket.number.clone(), customer, articles, merged: Some(merged) };
    run.reach(number, PeerCommand::TakeIn(Box::new(taken)));
    Ok(())
}

fn customer(snapshot: &Snapshot) -> (Option<Login>, Option<String>) {
    (snapshot.ticket.customer_user.clone(), snapshot.ticket.customer.clone())
}

/// The other side: no handler sees the copies, but the whole is an event. Customers read nothing of what was written to
/// others: between tickets of different customers the copies are internal.
pub fn take_in(run: &mut Run, taken: &TakenIn) {
    let (own, there) = (customer(&run.snapshot), &taken.customer);
    let same = own == *there || (own.1.is_some() && own.1 == there.1);
    for article in &taken.articles {
        let origin = article.origin.clone().or_else(|| Some(taken.number.clone()));
        let article = Article { seq: run.next_id(), visible: article.visible && same, origin, ..article.clone() };
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

/// The message becomes the first one of a new ticket, whose parent this one is.
pub fn split(run: &mut Run, article: Article, new: NewTicket, link: Option<LinkKind>, ctx: &Context) -> Result<TicketNumber, Stop> {
    let number = create_ticket::beside(run, &new, link, ctx)?;
    let customer = customer(&run.snapshot);
    let taken = TakenIn { number: run.snapshot.ticket.number.clone(), customer, articles: vec![article], merged: None };
    run.reach(&number, PeerCommand::TakeIn(Box::new(taken)));
    Ok(number)
}

/// What the new ticket is called, where nothing is said.
pub fn split_title(run: &Run, article: &Article) -> String {
    let subject = article.subject.trim();
    if subject.is_empty() { run.snapshot.ticket.title.clone() } else { subject.to_owned() }
}

impl MergeError {
    pub fn failure(self, number: &TicketNumber) -> Failure {
        match self {
            Self::NoTicket => Failure::new("merge", format!("there is no other ticket `{number}`")),
            Self::Gone => Failure::new("merge", format!("the ticket `{number}` was merged itself, or removed")),
            Self::Already => Failure::new("merge", "the ticket was merged already, or removed"),
            Self::NoState => Failure::new("merge", "the ticket's type has no state of the type `merged`"),
            Self::State(e) => Failure::from(e),
        }
    }
}
