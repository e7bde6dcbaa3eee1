//! What the engine does: one file a verb, one line each in the registry. The shape stands here, the effect
//! in `vorgang-core` under the same name.

pub mod account;
pub mod assign;
pub mod cancel;
pub mod complete;
pub mod create;
pub mod emit;
pub mod incident;
pub mod increment;
pub mod link;
pub mod merge;
pub mod note;
pub mod notify;
pub mod reopen;
pub mod retry;
pub mod run;
pub mod set;
pub mod split;
pub mod start;
pub mod undo;
pub mod unwatch;
pub mod watch;

use crate::cel::expr::WrittenExpr;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::load::{self, Load, Loader, Named, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::source::Span;
use crate::value_expr::ValueExpr;
use crate::yaml::{Entry, Node, Value};
use serde_json::{Value as Json, json};

/// One action: a map with exactly one verb, and beside it `when`, `on_error`, `retry`, `with`, `as`.
#[derive(Debug, Clone)]
pub struct Action<S: Phase = Compiled> {
    pub at: Span,
    pub verb: Verb<S>,
    /// As if not written when false.
    pub when: Option<ExprOf<S>>,
    /// Done instead, where it fails; without it what stands around it fails too.
    pub on_error: Option<Vec<Action<S>>>,
    /// How often it is tried again, where it goes outside.
    pub retry: Option<retry::Retry>,
    /// What a message carries.
    pub with: Named<ValueExpr<S>>,
    /// What it made has this name in the actions after it.
    pub name: Option<Name>,
}

/// What may stand beside a verb.
const BESIDE: &[&str] = &["as", "on_error", "retry", "when", "with"];

/// Verbs that make a ticket: `as` gives it a name.
const MAKE: &[&str] = &["create", "split"];

/// Verbs that go outside: they can be tried again.
const OUTSIDE: &[&str] = &["run"];

macro_rules! verbs {
    ($($variant:ident $key:literal $ty:ty, $doc:literal, $example:tt;)*) => {
        #[derive(Debug, Clone)]
        pub enum Verb<S: Phase = Compiled> { $($variant($ty),)* }

        /// Every verb with its doc, sorted.
        pub const VERBS: &[(&str, &str)] = &[$(($key, $doc)),*];

        impl<S: Phase> Verb<S> {
            pub fn key(&self) -> &'static str {
                match self { $(Self::$variant(_) => $key,)* }
            }
        }

        impl Compile for Verb<Written> {
            type Compiled = Verb;
            fn compile(self, parts: &Parts) -> Result<Verb, Span> {
                Ok(match self { $(Self::$variant(verb) => Verb::$variant(verb.compile(parts)?),)* })
            }
        }

        impl Verb<Written> {
            fn load(key: &str, node: &Node, cx: &mut Loader) -> Option<Self> {
                type S = Written;
                match key {
                    $($key => <$ty as Load>::load(node, cx).map(Self::$variant),)*
                    _ => None,
                }
            }

            fn schemas(g: &mut Schemas) -> Vec<Json> {
                type S = Written;
                let when = load::describe(WrittenExpr::schema(g), "when", "Done only when this holds.", json!("ticket.priority > 3"));
                let on_error = <Vec<Action<Written>> as Load>::schema(g);
                let on_error = load::describe(on_error, "on_error", "Done instead, where it fails.", json!([{ "incident": "It failed" }]));
                let retry = load::describe(retry::Retry::schema(g), "retry", "Tried again so often, where it fails.", json!({ "times": 3 }));
                let with = <Named<ValueExpr<Written>> as Load>::schema(g);
                let with = load::describe(with, "with", "What the message carries.", json!({ "order": "= ticket.number" }));
                let name = load::describe(Name::schema(g), "as", "The name of the ticket that it makes.", json!("child"));
                vec![$({
                    let verb = load::describe(<$ty as Load>::schema(g), $key, $doc, json!($example));
                    let mut properties = json!({$key: verb, "when": when, "on_error": on_error});
                    if MAKE.contains(&$key) {
                        properties["as"] = name.clone();
                    }
                    if $key == "emit" {
                        properties["with"] = with.clone();
                    }
                    if OUTSIDE.contains(&$key) {
                        properties["retry"] = retry.clone();
                    }
                    json!({"type": "object", "additionalProperties": false, "required": [$key], "properties": properties})
                }),*]
            }
        }
    };
}

