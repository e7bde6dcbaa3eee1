//! What a site defines and expressions call by name: decisions and functions.

use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::hit_policy::{Collect, Hit};
use crate::source::Span;
use std::sync::Arc;

/// A function of the site, checked.
#[derive(Debug)]
pub struct Defined {
    pub name: String,
    pub parameters: Vec<(String, Ty)>,
    pub returns: Ty,
    pub body: Arc<Program>,
}

#[derive(Debug, Clone)]
pub enum Callable {
    Decision(Arc<Table>),
    Function(Arc<Defined>),
}

impl Callable {
    pub fn name(&self) -> &str {
        match self {
            Self::Decision(table) => &table.name,
            Self::Function(function) => &function.name,
        }
    }

    pub fn parameters(&self) -> &[(String, Ty)] {
        match self {
            Self::Decision(table) => &table.inputs,
            Self::Function(function) => &function.parameters,
        }
    }

    /// The type of its value.
    pub fn ty(&self) -> Ty {
        match self {
            Self::Decision(table) => table.ty(),
            Self::Function(function) => function.returns.clone(),
        }
    }
}

/// A checked table.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub inputs: Vec<(String, Ty)>,
    pub outputs: Vec<Output>,
    pub hit: Hit,
    pub collect: Option<Collect>,
    pub rules: Vec<Rule>,
    pub otherwise: Option<Vec<Answer>>,
}

#[derive(Debug)]
pub struct Output {
    pub name: String,
    pub ty: Ty,
    /// Its values, those of the highest priority first; empty where they are not listed.
    pub order: Vec<String>,
}

#[derive(Debug)]
pub struct Rule {
    pub at: Span,
    /// Without one it always holds.
    pub when: Option<Arc<Program>>,
    /// One for each output.
    pub then: Vec<Answer>,
}

/// What stands under an output.
#[derive(Debug)]
pub enum Answer {
    Plain(Value),
    Computed(Arc<Program>),
}
