//! What nothing uses: fields and states in no type, roles that give nothing and that nothing asks for, calendars in which
//! nothing counts, notifications that nothing sends.

use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::Definition;
use crate::kinds::role::Role;
use crate::name::Name;
use crate::yaml::{Node, Value};
use std::collections::BTreeSet;

/// Every word in the definitions, but for their own names.
pub fn words(definitions: &[(Node, Definition)]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (node, _) in definitions {
        let Value::Map(entries) = &node.value else { continue };
        for entry in entries.iter().filter(|e| e.key != "name") {
            gather(&entry.value, &mut words);
        }
    }
    words
}

fn gather(node: &Node, words: &mut BTreeSet<String>) {
    let mut of = |text: &str| words.extend(text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(str::to_owned));
    match &node.value {
        Value::Text(text) => of(text),
        Value::List(items) => items.iter().for_each(|i| gather(i, words)),
        Value::Map(entries) => {
            for entry in entries {
                words.insert(entry.key.clone());
                gather(&entry.value, words);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Number(_) => {}
    }
}

/// `words` are all words in the site (see [`words`]).
pub fn check(words: &BTreeSet<String>, cx: &mut Cx) {
    let names = cx.names;
    let of_types: BTreeSet<&str> = names.types.iter().flat_map(|t| t.fields.iter()).map(|f| f.field.as_str()).collect();
    for field in names.fields.iter().filter(|f| !of_types.contains(f.name.as_str())) {
        unused(&field.name, format!("no ticket type has the field `{}`", field.name), "add it to `fields:` of a type, or leave it out", cx);
    }
    let mut states: BTreeSet<&str> = names.types.iter().flat_map(|t| t.states.iter()).map(|s| s.as_str()).collect();
    states.extend(names.states.iter().filter_map(|s| s.then.as_deref()));
    for state in names.states.iter().filter(|s| !states.contains(s.name.as_str())) {
        unused(&state.name, format!("no ticket type has the state `{}`", state.name), "add it to `states:` of a type, or leave it out", cx);
    }
    let gives_nothing = |r: &&Role| r.queues.is_empty() && !r.admin && !words.contains(r.name.as_str());
    for role in names.roles.iter().filter(gives_nothing) {
        unused(&role.name, format!("the role `{}` gives no right, and nothing asks for it", role.name), "give it rights in `queues:`", cx);
    }
    // Where no calendar is named, the only one counts.
    let counted = ["add_business_time", "business_days", "business_time"].iter().any(|f| words.contains(*f));
    let counts = |name: &Name| {
        (names.calendars.len() == 1 && counted) || names.site.calendar.as_ref() == Some(name) || words.contains(name.as_str())
    };
    for calendar in names.calendars.iter().filter(|c| !counts(&c.name)) {
        unused(
            &calendar.name,
            format!("nothing counts in the calendar `{}`", calendar.name),
            "name it where it counts, or leave it out",
            cx,
        );
    }
    for notification in names.notifications.iter().filter(|n| n.on.is_none() && !words.contains(n.name.as_str())) {
        let message = format!("nothing sends the notification `{}`", notification.name);
        unused(&notification.name, message, "give it `on:`, or send it by the action `notify`", cx);
    }
}

fn unused(name: &Name, message: String, help: &str, cx: &mut Cx) {
    cx.push(Diagnostic::warning("unused", name.span, message).about(name.as_str()).help(help));
}
