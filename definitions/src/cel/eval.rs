//! Evaluation of checked expressions. Fuel counts every node, so that the cost has a limit whatever the data.

use crate::calendar::later;
use crate::cel::ast::Op;
use crate::cel::code::{Code, Macro, Question};
use crate::cel::scope::{EvalError, FUEL, SIZE_MAX, Scope};
use crate::cel::value::{Duration, Value};
use crate::decimal::Decimal;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Machine<'a> {
    scope: &'a dyn Scope,
    locals: Vec<Value>,
    fuel: u32,
}

impl<'a> Machine<'a> {
    pub fn new(scope: &'a dyn Scope) -> Self {
        Self { scope, locals: vec![], fuel: FUEL }
    }

    /// Runs on what is left of another one's fuel.
    pub fn with_fuel<T>(scope: &'a dyn Scope, fuel: &mut u32, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut machine = Self { scope, locals: vec![], fuel: *fuel };
        let result = work(&mut machine);
        *fuel = machine.fuel;
        result
    }

    pub fn evaluate_code(&mut self, code: &Code) -> Result<Value, EvalError> {
        self.fuel = self.fuel.checked_sub(1).ok_or(EvalError::OutOfFuel)?;
        match code {
            Code::Const(v) => Ok(v.clone()),
            Code::Path(path) => self.scope.get(path).ok_or_else(|| EvalError::Unset(path.join("."))),
            Code::Local(slot) => Ok(self.locals[*slot].clone()),
            Code::Has(path) => Ok(Value::Bool(self.scope.get(path).is_some())),
            Code::Default(path, other) => match self.scope.get(path) {
                Some(v) => Ok(v),
                None => self.evaluate_code(other),
            },
            Code::HasField(of, name) => Ok(Value::Bool(matches!(self.evaluate_code(of)?, Value::Map(m) if m.contains_key(name)))),
            Code::DefaultField(of, name, other) => match self.evaluate_code(of)? {
                Value::Map(m) if m.contains_key(name) => Ok(m.get(name).cloned().unwrap_or(Value::Bool(false))),
                _ => self.evaluate_code(other),
            },
            Code::Active(name) => Ok(Value::Bool(self.scope.active(name))),
            Code::Field(of, name) => match self.evaluate_code(of)? {
                Value::Map(m) => m.get(name).cloned().ok_or_else(|| EvalError::Unset(name.clone())),
                _ => Err(EvalError::Unset(name.clone())),
            },
            Code::Index(of, index) => self.index(of, index),
            Code::Not(of) => Ok(Value::Bool(!self.truth(of)?)),
            Code::Negate(of) => match self.evaluate_code(of)? {
                Value::Int(i) => i.checked_neg().map(Value::Int).ok_or_else(overflow),
                Value::Decimal(d) => d.checked_neg().map(Value::Decimal).ok_or_else(overflow),
                _ => Err(mismatch()),
            },
            Code::Binary(op, a, b) => self.binary(*op, a, b),
            Code::Condition(c, a, b) => {
                if self.truth(c)? {
                    self.evaluate_code(a)
                } else {
                    self.evaluate_code(b)
                }
            }
            Code::List(items) => items.iter().map(|i| self.evaluate_code(i)).collect::<Result<_, _>>().map(|l| Value::List(Arc::new(l))),
            Code::Map(entries) => {
                let mut map = BTreeMap::new();
                for (k, v) in entries {
                    map.insert(k.clone(), self.evaluate_code(v)?);
                }
                Ok(Value::Map(Arc::new(map)))
            }
            Code::Call(function, arguments) => {
                let arguments = arguments.iter().map(|a| self.evaluate_code(a)).collect::<Result<Vec<_>, _>>()?;
                self.pay(arguments.iter().map(size).sum())?;
                let value = (function.call)(&arguments, self.scope).map_err(EvalError::Failed)?;
                if size(&value) > SIZE_MAX { Err(EvalError::TooLarge) } else { Ok(value) }
            }
            Code::Apply(callable, arguments) => {
                let given = arguments.iter().map(|a| self.evaluate_code(a)).collect::<Result<Vec<_>, _>>()?;
                callable.call(&given, self.scope, &mut self.fuel)
            }
            Code::Macro(kind, list, condition, body) => self.comprehension(*kind, list, condition.as_deref(), body),
            Code::Bind(value, body) => {
                let value = self.evaluate_code(value)?;
                self.locals.push(value);
                let result = self.evaluate_code(body);
                self.locals.pop();
                result
            }
            Code::Option(set, text, other) => match (self.evaluate_code(text)?, other) {
                (Value::Text(text), _) if set.words.iter().any(|w| **w == *text) => Ok(Value::Text(text)),
                (_, Some(other)) => self.evaluate_code(other),
                (value, None) => Err(EvalError::NotAWord { what: set.what.clone(), text: value.to_string() }),
            },
        }
    }

