//! Regions of values: where conditions compare with constants, the values of an input fall into finitely many regions,
//! and one point of each decides for all of it: each constant, a point between two neighbours, one below and one above.

use crate::cel::ast::{Ast, Kind as AstKind};
use crate::cel::types::Ty;
use crate::cel::value::{Duration, Value};
use crate::decimal::Decimal;
use jiff::Timestamp;

/// The value of an expression that is a constant.
pub fn constant(ast: &Ast) -> Option<Value> {
    Some(match &ast.kind {
        AstKind::Bool(b) => Value::Bool(*b),
        AstKind::Int(i) => Value::Int(*i),
        AstKind::Decimal(d) => Value::Decimal(*d),
        AstKind::Text(t) => Value::text(t.as_str()),
        AstKind::Negate(of) => match constant(of)? {
            Value::Int(i) => Value::Int(i.checked_neg()?),
            Value::Decimal(d) => Value::Decimal(d.checked_neg()?),
            _ => return None,
        },
        AstKind::Call(None, name, arguments) if name == "date" || name == "timestamp" => match &arguments.first()?.kind {
            AstKind::Text(t) if name == "date" => Value::Date(t.parse().ok()?),
            AstKind::Text(t) => Value::Timestamp(t.parse().ok()?),
            _ => return None,
        },
        _ => return None,
    })
}

/// One value for each region that the constants make.
pub fn spread(ty: &Ty, mut constants: Vec<Value>) -> Vec<Value> {
    match ty {
        Ty::Bool => return vec![Value::Bool(false), Value::Bool(true)],
        Ty::Word(words) => return words.words.iter().map(|w| Value::text(w.as_str())).collect(),
        Ty::Int => constants.iter_mut().for_each(|c| {
            if let Value::Decimal(d) = c {
                *c = Value::Int(d.round(0).to_int().unwrap_or(0));
            }
        }),
        Ty::Decimal => constants.iter_mut().for_each(|c| {
            if let Value::Int(i) = c {
                *c = Value::Decimal((*i).into());
            }
        }),
        _ => {}
    }
    constants.sort_by(|a, b| a.compare(b).unwrap_or(std::cmp::Ordering::Equal));
    constants.dedup_by(|a, b| a.equals(b));
    let mut all: Vec<Value> = vec![];
    for constant in &constants {
        all.extend([beside(constant, -1), Some(constant.clone()), beside(constant, 1)].into_iter().flatten());
    }
    if matches!(ty, Ty::Text | Ty::User) {
        all.extend([Value::text(""), Value::text("\u{10ffff}")]);
    }
    if all.is_empty() {
        all.push(match ty {
            Ty::Int => Value::Int(0),
            Ty::Decimal => Value::Decimal(Decimal::from(0)),
            Ty::Date => Value::Date(jiff::civil::date(2000, 1, 1)),
            Ty::Timestamp => Value::Timestamp(Timestamp::UNIX_EPOCH),
            _ => Value::text(""),
        });
    }
    all
}

/// A little less or more: constants have at most nine digits behind the point, a neighbour has ten.
fn beside(value: &Value, by: i64) -> Option<Value> {
    Some(match value {
        Value::Int(i) => Value::Int(i.checked_add(by)?),
        Value::Decimal(d) => Value::Decimal(d.checked_add(Decimal::new(by.into(), 9))?),
        Value::Date(d) => Value::Date(d.checked_add(jiff::Span::new().days(by)).ok()?),
        Value::Timestamp(t) => Value::Timestamp(t.checked_add(jiff::SignedDuration::from_nanos(by)).ok()?),
        Value::Duration(d) => Value::Duration(Duration { seconds: d.seconds + by, ..*d }),
        _ => return None,
    })
}
