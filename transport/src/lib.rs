//! How mail travels: out over SMTP, in over LMTP, SMTP, IMAP and POP3.

pub mod fetch;
pub mod imap;
pub mod listener;
mod message;
pub mod oauth;
mod pool;
pub mod pop3;
pub mod post;
pub mod secrets;
pub mod smtp;
pub mod spool;
pub mod tls;
pub mod verify;

pub use post::Post;
pub use secrets::Secrets;
pub use smtp::{Config, ConfigError, Smtp};
