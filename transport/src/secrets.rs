//! Passwords of mail accounts: from the environment, or from files that only the server reads. Never from a definition.

use std::fmt;
use std::path::PathBuf;

/// A password: it is not written into any log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where they lie.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// A folder with a file for each account.
    pub folder: Option<PathBuf>,
}

impl Secrets {
    /// `VORGANG_SECRET_NAME`, else the file `NAME` of the folder. Asked for each time: a new one counts at once.
    pub fn secret_of(&self, account: &str) -> Option<Secret> {
        let variable = format!("VORGANG_SECRET_{}", account.to_ascii_uppercase());
        if let Ok(secret) = std::env::var(variable) {
            return Some(Secret::new(secret));
        }
        // A name of a definition is never a way to another folder.
        let plain = account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let file = self.folder.as_ref().filter(|_| plain)?.join(account);
        std::fs::read_to_string(file).ok().map(|t| Secret::new(t.trim_end_matches(['\r', '\n'])))
    }
}
