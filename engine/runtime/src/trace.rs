//! Traces: the steps of a command, from the request to the mail or the program that it sets off, as spans of the target
//! [`TARGET`]. Where nobody exports them they cost a comparison. What is done later goes on with the trace of the command that
//! wanted it: its context (`traceparent` of W3C Trace Context) lies in the row.

use std::sync::OnceLock;
use tracing::Span;

/// Target of all spans that belong to a trace; nothing else has it.
pub const TARGET: &str = "vorgang::trace";

/// Access to the context of spans, implemented by the exporter.
pub trait Context: Send + Sync {
    /// Context of the current span, if the span is recorded.
    fn current(&self) -> Option<String>;
    /// Continues the trace of `context` with `span`.
    fn follow(&self, span: &Span, context: &str);
}

static CONTEXT: OnceLock<Box<dyn Context>> = OnceLock::new();

/// Sets the exporter, once.
pub fn export_by(context: Box<dyn Context>) {
    let _ = CONTEXT.set(context);
}

/// Context of the current span (`traceparent`); `None` without an exporter.
pub fn current() -> Option<String> {
    CONTEXT.get().and_then(|c| c.current())
}

/// Continues an earlier trace with this span, where there is a context.
pub fn followed(span: Span, context: Option<&str>) -> Span {
    if let (Some(by), Some(context)) = (CONTEXT.get(), context) {
        by.follow(&span, context);
    }
    span
}

/// A step of a trace.
#[macro_export]
macro_rules! step {
    ($($name_and_fields:tt)+) => { tracing::trace_span!(target: $crate::trace::TARGET, $($name_and_fields)+) };
}
