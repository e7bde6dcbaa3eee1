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

impl Ast {
    /// The expressions that it is made of, in the order written.
    pub fn parts(&self) -> Vec<&Ast> {
        match &self.kind {
            Kind::Bool(_) | Kind::Int(_) | Kind::Decimal(_) | Kind::Text(_) | Kind::Name(_) => vec![],
            Kind::Select(of, _) | Kind::Not(of) | Kind::Negate(of) => vec![of],
            Kind::Index(a, b) | Kind::Binary(_, a, b) => vec![a, b],
            Kind::Call(receiver, _, arguments) => receiver.iter().map(|r| &**r).chain(arguments).collect(),
            Kind::List(items) => items.iter().collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Kind::Condition(c, a, b) => vec![c, a, b],
        }
    }

    /// Calls `f` with it and everything in it.
    pub fn visit<'a>(&'a self, f: &mut impl FnMut(&'a Ast)) {
        f(self);
        self.parts().into_iter().for_each(|part| part.visit(f));
    }
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
