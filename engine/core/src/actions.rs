//! The effects of the verbs. Their shapes stand in `vorgang_definitions::actions`, under the same names.

mod account;
mod assign;
mod cancel;
mod complete;
pub(crate) mod create;
mod emit;
mod incident;
mod increment;
mod link;
mod merge;
pub(crate) mod note;
mod notify;
mod reopen;
mod run;
pub(crate) mod set;
mod split;
mod start;
mod undo;
mod unwatch;
mod watch;

use crate::decide::run::{Failure, Run};
use crate::snapshot::Seq;
use crate::who;
use vorgang_definitions::actions::{Action, Verb};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::who::Whos;
use vorgang_definitions::template::Template;
use vorgang_definitions::value_expr::ValueExpr;

pub fn run(run: &mut Run, action: &Action, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    match &action.verb {
        Verb::Account(a) => account::run(run, a, instance, work),
        Verb::Assign(a) => assign::run(run, a, instance, work),
        Verb::Cancel(a) => cancel::run(run, a, instance, work),
        Verb::Complete(a) => complete::run(run, &a.0, instance),
        Verb::Create(a) => create::run(run, a, action.name.as_ref(), instance, work),
        Verb::Emit(a) => emit::run(run, a, action, instance, work),
        Verb::Incident(a) => incident::run(run, a, instance, work),
        Verb::Increment(a) => increment::run(run, a, instance, work),
        Verb::Link(a) => link::run(run, a, instance, work),
        Verb::Merge(a) => merge::run(run, a, instance, work),
        Verb::Note(a) => note::run(run, a, instance, work),
        Verb::Notify(a) => notify::run(run, a, instance, work),
        Verb::Reopen(a) => reopen::run(run, a, instance, work),
        Verb::Run(a) => self::run::run(run, a, action, instance, work),
        Verb::Set(a) => set::run(run, a, instance, work),
        Verb::Split(a) => split::run(run, a, action.name.as_ref(), instance, work),
        Verb::Start(a) => start::run(run, a, instance, work),
        Verb::Undo(a) => undo::run(run, a, instance, work),
        Verb::Unwatch(a) => unwatch::run(run, a, instance, work),
        Verb::Watch(a) => watch::run(run, a, instance, work),
    }
}

/// The value of a place; `None` unsets.
pub(crate) fn value(run: &Run, value: &ValueExpr, instance: Option<Seq>, work: Option<Seq>) -> Result<Option<Value>, Failure> {
    match value {
        ValueExpr::Literal(l) => Ok(l.get().cloned()),
        ValueExpr::Expr(e) => {
            let scope = run.scope(instance, work);
            let value = e.program().evaluate(&scope).map_err(|error| Failure::of_expression(e, &error, &scope))?;
            Ok(Some(value).filter(|v| v.as_text() != Some("")))
        }
    }
}

/// An action may not unset what another running process relies on.
fn relied_on(run: &Run, name: &str, instance: Option<Seq>) -> Result<(), Failure> {
    crate::decide::relied_on(run, name, instance).map_err(|r| Failure::new("relied_on", r.say("en")))
}

/// Everybody who is meant here.
fn people(run: &Run, whos: &Whos, instance: Option<Seq>, work: Option<Seq>) -> Result<Vec<String>, Failure> {
    who::people(whos, &run.scope(instance, work)).map_err(|e| Failure::new("expression", e.to_string()))
}

pub(crate) fn render(run: &Run, template: &Template, instance: Option<Seq>, work: Option<Seq>) -> Result<String, Failure> {
    let language = run.model.names.site.main_language();
    let failed = |message: String| Failure::new("template", message);
    template.render(language, language, &run.scope(instance, work)).map_err(failed)
}
