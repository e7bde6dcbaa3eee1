//! The functions that expressions may call. The set is closed: each has its line in [`GROUPS`].

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
pub(super) mod duration;
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

use crate::cel::function::{Function, Group};

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

pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|f| f.name == name)
}
