//! The person behind a request, and the access that a route requires.

use std::sync::Arc;
use vorgang_core::people::Person;

/// Whom a route lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// Pages for everybody with an account.
    SignedIn,
    Agent,
    Admin,
    /// The API: a bearer token, or a session with its token in `X-CSRF-Token`.
    Api,
    ApiAdmin,
}

impl Access {
    pub(crate) fn is_api(self) -> bool {
        matches!(self, Self::Api | Self::ApiAdmin)
    }
}

/// The person behind a request.
#[derive(Debug, Clone)]
pub struct Who {
    pub person: Arc<Person>,
    /// The session's token against forged forms; empty with a bearer token.
    pub csrf: String,
    pub session: Option<String>,
}
