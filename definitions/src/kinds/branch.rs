//! Where tokens go, and when those that arrive go on (C5 to C9).

use crate::actions::Action;
use crate::diagnostic::Diagnostic;
use crate::load::{Int, Load, Loader, NAME_PATTERN, Named, OneOrMany, Schemas, is_name};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::source::Span;
use crate::yaml::{Node, Value};
use crate::{choice, record};
use serde_json::json;

choice! {
    /// Which of the transitions that hold are taken.
    pub enum Split {
        /// The first that holds.
        First "first",
        /// Every one that holds.
        Matching "matching",
        /// Every one; none has a condition.
        All "all",
    }
}

choice! {
    /// When tokens that arrive here go on.
    pub enum JoinWord {
        /// Each token passes.
        Any "any",
        /// One from every arrow.
        All "all",
        /// One from every arrow on which one can still come.
        Matching "matching",
    }
}

choice! {
    /// What becomes of the tokens that are late.
    pub enum Rest {
        /// They arrive, and nothing follows.
        Keep "keep",
        /// They are withdrawn.
        Cancel "cancel",
    }
}

record! {
    /// A join that does not wait for all arrows.
    pub struct JoinFirst as "`join`" {
        /// So many different arrows.
        first "first": Int<1, 100> = 2;
        /// What becomes of the others; `keep` if not written.
        rest "rest": Option<Rest> = "cancel";
    }
}

record! {
    /// A join that counts tokens.
    pub struct JoinTokens as "`join`" {
        /// So many, whatever their arrows.
        tokens "tokens": Int<1, 1_000> = 3;
    }
}

/// When tokens that arrive go on (C8, C9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Each token passes.
    Any,
    /// One from every arrow.
    All,
    /// One from every arrow on which one can still come.
    Matching,
    /// One from so many different arrows.
    First { count: usize, cancels: bool },
    /// So many, whatever their arrows.
    Tokens(usize),
}

impl Join {
    /// A token may have to wait for others.
    pub fn waits(self) -> bool {
        self != Self::Any
    }
}

impl std::fmt::Display for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::All => f.write_str("all"),
            Self::Matching => f.write_str("matching"),
            Self::First { count, cancels: false } => write!(f, "first {count}"),
            Self::First { count, cancels: true } => write!(f, "first {count}, rest cancelled"),
            Self::Tokens(count) => write!(f, "{count} tokens"),
        }
    }
}

crate::plain!(Join);

impl Load for Join {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [JoinWord::schema(g), JoinFirst::schema(g), JoinTokens::schema(g)]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let Value::Map(_) = &node.value else {
            return JoinWord::load(node, cx).map(|word| match word {
                JoinWord::Any => Self::Any,
                JoinWord::All => Self::All,
                JoinWord::Matching => Self::Matching,
            });
        };
        if node.get("tokens").is_some() {
            return JoinTokens::load(node, cx).map(|j| Self::Tokens(j.tokens.0 as usize));
        }
        JoinFirst::load(node, cx).map(|j| Self::First { count: j.first.0 as usize, cancels: j.rest == Some(Rest::Cancel) })
    }
}

record! {
    /// The way to other activities.
    pub struct Transition<S> as "a transition" {
        /// The activity, or several at once, each with its own token; `stay` saves and remains.
        to "to": OneOrMany<Target> = ["approve", "check_receipts"];
        /// Taken when this holds.
        when "when": Option<ExprOf<S>> = "ticket.fields.amount <= 50";
        /// Taken when no other is.
        otherwise "otherwise": bool = true;
        /// How many tokens each target gets; one if not written.
        times "times": Option<Int<1, 100>> = 3;
        /// `change`: also tried on entry and whenever something changes that its condition reads.
        on "on": Option<OnChange> = "change";
        /// Done on the way.
        actions "do": Vec<Action<S>> = [{ "note": "Small claim" }];
    }
}

choice! {
    /// When a transition is tried beside the activity's completion.
    pub enum OnChange {
        /// On entry, and whenever something changes that its condition reads.
        Change "change",
    }
}

impl<S: Phase> Transition<S> {
    /// How many tokens each target gets.
    pub fn times(&self) -> usize {
        self.times.map_or(1, |n| n.0 as usize)
    }
}

/// Where a transition leads.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Activity(Name),
    /// Save and remain.
    Stay(Span),
}

impl Target {
    pub fn activity(&self) -> Option<&Name> {
        match self {
            Self::Activity(name) => Some(name),
            Self::Stay(_) => None,
        }
    }
}

crate::plain!(Target);

