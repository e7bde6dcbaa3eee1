//! Errors of values of attributes and fields, and the limits of values.

/// Longest text of one line, and of several, in bytes.
pub const LINE_BYTES_MAX: usize = 1_000;
pub const MULTILINE_BYTES_MAX: usize = 60_000;

/// Largest file of a field or an article, in bytes.
pub const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Why a value cannot be taken; pages put it into words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("expected {0}")]
    WrongType(&'static str),
    #[error("`{0}` is not among the choices")]
    NotOffered(String),
    #[error("longer than {0} bytes")]
    TooLong(usize),
    #[error("more than {0} digits behind the point")]
    Scale(u8),
    #[error("too large")]
    TooLarge,
    #[error("must not have line breaks")]
    LineBreak,
}
