//! Which tickets a list may hold: a closed tree, an argument of every list of the store.

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
    Owner(String),
    NoOwner,
    /// The company.
    Customer(String),
    CustomerUser(String),
    /// An open work item is for one of these keys.
    Audience(Vec<String>),
    /// Words in number or title.
    Words(String),
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
