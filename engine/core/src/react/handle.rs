//! Handlers: what definitions do on events (C4.6, C16).

use crate::execution::at::At;
use crate::execution::decision::Remark;
use crate::execution::run::{Run, STEPS_MAX};
use crate::net::step::moved;
use crate::react::job;
use crate::react::tell::tell;
use crate::rules::failure::Failure;
use crate::state::happening::Happening;
use crate::state::ids::InstanceId;
use crate::state::snapshot::{HandlerAt, Retry, WorkItem, WorkStatus};
use std::sync::Arc;
use vorgang_definitions::actions::Action;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::kinds::handler::{EventName, Handler, LocalHandler};
use vorgang_definitions::kinds::notification::Notification;
use vorgang_definitions::kinds::process::Activity;
use vorgang_definitions::model::ProcessModel;
use vorgang_definitions::source::Span;

/// A handler under way: what it does, and for which token or instance.
struct Found<'m> {
    at: HandlerAt,
    /// Where it stands in the definitions.
    span: Span,
    when: Option<&'m Expr>,
    what: What<'m>,
    place: At,
}

#[derive(Clone, Copy)]
enum What<'m> {
    Actions(&'m [Action]),
    Tell(&'m Notification),
}

fn on(names: &[EventName], happening: &Happening) -> bool {
    names.iter().any(|n| n.text == happening.name)
}

impl Run<'_> {
    /// Runs the handlers of what happened until now. True when one did something.
    pub fn handle(&mut self) -> bool {
        if self.reactions.early || self.reactions.happened.is_empty() {
            return false;
        }
        // A chain without an end has been stopped already, with an incident.
        if self.chain.is_too_long() {
            self.reactions.happened.clear();
            return false;
        }
        let mut done = false;
        for happening in std::mem::take(&mut self.reactions.happened) {
            done |= self.handlers_of(&happening);
            if self.chain.is_too_long() {
                // What the last handlers have set off is not handled: it would go on forever.
                self.reactions.happened.clear();
                let failure = Failure::new("loop", format!("more than {STEPS_MAX} steps without a person: handlers set each other off"));
                self.raise(failure, None, Retry::Nothing);
                self.reactions.happened.clear();
                return true;
            }
        }
        done
    }

    /// The handlers, and beside them the notifications that the event sends and the jobs that it runs.
    fn handlers_of(&mut self, happening: &Arc<Happening>) -> bool {
        let mut done = self.nearest_handlers(happening);
        if !done && happening.name == "violated" {
            return self.handlers_of(&Arc::new(Happening { name: "error".into(), ..(**happening).clone() }));
        }
        let model = self.model;
        for notification in model.announced.get(&happening.name).into_iter().flatten().filter_map(|n| model.names.notifications.get(n)) {
            done |= self.try_handler(happening, &announcement(notification));
        }
        for job in model.triggered.get(&happening.name).into_iter().flatten() {
            // What it says to its runs is not for whoever set off the event.
            let notice = self.notice.take();
            self.chain.step(job.clone());
            job::run_job(self, job);
            done |= !matches!(self.notice, Some(Remark::NotMeant(_)));
            self.notice = notice.or(self.notice.take().filter(|n| matches!(n, Remark::Incident(_))));
        }
        done
    }

    /// The nearest wins: those of activities, then those of the process, then the site's (C16).
    fn nearest_handlers(&mut self, happening: &Arc<Happening>) -> bool {
        let mut done = false;
        let instances: Vec<InstanceId> = match happening.instance {
            Some(own) => vec![own],
            None => self.snapshot.instances.iter().filter(|i| i.outcome.is_none()).map(|i| i.seq).collect(),
        };
        for instance in instances.into_iter().filter(|i| i.0 <= happening.at) {
            done |= self.handlers_in(instance, happening);
        }
        if done {
            return true;
        }
        for handler in self.model.handlers.get(&happening.name).into_iter().flatten() {
            done |= self.try_handler(happening, &of_site(handler));
        }
        done
    }

    pub(crate) fn handlers_in(&mut self, instance: InstanceId, happening: &Arc<Happening>) -> bool {
        let Some(process) = self.process_of(instance).filter(|p| p.handled.contains(&happening.name)) else { return false };
        let mut done = false;
        // What happens at an activity with copies happens to the token whose copies they are.
        let under_way = |w: &&WorkItem| {
            w.instance == instance
                && w.seq.0 <= happening.at
                && w.status != WorkStatus::Waiting
                && w.copy().is_none()
                && happening.concerns(&w.activity)
        };
        let open: Vec<WorkItem> = self.snapshot.open_work().filter(under_way).cloned().collect();
        for item in open {
            let Some(activity) = process.def.activities.get(&item.activity) else { continue };
            for (index, handler) in activity.handlers.iter().enumerate().filter(|(_, h)| on(&h.on, happening)) {
                // One that another handler has just ended is gone; of its own the first that holds is taken.
                if self.snapshot.item(item.seq).is_some_and(|w| w.status.is_open())
                    && self.try_handler(happening, &local(HandlerAt::Activity { work: item.seq, index }, handler, At::item(&item)))
                {
                    done = true;
                    break;
                }
            }
        }
        if done {
            return true;
        }
        if self.handlers_in_groups(&process, instance, happening) {
            return true;
        }
        for (index, handler) in process.def.handlers.iter().enumerate().filter(|(_, h)| on(&h.on, happening)) {
            done |= self.try_handler(happening, &local(HandlerAt::Process { instance, index }, handler, At::Instance(instance)));
        }
        done
    }

    /// Those of groups that have tokens: of groups that lie in each other the innermost wins.
    fn handlers_in_groups(&mut self, process: &ProcessModel, instance: InstanceId, happening: &Arc<Happening>) -> bool {
        let mut groups: Vec<usize> = (0..process.def.groups.len()).collect();
        groups.sort_by_key(|g| process.net.members(*g).len());
        let mut handled: Vec<usize> = vec![];
        for group in groups {
            let under_way = |w: &&WorkItem| {
                let outer = process.net.groups_of(&w.activity);
                w.instance == instance && outer.contains(&group) && !outer.iter().any(|g| handled.contains(g))
            };
            if !self.snapshot.open_work().any(|w| under_way(&w) && happening.concerns(&w.activity)) {
                continue;
            }
            let handlers = process.def.groups.at(group).map_or(&[][..], |(_, g)| &g.handlers);
            for (index, handler) in handlers.iter().enumerate().filter(|(_, h)| on(&h.on, happening)) {
                if self.try_handler(happening, &local(HandlerAt::Group { instance, group, index }, handler, At::Instance(instance))) {
                    handled.push(group);
                    break;
                }
            }
        }
        !handled.is_empty()
    }

    /// True when it ran, or should have.
    fn try_handler(&mut self, happening: &Arc<Happening>, found: &Found) -> bool {
        let savepoint = self.savepoint();
        let outer = self.reactions.happening.replace(happening.clone());
        let result = self.run_handler(found);
        self.reactions.happening = outer;
        match result {
            Ok(ran) => ran,
            Err(failure) => {
                self.roll_back(savepoint);
                self.handler_failed(happening, &found.at, failure);
                true
            }
        }
    }

    fn run_handler(&mut self, found: &Found) -> Result<bool, Failure> {
        if let Some(when) = found.when
            && !self.holds(when, found.place)?
        {
            return Ok(false);
        }
        self.ran(found.span);
        self.chain.step(found.at.name(&self.snapshot));
        match found.what {
            What::Actions(actions) => self.actions(actions, found.place)?,
            What::Tell(notification) => tell(self, notification, found.place)?,
        }
        if let HandlerAt::Group { instance, group, index } = found.at {
            let process = self.process_of(instance);
            let handler = process.as_ref().and_then(|p| p.def.groups.at(group)).and_then(|(_, g)| g.handlers.get(index));
            if let Some(branch) = handler.and_then(|h| h.next.as_ref()) {
                self.leave_group(instance, group, branch)?;
            }
            return Ok(true);
        }
        let HandlerAt::Activity { work, index } = found.at else { return Ok(true) };
        let Some(item) = self.snapshot.item(work).filter(|w| w.status.is_open()).cloned() else { return Ok(true) };
        let Some(process) = self.process_of(item.instance) else { return Ok(true) };
        let next = process.def.activities.get(&item.activity).and_then(|a: &Activity| a.handlers.get(index)).and_then(|h| h.next.as_ref());
        if let Some(branch) = next {
            moved(self.complete_on(work, "event", branch)?)?;
        }
        Ok(true)
    }

    /// What happened stays, the ticket goes on, and an incident keeps what is to be done again.
    fn handler_failed(&mut self, happening: &Happening, at: &HandlerAt, failure: Failure) {
        let same = |retry: &Retry| matches!(retry, Retry::Handle { handler, .. } if handler == at);
        // A handler of incidents that fails raises one of its own, not one for each.
        let about_incidents = happening.name.starts_with("incident.");
        if about_incidents && self.snapshot.incidents.iter().any(|i| i.resolved.is_none() && same(&i.retry)) {
            return;
        }
        let place = Some(format!("{} on {}", at.name(&self.snapshot), happening.name));
        self.raise(failure, place, Retry::Handle { handler: at.clone(), happening: Some(happening.stored()) });
    }

    /// After an incident: as if it had just happened.
    pub fn handle_again(&mut self, handler: &HandlerAt, happening: &Arc<Happening>) {
        match handler {
            HandlerAt::Site { name } => {
                let all = self.model.handlers.get(&happening.name);
                let Some(handler) = all.into_iter().flatten().find(|h| *h.name == **name) else { return };
                self.try_handler(happening, &of_site(handler));
            }
            HandlerAt::Notification { name } => {
                if let Some(notification) = self.model.names.notifications.get(name) {
                    self.try_handler(happening, &announcement(notification));
                }
            }
            HandlerAt::Process { instance, index } => {
                let Some(process) = self.process_of(*instance) else { return };
                let Some(own) = process.def.handlers.get(*index) else { return };
                self.try_handler(happening, &local(handler.clone(), own, At::Instance(*instance)));
            }
            HandlerAt::Group { instance, group, index } => {
                let Some(process) = self.process_of(*instance) else { return };
                let Some(own) = process.def.groups.at(*group).and_then(|(_, g)| g.handlers.get(*index)) else { return };
                self.try_handler(happening, &local(handler.clone(), own, At::Instance(*instance)));
            }
            HandlerAt::Activity { work, index } => {
                let Some(item) = self.snapshot.item(*work).filter(|w| w.status.is_open()).cloned() else { return };
                let Some(process) = self.process_of(item.instance) else { return };
                let Some(own) = process.def.activities.get(&item.activity).and_then(|a| a.handlers.get(*index)) else { return };
                self.try_handler(happening, &local(handler.clone(), own, At::item(&item)));
            }
        }
    }
}

fn of_site(handler: &Handler) -> Found<'_> {
    let at = HandlerAt::Site { name: handler.name.to_string() };
    Found { at, span: handler.at, when: handler.when.as_ref(), what: What::Actions(&handler.actions), place: At::Ticket }
}

fn announcement(notification: &Notification) -> Found<'_> {
    let at = HandlerAt::Notification { name: notification.name.to_string() };
    Found { at, span: notification.at, when: notification.when.as_ref(), what: What::Tell(notification), place: At::Ticket }
}

fn local(at: HandlerAt, handler: &LocalHandler, place: At) -> Found<'_> {
    Found { at, span: handler.at, when: handler.when.as_ref(), what: What::Actions(&handler.actions), place }
}