    /// Work on large values costs more.
    fn pay(&mut self, size: usize) -> Result<(), EvalError> {
        self.fuel = self.fuel.checked_sub((size / 64) as u32).ok_or(EvalError::OutOfFuel)?;
        Ok(())
    }

    pub fn truth(&mut self, code: &Code) -> Result<bool, EvalError> {
        match self.evaluate_code(code)? {
            Value::Bool(b) => Ok(b),
            _ => Err(mismatch()),
        }
    }

    fn index(&mut self, of: &Code, index: &Code) -> Result<Value, EvalError> {
        match (self.evaluate_code(of)?, self.evaluate_code(index)?) {
            (Value::List(l), Value::Int(i)) => usize::try_from(i)
                .ok()
                .and_then(|i| l.get(i).cloned())
                .ok_or_else(|| EvalError::Failed(format!("index {i} is outside the list of {}", l.len()))),
            (Value::Map(m), Value::Text(k)) => m.get(&*k).cloned().ok_or_else(|| EvalError::Unset(k.to_string())),
            _ => Err(mismatch()),
        }
    }

    fn binary(&mut self, op: Op, a: &Code, b: &Code) -> Result<Value, EvalError> {
        match op {
            // As CEL has it: an error on one side does not matter when the other side decides.
            Op::And | Op::Or => {
                let decides = op == Op::Or;
                let first = self.truth(a);
                if first == Ok(decides) {
                    return Ok(Value::Bool(decides));
                }
                match (first, self.truth(b)?) {
                    (_, second) if second == decides => Ok(Value::Bool(decides)),
                    (first, _) => first.map(Value::Bool),
                }
            }
            Op::Equal => Ok(Value::Bool(self.evaluate_code(a)?.equals(&self.evaluate_code(b)?))),
            Op::NotEqual => Ok(Value::Bool(!self.evaluate_code(a)?.equals(&self.evaluate_code(b)?))),
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
                let order = self.evaluate_code(a)?.compare(&self.evaluate_code(b)?).ok_or_else(mismatch)?;
                Ok(Value::Bool(match op {
                    Op::Less => order.is_lt(),
                    Op::LessEqual => order.is_le(),
                    Op::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }))
            }
            Op::In => {
                let (item, all) = (self.evaluate_code(a)?, self.evaluate_code(b)?);
                match (&item, &all) {
                    (_, Value::List(l)) => {
                        self.fuel = self.fuel.checked_sub(l.len() as u32).ok_or(EvalError::OutOfFuel)?;
                        Ok(Value::Bool(l.iter().any(|v| v.equals(&item))))
                    }
                    (Value::Text(k), Value::Map(m)) => Ok(Value::Bool(m.contains_key(&**k))),
                    _ => Err(mismatch()),
                }
            }
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => {
                let (a, b) = (self.evaluate_code(a)?, self.evaluate_code(b)?);
                self.pay(size(&a) + size(&b))?;
                let value = arithmetic(op, &a, &b, self.scope.zone())?;
                if size(&value) > SIZE_MAX { Err(EvalError::TooLarge) } else { Ok(value) }
            }
        }
    }

    fn comprehension(&mut self, kind: Macro, list: &Code, condition: Option<&Code>, body: &Code) -> Result<Value, EvalError> {
        // The place or the key, and the element.
        let items: Vec<(Value, Value)> = match self.evaluate_code(list)? {
            Value::List(l) => l.iter().enumerate().map(|(i, v)| (Value::Int(i as i64), v.clone())).collect(),
            Value::Map(m) if kind.places => m.iter().map(|(k, v)| (Value::text(k.as_str()), v.clone())).collect(),
            Value::Map(m) => m.keys().map(|k| (Value::text(k.as_str()), Value::text(k.as_str()))).collect(),
            _ => return Err(mismatch()),
        };
        let (mut count, mut out, mut map, mut made) = (0_u32, vec![], BTreeMap::new(), 0);
        let mut failed = None;
        for (place, item) in items {
            let before = self.locals.len();
            self.locals.extend(kind.places.then(|| place.clone()));
            self.locals.push(item.clone());
            let wanted = condition.map_or(Ok(true), |c| self.truth(c));
            let result = wanted.and_then(|wanted| if wanted { self.evaluate_code(body).map(Some) } else { Ok(None) });
            self.locals.truncate(before);
            let result = match result {
                Ok(Some(result)) => result,
                Ok(None) => continue,
                // As CEL has it: an error does not matter where another element decides.
                Err(e) if matches!(kind.question, Question::All | Question::Exists) && e != EvalError::OutOfFuel => {
                    failed = failed.or(Some(e));
                    continue;
                }
                Err(e) => return Err(e),
            };
            let yes = result == Value::Bool(true);
            match kind.question {
                Question::All if !yes => return Ok(Value::Bool(false)),
                Question::Exists if yes => return Ok(Value::Bool(true)),
                Question::ExistsOne if yes => count += 1,
                Question::Filter if yes => {
                    made += size(&item);
                    out.push(item);
                }
                Question::Map => {
                    made += size(&result);
                    out.push(result);
                }
                Question::MapValues => {
                    made += size(&result);
                    map.insert(place.to_string(), result);
                }
                _ => {}
            }
            if made > SIZE_MAX {
                return Err(EvalError::TooLarge);
            }
        }
        if let Some(e) = failed {
            return Err(e);
        }
        Ok(match kind.question {
            Question::All => Value::Bool(true),
            Question::Exists => Value::Bool(false),
            Question::ExistsOne => Value::Bool(count == 1),
            Question::Map | Question::Filter => Value::List(Arc::new(out)),
            Question::MapValues => Value::Map(Arc::new(map)),
        })
    }
}

