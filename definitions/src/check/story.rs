//! A test: its steps have one verb each, and name what exists.

use crate::actions::link::LinkKind;
use crate::check::context::Cx;
use crate::check::{env, place};
use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::kinds::test::{MailIn, Steering, Step, Test};
use crate::load::Named;
use crate::name::Name;
use crate::phase::Written;
use crate::value_expr::Entered;
use crate::{data_types, outcomes};

pub fn check(test: &Test<Written>, cx: &mut Cx) {
    let names = cx.names;
    for (_, person) in test.people.iter() {
        for role in &person.roles {
            if names.roles.get(role).is_none() {
                cx.unknown("role", role, names.roles.iter().map(|r| r.name.as_str()));
            }
        }
    }
    for step in &test.steps {
        let verbs = step.verbs();
        if verbs.len() != 1 {
            let d = Diagnostic::error("two-verbs", step.at, format!("a step does one thing, this one {}", verbs.len()));
            cx.push(d.help(
                "one of `start`, `create`, `submit`, `vote`, `claim`, `release`, `steer`, `patch`, `write`, `note`, `watch`, `merge`, `mail`, `message`, `answer`, `incident`, `job`, `advance`, `expect`",
            ));
            continue;
        }
        surplus(step, verbs[0], cx);
        let by_person = !matches!(verbs[0], "advance" | "answer" | "expect" | "job" | "mail" | "message");
        match (&step.actor, by_person) {
            (None, true) => {
                cx.push(Diagnostic::error("missing-key", step.at, format!("`{}` needs `as:`, the person who does it", verbs[0])))
            }
            (Some(actor), _) if test.people.get(actor).is_none() => {
                cx.unknown("person of this test", actor, test.people.names().collect::<Vec<_>>());
            }
            _ => {}
        }
        if let Some(name) = &step.start
            && !names.process_names.contains(name.as_str())
        {
            cx.unknown("process", name, names.process_names.iter().map(String::as_str));
        }
        if let Some(name) = step.create.as_ref().filter(|t| names.types.get(t).is_none()) {
            cx.unknown("ticket type", name, names.types.iter().map(|t| t.name.as_str()));
        }
        if let Some(name) = step.job.as_ref().filter(|j| !names.job_names.contains(j.as_str())) {
            cx.unknown("job", name, names.job_names.iter().map(String::as_str));
        }
        if let Some(steering) = &step.steer {
            steer(step, steering, cx);
        }
        if let Some(mail) = &step.mail {
            self::mail(test, step, mail, cx);
        }
        activities(test, step, cx);
        outcome(step, cx);
        match &step.message {
            Some(name) => message(name, step, cx),
            None => values(&step.with, cx),
        }
        step.patch.iter().for_each(|p| values(p, cx));
        if let Some(expect) = &step.expect {
            for (name, _) in expect.fields.iter() {
                place::slot(name, None, cx);
            }
            for (name, _) in expect.data.iter().filter(|(n, _)| !cx.processes.values().any(|p| p.data.get(n).is_some())) {
                let d = Diagnostic::error("unknown-name", name.span, format!("no process has a value called `{name}`"));
                cx.out.push(d);
            }
            for (name, _) in expect.choices.iter() {
                place::slot(name, None, cx);
            }
            for (name, _) in expect.reasons.iter() {
                place::slot(name, None, cx);
            }
            if step.actor.is_some() == (expect.choices.is_empty() && expect.reasons.is_empty()) {
                let d = Diagnostic::error("missing-key", step.at, "`as` goes together with `choices` or `reasons`: they are somebody's");
                cx.push(d.help("write `{ expect: { choices: { state: [open] } }, as: otto }`"));
            }
            if let Some(state) = expect.state.as_ref().filter(|s| names.states.get(s).is_none()) {
                cx.unknown("state", state, names.states.iter().map(|s| s.name.as_str()));
            }
            let outcomes = || cx.processes.keys().flat_map(|p| names.ends_of(p)).chain(["cancelled".to_owned()]);
            if let Some(outcome) = expect.outcome.as_ref().filter(|o| !outcomes().any(|known| **o == *known)) {
                let all: Vec<String> = outcomes().collect();
                let d = Diagnostic::error("unknown-outcome", outcome.span, format!("no process ends with the outcome `{outcome}`"));
                cx.out.push(d.suggest(outcome, all.iter().map(String::as_str), outcome.span, cx.sources));
            }
            for (kind, _) in expect.links.iter().flatten().flat_map(Named::iter) {
                if LinkKind::from_word(kind).is_none() {
                    cx.unknown("kind of link", kind, LinkKind::WORDS.iter().copied());
                }
            }
            let told = expect.notified.iter().flatten().flat_map(Named::iter).map(|(n, _)| n);
            for notification in told.chain(expect.texts.iter().filter_map(|t| t.of.as_ref())) {
                if names.notifications.get(notification).is_none() {
                    cx.unknown("notification", notification, names.notifications.iter().map(|n| n.name.as_str()));
                }
            }
        }
    }
}

