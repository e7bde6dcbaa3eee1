use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::react::messages;
use crate::rules::rejection::Rejection;
use crate::state::message::Data;
use jiff::Timestamp;

/// A message, to the ticket's instances.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiveMessage {
    pub name: String,
    pub data: Data,
    pub sent: Timestamp,
    /// How many messages set each other off until here.
    pub hops: u32,
}

impl ChangesTicket for ReceiveMessage {
    const WORD: &'static str = "receive_message";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        run.reactions.hops = self.hops;
        messages::receive(run, &self.name, &self.data, self.sent);
        Ok(())
    }
}
