//! The functions that expressions may call. The set is closed: each has its line in [`GROUPS`].

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

mod abs;
mod add_business_time;
mod bool;
mod business_days;
mod business_time;
mod compare_versions;
mod contains;
mod date;
mod days;
mod decimal;
mod div;
mod duration;
mod ends_with;
mod extract;
pub(super) mod format;
mod get_date;
mod get_day_of_month;
mod get_day_of_week;
mod get_day_of_year;
mod get_full_year;
mod get_hours;
mod get_milliseconds;
mod get_minutes;
mod get_month;
mod get_seconds;
mod has_role;
mod hours;
mod int;
mod join;
mod lists;
mod lower;
mod matches;
mod maths;
mod minutes;
mod parts;
mod round;
mod size;
mod starts_with;
mod string;
mod texts;
mod timestamp;
mod today;
mod trim;
mod upper;

/// Every function, by what it is for; each group is sorted by name.
pub const GROUPS: &[Group] = &[
    Group {
        purpose: "Texts",
        functions: &[
            &texts::CHAR_AT,
            &compare_versions::FUNCTION,
            &contains::FUNCTION,
            &ends_with::FUNCTION,
            &extract::FUNCTION,
            &format::FORMAT,
            &texts::INDEX_OF,
            &join::FUNCTION,
            &texts::LAST_INDEX_OF,
            &lower::FUNCTION,
            &texts::LOWER_ASCII,
            &matches::FUNCTION,
            &texts::REPLACE,
            &texts::REVERSE,
            &size::FUNCTION,
            &texts::SPLIT,
            &starts_with::FUNCTION,
            &texts::QUOTE,
            &texts::SUBSTRING,
            &trim::FUNCTION,
            &upper::FUNCTION,
            &texts::UPPER_ASCII,
        ],
    },
    Group {
        purpose: "Lists",
        functions: &[
            &lists::DISTINCT,
            &lists::FIRST,
            &lists::FLATTEN,
            &lists::LAST,
            &lists::RANGE,
            &lists::MAX,
            &lists::MIN,
            &lists::SLICE,
            &lists::SORT,
            &lists::SUM,
        ],
    },
    Group {
        purpose: "Numbers",
        functions: &[
            &abs::FUNCTION,
            &div::FUNCTION,
            &maths::ABS,
            &maths::BIT_AND,
            &maths::BIT_NOT,
            &maths::BIT_OR,
            &maths::BIT_SHIFT_LEFT,
            &maths::BIT_SHIFT_RIGHT,
            &maths::BIT_XOR,
            &maths::CEIL,
            &maths::FLOOR,
            &lists::GREATEST,
            &lists::LEAST,
            &maths::ROUND,
            &maths::SIGN,
            &maths::TRUNC,
            &maths::POW,
            &round::FUNCTION,
            &maths::ROUND_UP,
        ],
    },
    Group {
        purpose: "Times",
        functions: &[
            &add_business_time::FUNCTION,
            &business_days::FUNCTION,
            &business_time::FUNCTION,
            &date::FUNCTION,
            &days::FUNCTION,
            &duration::FUNCTION,
            &get_date::FUNCTION,
            &get_day_of_month::FUNCTION,
            &get_day_of_week::FUNCTION,
            &get_day_of_year::FUNCTION,
            &get_full_year::FUNCTION,
            &get_hours::FUNCTION,
            &get_milliseconds::FUNCTION,
            &get_minutes::FUNCTION,
            &get_month::FUNCTION,
            &get_seconds::FUNCTION,
            &hours::FUNCTION,
            &minutes::FUNCTION,
            &timestamp::FUNCTION,
            &today::FUNCTION,
        ],
    },
    Group { purpose: "Conversions", functions: &[&bool::FUNCTION, &decimal::FUNCTION, &int::FUNCTION, &string::FUNCTION] },
    Group { purpose: "People", functions: &[&has_role::FUNCTION] },
];

