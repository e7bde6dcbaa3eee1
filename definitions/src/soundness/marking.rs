//! A marking: the places of the tokens of an instance.

/// A token: in an activity, or with an arrow waiting at its join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub activity: &'a str,
    pub arrow: Option<&'a str>,
}

/// Where an instance is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marking<'a> {
    pub tokens: Vec<Token<'a>>,
    /// Joins with the arrows that have delivered in a round that has fired.
    pub delivered: Vec<(&'a str, &'a str)>,
}
