//! Calls of decisions and functions.

use crate::cel::arguments::Arguments;
use crate::cel::callable::Callable;
use crate::cel::eval::Machine;
use crate::cel::scope::{EvalError, Scope};
use crate::cel::value::Value;

impl Callable {
    /// Its value, on the fuel of the expression that calls it.
    ///
    /// # Errors
    /// No rule of a decision holds, or two where one may; whatever an expression in it fails with.
    pub fn call(&self, given: &[Value], outside: &dyn Scope, fuel: &mut u32) -> Result<Value, EvalError> {
        match self {
            Self::Decision(table) => table.decide(given, outside, fuel),
            Self::Function(function) => {
                let scope = Arguments { parameters: &function.parameters, given, outside };
                Machine::with_fuel(&scope, fuel, |m| m.evaluate_code(function.body.code()))
            }
        }
    }
}