impl Load for Target {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        Name::schema(g)
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(t) if t == "stay" => Some(Self::Stay(node.span)),
            _ => Name::load(node, cx).map(Self::Activity),
        }
    }
}

/// One branch: straight on, or the transitions in the order in which they are tried.
#[derive(Debug, Clone)]
pub enum Branch<S: Phase = Compiled> {
    To(Target),
    Tried(Vec<Transition<S>>),
}

/// Where it goes afterwards (C5).
#[derive(Debug, Clone)]
pub enum Next<S: Phase = Compiled> {
    Branch(Branch<S>),
    /// By outcome.
    Outcomes(Named<Branch<S>>),
}

impl Compile for Branch<Written> {
    type Compiled = Branch;
    fn compile(self, parts: &Parts) -> Result<Branch, Span> {
        Ok(match self {
            Self::To(target) => Branch::To(target),
            Self::Tried(transitions) => Branch::Tried(transitions.compile(parts)?),
        })
    }
}

impl Load for Branch<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [Name::schema(g), {"type": "array", "minItems": 1, "items": Transition::schema(g)}]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(_) => Target::load(node, cx).map(Self::To),
            Value::List(items) if items.iter().any(|i| matches!(i.value, Value::Text(_))) => {
                let names: Vec<_> = items.iter().map(|i| cx.sources.slice(i.span).to_owned()).collect();
                let mut d = Diagnostic::error("bare-list", node.span, "a list in `next` holds transitions, not names");
                d = d.help(format!("for both write `{{ to: [{}] }}`, for the first that holds `- {{ to: …, when: … }}`", names.join(", ")));
                // Of several nobody knows whether both or either is meant.
                if let ([only], Some(span)) = (&names[..], cx.sources.flow(node.span))
                    && is_name(only)
                {
                    d = d.fix(span, format!("[ {{ to: {only} }} ]"));
                }
                cx.push(d);
                None
            }
            Value::List(items) if items.is_empty() => {
                cx.push(Diagnostic::error("empty-list", node.span, "the list is empty"));
                None
            }
            Value::List(_) => Vec::<Transition<Written>>::load(node, cx).map(Self::Tried),
            _ => {
                cx.wrong_type(node, "the name of an activity, or a list of transitions");
                None
            }
        }
    }
}

impl Compile for Next<Written> {
    type Compiled = Next;
    fn compile(self, parts: &Parts) -> Result<Next, Span> {
        Ok(match self {
            Self::Branch(branch) => Next::Branch(branch.compile(parts)?),
            Self::Outcomes(all) => Next::Outcomes(all.compile(parts)?),
        })
    }
}

impl Load for Next<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Next", |g| {
            let branch = Branch::schema(g);
            json!({
                "description": "An activity; or transitions, the first that holds; or a map from outcomes to either.",
                "examples": ["pay", [{"to": "pay", "when": "ticket.fields.amount <= 50"}, {"to": ["approve", "check"]}], {"good": "decided", "missing": "stay"}],
                "anyOf": [branch, {"type": "object", "minProperties": 1, "not": {"required": ["to"]}, "propertyNames": {"pattern": NAME_PATTERN}, "additionalProperties": branch}]
            })
        })
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Map(entries) if entries.is_empty() => {
                cx.push(Diagnostic::error("empty-list", node.span, "the map is empty"));
                None
            }
            Value::Map(entries) if entries.iter().any(|e| e.key == "to") => {
                let d = Diagnostic::error("wrong-type", node.span, "a single transition stands in a list");
                cx.push(match cx.sources.flow(node.span) {
                    Some(span) => {
                        let raw = cx.sources.slice(span);
                        d.help(format!("write `[ {raw} ]`")).fix(span, format!("[ {raw} ]"))
                    }
                    None => d.help("write `- to: …`"),
                });
                None
            }
            Value::Map(_) => Named::load(node, cx).map(Self::Outcomes),
            _ => Branch::load(node, cx).map(Self::Branch),
        }
    }
}

impl<S: Phase> Next<S> {
    /// Every branch with the outcome that leads to it.
    pub fn branches(&self) -> Vec<(Option<&Name>, &Branch<S>)> {
        match self {
            Self::Branch(b) => vec![(None, b)],
            Self::Outcomes(map) => map.iter().map(|(n, b)| (Some(n), b)).collect(),
        }
    }
}

impl<S: Phase> Branch<S> {
    /// Every target with the transition that leads to it.
    pub fn targets(&self) -> Vec<(Option<&Transition<S>>, &Target)> {
        match self {
            Self::To(t) => vec![(None, t)],
            Self::Tried(list) => list.iter().flat_map(|tr| tr.to.iter().map(move |t| (Some(tr), t))).collect(),
        }
    }
}
