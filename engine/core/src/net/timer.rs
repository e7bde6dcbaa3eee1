//! Time: what an activity, an approval or a pending ticket does when it has come.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::step::moved;
use crate::rules::failure::Failure;
use crate::state::event::{ArticleAdded, AttributeSet, Event, TicketCreated, TimerEnded, TimerFired, TimerSet};
use crate::state::ids::{InstanceId, TimerId, WorkId};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{Retry, WorkItem, WorkStatus};
use crate::state::timer::{Timer, TimerKind};
use jiff::Timestamp;
use vorgang_definitions::calendar::later;
use vorgang_definitions::cel::value::Duration;
use vorgang_definitions::kinds::process::Activity;
use vorgang_definitions::kinds::state::StateType;

/// Repetitions that are skipped one by one before counting begins anew.
const MISSED_MAX: usize = 1_000;

fn due(run: &Run, from: Timestamp, after: Duration, calendar: Option<&str>) -> Result<Timestamp, Failure> {
    let names = &run.model.names;
    let calendar = match calendar {
        None => None,
        Some(name) => {
            let gone = || Failure::new("definition", format!("no calendar is called `{name}`"));
            Some(names.work_times.get(name).ok_or_else(gone)?)
        }
    };
    let never = || Failure::new("calendar", format!("the calendar does not open for ten years after {from}"));
    later(from, after, calendar, &names.site.zone.0).ok_or_else(never)
}

/// Sets the clocks of an activity that a token has entered, or goes back to (C16). A copy has that of its approval only.
pub fn schedule(run: &mut Run, item: &WorkItem, activity: &Activity) -> Result<(), Failure> {
    let (copy, whole) = (item.copy().is_some(), activity.for_each.is_some());
    for (index, t) in activity.timers.iter().enumerate().filter(|_| !copy) {
        set(run, Some(item.seq), TimerKind::Activity { index }, t.after.0, t.calendar.as_deref())?;
    }
    if let Some(approval) = activity.approval.as_ref().filter(|_| copy || !whole)
        && let Some(within) = approval.within
    {
        set(run, Some(item.seq), TimerKind::Within, within.0, approval.calendar.as_deref())?;
    }
    Ok(())
}

/// Sets a clock from now on; one that is there counts anew.
pub fn set(run: &mut Run, work: Option<WorkId>, kind: TimerKind, after: Duration, calendar: Option<&str>) -> Result<(), Failure> {
    let now = run.ctx.now;
    let due = due(run, now, after, calendar)?;
    let known = run.snapshot.timers.iter().find(|t| t.work == work && t.kind == kind).map(|t| t.seq);
    let seq = known.unwrap_or_else(|| run.next_id());
    run.emit(Event::TimerSet(TimerSet {
        timer: Timer { seq, work, kind, due, start: now, after, calendar: calendar.map(str::to_owned), stands: None },
    }));
    Ok(())
}

/// A timer whose time has come. One that is gone, or not due, does nothing.
pub fn fire(run: &mut Run, seq: TimerId) {
    let Some(timer) = run.snapshot.timers.iter().find(|t| t.seq == seq && t.fires().is_some_and(|due| due <= run.ctx.now)).cloned() else {
        return;
    };
    let fired = Event::TimerFired(TimerFired { seq, work: timer.work, kind: timer.kind.clone() });
    if timer.work.is_some() {
        run.exception("deadline", &fired);
    }
    run.emit(fired);
    repeat(run, &timer);
    again(run, timer.work, timer.kind);
}

/// Sets the next time of a timer with `every`: what was missed is not made up for.
fn repeat(run: &mut Run, timer: &Timer) {
    let Some(every) = every(run, timer) else { return };
    let now = run.ctx.now;
    let (mut start, mut next) = (timer.due, None);
    for _ in 0..MISSED_MAX {
        match due(run, start, every, timer.calendar.as_deref()) {
            Ok(t) if t <= now && t > start => start = t,
            Ok(t) => {
                next = Some(t);
                break;
            }
            Err(_) => return,
        }
    }
    let (start, next) = match next {
        Some(t) => (start, t),
        None => match due(run, now, every, timer.calendar.as_deref()) {
            Ok(t) => (now, t),
            Err(_) => return,
        },
    };
    run.emit(Event::TimerSet(TimerSet { timer: Timer { due: next, start, after: every, ..timer.clone() } }));
}

