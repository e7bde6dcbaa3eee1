//! What may be chosen, and why something may not: right, life cycle, ACL, in this order, and all that refuse (C20).

use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::run::Run;
use crate::net::values;
use crate::rules::acl::Shape;
use crate::rules::rejection::{FormError, LifeCycleReason, Rejection};
use crate::rules::rights;
use crate::rules::slots::{self, current, slot_value};
use crate::state::people::PersonKind;
use crate::state::snapshot::Snapshot;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::acl::ACTIONS;
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::model::Model;
use vorgang_definitions::values::Slot;

/// The values of an attribute or field that has a closed set of them.
#[derive(Debug, Clone)]
pub struct Choice {
    pub name: String,
    /// In stored form.
    pub now: Json,
    pub options: Vec<ChoiceOption>,
}

#[derive(Debug, Clone)]
pub struct ChoiceOption {
    pub value: Json,
    /// All that refuse; none where it may be chosen.
    pub refused: Vec<Rejection>,
}

impl Choice {
    pub fn left(&self) -> impl Iterator<Item = &Json> {
        self.options.iter().filter(|o| o.refused.is_empty()).map(|o| &o.value)
    }

    pub fn missing(&self) -> impl Iterator<Item = &ChoiceOption> {
        self.options.iter().filter(|o| !o.refused.is_empty())
    }
}

/// What a person may do by hand on a ticket.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub choices: Vec<Choice>,
    /// `answer`, `note`, `claim`, `watch`, with what refuses each.
    pub actions: Vec<(&'static str, Vec<Rejection>)>,
    /// Fields that are hidden, kept or required.
    pub shapes: BTreeMap<String, Shape>,
}

impl Choices {
    pub fn choice(&self, name: &str) -> Option<&Choice> {
        self.choices.iter().find(|c| c.name == name)
    }

    pub fn may(&self, action: &str) -> bool {
        self.actions.iter().any(|(name, refused)| *name == action && refused.is_empty())
    }
}

/// For agents who see the ticket. `values` are those of the form as it is filled in so far.
pub fn choices(model: &Model, snapshot: &Snapshot, ctx: &Context, values: &BTreeMap<String, Json>) -> Choices {
    let run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    let names = &model.names;
    let read = |(name, json): (&String, &Json)| Slot::find(names, name).and_then(|s| values::read_value(&run, &s, json).ok());
    let trial = slots::with_changes(snapshot, values.iter().filter_map(read));
    let own = names.types.get(&snapshot.ticket.ticket_type).into_iter().flat_map(|t| t.fields.iter().map(|f| f.field.as_str()));
    let all: Vec<&str> = ["title", "state", "queue", "priority", "owner", "responsible", "lock", "type"].into_iter().chain(own).collect();
    let asked = Choosing { run: &run, trial: &trial, at: At::Ticket, by_right: true };
    let judge = ask::judge(&run, &trial, At::Ticket);
    let shapes = all.iter().filter_map(|n| Some(((*n).to_owned(), judge.as_ref()?.field(n)?))).collect();
    let choices = all.iter().filter_map(|name| asked.choice(&Slot::find(names, name)?)).collect();
    let right = |right: Right| rights::require(names, ctx.actor, &snapshot.ticket, right).err();
    let actions = ACTIONS.iter().filter(|a| **a != "create").map(|action| {
        let mut refused: Vec<Rejection> = match *action {
            "answer" | "note" if ctx.actor.kind == PersonKind::Agent => right(Right::Note).into_iter().collect(),
            "merge" => right(Right::Rw).into_iter().collect(),
            "watch" | "split" => right(Right::Ro).into_iter().collect(),
            _ => vec![],
        };
        refused.extend(ask::denials(&run, "action", action, None).into_iter().map(Rejection::from));
        (*action, refused)
    });
    Choices { choices, actions: actions.collect(), shapes }
}

/// Where a choice is asked for.
pub(crate) struct Choosing<'r, 'a> {
    pub run: &'r Run<'a>,
    pub trial: &'r Snapshot,
    pub at: At,
    /// Whether the person's rights count: a dialog gives its fields to whom it is for.
    pub by_right: bool,
}

impl Choosing<'_, '_> {
    /// `None` where any value can be written.
    pub fn choice(&self, slot: &Slot) -> Option<Choice> {
        let options = self.options(slot)?;
        let now = current(&self.run.snapshot, slot);
        let name = slot.name();
        let is_field = matches!(slot, Slot::Field(_));
        let mut by_right = vec![];
        if self.by_right {
            let names = &self.run.model.names;
            by_right.extend(rights::require(names, self.run.ctx.actor, &self.run.snapshot.ticket, rights::right_for(name)).err());
        }
        let judge = ask::judge(self.run, self.trial, self.at);
        let holds = judge.as_ref().filter(|_| self.run.model.acls.limits(name)).map(|j| j.choice(name));
        let option = |value: Json| {
            let same = now == value || now.as_array().is_some_and(|a| a.contains(&value));
            if same {
                return ChoiceOption { value, refused: vec![] };
            }
            let mut refused = by_right.clone();
            refused.extend(self.life_cycle_or_queue(slot, &value));
            // One of several is judged by itself, as it is written: with its word.
            let judged = match slot_value(&self.run.model.names, name, is_field, &value) {
                Some(Value::List(_)) | None => value.as_str().map(Value::text),
                judged => judged,
            };
            if let (Some(holds), Some(judged)) = (&holds, judged) {
                refused.extend(holds.denials(&judged).into_iter().map(Rejection::from));
            }
            ChoiceOption { value, refused }
        };
        Some(Choice { name: name.to_owned(), options: options.into_iter().map(option).collect(), now })
    }

    fn life_cycle_or_queue(&self, slot: &Slot, value: &Json) -> Option<Rejection> {
        let text = value.as_str()?;
        match slot {
            Slot::State => match self.run.life_cycle(text, true) {
                // The form may still say until when.
                Err(Rejection::LifeCycle { why: LifeCycleReason::PendingNeedsTime, .. }) | Ok(_) => None,
                Err(refused) => Some(refused),
            },
            Slot::Type => {
                let trial = Run::new(self.run.model, self.run.snapshot.clone(), None, self.run.ctx).retype(text);
                // What it requires, the form may still give.
                trial.err().filter(|r| !matches!(r, Rejection::Form(fields) if fields.iter().all(|(_, e)| *e == FormError::Required)))
            }
            Slot::Queue if self.by_right => rights::require_in(&self.run.model.names, self.run.ctx.actor, text, Right::MoveInto).err(),
            _ => None,
        }
    }

    fn options(&self, slot: &Slot) -> Option<Vec<Json>> {
        let names = &self.run.model.names;
        let ticket_type = names.types.get(&self.run.snapshot.ticket.ticket_type);
        Some(match slot {
            Slot::State => ticket_type?.states.iter().map(|s| s.as_str().into()).collect(),
            Slot::Type => names.types.iter().map(|t| t.name.as_str().into()).collect(),
            Slot::Queue => names.queues.iter().map(|q| q.name.as_str().into()).collect(),
            Slot::Priority => names.priorities.iter().map(|p| p.name.as_str().into()).collect(),
            Slot::Owner | Slot::Responsible => {
                let agents = self.run.ctx.people.iter().filter(|p| p.kind == PersonKind::Agent && p.active);
                agents.map(|p| p.login.as_str().into()).collect()
            }
            Slot::Lock => vec![true.into(), false.into()],
            Slot::Field(f) if matches!(f.field_type, FieldType::Choice | FieldType::MultipleChoice) => {
                f.options.names().map(Json::from).collect()
            }
            _ => return None,
        })
    }
}
