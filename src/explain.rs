//! `vorgang explain ticket NUMBER --as LOGIN`: what this person may choose and do there, and why not.

use crate::protocol::Told;
use std::collections::BTreeMap;
use vorgang_core::denied::Denied;
use vorgang_core::people::PersonKind;
use vorgang_core::rejection::Rejection;
use vorgang_core::rights::Sight;
use vorgang_runtime::Desk;

pub async fn ticket(desk: &Desk, number: &str, login: &str) -> Told {
    let Some(person) = desk.people().get(login).cloned().filter(|p| p.kind != PersonKind::System) else {
        return Told::Failed(format!("nobody has the login `{login}`"));
    };
    let view = match desk.ticket_view(&person, number).await {
        Ok(view) => view,
        Err(vorgang_runtime::Error::Rejected(Rejection::NotFound)) => {
            return Told::Failed(format!("{login} sees no ticket {number}"));
        }
        Err(e) => return Told::Failed(e.to_string()),
    };
    let mut lines = vec![format!("{number} for {login} ({})", person.kind.word())];
    let work = view.work.iter().flat_map(|w| w.forms.iter().map(move |f| format!("  {}: {}", w.item.activity, f.dialog)));
    lines.push("work".into());
    lines.extend(work);
    if view.sight != Sight::Agent {
        lines.push("nothing else by hand: not an agent who may read the queue".into());
        return Told::Good(lines.join("\n"));
    }
    let choices = desk.choices(&person, &view, &BTreeMap::new());
    lines.push("actions".into());
    for (action, refused) in &choices.actions {
        lines.push(format!("  {action}: {}", if refused.is_empty() { "yes" } else { "no" }));
        lines.extend(refused.iter().map(|r| format!("    {}", reason(r))));
    }
    for (name, shape) in &choices.shapes {
        lines.push(format!("field {name} is {}\n    {}", shape.word().replace('_', "-"), of_acl(shape.denied())));
    }
    for choice in &choices.choices {
        let text = |json: &serde_json::Value| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
        let left: Vec<String> = choice.left().map(text).collect();
        lines.push(format!("{}: {}", choice.name, if left.is_empty() { "nothing".into() } else { left.join(", ") }));
        // One that refuses every value is said once.
        let common: Vec<&Rejection> = match choice.missing().next() {
            Some(first) if choice.missing().count() > 1 => {
                first.refused.iter().filter(|r| choice.missing().all(|o| o.refused.contains(r))).collect()
            }
            _ => vec![],
        };
        for refused in &common {
            lines.push(format!("  all others: {}", reason(refused)));
        }
        for option in choice.missing() {
            for refused in option.refused.iter().filter(|r| !common.contains(r)) {
                lines.push(format!("  not {}: {}", text(&option.value), reason(refused)));
            }
        }
    }
    Told::Good(lines.join("\n"))
}

fn reason(refused: &Rejection) -> String {
    match refused {
        Rejection::Acl(denied) => of_acl(denied),
        other => format!("{}: {}", other.word(), other.say("en")),
    }
}

fn of_acl(denied: &Denied) -> String {
    let mut text = format!("acl {}: {}", denied.acl, denied.say("en"));
    if let Some(condition) = &denied.condition {
        text += &format!("\n      when {condition}");
    }
    for (path, value) in &denied.values {
        text += &format!("\n      {path} = {value}");
    }
    if let Some(error) = &denied.error {
        text += &format!("\n      could not be evaluated: {error}");
    }
    text
}
