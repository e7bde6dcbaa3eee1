//! What a test expects of its story, and what helps to see why it went otherwise.

use crate::execution::context::Context;
use crate::execution::facts::Content;
use crate::rules::rejection::Rejection;
use crate::rules::scope::TicketScope;
use crate::state::article::Article;
use crate::state::event::{Event, MailQueued, NotificationSent};
use crate::state::message::Datum;
use crate::state::people;
use crate::state::snapshot::{Instance, Snapshot, WorkStatus};
use crate::story::{Story, written_out};
use crate::view::choices::choices;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::display::display;
use vorgang_definitions::kinds::branch::Next;
use vorgang_definitions::kinds::test::{ArticleIs, Expect, TextSent};
use vorgang_definitions::load::{Int, Named};
use vorgang_definitions::source::Span;
use vorgang_definitions::value_expr::Plain;
use vorgang_definitions::values::{Slot, from_stored, when_unset};

impl Story<'_> {
    pub(crate) fn expect(&mut self, at: Span, expect: &Expect, whose: Option<&str>) {
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
        let content = self.at.map(|i| self.content(&self.tickets[i])).unwrap_or_default();
        if let Some(count) = expect.articles.filter(|c| c.0 != content.articles.len() as i64) {
            wrong.push(format!("there are {} articles, expected {}", content.articles.len(), count.0));
        }
        let visible = content.articles.iter().filter(|a| a.visible).count();
        if let Some(count) = expect.visible.filter(|c| c.0 != visible as i64) {
            wrong.push(format!("customers may read {visible} articles, expected {}", count.0));
        }
        let made = self.events.iter().filter(|e| matches!(e, Event::TicketMade(_))).count();
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
            wrong.extend(self.data(&snapshot, name, value));
        }
        for (name, value) in expect.fields.iter() {
            wrong.extend(self.field(&snapshot, name, value));
        }
        wrong.extend(self.choices(&snapshot, &expect.choices, whose));
        wrong.extend(expect.notified.as_ref().and_then(|wanted| self.notified(wanted)));
        wrong.extend(self.reasons(&snapshot, &expect.reasons, whose));
        wrong.extend(expect.links.as_ref().and_then(|wanted| self.links(&content, wanted)));
        wrong.extend(expect.article.as_ref().map(|is| article(content.articles.last(), is)).unwrap_or_default());
        wrong.extend(expect.texts.iter().filter_map(|text| self.text_sent(text)));
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
        let ctx = Context { trace: Some(&self.trace), ..Context::trial(self.now, person, &self.people) };
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

    /// Why this person may not choose some values, against what is expected.
    fn reasons(&self, snapshot: &Snapshot, wanted: &Named<Named<String>>, whose: Option<&str>) -> Vec<String> {
        let Some(person) = whose.and_then(|login| self.people.get(login)).filter(|_| !wanted.is_empty()) else { return vec![] };
        let ctx = Context { trace: Some(&self.trace), ..Context::trial(self.now, person, &self.people) };
        let found = choices(self.model, snapshot, &ctx, &BTreeMap::new());
        let mut wrong = vec![];
        for (name, value, reason) in wanted.iter().flat_map(|(name, values)| values.iter().map(move |(v, r)| (name, v, r))) {
            let option = found.choice(name).and_then(|c| c.options.iter().find(|o| o.value.as_str() == Some(value.as_str())));
            let Some(option) = option else {
                wrong.push(format!("`{value}` is not among the choices of `{name}`"));
                continue;
            };
            let said: Vec<String> = option.refused.iter().map(|r| format!("{}: {}", r.word(), self.describe(r))).collect();
            let is_meant = |(r, said): (&Rejection, &String)| r.word() == reason.as_str() || said.contains(reason.as_str());
            match option.refused.is_empty() {
                true => wrong.push(format!("`{name}` can be `{value}`, expected to be refused: {reason}")),
                false if option.refused.iter().zip(&said).any(is_meant) => {}
                false => wrong.push(format!("`{name}` cannot be `{value}` because \"{}\", expected \"{reason}\"", said.join("; "))),
            }
        }
        wrong
    }

    /// Each that is named was sent as often as it is named; nothing at all where none is.
    fn notified(&self, wanted: &[Named<vorgang_definitions::name::Name>]) -> Option<String> {
        let sent = self.events.iter().filter_map(|e| match e {
            Event::NotificationSent(NotificationSent { notification: n }) => Some((n.name.as_str(), n.to.as_str())),
            _ => None,
        });
        let sent: Vec<(&str, &str)> = sent.collect();
        let wanted: Vec<(&str, &str)> = wanted.iter().flat_map(Named::iter).map(|(n, to)| (n.as_str(), to.as_str())).collect();
        let list = |all: &[(&str, &str)]| all.iter().map(|(n, to)| format!("{n} to {to}")).collect::<Vec<_>>().join(", ");
        let count = |all: &[(&str, &str)], one: &(&str, &str)| all.iter().filter(|other| *other == one).count();
        let is_wrong = if wanted.is_empty() { !sent.is_empty() } else { wanted.iter().any(|w| count(&sent, w) != count(&wanted, w)) };
        is_wrong.then(|| format!("notified were [{}], expected [{}]", list(&sent), list(&wanted)))
    }

    fn links(&self, content: &Content, wanted: &[Named<Int<1, 1_000>>]) -> Option<String> {
        let number =
            |place: i64| usize::try_from(place - 1).ok().and_then(|i| self.tickets.get(i)).map(|t| t.snapshot.ticket.number.clone());
        let mut found: Vec<String> = content.links.iter().map(|l| format!("{} {}", l.kind, l.number)).collect();
        let named = wanted.iter().flat_map(Named::iter);
        let mut wanted: Vec<String> =
            named.map(|(kind, place)| format!("{kind} {}", number(place.0).unwrap_or_else(|| "?".into()))).collect();
        found.sort();
        found.dedup();
        wanted.sort();
        (found != wanted).then(|| format!("linked are [{}], expected [{}]", found.join(", "), wanted.join(", ")))
    }

    /// Something was sent that has the parts that are expected.
    fn text_sent(&self, wanted: &TextSent) -> Option<String> {
        let address = self.people.get(&wanted.to).map_or(wanted.to.as_str(), |p| p.email.as_str());
        let sent = self.events.iter().filter_map(|e| match e {
            Event::MailQueued(MailQueued { outgoing: o }) if wanted.of.is_none() && o.to.iter().any(|a| a.is(address)) => {
                Some((&o.subject, &o.body))
            }
            Event::NotificationSent(NotificationSent { notification: n })
                if *n.to == *wanted.to && wanted.of.as_ref().is_none_or(|of| **of == *n.name) =>
            {
                Some((&n.subject, &n.body))
            }
            _ => None,
        });
        let sent: Vec<(&String, &String)> = sent.collect();
        let has = |part: &Option<String>, text: &str| part.as_ref().is_none_or(|p| text.contains(p.as_str()));
        if sent.iter().any(|(subject, body)| has(&wanted.subject, subject) && has(&wanted.body, body)) {
            return None;
        }
        let found = sent.iter().map(|(subject, body)| format!("\"{subject}\": \"{body}\"")).collect::<Vec<_>>().join("; ");
        let parts = [&wanted.subject, &wanted.body].into_iter().flatten().map(|p| format!("\"{p}\"")).collect::<Vec<_>>().join(" and ");
        let found = if found.is_empty() { "nothing".to_owned() } else { found };
        Some(format!("`{}` was sent {found}; expected {parts}", wanted.to))
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

    /// A value of the process that was started last.
    fn data(&self, snapshot: &Snapshot, name: &str, value: &Plain) -> Option<String> {
        let of = |i: &&Instance| self.model.process_by_hash(&i.hash)?.def.data.get(name).map(|typed| typed.0);
        let instances = snapshot.instances.iter().rev();
        let typed = instances.clone().find_map(|i| of(&i));
        let found = instances.clone().find_map(|i| i.more.as_ref()?.data.get(name)).and_then(Datum::value);
        let json = value.to_json();
        let wanted = typed.and_then(|of| of.read(&json));
        let is_same = match (&found, &wanted) {
            (Some(found), Some(wanted)) => found.equals(wanted),
            (None, _) => json.is_null(),
            (Some(_), None) => false,
        };
        let text = |v: Option<&Value>| v.map_or("null".to_owned(), |v| display(v, "en", &self.model.names.site.zone.0));
        let expected = if json.is_null() || wanted.is_some() { text(wanted.as_ref()) } else { written_out(value) };
        (!is_same).then(|| format!("`process.data.{name}` is `{}`, expected `{expected}`", text(found.as_ref())))
    }

    fn field(&self, snapshot: &Snapshot, name: &str, value: &Plain) -> Option<String> {
        let slot = Slot::find(&self.model.names, name)?;
        let Slot::Field(field) = slot else { return Some(format!("`{name}` is an attribute, not a field")) };
        let wanted = slot.literal(&value.0, &self.model.names);
        let found = snapshot.ticket.fields.get(name).and_then(|j| from_stored(field, j)).or_else(|| when_unset(field));
        let same = match (&wanted, &found) {
            (Ok(Some(w)), Some(f)) => w.equals(f),
            (Ok(None), None) => true,
            // Nothing is expected, and what is there says as much.
            (Ok(None), Some(f)) => when_unset(field).is_some_and(|unset| unset.equals(f)),
            _ => false,
        };
        let text = |v: Option<&Value>| v.map_or("not set".to_owned(), |v| format!("`{}`", display(v, "en", &self.model.names.site.zone.0)));
        (!same).then(|| format!("`{name}` is {}, expected {}", text(found.as_ref()), wanted.map_or("a value".into(), |w| text(w.as_ref()))))
    }

    /// What helps to see why it went otherwise: conditions at the last completions, and open incidents.
    fn why(&self, snapshot: &Snapshot) -> Vec<String> {
        let mut lines = vec![];
        let system = people::system();
        for step in snapshot.steps.iter() {
            let Some(instance) = snapshot.instance(step.instance) else { continue };
            let Some(process) = self.model.process_by_hash(&instance.hash) else { continue };
            let Some(activity) = process.def.activities.get(&step.activity) else { continue };
            let scope = TicketScope {
                instance: Some(instance),
                ..crate::scope::TicketScope::for_person(&self.model.names, snapshot, &system, &self.people, self.now)
            };
            for transition in activity.next.iter().flat_map(Next::branches).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t) {
                let Some(when) = &transition.when else { continue };
                if when.program().holds(&scope) == Ok(false) {
                    let values = when.program().values(&scope);
                    let values = values.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ");
                    lines.push(format!("after `{}` this was false: {} ({values})", step.activity, when.text().trim()));
                }
            }
        }
        lines.sort();
        lines.dedup();
        lines
    }
}