/// How long it is between its repetitions.
fn every(run: &Run, timer: &Timer) -> Option<Duration> {
    let every = match (&timer.kind, timer.work) {
        (TimerKind::Activity { index }, Some(work)) => {
            let item = run.snapshot.item(work)?;
            run.process_of(item.instance)?.def.activities.get(&item.activity)?.timers.get(*index)?.every
        }
        (TimerKind::Group { instance, group, index }, _) => run.process_of(*instance)?.def.groups.at(*group)?.1.timers.get(*index)?.every,
        _ => None,
    };
    every.map(|e| e.0)
}

/// What the timer does, now or after an incident.
pub fn again(run: &mut Run, work: Option<WorkId>, kind: TimerKind) {
    let savepoint = run.savepoint();
    if let Err(failure) = act(run, work, &kind) {
        run.roll_back(savepoint);
        let retry = Retry::Fire { work, kind };
        let place = work.and_then(|w| run.snapshot.item(w)).map(|w| w.activity.clone());
        // The token stays where it is: its people can go on.
        run.raise(failure, place, retry);
    }
}

fn act(run: &mut Run, work: Option<WorkId>, kind: &TimerKind) -> Result<(), Failure> {
    match kind {
        TimerKind::Pending => return pending(run),
        TimerKind::Unlock => {
            unlock(run);
            return Ok(());
        }
        TimerKind::Group { instance, group, index } => return act_in_group(run, *instance, *group, *index),
        TimerKind::Named { .. } => return Ok(()),
        TimerKind::Activity { .. } | TimerKind::Within => {}
    }
    let Some(item) = work.and_then(|w| run.snapshot.item(w)).filter(|w| w.status.is_open()).cloned() else { return Ok(()) };
    let Some(process) = run.process_of(item.instance) else { return Ok(()) };
    let Some(activity) = process.def.activities.get(&item.activity) else { return Ok(()) };
    let result = match kind {
        TimerKind::Activity { index } => {
            let Some(timer) = activity.timers.get(*index) else { return Ok(()) };
            if let Some(when) = &timer.when
                && !run.holds(when, At::item(&item))?
            {
                return Ok(());
            }
            run.ran(timer.at);
            run.actions(&timer.actions, At::item(&item))?;
            match &timer.next {
                Some(branch) => run.complete_on(item.seq, "timer", branch)?,
                None => None,
            }
        }
        TimerKind::Within => run.complete(item.seq, "timeout", &SYSTEM)?,
        TimerKind::Pending | TimerKind::Unlock | TimerKind::Group { .. } | TimerKind::Named { .. } => None,
    };
    moved(result)
}

fn act_in_group(run: &mut Run, instance: InstanceId, group: usize, index: usize) -> Result<(), Failure> {
    let Some(process) = run.process_of(instance) else { return Ok(()) };
    let Some(timer) = process.def.groups.at(group).and_then(|(_, g)| g.timers.get(index)) else { return Ok(()) };
    if let Some(when) = &timer.when
        && !run.holds(when, At::Instance(instance))?
    {
        return Ok(());
    }
    run.ran(timer.at);
    run.actions(&timer.actions, At::Instance(instance))?;
    timer.next.as_ref().map_or(Ok(()), |branch| run.leave_group(instance, group, branch))
}

/// The time of a pending ticket has come: `pending_auto` goes on to the state that its definition names.
fn pending(run: &mut Run) -> Result<(), Failure> {
    let then = run.model.names.states.get(&run.snapshot.ticket.state).and_then(|s| s.then.clone());
    match then {
        Some(then) => run.set_state(&then, false, None).map_err(Failure::from),
        None => Ok(()),
    }
}

