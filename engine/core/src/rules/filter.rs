//! Which tickets a list may hold: a closed tree, an argument of every list of the store.

use crate::state::ids::Login;
use std::cmp::Ordering;
use vorgang_definitions::cel::ast::Op;

/// Every variant translates in full into each database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    All,
    None,
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Queue(Vec<String>),
    State(Vec<String>),
    Type(Vec<String>),
    /// Priorities by name.
    Priority(Vec<String>),
    Owner(Login),
    /// The company.
    Customer(String),
    CustomerUser(Login),
    /// An open work item is for one of these keys.
    Audience(Vec<String>),
    Responsible(Login),
    /// Its owner holds it.
    Lock,
    /// It has a value.
    Set(Column),
    Time {
        column: Column,
        compare: Compare,
        micros: i64,
    },
    /// An own field in stored form; one that is unset is neither equal nor unequal, except yes and no.
    Field {
        name: String,
        compare: Compare,
        value: serde_json::Value,
    },
    FieldSet(String),
    /// One of these tickets, by their ids.
    Among(Vec<i64>),
}

/// Attributes that may be unset, and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Owner,
    Responsible,
    Customer,
    CustomerUser,
    PendingUntil,
    Created,
    Updated,
}

impl Column {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "owner" => Self::Owner,
            "responsible" => Self::Responsible,
            "customer" => Self::Customer,
            "customer_user" => Self::CustomerUser,
            "pending_until" => Self::PendingUntil,
            "created" => Self::Created,
            "updated" => Self::Updated,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Compare {
    pub fn from_op(op: Op) -> Option<Self> {
        Some(match op {
            Op::Equal => Self::Equal,
            Op::NotEqual => Self::NotEqual,
            Op::Less => Self::Less,
            Op::LessEqual => Self::LessEqual,
            Op::Greater => Self::Greater,
            Op::GreaterEqual => Self::GreaterEqual,
            _ => return None,
        })
    }

    /// What holds where it does not, of two values that are there.
    pub fn denied(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterEqual,
            Self::LessEqual => Self::Greater,
            Self::Greater => Self::LessEqual,
            Self::GreaterEqual => Self::Less,
        }
    }

    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterEqual => order.is_ge(),
        }
    }

    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}

impl Filter {
    pub fn and(self, other: Filter) -> Filter {
        match (self, other) {
            (Self::All, f) | (f, Self::All) => f,
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::And(mut a), f) => {
                a.push(f);
                Self::And(a)
            }
            (a, b) => Self::And(vec![a, b]),
        }
    }

    pub fn or(filters: Vec<Filter>) -> Filter {
        let filters: Vec<Filter> = filters.into_iter().filter(|f| *f != Self::None).collect();
        if filters.contains(&Self::All) {
            return Self::All;
        }
        match filters.len() {
            0 => Self::None,
            1 => filters.into_iter().next().unwrap_or(Self::None),
            _ => Self::Or(filters),
        }
    }
}