/// What is wrong with an article.
fn article(found: Option<&Article>, wanted: &ArticleIs) -> Vec<String> {
    let Some(found) = found else { return vec!["there is no article".into()] };
    let mut wrong = vec![];
    for (what, text, part) in [("subject", &found.subject, &wanted.subject), ("text", &found.body, &wanted.body)] {
        if let Some(part) = part.as_ref().filter(|p| !text.contains(p.as_str())) {
            wrong.push(format!("the {what} of the newest article is \"{text}\", expected \"{part}\" in it"));
        }
    }
    if let Some(visible) = wanted.visible.filter(|v| *v != found.visible) {
        wrong.push(format!("customers may {}read the newest article, expected {visible}", if found.visible { "" } else { "not " }));
    }
    if let Some(by) = wanted.by.as_ref().filter(|by| ***by != *found.author) {
        wrong.push(format!("the newest article is by `{}`, expected `{by}`", found.author));
    }
    wrong
}

/// Addresses to whom the event writes a mail.
fn written_to(event: &Event) -> Vec<String> {
    match event {
        Event::MailQueued(MailQueued { outgoing }) => outgoing.to.iter().map(|a| a.address.clone()).collect(),
        Event::NotificationSent(NotificationSent { notification }) if notification.mail => vec![format!("{}@example.org", notification.to)],
        _ => vec![],
    }
}
