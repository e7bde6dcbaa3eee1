//! A condition over many tickets as a filter of the store: every ticket that it holds for passes, and where the
//! filter is exact no other does. What does not translate is left to the interpreter.

use crate::rules::filter::{Column, Compare, Filter};
use crate::rules::scope::CommonScope;
use jiff::Timestamp;
use serde_json::Value as Json;
use vorgang_definitions::cel::ast::{Ast, Kind, Op};
use vorgang_definitions::cel::parse::parse;
use vorgang_definitions::cel::program::Program;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::check::job::over_tickets;
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::names::Names;
use vorgang_definitions::values::{Slot, to_stored};

#[derive(Debug, Clone, PartialEq)]
pub struct Pushdown {
    pub filter: Filter,
    /// The filter finds no ticket that the condition does not hold for.
    pub exact: bool,
    /// Parts of the condition that only the interpreter decides.
    pub left: Vec<String>,
}

/// The condition of a job, at this time.
pub fn pushdown(text: &str, names: &Names, now: Timestamp) -> Pushdown {
    let mut split = Split { text, names, now, left: vec![] };
    let filter = match parse(text) {
        Ok(ast) => split.where_is(&ast, true),
        Err(_) => Filter::All,
    };
    Pushdown { filter, exact: split.left.is_empty(), left: split.left }
}

struct Split<'a> {
    text: &'a str,
    names: &'a Names,
    now: Timestamp,
    left: Vec<String>,
}

