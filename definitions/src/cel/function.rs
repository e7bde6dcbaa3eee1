//! Functions that expressions may call: names, signatures, examples.

use crate::calendar::WorkTime;
use crate::cel::scope::Scope;
use crate::cel::types::Ty;
use crate::cel::value::Value;

/// The type of a parameter or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum P {
    Bool,
    Int,
    Decimal,
    Text,
    Date,
    Timestamp,
    Duration,
    /// A list of anything.
    List,
    Texts,
    Ints,
    /// A list of numbers.
    Numbers,
    /// A list of what has an order.
    Ordered,
    /// A list of lists.
    Lists,
    /// The element type of the list that is the first argument.
    Element,
    /// The type of the first argument.
    Same,
    Role,
    Calendar,
}

impl P {
    /// The type that stands in messages, and the one of a result where it does not depend on what is given.
    pub fn ty(self) -> Ty {
        match self {
            Self::Bool => Ty::Bool,
            Self::Int => Ty::Int,
            Self::Decimal => Ty::Decimal,
            Self::Text | Self::Role | Self::Calendar => Ty::Text,
            Self::Date => Ty::Date,
            Self::Timestamp => Ty::Timestamp,
            Self::Duration => Ty::Duration,
            Self::List | Self::Ordered => Ty::list(Ty::Any),
            Self::Texts => Ty::list(Ty::Text),
            Self::Ints => Ty::list(Ty::Int),
            Self::Numbers => Ty::list(Ty::Decimal),
            Self::Lists => Ty::list(Ty::list(Ty::Any)),
            Self::Element | Self::Same => Ty::Any,
        }
    }

    /// May a value of this type be given, where these come before it?
    fn takes(self, given: &Ty, first: Option<&Ty>) -> bool {
        match (self, given) {
            (Self::Ordered, Ty::List(of)) => of.is_ordered(),
            (Self::Element, given) => element(first).is_none_or(|of| given.fits(&of)),
            (p, given) => given.fits(&p.ty()),
        }
    }

    /// The type of a result, where the first of these was given.
    fn result(self, first: Option<&Ty>) -> Ty {
        match self {
            Self::Element => element(first).unwrap_or(Ty::Any),
            Self::Same => first.cloned().unwrap_or(Ty::Any),
            p => p.ty(),
        }
    }
}

/// The element type of a list.
fn element(list: Option<&Ty>) -> Option<Ty> {
    match list {
        Some(Ty::List(of)) => Some((**of).clone()),
        _ => None,
    }
}

/// One way to call a function; `a.f(b)` when `method`.
#[derive(Debug)]
pub struct Signature {
    pub method: bool,
    pub params: &'static [P],
    /// The last parameter may be given several times.
    pub repeats: bool,
    pub returns: P,
}

impl Signature {
    /// Can it be called with these? A method has what stands before the point as its first.
    pub fn takes(&self, method: bool, given: &[Ty]) -> bool {
        let Some(last) = self.params.last() else { return !method && given.is_empty() };
        let long = if self.repeats { given.len() >= self.params.len() } else { given.len() == self.params.len() };
        let params = self.params.iter().chain(std::iter::repeat(last));
        self.method == method && long && params.zip(given).all(|(p, t)| p.takes(t, given.first()))
    }

    /// As it is called, with types in the place of values.
    pub fn written(&self, name: &str) -> String {
        let mut params: Vec<String> = self.params.iter().map(|p| p.ty().to_string()).collect();
        params.extend(self.repeats.then(|| "…".to_owned()));
        if self.method { format!("{}.{name}({})", params[0], params[1..].join(", ")) } else { format!("{name}({})", params.join(", ")) }
    }

    /// The type of what it gives.
    pub fn result(&self, given: &[Ty]) -> Ty {
        self.returns.result(given.first())
    }
}

pub const fn function(params: &'static [P], returns: P) -> Signature {
    Signature { method: false, params, repeats: false, returns }
}

pub const fn method(params: &'static [P], returns: P) -> Signature {
    Signature { method: true, params, repeats: false, returns }
}

/// A function whose last parameter may be given several times.
pub const fn repeated(params: &'static [P], returns: P) -> Signature {
    Signature { method: false, params, repeats: true, returns }
}

#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub doc: &'static str,
    pub signatures: &'static [Signature],
    /// (expression, its value as text): shown in the docs and run as tests.
    pub examples: &'static [(&'static str, &'static str)],
    pub call: fn(&[Value], &dyn Scope) -> Result<Value, String>,
}

impl Function {
    /// How it is called, once for each signature.
    pub fn calls(&self) -> String {
        self.signatures.iter().map(|s| s.written(self.name)).collect::<Vec<_>>().join(", ")
    }
}

/// Functions for one purpose.
#[derive(Debug)]
pub struct Group {
    pub purpose: &'static str,
    pub functions: &'static [&'static Function],
}

/// The calendar that is named, or the one that counts where none is.
pub(crate) fn calendar<'a>(scope: &'a dyn Scope, name: Option<&str>) -> Result<&'a WorkTime, String> {
    scope.work_time(name).ok_or_else(|| "no calendar counts here: name one, or give the site its `calendar:`".into())
}

/// The error of an argument that the checker does not let through.
pub(crate) fn bad() -> String {
    "an argument does not have the type that was checked".into()
}
