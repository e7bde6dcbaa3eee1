use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::ids::{TicketId, TicketNumber};
use vorgang_definitions::actions::link::{Link, LinkKind};

pub fn perform(run: &mut Run, link: &Link, at: At) -> Result<(), Failure> {
    let to = value(run, &link.to, at)?;
    let number = TicketNumber::from(to.as_ref().and_then(|v| v.as_text()).unwrap_or_default());
    let other = run.other(&number).map(|o| o.ticket.id);
    let id = other.or(run.ctx.facts.is_trial().then_some(TicketId(0)));
    let id = id.ok_or_else(|| Failure::new("link", format!("there is no ticket `{number}`")))?;
    if id == run.snapshot.ticket.id {
        return Err(Failure::new("link", "a ticket is not linked to itself"));
    }
    run.link(id, number, link.kind.unwrap_or(LinkKind::Related).word());
    Ok(())
}
