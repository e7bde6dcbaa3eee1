//! A *who* (C19): the people that a key means.

use crate::cel::expr::WrittenExpr;
use crate::choice;
use crate::diagnostic::Diagnostic;
use crate::load::{self, Load, Loader, OneOrMany, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::source::Span;
use crate::yaml::{Node, Value};
use serde_json::json;

choice! {
    /// People that every ticket knows.
    pub enum WhoWord {
        /// The ticket's customer.
        Customer "customer",
        /// An agent who may at least read the queue.
        Agent "agent",
        /// The ticket's customer, and whoever started the instance.
        Requester "requester",
        Owner "owner",
        Responsible "responsible",
        Anyone "anyone",
        /// Those who watch the ticket.
        Watchers "watchers",
    }
}

#[derive(Debug, Clone)]
pub enum Who<S: Phase = Compiled> {
    Word(WhoWord),
    Role(Name),
    /// A login.
    User(String),
    /// Agents who have this skill.
    Skill(Name),
    /// The managers of these people.
    ManagerOf(Box<Who<S>>),
    /// Whoever completed that activity last.
    Did(Name),
    /// An expression whose value is a login, or a list of them.
    Expr(ExprOf<S>),
}

pub type Whos<S = Compiled> = OneOrMany<Who<S>>;

impl Compile for Who<Written> {
    type Compiled = Who;
    fn compile(self, parts: &Parts) -> Result<Who, Span> {
        Ok(match self {
            Self::Word(word) => Who::Word(word),
            Self::Role(role) => Who::Role(role),
            Self::User(login) => Who::User(login),
            Self::Skill(skill) => Who::Skill(skill),
            Self::ManagerOf(of) => Who::ManagerOf(of.compile(parts)?),
            Self::Did(activity) => Who::Did(activity),
            Self::Expr(e) => Who::Expr(e.compile(parts)?),
        })
    }
}

impl Load for Who<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Who", |g| {
            let name = Name::schema(g);
            let skill = load::describe(Name::schema(g), "skill", "Agents who can do this.", json!("sap"));
            let of = load::describe(json!({"$ref": "#/$defs/Who"}), "manager_of", "The managers of these people.", json!("requester"));
            json!({
                "description": "People: a word, a role, a user, a skill, whoever did an activity, the manager of any of these, or an expression beginning with `=`.",
                "examples": ["customer", {"role": "manager"}],
                "anyOf": [
                    {"type": "string", "enum": WhoWord::WORDS},
                    {"type": "string", "pattern": "^\\s*="},
                    {"type": "object", "additionalProperties": false, "required": ["role"], "properties": {"role": name}},
                    {"type": "object", "additionalProperties": false, "required": ["user"], "properties": {"user": {"type": "string", "minLength": 1}}},
                    {"type": "object", "additionalProperties": false, "required": ["did"], "properties": {"did": name}},
                    {"type": "object", "additionalProperties": false, "required": ["skill"], "properties": {"skill": skill}},
                    {"type": "object", "additionalProperties": false, "required": ["manager_of"], "properties": {"manager_of": of}}
                ]
            })
        })
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        if let Some(expr) = WrittenExpr::marked(node, cx) {
            return Some(Self::Expr(expr));
        }
        match &node.value {
            Value::Text(_) => WhoWord::load(node, cx).map(Self::Word),
            Value::Map(entries) if entries.len() == 1 => {
                let entry = &entries[0];
                match entry.key.as_str() {
                    "role" => Name::load(&entry.value, cx).map(Self::Role),
                    "user" => String::load(&entry.value, cx).map(Self::User),
                    "did" => Name::load(&entry.value, cx).map(Self::Did),
                    "skill" => Name::load(&entry.value, cx).map(Self::Skill),
                    "manager_of" => Self::load(&entry.value, cx).map(|w| Self::ManagerOf(Box::new(w))),
                    other => {
                        let d = Diagnostic::error("unknown-key", entry.key_span, format!("people have no key `{other}`"));
                        cx.push(d.help(
                            "write `{ role: manager }`, `{ user: mia }`, `{ skill: sap }`, `{ did: claim }` or `{ manager_of: requester }`",
                        ));
                        None
                    }
                }
            }
            _ => {
                let d = Diagnostic::error("wrong-type", node.span, "expected people");
                cx.push(d.help("write `customer`, `agent`, `requester`, `owner`, `responsible`, `watchers`, `anyone`, `{ role: manager }`, `{ user: mia }`, `{ skill: sap }`, `{ did: claim }` or `{ manager_of: requester }`"));
                None
            }
        }
    }
}
