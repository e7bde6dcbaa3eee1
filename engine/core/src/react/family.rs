//! Parents and children: a parent hears when the last of its children is closed.

use crate::execution::content::content;
use crate::execution::peer_command::PeerCommand;
use crate::execution::run::Run;
use crate::state::event::{ChildClosed, Event};
use crate::state::event_data::CHILDREN_CLOSED;
use crate::state::ids::TicketNumber;
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
        run.reach(&parent.number, PeerCommand::CloseChild { number: number.clone() });
    }
}

/// All children are looked at; one that is not known yet is asked for. It is written down each time, so that of two
/// that close at the same time one comes second, and sees the other.
pub fn close_child(run: &mut Run, number: &TicketNumber) {
    let (_, links) = content(run);
    let mut open = 0;
    // All are asked, so that those that have to be looked up are found at once.
    for child in links.into_iter().filter(|l| l.kind == LinkKind::Child.word()) {
        let closed = run.other(&child.number).is_some_and(|o| run.model.names.state_type(&o.ticket.state).is_final());
        open += usize::from(!closed);
    }
    run.emit(Event::ChildClosed(ChildClosed { number: number.to_owned(), last: open == 0 }));
}
