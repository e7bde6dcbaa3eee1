//! Commands: what a person, a mail, a timer or the engine itself wants. Page, API, command line and lanes are equals.
//!
//! Each command is a file of its own: its data, its word in histories, who may give it, what it does. A new one is its file
//! and its lines here.

mod add_article;
mod answer_call;
pub mod article;
mod claim_work;
pub mod command_data;
pub mod create_ticket;
mod end_mail;
mod erase_content;
mod fire_timer;
pub mod follow_up_ticket;
pub mod form;
mod handle_desk_event;
mod link_ticket;
pub mod mail_in;
pub mod mail_out;
pub mod merge;
mod merge_ticket;
mod patch_ticket;
pub mod peer;
mod raise;
mod receive_message;
mod recount_timers;
mod release_work;
mod retry_incident;
mod run_job;
mod split_ticket;
pub mod start_process;
pub mod steer;
pub mod submit_dialog;
mod take_back_mail;
mod watch_ticket;

pub use crate::execution::peer_command::{Merged, PeerCommand, TakenIn};
pub use add_article::AddArticle;
pub use answer_call::AnswerCall;
pub use article::ArticleInput;
pub use claim_work::ClaimWork;
pub use create_ticket::NewTicket;
pub use end_mail::EndMail;
pub use erase_content::EraseContent;
pub use fire_timer::FireTimer;
pub use form::Form;
pub use handle_desk_event::HandleDeskEvent;
pub use link_ticket::LinkTicket;
pub use mail_in::{OpenByMail, ReceiveMail, Received};
pub use merge_ticket::MergeTicket;
pub use patch_ticket::PatchTicket;
pub use raise::Raise;
pub use receive_message::ReceiveMessage;
pub use recount_timers::RecountTimers;
pub use release_work::ReleaseWork;
pub use retry_incident::RetryIncident;
pub use run_job::RunJob;
pub use split_ticket::SplitTicket;
pub use start_process::StartProcess;
pub use steer::{Hand, Steer};
pub use submit_dialog::SubmitDialog;
pub use take_back_mail::TakeBackMail;
pub use watch_ticket::WatchTicket;

use crate::commands::command_data::{ChangesTicket, CreatesTicket};
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Stop};
use crate::execution::run::Run;
use crate::rules::rejection::Rejection;
use vorgang_definitions::model::Model;

macro_rules! commands {
    (creates { $($new:ident($made:ty))* } changes { $($change:ident($data:ty))* }) => {
        #[derive(Debug, Clone, PartialEq)]
        pub enum Command {
            $($new($made),)*
            $($change($data),)*
        }

        impl Command {
            /// As histories have it.
            pub fn word(&self) -> &'static str {
                match self {
                    $(Self::$new(_) => <$made>::WORD,)*
                    $(Self::$change(_) => <$data>::WORD,)*
                }
            }

            /// Only the engine itself gives it.
            pub fn is_internal(&self) -> bool {
                match self {
                    $(Self::$new(_) => <$made>::INTERNAL,)*
                    $(Self::$change(_) => <$data>::INTERNAL,)*
                }
            }

            /// How many of the numbers for new tickets its first ticket takes.
            pub(crate) fn numbers(&self) -> usize {
                match self {
                    $(Self::$new(_) => <$made>::NUMBERS,)*
                    $(Self::$change(_) => 0,)*
                }
            }

            /// Makes a new ticket under a number of its own.
            pub fn creates(&self) -> bool {
                match self {
                    $(Self::$new(_) => <$made>::NUMBERS == 0,)*
                    $(Self::$change(_) => false,)*
                }
            }

            /// The decision of a command that makes tickets; `None` for one on a ticket.
            pub(crate) fn create(&self, model: &Model, ctx: &Context) -> Option<Result<Decision, Stop>> {
                match self {
                    $(Self::$new(command) => Some(command.decide(model, ctx)),)*
                    $(Self::$change(_) => None,)*
                }
            }

            /// Carries out a command on a ticket. A command that makes tickets has no effect here: see `create`.
            pub(crate) fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
                match self {
                    $(Self::$new(_) => Ok(()),)*
                    $(Self::$change(command) => command.perform(run),)*
                }
            }
        }
    };
}

commands! {
    creates {
        CreateTicket(NewTicket)
        HandleDeskEvent(HandleDeskEvent)
        OpenByMail(OpenByMail)
        StartProcess(StartProcess)
    }
    changes {
        AddArticle(AddArticle)
        AnswerCall(AnswerCall)
        ClaimWork(ClaimWork)
        EndMail(EndMail)
        EraseContent(EraseContent)
        FireTimer(FireTimer)
        LinkTicket(LinkTicket)
        MergeTicket(MergeTicket)
        PatchTicket(PatchTicket)
        Raise(Raise)
        ReceiveMail(ReceiveMail)
        ReceiveMessage(ReceiveMessage)
        RecountTimers(RecountTimers)
        ReleaseWork(ReleaseWork)
        RetryIncident(RetryIncident)
        RunJob(RunJob)
        SplitTicket(SplitTicket)
        Steer(Steer)
        SubmitDialog(SubmitDialog)
        TakeBackMail(TakeBackMail)
        WatchTicket(WatchTicket)
    }
}