/// One thing is done by hand, with what it needs and nothing else.
fn steer(step: &Step<Written>, steering: &Steering, cx: &mut Cx) {
    let given = steering.given();
    let [(word, _)] = given[..] else {
        let d = Diagnostic::error("two-verbs", step.at, format!("`steer` does one thing, this one {}", given.len()));
        return cx.push(d.help("one of `complete`, `skip`, `cancel`, `move`, `redo`, `suspend`, `resume`, `hand_over`"));
    };
    let uses = [
        ("outcome", steering.outcome.is_some(), matches!(word, "complete" | "skip")),
        ("to", steering.to.is_some(), matches!(word, "move" | "hand_over")),
    ];
    for (key, is_given, used) in uses {
        match (is_given, used) {
            (true, false) => cx.push(Diagnostic::error("unknown-key", step.at, format!("`{word}` does not use `{key}`"))),
            (false, true) => cx.push(Diagnostic::error("missing-key", step.at, format!("`{word}` needs `{key}`"))),
            _ => {}
        }
    }
}

/// It comes to an address of the site.
fn mail(test: &Test<Written>, step: &Step<Written>, mail: &MailIn, cx: &mut Cx) {
    let known = match &mail.to {
        Some(to) => cx.names.account_at(to).is_some(),
        None => cx.names.accounts.iter().next().is_some(),
    };
    if !known {
        let d = Diagnostic::error("unknown-name", step.at, "no mail account takes this mail");
        cx.push(d.help("`to` is an address of a `MailAccount`"));
    }
    if !mail.from.contains('@') && test.people.names().all(|n| n != mail.from) {
        let d = Diagnostic::error("unknown-name", step.at, format!("`{}` is neither an address nor a person of this test", mail.from));
        cx.push(d.suggest(&mail.from, test.people.names(), mail.at, cx.sources));
    }
    for line in mail.headers.iter().filter(|l| !l.contains(':')) {
        cx.push(Diagnostic::error("wrong-type", step.at, format!("`{line}` is no line of a mail's head: it has a `:`")));
    }
}

/// What a message carries is written plainly, as it comes from outside.
fn message(name: &Name, step: &Step<Written>, cx: &mut Cx) {
    let names = cx.names;
    let Some(shape) = names.messages.get(name.as_str()) else {
        return cx.unknown("message", name, names.messages.keys().map(String::as_str));
    };
    for (key, given) in step.with.iter() {
        let plain = match given {
            Entered::Plain(plain) => shape.get(key.as_str()).map(|of| of.read(&plain.to_json()).is_some()),
            Entered::Expr(_) => Some(false),
        };
        match plain {
            None => {
                let d = Diagnostic::error("unknown-key", key.span, format!("the message `{name}` carries no `{key}`"));
                cx.push(d.suggest(key, shape.keys().map(String::as_str), key.span, cx.sources));
            }
            Some(false) => {
                let of = shape[key.as_str()].word();
                cx.push(Diagnostic::error("wrong-type", given.span(), format!("`{key}`: expected {of}, written plainly")));
            }
            Some(true) => {}
        }
    }
    for missing in shape.keys().filter(|k| step.with.get(k).is_none()) {
        cx.push(Diagnostic::error("missing-key", step.at, format!("the message `{name}` carries `{missing}`")).help("add it to `with`"));
    }
}

