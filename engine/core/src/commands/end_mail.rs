use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::rules::rejection::Rejection;
use crate::state::event::{Event, MailBounced, MailEnded};
use crate::state::ids::NoticeId;
use crate::state::snapshot::Retry;

/// A mail was sent, or given up for this reason.
#[derive(Debug, Clone, PartialEq)]
pub struct EndMail {
    pub notice: NoticeId,
    pub to: String,
    pub result: Result<(), String>,
}

impl ChangesTicket for EndMail {
    const WORD: &'static str = "end_mail";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let Self { notice, to, result } = self;
        run.emit(Event::MailEnded(MailEnded { notice: *notice, to: to.clone(), message: result.clone().err() }));
        if let Err(message) = result {
            // The recipient is an address that belongs to no known person: a permanent refusal is a bounce.
            if to.contains('@') && run.ctx.people.get(to).is_none() {
                run.emit(Event::MailBounced(MailBounced { address: to.clone(), message: message.clone(), at: run.ctx.now }));
            }
            run.raise(Failure::new("mail", message.clone()), None, Retry::Deliver { notice: *notice });
        }
        Ok(())
    }
}
