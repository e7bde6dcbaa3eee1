//! Names that the simple kinds use, languages of texts, notifications.

use crate::actions::set::ATTRIBUTES;
use crate::check::context::Cx;
use crate::check::texts::text;
use crate::check::{env, handler, place};
use crate::diagnostic::Diagnostic;
use crate::kinds::field::FieldType;
use crate::kinds::notification::{Channel, Notification};
use crate::kinds::state::StateType;
use crate::kinds::who::{Who, WhoWord};
use crate::phase::Written;

pub fn check(cx: &mut Cx) {
    let names = cx.names;
    for queue in names.queues.iter() {
        text(queue.title.as_ref(), cx);
        queue.calendar.iter().for_each(|c| place::calendar(c, cx));
        if let (Some(calendar), None) = (&queue.calendar, &queue.unlock_after) {
            let d = Diagnostic::error("unknown-key", calendar.span, "`calendar` says in what `unlock_after` counts, and there is none");
            cx.push(d);
        }
        let Some(parent) = &queue.parent else { continue };
        if names.queues.get(parent).is_none() {
            cx.unknown("queue", parent, names.queues.iter().map(|q| q.name.as_str()));
        }
        let mut above = Some(parent);
        for _ in 0..names.queues.len() {
            above = above.and_then(|p| names.queues.get(p)).and_then(|q| q.parent.as_ref());
        }
        if above.is_some() {
            cx.push(Diagnostic::error("unknown-name", parent.span, format!("`{}` stands above itself", queue.name)));
        }
    }
    for role in names.roles.iter() {
        text(role.title.as_ref(), cx);
        for (queue, _) in role.queues.iter() {
            if names.queues.get(queue).is_none() {
                cx.unknown("queue", queue, names.queues.iter().map(|q| q.name.as_str()));
            }
        }
    }
    for field in names.fields.iter() {
        if field.indexed && !field.can_be_indexed() {
            let message = format!("a field of the type `{}` is not found by an index", field.field_type.word());
            cx.push(Diagnostic::error("wrong-type", field.name.span, message).help("leave `indexed` out"));
        }
        text(field.title.as_ref(), cx);
        text(field.help.as_ref(), cx);
        for (_, option) in field.options.iter() {
            text(Some(option), cx);
        }
        let wants_options = matches!(field.field_type, FieldType::Choice | FieldType::MultipleChoice);
        if wants_options == field.options.is_empty() {
            let d =
                Diagnostic::error("missing-key", field.name.span, format!("field `{}` of type `{}`", field.name, field.field_type.word()));
            cx.push(d.help(if wants_options { "needs `options:`" } else { "has no `options:`; only choices have" }));
        }
        if field.scale.is_some() && field.field_type != FieldType::Decimal {
            cx.push(Diagnostic::error("unknown-key", field.name.span, format!("`scale` of `{}`: only decimals have one", field.name)));
        }
        if ATTRIBUTES.contains(&field.name.as_str()) {
            cx.push(Diagnostic::error("bad-name", field.name.span, format!("`{}` is an attribute of every ticket", field.name)));
        }
    }
    let mut levels = std::collections::BTreeMap::new();
    for priority in names.priorities.iter() {
        text(priority.title.as_ref(), cx);
        if let Some(first) = levels.insert(priority.level.value.0, priority.level.span) {
            let d = Diagnostic::error("duplicate-definition", priority.level.span, "two priorities have the same level");
            cx.push(d.related(first, "first here"));
        }
    }
    for state in names.states.iter() {
        text(state.title.as_ref(), cx);
        match (&state.then, state.state_type) {
            (Some(then), StateType::PendingAuto) if names.states.get(then).is_none() => {
                cx.unknown("state", then, names.states.iter().map(|s| s.name.as_str()));
            }
            (Some(_), StateType::PendingAuto) => {}
            (None, StateType::PendingAuto) => {
                let d = Diagnostic::error(
                    "missing-key",
                    state.name.span,
                    format!("the state `{}` of type `pending_auto` needs `then`", state.name),
                );
                cx.push(d.help("the state that follows when the time is reached, for example `then: open`"));
            }
            (Some(then), _) => {
                let d = Diagnostic::error(
                    "unknown-key",
                    then.span,
                    format!("`then` of `{}`: only `pending_auto` goes on by itself", state.name),
                );
                cx.push(d);
            }
            (None, _) => {}
        }
    }
    for calendar in names.calendars.iter() {
        text(calendar.title.as_ref(), cx);
    }
    if let Some(calendar) = &names.site.calendar {
        place::calendar(calendar, cx);
    }
    text(Some(&names.site.title), cx);
    for notification in names.notifications.iter() {
        self::notification(notification, cx);
    }
}

fn notification(notification: &Notification<Written>, cx: &mut Cx) {
    let names = cx.names;
    let mut env = env::with_ticket(names, None);
    text(notification.title.as_ref(), cx);
    text(Some(&notification.subject.text), cx);
    text(Some(&notification.body.text), cx);
    match (&notification.on, &notification.when) {
        (Some(on), _) => {
            handler::names(on, cx);
            env = handler::with_event(&env, on, names);
        }
        (None, Some(when)) => {
            let d = Diagnostic::error("missing-key", when.span, "`when` is about the events in `on`, and there is none");
            cx.push(d.help("write the condition at the action: `{ notify: …, when: … }`"));
        }
        (None, None) => {}
    }
    recipients(notification, cx);
    place::condition(notification.when.as_ref(), &env, &mut Default::default(), cx);
    place::whos(&notification.to, &env, &mut Default::default(), cx);
    let env = env.with("recipient", env::person(names));
    let _ = cx.compile_text(&notification.subject, &env);
    let _ = cx.compile_text(&notification.body, &env);
}

/// Somebody can be told, on a way that reaches them.
fn recipients(notification: &Notification<Written>, cx: &mut Cx) {
    if notification.to.iter().all(|who| matches!(who, Who::Word(WhoWord::Anyone))) {
        let d = Diagnostic::error(
            "nobody-named",
            notification.name.span,
            format!("`{}` names nobody: `anyone` is nobody in particular", notification.name),
        );
        cx.push(d.help("name people: `customer`, `owner`, `watchers`, `{ role: … }`"));
    }
    for who in notification.to.iter() {
        if let Who::User(address) = who
            && address.contains('@')
            && !notification.by.contains(&Channel::Mail)
        {
            let d = Diagnostic::error("nobody-named", notification.name.span, format!("`{address}` is an address: only mail reaches it"));
            cx.push(d.help("write `by: [mail]`"));
        }
    }
}
