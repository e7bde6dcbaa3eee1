//! Decision tables at work, with the hit policies of DMN 1.5 (OMG formal/24-01-01, 8.2.11).

use crate::cel::arguments::Arguments;
use crate::cel::callable::{Answer, Output, Table};
use crate::cel::eval::Machine;
use crate::cel::scope::{EvalError, Scope};
use crate::cel::types::{Field, Ty};
use crate::cel::value::Value;
use crate::hit_policy::{Collect, Hit};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Table {
    /// The type of its answer.
    pub fn ty(&self) -> Ty {
        match (self.hit, self.collect) {
            (Hit::Collect, Some(Collect::Count)) => Ty::Int,
            (Hit::Collect, Some(_)) => self.outputs[0].ty.clone(),
            (hit, _) if hit.lists() => Ty::list(self.row_ty()),
            _ => self.row_ty(),
        }
    }

    fn row_ty(&self) -> Ty {
        if let [only] = &self.outputs[..] {
            return only.ty.clone();
        }
        let field = |o: &Output| Field { name: o.name.clone(), ty: o.ty.clone(), optional: false, doc: String::new() };
        Ty::object(&format!("answer of `{}`", self.name), self.outputs.iter().map(field).collect())
    }

    /// Places of the rules that hold.
    pub fn hits(&self, given: &[Value], outside: &dyn Scope, fuel: &mut u32) -> Result<Vec<usize>, EvalError> {
        *fuel = u32::try_from(self.rules.len()).ok().and_then(|rules| fuel.checked_sub(rules)).ok_or(EvalError::OutOfFuel)?;
        let scope = Arguments { parameters: &self.inputs, given, outside };
        let mut hits = vec![];
        for (place, rule) in self.rules.iter().enumerate() {
            let holds = rule.when.as_ref().map_or(Ok(true), |when| Machine::with_fuel(&scope, fuel, |m| m.truth(when.code())))?;
            if holds {
                outside.rule_held(rule.at);
                hits.push(place);
                if self.hit == Hit::First {
                    break;
                }
            }
        }
        Ok(hits)
    }

    pub fn decide(&self, given: &[Value], outside: &dyn Scope, fuel: &mut u32) -> Result<Value, EvalError> {
        let hits = self.hits(given, outside, fuel)?;
        let scope = Arguments { parameters: &self.inputs, given, outside };
        let mut row = |answers: &[Answer]| -> Result<Vec<Value>, EvalError> {
            let one = |a: &Answer| match a {
                Answer::Plain(v) => Ok(v.clone()),
                Answer::Computed(p) => Machine::with_fuel(&scope, fuel, |m| m.evaluate_code(p.code())),
            };
            answers.iter().map(one).collect()
        };
        let mut rows = hits.iter().map(|at| row(&self.rules[*at].then)).collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty()
            && let Some(otherwise) = &self.otherwise
        {
            rows.push(row(otherwise)?);
        }
        if self.hit.lists() {
            if self.hit == Hit::OutputOrder {
                rows.sort_by_key(|r| self.rank(r));
            }
            return self.collected(rows);
        }
        let failed = |message: String| Err(EvalError::Failed(message));
        let same = |a: &[Value], b: &[Value]| a.iter().zip(b).all(|(x, y)| x.equals(y));
        match (self.hit, &rows[..]) {
            (_, []) => failed(format!("no rule of `{}` holds", self.name)),
            (Hit::Unique, [_, _, ..]) => {
                failed(format!("the rules {} and {} of `{}` hold both: it may be one", hits[0] + 1, hits[1] + 1, self.name))
            }
            (Hit::Any, [first, rest @ ..]) if !rest.iter().all(|r| same(first, r)) => {
                failed(format!("rules of `{}` hold that say different things", self.name))
            }
            (Hit::Priority, _) => {
                rows.sort_by_key(|r| self.rank(r));
                Ok(self.value(rows.swap_remove(0)))
            }
            _ => Ok(self.value(rows.swap_remove(0))),
        }
    }

    fn value(&self, row: Vec<Value>) -> Value {
        let mut row = row.into_iter();
        if self.outputs.len() == 1 {
            return row.next().unwrap_or(Value::Bool(false));
        }
        let named: BTreeMap<String, Value> = self.outputs.iter().map(|o| o.name.clone()).zip(row).collect();
        Value::Map(Arc::new(named))
    }

    /// The places of its values among those that are listed, output by output.
    fn rank(&self, row: &[Value]) -> Vec<usize> {
        let place = |(o, v): (&Output, &Value)| o.order.iter().position(|w| v.as_text() == Some(w)).unwrap_or(usize::MAX);
        self.outputs.iter().zip(row).filter(|(o, _)| !o.order.is_empty()).map(place).collect()
    }

    fn collected(&self, rows: Vec<Vec<Value>>) -> Result<Value, EvalError> {
        let Some(how) = self.collect else {
            return Ok(Value::List(Arc::new(rows.into_iter().map(|r| self.value(r)).collect())));
        };
        let values: Vec<Value> = rows.into_iter().map(|r| self.value(r)).collect();
        let ends = |wanted: Ordering| {
            let better = |a: Value, b: &Value| if b.compare(&a) == Some(wanted) { b.clone() } else { a };
            let mut all = values.iter();
            let first = all.next().cloned();
            first.map(|f| all.fold(f, better)).ok_or_else(|| EvalError::Failed(format!("no rule of `{}` holds", self.name)))
        };
        match how {
            Collect::Count => {
                let mut different: Vec<&Value> = vec![];
                for value in &values {
                    if !different.iter().any(|d| d.equals(value)) {
                        different.push(value);
                    }
                }
                Ok(Value::Int(different.len() as i64))
            }
            Collect::Min => ends(Ordering::Less),
            Collect::Max => ends(Ordering::Greater),
            Collect::Sum => {
                let zero = if self.outputs[0].ty == Ty::Int { Value::Int(0) } else { Value::Decimal(0.into()) };
                let add = |a: Value, b: &Value| match (a, b) {
                    (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
                    (Value::Decimal(a), Value::Decimal(b)) => a.checked_add(*b).map(Value::Decimal),
                    (Value::Decimal(a), Value::Int(b)) => a.checked_add((*b).into()).map(Value::Decimal),
                    _ => None,
                };
                let sum = values.iter().try_fold(zero, add);
                sum.ok_or_else(|| EvalError::Failed("the result is too large for a number".into()))
            }
        }
    }
}
