use crate::actions::Action;
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::Branch;
use crate::kinds::kind::Kind;
use crate::load::{self, Int, Load, Loader, OneOrMany, Schemas};
use crate::name::Name;
use crate::phase::ExprOf;
use crate::record;
use crate::source::Span;
use crate::text::Text;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// Actions on an event, whatever process it happens in.
    pub struct Handler<S> as "a handler" {
        /// The kind of this definition.
        kind "kind": Kind = "Handler";
        /// The name of the handler.
        name "name": Name = "watch_key_accounts";
        /// What people read.
        title "title": Option<Text> = { "en": "Watch tickets of key accounts", "de": "Tickets von Großkunden beobachten" };
        /// The event, or several.
        on "on": OneOrMany<EventName> = "ticket.created";
        /// Only when this holds.
        when "when": Option<ExprOf<S>> = "ticket.priority > 3";
        /// Handlers of one event run in this order, then by name.
        order "order": Option<Int<0, 1_000_000>> = 100;
        /// What is done.
        actions "do": Vec<Action<S>> = [{ "notify": "key_account" }];
    }
}

record! {
    /// Actions on an event while an activity or a process is under way. The nearest handler wins.
    pub struct LocalHandler<S> as "a handler" {
        /// The event, or several.
        on "on": OneOrMany<EventName> = "article.created";
        /// Only when this holds.
        when "when": Option<ExprOf<S>> = "article.sender == \"customer\"";
        /// What is done.
        actions "do": Vec<Action<S>> = [{ "notify": "reminder" }];
        /// Ends the activity, and goes there.
        next "next": Option<Branch<S>> = "answered";
    }
}

/// Events that have one name; those of attributes and fields are `ticket.NAME_changed`.
pub const EVENTS: &[(&str, &str)] = &[
    ("article.created", "a message or note was written"),
    ("article.rejected", "a customer wrote to a closed ticket whose queue takes no follow-ups"),
    ("deadline", "the time of its work has come: of an activity's timer, or of an approval"),
    ("definitions.applied", "a changed site was applied; there is no ticket"),
    ("error", "its work has failed; an incident keeps it, until a handler leads on"),
    ("incident.raised", "something needs a person"),
    ("incident.resolved", "an incident was retried"),
    ("link.added", "another ticket was linked"),
    ("link.removed", "a link was taken away"),
    ("mail.bounced", "a mail of the ticket did not reach an address"),
    ("mail.failed", "the mail of a notification was given up"),
    ("mail.sent", "the mail of a notification was sent"),
    ("nobody", "its work is for people, and there are too few of them"),
    ("person.changed", "somebody's name, address, company, roles or activity was changed; there is no ticket"),
    ("person.created", "somebody is new; there is no ticket"),
    ("process.ended", "a process on the ticket has ended"),
    ("process.started", "a process on the ticket has begun"),
    ("program.answered", "a program has done what it was run for"),
    ("program.failed", "a program has failed, and is not tried again"),
    ("ticket.children_closed", "the last open one of its child tickets was closed"),
    ("ticket.created", "the ticket is new"),
    ("ticket.joined", "another ticket was merged into it"),
    ("ticket.merged", "it was merged into another ticket"),
    ("ticket.pending_reached", "the time until which the ticket was to wait has come"),
    ("ticket.time_accounted", "time of work was written down"),
    ("ticket.unlock_reached", "the owner has done nothing for too long"),
    ("timer.fired", "a timer of an activity has fired"),
    ("violated", "its work has failed because the life cycle refuses what it sets; without a handler it is an `error`"),
    ("vote.cast", "somebody has voted"),
    ("watcher.added", "somebody watches the ticket"),
    ("watcher.removed", "somebody watches the ticket no more"),
    ("work.cancelled", "a work item was withdrawn"),
    ("work.claimed", "somebody has claimed a work item"),
    ("work.completed", "a work item was completed"),
    ("work.entered", "a work item is there"),
    ("work.released", "a work item was given back"),
];

/// The name of an event. Whether there is one is checked where the fields are known.
#[derive(Debug, Clone, PartialEq)]
pub struct EventName {
    pub text: String,
    pub span: Span,
}

impl EventName {
    /// The attribute or field whose change it is.
    pub fn changed(&self) -> Option<&str> {
        self.text.strip_prefix("ticket.")?.strip_suffix("_changed")
    }

    /// It happens to the desk, not to a ticket.
    pub fn of_desk(&self) -> bool {
        self.text.starts_with("person.") || self.text.starts_with("definitions.")
    }

    /// It is about one work item: only handlers of its activity, of what is around it and of the site see it.
    pub fn is_exception(&self) -> bool {
        is_exception(&self.text)
    }

    /// Work fails: nobody waits for that.
    pub fn is_failure(&self) -> bool {
        self.is_exception() && self.text != "deadline"
    }

    /// The message that it is.
    pub fn message(&self) -> Option<&str> {
        self.text.strip_prefix("message.")
    }
}

/// Is it one of the events that are about a work item which does not go as it should?
pub fn is_exception(name: &str) -> bool {
    matches!(name, "deadline" | "error" | "nobody" | "violated")
}

crate::plain!(EventName);

impl Load for EventName {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Event", |_| {
            let known: Vec<&str> = EVENTS.iter().map(|(n, _)| *n).collect();
            json!({
                "description": "An event; a change of an attribute or a field is `ticket.NAME_changed`, a message of the process `message.NAME`.",
                "anyOf": [
                    {"type": "string", "enum": known},
                    {"type": "string", "pattern": "^ticket\\.[a-z][a-z0-9_]{0,62}_changed$"},
                    {"type": "string", "pattern": "^message\\.[a-z][a-z0-9_]{0,62}$"}
                ],
                "examples": ["ticket.state_changed", "article.created"]
            })
        })
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            cx.wrong_type(node, "the name of an event");
            return None;
        };
        let event = Self { text: text.clone(), span: node.span };
        let known = EVENTS.iter().any(|(n, _)| n == text) || event.changed().or(event.message()).is_some_and(load::is_name);
        if !known {
            let d = Diagnostic::error("unknown-word", node.span, format!("there is no event `{text}`"));
            let names: Vec<String> = EVENTS.iter().map(|(n, _)| format!("`{n}`")).collect();
            let all = format!("events are {}, and `ticket.NAME_changed` of attributes and fields", names.join(", "));
            let near = EVENTS.iter().map(|(n, _)| *n).chain(["ticket.state_changed", "ticket.queue_changed"]);
            cx.push(d.suggest_or(text, near, node.span, cx.sources, all));
            return None;
        }
        Some(event)
    }
}
