//! Traces: the steps of a command, from the request to the mail or the program that it sets off, as spans of the target
//! [`TARGET`]. Where nobody exports them they cost a comparison. What is done later goes on with the trace of the command that
//! wanted it: its context (`traceparent` of W3C Trace Context) lies in the row.

use std::sync::OnceLock;
use tracing::Span;

/// Of all spans that belong to a trace, and of nothing else.
pub const TARGET: &str = "vorgang::trace";

/// Knows the context of spans: the exporter, where there is one.
pub trait Context: Send + Sync {
    /// Of the span that the caller is in, if it is recorded.
    fn current(&self) -> Option<String>;
    /// The span goes on with the trace of another one.
    fn follow(&self, span: &Span, context: &str);
}

static CONTEXT: OnceLock<Box<dyn Context>> = OnceLock::new();

/// Says once who exports spans.
pub fn export_by(context: Box<dyn Context>) {
    let _ = CONTEXT.set(context);
}

/// The context of the span that the caller is in.
pub fn current() -> Option<String> {
    CONTEXT.get().and_then(|c| c.current())
}

/// A span that goes on with an earlier trace, if it has one.
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
