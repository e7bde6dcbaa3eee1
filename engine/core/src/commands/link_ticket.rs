use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::rights;
use crate::state::event::{Event, LinkAdded, LinkRemoved};
use crate::state::ids::{TicketId, TicketNumber};
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::value_error::ValueError;

/// Links another ticket, or takes the link away. The caller has found out that the actor may see the other one.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkTicket {
    pub other: TicketId,
    pub number: TicketNumber,
    pub kind: LinkKind,
    pub linked: bool,
}

impl ChangesTicket for LinkTicket {
    const WORD: &'static str = "link_ticket";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let Self { other, number, kind, linked } = self;
        rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Rw)?;
        if *other == run.snapshot.ticket.id {
            return Err(Rejection::Form(vec![("link".into(), FormError::Invalid(ValueError::NotOffered(number.to_string())))]));
        }
        let (number, kind) = (number.clone(), kind.word().to_owned());
        run.emit(if *linked {
            Event::LinkAdded(LinkAdded { other: *other, number, kind, at: run.ctx.now })
        } else {
            Event::LinkRemoved(LinkRemoved { other: *other, number, kind })
        });
        Ok(())
    }
}
