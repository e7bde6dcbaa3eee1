use crate::actions::Action;
use crate::diagnostic::Diagnostic;
use crate::kinds::kind::Kind;
use crate::kinds::who::Whos;
use crate::load::{Load, Loader, OneOrMany, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::record;
use crate::source::Span;
use crate::text::Text;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// A sort of ticket: its fields and its life cycle.
    pub struct TicketType<S> as "a ticket type" {
        /// The kind of this definition.
        kind "kind": Kind = "TicketType";
        /// The name by which definitions and expressions know the type.
        name "name": Name = "expense";
        /// What people read.
        title "title": Option<Text> = { "en": "Expense", "de": "Spesen" };
        /// The fields that tickets of this type have, each a name or a map.
        fields "fields": Vec<TypeField<S>> = ["amount", { "field": "receipts", "required": true }];
        /// The states that tickets of this type can be in.
        states "states": OneOrMany<Name> = ["new", "open", "closed_successful"];
        /// Which state may follow which. Without it every one may follow every other.
        transitions "transitions": Option<Vec<LifeTransition<S>>> = [{ "from": "new", "to": "open" }];
    }
}

impl<S: Phase> TicketType<S> {
    /// The field of this name, where tickets of the type have it.
    pub fn field(&self, name: &str) -> Option<&TypeField<S>> {
        self.fields.iter().find(|f| f.field == name)
    }

    /// Whether tickets of the type can be in this state.
    pub fn has_state(&self, state: &str) -> bool {
        self.states.iter().any(|s| s == state)
    }
}

impl<S: Phase> LifeTransition<S> {
    /// Whether it is a step from this state to that one.
    pub fn leads(&self, from: &str, to: &str) -> bool {
        self.from.iter().any(|s| s == from) && self.to.iter().any(|s| s == to)
    }
}

record! {
    /// A step of the life cycle: from a state to another.
    pub struct LifeTransition<S> as "a transition of the life cycle" {
        /// The states from which.
        from "from": OneOrMany<Name> = ["new", "open"];
        /// The states to which.
        to "to": OneOrMany<Name> = "closed_successful";
        /// Who may do it; without it everyone who may change the ticket. Processes are not bound by it.
        by "by": Option<Whos<S>> = { "role": "accountant" };
        /// A condition that must hold.
        when "when": Option<ExprOf<S>> = "has(ticket.owner)";
        /// What is done right after.
        actions "do": Vec<Action<S>> = [{ "note": "Reopened" }];
    }
}

record! {
    /// A field of a ticket type.
    pub struct TypeFieldMap<S> as "a field of a type" {
        /// The field.
        field "field": Name = "amount";
        /// Must be given when a ticket is created, and is never unset.
        required "required": bool = true;
        /// The value where none is given.
        default "default": Option<ValueExpr<S>> = "0.00";
    }
}

#[derive(Debug, Clone)]
pub struct TypeField<S: Phase = Compiled> {
    pub field: Name,
    pub required: bool,
    pub default: Option<ValueExpr<S>>,
}

impl Compile for TypeField<Written> {
    type Compiled = TypeField;
    fn compile(self, parts: &Parts) -> Result<TypeField, Span> {
        Ok(TypeField { field: self.field, required: self.required, default: self.default.compile(parts)? })
    }
}

impl Load for TypeField<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [Name::schema(g), TypeFieldMap::schema(g)]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(_) => Name::load(node, cx).map(|field| Self { field, required: false, default: None }),
            Value::Map(_) => TypeFieldMap::load(node, cx).map(|m| Self { field: m.field, required: m.required, default: m.default }),
            _ => {
                cx.push(Diagnostic::error("wrong-type", node.span, "expected a field's name, or `{ field: …, required: true }`"));
                None
            }
        }
    }
}
