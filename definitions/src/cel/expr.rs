//! Expressions as they stand in definitions.

use crate::cel::code::Code;
use crate::cel::env::Env;
use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, PartId, Schemas};
use crate::source::{Sources, Span};
use crate::yaml::{self, Node, locate};
use serde_json::json;
use std::sync::Arc;

/// An expression as its author wrote it.
#[derive(Debug, Clone)]
pub struct WrittenExpr {
    pub text: String,
    pub span: Span,
    pub id: PartId,
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expr {
    text: String,
    span: Span,
    program: Arc<Program>,
}

impl Expr {
    /// As it was written, without the `=` before it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn span(&self) -> Span {
        self.span
    }

    pub fn program(&self) -> &Program {
        &self.program
    }
}

impl WrittenExpr {
    /// With its program.
    pub fn with(self, program: Arc<Program>) -> Expr {
        Expr { text: self.text, span: self.span, program }
    }

    /// Written with `=` before it, where a plain value could stand too.
    pub fn marked(node: &Node, cx: &mut Loader) -> Option<Self> {
        let yaml::Value::Text(text) = &node.value else { return None };
        let text = text.trim_start().strip_prefix('=')?.to_owned();
        Some(Self { text, span: node.span, id: cx.parts.new_id() })
    }

    /// Compiles and reports, each finding at its place inside the YAML string.
    pub fn check(&self, env: &Env, wanted: Option<&Ty>, sources: &Sources, out: &mut Vec<Diagnostic>) -> Option<Arc<Program>> {
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
                Some(Arc::new(program))
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

impl Load for WrittenExpr {
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
            yaml::Value::Text(t) if !t.is_empty() => Some(Self { text: t.clone(), span: node.span, id: cx.parts.new_id() }),
            yaml::Value::Bool(b) => Some(Self { text: b.to_string(), span: node.span, id: cx.parts.new_id() }),
            _ => {
                cx.wrong_type(node, "a condition");
                None
            }
        }
    }
}
