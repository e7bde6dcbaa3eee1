//! Conditions that never hold, and transitions that are never taken because others before them always are (C28).
//!
//! Comparisons with constants are decided over the regions that the constants make; everything else in a condition is
//! taken to be true or false as it likes, but the same wherever it is written the same.

use crate::cel::ast::{Ast, Kind, Op};
use crate::cel::env::Env;
use crate::cel::parse::parse;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::check::regions::{constant, spread};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Points at which conditions are looked at; where there are more, nothing is said.
const POINTS_MAX: usize = 20_000;

/// Words of a set that are tried: those that are compared with, and some that are not.
const OTHER_WORDS: usize = 1;

/// A condition, over values that are compared with constants and parts that are simply true or false.
enum Formula {
    Known(bool),
    Not(Box<Formula>),
    And(Box<Formula>, Box<Formula>),
    Or(Box<Formula>, Box<Formula>),
    /// True or false as it likes.
    Free(usize),
    Compared(usize, Op, Value),
    In(usize, Vec<Value>),
}

/// What conditions depend on.
#[derive(Default)]
struct Variables {
    index: BTreeMap<String, usize>,
    /// The type of a value that is compared; none of a part that is true or false.
    types: Vec<Option<Ty>>,
    constants: Vec<Vec<Value>>,
}

impl Variables {
    fn number_of(&mut self, name: String, ty: Option<Ty>) -> usize {
        let next = self.types.len();
        let at = *self.index.entry(name).or_insert(next);
        if at == next {
            self.types.push(ty);
            self.constants.push(vec![]);
        }
        at
    }

    fn points(self) -> Option<Vec<Vec<Value>>> {
        let points: Vec<Vec<Value>> = self.types.into_iter().zip(self.constants).map(|(ty, constants)| points(ty, constants)).collect();
        let total = points.iter().map(Vec::len).try_fold(1_usize, usize::checked_mul)?;
        (total <= POINTS_MAX).then_some(points)
    }
}

fn points(ty: Option<Ty>, constants: Vec<Value>) -> Vec<Value> {
    match ty {
        None => vec![Value::Bool(false), Value::Bool(true)],
        Some(Ty::Word(set)) => {
            let compared = |word: &&String| constants.iter().any(|c| c.as_text() == Some(word));
            let (named, others): (Vec<&String>, Vec<&String>) = set.words.iter().partition(compared);
            named.into_iter().chain(others.into_iter().take(OTHER_WORDS)).map(|w| Value::text(w.as_str())).collect()
        }
        Some(ty) => spread(&ty, constants),
    }
}

struct Reader<'a> {
    env: &'a Env,
    text: &'a str,
    variables: &'a mut Variables,
}

