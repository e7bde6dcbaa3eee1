//! Values of a statement that is asked.

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use vorgang_core::ids::{ArticleId, CallId, TicketId, TimerId};

#[derive(Debug, Clone)]
pub enum Arg {
    Int(i64),
    IntOpt(Option<i64>),
    Bool(bool),
    Text(String),
    TextOpt(Option<String>),
    Bytes(Vec<u8>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

impl Arg {
    pub fn bind<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        match self {
            Self::Int(v) => query.bind(v),
            Self::IntOpt(v) => query.bind(v),
            Self::Bool(v) => query.bind(v),
            Self::Text(v) => query.bind(v),
            Self::TextOpt(v) => query.bind(v),
            Self::Bytes(v) => query.bind(v),
            Self::Ints(v) => query.bind(v),
            Self::Texts(v) => query.bind(v),
        }
    }
}

macro_rules! from {
    ($($from:ty => $of:ident, $with:expr;)*) => { $(
        impl From<$from> for Arg {
            fn from(value: $from) -> Self {
                Self::$of($with(value))
            }
        }
    )* };
}

from! {
    i64 => Int, |n| n;
    u32 => Int, i64::from;
    u64 => Int, |n| n as i64;
    ArticleId => Int, |id: ArticleId| i64::from(id.0);
    CallId => Int, |id: CallId| i64::from(id.0);
    TicketId => Int, |id: TicketId| id.0;
    TimerId => Int, |id: TimerId| i64::from(id.0);
    Option<i64> => IntOpt, |n| n;
    bool => Bool, |b| b;
    &str => Text, str::to_owned;
    &String => Text, String::clone;
    String => Text, |t| t;
    Option<String> => TextOpt, |t| t;
    Option<&str> => TextOpt, |t: Option<&str>| t.map(str::to_owned);
    &[u8; 32] => Bytes, |b: &[u8; 32]| b.to_vec();
    Vec<u8> => Bytes, |b| b;
    Vec<i64> => Ints, |v| v;
    Vec<String> => Texts, |v| v;
}

/// The arguments of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::arg::Arg::from($value)),*] };
}
pub(crate) use args;
