//! Parents and children: a parent hears when the last of its children is closed.

use crate::execution::command::Command;
use crate::execution::content::content;
use crate::execution::run::Run;
use crate::state::event::{ChildClosed, Event};
use crate::state::event_data::CHILDREN_CLOSED;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::state::StateType;

/// The parents of a ticket that is closed now look at their children, if anybody waits for that.
pub fn tell_parents(run: &mut Run) {
    let names = &run.model.names;
    let was = run.stored.is_none_or(|t| names.state_type(&t.state).is_final());
    // One that was merged is no part of its own any more.
    let now = names.state_type(&run.snapshot.ticket.state);
    if was || !now.is_final() || now == StateType::Merged || !run.model.listens(CHILDREN_CLOSED) {
        return;
    }
    let (_, links) = content(run);
    let number = run.snapshot.ticket.number.clone();
    for parent in links.into_iter().filter(|l| l.kind == LinkKind::Parent.word()) {
        run.reach(&parent.number, Command::CloseChild { number: number.clone() });
    }
}

/// All children are looked at; one that is not known yet is asked for. It is written down each time, so that of two
/// that close at the same time one comes second, and sees the other.
pub fn close_child(run: &mut Run, number: &str) {
    let (_, links) = content(run);
    let closed = |number: &str| run.other(number).is_some_and(|o| run.model.names.state_type(&o.ticket.state).is_final());
    let children = links.into_iter().filter(|l| l.kind == LinkKind::Child.word());
    // Each is asked, so that those that are missing are found at once.
    let open = children.filter(|c| !closed(&c.number)).count();
    run.emit(Event::ChildClosed(ChildClosed { number: number.to_owned(), last: open == 0 }));
}
