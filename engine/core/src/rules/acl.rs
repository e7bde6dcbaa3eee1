//! ACLs (C20): what a person may choose or do on this ticket right now. They only narrow, and bind people only.

use crate::rules::denied::Denied;
use crate::rules::rejection::FormError;
use crate::rules::scope::TicketScope;
use crate::rules::slots::{Change, current, slot_value, with_changes};
use crate::rules::who;
use crate::state::people::PersonKind;
use crate::state::snapshot::Snapshot;
use std::borrow::Cow;
use vorgang_definitions::acls::Acls;
use vorgang_definitions::cel::scope::{EvalError, Scope};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::acl::{Acl, Meant};
use vorgang_definitions::load::OneOrMany;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::Slot;

/// Asks the ACLs about a ticket as a form would make it.
pub struct Judge<'r> {
    acls: &'r Acls,
    /// The ticket as it is: people of an ACL and what stays are judged by it.
    saved: TicketScope<'r>,
    trial: &'r Snapshot,
}

impl<'r> Judge<'r> {
    /// `None` where there is nothing to ask: no ACL, or the system, which none binds.
    pub fn new(acls: &'r Acls, saved: TicketScope<'r>, trial: &'r Snapshot) -> Option<Self> {
        let bound = !acls.is_empty() && saved.actor.kind != PersonKind::System;
        bound.then_some(Self { acls, saved, trial })
    }

    fn scope<'s>(&'s self, snapshot: &'s Snapshot, value: Option<&'s Value>) -> TicketScope<'s> {
        TicketScope { snapshot, value, ..self.saved }
    }

    /// The ticket with everything that the form says, but for what is asked about: `ticket.state` in an ACL about
    /// states is the state that the ticket has.
    fn without(&self, key: &str) -> Cow<'r, Snapshot> {
        let Some(slot) = Slot::find(self.saved.names, key) else { return Cow::Borrowed(self.trial) };
        let (saved, new) = (current(self.saved.snapshot, &slot), current(self.trial, &slot));
        if saved == new {
            return Cow::Borrowed(self.trial);
        }
        let saved = Change { name: slot.name().to_owned(), is_field: matches!(slot, Slot::Field(_)), value: saved };
        Cow::Owned(with_changes(self.trial, [saved].into_iter()))
    }

    fn holding(&self, acls: Vec<&'r Acl>, snapshot: &Snapshot) -> Vec<Holding<'r>> {
        // Whom it is for does not depend on what the form says: nobody moves out of an ACL's reach by it.
        let scope = self.scope(snapshot, None);
        let mut holding = vec![];
        for acl in acls {
            let holds = match &acl.people {
                Some(people) => who::includes(people, self.saved.actor, &self.saved),
                None => Ok(true),
            };
            let holds = match (holds, &acl.when) {
                (Ok(true), Some(when)) => when.program().holds(&scope),
                (holds, _) => holds,
            };
            let error = match holds {
                Ok(false) => continue,
                Ok(true) => None,
                Err(e) => Some(e),
            };
            let stop = acl.stop && error.is_none();
            holding.push(Holding { acl, error });
            if stop {
                break;
            }
        }
        holding
    }

    /// The ACLs that hold for the choice of `key`.
    pub fn choice<'s>(&'s self, key: &'s str) -> Holds<'s, 'r> {
        let acls = self.acls;
        let snapshot = if acls.limits(key) { self.without(key) } else { Cow::Borrowed(self.trial) };
        let found = acls.of_choice(key, |path| self.scope(&snapshot, None).get(path));
        let acls = self.holding(found, &snapshot);
        Holds { judge: self, key, snapshot, acls }
    }

    fn denied(&self, holding: &Holding, snapshot: &Snapshot, value: Option<&Value>, error: Option<EvalError>) -> Denied {
        self.saved.trace.iter().for_each(|t| t.ran(holding.acl.at));
        let when = holding.acl.when.as_ref();
        let mut values = when.map(|w| w.program().values(&self.scope(snapshot, None))).unwrap_or_default();
        values.extend(value.map(|v| ("value".to_owned(), v.to_string())));
        Denied {
            acl: holding.acl.name.to_string(),
            because: holding.acl.because.clone(),
            site_language: self.saved.names.site.main_language().to_owned(),
            condition: when.map(|w| w.text().trim().to_owned()),
            values,
            error: error.as_ref().or(holding.error.as_ref()).map(ToString::to_string),
        }
    }

    /// What is wrong with these changes, name by name. What stays as it is needs no permission.
    pub fn changes(&self, changes: &[Change]) -> Vec<(String, FormError)> {
        let mut errors = vec![];
        for change in changes {
            let names = self.saved.names;
            let Some(slot) = Slot::find(names, &change.name) else { continue };
            let now = current(self.saved.snapshot, &slot);
            // While a ticket is made, everything that was given is chosen.
            if now == change.value && self.saved.stored.is_some() {
                continue;
            }
            if let Some(denied) = self.field(&change.name).and_then(Shape::protects) {
                errors.push((change.name.clone(), denied.into()));
                continue;
            }
            if !self.acls.limits(&change.name) {
                continue;
            }
            let holds = self.choice(&change.name);
            let chosen = match (slot_value(names, &change.name, change.is_field, &change.value), now.as_array()) {
                (Some(Value::List(chosen)), had) => {
                    // Of a ticket that is being made nothing was there before.
                    let had = had.filter(|_| self.saved.stored.is_some());
                    chosen.iter().filter(|v| !had.is_some_and(|h| h.contains(&v.to_json()))).cloned().collect()
                }
                (Some(value), _) => vec![value],
                (None, _) => vec![],
            };
            if let Some(denied) = chosen.iter().find_map(|v| holds.denials(v).into_iter().next()) {
                errors.push((change.name.clone(), denied.into()));
            }
        }
        errors
    }

    /// What the ACLs make of a form's field, or of its `article`. The first that says something wins.
    pub fn field(&self, name: &str) -> Option<Shape> {
        let acls = self.acls;
        if !acls.shapes_forms() {
            return None;
        }
        let snapshot = self.without(name);
        let found = acls.of_form(|path| self.scope(&snapshot, None).get(path));
        let says = |acl: &Acl| {
            let among = |names: &[vorgang_definitions::name::Name]| names.iter().any(|n| n == name);
            match (among(&acl.hide), among(&acl.read_only), among(&acl.require)) {
                (true, ..) => Some(Shape::Hidden as fn(Denied) -> Shape),
                (_, true, _) => Some(Shape::ReadOnly as fn(Denied) -> Shape),
                (.., true) => Some(Shape::Required as fn(Denied) -> Shape),
                _ => None,
            }
        };
        // Others need no evaluation, unless they stop what follows.
        let found = found.into_iter().filter(|acl| acl.stop || says(acl).is_some()).collect();
        let holding = self.holding(found, &snapshot);
        holding.iter().find_map(|h| says(h.acl).map(|shape| shape(self.denied(h, &snapshot, None, None))))
    }
}

