//! Ids of tickets, and of the parts of a ticket. All parts are counted by one counter, so that no two have the same number.

use serde::{Deserialize, Serialize};
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::num::ParseIntError;
use std::ops::Deref;
use std::str::FromStr;

/// The id of a ticket in the database. People read its number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub i64);

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(Cow<'static, str>);

            impl $name {
                pub const fn fixed(text: &'static str) -> Self {
                    Self(Cow::Borrowed(text))
                }

                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl Deref for $name {
                type Target = str;

                fn deref(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    Self(Cow::Owned(text.to_owned()))
                }
            }

            impl From<String> for $name {
                fn from(text: String) -> Self {
                    Self(Cow::Owned(text))
                }
            }

            impl From<$name> for String {
                fn from(id: $name) -> Self {
                    id.0.into_owned()
                }
            }

            impl From<$name> for serde_json::Value {
                fn from(id: $name) -> Self {
                    id.0.into()
                }
            }

            impl Borrow<str> for $name {
                fn borrow(&self) -> &str {
                    &self.0
                }
            }

            impl PartialEq<$name> for &$name {
                fn eq(&self, other: &$name) -> bool {
                    self.0 == other.0
                }
            }

            impl PartialEq<&$name> for $name {
                fn eq(&self, other: &&$name) -> bool {
                    self.0 == other.0
                }
            }

            impl PartialEq<&str> for $name {
                fn eq(&self, other: &&str) -> bool {
                    self.0 == *other
                }
            }

            impl PartialEq<str> for $name {
                fn eq(&self, other: &str) -> bool {
                    self.0 == other
                }
            }
        )*
    };
}

texts! {
    /// The name by which a person signs in, and the desk itself acts.
    Login
    /// The number of a ticket, as people read it.
    TicketNumber
}

/// A number that counts everything inside one ticket.
pub type Seq = u32;

/// An id that is taken from the counter of its ticket.
pub trait PartId {
    fn from_seq(seq: Seq) -> Self;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub Seq);

            impl PartId for $name {
                fn from_seq(seq: Seq) -> Self {
                    Self(seq)
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl FromStr for $name {
                type Err = ParseIntError;

                fn from_str(text: &str) -> Result<Self, ParseIntError> {
                    text.parse().map(Self)
                }
            }

            impl From<$name> for Seq {
                fn from(id: $name) -> Self {
                    id.0
                }
            }
        )*
    };
}

ids! {
    /// An article.
    ArticleId
    /// A program that runs for the ticket.
    CallId
    IncidentId
    /// A run of a process.
    InstanceId
    /// A message that an instance keeps until a handler waits for it.
    KeptId
    /// A mail that goes out.
    MailId
    /// A notification to one person.
    NoticeId
    TimerId
    /// A work item, the token of the net.
    WorkId
}