impl Reader<'_> {
    fn formula(&mut self, ast: &Ast) -> Formula {
        let two = |s: &mut Self, a: &Ast, b: &Ast| (Box::new(s.formula(a)), Box::new(s.formula(b)));
        match &ast.kind {
            Kind::Bool(b) => Formula::Known(*b),
            Kind::Not(of) => Formula::Not(Box::new(self.formula(of))),
            Kind::Binary(Op::And, a, b) => {
                let (a, b) = two(self, a, b);
                Formula::And(a, b)
            }
            Kind::Binary(Op::Or, a, b) => {
                let (a, b) = two(self, a, b);
                Formula::Or(a, b)
            }
            Kind::Binary(Op::In, a, b) => self.one_of(ast, a, b),
            Kind::Binary(op, a, b) if turned(*op).is_some() => self.compared(ast, *op, a, b),
            _ => match self.variable(ast) {
                Some((at, Ty::Bool)) => Formula::Compared(at, Op::Equal, Value::Bool(true)),
                _ => self.free(ast),
            },
        }
    }

    fn free(&mut self, ast: &Ast) -> Formula {
        let text = self.written(ast);
        Formula::Free(self.variables.number_of(format!("?{text}"), None))
    }

    fn compared(&mut self, ast: &Ast, op: Op, a: &Ast, b: &Ast) -> Formula {
        let (of, op, value) = match (constant(a), constant(b)) {
            (None, Some(value)) => (a, op, value),
            (Some(value), None) => (b, turned(op).unwrap_or(op), value),
            _ => return self.free(ast),
        };
        let is_equality = matches!(op, Op::Equal | Op::NotEqual);
        if self.is_no_word(of, &value) {
            return self.free(ast);
        }
        let variable = self.variable(of).or_else(|| self.computed(of, &value));
        match variable.filter(|(_, ty)| is_equality || !matches!(ty, Ty::Text | Ty::User | Ty::Word(_))) {
            Some((at, _)) => {
                self.variables.constants[at].push(value.clone());
                Formula::Compared(at, op, value)
            }
            None => self.free(ast),
        }
    }

    fn one_of(&mut self, ast: &Ast, a: &Ast, list: &Ast) -> Formula {
        let Kind::List(items) = &list.kind else { return self.free(ast) };
        let Some(values) = items.iter().map(constant).collect::<Option<Vec<_>>>() else { return self.free(ast) };
        if values.iter().any(|value| self.is_no_word(a, value)) {
            return self.free(ast);
        }
        match self.variable(a) {
            Some((at, _)) => {
                self.variables.constants[at].extend(values.iter().cloned());
                Formula::In(at, values)
            }
            None => self.free(ast),
        }
    }

    /// A word that the type does not have: that is a finding of its own, or the word's definition could not be read.
    fn is_no_word(&self, ast: &Ast, value: &Value) -> bool {
        let ty = path(ast).and_then(|path| type_of(self.env, &path));
        matches!((ty, value.as_text()), (Some(Ty::Word(set)), Some(text)) if !set.words.iter().any(|w| w == text))
    }

    /// A path whose type is known.
    fn variable(&mut self, ast: &Ast) -> Option<(usize, Ty)> {
        let path = path(ast)?;
        let narrowed = self.env.narrowed.get(&path).map(|set| Ty::Word(set.clone()));
        let ty = narrowed.or_else(|| type_of(self.env, &path))?;
        let is_plain = !matches!(ty, Ty::Any | Ty::Object(_) | Ty::List(_) | Ty::Map(_));
        is_plain.then(|| (self.variables.number_of(path, Some(ty.clone())), ty))
    }

    /// Any other expression, which is compared with a number, a day or a time.
    fn computed(&mut self, ast: &Ast, with: &Value) -> Option<(usize, Ty)> {
        let ty = match with {
            Value::Int(_) | Value::Decimal(_) => Ty::Decimal,
            Value::Date(_) => Ty::Date,
            Value::Timestamp(_) => Ty::Timestamp,
            _ => return None,
        };
        let at = self.variables.number_of(format!("{ty} {}", self.written(ast)), Some(ty.clone()));
        Some((at, ty))
    }

    /// As it is written, without blanks and brackets around it.
    fn written(&self, ast: &Ast) -> String {
        let text: String = self.text.get(ast.start..ast.end).unwrap_or_default().split_whitespace().collect();
        let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        inner.filter(|t| !t.contains(['(', ')'])).unwrap_or(&text).to_owned()
    }
}

/// The comparison with its sides exchanged; `None` where it is none.
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

/// `ticket.fields.x`, as it is written.
fn path(ast: &Ast) -> Option<String> {
    match &ast.kind {
        Kind::Name(name) => Some(name.clone()),
        Kind::Select(of, part) => path(of).map(|p| format!("{p}.{part}")),
        _ => None,
    }
}

fn type_of(env: &Env, path: &str) -> Option<Ty> {
    let mut parts = path.split('.');
    let mut ty = env.root(parts.next()?)?.clone();
    for part in parts {
        let Ty::Object(object) = &ty else { return None };
        ty = object.field(part)?.ty.clone();
    }
    Some(ty)
}

impl Formula {
    fn holds(&self, at: &[&Value]) -> bool {
        match self {
            Self::Known(b) => *b,
            Self::Not(of) => !of.holds(at),
            Self::And(a, b) => a.holds(at) && b.holds(at),
            Self::Or(a, b) => a.holds(at) || b.holds(at),
            Self::Free(v) => *at[*v] == Value::Bool(true),
            Self::Compared(v, Op::Equal, value) => at[*v].equals(value),
            Self::Compared(v, Op::NotEqual, value) => !at[*v].equals(value),
            Self::Compared(v, op, value) => match (at[*v].compare(value), op) {
                (Some(order), Op::Less) => order == Ordering::Less,
                (Some(order), Op::LessEqual) => order != Ordering::Greater,
                (Some(order), Op::Greater) => order == Ordering::Greater,
                (Some(order), _) => order != Ordering::Less,
                // What cannot be compared was a finding of its own.
                (None, _) => true,
            },
            Self::In(v, values) => values.iter().any(|value| at[*v].equals(value)),
        }
    }
}

