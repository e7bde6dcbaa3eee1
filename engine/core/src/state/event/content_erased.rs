use crate::state::event_data::EventData;
use crate::state::ids::{ArticleId, Login};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The content of an article, or some of its files, was removed for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentErased {
    pub article: ArticleId,
    /// Subject and text as well as the files.
    pub whole: bool,
    /// Hashes of the files.
    pub files: Vec<String>,
    pub reason: String,
    pub by: Login,
    pub at: Timestamp,
    /// The erased pieces of the history: versions, each with the numbers of its pieces.
    pub pieces: Vec<(u64, Vec<u32>)>,
}

impl EventData for ContentErased {
    fn summary(&self, _names: &Names) -> String {
        let Self { article, reason, .. } = self;
        format!("content of article {article} is removed: {reason}")
    }
}
