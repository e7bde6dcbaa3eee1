//! Expressions as they stand in definitions.

use crate::cel::code::Code;
use crate::cel::env::Env;
use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, Schemas};
use crate::source::{Sources, Span};
use crate::yaml::{self, Node, locate};
use serde_json::json;
use std::sync::{Arc, OnceLock};

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
        let yaml::Value::Text(text) = &node.value else { return None };
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
            yaml::Value::Text(t) if t.trim_start().starts_with('=') && !t.trim_start().starts_with("==") => {
                let d = Diagnostic::error("cel-syntax", node.span, "a condition is written without `=`");
                cx.push(d.help("`=` marks an expression only where a plain value could stand"));
                None
            }
            yaml::Value::Text(t) if t.contains("{{") => {
                let d = Diagnostic::error("cel-syntax", node.span, "a condition is written without `{{ }}`");
                cx.push(d.help("for example `when: ticket.priority > 3`"));
                None
            }
            yaml::Value::Text(t) if !t.is_empty() => Some(Self::new(t.clone(), node.span)),
            yaml::Value::Bool(b) => Some(Self::new(b.to_string(), node.span)),
            _ => {
                cx.wrong_type(node, "a condition");
                None
            }
        }
    }
}
