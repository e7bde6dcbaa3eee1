//! Phases: activities that are cancelled, timed and excluded together (C12, C14).

use crate::actions::Action;
use crate::cel::expr::WrittenExpr;
use crate::kinds::branch::Branch;
use crate::kinds::handler::LocalHandler;
use crate::kinds::timer::Timer;
use crate::load::{Load, Loader, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, Written};
use crate::record;
use crate::source::Span;
use crate::text::Text;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// A phase of a process.
    pub struct Group<S> as "a group" {
        /// What people read.
        title "title": Option<Text> = { "en": "Deployment", "de": "Einspielen" };
        /// What belongs to it. Groups lie inside each other or apart; they do not overlap otherwise.
        activities "activities": Vec<Name> = ["stop", "install"];
        /// Held by the first of its items that starts, until its last token is gone.
        mutex "mutex": Option<Mutex<S>> = "desk";
        /// What happens when it takes long; counted from the entry of its first token. `next` cancels the group and goes there.
        timers "timers": Vec<Timer<S>> = [{ "after": "4h", "next": "roll_back" }];
        /// What happens on events while it is under way. `next` cancels the group and goes there.
        handlers "handlers": Vec<LocalHandler<S>> = [{ "on": "message.alarm", "do": [{ "notify": "alarm" }] }];
    }
}

impl<S: Phase> Group<S> {
    /// The ways out of its timers and handlers.
    pub fn branches(&self) -> impl Iterator<Item = &Branch<S>> {
        self.timers.iter().filter_map(|t| t.next.as_ref()).chain(self.handlers.iter().filter_map(|h| h.next.as_ref()))
    }

    /// Every activity that its timers and handlers lead to.
    pub fn targets(&self) -> Vec<&Name> {
        self.branches().flat_map(Branch::targets).filter_map(|(_, t)| t.activity()).collect()
    }

    /// Every list of actions in it.
    pub fn action_lists(&self) -> Vec<&[Action<S>]> {
        let mut lists: Vec<&[Action<S>]> = vec![];
        lists.extend(self.timers.iter().map(|t| &t.actions[..]));
        lists.extend(self.handlers.iter().map(|h| &h.actions[..]));
        lists.extend(self.branches().flat_map(Branch::targets).filter_map(|(t, _)| t).map(|t| &t.actions[..]));
        lists
    }
}

record! {
    /// A mutex of the whole site.
    pub struct MutexMap<S> as "`mutex`" {
        /// Whatever has the same name is never under way at the same time.
        name "name": Name = "server";
        /// Among those of the whole site whose key has this value; without it, within this instance.
        key "key": Option<Key<S>> = "= ticket.fields.server";
    }
}

/// An expression whose value tells mutexes of one name apart.
#[derive(Debug, Clone)]
pub struct Key<S: Phase = Compiled>(pub ExprOf<S>);

impl Compile for Key<Written> {
    type Compiled = Key;
    fn compile(self, parts: &Parts) -> Result<Key, Span> {
        self.0.compile(parts).map(Key)
    }
}

impl Load for Key<Written> {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "pattern": "^\\s*="})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let expr = WrittenExpr::marked(node, cx);
        if expr.is_none() {
            cx.wrong_type(node, "an expression that begins with `=`");
        }
        expr.map(Self)
    }
}

/// One at a time: by name within the instance, or by name and key in the whole site (C14).
#[derive(Debug, Clone)]
pub struct Mutex<S: Phase = Compiled> {
    pub name: Name,
    pub key: Option<ExprOf<S>>,
}

impl Compile for Mutex<Written> {
    type Compiled = Mutex;
    fn compile(self, parts: &Parts) -> Result<Mutex, Span> {
        Ok(Mutex { name: self.name, key: self.key.compile(parts)? })
    }
}

impl Load for Mutex<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [Name::schema(g), MutexMap::schema(g)]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return Name::load(node, cx).map(|name| Self { name, key: None });
        }
        MutexMap::load(node, cx).map(|m| Self { name: m.name, key: m.key.map(|k| k.0) })
    }
}
