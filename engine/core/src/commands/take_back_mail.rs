use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::rules::rejection::Rejection;
use crate::rules::rights;
use crate::state::event::{Event, MailTakenBack};
use crate::state::ids::{ArticleId, MailId};
use crate::state::people::SYSTEM;
use vorgang_definitions::kinds::role::Right;

/// Takes a mail back before it goes out. The commit refuses itself where it is too late.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeBackMail {
    pub mail: MailId,
    pub article: ArticleId,
}

impl ChangesTicket for TakeBackMail {
    const WORD: &'static str = "take_back_mail";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let Self { mail, article } = *self;
        if run.ctx.actor.login != SYSTEM {
            rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Note)?;
        }
        run.emit(Event::MailTakenBack(MailTakenBack { mail, article }));
        Ok(())
    }
}
