//! A value in a definition: written plainly, or an expression behind `=` (C22).

use crate::cel::expr::WrittenExpr;
use crate::cel::value;
use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, PartId, Schemas};
use crate::phase::{Compile, Compiled, ExprOf, LiteralOf, Parts, Phase, Written};
use crate::source::Span;
use crate::yaml::{Node, Value};
use serde_json::json;

#[derive(Debug, Clone)]
pub enum ValueExpr<S: Phase = Compiled> {
    Literal(LiteralOf<S>),
    Expr(ExprOf<S>),
}

/// A plain value as its author wrote it. The checks turn it into the type of its place.
#[derive(Debug, Clone)]
pub struct WrittenLiteral {
    pub node: Node,
    pub id: PartId,
}

/// A plain value of the type of its place.
#[derive(Debug, Clone)]
pub struct Literal {
    text: String,
    value: Option<value::Value>,
}

impl Literal {
    /// `None` unsets.
    pub fn value(&self) -> Option<&value::Value> {
        self.value.as_ref()
    }

    /// As JSON writes it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Compile for WrittenLiteral {
    type Compiled = Literal;
    fn compile(self, parts: &Parts) -> Result<Literal, Span> {
        let value = parts.values.get(&self.id).cloned().ok_or(self.node.span)?;
        Ok(Literal { text: self.node.to_json().to_string(), value })
    }
}

impl Compile for ValueExpr<Written> {
    type Compiled = ValueExpr;
    fn compile(self, parts: &Parts) -> Result<ValueExpr, Span> {
        Ok(match self {
            Self::Literal(l) => ValueExpr::Literal(l.compile(parts)?),
            Self::Expr(e) => ValueExpr::Expr(e.compile(parts)?),
        })
    }
}

impl ValueExpr<Written> {
    pub fn span(&self) -> Span {
        match self {
            Self::Literal(l) => l.node.span,
            Self::Expr(e) => e.span,
        }
    }
}

impl<S: Phase> ValueExpr<S> {
    /// Written `null`, or as an empty text: it unsets.
    pub fn is_unset(&self) -> bool {
        matches!(self, Self::Literal(l) if S::unsets(l))
    }
}

impl Load for ValueExpr<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Value", |_| {
            json!({
                "description": "A value; a text that begins with `=` is an expression, `\\=` writes a text that begins so, null unsets.",
                "type": ["string", "integer", "number", "boolean", "array", "null"],
                "items": {"type": ["string", "integer", "number", "boolean"]}
            })
        })
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        if let Some(expr) = WrittenExpr::marked(node, cx) {
            return Some(Self::Expr(expr));
        }
        let node = match &node.value {
            Value::Text(t) if t.starts_with("\\=") => Node { span: node.span, value: Value::Text(t[1..].to_owned()) },
            Value::Map(_) => {
                cx.wrong_type(node, "a value");
                return None;
            }
            Value::List(items) if items.iter().any(|i| matches!(i.value, Value::List(_) | Value::Map(_) | Value::Null)) => {
                cx.wrong_type(node, "a value or a list of plain values");
                return None;
            }
            _ => node.clone(),
        };
        Some(Self::Literal(WrittenLiteral { node, id: cx.parts.new_id() }))
    }
}

/// A value that a person of a test enters. It may be one that a form refuses.
#[derive(Debug, Clone)]
pub enum Entered<S: Phase = Compiled> {
    Plain(Plain),
    Expr(ExprOf<S>),
}

impl Entered<Written> {
    pub fn span(&self) -> Span {
        match self {
            Self::Plain(plain) => plain.0.span,
            Self::Expr(e) => e.span,
        }
    }
}

impl Load for Entered<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        ValueExpr::schema(g)
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        ValueExpr::load(node, cx).map(|value| match value {
            ValueExpr::Literal(l) => Self::Plain(Plain(l.node)),
            ValueExpr::Expr(e) => Self::Expr(e),
        })
    }
}

impl Compile for Entered<Written> {
    type Compiled = Entered;
    fn compile(self, parts: &Parts) -> Result<Entered, Span> {
        Ok(match self {
            Self::Plain(plain) => Entered::Plain(plain),
            Self::Expr(e) => Entered::Expr(e.compile(parts)?),
        })
    }
}

/// A value that is written plainly, whatever its type.
#[derive(Debug, Clone)]
pub struct Plain(pub Node);

crate::plain!(Plain);

impl Plain {
    pub fn to_json(&self) -> serde_json::Value {
        self.0.to_json()
    }
}

impl Load for Plain {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("PlainValue", |_| {
            json!({
                "description": "A value, written plainly; `\\=` writes a text that begins with `=`, null is nothing.",
                "type": ["string", "integer", "number", "boolean", "array", "null"],
                "not": {"type": "string", "pattern": "^\\s*="},
                "items": {"type": ["string", "integer", "number", "boolean"]}
            })
        })
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match ValueExpr::load(node, cx)? {
            ValueExpr::Literal(l) => Some(Self(l.node)),
            ValueExpr::Expr(e) => {
                let d = Diagnostic::error("wrong-type", e.span, "expected a value that is written plainly, found an expression");
                cx.push(d.help("a text that begins with `=` is written `\\=`"));
                None
            }
        }
    }
}
