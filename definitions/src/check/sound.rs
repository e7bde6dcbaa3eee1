//! Soundness of the net, as findings with their counter-example (C28).

use super::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::soundness::{Answer, Fault, decide};
use crate::source::Span;

/// Only where the net is whole: whatever is wrong with its names has been said.
pub fn check(process: &Process, cx: &mut Cx) {
    let place = |name: &str| process.activities.iter().find(|(n, _)| *n == name).map_or(process.name.span, |(n, _)| n.span);
    match decide(cx.names, process) {
        Answer::Sound => {}
        Answer::Undecided => {
            let d = Diagnostic::warning("not-decided", process.name.span, "the net is too large to be proved sound within the limit");
            cx.push(d.help("split it into sub-processes: each is proved by itself"));
        }
        Answer::Unsound(faults) => faults.iter().for_each(|f| cx.push(finding(f, &place))),
    }
}

fn finding(fault: &Fault, place: &dyn Fn(&str) -> Span) -> Diagnostic {
    let at = place(fault.activity());
    let error = |code| Diagnostic::error(code, at, fault.to_string()).path(fault.path());
    let warning = |code| Diagnostic::warning(code, at, fault.to_string()).path(fault.path());
    match fault {
        Fault::NeverEntered { .. } => error("never-entered").help("look at its join: not every arrow can deliver in the same run"),
        Fault::Waits { .. } => error("waits-for-ever")
            .help("a join that waits for all needs a token on each arrow: `join: matching` waits for those that can come"),
        Fault::NoEnd { .. } => error("no-end").help("some way has to lead on, or to an `end`"),
        Fault::Unbounded { .. } => error("tokens-grow").help("a loop makes more tokens than a join takes"),
        Fault::Second { .. } => warning("second-token")
            .help("`join: all` waits for both, `join: matching` for those that come; `join: any` says that each is meant to pass"),
    }
}