/// Keys that the verb does not use would be ignored; they are findings instead.
fn surplus(step: &Step<Written>, verb: &str, cx: &mut Cx) {
    let form = matches!(verb, "start" | "submit" | "vote");
    let values = form || verb == "create";
    let person = !matches!(verb, "advance" | "answer" | "expect" | "job" | "mail" | "message");
    let given = [
        ("as", step.actor.is_some(), person || verb == "expect"),
        ("dialog", step.dialog.is_some(), form),
        ("item", step.item.is_some(), matches!(verb, "submit" | "vote" | "claim" | "release" | "steer")),
        ("outcome", step.outcome.is_some(), form),
        ("with", !step.with.is_empty(), values || verb == "message"),
        ("article", step.article.is_some(), values),
        ("minutes", step.minutes.is_some(), values || matches!(verb, "write" | "note")),
        ("output", step.output.is_some(), verb == "answer" && step.fails.is_none()),
        ("fails", step.fails.is_some(), verb == "answer"),
        ("refuse", step.refuse.is_some(), person),
        ("because", step.because.is_some(), step.refuse.is_some()),
    ];
    for (key, _, _) in given.into_iter().filter(|(_, given, used)| *given && !used) {
        cx.push(Diagnostic::error("unknown-key", step.at, format!("`{verb}` does not use `{key}`")));
    }
}

/// Activities are looked for in every process of the site: a story may cross them.
fn activities(test: &Test<Written>, step: &Step<Written>, cx: &mut Cx) {
    let expected = step.expect.iter().filter_map(|e| e.work.as_ref()).flatten();
    let used: Vec<Name> = [&step.submit, &step.vote, &step.claim, &step.release]
        .into_iter()
        .flatten()
        .chain(step.steer.iter().filter_map(|s| s.activity()))
        .chain(step.expect.iter().filter_map(|e| e.trace.as_ref()).flatten())
        .chain(expected)
        .cloned()
        .collect();
    for name in used {
        if !cx.processes.values().any(|p| p.activities.get(&name).is_some()) {
            let process = test.process.as_ref().and_then(|p| cx.processes.get(p.as_str()));
            let known: Vec<String> = process.iter().flat_map(|p| p.activities.names().map(str::to_owned)).collect();
            cx.unknown("activity", &name, known.iter().map(String::as_str));
        }
    }
}

/// The answer must be one that some activity of this name has; one that is not offered at the time is refused then.
fn outcome(step: &Step<Written>, cx: &mut Cx) {
    let (Some(outcome), Some(activity)) = (&step.outcome, step.submit.as_ref().or(step.vote.as_ref())) else { return };
    let all: Vec<String> = cx
        .processes
        .values()
        .flat_map(|p| outcomes::outcomes(cx.names, p, activity).into_iter().chain(outcomes::copy_outcomes(cx.names, p, activity)))
        .collect();
    if !all.is_empty() && step.refuse.is_none() && !all.iter().any(|o| outcome == o.as_str()) {
        let d = Diagnostic::error("unknown-outcome", outcome.span, format!("`{activity}` has no outcome `{outcome}`"));
        let list = all.iter().map(|o| format!("`{o}`")).collect::<Vec<_>>().join(", ");
        cx.push(d.suggest_or(outcome, all.iter().map(String::as_str), outcome.span, cx.sources, format!("it has {list}")));
    }
}

/// Checks the values that a person enters. Only their names must exist: tests enter on purpose what a form refuses. The
/// engine reads a value of a process, or of a copy, by the type of its target.
fn values(entered: &Named<Entered<Written>>, cx: &mut Cx) {
    let env = env::with_ticket(cx.names, None);
    let of_copies =
        |p: &Process<Written>, name: &Name| p.activities.iter().any(|(_, a)| data_types::copy_data(a).contains_key(name.as_str()));
    for (name, value) in entered.iter() {
        let of_process = cx.processes.values().any(|p| p.data.get(name).is_some() || of_copies(p, name));
        let slot = if of_process { None } else { place::slot(name, None, cx) };
        if let Entered::Expr(expr) = value {
            let wanted = slot.map(|s| s.ty(cx.names));
            cx.compile(expr, &env, wanted.as_ref());
        }
    }
}
