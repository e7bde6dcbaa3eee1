//! Notifications as they are kept and sent.

use crate::state::ids::{Login, NoticeId};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A notification to one person, already rendered in that person's language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub seq: NoticeId,
    pub name: String,
    pub to: Login,
    pub portal: bool,
    pub mail: bool,
    /// The mail account that it goes out from: the queue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The mail waits until then: the person's quiet hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The person may see the ticket; otherwise the definition names whom it tells without that.
    #[serde(default)]
    pub sees: bool,
    /// The one who is away, whose substitute is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Login>,
    /// Of one that comes at most once a day: the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    pub subject: String,
    pub body: String,
    pub at: Timestamp,
}