verbs! {
    Account "account" account::Account<S>, "Writes down time of work on the ticket.", "15m";
    Assign "assign" assign::Assign<S>, "Gives the ticket an owner or a responsible.", { "owner": "= actor.login" };
    Cancel "cancel" cancel::Cancel, "Withdraws the work of an activity, or with `instance` the whole process; what is done stays done.", "approve";
    Complete "complete" complete::Completes, "Completes an activity in the place of its people; it goes on with the outcome.", { "activity": "approve", "outcome": "approve" };
    Create "create" create::Create<S>, "Makes another ticket; with `as` its number has a name in what follows.", { "type": "incident", "queue": "it", "title": "Set up {{ticket.title}}" };
    Emit "emit" emit::Emit, "Sends a message to every process that waits for it; `with` says what it carries.", "parts_arrived";
    Incident "incident" incident::Incident<S>, "Raises an incident that a person has to look at.", "The host {{ticket.title}} is gone";
    Increment "increment" increment::Increment<S>, "Adds to fields of numbers.", { "count": 1 };
    Link "link" link::Link<S>, "Links another ticket.", { "to": "= child", "type": "child" };
    Merge "merge" merge::Merge<S>, "Merges the ticket into another one, which takes in what was written here; this one ends in its state of the type `merged`.", { "into": "= child" };
    Note "note" note::Note<S>, "Writes an internal note on the ticket.", "Reopened";
    Notify "notify" notify::Notify, "Sends a notification.", "claim_paid";
    Reopen "reopen" reopen::Reopen, "Goes back to an activity: its clock starts anew, votes are kept.", "approve";
    Run "run" run::Run<S>, "Runs a program that the server's configuration names, after the commit; what it writes comes back as data.", { "program": "stop_host", "with": { "host": "= ticket.title" } };
    Set "set" set::Set<S>, "Sets attributes and fields of the ticket.", { "state": "open" };
    Split "split" split::Split<S>, "Makes a ticket of its own of the message that the handler is there for; with `as` its number has a name in what follows.", { "type": "incident", "queue": "it" };
    Start "start" start::Start, "Starts another process on the same ticket.", "leave_request";
    Undo "undo" undo::Undo, "Does what the `compensate` of a completed activity says, or with `instance` that of all, the last one first, each once.", "book";
    Unwatch "unwatch" unwatch::Unwatch<S>, "Ends somebody's watching of the ticket.", { "role": "manager" };
    Watch "watch" watch::Watch<S>, "Lets somebody watch the ticket: notifications to `watchers` reach them.", { "role": "manager" };
}

impl Compile for Action<Written> {
    type Compiled = Action;
    fn compile(self, parts: &Parts) -> Result<Action, Span> {
        Ok(Action {
            at: self.at,
            verb: self.verb.compile(parts)?,
            when: self.when.compile(parts)?,
            on_error: self.on_error.compile(parts)?,
            retry: self.retry,
            with: self.with.compile(parts)?,
            name: self.name,
        })
    }
}

impl Load for Action<Written> {
    fn schema(g: &mut Schemas) -> Json {
        g.define("Action", |g| json!({"description": "What the engine does: exactly one verb.", "anyOf": Verb::schemas(g)}))
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let verbs = || VERBS.iter().map(|(v, _)| *v);
        let list = || verbs().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ");
        let Value::Map(entries) = &node.value else {
            let d = Diagnostic::error("wrong-type", node.span, format!("expected an action, found {}", node.describe()));
            cx.push(d.help("an action is a map with one verb: `{ set: { state: open } }`"));
            return None;
        };
        let mut known: Vec<&str> = verbs().collect();
        known.extend(BESIDE);
        let entries = &*cx.known_keys(entries, &known, "an action");
        let get = |key: &str| entries.iter().find(|e| e.key == key);
        let mut used = entries.iter().filter(|e| verbs().any(|v| v == e.key));
        let Some(entry) = used.next() else {
            if entries.iter().all(|e| known.contains(&e.key.as_str())) {
                cx.push(Diagnostic::error("missing-key", node.span, "an action needs a verb").help(format!("verbs are {}", list())));
            }
            return None;
        };
        for second in used {
            let d = Diagnostic::error("two-verbs", second.key_span, format!("an action has one verb, `{}` is a second", second.key));
            cx.push(d.related(entry.key_span, "the first").help("write two actions: `- { set: … }` and `- { note: … }`"));
            cx.leave_out(&second.value);
        }
        let places = [("as", MAKE), ("retry", OUTSIDE), ("with", &["emit"])];
        let misplaced: Vec<_> = places
            .iter()
            .filter(|(_, verbs)| !verbs.contains(&entry.key.as_str()))
            .filter_map(|(key, _)| Some((get(key)?, *key)))
            .collect();
        for (e, key) in &misplaced {
            let (message, help) = match *key {
                "as" => (format!("`{}` makes nothing that could have a name", entry.key), "`as` stands beside what makes a ticket"),
                "retry" => (
                    format!("`{}` is done in the same commit: it fails each time alike", entry.key),
                    "`retry` stands beside what goes outside: `run`",
                ),
                _ => (format!("`{}` carries nothing", entry.key), "`with` stands beside `emit`"),
            };
            cx.push(Diagnostic::error("unknown-key", e.key_span, message).help(help));
        }
        let entries: &[Entry] = &entries.iter().filter(|e| !misplaced.iter().any(|(m, _)| m.key == e.key)).cloned().collect::<Vec<_>>();
        let what = ("an action", node.span);
        let verb = Verb::load(&entry.key, &entry.value, cx);
        let when = cx.field(entries, "when", what)?;
        let on_error = get("on_error").and_then(|e| <Vec<Action<Written>> as Load>::load(&e.value, cx));
        let (name, retry) = (cx.field(entries, "as", what)?, cx.field(entries, "retry", what)?);
        let with = cx.field(entries, "with", what)?;
        Some(Self { at: entry.key_span, verb: verb?, when, on_error, retry, with, name })
    }
}

/// Every action of a list, and those on errors.
pub fn with_others<S: Phase>(actions: &[Action<S>]) -> Vec<&Action<S>> {
    actions.iter().flat_map(|a| [a].into_iter().chain(with_others(a.on_error.as_deref().unwrap_or_default()))).collect()
}

/// The nearest verb, for `vorgang explain`.
pub fn nearest(word: &str) -> Option<String> {
    did_you_mean(word, VERBS.iter().map(|(v, _)| *v))
}
