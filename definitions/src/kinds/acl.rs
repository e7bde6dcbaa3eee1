use crate::kinds::kind::Kind;
use crate::kinds::who::Whos;
use crate::load::{Int, Load, Loader, Named, OneOrMany, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::record;
use crate::source::Span;
use crate::text::Text;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use serde_json::json;

/// For each thing that is chosen the values that are meant.
pub type Limits<S = Compiled> = Named<OneOrMany<Meant<S>>>;

/// A value, or a condition on `value` behind `=`.
#[derive(Debug, Clone)]
pub struct Meant<S: Phase = Compiled>(pub ValueExpr<S>);

impl Compile for Meant<Written> {
    type Compiled = Meant;
    fn compile(self, parts: &Parts) -> Result<Meant, Span> {
        self.0.compile(parts).map(Meant)
    }
}

impl Load for Meant<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Meant", |_| {
            json!({
                "description": "A value, or a condition on `value` that begins with `=`.",
                "type": ["string", "integer", "number", "boolean"],
                "minLength": 1
            })
        })
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::List(_) | Value::Map(_) | Value::Null => {}
            Value::Text(t) if t.is_empty() => {}
            _ => return ValueExpr::load(node, cx).map(Self),
        }
        cx.wrong_type(node, "a value, or a condition on `value` that begins with `=`");
        None
    }
}

record! {
    /// What people may choose or do on a ticket right now. It only narrows: rights and life cycle come first.
    pub struct Acl<S> as "an ACL" {
        /// The kind of this definition.
        kind "kind": Kind = "Acl";
        /// The name of the ACL.
        name "name": Name = "close_needs_solution";
        /// What people read.
        title "title": Option<Text> = { "en": "No closing without a solution", "de": "Kein Schließen ohne Lösung" };
        /// ACLs are asked in this order, then by name.
        order "order": Option<Int<0, 1_000_000>> = 100;
        /// Whom it is for; everybody if not written.
        people "for": Option<Whos<S>> = "agent";
        /// Only when this holds. `ticket` is as the form would make it, `stored` as it is.
        when "when": Option<ExprOf<S>> = "!has(ticket.fields.solution)";
        /// Takes these away.
        deny "deny": Limits<S> = { "state": ["closed_successful"] };
        /// Takes everything else away.
        allow_only "allow_only": Limits<S> = { "queue": "= value.startsWith('it')" };
        /// Gives back what an ACL before this one took.
        allow "allow": Limits<S> = { "state": ["open"] };
        /// Fields that forms do not have.
        hide "hide": Vec<Name> = ["amount"];
        /// Fields that have to be filled in.
        require "require": Vec<Name> = ["solution"];
        /// Fields that keep their value.
        read_only "read_only": Vec<Name> = ["priority"];
        /// Why, for those who miss something.
        because "because": Option<Text> = { "en": "Enter the solution first", "de": "Erst die Lösung eintragen" };
        /// No later ACL is asked when this one holds.
        stop "stop": bool = true;
    }
}

/// What an ACL can take away beside the values of attributes and fields, with what the values are.
pub const CHOICES: &[(&str, &str)] = &[
    ("action", "what is done by hand: `answer`, `claim`, `create`, `merge`, `note`, `split`, `watch`"),
    ("dialog", "a dialog, as `process.activity.dialog`; an approval is `process.activity.approval`"),
    ("process", "a process that is started"),
    ("type", "the type of a ticket, of a new one too"),
];

/// The words of `action`.
pub const ACTIONS: &[&str] = &["answer", "claim", "create", "merge", "note", "split", "watch"];