fn mismatch() -> EvalError {
    EvalError::Failed("a value does not have the type that was checked".into())
}

fn overflow() -> EvalError {
    EvalError::Failed("the result is too large for a number".into())
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(t) => t.len(),
        Value::List(l) => l.iter().map(size).sum::<usize>() + l.len(),
        Value::Map(m) => m.len(),
        _ => 1,
    }
}

fn arithmetic(op: Op, a: &Value, b: &Value, zone: &TimeZone) -> Result<Value, EvalError> {
    let decimal = |v: &Value| match v {
        Value::Int(i) => Decimal::from(*i),
        Value::Decimal(d) => *d,
        _ => Decimal::from(0),
    };
    match (op, a, b) {
        (_, Value::Int(x), Value::Int(y)) => {
            let result = match op {
                Op::Add => x.checked_add(*y),
                Op::Subtract => x.checked_sub(*y),
                Op::Multiply => x.checked_mul(*y),
                Op::Divide | Op::Remainder if *y == 0 => return Err(EvalError::Failed("division by zero".into())),
                Op::Divide => x.checked_div(*y),
                _ => x.checked_rem(*y),
            };
            result.map(Value::Int).ok_or_else(overflow)
        }
        (_, Value::Int(_) | Value::Decimal(_), Value::Int(_) | Value::Decimal(_)) => {
            let (x, y) = (decimal(a), decimal(b));
            let result = match op {
                Op::Add => x.checked_add(y),
                Op::Subtract => x.checked_sub(y),
                Op::Multiply => x.checked_mul(y),
                _ => return Err(mismatch()),
            };
            result.map(Value::Decimal).ok_or_else(overflow)
        }
        (Op::Add, Value::Text(x), Value::Text(y)) => Ok(Value::text(format!("{x}{y}"))),
        (Op::Add, Value::List(x), Value::List(y)) => Ok(Value::List(Arc::new(x.iter().chain(y.iter()).cloned().collect()))),
        (Op::Add, Value::Duration(d), Value::Date(_) | Value::Timestamp(_)) => shift(b, *d, zone),
        (Op::Add, _, Value::Duration(d)) if matches!(a, Value::Date(_) | Value::Timestamp(_)) => shift(a, *d, zone),
        (Op::Subtract, _, Value::Duration(d)) if matches!(a, Value::Date(_) | Value::Timestamp(_)) => shift(a, negate(*d)?, zone),
        (Op::Subtract, Value::Timestamp(x), Value::Timestamp(y)) => {
            Ok(Value::Duration(Duration { days: 0, seconds: x.as_second() - y.as_second() }))
        }
        (Op::Subtract, Value::Date(x), Value::Date(y)) => {
            let days = x.since(*y).map_err(|_| overflow())?.get_days();
            Ok(Value::Duration(Duration { days: days.into(), seconds: 0 }))
        }
        (Op::Multiply, Value::Duration(d), Value::Int(n)) | (Op::Multiply, Value::Int(n), Value::Duration(d)) => {
            let product = d.days.checked_mul(*n).zip(d.seconds.checked_mul(*n));
            product.map(|(days, seconds)| Value::Duration(Duration { days, seconds })).ok_or_else(overflow)
        }
        (Op::Divide, Value::Duration(_), Value::Int(0)) => Err(EvalError::Failed("division by zero".into())),
        (Op::Divide, Value::Duration(d), Value::Int(n)) => {
            // The days that remain count as 24 hours each.
            let rest = d.days.checked_rem(*n).and_then(|days| days.checked_mul(86_400)?.checked_add(d.seconds));
            let parts = d.days.checked_div(*n).zip(rest.and_then(|seconds| seconds.checked_div(*n)));
            parts.map(|(days, seconds)| Value::Duration(Duration { days, seconds })).ok_or_else(overflow)
        }
        (Op::Divide, Value::Duration(x), Value::Duration(y)) => {
            let whole = |d: &Duration| i128::from(d.days) * 86_400 + i128::from(d.seconds);
            let times = whole(x).checked_div(whole(y)).ok_or_else(|| EvalError::Failed("division by zero".into()))?;
            i64::try_from(times).map(Value::Int).map_err(|_| overflow())
        }
        (Op::Add | Op::Subtract, Value::Duration(x), Value::Duration(y)) => {
            let y = if op == Op::Add { *y } else { negate(*y)? };
            let sum = x.days.checked_add(y.days).zip(x.seconds.checked_add(y.seconds));
            sum.map(|(days, seconds)| Value::Duration(Duration { days, seconds })).ok_or_else(overflow)
        }
        _ => Err(mismatch()),
    }
}

fn negate(d: Duration) -> Result<Duration, EvalError> {
    let both = d.days.checked_neg().zip(d.seconds.checked_neg());
    both.map(|(days, seconds)| Duration { days, seconds }).ok_or_else(overflow)
}

/// Days keep the wall time in the site's zone, seconds are elapsed.
fn shift(value: &Value, by: Duration, zone: &TimeZone) -> Result<Value, EvalError> {
    match value {
        Value::Date(d) => {
            let days = |n| jiff::Span::new().try_days(n).map_err(|_| overflow());
            let (days, rest) = (days(by.days)?, days(by.seconds / 86_400)?);
            d.checked_add(days).and_then(|d| d.checked_add(rest)).map(Value::Date).map_err(|_| overflow())
        }
        Value::Timestamp(t) => later(*t, by, None, zone).map(Value::Timestamp).ok_or_else(overflow),
        _ => Err(mismatch()),
    }
}
