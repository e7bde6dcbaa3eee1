//! Clocks that never fire, since another one always ends the activity before.

use crate::cel::value::Duration;
use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::kinds::timer::Timer;
use crate::name::Name;
use crate::phase::Written;
use crate::source::Span;

/// Something that ends the activity, after a time that counts from its entry or from an earlier moment.
struct Ends<'a> {
    after: Duration,
    calendar: Option<&'a Name>,
    at: Span,
}

pub fn check(process: &Process<Written>, cx: &mut Cx) {
    for (name, activity) in process.activities.iter() {
        let groups = process.groups.iter().filter(|(_, g)| g.activities.iter().any(|a| a == name)).map(|(_, g)| g);
        let outer: Vec<Ends> = groups.flat_map(|g| ends(&g.timers)).collect();
        let mut own: Vec<Ends> = ends(&activity.timers).collect();
        let vote = activity.approval.as_ref().and_then(|a| Some(Ends { after: a.within?.0, calendar: a.calendar.as_ref(), at: a.at }));
        own.extend(vote);
        behind(&activity.timers, own.iter().chain(&outer), cx);
    }
    for (_, group) in process.groups.iter() {
        let own: Vec<Ends> = ends(&group.timers).collect();
        behind(&group.timers, own.iter(), cx);
    }
}

fn ends(timers: &[Timer<Written>]) -> impl Iterator<Item = Ends<'_>> {
    let always = timers.iter().filter(|t| t.next.is_some() && t.when.is_none());
    always.map(|t| Ends { after: t.after.0, calendar: t.calendar.as_ref(), at: t.at })
}

fn behind<'a>(timers: &[Timer<Written>], ends: impl Iterator<Item = &'a Ends<'a>> + Clone, cx: &mut Cx) {
    for timer in timers {
        let before = ends.clone().find(|e| e.at != timer.at && comes_before(e, timer));
        if let Some(before) = before {
            let d = Diagnostic::error("shadowed", timer.at, "this timer never fires: the activity has been left by then");
            cx.push(d.related(before.at, "left here at the latest").help("a timer without `next` does not end the activity"));
        }
    }
}

/// Working time is never shorter than elapsed time; two calendars cannot be compared.
fn comes_before(ends: &Ends, timer: &Timer<Written>) -> bool {
    let is_comparable = ends.calendar.is_none() || ends.calendar == timer.calendar.as_ref();
    let shorter = |a: Duration, b: Duration| a.days <= b.days && a.seconds <= b.seconds && a != b;
    // Days of working time are no hours of it; elapsed days are 23 hours at least.
    let hours = |d: Duration, of_day: i64| d.days * of_day + d.seconds;
    let elapsed = ends.calendar.is_none() && timer.calendar.is_none();
    is_comparable && (shorter(ends.after, timer.after.0) || (elapsed && hours(ends.after, 90_000) < hours(timer.after.0, 82_800)))
}
