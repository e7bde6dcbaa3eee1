//! How mail travels: out over SMTP, in over LMTP, SMTP, IMAP and POP3.

pub mod listener;
mod message;
pub mod post;
pub mod secrets;
pub mod smtp;

pub use post::Post;
pub use secrets::Secrets;
pub use smtp::{Config, ConfigError, Smtp};