/// The owner has done nothing for too long and does not hold the ticket any more: ticket and work are anybody's.
fn unlock(run: &mut Run) {
    let Some(owner) = run.snapshot.ticket.owner.clone() else { return };
    run.lock(false);
    let goes_on = |w: &&WorkItem| matches!(w.status, WorkStatus::Offered | WorkStatus::Started) && w.claimed_by.as_ref() == Some(&owner);
    let claimed: Vec<WorkId> = run.snapshot.open_work().filter(goes_on).map(|w| w.seq).collect();
    claimed.into_iter().for_each(|seq| run.change_work(seq, run.free(seq), None, false));
}

/// The clock of the queue's `unlock_after` follows the owner: it begins anew with whatever that one does.
pub fn follow_owner(run: &mut Run) -> Result<(), Failure> {
    let (names, ticket) = (&run.model.names, &run.snapshot.ticket);
    let known = run.snapshot.timers.iter().find(|t| t.kind == TimerKind::Unlock).cloned();
    let queue = names.queues.get(&ticket.queue);
    let busy = matches!(names.state_type(&ticket.state), StateType::New | StateType::Open);
    let rule = queue.and_then(|q| Some((q.unlock_after?.0, q.calendar.as_ref().map(ToString::to_string))));
    let (Some((after, calendar)), Some(owner), true) = (rule, ticket.owner.as_ref().filter(|_| ticket.lock()), busy) else {
        if let Some(t) = known {
            run.emit(Event::TimerEnded(TimerEnded { seq: t.seq }));
        }
        return Ok(());
    };
    let acts = |e: &Event| match e {
        Event::AttributeSet(AttributeSet { name, .. }) => name == "owner" || name == "lock",
        Event::ArticleAdded(ArticleAdded { article }) => *article.author == **owner,
        Event::DialogSubmitted(_) => run.ctx.actor.login == *owner,
        _ => false,
    };
    let goes_on = known.as_ref().is_some_and(|t| t.after == after && t.calendar == calendar);
    if goes_on && !run.events.iter().any(acts) {
        return Ok(());
    }
    let now = run.ctx.now;
    let due = due(run, now, after, calendar.as_deref())?;
    let seq = known.map_or_else(|| run.next_id(), |t| t.seq);
    run.emit(Event::TimerSet(TimerSet {
        timer: Timer { seq, work: None, kind: TimerKind::Unlock, due, start: now, after, calendar, stands: None },
    }));
    Ok(())
}

/// The ticket's own timer follows `pending_until`, whoever sets it.
pub fn follow_pending(run: &mut Run) {
    let changed = run.events.iter().any(|e| match e {
        Event::AttributeSet(AttributeSet { name, .. }) => ["pending_until", "state"].contains(&name.as_str()),
        Event::TicketCreated(TicketCreated { ticket }) => ticket.pending_until.is_some(),
        _ => false,
    });
    if !changed {
        return;
    }
    let ticket = &run.snapshot.ticket;
    let wanted = ticket.pending_until.filter(|_| run.model.names.state_type(&ticket.state).is_pending());
    let known = run.snapshot.timers.iter().find(|t| t.kind == TimerKind::Pending).cloned();
    match (wanted, known) {
        (Some(due), Some(t)) if t.due == due => {}
        (Some(due), known) => {
            let seq = known.map_or_else(|| run.next_id(), |t| t.seq);
            let none = Duration { days: 0, seconds: 0 };
            let timer = Timer { seq, work: None, kind: TimerKind::Pending, due, start: due, after: none, calendar: None, stands: None };
            run.emit(Event::TimerSet(TimerSet { timer }));
        }
        (None, Some(t)) => run.emit(Event::TimerEnded(TimerEnded { seq: t.seq })),
        (None, None) => {}
    }
}

/// Timers that count in a calendar count anew.
pub fn recount(run: &mut Run) {
    let counted: Vec<Timer> = run.snapshot.timers.iter().filter(|t| t.calendar.is_some()).cloned().collect();
    for timer in counted {
        if let Ok(due) = due(run, timer.start, timer.after, timer.calendar.as_deref())
            && due != timer.due
        {
            run.emit(Event::TimerSet(TimerSet { timer: Timer { due, ..timer } }));
        }
    }
}
