//! The interface through which an expression reads its facts, and the errors of an evaluation.

use crate::calendar::WorkTime;
use crate::cel::value::Value;
use crate::source::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Nodes that one evaluation may visit.
pub const FUEL: u32 = 100_000;

/// Longest text or list that an evaluation may make.
pub const SIZE_MAX: usize = 100_000;

/// Where an expression finds its facts. `None` means: not set.
pub trait Scope {
    fn get(&self, path: &[Box<str>]) -> Option<Value>;
    fn now(&self) -> Timestamp;
    fn zone(&self) -> &TimeZone;
    /// False where there is nobody.
    fn has_role(&self, _role: &str) -> bool {
        false
    }
    /// A calendar by name, or the one that counts where none is named.
    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime>;
    /// A rule of a decision held, which stands there in the definitions.
    fn rule_held(&self, _at: Span) {}
    /// Is a work item of this activity under way in this instance? False where there is no instance.
    fn active(&self, _activity: &str) -> bool {
        false
    }
}

/// Why an evaluation gave no value. It becomes an incident, with the expression and its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("`{0}` is not set")]
    Unset(String),
    #[error("{0}")]
    Failed(String),
    /// A text that is none of the words that are wanted.
    #[error("no {what} is called `{text}`")]
    NotAWord { what: String, text: String },
    #[error("the expression costs more than {FUEL} steps")]
    OutOfFuel,
    #[error("the expression makes a value larger than {SIZE_MAX}")]
    TooLarge,
}
