//! Answers of the proof, and the faults that it finds.

use crate::counter_example::Step;
use std::fmt;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Sound,
    /// Each with the way that leads there: activities with what happens in them.
    Unsound(Vec<Fault>),
    /// Not within the limit.
    Undecided,
}

/// What is wrong, at an activity, and how it comes to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No way leads into it, though arrows do.
    NeverEntered { activity: String },
    /// Tokens wait there, and nothing more can come.
    Waits { activity: String, path: Vec<Step> },
    /// From here the end cannot be reached.
    NoEnd { activity: String, path: Vec<Step> },
    /// Tokens grow without end.
    Unbounded { activity: String, path: Vec<Step> },
    /// Every token that enters it is withdrawn before anything can happen there.
    Withdrawn { activity: String },
    /// A second token can come while one is there, and nothing says that this is meant.
    Second { activity: String, path: Vec<Step> },
}

impl Fault {
    pub fn activity(&self) -> &str {
        match self {
            Self::NeverEntered { activity }
            | Self::Withdrawn { activity }
            | Self::Waits { activity, .. }
            | Self::NoEnd { activity, .. }
            | Self::Unbounded { activity, .. }
            | Self::Second { activity, .. } => activity,
        }
    }

    /// The way that leads there.
    pub fn path(&self) -> &[Step] {
        match self {
            Self::NeverEntered { .. } | Self::Withdrawn { .. } => &[],
            Self::Waits { path, .. } | Self::NoEnd { path, .. } | Self::Unbounded { path, .. } | Self::Second { path, .. } => path,
        }
    }
}

/// A sentence with its counter-example.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let at = self.activity();
        match self {
            Self::NeverEntered { .. } => return write!(f, "`{at}` is never entered: what it waits for cannot come"),
            Self::Withdrawn { .. } => return write!(f, "every token that enters `{at}` is withdrawn before anything can happen there"),
            Self::Waits { .. } => write!(f, "a token can wait at `{at}` for ever: ")?,
            Self::NoEnd { .. } => write!(f, "from `{at}` the end cannot be reached: ")?,
            Self::Unbounded { .. } => write!(f, "tokens at `{at}` grow without end: ")?,
            Self::Second { .. } => write!(f, "a second token can enter `{at}` while one is there: ")?,
        }
        let path = self.path();
        if path.is_empty() {
            return f.write_str("at the start");
        }
        for (i, step) in path.iter().enumerate() {
            write!(f, "{} {step}", if i == 0 { "after" } else { "," })?;
        }
        Ok(())
    }
}

/// Limits of one exploration. They are counts, so that the answer does not depend on the machine.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// States.
    pub states: usize,
    /// Only one of the tokens that are independent of all others moves at a time.
    pub reduced: bool,
}
