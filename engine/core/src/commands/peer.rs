//! Commands of other tickets, which take effect in the same commit.

use crate::commands::merge;
use crate::execution::peer_command::PeerCommand;
use crate::execution::run::Run;
use crate::net::{mutex, sub_process};
use crate::react::family;

pub fn perform(run: &mut Run, command: &PeerCommand) {
    match command {
        PeerCommand::CancelInstance { instance } => sub_process::cancel(run, *instance),
        PeerCommand::CloseChild { number } => family::close_child(run, number),
        PeerCommand::EndSubProcess { work, ticket, instance, outcome, data } => {
            sub_process::end_on(run, *work, ticket, *instance, outcome, data);
        }
        PeerCommand::TakeIn(taken) => merge::take_in(run, taken),
        PeerCommand::TakeMutex { name, key } => mutex::take_over(run, name, key),
    }
}