impl Split<'_> {
    /// Tickets for which the expression may be this. An expression that fails is neither true nor false.
    fn where_is(&mut self, ast: &Ast, wanted: bool) -> Filter {
        match &ast.kind {
            Kind::Bool(b) => {
                if *b == wanted {
                    Filter::All
                } else {
                    Filter::None
                }
            }
            Kind::Not(inner) => self.where_is(inner, !wanted),
            Kind::Binary(op @ (Op::And | Op::Or), a, b) => {
                let (a, b) = (self.where_is(a, wanted), self.where_is(b, wanted));
                if (*op == Op::And) == wanted { a.and(b) } else { Filter::or(vec![a, b]) }
            }
            _ => match self.leaf(ast, wanted) {
                Some(filter) => filter,
                None => {
                    let part = self.text.get(ast.start..ast.end).unwrap_or(self.text).trim().to_owned();
                    if !self.left.contains(&part) {
                        self.left.push(part);
                    }
                    Filter::All
                }
            },
        }
    }

    fn leaf(&self, ast: &Ast, wanted: bool) -> Option<Filter> {
        match &ast.kind {
            Kind::Binary(Op::In, path, list) => {
                let path = path_of(path)?;
                let Value::List(items) = self.constant(list)? else { return None };
                let each: Vec<Filter> = items.iter().map(|v| self.compare(&path, Op::Equal, v, wanted)).collect::<Option<_>>()?;
                Some(if wanted { Filter::or(each) } else { each.into_iter().fold(self.is_set(&path)?, Filter::and) })
            }
            Kind::Binary(op, a, b) => {
                let (path, op, value) = match (path_of(a), path_of(b)) {
                    (Some(path), None) => (path, *op, self.constant(b)?),
                    (None, Some(path)) => (path, turned(*op)?, self.constant(a)?),
                    _ => return None,
                };
                self.compare(&path, op, &value, wanted)
            }
            Kind::Call(None, name, arguments) if name == "has" => {
                let set = self.is_set(&path_of(arguments.first()?)?)?;
                Some(if wanted { set } else { Filter::Not(Box::new(set)) })
            }
            _ => {
                let path = path_of(ast)?;
                if path == "lock" {
                    return Some(if wanted { Filter::Lock } else { Filter::Not(Box::new(Filter::Lock)) });
                }
                // A field that is yes or no; unset is no.
                let field = self.names.fields.get(path.strip_prefix("fields.")?)?;
                let yes = Filter::Field { name: field.name.to_string(), compare: Compare::Equal, value: Json::Bool(true) };
                (field.field_type == FieldType::Boolean).then(|| if wanted { yes } else { Filter::Not(Box::new(yes)) })
            }
        }
    }

    /// `None` where it cannot be said exactly.
    fn compare(&self, path: &str, op: Op, value: &Value, wanted: bool) -> Option<Filter> {
        let compare = Compare::from_op(op)?;
        let compare = if wanted { compare } else { compare.denied() };
        let equality = |yes: Filter| match compare {
            Compare::Equal => Some(yes),
            Compare::NotEqual => Some(Filter::Not(Box::new(yes))),
            _ => None,
        };
        let names = self.names;
        let text = || value.as_text().map(str::to_owned);
        match path {
            "state" => equality(Filter::State(vec![text()?])),
            "queue" => equality(Filter::Queue(vec![text()?])),
            "type" => equality(Filter::Type(vec![text()?])),
            "priority_name" => equality(Filter::Priority(vec![text()?])),
            "state_type" => {
                let word = text()?;
                equality(Filter::State(names.states.iter().filter(|s| s.state_type.word() == word).map(|s| s.name.to_string()).collect()))
            }
            "priority" => {
                let Value::Int(level) = value else { return None };
                let holds = |p: i64| compare.holds(p.cmp(level));
                Some(Filter::Priority(names.priorities.iter().filter(|p| holds(p.level.value.0)).map(|p| p.name.to_string()).collect()))
            }
            "owner" | "responsible" | "customer_user" | "customer" => {
                let column = Column::from_name(path)?;
                let is = match column {
                    Column::Owner => Filter::Owner(text()?.into()),
                    Column::CustomerUser => Filter::CustomerUser(text()?.into()),
                    Column::Customer => Filter::Customer(text()?),
                    _ => Filter::Responsible(text()?.into()),
                };
                // Unset is neither equal nor unequal.
                match compare {
                    Compare::Equal => Some(is),
                    Compare::NotEqual => Some(Filter::Set(column).and(Filter::Not(Box::new(is)))),
                    _ => None,
                }
            }
            "created" | "updated" | "pending_until" => {
                let Value::Timestamp(t) = value else { return None };
                // Stored times end at the microsecond.
                let floor = t.as_microsecond() - i64::from(t.subsec_nanosecond() % 1000 < 0);
                let whole = Timestamp::from_microsecond(floor).ok()? == *t;
                let (compare, micros) = match compare {
                    _ if whole => (compare, floor),
                    Compare::Less | Compare::LessEqual => (Compare::LessEqual, floor),
                    Compare::Greater | Compare::GreaterEqual => (Compare::Greater, floor),
                    Compare::Equal => return Some(Filter::None),
                    Compare::NotEqual => return Some(Filter::Set(Column::from_name(path)?)),
                };
                Some(Filter::Time { column: Column::from_name(path)?, compare, micros })
            }
            _ => self.field(path.strip_prefix("fields.")?, compare, value),
        }
    }

    fn field(&self, name: &str, compare: Compare, value: &Value) -> Option<Filter> {
        let field = self.names.fields.get(name)?;
        let ordered = matches!(field.field_type, FieldType::Integer | FieldType::Decimal);
        let equal = matches!(compare, Compare::Equal | Compare::NotEqual);
        let plain = ordered || matches!(field.field_type, FieldType::Text | FieldType::Choice | FieldType::User);
        if !plain || !(equal || ordered) {
            return None;
        }
        let fits = matches!(
            (field.field_type, value),
            (FieldType::Integer, Value::Int(_))
                | (FieldType::Text | FieldType::Choice | FieldType::User, Value::Text(_))
                | (FieldType::Decimal, Value::Int(_) | Value::Decimal(_))
        );
        let json = to_stored(field, value).ok().filter(|_| fits)?;
        // A number that the field cannot hold is not compared by what it would be rounded to.
        let back = vorgang_definitions::values::from_stored(field, &json)?;
        back.equals(value).then(|| Filter::Field { name: field.name.to_string(), compare, value: json })
    }

    fn is_set(&self, path: &str) -> Option<Filter> {
        if let Some(name) = path.strip_prefix("fields.") {
            let field = self.names.fields.get(name)?;
            let always = vorgang_definitions::values::when_unset(field).is_some();
            return Some(if always { Filter::All } else { Filter::FieldSet(field.name.to_string()) });
        }
        match Column::from_name(path) {
            Some(Column::Created | Column::Updated) => Some(Filter::All),
            Some(column) => Some(Filter::Set(column)),
            None => Slot::find(self.names, path)
                .filter(Slot::always_set)
                .map(|_| Filter::All)
                .or_else(|| ["type", "state_type", "priority_name"].contains(&path).then_some(Filter::All)),
        }
    }

    /// The value of a part that does not depend on the ticket.
    fn constant(&self, ast: &Ast) -> Option<Value> {
        let text = self.text.get(ast.start..ast.end)?;
        let program = Program::compile(text, &over_tickets(self.names)).ok()?;
        let free = |path: &String| path == "now" || path.starts_with("site.");
        if !program.reads.iter().all(free) {
            return None;
        }
        program.evaluate(&CommonScope { names: self.names, now: self.now }).ok()
    }
}

/// `ticket.a.b` as `a.b`.
fn path_of(ast: &Ast) -> Option<String> {
    match &ast.kind {
        Kind::Select(inner, name) => match &inner.kind {
            Kind::Name(root) if root == "ticket" => Some(name.clone()),
            _ => path_of(inner).map(|p| format!("{p}.{name}")),
        },
        _ => None,
    }
}

/// The comparison with its sides exchanged.
fn turned(op: Op) -> Option<Op> {
    Some(match op {
        Op::Equal | Op::NotEqual => op,
        Op::Less => Op::Greater,
        Op::LessEqual => Op::GreaterEqual,
        Op::Greater => Op::Less,
        Op::GreaterEqual => Op::LessEqual,
        _ => return None,
    })
}
