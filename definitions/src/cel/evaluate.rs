//! Evaluates programs.

use crate::cel::eval::Machine;
use crate::cel::program::Program;
use crate::cel::scope::{EvalError, Scope};
use crate::cel::value::Value;
use std::collections::BTreeMap;

impl Program {
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        Machine::new(scope).evaluate_code(&self.code)
    }

    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        Machine::new(scope).truth(&self.code)
    }

    /// What it read and found, for incidents and "why?".
    pub fn values(&self, scope: &dyn Scope) -> BTreeMap<String, String> {
        let value = |path: &String| {
            let parts: Vec<Box<str>> = path.split('.').map(Into::into).collect();
            scope.get(&parts).map_or_else(|| "not set".to_owned(), |v| v.to_string())
        };
        self.reads.iter().map(|path| (path.clone(), value(path))).collect()
    }
}
