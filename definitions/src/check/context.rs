//! The context of the checks: names, sources, and the list of findings.

use crate::cel::env::Env;
use crate::cel::expr::WrittenExpr;
use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::name::Name;
use crate::names::Names;
use crate::phase::Parts;
use crate::phase::Written;
use crate::source::Sources;
use crate::template::WrittenTemplate;
use crate::value_expr::WrittenLiteral;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What every check needs.
pub struct Cx<'a> {
    pub sources: &'a Sources,
    pub names: &'a Names<Written>,
    /// Processes of the site, for starts within processes.
    pub processes: &'a BTreeMap<String, Process<Written>>,
    /// Processes that actions start on tickets that are there already.
    pub started: &'a BTreeSet<String>,
    /// What is checked runs already: what is only useless in it is not told.
    pub running: bool,
    pub out: &'a mut Vec<Diagnostic>,
    /// The parts compiled so far. The first place that compiles a part decides.
    pub parts: &'a mut Parts,
}

impl Cx<'_> {
    pub fn push(&mut self, d: Diagnostic) {
        self.out.push(d);
    }

    /// Compiles an expression, and reports what is wrong with it.
    pub fn compile(&mut self, expr: &WrittenExpr, env: &Env, wanted: Option<&Ty>) -> Option<Arc<Program>> {
        let program = expr.check(env, wanted, self.sources, self.out)?;
        self.parts.programs.entry(expr.id).or_insert_with(|| program.clone());
        Some(program)
    }

    /// The program of an expression that was compiled without an error.
    pub fn compiled(&self, expr: &WrittenExpr) -> Option<&Program> {
        self.parts.programs.get(&expr.id).map(|p| &**p)
    }

    /// Compiles a text. Returns the optional paths that it reads because its place proves them set.
    pub fn compile_text(&mut self, template: &WrittenTemplate, env: &Env) -> BTreeSet<String> {
        let (translations, relies) = template.check(env, self.sources, self.out);
        self.parts.translations.entry(template.id).or_insert_with(|| Arc::new(translations));
        relies
    }

    /// Keeps the value of a literal in the type of its place; `None` unsets.
    pub fn convert(&mut self, literal: &WrittenLiteral, value: Option<Value>) {
        self.parts.values.entry(literal.id).or_insert(value);
    }

    /// Reports a name that nothing defines.
    pub fn unknown<'n>(&mut self, what: &str, name: &Name, known: impl IntoIterator<Item = &'n str>) {
        if self.names.lost.contains(name.as_str()) {
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let d = Diagnostic::error("unknown-name", name.span, format!("no {what} is called `{name}`"));
        let list = || known.iter().take(12).map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let d = if known.is_empty() {
            d
        } else {
            d.suggest_or(name, known.iter().copied(), name.span, self.sources, format!("known are {}", list()))
        };
        self.push(d);
    }
}
