//! Failures inside the engine, which become incidents.

use std::collections::BTreeMap;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::cel::scope::{EvalError, Scope};

/// Why something inside failed: it becomes an incident, never a refusal.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: &'static str,
    pub message: String,
    pub expression: Option<String>,
    pub values: BTreeMap<String, String>,
}

impl Failure {
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), expression: None, values: BTreeMap::new() }
    }

    /// The message with the expression and the values that it read.
    pub fn with_values(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|(path, value)| format!("{path} = {value}")).collect();
        let parts = [Some(self.message.clone()), self.expression.clone(), Some(values.join(", ")).filter(|v| !v.is_empty())];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    pub fn of_expression(expr: &Expr, error: &EvalError, scope: &dyn Scope) -> Self {
        let mut failure = Self::new("expression", error.to_string());
        failure.expression = Some(expr.text().trim().to_owned());
        failure.values = expr.program().values(scope);
        failure
    }
}