/// Written by the checker, since what they take is no value: (purpose, name, doc).
pub const SPECIAL: &[(&str, &str, &str)] = &[
    ("Lists", "all", "[1, 2].all(x, x > 0): whether it holds for every element; all(i, x, …) with the place, or the key of a map."),
    ("Lists", "exists", "[1, 2].exists(x, x > 1): whether it holds for one; exists(i, x, …) with the place, or the key of a map."),
    (
        "Lists",
        "exists_one",
        "[1, 2].exists_one(x, x > 1): whether it holds for exactly one; existsOne(i, x, …) with the place, or the key of a map.",
    ),
    ("Lists", "filter", "[1, 2].filter(x, x > 1): the elements for which it holds."),
    ("Lists", "map", "[1, 2].map(x, x * 2): a list of what it makes of each; map(x, x > 1, x * 2) of those for which the first holds."),
    (
        "Lists",
        "transformList",
        "[1, 2].transformList(i, x, x + i): a list of what it makes of each, with the place, or the key of a map; a condition may stand before it.",
    ),
    ("Lists", "transformMap", "{'a': 1}.transformMap(k, x, x + 1): a map with the same keys; a condition may stand before it."),
    ("Values", "active", "active(\"approve\"): whether the activity is under way in this instance."),
    ("Values", "cel.bind", "cel.bind(x, ticket.fields.a + 1, x * x): a name for a value that is used several times."),
    ("Values", "default", "default(ticket.fields.x, 0): the field's value, or the other where it is unset."),
    ("Values", "done", "done(\"approve\"): whether the activity was completed. Behind `done(…) &&` its outcome can be read."),
    ("Values", "has", "has(ticket.fields.x): whether the field is set. Behind `has(…) &&` it can be read."),
    (
        "Conversions",
        "option",
        "option(text): the text as a word of the choice, queue, state or priority that is wanted here; a text that is none of its words is an error, with option(text, 'low') it is the other.",
    ),
];

/// Everything that can be called, by purpose: how, and what it does.
pub fn list() -> Vec<(&'static str, Vec<(String, String)>)> {
    let mut purposes: Vec<&str> = GROUPS.iter().map(|g| g.purpose).collect();
    purposes.extend(SPECIAL.iter().map(|(purpose, ..)| *purpose).filter(|p| !GROUPS.iter().any(|g| g.purpose == *p)));
    purposes.dedup();
    let of = |purpose: &str| {
        let functions = GROUPS.iter().filter(|g| g.purpose == purpose).flat_map(|g| g.functions);
        let functions = functions.map(|f| (f.name, f.calls(), f.doc.to_owned()));
        let special = SPECIAL.iter().filter(|(p, ..)| *p == purpose).map(|(_, name, doc)| {
            let (call, what) = doc.split_once(": ").unwrap_or((name, doc));
            let what = what.chars().next().map_or(String::new(), |c| c.to_uppercase().chain(what.chars().skip(1)).collect());
            (*name, call.to_owned(), what)
        });
        let mut all: Vec<(&str, String, String)> = functions.chain(special).collect();
        all.sort_by_key(|(name, ..)| name.to_lowercase());
        all.into_iter().map(|(_, calls, doc)| (calls, doc)).collect()
    };
    purposes.into_iter().map(|purpose| (purpose, of(purpose))).collect()
}

/// Every function.
pub fn all() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().flat_map(|g| g.functions).copied()
}

pub(super) use duration::length_of;

pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|f| f.name == name)
}

/// The calendar that is named, or the one that counts where none is.
pub(super) fn calendar<'a>(scope: &'a dyn Scope, name: Option<&str>) -> Result<&'a WorkTime, String> {
    scope.work_time(name).ok_or_else(|| "no calendar counts here: name one, or give the site its `calendar:`".into())
}

/// The error of an argument that the checker does not let through.
pub(super) fn bad() -> String {
    "an argument does not have the type that was checked".into()
}
