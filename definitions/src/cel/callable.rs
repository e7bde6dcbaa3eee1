//! What a site defines and expressions call by name: decisions and functions.

use super::Program;
use super::eval::{EvalError, Machine, Scope};
use super::types::Ty;
use super::value::Value;
use crate::calendar::WorkTime;
use crate::decision::Table;
use crate::source::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// A function of the site, checked.
#[derive(Debug)]
pub struct Defined {
    pub name: String,
    pub parameters: Vec<(String, Ty)>,
    pub returns: Ty,
    pub body: Arc<Program>,
}

#[derive(Debug, Clone)]
pub enum Callable {
    Decision(Arc<Table>),
    Function(Arc<Defined>),
}

impl Callable {
    pub fn name(&self) -> &str {
        match self {
            Self::Decision(table) => &table.name,
            Self::Function(function) => &function.name,
        }
    }

    pub fn parameters(&self) -> &[(String, Ty)] {
        match self {
            Self::Decision(table) => &table.inputs,
            Self::Function(function) => &function.parameters,
        }
    }

    /// The type of its value.
    pub fn ty(&self) -> Ty {
        match self {
            Self::Decision(table) => table.ty(),
            Self::Function(function) => function.returns.clone(),
        }
    }

    /// Its value, on the fuel of the expression that calls it.
    ///
    /// # Errors
    /// No rule of a decision holds, or two where one may; whatever an expression in it fails with.
    pub fn call(&self, given: &[Value], outside: &dyn Scope, fuel: &mut u32) -> Result<Value, EvalError> {
        match self {
            Self::Decision(table) => table.decide(given, outside, fuel),
            Self::Function(function) => {
                let scope = Arguments { parameters: &function.parameters, given, outside };
                Machine::with_fuel(&scope, fuel, |m| m.run(function.body.code()))
            }
        }
    }
}

/// Expressions inside see the parameters, and what is the same everywhere.
pub struct Arguments<'a> {
    pub parameters: &'a [(String, Ty)],
    pub given: &'a [Value],
    pub outside: &'a dyn Scope,
}

impl Scope for Arguments<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let own = path.first().and_then(|root| self.parameters.iter().position(|(name, _)| **root == **name));
        match own {
            Some(at) => self.given.get(at).cloned(),
            None => self.outside.get(path),
        }
    }

    fn now(&self) -> Timestamp {
        self.outside.now()
    }

    fn zone(&self) -> &TimeZone {
        self.outside.zone()
    }

    fn rule_held(&self, at: Span) {
        self.outside.rule_held(at);
    }

    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.outside.work_time(name)
    }
}
