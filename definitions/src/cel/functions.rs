//! The functions that expressions may call. The set is closed: one file each, one line each in [`ALL`].

use super::eval::Scope;
use super::types::Ty;
use super::value::Value;
use crate::calendar::WorkTime;

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
    Role,
    Calendar,
}

impl P {
    pub fn ty(self) -> Ty {
        match self {
            Self::Bool => Ty::Bool,
            Self::Int => Ty::Int,
            Self::Decimal => Ty::Decimal,
            Self::Text | Self::Role | Self::Calendar => Ty::Text,
            Self::Date => Ty::Date,
            Self::Timestamp => Ty::Timestamp,
            Self::Duration => Ty::Duration,
            Self::List => Ty::list(Ty::Any),
            Self::Texts => Ty::list(Ty::Text),
        }
    }
}

/// One way to call a function; `a.f(b)` when `method`.
#[derive(Debug)]
pub struct Signature {
    pub method: bool,
    pub params: &'static [P],
    pub returns: P,
}

pub const fn function(params: &'static [P], returns: P) -> Signature {
    Signature { method: false, params, returns }
}

pub const fn method(params: &'static [P], returns: P) -> Signature {
    Signature { method: true, params, returns }
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

macro_rules! registry {
    ($($module:ident)*) => {
        $(mod $module;)*
        /// Sorted by name.
        pub const ALL: &[&Function] = &[$(&$module::FUNCTION),*];
    };
}

mod parts;

registry! {
    abs add_business_time business_time contains date days decimal div duration ends_with extract get_date get_day_of_month get_day_of_week get_day_of_year
    get_full_year get_hours get_milliseconds get_minutes get_month get_seconds has_role hours int join lower matches max min
    minutes round size starts_with string timestamp today trim upper
}

pub fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|f| f.name == name).copied()
}

/// The calendar that is named, or the one that counts where none is.
pub(super) fn calendar<'a>(scope: &'a dyn Scope, name: Option<&str>) -> Result<&'a WorkTime, String> {
    scope.work_time(name).ok_or_else(|| "no calendar counts here: name one, or give the site its `calendar:`".into())
}

/// The error of an argument that the checker does not let through.
pub(super) fn bad() -> String {
    "an argument does not have the type that was checked".into()
}
