//! Soundness of the net, as findings with their counter-example (C28).

use super::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::soundness::{Answer, Fault, Step, decide};
use crate::source::Span;

/// Steps of a counter-example that a finding names.
const STEPS_SHOWN: usize = 12;

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
    match fault {
        Fault::NeverEntered { activity } => {
            let d = Diagnostic::error(
                "never-entered",
                place(activity),
                format!("`{activity}` is never entered: what it waits for cannot come"),
            );
            d.help("look at its join: not every arrow can deliver in the same run")
        }
        Fault::Waits { activity, path } => {
            let d =
                Diagnostic::error("waits-for-ever", place(activity), format!("a token can wait at `{activity}` for ever: {}", way(path)));
            d.help("a join that waits for all needs a token on each arrow: `join: matching` waits for those that can come")
        }
        Fault::NoEnd { activity, path } => {
            let d = Diagnostic::error("no-end", place(activity), format!("from `{activity}` the end cannot be reached: {}", way(path)));
            d.help("some way has to lead on, or to an `end`")
        }
        Fault::Unbounded { activity, path } => {
            let d = Diagnostic::error("tokens-grow", place(activity), format!("tokens at `{activity}` grow without end: {}", way(path)));
            d.help("a loop makes more tokens than a join takes")
        }
        Fault::Second { activity, path } => {
            let d = Diagnostic::warning(
                "second-token",
                place(activity),
                format!("a second token can enter `{activity}` while one is there: {}", way(path)),
            );
            d.help("`join: all` waits for both, `join: matching` for those that come; `join: any` says that each is meant to pass")
        }
    }
}

/// `begin: save, then pack, then …`
fn way(path: &[Step]) -> String {
    let say = |s: &Step| if s.what.is_empty() { format!("`{}`", s.at) } else { format!("`{}` ({})", s.at, s.what) };
    let shown: Vec<String> = path.iter().take(STEPS_SHOWN).map(say).collect();
    let more = if path.len() > STEPS_SHOWN { format!(", and {} more", path.len() - STEPS_SHOWN) } else { String::new() };
    if shown.is_empty() { "at the start".to_owned() } else { format!("after {}{more}", shown.join(", ")) }
}
