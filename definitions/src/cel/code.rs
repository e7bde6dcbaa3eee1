//! The checked tree that is evaluated.

use crate::cel::ast::Op;
use crate::cel::callable::Callable;
use crate::cel::function::Function;
use crate::cel::types::WordSet;
use crate::cel::value::Value;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub enum Code {
    Const(Value),
    Path(Vec<Box<str>>),
    Local(usize),
    Has(Vec<Box<str>>),
    /// Of a part of an element.
    HasField(Box<Code>, String),
    DefaultField(Box<Code>, String, Box<Code>),
    Default(Vec<Box<str>>, Box<Code>),
    Active(String),
    Field(Box<Code>, String),
    Index(Box<Code>, Box<Code>),
    Not(Box<Code>),
    Negate(Box<Code>),
    Binary(Op, Box<Code>, Box<Code>),
    Condition(Box<Code>, Box<Code>, Box<Code>),
    List(Vec<Code>),
    Map(Vec<(String, Code)>),
    Call(&'static Function, Vec<Code>),
    /// A decision or a function of the site.
    Apply(Callable, Vec<Code>),
    /// A comprehension: the list, a condition on the element, and what is asked or made of it.
    Macro(Macro, Box<Code>, Option<Box<Code>>, Box<Code>),
    /// A value that has a name in what follows.
    Bind(Box<Code>, Box<Code>),
    /// A text as one of these words; otherwise the other.
    Option(Arc<WordSet>, Box<Code>, Option<Box<Code>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    /// A map with the same keys.
    MapValues,
}

/// A comprehension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Macro {
    pub question: Question,
    /// The place, or the key of a map, stands before the element.
    pub places: bool,
}

impl Question {
    /// The comprehension of this name with so many arguments, and whether one of them is a condition that comes before.
    pub fn find(name: &str, arguments: usize) -> Option<(Macro, bool)> {
        let (question, places, filtered) = match (name, arguments) {
            ("all", 2 | 3) => (Self::All, arguments == 3, false),
            ("exists", 2 | 3) => (Self::Exists, arguments == 3, false),
            ("exists_one" | "existsOne", 2 | 3) => (Self::ExistsOne, arguments == 3, false),
            ("filter", 2) => (Self::Filter, false, false),
            ("map", 2 | 3) => (Self::Map, false, arguments == 3),
            ("transformList", 3 | 4) => (Self::Map, true, arguments == 4),
            ("transformMap", 3 | 4) => (Self::MapValues, true, arguments == 4),
            _ => return None,
        };
        Some((Macro { question, places }, filtered))
    }
}
