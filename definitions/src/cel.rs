//! CEL: parsed, checked against a typed environment, and evaluated with exact decimals and fuel.

pub mod ast;
pub mod callable;
pub mod check;
pub mod eval;
pub mod functions;
pub mod parse;
pub mod types;
pub mod value;

#[cfg(test)]
mod tests;

use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, Schemas};
use crate::source::{Sources, Span};
use crate::yaml::{Node, locate};
use check::{Checked, Code};
use eval::{EvalError, Machine, Scope};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};
use types::{Env, Ty};
use value::Value;

/// A checked expression.
#[derive(Debug)]
pub struct Program {
    pub text: String,
    pub ty: Ty,
    /// Every path that it reads.
    pub reads: BTreeSet<String>,
    /// Optional paths that it reads because its place proves them set.
    pub relies: BTreeSet<String>,
    /// Paths that are set where it is true: `has(x) && …`.
    pub proves: BTreeSet<String>,
    code: Code,
}

impl Program {
    pub fn compile(text: &str, env: &Env) -> Result<Self, Vec<check::Finding>> {
        Self::compile_as(text, env, None)
    }

    /// As [`Program::compile`]; text literals are judged as words of the wanted type.
    pub fn compile_as(text: &str, env: &Env, wanted: Option<&Ty>) -> Result<Self, Vec<check::Finding>> {
        let ast = parse::parse(text).map_err(|e| {
            vec![check::Finding {
                code: "cel-syntax",
                start: e.start,
                end: e.end,
                message: e.message,
                help: e.help,
                about: None,
                meant: None,
            }]
        })?;
        let (code, ty, Checked { findings, reads, relies, proves }) = check::check(&ast, env, wanted);
        if findings.is_empty() { Ok(Self { text: text.to_owned(), ty, reads, relies, proves, code }) } else { Err(findings) }
    }

    pub(crate) fn code(&self) -> &Code {
        &self.code
    }

    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        Machine::new(scope).run(&self.code)
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

/// An expression as it stands in a definition. Compiled once, by the checker.
///
/// INVARIANT (compiled): every expression of a model that was handed out is compiled.
#[derive(Debug, Clone)]
pub struct Expr {
    pub text: String,
    pub span: Span,
    program: OnceLock<Arc<Program>>,
}

impl Expr {
    pub fn new(text: String, span: Span) -> Self {
        Self { text, span, program: OnceLock::new() }
    }

    /// Written with `=` before it, where a plain value could stand too.
    pub fn marked(node: &Node) -> Option<Self> {
        let crate::yaml::Value::Text(text) = &node.value else { return None };
        Some(Self::new(text.trim_start().strip_prefix('=')?.to_owned(), node.span))
    }

    pub fn program(&self) -> &Program {
        self.program.get().expect("INVARIANT (compiled): a model holds compiled expressions only")
    }

    /// The program, where the expression is without an error.
    pub fn compiled(&self) -> Option<&Program> {
        self.program.get().map(|p| &**p)
    }

    /// Compiles and reports, each finding at its place inside the YAML string.
    pub fn compile(&self, env: &Env, wanted: Option<&Ty>, sources: &Sources, out: &mut Vec<Diagnostic>) -> Option<Arc<Program>> {
        // `=` stands before the expression in the YAML, where it is a value.
        let lead = usize::from(sources.slice(self.span).trim_start_matches(['"', '\'']).starts_with('='));
        match Program::compile_as(&self.text, env, wanted) {
            Ok(mut program) => {
                if let Some(wanted @ Ty::Word(set)) = wanted
                    && env.from_outside
                    && program.ty == Ty::Text
                {
                    program.code = Code::Option(set.clone(), Box::new(program.code), None);
                    program.ty = wanted.clone();
                }
                if let Some(wanted) = wanted
                    && !program.ty.fits(wanted)
                {
                    out.push(Diagnostic::error("cel-type", self.span, format!("expected {wanted}, found {}", program.ty)));
                    return None;
                }
                let program = Arc::new(program);
                let _ = self.program.set(program.clone());
                Some(program)
            }
            Err(findings) => {
                for f in findings {
                    let raw = sources.slice(self.span);
                    let full = if lead == 1 { format!("={}", self.text) } else { self.text.clone() };
                    let at = |offset: usize| self.span.start as usize + locate(raw, &full, offset + lead);
                    let start = at(f.start);
                    let end = if f.end > f.start { at(f.end).max(start) } else { start };
                    let span = Span::new(self.span.file, start, end.min(self.span.end as usize).max(start));
                    let is_syntax = f.code == "cel-syntax";
                    let mut d = f.at(span, sources);
                    if is_syntax && sources.comment_behind(self.span).is_some() {
                        d = d.help("` #` begins a comment in YAML: quote the whole expression");
                    }
                    out.push(d);
                }
                None
            }
        }
    }
}

impl Load for Expr {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Expression", |_| {
            json!({
                "description": "A condition in CEL, without delimiters; its value is true or false.",
                "anyOf": [{"type": "string", "minLength": 1, "not": {"pattern": "^\\s*=([^=]|$)|\\{\\{"}}, {"type": "boolean"}],
                "examples": ["ticket.priority >= 4 && has(ticket.owner)"]
            })
        })
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            crate::yaml::Value::Text(t) if t.trim_start().starts_with('=') && !t.trim_start().starts_with("==") => {
                let d = Diagnostic::error("cel-syntax", node.span, "a condition is written without `=`");
                cx.push(d.help("`=` marks an expression only where a plain value could stand"));
                None
            }
            crate::yaml::Value::Text(t) if t.contains("{{") => {
                let d = Diagnostic::error("cel-syntax", node.span, "a condition is written without `{{ }}`");
                cx.push(d.help("for example `when: ticket.priority > 3`"));
                None
            }
            crate::yaml::Value::Text(t) if !t.is_empty() => Some(Self::new(t.clone(), node.span)),
            crate::yaml::Value::Bool(b) => Some(Self::new(b.to_string(), node.span)),
            _ => {
                cx.wrong_type(node, "a condition");
                None
            }
        }
    }
}

/// A regular expression of bounded size; compiled ones are kept, since definitions use few.
pub fn compile_regex(pattern: &str) -> Result<regex::Regex, String> {
    static CACHE: Mutex<BTreeMap<String, regex::Regex>> = Mutex::new(BTreeMap::new());
    let mut cache = CACHE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(regex) = cache.get(pattern) {
        return Ok(regex.clone());
    }
    let built = regex::RegexBuilder::new(pattern).size_limit(1 << 20).nest_limit(50).build();
    let regex = built.map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        _ => format!("`{pattern}` is not a regular expression"),
    })?;
    if cache.len() >= 256 {
        cache.clear();
    }
    cache.insert(pattern.to_owned(), regex.clone());
    Ok(regex)
}
