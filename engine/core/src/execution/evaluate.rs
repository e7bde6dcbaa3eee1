//! Values, texts and people that definitions name, as a run sees them.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::rules::who;
use crate::state::ids::Login;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::who::Whos;
use vorgang_definitions::template::Template;
use vorgang_definitions::value_expr::ValueExpr;

/// The value of a place; `None` unsets.
pub(crate) fn value(run: &Run, value: &ValueExpr, at: At) -> Result<Option<Value>, Failure> {
    match value {
        ValueExpr::Literal(l) => Ok(l.value().cloned()),
        ValueExpr::Expr(e) => {
            let scope = run.scope(at);
            let value = e.program().evaluate(&scope).map_err(|error| Failure::of_expression(e, &error, &scope))?;
            Ok(Some(value).filter(|v| v.as_text() != Some("")))
        }
    }
}

/// Everybody who is meant here.
pub(crate) fn people(run: &Run, whos: &Whos, at: At) -> Result<Vec<Login>, Failure> {
    who::people(whos, &run.scope(at)).map_err(|e| Failure::new("expression", e.to_string()))
}

pub(crate) fn render(run: &Run, template: &Template, at: At) -> Result<String, Failure> {
    let language = run.model.names.site.main_language();
    let failed = |message: String| Failure::new("template", message);
    template.render(language, language, &run.scope(at)).map_err(failed)
}
