//! An activity that is done several times: copies for the elements of a list, and repetitions (C2, C10).

use crate::cel::expr::WrittenExpr;
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::Rest;
use crate::load::{Int, Load, Loader, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::source::Span;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use crate::{choice, record};
use serde_json::json;

record! {
    /// One copy of the activity for each element of a list.
    pub struct ForEach<S> as "`for_each`" {
        /// The list; its elements differ.
        list "in": Option<ValueExpr<S>> = "= ticket.fields.systems";
        /// How many copies, where there is no list: their elements are 1, 2 and so on.
        count "count": Option<ValueExpr<S>> = 3;
        /// The name under which a copy sees its element.
        name "as": Option<Name> = "system";
        /// Elements that come later start copies, those that go take theirs with them.
        live "live": bool = true;
        /// When it is done: `all` (the default), `any`, `started`, a number, or an expression over `items`.
        done_when "done_when": Option<DoneWhen<S>> = "= items.filter(i, i.outcome == \"good\").size() >= 2";
        /// What becomes of the copies that are left then; `keep` if not written.
        rest "rest": Option<Rest> = "cancel";
    }
}

choice! {
    /// When copies are enough.
    pub enum DoneWord {
        /// Every copy is done.
        All "all",
        /// One copy is done.
        Any "any",
        /// The copies have begun.
        Started "started",
    }
}

/// When a `for_each` is done.
#[derive(Debug, Clone)]
pub enum DoneWhen<S: Phase = Compiled> {
    Word(DoneWord),
    /// So many copies are done.
    Count(usize),
    /// This holds.
    Expr(ExprOf<S>),
}

impl Compile for DoneWhen<Written> {
    type Compiled = DoneWhen;
    fn compile(self, parts: &Parts) -> Result<DoneWhen, Span> {
        Ok(match self {
            Self::Word(word) => DoneWhen::Word(word),
            Self::Count(count) => DoneWhen::Count(count),
            Self::Expr(e) => DoneWhen::Expr(e.compile(parts)?),
        })
    }
}

impl Load for DoneWhen<Written> {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [{"type": "string", "enum": DoneWord::WORDS}, {"type": "string", "pattern": "^\\s*="}, {"type": "integer", "minimum": 1, "maximum": 1000}]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        if let Some(expr) = WrittenExpr::marked(node, cx) {
            return Some(Self::Expr(expr));
        }
        match &node.value {
            Value::Int(_) => Int::<1, 1_000>::load(node, cx).map(|n| Self::Count(n.0 as usize)),
            _ => DoneWord::load(node, cx).map(Self::Word),
        }
    }
}

impl<S: Phase> ForEach<S> {
    pub fn cancels(&self) -> bool {
        self.rest == Some(Rest::Cancel)
    }

    /// All copies can end without its being done.
    pub fn can_be_unmet(&self) -> bool {
        match &self.done_when {
            None | Some(DoneWhen::Word(_)) => false,
            Some(DoneWhen::Count(_) | DoneWhen::Expr(_)) => true,
        }
    }
}

record! {
    /// Enters the activity again on the same token.
    pub struct Repeat<S> as "`repeat`" {
        /// Again until this holds.
        until "until": Option<ExprOf<S>> = "steps.install.outcome == \"good\"";
        /// Again while this holds.
        while_ "while": Option<ExprOf<S>> = "ticket.fields.tries < 3";
        /// How often it is done at most; more is an incident. A hundred times if not written.
        max "max": Option<Int<1, 1_000>> = 3;
    }
}

impl<S: Phase> Repeat<S> {
    pub const MAX: i64 = 100;

    pub fn max(&self) -> u32 {
        self.max.map_or(Self::MAX, |n| n.0) as u32
    }

    /// The condition, and what it is when the activity is done again.
    pub fn condition(&self) -> Option<(&ExprOf<S>, bool)> {
        self.until.as_ref().map(|e| (e, false)).or_else(|| self.while_.as_ref().map(|e| (e, true)))
    }

    /// Exactly one condition is written.
    pub fn check(&self, out: &mut Vec<Diagnostic>) {
        if self.until.is_some() == self.while_.is_some() {
            out.push(
                Diagnostic::error("missing-key", self.at, "`repeat` has `until` or `while`")
                    .help("`until` stops when it holds, `while` when it does not"),
            );
        }
    }
}