/// What becomes of a field of a form.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Hidden(Denied),
    ReadOnly(Denied),
    Required(Denied),
}

impl Shape {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Hidden(_) => "hidden",
            Self::ReadOnly(_) => "read_only",
            Self::Required(_) => "required",
        }
    }

    pub fn denied(&self) -> &Denied {
        match self {
            Self::Hidden(denied) | Self::ReadOnly(denied) | Self::Required(denied) => denied,
        }
    }

    /// Why the field cannot be changed.
    pub fn protects(self) -> Option<Denied> {
        match self {
            Self::Hidden(denied) | Self::ReadOnly(denied) => Some(denied),
            Self::Required(_) => None,
        }
    }
}

/// An ACL whose condition holds, or could not be evaluated.
struct Holding<'r> {
    acl: &'r Acl,
    error: Option<EvalError>,
}

/// The ACLs that hold for one choice: values are asked one by one.
pub struct Holds<'s, 'r> {
    judge: &'s Judge<'r>,
    key: &'s str,
    snapshot: Cow<'r, Snapshot>,
    acls: Vec<Holding<'r>>,
}

impl Holds<'_, '_> {
    /// All that take the value away; none where it may be chosen.
    pub fn denials(&self, value: &Value) -> Vec<Denied> {
        let mut denials = vec![];
        let scope = self.judge.scope(&self.snapshot, Some(value));
        for holding in &self.acls {
            let acl = holding.acl;
            let mut deny = |error| denials.push(self.judge.denied(holding, &self.snapshot, Some(value), error));
            if let Some(limit) = acl.allow_only.get(self.key) {
                match means(limit, value, &scope) {
                    Ok(true) => {}
                    Ok(false) => deny(None),
                    Err(e) => deny(Some(e)),
                }
            }
            if let Some(limit) = acl.deny.get(self.key) {
                match means(limit, value, &scope) {
                    Ok(true) => deny(None),
                    Ok(false) => {}
                    Err(e) => deny(Some(e)),
                }
            }
            let gives = |limit| means(limit, value, &scope).unwrap_or(false);
            if holding.error.is_none() && acl.allow.get(self.key).is_some_and(gives) {
                denials.clear();
            }
        }
        denials
    }
}

/// Is the value among those of the list?
fn means(limit: &OneOrMany<Meant>, value: &Value, scope: &TicketScope) -> Result<bool, EvalError> {
    let mut failed = None;
    for Meant(given) in limit.iter() {
        match given {
            ValueExpr::Literal(l) => match l.value() {
                Some(Value::List(items)) if items.iter().any(|i| i.equals(value)) => return Ok(true),
                Some(literal) if literal.equals(value) => return Ok(true),
                _ => {}
            },
            ValueExpr::Expr(e) => match e.program().holds(scope) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(e) => failed = Some(e),
            },
        }
    }
    failed.map_or(Ok(false), Err)
}
