//! A mail on its way in.

use std::net::IpAddr;
use std::sync::Arc;
use vorgang_core::mail::Auth;
use vorgang_store::StoreError;

/// Largest mail that is kept at all, in bytes.
pub const KEPT_MAX: u64 = 150 * 1024 * 1024;

/// The bytes of a mail: a large one is not in memory before there is room for it.
#[derive(Debug)]
pub enum Raw {
    Memory(Vec<u8>),
    /// A file that nobody else has, and its length.
    File(std::fs::File, u64),
}

impl Raw {
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    pub(crate) async fn load(self) -> Result<Arc<Vec<u8>>, StoreError> {
        use std::io::{Read, Seek};
        let (mut file, size) = match self {
            Self::Memory(bytes) => return Ok(Arc::new(bytes)),
            Self::File(file, size) => (file, size),
        };
        let read = move || {
            let mut bytes = Vec::with_capacity(size as usize);
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            std::io::Result::Ok(bytes)
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        read.map(Arc::new).map_err(|e| StoreError::Unavailable(e.to_string()))
    }
}

/// How a mail came to the door.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// How it came, for people.
    pub door: String,
    /// The account whose mailbox it lay in, or whose name was given.
    pub account: Option<String>,
    /// The account is what the mail's own headers say: a mail of the log that is taken again.
    pub guessed: bool,
    /// Of the envelope.
    pub recipients: Vec<String>,
    pub return_path: Option<String>,
    /// The server that brought it, where it is not one of ours: its address, and what it calls itself.
    pub client: Option<(IpAddr, String)>,
    /// What was found about its sender.
    pub auth: Option<Auth>,
}

/// The same domain, or one below the other (relaxed alignment of RFC 7489, 3.1, without a list of public suffixes: nobody
/// signs for one).
pub fn related(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_end_matches('.').to_ascii_lowercase(), b.trim_end_matches('.').to_ascii_lowercase());
    let below = |a: &str, b: &str| b.contains('.') && a.strip_suffix(b).is_some_and(|rest| rest.ends_with('.'));
    !a.is_empty() && a.contains('.') && (a == b || below(&a, &b) || below(&b, &a))
}
