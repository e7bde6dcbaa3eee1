//! Programs that are to be run.

use crate::{Result, StoreError};
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::ids::{CallId, TicketId, TicketNumber};
use vorgang_core::snapshot::Call;

/// A call whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub struct DueCall {
    pub ticket: TicketId,
    /// The ticket's number.
    pub number: TicketNumber,
    pub call: Call,
    /// How often it was begun.
    pub attempts: u32,
    /// The trace of the command that wants it.
    pub trace: Option<String>,
}

impl DueCall {
    /// The row's text: the call, with the trace as a further key.
    pub fn state(call: &Call, trace: Option<&str>) -> Result<String> {
        let mut state = serde_json::to_value(call).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        if let Some(trace) = trace {
            state["trace"] = trace.into();
        }
        Ok(state.to_string())
    }

    /// The trace in a row's text.
    pub fn trace_in(state: &str) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Beside {
            trace: Option<String>,
        }
        serde_json::from_str::<Beside>(state).ok().and_then(|b| b.trace)
    }
}

#[async_trait]
pub trait Calls: Send + Sync {
    /// Those due first first.
    async fn calls_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueCall>>;
    /// An attempt begins: nobody else begins one until then. False where somebody has, or the call is gone.
    async fn call_lease(&self, call: (TicketId, CallId), now: Timestamp, until: Timestamp) -> Result<bool>;
    /// Is it still waited for?
    async fn call_wanted(&self, call: (TicketId, CallId)) -> Result<bool>;
    /// Puts the next attempt off until then; `counts` says whether the present attempt counts.
    async fn call_later(&self, call: (TicketId, CallId), due: Timestamp, counts: bool) -> Result<()>;
}
