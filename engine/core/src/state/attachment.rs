//! Files of articles and mails.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub name: String,
    pub content_type: String,
    pub size: u64,
    /// Hash of the content.
    pub blob: String,
}

/// The content of an attachment, stored once under its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blob {
    pub hash: String,
    /// Shared: large ones are not copied on their way.
    #[serde(skip)]
    pub bytes: Arc<Vec<u8>>,
}
