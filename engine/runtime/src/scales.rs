//! Limits of mail that is processed at the same time, and the interface that verifies its sender.

use crate::intake::incoming::Incoming;
use async_trait::async_trait;
use std::time::Duration;
use vorgang_core::intake::{Reason, Verdict};
use vorgang_core::mail::{Auth, Mail};

/// Bytes of mail that are in memory at the same time: whoever brings more waits.
const BUDGET: u32 = 96 * 1024;

/// What a mail costs while it is taken apart, in parts of its size.
const COST: u64 = 3;

/// How long a mail may take to be sorted and written, before it is put off.
pub const TIME_MAX: Duration = Duration::from_secs(60);

/// Looks who stands for a mail.
#[async_trait]
pub trait Verifier: Send + Sync + 'static {
    /// `mail` is the same mail, read: results are about its author, or say that the author is ambiguous.
    async fn verify(&self, raw: &[u8], mail: &Mail, incoming: &Incoming) -> Auth;
}

/// How much mail is in memory.
pub struct Scales(tokio::sync::Semaphore);

impl Default for Scales {
    fn default() -> Self {
        Self(tokio::sync::Semaphore::new(BUDGET as usize))
    }
}

impl Scales {
    /// Room for a mail of this size, in bytes, as long as what is given is kept. One that is larger than all there is gets
    /// all of it.
    pub async fn room(&self, size: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let kilobytes = (size * COST / 1024 + 1).min(BUDGET.into()) as u32;
        self.0.acquire_many(kilobytes).await.ok()
    }
}

/// A mail that was sorted, without anything done.
pub struct Tried {
    pub mail: Result<Mail, String>,
    pub reasons: Vec<Reason>,
    pub verdict: Option<Verdict>,
}
