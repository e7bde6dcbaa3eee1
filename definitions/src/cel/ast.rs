//! The parsed expression.

use crate::decimal::Decimal;

#[derive(Debug, Clone)]
pub struct Ast {
    pub kind: Kind,
    /// Bytes in the expression's text.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    Text(String),
    Name(String),
    Select(Box<Ast>, String),
    Index(Box<Ast>, Box<Ast>),
    /// A call, with its receiver for `a.f(b)`.
    Call(Option<Box<Ast>>, String, Vec<Ast>),
    List(Vec<Ast>),
    Map(Vec<(Ast, Ast)>),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(Op, Box<Ast>, Box<Ast>),
    Condition(Box<Ast>, Box<Ast>, Box<Ast>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Op {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    /// How strongly it binds, after the CEL grammar.
    pub fn power(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::NotEqual | Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual | Self::In => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide | Self::Remainder => 5,
        }
    }
}
