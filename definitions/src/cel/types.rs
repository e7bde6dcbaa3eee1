//! Types of expressions, and the environment in which an expression is checked.

use std::fmt;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub enum Ty {
    Bool,
    Int,
    Decimal,
    Text,
    /// A text that is one of a known set: states, queues, the outcomes of a step, a field's options.
    Word(Arc<WordSet>),
    /// A person's login.
    User,
    Date,
    Timestamp,
    Duration,
    List(Box<Ty>),
    Map(Box<Ty>),
    Object(Arc<ObjectTy>),
    /// The element of `[]`, and the result of what was already reported.
    Any,
}

/// A named set of words, so that a mistyped literal is found.
#[derive(Debug, Clone, PartialEq)]
pub struct WordSet {
    pub what: String,
    pub words: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ObjectTy {
    pub what: String,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub ty: Ty,
    /// May be absent: reading it wants a guard or a proof.
    pub optional: bool,
    pub doc: String,
}

impl ObjectTy {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|f| f.name.as_str())
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

impl Ty {
    pub fn word(what: &str, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Word(Arc::new(WordSet { what: what.to_owned(), words: words.into_iter().map(Into::into).collect() }))
    }

    pub fn object(what: &str, fields: Vec<Field>) -> Self {
        Self::Object(Arc::new(ObjectTy { what: what.into(), fields }))
    }

    pub fn list(of: Ty) -> Self {
        Self::List(Box::new(of))
    }

    /// Texts, words and logins are all texts at run time.
    pub fn is_textual(&self) -> bool {
        matches!(self, Self::Text | Self::Word(_) | Self::User | Self::Any)
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Decimal | Self::Any)
    }

    /// Its values have an order.
    pub fn is_ordered(&self) -> bool {
        matches!(self, Self::Bool | Self::Int | Self::Decimal | Self::Date | Self::Timestamp | Self::Duration) || self.is_textual()
    }

    /// May a value of this type stand where `wanted` is wanted?
    pub fn fits(&self, wanted: &Ty) -> bool {
        match (self, wanted) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Int, Self::Decimal) => true,
            (Self::Word(a), Self::Word(b)) => a.what == b.what || a.words.iter().all(|w| b.words.contains(w)),
            (Self::Word(_) | Self::User, Self::Text) => true,
            (Self::Object(o), Self::User | Self::Text) => o.what == "person",
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.fits(b),
            (a, b) => a == b,
        }
    }

    /// May the two meet in `==`?
    pub fn meets(&self, other: &Ty) -> bool {
        self.fits(other)
            || other.fits(self)
            || (self.is_textual() && other.is_textual() && !matches!((self, other), (Self::Word(_), Self::Word(_))))
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Decimal => f.write_str("decimal"),
            Self::Text => f.write_str("text"),
            Self::Word(w) => f.write_str(&w.what),
            Self::User => f.write_str("user"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(t) => write!(f, "list of {t}"),
            Self::Map(t) => write!(f, "map of {t}"),
            Self::Object(o) => f.write_str(&o.what),
            Self::Any => f.write_str("any"),
        }
    }
}

impl Default for WordSet {
    fn default() -> Self {
        Self { what: "name".into(), words: vec![] }
    }
}
