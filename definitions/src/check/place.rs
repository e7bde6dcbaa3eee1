//! Checks of what can stand in many places: actions, people, values.

use crate::actions::set::ATTRIBUTES;
use crate::cel::env::Env;
use crate::cel::expr::WrittenExpr;
use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::check::conditions;
use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::message::DataType;
use crate::kinds::who::{Who, Whos};
use crate::name::Name;
use crate::names::Names;
use crate::phase::Written;
use crate::value_error::ValueError;
use crate::value_expr::{ValueExpr, WrittenLiteral};
use crate::values::Slot;
use crate::yaml;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a place relies on, gathered while it is checked.
pub type Relies = BTreeSet<String>;

pub fn condition(expr: Option<&WrittenExpr>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    let Some(expr) = expr else { return };
    if compile(expr, env, Some(&Ty::Bool), relies, cx).is_none() || cx.running || !conditions::never(&expr.text, env) {
        return;
    }
    cx.push(if expr.text.trim() == "false" {
        Diagnostic::warning("always-false", expr.span, "the condition never holds").help("what it stands beside can go")
    } else {
        Diagnostic::error("always-false", expr.span, "the condition never holds, whatever the values in it")
    });
}

/// Compiles, and keeps what the place relies on.
pub fn compile(expr: &WrittenExpr, env: &Env, wanted: Option<&Ty>, relies: &mut Relies, cx: &mut Cx) -> Option<Arc<Program>> {
    let program = cx.compile(expr, env, wanted)?;
    relies.extend(program.relies.iter().cloned());
    Some(program)
}

/// A value that is carried under a name, by a message for example: of one type of data.
pub fn carried(name: &Name, of: DataType, given: &ValueExpr<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    match given {
        ValueExpr::Expr(e) => drop(compile(e, env, Some(&of.ty()), relies, cx)),
        ValueExpr::Literal(l) => match of.read(&l.node.to_json()) {
            Some(value) => cx.convert(l, Some(value)),
            None => cx.push(Diagnostic::error("wrong-type", l.node.span, format!("`{name}`: expected {}", of.word()))),
        },
    }
}

/// What is set where the condition holds, beside what is known already.
pub fn proved(when: Option<&WrittenExpr>, env: &Env, cx: &Cx) -> BTreeSet<String> {
    let program = when.and_then(|w| cx.compiled(w));
    program.map(|p| p.proves.difference(&env.set).cloned().collect()).unwrap_or_default()
}

/// A value that must fit a slot.
pub fn value(value: &ValueExpr<Written>, slot: &Slot, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    match value {
        ValueExpr::Expr(e) => {
            let wanted = slot.ty(cx.names);
            compile(e, env, Some(&wanted), relies, cx);
        }
        ValueExpr::Literal(l) => match slot.literal(&l.node, cx.names) {
            Ok(None) if slot.always_set() => {
                let message = format!("`{}` cannot be unset", slot.name());
                cx.push(Diagnostic::error("wrong-type", l.node.span, message));
            }
            Ok(v) => cx.convert(l, v),
            Err(error) => {
                let message = format!("`{}`: {error}", slot.name());
                match &error {
                    ValueError::NotOffered(word) if cx.names.lost.contains(word) => {}
                    ValueError::NotOffered(word) => {
                        let d = Diagnostic::error("unknown-word", l.node.span, message);
                        cx.push(d.suggest(word, offered(slot, cx.names), l.node.span, cx.sources));
                    }
                    ValueError::WrongType(_) if matches!(l.node.value, yaml::Value::Text(_)) => {
                        let d = Diagnostic::error("wrong-type", l.node.span, message);
                        cx.push(d.help("an expression begins with `=`"));
                    }
                    _ => cx.push(Diagnostic::error("wrong-type", l.node.span, message)),
                }
            }
        },
    }
}