/// Which of the conditions are the first that holds for some values; `None` where there is too much to look at, or one
/// of them cannot be read.
pub fn taken<'a>(conditions: impl IntoIterator<Item = &'a str>, env: &Env) -> Option<Vec<bool>> {
    let mut variables = Variables::default();
    let mut formulas = vec![];
    for text in conditions {
        let ast = parse(text).ok()?;
        formulas.push(Reader { env, text, variables: &mut variables }.formula(&ast));
    }
    let points = variables.points()?;
    let mut taken = vec![false; formulas.len()];
    let mut at = vec![0; points.len()];
    loop {
        let values: Vec<&Value> = at.iter().zip(&points).map(|(i, p)| &p[*i]).collect();
        if let Some(first) = formulas.iter().position(|f| f.holds(&values)) {
            taken[first] = true;
        }
        let Some(next) = (0..at.len()).rev().find(|i| at[*i] + 1 < points[*i].len()) else { return Some(taken) };
        at[next] += 1;
        at[next + 1..].fill(0);
    }
}

/// Whether the condition holds for no values at all.
pub fn never(condition: &str, env: &Env) -> bool {
    taken([condition], env).is_some_and(|taken| taken == [false])
}

#[cfg(test)]
mod tests {
    use super::{never, taken};
    use crate::cel::env::Env;
    use crate::cel::types::{Field, Ty};

    fn env() -> Env {
        let field = |name: &str, ty: Ty| Field { name: name.into(), ty, optional: true, doc: String::new() };
        let fields = vec![
            field("amount", Ty::Decimal),
            field("level", Ty::Int),
            field("color", Ty::word("color", ["red", "green", "blue"])),
            field("note", Ty::Text),
            field("urgent", Ty::Bool),
        ];
        Env { roots: vec![("t".into(), Ty::object("t", fields))], ..Env::default() }
    }

    #[test]
    fn never_holds() {
        for text in [
            "t.amount > 100 && t.amount < 50",
            "t.amount > 1 && t.amount <= 1",
            "t.level > 1 && t.level < 2",
            "t.color == 'red' && t.color == 'blue'",
            "t.color != 'red' && t.color != 'green' && t.color != 'blue'",
            "t.color in ['red'] && !(t.color in ['red', 'blue'])",
            "has(t.note) && !has( t.note )",
            "size(t.note) > 3 && !(size(t.note)>3)",
            "size(t.note) > 3 && size(t.note) < 2",
            "t.urgent && !t.urgent",
            "t.urgent == false && t.urgent",
            "5 < t.level && 4 > t.level",
            "t.note == 'a' && t.note == 'b'",
            "false",
        ] {
            assert!(never(text, &env()), "{text}");
        }
    }

    #[test]
    fn can_hold() {
        for text in [
            "t.amount > 1 && t.amount < 1.1",
            "t.amount > 100 || t.amount < 50",
            "t.level > 1 && t.level < 3",
            "t.note != 'a' && t.note != 'b'",
            "t.note < 'a' && t.note > 'b'",
            "size(t.note) > 3 && size(t.other) < 2",
            "t.color != 'red' && t.color != 'green'",
            "true",
        ] {
            assert!(!never(text, &env()), "{text}");
        }
    }

    #[test]
    fn the_first_that_holds() {
        let taken = |all: &[&str]| taken(all.iter().copied(), &env()).expect("few points");
        assert_eq!(taken(&["t.amount > 100", "t.amount > 200", "true"]), [true, false, true]);
        assert_eq!(taken(&["t.amount > 100", "t.amount <= 100", "true"]), [true, true, false]);
        assert_eq!(taken(&["t.color == 'red'", "t.color in ['green', 'blue']", "t.urgent"]), [true, true, false]);
        assert_eq!(taken(&["t.urgent", "!t.urgent && t.level > 3", "true"]), [true, true, true]);
    }
}
