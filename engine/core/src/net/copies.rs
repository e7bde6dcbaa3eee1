//! `for_each`: one copy for each element, and when they are enough (C10). `repeat`: again on the same token (C2).

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::step::moved;
use crate::net::timer;
use crate::rules::failure::Failure;
use crate::rules::scope::TicketScope;
use crate::state::ids::{Login, WorkId};
use crate::state::message::{Data, Datum};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{Item, Iteration, Retry, WorkItem, WorkMore, WorkStatus};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::data_types::copy_data;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::kinds::process::Activity;
use vorgang_definitions::kinds::several::{DoneWhen, DoneWord, ForEach};
use vorgang_definitions::value_expr::ValueExpr;

/// Copies of one work item, those that have ended too.
pub const COPIES_MAX: usize = 1_000;

impl Run<'_> {
    /// The list is read, and each element gets its copy.
    pub(crate) fn spread(&mut self, item: &WorkItem, activity: &Activity) -> Result<(), Failure> {
        let Some(for_each) = &activity.for_each else { return Ok(()) };
        let elements = self.elements(item, for_each)?;
        timer::schedule(self, item, activity)?;
        self.change_work(item.seq, WorkStatus::Running, None, false);
        self.add_copies(item, for_each, elements)?;
        self.look_at_copies(item.seq)
    }

    /// The elements of the list now, each once.
    fn elements(&self, item: &WorkItem, for_each: &ForEach) -> Result<Vec<Datum>, Failure> {
        let scope = self.scope(At::item(item));
        let value = |given: &ValueExpr| match given {
            ValueExpr::Literal(l) => Ok(l.value().cloned()),
            ValueExpr::Expr(e) => e.program().evaluate(&scope).map(Some).map_err(|error| Failure::of_expression(e, &error, &scope)),
        };
        let list: Vec<Datum> = match (&for_each.list, &for_each.count) {
            (Some(list), _) => match value(list)? {
                Some(Value::List(list)) if list.len() > COPIES_MAX => return Err(too_many(list.len())),
                Some(Value::List(list)) => list.iter().filter_map(Datum::from_value).collect(),
                _ => vec![],
            },
            (None, Some(count)) => match value(count)? {
                Some(Value::Int(count)) if count > COPIES_MAX as i64 => return Err(too_many(count as usize)),
                Some(Value::Int(count)) => (1..=count).map(Datum::Integer).collect(),
                _ => vec![],
            },
            (None, None) => vec![],
        };
        for (i, element) in list.iter().enumerate() {
            if list[..i].contains(element) {
                return Err(Failure::new("for_each", format!("{element} stands twice in the list: a copy has an element of its own")));
            }
        }
        Ok(list)
    }

    fn add_copies(&mut self, item: &WorkItem, for_each: &ForEach, elements: Vec<Datum>) -> Result<(), Failure> {
        let known = self.copies(item.seq).len();
        if known + elements.len() > COPIES_MAX {
            return Err(too_many(known + elements.len()));
        }
        let process = self.process_of(item.instance);
        let activity = process.as_ref().and_then(|p| p.def.activities.get(&item.activity));
        // A yes that nobody has given is a no (C23).
        let asked = activity.map(copy_data).unwrap_or_default().into_iter().filter(|(_, of)| *of == DataType::Boolean);
        let data: Data = asked.map(|(name, _)| (name, Datum::Boolean(false))).collect();
        for (place, element) in elements.into_iter().enumerate() {
            let name = for_each.name.as_ref().map(ToString::to_string);
            let copy = Iteration { of: item.seq, name, place: (known + place) as u32, element, data: data.clone() };
            let more = Some(Box::new(WorkMore { copy: Some(copy), ..WorkMore::default() }));
            let seq = self.place(item.instance, &item.activity, WorkStatus::Offered, None, more);
            self.net.entered.push_back(seq);
        }
        Ok(())
    }

    /// Every copy that there was, in the order of their places: those that are under way without an outcome.
    pub(crate) fn copies(&self, token: WorkId) -> Vec<Item> {
        let ended = self.snapshot.item(token).and_then(|w| w.more.as_ref()).map(|m| m.items.clone()).unwrap_or_default();
        let open = self.snapshot.open_work().filter_map(|w| w.copy().filter(|c| c.of == token));
        let open =
            open.map(|c| Item { place: c.place, element: c.element.clone(), outcome: None, by: None, at: None, data: c.data.clone() });
        let mut all: Vec<Item> = ended.into_iter().chain(open).collect();
        all.sort_by_key(|i| i.place);
        all
    }

    /// A copy has ended: it leads nowhere, and its token is looked at.
    pub(crate) fn copy_done(
        &mut self,
        item: &WorkItem,
        copy: &Iteration,
        outcome: &str,
        by: &Login,
    ) -> Result<Option<Vec<String>>, Failure> {
        self.end_work(item.seq, WorkStatus::Done, Some(outcome), by);
        let Some(token) = self.snapshot.item(copy.of).filter(|w| w.status.is_open()).cloned() else {
            // The others were enough: this one was left to finish.
            if self.net.leaving == 0 {
                self.end_instance_if_idle(item.instance);
            }
            return Ok(None);
        };
        let mut more = token.more();
        let (outcome, by, at) = (Some(outcome.to_owned()), Some(by.to_owned()), Some(self.ctx.now));
        more.items.push(Item { place: copy.place, element: copy.element.clone(), outcome, by, at, data: copy.data.clone() });
        more.items.sort_by_key(|i| i.place);
        self.note_work(token.seq, more);
        if token.status == WorkStatus::Running {
            self.are_copies_enough(token.seq);
        }
        Ok(None)
    }

    /// As [`Run::look_at_copies`]; what fails is an incident of the token.
    fn are_copies_enough(&mut self, token: WorkId) {
        let savepoint = self.savepoint();
        if let Err(failure) = self.look_at_copies(token) {
            self.roll_back(savepoint);
            self.fail(token, failure, Retry::Look { work: token });
        }
    }

    /// Elements that came and went, then whether the copies are enough.
    fn look_at_copies(&mut self, token: WorkId) -> Result<(), Failure> {
        let Some(item) = self.snapshot.item(token).filter(|w| w.status == WorkStatus::Running).cloned() else { return Ok(()) };
        let Some(process) = self.process_of(item.instance) else { return Ok(()) };
        let Some(for_each) = process.def.activities.get(&item.activity).and_then(|a| a.for_each.as_ref()) else { return Ok(()) };
        if for_each.live {
            self.follow(&item, for_each)?;
        }
        let copies = self.copies(token);
        let open = copies.iter().filter(|c| c.outcome.is_none()).count();
        let met = self.are_enough(&item, for_each, &copies)?;
        let over = open == 0 && (!for_each.live || !copies.is_empty());
        let outcome = match (met, over) {
            (true, _) => "done",
            (false, true) => "unmet",
            (false, false) => return Ok(()),
        };
        let mut more = item.more();
        more.items = copies;
        self.note_work(token, more);
        if for_each.cancels() {
            self.withdraw_copies(token);
        }
        moved(self.complete(token, outcome, &SYSTEM)?)
    }

    fn are_enough(&self, item: &WorkItem, for_each: &ForEach, copies: &[Item]) -> Result<bool, Failure> {
        let done = copies.iter().filter(|c| c.outcome.is_some()).count();
        // Nothing to do is done, unless something may still come.
        if copies.is_empty() && !for_each.live {
            return Ok(true);
        }
        Ok(match for_each.done_when.as_ref().unwrap_or(&DoneWhen::Word(DoneWord::All)) {
            DoneWhen::Word(DoneWord::All) => !copies.is_empty() && done == copies.len(),
            DoneWhen::Word(DoneWord::Any) => done > 0,
            DoneWhen::Word(DoneWord::Started) => true,
            DoneWhen::Count(count) => done >= *count,
            DoneWhen::Expr(e) => {
                let scope = TicketScope { items: Some(copies), ..self.scope(At::item(item)) };
                e.program().holds(&scope).map_err(|error| Failure::of_expression(e, &error, &scope))?
            }
        })
    }

    /// A live list: what is new gets a copy, what is gone loses its own.
    fn follow(&mut self, item: &WorkItem, for_each: &ForEach) -> Result<(), Failure> {
        let elements = self.elements(item, for_each)?;
        let known = self.copies(item.seq);
        let gone = |w: &WorkItem| w.copy().is_some_and(|c| c.of == item.seq && !elements.contains(&c.element));
        self.withdraw_those(gone);
        let new: Vec<Datum> = elements.into_iter().filter(|e| !known.iter().any(|k| k.element == *e)).collect();
        self.add_copies(item, for_each, new)
    }

    /// At rest: live lists, and conditions of copies that read what has changed. True when something was done.
    pub(crate) fn look_at_lists(&mut self) -> bool {
        let tokens: Vec<WorkItem> =
            self.snapshot.open_work().filter(|w| w.status == WorkStatus::Running && w.child().is_none()).cloned().collect();
        let mut done = false;
        for token in tokens {
            let before = self.events.len();
            self.are_copies_enough(token.seq);
            done |= self.events.len() != before;
        }
        if done {
            self.chain.steps += 1;
        }
        done
    }

    /// `complete` for a `for_each`: with the copies that there are.
    pub(crate) fn complete_copies(&mut self, token: &WorkItem) -> Result<Option<Vec<String>>, Failure> {
        let mut more = token.more();
        more.items = self.copies(token.seq);
        self.note_work(token.seq, more);
        self.withdraw_copies(token.seq);
        self.complete(token.seq, "done", &SYSTEM)
    }

    /// Does the token enter its activity again, before `next` is looked at? Past `max` that is an incident.
    pub(crate) fn repeats(&mut self, item: &WorkItem, activity: &Activity, outcome: &str, by: &Login) -> Result<bool, Failure> {
        let Some((condition, wanted)) = activity.repeat.as_ref().and_then(|r| r.condition()) else { return Ok(false) };
        let max = activity.repeat.as_ref().map_or(1, |r| r.max());
        let savepoint = self.savepoint();
        // `steps.SELF` is set when the condition is asked.
        self.end_work(item.seq, WorkStatus::Done, Some(outcome), by);
        let again = match self.holds(condition, At::item(item)) {
            Ok(holds) => holds == wanted,
            Err(failure) => {
                self.roll_back(savepoint);
                return Err(failure);
            }
        };
        if !again {
            self.roll_back(savepoint);
            return Ok(false);
        }
        let round = item.more.as_ref().map_or(0, |m| m.round) + 1;
        if round >= max {
            self.roll_back(savepoint);
            return Err(Failure::new("repeat", format!("`{}` was done {max} times, and `repeat` wants it again", item.activity)));
        }
        self.chain.steps += 1;
        let more = Some(Box::new(WorkMore { round, ..WorkMore::default() }));
        let seq = self.place(item.instance, &item.activity, WorkStatus::Offered, item.source.as_deref(), more);
        self.net.entered.push_back(seq);
        Ok(true)
    }
}

fn too_many(count: usize) -> Failure {
    Failure::new("for_each", format!("{count} copies; one work item has {COPIES_MAX} at most"))
}