fn offered<'n>(slot: &'n Slot, names: &'n Names<Written>) -> Vec<&'n str> {
    match slot {
        Slot::Type => names.types.iter().map(|s| s.name.as_str()).collect(),
        Slot::State => names.states.iter().map(|s| s.name.as_str()).collect(),
        Slot::Queue => names.queues.iter().map(|s| s.name.as_str()).collect(),
        Slot::Priority => names.priorities.iter().map(|s| s.name.as_str()).collect(),
        Slot::Field(f) => f.options.names().collect(),
        _ => vec![],
    }
}

/// The slot of a name in `set`, forms and `show`; a field must be one of the ticket's type.
pub fn slot<'n>(name: &Name, fields: Option<&BTreeSet<String>>, cx: &mut Cx<'n>) -> Option<Slot<'n>> {
    let names = cx.names;
    match Slot::find(names, name) {
        Some(Slot::Field(f)) if fields.is_some_and(|all| !all.contains(f.name.as_str())) => {
            if names.lost.contains(name.as_str()) {
                return None;
            }
            let d = Diagnostic::error("not-in-type", name.span, format!("tickets of this type have no field `{name}`"));
            let known = fields.iter().flat_map(|f| f.iter().map(String::as_str));
            cx.push(d.suggest_or(name, known, name.span, cx.sources, "add it to `fields:` of the ticket type"));
            None
        }
        Some(slot) => Some(slot),
        None => {
            let known = names.fields.iter().map(|f| f.name.as_str()).chain(ATTRIBUTES.iter().copied());
            let known: Vec<&str> = known.collect();
            cx.unknown("field or attribute", name, known);
            None
        }
    }
}

/// While a process runs, its ticket is of its type.
pub fn type_stays(slot: &Slot, name: &Name, cx: &mut Cx) {
    if let Slot::Type = slot {
        let d = Diagnostic::error("other-type", name.span, "a process runs on tickets of its own type: while it does, the type stays");
        cx.push(d.help("end the process, and let a handler on `process.ended` change the type"));
    }
}

/// A ticket's number, written out: YAML reads it as a number of its own.
pub(crate) fn number(literal: &WrittenLiteral, cx: &mut Cx) {
    let text = match &literal.node.value {
        yaml::Value::Text(t) if !t.is_empty() => Some(t.clone()),
        yaml::Value::Int(i) => Some(i.to_string()),
        _ => None,
    };
    match text {
        Some(text) => cx.convert(literal, Some(Value::text(text))),
        None => {
            let d = Diagnostic::error("wrong-type", literal.node.span, "expected a ticket's number");
            cx.push(d.help("an expression begins with `=`"));
        }
    }
}

/// The name of a calendar.
pub fn calendar(name: &Name, cx: &mut Cx) {
    if cx.names.calendars.get(name).is_none() {
        let known: Vec<_> = cx.names.calendars.iter().map(|c| c.name.as_str()).collect();
        cx.unknown("calendar", name, known);
    }
}

/// People (C19). `activities` are known inside a process.
pub fn whos(whos: &Whos<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    for who in whos.iter() {
        match who {
            Who::Word(_) | Who::User(_) | Who::Skill(_) => {}
            Who::ManagerOf(of) => self::whos(&Whos { 0: vec![(**of).clone()] }, env, relies, cx),
            Who::Role(name) => {
                if cx.names.roles.get(name).is_none() {
                    let known: Vec<_> = cx.names.roles.iter().map(|r| r.name.as_str()).collect();
                    cx.unknown("role", name, known);
                }
            }
            Who::Did(name) => match &env.activities {
                Some(set) if set.words.contains(&name.to_string()) => {}
                Some(set) => {
                    let set = set.clone();
                    cx.unknown("activity", name, set.words.iter().map(String::as_str));
                }
                None => cx.push(Diagnostic::error("unknown-name", name.span, "`did` is known only inside a process")),
            },
            Who::Expr(e) => {
                if let Some(program) = cx.compile(e, env, None) {
                    if !program.ty.fits(&Ty::User) && !program.ty.fits(&Ty::list(Ty::User)) && !program.ty.is_textual() {
                        let message = format!("expected a login or a list of logins, found {}", program.ty);
                        cx.push(Diagnostic::error("cel-type", e.span, message));
                    }
                    relies.extend(program.relies.iter().cloned());
                }
            }
        }
    }
}
