//! A value in a definition: written plainly, or an expression behind `=` (C22).

use crate::cel::expr::Expr;
use crate::cel::value;
use crate::load::{Load, Loader, Schemas};
use crate::source::Span;
use crate::yaml::{Node, Value};
use serde_json::json;
use std::sync::OnceLock;

#[derive(Debug, Clone)]
pub enum ValueExpr {
    Literal(Literal),
    Expr(Expr),
}

/// A plain value. The checker turns it into the type of its place.
#[derive(Debug, Clone)]
pub struct Literal {
    pub node: Node,
    pub value: OnceLock<Option<value::Value>>,
}

impl Literal {
    /// The converted value; `None` unsets.
    pub fn get(&self) -> Option<&value::Value> {
        self.value.get().expect("INVARIANT (compiled): a model holds converted literals only").as_ref()
    }
}

impl ValueExpr {
    pub fn span(&self) -> Span {
        match self {
            Self::Literal(l) => l.node.span,
            Self::Expr(e) => e.span,
        }
    }

    /// Written `null`: it unsets.
    pub fn is_unset(&self) -> bool {
        matches!(self, Self::Literal(l) if matches!(l.node.value, Value::Null) || matches!(&l.node.value, Value::Text(t) if t.is_empty()))
    }
}

impl Load for ValueExpr {
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
        if let Some(expr) = Expr::marked(node) {
            return Some(Self::Expr(expr));
        }
        match &node.value {
            Value::Text(t) if t.starts_with("\\=") => {
                let node = Node { span: node.span, value: Value::Text(t[1..].to_owned()) };
                Some(Self::Literal(Literal { node, value: OnceLock::new() }))
            }
            Value::Map(_) => {
                cx.wrong_type(node, "a value");
                None
            }
            Value::List(items) if items.iter().any(|i| matches!(i.value, Value::List(_) | Value::Map(_) | Value::Null)) => {
                cx.wrong_type(node, "a value or a list of plain values");
                None
            }
            _ => Some(Self::Literal(Literal { node: node.clone(), value: OnceLock::new() })),
        }
    }
}
