use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::net::call;
use crate::rules::rejection::Rejection;
use crate::state::ids::CallId;

/// The output of a program, or why it failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerCall {
    pub call: CallId,
    pub result: Result<String, String>,
}

impl ChangesTicket for AnswerCall {
    const WORD: &'static str = "answer_call";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        call::answer(run, self.call, &self.result);
        Ok(())
    }
}
