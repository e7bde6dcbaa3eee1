//! The measures that were told last.

use std::time::Instant;

/// The figures that were told last.
#[derive(Default)]
pub struct Told(pub(crate) tokio::sync::Mutex<Option<(Instant, String)>>);
