//! What a test expects of its story, and what helps to see why it went otherwise.

use super::{Story, written_out};
use crate::command::Context;
use crate::decide::choices::choices;
use crate::event::Event;
use crate::snapshot::{Snapshot, WorkStatus};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_definitions::kinds::process::Next;
use vorgang_definitions::kinds::test::Expect;
use vorgang_definitions::load::Named;
use vorgang_definitions::source::Span;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::{Slot, from_stored, when_unset};

impl Story<'_> {
    pub(super) fn expect(&mut self, at: Span, expect: &Expect, whose: Option<&str>) {
        let Some(snapshot) = self.snapshot().cloned() else {
            return self.failed(at, "there is no ticket yet");
        };
        let ticket = &snapshot.ticket;
        let mut wrong = vec![];
        let mut same = |what: &str, wanted: Option<&str>, found: &str| {
            if let Some(wanted) = wanted.filter(|w| *w != found) {
                wrong.push(format!("{what} is `{found}`, expected `{wanted}`"));
            }
        };
        same("state", expect.state.as_deref(), &ticket.state);
        same("type", expect.ticket_type.as_deref(), &ticket.ticket_type);
        same("queue", expect.queue.as_deref(), &ticket.queue);
        same("priority", expect.priority.as_deref(), &ticket.priority);
        same("owner", expect.owner.as_deref(), ticket.owner.as_deref().unwrap_or("nobody"));
        same("lock", expect.lock.map(|l| l.to_string()).as_deref(), &ticket.lock().to_string());
        same("accounted", expect.accounted.map(|m| m.0.to_string()).as_deref(), &ticket.accounted.to_string());
        let ended = snapshot.instances.iter().rev().find_map(|i| i.outcome.as_deref());
        same("outcome", expect.outcome.as_deref(), ended.unwrap_or("(running)"));
        if let Some(wanted) = &expect.work {
            wrong.extend(self.work(&snapshot, &wanted.iter().map(|n| n.as_str()).collect::<Vec<_>>()));
        }
        let trace = self.at.map(|i| &self.tickets[i].trace[..]).unwrap_or_default();
        if let Some(wanted) = expect.trace.as_ref().filter(|w| !w.iter().map(|n| n.as_str()).eq(trace.iter().map(String::as_str))) {
            let list = |l: Vec<&str>| l.join(", ");
            let (found, wanted) = (list(trace.iter().map(String::as_str).collect()), list(wanted.iter().map(|n| n.as_str()).collect()));
            wrong.push(format!("completed were [{found}], expected [{wanted}]"));
        }
        if let Some(wanted) = &expect.mailed {
            let mut found: Vec<String> = self.events.iter().flat_map(written_to).collect();
            let mut wanted: Vec<String> =
                wanted.iter().map(|to| self.people.get(to).map_or_else(|| to.clone(), |p| p.email.clone())).collect();
            found.sort();
            wanted.sort();
            if found != wanted {
                wrong.push(format!("mails went to [{}], expected [{}]", found.join(", "), wanted.join(", ")));
            }
        }
        let open_incidents: Vec<_> = snapshot.incidents.iter().filter(|i| i.resolved.is_none()).collect();
        if let Some(count) = expect.incidents.filter(|c| c.0 != open_incidents.len() as i64) {
            let list = open_incidents.iter().map(|i| i.message.as_str()).collect::<Vec<_>>().join("; ");
            wrong.push(format!("{} incidents are open, expected {}: {list}", open_incidents.len(), count.0));
        }
        let content = self.at.map(|i| self.tickets[i].content.clone()).unwrap_or_default();
        if let Some(count) = expect.articles.filter(|c| c.0 != content.articles.len() as i64) {
            wrong.push(format!("there are {} articles, expected {}", content.articles.len(), count.0));
        }
        let visible = content.articles.iter().filter(|a| a.visible).count();
        if let Some(count) = expect.visible.filter(|c| c.0 != visible as i64) {
            wrong.push(format!("customers may read {visible} articles, expected {}", count.0));
        }
        let made = self.events.iter().filter(|e| matches!(e, Event::TicketMade { .. })).count();
        if let Some(count) = expect.created.filter(|c| c.0 != made as i64) {
            wrong.push(format!("{made} tickets were made, expected {}", count.0));
        }
        if let Some(wanted) = &expect.watchers {
            let mut wanted: Vec<&str> = wanted.iter().map(|n| n.as_str()).collect();
            wanted.sort_unstable();
            if *snapshot.watchers != wanted {
                wrong.push(format!("[{}] watch, expected [{}]", snapshot.watchers.join(", "), wanted.join(", ")));
            }
        }
        for (name, value) in expect.data.iter() {
            let data = snapshot.instances.iter().rev().find_map(|i| i.more.as_ref()?.data.get(name.as_str()).map(ToString::to_string));
            let (found, wanted) = (data.unwrap_or_else(|| "null".into()), written_out(value));
            if found != wanted {
                wrong.push(format!("`process.data.{name}` is `{found}`, expected `{wanted}`"));
            }
        }
        for (name, value) in expect.fields.iter() {
            wrong.extend(self.field(&snapshot, name, value));
        }
        wrong.extend(self.choices(&snapshot, &expect.choices, whose));
        if expect.notified.as_ref().is_some_and(Vec::is_empty) {
            let sent = self.events.iter().filter_map(|e| match e {
                Event::NotificationSent { notification: n } => Some(format!("`{}` to `{}`", n.name, n.to)),
                _ => None,
            });
            let sent = sent.collect::<Vec<_>>();
            if !sent.is_empty() {
                wrong.push(format!("nobody was to be told, and there is {}", sent.join(", ")));
            }
        }
        for (notification, person) in expect.notified.iter().flatten().flat_map(Named::iter) {
            let sent = |e: &Event| matches!(e, Event::NotificationSent { notification: n } if n.name == notification.as_str() && n.to == person.as_str());
            if !self.events.iter().any(sent) {
                wrong.push(format!("`{notification}` was not sent to `{person}`"));
            }
        }
        if !wrong.is_empty() {
            wrong.extend(self.why(&snapshot));
        }
        for message in wrong {
            self.failed(at, message);
        }
    }

    /// What this person may choose by hand, against what is expected.
    fn choices(&self, snapshot: &Snapshot, wanted: &Named<Vec<String>>, whose: Option<&str>) -> Vec<String> {
        let Some(person) = whose.and_then(|login| self.people.get(login)).filter(|_| !wanted.is_empty()) else { return vec![] };
        let ctx = Context::trial(self.now, person, &self.people);
        let found = choices(self.model, snapshot, &ctx, &BTreeMap::new());
        let wrong = |(name, values): (&vorgang_definitions::name::Name, &Vec<String>)| {
            let Some(choice) = found.choice(name) else { return Some(format!("`{name}` has no choices")) };
            let mut left: Vec<&str> = choice.left().filter_map(Json::as_str).collect();
            let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
            left.sort_unstable();
            values.sort_unstable();
            (left != values).then(|| format!("`{name}` can be [{}], expected [{}]", left.join(", "), values.join(", ")))
        };
        wanted.iter().filter_map(wrong).collect()
    }

    /// Tokens that wait, and those that stand for copies or a sub-process, may be listed or left out.
    fn work(&self, snapshot: &Snapshot, wanted: &[&str]) -> Option<String> {
        let mut open: Vec<(&str, WorkStatus)> = snapshot.open_work().map(|w| (w.activity.as_str(), w.status)).collect();
        // What can be done is found before what waits.
        open.sort_by_key(|(activity, status)| (*activity, matches!(status, WorkStatus::Waiting | WorkStatus::Running), *status));
        let mut missing: Vec<&str> = vec![];
        let mut left = open.clone();
        for name in wanted {
            match left.iter().position(|(a, _)| a == name) {
                Some(i) => drop(left.remove(i)),
                None => missing.push(name),
            }
        }
        left.retain(|(_, status)| !matches!(status, WorkStatus::Waiting | WorkStatus::Running));
        if missing.is_empty() && left.is_empty() {
            return None;
        }
        let found = open.iter().map(|(a, s)| format!("{a} ({})", s.word())).collect::<Vec<_>>().join(", ");
        Some(format!("work is [{found}], expected [{}]", wanted.join(", ")))
    }

    fn field(&self, snapshot: &Snapshot, name: &str, value: &ValueExpr) -> Option<String> {
        let ValueExpr::Literal(literal) = value else { return Some(format!("`{name}`: expected values are written plainly")) };
        let slot = Slot::find(&self.model.names, name)?;
        let Slot::Field(field) = slot else { return Some(format!("`{name}` is an attribute, not a field")) };
        let wanted = slot.literal(&literal.node, &self.model.names);
        let found = snapshot.ticket.fields.get(name).and_then(|j| from_stored(field, j)).or_else(|| when_unset(field));
        let same = match (&wanted, &found) {
            (Ok(Some(w)), Some(f)) => w.equals(f),
            (Ok(None), None) => true,
            // Nothing is expected, and what is there says as much.
            (Ok(None), Some(f)) => when_unset(field).is_some_and(|unset| unset.equals(f)),
            _ => false,
        };
        let text = |v: Option<&vorgang_definitions::cel::value::Value>| v.map_or("not set".to_owned(), |v| format!("`{v}`"));
        (!same).then(|| format!("`{name}` is {}, expected {}", text(found.as_ref()), wanted.map_or("a value".into(), |w| text(w.as_ref()))))
    }

    /// What helps to see why it went otherwise: conditions at the last completions, and open incidents.
    fn why(&self, snapshot: &Snapshot) -> Vec<String> {
        let mut lines = vec![];
        let system = crate::people::system();
        for step in snapshot.steps.iter() {
            let Some(instance) = snapshot.instance(step.instance) else { continue };
            let Some(process) = self.model.process_by_hash(&instance.hash) else { continue };
            let Some(activity) = process.def.activities.get(&step.activity) else { continue };
            let scope = crate::scope::TicketScope {
                instance: Some(instance),
                ..crate::scope::TicketScope::of(&self.model.names, snapshot, &system, &self.people, self.now)
            };
            for transition in activity.next.iter().flat_map(Next::branches).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t) {
                let Some(when) = &transition.when else { continue };
                if when.program().holds(&scope) == Ok(false) {
                    let values = when.program().values(&scope);
                    let values = values.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ");
                    lines.push(format!("after `{}` this was false: {} ({values})", step.activity, when.text.trim()));
                }
            }
        }
        lines.sort();
        lines.dedup();
        lines
    }
}

/// Addresses to whom the event writes a mail.
fn written_to(event: &Event) -> Vec<String> {
    match event {
        Event::MailQueued { outgoing } => outgoing.to.iter().map(|a| a.address.clone()).collect(),
        Event::NotificationSent { notification } if notification.mail => vec![format!("{}@example.org", notification.to)],
        _ => vec![],
    }
}
