//! Soundness of the net, as findings with their counter-example (C28).

use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::net::Net;
use crate::phase::Written;
use crate::soundness::decide;
use crate::soundness::fault::{Answer, Fault};
use crate::source::Span;

/// Only where the net is whole: whatever is wrong with its names has been said.
pub fn check(process: &Process<Written>, cx: &mut Cx) {
    let place = |name: &str| process.activities.iter().find(|(n, _)| *n == name).map_or(process.name.span, |(n, _)| n.span);
    match decide(cx.names, process) {
        Answer::Sound => {}
        Answer::Undecided => {
            let d = Diagnostic::warning("not-decided", process.name.span, "the net is too large to be proved sound within the limit");
            cx.push(d.help("split it into sub-processes: each is proved by itself"));
        }
        Answer::Unsound(faults) => {
            let follows = |f: &Fault| matches!(f, Fault::NeverEntered { activity } if comes_from_faults(activity, &faults, process));
            faults.iter().filter(|f| !follows(f)).for_each(|f| cx.push(finding(f, &place)));
        }
    }
}

/// Arrows lead to it only from activities whose tokens come nowhere: those are the findings.
fn comes_from_faults(activity: &str, faults: &[Fault], process: &Process<Written>) -> bool {
    let comes_nowhere = |from: &str| {
        let of = |f: &Fault| matches!(f, Fault::NeverEntered { .. } | Fault::Withdrawn { .. }) && f.activity() == from;
        from != activity && faults.iter().any(of)
    };
    let net = Net::new(process);
    let arrows: Vec<&str> = net.arrows(activity).collect();
    !arrows.is_empty() && arrows.iter().all(|from| comes_nowhere(from)) && !is_circle(activity, faults, &net)
}

/// Of activities that are never entered and lead to each other one has to be told.
fn is_circle(activity: &str, faults: &[Fault], net: &Net) -> bool {
    let never = |name: &str| faults.iter().any(|f| matches!(f, Fault::NeverEntered { activity } if activity == name));
    let (mut found, mut open) = (vec![], vec![activity.to_owned()]);
    while let Some(at) = open.pop() {
        for from in net.arrows(&at).filter(|from| never(from)) {
            if from == activity {
                return true;
            }
            if !found.contains(&from.to_owned()) {
                found.push(from.to_owned());
                open.push(from.to_owned());
            }
        }
    }
    false
}

fn finding(fault: &Fault, place: &dyn Fn(&str) -> Span) -> Diagnostic {
    let at = place(fault.activity());
    let error = |code| Diagnostic::error(code, at, fault.to_string()).path(fault.path());
    let warning = |code| Diagnostic::warning(code, at, fault.to_string()).path(fault.path());
    match fault {
        Fault::NeverEntered { .. } => error("never-entered").help("look at its join: not every arrow can deliver in the same run"),
        Fault::Withdrawn { .. } => error("withdrawn").help("something that goes on by itself ends or cancels it in the same moment"),
        Fault::Waits { .. } => error("waits-for-ever")
            .help("a join that waits for all needs a token on each arrow: `join: matching` waits for those that can come"),
        Fault::NoEnd { .. } => error("no-end").help("some way has to lead on, or to an `end`"),
        Fault::Unbounded { .. } => error("tokens-grow").help("a loop makes more tokens than a join takes"),
        Fault::Second { .. } => warning("second-token")
            .help("`join: all` waits for both, `join: matching` for those that come; `join: any` says that each is meant to pass"),
    }
}
