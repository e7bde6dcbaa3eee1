//! Parameters of a decision or function, as the expressions inside see them.

use crate::calendar::WorkTime;
use crate::cel::scope::Scope;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::source::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;

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
